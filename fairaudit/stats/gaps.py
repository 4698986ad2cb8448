"""Gaps over groups with intervals: differences, ratios, worst, best, spread, in closed form.

A gap such as "largest minus smallest" is an extreme of noisy numbers: it is biased upwards, and
the interval of the two groups that happen to be the extremes takes no account of the choice. The
intervals here are projections of what is known of every group at once:

- the end on the side of "no gap" rests on limits that hold jointly for all groups (Bonferroni) or
  all pairs of groups (Tukey 1953; Kramer 1956) that may be the extreme ones, so that equal groups
  show a gap in at most 1 − confidence of audits, whatever their number and sizes. Groups that
  clearly are not (a tenth of the error is spent on seeing that) do not count;
- the end on the far side is the furthest of the groups' (or pairs') own limits: the pair that is
  furthest apart in truth is one of them, so no correction is due.

Limits of single groups are those of the metric (Wilson's, Student's, on the logit scale …). Those
of a difference are combined from them by MOVER (Zou & Donner 2008), of a quotient by MOVER-R
(Donner & Zou 2012), with the correlation that crossing clusters cause (Zou 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from fairaudit.stats import intervals

Float = NDArray[np.float64]
Pair = tuple[Float, Float]
Limits = Callable[[float], Pair]

TINY = 1e-15
BLOCK = 1 << 16  # numbers handled at once
SCREENING = 0.1  # part of the error spent on telling which groups may be the extreme ones
ONE_SIDED = 0.75  # part of the error that is spent, so that one-sided limits of rates keep it
START, FURTHEST, CLOSE = 1.5, 5.0, 0.005  # normal quantiles where a p-value is searched for
STEPS = 257  # points of the integrals of expected extremes
REACH = 6.0  # standard errors they go beyond the groups
FURTHEST_STRETCH = 1e6  # of an observed pattern


@dataclass(frozen=True)
class Estimates:
    """Values of one metric in K groups and how sure they are.

    Attributes
    ----------
    value : (K,) observed
    se : (K,) standard errors
    limits : one-sided tail probability → low, high (K,): limits that the truth passes with about
        that probability, each
    share : (K,) how much each group counts in the value of all rows; None for equal shares
    bounds : what the metric cannot leave
    correlation : (K, K) of the groups' errors; None for independent groups
    """

    value: Float
    se: Float
    limits: Limits
    share: Float | None = None
    bounds: tuple[float, float] = (-np.inf, np.inf)
    correlation: Float | None = None

    @property
    def width(self) -> float:
        """The largest gap the bounds allow."""
        return self.bounds[1] - self.bounds[0]

    @cached_property
    def shares(self) -> Float:
        """(K,) shares that sum to 1."""
        if self.share is None or not self.share.sum() > 0:
            return np.full(len(self.value), 1 / len(self.value))
        return np.asarray(self.share / self.share.sum())

    @cached_property
    def truth(self) -> Float:
        """(K,) values as far apart as the sampling noise does not explain; see `shrunk`."""
        return shrunk(self)

    @cached_property
    def expected(self) -> tuple[float, float]:
        """Smallest and largest value to be expected when `truth` is true."""
        return _expected_extremes(self.truth, self.se)

    def mirrored(self) -> Estimates:
        """The same with the sign turned."""

        def limits(tail: float) -> Pair:
            low, high = self.limits(tail)
            return -high, -low

        low, high = self.bounds
        return Estimates(-self.value, self.se, limits, self.share, (-high, -low), self.correlation)

    def absolute(self) -> Estimates:
        """Distances from 0."""

        def limits(tail: float) -> Pair:
            low, high = self.limits(tail)
            return np.maximum(np.maximum(low, -high), 0.0), np.maximum(high, -low)

        return Estimates(np.abs(self.value), self.se, limits, self.share, (0.0, np.inf), None)

    def margins(self, tail: float) -> Pair:
        """How far the limits lie below and above the values, (K,) each, never negative."""
        low, high = self.limits(tail)
        return np.maximum(self.value - low, 0.0), np.maximum(high - self.value, 0.0)

    def length(self, parts: Float) -> Float:
        """Half-widths (J,) of sums of K errors, from the half-width of each in `parts` (J, K)."""
        if self.correlation is None:
            return np.asarray(np.sqrt((parts * parts).sum(axis=1)))
        square = ((parts @ self.correlation) * parts).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(square, 0.0)))


@dataclass(frozen=True)
class Gap:
    """One number over groups; `corrected` has the upward bias of extremes removed."""

    value: float
    low: float
    high: float
    corrected: float
    index: int = -1  # the group that decides it (worst, best, furthest), −1 when none does


def from_errors(
    value: Float, se: Float, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimates:
    """Estimates whose limits are normal: value ± z · se, inside the bounds."""

    def limits(tail: float) -> Pair:
        reach = -float(special.ndtri(tail)) * se
        return np.maximum(value - reach, bounds[0]), np.minimum(value + reach, bounds[1])

    return Estimates(value, se, limits, bounds=bounds)


@lru_cache(maxsize=1024)
def pairs_tail(groups: int, confidence: float) -> float:
    """One-sided tail of the limits with which all pairs of groups are compared jointly.

    That of Tukey's studentised range: for two groups (1 − confidence) / 2.
    """
    if groups <= 2:
        return (1 - confidence) / 2
    critical = float(stats.studentized_range.ppf(confidence, groups, np.inf))
    return float(special.ndtr(-critical / np.sqrt(2)))


# -- largest minus smallest ---------------------------------------------------------------------


def spread(values: Float) -> Float:
    """Largest minus smallest over the last axis."""
    return np.asarray(values.max(-1) - values.min(-1))


def difference(families: Sequence[Estimates], confidence: float) -> Gap:
    """Largest minus smallest; with several families (TPR and FPR) the widest of them."""
    observed = _widest(families)
    level = 1 - (1 - confidence) / len(families)
    apart = max(float(_apart(f, _pairs_tail(f, level)).max()) for f in families)
    far = max(_furthest(f, (1 - confidence) / 2) for f in families)
    high = min(max(far, observed), max(f.width for f in families))
    low = min(max(apart, 0.0), observed)
    return Gap(observed, low, high, corrected_difference(families))


def _widest(families: Sequence[Estimates]) -> float:
    return max(float(spread(f.value)) for f in families)


def at_most(families: Sequence[Estimates], tail: float) -> float:
    """Upper limit of the difference, which a larger truth exceeds with at least 1 − `tail`.

    The pair that is furthest apart in truth is one of the pairs, so that limits of single pairs
    are enough (Berger's intersection–union test, 1982): no correction is due. A quarter of the
    error is not spent: MOVER limits of a rare rate beside a common one are passed up to a fifth
    more often on one side than they say.
    """
    tail = ONE_SIDED * tail
    observed = max(float(spread(f.value)) for f in families)
    return float(np.max([observed, *(_furthest(f, tail) for f in families)]))  # NaN stays


def chance_below(families: Sequence[Estimates], margin: float) -> float:
    """p of "the difference is `margin` or more": of two one-sided tests for every pair.

    The smallest tail at which `at_most` lies below the margin (Schuirmann 1987); 1 where it would
    be more than one half, NaN where a group has no limits.
    """
    low, reach = 0.0, START  # normal quantiles of the tail; the limit grows with them
    below, beyond = (at_most(families, special.ndtr(-z)) - margin for z in (low, reach))
    if below >= 0:
        return 1.0
    while beyond < 0 and reach < FURTHEST:
        low, below, reach = reach, beyond, 2 * reach
        beyond = at_most(families, special.ndtr(-reach)) - margin
    if np.isnan(beyond) or beyond < 0:
        return float("nan") if np.isnan(beyond) else float(special.ndtr(-reach))
    low_weight = high_weight = 1.0
    while reach - low > CLOSE:  # Illinois: an end that stays counts half as much each time
        middle = low - (reach - low) * below * low_weight / (
            beyond * high_weight - below * low_weight
        )
        middle = min(max(middle, low + CLOSE / 2), reach - CLOSE / 2)
        here = at_most(families, special.ndtr(-middle)) - margin
        if here < 0:
            low, below, low_weight, high_weight = middle, here, 1.0, high_weight / 2
        else:
            reach, beyond, low_weight, high_weight = middle, here, low_weight / 2, 1.0
    return float(special.ndtr(-low))  # the last tail at which the limit lies below the margin


def _pairs_tail(e: Estimates, confidence: float) -> float:
    """Tail of limits that hold jointly for the pairs that may lie furthest apart.

    Tukey's for all pairs, or Bonferroni's for those of a group that may be the highest with one
    that may be the lowest, whichever asks for less.
    """
    groups, error = len(e.value), (1 - confidence) / 2
    low, high = e.limits(SCREENING * error / groups)
    lowest, highest = low <= high.min(), high >= low.max()
    pairs = int(lowest.sum() * highest.sum() - (lowest & highest).sum())
    few = (1 - SCREENING) * error / max(pairs, 1)
    return max(pairs_tail(groups, confidence), few)


def _largest(limits: Limits, groups: int, error: float) -> float:
    """Lower limit of the largest of K numbers, passed with the probability `error`."""
    low, high = limits(SCREENING * error / groups)
    may_be = high >= low.max()
    return float(limits((1 - SCREENING) * error / max(may_be.sum(), 1))[0].max())


def _blocks(size: int, count: int) -> Iterator[slice]:
    """Slices of `count` items of which each makes `size` numbers, so that one array holds them."""
    step = max(BLOCK // size, 1)
    return (slice(i, min(i + step, count)) for i in range(0, count, step))


def _reach(a: Float, b: Float, e: Estimates, rows: slice) -> Float:
    """Half-widths (J, K) of differences, from the half-widths a (J,) and b (K,) of two values."""
    square = a[:, None] ** 2 + b**2
    if e.correlation is not None:
        square = square - 2 * e.correlation[rows] * a[:, None] * b
    return np.sqrt(np.maximum(square, 0.0))


def _apart(e: Estimates, tail: float) -> Float:
    """Lower limits (K,) of how far each group lies above the group it is surest above."""
    below, above = e.margins(tail)
    out = np.empty(len(e.value))
    for rows in _blocks(len(out), len(out)):
        d = e.value[rows, None] - e.value
        out[rows] = (d - _reach(below[rows], above, e, rows)).max(axis=1)
    return out


def _furthest(e: Estimates, tail: float) -> float:
    """Upper limit of the widest of all pairs."""
    below, above = e.margins(tail)
    out = -np.inf
    for rows in _blocks(len(e.value), len(e.value)):
        reach = e.value[rows, None] - e.value + _reach(above[rows], below, e, rows)
        out = float(np.maximum(out, _others(reach, rows, -np.inf).max()))  # NaN stays
    return out


def _others(pairs: Float, rows: slice, blank: float) -> Float:
    """Values of pairs (J, K) of groups with others: `blank` for a group with itself."""
    pairs[np.arange(len(pairs)), np.arange(rows.start, rows.stop)] = blank
    return pairs


def corrected_difference(families: Sequence[Estimates]) -> float:
    """Observed gap less its expected excess over the truth, the truth taken from `shrunk`."""
    observed = _widest(families)
    truths = [f.truth for f in families]
    if len(families) == 1:
        low, high = families[0].expected
        expected = high - low
    else:
        expected = _expected_widest(truths, [f.se for f in families])
    excess = expected - max(float(spread(t)) for t in truths)
    return min(max(observed - max(excess, 0.0), 0.0), observed)


def shrunk(estimates: Estimates) -> Float:
    """Group values with the spread the sampling noise does not explain (empirical Bayes).

    The between-group variance is the double-corrected one of Lum, Zhang & Bower (2022): the
    variance of the estimates less their mean sampling variance. Values are pulled to their mean
    so that their own variance equals it (constrained empirical Bayes, Ghosh 1992).
    """
    value = estimates.value
    mean = value.mean()
    between = between_variance(estimates)
    factor = np.sqrt(between / np.maximum(between + estimates.se**2, 1e-300))
    return np.asarray(mean + factor * (value - mean))


def between_variance(estimates: Estimates) -> float:
    """Double-corrected variance over groups (divisor K − 1), never negative."""
    if len(estimates.value) < 2:
        return 0.0
    sampling = float((estimates.se**2).mean())
    return max(float(estimates.value.var(ddof=1)) - sampling, 0.0)


def _grid(centre: Float, se: Float) -> tuple[Float, Float]:
    """Points (S,) of an integral and the groups' normal distribution functions there (S, K)."""
    reach = REACH * float(se.max())
    x = np.linspace(float(centre.min()) - reach, float(centre.max()) + reach, STEPS)
    return x, _below(x, centre, se)


def _below(x: Float, centre: Float, se: Float) -> Float:
    """P(N(centre, se²) ≤ x), (S, K); a step where the error is 0."""
    return np.asarray(special.ndtr((x[:, None] - centre) / np.maximum(se, 1e-12)))


def _expected_extremes(centre: Float, se: Float) -> tuple[float, float]:
    """Expected smallest and largest of K independent normal numbers."""
    if not se.max() > 0:
        return float(centre.min()), float(centre.max())
    x, below = _grid(centre, se)
    smallest = x[0] + float(np.trapezoid((1 - below).prod(axis=1), x))
    largest = x[-1] - float(np.trapezoid(below.prod(axis=1), x))
    return smallest, largest


def _expected_widest(centres: Sequence[Float], errors: Sequence[Float]) -> float:
    """Expected widest of several independent ranges: ∫ 1 − Π P(range ≤ r) dr."""
    top = max(
        float(spread(c)) + 2 * REACH * float(s.max()) for c, s in zip(centres, errors, strict=True)
    )
    r = np.linspace(0.0, top, STEPS // 4)
    inside = np.ones(len(r))
    for c, s in zip(centres, errors, strict=True):
        inside = inside * _range_below(r, c, s)
    return float(np.trapezoid(1 - inside, r)) if top > 0 else 0.0


def _range_below(r: Float, centre: Float, se: Float) -> Float:
    """P(largest − smallest ≤ r) of K independent normal numbers, (R,)."""
    if not se.max() > 0:
        return (float(spread(centre)) <= r).astype(np.float64)
    x, below = _grid(centre, se)
    density = np.gradient(below, x, axis=0)
    chance = np.empty(len(r))
    for part in _blocks(below.size, len(r)):  # the smallest lies between two neighbouring points
        reached = _below((x + r[part, None]).ravel(), centre, se).reshape(-1, *below.shape)
        within = np.maximum(reached - below, 1e-300)
        others = np.exp(np.log(within).sum(axis=2, keepdims=True))
        first = (density * others / within).sum(axis=2)
        chance[part] = np.trapezoid(first, x, axis=1)
    return np.clip(chance, 0.0, 1.0)


# -- smallest over largest ------------------------------------------------------------------------


def ratio(families: Sequence[Estimates], observed: float, confidence: float) -> Pair:
    """Ends of the smallest value over the largest, both ≥ 0; of several families the smallest."""
    level, own = 1 - (1 - confidence) / len(families), (1 - confidence) / 2
    low = min(_quotients(f, own)[0] for f in families)
    high = min(_quotients(f, _pairs_tail(f, level))[1] for f in families)
    return np.asarray(min(low, observed)), np.asarray(max(min(high, 1.0), observed))


def _quotients(e: Estimates, tail: float) -> tuple[float, float]:
    """Smallest lower and smallest upper limit of the quotients of all pairs."""
    low, high = e.limits(tail)
    lows, highs = [1.0], [1.0]
    for rows in _blocks(len(e.value), len(e.value)):
        r = 0.0 if e.correlation is None else e.correlation[rows]
        mine = (low[rows, None], high[rows, None])
        down, up = intervals.mover_ratio(e.value[rows, None], e.value, mine, (low, high), r)
        down, up = _others(down, rows, np.nan), _others(up, rows, np.nan)
        lows.append(float(np.fmin.reduce(down, axis=None, initial=1.0)))
        highs.append(float(np.fmin.reduce(up, axis=None, initial=1.0)))
    return min(lows), min(highs)


# -- furthest from the overall value -------------------------------------------------------------


def to_overall(e: Estimates, overall: float, confidence: float) -> Gap:
    """Largest distance of a group from the value of all rows.

    A group lies as far from all rows as its share allows it to lie from the rest: the limits are
    those of v_g − Σ share_j v_j.
    """
    d = e.value - overall
    index = int(np.abs(d).argmax())
    observed = float(np.abs(d[index]))
    own = (1 - confidence) / 2
    contrast = np.eye(len(d)) - e.shares  # each group less all rows
    adds = contrast > 0

    def limits(tail: float) -> Pair:
        below, above = e.margins(tail)
        down = d - e.length(contrast * np.where(adds, below, above))
        up = d + e.length(contrast * np.where(adds, above, below))
        return np.maximum(down, -up), np.maximum(up, -down)

    low, high = _largest(limits, len(d), own), float(limits(own)[1].max())
    corrected = corrected_to_overall(e, overall)
    return Gap(observed, min(max(low, 0.0), observed), min(high, e.width), corrected, index)


def corrected_to_overall(e: Estimates, overall: float) -> float:
    """Largest distance from all rows less its expected excess over the truth."""
    observed = float(np.abs(e.value - overall).max())
    truth = np.abs(e.truth - e.value.mean())
    excess = max(_expected_far(truth, e) - float(truth.max()), 0.0)
    return min(max(observed - excess, 0.0), observed)


def _expected_far(distance: Float, e: Estimates) -> float:
    """Expected value of the largest |distance + noise|."""
    se = e.length((np.eye(len(distance)) - e.shares) * e.se)
    if not se.max() > 0:
        return float(distance.max())
    x = np.linspace(0.0, float(distance.max()) + REACH * float(se.max()), STEPS)
    inside = _below(x, distance, se) - _below(-x, distance, se)
    return float(np.trapezoid(1 - inside.prod(axis=1), x))


def ratio_to_overall(e: Estimates, overall: float, confidence: float) -> Gap:
    """Quotient of a group and all rows that is furthest from 1, folded to at most 1.

    v_g / v_all grows with v_g / v_rest, whose limits are those of two separate parts.
    """
    value = np.divide(e.value, overall, out=np.full(len(e.value), np.nan), where=overall > 0)
    folded = _folded(value, value)[0]
    if np.isnan(folded).all():
        return Gap(np.nan, np.nan, np.nan, np.nan)
    index = int(np.nanargmin(folded))
    observed, own = float(folded[index]), (1 - confidence) / 2
    over_all = _over_all(e, value)

    def limits(tail: float) -> Pair:  # of the distance from 1, so that the largest counts
        low, high = _folded(*over_all(tail))
        return 1 - np.nan_to_num(high, nan=1.0), 1 - np.nan_to_num(low, nan=1.0)

    low, high = 1 - float(limits(own)[1].max()), 1 - _largest(limits, len(value), own)
    return Gap(observed, min(low, observed), max(min(high, 1.0), observed), np.nan, index)


def _folded(low: Float, high: Float) -> Pair:
    """Limits of min(r, 1 / r), from those of r."""
    with np.errstate(divide="ignore"):
        top = np.where(high < 1, high, np.where(low > 1, 1 / low, 1.0))
        return np.fmin(low, 1 / high), top


def _over_all(e: Estimates, value: Float) -> Limits:
    """Limits (K,) of v_g / v_all around `value`."""
    w = e.shares
    other = 1 - np.eye(len(w))
    rest_share = other * w / np.maximum((other * w).sum(axis=1, keepdims=True), TINY)
    rest, correlation = rest_share @ e.value, _with_rest(e, rest_share)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = _of_all(e.value / rest, w)
        shift = np.where(np.isfinite(centre) & (centre > 0), value / centre, 1.0)

    def limits(tail: float) -> Pair:
        below, above = e.margins(tail)
        rest_low = np.maximum(rest - e.length(rest_share * below), 0.0)
        rest_high = rest + e.length(rest_share * above)
        mine, others = e.limits(tail), (rest_low, rest_high)
        ends = intervals.mover_ratio(e.value, rest, mine, others, correlation)
        return _of_all(ends[0], w) * shift, _of_all(ends[1], w) * shift

    return limits


def _with_rest(e: Estimates, rest_share: Float) -> Float | float:
    """Correlation (K,) of each group's error with that of the rest."""
    if e.correlation is None:
        return 0.0
    parts = rest_share * e.se
    return np.asarray((e.correlation * parts).sum(axis=1) / np.maximum(e.length(parts), TINY))


def _of_all(quotient: Float, share: Float) -> Float:
    """v_g / v_all from v_g / v_rest."""
    with np.errstate(invalid="ignore"):
        over_all = quotient / (share * quotient + 1 - share)
    return np.where(np.isinf(quotient), 1 / np.maximum(share, TINY), over_all)


# -- worst and best -----------------------------------------------------------------------------


def lowest(e: Estimates, confidence: float) -> Gap:
    """Smallest group value.

    The smallest value in truth is one of the groups', so it is not below the smallest lower
    limit; that it is above none of the upper limits takes limits that hold jointly.
    """
    excess = float(e.truth.min()) - e.expected[0]
    return _lowest(e, confidence, excess)


def highest(e: Estimates, confidence: float) -> Gap:
    """Largest group value, the mirror image of `lowest`."""
    gap = _lowest(e.mirrored(), confidence, e.expected[1] - float(e.truth.max()))
    return Gap(-gap.value, -gap.high, -gap.low, -gap.corrected, gap.index)


def _lowest(e: Estimates, confidence: float, excess: float) -> Gap:
    """Smallest group value, corrected by the excess to be expected of it."""
    index, own = int(e.value.argmin()), (1 - confidence) / 2
    observed = float(e.value[index])
    low = min(float(e.limits(own)[0].min()), observed)
    high = max(-_largest(e.mirrored().limits, len(e.value), own), observed)
    low, high = (float(end) for end in np.clip((low, high), *e.bounds))
    corrected = float(np.clip(observed + max(excess, 0.0), observed, e.value.mean()))
    return Gap(observed, low, high, corrected, index)


def mean(e: Estimates, share: Float, confidence: float) -> Pair:
    """Ends of the mean Σ share_j v_j over groups (MOVER for sums; Zou et al. 2009)."""
    below, above = e.margins((1 - confidence) / 2)
    value, part = float(e.value @ share), share[None, :]
    low, high = value - e.length(part * below), value + e.length(part * above)
    return np.clip(low[0], *e.bounds), np.clip(high[0], *e.bounds)


# -- standard deviation over groups -------------------------------------------------------------


def deviation(e: Estimates, confidence: float, apart: bool) -> Gap:
    """Population standard deviation over groups (Fair MEDL's measure).

    The observed pattern is shrunk or stretched by a factor s ≥ 0; for each s the squared
    deviation is a quadratic form in normal errors, whose law is taken from its first two moments
    (Satterthwaite 1946). The ends are the s that make what was observed as extreme as
    (1 − confidence) / 2. For equal errors this is the noncentral χ² interval. The lower end is 0
    unless two groups are `apart` jointly with all pairs, as the difference sees it.
    """
    centred, K = e.value - e.value.mean(), len(e.value)
    observed = float(np.sqrt((centred**2).mean()))
    corrected = min(float(np.sqrt(between_variance(e) * (K - 1) / K)), observed)
    tail, top = (1 - confidence) / 2, e.width / 2
    noise = _quadratic_noise(e, centred)
    if observed <= 1e-12:
        return Gap(0.0, 0.0, min(_null_end(noise, K, tail), top), 0.0)
    Q = K * observed**2
    low, high = (observed * _stretch(Q, noise, t) for t in (tail, 1 - tail))
    low = min(low, observed) if apart else 0.0
    return Gap(observed, low, min(max(high, observed), top), corrected)


def _quadratic_noise(e: Estimates, centred: Float) -> tuple[float, float, float]:
    """Mean and variance of Σ (ε_j − ε̄)², and the variance of Σ centred_j ε_j.

    That variance is not below its average over the directions in which errors push: where one
    group is small, its error may have hidden that the pattern lies along it.
    """
    K = len(centred)
    project = np.eye(K) - 1 / K
    spread_of = e.se[:, None] * (np.eye(K) if e.correlation is None else e.correlation) * e.se
    inner = project @ spread_of
    mean, square = float(np.trace(inner)), float((inner * inner.T).sum())
    average = float(centred @ centred) * square / mean if mean > 0 else 0.0
    return mean, 2 * square, max(float(centred @ spread_of @ centred), average)


def _chance(s: float, Q: float, noise: tuple[float, float, float]) -> float:
    """P(squared deviation ≥ Q) when the truth is the observed pattern times s."""
    first, second, along = noise
    centre, variance = s * s * Q + first, second + 4 * s * s * along
    if variance <= 0:
        return float(centre >= Q)
    return float(special.gammaincc(centre**2 / variance, Q * centre / variance))


def _stretch(Q: float, noise: tuple[float, float, float], chance: float) -> float:
    """The s at which the chance is as given; 0 where it is larger throughout."""

    def short(s: float) -> float:
        return _chance(s, Q, noise) - chance

    if short(0.0) >= 0:
        return 0.0
    low, high = 0.0, 1.0
    while short(high) < 0 and high < FURTHEST_STRETCH:
        low, high = high, 2 * high
    if short(high) < 0:
        return high
    return float(optimize.brentq(short, low, high, xtol=1e-12, rtol=1e-12))


def _null_end(noise: tuple[float, float, float], K: int, tail: float) -> float:
    """Upper limit of the deviation where the groups' values are all equal."""
    first, second, _ = noise
    if second <= 0:
        return 0.0
    shape = first**2 / second
    return float(np.sqrt(special.gammainccinv(shape, tail) * second / first / K))
