"""What the charts of a comparison say in words."""

from __future__ import annotations

NO_DIFFERENCES = "There are no paired differences."
NO_FRONT = "No model has both a quality and a gap."


def not_available(title: str) -> str:
    """No model has this metric."""
    return f"{title} is not available for any model."
