"""A sweep cut into parts and put together again is the sweep in one piece."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs import supervisor, sweep_parts
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.engines.inline import run_inline
from fairaudit.jobs.folder import Outcome
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import submit_quick
from tests.jobs.test_supervisor import Recorder


@given(st.sets(st.integers(1, 30), min_size=4, max_size=20), st.integers(2, 6))
def test_ranges_share_one_number_with_their_neighbour_and_miss_none(numbers, places) -> None:
    ordered = sorted(numbers)
    parts = sweep_parts.ranges(ordered, places)
    assert len(parts) <= places
    assert sorted(set().union(*parts)) == ordered
    pairs = [pair for part in parts for pair in itertools.pairwise(part)]
    assert pairs == list(itertools.pairwise(ordered))
    assert all(len(part) > 1 for part in parts)


def test_a_small_sweep_and_a_single_place_are_not_split() -> None:
    job = {"dataset": "0" * 64, "audit": {"params": {"n_groups": [1, 2, 3]}}}
    assert sweep_parts.split(job, 8) == [job]
    large = {"dataset": "0" * 64, "audit": {"params": {"n_groups": [1, 2, 3, 4, 5]}}}
    assert sweep_parts.split(large, 1) == [large]
    assert len(sweep_parts.split({"audit": {"params": {}}}, 2)) == 2  # 1 to 8 when nothing is said


@pytest.mark.parametrize("numbers", ["auto", [1, "2", 3, 4], 7])
def test_what_is_no_list_of_numbers_is_left_to_the_audit(numbers) -> None:
    job = {"audit": {"params": {"n_groups": numbers}}}
    assert sweep_parts.split(job, 4) == [job]


def test_other_parameters_stay_as_they_are() -> None:
    job = {"audit": {"seed": 3, "params": {"n_init": 2, "n_groups": [1, 2, 3, 4, 5, 6]}}}
    for part in sweep_parts.split(job, 2):
        assert part["audit"]["seed"] == 3
        assert part["audit"]["params"]["n_init"] == 2


def test_the_choice_is_the_simplest_within_one_standard_error() -> None:
    sweep = pl.DataFrame(
        {"n_groups": [1, 2, 3], "heldout": [-1.0, -0.52, -0.5], "heldout_se": [0.1, 0.1, 0.05]}
    )
    assert sweep_parts.chosen(sweep) == 2
    assert sweep_parts.chosen(sweep.drop("heldout_se")) is None


# -- through the supervisor -------------------------------------------------------------------


class InParts(Recorder):
    """Two slots; jobs run inside `start`, with the real computation."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(alive=None, slots=2)
        self.workspace = workspace

    def start(self, folder, slot: Slot) -> None:
        super().start(folder, slot)
        run_inline(folder)


def _table() -> bytes:
    rng = np.random.default_rng(5)
    n = 240
    x, sex = rng.normal(size=n), rng.integers(0, 2, n)
    y = ((x * (1 - 2 * sex) + 0.4 * rng.normal(size=n)) > 0).astype(int)
    frame = pl.DataFrame({"x": x, "z": rng.normal(size=n), "sex": sex, "y": y})
    return frame.write_csv().encode()


