"""The primary question, answered on its own: it needs no correction for other comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics.comparisons import pair_of
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.audit.tables.equivalence import Families, judged_groups, verdict
from fairaudit.audit.tables.result_tables import difference, gap_status, groups_compared
from fairaudit.stats import gaps
from fairaudit.stats.estimates import UNJUDGED, EstimateOptions, Measured, has_margin

PRIMARY = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "metric": pl.String,
        "group": pl.String,
        "reference": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "shown": pl.Boolean,
        "margin": pl.Float64,
        "upper_limit": pl.Float64,
        "below": pl.Boolean,
        "result": pl.String,
        "status": pl.String,
        "groups": pl.Int64,
        "left_out": pl.String,
    }
)


def primary_table(
    measured: Sequence[Measured], primary: PrimaryQuestion, options: EstimateOptions
) -> pl.DataFrame:
    """One row: the gap over all groups, or of the two groups that were named, with its answer.

    Parameters
    ----------
    measured : the metrics of the question's attribute
    """
    families = tuple(m for rate in primary.rates for m in measured if m.metric == rate)
    row: dict[str, object] = {
        "model": options.model,
        "split": options.split,
        "attribute": primary.attribute,
        "metric": primary.metric,
        "group": primary.group,
        "reference": primary.reference,
        "status": UNJUDGED,
        "shown": False,
    }
    if len(families) == len(primary.rates):
        row |= _answer(families, primary, options)
    return pl.DataFrame([row], schema=PRIMARY).with_columns(pl.selectors.float().fill_nan(None))


def _answer(
    families: Families, primary: PrimaryQuestion, options: EstimateOptions
) -> dict[str, object]:
    first = families[0]
    if primary.group is None:
        keep = judged_groups(families, options)
    else:
        known, _ = groups_compared(families, options)
        keep = known & np.isin(first.names, [primary.group, str(primary.reference)])
    if keep.sum() < 2:
        return {}
    value, low, high = _difference(families, keep, primary, options)
    left_out = [n for n, k in zip(first.names, keep, strict=True) if not k]
    shown = bool(low > 0 or high < 0)
    return {
        "value": value,
        "low": low,
        "high": high,
        "shown": shown,
        "status": gap_status(value, [], [m.status[keep] for m in families]),
        "groups": int(keep.sum()),
        "left_out": ", ".join(left_out) or None if primary.group is None else None,
        **_against_margin(families, keep, shown, options),
    }


def _difference(
    families: Families,
    keep: NDArray[np.bool_],
    primary: PrimaryQuestion,
    options: EstimateOptions,
) -> tuple[float, float, float]:
    """The gap over the groups kept, or the signed difference of the two that were named."""
    if primary.group is not None and len(families) == 1:
        return pair_of(families[0], primary.group, str(primary.reference))
    gap = difference(families, keep, options.confidence)
    return gap.value, gap.low, gap.high


def _against_margin(
    families: Families, keep: NDArray[np.bool_], shown: bool, options: EstimateOptions
) -> dict[str, object]:
    if options.margin is None or not all(has_margin(m.metric) for m in families):
        return {}
    upper = gaps.at_most([m.estimates(keep) for m in families], 1 - options.confidence)
    below = bool(upper < options.margin)
    return {
        "margin": options.margin,
        "upper_limit": upper,
        "below": below,
        "result": verdict(gap=shown, below=below),
    }


def own_rows(tables: Mapping[str, pl.DataFrame], name: str) -> pl.Expr:
    """Which rows of a table belong to the primary question, which sets no conditions."""
    primary = tables.get("primary")
    own = pl.lit(value=False)
    columns = set(tables[name].columns)
    if primary is None or not {"model", "metric"} <= columns or "given" in columns:
        return own
    for row in primary.iter_rows(named=True):
        question = PrimaryQuestion.model_validate(
            {k: row[k] for k in ("metric", "attribute", "group", "reference")}
        )
        here = (pl.col("model") == row["model"]) & (pl.col("split") == row["split"])
        here &= pl.col("attribute") == row["attribute"]
        metrics = [row["metric"]] if name == "equivalence" else list(question.rates)
        here &= pl.col("metric").is_in(metrics)
        if question.group is not None:
            pair = [question.group, question.reference]
            named = {"group", "reference"} <= columns
            here &= (
                pl.col("group").is_in(pair) & pl.col("reference").is_in(pair)
                if named
                else pl.lit(value=False)
            )
        own |= here
    return own


def primary_facts(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any] | None:
    """The answer to the primary question for a summary: of the first rows it was asked of."""
    primary = tables.get("primary")
    return None if primary is None or primary.is_empty() else primary.row(0, named=True)
