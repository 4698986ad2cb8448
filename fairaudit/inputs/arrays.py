"""What users pass to estimators, as plain arrays: numpy, pandas and polars are all welcome."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def as_array(value: Any) -> NDArray[Any]:
    """A numpy array from numpy, pandas, polars or nested lists."""
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    return np.asarray(value)


def is_missing(value: Any) -> bool:
    """Whether one value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def as_target(y: Any) -> NDArray[Any]:
    """y as an array; a column of objects that are all numbers (or all flags) becomes one.

    Raises
    ------
    InputError
        When an object is missing.
    """
    array = as_array(y)
    if array.dtype != object:
        return array
    values = array.ravel().tolist()
    if any(is_missing(v) for v in values):
        raise InputError("y holds missing values (NaN or none); remove those rows")
    if values and all(isinstance(v, bool | np.bool_) for v in values):
        return array.astype(np.bool_)
    if values and all(isinstance(v, Real) and not isinstance(v, bool) for v in values):
        return np.asarray(array.tolist())
    return array


def as_columns(value: Any, name: str, n: int) -> NDArray[Any]:
    """A 2-D array (n, k) from a 1-D or 2-D input with n rows.

    Raises
    ------
    InputError
        When the number of rows differs, or it is neither a column nor a table.
    """
    array = as_array(value)
    if array.ndim == 0:
        raise InputError(f"{name} is a single value, X has {n} rows; pass one row per row of X")
    if array.ndim > 2:
        raise InputError(f"{name} has {array.ndim} dimensions; pass one or more columns of n rows")
    array = array.reshape(len(array), -1)
    if len(array) != n:
        raise InputError(f"{name} has {len(array)} rows, X has {n}; pass one row per row of X")
    return array


def n_rows(sensitive: Any) -> int:
    """Number of rows of sensitive features.

    Raises
    ------
    InputError
        When there are none.
    """
    if sensitive is None:
        raise InputError("membership follows from sensitive_features; pass them")
    return len(as_array(sensitive))


def labels(value: Any, name: str, n: int) -> NDArray[np.str_]:
    """Group labels as text (n,), columns of a 2-D input joined by ' × '; missing = '(missing)'."""
    columns = as_columns(value, name, n)
    parts = [np.array([text_of(v) for v in column], dtype=np.str_) for column in columns.T]
    joined = parts[0]
    for part in parts[1:]:
        joined = np.char.add(np.char.add(joined, " × "), part)
    return joined


def is_number(value: object) -> bool:
    """Whether a parameter is a real number."""
    return isinstance(value, Real)


def is_integer(value: object) -> bool:
    """Whether a parameter is a whole number, of Python or numpy."""
    return isinstance(value, Integral)


def text_of(value: Any) -> str:
    if is_missing(value):
        return "(missing)"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


Bool = NDArray[np.bool_]
