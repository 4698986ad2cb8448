"""What the chart of worst-case bounds says in words."""

from __future__ import annotations


def no_bounds(title: str, attribute: str) -> str:
    """There is nothing to draw."""
    return f"{title} by {attribute} has no bounds."


def bounds(title: str, model: str, attribute: str, parts: str) -> str:
    """The groups with the ends of their bounds."""
    return f"{title} of {model} by {attribute}, between bounds: {parts}."
