"""Codes group labels as small integers, once; names intersections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.columns import Column
from fairaudit.inputs.labels import CROSS, cell_name
from fairaudit.inputs.read import read_column, read_columns

OVERALL = "all"
MAX_LEVELS = 1000


@dataclass(frozen=True)
class Grouping:
    """One way to divide the rows.

    Attributes
    ----------
    attribute : "sex", "sex × race", or "all" for all rows
    names : the G group names, sorted
    codes : (n,) index into `names`
    """

    attribute: str
    names: tuple[str, ...]
    codes: Int

    @property
    def depth(self) -> int:
        """How many declared attributes are crossed."""
        return self.attribute.count(CROSS) + 1

    def inside(self, rows: NDArray[np.bool_], attribute: str) -> Grouping:
        """The same grouping of some rows under another name, without levels that do not occur."""
        present, codes = np.unique(self.codes[rows], return_inverse=True)
        return Grouping(attribute, tuple(self.names[i] for i in present), codes.reshape(-1))


def encode(values: Any, name: str = "sensitive_features") -> tuple[tuple[str, ...], Int]:
    """Sorted level names and the (n,) codes of a column; missing becomes "(missing)".

    Raises
    ------
    InputError
        When there are more than 1,000 levels: such a column is no grouping.
    """
    column = read_column(values, f"column '{name}'")
    check_few(column, name)
    return column.levels


def check_few(column: Column, name: str) -> None:
    """Refuse a column with too many different values to be groups.

    Raises
    ------
    InputError
        With the remedy: ranges.
    """
    if len(column.distinct) > MAX_LEVELS:
        raise InputError(
            f"column '{name}': expected at most {MAX_LEVELS:,} groups, got {len(column.distinct)} "
            "different values, too many to be groups; bin it into a few ranges first"
        )


def columns_of(value: Any, what: str = "sensitive_features") -> dict[str, Column]:
    """Columns by name of what users pass as `sensitive_features` or `control_features`.

    A frame keeps its column names, a named Series its name; arrays get "group" (one column) or
    "group 1", "group 2", …

    Raises
    ------
    InputError
        When there are no columns to be seen, or two of one name.
    """
    if value is None:
        return {}
    columns = read_columns(value, what)
    single = columns.width == 1
    plain = ["group"] if single else [f"group {j + 1}" for j in range(columns.width)]
    return dict(zip(columns.names or plain, columns.columns, strict=True))


def cluster_codes(values: Any, what: str = "clusters", n: int | None = None) -> Int:
    """Codes 0..M−1 of the clusters; rows without one are a cluster together, as in tables."""
    series = read_column(values, what, n, "y_true").values
    if not (series.dtype.is_numeric() or series.dtype == pl.String):
        series = series.cast(pl.String)
    codes = series.rank("dense").cast(pl.Int64)
    return codes.fill_null((codes.max() or 0) + 1).to_numpy() - 1  # type: ignore[operator]


def everybody(n: int) -> Grouping:
    """The grouping with one group, "all"."""
    return Grouping(OVERALL, (OVERALL,), np.zeros(n, dtype=np.int64))


def cross(parts: Sequence[Grouping]) -> Grouping:
    """The intersections of several groupings that occur, named by `cell_name`: "a × b"."""
    codes = parts[0].codes
    for part in parts[1:]:
        codes = codes * len(part.names) + part.codes
    total = int(np.prod([len(p.names) for p in parts]))
    present = _present(codes, total)
    place = np.searchsorted(present, codes)
    names = [cell_name(n) for n in _names_of(present, parts)]
    order = np.argsort(np.array(names), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    attribute = CROSS.join(p.attribute for p in parts)
    return Grouping(attribute, tuple(names[i] for i in order), rank[place])


def _present(codes: Int, total: int) -> Int:
    if total <= 10_000_000:
        return np.flatnonzero(np.bincount(codes, minlength=1))
    return np.unique(codes)


def _names_of(present: Int, parts: Sequence[Grouping]) -> list[tuple[str, ...]]:
    names: list[tuple[str, ...]] = [()] * len(present)
    rest = present
    for part in reversed(parts):
        rest, here = np.divmod(rest, len(part.names))
        names = [(part.names[h], *n) for h, n in zip(here, names, strict=True)]
    return names


def groupings(columns: Mapping[str, Any], depth: int = 1) -> list[Grouping]:
    """Every attribute and every intersection of up to `depth` attributes.

    Attributes with a single level are kept alone (their overall value is still of interest) but
    not crossed.
    """
    single = [Grouping(name, *encode(values, name)) for name, values in columns.items()]
    divided = [g for g in single if len(g.names) > 1]
    crossed = [
        cross(chosen)
        for k in range(2, min(depth, len(divided)) + 1)
        for chosen in combinations(divided, k)
    ]
    return single + crossed
