"""The Compare page: one audit's models, or methods over seeds."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.jobs.workspace import Workspace
from fairaudit.text import numbers
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table
from tests.sizes import nightly


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    assert "No audit has finished yet" in words(open_page("compare"))


def test_one_model_says_how_to_get_more(look: Look) -> None:
    said = words(look("compare", "tiny"))
    assert "<strong>one model</strong>" in said
    assert "Several methods, compared" in said


@pytest.mark.parametrize("view", ["Trade-off", "Paired differences", "All values"])
@pytest.mark.parametrize("kind", ["systems", "compare", *nightly("linear", "sde")])
def test_every_view_opens(look: Look, kind: str, view: str) -> None:
    assert calm(look("compare", kind, view=view))


def test_the_front_holds_the_gaps_of_the_table(look: Look) -> None:
    page = look("compare", "systems", by="sex", gap="True-positive rate")
    shown = shown_table(page, "dominated")
    own = audits.result("systems").gaps.filter(
        (pl.col("attribute") == "sex")
        & (pl.col("metric") == "tpr")
        & (pl.col("kind") == "difference")
    )
    assert dict(shown.select("model", "gap").iter_rows()) == pytest.approx(
        dict(own.select("model", "value").iter_rows())
    )


def test_the_best_model_is_named(look: Look) -> None:
    page = look("compare", "systems", quality="Accuracy")
    best = shown_table(page, "dominated").sort("value", descending=True)
    said = words(page)
    assert f"<strong>{best['model'].item(0)}</strong> has the best estimated accuracy" in said
    assert numbers.value(best["value"].item(0), "accuracy") in said


def test_over_seeds_the_page_says_how_intervals_were_made(look: Look) -> None:
    assert "corrected resampled t" in words(look("compare", "compare"))
    assert "McNemar" in words(look("compare", "systems"))
