"""From rows to the audit tables: `audit_predictions` for users, `judge` for the other layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit import binary
from fairaudit.audit.coding import Grouping, Int, columns_of, everybody, groupings
from fairaudit.audit.counts import Cells, count
from fairaudit.audit.measured import Asked, errors_table, gaps_table
from fairaudit.audit.metrics import BINARY, GAP_METRICS, REGRESSION, SCORES
from fairaudit.audit.resample import ClusterCells, count_clusters
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import Task
from fairaudit.exceptions import InputError, SpecError

Float = NDArray[np.float64]
Tables = dict[str, pl.DataFrame]


class Answers(Protocol):
    """One model's answers: label (n,), score (n,), (n, C) or None."""

    @property
    def label(self) -> NDArray[Any]: ...

    @property
    def score(self) -> Float | None: ...


@dataclass(frozen=True)
class _Answers:
    label: NDArray[Any]
    score: Float | None = None


@dataclass(frozen=True)
class Rows:
    """The rows to judge on, coded once for all models."""

    y: NDArray[Any]
    groupings: tuple[Grouping, ...]
    task: Task
    classes: tuple[str, ...]
    weight: Float | None
    cluster: Int | None


def judge(
    y: NDArray[Any],
    predictions: Mapping[str, Answers],
    groups: Mapping[str, Any],
    *,
    task: Task,
    classes: Sequence[str] = (),
    weight: Float | None = None,
    clusters: Any = None,
    split: str = "test",
    metrics: Sequence[str] | None = None,
    confidence: float = 0.95,
    n_boot: int = 2000,
    intersections: int = 1,
    suppress_below: int = 0,
    seed: int = 0,
) -> Mapping[str, pl.DataFrame]:
    """All audit tables of one split: errors, gaps, counts, … for every model.

    Parameters
    ----------
    y : (n,) class codes (binary: 1 = positive) or values
    predictions : mapping of model name to an object with `label` (n,) and `score`
    groups : mapping of attribute to (n,) labels
    weight : (n,) non-negative, or None
    clusters : (n,) labels or codes, or None
        Rows of one cluster are not independent; intervals then resample clusters.
    intersections : depth of the crossings to judge as well
    suppress_below : groups with fewer rows are counted but not shown
    """
    rows = Rows(
        y=np.asarray(y),
        groupings=(everybody(len(y)), *groupings(groups, intersections)),
        task=task,
        classes=tuple(classes),
        weight=None if weight is None else np.asarray(weight, dtype=np.float64),
        cluster=None if clusters is None else encode_clusters(clusters),
    )
    tables: dict[str, list[pl.DataFrame]] = {}
    for name, answers in predictions.items():
        asked = Asked(name, split, confidence, n_boot, suppress_below, seed)
        for table, frame in _judge_binary(rows, answers, asked, _chosen(metrics, task)).items():
            tables.setdefault(table, []).append(frame)
    return {name: pl.concat(frames) for name, frames in tables.items()}


def encode_clusters(values: Any) -> Int:
    """Codes 0..M−1 of the clusters, as many as there are."""
    series = pl.Series(np.asarray(values).astype(np.str_))
    return series.rank("dense").cast(pl.Int64).to_numpy() - 1


def _chosen(metrics: Sequence[str] | None, task: Task) -> tuple[str, ...]:
    known = (*REGRESSION,) if task == "regression" else (*BINARY, *SCORES)
    if metrics is None:
        return known
    wrong = [m for m in metrics if m not in (*known, *GAP_METRICS)]
    if wrong:
        raise SpecError(
            f"metric '{wrong[0]}' is not known for a {task} outcome; choose of {', '.join(known)}"
        )
    return tuple(metrics)


def _judge_binary(rows: Rows, answers: Answers, asked: Asked, metrics: tuple[str, ...]) -> Tables:
    y, label = rows.y.astype(np.int64), np.asarray(answers.label).astype(np.int64)
    counted = [m for m in metrics if m in BINARY]
    errors, gaps, counts = [], [], []
    for grouping in rows.groupings:
        cells = count(grouping, y, label, 2, rows.weight)
        measured = binary.measure(cells, counted, asked, _clusters(rows, grouping, y, label))
        errors.append(errors_table(measured, asked))
        counts.append(counts_table(cells, asked))
        if grouping.attribute != "all":
            gaps.append(gaps_table(measured, asked))
    return {
        "errors": pl.concat(errors),
        **({"gaps": pl.concat(gaps)} if gaps else {}),
        "counts": pl.concat(counts),
    }


def _clusters(rows: Rows, grouping: Grouping, y: Int, label: Int) -> ClusterCells | None:
    if rows.cluster is None:
        return None
    shape = (len(grouping.names), 2, 2)
    return count_clusters(rows.cluster, grouping.codes, y, label, shape, rows.weight)


def counts_table(cells: Cells, asked: Asked) -> pl.DataFrame:
    """tp, fp, tn, fn (weighted) by group; null where suppressed."""
    n = cells.rows.sum((1, 2))
    w = cells.weight
    table = pl.DataFrame(
        {
            "model": [asked.model] * len(n),
            "split": [asked.split] * len(n),
            "attribute": [cells.attribute] * len(n),
            "group": list(cells.names),
            "n": n.astype(np.int64),
            "tp": w[:, 1, 1],
            "fp": w[:, 0, 1],
            "tn": w[:, 0, 0],
            "fn": w[:, 1, 0],
        }
    )
    shown = pl.col("n") >= asked.suppress_below
    return table.with_columns(pl.when(shown).then(pl.col("n", "tp", "fp", "tn", "fn")))


def audit_predictions(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    y_score: Any = None,
    metrics: Sequence[str] | None = None,
    sample_weight: Any = None,
    clusters: Any = None,
    intersections: int = 1,
    confidence: float = 0.95,
    n_boot: int = 2000,
    random_state: int = 0,
) -> AuditResult:
    """Audit the answers of one or several systems."""
    y = np.asarray(y_true)
    systems = y_pred if isinstance(y_pred, Mapping) else {"model": y_pred}
    for name, answer in systems.items():
        if len(answer) != len(y):
            raise InputError(
                f"system '{name}' has {len(answer)} answers for {len(y)} rows; pass one a row"
            )
    tables = judge(
        y,
        {name: _Answers(np.asarray(a)) for name, a in systems.items()},
        columns_of(sensitive_features),
        task="binary",
        weight=None if sample_weight is None else np.asarray(sample_weight, np.float64),
        clusters=clusters,
        metrics=metrics,
        confidence=confidence,
        n_boot=n_boot,
        intersections=intersections,
        seed=random_state,
    )
    return AuditResult(tables)
