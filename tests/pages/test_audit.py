"""Audit: the decisions a table already holds, at once and only once."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from fairaudit.data.roles import ColumnRoles
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack
from tests.pages.conftest import Open, words, work_off


@pytest.fixture
def small(workspace: Workspace) -> dict[str, str]:
    """The first rows of the lending sample with its known roles, as a link."""
    rows = pl.read_csv(SAMPLES["lending"].path, n_rows=600).write_csv().encode()
    sha256 = workspace.ingest(rows, name="lending.csv").sha256
    roles = SAMPLES["lending"].roles.model_copy(update={"sensitive": ("sex",)})
    return {"data": sha256, "roles": pack(roles)}


def test_existing_decisions_are_audited_without_another_click(
    open_page: Open, workspace: Workspace, small: dict[str, str]
) -> None:
    app = open_page("audit", **small)
    assert not app.exception
    assert "in progress" in words(app)
    work_off(workspace)
    app = open_page("audit", **small)
    assert not app.exception
    assert [(j.kind, j.state) for j in workspace.jobs()] == [("predictions", "succeeded")]
    assert app.query_params["audit"] == workspace.jobs()[0].id
    text = words(app)
    assert "2 systems" in text
    assert "600 rows" in text
    assert any("fairaudit repeat" in code.value for code in app.code)
    assert app.latex


def test_a_rule_is_computed_beside_the_audit(
    open_page: Open, workspace: Workspace, small: dict[str, str]
) -> None:
    app = open_page("audit", **small)
    app.selectbox(key="preset").set_value("four-fifths").run()
    assert workspace.spec(workspace.jobs()[0].id).audit.preset == "four-fifths"
    work_off(workspace)
    app.run()
    assert not app.exception
    text = words(app)
    assert any("rule of thumb" in h.value for h in app.header)
    assert "no safe harbour" in text
    assert "Counted on all rows with a decision of decision_a" in text


def test_a_person_says_on_the_page_which_labels_are_no_answers(
    open_page: Open, workspace: Workspace, small: dict[str, str]
) -> None:
    app = open_page("audit", **small)
    app.selectbox(key="preset").set_value("four-fifths").run()
    app.text_input(key="preset-silent").set_value("Multiple; -9 ").run()
    app.text_input(key="preset-answers").set_value("None").run()
    assert not app.exception
    asked = [workspace.spec(job.id).audit.preset_options for job in workspace.jobs()]
    assert any(o.not_answered == ("Multiple", "-9") and o.answered == ("None",) for o in asked)


def test_each_attribute_is_told_in_the_order_chosen_and_not_by_width(
    open_page: Open, workspace: Workspace
) -> None:
    """People of race A are flagged 20 points more often; the young by 50 points."""
    n = 1200
    row = np.arange(n)
    young, race = row % 2 == 0, np.where(row // 2 % 2 == 0, "A", "B")
    flagged = (row // 4 % 10) < np.where(young, 6, 1) + np.where(race == "A", 2, 0)
    frame = pl.DataFrame(
        {"age_group": np.where(young, "young", "old"), "race": race, "flagged": flagged * 1,
         "two_year_recid": row // 40 % 2}
    )  # fmt: skip
    sha256 = workspace.ingest(frame.write_csv().encode(), name="people.csv").sha256
    roles = ColumnRoles(
        target="two_year_recid", sensitive=("race", "age_group"), predictions=("flagged",)
    )
    asked = {"data": sha256, "roles": pack(roles)}
    open_page("audit", **asked)
    work_off(workspace)
    app = open_page("audit", **asked)
    assert not app.exception
    text = re.sub(r"</?strong>", "", words(app))
    assert re.search(r"<p class='lead'>.*55\.0% .*with race A who did not re-off.*35\.0% ", text)
    assert re.search(r"<li>.*70\.0% .*of young people.*20\.0% .*old people", text)


def test_a_table_without_decisions_leads_to_training(
    open_page: Open, workspace: Workspace
) -> None:
    sample = SAMPLES["hospital"]
    sha256 = workspace.ingest(sample.path, name="hospital.csv").sha256
    app = open_page("audit", data=sha256, roles=pack(sample.roles))
    assert not app.exception
    assert workspace.jobs() == []
    assert "Train a model" in [link.proto.label for link in app.get("page_link")]


def test_a_failed_audit_says_what_happened(
    open_page: Open, workspace: Workspace, small: dict[str, str]
) -> None:
    roles = SAMPLES["lending"].roles.model_copy(
        update={
            "sensitive": ("sex",),
            "predictions": ("purpose",),
            "scores": (),
            "features": ("income",),
        }
    )
    link = {"data": small["data"], "roles": pack(roles)}
    open_page("audit", **link)
    work_off(workspace)
    assert workspace.jobs()[0].state == "failed"
    app = open_page("audit", **link)
    assert not app.exception
    assert len(workspace.jobs()) == 1, "a failed audit must not be asked for again by itself"
    assert "Run again" in [b.label for b in app.button]
    assert any("purpose" in e.value for e in app.error)


def test_what_is_declared_in_the_settings_leads_the_page_and_later_declarations_show(
    open_page: Open, workspace: Workspace, small: dict[str, str]
) -> None:
    open_page("audit", **small)
    work_off(workspace)  # an audit that declares nothing
    app = open_page("audit", mode="Expert", **small)
    app.number_input(key="margin").set_value(0.4).run()
    app.selectbox(key="primary-metric").set_value("selection_rate").run()
    app.selectbox(key="primary-group-sex").set_value("female").run()
    assert not app.exception
    declared = [workspace.spec(job.id).audit for job in workspace.jobs()]
    asked = next(spec for spec in declared if spec.primary and spec.primary.group)
    assert asked.margin == 0.4
    assert (asked.primary.group, asked.primary.reference) == ("female", "male")
    work_off(workspace)
    app.run()
    assert not app.exception
    text = re.sub(r"</?strong>", "", words(app))
    assert re.search(
        r"<p class='lead'>The primary question, declared beforehand, is whether", text
    )
    assert "below the margin of 40.0 points" in text
    assert "declared after" in text
