"""Replicates of counts: multinomial (= resampling rows) or whole clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.stats.counts import Cells

Float = NDArray[np.float64]

MAX_DRAWS = 1_200_000  # group × replicate draws of one attribute; beyond, fewer replicates
EXACT_CLUSTERS = 2000  # up to here clusters are drawn one by one, beyond by their covariance


def replicates_for(n_groups: int, n_boot: int) -> int:
    """How many replicates an attribute with many groups gets: at least 400."""
    return min(n_boot, max(400, MAX_DRAWS // max(n_groups, 1)))


def smoothed(cells: Float) -> Float:
    """Half a row in each cell, so that a rate of 0 or 1 still varies."""
    return cells + 0.5


def multinomial(cells: Cells, n_boot: int, rng: np.random.Generator) -> Float:
    """Replicate counts (B, G, C, C), the same as drawing rows with replacement.

    With weights each drawn row carries the mean weight of its cell and the spread of the
    weights in it.
    """
    start = smoothed(cells.rows)
    flat = start.ravel()
    if n_boot == 0 or flat.sum() == 0:
        return np.zeros((0, *start.shape))
    total = round(float(cells.rows.sum()))
    drawn = rng.multinomial(total, flat / flat.sum(), size=n_boot).astype(np.float64)
    if not cells.weighted:
        return drawn.reshape(n_boot, *start.shape)
    return _with_weights(drawn, cells, rng).reshape(n_boot, *start.shape)


def _with_weights(drawn: Float, cells: Cells, rng: np.random.Generator) -> Float:
    rows, weight, square = cells.rows.ravel(), cells.weight.ravel(), cells.square.ravel()
    typical = weight.sum() / max(rows.sum(), 1.0)
    mean = np.divide(weight, rows, out=np.full(len(rows), typical), where=rows > 0)
    second = np.divide(square, rows, out=mean**2, where=rows > 0)
    spread = np.sqrt(np.maximum(second - mean**2, 0.0))
    noise = np.sqrt(drawn) * spread * rng.standard_normal(drawn.shape)
    return np.asarray(np.maximum(drawn * mean + noise, 0.0))


def centre(cells: Cells) -> Float:
    """The counts (G, C, C) the replicates vary around."""
    if not cells.weighted:
        start = smoothed(cells.rows)
        total = start.sum()
        return start * (cells.rows.sum() / total) if total > 0 else start
    half = cells.weight.sum() / max(cells.rows.sum(), 1.0) / 2
    return np.asarray(cells.weight + half)


@dataclass(frozen=True)
class ClusterCells:
    """Counts by cluster, to resample whole clusters.

    Attributes
    ----------
    by_cluster : (M, G·C·C) summed weights of each cluster's rows by cell
    shape : (G, C, C)
    in_group : (G,) number of clusters with rows in each group
    """

    by_cluster: Float
    shape: tuple[int, int, int]
    in_group: Float

    @property
    def n(self) -> int:
        """Number of clusters."""
        return len(self.by_cluster)


def count_clusters(
    cluster: Int,
    codes: Int,
    y: Int,
    label: Int,
    shape: tuple[int, int, int],
    weight: Float | None = None,
) -> ClusterCells:
    """Count rows by cluster and (group, y, label); `cluster` coded 0..M-1."""
    G, C, _ = shape
    width = G * C * C
    M = int(cluster.max(initial=-1)) + 1
    cell = (codes * C + y) * C + label
    flat = np.bincount(cluster * width + cell, weights=weight, minlength=M * width)
    table = flat.astype(np.float64).reshape(M, width)
    table = table[table.any(axis=1)]
    in_group = table.reshape(len(table), G, C * C).any(axis=2).sum(axis=0)
    return ClusterCells(table, shape, in_group.astype(np.float64))


def resample_clusters(counts: ClusterCells, n_boot: int, rng: np.random.Generator) -> Float:
    """Replicate counts (B, G, C, C) from drawing whole clusters with replacement.

    Beyond 2,000 clusters the sums are drawn from the normal law with the clusters' own
    covariance, to which they then converge.
    """
    M = counts.n
    if n_boot == 0 or M == 0:
        return np.zeros((0, *counts.shape))
    if M <= EXACT_CLUSTERS:
        drawn = _times_drawn(M, n_boot, rng) @ counts.by_cluster
    else:
        centred = counts.by_cluster - counts.by_cluster.mean(axis=0)
        values, vectors = np.linalg.eigh(centred.T @ centred)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        noise = rng.standard_normal((n_boot, len(values))) @ root.T
        drawn = np.maximum(counts.by_cluster.sum(axis=0) + noise, 0.0)
    return np.asarray(drawn).reshape(n_boot, *counts.shape)


def _times_drawn(M: int, n_boot: int, rng: np.random.Generator) -> Float:
    """How often each of M clusters is drawn in each replicate (B, M).

    The multinomial law; drawing M numbers and counting them takes a fraction of numpy's time.
    """
    picked = rng.integers(0, M, (n_boot, M))
    picked += np.arange(0, n_boot * M, M)[:, None]
    return np.bincount(picked.ravel(), minlength=n_boot * M).reshape(n_boot, M).astype(np.float64)
