"""One-sided bounds of paired differences, and the level they share over groups (Holm)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, ndtr, ndtri, stdtr, stdtrit

Float = NDArray[np.float64]


class Difference(Protocol):
    """Expert minus baseline of every group, with its bounds and p-values."""

    def p_value(self, tolerance: float) -> Float:
        """One-sided p-value (G,) of "the expert is worse by `tolerance` or more"."""
        ...

    def lower(self, level: Float) -> Float:
        """Lower bound (G,) with coverage 1 − level."""
        ...

    def upper(self, level: Float) -> Float:
        """Upper bound (G,) with coverage 1 − level."""
        ...


@dataclass(frozen=True)
class PairedCounts:
    """Right and wrong answers of two models on the same n rows of every group.

    The p-value is the larger of the exact conditional one (McNemar) and Tango's score test
    (Stat. Med. 17, 1998, 891–908), the bound the smaller of the two inversions: exact where no
    tolerance is given, and never fooled by a group without any disagreement.

    Attributes
    ----------
    n, gains, losses : (..., G)
        Rows; rows that only the expert gets right; rows that only the baseline gets right.
    """

    n: Float
    gains: Float
    losses: Float

    def p_value(self, tolerance: float) -> Float:
        return np.maximum(self._exact_p(tolerance), 1 - ndtr(self._score(-tolerance + 0 * self.n)))

    def lower(self, level: Float) -> Float:
        return np.minimum(self._exact_lower(level), self._score_lower(level))

    def upper(self, level: Float) -> Float:
        return -PairedCounts(self.n, self.losses, self.gains).lower(level)

    def _exact_p(self, tolerance: float) -> Float:
        """P(Binomial(d, θ) ≥ gains) at the θ where 2θ − 1 = −tolerance · n / d."""
        d = self.gains + self.losses
        theta = np.clip((1 - tolerance * self.n / np.maximum(d, 1)) / 2, 0, 1)
        tail = betainc(np.maximum(self.gains, 1), self.losses + 1, theta)
        return np.where(self.gains > 0, tail, self._losses_p(tolerance))

    def _losses_p(self, tolerance: float) -> Float:
        """P(Binomial(n, tolerance) ≤ losses): exact where the expert gains nothing."""
        rest = self.n - self.losses
        tail = betainc(np.maximum(rest, 1), self.losses + 1, 1 - tolerance)
        return np.where(rest > 0, tail, 1.0)

    def _exact_lower(self, level: Float) -> Float:
        """Clopper–Pearson bound of θ given d, on the scale (2θ − 1) d / n."""
        d = self.gains + self.losses
        beta = betaincinv(np.maximum(self.gains, 1), self.losses + 1, level)
        most = betaincinv(self.losses + 1, np.maximum(self.n - self.losses, 1), 1 - level)
        none = np.where(self.n > self.losses, -most, -1.0)  # nothing gained: −(loss rate's bound)
        return np.where(self.gains > 0, (2 * beta - 1) * d / np.maximum(self.n, 1), none)

    def _score(self, shift: Float) -> Float:
        """Tango's statistic of "difference = shift" (eq. 4)."""
        n, b, c = np.maximum(self.n, 1), self.gains, self.losses
        middle = -b - c + (2 * n - b + c) * shift
        root = np.sqrt(np.maximum(middle**2 + 8 * n * c * shift * (1 - shift), 0))
        q = (root - middle) / (4 * n)
        variance = n * (2 * q + shift * (1 - shift))
        return np.asarray((b - c - n * shift) / np.sqrt(np.maximum(variance, 1e-12)))

    def _score_lower(self, level: Float) -> Float:
        """Where the statistic equals the normal quantile, by bisection to 1e-12."""
        z = -ndtri(level)
        estimate = (self.gains - self.losses) / np.maximum(self.n, 1)
        low, high = np.full_like(estimate, -1.0), estimate
        for _ in range(42):
            middle = (low + high) / 2
            below = self._score(middle) > z
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return low


