"""Counts of each group at or above each threshold, from which other thresholds are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics import curves
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import Grouping
from fairaudit.stats import intervals, metric_definitions
from fairaudit.stats.counts import Cells, sums
from fairaudit.stats.metric_definitions import Cell
from fairaudit.stats.resampling import ClusterCells, count_clusters

Float = NDArray[np.float64]
Thresholds = float | Mapping[str, float]


@dataclass(frozen=True)
class ClusteredRows:
    """The rows behind a ladder with their clusters, for errors no histogram can give.

    Attributes
    ----------
    cluster, group, y : (n,) codes
    step : (n,) the ladder's highest threshold at which the row is still selected
    mass : (n,) weight, or None
    """

    cluster: Int
    group: Int
    y: Int
    step: Int
    mass: Float | None

    def at(self, steps: Int) -> ClusterCells:
        """Counts by cluster when group g is selected from threshold `steps[g]` on."""
        label = (self.step >= steps[self.group]).astype(np.int64)
        shape = (len(steps), 2, 2)
        return count_clusters(self.cluster, self.group, self.y, label, shape, self.mass)


@dataclass(frozen=True)
class Ladder:
    """Weight at or above each threshold.

    Attributes
    ----------
    attribute, names : the grouping, G groups
    thresholds : (T,) ascending (descending if `below`); the last selects no row
    above : (G, 2, T) weight selected at each threshold by group and truth
    exact : whether every cut that changes an answer is among the thresholds
    rows, square : (G, 2, T) rows and squared weights, None where all rows weigh 1
    clustered : the rows in their clusters, None where rows are independent
    sure : False where rows came in clusters that are not stored, so that no interval is valid
    below : whether rows at or below a threshold are selected, not those at or above it
    known : False where no outcome is known; all rows then stand under truth 0
    """

    attribute: str
    names: tuple[str, ...]
    thresholds: Float
    above: Float
    exact: bool
    rows: Float | None = None
    square: Float | None = None
    clustered: ClusteredRows | None = None
    sure: bool = True
    below: bool = False
    known: bool = True

    @property
    def total(self) -> Float:
        """(G, 2) weight by group and truth."""
        return self.above[:, :, 0]

    def cells(self) -> Float:
        """Counts (G, T, 2, 2) [truth, answer] at every threshold."""
        return _cells(self.above)

    def cells_at(self, steps: Int) -> Cells:
        """Counts by group when group g is selected from threshold `steps[g]` on."""
        return self.mixed(lambda cells: cells[np.arange(len(self.names)), steps])

    def mixed(self, of: Callable[[Float], Float]) -> Cells:
        """Counts, rows and squared weights, each brought from (G, T, 2, 2) to (G, 2, 2)."""
        weight = of(_cells(self.above))
        if self.rows is None or self.square is None:
            return Cells(self.attribute, self.names, weight, weight, weight)
        rows, square = (of(_cells(above)) for above in (self.rows, self.square))
        return Cells(self.attribute, self.names, rows, weight, square)

    def steps(self, threshold: Thresholds) -> Int:
        """Index (G,) of the lowest threshold that is not below the given one.

        Raises
        ------
        SpecError
            When a group has no threshold.
        """
        if isinstance(threshold, Mapping):
            missing = [n for n in self.names if n not in threshold]
            if missing:
                raise SpecError(f"group '{missing[0]}' has no threshold; give one to every group")
            wanted = np.array([threshold[n] for n in self.names], dtype=np.float64)
        else:
            wanted = np.full(len(self.names), float(threshold))
        return self.places(wanted)

    def places(self, thresholds: Float) -> Int:
        """Indices of the first thresholds that select no more than those given."""
        sign = -1.0 if self.below else 1.0
        indices = np.searchsorted(sign * self.thresholds, sign * thresholds, side="left")
        return np.minimum(indices, len(self.thresholds) - 1)

    def need_outcome(self, what: str) -> None:
        """Refuse a computation that needs an outcome where none is known.

        Raises
        ------
        InputError
            Naming what was wanted.
        """
        if not self.known:
            raise InputError(f"no outcome is known, so there is no {what}; use selection rates")


def _cells(above: Float) -> Float:
    selected = np.moveaxis(above, 2, 1)  # (G, T, 2)
    rejected = above[:, None, :, 0] - selected
    return np.stack([rejected, selected], axis=-1)


# -- made from rows or from a stored histogram --------------------------------------------------


def ladder_from_scores(
    score: Any,
    y: Any,
    grouping: Grouping,
    weight: Float | None = None,
    cluster: Int | None = None,
    *,
    binned: bool = False,
    below: bool = False,
    known: bool = True,
) -> Ladder:
    """All distinct scores as thresholds, or (binned) the edges of at most 200 bins.

    Parameters
    ----------
    score, y : (n,) scores and truth 0/1
    weight : (n,) or None
    cluster : (n,) codes 0..M-1, or None
        Rows of one cluster are not independent; intervals then rest on whole clusters.
    below : whether low scores select
    known : whether an outcome is known; `y` is ignored otherwise

    Raises
    ------
    InputError
        When there are no rows.
    """
    score = np.asarray(score, np.float64)
    if len(score) == 0:
        raise InputError("there are no rows, so there is no threshold to move")
    y = np.asarray(y).astype(np.int64) if known else np.zeros(len(score), dtype=np.int64)
    sign = -1.0 if below else 1.0
    low, at, exact = _steps_of(sign * score, binned)
    T, G = len(low), len(grouping.names)
    cell = (grouping.codes * 2 + y) * T + at

    def counted(mass: Float | None) -> Float:
        return _above(np.bincount(cell, weights=mass, minlength=G * 2 * T).reshape(G, 2, T))

    square = None if weight is None else counted(np.square(weight))
    return Ladder(
        grouping.attribute,
        grouping.names,
        sign * _ends(low),
        counted(weight),
        exact,
        rows=None if weight is None else counted(None),
        square=square,
        clustered=None
        if cluster is None
        else ClusteredRows(cluster, grouping.codes, y, at.astype(np.int64), weight),
        below=below,
        known=known,
    )


def _steps_of(score: Float, binned: bool) -> tuple[Float, Int, bool]:
    if binned:
        bins = curves.bin_scores(score)
        return bins.low, bins.at, bins.exact
    distinct, at = np.unique(score, return_inverse=True)
    return distinct, at, True


def ladder_from_histogram(
    table: pl.DataFrame, *, sure: bool = True, below: bool = False
) -> Ladder:
    """Bin edges as thresholds; `table` holds the rows of one model, split and attribute.

    With `below` a threshold is a bin's value, or where it holds several the highest number short
    of its upper end.

    Raises
    ------
    InputError
        When the table is empty: the model has no scores.
    """
    if table.is_empty():
        raise InputError("this model has no stored scores, so there is no threshold to move")
    names = tuple(sorted(table["group"].unique().to_list()))
    sign = -1 if below else 1
    bins, at = np.unique(sign * table["bin"].to_numpy(), return_inverse=True)
    edges = table.group_by("bin").agg(pl.col("low", "high").first())
    edges = edges.sort("bin", descending=below)
    lows = edges["low"].to_numpy()
    if below:
        single = _single_values(table)
        lows = -lows if single else -np.nextafter(edges["high"].to_numpy(), -np.inf)
    known = not table["y"].null_count()
    place = {name: i for i, name in enumerate(names)}
    group = np.array([place[n] for n in table["group"].to_list()])
    G, T = len(names), len(bins)
    cell = (group * 2 + table["y"].fill_null(0).to_numpy()) * T + at

    def counted(column: str) -> Float | None:
        if column not in table.columns or table[column].null_count():
            return None
        mass = table[column].to_numpy()
        return _above(np.bincount(cell, weights=mass, minlength=G * 2 * T).reshape(G, 2, T))

    above = counted("count")
    assert above is not None
    return Ladder(
        str(table["attribute"][0]),
        names,
        sign * _ends(lows),
        above,
        False,
        rows=counted("rows"),
        square=counted("square"),
        sure=sure,
        below=below,
        known=known,
    )


def _single_values(table: pl.DataFrame) -> bool:
    """Whether each bin of a stored histogram holds one value: bins of equal width hold several."""
    widths = (table["high"] - table["low"]).to_numpy()
    equal = bool(np.allclose(widths, widths[0], rtol=1e-6))
    unit = bool(np.isclose(widths[0], 1 / curves.BINS)) and bool((table["high"] <= 1).all())
    last = bool((table["bin"] == curves.BINS - 1).any())
    return not (equal and (unit or last))


def _above(counts: NDArray[Any]) -> Float:
    above = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1].astype(np.float64)
    return np.asarray(np.concatenate([above, np.zeros((*above.shape[:2], 1))], axis=2))


def _ends(low: Float) -> Float:
    return np.asarray(np.r_[low, np.nextafter(low[-1], np.inf)])


def thresholds_of_steps(ladder: Ladder, steps: Int) -> Float:
    """The thresholds at some steps of a ladder, and one that selects none of their rows."""
    sign = -1.0 if ladder.below else 1.0
    return sign * _ends(sign * ladder.thresholds[steps])


def for_capacity(ladder: Ladder, places: float) -> float:
    """The lowest threshold that selects no more than so many rows (or so much weight)."""
    chosen = ladder.above.sum(axis=(0, 1))  # (T,) falling
    return float(ladder.thresholds[int(np.argmax(chosen <= places))])


# -- intervals of a rate at every threshold -----------------------------------------------------


def rate_intervals(ladder: Ladder, metric: str, confidence: float) -> tuple[Float, Float]:
    """Wilson's interval (G, T) of a rate, at the effective size weights and clusters leave."""
    over, under = metric_definitions.RATES[metric]
    cells = ladder.cells()
    p = metric_definitions.ratio(
        metric_definitions.part(cells, over), metric_definitions.part(cells, under)
    )
    if not ladder.sure:
        return np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    n = _effective(ladder, cells, under)
    if ladder.clustered is None:
        low, high = intervals.wilson(p, n, confidence)
        return low, high
    variance, k = over_clusters(ladder, ladder.clustered, over, under)
    low, high = intervals.limits_of_clusters(p, n, variance, k[:, None], confidence)
    return low, high


