"""The real worker on real audits, from submission to result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.engines.local import LocalEngine, numbered_slots
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import all_final, quick_request, tick_until, wait_for

ROLES = ColumnRoles(
    target="y", features=("x",), sensitive=("sex",), predictions=("p",), positive="1"
)


@pytest.fixture
def dataset(workspace: Workspace) -> str:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    frame = pl.DataFrame(
        {
            "x": x,
            "sex": rng.choice(["f", "m"], 200),
            "y": (x + rng.normal(size=200) > 0).astype(int),
            "p": (x > 0).astype(int),
        }
    )
    return workspace.ingest(frame.write_csv().encode(), name="people.csv").sha256


def _spec(dataset: str, **audit) -> JobSpec:
    spec = AuditSpec(roles=ROLES, n_boot=50, **audit)
    return JobSpec(dataset=dataset, audit=spec, device="cpu")


def test_an_audit_of_predictions_runs_as_a_process(workspace: Workspace, dataset: str) -> None:
    engine = LocalEngine(numbered_slots(1), standby=False)
    id = workspace.submit(_spec(dataset, kind="predictions", title="Hiring"))
    tick_until(workspace, engine, all_final(workspace, [id]), patience=120)
    info = workspace.job(id)
    assert (info.state, info.title) == ("succeeded", "Hiring"), workspace.log(id)
    result = workspace.result(id)
    assert result.errors.height > 10
    assert result.provenance["dataset"] == dataset
    assert result.provenance["source"] == "people.csv"
    events = workspace.events(id)
    assert events[0]["kind"] == "started"
    assert any(e.get("tasks") for e in events)


def test_the_same_job_inline_gives_the_same_numbers(workspace: Workspace, dataset: str) -> None:
    spec = _spec(dataset, kind="predictions")
    first, second = workspace.run_now(spec), workspace.run_now(spec)
    assert workspace.job(first).state == "succeeded"
    assert workspace.result(first).errors.equals(workspace.result(second).errors)


def test_a_wrong_request_is_a_failed_job_with_the_remedy(
    workspace: Workspace, dataset: str
) -> None:
    roles = ROLES.model_copy(update={"target": "income"})
    spec = JobSpec(dataset=dataset, audit=AuditSpec(roles=roles, kind="predictions"))
    info = workspace.job(workspace.run_now(spec))
    assert info.state == "failed"
    assert "income" in info.reason


def test_running_again_makes_a_new_job_of_the_same_work(
    workspace: Workspace, dataset: str
) -> None:
    id = workspace.submit(_spec(dataset, kind="predictions"))
    workspace.cancel(id)
    again = workspace.run_again(id)
    assert again != id
    assert workspace.spec(again) == workspace.spec(id)
    assert workspace.job(again).state == "queued"


@pytest.mark.parametrize("words", [[], ["a", "b"], ["/nowhere/at/all"]])
def test_a_wrong_call_is_told_so(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fairaudit.worker", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr


_CHATTY = """
import sys, time
from pathlib import Path
from fairaudit import worker
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor
folder = JobFolder(Path(sys.argv[1]))
worker._prepare(folder, FolderMonitor(folder))
print("to the log")
time.sleep(600)
"""


def test_what_a_worker_prints_is_in_the_log_while_it_runs(workspace: Workspace) -> None:
    folder = JobFolder.create(workspace.ledger.jobs, quick_request())
    process = subprocess.Popen([sys.executable, "-c", _CHATTY, str(folder.path)])
    try:
        wait_for(lambda: folder.log() == "to the log\n")
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_worker_that_comes_second_says_nothing_and_leaves(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = JobFolder.create(workspace.ledger.jobs, quick_request())
    with folder.hold():
        done = subprocess.run(
            [sys.executable, "-m", "fairaudit.worker", str(folder.path)],
            capture_output=True,
            check=False,
        )
    assert done.returncode == 1
    assert folder.outcome() is None
