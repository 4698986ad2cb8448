"""Standard errors of metrics made from counts, in closed form, over rows or whole clusters.

Each further row in a cell changes a metric by its slope there (the delta method); the variance
is the sum of squared slopes over independent rows, or of squared totals of independent clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.stats.counts import Cells
from fairaudit.stats.resampling import ClusterCells

Float = NDArray[np.float64]
Slope = Callable[[Float], Float]


@dataclass(frozen=True)
class CountErrors:
    """Standard errors (G,) and, where clusters cross groups, their correlation (G, G)."""

    se: Float
    correlation: Float | None = None


def over_rows(cells: Cells, slope: Slope) -> CountErrors:
    """Errors of independent rows; half a row in each cell, so that a rate of 0 still varies."""
    rows = cells.rows + 0.5
    typical = float(cells.weight.sum() / max(cells.rows.sum(), 1.0))
    weight = cells.weight + 0.5 * typical if cells.weighted else rows
    square = cells.square + 0.5 * typical**2 if cells.weighted else rows
    move = np.nan_to_num(slope(weight))
    return CountErrors(np.sqrt((square * move**2).sum((-2, -1))))


def over_clusters(totals: Float, in_group: Float) -> CountErrors:
    """Standard errors from the total contribution of each of M clusters to each group's value.

    Parameters
    ----------
    totals : (M, G) summed slopes of each cluster's rows in each group
    in_group : (G,) clusters with rows in each group
    """
    products = totals.T @ totals
    few = np.maximum(in_group, 2.0)
    error = np.sqrt(np.diagonal(products) * few / (few - 1))
    return CountErrors(error, correlation_of(products))


def correlation_of(products: Float) -> Float:
    """Correlation (K, K) of a covariance; nothing correlates with what does not vary."""
    root = np.sqrt(np.maximum(np.diagonal(products), 0.0))
    known = np.where(root > 0, root, 1.0)
    out = np.clip(products / known / known[:, None], -1.0, 1.0)
    np.fill_diagonal(out, 1.0)
    return np.asarray(out)


def cluster_moves(clusters: ClusterCells, move: Float) -> Float:
    """Totals (M, G) of the slopes (G, C, C) over each cluster's rows."""
    G, C, _ = clusters.shape
    by_group = clusters.by_cluster.reshape(clusters.n, G, C * C)
    slopes = np.nan_to_num(move).reshape(G, C * C)
    return np.asarray(np.einsum("mgc,gc->mg", by_group, slopes))
