"""The supervisor: one function, `tick`, that settles, cancels and starts; one a workspace."""

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
from fairaudit.jobs.dataset_store import Shelf
from fairaudit.jobs.engines.base import Engine
from fairaudit.jobs.folder import JobFolder, Outcome
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.workspace import Workspace

LOCK = retention.SUPERVISOR_LOCK
TRIES = 3  # starts of a worker that never began
UPKEEP_EVERY = 3600.0
SAME_ERROR = 60.0  # seconds
_GLANCE = 0.5  # seconds; whoever only looks holds the lock for less
_LOG = logging.getLogger(__name__)

_KILLED = (
    "the worker ended without an outcome: it was killed, the machine ran out of memory or was "
    "switched off; run it again"
)
_UNSTARTABLE = f"the worker ended {TRIES} times before it began; see the log"


@dataclass
class Memory:
    """What one supervisor remembers between ticks; monotonic seconds, never the wall clock.

    `begin_s` is how long a worker may take from its start to holding its job.
    """

    grace_s: float = 30.0
    begin_s: float = 15.0
    asked: dict[str, float] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    seen: int = -1
    looked: float = float("-inf")

    def since(self, marks: dict[str, float], job: str) -> float:
        """Seconds since this was asked first."""
        now = time.monotonic()
        return now - marks.setdefault(job, now)

    def forget(self, job: str) -> None:
        self.asked.pop(job, None)
        self.waited.pop(job, None)


def tick(ledger: Ledger, engine: Engine, memory: Memory) -> int:
    """Settle what ended, stop what was cancelled, start what is next; how many were started.

    What fails for one job is logged and tried again: it does not stop the others.
    """
    _discover(ledger, memory)
    for entry in ledger.in_state("running", "doomed"):
        _guarded(_look_after, ledger, engine, memory, entry)
    for entry in ledger.in_state("queued"):
        _guarded(_cancel_queued, ledger, entry)
    return _start_all(ledger, engine)


def _look_after(ledger: Ledger, engine: Engine, memory: Memory, entry: Entry) -> None:
    if entry.slot == sweep_scheduling.SLOT:
        sweep_scheduling.follow(ledger, entry)
    else:
        _settle_or_cancel(ledger, engine, memory, entry)


def _discover(ledger: Ledger, memory: Memory) -> None:
    """Index folders whose submitter died before telling the ledger."""
    stamp = ledger.jobs.stat().st_mtime_ns if ledger.jobs.is_dir() else -1
    if stamp != memory.seen or time.monotonic() - memory.looked > 10:
        ledger.discover()
        memory.seen, memory.looked = stamp, time.monotonic()


# -- settling ---------------------------------------------------------------------------------


def _settle_or_cancel(ledger: Ledger, engine: Engine, memory: Memory, entry: Entry) -> None:
    folder = ledger.folder(entry.id)
    if not folder.exists:
        if memory.since(memory.waited, entry.id) > memory.begin_s:
            _vanish(ledger, memory, folder)
        return
    alive = engine.alive(folder)
    if alive or folder.held():
        _while_alive(ledger, engine, memory, entry, folder)
    elif folder.outcome() is not None:
        _record(ledger, memory, folder)
    elif folder.first_event() is None:
        _never_began(ledger, memory, entry, folder, known_dead=alive is False)
    else:
        engine.stop(folder, force=True)  # children that outlived it
        _bury(ledger, memory, folder)


def _while_alive(
    ledger: Ledger, engine: Engine, memory: Memory, entry: Entry, folder: JobFolder
) -> None:
    memory.waited.pop(entry.id, None)
    if entry.started is None and (first := folder.first_event()) is not None:
        ledger.began(entry.id, first["t"])
    if not folder.cancel_asked() and folder.outcome() is None:
        return
    if entry.id not in memory.asked and folder.outcome() is None:
        engine.stop(folder, force=False)
    if memory.since(memory.asked, entry.id) > memory.grace_s:
        engine.stop(folder, force=True)


def _record(ledger: Ledger, memory: Memory, folder: JobFolder) -> None:
    outcome = folder.outcome()
    if outcome is None or folder.delete_asked():
        _vanish(ledger, memory, folder)
        return
    ledger.settle(folder.id, outcome)
    memory.forget(folder.id)
    sweep_scheduling.clear(ledger, folder)


def _vanish(ledger: Ledger, memory: Memory, folder: JobFolder) -> None:
    memory.forget(folder.id)
    sweep_scheduling.clear(ledger, folder)
    folder.delete()
    ledger.forget(folder.id)


def _never_began(
    ledger: Ledger, memory: Memory, entry: Entry, folder: JobFolder, *, known_dead: bool
) -> None:
    """A claimed job without a worker: back into the queue, unless that happened often."""
    waited = memory.since(memory.waited, entry.id)
    if not known_dead and waited < memory.begin_s:
        return
    if folder.cancel_asked() or (known_dead and entry.tries >= TRIES):
        _bury(ledger, memory, folder, _UNSTARTABLE)
    else:
        memory.forget(entry.id)
        ledger.wait_again(entry.id)


def _bury(ledger: Ledger, memory: Memory, folder: JobFolder, reason: str = _KILLED) -> None:
    """Write the outcome of a job whose worker is dead; the lock proves that it is."""
    with folder.hold(0):
        if folder.outcome() is None:
            folder.clean()
            state: Any = "cancelled" if folder.cancel_asked() else "failed"
            why = "ended firmly after it was cancelled" if state == "cancelled" else reason
            last = folder.last_event() or {}
            folder.finish(Outcome(state, why, time.time(), last.get("s")))
    _record(ledger, memory, folder)


# -- cancelling and starting ------------------------------------------------------------------


