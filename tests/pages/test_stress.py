"""The Stress page: shifts, ablations, objectives, time, groups not known, and probes."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.jobs.workspace import Workspace
from fairaudit.plots import stress
from fairaudit.text import numbers
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    assert "No audit has finished yet" in words(open_page("stress"))


def test_an_audit_without_stress_tests_says_how_to_get_them(look: Look) -> None:
    said = words(look("stress", "systems"))
    assert "Stress tests" in said
    assert "Stress test with probes" in said


@pytest.mark.parametrize(
    "view", ["Shift", "Wrong groups", "Ablation", "Objectives", "Time", "Flips", "Group not known"]
)
def test_every_view_opens(look: Look, view: str) -> None:
    page = look("stress", "stress", view=view)
    assert calm(page)
    assert page.dataframe


def test_the_sentence_holds_the_shares_of_the_table(look: Look) -> None:
    table = audits.result("stress").tables["stress_shift"]
    moved = table.filter(pl.col("strength") > 0)
    for rule in ("bound", "point estimates"):
        share = moved.filter(pl.col("rule") == rule)["harmed"].mean()
        assert f"<strong>{share:.1%}</strong>" in words(look("stress", "stress"))


def test_the_table_is_what_the_curve_shows(look: Look) -> None:
    table = audits.result("stress").tables["stress_shift"]
    group = stress.shifted_groups(table)[-1]
    shown = shown_table(look("stress", "stress", group=group), "strength", "harm")
    own = table.filter((pl.col("group") == group) & (pl.col("kind") == "subsample"))
    assert shown.height == own.height
    assert sorted(shown["harm"]) == pytest.approx(sorted(own["harm"]))


def test_another_shift_changes_the_sentence(look: Look) -> None:
    page = look("stress", "stress")
    page.selectbox(key="how").set_value("reweight").run()
    assert calm(page)
    assert "drawn less often" in words(page)


def test_a_choice_on_point_estimates_is_one_click_away(look: Look) -> None:
    page = look("stress", "stress", view="Objectives")
    page.selectbox(key="rule").set_value("point estimates").run()
    assert calm(page)
    assert set(shown_table(page, "objective", "rule")["rule"]) == {"point estimates"}


def test_a_fit_that_guesses_groups_shows_what_that_costs(look: Look) -> None:
    told = audits.result("sde").summary["guessed_groups"]
    said = words(look("stress", "sde", view="Group not known"))
    assert f"<strong>{told['right']:.1%}</strong>" in said
    assert numbers.value(told["performance_guessed"], "accuracy") in said
    assert "Stress tests" in said, "how to get the other tests"


def test_every_fit_shows_what_changing_one_column_alone_does(look: Look) -> None:
    page = look("stress", "rome")
    assert calm(page)
    own = audits.result("rome").tables["flips"].filter(pl.col("measure") == "label")
    assert shown_table(page, "attribute", "value").height == own.height
    assert "Stress tests" in words(page), "how to get the other tests"


def test_probes_are_ranked_in_both_models(look: Look) -> None:
    page = look("stress", "search")
    assert calm(page)
    own = audits.result("search").tables["probes"]
    assert shown_table(page, "feature", "rank").height == own.height


def test_only_tests_that_were_made_are_offered(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = audits.without(audits.result("stress"), "flips", "stress_ablation", "stress_time")
    monkeypatch.setattr("fairaudit.ui.cache.result", lambda job: bare)
    page = look("stress", "stress", view="Ablation")
    assert calm(page)
    offered = page.segmented_control(key="view").options
    assert offered == ["Shift", "Wrong groups", "Objectives", "Group not known"]
