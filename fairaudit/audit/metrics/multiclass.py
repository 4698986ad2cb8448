"""Metrics of an outcome with several classes: overall, macro means and each class apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.metrics import binary, scores
from fairaudit.inputs.arrays import Int
from fairaudit.stats import count_errors, intervals, metric_definitions
from fairaudit.stats.count_errors import CountErrors
from fairaudit.stats.counts import Cells, one_vs_rest, product, sums
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.gaps import Limits
from fairaudit.stats.influence import Frame, Influence, means
from fairaudit.stats.metric_definitions import quotient_slope, ratio
from fairaudit.stats.resampling import ClusterCells, count_clusters

Float = NDArray[np.float64]
MACRO = ("balanced_accuracy", "f1", "mcc")
WHOLE = ("accuracy", "error_rate")  # shares of all rows, whatever their class
PER_CLASS = tuple(name for name in metric_definitions.RATES if name not in WHOLE)
USUAL = ("selection_rate", "tpr", "fpr", "ppv")  # of each class; others follow or inform less


@dataclass(frozen=True)
class ClusteredClasses:
    """Rows in clusters, to count any cut of the classes by cluster; codes as in `Cells`."""

    cluster: Int
    groups: Int
    y: Int
    label: Int
    mass: Float | None

    def right_or_wrong(self, G: int) -> ClusterCells:
        """Binary counts by cluster whose accuracy is the share of right answers."""
        return self._two(np.ones_like(self.y), (self.y == self.label).astype(np.int64), G)

    def one_vs_rest(self, c: int, G: int) -> ClusterCells:
        """Binary counts by cluster of one class against the others."""
        return self._two((self.y == c).astype(np.int64), (self.label == c).astype(np.int64), G)

    def _two(self, y: Int, label: Int, G: int) -> ClusterCells:
        return count_clusters(self.cluster, self.groups, y, label, (G, 2, 2), self.mass)

    def errors(self, move: Float) -> CountErrors:
        """Standard errors of a metric from its slopes (G, C, C)."""
        G = len(move)
        moved = np.nan_to_num(move)[self.groups, self.y, self.label]
        place = self.cluster * G + self.groups
        M = int(self.cluster.max(initial=-1)) + 1
        totals = sums(place, product(moved, self.mass), M * G).reshape(M, G)
        return count_errors.over_clusters(totals, self.in_group(G))

    def in_group(self, G: int) -> Float:
        """(G,) clusters with rows in each group."""
        pairs = np.unique(self.cluster * G + self.groups)
        return sums(pairs % G, None, G)


def measure(
    cells: Cells,
    names: Sequence[str],
    classes: Sequence[str],
    options: EstimateOptions,
    clustered: ClusteredClasses | None = None,
) -> list[Measured]:
    """Accuracy, macro metrics and one-against-the-rest rates ("tpr [cat]") of (G, C, C)."""
    measured: list[Measured] = []
    G = len(cells.names)
    apart = None if clustered is None else clustered.right_or_wrong(G)
    right = binary.measure(_right_or_wrong(cells), list(WHOLE), options, apart)
    measured += [m for m in right if m.metric in names]
    if any(name in names for name in MACRO):
        left = ratio(right[0].denominator, cells.rows.sum((1, 2)))
        measured += [
            _macro(cells, clustered, name, left, options) for name in MACRO if name in names
        ]
    wanted = [n for n in PER_CLASS if n in names]
    for c, label in enumerate(classes if wanted else ()):
        apart = None if clustered is None else clustered.one_vs_rest(c, G)
        part = binary.measure(_class_cells(cells, c), wanted, options, apart)
        measured += [replace(m, metric=f"{m.metric} [{label}]") for m in part]
    return measured


def _class_cells(cells: Cells, c: int) -> Cells:
    rows = one_vs_rest(cells.rows, c)
    if not cells.weighted:
        return replace(cells, rows=rows, weight=rows, square=rows)
    return replace(
        cells,
        rows=rows,
        weight=one_vs_rest(cells.weight, c),
        square=one_vs_rest(cells.square, c),
    )


def _right_or_wrong(cells: Cells) -> Cells:
    """Binary counts whose accuracy is the share of right answers."""

    def two(table: Float) -> Float:
        right = np.trace(table, axis1=1, axis2=2)
        out = np.zeros((len(table), 2, 2))
        out[:, 1, 1], out[:, 1, 0] = right, table.sum((1, 2)) - right
        return out

    rows = two(cells.rows)
    if not cells.weighted:
        return replace(cells, rows=rows, weight=rows, square=rows)
    return replace(cells, rows=rows, weight=two(cells.weight), square=two(cells.square))


def value(table: Float, metric: str) -> Float:
    """Macro recall, macro F1 (over classes that occur) or Matthews correlation of (..., C, C)."""
    right = np.diagonal(table, axis1=-2, axis2=-1)  # (..., C)
    truth, answer = table.sum(-1), table.sum(-2)
    if metric == "balanced_accuracy":
        return _mean_of_defined(ratio(right, truth))
    if metric == "f1":
        return _mean_of_defined(ratio(2 * right, truth + answer))
    n = table.sum((-1, -2))
    covered = n**2 - (answer**2).sum(-1)
    true_spread = n**2 - (truth**2).sum(-1)
    together = right.sum(-1) * n - (truth * answer).sum(-1)
    return ratio(together, np.sqrt(np.maximum(covered, 0)) * np.sqrt(np.maximum(true_spread, 0)))


def _mean_of_defined(values: Float) -> Float:
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1).astype(np.float64))


def slope(table: Float, metric: str) -> Float:
    """Derivative (..., C, C) of `value` by each count."""
    if metric == "mcc":
        return metric_definitions.mcc_slope(table)
    classes = range(table.shape[-1])
    parts = np.stack([_class_slope(table, metric, c) for c in classes])
    occurs = ~np.isnan(parts).any(axis=(-2, -1), keepdims=True)
    return ratio(np.where(occurs, parts, 0.0).sum(axis=0), occurs.sum(axis=0).astype(np.float64))


def _class_slope(table: Float, metric: str, c: int) -> Float:
    """The same of one class's recall or F1 = 2 c_kk / (t_k + p_k)."""
    row = tuple((c, k) for k in range(table.shape[-1]))
    if metric == "balanced_accuracy":
        return quotient_slope(table, ((c, c),), row)
    column = tuple((k, c) for k in range(table.shape[-1]))
    return 2 * quotient_slope(table, ((c, c),), row + column)


