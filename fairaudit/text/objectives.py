"""What the objectives of the no-harm choice are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairaudit.methods.best_choice import Objective


@dataclass(frozen=True)
class ObjectiveWords:
    """One objective: on a control, in a sentence, and as the number that it optimises."""

    title: str
    aim: str
    measure: str


OBJECTIVES: Mapping[Objective, ObjectiveWords] = {
    "max_min": ObjectiveWords("Best worst group", "the best worst group", "worst group"),
    "min_gap": ObjectiveWords("Smallest gap", "the smallest gap", "gap"),
    "max_mean": ObjectiveWords("Best mean", "the best mean without a wider gap", "mean"),
}


def objective_title(name: str) -> str:
    """What an objective is called on a control; an unknown one keeps its name."""
    known = {str(objective): words.title for objective, words in OBJECTIVES.items()}
    return known.get(name, name)
