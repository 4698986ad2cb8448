"""What the charts of stress tests say in words."""

from __future__ import annotations

from fairaudit.text.sentences.phrases import Row

NO_COST = "No group has enough test rows to measure the cost of a wrong group."
NO_FLIPS = "No prediction could be repeated with another value."
NO_PROBES = "This audit has no probes."


def not_shifted(group: str) -> str:
    """This shift was not made."""
    return f"The validation rows of the group {group} were not shifted in this way."


def shifts(done: str, parts: str) -> str:
    """What the worst-off group loses."""
    return f"{done}, the worst-off group loses on test rows: {parts}."


def wrong_groups(
    wrong: str, row: Row, value: str, low: str, high: str, before: str, harmed: int, groups: int
) -> str:
    """The smallest gain at the largest share of wrong groups."""
    return (
        f"{wrong} for {row['share']:.0%} of the rows: {row['group']} then has the smallest "
        f"gain over the baseline, {value} ({low} to {high}), against "
        f"{before} with the correct group. Groups whose interval is below zero: {harmed} of "
        f"{groups}."
    )


def flips(metric: str, changed: str) -> str:
    """Which predictions change."""
    return f"{metric} when only that attribute is changed. {changed}."


def probes(features: int, ranks: str) -> str:
    """The ranks of the probes in each model."""
    return f"Ranks of the probes among {features} features: {ranks}."
