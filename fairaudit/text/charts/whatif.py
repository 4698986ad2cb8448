"""What the charts of other numbers of groups say in words."""

from __future__ import annotations

NO_SWEEP = "There is no sweep over the number of groups."
NO_GROUP = "No group of this partition has enough held-out rows."
NO_STABILITY = "Stability was not computed in this sweep."
NO_LINEAGE = "A lineage needs at least two numbers of groups."


def same_groups(title: str, losses: str) -> str:
    """The loss of the same groups under one common model."""
    return f"{title} of the same groups under one common model: {losses}."


def no_criterion(criterion: str) -> str:
    """The sweep has no such criterion."""
    return f"{criterion} is not available in this sweep."


def best_number(title: str, better: str, best: int, value: str) -> str:
    """The number of groups at which a criterion is best."""
    return f"{title} ({better} is better) is best with {best} groups ({value})."
