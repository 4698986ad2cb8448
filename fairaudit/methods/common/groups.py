"""Groups as codes: intersections of attributes, with sparse cells joined to the coarser group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import as_columns, is_number, labels

REST = "(other)"
EVERYBODY = "(all)"
UNKNOWN = -1
_CROSS = " × "


@dataclass(frozen=True)
class Groups:
    """Which group each combination of attribute values belongs to.

    Attributes
    ----------
    names : tuple of str
        The groups, in the order of their codes.
    cells : mapping of cell label to group name
        A cell is the labels of one row joined by " × ".
    merged : mapping of group name to cell labels
        Coarser groups and the sparse cells that were joined in them.
    attributes : int
        Columns that make a cell; 0 where there are none or it is not known.
    """

    names: tuple[str, ...]
    cells: Mapping[str, str]
    merged: Mapping[str, tuple[str, ...]]
    attributes: int = 0

    @classmethod
    def fit(cls, sensitive: Any, n: int, min_rows: int) -> Groups:
        """Learn the groups of training rows.

        Parameters
        ----------
        sensitive : (n,) or (n, k) array or None
            None means one group of everybody. With k > 1 the groups are intersections; a cell
            with fewer than `min_rows` rows joins the cells that share all but its last
            attributes, again and again until the union is large enough.
        """
        if sensitive is None:
            return cls((EVERYBODY,), {"": EVERYBODY}, {})
        k = as_columns(sensitive, "sensitive_features", n).shape[1]
        counts = Counter(labels(sensitive, "sensitive_features", n).tolist())
        homes = _homes(counts, k, min_rows) if k > 1 else {cell: cell for cell in counts}
        merged = {
            home: tuple(sorted(c for c, h in homes.items() if h == home))
            for home in sorted({h for c, h in homes.items() if h != c})
        }
        return cls(tuple(sorted(set(homes.values()))), homes, merged, k)

    def codes(self, sensitive: Any, n: int) -> NDArray[np.int64]:
        """Group codes (n,); `UNKNOWN` for combinations not seen in training and for None.

        Raises
        ------
        InputError
            When the rows or columns are not as many as they should be.
        """
        if self.names == (EVERYBODY,) and "" in self.cells:
            return np.zeros(n, dtype=np.int64)
        if sensitive is None:
            return np.full(n, UNKNOWN)
        k = as_columns(sensitive, "sensitive_features", n).shape[1]
        if self.attributes not in (0, k):
            raise InputError(
                f"sensitive_features has {k} columns, the model was fitted with "
                f"{self.attributes}; pass the same columns in the same order"
            )
        number = {name: i for i, name in enumerate(self.names)}
        found, inverse = np.unique(labels(sensitive, "sensitive_features", n), return_inverse=True)
        codes = [number[self.cells[c]] if c in self.cells else UNKNOWN for c in found.tolist()]
        return np.array(codes, dtype=np.int64)[inverse]

    def state(self) -> dict[str, Any]:
        """JSON values from which `from_state` builds the same groups."""
        return {
            "names": self.names,
            "cells": dict(self.cells),
            "merged": dict(self.merged),
            "attributes": self.attributes,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Groups:
        """The groups that `state` described."""
        merged = {home: tuple(cells) for home, cells in state["merged"].items()}
        known = state.get("attributes", 0)  # 0: saved before it was kept
        return cls(tuple(state["names"]), dict(state["cells"]), merged, known)

    def notes(self) -> list[str]:
        """Sentences that say which sparse combinations were joined."""
        return [
            f"'{home}' joins the sparse combinations {', '.join(cells)}"
            for home, cells in self.merged.items()
        ]


def _homes(counts: Mapping[str, int], k: int, min_rows: int) -> dict[str, str]:
    """Cell → group: itself, or the smallest union of sparse cells that is large enough."""
    homes = {cell: cell for cell, m in counts.items() if m >= min_rows}
    waiting = {cell: m for cell, m in counts.items() if m < min_rows}
    for depth in range(k - 1, -1, -1):
        unions: Counter[str] = Counter()
        for cell, m in waiting.items():
            unions[_coarse(cell, depth)] += m
        for cell in list(waiting):
            if unions[_coarse(cell, depth)] >= min_rows or depth == 0:
                homes[cell] = _coarse(cell, depth)
                del waiting[cell]
    return homes


def _coarse(cell: str, depth: int) -> str:
    return _CROSS.join([*cell.split(_CROSS)[:depth], REST])


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
