"""Metrics of a numeric outcome by group: errors, R², quantiles of the error."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fairaudit.inputs.group_codes import everybody as one_group
from fairaudit.stats import intervals
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import Frame, Influence, effective, means, standard_errors

Float = NDArray[np.float64]
QUANTILES = {"error_p50": 0.5, "error_p90": 0.9}


def influence(metric: str, y: Float, answer: Float, frame: Frame) -> Influence:
    """mean_prediction, mse, mae, mean_error (answer − truth) or r2 of each group."""
    if metric == "mean_prediction":
        return means(metric, answer, frame)
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
    metric: str, y: Float, answer: Float, frame: Frame, asked: EstimateOptions, n_boot: int
) -> Measured:
    """Quantile of |error| with the interval between order statistics.

    Which ones is told by the interval of the share of rows below it (Woodruff 1952), at the
    effective size that weights and clusters leave.
    """
    q, size = QUANTILES[metric], np.abs(answer - y)
    found, freedom = _quantiles(size, q, frame, asked.confidence)
    whole = replace(frame, grouping=one_group(len(y)))
    everybody, _ = _quantiles(size, q, whole, asked.confidence)
    rng = np.random.default_rng([asked.seed, frame.G, 19])
    z = intervals.quantile(asked.confidence, freedom)
    se = np.nan_to_num((found.high - found.low) / (2 * z))
    reach = (everybody.high - everybody.low) / (2 * intervals.quantile(asked.confidence))
    clustered = "" if frame.cluster is None else ", clustered"
    return Measured(
        attribute=frame.grouping.attribute,
        names=frame.grouping.names,
        metric=metric,
        n=frame.sizes(),
        denominator=found.rows,
        value=found.value,
        low=found.low,
        high=found.high,
        noise=se * rng.standard_normal((n_boot, frame.G)),
        overall=float(everybody.value[0]),
        overall_noise=np.nan_to_num(reach) * rng.standard_normal(n_boot),
        method="order statistics" + clustered,
        replicates="normal replicates" + clustered,
        freedom=freedom,
        wide=None if freedom is None else intervals.widening(asked.confidence, freedom),
    )


@dataclass(frozen=True)
class _Quantiles:
    """A quantile of each group with its ends and the rows it rests on, all (G,)."""

    value: Float
    low: Float
    high: Float
    rows: Float


def _quantiles(
    size: Float, q: float, frame: Frame, confidence: float
) -> tuple[_Quantiles, Float | None]:
    """Quantiles by group, and degrees of freedom where rows come in clusters."""
    codes = frame.grouping.codes
    order = np.lexsort((size, codes))
    stops = np.cumsum(np.bincount(codes, minlength=frame.G))
    weights = frame.unit[order]
    groups = [
        (size[order][i:j], weights[i:j]) for i, j in zip(np.r_[0, stops[:-1]], stops, strict=True)
    ]
    plain = frame.weight is None
    value = np.array([_quantile(s, None if plain else w, q) for s, w in groups])
    below = means("share", (size <= value[codes]).astype(np.float64), frame)
    rows = effective(below, frame)
    freedom = None
    if frame.cluster is None:
        ends = stats.binom.interval(confidence, np.maximum(np.round(rows), 1).astype(int), q)
        places = [np.asarray(end) / np.maximum(rows, 1.0) for end in ends]
    else:
        units = standard_errors(below, frame)[1]
        freedom = np.maximum(units - 1, 1.0)
        z = intervals.quantile(confidence, freedom)
        places = [np.where(units < 2, np.nan, p) for p in intervals.wilson(q, rows, confidence, z)]
    low, high = (
        np.array([_at(s, w, p) for (s, w), p in zip(groups, place, strict=True)])
        for place in places
    )
    return _Quantiles(value, np.fmin(low, value), np.fmax(high, value), rows), freedom


def _quantile(ordered: Float, weight: Float | None, q: float) -> float:
    if weight is None and len(ordered):
        return float(np.quantile(ordered, q))
    return float("nan") if weight is None else _at(ordered, weight, q)


def _at(ordered: Float, weight: Float, place: float) -> float:
    """The smallest value up to which a share `place` of the weight lies; NaN without weight."""
    mass = np.cumsum(weight)
    if not len(mass) or mass[-1] <= 0 or np.isnan(place):
        return float("nan")
    at = int(np.searchsorted(mass / mass[-1], place))
    return float(ordered[min(at, len(ordered) - 1)])
