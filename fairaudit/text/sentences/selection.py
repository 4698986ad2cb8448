"""Sentences about the no-harm choice: who gets an expert, and what happens to the gap."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fairaudit.text import numbers
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.phrases import Row, ci, joined, on
from fairaudit.text.voice import Voice, level_words


def selection_lead(tables: Mapping[str, pl.DataFrame], voice: Voice) -> str:
    """Who gets an expert, who keeps the baseline, and what happens to the gap."""
    decided = tables["selection"].filter(pl.col("split") == "validation")
    taken = _names(decided.filter(pl.col("chosen") == "expert"))
    kept = _names(decided.filter(pl.col("chosen") == "baseline"))
    if not taken:
        words = "**All groups keep the baseline**: no-harm could not be shown for any expert."
    elif not kept:
        words = f"**The experts are used for all {numbers.count(len(taken), 'group')}.**"
    else:
        words = (
            f"**The expert is used for {numbers.listed(taken)}**; {numbers.listed(kept)} "
            f"{'keeps' if len(kept) == 1 else 'keep'} the baseline."
        )
    selection = tables["selection"]
    return joined([words, *_moved(tables, voice), _harmed(selection), _rare_errors(selection)])


def _names(rows: pl.DataFrame) -> list[str]:
    return sorted(rows["group"].to_list(), key=natural)


def _moved(tables: Mapping[str, pl.DataFrame], voice: Voice) -> list[str]:
    gaps = tables.get("selection_gaps")
    if gaps is None:
        return []
    metric = str(tables["selection"]["metric"].item(0))
    rows = gaps.filter(pl.col("gap_before").is_not_null() & pl.col("gap_after").is_not_null())
    return [_moved_words(row, metric, voice) for row in rows.iter_rows(named=True)]


def _moved_words(row: Row, metric: str, voice: Voice) -> str:
    before, after = (numbers.points(row[name], metric) for name in ("gap_before", "gap_after"))
    first, then = (_interval_text(row, f"gap_{when}", metric) for when in ("before", "after"))
    labelled = _bracket(ci(first, voice))
    where = on(row["split"], voice)
    if before == after:
        return f"{where} the gap stays at {after}{labelled}."
    return f"{where} the gap goes from {before}{labelled} to **{after}**{_bracket(then)}."


def _interval_text(row: Row, name: str, metric: str) -> str:
    return numbers.points_interval(row.get(f"{name}_low"), row.get(f"{name}_high"), metric)


def _bracket(span: str) -> str:
    return f" ({span})" if span else ""


def _harmed(selection: pl.DataFrame) -> str:
    test = selection.filter(pl.col("split") == "test")
    if test.is_empty():
        return ""
    harmed = _names(test.filter(pl.col("verdict") == "harmed"))
    if harmed:
        named = numbers.listed(harmed)
        return f"On test rows **{named} {'is' if len(harmed) == 1 else 'are'} harmed**."
    return "On test rows no group is harmed beyond the no-harm bound."


def _rare_errors(selection: pl.DataFrame) -> str:
    """What a bound for the mean squared error cannot exclude (Bahadur & Savage 1956)."""
    if "neg_mse" not in selection["metric"].to_list():
        return ""
    return (
        "The bound for the mean squared error assumes that these rows show what errors occur: "
        "harm by rare large errors, which few rows show, cannot be excluded."
    )


def selection_how(voice: Voice, no_harm: float | None) -> str:
    """How the choice and its intervals were made; the bound has a level of its own."""
    bound = (
        "An expert is used for a group only where the paired one-sided lower bound of expert "
        "minus baseline on validation rows stays above the tolerated loss; the bound holds for "
        f"all groups at once with {level_words(no_harm)} confidence (Holm), the method's own "
        "setting."
        if no_harm is not None
        else "Experts are chosen on point estimates, without a no-harm bound."
    )
    return (
        f"{bound} Test rows took no part in the choice. Baseline, expert and gaps have "
        f"{voice.percent} confidence intervals, the audit's level, made like those of errors; the "
        "gaps before and after rest on the same rows, so overlap does not mean that nothing "
        "changed."
    )
