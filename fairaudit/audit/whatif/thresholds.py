"""What if the cut were elsewhere: thresholds and costs from score histograms, with intervals.

Everything works on a `Ladder`: for each candidate threshold, how much of each group and truth
lies at or above it. It comes from a stored histogram (fast, a slider) or from all scores
(exact). A row is selected when its score is at or above the threshold, or at or below it where low
scores select. Where no outcome is known only selection rates follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics import binary
from fairaudit.audit.tables.result_tables import errors_table, gaps_table
from fairaudit.audit.whatif.threshold_counts import Ladder, Thresholds, rate_intervals
from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Int
from fairaudit.stats import metric_definitions
from fairaudit.stats.counts import Cells
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.metric_definitions import BINARY
from fairaudit.stats.resampling import ClusterCells

Float = NDArray[np.float64]
Aim = Literal["tpr", "selection_rate", "fpr"]


# -- at given thresholds ------------------------------------------------------------------------


def counts_at(ladder: Ladder, threshold: Thresholds) -> Cells:
    """Counts by group when all rows at or above the threshold are selected.

    Raises
    ------
    SpecError
        When a group has no threshold.
    """
    return ladder.cells_at(ladder.steps(threshold))


def clusters_at(ladder: Ladder, threshold: Thresholds) -> ClusterCells | None:
    """The same counts by cluster; None where rows are independent."""
    if ladder.clustered is None:
        return None
    return ladder.clustered.at(ladder.steps(threshold))


def at_threshold(
    ladder: Ladder,
    threshold: Thresholds | EqualOdds,
    *,
    metrics: Sequence[str] = BINARY,
    model: str = "model",
    split: str = "test",
    confidence: float,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables `errors` and `gaps` as they would be under other thresholds.

    Parameters
    ----------
    threshold : one for all, a mapping of group to its own, or the randomised rule of each group
    """
    options = EstimateOptions(confidence, model, split)
    metrics = metrics if ladder.known else ("selection_rate",)
    if isinstance(threshold, EqualOdds):
        cells, apart = counts_under(ladder, threshold), clusters_under(ladder, threshold)
    else:
        cells, apart = counts_at(ladder, threshold), clusters_at(ladder, threshold)
    return tables_of(cells, metrics, options, apart, sure=ladder.sure)


