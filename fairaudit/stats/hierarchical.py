"""A hierarchical normal model of K groups, its mean and spread integrated out on a grid.

θ_j ~ N(μ, τ²), value_j ~ N(θ_j, variance_j); μ has a flat prior and τ a half-Cauchy one of the
scale of a typical error (Gelman 2006). Given τ all is in closed form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

SPREADS = 40  # of the grid over the standard deviation between groups


def posterior(value: Float, variance: Float) -> tuple[Float, Float, float]:
    """Means and SDs (K,) of the groups, and the SD of one more group around all of them.

    Parameters
    ----------
    value, variance : (K,) estimates and their error variances, all positive
    """
    between = _spreads(variance) ** 2
    w = 1 / (variance + between)  # (S, K)
    total = w.sum(axis=1, keepdims=True)
    mean = (w @ value)[:, None] / total
    fit = np.log(w).sum(axis=1, keepdims=True) - np.log(total)
    fit -= (w * (value - mean) ** 2).sum(axis=1, keepdims=True)
    chance = _weights(fit / 2)
    kept = between * w  # share of a group's own value
    centre = kept * value + (1 - kept) * mean
    within = kept * variance + (1 - kept) ** 2 / total
    whole = (chance * centre).sum(axis=0)
    spread = (chance * (within + (centre - whole) ** 2)).sum(axis=0)
    new = float((chance * (between + 1 / total)).sum())
    return whole, np.sqrt(spread), new**0.5


def of_the_others(value: Float, variance: Float) -> tuple[Float, Float]:
    """Mean and variance (K,) that the groups besides each expect of it."""
    between = _spreads(variance) ** 2
    w = 1 / (variance + between)  # (S, K)
    total, first, second, logs = (
        part.sum(axis=1, keepdims=True) - part for part in (w, w * value, w * value**2, np.log(w))
    )
    mean = first / total
    chance = _weights((logs - np.log(total) - (second - first * mean)) / 2)  # (S, K)
    centre = (chance * mean).sum(axis=0)
    precision = (chance / (between + 1 / total + (mean - centre) ** 2)).sum(axis=0)
    return centre, np.asarray(1 / precision)


def _spreads(variance: Float) -> Float:
    """Standard deviations between groups (S, 1) of equal weight under a half-Cauchy prior."""
    scale = np.sqrt(len(variance) / (1 / variance).sum())
    middle = (np.arange(SPREADS) + 0.5) / SPREADS
    return np.asarray(scale * np.tan(np.pi / 2 * middle))[:, None]


def _weights(log: Float) -> Float:
    """Posterior weights from log posteriors, over the first axis."""
    raw = np.exp(log - log.max(axis=0))
    return np.asarray(raw / raw.sum(axis=0))
