"""What an engine is: it starts, watches and stops the command of a job, and knows nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from fairaudit.jobs.folder import JobFolder


@dataclass(frozen=True)
class Slot:
    """A place where one job at a time may run.

    `short_only` slots take audits of existing predictions, which never wait for trainings.
    """

    name: str
    device: Literal["cpu", "cuda"] = "cpu"
    short_only: bool = False


class Engine(Protocol):
    """Starts, watches and stops workers; keeps no queue."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All places, busy or not."""
        ...

    def start(self, folder: JobFolder, slot: Slot) -> None:
        """Start the worker of a job in a slot; returns at once."""
        ...

    def alive(self, folder: JobFolder) -> bool | None:
        """Whether the worker's process exists; None when this engine did not start it."""
        ...

    def stop(self, folder: JobFolder, *, force: bool) -> None:
        """Ask the worker to stop, or end it and all its children."""
        ...

    def rest(self) -> None:
        """Do what may be done between ticks: reap the dead, keep a worker warm."""
        ...

    def close(self) -> None:
        """Let go of everything but running jobs: they finish by themselves."""
        ...