def _effective(ladder: Ladder, cells: Float, under: tuple[Cell, ...]) -> Float:
    """Rows in the rate's denominator (G, T); Kish's effective number under unequal weights."""
    weight = metric_definitions.part(cells, under)
    if ladder.square is None:
        return weight
    square = metric_definitions.part(_cells(ladder.square), under)
    return np.divide(weight**2, square, out=np.zeros(weight.shape), where=square > 0)


def over_clusters(
    ladder: Ladder, rows: ClusteredRows, over: tuple[Cell, ...], under: tuple[Cell, ...]
) -> tuple[Float, Float]:
    """Variance (G, T) of the ratio estimator from cluster totals, and clusters (G,).

    With S and D a cluster's totals of numerator and denominator, the variance is
    k / (k − 1) Σ (S − p D)² / (Σ D)². S², S D and D² change only where one of the cluster's rows
    is selected, so that one pass over the rows by (cluster, falling score) gives all thresholds.
    """
    walk = _ClusterSums(ladder, rows)
    S, D = walk.totals(over), walk.totals(under)
    s, d = walk.over_all(S.step, S.start), walk.over_all(D.step, D.start)
    SS = walk.over_all(2 * S.now * S.step - S.step**2, S.start**2)
    DD = walk.over_all(2 * D.now * D.step - D.step**2, D.start**2)
    mixed = S.now * D.step + D.now * S.step - S.step * D.step
    SD = walk.over_all(mixed, S.start * D.start)
    p, k = metric_definitions.ratio(s, d), walk.clusters
    square = np.maximum(SS - 2 * p * SD + p**2 * DD, 0.0) * (k / np.maximum(k - 1, 1))[:, None]
    return np.divide(square, d**2, out=np.zeros(square.shape), where=d > 0), k


