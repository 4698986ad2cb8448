"""The Errors page: its sentence, its views, its states, and the way down to the rows."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.text import numbers
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    said = words(open_page("errors"))
    assert "No audit has finished yet" in said
    assert "Upload a table or choose a sample" in said


def test_an_unknown_audit_shows_nothing(workspace: Workspace, open_page: Open) -> None:
    assert "have access" in words(open_page("errors", audit="20260101-000000-abc"))


def test_a_waiting_audit_shows_its_progress(
    workspace: Workspace, lending: str, open_page: Open
) -> None:
    job = workspace.submit(JobSpec(dataset=lending, audit=audits.spec("linear")))
    assert "has not finished" in words(open_page("errors", audit=job))


def test_a_failed_audit_says_why(workspace: Workspace, lending: str, open_page: Open) -> None:
    wrong = audits.spec("linear").model_copy(update={"method": "rome-em", "params": {"nope": 1}})
    job = workspace.run_now(JobSpec(dataset=lending, audit=wrong))
    assert workspace.job(job).state == "failed"
    assert "nope" in words(open_page("errors", audit=job))


def test_the_sentence_and_the_table_hold_the_same_numbers(look: Look) -> None:
    page = look("errors", "linear", by="sex")
    rows = shown_table(page, "denominator", "value")
    lead = words(page)
    for value in (rows["value"].min(), rows["value"].max()):
        assert numbers.value(value, "tpr") in lead


@pytest.mark.parametrize("kind", ["systems", "rome", "regression", "multiclass", "many", "tiny"])
def test_every_kind_of_audit_has_a_page_of_errors(look: Look, kind: str) -> None:
    page = look("errors", kind)
    assert calm(page)
    assert shown_table(page, "denominator", "value").height


@pytest.mark.parametrize(
    "view", ["By group", "Intersections", "Threshold", "Score curves", "Counts and rows"]
)
@pytest.mark.parametrize("kind", ["linear", "multiclass", "regression"])
def test_every_view_opens_for_every_task(look: Look, kind: str, view: str) -> None:
    assert calm(look("errors", kind, view=view))


def test_a_group_of_one_class_is_not_given_a_number(look: Look) -> None:
    page = look("errors", "one-class", metric="False-positive rate")
    rows = shown_table(page, "denominator", "value").filter(pl.col("group") == "g0")
    assert rows["value"].to_list() == [None]
    assert rows["status"].to_list() == ["cannot be judged"]
    assert "cannot be judged" in words(page)


def test_the_drill_ends_at_the_rows_of_the_counts(look: Look) -> None:
    page = look("errors", "linear", view="Counts and rows", by="sex", answers="False negatives")
    counts = shown_table(page, "fn").filter(pl.col("group") == "female")
    rows = shown_table(page, "label")
    assert rows.height == counts["fn"].item()
    assert set(rows["y"]) == {1.0}
    assert set(rows["label"]) == {0.0}


def test_the_rows_can_be_seen_with_all_columns(look: Look) -> None:
    page = look("errors", "linear", view="Counts and rows", by="sex")
    page.toggle(key="all-columns").set_value(True).run()
    assert {"income", "purpose"} <= set(shown_table(page, "label").columns)


def test_a_threshold_in_the_link_moves_the_numbers(look: Look) -> None:
    low = words(look("errors", "linear", view="Threshold", by="sex", threshold="0.2"))
    high = words(look("errors", "linear", view="Threshold", by="sex", threshold="0.8"))
    assert "at threshold 0.20" in low
    assert "at threshold 0.80" in high


def test_equal_rates_give_each_group_its_own_threshold(look: Look) -> None:
    rule = "Equal opportunity (equal true-positive rates)"
    page = look("errors", "linear", view="Threshold", by="sex", rule=rule)
    cuts = shown_table(page, "threshold")
    assert set(cuts["group"]) == {"female", "male"}
    assert "With the current decisions, the gap in" in words(page)


@pytest.mark.parametrize(
    "rule",
    [
        "One threshold, lowest cost",
        "Lowest cost in each group",
        "Equal opportunity (equal true-positive rates)",
        "Equal false-positive rates",
        "Equalized odds (equal true- and false-positive rates, partly randomised)",
    ],
)
def test_a_rule_is_judged_on_rows_that_did_not_choose_it(look: Look, rule: str) -> None:
    page = look("errors", "linear", view="Threshold", by="sex", rule=rule, metric="tpr")
    assert calm(page)
    assert "chosen on a random half of the rows" in words(page)
    assert "(0.0 to 0.0)" not in words(page)


def test_a_threshold_set_by_hand_is_judged_on_all_rows(look: Look) -> None:
    assert "random half" not in words(look("errors", "linear", view="Threshold", by="sex"))
    by_places = "One threshold, by the number of people to be approved"
    page = look("errors", "linear", view="Threshold", by="sex", rule=by_places)
    assert "random half" not in words(page)


def test_equalized_odds_have_randomised_thresholds(look: Look) -> None:
    rule = "Equalized odds (equal true- and false-positive rates, partly randomised)"
    page = look("errors", "linear", view="Threshold", by="sex", rule=rule, metric="tpr")
    rules = shown_table(page, "threshold", "upper_threshold")
    assert set(rules["group"]) == {"female", "male"}
    assert (rules["threshold"] <= rules["upper_threshold"]).all()
    assert rules["chance_lower"].is_between(0, 1).all()


def test_one_attribute_is_crossed_with_another_without_a_detour(look: Look) -> None:
    page = look("errors", "linear", view="Intersections", by="sex")
    assert "women with ethnicity" in words(page)
    assert "by sex × ethnicity" in words(page)


def test_the_page_explains_itself_and_gives_the_command(look: Look) -> None:
    page = look("errors", "linear")
    assert any("fairaudit repeat" in code.value for code in page.code)
    assert page.latex
