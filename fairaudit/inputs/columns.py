"""Columns as users pass them: values with missing ones marked, and their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Bool, Float, Int
from fairaudit.inputs.labels import MISSING, cell_name, texts
from fairaudit.inputs.rows import counted, refusal


@dataclass(frozen=True)
class Column:
    """One column of what users pass.

    Attributes
    ----------
    values : polars.Series
        Booleans, numbers, text, dates or times; everything missing is null (no NaN is left).
    """

    values: pl.Series

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[Any]) -> Column:
        """Some rows, by mask or position."""
        return Column(self.values.filter(rows) if rows.dtype == bool else self.values[rows])

    @property
    def missing(self) -> Bool:
        """(n,) which rows hold no value."""
        return self.values.is_null().to_numpy()

    @cached_property
    def distinct(self) -> pl.Series:
        """The values that occur, sorted, without the missing one."""
        return self.values.unique().drop_nulls().sort()

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], Int]:
        """Names in alphabetical order and the (n,) code of each row; missing is a level.

        Values of equal text (1 and 1.0) are one level.
        """
        names = texts(self.distinct)
        if self.values.null_count():
            names.append(MISSING)
        ordered = sorted(set(names))
        place = {name: i for i, name in enumerate(ordered)}
        code = np.array([place[name] for name in names] or [0], dtype=np.int64)
        places = self._places()
        return tuple(ordered), code[places] if len(places) else places

    def _places(self) -> Int:
        """(n,) position among `distinct`, one beyond for missing."""
        values, levels = self.values, self.distinct
        if values.dtype.is_numeric():
            filled = values.fill_null(strategy="zero").to_numpy()
            at = np.searchsorted(levels.to_numpy(), filled)
            coded = pl.Series(at).set(values.is_null(), len(levels))
        else:
            text = levels if values.dtype == pl.String else levels.cast(pl.String)
            coded = values.cast(pl.String).cast(pl.Enum(text)).to_physical()
        return coded.cast(pl.Int64).fill_null(len(levels)).to_numpy()

    def text(self) -> NDArray[np.str_]:
        """(n,) text of each row; missing is "(missing)"."""
        names, codes = self.levels
        return np.array(names or ("",), dtype=np.str_)[codes]

    def numbers(self, *, parse: bool = False) -> Float | None:
        """(n,) numbers, NaN where missing; None where a value is no number.

        Parameters
        ----------
        parse : also read text that spells a number
        """
        if self.values.dtype.is_numeric() or self.values.dtype in (pl.Boolean, pl.Null):
            return self.values.cast(pl.Float64).fill_null(np.nan).to_numpy()
        if self.values.null_count() == len(self):
            return np.full(len(self), np.nan)
        if self.values.dtype != pl.String or not parse:
            return None
        try:
            return np.array([np.nan if v is None else v for v in self.values], dtype=np.float64)
        except ValueError:
            return None


@dataclass(frozen=True)
class Columns:
    """Columns of equal length, with their names where they have any.

    Attributes
    ----------
    names : (k,) names of a frame, a mapping, records or a named Series; None for arrays and lists
    columns : (k,) columns
    n : number of rows
    """

    names: tuple[str, ...] | None
    columns: tuple[Column, ...]
    n: int

    def __len__(self) -> int:
        return self.n

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def take(self, rows: NDArray[Any]) -> Columns:
        """Some rows, by mask or position."""
        size = int(rows.sum()) if rows.dtype == bool else len(rows)
        return Columns(self.names, tuple(c.take(rows) for c in self.columns), size)

    def pick(self, places: Sequence[int]) -> Columns:
        """Some columns, by position."""
        names = None if self.names is None else tuple(self.names[j] for j in places)
        return Columns(names, tuple(self.columns[j] for j in places), self.n)

    def named(self, prefix: str = "s") -> tuple[str, ...]:
        """The names, or "s0", "s1", … where there are none."""
        return self.names or default_names(self.width, prefix)

    def as_fitted(
        self, names: Sequence[str] | None, width: int, what: str = "sensitive_features"
    ) -> Columns:
        """The columns in the order of training, by name where both sides have names.

        Parameters
        ----------
        names : names in training; None where there were none, or they were not stored
        width : number of columns in training

        Raises
        ------
        InputError
            When there are other columns than in training.
        """
        if self.width != width:
            raise refusal(
                what,
                f"{counted(width, 'column')} as in training{_listed(names)}",
                f"{counted(self.width, 'column')}{_listed(self.names)}",
                "pass the same columns",
            )
        if names is None or self.names is None or self.names == tuple(names):
            return self
        if sorted(self.names) == sorted(names):
            return self.pick([self.names.index(name) for name in names])
        if tuple(names) == default_names(width):  # fitted on an array: no names to compare with
            return self
        raise refusal(
            what,
            f"the columns {', '.join(names)} that the model was fitted with",
            ", ".join(self.names),
            "pass the same columns, or rename them",
        )

    def cells(self) -> tuple[list[tuple[str, ...]], Int]:
        """The combinations of values that occur, and the (n,) index of each row's combination."""
        codes = np.zeros(self.n, dtype=np.int64)
        combinations: list[tuple[str, ...]] = [()]
        for column in self.columns:
            names, own = column.levels
            # renumbered after every column, so that products of many columns never overflow
            present, codes = np.unique(codes * max(len(names), 1) + own, return_inverse=True)
            pairs = (divmod(int(p), max(len(names), 1)) for p in present)
            combinations = [(*combinations[before], names[here]) for before, here in pairs]
        return combinations, codes.reshape(-1).astype(np.int64)

    def text(self) -> NDArray[np.str_]:
        """(n,) text of each row, several columns as the name of their intersection."""
        combinations, codes = self.cells()
        return np.array([cell_name(parts) for parts in combinations] or [""], dtype=np.str_)[codes]


def default_names(width: int, prefix: str = "s") -> tuple[str, ...]:
    """The names of columns without names."""
    return tuple(f"{prefix}{j}" for j in range(width))


def _listed(names: Sequence[str] | None) -> str:
    return f" ({', '.join(names)})" if names else ""
