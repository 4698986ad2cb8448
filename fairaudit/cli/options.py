"""What words of the command line mean."""

from __future__ import annotations


def names(text: str | None) -> tuple[str, ...]:
    """Column names of a comma-separated option."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
