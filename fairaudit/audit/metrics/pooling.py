"""Partial pooling of sparse groups: shrunken values to stand beside the raw ones.

The value is the posterior mean of a hierarchical normal model (Gelman et al., Bayesian Data
Analysis, 5.4), with the uncertainty of mean and spread integrated out on a grid. No posterior
interval covers a group that differs from all others, so the interval is not the posterior's: it
is a confidence interval whose two tails are chosen by what the other groups say (Yu & Hoff 2018,
arXiv 1612.08287). It covers each group as often as its own interval does, whatever the others
are, and is shorter where they agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fairaudit.stats import hierarchical, intervals
from fairaudit.stats.estimates import Measured, bounds_of
from fairaudit.stats.metric_definitions import RATES, base_name

Float = NDArray[np.float64]
Pooled = tuple[Float, Float, Float]
Limit = Callable[[Float], Float]  # tail (K,) → limit (K,)

MIN_GROUPS = 3  # too few groups do not show how groups vary
HALVINGS = 20  # of the search for the tail at which an interval ends
WIDEST = 12.0  # logit of the most unequal share of the error in one tail


@dataclass(frozen=True)
class Noisy:
    """Values of K groups and their error variances, with limits at any tail."""

    value: Float
    variance: Float
    low: Limit
    high: Limit


def pooled(m: Measured, confidence: float) -> Pooled:
    """Shrunken value, low, high (G,); NaN with fewer than three groups or without errors."""
    out = tuple(np.full(len(m.names), np.nan) for _ in range(3))
    known = ~np.isnan(m.value) & (m.denominator > 0)
    rate = base_name(m.metric) in RATES
    if not rate:
        known &= ~np.isnan(m.low) & ~np.isnan(m.high)
    if known.sum() < MIN_GROUPS:
        return out[0], out[1], out[2]
    groups = _of_rates(m, known) if rate else _of_errors(m, known, confidence)
    if not groups.variance.any():  # nothing is known of the noise: nothing to weigh by
        return out[0], out[1], out[2]
    for column, values in zip(out, shrunken(groups, confidence, bounds_of(m.metric)), strict=True):
        column[known] = values
    return out[0], out[1], out[2]


def shrunken(
    groups: Noisy, confidence: float, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Pooled:
    """Posterior mean of each group, and the interval whose tails the other groups choose.

    Parameters
    ----------
    groups : three or more
    bounds : what the values cannot leave
    """
    value = hierarchical.posterior(groups.value, groups.variance)[0]
    expected = hierarchical.of_the_others(groups.value, groups.variance)
    low, high = assisted(groups, *expected, confidence)
    low, high = np.clip(low, *bounds), np.clip(high, *bounds)
    return np.clip(value, low, high), low, high


# -- errors -------------------------------------------------------------------------------------


def _of_rates(m: Measured, known: NDArray[np.bool_]) -> Noisy:
    """Rates with the variance of their common mean, and Wilson's limits."""
    p, n = m.value[known], m.denominator[known]
    df = None if m.freedom is None else m.freedom[known]
    mean = (float(p @ n) + 0.5) / (float(n.sum()) + 1)

    def ends(tail: Float, side: int) -> Float:
        return intervals.wilson(p, n, 0.0, z=-_quantile(tail, df))[side]

    return Noisy(p, mean * (1 - mean) / n, lambda tail: ends(tail, 0), lambda tail: ends(tail, 1))


def _of_errors(m: Measured, known: NDArray[np.bool_], confidence: float) -> Noisy:
    """Values with their own intervals, stretched to other tails by the quantile."""
    value, low, high = m.value[known], m.low[known], m.high[known]
    df = None if m.freedom is None else m.freedom[known]
    own = _quantile(np.full(len(value), (1 - confidence) / 2), df)

    def stretch(tail: Float) -> Float:
        return np.asarray(_quantile(tail, df) / own)

    variance = np.nan_to_num(m.se[known]) ** 2
    floor = 1e-9 * max(float(variance.max(initial=0.0)), 1e-9)
    return Noisy(
        value,
        np.where(variance.any(), np.maximum(variance, floor), 0.0),
        lambda tail: value - (value - low) * stretch(tail),
        lambda tail: value + (high - value) * stretch(tail),
    )


def _quantile(tail: Float, df: Float | None) -> Float:
    if df is None:
        return np.asarray(special.ndtri(tail))
    return np.asarray(special.stdtrit(np.maximum(df, 1.0), tail))


# -- the interval -------------------------------------------------------------------------------


def assisted(
    groups: Noisy, mean: Float, variance: Float, confidence: float
) -> tuple[Float, Float]:
    """Interval (K,) of each group when the others expect N(mean, variance) of it.

    A value θ is in the interval when it lies between the group's limits at the tails
    α (1 − w) below and α w above. The expectation chooses w(θ), so that the interval is shortest
    where it is right: θ(w) = mean + variance / (2σ) · (z(αw) − z(α(1 − w))). The tails add up to
    α for each θ, so that coverage does not depend on the expectation.
    """
    alpha = 1 - confidence
    reach = variance / (2 * np.sqrt(groups.variance))

    def place(w: Float) -> Float:
        tails = special.ndtri(alpha * w) - special.ndtri(alpha * (1 - w))
        return np.asarray(mean + reach * tails)

    low = _crossing(place, lambda w: groups.low(alpha * (1 - w)), len(mean))
    high = _crossing(place, lambda w: groups.high(alpha * w), len(mean))
    return low, high


def _crossing(place: Limit, limit: Limit, size: int) -> Float:
    """Where the rising `place` meets the falling `limit`, by halving on the logit of w."""
    left, right = np.full(size, -WIDEST), np.full(size, WIDEST)
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        w = special.expit(middle)
        below = place(w) < limit(w)
        left, right = np.where(below, middle, left), np.where(below, right, middle)
    return limit(special.expit((left + right) / 2))
