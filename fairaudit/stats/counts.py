"""One pass over the rows: counts by (group, truth, answer), from which most numbers follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import Grouping

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Counts of one model under one grouping, C classes (binary: C = 2, class 1 is positive).

    Attributes
    ----------
    attribute, names : as in `Grouping`
    rows : (G, C, C) number of rows by group, true class, answered class
    weight : (G, C, C) sum of the weights, equal to `rows` without weights
    square : (G, C, C) sum of the squared weights, for effective sizes
    """

    attribute: str
    names: tuple[str, ...]
    rows: Float
    weight: Float
    square: Float

    @property
    def weighted(self) -> bool:
        """Whether rows carry unequal weights."""
        return self.weight is not self.rows

    def overall(self) -> Cells:
        """All rows in one group."""
        total = self.rows.sum(axis=0, keepdims=True)
        if not self.weighted:
            return Cells("all", ("all",), total, total, total)
        weight = self.weight.sum(axis=0, keepdims=True)
        return Cells("all", ("all",), total, weight, self.square.sum(axis=0, keepdims=True))


def count(
    grouping: Grouping,
    y: Int,
    label: Int,
    n_classes: int = 2,
    weight: Float | None = None,
    times: Float | None = None,
) -> Cells:
    """Count rows by (group, y, label), both coded 0..C-1.

    `times` says how many equal rows each row stands for (a table already counted elsewhere).
    """
    G, C = len(grouping.names), n_classes
    cell = (grouping.codes * C + y) * C + label
    rows = _sum(cell, times, G, C)
    if weight is None:
        return Cells(grouping.attribute, grouping.names, rows, rows, rows)
    return Cells(
        grouping.attribute,
        grouping.names,
        rows,
        _sum(cell, product(weight, times), G, C),
        _sum(cell, product(weight * weight, times), G, C),
    )


def _sum(cell: Int, weight: Float | None, G: int, C: int) -> Float:
    return sums(cell, weight, G * C * C).reshape(G, C, C)


def sums(codes: Int, weights: Float | None, size: int) -> Float:
    """Sum of weights (or number of rows) by code, always as floats."""
    return np.bincount(codes, weights=weights, minlength=size).astype(np.float64)


def product(weight: Float, times: Float | None) -> Float:
    """Row values times the number of equal rows that each row stands for."""
    return weight if times is None else weight * times


def one_vs_rest(cells: Float, positive: int) -> Float:
    """Binary (..., 2, 2) counts of one class against the others from (..., C, C)."""
    tp = cells[..., positive, positive]
    fn = cells[..., positive, :].sum(-1) - tp
    fp = cells[..., :, positive].sum(-1) - tp
    tn = cells.sum((-1, -2)) - tp - fn - fp
    return np.stack([np.stack([tn, fp], -1), np.stack([fn, tp], -1)], -2)
