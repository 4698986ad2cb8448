"""Metrics of a numeric outcome by group: errors, R², quantiles of the error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fairaudit.audit.influence import Frame, Influence, means
from fairaudit.audit.measured import Asked, Measured

Float = NDArray[np.float64]
QUANTILES = {"error_p50": 0.5, "error_p90": 0.9}


def influence(metric: str, y: Float, answer: Float, frame: Frame) -> Influence:
    """mse, mae, mean_error (answer − truth) or r2 of each group."""
    error = answer - y
    if metric == "mse":
        return means(metric, error**2, frame)
    if metric == "mae":
        return means(metric, np.abs(error), frame)
    if metric == "mean_error":
        return means(metric, error, frame)
    return _r2(y, error, frame)


def _r2(y: Float, error: Float, frame: Frame) -> Influence:
    """1 − Σ e² / Σ (y − ȳ)²; undefined for a constant outcome."""
    codes = frame.grouping.codes
    centre = means("mean", y, frame)
    w = frame.unit
    around = (y - centre.value[codes]) ** 2
    total, rest = frame.total(w * around), frame.total(w * error**2)
    defined = (total > 0) & (frame.sizes() > 1)
    unexplained = np.divide(rest, total, out=np.full(frame.G, np.nan), where=defined)
    pull = -w * (error**2 - unexplained[codes] * around) / np.where(total > 0, total, 1.0)[codes]
    return Influence(
        "r2", 1 - unexplained, centre.denominator, np.nan_to_num(pull), "log of 1 - value"
    )


def quantile_error(
    metric: str, y: Float, answer: Float, frame: Frame, asked: Asked, n_boot: int
) -> Measured:
    """Quantile of |error| with the distribution-free interval between order statistics."""
    q = QUANTILES[metric]
    size = np.abs(answer - y)
    codes = frame.grouping.codes
    order = np.lexsort((size, codes))
    ends = np.cumsum(np.bincount(codes, minlength=frame.G))
    w = None if frame.weight is None else frame.weight[order]
    parts = [
        _order_interval(size[order][i:j], None if w is None else w[i:j], q, asked.confidence)
        for i, j in zip(np.r_[0, ends[:-1]], ends, strict=True)
    ]
    value, low, high = (np.array(column) for column in zip(*parts, strict=True))
    whole, below, above = _order_interval(np.sort(size), None, q, asked.confidence)
    if w is not None:
        by_size = np.argsort(size)
        weights = np.asarray(frame.weight)[by_size]
        whole, below, above = _order_interval(size[by_size], weights, q, asked.confidence)
    rng = np.random.default_rng([asked.seed, frame.G, 19])
    z = float(stats.norm.ppf(0.5 + asked.confidence / 2))
    se, all_se = np.nan_to_num((high - low) / (2 * z)), np.nan_to_num((above - below) / (2 * z))
    return Measured(
        attribute=frame.grouping.attribute,
        names=frame.grouping.names,
        metric=metric,
        n=frame.sizes(),
        denominator=frame.sizes(),
        value=value,
        low=low,
        high=high,
        noise=se * rng.standard_normal((n_boot, frame.G)),
        overall=whole,
        overall_noise=all_se * rng.standard_normal(n_boot),
        method="order statistics",
        replicates="normal replicates",
    )


def _order_interval(
    ordered: Float, weight: Float | None, q: float, confidence: float
) -> tuple[float, float, float]:
    """Quantile and its binomial interval (ranks from the binomial law of the effective size)."""
    n = len(ordered)
    if n == 0:
        return np.nan, np.nan, np.nan
    if weight is None:
        value, effective = float(np.quantile(ordered, q)), float(n)
        place = (np.arange(n) + 1) / n
    else:
        mass = np.cumsum(weight)
        place = mass / mass[-1]
        value = float(ordered[min(int(np.searchsorted(place, q)), n - 1)])
        effective = float(mass[-1] ** 2 / (weight**2).sum())
    tail = (1 - confidence) / 2
    ranks = np.asarray(stats.binom.ppf([tail, 1 - tail], max(round(effective), 1), q)) / effective
    low, high = (float(ordered[min(int(np.searchsorted(place, r)), n - 1)]) for r in ranks)
    return value, min(low, value), max(high, value)
