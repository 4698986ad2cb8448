"""What the charts of latent groups say in words."""

from __future__ import annotations

NO_GROUPS = "No latent groups were found."
NO_PROFILE = "There is no profile of the groups."
NO_MEMBERSHIP = "Membership is not available."
NO_PROJECTION = "The projection is not available."
NO_TESTS = "No latent group could be tested on held-out rows."


def shares(shares: str) -> str:
    """The share of each group."""
    return f"Share of rows by latent group: {shares}."


def no_overlap(attribute: str) -> str:
    """The overlap with this attribute was not computed."""
    return f"There is no table of the overlap with {attribute}."
