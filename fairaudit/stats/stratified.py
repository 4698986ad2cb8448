"""Two groups compared within strata: the common difference and odds ratio of Mantel and Haenszel.

Each stratum k is a table of two groups: x1 of n1 rows and x0 of n0 rows have the event. Strata
are combined with the weights n1 n0 / (n1 + n0) (Mantel & Haenszel 1959), which stay good where
strata are many and small. Sums of weights take the place of counts of weighted rows; weights and
clusters multiply the variances by the design effect of the common difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from fairaudit.stats import intervals

Float = NDArray[np.float64]
Interval = tuple[float, float, float]

UNKNOWN: Interval = (float("nan"), float("nan"), float("nan"))
LEAST_EXPECTED = 5.0  # distance of the expected count from its bounds (Mantel & Fleiss 1980)
TIE = 1e-7  # relative: sums as likely as the one seen count as extreme as it
EXACT = "Mantel–Haenszel, exact test"
NORMAL = "Mantel–Haenszel, Cochran's test"


@dataclass(frozen=True)
class Strata:
    """Events and rows of two groups in K strata; each group has rows in every stratum.

    Attributes
    ----------
    x1, n1 : (K,) events and rows of the group
    x0, n0 : (K,) of the reference group
    inflation : design effect of the common difference; None where rows count once and apart
    freedom : degrees of freedom where the error comes from few clusters; None for many units
    unit : (K,) sum of squared weights over sum of weights, 1 where rows are not weighted
    """

    x1: Float
    n1: Float
    x0: Float
    n0: Float
    inflation: float | None = None
    freedom: float | None = None
    unit: Float | float = 1.0

    @property
    def weight(self) -> Float:
        """(K,) Mantel and Haenszel's weights."""
        return self.n1 * self.n0 / (self.n1 + self.n0)

    @property
    def effect(self) -> float:
        """Factor on the variances of independent rows: the design effect."""
        return 1.0 if self.inflation is None else self.inflation

    def reach(self, confidence: float) -> float:
        """Half-width of an interval, in standard errors."""
        return float(intervals.quantile(confidence, self.freedom))


def common_difference(strata: Strata, confidence: float) -> Interval:
    """The common risk difference and its interval.

    Sato's variance (1989) holds for few large strata and for many small ones. It is 0 where no
    row has the event, so the interval is never narrower than that combined from the Wilson
    limits of the strata (MOVER, Zou & Donner 2008).
    """
    if not len(strata.n1):
        return UNKNOWN
    w = strata.weight
    value = float((w * (strata.x1 / strata.n1 - strata.x0 / strata.n0)).sum() / w.sum())
    z = strata.reach(confidence)
    half = z * np.sqrt(sato_variance(strata) * strata.effect)
    down, up = _mover_distances(strata, z)
    low, high = value - max(half, down), value + max(half, up)
    return value, float(max(low, -1.0)), float(min(high, 1.0))


def sato_variance(strata: Strata) -> float:
    """Variance of the common difference for independent rows (Sato 1989)."""
    x1, n1, x0, n0, w = strata.x1, strata.n1, strata.x0, strata.n0, strata.weight
    n = n1 + n0
    value = ((x1 * n0 - x0 * n1) / n).sum() / w.sum()
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)
    return float(max((value * p.sum() + q.sum()) / w.sum() ** 2, 0.0))


def _mover_distances(strata: Strata, z: float) -> tuple[float, float]:
    """How far the limits lie below and above the common difference."""
    share = strata.weight / strata.weight.sum()
    distances = []
    for x, n in ((strata.x1, strata.n1), (strata.x0, strata.n0)):
        p = x / n
        low, high = intervals.wilson(p, n / strata.effect, 0.0, z)
        distances.append((share * (p - low), share * (high - p)))
    (down1, up1), (down0, up0) = distances
    return (
        float(np.sqrt((down1**2 + up0**2).sum())),
        float(np.sqrt((up1**2 + down0**2).sum())),
    )


