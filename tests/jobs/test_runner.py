"""A worker's work: every way it can end becomes the right outcome, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairaudit.jobs import runner
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor
from tests.jobs.conftest import QUICK, quick_request, wait_for
from tests.jobs.quick_worker import compute


def _folder(root: Path, **params) -> JobFolder:
    return JobFolder.create(root / "jobs", quick_request(**params))


def _worker(folder: JobFolder, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*QUICK, str(folder.path)],
        start_new_session=True,
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("then", "state", "reason"),
    [
        (None, "succeeded", None),
        ("refuse", "failed", "column 'age' is not in the table"),
        ("crash", "failed", "RuntimeError: something unforeseen"),
        ("disk full", "failed", "the disk is full"),
    ],
)
def test_every_end_becomes_an_outcome(tmp_path: Path, then, state, reason) -> None:
    folder = _folder(tmp_path, then=then)
    outcome = runner.run(folder, compute, own_process=False)
    assert outcome == folder.outcome()
    assert outcome.state == state
    assert outcome.reason is None if reason is None else reason in outcome.reason
    assert outcome.seconds > 0
    assert outcome.peak_mb > 1
    assert folder.result_path.exists() == (state == "succeeded")
    assert not list(folder.path.glob(".*-*"))


def test_work_of_less_than_a_millisecond_still_took_time(tmp_path: Path) -> None:
    monitor = FolderMonitor(_folder(tmp_path), clock=iter([0.0] + [0.0003] * 9).__next__)
    assert runner._outcome(monitor, "succeeded").seconds == 0.0003


def test_an_unforeseen_error_leaves_its_trace_in_the_log(tmp_path: Path) -> None:
    folder = _folder(tmp_path, then="crash")
    runner.run(folder, compute, own_process=False)
    assert "Traceback" in folder.log()
    assert "something unforeseen" in folder.log()


def test_a_late_worker_that_finds_an_outcome_leaves_it(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    folder = _folder(tmp_path, marks=str(marks))
    first = runner.run(folder, compute, own_process=False)
    again = runner.run(folder, compute, own_process=False)
    assert again == first
    assert len(list(marks.iterdir())) == 1


def test_of_many_workers_one_works(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    folder = _folder(tmp_path, marks=str(marks), steps=5, pause=0.1)
    workers = [_worker(folder) for _ in range(5)]
    assert [w.wait(60) for w in workers].count(0) >= 1
    assert len(list(marks.iterdir())) == 1
    assert folder.outcome().state == "succeeded"
    assert len([e for e in folder.events() if e["kind"] == "started"]) == 1


def test_the_rest_of_a_dead_worker_is_cleaned_by_the_next(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder.path / ".new-result-dead").mkdir()
    (folder.path / "result").mkdir()
    (folder.path / "result" / "half.parquet").write_bytes(b"PAR")
    runner.run(folder, compute, own_process=False)
    assert not (folder.path / ".new-result-dead").exists()
    assert not (folder.result_path / "half.parquet").exists()
    folder.check_result()


def test_sigterm_and_the_cancel_file_stop_kindly(tmp_path: Path) -> None:
    by_signal = _folder(tmp_path, steps=1000, pause=0.05)
    by_file = _folder(tmp_path, steps=1000, pause=0.05)
    workers = [_worker(by_signal), _worker(by_file)]
    wait_for(lambda: len(by_signal.events()) > 1 and len(by_file.events()) > 1)
    workers[0].send_signal(signal.SIGTERM)
    by_file.request_cancel()
    assert [w.wait(10) for w in workers] == [0, 0]
    assert by_signal.outcome().state == by_file.outcome().state == "cancelled"
    assert by_signal.outcome().reason == "stopped by a signal"


def test_a_deaf_worker_ends_itself_after_the_grace(tmp_path: Path) -> None:
    folder = _folder(tmp_path, then="deaf")
    worker = _worker(folder, FAIRAUDIT_GRACE_S="0.3")
    wait_for(lambda: len(folder.events()) > 1)
    folder.request_cancel()
    assert worker.wait(20) != 0
    assert folder.outcome().state == "cancelled"
    assert "killed" in folder.outcome().reason
    assert not folder.is_locked()


def test_a_job_over_its_memory_limit_ends_with_that_reason(tmp_path: Path) -> None:
    folder = _folder(tmp_path, then="eat", memory_limit_mb=200)
    assert _worker(folder).wait(30) != 0
    outcome = folder.outcome()
    assert outcome.state == "failed"
    assert "the limit is 200 MB" in outcome.reason
    assert outcome.peak_mb > 200


def test_a_job_cancelled_before_it_computes_does_not_compute(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    folder = _folder(tmp_path, marks=str(marks))
    folder.request_cancel()
    assert runner.run(folder, compute, own_process=False).state == "cancelled"
    assert not list(marks.iterdir())


def test_the_first_event_comes_before_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fairaudit.jobs.folder import JobFolder\n"
        "import fairaudit.worker as worker; from fairaudit.jobs import runner\n"
        "def look(f, m, a, b):\n"
        "    assert f.first_event()['kind'] == 'started'\n"
        "    heavy = {'torch', 'sklearn', 'polars', 'pandas', 'scipy', 'numpy', 'pydantic'}\n"
        "    raise SystemError(sorted(heavy & set(sys.modules)))\n"
        "runner.run(JobFolder(Path(sys.argv[1])), look)"
    )
    folder = _folder(tmp_path)
    subprocess.run([sys.executable, "-c", code, str(folder.path)], check=True, timeout=60)
    assert "SystemError: []" in folder.outcome().reason


def test_seconds_do_not_follow_the_wall_clock(tmp_path: Path, monkeypatch) -> None:
    folder = _folder(tmp_path, steps=2, pause=0.01)
    hours = iter(range(10_000))
    monkeypatch.setattr(time, "time", lambda: 1e9 - 3600.0 * next(hours))
    outcome = runner.run(folder, compute, own_process=False)
    assert outcome.state == "succeeded"
    assert 0 < outcome.seconds < 60
    assert all(0 <= event["s"] < 60 for event in folder.events())
