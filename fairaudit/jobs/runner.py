"""Runs a job in its folder: hold the lock, compute, publish, write the outcome.

Imports nothing heavy before the first event is written.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairaudit.exceptions import Cancelled, FairauditError, IntegrityError, JobError
from fairaudit.jobs import _process
from fairaudit.jobs._disk import FULL, SETTINGS
from fairaudit.jobs.folder import JobFolder, Outcome
from fairaudit.jobs.monitor import FolderMonitor

Compute = Callable[[JobFolder, FolderMonitor, Path, Path], None]
"""(folder, monitor, path of the result, path of the model) → None."""

WATCH = 0.1  # seconds between two checks of the cancel file and the memory
_OUT_OF_MEMORY = "the machine ran out of memory; use fewer rows or a smaller model"


def run(
    folder: JobFolder,
    compute: Compute,
    *,
    prepare: Callable[[FolderMonitor], None] | None = None,
    own_process: bool = True,
) -> Outcome | None:
    """Run a job; None if another process holds its lock.

    Parameters
    ----------
    folder : JobFolder
    compute : callable
        Writes the result, or raises.
    prepare : callable or None
        Called with the monitor once the lock is held (signal handlers, the log).
    own_process : bool
        False inside another program's process: the watchdog then never ends it.
    """
    try:
        with folder.hold():
            if (ended := folder.outcome()) is not None:
                return ended
            folder.clean()
            return _run_held(folder, compute, prepare, own_process)
    except JobError:
        return None


def _run_held(
    folder: JobFolder,
    compute: Compute,
    prepare: Callable[[FolderMonitor], None] | None,
    own_process: bool,
) -> Outcome:
    monitor = FolderMonitor(folder)
    monitor.note("started", **_identity(own_process))
    if prepare is not None:
        prepare(monitor)
    watchdog = _Watchdog(folder, monitor, own_process)
    watchdog.start()
    try:
        outcome = _attempt(folder, compute, monitor)
    finally:
        watchdog.end()
    outcome = watchdog.outcome or outcome
    _finish(folder, monitor, outcome)
    return outcome


def _attempt(folder: JobFolder, compute: Compute, monitor: FolderMonitor) -> Outcome:
    """Compute and publish; whatever happens becomes an outcome."""
    try:
        if monitor.check_cancel():
            raise Cancelled("cancelled")
        with folder.result_aside() as (aside, model):
            compute(folder, monitor, aside, model)
            check_quota(folder.path.parent.parent)
            manifest_hash = folder.publish(aside)
        return _outcome(monitor, "succeeded", manifest=manifest_hash)
    except Cancelled as error:
        return _outcome(monitor, "cancelled", reason=str(error))
    except KeyboardInterrupt:
        return _outcome(monitor, "cancelled", reason="stopped from the keyboard")
    except FairauditError as error:
        return _outcome(monitor, "failed", reason=str(error))
    except MemoryError:
        return _outcome(monitor, "failed", reason=_OUT_OF_MEMORY)
    except OSError as error:
        _log_trace(folder)
        return _outcome(monitor, "failed", reason=_io_failure(error))
    except Exception as error:  # noqa: BLE001 (the worker must record any error)
        _log_trace(folder)
        what = f"{type(error).__name__}: {error}".splitlines()[0][:500]
        return _outcome(monitor, "failed", reason=f"unexpected error ({what}); see the log")


def _finish(folder: JobFolder, monitor: FolderMonitor, outcome: Outcome) -> None:
    with contextlib.suppress(
        OSError
    ):  # a full disk may still have room for the outcome, which matters more
        monitor.close()
    folder.finish(outcome)


def _outcome(monitor: FolderMonitor, state: Any, **values: Any) -> Outcome:
    return Outcome(
        state,
        finished=time.time(),
        seconds=round(monitor.seconds, 6),
        peak_mb=_process.peak_mb(),
        **values,
    )


def _identity(own_process: bool) -> dict[str, Any]:
    """Identifies this process; the token is needed because pids are reused."""
    token = os.environ.get(_process.TOKEN) if own_process else None
    return {"pid": os.getpid(), "host": socket.gethostname(), "token": token}


def _io_failure(error: OSError) -> str:
    if error.errno in FULL:
        return "the disk is full; free some space and run the job again"
    return f"a file could not be read or written ({error}); see the log"


def _log_trace(folder: JobFolder) -> None:
    try:
        folder.write_log(traceback.format_exc())
    except OSError as error:
        if error.errno not in FULL:
            raise


def check_quota(root: Path) -> None:
    """Raise if the workspace, including unpublished results, is over its quota."""
    if not (root / SETTINGS).exists():
        return  # there are no limits; avoid slow imports
    from fairaudit.jobs import retention
    from fairaudit.jobs.settings import Settings

    retention.check_quota(root, Settings.load(root))


class _Watchdog:
    """A thread that checks for `cancel`, enforces the memory limit and writes progress.

    Long calls into numeric libraries do not return to Python; this thread keeps running.
    """

    def __init__(self, folder: JobFolder, monitor: FolderMonitor, own_process: bool) -> None:
        self._folder = folder
        self._monitor = monitor
        self._own = own_process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._check, name="watchdog", daemon=True)
        self._limit = _memory_limit(folder)
        self.outcome: Outcome | None = None

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop checking; afterwards only the caller writes."""
        self._over.set()
        self._thread.join()

    def _check(self) -> None:
        asked_at: float | None = None
        while not self._over.wait(WATCH):
            with contextlib.suppress(OSError):  # the computation notices the full disk too
                self._monitor.flush()
            if self._monitor.check_cancel():
                asked_at = time.monotonic() if asked_at is None else asked_at
                if time.monotonic() - asked_at > _process.grace():
                    self._end("cancelled", "killed, because it did not stop when asked to")
            if self._limit is not None and (used := _process.memory_mb()) > self._limit:
                self._end_over_limit(used)

    def _end_over_limit(self, used: float) -> None:
        reason = (
            f"it used {used:.0f} MB of memory and the limit is {self._limit} MB; "
            "raise the limit, use fewer rows or a smaller batch"
        )
        self._end("failed", reason)

    def _end(self, state: Any, reason: str) -> None:
        """Write the outcome from this thread and kill the whole process group."""
        outcome = _outcome(self._monitor, state, reason=reason)
        if not self._own:
            self._monitor.stop(reason)
            self.outcome = outcome
            self._limit = None
            return
        try:
            with contextlib.suppress(OSError):  # the computation may still be writing to it
                self._folder.clean()
            self._folder.finish(outcome)
        finally:  # on a full disk the supervisor writes the outcome later
            _process.end_own_group()


def _memory_limit(folder: JobFolder) -> int | None:
    try:
        limit = folder.request().job.get("memory_limit_mb")
    except IntegrityError:  # the computation reads it too and reports the error
        return None
    return limit if isinstance(limit, int) else None
