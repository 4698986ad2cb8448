"""Evaluates all models on held-out rows, by declared and by detected groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.chosen_metrics import chosen_metrics
from fairaudit.audit.fitted import Prediction
from fairaudit.audit.judge import judge, truth_of
from fairaudit.audit.questions import checked_primary
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.tables.looks import with_looks
from fairaudit.audit.tables.stacking import Tables, stacked
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.methods.common.progress import Monitor

HELD_OUT = ("test", "validation")  # rows that no model was fitted on
LATENT = "latent group"
SEEN = "cluster seen"


def evaluate_held_out(
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    tables: Mapping[str, pl.DataFrame],
    spec: AuditSpec,
    monitor: Monitor,
    controls: Mapping[str, NDArray[np.str_]],
    splits: Sequence[str] = HELD_OUT,
) -> Tables:
    """Audit tables of all models on held-out rows, by declared and detected groups."""
    detected = _detected_groups(arrays, tables)
    parts: list[Mapping[str, pl.DataFrame]] = []
    for split in splits:
        rows = arrays.split == SPLITS.index(split)
        if rows.any():
            evaluated = arrays, predictions, arrays.groups, rows, split, spec
            parts.append(judge_split(*evaluated, controls=controls))
            if detected:
                extra = judge_split(arrays, predictions, detected, rows, split, spec, crossings=1)
                by_row = {n: t for n, t in extra.items() if n != "multicalibration"}
                parts.append({name: _without_overall(t) for name, t in by_row.items()})
        monitor.step()
    return with_looks(stacked(parts), spec.confidence)


def judge_split(
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    groups: Mapping[str, NDArray[np.str_]],
    rows: NDArray[np.bool_],
    split: str,
    spec: AuditSpec,
    crossings: int | None = None,
    known: NDArray[np.bool_] | None = None,
    controls: Mapping[str, NDArray[np.str_]] | None = None,
) -> Mapping[str, pl.DataFrame]:
    return judge(
        arrays.y[rows],
        {name: p.take(rows) for name, p in predictions.items()},
        {name: labels[rows] for name, labels in groups.items()},
        task=arrays.task,
        classes=arrays.classes,
        weight=None if arrays.weight is None else arrays.weight[rows],
        clusters=None if arrays.cluster is None else arrays.cluster[rows],
        split=split,
        metrics=spec.metrics,
        confidence=spec.confidence,
        n_boot=spec.n_boot,
        intersections=spec.intersections if crossings is None else crossings,
        suppress_below=spec.suppress_below,
        seed=spec.seed,
        controls={name: labels[rows] for name, labels in (controls or {}).items()},
        known=None if known is None else known[rows],
        margin=spec.margin,
        primary=spec.primary if split != "validation" and crossings is None else None,
    )


def check_primary(
    spec: AuditSpec,
    arrays: Arrays,
    systems: Collection[str],
    known: NDArray[np.bool_] | None = None,
) -> None:
    """Refuse a primary question that this audit will not answer, before the work is done."""
    metrics = chosen_metrics(spec.metrics, arrays.task, truth_of(arrays.y, known))
    checked_primary(spec.primary, metrics, arrays.groups, spec.intersections, systems)


def _detected_groups(
    arrays: Arrays, tables: Mapping[str, pl.DataFrame]
) -> dict[str, NDArray[np.str_]]:
    """Groups that a method detected, by row: latent groups (by features alone), seen clusters."""
    labels: dict[str, NDArray[np.str_]] = {}
    members = shown_membership(tables)
    if members is not None:
        latent = _aligned(members.select("row", "group"), arrays)
        labels[LATENT] = np.array([f"group {g + 1}" for g in latent["group"].to_list()])
    if "seen" in tables:
        seen = _aligned(tables["seen"].select("row", "seen"), arrays)["seen"].to_list()
        labels[SEEN] = np.where(seen, "seen", "unseen")
    return labels


def shown_membership(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame | None:
    """Membership by row: that of the chosen number of groups, if it is more than 1."""
    latent, sweep = tables.get("latent"), tables.get("sweep")
    if latent is None or "n_groups" not in latent.columns:
        return latent
    if sweep is None:
        return None
    chosen = sweep.filter("chosen")["n_groups"].to_list()
    return latent.filter(pl.col("n_groups").is_in(chosen)) if max(chosen, default=1) > 1 else None


def _aligned(table: pl.DataFrame, arrays: Arrays) -> pl.DataFrame:
    rows = pl.DataFrame({"row": arrays.row_id})
    return rows.join(table, on="row", how="left", maintain_order="left")


def _without_overall(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("attribute") != "all") if "attribute" in table.columns else table
