"""What the Errors page and its threshold view say."""

from __future__ import annotations

from fairaudit.text import numbers
from fairaudit.text.sentences.phrases import Row

NO_SCORES = "This model has no stored scores, so there is no threshold to move."
NO_INTERVALS = (
    "No intervals are available at other thresholds: the rows are clustered, and this "
    "result does not record which row belongs to which cluster."
)
NO_ATTRIBUTE = "Choose a sensitive attribute on the Data page and run the audit again."
NO_INTERSECTIONS = (
    "This audit has no intersections of two attributes: choose a second attribute on the "
    "Data page, or set the intersection depth in expert mode, and run the audit again."
)


def counts(model: str) -> str:
    """Which counts follow."""
    return f"Counts behind the metrics of {model}."


def most_errors(model: str, row: Row, positives: str, negatives: str) -> str:
    """The group with the most errors."""
    return (
        f"Most errors of {model} are in **{row['group']}**: {row['fp']:,.0f} "
        f"{positives} and {row['fn']:,.0f} "
        f"{negatives} in {numbers.rows(row['n'])}."
    )


def first_rows(rows: int) -> str:
    """How many rows are listed."""
    return f"Only the first {rows:,} rows are listed."


def not_of_threshold(metric: str) -> str:
    """The metric is the same at every threshold."""
    return f"{metric} does not depend on the threshold; choose a rate."


def nearly_all(nearly: str, word: str) -> str:
    """A threshold at which groups cannot differ."""
    return (
        f"Nearly {nearly} rows are {word} at this threshold, so that the groups can hardly differ."
    )


def gaps(name: str, attribute: str, was: str, now: str) -> str:
    """The gap now and with the new threshold."""
    return (
        f"With the current decisions, the gap in {name} by "
        f"{attribute} is {was}; with the new threshold it is {now}."
    )


def how(counted: str, percent: str) -> str:
    """How the numbers of the page are computed."""
    return f"Every value comes from the counts of {counted} in a group. {intervals(percent)}"


def intervals(percent: str) -> str:
    """What the intervals are, and what is called significant."""
    return (
        f"Intervals are {percent} confidence intervals: Wilson's for rates, joint ones for gaps "
        "and worst groups; the column *Interval method* names the one used. The largest of "
        "several noisy gaps is too large on average; the bias-corrected gap accounts for that. "
        "A group with too few rows gets a reason instead of a number. Differences are called "
        "significant when the p-value of a pair, adjusted for multiple testing over the whole "
        "audit, is below 1 minus the confidence level."
    )
