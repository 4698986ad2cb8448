"""The headline facts of a run and its warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from fairaudit.audit.notices import Notice, notice
from fairaudit.audit.runs.table_rows import without_outcome
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.table_systems import (
    matched_labels,
)
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.decision_labels import OutcomeLabels
from fairaudit.data.mends import sentence
from fairaudit.data.outcome import unsure_positive


def with_warnings(facts: dict[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """Headline facts and a summary as one, the warnings of both."""
    warnings = [*facts["warnings"], *summary.get("warnings", [])]
    return {**facts, **summary, "warnings": warnings}


def headline(data: Dataset, arrays: Arrays, spec: AuditSpec) -> dict[str, Any]:
    counts = {name: int((arrays.split == i).sum()) for i, name in enumerate(SPLITS)}
    left_out = rows_left_out(data, spec)
    return {
        "task": arrays.task,
        "kind": spec.kind,
        "method": spec.method,
        "title": spec.title or spec.method,
        "rows": counts,
        "left_out": dict(_by_reason(left_out)),
        "classes": list(arrays.classes),
        "features": list(arrays.feature_names),
        "sensitive": list(arrays.groups),
        "target": data.roles.target,
        "outcome": data.outcome.as_json(),
        "mends": [sentence(mend) for mend in data.roles.mends],
        "confidence": spec.confidence,
        "warnings": [
            *_outcome_warnings(data, spec),
            *matched_labels(data.frame, data.roles, _outcome_labels(data, arrays)),
            *_row_warnings(left_out),
            *_class_warnings(arrays),
        ],
    }


def _outcome_labels(data: Dataset, arrays: Arrays) -> OutcomeLabels:
    sure = not data.outcome.guessed_positive
    return OutcomeLabels(data.roles.target or "", tuple(arrays.classes), sure)


def rows_left_out(data: Dataset, spec: AuditSpec) -> pl.DataFrame:
    """Rows that were left out of the arrays, each with its reason."""
    if spec.kind != "predictions":
        return data.excluded_rows(spec.split)
    return data.excluded if data.roles.known_for is None else without_outcome(data).excluded


def _outcome_warnings(data: Dataset, spec: AuditSpec) -> list[Notice]:
    """Warnings about what a user should confirm of the outcome."""
    warnings = []
    if data.outcome.guessed_positive:
        remark = unsure_positive(data.outcome, "--positive")
        warnings.append(notice("positive_class_guessed", remark=remark))
    if data.roles.known_for is not None and spec.kind != "predictions":
        warnings.append(notice("outcome_known_for_some", column=data.roles.known_for))
    return warnings


def _row_warnings(left_out: pl.DataFrame) -> list[Notice]:
    """Warnings with the number of rows left out for each reason (the table `excluded`)."""
    return [notice("rows_left_out", rows=n, reason=why) for why, n in _by_reason(left_out)]


def _by_reason(left_out: pl.DataFrame) -> list[tuple[str, int]]:
    """How many rows were left out for each reason."""
    return list(left_out.group_by("reason", maintain_order=True).len().iter_rows())


def _class_warnings(arrays: Arrays) -> list[Notice]:
    """Which classes only validation rows have; those rows take no part in fitting."""
    lost = arrays.unlearnable()
    if not lost.any():
        return []
    classes = [arrays.classes[int(code)] for code in np.unique(arrays.y[lost])]
    rows = int(lost.sum())
    return [notice("class_without_training_rows", rows=rows, classes=classes)]
