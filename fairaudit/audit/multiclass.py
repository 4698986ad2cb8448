"""Metrics of an outcome with several classes: overall, macro means and each class apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit import binary, intervals, metrics, scores
from fairaudit.audit.coding import Int
from fairaudit.audit.counts import Cells, one_vs_rest
from fairaudit.audit.influence import Frame, Influence, means
from fairaudit.audit.measured import Asked, Measured
from fairaudit.audit.resample import centre, multinomial, replicates_for, smoothed

Float = NDArray[np.float64]
MACRO = ("balanced_accuracy", "f1", "mcc")
PER_CLASS = ("selection_rate", "tpr", "fpr", "ppv")


def measure(
    cells: Cells, names: Sequence[str], classes: Sequence[str], asked: Asked
) -> list[Measured]:
    """Accuracy, macro metrics and one-against-the-rest rates ("tpr [cat]") of (G, C, C)."""
    found: list[Measured] = []
    if "accuracy" in names:
        found += binary.measure(_right_or_wrong(cells), ["accuracy"], asked)
    rng = np.random.default_rng([asked.seed, len(cells.names), 23])
    drawn = multinomial(cells, replicates_for(len(cells.names), asked.n_boot), rng)
    found += [_macro(cells, name, drawn, asked) for name in MACRO if name in names]
    for c, label in enumerate(classes):
        wanted = [n for n in PER_CLASS if n in names]
        part = binary.measure(_class_cells(cells, c), wanted, asked)
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
        return _mean_of_defined(metrics.ratio(right, truth))
    if metric == "f1":
        return _mean_of_defined(metrics.ratio(2 * right, truth + answer))
    n = table.sum((-1, -2))
    covered = n**2 - (answer**2).sum(-1)
    true_spread = n**2 - (truth**2).sum(-1)
    together = right.sum(-1) * n - (truth * answer).sum(-1)
    return metrics.ratio(
        together, np.sqrt(np.maximum(covered, 0)) * np.sqrt(np.maximum(true_spread, 0))
    )


def _mean_of_defined(values: Float) -> Float:
    known = ~np.isnan(values)
    return metrics.ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1).astype(np.float64))


def _macro(cells: Cells, metric: str, drawn: Float, asked: Asked) -> Measured:
    around = centre(cells)
    noise = np.nan_to_num(value(drawn, metric) - value(around, metric))
    whole = smoothed(cells.weight.sum(axis=0))
    overall_noise = np.nan_to_num(value(drawn.sum(axis=1), metric) - value(whole, metric))
    estimate = value(cells.weight, metric)
    se = noise.std(axis=0) if len(noise) else np.full(len(estimate), np.nan)
    scale = intervals.on_fisher if metric == "mcc" else intervals.on_logit
    low, high = scale(estimate, se, asked.confidence)
    return Measured(
        attribute=cells.attribute,
        names=cells.names,
        metric=metric,
        n=cells.rows.sum((1, 2)),
        denominator=cells.rows.sum((1, 2)),
        value=estimate,
        low=low,
        high=high,
        noise=noise,
        overall=float(value(cells.weight.sum(axis=0), metric)),
        overall_noise=overall_noise,
        method="bootstrap on Fisher's z" if metric == "mcc" else "bootstrap on the logit scale",
        replicates="multinomial bootstrap",
    )


def influences(score: Float, y: Int, frame: Frame) -> dict[str, Influence]:
    """AUROC (mean over classes, one against the rest) and Brier score of (n, C) probabilities."""
    C = score.shape[1]
    per_class = [
        scores.auroc(
            scores.rank(
                scores.score_order(score[:, c]),
                score[:, c],
                (y == c).astype(np.int64),
                frame,
            )
        )
        for c in range(C)
    ]
    area = Influence(
        "auroc",
        np.mean([f.value for f in per_class], axis=0),
        np.min([f.denominator for f in per_class], axis=0),
        np.mean([f.rows for f in per_class], axis=0),
        "logit",
    )
    truth = np.eye(C)[y]
    return {"auroc": area, "brier": means("brier", ((score - truth) ** 2).sum(1), frame)}
