"""Score distribution, calibration and ROC by group, as tables a chart can draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit import intervals
from fairaudit.audit.coding import Int
from fairaudit.audit.counts import sums
from fairaudit.audit.influence import Frame
from fairaudit.audit.measured import Asked

Float = NDArray[np.float64]

MAX_EXACT = 200  # up to so many distinct scores each gets its own bin
BINS = 200


@dataclass(frozen=True)
class Histogram:
    """Weighted counts (G, 2, bins) of scores by group and truth; bin b holds low ≤ s < high.

    With at most 200 distinct scores each has its own bin and thresholds are exact.
    """

    low: Float
    high: Float
    count: Float
    exact: bool


def edges(score: Float) -> tuple[Float, Float, bool]:
    """Lower and upper ends of the bins, and whether each holds a single value."""
    distinct = np.unique(score)
    if len(distinct) <= MAX_EXACT:
        step = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
        return distinct, np.r_[distinct[1:], distinct[-1:] + step], True
    whole = distinct[0] >= 0 and distinct[-1] <= 1
    start, stop = (0.0, 1.0) if whole else (float(distinct[0]), float(distinct[-1]))
    ends = np.linspace(start, stop, BINS + 1)
    return ends[:-1], ends[1:], False


def histogram(score: Float, y: Int, frame: Frame) -> Histogram:
    """One pass over the rows into bins."""
    low, high, exact = edges(score)
    at = np.clip(np.searchsorted(low, score, side="right") - 1, 0, len(low) - 1)
    cell = (frame.grouping.codes * 2 + y) * len(low) + at
    counts = sums(cell, frame.weight, frame.G * 2 * len(low)).reshape(frame.G, 2, len(low))
    return Histogram(low, high, counts, exact)


def histogram_table(h: Histogram, frame: Frame, asked: Asked) -> pl.DataFrame:
    """Rows (group, y, bin) with a count above 0; small groups left out."""
    g, y, b = np.nonzero(h.count * _shown(frame, asked)[:, None, None])
    return pl.DataFrame(
        {
            **_who(frame, asked, g),
            "y": y,
            "bin": b,
            "low": h.low[b],
            "high": h.high[b],
            "count": h.count[g, y, b],
        }
    )


def _shown(frame: Frame, asked: Asked) -> NDArray[np.bool_]:
    return frame.sizes() >= max(asked.suppress_below, 1)


def _who(frame: Frame, asked: Asked, g: Int) -> dict[str, object]:
    names = np.array(frame.grouping.names, dtype=np.object_)
    return {
        "model": [asked.model] * len(g),
        "split": [asked.split] * len(g),
        "attribute": [frame.grouping.attribute] * len(g),
        "group": pl.Series(names[g].tolist(), dtype=pl.String),
    }


def roc_table(h: Histogram, frame: Frame, asked: Asked) -> pl.DataFrame:
    """FPR and TPR of "positive from this threshold on"; groups with both classes only."""
    selected = h.count[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]  # (G, 2, bins) at or above
    selected = np.concatenate([selected, np.zeros((*selected.shape[:2], 1))], axis=2)
    total = selected[:, :, 0]
    keep = np.flatnonzero((total > 0).all(axis=1) & _shown(frame, asked))
    thresholds = np.r_[h.low, h.high[-1]]
    g = np.repeat(keep, len(thresholds))
    return pl.DataFrame(
        {
            **_who(frame, asked, g),
            "threshold": np.tile(thresholds, len(keep)),
            "fpr": (selected[keep, 0] / total[keep, 0:1]).ravel(),
            "tpr": (selected[keep, 1] / total[keep, 1:2]).ravel(),
        }
    )


def calibration_table(score: Float, y: Int, frame: Frame, asked: Asked) -> pl.DataFrame:
    """Observed rate against mean score in ten bins of the score's range, Wilson intervals."""
    at = _score_bins(score)
    bins = int(at.max(initial=0)) + 1
    cell = frame.grouping.codes * bins + at
    w = np.ones(len(y)) if frame.weight is None else frame.weight
    size = frame.G * bins
    rows, mass, square = sums(cell, None, size), sums(cell, w, size), sums(cell, w * w, size)
    shown = np.repeat(_shown(frame, asked), bins)
    full = np.flatnonzero((rows > 0) & (mass > 0) & shown)
    rate = (sums(cell, w * y, size)[full]) / mass[full]
    low, high = intervals.wilson(rate, mass[full] ** 2 / square[full], asked.confidence)
    return pl.DataFrame(
        {
            **_who(frame, asked, full // bins),
            "bin": full % bins,
            "mean_score": sums(cell, w * score, size)[full] / mass[full],
            "rate": rate,
            "low": low,
            "high": high,
            "n": rows[full].astype(np.int64),
        }
    )


def _score_bins(score: Float, bins: int = 10) -> Int:
    """Distinct values when few (deciles stay deciles), else ten equal parts of the range."""
    distinct = np.unique(score)
    if len(distinct) <= 2 * bins:
        return np.searchsorted(distinct, score)
    start, stop = (0.0, 1.0) if distinct[0] >= 0 and distinct[-1] <= 1 else distinct[[0, -1]]
    scaled = (score - start) / (stop - start) * bins
    return np.clip(scaled.astype(np.int64), 0, bins - 1)
