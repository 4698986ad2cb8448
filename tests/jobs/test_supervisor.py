"""The supervisor: settles, cancels, starts; its death and a moved clock change nothing."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fairaudit.exceptions import JobError
from fairaudit.jobs import supervisor
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.engines.local import LocalEngine, numbered_slots
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.supervisor import Memory, tick
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import (
    QUICK,
    all_final,
    quick_request,
    submit_quick,
    tick_until,
    wait_for,
)


class Recorder:
    """An engine that only notes what it is asked for; workers are as alive as one says."""

    def __init__(self, alive: bool | None = True, slots: int = 1) -> None:
        self.slots = (*(Slot(f"cpu-{i}") for i in range(slots)), Slot("short", short_only=True))
        self.lives = alive
        self.started: list[str] = []
        self.stopped: list[tuple[str, bool]] = []

    def start(self, folder: JobFolder, slot: Slot) -> None:
        self.started.append(folder.id)

    def alive(self, folder: JobFolder) -> bool | None:
        return self.lives

    def stop(self, folder: JobFolder, *, force: bool) -> None:
        self.stopped.append((folder.id, force))

    def rest(self) -> None: ...

    def close(self) -> None: ...


def test_a_job_runs_from_the_queue_to_its_result(workspace: Workspace, engine) -> None:
    id = submit_quick(workspace)
    assert workspace.job(id).state == "queued"
    tick_until(workspace, engine, all_final(workspace, [id]))
    info = workspace.job(id)
    assert (info.state, info.progress) == ("succeeded", 1.0)
    assert info.seconds > 0
    assert info.peak_mb > 1
    assert workspace.ledger.get(id).slot is None


def test_no_more_jobs_than_slots_run(workspace: Workspace) -> None:
    for _ in range(5):
        submit_quick(workspace, kind="train")
    engine, memory = Recorder(slots=2), Memory()
    for _ in range(3):
        tick(workspace.ledger, engine, memory)
    assert len(engine.started) == 2


def test_a_killed_worker_is_a_failed_job_with_a_reason(workspace: Workspace, engine) -> None:
    id = submit_quick(workspace, then="die")
    tick_until(workspace, engine, all_final(workspace, [id]))
    assert workspace.job(id).state == "failed"
    assert "run the job again" in workspace.job(id).reason
    again = workspace.ledger.get(id)
    assert again.tries == 1


def test_a_job_whose_worker_never_began_is_started_again(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    engine, memory = Recorder(alive=False), Memory()
    for _ in range(10):
        tick(workspace.ledger, engine, memory)
    assert engine.started == [id] * supervisor.TRIES
    assert workspace.job(id).state == "failed"
    assert "before it started" in workspace.job(id).reason


def test_an_unknown_start_is_given_time_before_it_is_tried_again(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    workspace.ledger.claim(id, "cpu-0")  # by a supervisor that died at this moment
    engine, memory = Recorder(alive=None), Memory(begin_s=0.2)
    tick(workspace.ledger, engine, memory)
    assert workspace.ledger.get(id).state == "running"
    wait_for(lambda: tick(workspace.ledger, engine, memory) == 1)
    assert engine.started == [id]


def test_a_late_worker_of_a_dead_supervisor_keeps_its_job(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    workspace.ledger.claim(id, "cpu-0")
    engine, memory = Recorder(alive=None), Memory(begin_s=0.0)
    with workspace.ledger.folder(id).hold():
        for _ in range(3):
            tick(workspace.ledger, engine, memory)
    assert engine.started == []


def test_cancelling_a_queued_job_needs_no_supervisor(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    workspace.cancel(id)
    assert workspace.job(id).state == "cancelled"
    with pytest.raises(JobError, match="already ended"):
        workspace.cancel(id)


def test_a_cancel_left_by_a_dead_dashboard_is_heard(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    workspace.ledger.folder(id).request_cancel()
    engine = Recorder()
    tick(workspace.ledger, engine, Memory())
    assert workspace.job(id).state == "cancelled"
    assert engine.started == []


def test_cancelling_is_kind_first_and_firm_after_the_grace(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    engine, memory = Recorder(), Memory(grace_s=0.2)
    tick(workspace.ledger, engine, memory)
    folder = workspace.ledger.folder(id)
    folder.append({"n": 1, "t": 0.0, "kind": "started"})
    workspace.cancel(id)
    assert workspace.job(id).state == "cancelling"
    tick(workspace.ledger, engine, memory)
    tick(workspace.ledger, engine, memory)
    assert engine.stopped == [(id, False)]
    wait_for(lambda: bool(tick(workspace.ledger, engine, memory)) or len(engine.stopped) > 1)
    assert engine.stopped[-1] == (id, True)
    engine.lives = False
    tick(workspace.ledger, engine, memory)
    assert workspace.job(id).state == "cancelled"


def test_a_real_deaf_job_is_ended(workspace: Workspace) -> None:
    engine = LocalEngine(numbered_slots(1), command=QUICK, grace=600.0)
    id = submit_quick(workspace, then="deaf")
    tick_until(workspace, engine, lambda: len(workspace.events(id)) > 1)
    workspace.cancel(id)
    memory = Memory(grace_s=0.3)
    tick_until(workspace, engine, all_final(workspace, [id]), memory)
    assert workspace.job(id).state == "cancelled"
    engine.close()


def test_a_submission_whose_sender_died_is_found(workspace: Workspace, engine) -> None:
    request = quick_request()
    JobFolder.create(workspace.ledger.jobs, request)  # the ledger never heard of it
    tick_until(workspace, engine, all_final(workspace, [request.id]))
    tick_until(workspace, engine, lambda: workspace.job(request.id).state == "succeeded")


def test_a_request_that_cannot_be_read_fails_and_stops_nobody(
    workspace: Workspace, engine
) -> None:
    bad, good = submit_quick(workspace), submit_quick(workspace)
    (workspace.root / "jobs" / bad / "spec.json").write_bytes(b'{"id": ')
    tick_until(workspace, engine, all_final(workspace, [bad, good]))
    assert workspace.job(bad).state == "failed"
    assert "cannot be read" in workspace.job(bad).reason
    assert workspace.job(good).state == "succeeded"


def test_deleting_a_running_job_hides_it_at_once_and_removes_it_later(
    workspace: Workspace, engine
) -> None:
    id = submit_quick(workspace, steps=1000, pause=0.05)
    tick_until(workspace, engine, lambda: len(workspace.events(id)) > 1)
    workspace.delete(id)
    assert workspace.jobs() == []
    tick_until(workspace, engine, lambda: workspace.ledger.get(id) is None)
    assert list((workspace.root / "jobs").iterdir()) == []


def test_a_clock_that_jumps_changes_no_state(workspace: Workspace, engine, monkeypatch) -> None:
    jumps = iter(range(1, 100_000))
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + (-1) ** next(jumps) * 3.2e8)
    ids = [submit_quick(workspace, steps=3, pause=0.02) for _ in range(4)]
    bad = submit_quick(workspace, then="die")
    tick_until(workspace, engine, all_final(workspace, [*ids, bad]))
    assert [workspace.job(id).state for id in ids] == ["succeeded"] * 4
    assert workspace.job(bad).state == "failed"
    assert all(workspace.ledger.get(id).tries == 1 for id in ids)


def test_a_full_disk_is_a_failed_tick_and_not_the_end(workspace: Workspace, engine) -> None:
    id = submit_quick(workspace, then="die")
    memory = Memory(begin_s=1.0)
    real = os.fsync
    full = True

    def fsync(descriptor: int) -> None:
        if full:
            raise OSError(28, "No space left on device")
        real(descriptor)

    stop = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        run = threading.Thread(
            target=supervisor.run,
            args=(workspace.root, engine),
            kwargs={"poll": 0.05, "stop": stop},
        )
        run.start()
        wait_for(lambda: workspace.ledger.folder(id).first_event() is not None)
        wait_for(lambda: not workspace.ledger.folder(id).is_locked())
        assert workspace.job(id).state == "running"  # nobody could write how it ended
        full = False
        wait_for(all_final(workspace, [id]))
        stop.set()
        run.join(30)
    assert workspace.job(id).state == "failed"
    assert not list((workspace.root / "jobs" / id).glob(".new-*"))
    assert memory.cancel_requested == {}


def test_a_broken_ledger_is_mended_and_the_work_goes_on(workspace: Workspace, engine) -> None:
    done, waiting = submit_quick(workspace), submit_quick(workspace)
    tick_until(workspace, engine, all_final(workspace, [done, waiting]))
    late = submit_quick(workspace)
    (workspace.root / "ledger.db").write_bytes(b"nonsense" * 1000)
    stop = threading.Event()
    run = threading.Thread(
        target=supervisor.run, args=(workspace.root, engine), kwargs={"poll": 0.05, "stop": stop}
    )
    run.start()
    fresh = Workspace(workspace.root)
    wait_for(lambda: fresh.ledger.folder(late).outcome() is not None)
    stop.set()
    run.join(30)
    assert {fresh.job(id).state for id in (done, waiting, late)} == {"succeeded"}


class Broken(Recorder):
    """An engine that cannot say how one job is."""

    def __init__(self, bad: str) -> None:
        super().__init__(slots=3)
        self.bad = bad

    def alive(self, folder: JobFolder) -> bool | None:
        if folder.id == self.bad:
            raise ConnectionError("the cluster does not know this job")
        return self.lives


def test_one_job_that_cannot_be_looked_after_stops_nobody(workspace: Workspace, caplog) -> None:
    bad, other = submit_quick(workspace, kind="train"), submit_quick(workspace, kind="train")
    engine, memory = Broken(bad), Memory()
    tick(workspace.ledger, engine, memory)
    engine.lives = False
    folder = workspace.ledger.folder(other)
    folder.append({"n": 1, "t": 0.0, "kind": "started"})
    late = submit_quick(workspace, kind="train")
    tick(workspace.ledger, engine, memory)
    assert workspace.job(other).state == "failed"
    assert late in engine.started
    assert "does not know this job" in caplog.text


def test_the_same_error_is_logged_once_a_minute(monkeypatch) -> None:
    def record(error: Exception | None) -> logging.LogRecord:
        told = None if error is None else (type(error), error, None)
        return logging.LogRecord("x", logging.ERROR, "f", 1, "a tick failed", (), told)

    once = supervisor.RepeatFilter()
    assert once.filter(record(OSError("full")))
    assert not once.filter(record(OSError("full")))
    assert once.filter(record(OSError("other")))
    assert once.filter(record(None))
    assert once.filter(record(None))
    later = time.monotonic() + supervisor.SAME_ERROR + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert once.filter(record(OSError("full")))


# -- the process ---------------------------------------------------------------------------------


def test_a_workspace_has_one_supervisor(tmp_path: Path) -> None:
    with supervisor.exclusive(tmp_path):
        assert supervisor.is_supervised(tmp_path)
        with pytest.raises(JobError, match="another supervisor"):
            supervisor.run(tmp_path, Recorder())
    assert not supervisor.is_supervised(tmp_path)


def _command(root: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fairaudit.jobs.supervisor", str(root), "--no-standby", *words],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_the_command_says_that_another_is_at_work(tmp_path: Path) -> None:
    with supervisor.exclusive(tmp_path):
        process = _command(tmp_path)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"another supervisor" in said
    assert b"Traceback" not in said


@pytest.mark.parametrize("end", ["signal", "stdin"])
def test_a_supervisor_ends_when_asked_and_when_its_starter_goes(tmp_path: Path, end: str) -> None:
    process = _command(tmp_path, "--while-stdin")
    wait_for(lambda: supervisor.is_supervised(tmp_path))
    if end == "signal":
        process.send_signal(signal.SIGTERM)
    else:
        process.stdin.close()
    assert process.wait(30) == 0
    assert not supervisor.is_supervised(tmp_path)
    process.stderr.close()
    if end == "signal":
        process.stdin.close()


def test_ensuring_a_supervisor_starts_one_and_only_one(tmp_path: Path) -> None:
    first = supervisor.ensure_supervisor(tmp_path)
    assert first is not None
    wait_for(lambda: supervisor.is_supervised(tmp_path))
    assert supervisor.ensure_supervisor(tmp_path) is None
    supervisor.end_supervisor(first)
    assert first.returncode == 0
    assert not supervisor.is_supervised(tmp_path)


def test_a_kept_supervisor_that_is_killed_is_started_again(tmp_path: Path) -> None:
    kept = supervisor.RestartingSupervisor(tmp_path)
    wait_for(lambda: supervisor.is_supervised(tmp_path))
    kept.check()
    first = kept._process
    first.kill()
    first.wait()
    kept.check()
    assert kept._process is not first
    wait_for(lambda: supervisor.is_supervised(tmp_path))
    kept.end()
    assert not supervisor.is_supervised(tmp_path)


def test_a_supervisor_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with supervisor.exclusive(tmp_path):
        kept = supervisor.RestartingSupervisor(tmp_path)
    kept.check()
    kept.end()
    assert not supervisor.is_supervised(tmp_path)


def test_settings_that_are_not_valid_are_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")
    process = _command(tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"settings.json" in said
    assert b"Traceback" not in said


def test_settings_reach_the_supervisor(tmp_path: Path) -> None:
    Settings(cancel_grace_s=7.0).save(tmp_path)
    words = supervisor.arguments([str(tmp_path), "--slots", "3", "--no-standby"])
    made = supervisor.engine_for(words)
    assert [s.name for s in made.slots] == ["cpu-0", "cpu-1", "cpu-2", "short"]
    assert made._grace == 7.0
