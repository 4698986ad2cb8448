"""Rows of the table `calibration_tests`: is the score calibrated within each group?"""

from __future__ import annotations

import numpy as np
import polars as pl

from fairaudit.inputs.arrays import Int
from fairaudit.stats.calibration_tests import (
    CalibrationTests,
    Float,
    ScoredRows,
    calibration_tests,
    detectable_shift,
)
from fairaudit.stats.estimates import MIN_JUDGED, EstimateOptions
from fairaudit.stats.influence import Frame

CALIBRATION_TESTS = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "group": pl.String,
        "n": pl.Int64,
        "mean_score": pl.Float64,
        "observed": pl.Float64,
        "z_level": pl.Float64,
        "z_slope": pl.Float64,
        "p": pl.Float64,
        "p_adjusted": pl.Float64,
        "shift_detectable": pl.Float64,
        "method": pl.String,
    }
)


def calibration_tests_table(
    score: Float, y: Int, frame: Frame, options: EstimateOptions
) -> pl.DataFrame:
    """One row for each group that may be shown; p is null with too few rows or clusters.

    `p_adjusted` is filled once all rows are together (`with_looks`).
    """
    rows = ScoredRows(
        score, y, frame.grouping.codes, frame.G, frame.times, frame.weight, frame.cluster
    )
    tested, n = calibration_tests(rows, options.seed), frame.sizes()
    grouping = frame.grouping
    shown = np.flatnonzero((n >= 1) & ~options.hides(grouping.attribute, grouping.names, n))
    p = np.where(n >= MIN_JUDGED, tested.p, np.nan)
    return pl.DataFrame(
        {
            "model": [options.model] * len(shown),
            "split": [options.split] * len(shown),
            "attribute": [frame.grouping.attribute] * len(shown),
            "group": [frame.grouping.names[i] for i in shown],
            "n": n[shown].astype(np.int64),
            "mean_score": tested.expected[shown],
            "observed": tested.observed[shown],
            "z_level": tested.level[shown],
            "z_slope": tested.slope[shown],
            "p": p[shown],
            "p_adjusted": np.full(len(shown), np.nan),
            "shift_detectable": _detectable(tested, options)[shown],
            "method": [tested.method[i] for i in shown],
        },
        schema=CALIBRATION_TESTS,
    ).with_columns(pl.selectors.float().fill_nan(None))


def _detectable(tested: CalibrationTests, asked: EstimateOptions) -> Float:
    """What would have been shown (G,); NaN where it is more than any chance can move."""
    shift = detectable_shift(tested.error, asked.confidence)
    room = np.maximum(tested.expected, 1 - tested.expected)
    return np.where(np.isfinite(tested.p) & (shift <= room), shift, np.nan)