@dataclass(frozen=True)
class StudentDifference:
    """An estimate with a standard error and degrees of freedom (..., G)."""

    centre: Float
    error: Float
    freedom: Float

    def p_value(self, tolerance: float) -> Float:
        return np.asarray(1 - stdtr(self.freedom, (self.centre + tolerance) / self.error))

    def lower(self, level: Float) -> Float:
        return np.asarray(self.centre + stdtrit(self.freedom, level) * self.error)

    def upper(self, level: Float) -> Float:
        return np.asarray(self.centre - stdtrit(self.freedom, level) * self.error)


@dataclass(frozen=True)
class SkewedMean:
    """Mean of skewed paired differences, by Hall's cubic transformation (JRSS B 54, 1992, 221).

    Attributes
    ----------
    mean, sd, skew, n : (..., G)
    """

    mean: Float
    sd: Float
    skew: Float
    n: Float

    def p_value(self, tolerance: float) -> Float:
        t = (self.mean + tolerance) / self.sd
        a = self.skew / 3
        bent = t + a * t**2 + a**2 * t**3 / 3 + self.skew / (6 * self.n)
        return np.asarray(1 - stdtr(self.n - 1, np.sqrt(self.n) * bent))

    def lower(self, level: Float) -> Float:
        return self.mean - self.sd * self._straight(-stdtrit(self.n - 1, level))

    def upper(self, level: Float) -> Float:
        return self.mean - self.sd * self._straight(stdtrit(self.n - 1, level))

    def _straight(self, quantile: Float) -> Float:
        """The inverse of the transformation at quantile / √n."""
        x = quantile / np.sqrt(self.n) - self.skew / (6 * self.n)
        a = np.where(np.abs(self.skew) < 1e-9, 1e-9, self.skew) / 3
        return np.asarray((np.cbrt(1 + 3 * a * x) - 1) / a)


@dataclass(frozen=True)
class Strictest:
    """Several ways to bound the same difference, of which the most cautious counts everywhere.

    Hall's correction makes a skewed mean of squared errors honest and takes the chance skewness of
    symmetric heavy tails for real (12% of false claims where 5% are allowed); Student's does the
    reverse. Clusters never make a bound tighter than independent rows would.
    """

    parts: tuple[Difference, ...]

    def p_value(self, tolerance: float) -> Float:
        return np.asarray(np.max([part.p_value(tolerance) for part in self.parts], axis=0))

    def lower(self, level: Float) -> Float:
        return np.asarray(np.min([part.lower(level) for part in self.parts], axis=0))

    def upper(self, level: Float) -> Float:
        return np.asarray(np.max([part.upper(level) for part in self.parts], axis=0))


def mean_of_differences(mean: Float, sd: Float, skew: Float, n: Float) -> Strictest:
    """The mean of n paired differences (..., G), by Hall's and by Student's distribution."""
    hall = SkewedMean(mean, sd, skew, n)
    return Strictest((hall, StudentDifference(mean, sd / np.sqrt(n), n - 1)))


def holm(p: Float, alpha: float) -> tuple[NDArray[np.bool_], Float]:
    """Step-down decisions with family-wise level `alpha` over the last axis (Holm 1979).

    Parameters
    ----------
    p : (..., G)
        NaN where a group takes no part.

    Returns
    -------
    rejected : (..., G) bool
    level : (..., G)
        The level each group was tested at; groups that come after the first failure carry the
        level of that failure, so that rejected ⇔ its bound at `level` clears the hurdle.
    """
    family = np.isfinite(p).sum(-1, keepdims=True)  # (..., 1)
    order = np.argsort(np.where(np.isfinite(p), p, np.inf), axis=-1, kind="stable")
    rank = np.broadcast_to(np.arange(p.shape[-1]), p.shape)
    steps = alpha / np.maximum(family - rank, 1)
    ordered = np.take_along_axis(p, order, -1)
    passed = np.logical_and.accumulate(np.nan_to_num(ordered, nan=2.0) <= steps, axis=-1)
    first = np.minimum(passed.sum(-1, keepdims=True), np.maximum(family - 1, 0))
    level = np.where(passed, steps, np.take_along_axis(steps, first, -1))
    back = np.argsort(order, axis=-1, kind="stable")
    return np.take_along_axis(passed, back, -1), np.take_along_axis(level, back, -1)
