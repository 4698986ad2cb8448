"""Count-based metrics of a binary outcome, measured in every group with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.stats import intervals, metric_definitions
from fairaudit.stats.counts import Cells
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.metric_definitions import FN, FP, RATES, TP, Cell
from fairaudit.stats.resampling import (
    ClusterCells,
    centre,
    multinomial,
    replicates_for,
    resample_clusters,
)

Float = NDArray[np.float64]
_JACCARD: tuple[tuple[Cell, ...], tuple[Cell, ...]] = ((TP,), (TP, FP, FN))


@dataclass(frozen=True)
class _CellReplicates:
    """Counts with their replicates: `drawn` (B, G, 2, 2) varies around `around` (G, 2, 2)."""

    cells: Cells
    drawn: Float
    around: Float
    clusters: ClusterCells | None
    confidence: float


def measure(
    cells: Cells,
    names: Sequence[str],
    asked: EstimateOptions,
    clusters: ClusterCells | None = None,
) -> list[Measured]:
    """Each metric of `names` in each group of `cells` (G, 2, 2).

    With clusters the intervals use the design effect seen in the cluster bootstrap and
    Student's quantile with clusters − 1 degrees of freedom.
    """
    if not names:
        return []
    rng = np.random.default_rng([asked.seed, len(cells.names)])
    n_boot = replicates_for(len(cells.names), asked.n_boot)
    if clusters is None:
        drawn, around = multinomial(cells, n_boot, rng), centre(cells)
    else:
        drawn, around = resample_clusters(clusters, n_boot, rng), cells.weight
    sample = _CellReplicates(cells, drawn, around, clusters, asked.confidence)
    return [_measure_one(sample, name) for name in names]


def _measure_one(sample: _CellReplicates, metric: str) -> Measured:
    cells, clusters = sample.cells, sample.clusters
    noise = _noise(
        metric_definitions.value(sample.drawn, metric),
        metric_definitions.value(sample.around, metric),
    )
    freedom, level = None, sample.confidence
    if clusters is not None:
        freedom = np.maximum(clusters.in_group - 1, 1.0)
        noise = noise * intervals.unbiased(clusters.in_group)
    everybody = metric_definitions.value(sample.around.sum(axis=0), metric)
    overall_noise = _noise(metric_definitions.value(sample.drawn.sum(axis=1), metric), everybody)
    low, high, method = _interval(sample, metric, noise)
    value = metric_definitions.value(cells.weight, metric)
    rng = np.random.default_rng([len(noise), noise.shape[-1], 19])
    noise = intervals.noise_within(noise, value, (low, high), level, rng, freedom)
    if clusters is not None:
        wide = intervals.widening(level, clusters.n - 1)
        overall_noise = overall_noise * intervals.unbiased(clusters.n) * wide
    return Measured(
        attribute=cells.attribute,
        names=cells.names,
        metric=metric,
        n=cells.rows.sum((1, 2)),
        denominator=_effective(sample, metric),
        value=value,
        low=low,
        high=high,
        noise=noise,
        overall=float(metric_definitions.value(cells.weight.sum(axis=0), metric)),
        overall_noise=overall_noise,
        method=method if clusters is None else f"{method}, clusters resampled",
        replicates="multinomial bootstrap" if clusters is None else "cluster bootstrap",
        freedom=freedom,
        wide=None if freedom is None else intervals.widening(level, freedom),
    )


def _noise(drawn: Float, around: Float) -> Float:
    """Replicates minus their centre; a replicate without a denominator says nothing (0)."""
    return np.nan_to_num(drawn - around, nan=0.0)


def _effective(sample: _CellReplicates, metric: str) -> Float:
    """Rows the metric rests on, shrunk by unequal weights (Kish) and by clusters."""
    cells = sample.cells
    rows = metric_definitions.denominator(cells.rows, metric)
    if not cells.weighted and sample.clusters is None:
        return rows
    if metric == "balanced_accuracy":
        return np.minimum(_effective(sample, "tpr"), _effective(sample, "tnr"))
    if metric == "mcc":
        loss = metric_definitions.ratio(_effective(sample, "accuracy"), cells.rows.sum((1, 2)))
        return np.nan_to_num(rows * loss)
    over, under = _JACCARD if metric == "f1" else RATES[metric]
    return np.minimum(rows, _size(sample, over, under))


def _size(sample: _CellReplicates, over: tuple[Cell, ...], under: tuple[Cell, ...]) -> Float:
    """Independent rows of equal weight that would know a quotient as well."""
    n = _kish(sample.cells, under)
    if sample.clusters is None:
        return n
    p = _quotient(sample.cells.weight, over, under)
    n = n / intervals.design_effect(p, n, _cluster_variance(sample, p, over, under))
    return np.where(sample.clusters.in_group < 2, np.minimum(n, 1.0), n)


def _kish(cells: Cells, under: tuple[Cell, ...]) -> Float:
    """Effective size (Σw)² / Σw² of some cells: their rows where all weigh the same."""
    if not cells.weighted:
        return metric_definitions.part(cells.rows, under)
    weight, square = (
        metric_definitions.part(cells.weight, under),
        metric_definitions.part(cells.square, under),
    )
    return np.divide(weight**2, square, out=np.zeros(len(weight)), where=square > 0)


def _interval(sample: _CellReplicates, metric: str, noise: Float) -> tuple[Float, Float, str]:
    if metric in RATES:
        return (*_rate_interval(sample, *RATES[metric]), "Wilson")
    if metric == "f1":  # 2J / (1 + J) of the Jaccard share J, which is a proportion
        low, high = _rate_interval(sample, *_JACCARD)
        return 2 * low / (1 + low), 2 * high / (1 + high), "Wilson, transformed"
    if metric == "balanced_accuracy":
        return (*_balanced_interval(sample), "MOVER of two Wilson")
    value = metric_definitions.value(sample.cells.weight, metric)
    ends = _fisher_interval(value, noise, sample.confidence)
    n = _effective(sample, metric)
    n = n if sample.clusters is None else sample.clusters.in_group
    low, high = intervals.at_edges(value, n, ends, sample.confidence, (-1, 1))
    return low, high, "bootstrap on Fisher's z"


def _rate_interval(
    sample: _CellReplicates, over: tuple[Cell, ...], under: tuple[Cell, ...]
) -> tuple[Float, Float]:
    """Wilson at the effective size; under clusters also Student's quantile."""
    cells = sample.cells
    p = _quotient(cells.weight, over, under)
    n = _kish(cells, under)
    if sample.clusters is None:
        return intervals.wilson(p, n, sample.confidence)
    variance = _cluster_variance(sample, p, over, under)
    clusters = sample.clusters.in_group
    return intervals.wilson_of_clusters(p, n, variance, clusters, sample.confidence)


