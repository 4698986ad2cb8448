"""Guesses on well-known tables: at most one is wrong in all, and the documents show them."""

from __future__ import annotations

import pytest

from tests.data.real_tables import END, FOLDER, PAGE, START, TRUTH, check, page_table

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the folder with real tables is not beside this project"
)


def test_at_most_one_guess_is_wrong() -> None:
    wrong = [f"{name}: {fact}" for name in TRUTH for fact in check(name).wrong]
    assert len(wrong) <= 1, wrong


def test_the_page_shows_these_guesses() -> None:
    shown = PAGE.read_text("utf-8").partition(START)[2].partition(END)[0]
    assert shown.strip() == page_table()
