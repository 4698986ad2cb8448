"""The supervisor: a loop around `tick`, which settles, cancels and starts jobs."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fairaudit.exceptions import FairauditError, IntegrityError, JobError
from fairaudit.jobs import _disk, _process, retention, scheduling, sweep_scheduling
from fairaudit.jobs.dataset_store import DatasetStore
from fairaudit.jobs.engines.base import Engine
from fairaudit.jobs.folder import JobFolder, Outcome
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.workspace import Workspace

LOCK = retention.SUPERVISOR_LOCK
TRIES = 3  # attempts to start a worker that never begins
MAINTENANCE_INTERVAL = 3600.0
SAME_ERROR = 60.0  # seconds
_LOCK_TIMEOUT = 0.5  # seconds; `is_supervised` holds the lock for less
_LOG = logging.getLogger(__name__)

_KILLED = (
    "the worker ended without an outcome: it was killed, or the machine ran out of memory or was "
    "switched off; run the job again"
)
_UNSTARTABLE = f"the worker ended {TRIES} times before it started the job; see the log"


@dataclass
class Memory:
    """The state of a supervisor between ticks, in monotonic seconds.

    `begin_s` is the time a worker may take from its start to holding the lock of its job.
    """

    grace_s: float = 30.0
    begin_s: float = 15.0
    cancel_requested: dict[str, float] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    seen: int = -1
    looked: float = float("-inf")

    def since(self, marks: dict[str, float], job: str) -> float:
        """Seconds since the first call for this job."""
        now = time.monotonic()
        return now - marks.setdefault(job, now)

    def forget(self, job: str) -> None:
        self.cancel_requested.pop(job, None)
        self.waited.pop(job, None)


def tick(ledger: Ledger, engine: Engine, memory: Memory) -> int:
    """Settle ended jobs, stop cancelled ones, start the next; returns how many were started.

    An error with one job is logged and retried; it does not affect the others.
    """
    _discover(ledger, memory)
    for entry in ledger.in_state("running", "doomed"):
        _guarded(_follow_up, ledger, engine, memory, entry)
    for entry in ledger.in_state("queued"):
        _guarded(_cancel_queued, ledger, entry)
    return _start_all(ledger, engine)


def _follow_up(ledger: Ledger, engine: Engine, memory: Memory, entry: Entry) -> None:
    if entry.slot == sweep_scheduling.SLOT:
        sweep_scheduling.follow(ledger, entry)
    else:
        _settle_or_cancel(ledger, engine, memory, entry)


def _discover(ledger: Ledger, memory: Memory) -> None:
    """Index folders whose submitter died before adding them to the ledger."""
    stamp = ledger.jobs.stat().st_mtime_ns if ledger.jobs.is_dir() else -1
    if stamp != memory.seen or time.monotonic() - memory.looked > 10:
        ledger.discover()
        memory.seen, memory.looked = stamp, time.monotonic()


# -- settling ---------------------------------------------------------------------------------


def _settle_or_cancel(ledger: Ledger, engine: Engine, memory: Memory, entry: Entry) -> None:
    folder = ledger.folder(entry.id)
    if not folder.exists:
        if memory.since(memory.waited, entry.id) > memory.begin_s:
            _remove(ledger, memory, folder)
        return
    alive = engine.alive(folder)
    if alive or folder.is_locked():
        _while_alive(ledger, engine, memory, entry, folder)
    elif folder.outcome() is not None:
        _record(ledger, memory, folder)
    elif folder.first_event() is None:
        _not_started(ledger, memory, entry, folder, known_dead=alive is False)
    else:
        engine.stop(folder, force=True)  # children that outlived the worker
        _fail_dead(ledger, memory, folder)


def _while_alive(
    ledger: Ledger, engine: Engine, memory: Memory, entry: Entry, folder: JobFolder
) -> None:
    memory.waited.pop(entry.id, None)
    if entry.started is None and (first := folder.first_event()) is not None:
        ledger.mark_started(entry.id, first["t"])
    if not folder.cancel_requested() and folder.outcome() is None:
        return
    if entry.id not in memory.cancel_requested and folder.outcome() is None:
        engine.stop(folder, force=False)
    if memory.since(memory.cancel_requested, entry.id) > memory.grace_s:
        engine.stop(folder, force=True)


def _record(ledger: Ledger, memory: Memory, folder: JobFolder) -> None:
    outcome = folder.outcome()
    if outcome is None or folder.delete_requested():
        _remove(ledger, memory, folder)
        return
    ledger.settle(folder.id, outcome)
    memory.forget(folder.id)
    sweep_scheduling.clear(ledger, folder)


def _remove(ledger: Ledger, memory: Memory, folder: JobFolder) -> None:
    memory.forget(folder.id)
    sweep_scheduling.clear(ledger, folder)
    folder.delete()
    ledger.forget(folder.id)


def _not_started(
    ledger: Ledger, memory: Memory, entry: Entry, folder: JobFolder, *, known_dead: bool
) -> None:
    """Requeue a claimed job whose worker never started; fail it after several attempts."""
    waited = memory.since(memory.waited, entry.id)
    if not known_dead and waited < memory.begin_s:
        return
    if folder.cancel_requested() or (known_dead and entry.tries >= TRIES):
        _fail_dead(ledger, memory, folder, _UNSTARTABLE)
    else:
        memory.forget(entry.id)
        ledger.requeue(entry.id)


def _fail_dead(ledger: Ledger, memory: Memory, folder: JobFolder, reason: str = _KILLED) -> None:
    """Write the outcome of a job whose worker is dead; holding the lock proves that."""
    with folder.hold(0):
        if folder.outcome() is None:
            folder.clean()
            state: Any = "cancelled" if folder.cancel_requested() else "failed"
            why = "killed after it was cancelled" if state == "cancelled" else reason
            last = folder.last_event() or {}
            folder.finish(Outcome(state, why, time.time(), last.get("s")))
    _record(ledger, memory, folder)


# -- cancelling and starting ------------------------------------------------------------------


def _cancel_queued(ledger: Ledger, entry: Entry) -> None:
    folder = ledger.folder(entry.id)
    if not folder.cancel_requested() and folder.exists:
        return
    if not ledger.claim(entry.id, None):
        return
    if not folder.exists or folder.delete_requested():
        folder.delete()
        ledger.forget(entry.id)
    else:
        sweep_scheduling.end(ledger, folder, Outcome("cancelled", "cancelled before it started"))


def _start_all(ledger: Ledger, engine: Engine) -> int:
    count = 0
    while (chosen := _choose(ledger, engine)) is not None:
        entry, slot = chosen
        folder = ledger.folder(entry.id)
        if sweep_scheduling.wanted(entry, folder, engine.slots):
            sweep_scheduling.begin(ledger, folder, engine.slots)
        elif ledger.claim(entry.id, slot.name):
            engine.start(folder, slot)
            count += 1
    return count


def _choose(ledger: Ledger, engine: Engine) -> Any:
    queued = ledger.in_state("queued")
    if not queued:
        return None
    running = [e for e in ledger.in_state("running", "doomed") if e.slot != sweep_scheduling.SLOT]
    return scheduling.choose(queued, running, ledger.turns(), engine.slots)


# -- the process ------------------------------------------------------------------------------


@contextmanager
def exclusive(root: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the workspace's supervisor lock.

    Raises
    ------
    JobError
        If another supervisor holds it and `wait` is False.
    """
    lock = FileLock(root / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=-1 if wait else _LOCK_TIMEOUT)
    except Timeout:
        raise JobError(
            f"another supervisor is running in '{root}'; use it, or stop it first"
        ) from None
    try:
        yield
    finally:
        lock.release()


