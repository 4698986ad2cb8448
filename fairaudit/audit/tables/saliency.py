"""The parts of images that speak for an answer, stored for the rows one wants to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.data.arrays import SPLITS, Arrays

_PER_GROUP = 60  # images explained in every group of an attribute
Explain = Callable[[NDArray[np.intp]], Mapping[str, NDArray[np.uint8]]]


def saliency_table(
    arrays: Arrays, predictions: Mapping[str, Prediction], explain: Explain
) -> pl.DataFrame:
    """Parts of test images that a model answers wrongly, or on which models disagree.

    Parameters
    ----------
    arrays : Arrays
    predictions : mapping of model to Prediction
    explain : callable
        Positions (m,) of rows to the parts (m, h, w) in 0..255 that speak for each model's answer.

    Returns
    -------
    DataFrame
        row, model, side (of the square of parts), parts (its bytes as hexadecimal digits).
    """
    rows = np.flatnonzero(_telling(arrays, predictions))
    if not len(rows):
        return pl.DataFrame(schema=_SCHEMA)
    tables = [
        pl.DataFrame(
            {
                "row": arrays.row_id[rows],
                "model": [model] * len(rows),
                "side": [parts.shape[1]] * len(rows),
                "parts": [image.tobytes().hex() for image in parts],
            },
            schema=_SCHEMA,
        )
        for model, parts in explain(rows).items()
    ]
    return pl.concat(tables)


_SCHEMA = {"row": pl.Int64, "model": pl.String, "side": pl.Int64, "parts": pl.String}


def _telling(arrays: Arrays, predictions: Mapping[str, Prediction]) -> NDArray[np.bool_]:
    """(n,) the first test rows of each group that are wrong or answered differently."""
    labels = np.column_stack([p.label for p in predictions.values()])
    differ = (labels != labels[:, :1]).any(1)
    wrong = (labels != arrays.y[:, None]).any(1)
    wanted = (arrays.split == SPLITS.index("test")) & (wrong | differ)
    chosen = np.zeros(len(arrays), dtype=bool)
    for names in arrays.groups.values() or [np.zeros(len(arrays), dtype=str)]:
        for group in np.unique(names):
            chosen[np.flatnonzero(wanted & (names == group))[:_PER_GROUP]] = True
    return chosen
