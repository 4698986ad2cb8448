"""Which models are dominated by another: no better on quality, no smaller a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.text import metric_words

Row = Mapping[str, Any]
_FRONT_COLUMNS = (
    "model", "value", "low", "high", "gap", "gap_low", "gap_high", "dominated", "sure",
)  # fmt: skip
Pairs = frozenset[tuple[str, str]]  # (better, worse), beyond chance


def over_seeds(result: AuditResult) -> bool:
    """Whether methods were fitted several times, on repeated splits."""
    return "comparison" in result.tables


def front_of(
    quality: pl.DataFrame, gap: pl.DataFrame, quality_metric: str, *, proven: Pairs = frozenset()
) -> pl.DataFrame:
    """Models with quality and gap; `dominated` where another is no worse on both, better on one.

    Parameters
    ----------
    quality, gap : polars.DataFrame
        Columns model, value, low, high.
    proven : set of (better, worse)
        Pairs whose paired interval of the quality excludes zero.

    Returns
    -------
    polars.DataFrame
        model, value, low, high, gap, gap_low, gap_high, dominated (on the estimates), sure: where
        a model that dominates this one is better beyond chance, "quality", "gap", "both" or
        "neither"; null where nobody dominates it. Beyond chance: a proven pair, or intervals
        that lie apart.
    """
    named = gap.select("model", pl.col("value", "low", "high").name.prefix("gap_"))
    both = quality.join(named.rename({"gap_value": "gap"}), on="model", maintain_order="left")
    both = both.filter(pl.col("value").is_not_null() & pl.col("gap").is_not_null())
    rows = both.to_dicts()
    sign = sign_of(quality_metric)
    above = [[o for o in rows if _dominates(o, row, sign)] for row in rows]
    sure = [_sure(row, others, sign, proven) for row, others in zip(rows, above, strict=True)]
    return both.with_columns(
        pl.Series("dominated", [bool(others) for others in above], dtype=pl.Boolean),
        pl.Series("sure", sure, dtype=pl.String),
    ).select(_FRONT_COLUMNS)


def sign_of(metric: str) -> float:
    return -1.0 if metric_words.lower_is_better(metric) else 1.0


def _dominates(other: Row, row: Row, sign: float) -> bool:
    ahead = sign * (other["value"] - row["value"]), row["gap"] - other["gap"]
    return bool(min(ahead) >= 0 and max(ahead) > 0)


def _sure(row: Row, others: Sequence[Row], sign: float, proven: Pairs) -> str | None:
    """On which axes a single one of the models that dominate `row` is better beyond chance."""
    ahead = {_ahead(other, row, sign, proven) for other in others}
    return next((way for way in ("both", "quality", "gap", "neither") if way in ahead), None)


def _ahead(other: Row, row: Row, sign: float, proven: Pairs) -> str:
    quality = (other["model"], row["model"]) in proven or _apart(other, row, "", sign)
    if _apart(other, row, "gap_", -1.0):
        return "both" if quality else "gap"
    return "quality" if quality else "neither"


def _apart(better: Row, worse: Row, prefix: str, sign: float) -> bool:
    """Whether the intervals do not touch, with `better` on the good side."""
    good, bad = ("low", "high") if sign > 0 else ("high", "low")
    limits = better[f"{prefix}{good}"], worse[f"{prefix}{bad}"]
    return None not in limits and bool(sign * (limits[0] - limits[1]) > 0)
