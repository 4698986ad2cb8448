"""Sentences about equivalence: whether a gap is shown to be below the margin chosen in advance."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.audit.tables.equivalence import BELOW, BOTH, NEITHER, SHOWN
from fairaudit.text import numbers
from fairaudit.text.sentences.phrases import Row
from fairaudit.text.voice import voice_of

HOW = (
    "The margin was chosen before the results. Two one-sided tests are made for every pair of "
    "groups (Schuirmann 1987; Berger 1982): a gap is shown to be below the margin where the upper "
    "limit of the widest pair is, adjusted for all gaps tested so. A small gap can be both shown "
    "and shown to be below the margin. That no gap is shown says nothing of its size."
)


def equivalence_sentence(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> str:
    """Whether the gap is shown to be below the margin; "" where that was not asked."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    table = result.tables.get("equivalence", pl.DataFrame())
    rows = table if table.is_empty() else table.filter(pl.col("value").is_not_null(), **view)
    if rows.is_empty():
        return ""
    row = rows.row(0, named=True)
    margin, limit = numbers.points(row["margin"], metric), _limit(result, row, metric)
    if row["result"] in (BELOW, BOTH):
        return f"The gap is **shown to be below** the margin of {margin}{limit}."
    if row["result"] == SHOWN:
        return f"It is not shown to be below the margin of {margin}{limit}."
    return (
        "There are not enough rows to say either that groups differ or that the gap is below the "
        f"margin of {margin}{limit}."
    )


def _limit(result: AuditResult, row: Row, metric: str) -> str:
    if row["upper_limit"] is None:
        return ""
    most = numbers.points(row["upper_limit"], metric)
    return f" (at most {most}, one-sided {voice_of(result).percent} limit)"


def equivalence_lead(rows: pl.DataFrame) -> str:
    """How many of the gaps of `readable_equivalence` are shown to be below the margin."""
    below = rows.filter(pl.col("result").is_in([BELOW, BOTH])).height
    unknown = rows.filter(pl.col("result") == NEITHER).height
    margin = f"{rows['margin'].item(0):g}"
    return (
        f"Of {numbers.count(rows.height, 'gap')}, **{below:,}** "
        f"{'is' if below == 1 else 'are'} shown to be below the margin of {margin} chosen in "
        f"advance; for {unknown:,} there are not enough rows to say either."
    )


def readable_equivalence(result: AuditResult, split: str, **only: str) -> pl.DataFrame:
    """The gaps held against the margin, each with its result in words.

    Parameters
    ----------
    split : the rows they were measured on
    **only : columns and the value that is wanted, such as `attribute="sex"`
    """
    table = result.tables.get("equivalence", pl.DataFrame())
    if table.is_empty():
        return table
    rows = table.filter(pl.col("split") == split, **only).sort("model", "attribute", "metric")
    return rows.select(
        "model", "attribute", "metric", "value", "upper_limit", "margin", "p", "p_adjusted",
        "result", "left_out",
    )  # fmt: skip
