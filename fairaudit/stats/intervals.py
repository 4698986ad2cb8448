"""Intervals in closed form: Wilson, Newcombe, MOVER and skewness-corrected means.

All functions are vectorised; n may be an effective (non-integer) size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Float = NDArray[np.float64]
Pair = tuple[Float, Float]


def quantile(confidence: float, df: Any = None) -> Any:
    """Two-sided normal quantile, or Student's where degrees of freedom are given."""
    tail = 0.5 + confidence / 2
    if df is None:
        return float(special.ndtri(tail))
    return special.stdtrit(np.maximum(df, 1.0), tail)


def widening(confidence: float, df: Any) -> Float:
    """How much wider Student's interval is than the normal one: errors known from few units."""
    return np.asarray(quantile(confidence, df) / quantile(confidence))


def unbiased(clusters: Any) -> Float:
    """What the noise of a cluster bootstrap is multiplied by to vary as new clusters would.

    Drawing k of k clusters with replacement varies by (k − 1) / k of that.
    """
    k = np.maximum(np.asarray(clusters, np.float64), 2.0)
    return np.asarray(np.sqrt(k / (k - 1)))


def wilson(p: Any, n: Any, confidence: float, z: Any = None) -> Pair:
    """Score interval of a proportion (Wilson 1927); NaN where n is 0.

    Parameters
    ----------
    p : observed proportion
    n : (effective) number of rows
    z : quantile to use instead of the normal one, e.g. Student's for few clusters
    """
    p, n = np.asarray(p, np.float64), np.asarray(n, np.float64)
    z = quantile(confidence) if z is None else z
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / (1 + z * z / n)
        centre = scale * (p + z * z / (2 * n))
        half = scale * z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = np.where(p == 0, 0.0, np.clip(centre - half, 0, 1))
    high = np.where(p == 1, 1.0, np.clip(centre + half, 0, 1))
    undefined = ~(n > 0) | np.isnan(p)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def design_effect(p: Any, n: Any, variance: Any) -> Float:
    """Variance over clusters against independent rows, at least 1; typical where p is 0 or 1."""
    simple = np.divide(p * (1 - p), n, out=np.zeros(np.shape(p)), where=n > 0)
    known = simple > 0
    effect = np.divide(variance, simple, out=np.ones(np.shape(p)), where=known)
    typical = float(np.median(effect[known])) if known.any() else 1.0
    return np.asarray(np.maximum(np.where(known, effect, typical), 1.0))


def wilson_of_clusters(p: Any, n: Any, variance: Any, clusters: Any, confidence: float) -> Pair:
    """Wilson at the size the design effect leaves, with Student's quantile on clusters - 1.

    Parameters
    ----------
    p, n : rates and the (effective) rows they rest on
    variance : of p, over whole clusters
    clusters : how many there are; NaN ends where it is 1
    """
    z = quantile(confidence, np.maximum(clusters - 1, 1))
    low, high = wilson(p, n / design_effect(p, n, variance), confidence, z)
    alone = clusters < 2  # one cluster says nothing about how clusters vary
    return np.where(alone, np.nan, low), np.where(alone, np.nan, high)