@dataclass(frozen=True)
class _Totals:
    """A sum by cluster: with no row selected, the addition of each row, and the sum after it."""

    start: Float
    step: Float
    now: Float


class _ClusterSums:
    """Rows by (group, cluster) and falling score, to follow sums over clusters."""

    def __init__(self, ladder: Ladder, rows: ClusteredRows) -> None:
        M = int(rows.cluster.max(initial=0)) + 1
        home, unit = np.unique(rows.group * M + rows.cluster, return_inverse=True)
        order = np.lexsort((-rows.step, unit))
        self.unit, self.y = unit[order], rows.y[order]
        self.mass = np.ones(len(order)) if rows.mass is None else rows.mass[order]
        self.first = np.searchsorted(self.unit, np.arange(len(home)))
        self.group = home // M  # of each cluster
        self.shape = len(ladder.names), len(ladder.thresholds) - 1
        self.cell = rows.group[order] * self.shape[1] + rows.step[order]
        self.clusters = sums(self.group, None, self.shape[0])

    def totals(self, cells: tuple[Cell, ...]) -> _Totals:
        """Follow the weight in some of the four cells."""
        out, chosen = (
            np.array([float((truth, answer) in cells) for truth in (0, 1)])[self.y]
            for answer in (0, 1)
        )
        step = self.mass * (chosen - out)
        start = sums(self.unit, self.mass * out, len(self.group))
        run = np.cumsum(step)
        before = (run - step)[self.first]
        return _Totals(start, step, run - before[self.unit] + start[self.unit])

    def over_all(self, steps: Float, start: Float) -> Float:
        """(G, T + 1) sums over clusters at every threshold."""
        G, T = self.shape
        rise = sums(self.cell, steps, G * T).reshape(G, T)
        whole = sums(self.group, start, G)[:, None]
        return np.concatenate([rise[:, ::-1].cumsum(axis=1)[:, ::-1] + whole, whole], axis=1)
