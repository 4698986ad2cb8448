"""The What if page: another number of groups without another fit."""

from __future__ import annotations

import polars as pl
import pytest

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
    assert "No audit has finished yet" in words(open_page("whatif"))


def test_a_single_fit_says_how_to_sweep(look: Look) -> None:
    assert "What if more or fewer?" in words(look("whatif", "rome"))


@pytest.mark.parametrize(
    "view", ["Worst group", "Same groups", "Lineage", "Criteria", "Stability"]
)
def test_every_view_opens(look: Look, view: str) -> None:
    assert calm(look("whatif", "sweep", view=view))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_slider_in_the_link_sets_the_sentence(look: Look, count: int) -> None:
    page = look("whatif", "sweep", groups=str(count))
    row = audits.result("sweep").tables["sweep"].filter(pl.col("n_groups") == count)
    said = words(page)
    assert f"<strong>{count} group{'s' if count > 1 else ''}</strong>" in said
    assert numbers.value(row["worst_group"].item(), "log_loss") in said


def test_the_table_is_the_sweep(look: Look) -> None:
    shown = shown_table(look("whatif", "sweep"), "n_groups", "bic")
    own = audits.result("sweep").tables["sweep"]
    assert shown["worst_group"].to_list() == pytest.approx(own["worst_group"].to_list())


def test_a_sweep_without_lineage_says_so(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = audits.without(audits.result("sweep"), "lineage")
    monkeypatch.setattr("fairaudit.ui.cache.result", lambda job: bare)
    assert "no lineage" in words(look("whatif", "sweep", view="Lineage"))


def test_the_slider_starts_at_the_number_the_sweep_chose(look: Look) -> None:
    sweep = audits.result("sweep").tables["sweep"]
    [chosen] = sweep.filter("chosen")["n_groups"].to_list()
    assert look("whatif", "sweep").select_slider(key="groups").value == chosen
