"""Gaps over groups with intervals: differences, ratios, worst, best, spread, all from replicates.

A gap such as "largest minus smallest" is a maximum of noisy numbers: it is biased upwards and
its percentile bootstrap interval never holds zero. The intervals here invert a test instead.
The candidates are the observed pattern of group values shrunk or stretched by a factor s ≥ 0
(0: all groups equal, 1: as observed); for each s the replicates say how often a gap as large as
the observed one would be seen. The end on the side of "no gap" is the s with probability α/2; the
other end is the replicates' own quantile, where the bias of extremes only adds caution. (Both ends
by inversion missed the truth on the far side in up to 9% of simulations of nearly equal groups.)

Where some groups are far noisier than others, a small group's noise alone could make the gap, so
the ray says little. Then the near end is that of the best pair (Tukey's simultaneous bound with
each pair's own error): valid, and conservative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Estimates:
    """Values of one metric in K groups and how they would vary.

    Attributes
    ----------
    value : (K,) observed
    noise : (B, K) replicate minus its expectation; B = 0 when no intervals are wanted
    variance : (K,) sampling variance of `value`
    bounds : what the metric cannot leave
    """

    value: Float
    noise: Float
    variance: Float
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def drawn(self) -> Float:
        """(B, K) values the truth may have, inside the bounds."""
        return np.clip(self.value - self.noise, *self.bounds)

    @property
    def width(self) -> float:
        """The largest gap the bounds allow."""
        return self.bounds[1] - self.bounds[0]

    def mirrored(self) -> Estimates:
        """The same with the sign turned."""
        low, high = self.bounds
        return Estimates(-self.value, -self.noise, self.variance, (-high, -low))


@dataclass(frozen=True)
class Gap:
    """One number over groups; `corrected` has the upward bias of extremes removed."""

    value: float
    low: float
    high: float
    corrected: float
    index: int = -1  # the group that decides it (worst, best, furthest), −1 when none does


def _ends(draws: Float, confidence: float) -> tuple[float, float]:
    if draws.size == 0:
        return np.nan, np.nan
    ordered = np.sort(draws)
    tail = (1 - confidence) / 2
    return _at(ordered, tail), _at(ordered, 1 - tail)


def _at(ordered: Float, q: float) -> float:
    """Linear quantile of sorted draws; numpy's own costs ten times as much on short arrays."""
    place = q * (len(ordered) - 1)
    i = min(int(place), len(ordered) - 2) if len(ordered) > 1 else 0
    j = min(i + 1, len(ordered) - 1)
    return float(ordered[i] + (place - i) * (ordered[j] - ordered[i]))


MAX_PAIRED = 16
UNEVEN = 2.0  # ratio of standard errors beyond which groups are judged one by one


def _uneven(variance: Float) -> bool:
    """Whether one group is more than twice as noisy as another."""
    return bool(variance.size and variance.max() > UNEVEN**2 * variance.min())


def _studentised_low(d: Float, e: Float, confidence: float) -> float:
    """Largest d_j − c·se_j with c so that no d_j − se_j·c exceeds its truth, jointly.

    d (J,) are contrasts, e (B, J) their noise.
    """
    se = e.std(axis=0)
    known = se > 0
    if not known.any():
        return float(d.max())
    worst = (e[:, known] / se[known]).max(axis=1)
    c = _at(np.sort(worst), 0.5 + confidence / 2)
    return float((d[known] - c * se[known]).max())


# -- largest minus smallest ---------------------------------------------------------------------


def spread(values: Float) -> Float:
    """Largest minus smallest over the last axis."""
    return np.asarray(values.max(-1) - values.min(-1))


def _range_roots(families: Sequence[Estimates], observed: float) -> Float:
    """For each replicate the smallest s at which the widest family is as wide as observed.

    max over pairs of s·d + e is convex in s; stepping to the root of the pair that is widest now
    (Dinkelbach) reaches the smallest root in a few steps.
    """
    B = len(families[0].noise)
    widest = max(families, key=lambda f: float(spread(f.value)))
    i, j = int(widest.value.argmax()), int(widest.value.argmin())
    d = np.full(B, widest.value[i] - widest.value[j])
    s = (observed - (widest.noise[:, i] - widest.noise[:, j])) / d
    for _ in range(30):
        d, e = _widest_pair(families, s)
        root = np.where(d > 0, (observed - e) / np.where(d > 0, d, 1.0), -1.0)
        better = (root < s - 1e-12) & (s > 0)
        if not better.any():
            break
        s = np.where(better, root, s)
    return np.asarray(np.maximum(s, 0.0))


def _widest_pair(families: Sequence[Estimates], s: Float) -> tuple[Float, Float]:
    """Distance and noise (B,) of the pair that is furthest apart at each replicate's s."""
    rows = np.arange(len(s))
    best = np.full(len(s), -np.inf)
    d, e = np.zeros(len(s)), np.zeros(len(s))
    for f in families:
        at = s[:, None] * f.value + f.noise  # (B, K)
        i, j = at.argmax(1), at.argmin(1)
        wide = at[rows, i] - at[rows, j]
        wins = wide > best
        best = np.where(wins, wide, best)
        d = np.where(wins, f.value[i] - f.value[j], d)
        e = np.where(wins, f.noise[rows, i] - f.noise[rows, j], e)
    return d, e


