"""The Selection page: decided again at once, and back again."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from fairaudit.audit.no_harm.stored_systems import (
    SystemsRequest,
    attributes_of,
    choose_stored,
    systems_of,
)
from fairaudit.audit.result import AuditResult
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.no_harm import decision, systems
from fairaudit.ui.result_page import OpenedAudit
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


@pytest.mark.parametrize("known", ["min_gap", "max_mean", None])
def test_a_stored_choice_starts_at_the_objective_it_was_made_for(known: str | None) -> None:
    result = audits.result("sde")
    table = result.tables["selection"].drop("objective")
    if known is not None:
        table = table.with_columns(objective=pl.lit(known))
    stored = AuditResult({**result.tables, "selection": table}, result.summary, result.provenance)
    assert decision.stored(stored).objective == (known or "min_gap")
    assert decision.stored(result).objective == "max_min"


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    assert "No audit has finished yet" in words(open_page("selection"))


def test_an_audit_without_two_systems_says_what_has_a_choice(look: Look) -> None:
    assert "two systems or more together, or train FairSDE" in words(look("selection", "tiny"))


def test_an_audit_that_hides_groups_shows_no_choice() -> None:
    whole = audits.result("systems")
    spec = {"kind": "predictions", "suppress_below": 10}
    hiding = AuditResult(whole.tables, whole.summary, {"spec": spec})
    job: Any = None
    assert systems.offered(OpenedAudit(job, whole))
    assert not systems.offered(OpenedAudit(job, hiding))
    assert "hides small groups" in systems.why_not(OpenedAudit(job, hiding))


@pytest.mark.parametrize("view", ["Decision", "Bounds", "Validation and test", "Certificate"])
def test_a_choice_beside_suppressed_groups_names_none_of_them(look: Look, view: str) -> None:
    page = look("selection", "hiding", view=view)
    assert calm(page)
    assert "Groups are suppressed in this audit" in words(page)
    assert not [box for box in page.selectbox if box.label == "Objective"]
    errors = audits.result("hiding").errors
    hidden = set(errors.filter(pl.col("status") == "suppressed")["group"])
    assert hidden
    for group in hidden:
        assert f"'{group}'" not in words(page)
    for element in page.dataframe:
        assert not hidden & set(element.value.astype(str).to_numpy().ravel())


def test_stress_tests_beside_suppressed_groups_are_left_out(look: Look) -> None:
    page = look("stress", "hiding")
    assert calm(page)
    assert not {"Shift", "Wrong groups", "Ablation", "Objectives"} & {
        option for control in page.get("button_group") for option in control.options
    }


SYSTEM_VIEWS = ["Decision", "Checked on other rows", "Certificate"]


@pytest.mark.parametrize("kind", ["systems", "linear", "compare"])
@pytest.mark.parametrize("view", SYSTEM_VIEWS)
def test_every_view_of_a_choice_between_systems_opens(look: Look, kind: str, view: str) -> None:
    assert calm(look("selection", kind, view=view))


@pytest.mark.parametrize(
    ("kind", "model"), [("linear", "linear"), ("sweep", "rome-em"), ("compare", "linear-s")]
)
def test_systems_of_another_audit_of_the_table_join_the_choice(
    look: Look, kind: str, model: str
) -> None:
    other = audits.finished(kind)
    page = look("selection", "systems")
    assert model not in systems_of(audits.result("systems").tables)
    page = page.multiselect(key="added-audits").set_value([other]).run()
    assert calm(page)
    assert model in page.multiselect(key="candidates").options
    held_out = audits.result(kind).tables["people"].filter(split="test").height
    assert f"{held_out:,} rows that none of these audits trained on" in words(page)
    assert model in shown_table(page, "verdict")["system"].to_list()


def test_the_page_chooses_as_the_function_does(look: Look) -> None:
    result = audits.result("systems")
    names = systems_of(result.tables)
    attributes = attributes_of(result.tables)[:2]
    asked = SystemsRequest(names[0], tuple(names[1:]), tuple(attributes), objective="min_gap")
    own = choose_stored(result.tables, asked, task="binary")
    page = look("selection", "systems", protect=attributes, aim="Smallest gap")
    assert page.multiselect(key="protect").value == attributes
    shown = shown_table(page, "verdict")
    assert shown["group"].to_list() == own.table["group"].to_list()
    assert shown["lower"].to_list() == pytest.approx(own.table["lower"].to_list())
    assert look("selection", "systems", view="Each attribute", protect=attributes)


@pytest.mark.parametrize(
    "view", ["Decision", "Bounds", "Validation and test", "Alternatives", "Certificate"]
)
def test_every_view_opens(look: Look, view: str) -> None:
    assert calm(look("selection", "sde", view=view))


def test_at_its_own_rules_the_page_shows_the_stored_decision(look: Look) -> None:
    shown = shown_table(look("selection", "sde"), "verdict")
    own = audits.result("sde").tables["selection"]
    key = ["split", "group"]
    pair = shown.join(own, on=key, suffix="_own")
    assert pair.height == own.height
    assert pair["chosen"].to_list() == pair["chosen_own"].to_list()
    assert pair["lower"].to_list() == pytest.approx(pair["lower_own"].to_list())


def test_point_estimates_choose_at_least_as_many_experts(look: Look) -> None:
    def experts(**query: str) -> int:
        rows = shown_table(look("selection", "sde", **query), "verdict")
        return rows.filter(pl.col("chosen") == "expert").height

    assert experts(objective="Best worst group", confidence="none (point estimates)") >= experts(
        objective="Best worst group", confidence="99%"
    )


def test_a_link_reopens_the_moved_controls(look: Look) -> None:
    page = look("selection", "sde", tolerance="5.0", objective="Best mean")
    assert page.slider(key="tolerance").value == 5.0
    assert page.selectbox(key="objective").value == "max_mean"


def test_the_way_back_returns_to_the_own_rules(look: Look) -> None:
    page = look("selection", "sde", tolerance="5.0")
    page.button(key="rules-back").click().run()
    assert calm(page)
    assert page.slider(key="tolerance").value == 0.0
    assert not [b for b in page.button if b.key == "rules-back"]


def test_the_sentence_and_the_table_agree(look: Look) -> None:
    page = look("selection", "sde")
    rows = shown_table(page, "verdict").filter(pl.col("split") == "validation")
    taken = rows.filter(pl.col("chosen") == "expert")["group"].to_list()
    if not taken:
        assert "All groups keep the baseline" in words(page)
    for group in taken[:3]:
        assert group in words(page)


def test_the_certificate_can_be_checked_by_hand(look: Look) -> None:
    page = look("selection", "sde", view="Certificate")
    group = page.selectbox(key="group").value
    own = audits.result("sde").tables["selection"]
    row = own.filter((pl.col("split") == "validation") & (pl.col("group") == group))
    assert str(row["n"].item()) in words(page)


def test_gaps_are_told_with_their_intervals(look: Look) -> None:
    gaps = audits.result("sde").tables["selection_gaps"]
    for page in (look("selection", "sde"), look("selection", "sde", view="Alternatives")):
        said = words(page)
        for row in gaps.iter_rows(named=True):
            low, high = (f"{100 * row[f'gap_after_{end}']:.1f}" for end in ("low", "high"))
            ends = f"{low} to {high})"
            assert f"({ends}" in said or ("stays at" in said and f"(95% CI {ends}" in said)


def test_results_of_older_versions_still_open(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    own = audits.result("sde")
    older = {
        name: table.drop(pl.selectors.ends_with("_low", "_high"))
        if name in ("selection", "selection_gaps")
        else table
        for name, table in own.tables.items()
    }
    bare = type(own)(older, own.summary, own.provenance)
    monkeypatch.setattr("fairaudit.ui.cache.result", lambda job: bare)
    for view in ("Decision", "Alternatives"):
        assert calm(look("selection", "sde", view=view))
