"""Progress of a running job: a tree of tasks in, at most one event every 0.2 s out.

Imports nothing heavy: the first event is written before torch is loaded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairaudit.exceptions import Cancelled
from fairaudit.jobs.folder import JobFolder

INTERVAL = 0.2  # minimum number of seconds between two events
LINES = 2000  # long jobs write events less often, so that the file stays small
_FIRST_SHARE, _NEXT_SHARE = 0.04, 0.92  # of the rest, if a task does not know its total


@dataclass
class _Task:
    name: str
    total: int | None
    done: int = 0
    children: int = 0  # subtasks that have ended
    began: float = 0.0


@dataclass
class _Pace:
    """Smoothed number of steps per second in the innermost task."""

    value: float | None = None
    at: float = 0.0
    steps: int = 0

    def count(self, done: int, now: float) -> None:
        self.steps += done
        if now - self.at < 1.0:
            return
        current = self.steps / (now - self.at)
        self.value = current if self.value is None else 0.7 * self.value + 0.3 * current
        self.at, self.steps = now, 0

    def restart(self, now: float) -> None:
        self.value, self.at, self.steps = None, now, 0


class FolderMonitor:
    """The `Monitor` of a worker: writes events to the job's folder and checks for `cancel`.

    Parameters
    ----------
    folder : JobFolder
    clock : callable
        Monotonic seconds, independent of changes to the wall clock.
    """

    def __init__(
        self, folder: JobFolder, clock: Callable[[], float] = time.monotonic, number: int = 0
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._began = clock()
        self._written = -INTERVAL
        self._waiting = False
        self._number = number
        self._tasks: list[_Task] = []
        self._metrics: dict[str, float] = {}
        self._progress: float | None = None
        self._pace = _Pace(at=self._began)
        self._stopped = (
            False  # a plain flag: a signal may arrive while the lock of an Event is taken
        )
        self._why = "cancelled"

    @property
    def work_folder(self) -> Path:
        """Where a method keeps what it needs to resume (such as the study of a search)."""
        return self._folder.path / "work"

    # -- the three methods of a Monitor -------------------------------------------------------

    def start(self, task: str, total: int | None = None) -> None:
        """Open a task inside the current one."""
        self._raise_if_stopped()
        with self._lock:
            self._tasks.append(_Task(task, total, began=self._clock()))
            self._pace.restart(self._clock())
            self._report()

    def step(self, done: int = 1, **metrics: float) -> None:
        """Count work in the innermost task; metrics keep their value until they change.

        Raises
        ------
        Cancelled
            If a request to stop the job exists.
        """
        self._raise_if_stopped()
        with self._lock:
            if self._tasks:
                self._tasks[-1].done += done
            self._metrics.update({name: float(value) for name, value in metrics.items()})
            self._pace.count(done, self._clock())
            self._report()

    def end(self) -> None:
        """Close the innermost task."""
        with self._lock:
            if self._tasks:
                self._tasks.pop()
            if self._tasks:
                self._tasks[-1].children += 1
            self._report()

    # -- cancellation -------------------------------------------------------------------------

    def stop(self, why: str = "cancelled") -> None:
        """Make the next `start` or `step` raise `Cancelled`; safe in a signal handler."""
        self._why = why
        self._stopped = True

    def _raise_if_stopped(self) -> None:
        if not self._stopped and self._clock() - self._written > 5 * INTERVAL:
            self.check_cancel()
        if self._stopped:
            raise Cancelled(self._why)

    def check_cancel(self) -> bool:
        """Check the folder for a request to stop; True if there is one."""
        if not self._stopped and self._folder.cancel_requested():
            self.stop()
        return self._stopped

    # -- events -------------------------------------------------------------------------------

    def note(self, kind: str, **values: Any) -> None:
        """Write an event at once."""
        with self._lock:
            self._write({"kind": kind, **values})

    def flush(self) -> None:
        """Write the latest state if it was delayed; called by the watchdog."""
        with self._lock:
            if self._waiting and self._due():
                self._write(self._snapshot())

    def close(self) -> None:
        """Write the last state, even if it is not yet due."""
        with self._lock:
            if self._waiting:
                self._write(self._snapshot())

    @property
    def seconds(self) -> float:
        """Seconds since the worker started."""
        return self._clock() - self._began

    def _due(self) -> bool:
        pause = max(INTERVAL, self.seconds / LINES)
        return self._clock() - self._written >= pause

    def _report(self) -> None:
        self._waiting = True
        if self._due():
            self._write(self._snapshot())

    def _write(self, event: dict[str, Any]) -> None:
        self._number += 1
        head = {"n": self._number, "t": time.time(), "s": round(self.seconds, 3)}
        self._folder.append({**head, **event})
        self._written = self._clock()
        self._waiting = False

    def _snapshot(self) -> dict[str, Any]:
        share = share_done([(t.done, t.total, t.children) for t in self._tasks])
        if share is not None:
            self._progress = max(share, self._progress or 0.0)
        return {
            "kind": "progress",
            "tasks": [[t.name, t.done, t.total] for t in self._tasks],
            "progress": None if self._progress is None else round(self._progress, 4),
            "eta_s": self._eta(),
            "rate": None if self._pace.value is None else round(self._pace.value, 3),
            "metrics": dict(self._metrics),
        }

    def _eta(self) -> float | None:
        """Seconds left if the rest takes as long per step as the work so far."""
        if self._progress is None or self._progress < 0.05 or self.seconds < 1.0:
            return None
        return round(self.seconds * (1 - self._progress) / self._progress, 1)


def share_done(tasks: list[tuple[int, int | None, int]]) -> float | None:
    """Completed share of the outermost task, from (done, total, ended children) of each task.

    A task that knows its total advances by its steps, and its open child counts towards the next
    one. A task that does not know it allots 4% to its first child and 92% of the rest to every
    further child: progress never goes back, and the usual audit (prepare, fit, evaluate) advances
    evenly.
    """
    inner: float | None = None
    for done, total, children in reversed(tasks):
        if total:
            inner = min(1.0, (done + (inner or 0.0)) / total)
        elif inner is not None or children:
            inner = _open_ended(children, inner or 0.0)
    return inner


def _open_ended(children: int, inner: float) -> float:
    before, left = 0.0, 1.0
    for number in range(children + 1):
        share = left * (_FIRST_SHARE if number == 0 else _NEXT_SHARE)
        if number == children:
            return before + share * inner
        before, left = before + share, left - share
    return before
