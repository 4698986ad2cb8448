"""The Effects page: clusters, importance and debiasing of a mixed-effects audit."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.jobs.workspace import Workspace
from fairaudit.text import metric_words
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    assert "No audit has finished yet" in words(open_page("effects"))


def test_a_method_without_clusters_names_one_that_has_them(look: Look) -> None:
    assert "Fair MEDL does" in words(look("effects", "linear"))


@pytest.mark.parametrize(
    "view",
    ["Clusters", "Variance", "Fixed and mixed", "Seen and unseen", "Importance", "Debiasing"],
)
def test_every_view_opens(look: Look, view: str) -> None:
    assert calm(look("effects", "medl", view=view))


def test_the_table_holds_every_cluster(look: Look) -> None:
    shown = shown_table(look("effects", "medl"), "cluster", "effect")
    own = audits.result("medl").tables["effects"].filter(pl.col("effect") == "intercept")
    assert shown.height == own.height
    assert sorted(shown["mean"]) == pytest.approx(sorted(own["mean"]))


def test_the_sentence_counts_the_clusters(look: Look) -> None:
    own = audits.result("medl").tables["effects"]
    count = own.filter((pl.col("effect") == "intercept") & pl.col("seen")).height
    assert f"<strong>{count} clusters</strong>" in words(look("effects", "medl"))


def test_a_fit_without_a_path_says_what_it_needs(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = audits.without(audits.result("medl"), "path")
    monkeypatch.setattr("fairaudit.ui.cache.result", lambda job: bare)
    assert "performance budget" in words(look("effects", "medl", view="Debiasing"))


def test_no_cluster_seen_in_the_link_is_labelled_as_a_number(look: Look) -> None:
    page = look("effects", "medl", view="Fixed and mixed")
    assert metric_words.title(page.selectbox(key="cluster-metric").value) in words(page)


def test_a_search_shows_its_trials_and_the_chosen_weights(look: Look) -> None:
    page = look("effects", "search", view="Search")
    assert calm(page)
    chosen = audits.result("search").tables["search"].filter(pl.col("chosen")).row(0, named=True)
    assert f"lambda_kl {chosen['lambda_kl']:.3g}" in words(page)


def test_only_views_whose_tables_are_there_are_offered(look: Look) -> None:
    with_path = look("effects", "medl").segmented_control(key="view").options
    with_search = look("effects", "search").segmented_control(key="view").options
    assert ("Debiasing" in with_path, "Search" in with_path) == (True, False)
    assert ("Debiasing" in with_search, "Search" in with_search) == (False, True)
