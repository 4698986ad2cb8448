"""Group labels of declared attributes: levels unchanged, numbers cut at training quartiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.encoding import is_number, numbers
from fairaudit.data.labels import label_text
from fairaudit.inputs.labels import MISSING

MOST_VALUES = 10
BINS = 4


def group_labels(values: pl.Series, train: NDArray[np.bool_]) -> NDArray[np.str_]:
    """The group of every row.

    Numbers with more than 10 distinct training values are cut at the training quartiles;
    otherwise each value is a group. Dates are counted by their years. Missing is "(missing)".
    """
    if isinstance(values.dtype, (pl.Date, pl.Datetime)):
        values = values.dt.year()
    if not is_number(values.dtype) or values.dtype == pl.Boolean:
        return _levels(values)
    column = numbers(values)
    known = column[train & ~np.isnan(column)]
    if len(np.unique(known)) <= MOST_VALUES:
        return _levels(values)
    cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    cuts = cuts[cuts < known.max()]
    if len(cuts) == 0:  # more than three quarters of the rows share the largest value
        cuts = known[known < known.max()].max(keepdims=True)
    labels = np.array([*bin_names(cuts, whole=bool((known == np.round(known)).all())), MISSING])
    code = np.where(np.isnan(column), len(cuts) + 1, np.searchsorted(cuts, column, side="left"))
    return labels[code].astype(np.str_)


def _levels(values: pl.Series) -> NDArray[np.str_]:
    return np.array(label_text(values).fill_null(MISSING).to_list(), dtype=np.str_)


def bin_names(cuts: NDArray[np.float64], *, whole: bool) -> list[str]:
    """ "≤ 28", "29–37", "≥ 38" for whole numbers; "(0.02, 0.06]" and "> 0.06" for others."""
    shown = [f"{c:.10g}" for c in cuts]
    if not whole:
        inner = [f"({a}, {b}]" for a, b in pairwise(shown)]
        return [f"≤ {shown[0]}", *inner, f"> {shown[-1]}"]
    above = [f"{c + 1:.10g}" for c in cuts]
    inner = [a if a == b else f"{a}–{b}" for a, b in zip(above[:-1], shown[1:], strict=True)]
    return [f"≤ {shown[0]}", *inner, f"≥ {above[-1]}"]


def stratum(values: pl.Series) -> pl.Series:
    """A coarse group for stratified splitting only: levels, or a number above its median."""
    if is_number(values.dtype) and values.dtype != pl.Boolean and values.n_unique() > MOST_VALUES:
        column = numbers(values)
        if np.isnan(column).all():
            return pl.Series(values.name, [MISSING] * len(values))
        high = column > np.nanmedian(column)
        return pl.Series(
            values.name, np.where(np.isnan(column), MISSING, np.where(high, "high", "low"))
        )
    return label_text(values).fill_null(MISSING)
