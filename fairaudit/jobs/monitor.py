"""Progress of a running job: a tree of tasks in, at most one event each 0.2 s out.

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

INTERVAL = 0.2  # seconds between two events, at least
LINES = 2000  # a long job's events thin out, so that their file stays small
_FIRST_SHARE, _NEXT_SHARE = 0.04, 0.92  # of what is left, where a task does not know its total


@dataclass
class _Task:
    name: str
    total: int | None
    done: int = 0
    children: int = 0  # ended inside this task
    began: float = 0.0


@dataclass
class _Pace:
    """Steps a second in the innermost task, smoothed."""

    value: float | None = None
    at: float = 0.0
    steps: int = 0

    def count(self, done: int, now: float) -> None:
        self.steps += done
        if now - self.at < 1.0:
            return
        fresh = self.steps / (now - self.at)
        self.value = fresh if self.value is None else 0.7 * self.value + 0.3 * fresh
        self.at, self.steps = now, 0

    def restart(self, now: float) -> None:
        self.value, self.at, self.steps = None, now, 0


class FolderMonitor:
    """The `Monitor` of a worker: writes events into the job's folder, hears its `cancel`.

    Parameters
    ----------
    folder : JobFolder
    clock : callable
        Monotonic seconds; the wall clock may be moved without harm.
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
        self._stopped = False  # a plain flag: an Event's lock may be held when a signal comes
        self._why = "cancelled"

    @property
    def work_folder(self) -> Path:
        """Where a method keeps what it needs to go on after a break (a study of a search)."""
        return self._folder.path / "work"

    # -- the three methods of a Monitor -------------------------------------------------------

    def start(self, task: str, total: int | None = None) -> None:
        """Open a task inside the one that is open."""
        self._raise_if_stopped()
        with self._lock:
            self._tasks.append(_Task(task, total, began=self._clock()))
            self._pace.restart(self._clock())
            self._tell()

    def step(self, done: int = 1, **metrics: float) -> None:
        """Count work in the innermost task; live metrics are kept until they change.

        Raises
        ------
        Cancelled
            When somebody asked the work to stop.
        """
        self._raise_if_stopped()
        with self._lock:
            if self._tasks:
                self._tasks[-1].done += done
            self._metrics.update({name: float(value) for name, value in metrics.items()})
            self._pace.count(done, self._clock())
            self._tell()

    def end(self) -> None:
        """Close the innermost task."""
        with self._lock:
            if self._tasks:
                self._tasks.pop()
            if self._tasks:
                self._tasks[-1].children += 1
            self._tell()

    # -- being stopped ------------------------------------------------------------------------

    def stop(self, why: str = "cancelled") -> None:
        """Let the next `start` or `step` raise `Cancelled`; safe in a signal handler."""
        self._why = why
        self._stopped = True

    def _raise_if_stopped(self) -> None:
        if not self._stopped and self._clock() - self._written > 5 * INTERVAL:
            self.look()
        if self._stopped:
            raise Cancelled(self._why)

    def look(self) -> bool:
        """Look for the wish to stop in the folder; True when there is one."""
        if not self._stopped and self._folder.cancel_asked():
            self.stop()
        return self._stopped

    # -- telling ------------------------------------------------------------------------------

    def note(self, kind: str, **values: Any) -> None:
        """Write an event at once."""
        with self._lock:
            self._write({"kind": kind, **values})

    def flush(self) -> None:
        """Write the newest state if it was held back; called by the watch and at the end."""
        with self._lock:
            if self._waiting and self._due():
                self._write(self._snapshot())

    def close(self) -> None:
        """Write the last state, held back or not."""
        with self._lock:
            if self._waiting:
                self._write(self._snapshot())

    @property
    def seconds(self) -> float:
        """Since the worker began."""
        return self._clock() - self._began

    def _due(self) -> bool:
        pause = max(INTERVAL, self.seconds / LINES)
        return self._clock() - self._written >= pause

    def _tell(self) -> None:
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
        """Seconds left if the rest goes as fast as what was done so far."""
        if self._progress is None or self._progress < 0.05 or self.seconds < 1.0:
            return None
        return round(self.seconds * (1 - self._progress) / self._progress, 1)


def share_done(tasks: list[tuple[int, int | None, int]]) -> float | None:
    """Share of the outermost task that is done, from (done, total, ended children) of each.

    A task that knows its total moves by its steps, and the open child counts as part of the
    next one. A task that does not know it gives its first child 4% and every further child 92%
    of what is left: progress moves forward only, and the usual audit (prepare, fit, judge)
    moves evenly.
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
