"""An outcome that is neither good nor bad for a person: pages say who is mistaken for what."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack
from tests.pages.conftest import Open, words, work_off
from tests.vocabulary import visible

PARTIAL = re.compile(
    r"wrongly (rejected|selected|rejects|selects|flagged|flags)|\bmissed\b|\bmisses\b|flag rate|"
    r"selection rate|four.fifths|\bfavourable\b",
    re.IGNORECASE,
)
VIEWS = ("By group", "Intersections", "Threshold", "Score curves", "Counts and rows")


def faces(n: int = 600) -> bytes:
    """A guess of gender that mistakes women with dark skin for men more often."""
    rng = np.random.default_rng(4)
    gender, skin = rng.choice(["female", "male"], n), rng.choice(["dark", "light"], n)
    wrong = rng.random(n) < np.where((gender == "female") & (skin == "dark"), 0.5, 0.08)
    guess = np.where(wrong, np.where(gender == "female", "male", "female"), gender)
    frame = {"gender": gender, "skin": skin, "region": rng.choice(["x", "y"], n), "guess": guess,
             "width": rng.normal(size=n)}  # fmt: skip
    return pl.DataFrame(frame).write_csv().encode()


ROLES = ColumnRoles(
    target="gender", positive="male", meaning="neutral", sensitive=("skin", "region"),
    predictions=("guess",), features=("width",),
)  # fmt: skip


@pytest.fixture
def opened(workspace: Workspace, open_page: Open) -> tuple[AppTest, dict[str, str]]:
    """The Audit page of the guesses, and the link to it."""
    sha256 = workspace.ingest(faces(), name="faces.csv").sha256
    link = {"data": sha256, "roles": pack(ROLES)}
    open_page("audit", **link)
    work_off(workspace)
    app = open_page("audit", **link)
    assert not app.exception
    return app, {"audit": workspace.jobs()[0].id}


def said(app: AppTest) -> str:
    """All words of a page but those of widgets, without markup."""
    return re.sub(r"\s+", " ", visible(words(app)))


def test_the_audit_leads_with_the_share_judged_wrongly(
    opened: tuple[AppTest, dict[str, str]],
) -> None:
    app, _ = opened
    text = said(app)
    assert re.search(r"guess judges [\d.]+% \(.*\) of dark people wrongly, against [\d.]+%", text)
    assert not PARTIAL.search(text), PARTIAL.search(text)


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_calls_an_answer_good_or_bad(
    opened: tuple[AppTest, dict[str, str]], open_page: Open, view: str
) -> None:
    _, link = opened
    page = open_page("errors", view=view, **link)
    assert not page.exception
    assert not PARTIAL.search(said(page)), PARTIAL.search(said(page))
    if view == "By group":
        rates = open_page("errors", view=view, metric="fpr", **link)
        assert "mistakes" in said(rates)
        assert "for male" in said(rates)


def test_the_report_page_keeps_the_meaning(
    opened: tuple[AppTest, dict[str, str]], open_page: Open
) -> None:
    _, link = opened
    page = open_page("report", **link)
    assert not page.exception
    assert not PARTIAL.search(said(page))


def test_a_rule_on_who_is_favoured_is_refused_in_words(
    workspace: Workspace, open_page: Open
) -> None:
    sha256 = workspace.ingest(faces(), name="faces.csv").sha256
    app = open_page("audit", data=sha256, roles=pack(ROLES))
    app.selectbox(key="preset").set_value("four-fifths").run()
    work_off(workspace)
    app.run()
    assert not app.exception
    assert "is neither good nor bad for a person" in words(app)


def test_training_on_it_is_told_in_the_same_words(workspace: Workspace, open_page: Open) -> None:
    info = workspace.ingest(faces(), name="faces.csv")
    roles = ROLES.model_copy(update={"predictions": ()})
    spec = AuditSpec(roles=roles, method="linear", title="Faces", n_boot=50)
    job = workspace.run_now(JobSpec(dataset=info.sha256, audit=spec, device="cpu"))
    assert workspace.job(job).state == "succeeded", workspace.job(job).reason
    for name in ("errors", "compare", "groups", "selection", "report"):
        page = open_page(name, audit=job)
        assert not page.exception, name
        assert not PARTIAL.search(said(page)), (name, PARTIAL.search(said(page)))
