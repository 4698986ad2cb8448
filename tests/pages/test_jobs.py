"""Jobs: every state a job can be in, and what can be done in it."""

from __future__ import annotations

import pytest

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from tests.pages.conftest import Open, words


def submit(workspace: Workspace, dataset: str, title: str = "Waiting") -> str:
    """Queue a job that nobody runs."""
    spec = AuditSpec(roles=SAMPLES["lending"].roles, method="linear", title=title)
    return workspace.submit(JobSpec(dataset=dataset, audit=spec, device="cpu"))


def labels(app) -> list[str]:
    """What the buttons say."""
    return [b.label for b in app.button]


def test_a_waiting_job_can_be_cancelled(
    open_page: Open, workspace: Workspace, lending: str
) -> None:
    job = submit(workspace, lending)
    app = open_page("jobs", audit=job)
    assert "1 waiting" in words(app)
    app.button(key=f"cancel-{job}").click().run()
    assert not app.exception
    assert workspace.job(job).state == "cancelled"
    assert "Run again" in labels(open_page("jobs", audit=job))


def test_a_waiting_job_that_nobody_will_start_says_so(
    open_page: Open, workspace: Workspace, lending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairaudit.ui import progress

    monkeypatch.setattr(progress, "_PATIENCE", -1)
    app = open_page("jobs", audit=submit(workspace, lending))
    assert any("fairaudit supervise" in w.value for w in app.warning)


def test_a_finished_job_leads_to_its_results(open_page: Open, with_audit: Workspace) -> None:
    app = open_page("jobs", audit=with_audit.jobs()[0].id)
    assert not app.exception
    ways = [link.proto.label for link in app.get("page_link")]
    assert {"Errors by group", "Report"} <= set(ways)
    assert "1 done" in words(app)


def test_a_failed_job_says_what_happened_what_is_kept_and_what_to_do(
    open_page: Open, workspace: Workspace, lending: str
) -> None:
    roles = SAMPLES["lending"].roles.model_copy(update={"sensitive": ()})
    spec = AuditSpec(roles=roles, method="rome-em", title="Without groups")
    job = workspace.run_now(JobSpec(dataset=lending, audit=spec, device="cpu"))
    assert workspace.job(job).state == "failed"
    app = open_page("jobs", audit=job)
    assert not app.exception
    assert any("The audit failed" in e.value for e in app.error)
    text = words(app)
    assert "were kept" in text
    assert "run the audit again" in text
    assert "Traceback" not in text


def test_running_again_queues_the_same_request(open_page: Open, with_audit: Workspace) -> None:
    first = with_audit.jobs()[0].id
    app = open_page("jobs", audit=first)
    next(b for b in app.button if b.label == "Run again").click().run()
    assert not app.exception
    second = with_audit.jobs()[0]
    assert second.state == "queued"
    assert with_audit.spec(second.id) == with_audit.spec(first)
    assert app.query_params["audit"] == second.id


def test_deleting_removes_the_job_and_forgets_it(open_page: Open, with_audit: Workspace) -> None:
    app = open_page("jobs", audit=with_audit.jobs()[0].id)
    next(b for b in app.button if b.label == "Delete permanently").click().run()
    assert not app.exception
    assert with_audit.jobs() == []
    assert "Linear on lending" not in words(app)


def test_a_long_list_is_shown_in_parts(
    open_page: Open, workspace: Workspace, lending: str
) -> None:
    for number in range(15):
        submit(workspace, lending, title=f"Job number {number}")
    app = open_page("jobs")
    assert sum(label.startswith("Job number") for label in labels(app)) == 12
    app.button(key="more-jobs").click().run()
    assert sum(label.startswith("Job number") for label in labels(app)) == 15


def test_titles_never_act_as_markup(open_page: Open, workspace: Workspace, lending: str) -> None:
    submit(workspace, lending, title="<b>bold</b> [link](https://evil.example)")
    app = open_page("jobs")
    assert not app.exception
    shown = next(label for label in labels(app) if "evil" in label)
    assert "\\[link\\]" in shown
    assert "\\<b\\>" in shown


def test_an_exported_audit_is_opened_again_elsewhere(
    open_page: Open, with_audit: Workspace, tmp_path
) -> None:
    packed = with_audit.export(with_audit.jobs()[0].id, tmp_path / "audit.zip").read_bytes()
    elsewhere = Workspace(tmp_path / "elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIRAUDIT_WORKSPACE", str(elsewhere.root))
        app = open_page("jobs")
        app.get("file_uploader")[0].set_value(("audit.zip", packed, "application/zip"))
        app.run()
        assert not app.exception
        assert not app.error
        assert "1 done" in words(app)
    job = elsewhere.jobs()[0]
    before = with_audit.result(with_audit.jobs()[0].id)
    assert elsewhere.result(job.id).errors.equals(before.errors)


def test_a_file_that_is_no_audit_is_refused_in_words(
    open_page: Open, workspace: Workspace
) -> None:
    app = open_page("jobs")
    app.get("file_uploader")[0].set_value(("audit.zip", b"PK no audit", "application/zip"))
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert workspace.jobs() == []
