"""What the charts of a choice between systems say in words."""

from __future__ import annotations


def no_difference(where: str) -> str:
    """There is nothing to draw."""
    return f"No difference can be shown{' ' if where else ''}{where}."


def changes(metric: str, place: str, level: str, parts: str) -> str:
    """The change of each group with its bounds."""
    return (
        f"Change in {metric} against the baseline{place}, bounds with "
        f"{level} confidence for all together: {parts}."
    )
