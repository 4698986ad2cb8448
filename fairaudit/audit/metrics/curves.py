"""Score distribution, calibration and ROC by group, as tables a chart can draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.stats import intervals
from fairaudit.stats.counts import product, sums
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.influence import Frame

Float = NDArray[np.float64]

MAX_EXACT = 200  # up to so many distinct scores each gets its own bin
BINS = 200


@dataclass(frozen=True)
class Histogram:
    """Weighted counts (G, 2, bins) of scores by group and truth; bin b holds low ≤ s < high.

    With at most 200 distinct scores each has its own bin and thresholds are exact. `rows` and
    `square` are numbers of rows and sums of squared weights, None where all rows weigh 1.
    """

    low: Float
    high: Float
    count: Float
    exact: bool
    rows: Float | None = None
    square: Float | None = None


def edges(distinct: Float) -> tuple[Float, Float, bool]:
    """Lower and upper edges of the bins of sorted scores, and whether each bin is one value."""
    if len(distinct) <= MAX_EXACT:
        step = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
        return distinct, np.r_[distinct[1:], distinct[-1:] + step], True
    whole = distinct[0] >= 0 and distinct[-1] <= 1
    start, stop = (0.0, 1.0) if whole else (float(distinct[0]), float(distinct[-1]))
    ends = np.linspace(start, stop, BINS + 1)
    return ends[:-1], ends[1:], False


@dataclass(frozen=True)
class Binned:
    """Scores of one model put into bins once, for all groupings.

    Attributes
    ----------
    score : (n,)
    low, high : edges of the histogram's bins; `at` (n,) the bin of each row
    exact : whether each bin holds a single value
    tenth : (n,) bin for calibration
    """

    score: Float
    low: Float
    high: Float
    at: Int
    exact: bool
    tenth: Int


def bin_scores(score: Float) -> Binned:
    """Histogram and calibration bins of all rows."""
    distinct = np.unique(score)
    low, high, exact = edges(distinct)
    if exact:
        at = np.searchsorted(low, score)
    else:  # equal widths: arithmetic is far faster than a search
        width = (high[-1] - low[0]) / len(low)
        at = np.clip(((score - low[0]) / width).astype(np.int64), 0, len(low) - 1)
        at += (score >= high[at]) & (at < len(low) - 1)  # rounding at an edge
        at -= score < low[at]
    return Binned(score, low, high, at, exact, _tenths(score, distinct))


def histogram(binned: Binned, y: Int, frame: Frame) -> Histogram:
    """Weight by group, truth and bin."""
    T = len(binned.low)
    cell = (frame.grouping.codes * 2 + y) * T + binned.at

    def counted(mass: Float | None) -> Float:
        return sums(cell, mass, frame.G * 2 * T).reshape(frame.G, 2, T)

    low, high, exact = binned.low, binned.high, binned.exact
    if frame.weight is None:
        return Histogram(low, high, counted(frame.times), exact)
    square = counted(product(np.square(frame.weight), frame.times))
    return Histogram(low, high, counted(frame.mass), exact, counted(frame.times), square)


def histogram_table(
    h: Histogram, frame: Frame, options: EstimateOptions, *, known: bool = True
) -> pl.DataFrame:
    """Rows (group, y, bin) with a count above 0; small groups left out.

    `y` is null where no outcome is known.

    Where rows are weighted, `rows` and `square` stand beside the count.
    """
    g, y, b = np.nonzero(h.count * _shown(frame, options)[:, None, None])
    apart = {"rows": h.rows, "square": h.square}
    return pl.DataFrame(
        {
            **_who(frame, options, g),
            "y": pl.Series(y if known else [None] * len(y), dtype=pl.Int64),
            "bin": b,
            "low": h.low[b],
            "high": h.high[b],
            "count": h.count[g, y, b],
            **{name: found[g, y, b] for name, found in apart.items() if found is not None},
        }
    )


def _shown(frame: Frame, options: EstimateOptions) -> NDArray[np.bool_]:
    n, by = frame.sizes(), frame.grouping
    return np.asarray((n >= 1) & ~options.hides(by.attribute, by.names, n))


def _who(frame: Frame, options: EstimateOptions, g: Int) -> dict[str, object]:
    names = np.array(frame.grouping.names, dtype=np.object_)
    return {
        "model": [options.model] * len(g),
        "split": [options.split] * len(g),
        "attribute": [frame.grouping.attribute] * len(g),
        "group": pl.Series(names[g].tolist(), dtype=pl.String),
    }


def roc_table(
    h: Histogram, frame: Frame, options: EstimateOptions, *, below: bool = False
) -> pl.DataFrame:
    """FPR and TPR of "positive from this threshold on"; groups with both classes only.

    With `below`, of "positive up to this threshold".
    """
    nobody = np.zeros((*h.count.shape[:2], 1))
    if below:
        selected = np.concatenate([nobody, h.count.cumsum(axis=2)], axis=2)
        upto = h.low if h.exact else h.high
        thresholds = np.r_[np.nextafter(h.low[0], -np.inf), upto]
    else:
        selected = h.count[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]  # (G, 2, bins) at or above
        selected = np.concatenate([selected, nobody], axis=2)
        thresholds = np.r_[h.low, h.high[-1]]
    total = selected[:, :, -1 if below else 0]
    keep = np.flatnonzero((total > 0).all(axis=1) & _shown(frame, options))
    g = np.repeat(keep, len(thresholds))
    return pl.DataFrame(
        {
            **_who(frame, options, g),
            "threshold": np.tile(thresholds, len(keep)),
            "fpr": (selected[keep, 0] / total[keep, 0:1]).ravel(),
            "tpr": (selected[keep, 1] / total[keep, 1:2]).ravel(),
        }
    )


def calibration_table(
    binned: Binned, y: Int, frame: Frame, options: EstimateOptions
) -> pl.DataFrame:
    """Observed rate against mean score in ten bins of the score's range, Wilson intervals."""
    bins = int(binned.tenth.max(initial=0)) + 1
    cell = frame.grouping.codes * bins + binned.tenth
    w, size = frame.mass, frame.G * bins
    rows, mass = sums(cell, frame.times, size), sums(cell, w, size)
    square = sums(cell, w * frame.unit, size)
    shown = np.repeat(_shown(frame, options), bins)
    full = np.flatnonzero((rows > 0) & (mass > 0) & shown)
    rate = (sums(cell, w * y, size)[full]) / mass[full]
    effective = mass[full] ** 2 / square[full]
    if frame.cluster is None:
        low, high = intervals.wilson(rate, effective, options.confidence)
    else:
        everywhere = np.divide(sums(cell, w * y, size), mass, out=np.zeros(size), where=mass > 0)
        rest = sums_by_cluster(cell, frame.cluster, w * (y - everywhere[cell]), size)
        variance, k = (term[full] for term in rest)
        variance = variance / mass[full] ** 2
        low, high = intervals.limits_of_clusters(rate, effective, variance, k, options.confidence)
    return pl.DataFrame(
        {
            **_who(frame, options, full // bins),
            "bin": full % bins,
            "mean_score": sums(cell, w * binned.score, size)[full] / mass[full],
            "rate": rate,
            "low": pl.Series(low, nan_to_null=True),
            "high": pl.Series(high, nan_to_null=True),
            "n": rows[full].astype(np.int64),
        }
    )


def sums_by_cluster(cell: Int, cluster: Int, values: Float, size: int) -> tuple[Float, Float]:
    """Variance (size,) of each cell's total over its clusters, and their number.

    Values must sum to 0 in each cell.
    """
    M = int(cluster.max(initial=0)) + 1
    keys, unit = np.unique(cell * M + cluster, return_inverse=True)
    totals = sums(unit, values, len(keys))
    k = sums(keys // M, None, size)
    return sums(keys // M, totals**2, size) * k / np.maximum(k - 1, 1.0), k


def _tenths(score: Float, distinct: Float, bins: int = 10) -> Int:
    """Distinct values when few (deciles stay deciles), else ten equal parts of the range."""
    if len(distinct) <= 2 * bins:
        return np.searchsorted(distinct, score)
    start, stop = (0.0, 1.0) if distinct[0] >= 0 and distinct[-1] <= 1 else distinct[[0, -1]]
    scaled = (score - start) / (stop - start) * bins
    return np.clip(scaled.astype(np.int64), 0, bins - 1)