def tables_of(
    cells: Cells,
    metrics: Sequence[str],
    options: EstimateOptions,
    clusters: ClusterCells | None = None,
    *,
    sure: bool = True,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables `errors` and `gaps` of counts; without intervals where they are not `sure`."""
    measured = binary.measure(cells, list(metrics), options, clusters)
    tables = errors_table(measured, options), gaps_table(measured, options)
    return tables if sure else (_without_ends(tables[0]), _without_ends(tables[1]))


def _without_ends(table: pl.DataFrame) -> pl.DataFrame:
    empty = ("low", "high", "corrected", "shrunken", "shrunken_low", "shrunken_high")
    blank = [pl.lit(None, pl.Float64).alias(name) for name in empty if name in table.columns]
    return table.with_columns(*blank, method=pl.lit("none: clusters are not available"))


def counts_under(ladder: Ladder, odds: EqualOdds) -> Cells:
    """Expected counts by group under randomised rules; `tables_of` gives them intervals."""
    low, high = _ends_of(ladder, odds)
    groups = np.arange(len(ladder.names))
    return ladder.mixed(
        lambda cells: _under(odds, ladder, cells[groups, low], cells[groups, high])
    )


def clusters_under(ladder: Ladder, odds: EqualOdds) -> ClusterCells | None:
    """The same counts by cluster; None where rows are independent."""
    if ladder.clustered is None:
        return None
    low, high = (ladder.clustered.at(steps) for steps in _ends_of(ladder, odds))
    tables = (part.by_cluster.reshape(part.n, *part.shape) for part in (low, high))
    return replace(low, by_cluster=_under(odds, ladder, *tables).reshape(low.n, -1))


def _ends_of(ladder: Ladder, odds: EqualOdds) -> tuple[Int, Int]:
    """Positions (G,) of the lower and the upper threshold of each group's rule."""
    rules = [odds.rules[name] for name in ladder.names]
    low, high = ([getattr(rule, end) for rule in rules] for end in ("low", "high"))
    return ladder.places(np.array(low)), ladder.places(np.array(high))


def _under(odds: EqualOdds, ladder: Ladder, low: Float, high: Float) -> Float:
    """Counts (..., G, 2, 2) under the rules from those at the lower and the upper threshold."""
    rules = [odds.rules[name] for name in ladder.names]
    share, ignore, select = (
        np.array([getattr(rule, name) for rule in rules])[:, None, None]
        for name in ("share", "ignore", "select")
    )
    cut = share * low + (1 - share) * high
    blind = low.sum(-1, keepdims=True) * np.concatenate([1 - select, select], axis=-1)
    return np.asarray((1 - ignore) * cut + ignore * blind)


def sweep(ladder: Ladder, metric: str, *, confidence: float) -> pl.DataFrame:
    """A metric of each group over all thresholds: group, threshold, value, low, high.

    Intervals are Wilson's for rates, at the effective size that weights and clusters leave, and
    missing for composites.

    Raises
    ------
    InputError
        When the metric needs an outcome and none is known.
    """
    if metric != "selection_rate":
        ladder.need_outcome(f"{metric} of it")
    cells = ladder.cells()  # (G, T, 2, 2)
    value = metric_definitions.value(cells, metric)
    if metric in metric_definitions.RATES:
        low, high = rate_intervals(ladder, metric, confidence)
    else:
        low = high = np.full(value.shape, np.nan)
    G, T = value.shape
    return pl.DataFrame(
        {
            "group": [n for n in ladder.names for _ in range(T)],
            "threshold": np.tile(ladder.thresholds, G),
            "value": value.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
        }
    ).with_columns(pl.selectors.float().fill_nan(None))


# -- costs --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Costs:
    """What one wrong answer costs; right answers cost nothing. (1, 1) counts errors."""

    fp: float = 1.0
    fn: float = 1.0

    def of(self, ladder: Ladder) -> Float:
        """Total cost (G, T) in each group at each threshold.

        Raises
        ------
        InputError
            When no outcome is known.
        """
        ladder.need_outcome("cost of wrong decisions")
        missed = self.fn * (ladder.total[:, 1:2] - ladder.above[:, 1])
        return np.asarray(self.fp * ladder.above[:, 0] + missed)


def cheapest(ladder: Ladder, costs: Costs, *, per_group: bool = False) -> dict[str, float]:
    """The threshold of each group with the least cost: one for all, or each group its own."""
    total = costs.of(ladder)
    if per_group:
        best = total.argmin(axis=1)
    else:
        best = np.full(len(ladder.names), int(total.sum(axis=0).argmin()))
    return _thresholds_by_group(ladder, best)


def _thresholds_by_group(ladder: Ladder, at: Int) -> dict[str, float]:
    return {n: float(ladder.thresholds[i]) for n, i in zip(ladder.names, at, strict=True)}


# -- equal rates --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """Thresholds by group, what they cost (total) and the gap they leave."""

    thresholds: dict[str, float]
    cost: float
    gap: float


def equal_rates(
    ladder: Ladder, aim: Aim, *, costs: Costs | None = None, tolerance: float = 0.01
) -> Choice:
    """The cheapest group thresholds whose rates differ by at most `tolerance`, computed exactly.

    `aim` "tpr" is equal opportunity, "selection_rate" demographic parity, "fpr" predictive
    equality. Rates fall with the threshold, so the candidates inside a window of rates are
    neighbours; the best of each group in every window that starts at some candidate's rate is
    looked up, and the cheapest window wins. Selecting all rows is always feasible.

    Raises
    ------
    InputError
        When a group has no rows the rate could be computed from.
    """
    rate = _rates(ladder, aim)  # (G, T), falling
    cost = (costs or Costs()).of(ladder)
    starts = np.unique(rate)
    best = np.zeros(len(starts))
    picks = np.empty((len(ladder.names), len(starts)), dtype=np.int64)
    for g in range(len(ladder.names)):
        first = np.searchsorted(-rate[g], -(starts + tolerance + 1e-12), side="left")
        last = np.searchsorted(-rate[g], -(starts - 1e-12), side="right")  # exclusive
        picks[g] = _range_argmin(cost[g], first, last)
        best += np.where(picks[g] >= 0, cost[g][picks[g]], np.inf)
    window = int(best.argmin())
    at = picks[:, window]
    chosen = rate[np.arange(len(at)), at]
    return Choice(
        _thresholds_by_group(ladder, at), float(best[window]), float(chosen.max() - chosen.min())
    )


def _rates(ladder: Ladder, aim: Aim) -> Float:
    if aim == "selection_rate":
        over, under = ladder.above.sum(axis=1), ladder.total.sum(axis=1)
    else:
        ladder.need_outcome(aim)
        truth = 1 if aim == "tpr" else 0
        over, under = ladder.above[:, truth], ladder.total[:, truth]
    empty = [n for n, u in zip(ladder.names, under, strict=True) if u <= 0]
    if empty:
        raise InputError(
            f"group '{empty[0]}' has no rows its {aim} could be computed from; leave it out"
        )
    return np.asarray(over / under[:, None])


def _range_argmin(values: Float, first: Int, last: Int) -> Int:
    """Position of the least value in [first, last) for many ranges; −1 for empty ones."""
    n = len(values)
    table = [np.arange(n)]
    width = 1
    while 2 * width <= n:
        left, right = table[-1][: n - 2 * width + 1], table[-1][width : n - width + 1]
        table.append(np.where(values[left] <= values[right], left, right))
        width *= 2
    length = last - first
    level = np.where(length > 0, np.log2(np.maximum(length, 1)).astype(np.int64), 0)
    out = np.full(len(first), -1, dtype=np.int64)
    for k, row in enumerate(table):
        in_level = (level == k) & (length > 0)
        a, b = row[first[in_level]], row[last[in_level] - (1 << k)]
        out[in_level] = np.where(values[a] <= values[b], a, b)
    return out


# -- equalized odds -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Mixed:
    """One group's rule: with chance `share` cut at `low`, else at `high`; `ignore` of all rows
    get "selected" with chance `select` instead, whatever their score."""

    low: float
    high: float
    share: float
    ignore: float
    select: float


@dataclass(frozen=True)
class EqualOdds:
    """The common point of all groups and the rule that reaches it in each."""

    fpr: float
    tpr: float
    cost: float
    rules: dict[str, Mixed]

    def table(self) -> pl.DataFrame:
        """Each group's rule: its two thresholds, and how often which of them decides."""
        rules = self.rules.values()
        return pl.DataFrame(
            {
                "group": list(self.rules),
                "threshold": [rule.low for rule in rules],
                "upper_threshold": [rule.high for rule in rules],
                "chance_lower": [rule.share for rule in rules],
                "chance_ignored": [rule.ignore for rule in rules],
                "chance_selected": [rule.select for rule in rules],
            }
        )


def equalized_odds(ladder: Ladder, *, costs: Costs | None = None) -> EqualOdds:
    """The cheapest common (FPR, TPR), exactly, with randomised thresholds (Hardt et al. 2016).

    Feasible points lie below the convex hull of every group's ROC curve. The lower envelope of
    the hulls is concave and piecewise linear and the cost is linear, so the optimum is at a
    corner: a hull vertex or a crossing of two hulls.

    Raises
    ------
    InputError
        When a group lacks positives or negatives.
    """
    costs = costs or Costs()
    fpr, tpr = _rates(ladder, "fpr"), _rates(ladder, "tpr")
    hulls = [_hull(f, t) for f, t in zip(fpr, tpr, strict=True)]
    curves = [(fpr[g][h], tpr[g][h]) for g, h in enumerate(hulls)]
    at = _corners(curves)
    envelope = np.min([_height(f, t, at) for f, t in curves], axis=0)
    negatives, positives = ladder.total.sum(axis=0)
    price = costs.fp * negatives * at + costs.fn * positives * (1 - envelope)
    i = int(price.argmin())
    rules = {
        name: _mixed(ladder.thresholds[h], f, t, float(at[i]), float(envelope[i]))
        for name, h, (f, t) in zip(ladder.names, hulls, curves, strict=True)
    }
    return EqualOdds(float(at[i]), float(envelope[i]), float(price[i]), rules)


def _hull(fpr: Float, tpr: Float) -> Int:
    """Indices of the upper convex hull, by rising FPR, from (0, 0) to (1, 1)."""
    order = np.lexsort((tpr, fpr))
    places: list[int] = []
    for i in order:
        while len(places) >= 2 and _turn(fpr, tpr, places[-2], places[-1], int(i)) >= 0:
            places.pop()
        places.append(int(i))
    return np.array(places, dtype=np.int64)


def _turn(x: Float, y: Float, a: int, b: int, c: int) -> float:
    return float((x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a]))


