"""What a worker does with a job's folder: hold it, compute, publish, write the outcome.

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
"""(folder, monitor, where the result goes, where the model goes) → nothing."""

WATCH = 0.1  # seconds between two looks at the cancel file and the memory


def run(
    folder: JobFolder,
    compute: Compute,
    *,
    prepare: Callable[[FolderMonitor], None] | None = None,
    own_process: bool = True,
) -> Outcome | None:
    """Do a job's work; None when another process holds it or it has ended already.

    Parameters
    ----------
    folder : JobFolder
    compute : callable
        Writes the result; raises on failure.
    prepare : callable or None
        Called with the monitor once the job is ours (signal handlers, the log).
    own_process : bool
        False inside somebody else's process: the watch then never ends the process.
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
    watch = _Watch(folder, monitor, own_process)
    watch.start()
    try:
        outcome = _attempt(folder, compute, monitor)
    finally:
        watch.end()
    outcome = watch.verdict or outcome
    _finish(folder, monitor, outcome)
    return outcome


def _attempt(folder: JobFolder, compute: Compute, monitor: FolderMonitor) -> Outcome:
    """Compute and publish; every way this can end becomes an outcome."""
    try:
        if monitor.look():
            raise Cancelled("cancelled")
        with folder.result_aside() as (aside, model):
            compute(folder, monitor, aside, model)
            need_room(folder.path.parent.parent)
            seal = folder.publish(aside)
        return _outcome(monitor, "succeeded", manifest=seal)
    except Cancelled as error:
        return _outcome(monitor, "cancelled", reason=str(error))
    except KeyboardInterrupt:
        return _outcome(monitor, "cancelled", reason="stopped from the keyboard")
    except FairauditError as error:
        return _outcome(monitor, "failed", reason=str(error))
    except MemoryError:
        return _outcome(monitor, "failed", reason=_no_memory())
    except OSError as error:
        _log_trace(folder)
        return _outcome(monitor, "failed", reason=_of_os(error))
    except Exception as error:  # noqa: BLE001 (the worker's one door)
        _log_trace(folder)
        what = f"{type(error).__name__}: {error}".splitlines()[0][:500]
        return _outcome(monitor, "failed", reason=f"unexpected error ({what}); see the log")


def _finish(folder: JobFolder, monitor: FolderMonitor, outcome: Outcome) -> None:
    with contextlib.suppress(OSError):  # a full disk may still take the outcome, which matters
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
    """Which process this is; the token proves it, because numbers are used again."""
    token = os.environ.get(_process.TOKEN) if own_process else None
    return {"pid": os.getpid(), "host": socket.gethostname(), "token": token}


def _no_memory() -> str:
    return "the machine has no memory left; use fewer rows or a smaller model"


def _of_os(error: OSError) -> str:
    if error.errno in FULL:
        return "the disk is full; free some space and run it again"
    return f"a file could not be read or written ({error}); see the log"


def _log_trace(folder: JobFolder) -> None:
    try:
        folder.write_log(traceback.format_exc())
    except OSError as error:
        if error.errno not in FULL:
            raise


def need_room(root: Path) -> None:
    """Raise when the workspace, with what is not published yet, is over its quota."""
    if not (root / SETTINGS).exists():
        return  # nothing is limited, and a quick job stays quick
    from fairaudit.jobs import retention
    from fairaudit.jobs.settings import Settings

    retention.need_room(root, Settings.load(root))


class _Watch:
    """A thread beside the computation: hears `cancel`, keeps the memory limit, shows progress.

    Long calls into numeric libraries never come back to Python; this thread still does.
    """

    def __init__(self, folder: JobFolder, monitor: FolderMonitor, own_process: bool) -> None:
        self._folder = folder
        self._monitor = monitor
        self._own = own_process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._limit = _memory_limit(folder)
        self.verdict: Outcome | None = None

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """No more looks; afterwards only the caller writes."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        asked: float | None = None
        while not self._over.wait(WATCH):
            with contextlib.suppress(OSError):  # the computation meets the full disk too
                self._monitor.flush()
            if self._monitor.look():
                asked = time.monotonic() if asked is None else asked
                if time.monotonic() - asked > _process.grace():
                    self._leave("cancelled", "ended firmly: it did not stop when asked to")
            if self._limit is not None and (need := _process.memory_mb()) > self._limit:
                self._too_much(need)

    def _too_much(self, need: float) -> None:
        reason = (
            f"it needed {need:.0f} MB of memory and may use {self._limit} MB; "
            "raise the limit, use fewer rows or a smaller batch"
        )
        self._leave("failed", reason)

    def _leave(self, state: Any, reason: str) -> None:
        """Write the outcome from here and end the whole process group."""
        outcome = _outcome(self._monitor, state, reason=reason)
        if not self._own:
            self._monitor.stop(reason)
            self.verdict = outcome
            self._limit = None
            return
        try:
            with contextlib.suppress(OSError):  # the computation still writes into it
                self._folder.clean()
            self._folder.finish(outcome)
        finally:  # on a full disk the supervisor writes it later
            _process.end_own_group()


def _memory_limit(folder: JobFolder) -> int | None:
    try:
        limit = folder.request().job.get("memory_limit_mb")
    except IntegrityError:  # the computation reads it too and says what is wrong
        return None
    return limit if isinstance(limit, int) else None
