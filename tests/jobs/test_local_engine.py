"""Workers as processes: their group, their slot, their end, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fairaudit.jobs import _process
from fairaudit.jobs.engines import local
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.engines.local import LocalEngine, default_slots, numbered_slots, threads_each
from fairaudit.jobs.folder import JobFolder
from tests.jobs.conftest import QUICK, quick_request, wait_for

SHOW = (
    sys.executable,
    "-c",
    "import json, os, sys, pathlib; pathlib.Path(sys.argv[1], 'log.txt').write_text("
    "json.dumps({**os.environ, 'group': os.getpgid(0), 'pid': os.getpid()}))",
)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder.create(tmp_path / "jobs", quick_request())


def _deaf(root: Path, **params) -> JobFolder:
    return JobFolder.create(root / "jobs", quick_request(**params))


def _seen(engine: LocalEngine, folder: JobFolder, slot: Slot) -> dict:
    import json

    engine.start(folder, slot)
    wait_for(lambda: engine.alive(folder) is False)
    return json.loads(folder.log())


def test_each_slot_has_its_device_and_its_share_of_threads(tmp_path: Path) -> None:
    slots = (Slot("gpu-0", "cuda"), Slot("gpu-1", "cuda"), Slot("cpu-0"))
    engine = LocalEngine(slots, command=SHOW, threads=3)
    engine._gpus = ("0", "3")
    seen = []
    for slot in slots:
        folder = JobFolder.create(tmp_path / "jobs", quick_request())
        seen.append(_seen(engine, folder, slot))
    assert [s["CUDA_VISIBLE_DEVICES"] for s in seen] == ["0", "3", ""]
    assert {s["OMP_NUM_THREADS"] for s in seen} == {"3"}
    assert {s["POLARS_MAX_THREADS"] for s in seen} == {"3"}
    assert all(s["group"] == s["pid"] != os.getpgid(0) for s in seen)
    assert len({s[_process.TOKEN] for s in seen}) == 3


@pytest.mark.parametrize(
    ("gpus", "cores", "trainings", "threads"),
    [(0, 1, 1, 1), (0, 2, 1, 2), (0, 8, 2, 4), (0, 64, 8, 8), (2, 16, 6, 2)],
)
def test_slots_share_the_cores(gpus: int, cores: int, trainings: int, threads: int) -> None:
    slots = default_slots(gpus, cores)
    assert sum(not slot.short_only for slot in slots) == trainings
    assert sum(slot.device == "cuda" for slot in slots) == gpus
    assert sum(slot.short_only for slot in slots) == 1
    assert threads_each(slots, cores) == threads
    assert len({slot.name for slot in slots}) == len(slots)


def test_gpus_are_found_without_torch(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert local.visible_gpus() == ("2", "5")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert local.visible_gpus() == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert local.visible_gpus() == ()


def test_a_machine_without_nvidia_has_no_gpu(monkeypatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert local.visible_gpus() == ()


def test_a_forced_stop_ends_the_worker_and_its_children(engine, tmp_path: Path) -> None:
    folder = _deaf(tmp_path, then="deaf")
    engine.start(folder, engine.slots[0])
    wait_for(lambda: len(folder.events()) > 1)
    assert engine.alive(folder) is True
    engine.stop(folder, force=True)
    wait_for(lambda: engine.alive(folder) is False)
    assert not folder.is_locked()
    assert folder.outcome() is None


def test_children_of_an_ended_worker_go_with_it(engine, tmp_path: Path) -> None:
    folder = _deaf(tmp_path, then="child")
    engine.start(folder, engine.slots[0])
    wait_for(lambda: folder.first_event() is not None)
    token = folder.first_event()["token"]
    wait_for(lambda: engine.alive(folder) is False)
    wait_for(lambda: not list(_process.with_token(token)))
    assert folder.outcome().state == "succeeded"


def test_ended_workers_are_seen_where_the_system_cannot_be_asked(
    engine, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.delattr(os, "waitid")  # macOS before Python 3.13
    ended = subprocess.Popen([sys.executable, "-c", ""])
    living = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    wait_for(lambda: _process.is_zombie(ended.pid))
    assert not _process.is_zombie(living.pid)
    ended.wait()
    assert not _process.is_zombie(ended.pid)
    living.kill()
    living.wait()
    folder = _deaf(tmp_path)
    engine.start(folder, engine.slots[0])
    wait_for(lambda: engine.alive(folder) is False)
    assert folder.outcome().state == "succeeded"


def test_a_new_engine_knows_and_stops_the_workers_of_the_old_one(tmp_path: Path) -> None:
    old = LocalEngine(numbered_slots(1), command=QUICK)
    folder = _deaf(tmp_path, then="deaf")
    old.start(folder, old.slots[0])
    wait_for(lambda: len(folder.events()) > 1)
    process = old._children[folder.id].process
    new = LocalEngine(numbered_slots(1), command=QUICK)
    assert new.alive(folder) is True
    new.stop(folder, force=True)
    assert process.wait(20) == -signal.SIGKILL
    assert new.alive(folder) is False
    old.close()


def test_a_number_used_again_is_not_mistaken_for_a_worker(engine, folder: JobFolder) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        import socket

        started = {"pid": innocent.pid, "host": socket.gethostname(), "token": "0" * 32}
        folder.append({"n": 1, "kind": "started", **started})
        assert engine.alive(folder) is False
        engine.stop(folder, force=True)
        assert psutil.Process(innocent.pid).status() != psutil.STATUS_ZOMBIE
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_worker_on_another_machine_is_not_looked_for_here(engine, folder: JobFolder) -> None:
    folder.append({"n": 1, "kind": "started", "pid": 1, "host": "elsewhere", "token": "x"})
    assert engine.alive(folder) is None


@pytest.mark.slow
def test_the_warm_worker_takes_the_job_and_runs_it_as_a_cold_one_would(
    tmp_path: Path, monkeypatch
) -> None:
    engine = LocalEngine(numbered_slots(1), threads=1, grace=1.0)
    try:
        engine.rest()
        warm = engine._warm.process.pid
        wait_for(lambda: engine.warm, 120)
        folder = JobFolder.create(tmp_path / "jobs", quick_request())
        engine.start(folder, engine.slots[0])
        wait_for(lambda: engine.alive(folder) is False, 60)
        assert folder.first_event()["pid"] == warm
        assert folder.outcome().state == "failed"  # the real worker: there is no such data set
        engine.rest()
        assert engine._warm.process.pid != warm
    finally:
        engine.close()
    assert engine._warm is None


def test_a_warm_worker_ends_when_its_supervisor_goes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import fairaudit.worker as w; w._warm_up = lambda: None;"
               "import sys; sys.exit(w.main(['--standby']))"]  # fmt: skip
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout.readline() == b"ready\n"
    worker.stdin.close()
    assert worker.wait(30) == 0
    worker.stdout.close()


def test_a_warm_worker_that_dies_by_itself_is_given_up(tmp_path: Path, monkeypatch) -> None:
    bad = (sys.executable, "-c", "raise SystemExit(1)")
    monkeypatch.setattr(local, "WORKER", bad)
    engine = LocalEngine(numbered_slots(1), command=bad)
    for _ in range(local._STILLBORN):
        engine.rest()
        engine._warm.process.wait()
    engine.rest()
    assert engine._warm is None
    engine.rest()
    assert engine._warm is None
