"""Room on the disk: quota, retention, and nothing derived survives a deletion."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from fairaudit.exceptions import JobError, LimitExceeded, NotAllowed, SpecError
from fairaudit.jobs import _disk, retention, runner, supervisor
from fairaudit.jobs.engines import inline
from fairaudit.jobs.folder import JobFolder, Outcome
from fairaudit.jobs.ledger import Ledger
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.users import Access, Person
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import submit_quick, wait_for
from tests.jobs.quick_worker import compute
from tests.jobs.test_supervisor import Recorder

CSV = b"x,y,sex\n1,0,f\n2,1,m\n3,0,f\n4,1,m\n"


def _done(workspace: Workspace, dataset: str, age_days: float = 0.0) -> str:
    id = submit_quick(workspace, dataset=dataset)
    workspace.ledger.claim(id, "inline")
    outcome = runner.run(workspace.ledger.folder(id), compute, own_process=False)
    workspace.ledger.settle(id, Outcome("succeeded", None, time.time() - age_days * retention.DAY))
    assert outcome.state == "succeeded"
    return id


def test_a_full_workspace_takes_nothing_more_and_says_what_to_do(workspace: Workspace) -> None:
    info = workspace.ingest(CSV, name="a.csv")
    spec = JobSpec.model_validate({"dataset": info.sha256, "audit": {"roles": {}}})
    workspace.set_settings(Settings(disk_quota_mb=1))
    (workspace.root / "ballast").write_bytes(b"0" * 2**20)
    for call in (lambda: workspace.ingest(b"x\n1\n", name="b"), lambda: workspace.submit(spec)):
        with pytest.raises(LimitExceeded, match=r"1 MB of its 1 MB.*--prune"):
            call()
    assert workspace.jobs() == []


def test_a_result_that_would_burst_the_quota_is_not_published(workspace: Workspace) -> None:
    workspace.set_settings(Settings(disk_quota_mb=1))

    def hoard(folder, monitor, aside: Path, model: Path) -> None:
        (aside / "big.bin").write_bytes(b"0" * 2**21)

    id = submit_quick(workspace)
    outcome = runner.run(workspace.ledger.folder(id), hoard, own_process=False)
    assert outcome.state == "failed"
    assert "disk_quota_mb" in outcome.reason
    assert not workspace.ledger.folder(id).result_path.exists()
    assert workspace.usage_mb() < 1


def test_a_jobs_memory_limit_is_never_above_the_workspaces(workspace: Workspace) -> None:
    info = workspace.ingest(CSV, name="a.csv")
    workspace.set_settings(Settings(memory_limit_mb=512))
    limits = {}
    for own in (None, 256, 4096):
        spec = JobSpec.model_validate(
            {"dataset": info.sha256, "audit": {"roles": {}}, "memory_limit_mb": own}
        )
        limits[own] = workspace.spec(workspace.submit(spec)).memory_limit_mb
    assert limits == {None: 512, 256: 256, 4096: 512}


def test_pruning_removes_old_finished_jobs_and_then_unused_data(workspace: Workspace) -> None:
    kept_data = workspace.ingest(CSV, name="kept.csv").sha256
    lost_data = workspace.ingest(CSV + b"5,0,f\n", name="lost.csv").sha256
    fresh = _done(workspace, kept_data)
    old = _done(workspace, kept_data, age_days=40)
    waiting = submit_quick(workspace, dataset=kept_data)
    _age_owners(workspace, 40)
    pruned = workspace.prune(30)
    assert pruned.jobs == (old,)
    assert pruned.datasets == (lost_data,)
    assert {info.id for info in workspace.jobs()} == {fresh, waiting}
    assert [d.name for d in workspace.datasets()] == ["kept.csv"]
    assert [line.action for line in workspace.trail()][-2:] == ["delete", "delete"]


def _age_owners(workspace: Workspace, days: float) -> None:
    with workspace._access._db.writing() as db:
        db.execute("UPDATE owners SET since = since - ?", (days * retention.DAY,))


def test_without_an_age_only_data_of_nobody_are_removed(workspace: Workspace) -> None:
    mine = workspace.ingest(CSV, name="mine.csv").sha256
    orphan = workspace.ingest(CSV + b"5,0,f\n", name="x.csv").sha256
    workspace._access.forget("dataset", orphan)
    _done(workspace, mine, age_days=4000)
    assert workspace.prune() == retention.Pruned((), (orphan,))
    assert len(workspace.jobs()) == 1


def test_pruning_everything_that_ended_is_pruning_at_age_nought(workspace: Workspace) -> None:
    done = _done(workspace, "0" * 64, age_days=0.001)
    waiting = submit_quick(workspace)
    assert workspace.prune(0).jobs == (done,)
    assert [info.id for info in workspace.jobs()] == [waiting]


def test_a_supervisor_keeps_the_retention_and_writes_it_down(workspace: Workspace) -> None:
    old, fresh = _done(workspace, "0" * 64, age_days=40), _done(workspace, "0" * 64)
    supervisor._maintain(workspace.root)
    assert len(workspace.jobs()) == 2
    workspace.set_settings(Settings(retention_days=30))
    supervisor._maintain(workspace.root)
    assert [info.id for info in workspace.jobs()] == [fresh]
    line = workspace.trail()[-1]
    assert (line.action, line.id, line.detail) == ("delete", old, "retention")


def test_data_opened_lately_are_in_use(workspace: Workspace) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    _age_owners(workspace, 40)
    workspace.dataset(data)
    assert workspace.prune(30).datasets == ()


def _meanwhile(monkeypatch, owner, name: str, rival) -> list[threading.Thread]:
    """Let a rival begin just before `owner.name` does its work."""
    real, rivals = getattr(owner, name), []

    def slow(*arguments, **options):
        rivals.append(threading.Thread(target=rival))
        rivals[-1].start()
        rivals[-1].join(0.3)
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, slow)
    return rivals


def test_data_are_not_collected_under_a_job_that_is_being_queued(
    workspace: Workspace, monkeypatch
) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    _age_owners(workspace, 40)
    spec = JobSpec.model_validate({"dataset": data, "audit": {"roles": {}}})
    with monkeypatch.context() as patch:
        prune = lambda: Workspace(workspace.root).prune(30)  # noqa: E731
        rivals = _meanwhile(patch, JobFolder, "create", prune)
        job = workspace.submit(spec)
    for rival in rivals:
        rival.join()
    assert workspace.job(job).state == "queued"
    assert workspace.dataset(data).height == 4


def test_data_are_not_collected_before_they_have_an_owner(
    workspace: Workspace, monkeypatch
) -> None:
    with monkeypatch.context() as patch:
        rivals = _meanwhile(patch, Access, "make_owner", lambda: Workspace(workspace.root).prune())
        data = workspace.ingest(CSV, name="a.csv").sha256
    for rival in rivals:
        rival.join()
    assert workspace.dataset(data).height == 4


def test_a_job_on_data_that_went_away_meanwhile_is_refused(
    workspace: Workspace, monkeypatch
) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    spec = JobSpec.model_validate({"dataset": data, "audit": {"roles": {}}})
    with monkeypatch.context() as patch:
        _meanwhile(patch, Workspace, "_create", lambda: workspace.delete_dataset(data))
        with pytest.raises(NotAllowed, match=r"dataset .* was not found"):
            workspace.submit(spec)
    assert workspace.jobs() == []


def test_data_of_jobs_the_index_lost_are_in_use(workspace: Workspace) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    job = submit_quick(workspace, dataset=data)
    _age_owners(workspace, 40)
    for path in workspace.root.glob("ledger.db*"):
        path.unlink()
    assert Workspace(workspace.root).prune(30) == retention.Pruned()
    assert workspace.job(job).state == "queued"
    assert workspace.dataset(data).height == 4


def test_data_that_burst_the_quota_are_not_kept(workspace: Workspace) -> None:
    workspace.set_settings(Settings(disk_quota_mb=1))
    dice = random.Random(0)
    rows = "".join(f"{dice.random()},{dice.random()}\n" for _ in range(100_000))
    with pytest.raises(LimitExceeded, match="disk_quota_mb"):
        workspace.ingest(f"x,y\n{rows}".encode(), name="large.csv")
    assert workspace.datasets() == []
    assert workspace.usage_mb() < 1


@pytest.mark.parametrize("name", ["data.parquet", "schema.json"])
def test_damaged_data_are_told_and_mended_by_bringing_them_again(
    workspace: Workspace, name: str
) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    other = workspace.ingest(CSV + b"5,0,f\n", name="b.csv").sha256
    path = workspace.root / "datasets" / data / name
    path.write_bytes(path.read_bytes()[:40])
    assert len(workspace.check()) == 1
    assert {info.sha256 for info in workspace.datasets()} == {data, other}
    assert workspace.ingest(CSV, name="a.csv").rows == 4
    assert workspace.dataset(data).height == 4
    assert workspace.check() == []


def test_deleting_data_leaves_a_job_that_stops_already_to_its_end(workspace: Workspace) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    job = submit_quick(workspace, dataset=data)
    workspace.ledger.claim(job, "cpu-0")
    workspace.delete(job)
    workspace.delete_dataset(data)
    assert workspace.ledger.get(job).state == "doomed"
    assert workspace.ledger.folder(job).delete_requested()


def test_a_job_deleted_while_it_runs_in_this_process_is_gone_afterwards(
    workspace: Workspace, monkeypatch
) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    spec = JobSpec.model_validate({"dataset": data, "audit": {"roles": {"target": "y"}}})

    def deleted(folder, *_) -> None:
        workspace.delete(folder.id)

    monkeypatch.setattr(inline.run_inline, "__defaults__", (deleted,))
    job = workspace.run_now(spec)
    assert workspace.jobs() == []
    assert not workspace.ledger.folder(job).path.exists()


@pytest.mark.parametrize("lost", [True, False])
def test_a_rebuild_brings_nothing_back_that_was_deleted(workspace: Workspace, lost: bool) -> None:
    job = submit_quick(workspace)
    workspace.ledger.claim(job, "cpu-0")
    workspace.delete(job)
    runner.run(workspace.ledger.folder(job), compute, own_process=False)
    if lost:
        (workspace.root / "ledger.db").unlink()
    fresh = Workspace(workspace.root)
    assert fresh.rebuild() == 1
    assert fresh.jobs() == []
    supervisor.tick(Ledger(workspace.root), Recorder(alive=False), supervisor.Memory())
    assert list((workspace.root / "jobs").iterdir()) == []


def test_deleting_data_removes_all_that_was_made_of_them(workspace: Workspace) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    done = _done(workspace, data)
    waiting = submit_quick(workspace, dataset=data)
    other = _done(workspace, "1" * 64)
    workspace.share("job", done, Person("i", "s"))
    workspace.delete_dataset(data)
    assert [info.id for info in workspace.jobs()] == [other]
    left = [p.name for p in workspace.root.rglob("*")]
    assert not {data, done, waiting} & set(left)
    assert workspace._access.related(Person("i", "s"), "job") == {}
    for path in workspace.root.glob("ledger.db*"):
        assert done.encode() not in path.read_bytes()
    assert workspace.datasets() == []


def test_deleting_twice_is_a_thing_that_is_not_there(workspace: Workspace) -> None:
    id = _done(workspace, "0" * 64)
    workspace.delete(id)
    with pytest.raises(Exception, match=r"audit .* was not found"):
        workspace.delete(id)


def test_settings_that_are_not_valid_name_their_file(workspace: Workspace) -> None:
    (workspace.root / "settings.json").write_text('{"disk_quota": 5}')
    with pytest.raises(SpecError, match=r"settings\.json"):
        _ = workspace.settings


def test_rebuilding_beside_a_supervisor_is_refused(workspace: Workspace) -> None:
    with (
        supervisor.exclusive(workspace.root),
        pytest.raises(JobError, match="is running"),
    ):
        workspace.rebuild()


def test_the_check_finds_a_changed_result(workspace: Workspace) -> None:
    id = _done(workspace, "0" * 64)
    assert workspace.check() == []
    path = workspace.ledger.folder(id).result_path / "payload.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"#")
    assert len(workspace.check()) == 1


# -- what dies half way --------------------------------------------------------------------------

_DYING = """
import sys, time
from pathlib import Path
from fairaudit.jobs import _disk
with _disk.staging(Path(sys.argv[1])) as aside:
    (aside / "half").write_bytes(b"x")
    print("here", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_ingestion_left_is_swept_and_a_living_one_is_not(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    processes = [
        subprocess.Popen([sys.executable, "-c", _DYING, str(incoming)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [p.stdout.readline() for p in processes] == [b"here\n"] * 2
    os.kill(processes[0].pid, signal.SIGKILL)
    processes[0].wait()
    wait_for(lambda: _disk.sweep_staging(incoming) == 1)
    assert len(list(incoming.glob("*.lock"))) == 1
    processes[1].kill()
    for process in processes:
        process.wait()
        process.stdout.close()
    assert _disk.sweep_staging(incoming) == 1
    assert list(incoming.iterdir()) == []


def test_a_failed_ingestion_leaves_nothing(workspace: Workspace) -> None:
    with pytest.raises(Exception, match="empty"):
        workspace.ingest(b"", name="empty.csv")
    assert list((workspace.root / "incoming").iterdir()) == []
    assert workspace.datasets() == []


def test_a_full_disk_at_submission_leaves_nothing(workspace: Workspace, monkeypatch) -> None:
    data = workspace.ingest(CSV, name="a.csv").sha256
    spec = JobSpec.model_validate({"dataset": data, "audit": {"roles": {}}})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LimitExceeded, match="is full; free some space"):
        workspace.submit(spec)
    with pytest.raises(LimitExceeded, match="is full; free some space"):
        workspace.run_now(spec)
    monkeypatch.undo()
    assert workspace.jobs() == []
    assert list((workspace.root / "jobs").iterdir()) == []
    assert list((workspace.root / "incoming").iterdir()) == []


def test_a_lock_file_goes_where_open_files_cannot_be_removed(tmp_path: Path, monkeypatch) -> None:
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise PermissionError(13, "the file is open") from None
        lock.release()
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(_disk, "_OPEN_STAYS", True)
    monkeypatch.setattr(Path, "unlink", unlink)
    with _disk.staging(tmp_path / "incoming") as aside:
        (aside / "half").write_bytes(b"x")
    assert list((tmp_path / "incoming").iterdir()) == []
    (tmp_path / "incoming" / "0123.lock").touch()
    assert _disk.sweep_staging(tmp_path / "incoming") == 1
    assert list((tmp_path / "incoming").iterdir()) == []
