"""What the Audit page says of decisions that a table holds."""

from __future__ import annotations

HOW = (
    "Nothing is trained: every value comes from the counts of actual and predicted outcomes in a "
    "group. Rates have Wilson intervals; those of gaps hold jointly for all groups. The sentences "
    "at the top are about the metric that matters most for this outcome, by every attribute in "
    "the order in which they were chosen, significant gaps first. Latent groups are searched for "
    "on one part of the rows and tested on the rest, adjusted for multiple testing."
)
HOW_DECIDED = (
    "Nothing is trained and nothing is judged: every value comes from the counts of decisions, or "
    "the mean of scores, in a group. Rates have Wilson intervals; those of gaps hold jointly for "
    "all groups."
)
NOTHING = "This table contains **no decisions or predictions** to audit."
WHAT_TO_DO = (
    "On the Data page, select the columns with decisions or predictions; or train a model, "
    "which is audited in the same way on rows it has not seen."
)
RULE = "Computes what the rule asks for, with its citation; not a legal conclusion."
IN_PROGRESS = "The audit of the existing decisions is **in progress**."


def not_run(refusal: object) -> str:
    """Why there is no result."""
    return f"This audit has not been run. {refusal}"


def ended(state: str) -> str:
    """The audit of the existing decisions was cancelled, or failed."""
    return f"The audit of the existing decisions **{state}**."
