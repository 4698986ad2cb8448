"""Which groups are hidden so that no hidden count follows from the counts shown.

Small groups are hidden first (primary suppression). Their sizes and their counts of outcomes
and decisions may follow from totals and from other groups, so that further groups are hidden
(secondary suppression). The count of a group is the sum over its atoms, the combinations of all
attributes that occur; a hidden count follows from those shown where all tables with the counts
shown agree about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.inputs.labels import CROSS
from fairaudit.stats.counts import product, sums
from fairaudit.stats.exposure import KnownSums, given_away, witnesses

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Hidden = dict[str, frozenset[str]]

LARGEST = 200_000  # groups × atoms; beyond, whole tables of intersections are hidden


@dataclass(frozen=True)
class Division:
    """One table of counts: its attribute, group names and each row's group.

    Attributes
    ----------
    attribute, names : as in `Grouping`
    codes : (n,) index into `names`, −1 for rows outside the table
    """

    attribute: str
    names: tuple[str, ...]
    codes: Int


@dataclass(frozen=True)
class CellCodes:
    """What else is counted in each group: for one model, the outcome and decision of each row.

    Attributes
    ----------
    codes : (n,) which of the `size` cells a row is in
    size : number of cells
    weight : (n,) what a row counts, or None for 1
    """

    codes: Int
    size: int
    weight: Float | None = None


@dataclass(frozen=True)
class _Counts:
    """Every count that could be shown.

    Attributes
    ----------
    table : (M,) the division of each group
    size : (M,) rows
    cells : (C, M) rows of each further count
    atoms : (M, A) whether an atom belongs to a group
    """

    table: Int
    size: Float
    cells: Float
    atoms: Bool


def hidden_groups(
    divisions: Sequence[Division],
    times: Float | None,
    least: int,
    cells: Sequence[CellCodes] = (),
) -> Hidden:
    """Names of the groups to hide, by attribute.

    In each table at least two groups are hidden, or none, and those hidden have at least `least`
    rows together where the table has so many; no hidden count follows from those shown. A count
    of `cells` that is 0 in a larger group that is shown is 0 in all its parts; this is not hidden.

    Parameters
    ----------
    divisions : the tables, that of all rows among them
    times : (n,) equal rows that each row stands for, or None
    least : groups with fewer rows are hidden
    cells : further counts that are shown of each group
    """
    sizes = [sums(d.codes[d.codes >= 0], _of(times, d), len(d.names)) for d in divisions]
    small = np.concatenate([(s > 0) & (s < least) for s in sizes])
    table = np.repeat(np.arange(len(divisions)), [len(s) for s in sizes])
    size = np.concatenate(sizes)
    if not small.any():
        return {}
    # the number of all rows is shown in any case
    total = np.array([divisions[int(t)].attribute == OVERALL for t in table])
    small &= ~total
    shown_tables, which = _atoms(divisions)
    each = [_cells_by_group(divisions, part, times) for part in cells]
    further = np.concatenate([np.zeros((0, len(size))), *each])
    if len(size) * len(which) > LARGEST:
        finer = np.array([_is_finer(divisions[int(t)]) for t in table])
        hidden = _whole_tables(table, size, further, small, finer, total, least)
    else:
        counts = _Counts(table, size, further, _membership(shown_tables, which, sizes))
        hidden = _protected(counts, small, total, least)
    return _by_attribute(divisions, sizes, hidden)


def _of(times: Float | None, division: Division) -> Float | None:
    return None if times is None else times[division.codes >= 0]


def _cells_by_group(divisions: Sequence[Division], cells: CellCodes, times: Float | None) -> Float:
    """(C, M) how much of each cell every group has; cells that nobody is in are left out."""
    weight = cells.weight if times is None else product(_one(cells), times)
    parts = []
    for d in divisions:
        inside = d.codes >= 0
        at = d.codes[inside] * cells.size + cells.codes[inside]
        own = None if weight is None else weight[inside]
        parts.append(sums(at, own, len(d.names) * cells.size).reshape(-1, cells.size))
    counts = np.concatenate(parts).T
    return np.asarray(counts[counts.any(axis=1)])


def _one(cells: CellCodes) -> Float:
    return np.ones(len(cells.codes)) if cells.weight is None else cells.weight


def _atoms(divisions: Sequence[Division]) -> tuple[Int, Int]:
    """Codes (n, tables), and one row (A,) of each combination of codes that occurs."""
    codes = np.column_stack([d.codes for d in divisions])
    packed = np.zeros(len(codes), dtype=np.int64)
    for column in codes.T:
        packed = packed * (int(column.max()) + 2) + column + 1
        packed = np.unique(packed, return_inverse=True)[1].reshape(-1)
    return codes, np.unique(packed, return_index=True)[1]


def _membership(codes: Int, which: Int, sizes: Sequence[Float]) -> Bool:
    """(M, A) whether an atom belongs to a group."""
    return np.concatenate(
        [codes[which, k][None, :] == np.arange(len(size))[:, None] for k, size in enumerate(sizes)]
    )


def _protected(counts: _Counts, hidden: Bool, total: Bool, least: int) -> Bool:
    """Hide further groups, the smallest first, until no hidden count can be computed."""
    hidden = hidden.copy()
    while True:
        more = _sparse_table(counts, hidden, total, least)
        if more is None:
            more = _exposing(counts, hidden, total)
        if more is None:
            return hidden
        hidden[more] = True


def _sparse_table(counts: _Counts, hidden: Bool, total: Bool, least: int) -> int | None:
    """The smallest group shown of a table whose hidden groups are one, or few rows together."""
    for t in np.unique(counts.table[hidden]):
        mine = counts.table == t
        gone = mine & hidden
        shown = np.flatnonzero(mine & ~hidden & ~total & (counts.size > 0))
        if len(shown) and (gone.sum() < 2 or counts.size[gone].sum() < least):
            return int(shown[np.argmin(counts.size[shown])])
    return None


def _exposing(counts: _Counts, hidden: Bool, total: Bool) -> int | None:
    """The smallest group shown that helps to compute a hidden count; None where nothing does."""
    shown = np.flatnonzero(~hidden & (counts.size > 0))
    # a group that is listed without numbers has at least one row
    known = [(counts.size, 1.0), *((cell, 0.0) for cell in counts.cells)]
    for count, least in known:
        sums_of = KnownSums(counts.atoms[shown], count[shown], counts.atoms[hidden], least)
        for h in np.flatnonzero(given_away(sums_of)):
            used = shown[witnesses(sums_of, int(h)) & ~total[shown]]
            if len(used):
                return int(used[np.argmin(counts.size[used])])
    return None


def _is_finer(division: Division) -> bool:
    return CROSS in division.attribute or " | " in division.attribute


def _whole_tables(
    table: Int, size: Float, cells: Float, small: Bool, finer: Bool, total: Bool, least: int
) -> Bool:
    """Every intersection hidden if one is small; tables of one attribute on their own."""
    hidden = small | (finer & (size > 0) if (small & finer).any() else False)
    for t in np.unique(table[small & ~finer]):
        order = np.flatnonzero((table == t) & (size > 0) & ~total)
        order = order[np.argsort(size[order], kind="stable")]
        together = np.cumsum(size[order])
        without = (np.cumsum(cells[:, order], axis=1) <= 0).sum(axis=1).max(initial=0)
        needed = max(2, int(np.searchsorted(together, least)) + 1, int(without) + 1)
        # two groups of one row each are known to be that if they have two rows together
        needed += int(together[min(needed, len(order)) - 1] <= needed)
        hidden[order[:needed]] = True
    return np.asarray(hidden, dtype=bool)


def _by_attribute(divisions: Sequence[Division], sizes: Sequence[Float], hidden: Bool) -> Hidden:
    bounds = np.cumsum([len(s) for s in sizes])[:-1]
    return {
        division.attribute: frozenset(np.array(division.names, dtype=object)[gone].tolist())
        for division, gone in zip(divisions, np.split(hidden, bounds), strict=True)
        if gone.any()
    }