def _cluster_variance(
    sample: _CellReplicates, p: Float, over: tuple[Cell, ...], under: tuple[Cell, ...]
) -> Float:
    """Variance (G,) of a quotient over whole clusters; 0 without replicates."""
    drawn = _quotient(sample.drawn, over, under)
    if not len(drawn):
        return np.zeros(len(p))
    return np.asarray(np.var(np.where(np.isnan(drawn), np.nan_to_num(p), drawn), axis=0))


def _quotient(cells: Float, over: tuple[Cell, ...], under: tuple[Cell, ...]) -> Float:
    return metric_definitions.ratio(
        metric_definitions.part(cells, over), metric_definitions.part(cells, under)
    )


def _balanced_interval(sample: _CellReplicates) -> tuple[Float, Float]:
    """Mean of two independent rates from their intervals."""
    ends = [_rate_interval(sample, *RATES[name]) for name in ("tpr", "tnr")]
    values = [metric_definitions.value(sample.cells.weight, name) for name in ("tpr", "tnr")]
    (la, ua), (lb, ub) = ends
    a, b = values
    middle = (a + b) / 2
    return middle - np.hypot(a - la, b - lb) / 2, middle + np.hypot(ua - a, ub - b) / 2


def _fisher_interval(value: Float, noise: Float, confidence: float) -> tuple[Float, Float]:
    """tanh(atanh(v) ± z·se), the error from the replicates."""
    if len(noise) == 0:
        return np.full(len(value), np.nan), np.full(len(value), np.nan)
    return intervals.on_fisher(value, noise.std(axis=0), confidence)
