"""Count-based metrics of a binary outcome, measured in every group with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fairaudit.stats import count_errors, intervals, metric_definitions
from fairaudit.stats.count_errors import CountErrors
from fairaudit.stats.counts import Cells
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.gaps import Limits
from fairaudit.stats.metric_definitions import JACCARD, RATES, Cell
from fairaudit.stats.resampling import ClusterCells

Float = NDArray[np.float64]
Ends = tuple[Float, Float]
RateLimits = Callable[..., Ends]  # of rates, sizes, confidence and perhaps a quantile
_Quotient = tuple[tuple[Cell, ...], tuple[Cell, ...]]  # cells over cells
AT_ONCE = 1 << 9  # limits of all rates together: a further one costs less than a further call


@dataclass(frozen=True)
class _CellCounts:
    """Counts (G, 2, 2), those of each cluster where rows come in clusters, and a level.

    `rates` are all that the metrics rest on: limits of a tail are computed for all of them at
    once and kept in `ends`; `known` keeps variances over clusters, which every tail needs again.
    """

    cells: Cells
    clusters: ClusterCells | None
    confidence: float
    rates: tuple[_Quotient, ...] = ()
    known: dict[_Quotient, Float] = field(default_factory=dict, repr=False)
    ends: dict[tuple[object, ...], Ends] = field(default_factory=dict, repr=False)


def measure(
    cells: Cells,
    names: Sequence[str],
    options: EstimateOptions,
    clusters: ClusterCells | None = None,
) -> list[Measured]:
    """Each metric of `names` in each group of `cells` (G, 2, 2).

    With clusters the intervals use the design effect of the cluster totals and Student's
    quantile with clusters − 1 degrees of freedom.
    """
    counted = _CellCounts(cells, clusters, options.confidence, _rates_of(names))
    return [_measure_one(counted, name) for name in names]


def _rates_of(metrics: Sequence[str]) -> tuple[_Quotient, ...]:
    """The rates that the metrics are or are made of, each once."""
    parts = {"f1": (JACCARD,), "balanced_accuracy": (RATES["tpr"], RATES["tnr"])}
    rates = (rate for m in metrics for rate in parts.get(m, (RATES[m],) if m in RATES else ()))
    return tuple(dict.fromkeys(rates))


def _measure_one(counted: _CellCounts, metric: str) -> Measured:
    cells, clusters = counted.cells, counted.clusters
    errors = _errors(counted, metric)
    value = metric_definitions.value(cells.weight, metric)
    ends, method = _interval(counted, metric, errors.se)
    return Measured(
        attribute=cells.attribute,
        names=cells.names,
        metric=metric,
        n=cells.rows.sum((1, 2)),
        denominator=_effective(counted, metric),
        value=value,
        low=ends[0],
        high=ends[1],
        se=intervals.error_or_reach(errors.se, ends, counted.confidence),
        limits=_limits(counted, metric, errors.se),
        overall=float(metric_definitions.value(cells.weight.sum(axis=0), metric)),
        share=_share(cells, metric),
        method=method if clusters is None else f"{method}, over clusters",
        independent=clusters is None and not cells.weighted,
        freedom=None if clusters is None else np.maximum(clusters.in_group - 1, 1.0),
        correlation=errors.correlation,
    )


def _share(cells: Cells, metric: str) -> Float:
    """Weight (G,) of each group in the value of all rows."""
    if metric in RATES:
        return metric_definitions.part(cells.weight, RATES[metric][1])
    return np.asarray(cells.weight.sum((1, 2)))


def _errors(counted: _CellCounts, metric: str) -> CountErrors:
    return _errors_of(counted, lambda cells: metric_definitions.slope(cells, metric))


def _errors_of(counted: _CellCounts, slope: count_errors.Slope) -> CountErrors:
    if counted.clusters is None:
        return count_errors.over_rows(counted.cells, slope)
    totals = count_errors.cluster_moves(counted.clusters, slope(counted.cells.weight))
    return count_errors.over_clusters(totals, counted.clusters.in_group)


def _effective(counted: _CellCounts, metric: str) -> Float:
    """Effective rows (G,) of the metric, fewer under unequal weights (Kish) and clusters."""
    cells = counted.cells
    rows = metric_definitions.denominator(cells.rows, metric)
    if not cells.weighted and counted.clusters is None:
        return rows
    if metric == "balanced_accuracy":
        return np.minimum(_effective(counted, "tpr"), _effective(counted, "tnr"))
    if metric == "mcc":
        loss = metric_definitions.ratio(_effective(counted, "accuracy"), cells.rows.sum((1, 2)))
        return np.nan_to_num(rows * loss)
    over, under = JACCARD if metric == "f1" else RATES[metric]
    return np.minimum(rows, _size(counted, over, under))


def _size(counted: _CellCounts, over: tuple[Cell, ...], under: tuple[Cell, ...]) -> Float:
    """Independent rows of equal weight that would give a quotient the same variance."""
    n = _kish(counted.cells, under)
    if counted.clusters is None:
        return n
    p = _quotient(counted.cells.weight, over, under)
    n = n / intervals.design_effect(p, n, _cluster_variance(counted, over, under))
    return np.where(counted.clusters.in_group < 2, np.minimum(n, 1.0), n)


def _kish(cells: Cells, under: tuple[Cell, ...]) -> Float:
    """Effective size (Σw)² / Σw² of some cells: their rows where all weigh the same."""
    if not cells.weighted:
        return metric_definitions.part(cells.rows, under)
    weight, square = (
        metric_definitions.part(cells.weight, under),
        metric_definitions.part(cells.square, under),
    )
    return np.divide(weight**2, square, out=np.zeros(len(weight)), where=square > 0)


def _interval(counted: _CellCounts, metric: str, se: Float) -> tuple[Ends, str]:
    """Limits of each group's interval, and the name of the method."""
    ends = _ends(counted, metric, se, counted.confidence, intervals.wilson)
    if metric in RATES:
        return ends, "Wilson"
    how = {"f1": "Wilson, transformed", "balanced_accuracy": "MOVER of two Wilson"}
    return ends, how.get(metric, "delta method on Fisher's z")


