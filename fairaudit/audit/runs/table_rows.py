"""The rows of a table that are audited: their decisions, controls and outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.presets.decisions import SCORING_RATE
from fairaudit.audit.questions import check_controls
from fairaudit.audit.score_direction import refuse_contradicted
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.table_systems import (
    SIDE_REMEDY,
    existing_systems,
)
from fairaudit.data.arrays import Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.grouping import group_labels
from fairaudit.exceptions import SpecError


def require_outcome(data: Dataset) -> None:
    if data.roles.target is None:
        raise SpecError("training needs an outcome, and no target is named; name one (--target)")


def without_outcome(data: Dataset) -> Dataset:
    """The same people, groups, weights and clusters, without outcome, decisions and features."""
    nothing: dict[str, Any] = dict.fromkeys(("target", "known_for", "positive", "image"))
    nothing |= dict.fromkeys(("features", "predictions", "scores"), ())
    return Dataset(data.frame, data.roles.model_copy(update={**nothing, "cuts": {}}))


def systems_of_table(
    data: Dataset, arrays: Arrays, spec: AuditSpec, known: NDArray[np.bool_] | None = None
) -> dict[str, Prediction]:
    """Systems of the table on the rows of the arrays: same rows, same splits, fair to all."""
    roles, frame = data.roles, rows_of(data, arrays)
    median = spec.kind == "predictions" and spec.preset == SCORING_RATE
    sure = not data.outcome.guessed_positive
    systems = existing_systems(frame, roles, arrays.classes, sure=sure, median=median)
    if arrays.task == "binary" and known is None:
        refuse_contradicted(
            arrays.y, systems, roles.cuts, arrays.classes, SIDE_REMEDY,
            confidence=spec.confidence, metrics=spec.metrics,
            weight=arrays.weight, cluster=arrays.cluster,
        )  # fmt: skip
    return systems


def rows_of(data: Dataset, arrays: Arrays) -> pl.DataFrame:
    """The rows of the table that are in the arrays, in their order."""
    rows = pl.DataFrame({data.roles.row_id: arrays.row_id})
    return rows.join(data.frame, on=data.roles.row_id, how="left", maintain_order="left")


def control_levels(
    data: Dataset, arrays: Arrays, spec: AuditSpec, cut_by: NDArray[np.bool_]
) -> dict[str, NDArray[np.str_]]:
    """The levels (n,) of the columns within which groups are compared.

    Parameters
    ----------
    cut_by : (n,) the rows whose quartiles numbers are cut at

    Raises
    ------
    SpecError
        When such a column is missing, or the groups or the outcome follow from it.
    """
    check_controls(spec.controls, data.roles, data.frame.columns)
    frame = rows_of(data, arrays) if spec.controls else data.frame
    return {name: group_labels(frame[name], cut_by) for name in spec.controls}