def _balanced_rows(cells: Cells) -> Float:
    """Rows (G,) if every class that occurs were as rare as the rarest: a macro metric's size."""
    truth = cells.rows.sum(axis=-1)  # (G, C)
    fewest = np.where(truth > 0, truth, np.inf).min(axis=1)
    return np.asarray(np.where(np.isfinite(fewest), fewest * (truth > 0).sum(axis=1), 0.0))


def _macro(
    cells: Cells,
    clustered: ClusteredClasses | None,
    metric: str,
    left: Float,
    options: EstimateOptions,
) -> Measured:
    """A macro metric of each group; `left` (G,) of its rows remain under weights and clusters."""
    G, estimate = len(cells.names), value(cells.weight, metric)
    if clustered is None:
        clusters, freedom = None, None
        errors = count_errors.over_rows(cells, lambda table: slope(table, metric))
    else:
        clusters = clustered.in_group(G)
        freedom = np.maximum(clusters - 1, 1.0)
        errors = clustered.errors(slope(cells.weight, metric))
    n = _balanced_rows(cells) if clusters is None else clusters
    limits = _macro_limits(metric, estimate, errors.se, n, freedom)
    low, high = limits((1 - options.confidence) / 2)
    how = "delta method on " + ("Fisher's z" if metric == "mcc" else "the logit scale")
    return Measured(
        attribute=cells.attribute,
        names=cells.names,
        metric=metric,
        n=cells.rows.sum((1, 2)),
        denominator=np.nan_to_num(_balanced_rows(cells) * left),
        value=estimate,
        low=low,
        high=high,
        se=intervals.error_or_reach(errors.se, (low, high), options.confidence),
        limits=limits,
        overall=float(value(cells.weight.sum(axis=0), metric)),
        share=cells.weight.sum((1, 2)),
        method=how if clusters is None else f"{how}, over clusters",
        freedom=freedom,
        correlation=errors.correlation,
    )


def _macro_limits(
    metric: str, estimate: Float, se: Float, n: Float, freedom: Float | None
) -> Limits:
    """Limits at any tail, from `n` (G,) rows or clusters and the clusters' `freedom`."""
    scale = intervals.on_fisher if metric == "mcc" else intervals.on_logit
    edges = (-1.0 if metric == "mcc" else 0.0, 1.0)

    def limits(tail: float) -> tuple[Float, Float]:
        level = 1 - 2 * tail
        z = None if freedom is None else intervals.quantile(level, freedom)
        low, high = intervals.at_edges(estimate, n, scale(estimate, se, level, z), level, edges)
        if freedom is None:
            return low, high
        alone = n < 2  # one cluster has no variation between clusters
        return np.where(alone, np.nan, low), np.where(alone, np.nan, high)

    return limits


def influences(score: Float, y: Int, frame: Frame) -> dict[str, Influence]:
    """AUROC and average precision (means over classes, one against the rest) and Brier score."""
    C = score.shape[1]
    ranked = [
        scores.rank(scores.score_order(score[:, c]), score[:, c], (y == c).astype(np.int64), frame)
        for c in range(C)
    ]
    truth = np.eye(C)[y]
    return {
        "auroc": _mean([scores.auroc(r) for r in ranked]),
        "auprc": _mean([scores.auprc(r) for r in ranked]),
        "brier": means("brier", ((score - truth) ** 2).sum(1), frame),
    }


def _mean(per_class: Sequence[Influence]) -> Influence:
    """The mean of a metric over classes, with the denominator of the rarest class."""
    return Influence(
        per_class[0].metric,
        np.mean([f.value for f in per_class], axis=0),
        np.min([f.denominator for f in per_class], axis=0),
        np.mean([f.rows for f in per_class], axis=0),
        per_class[0].scale,
    )