def run(
    workspace: Path | str,
    engine: Engine,
    *,
    poll: float = 0.25,
    stop: threading.Event | None = None,
    wait: bool = False,
    begin_s: float = 15.0,
) -> None:
    """Supervise a workspace until `stop` is set.

    Parameters
    ----------
    workspace : Path or str
    engine : Engine
    poll : float
        Seconds between two ticks.
    stop : threading.Event or None
        None means until the process ends.
    wait : bool
        Wait until another supervisor has ended instead of raising.
    begin_s : float
        Seconds a worker of an earlier supervisor may take to hold the lock of its job before the
        job is started again (two workers are safe: only one can hold the lock).
    """
    root = Path(workspace).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    stopping = stop or threading.Event()
    with exclusive(root, wait=wait):
        ledger = Ledger(root)
        memory = Memory(Settings.load(root).cancel_grace_s + 1.0, begin_s)
        maintained = float("-inf")
        _guarded(_repair, ledger)
        try:
            while not stopping.is_set():
                if time.monotonic() - maintained > MAINTENANCE_INTERVAL:
                    maintained = time.monotonic()
                    _guarded(_maintain, root)
                _guarded(tick, ledger, engine, memory)
                _guarded(engine.rest)
                stopping.wait(poll)
        finally:
            engine.close()


