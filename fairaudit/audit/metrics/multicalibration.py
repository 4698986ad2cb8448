"""Multicalibration error: the largest miscalibration over groups and bins of the score, weighted.

For every audited group g (attributes and intersections) and tenth v of the score
d(g, v) = P(g, v) · |E[y − s | g, v]|, and the error is the largest of them. Hébert-Johnson et
al. (2018) ask that |E[y − s | g, v]| itself be small in every large group, for values v that are
frequent in it; weighing a cell by its share of the rows takes the place of both conditions, as in
Gopalan et al. (2022). Guy et al. (2025, arXiv 2506.11251) measure the same without bins, by
Kuiper's statistic with groups weighed by signal over noise; that is another number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics.calibration_error import BINS, bins_of
from fairaudit.audit.metrics.curves import sums_by_cluster
from fairaudit.inputs.arrays import Int
from fairaudit.stats import gaps, intervals
from fairaudit.stats.counts import sums
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.gaps import Estimates
from fairaudit.stats.influence import Frame

Float = NDArray[np.float64]

MULTICALIBRATION = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "cells": pl.Int64,
        "attribute": pl.String,
        "group": pl.String,
        "bin": pl.Int64,
        "n": pl.Int64,
        "share": pl.Float64,
        "mean_score": pl.Float64,
        "observed": pl.Float64,
    }
)


@dataclass(frozen=True)
class ScoreCells:
    """Cells of groups and bins that have rows, M of them.

    Attributes
    ----------
    place : (M,) which grouping, `group` and `bin` (M,) which cell of it
    n, rows : (M,) rows, and effective ones under weights
    share : (M,) of the weight of all rows
    said, seen : (M,) mean score and share of positive outcomes
    variance, clusters : (M,) of `seen` over clusters, and their number; None for rows
    """

    place: Int
    group: Int
    bin: Int
    n: Float
    rows: Float
    share: Float
    said: Float
    seen: Float
    variance: Float | None = None
    clusters: Float | None = None

    def ends(self, tail: float) -> tuple[Float, Float]:
        """Limits (M,) of P(g, v) · E[y − s | g, v] given the scores, each passed with `tail`.

        Outcomes with different chances vary less than a binomial share does.
        """
        level = 1 - 2 * tail
        if self.variance is None:
            low, high = intervals.wider_of_score_and_mid_p(self.seen, self.rows, level)
        else:
            low, high = intervals.limits_of_clusters(
                self.seen, self.rows, self.variance, self.clusters, level
            )
        return self.share * (low - self.said), self.share * (high - self.said)

    def where(self, keep: NDArray[np.bool_]) -> ScoreCells:
        """Some of the cells."""
        parts = {name: part[keep] for name, part in vars(self).items() if part is not None}
        return replace(self, **parts)

    def estimates(self) -> Estimates:
        """Distances from 0 with their limits."""
        error = self.share * np.sqrt(self.seen * (1 - self.seen) / np.maximum(self.rows, 1.0))
        return Estimates(self.share * (self.seen - self.said), error, self.ends).absolute()


def cells_of(
    score: Float, y: Int, frame: Frame, place: int, options: EstimateOptions
) -> ScoreCells:
    """The cells of one grouping that have rows and may be shown.

    Suppressed groups are left out, and cells with fewer rows than a group may be shown with.
    """
    size, cell = frame.G * BINS, frame.grouping.codes * BINS + bins_of(score)
    n, w = sums(cell, frame.times, size), frame.mass
    mass, square = sums(cell, w, size), sums(cell, w * frame.unit, size)
    hit, predicted = sums(cell, w * y, size), sums(cell, w * score, size)
    hidden = options.hides(frame.grouping.attribute, frame.grouping.names, frame.sizes())
    at = np.flatnonzero((mass > 0) & np.repeat(~hidden, BINS) & (n >= options.suppress_below))
    cells = ScoreCells(
        place=np.full(len(at), place),
        group=at // BINS,
        bin=at % BINS,
        n=n[at],
        rows=mass[at] ** 2 / square[at],
        share=mass[at] / mass.sum(),
        said=predicted[at] / mass[at],
        seen=hit[at] / mass[at],
    )
    if frame.cluster is None:
        return cells
    rate = np.divide(hit, mass, out=np.zeros(size), where=mass > 0)
    variance, k = sums_by_cluster(cell, frame.cluster, w * (y - rate[cell]), size)
    return replace(cells, variance=variance[at] / mass[at] ** 2, clusters=k[at])


def joined(parts: Iterable[ScoreCells]) -> ScoreCells:
    """The cells of all groupings together."""
    listed = [vars(part) for part in parts]
    named: dict[str, Any] = {
        name: None if value is None else np.concatenate([part[name] for part in listed])
        for name, value in listed[0].items()
    }
    return ScoreCells(**named)


def multicalibration_table(
    score: Float, y: Int, frames: Iterable[Frame], options: EstimateOptions
) -> pl.DataFrame:
    """One row: the error with an interval that holds for the largest of all cells.

    The lower end rests on limits that hold jointly for all cells (Bonferroni), the upper end on
    each cell's own: the one that is largest in truth is among them. A calibrated score has a
    lower end above 0 in at most 1 − confidence of audits.
    """
    frames = list(frames)
    cells = joined(cells_of(score, y, frame, i, options) for i, frame in enumerate(frames))
    low, high = cells.ends((1 - options.confidence) / 2)
    cells = cells.where(~(np.isnan(low) | np.isnan(high)))  # one cluster has no variation
    if len(cells.n) == 0:
        return pl.DataFrame(schema=MULTICALIBRATION)
    gap = gaps.highest(cells.estimates(), options.confidence)
    worst, grouping = gap.index, frames[int(cells.place[gap.index])].grouping
    row = {
        "model": options.model,
        "split": options.split,
        "value": gap.value,
        "low": max(gap.low, 0.0),
        "high": gap.high,
        "cells": len(cells.n),
        "attribute": grouping.attribute,
        "group": grouping.names[int(cells.group[worst])],
        "bin": int(cells.bin[worst]),
        "n": int(cells.n[worst]),
        "share": float(cells.share[worst]),
        "mean_score": float(cells.said[worst]),
        "observed": float(cells.seen[worst]),
    }
    return pl.DataFrame([row], schema=MULTICALIBRATION)
