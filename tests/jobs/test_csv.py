"""CSV files that no spreadsheet computes."""

from __future__ import annotations

import csv
import datetime
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.jobs.csv import safe_csv, safe_text
from tests.jobs.corpus import FORMULAS

STARTS = tuple("=+-@\t\r\n＝＋－＠")


def _cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_and_no_header_starts_a_formula(formula: str) -> None:
    frame = pl.DataFrame({formula: [formula, None], "n": [-1.5, 2.0]})
    text = safe_csv(frame)
    assert formula in text.replace('""', '"')  # nothing is lost, only an apostrophe is put before
    for row in _cells(text):
        assert not row[0].lstrip(" \u00a0\ufeff\x00").startswith(STARTS)


def test_numbers_dates_and_truths_stay_as_they_are() -> None:
    day = datetime.date(2026, 11, 20)
    frame = pl.DataFrame({"a": [-1], "b": [-0.5], "c": [True], "d": [day], "e": [None]})
    assert safe_csv(frame) == "a,b,c,d,e\n-1,-0.5,true,2026-11-20,\n"


def test_harmless_text_stays_as_it_is() -> None:
    frame = pl.DataFrame({"name": ["a,b", 'say "x"', "women = 3", "x-y", ""]})
    assert [row[0] for row in _cells(safe_csv(frame))[1:]] == frame["name"].to_list()


def test_lists_and_categories_are_text_too() -> None:
    frame = pl.DataFrame({"c": pl.Series(["=1"], dtype=pl.Categorical), "l": [["=1"]]})
    row = _cells(safe_csv(frame))[1]
    assert row[0] == "'=1"
    assert not row[1].startswith("=")


def test_headers_that_become_equal_stay_apart() -> None:
    text = safe_csv(pl.DataFrame({"=a": [1], "'=a": [2]}))
    header = _cells(text)[0]
    assert len(set(header)) == 2
    assert not any(name.startswith("=") for name in header)


@given(st.text(max_size=30))
def test_any_text_is_safe_and_kept(text: str) -> None:
    safe = safe_text(text)
    assert safe in (text, f"'{text}")
    assert not safe.startswith(STARTS)