def _cancel_queued(ledger: Ledger, entry: Entry) -> None:
    folder = ledger.folder(entry.id)
    if not folder.cancel_asked() and folder.exists:
        return
    if not ledger.claim(entry.id, None):
        return
    if not folder.exists or folder.delete_asked():
        folder.delete()
        ledger.forget(entry.id)
    else:
        sweep_scheduling.end(ledger, folder, Outcome("cancelled", "cancelled before it began"))


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
def sole(root: Path, *, wait: bool = False) -> Iterator[None]:
    """Be the workspace's one supervisor.

    Raises
    ------
    JobError
        When there is one already and `wait` is False.
    """
    lock = FileLock(root / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=-1 if wait else _GLANCE)
    except Timeout:
        raise JobError(
            f"another supervisor is at work in '{root}'; stop it first, or use it"
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
        None: run until the process ends.
    wait : bool
        Wait for another supervisor's end instead of raising.
    begin_s : float
        Seconds a worker of an earlier supervisor may take to hold its job before the job is
        started again (two workers are safe: one holds the job, the other leaves).
    """
    root = Path(workspace).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    ending = stop or threading.Event()
    with sole(root, wait=wait):
        ledger = Ledger(root)
        memory = Memory(Settings.load(root).cancel_grace_s + 1.0, begin_s)
        kept = float("-inf")
        _guarded(_mend, ledger)
        try:
            while not ending.is_set():
                if time.monotonic() - kept > UPKEEP_EVERY:
                    kept = time.monotonic()
                    _guarded(_upkeep, root)
                _guarded(tick, ledger, engine, memory)
                _guarded(engine.rest)
                ending.wait(poll)
        finally:
            engine.close()


def _guarded(work: Any, *arguments: Any) -> None:
    """What fails is logged and tried again: one bad job must not stop all others."""
    try:
        work(*arguments)
    except Exception:  # noqa: BLE001 (the supervisor's one door)
        _LOG.exception("a tick of the supervisor failed; it goes on")


class Once(logging.Filter):
    """Lets the same error through once a minute: what fails fails at every tick."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this was not said within the last minute."""
        error = record.exc_info[1] if record.exc_info else None
        what, now = f"{record.getMessage()} {error!r}", time.monotonic()
        self._said = {said: at for said, at in self._said.items() if now - at < SAME_ERROR}
        return error is None or self._said.setdefault(what, now) == now


def _mend(ledger: Ledger) -> None:
    """Make a broken ledger again: the folders hold everything, and we are the only supervisor."""
    try:
        ledger.all()
    except IntegrityError:
        _LOG.warning("the ledger is broken; it is made again from the job folders")
        ledger.rebuild()


def _upkeep(root: Path) -> None:
    jobs = root / "jobs"
    if jobs.is_dir():
        _disk.sweep(jobs, trash_only=True)
    Shelf(root).sweep()
    if Settings.load(root).retention_days is not None:
        Workspace(root).prune()


def is_supervised(workspace: Path | str) -> bool:
    """Whether a supervisor is at work."""
    lock = FileLock(Path(workspace) / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def ensure_supervisor(workspace: Path | str) -> subprocess.Popen[bytes] | None:
    """Start a supervisor as a process of its own; None when there is one already.

    It ends when the caller closes its stdin or dies; running jobs go on without it.
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
    """End a supervisor started by `ensure_supervisor`; its running jobs go on."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Kept:
    """A workspace's supervisor, started again when it dies; left alone when it is another's.

    Parameters
    ----------
    workspace : Path or str
    """

    def __init__(self, workspace: Path | str) -> None:
        self._workspace = workspace
        self._process = ensure_supervisor(workspace)

    def look(self) -> None:
        """Start it again if it was ours and has died."""
        if self._process is not None and self._process.poll() is not None:
            end_supervisor(self._process)
            self._process = ensure_supervisor(self._workspace)

    def end(self) -> None:
        """End it if it is ours; its running jobs go on."""
        if self._process is not None:
            end_supervisor(self._process)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line of `python -m fairaudit.jobs.supervisor`."""
    parser = argparse.ArgumentParser(prog="python -m fairaudit.jobs.supervisor")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--address", help="of the Ray cluster, e.g. http://head:8265")
    parser.add_argument("--slots", type=int, help="trainings at a time; default by cores and GPUs")
    parser.add_argument("--poll", type=float, default=0.25, help="seconds between two looks")
    parser.add_argument("--no-standby", action="store_true", help="keep no warm worker")
    parser.add_argument("--while-stdin", action="store_true", help="end when stdin closes")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """As `serve`; exit code 1 when it cannot, with the reason in the log."""
    try:
        serve(arguments(words))
    except FairauditError as error:
        _LOG.error("%s", error)
        return 1
    return 0


def serve(asked: argparse.Namespace) -> None:
    """Supervise until SIGTERM, Ctrl-C or (if asked) the end of stdin.

    Raises
    ------
    JobError
        When there is another supervisor, or the cluster does not answer.
    SpecError
        When the workspace's settings are not valid.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    _LOG.addFilter(Once())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if asked.while_stdin:
        threading.Thread(target=_until_closed, args=(stop,), daemon=True).start()
    run(asked.workspace, engine_for(asked), poll=asked.poll, stop=stop)


def engine_for(words: argparse.Namespace) -> Engine:
    """The engine that was asked for on the command line."""
    grace = Settings.load(words.workspace).cancel_grace_s
    if words.engine == "ray":
        from fairaudit.jobs.engines.ray import RayEngine

        return RayEngine(words.address, slots=words.slots, grace=grace)
    from fairaudit.jobs.engines.local import LocalEngine, numbered_slots

    slots = None if words.slots is None else numbered_slots(words.slots)
    return LocalEngine(slots, standby=not words.no_standby, grace=grace)


def _until_closed(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
