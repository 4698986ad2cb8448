"""What the charts of the no-harm choice say in words."""

from __future__ import annotations

NO_TEST_ROWS = "There are no test rows to compare with the validation rows."
NO_ALTERNATIVES = "There are no alternatives to compare."


def no_choice(split: str) -> str:
    """There is nothing to draw on this split."""
    return f"There is no choice on the {split} rows."


def both_splits(parts: str) -> str:
    """What the experts gain on both splits."""
    return f"Expert minus baseline on validation and on test rows: {parts}."
