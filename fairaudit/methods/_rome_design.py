"""What ROME's gate and experts see: which sensitive columns go where, in which units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods._inputs import SensitiveEncoder, as_columns

Float = NDArray[np.float64]
Columns = bool | Sequence[int | str]


def column_names(value: Any, count: int) -> tuple[str, ...]:
    """Names of the sensitive columns: those of a frame or series, else "s0", "s1", …"""
    found = getattr(value, "columns", None)
    if found is not None:
        return tuple(str(name) for name in found)
    name = getattr(value, "name", None)
    if name and count == 1:
        return (str(name),)
    return tuple(f"s{j}" for j in range(count))


def positions(wanted: Columns | None, names: tuple[str, ...], what: str) -> tuple[int, ...]:
    """Positions of the wanted columns: True or None = all, False = none, or names, positions.

    Raises
    ------
    SpecError
        When a column does not exist.
    """
    if wanted is None or wanted is True:
        return tuple(range(len(names)))
    if wanted is False:
        return ()
    found = []
    for column in wanted:
        place = names.index(column) if isinstance(column, str) and column in names else column
        if isinstance(place, str) or not 0 <= int(place) < len(names):
            raise SpecError(
                f"{what}: there is no sensitive column {column!r}; choose among "
                f"{', '.join(names) or '(none given)'}"
            )
        found.append(int(place))
    return tuple(found)


@dataclass(frozen=True)
class SensitivePart:
    """Some sensitive columns as numbers: learnt on training rows, the same ever after."""

    columns: tuple[int, ...]
    encoder: SensitiveEncoder | None

    @classmethod
    def fit(cls, value: Any, n: int, columns: tuple[int, ...]) -> SensitivePart:
        """Learn the encoding of the columns."""
        if value is None or not columns:
            return cls(columns, None)
        return cls(columns, SensitiveEncoder.fit(_pick(value, n, columns), n))

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        return 0 if self.encoder is None else len(self.encoder.names)

    def transform(self, value: Any, n: int) -> Float:
        """Encoded columns (n, width).

        Raises
        ------
        InputError
            When the columns are missing.
        """
        if self.encoder is None:
            return np.zeros((n, 0))
        if value is None:
            raise InputError(
                "the experts of this model use sensitive attributes; pass sensitive_features"
            )
        return self.encoder.transform(_pick(value, n, self.columns), n)

    def state(self) -> dict[str, Any]:
        """JSON values."""
        encoder = None if self.encoder is None else asdict(self.encoder)
        return {"columns": list(self.columns), "encoder": encoder}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> SensitivePart:
        """From `state()`."""
        found = state["encoder"]
        if found is not None:
            found = {key: _tuples(value) for key, value in found.items()}
        encoder = None if found is None else SensitiveEncoder(**found)
        return cls(tuple(state["columns"]), encoder)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _pick(value: Any, n: int, columns: tuple[int, ...]) -> NDArray[Any]:
    array = as_columns(value, "sensitive_features", n)
    if columns and max(columns) >= array.shape[1]:
        raise InputError(
            f"sensitive_features has {array.shape[1]} columns, column {max(columns)} is needed; "
            "pass the same columns in the same order as in training"
        )
    return array[:, list(columns)]


@dataclass(frozen=True)
class Scale:
    """Centre and scale of columns."""

    centre: Float
    scale: Float

    @classmethod
    def fit(cls, columns: Float, weight: Float) -> Scale:
        """Weighted mean and standard deviation; constant columns keep scale 1."""
        share = weight / weight.sum()
        centre = share @ columns
        spread = np.sqrt(share @ np.square(columns - centre))
        return cls(centre, np.where(spread > 1e-12 * (1 + np.abs(centre)), spread, 1.0))

    def apply(self, columns: Float) -> Float:
        """Standardised columns."""
        return np.asarray((columns - self.centre) / self.scale)

    def undo(self, omega: Float) -> tuple[Float, Float]:
        """Coefficients (..., d - 1) and intercepts (...) in the columns' own units."""
        coef = omega[..., 1:] / self.scale
        return coef, omega[..., 0] - coef @ self.centre


def raw_design(part: SensitivePart, encoded: Float) -> Float:
    """Encoded columns in their own units again, a missing number as 0 beside its flag."""
    if part.encoder is None:
        return encoded
    raw, at = encoded.copy(), 0
    encoder = part.encoder
    for j, kind in enumerate(encoder.kinds):
        if kind == "text":
            at += len(encoder.levels[j])
            continue
        value = encoded[:, at] * encoder.scales[j] + encoder.centres[j]
        present = 1 - encoded[:, at + 1] if encoder.flagged[j] else 1.0
        raw[:, at] = value * present
        at += 2 if encoder.flagged[j] else 1
    return raw


TaskKind = Literal["regression", "classification"]
MAX_CLASSES = 20  # whole numbers with more distinct values than this are taken for a quantity


def task_of(y: NDArray[Any], task: str) -> TaskKind:
    """What y asks for, when `task` is "auto"; else `task` itself.

    Raises
    ------
    SpecError
        When `task` is not known.
    """
    if task in ("regression", "classification"):
        return "regression" if task == "regression" else "classification"
    if task in ("binary", "multiclass"):
        return "classification"
    if task != "auto":
        raise SpecError(
            f"task {task!r} is not known; choose 'auto', 'regression' or 'classification'"
        )
    if y.dtype.kind in "fiu":
        distinct = np.unique(y)
        whole = bool(np.all(np.mod(distinct, 1) == 0))
        return "classification" if whole and len(distinct) <= MAX_CLASSES else "regression"
    return "classification"
