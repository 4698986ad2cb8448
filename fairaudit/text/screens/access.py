"""What people read when they sign in, lack a right, or share something."""

from __future__ import annotations

SIGN_IN = "<p class='lead'>This workspace is shared. Sign in to see your data and audits.</p>"
NOT_FOUND = "Not found, or you don't have access."
READ_ONLY = "This dashboard is read-only: it accepts no data and starts no audits."
NO_ROLE = "You have no role in this workspace yet. Ask an admin to give you one."
VIEWER = "Your role is viewer. To add data or start audits, ask an admin for the auditor role."
LINK = "The address of a page is a link to the audit with the same view and settings."
SHARED_APART = "Sharing a dataset does not share its audits, and vice versa."
VERIFIED = "The hash of every file in it is verified. It does not contain the dataset."


def incomplete(missing: str) -> str:
    """A person is named by half only."""
    return (
        f"Nothing was changed: enter the {missing} as well. Both are in the "
        "user's login token (`iss` and `sub`)."
    )
