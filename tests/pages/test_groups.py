"""The Groups page: who is in which latent group, for one fit and for a sweep."""

from __future__ import annotations

import pytest

from fairaudit.jobs.workspace import Workspace
from fairaudit.text.sentences.groups import finding_words
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    assert "No audit has finished yet" in words(open_page("groups"))


def test_a_method_without_groups_names_one_that_has_them(look: Look) -> None:
    assert "ROME does" in words(look("groups", "linear"))


def test_the_sentence_counts_the_groups(look: Look) -> None:
    page = look("groups", "rome")
    rows = shown_table(page, "rule")
    assert f"<strong>{rows.height} latent groups</strong>" in words(page)
    small = rows.sort("share").row(0, named=True)
    assert f"{small['share']:.0%}" in words(page)


@pytest.mark.parametrize(
    "view", ["Sizes", "Profile", "Errors", "Overlap", "Membership", "Projection"]
)
@pytest.mark.parametrize("kind", ["rome", "sweep", "systems"])
def test_every_view_opens(look: Look, kind: str, view: str) -> None:
    assert calm(look("groups", kind, view=view))


def test_findings_about_existing_systems_are_told(look: Look) -> None:
    said = words(look("groups", "systems", view="Errors"))
    for system, sentences in finding_words(audits.result("systems")):
        assert system in said
        for sentence in sentences:
            assert sentence.split(":")[0] in said


def test_the_number_of_groups_in_the_link_chooses_among_a_sweep(look: Look) -> None:
    page = look("groups", "sweep", groups="2")
    assert shown_table(page, "rule").height == 2
    assert "<strong>2 latent groups</strong>" in words(page)


def test_a_part_that_is_not_stored_is_said_to_be_missing(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = audits.result("rome")
    bare = audits.without(result, "group_profile")
    monkeypatch.setattr("fairaudit.ui.cache.result", lambda job: bare)
    assert "has no profile" in words(look("groups", "rome", view="Profile"))
