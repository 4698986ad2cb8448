"""Whether groups differ beyond chance: the one place that decides it, adjusted for all tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.stats.metric_definitions import FAMILIES
from fairaudit.text.voice import voice_of


class Finding(Enum):
    """What can be said of the difference between the groups of an attribute."""

    SIGNIFICANT = "significant after adjustment for multiple testing"
    UNADJUSTED = "its interval excludes zero, the adjusted p-values do not show it"
    CHANCE = "its interval includes zero"
    UNKNOWN = "it has no interval"


def gap_of(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    kind: str = "difference",
) -> Mapping[str, Any] | None:
    """The row of `gaps` of this kind, between groups with enough rows where there is one."""
    found = result.gaps.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
        & pl.col("kind").is_in([f"{kind}_stable", kind])
        & pl.col("value").is_not_null()
    ).sort("kind", descending=True)
    return None if found.is_empty() else found.row(0, named=True)


def finding_of(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    groups: Sequence[str] | None = None,
) -> Finding:
    """Whether the groups differ: the gap's interval excludes zero and a pair is significant.

    The p-values of pairs are adjusted over all models, attributes, groups and metrics of the
    audit. Without a tested pair (older results, metrics without a test) the interval decides.
    """
    asked = {"attribute": attribute, "model": model, "split": split}
    gap = gap_of(result, metric=metric, **asked)
    if gap is None or gap["low"] is None or gap["high"] is None:
        return Finding.UNKNOWN
    if gap["low"] <= 0:
        return Finding.CHANCE
    least = _least_p(result, FAMILIES.get(metric, (metric,)), asked, groups)
    if least is None or voice_of(result).significant(least):
        return Finding.SIGNIFICANT
    return Finding.UNADJUSTED


def is_significant(result: AuditResult, gap: Mapping[str, Any]) -> bool:
    """Whether a row of `gaps` is a significant difference."""
    asked = {name: str(gap[name]) for name in ("attribute", "metric", "model", "split")}
    return finding_of(result, **asked) is Finding.SIGNIFICANT


def _least_p(
    result: AuditResult,
    metrics: Sequence[str],
    asked: Mapping[str, str],
    groups: Sequence[str] | None,
) -> float | None:
    """The smallest adjusted p-value of the attribute's pairs; None where none was tested."""
    pairs = result.tables.get("pairs")
    if pairs is None:
        return None
    found = pairs.filter(pl.col("metric").is_in(list(metrics)), **asked)
    if groups is not None:
        found = found.filter(
            pl.col("group").is_in(list(groups)) & pl.col("reference").is_in(list(groups))
        )
    least = found["p_adjusted"].min()
    return None if least is None else float(least)  # type: ignore[arg-type]
