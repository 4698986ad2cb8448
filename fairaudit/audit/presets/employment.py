"""Selection rates and impact ratios: New York's Local Law 144 and the four-fifths rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.presets.rules import Applied, Preset
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.group_codes import Grouping, cross, encode
from fairaudit.inputs.labels import MISSING, cell_parts
from fairaudit.inputs.read import read_column, read_numbers
from fairaudit.stats import intervals, metric_definitions, two_rates

Float = NDArray[np.float64]

UNKNOWN = frozenset(
    {
        MISSING,
        "",
        "?",
        "unknown",
        "not known",
        "not disclosed",
        "not specified",
        "decline to state",
        "declined to state",
        "prefer not to say",
        "n/a",
        "na",
    }
)
NOT_FLAGGED = "rate of not being flagged"
SMALL = 100  # up to so many people in both groups Boschloo's test is affordable and better
SEX = ("sex", "gender")
RACE = ("race", "ethnic")


@dataclass(frozen=True)
class Decisions:
    """Who was selected, or scored above the median of all rows.

    Attributes
    ----------
    selected : (n,) bool
    groups : attribute to (n,) labels
    rate : "selection rate", "scoring rate" or "rate of not being flagged"
    note : what is said of the rate where somebody could take it for another, "" otherwise
    """

    selected: NDArray[np.bool_]
    groups: Mapping[str, Any]
    rate: str
    note: str = ""

    def favourable(self, preset: Preset, facts: Mapping[str, Any]) -> Decisions:
        """The decisions that are good for a person, by what the outcome means.

        Parameters
        ----------
        preset : the rule
        facts : `summary["outcome"]` of the audit; empty where selections were given as such

        Raises
        ------
        SpecError
            When the positive class is neither good nor bad: no ratio of it has an impact.
        """
        meaning, positive = facts.get("meaning", "good"), facts.get("positive")
        label = "selected" if positive is None else f"'{positive}'"
        if meaning == "bad":
            note = (
                f"Being {label} is bad for a person, so the rates and ratios count those who "
                "were not flagged."
            )
            return replace(self, selected=~self.selected, rate=NOT_FLAGGED, note=note)
        if meaning == "good":
            return self
        if not facts.get("guessed_meaning"):
            raise no_impact(preset.name, positive)
        note = (
            f"Nothing says what {label} means for a person; the rule is about selections, so "
            "being selected counts as good."
        )
        return replace(self, note=note)


def decisions(
    preset: Preset,
    selected: Any,
    score: Any,
    groups: Mapping[str, Any] | None,
    result: AuditResult | None,
    model: str | None,
    roles: ColumnRoles | None = None,
) -> Decisions:
    """Selections and groups, as given or else from a stored audit.

    Raises
    ------
    SpecError
        When there is neither a selection, nor a score, nor a result to take them from.
    """
    if result is not None and selected is None and score is None:
        return _stored(preset, result, model, roles)
    if groups is None or (selected is None and score is None):
        raise SpecError(
            f"preset '{preset.name}' needs who was selected (or a score) and the groups; "
            "pass selected= or score=, and groups="
        )
    if selected is not None:
        found = Decisions(_binary(selected), groups, "selection rate")
    else:
        found = _above_median(read_numbers(score, "score="), groups)
    for name, values in groups.items():
        read_column(values, f"column '{name}'", len(found.selected), "the selection")
    return found


def _above_median(score: Float, groups: Mapping[str, Any]) -> Decisions:
    if not len(score):
        raise InputError("there are no people to audit; pass their scores")
    return Decisions(score > np.median(score), groups, "scoring rate")


def _binary(selected: Any) -> NDArray[np.bool_]:
    found = read_numbers(selected, "selected=")
    if not np.isin(found, (0, 1)).all():
        raise InputError(
            f"selected must be 0 or 1, it holds {np.unique(found)[:3].tolist()}; code it or pass "
            "score="
        )
    return found.astype(bool)


def _stored(
    preset: Preset, result: AuditResult, model: str | None, roles: ColumnRoles | None
) -> Decisions:
    """Answers of a stored system; where it only scores and the rule knows a scoring rate, that."""
    answers, people = result.tables.get("predictions"), result.tables.get("people")
    if answers is None or people is None or answers.is_empty():
        raise SpecError("this result stores no predictions by row; run the audit again")
    name = model or str(answers["model"][0])
    rows = answers.filter(pl.col("model") == name).join(people, on=["row", "split"])
    if rows.is_empty():
        raise SpecError(f"this result stores no predictions of '{name}'; choose another model")
    groups = {c: rows[c] for c in people.columns if c not in ("row", "split", "cluster")}
    if preset.name == "nyc-ll144" and roles is not None and scores_alone(roles, name):
        return _above_median(rows["score"].to_numpy(), groups)
    return Decisions(rows["label"].to_numpy() == 1, groups, "selection rate")


def scores_alone(roles: ColumnRoles, name: str) -> bool:
    """Whether a system gives scores without decisions and without a cut."""
    return name in roles.scores and name not in (*roles.predictions, *roles.cuts)


def no_impact(name: str, positive: str | None) -> SpecError:
    """The refusal of a ratio of who was favoured where nobody is."""
    label = "being selected" if positive is None else f"'{positive}'"
    return SpecError(
        f"preset '{name}' compares who was favoured, and {label} is neither good nor bad for a "
        "person; say what it means (--meaning good or bad), or use no preset"
    )


# -- counting -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tally:
    """People and selections by category; people of unknown category counted apart."""

    attribute: str
    names: tuple[str, ...]
    n: Float
    selected: Float
    unknown: int

    @property
    def rate(self) -> Float:
        """(G,) selected over n; categories exist, so n > 0."""
        return self.selected / self.n


def _tally(grouping: Grouping, selected: NDArray[np.bool_]) -> _Tally:
    G = len(grouping.names)
    n = np.bincount(grouping.codes, minlength=G).astype(np.float64)
    hits = np.bincount(grouping.codes, weights=selected, minlength=G).astype(np.float64)
    lost = np.array([_unknown(name) for name in grouping.names], dtype=bool)
    return _Tally(
        grouping.attribute,
        tuple(x for x, gone in zip(grouping.names, lost, strict=True) if not gone),
        n[~lost],
        hits[~lost],
        int(n[lost].sum()),
    )


def _unknown(name: str) -> bool:
    return any(part.strip().lower() in UNKNOWN for part in cell_parts(name))


def _groupings(groups: Mapping[str, Any]) -> list[Grouping]:
    return [Grouping(name, *encode(values, name)) for name, values in groups.items()]


# -- New York City Local Law 144 ----------------------------------------------------------------


def nyc_ll144(
    preset: Preset,
    decided: Decisions,
    confidence: float,
    leave_out_reason: str,
    attributes: Sequence[str],
) -> Applied:
    """Three tables of rates and impact ratios; no line is drawn anywhere."""
    sex, race = _sex_and_race(decided.groups, attributes)
    pair = _groupings({sex: decided.groups[sex], race: decided.groups[race]})
    floor = float(preset.parameters["leave_out_below"]) if leave_out_reason else 0.0
    tallies = [_tally(g, decided.selected) for g in (*pair, cross(pair))]
    tables = {
        name: _ll144_table(tally, floor, len(decided.selected), confidence).with_columns(
            rate_of=pl.lit(decided.rate)
        )
        for name, tally in zip(("sex", "race", "sex_by_race"), tallies, strict=True)
    }
    return Applied(
        preset, tables, _ll144_words(preset, tallies, tables, decided, leave_out_reason)
    )


def _sex_and_race(groups: Mapping[str, Any], named: Sequence[str]) -> tuple[str, str]:
    if named:
        sex, race = named
        missing = [c for c in (sex, race) if c not in groups]
        if missing:
            raise SpecError(
                f"column '{missing[0]}' is not among the groups; they are {', '.join(groups)}"
            )
        return sex, race
    found = [
        next((c for c in groups if any(w in c.lower() for w in ws)), "") for ws in (SEX, RACE)
    ]
    if not all(found):
        raise SpecError(
            "Local Law 144 asks for sex and race/ethnicity; no column name tells which they are "
            f"among {', '.join(groups)}; pass attributes=(sex column, race column)"
        )
    return found[0], found[1]


def _ll144_table(tally: _Tally, floor: float, total: int, confidence: float) -> pl.DataFrame:
    left_out = tally.n < floor * total
    used = tally.rate[~left_out]
    top = np.full(len(left_out), used.max() if used.size else np.nan)
    ratio = np.where(left_out, np.nan, metric_definitions.ratio(tally.rate, top))
    low, high = intervals.wilson(tally.rate, tally.n, confidence)
    return pl.DataFrame(
        {
            "category": list(tally.names),
            "applicants": tally.n.astype(np.int64),
            "selected": tally.selected.astype(np.int64),
            "rate": tally.rate,
            "impact_ratio": ratio,
            "left_out": left_out,
            "rate_low": low,
            "rate_high": high,
        }
    ).with_columns(pl.col("impact_ratio").fill_nan(None))


def _ll144_words(
    preset: Preset,
    tallies: Sequence[_Tally],
    tables: Mapping[str, pl.DataFrame],
    decided: Decisions,
    reason: str,
) -> tuple[str, ...]:
    words = []
    for tally, table in zip(tallies, tables.values(), strict=True):
        kept = table.drop_nulls("impact_ratio")
        if kept.is_empty():
            words += [f"{tally.attribute}: no impact ratio exists.", _unknown_words(tally)]
            continue
        least = kept.sort("impact_ratio").row(0, named=True)
        words.append(
            f"{tally.attribute}: the lowest impact ratio is {least['impact_ratio']:.3f} "
            f"({least['category']}, {decided.rate} {100 * least['rate']:.1f}%)."
        )
        words.append(_unknown_words(tally))
        gone = table.filter(pl.col("left_out"))["category"].to_list()
        if gone:
            words.append(f"Left out of the ratios, under 2%: {', '.join(gone)}. Reason: {reason}")
    return (*_noted(decided), *words, *preset.not_set)


def _noted(decided: Decisions) -> list[str]:
    return [decided.note] if decided.note else []


def _unknown_words(tally: _Tally) -> str:
    return f"{tally.unknown} people of unknown {tally.attribute} are not in the table."


# -- four fifths --------------------------------------------------------------------------------


def four_fifths(preset: Preset, decided: Decisions, confidence: float) -> Applied:
    """Impact ratio of each group with interval, tests, shortfall and flip-flop count."""
    line = float(preset.parameters["threshold"])
    share = float(preset.parameters["minimum_share"])
    tallies = [_tally(g, decided.selected) for g in _groupings(decided.groups)]
    known = [t for t in tallies if t.names]
    rate = pl.lit(decided.rate)
    tables = {
        t.attribute: _four_fifths_table(t, line, share, confidence).with_columns(rate_of=rate)
        for t in known
    }
    words = _noted(decided)
    words += [w for name, table in tables.items() for w in _four_fifths_words(name, table)]
    words += [f"{t.attribute}: no row has a known group." for t in tallies if not t.names]
    return Applied(preset, tables, (*words, *preset.not_set))


def _four_fifths_table(
    tally: _Tally, line: float, minimum_share: float, confidence: float
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


def _tests(tally: _Tally, top: int) -> tuple[Float, Float, list[str]]:
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
