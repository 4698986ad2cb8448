"""Sentences about rates whose outcome is known for some rows only: what they lie between."""

from __future__ import annotations

from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers, table_rows
from fairaudit.text.group_words import called
from fairaudit.text.meaning import in_sentence, worse_end
from fairaudit.text.sentences.phrases import Row, ci, on
from fairaudit.text.voice import Voice, voice_of


def bounds_sentences(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> list[str]:
    """How much is known, where the worst group lies, and the gap, whatever the rest may be."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    rows = table_rows.bounds_of(result, **view)
    voice, name = voice_of(result), in_sentence(metric, voice_of(result))
    known, where = rows.drop_nulls("lower"), on(split, voice)
    if known.is_empty():
        return [f"{where}, no group of {attribute} has enough rows to bound the {name}."]
    high = worse_end(metric, voice) != "lowest"
    order = table_rows.of_known_groups(known).sort("upper" if high else "lower", descending=high)
    worst, best = order.row(0, named=True), order.row(-1, named=True)
    sentence = f"the {name} of {model} lies {_between(worst, metric, voice)} for "
    sentence += called(str(worst["group"]), attribute)
    far = f"For {called(str(best['group']), attribute)} it lies {_between(best, metric)}."
    return [
        f"The outcome is known for {_share(result, view)} rows only.",
        f"{where}, whatever the others' outcomes are, {sentence}.",
        far if order.height > 1 else "",
        _gap(result, view, voice),
    ]


def _share(result: AuditResult, view: Row) -> str:
    rows = table_rows.bounds_of(result, **view)
    total, known = rows["n"].sum(), rows["n_known"].sum()
    return f"**{known:,}** of {total:,}"


def _between(row: Row, metric: str, voice: Voice | None = None) -> str:
    """`between **12.0%** and **88.0%** (95% CI 9.1% to 90.2%)`; one value where both agree."""
    low, high = (numbers.value(row[end], metric) for end in ("lower", "upper"))
    span = ci(numbers.interval(row["low"], row["high"], metric), voice)
    inside = f" ({span})" if span else ""
    return f"at **{low}**{inside}" if low == high else f"between **{low}** and **{high}**{inside}"


def _gap(result: AuditResult, view: Row, voice: Voice) -> str:
    gaps = table_rows.bounds_of(result, **view, kind="difference").drop_nulls("lower")
    if gaps.is_empty():
        return ""
    row, metric = gaps.row(0, named=True), view["metric"]
    low, high = (numbers.points(row[end], metric) for end in ("lower", "upper"))
    span = ci(numbers.points_interval(row["low"], row["high"], metric), voice)
    inside = f" ({span})" if span else ""
    verdict = (
        "the groups differ, whatever the unknown outcomes are"
        if (row["low"] or 0) > 0
        else "the unknown outcomes may explain all of it"
    )
    return f"The gap lies between {low.removesuffix(' points')} and {high}{inside}: {verdict}."
