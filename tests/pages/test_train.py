"""Train: cards, what a method lacks, knobs, and the job that comes out."""

from __future__ import annotations

import pytest

from fairaudit.audit.catalog import METHODS
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import train_form
from fairaudit.ui.roles_link import pack
from tests.pages.conftest import Open, words
from tests.sizes import nightly

# one method of each kind of form
FORMS = ("rome-em", "rome-moe", "fair-sde", "fair-medl", "erm", "linear", "boosting", "threshold")


@pytest.fixture
def link(workspace: Workspace, lending: str) -> dict[str, str]:
    """The lending sample with its known roles."""
    return {"data": lending, "roles": pack(SAMPLES["lending"].roles)}


def test_the_default_request_is_one_click_away(
    open_page: Open, workspace: Workspace, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    app.button(key="start").click().run()
    assert not app.exception
    assert app.title[0].value == "Jobs"
    job = workspace.jobs()[0]
    assert (job.state, job.method, job.dataset) == ("queued", "rome-em", link["data"])
    spec = workspace.spec(job.id).audit
    assert spec.roles == SAMPLES["lending"].roles
    assert (spec.kind, spec.params) == ("sweep", {"n_groups": [1, 2, 3, 4, 5, 6]})


def test_what_a_method_lacks_is_said_before_the_click(
    open_page: Open, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    app.radio(key="method").set_value("fair-medl").run()
    assert any("cluster" in w.value for w in app.warning)
    assert app.button(key="start").disabled


def test_changed_knobs_reach_the_request_and_unchanged_ones_do_not(
    open_page: Open, workspace: Workspace, link: dict[str, str]
) -> None:
    app = open_page("train", mode="Expert", **link)
    app.segmented_control(key="work-rome-em").set_value("train").run()
    app.number_input(key="knob-rome-em-n_groups").set_value(3).run()
    app.number_input(key="seed").set_value(7).run()
    app.button(key="start").click().run()
    spec = workspace.spec(workspace.jobs()[0].id).audit
    assert spec.params == {"n_groups": 3}
    assert spec.seed == 7


def test_every_number_of_groups_can_be_asked_for_in_one_job(
    open_page: Open, workspace: Workspace, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    app.slider(key="most-groups").set_value(4).run()
    app.button(key="start").click().run()
    assert not app.exception
    spec = workspace.spec(workspace.jobs()[0].id).audit
    assert (spec.kind, spec.method) == ("sweep", "rome-em")
    assert spec.params["n_groups"] == [1, 2, 3, 4]


def test_stress_tests_can_be_asked_for(
    open_page: Open, workspace: Workspace, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    app.radio(key="method").set_value("fair-sde").run()
    app.segmented_control(key="work-fair-sde").set_value("stress").run()
    app.button(key="start").click().run()
    assert not app.exception
    spec = workspace.spec(workspace.jobs()[0].id).audit
    assert (spec.kind, spec.method, spec.params) == ("stress", "fair-sde", {})
    assert spec.title.endswith(": stress tests")


def test_a_method_with_one_kind_of_work_asks_for_none(
    open_page: Open, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    app.radio(key="method").set_value("erm").run()
    assert not any(str(w.key).startswith("work-") for w in app.segmented_control)


def test_several_methods_can_be_compared(
    open_page: Open, workspace: Workspace, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    app.radio(key="method").set_value(train_form.COMPARE).run()
    app.multiselect(key="compare-methods").set_value(["linear", "erm"]).run()
    app.button(key="start").click().run()
    spec = workspace.spec(workspace.jobs()[0].id).audit
    assert spec.kind == "compare"
    assert spec.params["methods"] == ["linear", "erm"]


@pytest.mark.parametrize("name", [*FORMS, *nightly(*(m for m in METHODS if m not in FORMS))])
def test_every_method_has_a_form_in_expert_mode(
    open_page: Open, link: dict[str, str], name: str
) -> None:
    app = open_page("train", mode="Expert", **link)
    app.radio(key="method").set_value(name).run()
    assert not app.exception
    shown = {w.key for kind in ("number_input", "selectbox", "toggle", "text_input", "multiselect")
             for w in app.get(kind)}  # fmt: skip
    assert {f"knob-{name}-{k.name}" for k in METHODS[name].knobs} <= shown


def test_rome_and_boosted_trees_say_when_to_choose_the_other(
    open_page: Open, link: dict[str, str]
) -> None:
    app = open_page("train", **link)
    offered = app.radio(key="method").options
    assert "Boosted trees with sensitive columns · recommended for predicting" in offered
    assert sum(o.endswith("· recommended for finding hidden groups") for o in offered) == 1
    assert "For the most accurate predictions choose" in words(app)
    app.radio(key="method").set_value("boosting-s").run()
    assert not app.exception
    assert "finds no latent groups" in words(app)
    app.radio(key="method").set_value("erm").run()
    assert "Why this method?" not in words(app)


def test_a_list_of_numbers_that_cannot_be_read_is_explained(
    open_page: Open, link: dict[str, str]
) -> None:
    app = open_page("train", mode="Expert", **link)
    app.radio(key="method").set_value("fair-sde").run()
    app.text_input(key="knob-fair-sde-lambdas").set_value("a lot").run()
    assert not app.exception
    assert any("a lot" in e.value for e in app.error)


def test_without_an_outcome_nothing_can_be_started(
    open_page: Open, workspace: Workspace, lending: str
) -> None:
    roles = SAMPLES["lending"].roles.model_copy(update={"target": None, "positive": None})
    app = open_page("train", data=lending, roles=pack(roles))
    assert not app.exception
    assert app.button(key="start").disabled
    assert any("outcome" in w.value for w in app.warning)


def test_a_read_only_dashboard_starts_nothing(
    open_page: Open, link: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRAUDIT_READONLY", "1")
    assert open_page("train", **link).button(key="start").disabled


def test_the_page_says_on_which_rows_the_model_is_judged(
    open_page: Open, workspace: Workspace, link: dict[str, str]
) -> None:
    text = words(open_page("train", **link))
    assert f"{workspace.datasets()[0].rows:,} rows" in text
    assert "20%" in text