def _limits(counted: _CellCounts, metric: str, se: Float) -> Limits:
    """Limits of any tail; those of rates are wider than Wilson's where counts are small."""

    @cache  # gaps of several kinds use the same tails
    def limits(tail: float) -> Ends:
        level = 1 - 2 * tail
        return _ends(counted, metric, se, level, intervals.wider_of_score_and_mid_p)

    return limits


def _ends(
    counted: _CellCounts, metric: str, se: Float, confidence: float, of_rate: RateLimits
) -> Ends:
    if metric in RATES:
        return _rate_ends(counted, *RATES[metric], confidence, of_rate)
    if metric == "f1":  # 2J / (1 + J) of the Jaccard share J, which is a proportion
        low, high = _rate_ends(counted, *JACCARD, confidence, of_rate)
        return 2 * low / (1 + low), 2 * high / (1 + high)
    if metric == "balanced_accuracy":
        return _balanced_ends(counted, confidence, of_rate)
    value = metric_definitions.value(counted.cells.weight, metric)
    if counted.clusters is None:
        z, n = None, _effective(counted, metric)
    else:
        n = counted.clusters.in_group
        z = intervals.quantile(confidence, np.maximum(n - 1, 1.0))
    ends = intervals.on_fisher(value, se, confidence, z)
    return intervals.at_edges(value, n, ends, confidence, (-1, 1))


def _rate_ends(
    counted: _CellCounts,
    over: tuple[Cell, ...],
    under: tuple[Cell, ...],
    confidence: float,
    of_rate: RateLimits,
) -> Ends:
    """Limits at the effective size; under clusters also Student's quantile."""
    if (over, under, confidence, of_rate) not in counted.ends:
        rates: tuple[_Quotient, ...] = ((over, under),)
        if len(counted.rates) * len(counted.cells.names) <= AT_ONCE:
            rates = tuple(dict.fromkeys([*rates, *counted.rates]))
        low, high = _joint_ends(counted, rates, confidence, of_rate)
        for i, rate in enumerate(rates):
            counted.ends[(*rate, confidence, of_rate)] = low[i], high[i]
    return counted.ends[over, under, confidence, of_rate]


def _joint_ends(
    counted: _CellCounts, rates: Sequence[_Quotient], confidence: float, of_rate: RateLimits
) -> Ends:
    """Limits (R, G) of several rates."""
    cells, clusters = counted.cells, counted.clusters
    p = np.stack([_quotient(cells.weight, *rate) for rate in rates])
    n = np.stack([_kish(cells, under) for _, under in rates])
    if clusters is None:
        return of_rate(p, n, confidence)
    effect = np.stack(
        [
            intervals.design_effect(own, size, _cluster_variance(counted, *rate))
            for own, size, rate in zip(p, n, rates, strict=True)
        ]
    )
    size = n / effect
    return intervals.at_effective_size(p, size, clusters.in_group, confidence, of_rate)


def _cluster_variance(
    counted: _CellCounts, over: tuple[Cell, ...], under: tuple[Cell, ...]
) -> Float:
    """Variance (G,) of a quotient over whole clusters."""
    if (over, under) not in counted.known:
        errors = _errors_of(
            counted, lambda cells: metric_definitions.quotient_slope(cells, over, under)
        )
        counted.known[over, under] = errors.se**2
    return counted.known[over, under]


def _quotient(cells: Float, over: tuple[Cell, ...], under: tuple[Cell, ...]) -> Float:
    return metric_definitions.ratio(
        metric_definitions.part(cells, over), metric_definitions.part(cells, under)
    )


def _balanced_ends(counted: _CellCounts, confidence: float, of_rate: RateLimits) -> Ends:
    """Mean of two independent rates from their limits."""
    ends = [_rate_ends(counted, *RATES[name], confidence, of_rate) for name in ("tpr", "tnr")]
    a, b = (metric_definitions.value(counted.cells.weight, name) for name in ("tpr", "tnr"))
    (la, ua), (lb, ub) = ends
    middle = (a + b) / 2
    return middle - np.hypot(a - la, b - lb) / 2, middle + np.hypot(ua - a, ub - b) / 2
