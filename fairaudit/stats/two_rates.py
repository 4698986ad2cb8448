"""Two independent proportions: tests of equality, and the difference that they can show."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from fairaudit.stats import intervals

Float = NDArray[np.float64]

SMALL_CELL = 5.0  # below it, an expected count calls for Fisher's exact test
EXACT_ROWS = 200  # up to so many rows of a group, power is that of the test itself
QUANTILES = 9  # counts of the other rows that power is averaged over
GAPS = 30  # differences tried at a time
MOST_ROWS = float(2**30)
TIE = 1e-7  # relative: tables as likely as the one seen count as extreme as it (scipy's rule)


def two_sample_p(x1: Float, n1: Float, x2: Float, n2: Float) -> tuple[Float, NDArray[np.bool_]]:
    """p of equal proportions: Fisher's exact where an expected count is below 5, else score z.

    Parameters
    ----------
    x1, n1, x2, n2 : (J,) successes and rows of the two sides

    Returns
    -------
    p (J,), NaN where a side has no rows, and where Fisher's test was taken (J,)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (x1 + x2) / (n1 + n2)
        se = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
        z = np.where(se > 0, np.abs(x1 / n1 - x2 / n2) / np.where(se > 0, se, 1.0), 0.0)
    p = 2 * special.ndtr(-z)
    least = np.minimum(n1, n2) * np.minimum(pooled, 1 - pooled)
    small = (least < SMALL_CELL) & (n1 > 0) & (n2 > 0)
    if small.any():
        p[small] = fisher(*(np.round(v[small]) for v in (x1, n1, x2, n2)))
    return np.where((n1 > 0) & (n2 > 0), p, np.nan), small


def fisher(x1: Float, n1: Float, x2: Float, n2: Float) -> Float:
    """Two-sided p (J,) of Fisher's exact test for whole counts.

    The sum of the probabilities of all tables with the same totals that are not more likely. The
    smaller side is walked through.
    """
    swap = n2 < n1
    x1, n1, x2, n2 = (
        np.where(swap, x2, x1),
        np.where(swap, n2, n1),
        np.where(swap, x1, x2),
        np.where(swap, n1, n2),
    )
    total = x1 + x2
    k = np.arange(float(min(n1.max(initial=0), total.max(initial=0))) + 1)
    low, high = np.maximum(total - n2, 0.0)[:, None], np.minimum(n1, total)[:, None]
    inside = (k >= low) & (k <= high)
    at = np.clip(k, low, high)
    law = _log_choose(n1[:, None], at) + _log_choose(n2[:, None], total[:, None] - at)
    law = np.exp(law - _log_choose(n1 + n2, total)[:, None]) * inside
    seen = law[np.arange(len(x1)), x1.astype(np.int64)][:, None]
    return np.asarray(np.minimum((law * (law <= seen * (1 + TIE))).sum(axis=1), 1.0))


def _log_choose(n: Float, k: Float) -> Float:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def boschloo(x1: int, n1: int, x2: int, n2: int) -> float:
    """Boschloo's exact test, uniformly more powerful than Fisher's; for single small tables."""
    table = np.array([[x1, x2], [n1 - x1, n2 - x2]])
    return float(stats.boschloo_exact(table).pvalue)


# -- what could be seen at all ------------------------------------------------------------------


def detectable_gap(p: Float, n1: Float, n2: Float, confidence: float, power: float = 0.8) -> Float:
    """Smallest difference (J,) from p, towards 1/2, that n1 rows against n2 show with `power`.

    Up to 200 rows of a group the power is that of `two_sample_p` itself; beyond, that of the
    normal test with the two sides' own variances. NaN where no difference is large enough.
    """
    known = (n1 > 0) & (n2 > 0) & ~np.isnan(p)
    out = np.full(len(p), np.nan)
    for j in np.flatnonzero(known):
        out[j] = _smallest_gap(float(p[j]), round(n1[j]), round(n2[j]), confidence, power)
    return out


@lru_cache(maxsize=4096)
def _smallest_gap(p: float, n1: int, n2: int, confidence: float, power: float) -> float:
    if n1 < 1 or n2 < 1:
        return float("nan")
    room, side = max(p, 1 - p), 1.0 if p < 0.5 else -1.0
    if n1 <= EXACT_ROWS:
        x1, rejects = _rejections(p, n1, n2, confidence)

        def reached(gaps: Float) -> Float:
            return np.asarray(stats.binom.pmf(x1, n1, (p + side * gaps)[:, None]) @ rejects)
    else:

        def reached(gaps: Float) -> Float:
            return _normal_power(p + side * gaps, p, float(n1), float(n2), confidence)

    low, high = 0.0, room
    for _ in range(2):  # a coarse grid, then a fine one inside its cell
        gaps = np.linspace(low, high, GAPS + 1)[1:]
        short = np.flatnonzero(reached(gaps) < power)  # enough from after the last of these on
        first = int(short.max(initial=-1)) + 1
        if first == len(gaps):
            return float("nan") if high == room else high
        low, high = (gaps[first - 1] if first else low), gaps[first]
    return float(high)


def _rejections(p: float, n1: int, n2: int, confidence: float) -> tuple[Float, Float]:
    """Counts x1 (n1 + 1,) and how often the test rejects with them, over counts of the others."""
    x1 = np.arange(n1 + 1.0)
    middle = (np.arange(QUANTILES) + 0.5) / QUANTILES
    x2 = stats.binom.ppf(middle, n2, p)
    first, second = (v.ravel() for v in np.meshgrid(x1, x2, indexing="ij"))
    sizes = np.full(len(first), float(n1)), np.full(len(first), float(n2))
    pvalue, _ = two_sample_p(first, sizes[0], second, sizes[1])
    rejects = (pvalue <= 1 - confidence).reshape(len(x1), len(x2)).mean(axis=1)
    return x1, np.asarray(rejects)


def _normal_power(
    there: Float, p: Float | float, n1: Float | float, n2: Float | float, confidence: float
) -> Float:
    """Chance (J,) that the score test rejects when the group's rate is `there` and the others' p.

    By the normal law, each side with its own variance.
    """
    pooled = (n1 * there + n2 * p) / (n1 + n2)
    null = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    own = np.sqrt(there * (1 - there) / n1 + p * (1 - p) / n2)
    reach = np.abs(there - p) - intervals.quantile(confidence) * null
    return np.asarray(special.ndtr(reach / np.maximum(own, 1e-12)))


def rows_for_gap(p: Float, gap: float, n2: Float, confidence: float, power: float = 0.8) -> Float:
    """Rows n1 (J,) that show a difference `gap`, towards 1/2, against n2 others with `power`.

    By the normal law with each side's own variance; NaN where no number of rows is enough.
    """
    there = np.where(p < 0.5, p + gap, p - gap)
    known = (n2 > 0) & ~np.isnan(p)
    others = np.where(known, n2, 1.0)

    def enough(n1: Float) -> NDArray[np.bool_]:
        return _normal_power(there, p, n1, others, confidence) >= power

    low, high = np.ones(len(p)), np.full(len(p), MOST_ROWS)
    possible = known & enough(high)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        reached = enough(middle)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(possible, high, np.nan)
