"""The app driven without a browser: one workspace a test, pages opened by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.audit import run as audit_run
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.engines.inline import run_inline
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import cache
from tests.audits import FEW
from tests.once import run_once

APP = Path(__file__).resolve().parents[2] / "app.py"
PATIENCE = 60  # seconds a page may take in a test; a hang fails instead of blocking

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def equal_jobs_run_once() -> Iterator[None]:
    """Pages are looked at with results; the same audit need not be computed for each look."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_run, "run_audit", run_once)
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the lending sample and one finished audit of a linear model."""
    root = tmp_path_factory.mktemp("finished")
    workspace = Workspace(root)
    sample = SAMPLES["lending"]
    info = workspace.ingest(sample.path, name=sample.path.name)
    roles = sample.roles.model_copy(update={"sensitive": sample.roles.sensitive[:2]})
    spec = AuditSpec(
        roles=roles, method="linear", title="Linear on lending", n_boot=200, metrics=FEW
    )
    job = workspace.run_now(JobSpec(dataset=info.sha256, audit=spec, device="cpu"))
    assert workspace.job(job).state == "succeeded", workspace.job(job).reason
    return root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty workspace that the app opens."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("FAIRAUDIT_WORKSPACE", str(folder))
    monkeypatch.delenv("FAIRAUDIT_READONLY", raising=False)
    return folder


@pytest.fixture
def workspace(root: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(root)


@pytest.fixture
def with_audit(root: Path, finished: Path) -> Workspace:
    """A workspace with one finished audit."""
    shutil.copytree(finished, root)
    return Workspace(root)


@pytest.fixture
def lending(workspace: Workspace) -> str:
    """The id of the ingested lending sample."""
    path = SAMPLES["lending"].path
    return workspace.ingest(path, name=path.name).sha256


@pytest.fixture
def open_page(root: Path) -> Open:
    """Open a page of the app: `open_page("train", data=…, session={…})`."""

    def open_(name: str, *, session: dict[str, Any] | None = None, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
        app.query_params.update(query)
        for key, value in (session or {}).items():
            app.session_state[key] = value
        app.run()
        if name != "data":
            app.switch_page(f"pages/{name}.py")
            app.query_params.update(query)
            app.run()
        return app

    return open_


def work_off(workspace: Workspace) -> None:
    """Do what a supervisor would: run everything that waits, here and now."""
    for job in reversed(workspace.jobs()):
        if job.state == "queued" and workspace.ledger.claim(job.id, None):
            folder = workspace.ledger.folder(job.id)
            workspace.ledger.settle(job.id, run_inline(folder))
    cache.forget()


def words(app: AppTest) -> str:
    """All text on a page, for assertions on what it says."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info)
    shown = [element.value for kind in kinds for element in kind]
    html = [getattr(element.proto, "body", "") for element in app.get("html")]
    return "\n".join([*map(str, shown), *html])
