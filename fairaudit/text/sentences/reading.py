"""Sentences about a table as it was read: columns left out of the features, and why."""

from __future__ import annotations


def left_out_words(column: str, reason: str) -> str:
    """That a column is no feature, why, and when it may be one."""
    return (
        f"Column '{column}' is not among the features: {reason}. Use it only if it is known "
        "before the decision."
    )


def used_anyway_words(column: str, reason: str) -> str:
    """That a column is a feature although it was left out at first."""
    return f"Column '{column}' is used as a feature, although {reason}."
