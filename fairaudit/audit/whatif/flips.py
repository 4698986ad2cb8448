"""What a model would predict for the same rows with another value in one sensitive column.

The column changes and nothing else: no cause is modelled, so that other columns that would change
along with it stay as they are (for that reason this is a lower bound of how much a model leans on
an attribute). Source: mean |f(x, s) − f(x, s')| as Nguyen, Wang, Montillo (arXiv 2310.03146) use
it, averaged over all other values s'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.data.dataset import Dataset, Prepared
from fairaudit.stats.intervals import mean_of_rows

Float = NDArray[np.float64]
Answer = Callable[[Arrays], Mapping[str, Prediction]]
FLIPS = pl.Schema(
    {
        "model": pl.String,
        "attribute": pl.String,
        "measure": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "levels": pl.Int64,
    }
)
MOST_ROWS, MOST_IMAGES = 20_000, 1_000  # rows that are asked again
MOST_LEVELS = 12  # the largest groups stand for an attribute with more values


def flip_table(
    data: Dataset, prepared: Prepared, answer: Answer, *, confidence: float, seed: int = 0
) -> pl.DataFrame:
    """How much answers on test rows change when one sensitive column alone is changed.

    Parameters
    ----------
    data, prepared : Dataset, Prepared
        The table, and its arrays with their encoders.
    answer : callable
        Arrays → answers of every model that can be asked again.

    Returns
    -------
    polars.DataFrame
        Columns of `FLIPS`. `measure` is "label" (share of rows whose decision changes),
        "score" (mean absolute change of the probability; for several classes the total
        variation) or "value" (mean absolute change of a predicted number); `n` counts rows and
        `levels` the values tried. Rows of one cluster are not taken for independent. A model of
        which no score or value moves at all does not see the column: its intervals are [0, 0].
        With one row or one cluster there is a value and no interval.
    """
    arrays = prepared.arrays
    chosen = _some_test_rows(arrays, seed)
    if not len(chosen):
        return pl.DataFrame(schema=FLIPS)
    here, frame = arrays.take(chosen), _frame_of(data, arrays.row_id[chosen])
    usual = answer(here)
    out: list[dict[str, Any]] = []
    for attribute in arrays.groups:
        typical = _typical_values(data, arrays, attribute)
        if len(typical) < 2:
            continue
        changed = [
            answer(_with_value(here, frame, data, prepared, attribute, level, value))
            for level, value in typical.items()
        ]
        other = np.array([here.groups[attribute] != level for level in typical])  # (L, m)
        for model, before in usual.items():
            after = [answers[model] for answers in changed]
            changes = _changes(before, after, other)
            head = {"model": model, "attribute": attribute}
            for measure, estimate in _told(changes, here, confidence).items():
                columns = dict(zip(("value", "low", "high"), estimate, strict=True))
                rest = {"measure": measure, "n": len(here), "levels": len(typical)}
                out.append({**head, **columns, **rest})
    return pl.DataFrame(out, schema=FLIPS).with_columns(cs.float().fill_nan(None))


def _some_test_rows(arrays: Arrays, seed: int) -> NDArray[np.int64]:
    test = np.flatnonzero(arrays.split == SPLITS.index("test"))
    most = MOST_IMAGES if arrays.X.ndim == 4 else MOST_ROWS
    if len(test) <= most:
        return test
    return np.sort(np.random.default_rng(seed).choice(test, most, replace=False))


def _frame_of(data: Dataset, row_id: NDArray[np.int64]) -> pl.DataFrame:
    rows = pl.DataFrame({data.roles.row_id: row_id})
    return rows.join(data.frame, on=data.roles.row_id, how="left", maintain_order="left")


def _typical_values(data: Dataset, arrays: Arrays, attribute: str) -> dict[str, Any]:
    """For the largest groups of training rows a value in the middle of the group."""
    train = arrays.split == SPLITS.index("train")
    rows = pl.DataFrame(
        {data.roles.row_id: arrays.row_id[train], "group": arrays.groups[attribute][train]}
    ).join(data.frame.select(data.roles.row_id, value=attribute), on=data.roles.row_id)
    known = pl.col("value").drop_nulls().sort()
    middle = known.get((known.len() - 1) // 2, null_on_oob=True)
    sizes = rows.group_by("group", maintain_order=True).agg(pl.len(), value=middle)
    largest = sizes.sort("len", descending=True, maintain_order=True).head(MOST_LEVELS)
    return dict(largest.select("group", "value").iter_rows())


def _with_value(
    here: Arrays,
    frame: pl.DataFrame,
    data: Dataset,
    prepared: Prepared,
    attribute: str,
    level: str,
    value: Any,
) -> Arrays:
    """The same rows, all with one value in one sensitive column."""
    kind = frame[attribute].dtype
    frame = frame.with_columns(pl.lit(value).cast(kind).alias(attribute))
    is_feature = attribute in data.roles.features and here.X.ndim == 2
    return replace(
        here,
        X=prepared.features.encode(frame) if is_feature else here.X,
        sensitive=prepared.sensitive.encode(frame),
        groups={**here.groups, attribute: np.full(len(here), level)},
    )


def _changes(
    before: Prediction, after: list[Prediction], other: NDArray[np.bool_]
) -> dict[str, Float]:
    """For each row the mean change over all values that are not its own (m,)."""
    many = np.maximum(other.sum(0), 1)

    def averaged(each: list[Float]) -> Float:
        return np.asarray((np.stack(each) * other).sum(0) / many, dtype=np.float64)

    if before.score is None and before.label.dtype.kind == "f":
        return {"value": averaged([np.abs(a.label - before.label) for a in after])}
    changes = {"label": averaged([(a.label != before.label).astype(float) for a in after])}
    if before.score is not None:
        changes["score"] = averaged([_distance(a.score, before.score) for a in after])
    return changes


def _distance(one: Float | None, other: Float) -> Float:
    """Absolute change of the probability, or total variation over classes."""
    change = np.abs(np.asarray(one) - other)
    return np.asarray(change if change.ndim == 1 else change.sum(1) / 2)


def _told(
    changes: Mapping[str, Float], rows: Arrays, confidence: float
) -> dict[str, tuple[float, float, float]]:
    """Value, low and high of each measure; [0, 0] for a model that does not see the column."""
    exact = [each for measure, each in changes.items() if measure != "label"]
    if exact and not any(each.any() for each in changes.values()):
        return dict.fromkeys(changes, (0.0, 0.0, 0.0))
    estimates = {}
    for measure, each in changes.items():
        units = rows.weight, rows.cluster
        mean, low, high = mean_of_rows(
            each, *units, confidence=confidence, share=measure == "label"
        )
        estimates[measure] = mean, float(np.maximum(low, 0.0)), high
    return estimates
