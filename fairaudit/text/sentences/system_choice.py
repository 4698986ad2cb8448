"""Sentences about the choice between systems: who gets which, what it brings, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from fairaudit.audit.no_harm.choose_between import SystemChoice
from fairaudit.text import numbers
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.phrases import joined
from fairaudit.text.sentences.system_reasons import why_not
from fairaudit.text.voice import level_words

PARTLY = (
    "The outcome is known for some rows only, and the choice rests on these. For the others "
    "it may do harm that no row shows."
)


def system_choice_lead(choice: SystemChoice, baseline: str) -> str:
    """Who gets which system, what other rows say of it, and which gains are left."""
    by_system: dict[str, list[str]] = {}
    for group, system in choice.chosen.items():
        by_system.setdefault(system, []).append(group)
    on_baseline = by_system.pop(baseline, [])
    if not by_system:
        return joined([_nobody(choice, baseline), _forgone(choice) or _closest(choice)])
    sentences = [
        _serves(system, by_system[system], every=not on_baseline) for system in sorted(by_system)
    ]
    if on_baseline:
        names = numbers.listed(_sorted(on_baseline))
        sentences.append(f"{names} {'keeps' if len(on_baseline) == 1 else 'keep'} {baseline}.")
    return joined([*sentences, _checked(choice), _worst(choice), _forgone(choice)])


def _serves(system: str, groups: Sequence[str], *, every: bool) -> str:
    if every and len(groups) > 1:
        return f"**{system} is used for all {len(groups)} groups.**"
    return f"**{system} is used for {numbers.listed(_sorted(groups))}.**"


def _nobody(choice: SystemChoice, baseline: str) -> str:
    known = choice.table.filter(pl.col("lower").is_not_null())
    if known.is_empty():
        return f"**All groups keep {baseline}**: no group has enough rows to be judged."
    if known["admissible"].any():
        return f"**All groups keep {baseline}**, as the objective asks."
    return f"**All groups keep {baseline}**: no other system is shown to do no harm."


def _closest(choice: SystemChoice) -> str:
    """How many rows the group nearest to a certain gain would need."""
    near = choice.table.drop_nulls("rows_needed").filter(pl.col("difference") > 0)
    if near.is_empty():
        return ""
    row = near.sort("rows_needed").row(0, named=True)
    return (
        f"The nearest is {row['system']} for {row['group']}: "
        f"about {row['rows_needed']:,} rows of this group would show its gain."
    )


def _checked(choice: SystemChoice) -> str:
    if choice.check.is_empty():
        return ""
    used = choice.check.filter(pl.col("system") == pl.col("chosen"))
    harmed = used.filter(pl.col("verdict") == "harmed")["group"].to_list()
    if harmed:
        names = numbers.listed(_sorted(harmed))
        return (
            f"On rows that took no part **{names} {'is' if len(harmed) == 1 else 'are'} harmed**."
        )
    shown = used.filter(pl.col("verdict") == "improves")["group"].to_list()
    if shown:
        return f"Rows that took no part confirm the gain for {numbers.listed(_sorted(shown))}."
    return "Rows that took no part show no harm."


def _worst(choice: SystemChoice) -> str:
    """What becomes of the worst-off group, on rows that took no part where there are some."""
    row = choice.summary.row(-1, named=True)
    before, after = row["worst_before"], row["worst_after"]
    if before is None or after is None:
        return ""
    metric = str(choice.table["metric"].item(0))
    old, new = (numbers.value(v, metric) for v in (before, after))
    if old == new:
        return f"The worst-off group stays at {new}."
    return f"The worst-off group goes from {old} to **{new}**."


def _forgone(choice: SystemChoice) -> str:
    if choice.forgone.is_empty():
        return ""
    row = choice.forgone.sort("lower", descending=True).row(0, named=True)
    metric = str(choice.table["metric"].item(0))
    gain, least = (numbers.points(row[name], metric) for name in ("difference", "lower"))
    return (
        f"A certain gain is not taken: {row['system']} would bring {row['group']} {gain}, at "
        f"least {least}. {why_not(row)}"
    )


def _sorted(groups: Iterable[str]) -> list[str]:
    return sorted(groups, key=natural)


def system_choice_how(choice: SystemChoice, check: float) -> str:
    """How the choice was made, for "how this was computed"."""
    apart = (
        f"{numbers.percent(check)} of the rows took no part in the choice and check it, alike in "
        "groups and outcomes. "
        if check
        else "All rows decide, so no rows are left that check the choice. "
    )
    return (
        "A system may serve a group only where the paired one-sided lower bound of its difference "
        "from the baseline stays above the tolerated loss. The bounds hold for all groups and "
        f"systems at once with {level_words(choice.rules.shown_at)} confidence (Holm). {apart}"
        "Systems must have been made without these rows; one that has seen them looks better "
        "than it is. With several attributes the groups are their intersections, so that "
        "everyone is in exactly one."
    )