def _height(fpr: Float, tpr: Float, at: Float) -> Float:
    """Height of the hull; at FPR 0 the top of a vertical first edge."""
    _, last = np.unique(fpr[::-1], return_index=True)
    keep = len(fpr) - 1 - last
    return np.asarray(np.interp(at, fpr[keep], tpr[keep]))


def _corners(curves: Sequence[tuple[Float, Float]]) -> Float:
    """FPR of all vertices and of all crossings of two hulls."""
    knots = np.unique(np.concatenate([f for f, _ in curves]))
    heights = np.stack([_height(f, t, knots) for f, t in curves])  # (G, K)
    rates = [knots]
    for a in range(len(curves)):
        for b in range(a + 1, len(curves)):
            d = heights[a] - heights[b]
            i = np.flatnonzero(d[:-1] * d[1:] < 0)
            share = d[i] / (d[i] - d[i + 1])
            rates.append(knots[i] + share * (knots[i + 1] - knots[i]))
    return np.unique(np.concatenate(rates))


def _mixed(thresholds: Float, fpr: Float, tpr: Float, x: float, y: float) -> Mixed:
    """Mix two hull vertices to stand above (x, y), then ignore some rows to come down to it.

    Ignoring a share q and selecting those at rate x moves (x, t) to (x, (1 − q) t + q x).
    """
    top = float(_height(fpr, tpr, np.array([x]))[0])
    j = int(np.clip(np.searchsorted(fpr, x, side="right"), 1, len(fpr) - 1))
    if fpr[j] == fpr[j - 1]:
        share = 0.0
    else:
        share = float(np.clip((fpr[j] - x) / (fpr[j] - fpr[j - 1]), 0.0, 1.0))
    ignore = (top - y) / (top - x) if top > x else 0.0
    # vertices go by rising FPR, so j − 1 has the higher threshold
    return Mixed(float(thresholds[j]), float(thresholds[j - 1]), 1 - share, ignore, x)
