"""Rows of the table `conditional`: groups compared within levels of other columns, then pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.stats.counts import product, sums
from fairaudit.stats.estimates import (
    ESTIMATED,
    MIN_JUDGED,
    MIN_STABLE,
    UNJUDGED,
    UNSTABLE,
    EstimateOptions,
)
from fairaudit.stats.influence import Frame
from fairaudit.stats.metric_definitions import RATES
from fairaudit.stats.stratified import (
    UNKNOWN,
    Strata,
    common_difference,
    common_odds_ratio,
    homogeneity,
    no_difference,
)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

CONDITIONAL = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "given": pl.String,
        "metric": pl.String,
        "group": pl.String,
        "reference": pl.String,
        "unconditional": pl.Float64,
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "odds_ratio": pl.Float64,
        "odds_ratio_low": pl.Float64,
        "odds_ratio_high": pl.Float64,
        "p": pl.Float64,
        "p_adjusted": pl.Float64,
        "p_homogeneity": pl.Float64,
        "strata": pl.Int64,
        "n": pl.Int64,
        "n_reference": pl.Int64,
        "status": pl.String,
        "method": pl.String,
    }
)


@dataclass(frozen=True)
class Levels:
    """The combinations of levels of other columns within which groups are compared.

    Attributes
    ----------
    given : the columns, "job, area"
    where : names of the K combinations, "job=nurse, area=north"
    codes : (n,) index into `where`
    """

    given: str
    where: tuple[str, ...]
    codes: Int


@dataclass(frozen=True)
class _Cells:
    """Rows by level, group, outcome and decision, and what clusters have in these cells.

    Attributes
    ----------
    rows, mass, square : (K, G, 2, 2) rows; sums of the weights, 1 on average; of their squares
    clusters : cell (M,), cluster (M,) and mass (M,) of what clusters have; None without
    """

    rows: Float
    mass: Float
    square: Float
    clusters: tuple[Int, Int, Float] | None
    weighted: bool


@dataclass(frozen=True)
class _PairInLevels:
    """One metric in a group and in the reference group, in the levels where both may be shown."""

    numerator: Bool  # (2, 2)
    denominator: Bool  # (2, 2)
    group: int
    reference: int
    levels: Bool  # (K,)


def conditional_table(
    frame: Frame,
    y: Int,
    label: Int,
    levels: Levels,
    metrics: Sequence[str],
    options: EstimateOptions,
    reference: str | None,
) -> pl.DataFrame:
    """Each group against the reference group within levels, pooled over them by Mantel–Haenszel.

    Levels in which a group is suppressed take no part. `p_adjusted` is filled once all rows are
    together (`with_looks`).

    Parameters
    ----------
    y, label : (n,) 0 or 1
    metrics : names of rates
    reference : the group that others are compared with; the largest by default
    """
    grouping, sizes = frame.grouping, frame.sizes()
    names = grouping.names
    cells = _counted(frame, y, label, levels)
    shown = _shown(cells.rows.sum(axis=(2, 3)), grouping.attribute, names, levels, options)
    alone = ~options.hides(grouping.attribute, names, sizes)
    ref = names.index(reference) if reference in names else int(np.argmax(sizes))
    about = {
        "model": options.model,
        "split": options.split,
        "attribute": grouping.attribute,
        "given": levels.given,
        "reference": names[ref],
    }
    rows = [
        {
            **about,
            "metric": metric,
            "group": names[i],
            **_row(cells, _pair(metric, cells, shown, i, ref), options.confidence),
        }
        for metric in metrics
        for i in range(len(names))
        if i != ref and alone[i] and alone[ref]
    ]
    table = pl.DataFrame(rows, schema=CONDITIONAL, orient="row")
    return table.with_columns(pl.selectors.float().fill_nan(None))


def _shown(
    sizes: Float, attribute: str, names: Sequence[str], levels: Levels, options: EstimateOptions
) -> Bool:
    """Which groups (K, G) may be shown in which levels."""
    hidden = [
        options.hides(f"{attribute} | {where}", names, n)
        for where, n in zip(levels.where, sizes, strict=True)
    ]
    return ~np.array(hidden, dtype=np.bool_).reshape(sizes.shape)


def _counted(frame: Frame, y: Int, label: Int, levels: Levels) -> _Cells:
    shape = (len(levels.where), frame.G, 2, 2)
    cell = ((levels.codes * frame.G + frame.grouping.codes) * 2 + y) * 2 + label
    size = int(np.prod(shape))

    def total(weight: Float | None) -> Float:
        return sums(cell, weight, size).reshape(shape)

    rows = total(frame.times)
    mass = square = rows
    weight = frame.times
    if frame.weight is not None:
        scaled = frame.weight * (rows.sum() / product(frame.weight, frame.times).sum())
        weight = product(scaled, frame.times)
        mass, square = total(weight), total(product(scaled * scaled, frame.times))
    clusters = None
    if frame.cluster is not None:
        both, place = np.unique(frame.cluster * size + cell, return_inverse=True)
        clusters = both % size, both // size, sums(place.reshape(-1), weight, len(both))
    return _Cells(rows, mass, square, clusters, frame.weight is not None)


def _pair(metric: str, cells: _Cells, shown: Bool, group: int, reference: int) -> _PairInLevels:
    numerator, denominator = (np.zeros((2, 2), dtype=np.bool_) for _ in range(2))
    for mask, those in zip((numerator, denominator), RATES[metric], strict=True):
        for cell in those:
            mask[cell] = True
    n = (cells.mass * denominator).sum(axis=(2, 3))
    both = (n > 0) & shown
    return _PairInLevels(
        numerator, denominator, group, reference, both[:, group] & both[:, reference]
    )


def _row(cells: _Cells, pair: _PairInLevels, confidence: float) -> dict[str, object]:
    strata = _strata(cells, pair)
    sides = cells.rows.sum(axis=(2, 3))[pair.levels][:, [pair.group, pair.reference]].sum(axis=0)
    rows = min(strata.n1.sum(), strata.n0.sum()) / strata.effect
    unclear = not rows >= MIN_JUDGED or strata.freedom == 0
    row: dict[str, object] = {
        "unconditional": _unconditional(cells, pair),
        "strata": len(strata.n1),
        "n": int(sides[0]),
        "n_reference": int(sides[1]),
        "status": UNJUDGED if unclear else UNSTABLE if rows < MIN_STABLE else ESTIMATED,
        "method": "none",
    }
    if unclear:
        return row
    difference = common_difference(strata, confidence)
    odds = common_odds_ratio(strata, confidence) if len(strata.n1) else UNKNOWN
    p, method = no_difference(strata)
    row |= dict(zip(("difference", "low", "high"), difference, strict=True))
    row |= dict(zip(("odds_ratio", "odds_ratio_low", "odds_ratio_high"), odds, strict=True))
    return row | {"p": p, "p_homogeneity": homogeneity(strata), "method": method}


def _unconditional(cells: _Cells, pair: _PairInLevels) -> float:
    """The difference of the two groups over all rows, whatever their level."""
    mass = cells.mass.sum(axis=0)[[pair.group, pair.reference]]
    events = (mass * pair.numerator).sum(axis=(1, 2))
    rows = (mass * pair.denominator).sum(axis=(1, 2))
    if (rows <= 0).any():
        return float("nan")
    rates = events / rows
    return float(rates[0] - rates[1])


def _strata(cells: _Cells, pair: _PairInLevels) -> Strata:
    mass = cells.mass[pair.levels][:, [pair.group, pair.reference]]  # (k, 2, 2, 2)
    x, n = (mass * pair.numerator).sum(axis=(2, 3)), (mass * pair.denominator).sum(axis=(2, 3))
    strata = Strata(x[:, 0], n[:, 0], x[:, 1], n[:, 1])
    if not len(n) or not (cells.weighted or cells.clusters is not None):
        return strata
    square = (cells.square[pair.levels][:, [pair.group, pair.reference]] * pair.denominator).sum(
        axis=(2, 3)
    )
    inflation, freedom = _design_effect(cells, pair, strata, square / n)
    unit = square.sum(axis=1) / n.sum(axis=1)
    return replace(strata, inflation=inflation, freedom=freedom, unit=unit)


def _design_effect(
    cells: _Cells, pair: _PairInLevels, strata: Strata, units: Float
) -> tuple[float, float | None]:
    """Variance of the common difference over that of independent rows, and degrees of freedom.

    Weights count by Kish's effect in each level and group: residuals of heavy rows in small
    levels are too small to tell more. Clusters never count less than that.

    Parameters
    ----------
    units : (k, 2) sum of squared weights over sum of weights
    """
    influence = _influence(cells, pair, strata)
    at = np.ix_(np.flatnonzero(pair.levels), np.array([pair.group, pair.reference]))
    own = (cells.mass * influence**2)[at].sum(axis=(2, 3))  # (k, 2) variance of each part
    if not own.any():  # all alike: levels and groups count by their rows
        own = (cells.mass[at] * pair.denominator).sum(axis=(2, 3))
    naive, kish = float(own.sum()), float((own * units).sum() / own.sum())
    if cells.clusters is None:
        return kish, None
    cell, cluster, mass = cells.clusters
    counts = np.zeros(influence.shape)
    counts[at] = pair.denominator
    part = mass * counts.reshape(-1)[cell]
    sampled = int((np.bincount(cluster, part) > 0).sum())
    if sampled < 2:
        return kish, 0.0
    totals = np.bincount(cluster, mass * influence.reshape(-1)[cell])
    between = sampled / (sampled - 1) * float((totals**2).sum())
    if not influence.any():  # all alike: every cluster counts once
        between = float(part.sum()) / sampled * naive
    return max(between / naive, kish), float(sampled - 1)


def _influence(cells: _Cells, pair: _PairInLevels, strata: Strata) -> Float:
    """Influence of a row of each cell (K, G, 2, 2) on the common difference, up to a factor."""
    out = np.zeros(cells.rows.shape)
    at = np.flatnonzero(pair.levels)
    sides = ((pair.group, strata.x1, strata.n1, 1.0), (pair.reference, strata.x0, strata.n0, -1.0))
    for group, x, n, sign in sides:
        pull = (sign * strata.weight / n)[:, None, None]
        rate = (x / n)[:, None, None]
        out[at, group] = pull * (pair.numerator - rate) * pair.denominator
    return out
