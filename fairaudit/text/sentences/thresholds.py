"""On which rows other thresholds are judged."""

from __future__ import annotations

from fairaudit.text import numbers

BY_PLACES = (
    "The threshold follows from the scores and the number of places alone, whatever the groups; "
    "it is judged on all rows."
)


def judged_apart(chosen_on: int, judged_on: int, *, clustered: bool) -> str:
    """Which rows chose a rule and which judge it.

    Parameters
    ----------
    chosen_on, judged_on : numbers of rows
    clustered : whether whole clusters were divided
    """
    half = "half of the clusters" if clustered else "half of the rows"
    return (
        f"The thresholds below were chosen on a random {half} "
        f"({numbers.count(chosen_on, 'row')}) and are judged on the others "
        f"({numbers.count(judged_on, 'row')}): on the rows that choose a rule its gap looks "
        "smaller than it is. The current decisions are judged on all rows."
    )
