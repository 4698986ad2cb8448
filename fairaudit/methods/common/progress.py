"""The progress protocol: how a fit reports its progress and receives a request to stop."""

from __future__ import annotations

from typing import Protocol


class Monitor(Protocol):
    """Receives progress as a tree of tasks.

    `start` opens a task inside the one that is open, `step` counts work in the innermost task
    and carries live metrics, `end` closes the innermost task. `step` raises
    `fairaudit.exceptions.Cancelled` when a stop was requested.
    """

    def start(self, task: str, total: int | None = None) -> None: ...

    def step(self, done: int = 1, **metrics: float) -> None: ...

    def end(self) -> None: ...


class Silent:
    """A monitor that ignores all progress."""

    def start(self, task: str, total: int | None = None) -> None:
        """Ignore."""

    def step(self, done: int = 1, **metrics: float) -> None:
        """Ignore."""

    def end(self) -> None:
        """Ignore."""
