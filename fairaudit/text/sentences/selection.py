"""Sentences about the no-harm choice: who gets an expert, and what happens to the gap."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fairaudit.methods.no_harm_table import IMPROVES
from fairaudit.text import numbers
from fairaudit.text.objectives import OBJECTIVES
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.choice_reasons import amount
from fairaudit.text.sentences.phrases import Row, ci, joined, on
from fairaudit.text.voice import Voice, level_words


def hides_groups(tables: Mapping[str, pl.DataFrame]) -> bool:
    """Whether a stored choice lists some of its groups only: beside suppressed groups the choices
    over all groups are not stored."""
    return "alternatives" not in tables


def selection_lead(
    tables: Mapping[str, pl.DataFrame], voice: Voice, *, hidden: bool = False
) -> str:
    """Who gets an expert, what that gains, what is left and why, and what happens to the gap.

    Parameters
    ----------
    tables : mapping
        `selection` and, where they apply, `selection_gaps`.
    voice : Voice
    hidden : bool
        Whether some groups are suppressed, so that only the others are listed.
    """
    decided = tables["selection"].filter(pl.col("split") == "validation")
    taken = _names(decided.filter(pl.col("chosen") == "expert"))
    on_baseline = _names(decided.filter(pl.col("chosen") == "baseline"))
    forgone = _forgone(decided)
    shown = " shown" if hidden else ""
    if forgone and not taken:
        words = (
            f"**All groups{shown} keep the baseline**, although an expert is shown to be better "
            f"for {numbers.listed([row['group'] for row in forgone])}."
        )
    elif not taken:
        words = (
            f"**All groups{shown} keep the baseline**: no-harm could not be shown for any expert."
        )
    elif not on_baseline:
        words = f"**The experts are used for all {numbers.count(len(taken), 'group')}{shown}.**"
    else:
        words = (
            f"**The expert is used for {numbers.listed(taken)}**; {numbers.listed(on_baseline)} "
            f"{'keeps' if len(on_baseline) == 1 else 'keep'} the baseline."
        )
    selection = tables["selection"]
    change = [_gained(decided), *_left(forgone), "" if taken or forgone else _nearest(decided)]
    rest = [*_moved(tables, voice), _harmed(selection), _rare_errors(selection)]
    return joined([words, *change, *rest])


def _forgone(decided: pl.DataFrame) -> list[Row]:
    """Groups whose expert is shown to be better and is not used, the surest gain first.

    Without a bound ("improves" by point estimates) nothing is shown.
    """
    rows = [
        row
        for row in decided.iter_rows(named=True)
        if row["chosen"] == "baseline" and row["verdict"] == IMPROVES and row.get("lower")
    ]
    return sorted(rows, key=lambda row: -row["lower"])


def _gained(decided: pl.DataFrame) -> str:
    """What the group that gains most for sure gains."""
    used = [
        row
        for row in decided.iter_rows(named=True)
        if row["chosen"] == "expert" and row.get("lower") is not None
    ]
    if not used:
        return ""
    best = max(used, key=lambda row: row["lower"])
    surest = f"{best['group']} gains most for sure" if len(used) > 1 else f"{best['group']} gains"
    return f"{surest}: {_gain(best)}."


def _gain(row: Row) -> str:
    words = f"{amount(row, 'difference', signed=True)} on the rows of the choice"
    return f"{words}, at least {amount(row, 'lower', signed=True)}"


def _left(forgone: list[Row]) -> list[str]:
    """What the surest gain that is not taken would be, and why it is not."""
    if not forgone:
        return []
    row = forgone[0]
    gain = (
        f"**{row['group']} would gain** {amount(row, 'difference', signed=True)}, at least "
        f"{amount(row, 'lower', signed=True)}."
    )
    if row.get("objective") is None:  # results of earlier versions
        return [gain]
    aim = f"the objective is {OBJECTIVES[row['objective']].aim}"
    wider = row.get("gap_with") is not None
    why = f"{aim}, and the gap would be {amount(row, 'gap_with')}" if wider else aim
    return [gain, f"It keeps the baseline because {why}."]


def _nearest(decided: pl.DataFrame) -> str:
    """How many rows the group that lacks fewest would need to show its estimated gain."""
    wanting = [
        row
        for row in decided.iter_rows(named=True)
        if row.get("rows_needed") and row.get("reason") == "not shown"
    ]
    if not wanting:
        return ""
    row = min(wanting, key=lambda row: row["rows_needed"] / max(row["n"], 1))
    return (
        f"Closest is {row['group']}: about **{row['rows_needed']:,} of its rows** would be needed "
        f"to show its estimated gain, and {row['n']:,} took part."
    )


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
