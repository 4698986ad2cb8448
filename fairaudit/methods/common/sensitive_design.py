"""The numeric design of sensitive columns: numbers standardised, text one-hot, missing flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float, as_columns, is_missing, text_of

LARGEST = 1e150  # numbers beyond this cannot be squared


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
            text = np.array([text_of(v) for v in column])
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
        found = sorted({text_of(v) for v in column})
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
