"""What users pass to estimators, as plain arrays: numpy, pandas and polars are all welcome."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError

Float = NDArray[np.float64]
Int = NDArray[np.int64]

LARGEST = 1e150  # numbers beyond this cannot be squared


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
    parts = [np.array([_text(v) for v in column], dtype=np.str_) for column in columns.T]
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


def _text(value: Any) -> str:
    if is_missing(value):
        return "(missing)"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class SensitiveEncoder:
    """Numeric design of sensitive columns: numbers standardised, text one-hot, missing flagged.

    Statistics come from the training rows only, by their weights. A column is numeric when every
    value present parses as a number.
    """

    kinds: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    levels: tuple[tuple[str, ...], ...]
    flagged: tuple[bool, ...]
    names: tuple[str, ...]

    @classmethod
    def fit(cls, value: Any, n: int, weight: Float | None = None) -> SensitiveEncoder:
        """Learn the design from training rows (n, k), weighted (n,) or all alike.

        Raises
        ------
        InputError
            When a number is infinite or too large to be squared.
        """
        columns = as_columns(value, "sensitive_features", n)
        weight = np.ones(n) if weight is None else weight
        learnt = [_learnt(j, column, weight) for j, column in enumerate(columns.T)]
        parts = zip(*learnt, strict=True) if learnt else ((),) * 5
        kinds, centres, scales, levels, flagged = (tuple(part) for part in parts)
        names = [name for j, facts in enumerate(learnt) for name in _names(j, facts)]
        return cls(kinds, centres, scales, levels, flagged, tuple(names))

    def transform(self, value: Any, n: int) -> Float:
        """The design matrix (n, len(names)).

        Raises
        ------
        InputError
            When the number of columns differs from training or a number is expected.
        """
        columns = as_columns(value, "sensitive_features", n)
        if columns.shape[1] != len(self.kinds):
            raise InputError(
                f"sensitive_features has {columns.shape[1]} columns, the model was fitted with "
                f"{len(self.kinds)}; pass the same columns in the same order"
            )
        return np.column_stack(
            [part for j in range(len(self.kinds)) for part in self._column(j, columns[:, j])]
            or [np.zeros((n, 0))]
        )

    def _column(self, j: int, column: NDArray[Any]) -> list[Float]:
        if self.kinds[j] == "text":
            text = np.array([_text(v) for v in column])
            return [(text == level).astype(np.float64) for level in self.levels[j]]
        numeric = _numeric(column)
        if numeric is None:
            raise InputError(
                f"column {j} of sensitive_features was numeric in training and now holds text"
            )
        _finite(j, numeric)
        missing = np.isnan(numeric)
        scaled = np.where(missing, 0.0, (numeric - self.centres[j]) / self.scales[j])
        return [scaled, missing.astype(np.float64)] if self.flagged[j] else [scaled]


Learnt = tuple[str, float, float, tuple[str, ...], bool]  # kind, centre, scale, levels, flagged


def _learnt(j: int, column: NDArray[Any], weight: Float) -> Learnt:
    """What is learnt of one column."""
    numeric = _numeric(column)
    if numeric is None:
        found = sorted({_text(v) for v in column})
        return "text", 0.0, 1.0, tuple(found[1:] if len(found) > 1 else found), False
    _finite(j, numeric)
    present = ~np.isnan(numeric)
    centre, scale = _weighed(numeric[present], weight[present])
    return "number", centre, scale, (), not present.all()


def _weighed(values: Float, weight: Float) -> tuple[float, float]:
    """Weighted mean and standard deviation; (0, 1) without rows and 1 without spread."""
    if weight.sum() <= 0:
        return 0.0, 1.0
    centre = float(np.average(values, weights=weight))
    spread = float(np.sqrt(np.average(np.square(values - centre), weights=weight)))
    return centre, spread if spread > 1e-12 * (1 + abs(centre)) else 1.0


def _names(j: int, facts: Learnt) -> list[str]:
    """Names of the encoded columns that one column becomes."""
    kind, _, _, levels, flagged = facts
    if kind == "text":
        return [f"s{j}={level}" for level in levels]
    return [f"s{j}", f"s{j} missing"] if flagged else [f"s{j}"]


def _finite(j: int, numeric: Float) -> None:
    if (np.abs(numeric) > LARGEST).any():  # NaN is no larger than anything
        raise InputError(
            f"column {j} of sensitive_features holds infinite or too large numbers (beyond "
            f"{LARGEST:g}); mark them as missing or use other units"
        )


def _numeric(column: NDArray[Any]) -> Float | None:
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    try:
        return np.asarray([np.nan if is_missing(v) else v for v in column], dtype=np.float64)
    except (TypeError, ValueError):
        return None
