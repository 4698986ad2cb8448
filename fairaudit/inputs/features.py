"""X as scikit-learn's checks can read it, with the names of its columns."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.containers import (
    WIDE,
    is_container,
    is_mapping,
    no_container,
    opened,
    repeated,
    two_columns,
)
from fairaudit.inputs.read import as_array, frame_columns, is_records, nested_type, read_columns
from fairaudit.inputs.rows import refusal

TIMES = (date, time, timedelta, np.datetime64, np.timedelta64)
_TIME_TYPES = ("date", "time", "period", "duration")  # how the names of pandas' types begin


def read_features(X: Any) -> Any:
    """A frame where X has names, else an array; missing entries are NaN, for others to refuse.

    Raises
    ------
    InputError
        When X is no table, rows of a list have different lengths, two columns have one name, or
        a column holds dates, lists or objects.
    """
    X = opened(X, "X")
    structured = isinstance(X, np.ndarray) and X.dtype.names is not None
    if structured or is_mapping(X) or is_records(X):
        for name, column in (frame_columns(X, "X") or {}).items():
            if _holds_times(as_array(column, f"X '{name}'")):
                raise _dates(f"X '{name}'", "dates or times")
        columns = read_columns(X, "X")
        names = columns.named("x")
        X = pl.DataFrame(dict(zip(names, (c.values for c in columns.columns), strict=True)))
    if isinstance(X, pl.DataFrame):
        return _readable(X)
    if not is_container(X):
        raise no_container(X, "X")
    if hasattr(X, "columns"):
        _check_pandas(X)
        return X
    # sparse matrices stay as they are, for scikit-learn to refuse in its own words
    array = X if hasattr(X, "toarray") else as_array(X, "X")
    if not isinstance(X, np.ndarray | list | tuple) and array.ndim == 1:
        raise refusal("X", "a table (n, p)", f"shape {array.shape}", "pass a frame of columns")
    if isinstance(array, np.ndarray) and _holds_times(array):
        raise _dates("X", "dates or times")
    return array


def _readable(X: pl.DataFrame) -> pl.DataFrame:
    for name, kind in X.schema.items():
        what = f"X '{name}'"
        if kind.is_nested() or kind == pl.Object:
            raise nested_type(kind, what)
        if kind.is_temporal():
            raise _dates(what, f"a column of type {kind}")
    wide = [name for name, kind in X.schema.items() if kind in WIDE]
    return X.with_columns(pl.col(wide).cast(pl.Float64)) if wide else X


def _check_pandas(X: Any) -> None:
    twice = repeated(list(X.columns))
    if twice is not None:
        raise two_columns(twice, "X")
    for j, (name, kind) in enumerate(zip(X.columns, X.dtypes, strict=True)):
        objects = str(kind) == "object" and _holds_times(X.iloc[:, j].to_numpy())
        if objects or str(kind).startswith(_TIME_TYPES):
            raise _dates(f"X '{name}'", f"a column of type {kind}" if not objects else "dates")


def _holds_times(array: NDArray[Any]) -> bool:
    if array.dtype.kind == "O":
        return any(isinstance(value, TIMES) for value in array.ravel().tolist())
    return array.dtype.kind in "mM"


def _dates(what: str, got: str) -> InputError:
    return refusal(what, "numbers", got, "encode dates as numbers, such as days since a date")


def without_names(X: Any) -> Any:
    """The same features as an array."""
    return X.to_numpy() if hasattr(X, "to_numpy") else X


def take_rows(X: Any, rows: NDArray[np.int64]) -> Any:
    """Some rows of what `read_features` gave."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
