"""Whether groups differ beyond chance: the one place that decides it, adjusted for all tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import polars as pl

from fairaudit.stats.metric_definitions import FAMILIES

Tables = Mapping[str, pl.DataFrame]


class Finding(Enum):
    """What the evidence supports about the difference between the groups of an attribute."""

    SIGNIFICANT = "significant after adjustment for multiple testing"
    UNADJUSTED = "its interval excludes zero, the adjusted p-values do not show it"
    CHANCE = "its interval includes zero"
    UNKNOWN = "it has no interval"


def gap_in(
    tables: Tables,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    kind: str = "difference",
) -> Mapping[str, Any] | None:
    """The row of `gaps` of this kind, between groups with enough rows where there is one."""
    rows = (
        tables["gaps"]
        .filter(
            (pl.col("attribute") == attribute)
            & (pl.col("metric") == metric)
            & (pl.col("model") == model)
            & (pl.col("split") == split)
            & pl.col("kind").is_in([f"{kind}_stable", kind])
            & pl.col("value").is_not_null()
        )
        .sort("kind", descending=True)
    )
    return None if rows.is_empty() else rows.row(0, named=True)


def finding_in(
    tables: Tables,
    confidence: float,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    groups: Sequence[str] | None = None,
) -> Finding:
    """Whether the groups differ: the gap's interval excludes zero and a pair is significant.

    The p-values of pairs are adjusted over all models, attributes, groups and metrics of the
    audit. Without a tested pair (older results, metrics without a test) the interval decides, and
    so it does where this gap is the primary question: its interval holds for all groups jointly.
    """
    place = {"attribute": attribute, "model": model, "split": split}
    gap = gap_in(tables, metric=metric, **place)
    if gap is None or gap["low"] is None or gap["high"] is None:
        return Finding.UNKNOWN
    if gap["low"] <= 0:
        return Finding.CHANCE
    if _is_primary(tables, metric, place):
        return Finding.SIGNIFICANT
    least = _least_p(tables, FAMILIES.get(metric, (metric,)), place, groups)
    if least is None or least < 1 - confidence:
        return Finding.SIGNIFICANT
    return Finding.UNADJUSTED


def _is_primary(tables: Tables, metric: str, view: Mapping[str, str]) -> bool:
    """Whether this gap over all groups was declared as the primary question."""
    primary = tables.get("primary")
    if primary is None:
        return False
    return not primary.filter(pl.col("group").is_null(), metric=metric, **view).is_empty()


def _least_p(
    tables: Tables,
    metrics: Sequence[str],
    view: Mapping[str, str],
    groups: Sequence[str] | None,
) -> float | None:
    """The smallest adjusted p-value of the attribute's pairs; None where none was tested."""
    pairs = tables.get("pairs")
    if pairs is None:
        return None
    rows = pairs.filter(pl.col("metric").is_in(list(metrics)), **view)
    if groups is not None:
        rows = rows.filter(
            pl.col("group").is_in(list(groups)) & pl.col("reference").is_in(list(groups))
        )
    least = rows["p_adjusted"].min()
    return None if least is None else float(least)  # type: ignore[arg-type]
