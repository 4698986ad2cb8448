"""The numeric design of sensitive columns: numbers standardised, text one-hot, missing flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.columns import Column
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import refusal

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
        columns = read_columns(value, "sensitive_features", n).columns
        weight = np.ones(n) if weight is None else weight
        learnt = [_learnt(j, column, weight) for j, column in enumerate(columns)]
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
        columns = read_columns(value, "sensitive_features", n).as_fitted(None, len(self.kinds))
        return np.column_stack(
            [part for j, column in enumerate(columns.columns) for part in self._column(j, column)]
            or [np.zeros((n, 0))]
        )

    def _column(self, j: int, column: Column) -> list[Float]:
        if self.kinds[j] == "text":
            text = column.text()
            return [(text == level).astype(np.float64) for level in self.levels[j]]
        numeric = column.numbers(parse=True)
        if numeric is None:
            raise refusal(
                f"column {j} of sensitive_features",
                "numbers, as in training",
                "text",
                "pass numbers, or leave them missing",
            )
        _finite(j, numeric)
        missing = np.isnan(numeric)
        scaled = np.where(missing, 0.0, (numeric - self.centres[j]) / self.scales[j])
        return [scaled, missing.astype(np.float64)] if self.flagged[j] else [scaled]


Learnt = tuple[str, float, float, tuple[str, ...], bool]  # kind, centre, scale, levels, flagged


def _learnt(j: int, column: Column, weight: Float) -> Learnt:
    """What is learnt of one column."""
    numeric = column.numbers(parse=True)
    if numeric is None:
        levels = column.levels[0]
        return "text", 0.0, 1.0, tuple(levels[1:] if len(levels) > 1 else levels), False
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