def mean_of_rows(
    each: Float,
    weight: Float | None = None,
    cluster: NDArray[Any] | None = None,
    *,
    confidence: float,
    share: bool = False,
) -> tuple[float, float, float]:
    """Mean of row values (m,) and its interval: Student's, or Wilson's for a share.

    Rows of one cluster are not independent: errors come from cluster totals, degrees of freedom
    from their number, and a share of exactly 0 or 1 rests on as many rows as there are clusters.
    Without rows all is NaN; with one row or one cluster the ends are.
    """
    weight = np.ones(len(each)) if weight is None else weight
    total = float(weight.sum())
    if not total > 0:
        return np.nan, np.nan, np.nan
    mean = float(weight @ each / total)
    unit = np.arange(len(each)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    sums = np.bincount(unit, weights=weight * (each - mean))
    k = len(sums)
    if k < 2:
        return mean, np.nan, np.nan
    variance = float(sums @ sums) * k / (k - 1) / total**2
    if not share:
        reach = float(quantile(confidence, k - 1)) * variance**0.5
        return mean, mean - reach, mean + reach
    rows = total**2 / float(weight @ weight)
    simple = mean * (1 - mean) / rows
    if simple > 0:
        rows /= max(variance / simple, 1.0)
    elif cluster is not None:
        rows = min(rows, k)
    z = None if cluster is None else quantile(confidence, k - 1)
    low, high = wilson(mean, rows, confidence, z)
    return mean, float(low), float(high)


def mover_difference(a: Any, b: Any, ci_a: Pair, ci_b: Pair) -> Pair:
    """Interval of a − b from two independent intervals (Donner & Zou 2012, eq. 3)."""
    (la, ua), (lb, ub) = ci_a, ci_b
    low = a - b - np.hypot(a - la, ub - b)
    high = a - b + np.hypot(ua - a, b - lb)
    return low, high


def newcombe(p1: Any, n1: Any, p2: Any, n2: Any, confidence: float) -> Pair:
    """Difference of two proportions, p1 − p2, by hybrid score (Newcombe 1998, method 10)."""
    p1, p2 = np.asarray(p1, np.float64), np.asarray(p2, np.float64)
    return mover_difference(p1, p2, wilson(p1, n1, confidence), wilson(p2, n2, confidence))


def mover_ratio(a: Any, b: Any, ci_a: Pair, ci_b: Pair) -> Pair:
    """Interval of a / b, both ≥ 0, from two independent intervals (Donner & Zou 2012, eq. 9).

    The upper end is infinite when b may be 0.
    """
    (la, ua), (lb, ub) = ci_a, ci_b
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        low_root = np.sqrt(np.maximum((a * b) ** 2 - la * ub * (2 * a - la) * (2 * b - ub), 0))
        high_root = np.sqrt(np.maximum((a * b) ** 2 - ua * lb * (2 * a - ua) * (2 * b - lb), 0))
        low = (a * b - low_root) / (ub * (2 * b - ub))
        high = (a * b + high_root) / (lb * (2 * b - lb))
    # ub = 2b makes the quotient 0/0; its limit is la (2a − la) / (2ab)
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = la * (2 * a - la) / (2 * a * b)
        low = np.where(np.isclose(ub, 2 * b), limit, low)
    low = np.where(la <= 0, 0.0, np.maximum(low, 0.0))
    high = np.where(lb <= 0, np.inf, high)
    undefined = np.isnan(a) | np.isnan(b)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def ratio_of_rates(p1: Any, n1: Any, p2: Any, n2: Any, confidence: float) -> Pair:
    """Ratio p1 / p2 of two proportions from their Wilson intervals (MOVER-R)."""
    return mover_ratio(p1, p2, wilson(p1, n1, confidence), wilson(p2, n2, confidence))


def skewed_mean(mean: Any, sd: Any, skew: Any, n: Any, confidence: float) -> Pair:
    """Mean of a skewed variable: Student's t with Hall's (1992) cubic correction.

    Second-order correct like the bootstrap-t, from three moments alone, so it can be had from
    sums in a database. `skew` is shrunk for few rows, where its estimate is noise.
    """
    mean, sd, n = (np.asarray(v, np.float64) for v in (mean, sd, n))
    skew = np.asarray(skew, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(n)
        t = quantile(confidence, n - 1)
        low_t, high_t = (hall(sign * t, skew, root) for sign in (1.0, -1.0))
        low = mean - sd / root * low_t
        high = mean - sd / root * high_t
    undefined = ~(n > 1)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def hall(x: Any, skew: Any, root: Any) -> Any:
    """Student's statistic x bent as that of a skewed mean of root² rows is.

    Inverse of Hall's monotone cubic g(t) = t + a t² + a² t³ / 3 + a / 2, a = skew / (3 √n).
    """
    a = skew / (3 * root)
    small = np.abs(a) < 1e-9
    safe = np.where(small, 1.0, a)
    curved = (np.cbrt(1 + 3 * safe * (x - skew / (6 * root))) - 1) / safe
    return np.where(small, x, curved)


def at_edges(
    value: Any, n: Any, ends: Pair, confidence: float, edges: tuple[float, float] = (0, 1)
) -> Pair:
    """The ends, with Wilson's for n rows (or clusters) where a value lies on an edge.

    An error estimated from values that are all alike is 0: a perfect score on a dozen rows would
    be taken for certain.
    """
    low, high = ends
    bottom, top = edges
    share = (np.asarray(value, np.float64) - bottom) / (top - bottom)
    edge = (share <= 1e-9) | (share >= 1 - 1e-9)
    down, up = wilson(np.clip(np.round(share), 0, 1), np.maximum(n, 1), confidence)
    return (
        np.where(edge, bottom + (top - bottom) * down, low),
        np.where(edge, bottom + (top - bottom) * up, high),
    )


def noise_within(
    noise: Float,
    value: Any,
    ends: Pair,
    confidence: float,
    rng: np.random.Generator,
    freedom: Float | None = None,
) -> Float:
    """Replicates (B, G), drawn from the interval where they do not vary but the interval does.

    Without this a gap would take a group on an edge for certain. `freedom` (G,) is that of
    Student's intervals.
    """
    if len(noise) == 0:
        return noise
    low, high = ends
    reach = np.nan_to_num(np.maximum(high - value, value - low)) / quantile(confidence, freedom)
    still = (noise.std(axis=0) < 1e-12) & (reach > 1e-9)
    if not still.any():
        return noise
    drawn = reach * rng.standard_normal(noise.shape)
    return np.asarray(np.where(still, drawn, noise))


def on_logit(p: Any, se: Any, confidence: float, z: Any = None) -> Pair:
    """Interval of a quantity in (0, 1) from its standard error, on the logit scale."""
    p, se = np.asarray(p, np.float64), np.asarray(se, np.float64)
    z = quantile(confidence) if z is None else z
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    half = z * se / (inside * (1 - inside))
    centre = special.logit(inside)
    return special.expit(centre - half), special.expit(centre + half)


def on_fisher(r: Any, se: Any, confidence: float, z: Any = None) -> Pair:
    """Interval of a correlation-like quantity in (−1, 1) on Fisher's z scale."""
    r, se = np.asarray(r, np.float64), np.asarray(se, np.float64)
    z = quantile(confidence) if z is None else z
    inside = np.clip(r, -0.9999, 0.9999)
    half = z * se / (1 - inside**2)
    low, high = np.tanh(np.arctanh(inside) - half), np.tanh(np.arctanh(inside) + half)
    return np.minimum(low, r), np.maximum(high, r)


def below_one(v: Any, se: Any, confidence: float, z: Any = None) -> Pair:
    """Interval of a quantity below 1, such as R², on the log scale of 1 − v."""
    v, se = np.asarray(v, np.float64), np.asarray(se, np.float64)
    z = quantile(confidence) if z is None else z
    rest = np.maximum(1 - v, 1e-12)
    factor = np.exp(z * se / rest)
    return 1 - rest * factor, 1 - rest / factor