def _guarded(work: Any, *arguments: Any) -> None:
    """Log errors and go on: one bad job must not stop the others."""
    try:
        work(*arguments)
    except Exception:  # noqa: BLE001 (the supervisor must survive any error)
        _LOG.exception("a tick of the supervisor failed; continuing")


class RepeatFilter(logging.Filter):
    """Lets the same error through once a minute; otherwise each tick would log it."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this was not logged within the last minute."""
        error = record.exc_info[1] if record.exc_info else None
        text, now = f"{record.getMessage()} {error!r}", time.monotonic()
        self._logged = {t: at for t, at in self._logged.items() if now - at < SAME_ERROR}
        return error is None or self._logged.setdefault(text, now) == now


def _repair(ledger: Ledger) -> None:
    """Rebuild a damaged ledger from the folders; this is the only supervisor."""
    try:
        ledger.all()
    except IntegrityError:
        _LOG.warning("the ledger is damaged; rebuilding it from the job folders")
        ledger.rebuild()


def _maintain(root: Path) -> None:
    jobs = root / "jobs"
    if jobs.is_dir():
        _disk.sweep(jobs, trash_only=True)
    DatasetStore(root).sweep()
    if Settings.load(root).retention_days is not None:
        Workspace(root).prune()


def is_supervised(workspace: Path | str) -> bool:
    """Whether a supervisor is running."""
    lock = FileLock(Path(workspace) / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def ensure_supervisor(workspace: Path | str) -> subprocess.Popen[bytes] | None:
    """Start a supervisor in its own process; None if one is already running.

    It ends when the caller closes its stdin or dies; running jobs continue.
    """
    root = Path(workspace).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    if is_supervised(root):
        return None
    with (root / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "fairaudit.jobs.supervisor", str(root), "--while-stdin"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            **_process.own_session(),
        )


def end_supervisor(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """Stop a supervisor started by `ensure_supervisor`; running jobs continue."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class RestartingSupervisor:
    """Starts the workspace's supervisor and restarts it if it dies.

    A supervisor that another process started is left alone.

    Parameters
    ----------
    workspace : Path or str
    """

    def __init__(self, workspace: Path | str) -> None:
        self._workspace = workspace
        self._process = ensure_supervisor(workspace)

    def check(self) -> None:
        """Restart the supervisor if this object started it and it has died."""
        if self._process is not None and self._process.poll() is not None:
            end_supervisor(self._process)
            self._process = ensure_supervisor(self._workspace)

    def end(self) -> None:
        """Stop the supervisor if this object started it; running jobs continue."""
        if self._process is not None:
            end_supervisor(self._process)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line of `python -m fairaudit.jobs.supervisor`."""
    parser = argparse.ArgumentParser(prog="python -m fairaudit.jobs.supervisor")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--address", help="address of the Ray cluster, e.g. http://head:8265")
    parser.add_argument(
        "--slots", type=int, help="training jobs at a time; default: by cores and GPUs"
    )
    parser.add_argument("--poll", type=float, default=0.25, help="seconds between two ticks")
    parser.add_argument("--no-standby", action="store_true", help="do not keep a warm worker")
    parser.add_argument("--while-stdin", action="store_true", help="stop when stdin is closed")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Like `serve`; on errors the exit code is 1 and the reason is in the log."""
    try:
        serve(arguments(argv))
    except FairauditError as error:
        _LOG.error("%s", error)
        return 1
    return 0


def serve(options: argparse.Namespace) -> None:
    """Supervise until SIGTERM, Ctrl-C or (with `--while-stdin`) the end of stdin.

    Raises
    ------
    JobError
        If another supervisor is running, or the cluster does not respond.
    SpecError
        If the settings of the workspace are invalid.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    _LOG.addFilter(RepeatFilter())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.while_stdin:
        threading.Thread(target=_until_closed, args=(stop,), daemon=True).start()
    run(options.workspace, engine_for(options), poll=options.poll, stop=stop)


def engine_for(options: argparse.Namespace) -> Engine:
    """The engine chosen on the command line."""
    grace = Settings.load(options.workspace).cancel_grace_s
    if options.engine == "ray":
        from fairaudit.jobs.engines.ray import RayEngine

        return RayEngine(options.address, slots=options.slots, grace=grace)
    from fairaudit.jobs.engines.local import LocalEngine, numbered_slots

    slots = None if options.slots is None else numbered_slots(options.slots)
    return LocalEngine(slots, standby=not options.no_standby, grace=grace)


def _until_closed(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
