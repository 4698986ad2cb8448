"""What the charts of errors by group say in words."""

from __future__ import annotations

from fairaudit.text import numbers
from fairaudit.text.sentences.phrases import Row

NO_ROC = "There are no scores, so no ROC curve can be drawn."
NO_CALIBRATION = "There are no scores, so calibration cannot be assessed."
NO_THRESHOLD = "There are no scores, so there is no threshold to change."


def not_available(title: str, attribute: str) -> str:
    """This metric was not computed for this attribute."""
    return f"{title} by {attribute} is not available."


def too_few_rows(title: str, attribute: str) -> str:
    """No group could be judged."""
    return f"{title} by {attribute}: no group has enough rows to be judged."


def no_intersections(attribute: str) -> str:
    """The attribute was not combined with another."""
    return f"There are no intersections of {attribute}."


def calibration(model: str, attribute: str, worst: Row) -> str:
    """The group whose scores are furthest from what was observed."""
    return (
        f"Calibration of {model} by {attribute}: the largest deviation is in {worst['group']}, "
        f"with a mean score of {100 * worst['mean_score']:.0f}% and an observed rate of "
        f"{100 * worst['rate']:.0f}% ({numbers.rows(worst['n'])})."
    )


def over_thresholds(title: str) -> str:
    """The curve, where no threshold is marked."""
    return f"{title} over all thresholds on the score."
