"""Per-row tables that are stored with a result, so that screens can re-decide without a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.data.arrays import SPLITS, Arrays


def people_table(arrays: Arrays, *, whole: bool = False) -> pl.DataFrame:
    """One row per person: row id, split ("all" if `whole`), declared groups and the cluster."""
    columns = {name: pl.Series(labels.tolist(), dtype=pl.String) for name, labels in _who(arrays)}
    return pl.DataFrame({"row": arrays.row_id, "split": _split_names(arrays, whole), **columns})


def _who(arrays: Arrays) -> list[tuple[str, NDArray[np.str_]]]:
    who = list(arrays.groups.items())
    if arrays.cluster is not None:
        who.append(("cluster", np.array(arrays.cluster_names)[arrays.cluster]))
    return who


def weights_table(arrays: Arrays) -> dict[str, pl.DataFrame]:
    """`row_weights` (row, weight) where rows are weighted, nothing else."""
    if arrays.weight is None:
        return {}
    return {"row_weights": pl.DataFrame({"row": arrays.row_id, "weight": arrays.weight})}


def predictions_table(
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    *,
    whole: bool = False,
    known: NDArray[np.bool_] | None = None,
) -> pl.DataFrame:
    """Long table of answers on held-out rows: row, split, model, y, label, score.

    With `whole` nothing was trained: all rows are there, their split is "all". The outcome is
    null where it is not `known` (n,).
    """
    y = pl.Series(arrays.y.astype(np.float64))
    if known is not None:
        y = y.set(pl.Series(~known), None)
    split = _split_names(arrays, whole)
    parts = [
        pl.DataFrame(
            {
                "row": arrays.row_id,
                "split": split,
                "model": pl.repeat(name, len(arrays), eager=True),
                "y": y,
                "label": p.label.astype(np.float64),
                "score": _score(p),
            },
            schema_overrides={"score": pl.Float64},
        )
        for name, p in predictions.items()
    ]
    return pl.concat(parts).filter(pl.col("split") != "train")


def _score(prediction: Prediction) -> NDArray[np.float64] | None:
    score = prediction.score
    if score is None or score.ndim == 1:
        return score
    return np.asarray(score[np.arange(len(score)), prediction.label.astype(int)])


def _split_names(arrays: Arrays, whole: bool) -> pl.Series:
    if whole:
        return pl.repeat("all", len(arrays), eager=True)
    return pl.Series(np.array(SPLITS)[arrays.split].tolist(), dtype=pl.String)
