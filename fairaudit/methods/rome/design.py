"""Inputs of ROME's gate and experts: which sensitive columns go where, in which units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.read import read_columns
from fairaudit.methods.common.sensitive_design import LARGEST, SensitiveEncoder

Float = NDArray[np.float64]
ColumnChoice = bool | str | Sequence[int | str]


def positions(
    selection: ColumnChoice | None, names: tuple[str, ...], parameter: str
) -> tuple[int, ...]:
    """Positions of the wanted columns: True or None = all, False = none, or names, positions.

    Raises
    ------
    SpecError
        When a column does not exist.
    """
    if selection is None or isinstance(selection, bool | np.bool_):
        return tuple(range(len(names))) if selection is None or selection else ()
    chosen = [selection] if isinstance(selection, str) else selection
    return tuple(dict.fromkeys(_position(column, names, parameter) for column in chosen))


def _position(column: Any, names: tuple[str, ...], parameter: str) -> int:
    if isinstance(column, str) and column in names:
        return names.index(column)
    number = isinstance(column, int | np.integer) and not isinstance(column, bool)
    if not number or not 0 <= column < len(names):
        raise SpecError(
            f"{parameter}: there is no sensitive column {column!r}; choose among "
            f"{', '.join(names) or '(none given)'}"
        )
    return int(column)


def whole(name: str, value: Any, least: int = 1) -> int:
    """A parameter as a whole number of at least `least`.

    Raises
    ------
    SpecError
        When it is something else.
    """
    number = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not number and not (isinstance(value, float | np.floating) and float(value).is_integer()):
        raise SpecError(f"{name}={value!r}; choose a whole number from {least} up")
    if value < least:
        raise SpecError(f"{name}={value!r}; {name} must be at least {least}")
    return int(value)


def at_least(name: str, value: Any, least: float = 0.0, *, above: bool = False) -> float:
    """A parameter as a finite number from `least` up, or above it.

    Raises
    ------
    SpecError
        When it is something else.
    """
    number = isinstance(value, int | float | np.integer | np.floating)
    good = number and not isinstance(value, bool) and bool(np.isfinite(value))
    if not good or value < least or (above and value == least):
        word = "above" if above else "from"
        raise SpecError(f"{name}={value!r}; choose a number {word} {least:g}")
    return float(value)


@dataclass(frozen=True)
class SensitivePart:
    """Some sensitive columns as numbers: learnt on training rows, the same ever after.

    Attributes
    ----------
    columns : positions of those used
    encoder : what turns them into numbers; None where there are none
    names : of all sensitive columns given in training
    """

    columns: tuple[int, ...]
    encoder: SensitiveEncoder | None
    names: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, value: Any, n: int, columns: tuple[int, ...], weight: Float | None = None
    ) -> SensitivePart:
        """Learn the encoding of the columns."""
        if value is None or not columns:
            return cls(columns, None)
        every = read_columns(value, "sensitive_features", n)
        encoder = SensitiveEncoder.fit(every.pick(columns), n, weight)
        return cls(columns, encoder, every.named())

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        return 0 if self.encoder is None else len(self.encoder.names)

    def transform(self, value: Any, n: int) -> Float:
        """Encoded columns (n, width).

        Raises
        ------
        InputError
            When the columns are missing or are not those of training.
        """
        if self.encoder is None:
            return np.zeros((n, 0))
        if value is None:
            raise InputError(
                "the experts of this model use sensitive attributes; pass sensitive_features"
            )
        every = read_columns(value, "sensitive_features", n)
        every = every.as_fitted(self.names, len(self.names))
        return self.encoder.transform(every.pick(self.columns), n)

    def state(self) -> dict[str, Any]:
        """JSON values."""
        encoder = None if self.encoder is None else asdict(self.encoder)
        return {"columns": list(self.columns), "encoder": encoder, "names": list(self.names)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> SensitivePart:
        """The part stored by `state`."""
        fields = state["encoder"]
        if fields is not None:
            fields = {key: _tuples(value) for key, value in fields.items()}
        encoder = None if fields is None else SensitiveEncoder(**fields)
        return cls(tuple(state["columns"]), encoder, tuple(state["names"]))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Scale:
    """Centre and scale of columns."""

    centre: Float
    scale: Float

    @classmethod
    def fit(cls, columns: Float, weight: Float) -> Scale:
        """Weighted mean and standard deviation; constant columns keep scale 1.

        Raises
        ------
        InputError
            When numbers are too large to be squared.
        """
        if np.abs(columns).max(initial=0.0) > LARGEST:
            raise InputError(
                f"X or y holds infinite or too large numbers (beyond {LARGEST:g}); use other units"
            )
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


def raw_design(columns: SensitivePart, encoded: Float) -> Float:
    """Encoded columns in their own units again, a missing number as 0 beside its flag."""
    if columns.encoder is None:
        return encoded
    raw, at = encoded.copy(), 0
    encoder = columns.encoder
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
    """The task that y implies where `task` is "auto"; else `task` itself.

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
        integral = bool(np.all(np.mod(distinct, 1) == 0))
        return "classification" if integral and len(distinct) <= MAX_CLASSES else "regression"
    return "classification"