def difference(families: Sequence[Estimates], confidence: float) -> Gap:
    """Largest minus smallest; with several families (TPR and FPR) the widest of them."""
    observed = max(float(spread(f.value)) for f in families)
    if observed <= 1e-15:
        noise = np.max([spread(f.noise) for f in families], axis=0)
        high = _ends(noise, confidence)[1] if noise.size else np.nan
        return Gap(0.0, 0.0 if noise.size else np.nan, high, 0.0)
    low, high = _range_ends(families, observed, confidence)
    high = min(high, max(f.width for f in families))
    return Gap(observed, low, high, _corrected_range(families, observed))


def _range_ends(
    families: Sequence[Estimates], observed: float, confidence: float
) -> tuple[float, float]:
    if families[0].noise.size == 0:
        return np.nan, np.nan
    widest = np.max([spread(f.drawn) for f in families], axis=0)
    high = max(_ends(widest, confidence)[1], observed)
    if any(_uneven(f.variance) for f in families):
        pairs = [_pairs(f) for f in families]
        d = np.concatenate([p[0] for p in pairs])
        e = np.concatenate([p[1] for p in pairs], axis=1)
        low = max(_studentised_low(d, e, confidence), 0.0)
    else:
        low = observed * _ends(_range_roots(families, observed), confidence)[0]
    return min(low, observed), high


