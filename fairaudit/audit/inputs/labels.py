"""Columns of labels: their distinct values, and which one each row has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.roles import Task
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.columns import Column
from fairaudit.inputs.containers import opened
from fairaudit.inputs.labels import class_label
from fairaudit.inputs.read import (
    as_array,
    frame_columns,
    read_column,
)
from fairaudit.inputs.target import missing_labels

FEW = 1000  # whole numbers over so small a range are counted, not sorted


@dataclass(frozen=True)
class LabelColumn:
    """A column of labels: its distinct values, their names, and (n,) which one each row has."""

    distinct: NDArray[Any]
    names: tuple[str, ...]
    place: Int

    def codes(self, classes: tuple[str, ...]) -> Int:
        """(n,) class codes; all names are among the classes."""
        codes = np.array([classes.index(n) for n in self.names], dtype=np.int64)
        return np.asarray(codes[self.place] if len(codes) else self.place)


def read_label_column(value: Any, what: str, n: int | None = None) -> Column:
    """A column of labels; in objects of mixed types True stays equal to 1."""
    value = opened(value, what)
    if not isinstance(value, pl.Series | Mapping) and frame_columns(value, what) is None:
        array = as_array(value, what)
        if array.dtype == object and bool in set(map(type, array.ravel().tolist())):
            values = array.reshape(-1).tolist()
            if set(map(type, values)) - {bool, type(None)} and array.ndim == 1:
                value = [int(v) if isinstance(v, bool) else v for v in values]
    return read_column(value, what, n, "y_true")


def label_column(column: Column, what: str) -> LabelColumn:
    lost = column.values.null_count()
    if lost:
        raise missing_labels(lost, len(column), what)
    distinct, place = _distinct(column)
    values = distinct if distinct.dtype == np.float32 else distinct.tolist()
    return LabelColumn(distinct, tuple(class_label(v) for v in values), place)


def task_of(distinct: NDArray[Any]) -> Task:
    if len(distinct) <= 2:
        return "binary"
    if distinct.dtype.kind not in "iuf":
        return "multiclass"
    whole = np.all(distinct.astype(np.float64) % 1 == 0)
    return "multiclass" if whole and len(distinct) <= 10 else "regression"


def _distinct(column: Column) -> tuple[NDArray[Any], Int]:
    """Distinct values of a column without gaps, and the (n,) place of each row among them."""
    values = column.values
    if not values.dtype.is_numeric() and values.dtype != pl.Boolean:
        names, place = column.levels
        return np.array(names, dtype=object), place
    array = values.to_numpy()
    if array.dtype.kind in "biu" and len(array) and int(array.max()) - int(array.min()) < FEW:
        start = int(array.min())
        small = array.astype(np.int64) - start
        occurs = np.bincount(small) > 0
        present = np.flatnonzero(occurs) + start
        return present, small if occurs.all() else (np.cumsum(occurs) - 1)[small]
    distinct, place = np.unique(array, return_inverse=True)
    return distinct, np.asarray(place.reshape(-1))
