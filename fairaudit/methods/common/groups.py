"""Groups as codes: intersections of attributes, with sparse cells joined to the coarser group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import SpecError
from fairaudit.inputs.arrays import is_number
from fairaudit.inputs.columns import Column
from fairaudit.inputs.group_codes import check_few
from fairaudit.inputs.labels import CROSS, cell_name
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import refusal

REST = "(other)"
EVERYBODY = "(all)"
UNKNOWN = -1
FEW_NUMBERS = 10  # numbers with fractions and more distinct values are a scale, no groups
FEW_LEVELS = 20  # so many levels are groups even where most have a row or two


@dataclass(frozen=True)
class Groups:
    """Which group each combination of attribute values belongs to.

    Attributes
    ----------
    names : tuple of str
        The groups, in the order of their codes.
    cells : mapping of cell name to group name
        A cell is named by the values of one row, joined by " × " (`cell_name`).
    merged : mapping of group name to cell names
        Coarser groups and the sparse cells that were joined in them.
    attributes : int
        Columns that make a cell; 0 where there are none or it is not known.
    columns : tuple of str or None
        Names of the sensitive columns; None for arrays, and where they were not stored.
    quoted : bool
        False for models saved when values that hold " × " were not quoted.
    """

    names: tuple[str, ...]
    cells: Mapping[str, str]
    merged: Mapping[str, tuple[str, ...]]
    attributes: int = 0
    columns: tuple[str, ...] | None = None
    quoted: bool = True

    @classmethod
    def fit(cls, sensitive: Any, n: int, min_rows: int) -> Groups:
        """Learn the groups of training rows.

        Parameters
        ----------
        sensitive : (n,) or (n, k) values of any container, or None
            None means one group of all rows. With k > 1 the groups are intersections; a cell
            with fewer than `min_rows` rows joins the cells that share all but its last
            attributes, again and again until the union is large enough.

        Raises
        ------
        InputError
            When a column has too many different values to be groups.
        """
        if sensitive is None:
            return cls((EVERYBODY,), {"": EVERYBODY}, {})
        columns = read_columns(sensitive, "sensitive_features", n)
        for name, column in zip(columns.named(), columns.columns, strict=True):
            _few_groups(column, name)
        cells, codes = columns.cells()
        counts = Counter(
            dict(zip(cells, np.bincount(codes, minlength=len(cells)).tolist(), strict=True))
        )
        k = columns.width
        homes = (
            _homes(counts, k, min_rows) if k > 1 else {cell_name(c): cell_name(c) for c in counts}
        )
        merged = {
            home: tuple(sorted(c for c, h in homes.items() if h == home))
            for home in sorted({h for c, h in homes.items() if h != c})
        }
        return cls(tuple(sorted(set(homes.values()))), homes, merged, k, columns.names)

    def codes(self, sensitive: Any, n: int) -> NDArray[np.int64]:
        """Group codes (n,); `UNKNOWN` for combinations not seen in training and for None.

        Columns with names are taken in the order of training.

        Raises
        ------
        InputError
            When there are other rows or columns than there should be.
        """
        if self.names == (EVERYBODY,) and "" in self.cells:
            return np.zeros(n, dtype=np.int64)
        if sensitive is None:
            return np.full(n, UNKNOWN)
        columns = read_columns(sensitive, "sensitive_features", n)
        columns = columns.as_fitted(self.columns, self.attributes or columns.width)
        number = {name: i for i, name in enumerate(self.names)}
        name_of = cell_name if self.quoted else CROSS.join
        cells, places = columns.cells()
        homes = [self.cells.get(name_of(parts)) for parts in cells]
        codes = [UNKNOWN if home is None else number[home] for home in homes]
        return np.array(codes, dtype=np.int64)[places]

    def state(self) -> dict[str, Any]:
        """JSON values from which `from_state` builds the same groups."""
        return {
            "names": self.names,
            "cells": dict(self.cells),
            "merged": dict(self.merged),
            "attributes": self.attributes,
            "columns": self.columns,
            "quoted": self.quoted,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Groups:
        """The groups stored by `state`; values that an older version did not store are unknown."""
        merged = {home: tuple(cells) for home, cells in state["merged"].items()}
        columns = state.get("columns")
        return cls(
            tuple(state["names"]),
            dict(state["cells"]),
            merged,
            state.get("attributes", 0),
            None if columns is None else tuple(columns),
            state.get("quoted", False),
        )

    def notes(self) -> list[str]:
        """Sentences on the sparse combinations that were joined."""
        return [
            f"'{home}' joins the sparse combinations {', '.join(cells)}"
            for home, cells in self.merged.items()
        ]


def _few_groups(column: Column, name: str) -> None:
    """Refuse a column that numbers its rows or measures them, instead of grouping them.

    Raises
    ------
    InputError
        With the remedy: ranges.
    """
    distinct = column.distinct
    measured = distinct.dtype.is_float() and bool((distinct % 1 != 0).any())
    if (measured and len(distinct) > FEW_NUMBERS) or (
        len(distinct) > FEW_LEVELS and 2 * len(distinct) > len(column)
    ):
        raise refusal(
            f"sensitive_features column '{name}'",
            "groups of several rows each",
            f"{len(distinct)} different values in {len(column)} rows",
            "bin it into a few ranges first",
        )
    check_few(column, name)


def _homes(counts: Mapping[tuple[str, ...], int], k: int, min_rows: int) -> dict[str, str]:
    """Cell → group: itself, or the smallest union of sparse cells that is large enough."""
    homes = {cell_name(cell): cell_name(cell) for cell, m in counts.items() if m >= min_rows}
    waiting = {cell: m for cell, m in counts.items() if m < min_rows}
    values = {part for cell in counts for part in cell}
    rest = REST if REST not in values else f"{REST} joined"  # a level may bear that very name
    for depth in range(k - 1, -1, -1):
        unions: Counter[tuple[str, ...]] = Counter()
        for cell, m in waiting.items():
            unions[cell[:depth]] += m
        for cell in list(waiting):
            if unions[cell[:depth]] >= min_rows or depth == 0:
                homes[cell_name(cell)] = cell_name([*cell[:depth], rest])
                del waiting[cell]
    return homes


def names_of(groups: Groups, codes: NDArray[np.int64]) -> list[str]:
    """Group names of codes; unknown groups read "(unknown)"."""
    table: Sequence[str] = (*groups.names, "(unknown)")
    return [table[c] for c in codes.tolist()]


def stratified_validation(codes: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Which rows become validation rows: `share` of every stratum, chosen at random.

    Parameters
    ----------
    codes : (n,) int64 strata, such as group × class.

    Raises
    ------
    SpecError
        When the share is no number in [0, 1).

    Notes
    -----
    Each row gets a place inside its stratum and the fractional parts are shuffled, so strata of
    one row are neither always nor never taken but the total stays at `share`.
    """
    if not (is_number(share) and 0 <= share < 1):
        raise SpecError(f"validation_share must lie in [0, 1), got {share!r}")
    n = len(codes)
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(n), codes))
    starts = np.r_[True, codes[order][1:] != codes[order][:-1]]
    offset = rng.random(starts.sum())[np.cumsum(starts) - 1]
    place = np.arange(n) - np.flatnonzero(starts)[np.cumsum(starts) - 1]
    chosen = np.floor((place + 1) * share + offset) > np.floor(place * share + offset)
    mask = np.zeros(n, dtype=bool)
    mask[order] = chosen
    return mask
