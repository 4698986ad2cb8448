"""Metrics of an outcome with several classes: overall, macro means and each class apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.metrics import binary, scores
from fairaudit.inputs.arrays import Int
from fairaudit.stats import intervals, metric_definitions
from fairaudit.stats.counts import Cells, one_vs_rest
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import Frame, Influence, means
from fairaudit.stats.resampling import (
    ClusterCells,
    centre,
    count_clusters,
    multinomial,
    replicates_for,
    resample_clusters,
    smoothed,
)

Float = NDArray[np.float64]
MACRO = ("balanced_accuracy", "f1", "mcc")
WHOLE = ("accuracy", "error_rate")  # shares of all rows, whatever their class
PER_CLASS = tuple(name for name in metric_definitions.RATES if name not in WHOLE)
USUAL = ("selection_rate", "tpr", "fpr", "ppv")  # of each class; the others follow or say less


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

    def of_group(self, g: int | None, C: int) -> ClusterCells:
        """All C × C counts by cluster of one group (None: of all rows)."""
        rows = slice(None) if g is None else self.groups == g
        cluster = np.unique(self.cluster[rows], return_inverse=True)[1]
        y, label = self.y[rows], self.label[rows]
        mass = None if self.mass is None else self.mass[rows]
        return count_clusters(cluster, np.zeros_like(y), y, label, (1, C, C), mass)


def measure(
    cells: Cells,
    names: Sequence[str],
    classes: Sequence[str],
    asked: EstimateOptions,
    clustered: ClusteredClasses | None = None,
) -> list[Measured]:
    """Accuracy, macro metrics and one-against-the-rest rates ("tpr [cat]") of (G, C, C)."""
    found: list[Measured] = []
    G = len(cells.names)
    apart = None if clustered is None else clustered.right_or_wrong(G)
    right = binary.measure(_right_or_wrong(cells), list(WHOLE), asked, apart)
    found += [m for m in right if m.metric in names]
    if any(name in names for name in MACRO):
        sample = _sample(cells, asked, clustered)
        share = metric_definitions.ratio(right[0].denominator, cells.rows.sum((1, 2)))
        found += [_macro(sample, name, share, asked) for name in MACRO if name in names]
    wanted = [n for n in PER_CLASS if n in names]
    for c, label in enumerate(classes if wanted else ()):
        apart = None if clustered is None else clustered.one_vs_rest(c, G)
        part = binary.measure(_class_cells(cells, c), wanted, asked, apart)
        found += [replace(m, metric=f"{m.metric} [{label}]") for m in part]
    return found


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
        return _mean_of_defined(metric_definitions.ratio(right, truth))
    if metric == "f1":
        return _mean_of_defined(metric_definitions.ratio(2 * right, truth + answer))
    n = table.sum((-1, -2))
    covered = n**2 - (answer**2).sum(-1)
    true_spread = n**2 - (truth**2).sum(-1)
    together = right.sum(-1) * n - (truth * answer).sum(-1)
    return metric_definitions.ratio(
        together, np.sqrt(np.maximum(covered, 0)) * np.sqrt(np.maximum(true_spread, 0))
    )


def _mean_of_defined(values: Float) -> Float:
    known = ~np.isnan(values)
    return metric_definitions.ratio(
        np.where(known, values, 0.0).sum(-1), known.sum(-1).astype(np.float64)
    )


@dataclass(frozen=True)
class _ClassReplicates:
    """Counts with replicates (B, G, C, C) around `around`, and those of all rows together."""

    cells: Cells
    drawn: Float
    around: Float
    all_drawn: Float
    all_around: Float
    clusters: Float | None  # (G,) clusters with rows in each group
    all_clusters: int = 0


def _sample(
    cells: Cells, asked: EstimateOptions, clustered: ClusteredClasses | None
) -> _ClassReplicates:
    """Rows drawn again, or whole clusters, group by group."""
    G = len(cells.names)
    rng = np.random.default_rng([asked.seed, G, 23])
    n_boot = replicates_for(G, asked.n_boot)
    if clustered is None:
        drawn = multinomial(cells, n_boot, rng)
        whole = smoothed(cells.weight.sum(axis=0))
        return _ClassReplicates(cells, drawn, centre(cells), drawn.sum(axis=1), whole, None)
    C = cells.rows.shape[-1]
    parts = [clustered.of_group(g, C) for g in range(G)]
    drawn = np.zeros((n_boot, G, C, C))
    for g, part in enumerate(parts):
        if part.n:  # none where all rows weigh nothing
            drawn[:, g] = resample_clusters(part, n_boot, rng)[:, 0]
    every = clustered.of_group(None, C)
    everybody = resample_clusters(every, n_boot, rng)[:, 0]
    inside = np.array([part.n for part in parts], dtype=np.float64)
    whole = cells.weight.sum(axis=0)
    return _ClassReplicates(cells, drawn, cells.weight, everybody, whole, inside, every.n)


def _balanced_rows(cells: Cells) -> Float:
    """Rows (G,) if all classes that occur were as rare as the rarest: what a macro rests on."""
    truth = cells.rows.sum(axis=-1)  # (G, C)
    fewest = np.where(truth > 0, truth, np.inf).min(axis=1)
    return np.asarray(np.where(np.isfinite(fewest), fewest * (truth > 0).sum(axis=1), 0.0))


def _macro(
    sample: _ClassReplicates, metric: str, share: Float, asked: EstimateOptions
) -> Measured:
    """A macro metric of each group; `share` (G,) of its rows are left by weights and clusters."""
    cells, clusters = sample.cells, sample.clusters
    noise = np.nan_to_num(value(sample.drawn, metric) - value(sample.around, metric))
    overall_noise = np.nan_to_num(
        value(sample.all_drawn, metric) - value(sample.all_around, metric)
    )
    estimate = value(cells.weight, metric)
    se = noise.std(axis=0) if len(noise) else np.full(len(estimate), np.nan)
    scale = intervals.on_fisher if metric == "mcc" else intervals.on_logit
    z = None if clusters is None else intervals.quantile(asked.confidence, clusters - 1)
    ends = scale(estimate, se, asked.confidence, z)
    n = _balanced_rows(cells) if clusters is None else clusters
    edges = (-1.0 if metric == "mcc" else 0.0, 1.0)
    low, high = intervals.at_edges(estimate, n, ends, asked.confidence, edges)
    rng = np.random.default_rng([asked.seed, len(cells.names), 37])
    freedom = None
    if clusters is not None:  # one cluster says nothing about how clusters vary
        low, high = (np.where(clusters < 2, np.nan, end) for end in (low, high))
        noise = noise * intervals.unbiased(clusters)
        M = sample.all_clusters
        wide = intervals.widening(asked.confidence, M - 1)
        overall_noise = overall_noise * intervals.unbiased(M) * wide
        freedom = np.maximum(clusters - 1, 1.0)
    noise = intervals.noise_within(noise, estimate, (low, high), asked.confidence, rng, freedom)
    how = "bootstrap on Fisher's z" if metric == "mcc" else "bootstrap on the logit scale"
    return Measured(
        attribute=cells.attribute,
        names=cells.names,
        metric=metric,
        n=cells.rows.sum((1, 2)),
        denominator=np.nan_to_num(_balanced_rows(cells) * share),
        value=estimate,
        low=low,
        high=high,
        noise=noise,
        overall=float(value(cells.weight.sum(axis=0), metric)),
        overall_noise=overall_noise,
        method=how if clusters is None else f"{how}, clusters resampled",
        replicates="multinomial bootstrap" if clusters is None else "cluster bootstrap",
        freedom=freedom,
        wide=None if freedom is None else intervals.widening(asked.confidence, freedom),
    )


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
    """The mean of a metric over classes; it rests on the rarest of them."""
    return Influence(
        per_class[0].metric,
        np.mean([f.value for f in per_class], axis=0),
        np.min([f.denominator for f in per_class], axis=0),
        np.mean([f.rows for f in per_class], axis=0),
        per_class[0].scale,
    )
