"""What callers state about an outcome and its scores; whatever they leave out is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairaudit.data.outcome import Meaning
from fairaudit.data.roles import Task


@dataclass(frozen=True)
class StatedFacts:
    """What the caller states about the outcome and the scores; None is guessed."""

    task: Task | None = None
    positive: Any = None
    meaning: Meaning | None = None
    classes: Sequence[Any] | None = None
    known_for: Any = None
    cuts: Any = None
