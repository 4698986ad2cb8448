"""Jobs on a real cluster of two nodes: success, crash, cancel, restart, a sweep in parts."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import QUICK, all_final, submit_quick, tick_until, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow]
WORKER = (sys.executable, str(Path(__file__).with_name("sweep_worker.py")))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def _engine(cluster: str, command=QUICK):
    from fairaudit.jobs.engines.ray import RayEngine

    return RayEngine(cluster, command=command, grace=2.0)


def test_the_cluster_refuses_strangers_and_offers_one_slot_a_cpu(cluster: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{cluster}/api/jobs/", timeout=10)
    assert [slot.device for slot in _engine(cluster).slots] == ["cpu", "cpu"]


def test_success_crash_and_cancel_end_as_they_should(cluster: str, workspace: Workspace) -> None:
    engine = _engine(cluster)
    good = submit_quick(workspace, kind="train")
    dead = submit_quick(workspace, kind="train", then="die")
    endless = submit_quick(workspace, kind="train", steps=10_000, pause=0.05)
    deaf = submit_quick(workspace, kind="train", then="deaf")
    memory = None

    def stop_endless() -> bool:
        for id in (endless, deaf):
            if workspace.job(id).state == "running":
                workspace.cancel(id)
        return all_final(workspace, [good, dead, endless, deaf])()

    tick_until(workspace, engine, stop_endless, memory, 120)
    states = {id: workspace.job(id) for id in (good, dead, endless, deaf)}
    assert [info.state for info in states.values()] == [
        "succeeded",
        "failed",
        "cancelled",
        "cancelled",
    ]
    assert "ended without an outcome" in (states[dead].reason or "")
    assert not workspace.ledger.folder(deaf).is_locked()


def test_a_new_supervisor_finds_the_jobs_of_the_old_one(
    cluster: str, workspace: Workspace
) -> None:
    first = _engine(cluster)
    job = submit_quick(workspace, kind="train", steps=40, pause=0.1)
    tick_until(workspace, first, lambda: workspace.ledger.folder(job).is_locked(), patience=60)
    first.close()
    second = _engine(cluster)
    assert second.alive(workspace.ledger.folder(job)) is True
    tick_until(workspace, second, all_final(workspace, [job]), patience=60)
    assert workspace.job(job).state == "succeeded"
    started = [e for e in workspace.events(job) if e["kind"] == "started"]
    assert len(started) == 1


@pytest.mark.nightly
def test_a_sweep_runs_in_parts_on_both_nodes_and_is_merged(
    cluster: str, workspace: Workspace
) -> None:
    engine = _engine(cluster, WORKER)
    whole = submit_quick(workspace, kind="sweep", n_groups=[1, 2, 3, 4, 5, 6], pause=1.0)
    nodes: set[str] = set()

    def look() -> bool:
        for part in (0, 1):
            path = workspace.root / "jobs" / f"{whole}.{part}" / "result" / "provenance.json"
            if path.exists():
                nodes.add(json.loads(path.read_text())["node"])
        return all_final(workspace, [whole])()

    tick_until(workspace, engine, look, patience=120)
    assert workspace.job(whole).state == "succeeded", workspace.job(whole)
    result = workspace.result(whole)
    assert result.tables["sweep"]["n_groups"].to_list() == [1, 2, 3, 4, 5, 6]
    pairs = Counter(result.tables["lineage"]["n_groups"].to_list())
    assert pairs == Counter({1: 1, 2: 1, 3: 1, 4: 1, 5: 1})
    assert result.summary["parts"] == 2
    assert len(nodes) == 2
    wait_for(lambda: not list((workspace.root / "jobs").glob(f"{whole}.*")))
