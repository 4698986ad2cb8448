"""Workspaces, quick jobs and a patient wait for them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairaudit.jobs import supervisor
from fairaudit.jobs.engines.base import Engine
from fairaudit.jobs.engines.local import LocalEngine, numbered_slots
from fairaudit.jobs.folder import JobFolder, Request, new_id
from fairaudit.jobs.workspace import Workspace

QUICK = (sys.executable, str(Path(__file__).with_name("quick_worker.py")))
DATA = "0" * 64


def quick_request(owner: str = "me", kind: str = "predictions", **params: Any) -> Request:
    """A request the quick worker understands."""
    memory = params.pop("memory_limit_mb", None)
    data = params.pop("dataset", DATA)
    audit = {"roles": {}, "kind": kind, "method": "quick", "title": "quick", "params": params}
    job = {"dataset": data, "audit": audit, "device": "auto", "memory_limit_mb": memory}
    return Request(new_id(), owner, time.time(), job)


def submit_quick(workspace: Workspace, kind: str = "predictions", **params: Any) -> str:
    """Queue a quick job of the workspace's person."""
    owner = params.pop("owner", workspace.user.key)
    request = quick_request(owner, kind, **params)
    JobFolder.create(workspace.ledger.jobs, request)
    workspace.ledger.add(request)
    return request.id


def wait_for(true: Callable[[], bool], patience: float = 60.0) -> None:
    """Look until it is true; raise when patience ends."""
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not become true in time")
        time.sleep(0.02)


def tick_until(
    workspace: Workspace,
    engine: Engine,
    true: Callable[[], bool],
    memory: supervisor.Memory | None = None,
    patience: float = 60.0,
) -> None:
    """Supervise until it is true."""
    remembered = memory or supervisor.Memory(grace_s=1.0, begin_s=1.0)

    def look() -> bool:
        supervisor.tick(workspace.ledger, engine, remembered)
        engine.rest()
        return true()

    wait_for(look, patience)


def all_final(workspace: Workspace, ids: list[str]) -> Callable[[], bool]:
    """Whether all these jobs have ended, for the ledger too."""

    def ended() -> bool:
        entries = [workspace.ledger.get(id) for id in ids]
        return all(entry is None or entry.final for entry in entries)

    return ended


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def engine():
    """Two slots and the short one, running quick workers."""
    local = LocalEngine(numbered_slots(2), command=QUICK, grace=1.0)
    yield local
    for folder_id in list(local._children):
        local._children[folder_id].process.kill()
        local._children[folder_id].process.wait()
    local.close()
