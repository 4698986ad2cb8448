"""The four-fifths rule of thumb: impact ratios with their certainty."""

from __future__ import annotations

import numpy as np
import polars as pl

from fairaudit.audit.presets.decisions import Decisions, Float
from fairaudit.audit.presets.rules import Applied, Preset
from fairaudit.audit.presets.tallies import (
    Tally,
    silent_sentence,
    silent_table,
    tallies,
    unknown_sentence,
)
from fairaudit.data.non_answers import NonAnswers
from fairaudit.stats import intervals, two_rates

SMALL = 100  # up to so many people in both groups Boschloo's test is affordable and better


def four_fifths(
    preset: Preset, decided: Decisions, confidence: float, unknown: NonAnswers
) -> Applied:
    """Impact ratio of each group with interval, tests, shortfall and flip-flop count."""
    line = float(preset.parameters["threshold"])
    share = float(preset.parameters["minimum_share"])
    counted = tallies(decided, list(decided.groups), unknown)
    known = [t for t in counted if t.names]
    rate = pl.lit(decided.rate)
    tables = {
        t.attribute: _four_fifths_table(t, line, share, confidence).with_columns(rate_of=rate)
        for t in known
    }
    words = list(decided.notes)
    words += [w for name, table in tables.items() for w in _four_fifths_words(name, table)]
    words += [f"{t.attribute}: no row has a known group." for t in counted if not t.names]
    for t in counted:
        words += [unknown_sentence(t)] if t.silent else []
        words += silent_sentence(t)
    return Applied(preset, tables | silent_table(counted), (*words, *preset.not_set))


def _four_fifths_table(
    tally: Tally, line: float, minimum_share: float, confidence: float
) -> pl.DataFrame:
    enough = tally.n >= minimum_share * tally.n.sum()
    top = int(np.argmax(np.where(enough, tally.rate, -1.0)))
    other = np.arange(len(tally.names)) != top
    n, s, p = tally.n, tally.selected, tally.rate
    low, high = intervals.ratio_of_rates(p, n, p[top], n[top], confidence)
    ratio = p / p[top] if p[top] > 0 else np.full(len(p), np.nan)
    z, exact, test = _tests(tally, top)
    return pl.DataFrame(
        {
            "group": list(tally.names),
            "applicants": n.astype(np.int64),
            "selected": s.astype(np.int64),
            "rate": p,
            "impact_ratio": ratio,
            "low": np.where(other, low, np.nan),
            "high": np.where(other, high, np.nan),
            "z": z,
            "p": exact,
            "test": test,
            "below_four_fifths": ratio < line - 1e-9,  # .36 / .45 is .8, not below it
            "shortfall": [
                shortfall(int(s[i]), int(n[i]), float(p[top]), line) for i in range(len(n))
            ],
            "flip_flop": [
                flip_flop((int(s[i]), int(n[i])), (int(s[top]), int(n[top])), line)
                if i != top
                else None
                for i in range(len(n))
            ],
            "under_two_percent": ~enough,
        }
    ).with_columns(pl.col("impact_ratio", "low", "high", "z", "p").fill_nan(None))


def _tests(tally: Tally, top: int) -> tuple[Float, Float, list[str]]:
    """z of the pooled difference and an exact p against the top group; NaN for itself."""
    n, s = tally.n, tally.selected
    pooled = (s + s[top]) / (n + n[top])
    se = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n[top]))
    z = np.divide(tally.rate - tally.rate[top], se, out=np.full(len(n), np.nan), where=se > 0)
    p, _ = two_rates.two_sample_p(s, n, np.full(len(n), s[top]), np.full(len(n), n[top]))
    names = ["score test"] * len(n)
    for i in range(len(n)):
        if i != top and max(n[i], n[top]) <= SMALL:
            p[i] = two_rates.boschloo(int(s[i]), int(n[i]), int(s[top]), int(n[top]))
            names[i] = "Boschloo"
        elif i != top:
            p[i], names[i] = _fisher(s, n, i, top), "Fisher"
    z[top], p[top], names[top] = np.nan, np.nan, "reference"
    return z, p, names


def _fisher(s: Float, n: Float, i: int, top: int) -> float:
    from scipy import stats

    table = np.array([[s[i], n[i] - s[i]], [s[top], n[top] - s[top]]]).astype(int)
    return float(stats.fisher_exact(table).pvalue)


def shortfall(selected: int, n: int, top_rate: float, line: float) -> int:
    """How many more selections bring the group to `line` times the top rate."""
    needed = int(np.ceil(line * top_rate * n - 1e-9))
    return max(needed - selected, 0)


def flip_flop(group: tuple[int, int], top: tuple[int, int], line: float) -> int | None:
    """Fewest selections moved between the two groups that change the answer.

    Both pairs are (selected, n). None when no move does.
    """
    (s, n), (t, m) = group, top
    below = s * m < line * t * n - 1e-9
    for k in range(1, max(s, t, n - s) + 1):
        a, b = (s + k, t - k) if below else (s - k, t + k)
        if not (0 <= a <= n and 0 <= b <= m):
            return None
        if (a * m < line * b * n - 1e-9) != below:
            return k
    return None


def _four_fifths_words(attribute: str, table: pl.DataFrame) -> list[str]:
    words = []
    for row in table.filter(pl.col("test") != "reference").iter_rows(named=True):
        if row["impact_ratio"] is None:
            continue
        side = "below" if row["below_four_fifths"] else "at or above"
        text = (
            f"{attribute}: the {row['rate_of']} of {row['group']} is "
            f"{100 * row['impact_ratio']:.1f}% of the highest "
            f"(interval {100 * row['low']:.1f}% to {100 * row['high']:.1f}%), "
            f"{side} four fifths as a rule of thumb; {row['test']} p = {row['p']:.3f}."
        )
        if row["flip_flop"] is not None:
            text += f" Moving {row['flip_flop']} selections would change the finding."
        words.append(text)
    return words