def _pairs(f: Estimates) -> tuple[Float, Float]:
    """Distances (J,) and their noise (B, J) of all pairs of up to 16 groups at the ends."""
    keep = np.arange(len(f.value))
    if len(keep) > MAX_PAIRED:
        order = np.argsort(f.value)
        precise = np.argsort(f.variance)[: MAX_PAIRED // 2]
        ends = np.r_[order[: MAX_PAIRED // 4], order[-MAX_PAIRED // 4 :]]
        keep = np.unique(np.r_[precise, ends])
    i, j = np.triu_indices(len(keep), 1)
    i, j = keep[i], keep[j]
    d, e = f.value[i] - f.value[j], f.noise[:, i] - f.noise[:, j]
    sign = np.where(d < 0, -1.0, 1.0)
    return d * sign, e * sign


def _corrected_range(families: Sequence[Estimates], observed: float) -> float:
    """Observed gap less its expected excess over the truth, the truth taken from `shrunk`."""
    if families[0].noise.size == 0:
        return float("nan")
    truth = [shrunk(f) for f in families]
    noisy = np.max([spread(t + f.noise) for t, f in zip(truth, families, strict=True)], axis=0)
    excess = float(noisy.mean()) - max(float(spread(t)) for t in truth)
    return max(observed - excess, 0.0)


def shrunk(estimates: Estimates) -> Float:
    """Group values with the spread the sampling noise does not explain (empirical Bayes).

    The between-group variance is the double-corrected one of Lum, Zhang & Bower (2022): the
    variance of the estimates less their mean sampling variance. Values are pulled to their mean
    so that their own variance equals it (constrained empirical Bayes, Ghosh 1992).
    """
    value = estimates.value
    mean = value.mean()
    between = between_variance(estimates)
    factor = np.sqrt(between / np.maximum(between + estimates.variance, 1e-300))
    return np.asarray(mean + factor * (value - mean))


def between_variance(estimates: Estimates) -> float:
    """Double-corrected variance over groups (divisor K − 1), never negative."""
    if len(estimates.value) < 2:
        return 0.0
    return max(float(estimates.value.var(ddof=1) - estimates.variance.mean()), 0.0)


# -- furthest from the overall value -------------------------------------------------------------


def to_overall(estimates: Estimates, overall: float, noise: Float, confidence: float) -> Gap:
    """Largest distance of a group from the overall value; `noise` (B,) is the overall's."""
    d = estimates.value - overall
    index = int(np.abs(d).argmax())
    observed = float(np.abs(d[index]))
    e = estimates.noise - noise[:, None]
    if observed <= 1e-15:
        widest = np.abs(e).max(1)
        high = _ends(widest, confidence)[1] if widest.size else np.nan
        return Gap(0.0, 0.0 if widest.size else np.nan, high, 0.0, index)
    low, high = _far_ends(Estimates(d, e, estimates.variance), observed, confidence)
    high = min(high, estimates.width)
    corrected = float("nan")
    if e.size:
        truth = shrunk(estimates) - estimates.value.mean()
        excess = float(np.abs(truth + e).max(1).mean() - np.abs(truth).max())
        corrected = max(observed - excess, 0.0)
    return Gap(observed, low, high, corrected, index)


def _far_ends(far: Estimates, observed: float, confidence: float) -> tuple[float, float]:
    d, e = far.value, far.noise
    if e.size == 0:
        return np.nan, np.nan
    high = max(_ends(np.abs(d - e).max(1), confidence)[1], observed)
    if _uneven(far.variance):
        sign = np.where(d < 0, -1.0, 1.0)
        low = max(_studentised_low(d * sign, e * sign, confidence), 0.0)
    else:  # |s d + e| over groups is the range of the pair (value, its mirror image)
        mirrored = Estimates(np.r_[d, -d] / 2, np.c_[e, -e] / 2, far.variance)
        low = observed * _ends(_range_roots([mirrored], observed), confidence)[0]
    return min(low, observed), high


# -- worst and best -----------------------------------------------------------------------------


def lowest(estimates: Estimates, confidence: float) -> Gap:
    """Smallest group value; the ray goes on as a common shift once all groups are equal."""
    value, noise = estimates.value, estimates.noise
    index = int(value.argmin())
    observed, mean = float(value[index]), float(value.mean())
    if noise.size == 0:
        return Gap(observed, np.nan, np.nan, np.nan, index)
    low, high = np.clip(_lowest_ends(estimates, observed, mean, confidence), *estimates.bounds)
    truth = shrunk(estimates)
    excess = float((truth + noise).min(1).mean() - truth.min())
    return Gap(observed, float(low), float(high), observed - excess, index)


def _lowest_ends(
    estimates: Estimates, observed: float, mean: float, confidence: float
) -> tuple[float, float]:
    value, noise = estimates.value, estimates.noise
    low = min(_ends(estimates.drawn.min(1), confidence)[0], observed)
    if _uneven(estimates.variance):
        return low, max(-_studentised_low(-value, -noise, confidence), observed)
    below = value < mean - 1e-12
    at_tie = observed - noise.min(1)  # common value at which the smallest would be as observed
    ends = at_tie
    if below.any():
        c = mean - value[below]
        s = ((mean + noise[:, below] - observed) / c).min(1)
        ends = np.where(s >= 0, mean - s * (mean - observed), at_tie)
    return low, max(_ends(ends, confidence)[1], observed)


def highest(estimates: Estimates, confidence: float) -> Gap:
    """Largest group value, the mirror image of `lowest`."""
    gap = lowest(estimates.mirrored(), confidence)
    return Gap(-gap.value, -gap.high, -gap.low, -gap.corrected, gap.index)


# -- standard deviation over groups -------------------------------------------------------------


def deviation(estimates: Estimates, confidence: float) -> Gap:
    """Population standard deviation over groups (Fair MEDL's measure), same inversion.

    Along the ray it depends on the noncentrality only, so for normal values of equal precision
    this is the exact noncentral χ² interval.
    """
    centred = estimates.value - estimates.value.mean()
    noise = estimates.noise - estimates.noise.mean(1, keepdims=True)
    V, K = float((centred**2).mean()), len(centred)
    corrected = np.sqrt(between_variance(estimates) * (K - 1) / K)
    if noise.size == 0:
        return Gap(float(np.sqrt(V)), np.nan, np.nan, float(corrected))
    Vb = (noise**2).mean(1)  # (B,)
    if V <= 1e-24:
        return Gap(0.0, 0.0, float(np.sqrt(_ends(Vb, confidence)[1])), 0.0)
    root = float(np.sqrt(V))
    low, high = (root * s for s in _invert_quadratic(V, (noise * centred).mean(1), Vb, confidence))
    if _uneven(estimates.variance):
        low, high = _uneven_deviation(estimates, low, root, confidence)
    return Gap(root, low, high, float(corrected))


def _uneven_deviation(
    estimates: Estimates, low: float, root: float, confidence: float
) -> tuple[float, float]:
    """With two groups d apart the deviation over K groups is at least d / √(2K)."""
    apart = max(_studentised_low(*_pairs(estimates), confidence), 0.0)
    drawn = estimates.drawn.std(axis=1)
    floor = apart / np.sqrt(2 * len(estimates.value))
    return float(min(max(low, floor), root)), max(_ends(drawn, confidence)[1], root)


def _invert_quadratic(V: float, C: Float, Vb: Float, confidence: float) -> tuple[float, float]:
    """The s where P(s²V + 2sC + Vb ≥ V) over replicates is α/2 and 1 − α/2."""
    disc = C * C + V * (V - Vb)
    real = disc >= 0
    root = np.sqrt(np.maximum(disc, 0.0))
    above = np.sort(np.where(real, (-C + root) / V, -np.inf))  # true from here on
    below = np.sort(np.where(real, (-C - root) / V, -np.inf))  # and true up to here
    B = len(C)
    at = np.concatenate([[0.0], above[above > 0]])
    chance = np.searchsorted(above, at, "right") + B - np.searchsorted(below, at, "left")
    tail = (1 - confidence) / 2 * B
    low, high = (np.argmax(chance >= t) if (chance >= t).any() else -1 for t in (tail, B - tail))
    return float(at[low]), float(at[high])
