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

TINY = 1e-12  # an error below it comes from values that are all alike
FALSE_POSITIONS = 8
NEAR = 1e-12  # tolerance of a limit's tail, in normal quantiles …
CLOSE, HALVINGS = 1e-6, 100  # … and of what false positions may leave to halving the bracket
FURTHEST = 50.0  # normal quantile that no chance in floating point lies beyond
LEAST_TAIL = 1e-250  # that of Student's quantile for two clusters may be 0 in floating point
SMALLEST, LARGEST = 1e-300, 1 - 2.0**-53  # chances whose logit is finite
FLAT, NEARLY = 1e-8, 1e-5  # absolute and relative difference of two numbers taken for equal


def quantile(confidence: float, df: Any = None) -> Any:
    """Two-sided normal quantile, or Student's where degrees of freedom are given."""
    tail = 0.5 + confidence / 2
    if df is None:
        return float(special.ndtri(tail))
    return special.stdtrit(np.maximum(df, 1.0), tail)


def unbiased(clusters: Any) -> Float:
    """Factor by which the noise of a cluster bootstrap is scaled to the variation of new clusters.

    Drawing k of k clusters with replacement gives (k − 1) / k of their variance.
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


def mid_p(p: Any, n: Any, tail: Any) -> Pair:
    """Clopper & Pearson's limits at the mid-p level (Lancaster 1961); NaN where n is 0.

    Parameters
    ----------
    p : observed proportion
    n : (effective) number of rows, any positive number
    tail : probability beyond each limit
    """
    p, n, tail = (np.asarray(v, np.float64) for v in np.broadcast_arrays(p, n, tail))
    x = p * n
    defined = (n > 0) & ~np.isnan(p)
    low, high = np.zeros(p.shape), np.ones(p.shape)
    some, rest = defined & (x > 0), defined & (x < n)
    low[some] = _mid_p_low(x[some], n[some], tail[some])
    high[rest] = 1 - _mid_p_low((n - x)[rest], n[rest], tail[rest])
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


def _mid_p_low(x: Float, n: Float, tail: Float) -> Float:
    """The p at which P(X > x) + P(X = x) / 2 is `tail`, for 0 < x ≤ n.

    It lies between the p at which P(X ≥ x), and that at which P(X > x), is `tail`. The normal
    quantile of the chance is nearly linear in the logit of p: false position finds the root in a
    few steps (Illinois rule).
    """
    rest = n - x
    inside = rest > 0
    out = (2 * tail) ** (1 / n)  # all of n
    x, rest, tail = x[inside], rest[inside], tail[inside]
    aim = special.ndtri(tail)

    def off(place: Float) -> Float:
        p = special.expit(place)
        chance = (special.betainc(x + 1, rest, p) + special.betainc(x, rest + 1, p)) / 2
        # a chance of 0 or 1 to double precision, as with hardly any event or row, is at its end
        return np.clip(special.ndtri(chance) - aim, -FURTHEST, FURTHEST)

    ends = special.betaincinv(x, rest + 1, tail), special.betaincinv(x + 1, rest, tail)
    # an end that underflows is unknown: the root lies anywhere on its side
    low, high = (
        special.logit(np.clip(np.nan_to_num(end, nan=unknown), SMALLEST, LARGEST))
        for end, unknown in zip(ends, (SMALLEST, LARGEST), strict=True)
    )
    at_low, at_high, place = off(low), off(high), low
    for _ in range(FALSE_POSITIONS):
        apart = at_high - at_low
        step = np.divide(high - low, apart, out=np.zeros(len(x)), where=apart != 0)
        place = low - step * at_low
        here = off(place)
        if (np.abs(here) < NEAR).all():
            break
        same = (here < 0) == (at_low < 0)  # the root lies above
        at_high = np.where(same, at_high / 2, here)
        at_low = np.where(same, here, at_low / 2)
        low, high = np.where(same, place, low), np.where(same, high, place)
    if not (np.abs(off(place)) < CLOSE).all():
        for _ in range(HALVINGS):
            place = (low + high) / 2
            above = off(place) < 0
            low, high = np.where(above, place, low), np.where(above, high, place)
    out[inside] = special.expit(place)
    return np.asarray(out)


def wider_of_score_and_mid_p(p: Any, n: Any, confidence: float, z: Any = None) -> Pair:
    """Limits that are wider than both Wilson's and the mid-p ones.

    Near 0 and 1 Wilson's lower limit of a rare event passes the truth too often; an extreme of
    several groups looks for just that. `z` as in `wilson`.
    """
    z = quantile(confidence) if z is None else z
    tail = np.maximum(special.ndtr(-np.asarray(z)), LEAST_TAIL)
    score, exact = wilson(p, n, confidence, z), mid_p(p, n, tail)
    return np.minimum(score[0], exact[0]), np.maximum(score[1], exact[1])


def design_effect(p: Any, n: Any, variance: Any) -> Float:
    """Variance over clusters against independent rows, at least 1; typical where p is 0 or 1."""
    simple = np.divide(p * (1 - p), n, out=np.zeros(np.shape(p)), where=n > 0)
    known = simple > 0
    effect = np.divide(variance, simple, out=np.ones(np.shape(p)), where=known)
    typical = float(np.median(effect[known])) if known.any() else 1.0
    return np.asarray(np.maximum(np.where(known, effect, typical), 1.0))


def limits_of_clusters(
    p: Any, n: Any, variance: Any, clusters: Any, confidence: float, limits: Any = wilson
) -> Pair:
    """Limits at the effective size under the design effect, with Student's t on clusters − 1.

    Parameters
    ----------
    p, n : rates and their (effective) numbers of rows
    variance : of p, over whole clusters
    clusters : number of clusters; both limits are NaN where it is 1
    limits : `wilson` or `wider_of_score_and_mid_p`
    """
    size = n / design_effect(p, n, variance)
    return at_effective_size(p, size, clusters, confidence, limits)


def at_effective_size(
    p: Any, size: Any, clusters: Any, confidence: float, limits: Any = wilson
) -> Pair:
    """As `limits_of_clusters`, of rates (..., G) whose effective sizes are known."""
    z = quantile(confidence, np.maximum(clusters - 1, 1))
    low, high = limits(p, size, confidence, z)
    alone = clusters < 2  # one cluster has no variation between clusters
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
    Without rows all three are NaN; with one row or one cluster only the limits are.
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


def mover_difference(a: Any, b: Any, ci_a: Pair, ci_b: Pair, correlation: Any = 0.0) -> Pair:
    """Interval of a − b from two intervals (Donner & Zou 2012, eq. 3; correlated: Zou 2007)."""
    (la, ua), (lb, ub) = ci_a, ci_b
    low = a - b - _together(a - la, ub - b, correlation)
    high = a - b + _together(ua - a, b - lb, correlation)
    return low, high


def _together(a: Any, b: Any, correlation: Any) -> Float:
    return np.asarray(np.sqrt(np.maximum(a * a + b * b - 2 * correlation * a * b, 0.0)))


def newcombe(p1: Any, n1: Any, p2: Any, n2: Any, confidence: float) -> Pair:
    """Difference of two proportions, p1 − p2, by hybrid score (Newcombe 1998, method 10)."""
    p1, p2 = np.asarray(p1, np.float64), np.asarray(p2, np.float64)
    return mover_difference(p1, p2, wilson(p1, n1, confidence), wilson(p2, n2, confidence))


def mover_ratio(a: Any, b: Any, ci_a: Pair, ci_b: Pair, correlation: Any = 0.0) -> Pair:
    """Interval of a / b, both ≥ 0, from their intervals (MOVER-R, Donner & Zou 2012, eq. 9).

    The upper end is infinite when b may be 0. `correlation` is that of their errors.
    """
    (la, ua), (lb, ub) = ci_a, ci_b
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    low = _quotient_end(a, b, la, ub, correlation, -1)
    high = _quotient_end(a, b, ua, lb, correlation, 1)
    low = np.where(la <= 0, 0.0, np.maximum(low, 0.0))
    high = np.where(lb <= 0, np.inf, high)
    undefined = np.isnan(a) | np.isnan(b)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def _quotient_end(a: Float, b: Float, ea: Any, eb: Any, r: Any, side: int) -> Float:
    """A root θ of (b² − (b − eb)²) θ² − 2 (ab + r (a − ea)(b − eb)) θ + a² − (a − ea)² = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        square, rest = eb * (2 * b - eb), ea * (2 * a - ea)
        half = a * b + r * (a - ea) * (b - eb)
        root = np.sqrt(np.maximum(half * half - square * rest, 0.0))
        # eb = 2b makes the quotient 0/0: its limit
        flat = np.abs(eb - 2 * b) <= FLAT + NEARLY * np.abs(2 * b)
        return np.asarray(np.where(flat, rest / (2 * half), (half + side * root) / square))


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
    """The limits, with Wilson's for n rows (or clusters) where a value lies on a boundary.

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


def error_or_reach(se: Float, ends: Pair, confidence: float) -> Float:
    """Standard errors (G,), taken from the interval where a value lies on a boundary.

    Without this a gap would take a group on an edge for certain.
    """
    low, high = ends
    reach = np.nan_to_num((high - low) / (2 * quantile(confidence)))
    return np.asarray(np.where(se > TINY, se, reach))


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
