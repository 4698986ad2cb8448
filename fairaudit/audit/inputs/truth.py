"""Outcomes, and the rows for which they are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.inputs.labels import LabelColumn, label_column, read_label_column
from fairaudit.audit.inputs.stated import StatedFacts
from fairaudit.data.known_outcome import says_yes
from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.columns import Column
from fairaudit.inputs.read import (
    read_column,
)


def name_of(value: Any) -> str:
    """The name of a Series, or of the one column of a frame; "" for others."""
    if value is None:
        return ""
    name = getattr(value, "name", None)
    if isinstance(value, pl.LazyFrame):
        columns: Any = value.collect_schema().names()
    else:  # a pyarrow table has its columns under `columns`, their names under `column_names`
        columns = getattr(value, "column_names", getattr(value, "columns", None))
    if name is None and columns is not None and len(columns) == 1:
        name = columns[0]
    return name if isinstance(name, str) else ""


@dataclass(frozen=True)
class OutcomeColumn:
    """Outcomes (n,) and where they are known; None for everywhere."""

    column: Column
    known: NDArray[np.bool_] | None = None

    def labels(self) -> LabelColumn:
        """The labels of the rows whose outcome is known."""
        column = self.column if self.known is None else self.column.take(self.known)
        return label_column(column, "the truth")

    def codes(self, classes: tuple[str, ...]) -> Int:
        """(n,) class codes; 0 where the outcome is not known."""
        codes = self.labels().codes(classes)
        if self.known is None:
            return codes
        full = np.zeros(len(self.column), dtype=np.int64)
        full[self.known] = codes
        return full


def read_truth(y_true: Any, stated: StatedFacts) -> OutcomeColumn:
    column = read_label_column(y_true, "y_true")
    alone = "leave y_true out to audit the decisions alone"
    if len(column) and column.missing.all():
        raise InputError(f"y_true has no value in any row, so no outcome is known; {alone}")
    if stated.known_for is None:
        return OutcomeColumn(column)
    name = name_of(stated.known_for) or "known_for"
    where = read_column(stated.known_for, "known_for", len(column), "y_true")
    recorded = pl.Series(~column.missing)
    yes = (says_yes(where.values.alias(name), None, recorded) & recorded).to_numpy().astype(bool)
    if not yes.any():
        raise InputError(f"'{name}' says yes in no row, so no outcome is known; {alone}")
    return OutcomeColumn(column, yes)
