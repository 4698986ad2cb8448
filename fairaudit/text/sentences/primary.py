"""Sentences about the primary question: what was declared beforehand, and its answer."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.audit.tables.equivalence import BELOW, BOTH
from fairaudit.text import numbers
from fairaudit.text.group_words import called
from fairaudit.text.meaning import in_sentence
from fairaudit.text.sentences.phrases import Row, joined, points
from fairaudit.text.voice import Voice, voice_of

HOW = (
    "The question is part of the request, whose SHA-256 is recorded, so that it cannot be "
    "declared later without another request. Its answer rests on its own interval, which holds "
    "for all of its groups jointly, and is not adjusted for the other comparisons of the audit; "
    "those are adjusted among themselves."
)


def primary_sentence(result: AuditResult) -> str:
    """The declared question and its answer; "" where none was declared."""
    rows = primary_rows(result)
    if rows.is_empty():
        return ""
    row, voice = rows.row(0, named=True), voice_of(result)
    question = f"The primary question, declared beforehand, is {_question(row, voice)}."
    return joined([question, _answer(row, voice), _margin(row), _earlier(result)])


def primary_rows(result: AuditResult) -> pl.DataFrame:
    """The table of the primary question; empty where none was declared."""
    return result.tables.get("primary", pl.DataFrame())


def _question(row: Row, voice: Voice) -> str:
    metric = in_sentence(str(row["metric"]), voice)
    attribute = str(row["attribute"])
    if row["group"] is None:
        where = f"differs by {attribute}"
    else:
        first, second = (called(str(row[name]), attribute) for name in ("group", "reference"))
        where = f"differs between {first} and {second}"
    return f"whether the {metric} of {row['model']} {where}"


def _answer(row: Row, voice: Voice) -> str:
    if row["value"] is None or row["low"] is None:
        return "**It cannot be judged**: there are not enough rows."
    metric = str(row["metric"])
    gap = points(row["value"], row["low"], row["high"], metric, voice)
    end = ", unadjusted as it was declared" if row["shown"] else ""
    verdict = "**A gap is shown**" if row["shown"] else "**No gap is shown**"
    left_out = f" Too few rows to be compared: {row['left_out']}." if row["left_out"] else ""
    return f"{verdict}: {gap}{end}.{left_out}"


def _margin(row: Row) -> str:
    if row["margin"] is None:
        return ""
    metric = str(row["metric"])
    margin = numbers.points(row["margin"], metric)
    if row["result"] in (BELOW, BOTH):
        return f"It is **shown to be below** the margin of {margin}."
    shown = "It is" if row["shown"] else "There are not enough rows to say either: it is"
    return f"{shown} not shown to be below the margin of {margin}."


def _earlier(result: AuditResult) -> str:
    """How many audits of the same data were finished without this question."""
    count = int(result.provenance.get("earlier_audits") or 0)
    if not count:
        return ""
    return (
        f"**It was declared after {numbers.count(count, 'audit')}** of the same data that did not "
        "declare it."
    )
