"""Sentences about groups compared within levels of other columns."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.group_words import called
from fairaudit.text.meaning import in_sentence
from fairaudit.text.sentences.phrases import Row, on, points
from fairaudit.text.voice import Voice, voice_of

HOW = (
    "Groups are compared within each level of the columns named, and the comparisons are pooled "
    "(Mantel & Haenszel 1959): the common difference with Sato's interval, the common odds ratio "
    "with that of Robins, Breslow and Greenland, and Cochran's test, exact where events are few. "
    "P-values are adjusted for all comparisons of the table. If the odds ratios of the levels "
    "differ (Breslow & Day 1980, Tarone's correction), one pooled number hides that: look at the "
    "levels. That groups do not differ within levels says nothing of how people come to be in "
    "these levels."
)


def readable_conditional(result: AuditResult, split: str, **only: str) -> pl.DataFrame:
    """Comparisons within levels; empty where none were asked for.

    Parameters
    ----------
    split : the rows they were measured on
    **only : columns and the value that is wanted, such as `attribute="sex"`
    """
    table = result.tables.get("conditional", pl.DataFrame())
    if table.is_empty():
        return table
    rows = table.filter(pl.col("split") == split, **only)
    return rows.sort("model", "attribute", "metric", maintain_order=True).drop("split")


def conditional_sentence(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> str:
    """The largest difference within levels, beside that over all rows; "" where not asked."""
    rows = readable_conditional(result, split, attribute=attribute, metric=metric, model=model)
    if rows.is_empty():
        return ""
    within = str(rows["given"].item(0))
    known = rows.filter(pl.col("difference").is_not_null())
    if known.is_empty():
        return f"Too few rows lie in the same levels of {within} for a comparison within levels."
    voice = voice_of(result)
    largest = known.sort(pl.col("difference").abs(), descending=True).row(0, named=True)
    sentence = f"{on(split, voice)}, {_compared(largest, voice)}{_without(largest)}."
    return sentence + _homogeneous(largest, voice)


def _compared(row: Row, voice: Voice) -> str:
    metric, attribute = str(row["metric"]), str(row["attribute"])
    group, reference = (called(str(row[name]), attribute) for name in ("group", "reference"))
    levels = numbers.count(int(row["strata"]), "level")
    where = f"within {levels} of {row['given']}"
    name = in_sentence(metric, voice)
    if not voice.significant(row["p_adjusted"]):
        size = points(abs(row["difference"]), *_ends(row), metric, voice)
        return (
            f"**no difference is shown** {where} in the {name} of {group} and {reference} ({size})"
        )
    side = "above" if row["difference"] > 0 else "below"
    size = points(abs(row["difference"]), *_ends(row), metric, voice, mark="**")
    return f"the {name} of {group} is {size} {side} that of {reference} {where}"


def _ends(row: Row) -> tuple[float, float]:
    """The interval, turned with a difference that is told without its sign."""
    low, high = float(row["low"]), float(row["high"])
    return (low, high) if row["difference"] >= 0 else (-high, -low)


def _without(row: Row) -> str:
    if row["unconditional"] is None:
        return ""
    metric = str(row["metric"])
    same = row["unconditional"] * row["difference"] >= 0
    turned = "" if same else " the other way round"
    return f", against {numbers.points(abs(row['unconditional']), metric)}{turned} over all levels"


def _homogeneous(row: Row, voice: Voice) -> str:
    if row["p_homogeneity"] is None or row["p_homogeneity"] >= voice.alpha:
        return ""
    return (
        " **The levels differ from one another** (Tarone's test, p = "
        f"{numbers.number_text(row['p_homogeneity'])}), so that one pooled number hides part of "
        "the picture."
    )
