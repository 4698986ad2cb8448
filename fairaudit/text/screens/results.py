"""What pages say when there is no result to show."""

from __future__ import annotations

KNOWN_FOR_SOME = "The outcome is known for some rows of this audit only."
NOT_KNOWN = "No outcome is known in this audit."
NO_TABLE = "No table has been chosen yet."
CHOOSE_TABLE = (
    "Choose a sample or upload a table, then come back: this page needs to know which "
    "column is the outcome and which columns are sensitive."
)
NONE_FINISHED = "No audit has finished yet."
START = (
    "Upload a table or choose a sample, accept the suggested roles, and start an audit. "
    "The result will appear here."
)
ASK_OWNER = (
    "The audit does not exist, or it has not been shared with you. Ask its owner to share "
    "it, or open another audit."
)
MODES = "Guided shows the essentials and the next step; expert shows every setting."


def nothing_here(title: str) -> str:
    """The audit lacks what the page shows."""
    return f"The audit “{title}” has nothing to show on this page."


def needs_outcome(what: str) -> str:
    """What a view needs."""
    return (
        f"{what} This view compares decisions with what truly happened: choose the outcome on "
        "the Data page, for a table that holds it for every row, and run the audit again."
    )


def unfinished(title: str) -> str:
    """The audit is still waiting or running."""
    return f"The audit “{title}” has not finished."
