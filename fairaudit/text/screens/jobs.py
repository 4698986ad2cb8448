"""What the Jobs page says."""

from __future__ import annotations

DELETED = "Result, model and log will be permanently deleted; the dataset is kept."
NO_WORKER = (
    "No worker is running. Start one with `fairaudit up`, or run `fairaudit supervise` "
    "alongside this dashboard."
)
AFTER_FAILURE = (
    "The data, the settings and the log below were kept. Correct what the message names, "
    "then run the audit again; nothing else was changed."
)
NO_AUDIT = (
    "Choose a table, accept the roles, and start an audit. Its progress appears here, and it "
    "continues when this page is closed."
)


def counts(parts: str) -> str:
    """How many audits wait, run and are done."""
    return f"{parts}. Audits continue when this page is closed."


def failed(reason: str) -> str:
    """Why an audit failed."""
    return f"The audit failed: {reason}."


def stopped(reason: str) -> str:
    """Why an audit stopped."""
    return f"Stopped: {reason}. The data and the settings were kept."
