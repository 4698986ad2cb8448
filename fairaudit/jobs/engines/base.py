"""The engine protocol: starts, watches and stops the command of a job, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from fairaudit.jobs.folder import JobFolder


@dataclass(frozen=True)
class Slot:
    """A place where one job can run at a time.

    `short_only` slots only take audits of existing predictions, which need not wait for training
    jobs.
    """

    name: str
    device: Literal["cpu", "cuda"] = "cpu"
    short_only: bool = False


class Engine(Protocol):
    """Starts, watches and stops workers; keeps no queue."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All slots, busy or not."""
        ...

    def start(self, folder: JobFolder, slot: Slot) -> None:
        """Start the worker of a job in a slot; returns at once."""
        ...

    def alive(self, folder: JobFolder) -> bool | None:
        """Whether the worker's process exists; None when this engine did not start it."""
        ...

    def stop(self, folder: JobFolder, *, force: bool) -> None:
        """Ask the worker to stop, or kill it and all its children."""
        ...

    def rest(self) -> None:
        """Work between ticks: reap ended workers, keep a warm one ready."""
        ...

    def close(self) -> None:
        """Release everything except running jobs, which finish on their own."""
        ...
