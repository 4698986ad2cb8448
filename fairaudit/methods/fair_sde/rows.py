"""Rows of FairSDE with their class codes and groups, divided into training and validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.read import read_column
from fairaudit.methods.baselines.network import strata
from fairaudit.methods.common.design import Target, checked_weight, checked_y
from fairaudit.methods.common.groups import Groups, stratified_validation

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class SplitRows:
    """Rows of one split.

    Attributes
    ----------
    X : (m, p) table or a view of images (m, H, W, C)
    y : (m,) as the user gave it
    codes : (m,) class codes or standardised values
    groups : (m,) group codes
    clusters : (m,) or None
    weight : (m,) or None
    """

    X: Any
    y: NDArray[Any]
    codes: NDArray[Any]
    groups: Int
    clusters: NDArray[Any] | None
    weight: Float | None

    def take(self, mask: NDArray[np.bool_]) -> SplitRows:
        """The rows of a mask; all of them are the same object, so that maps stay maps."""
        if mask.all():
            return self
        known = (self.X, self.y, self.codes, self.groups, self.clusters, self.weight)
        return SplitRows(*(None if v is None else v[mask] for v in known))  # type: ignore[arg-type]


def split_rows(
    X: Any,
    y: Any,
    sensitive: Any,
    clusters: Any,
    weight: Any,
    target: Target,
    groups: Groups,
) -> SplitRows:
    """Checked rows with their codes."""
    n = len(X)
    apart = None if clusters is None else read_column(clusters, "clusters", n).text()
    known = checked_y(y, n), target.encode(y, n), groups.codes(sensitive, n)
    return SplitRows(X, *known, apart, checked_weight(weight, n))


def divide(rows: SplitRows, share: float, seed: int) -> tuple[SplitRows, SplitRows]:
    """Training and validation rows, stratified by group and class.

    A single validation row stays with the training rows.
    """
    later = stratified_validation(strata(rows.codes, rows.groups), share, seed)
    later &= later.sum() > 1
    return rows.take(~later), rows.take(later) if later.any() else _none_of(rows)


def _none_of(rows: SplitRows) -> SplitRows:
    return rows.take(np.zeros(len(rows.y), dtype=bool))


def class_shares(codes: NDArray[Any], groups: Int, names: Groups, target: Target) -> Float:
    """Share of each class in every group's training rows and, last, in all rows (G + 1, C).

    One row of each class is added, so that no share is zero.
    """
    size, c = len(names.names), target.n_outputs
    if target.classes is None:
        return np.ones((size + 1, 1))
    table = np.bincount(groups * c + codes, minlength=size * c).reshape(size, c).astype(np.float64)
    counts = np.vstack([table, table.sum(0)]) + 1
    return np.asarray(counts / counts.sum(1, keepdims=True))
