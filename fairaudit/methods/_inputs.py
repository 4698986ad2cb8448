"""What users pass to estimators, as plain arrays: numpy, pandas and polars are all welcome."""

from __future__ import annotations

from dataclasses import dataclass
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


def as_columns(value: Any, name: str, n: int) -> NDArray[Any]:
    """A 2-D array (n, k) from a 1-D or 2-D input with n rows.

    Raises
    ------
    InputError
        When the number of rows differs, or there are no rows but one value.
    """
    array = as_array(value)
    if array.ndim == 0:
        raise InputError(f"{name} is a single value, X has {n} rows; pass one row per row of X")
    array = array.reshape(len(array), -1) if array.ndim != 2 else array
    if len(array) != n:
        raise InputError(f"{name} has {len(array)} rows, X has {n}; pass one row per row of X")
    return array


def labels(value: Any, name: str, n: int) -> NDArray[np.str_]:
    """Group labels as text (n,), columns of a 2-D input joined by ' × '; missing = '(missing)'."""
    columns = as_columns(value, name, n)
    parts = [np.array([_text(v) for v in column], dtype=np.str_) for column in columns.T]
    joined = parts[0]
    for part in parts[1:]:
        joined = np.char.add(np.char.add(joined, " × "), part)
    return joined


def is_missing(value: Any) -> bool:
    """None, NaN, or the missing value of a nullable pandas column."""
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _text(value: Any) -> str:
    if is_missing(value):
        return "(missing)"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class SensitiveEncoder:
    """Numeric design of sensitive columns: numbers standardised, text one-hot, missing flagged.

    Statistics come from the training rows only. A column is numeric when every value present
    parses as a number and it has more than two distinct values or is already 0/1.
    """

    kinds: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    levels: tuple[tuple[str, ...], ...]
    flagged: tuple[bool, ...]
    names: tuple[str, ...]

    @classmethod
    def fit(cls, value: Any, n: int) -> SensitiveEncoder:
        """Learn the design from training rows (n, k)."""
        columns = as_columns(value, "sensitive_features", n)
        kinds: list[str] = []
        centres: list[float] = []
        scales: list[float] = []
        levels: list[tuple[str, ...]] = []
        flagged: list[bool] = []
        names: list[str] = []
        for j, column in enumerate(columns.T):
            numeric = _numeric(column)
            if numeric is not None:
                present = numeric[~np.isnan(numeric)]
                missing = present.size < numeric.size
                centre = float(present.mean()) if present.size else 0.0
                scale = float(present.std()) if present.size else 1.0
                kinds.append("number")
                centres.append(centre)
                scales.append(scale if scale > 0 else 1.0)
                levels.append(())
                flagged.append(missing)
                names += [f"s{j}"] + ([f"s{j} missing"] if missing else [])
            else:
                found = sorted({_text(v) for v in column})
                kinds.append("text")
                centres.append(0.0)
                scales.append(1.0)
                levels.append(tuple(found[1:] if len(found) > 1 else found))
                flagged.append(False)
                names += [f"s{j}={v}" for v in levels[-1]]
        return cls(
            tuple(kinds),
            tuple(centres),
            tuple(scales),
            tuple(levels),
            tuple(flagged),
            tuple(names),
        )

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
        missing = np.isnan(numeric)
        scaled = np.where(missing, 0.0, (numeric - self.centres[j]) / self.scales[j])
        return [scaled, missing.astype(np.float64)] if self.flagged[j] else [scaled]


def _numeric(column: NDArray[Any]) -> Float | None:
    try:
        return np.asarray([np.nan if v is None else v for v in column], dtype=np.float64)
    except (TypeError, ValueError):
        return None
