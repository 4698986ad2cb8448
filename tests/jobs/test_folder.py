"""The folder of a job: whole or absent, whatever a crash cuts off."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairaudit.exceptions import IntegrityError, JobError, NotAllowed
from fairaudit.jobs import folder as folders
from fairaudit.jobs import runner
from fairaudit.jobs.folder import JobFolder, Outcome, Request, new_id
from tests.jobs.conftest import quick_request
from tests.jobs.quick_worker import compute


def _made(root: Path, **params) -> JobFolder:
    return JobFolder.create(root / "jobs", quick_request(**params))


def _done(root: Path) -> JobFolder:
    folder = _made(root)
    assert runner.run(folder, compute, own_process=False).state == "succeeded"
    return folder


def test_a_new_folder_holds_its_request_and_nothing_unfinished(tmp_path: Path) -> None:
    request = quick_request(steps=3)
    folder = JobFolder.create(tmp_path / "jobs", request)
    assert folder.request() == request
    assert [p.name for p in folder.path.iterdir()] == ["spec.json"]
    assert list((tmp_path / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../../etc/passwd", "20261120-181530-3f9a1c2b7d4e/../x", "a\x00b", "C:\\x",
     "/etc", "20261120-181530-3F9A1C2B7D4E", "20261120-181530-3f9a1c2b7d4e\n", "%2e%2e", "~root",
     "20261120-181530-3f9a1c2b7d4e.1.1", "．．/x"],
)  # fmt: skip
def test_nothing_but_an_id_becomes_a_path(tmp_path: Path, name: str) -> None:
    assert not folders.is_id(name)
    with pytest.raises(NotAllowed):
        JobFolder.create(tmp_path / "jobs", Request(name, "me", 0.0, {}))
    assert not (tmp_path / "jobs").exists()


def test_ids_are_ids_and_never_the_same(tmp_path: Path) -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(folders.is_id(id) and folders.parent_of(id) is None for id in ids)
    part = folders.part_id(next(iter(ids)), 2)
    assert folders.is_id(part)
    assert folders.parent_of(part) in ids


def _hold(path: str, ready, go) -> None:
    with JobFolder(Path(path)).hold():
        ready.set()
        go.wait(30)


def test_a_held_folder_is_held_until_its_process_dies(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    assert not folder.is_locked()
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(str(folder.path), ready, go))
    holder.start()
    assert ready.wait(30)
    assert folder.is_locked()
    with pytest.raises(JobError, match="another process"), folder.hold(0):
        pass
    holder.kill()
    holder.join()
    assert not folder.is_locked()


def test_events_cut_off_by_a_crash_are_left_out(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    for n in (1, 2, 3):
        folder.append({"n": n, "loss": float("nan")})
    path = folder.path / "events.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        events = folder.events()
        assert [e["n"] for e in events] == list(range(1, len(events) + 1))
        assert folder.last_event() == (events[-1] if events else None)
        assert folder.first_event() == (events[0] if events else None)
    path.write_bytes(whole)
    assert folder.events(after=2) == [{"n": 3, "loss": None}]


def test_an_outcome_cut_off_at_any_byte_is_no_outcome(tmp_path: Path) -> None:
    folder = _done(tmp_path)
    path = folder.path / "outcome.json"
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert folder.outcome() is None
        with pytest.raises(JobError, match="not finished"):
            folder.check_result()


def test_a_request_cut_off_at_any_byte_is_refused(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    path = folder.path / "spec.json"
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(IntegrityError, match="submit it again"):
            folder.request()


def test_a_result_cut_off_at_any_byte_is_never_a_success(tmp_path: Path) -> None:
    folder = _done(tmp_path)
    files = [p for p in sorted(folder.result_path.rglob("*")) if p.is_file()]
    assert {p.name for p in files} >= {"manifest.json", "payload.bin", "summary.json"}
    for path in files:
        whole = path.read_bytes()
        step = max(1, len(whole) // 200)
        for cut in range(0, len(whole), step):
            path.write_bytes(whole[:cut])
            assert folder.outcome().state == "failed"
            assert "damaged" in folder.outcome().reason
            with pytest.raises(JobError, match="damaged"):
                folder.check_result()
        path.write_bytes(whole)
    folder.check_result()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_changed_byte_of_the_result_is_noticed(tmp_path_factory, data) -> None:
    root = tmp_path_factory.mktemp("flip")
    folder = _done(root)
    files = [p for p in sorted(folder.result_path.rglob("*")) if p.is_file()]
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    with pytest.raises((IntegrityError, JobError)):
        folder.check_result()


def test_a_file_put_into_the_result_is_noticed(tmp_path: Path) -> None:
    folder = _done(tmp_path)
    (folder.result_path / "latent.parquet").write_bytes(b"x")
    with pytest.raises(IntegrityError, match=r"latent\.parquet.*does not belong"):
        folder.check_result()


def test_a_line_cut_off_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    path = folder.path / "events.jsonl"
    path.write_bytes(b'{"n": 1, "kind": "sta')
    assert runner.run(folder, compute, own_process=False).state == "succeeded"
    assert folder.first_event()["kind"] == "started"


def test_a_disk_that_takes_a_part_of_a_line_takes_the_rest(tmp_path: Path, monkeypatch) -> None:
    folder, real = _made(tmp_path), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:5]))
    folder.append({"n": 1, "kind": "started"})
    assert folder.events() == [{"n": 1, "kind": "started"}]


def test_a_lost_file_of_the_result_is_a_failure(tmp_path: Path) -> None:
    folder = _done(tmp_path)
    (folder.result_path / "payload.bin").unlink()
    assert folder.outcome().state == "failed"


def test_a_result_without_an_outcome_is_not_readable(tmp_path: Path) -> None:
    folder = _done(tmp_path)
    (folder.path / "outcome.json").unlink()
    with pytest.raises(JobError, match="not finished"):
        folder.check_result()


def test_a_failed_write_leaves_the_old_outcome_and_no_rest(tmp_path: Path, monkeypatch) -> None:
    folder = _made(tmp_path)
    folder.finish(Outcome("failed", "first", time.time()))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.finish(Outcome("succeeded", None, time.time()))
    assert folder.outcome().reason == "first"
    assert not list(folder.path.glob(".new-*"))


def test_cancelling_and_deleting_are_told_apart(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    assert (folder.cancel_requested(), folder.delete_requested()) == (False, False)
    folder.request_cancel()
    assert (folder.cancel_requested(), folder.delete_requested()) == (True, False)
    folder.request_cancel(then_delete=True)
    folder.request_cancel()
    assert (folder.cancel_requested(), folder.delete_requested()) == (True, True)
    folder.delete()
    folder.delete()
    assert list(folder.path.parent.iterdir()) == []


def test_an_unknown_state_in_an_outcome_is_none(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    (folder.path / "outcome.json").write_text(json.dumps({"state": "splendid"}))
    assert folder.outcome() is None
