"""Rows stored with a result, from which counts lead back to rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.inputs.read import AuditInputs
from fairaudit.inputs.arrays import Float, Int
from fairaudit.inputs.group_codes import encode


def stored_rows(
    inputs: AuditInputs,
    groups: Mapping[str, Any],
    cluster: Int | None,
    weight: Float | None,
    split: str,
) -> dict[str, pl.DataFrame]:
    """Tables `people`, `predictions` and `row_weights`, from which rows are read back."""
    row = np.arange(len(inputs.y))
    where = pl.repeat(split, len(row), eager=True)
    who = {name: _group_names(values, name) for name, values in groups.items()}
    if cluster is not None:
        who["cluster"] = pl.Series(cluster).cast(pl.String)
    tables = {
        "people": pl.DataFrame({"row": row, "split": where, **who}),
        "predictions": pl.concat(
            [_rows_of(name, s, _shown_truth(inputs), where) for name, s in inputs.systems.items()]
        ),
    }
    if weight is not None:
        tables["row_weights"] = pl.DataFrame({"row": row, "weight": weight})
    return tables


def _shown_truth(inputs: AuditInputs) -> pl.Series:
    """The outcomes as stored: null where none is known."""
    y = pl.Series(inputs.y.astype(np.float64))
    return y if inputs.known is None else y.set(pl.Series(~inputs.known), None)


def _group_names(values: Any, name: str) -> pl.Series:
    names, codes = encode(values, name)
    return pl.Series(names, dtype=pl.String).gather(codes)


def _rows_of(name: str, system: Prediction, y: pl.Series, split: pl.Series) -> pl.DataFrame:
    score = system.score
    if score is not None and score.ndim == 2:
        score = score[np.arange(len(y)), system.label]
    return pl.DataFrame(
        {
            "row": np.arange(len(y)),
            "split": split,
            "model": pl.repeat(name, len(y), eager=True),
            "y": y,
            "label": system.label.astype(np.float64),
            "score": score,
        },
        schema_overrides={"score": pl.Float64},
    )
