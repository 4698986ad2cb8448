"""Metrics of a numeric outcome by group: errors, R², quantiles of the error."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fairaudit.inputs.group_codes import everybody as one_group
from fairaudit.stats import intervals
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import (
    Frame,
    Influence,
    correlation,
    effective,
    means,
    standard_errors,
)

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
    metric: str, y: Float, answer: Float, frame: Frame, options: EstimateOptions
) -> Measured:
    """Quantile of |error| with the interval between order statistics.

    Which ones is told by the interval of the share of rows below it (Woodruff 1952), at the
    effective size that weights and clusters leave.
    """
    q, size = QUANTILES[metric], np.abs(answer - y)
    quantiles = _quantiles(size, q, frame)
    whole = _quantiles(size, q, replace(frame, grouping=one_group(len(y))))
    low, high = quantiles.limits((1 - options.confidence) / 2)
    z = intervals.quantile(options.confidence, quantiles.freedom)
    return Measured(
        attribute=frame.grouping.attribute,
        names=frame.grouping.names,
        metric=metric,
        n=frame.sizes(),
        denominator=quantiles.rows,
        value=quantiles.value,
        low=low,
        high=high,
        se=np.nan_to_num((high - low) / (2 * z)),
        limits=quantiles.limits,
        overall=float(whole.value[0]),
        share=frame.total(frame.unit),
        method="order statistics" + ("" if frame.cluster is None else ", clustered"),
        freedom=quantiles.freedom,
        correlation=correlation(quantiles.below, frame),
    )


@dataclass(frozen=True)
class _Quantiles:
    """A quantile of each group and the sorted values it comes from.

    Attributes
    ----------
    groups : G pairs of sorted values and their weights
    value, rows : (G,) quantile, and its effective number of rows
    below : (n,) influence of each row on the share of rows below the quantile
    units : (G,) clusters in each group, None for independent rows
    """

    q: float
    groups: list[tuple[Float, Float]]
    value: Float
    rows: Float
    below: Float
    units: Float | None

    @property
    def freedom(self) -> Float | None:
        """(G,) degrees of freedom where rows come in clusters."""
        return None if self.units is None else np.maximum(self.units - 1, 1.0)

    def limits(self, tail: float) -> tuple[Float, Float]:
        """Order statistics at the limits of the share below."""
        low, high = (
            np.array([_at(s, w, p) for (s, w), p in zip(self.groups, place, strict=True)])
            for place in self._places(1 - 2 * tail)
        )
        return np.fmin(low, self.value), np.fmax(high, self.value)

    def _places(self, confidence: float) -> list[Float]:
        if self.units is None:
            n = np.maximum(np.round(self.rows), 1).astype(int)
            ends = stats.binom.interval(confidence, n, self.q)
            return [np.asarray(end) / np.maximum(self.rows, 1.0) for end in ends]
        z = intervals.quantile(confidence, self.freedom)
        ends = intervals.wilson(self.q, self.rows, confidence, z)
        return [np.where(self.units < 2, np.nan, end) for end in ends]


def _quantiles(size: Float, q: float, frame: Frame) -> _Quantiles:
    """Quantiles by group."""
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
    units = None if frame.cluster is None else standard_errors(below, frame)[1]
    return _Quantiles(q, groups, value, effective(below, frame), below.rows, units)


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