def common_odds_ratio(strata: Strata, confidence: float) -> Interval:
    """The common odds ratio with the interval of Robins, Breslow & Greenland (1986).

    NaN where one side has no events, or only events, in every stratum that counts.
    """
    n = strata.n1 + strata.n0
    a, b = strata.x1, strata.n1 - strata.x1
    c, d = strata.x0, strata.n0 - strata.x0
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    R, S = float(r.sum()), float(s.sum())
    if R <= 0 or S <= 0:
        return UNKNOWN
    parts = (p * r).sum() / R**2, (p * s + q * r).sum() / (R * S), (q * s).sum() / S**2
    half = strata.reach(confidence) * np.sqrt(sum(parts) / 2 * strata.effect)
    value = R / S
    return value, float(value * np.exp(-half)), float(value * np.exp(half))


def no_difference(strata: Strata) -> tuple[float, str]:
    """p-value of equal odds in all strata, and the test that was made.

    Mantel and Haenszel's χ² without correction for continuity; where the expected number of
    events is within 5 of the least or the largest possible one, the exact conditional test. With
    weights or clusters χ² is divided by the design effect.
    """
    if not len(strata.n1):
        return float("nan"), "none"
    n1, n0 = strata.n1, strata.n0
    n, events = n1 + n0, strata.x1 + strata.x0
    expected = n1 * events / n
    if strata.inflation is None and _is_small(strata, float(expected.sum())):
        return _exact(strata), EXACT
    spread = n1 * n0 * events * (n - events) / (n**2 * np.maximum(n - strata.unit, TIE))
    variance = float(spread.sum()) * strata.effect
    if variance <= 0:
        return 1.0, NORMAL
    z = abs(float(strata.x1.sum() - expected.sum())) / np.sqrt(variance)
    tail = special.ndtr(-z) if strata.freedom is None else stats.t.sf(z, strata.freedom)
    return float(2 * tail), NORMAL


def _ends(strata: Strata) -> tuple[Float, Float]:
    """The least and the largest number (K,) of events the group can have, given all events."""
    events = strata.x1 + strata.x0
    return np.maximum(events - strata.n0, 0.0), np.minimum(strata.n1, events)


def _is_small(strata: Strata, expected: float) -> bool:
    least, most = _ends(strata)
    room = min(expected - float(least.sum()), float(most.sum()) - expected)
    return room < LEAST_EXPECTED


def _exact(strata: Strata) -> float:
    """Two-sided p-value given the events of each stratum: sums that are not more likely count."""
    least, most = _ends(strata)
    law = np.ones(1)
    for k in np.flatnonzero(most > least):
        events = strata.x1[k] + strata.x0[k]
        counts = np.arange(least[k], most[k] + 1)
        own = stats.hypergeom.pmf(counts, strata.n1[k] + strata.n0[k], events, strata.n1[k])
        law = np.convolve(law, own)
    seen = law[round(float(strata.x1.sum() - least.sum()))]
    return float(min(law[law <= seen * (1 + TIE)].sum(), 1.0))


def homogeneity(strata: Strata) -> float:
    """p-value of one odds ratio in all strata (Breslow & Day 1980, with Tarone's correction).

    NaN with one stratum, without an odds ratio, and where rows are weighted or in clusters, for
    which the test is not known to hold.
    """
    ratio = common_odds_ratio(strata, 0.95)[0]
    least, most = _ends(strata)
    informative = most > least  # a stratum with one possible table has no information on its odds
    if strata.inflation is not None or informative.sum() < 2 or np.isnan(ratio):
        return float("nan")
    few = Strata(
        strata.x1[informative],
        strata.n1[informative],
        strata.x0[informative],
        strata.n0[informative],
    )
    fitted = _fitted(few, ratio)
    events = few.x1 + few.x0
    inverse = 1 / fitted + 1 / (few.n1 - fitted) + 1 / (events - fitted)
    variance = 1 / (inverse + 1 / (few.n0 - events + fitted))
    off = few.x1 - fitted
    statistic = (off**2 / variance).sum() - off.sum() ** 2 / variance.sum()
    return float(stats.chi2.sf(max(statistic, 0.0), informative.sum() - 1))


def _fitted(strata: Strata, ratio: float) -> Float:
    """Events (K,) of the group under the common odds ratio, all totals as observed."""
    events = strata.x1 + strata.x0
    a = 1 - ratio
    b = strata.n0 - events + ratio * (strata.n1 + events)
    c = -ratio * strata.n1 * events
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))
    return np.asarray(-2 * c / (b + root))  # the stable form of the root, also for ratio = 1