@pytest.mark.slow
def test_a_sweep_in_parts_gives_the_tables_of_the_sweep_in_one_piece(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    dataset = workspace.ingest(_table(), name="people.csv").sha256
    roles = ColumnRoles(
        target="y", features=("x", "z"), sensitive=("sex",), positive="1", task="binary"
    )
    params = {"n_groups": [1, 2, 3, 4], "n_init": 1, "n_bootstrap": 2, "max_iter": 30}
    audit = AuditSpec(
        roles=roles,
        kind="sweep",
        method="rome-em",
        params=params,
        n_boot=50,
        metrics=("accuracy",),
    )
    spec = JobSpec(dataset=dataset, audit=audit, device="cpu")
    whole = workspace.result(workspace.run_now(spec))
    job = workspace.submit(spec)
    engine, memory = InParts(workspace), supervisor.Memory()
    for _ in range(6):
        supervisor.tick(workspace.ledger, engine, memory)
    assert engine.started == [f"{job}.0", f"{job}.1", job]
    assert workspace.job(job).state == "succeeded", workspace.job(job).reason
    merged = workspace.result(job)
    assert set(merged.tables) == set(whole.tables)
    for name, table in whole.tables.items():
        kept = [c for c in table.columns if c != "seconds"]
        assert_frame_equal(
            merged.tables[name].select(kept), table.select(kept), check_row_order=False
        )
    assert merged.provenance["spec"] == whole.provenance["spec"]
    assert merged.provenance["dataset"] == dataset
    assert merged.provenance["source"] == "people.csv"
    assert merged.summary["n_groups"] == whole.summary["n_groups"]
    model = {p.name: p.read_bytes() for p in workspace.model_folder(job).iterdir()}
    assert model
    assert list((tmp_path / "jobs").glob(f"{job}.*")) == []


def _split(workspace: Workspace) -> tuple[str, Recorder, supervisor.Memory]:
    job = submit_quick(workspace, kind="sweep", n_groups=[1, 2, 3, 4, 5, 6])
    engine, memory = Recorder(alive=True, slots=2), supervisor.Memory()
    supervisor.tick(workspace.ledger, engine, memory)
    assert engine.started == [f"{job}.0", f"{job}.1"]
    return job, engine, memory


def _end(workspace: Workspace, id: str, state, reason: str | None = None) -> None:
    folder = workspace.ledger.folder(id)
    folder.append({"n": 1, "t": 0.0, "kind": "started", "progress": 0.5})
    with folder.hold():
        folder.finish(Outcome(state, reason))


def test_people_see_one_job_with_the_progress_of_its_parts(workspace: Workspace) -> None:
    job, _, _ = _split(workspace)
    workspace.ledger.folder(f"{job}.0").append({"n": 1, "t": 0.0, "progress": 0.5})
    assert [info.id for info in workspace.jobs()] == [job]
    info = workspace.job(job)
    assert (info.state, info.progress, info.task) == ("running", 0.25, "0 of 2 parts done")


def test_a_failed_part_fails_the_whole_and_stops_the_others(workspace: Workspace) -> None:
    job, engine, memory = _split(workspace)
    engine.lives = False
    _end(workspace, f"{job}.0", "failed", "out of luck")
    supervisor.tick(workspace.ledger, engine, memory)
    assert workspace.ledger.folder(f"{job}.1").cancel_requested()
    _end(workspace, f"{job}.1", "cancelled")
    for _ in range(3):
        supervisor.tick(workspace.ledger, engine, memory)
    info = workspace.job(job)
    assert (info.state, info.reason) == ("failed", "part 1 of 2 failed: out of luck")
    assert workspace.ledger.ids() == {job}


def test_cancelling_the_whole_cancels_its_parts(workspace: Workspace) -> None:
    job, engine, memory = _split(workspace)
    workspace.cancel(job)
    supervisor.tick(workspace.ledger, engine, memory)
    engine.lives = False
    for number in (0, 1):
        assert workspace.ledger.folder(f"{job}.{number}").cancel_requested()
        _end(workspace, f"{job}.{number}", "cancelled")
    for _ in range(3):
        supervisor.tick(workspace.ledger, engine, memory)
    assert workspace.job(job).state == "cancelled"
    assert workspace.ledger.ids() == {job}


def test_deleting_a_split_job_removes_its_parts(workspace: Workspace) -> None:
    job, engine, memory = _split(workspace)
    workspace.delete(job)
    assert workspace.jobs() == []
    engine.lives = False
    for number in (0, 1):
        _end(workspace, f"{job}.{number}", "cancelled")
    for _ in range(3):
        supervisor.tick(workspace.ledger, engine, memory)
    assert workspace.ledger.ids() == set()
    assert list((workspace.root / "jobs").iterdir()) == []


def test_a_new_supervisor_goes_on_with_the_parts(workspace: Workspace) -> None:
    job, _, _ = _split(workspace)
    workspace.ledger.folder(f"{job}.1").delete()  # the old one died before it made this part
    workspace.ledger.forget(f"{job}.1")
    engine, memory = Recorder(alive=True, slots=2), supervisor.Memory()
    supervisor.tick(workspace.ledger, engine, memory)
    assert engine.started == [f"{job}.1"]


@pytest.mark.parametrize("damaged", ["spec.json", "parts.json"])
def test_a_split_job_with_damaged_files_fails_and_stops_nobody(
    workspace: Workspace, damaged: str
) -> None:
    job, engine, memory = _split(workspace)
    (workspace.ledger.folder(job).path / damaged).write_bytes(b'{"id": ')
    other = submit_quick(workspace)
    supervisor.tick(workspace.ledger, engine, memory)
    assert other in engine.started
    assert workspace.job(job).state == "running"
    assert len(workspace.jobs()) == 2
    engine.lives = False
    for number in range(2):
        assert workspace.ledger.folder(f"{job}.{number}").cancel_requested()
        _end(workspace, f"{job}.{number}", "cancelled")
    for _ in range(3):
        supervisor.tick(workspace.ledger, engine, memory)
    assert workspace.job(job).state == "failed"
    assert "cannot be read" in workspace.job(job).reason
    assert not list(workspace.ledger.jobs.glob(f"{job}.*"))
