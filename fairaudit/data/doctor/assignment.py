"""The roles assigned so far, and the evidence on which the next one is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fairaudit.data.doctor.column_profile import ColumnProfile, RowSample

GuessedRole = Literal[
    "target", "feature", "sensitive", "cluster", "unit", "weight", "prediction", "score", "image",
    "split", "identifier", "leak", "left out", "known for",
]  # fmt: skip
MIN_CONFIDENCE = 0.5  # less confident suggestions are shown but not used


@dataclass(frozen=True)
class Guess:
    """The role suggested for one column, the reason, and the confidence (0 to 1)."""

    column: str
    part: GuessedRole
    reason: str
    confidence: float


@dataclass
class RoleAssignment:
    """The evidence, and the roles assigned so far."""

    columns: Mapping[str, ColumnProfile]
    sample: RowSample
    assigned: dict[str, Guess] = field(default_factory=dict)

    def assign(self, column: str, role: GuessedRole, reason: str, confidence: float) -> None:
        self.assigned[column] = Guess(column, role, reason, confidence)

    def unassigned(self) -> list[ColumnProfile]:
        return [c for c in self.columns.values() if c.name not in self.assigned]

    def with_role(self, role: GuessedRole) -> list[str]:
        guesses = (g for g in self.assigned.values() if g.part == role)
        return [g.column for g in guesses if g.confidence >= MIN_CONFIDENCE]
