"""Labels become text once: one value, a column and a table of a file agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data import labels as tables
from fairaudit.inputs.group_codes import encode, groupings
from fairaudit.inputs.labels import (
    cell_name,
    cell_names,
    cell_parts,
    class_label,
    is_missing,
    text_of,
)
from fairaudit.inputs.read import read_column, read_columns

MOMENTS = [
    dt.datetime(2020, 1, 1),
    dt.datetime(2020, 1, 1, 3, 4, 5, 120000),
    dt.datetime(2020, 1, 1, 10, 20, 30),
]
COLUMNS = [
    pl.Series([1, 20, None]),
    pl.Series([1.0, 0.1, 1e-7, -2.5, 1e20, 9007199254740993.0, None]),
    pl.Series([0.1, 2.0, 1.5e-9], dtype=pl.Float32),
    pl.Series(["a", " b ", None]),
    pl.Series([dt.date(2020, 1, 1), None]),
    pl.Series([*MOMENTS, None]),
    pl.Series(MOMENTS).cast(pl.Datetime("ns")),
    pl.Series(MOMENTS).cast(pl.Datetime("ms")).dt.replace_time_zone("Europe/Berlin"),
    pl.Series([Decimal("1.50"), Decimal("20"), Decimal("100.00")]),
    pl.Series(["x", None], dtype=pl.Categorical),
]


@pytest.mark.parametrize("series", COLUMNS, ids=lambda s: str(s.dtype))
def test_a_value_and_a_table_give_one_text(series: pl.Series) -> None:
    single = series.to_numpy() if series.dtype == pl.Float32 else series.to_list()
    expected = [None if is_missing(v) else class_label(v) for v in single]
    assert tables.label_text(series).to_list() == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5))
def test_every_float_has_one_text(values: list[float]) -> None:
    expected = [None if is_missing(v) else class_label(v) for v in values]
    assert tables.label_text(pl.Series(values, dtype=pl.Float64)).to_list() == expected
    text = read_column(values, "v").text().tolist() if values else []
    assert text == [text_of(v) for v in values]


def test_one_is_one_in_any_type_and_true_only_as_a_class() -> None:
    ones: list[Any] = [1, 1.0, "1", np.float32(1), np.int8(1), Decimal("1.0")]
    assert {text_of(v) for v in ones} == {"1"}
    assert {class_label(v) for v in [*ones, True, np.True_, " 1 "]} == {"1"}
    assert text_of(True) == "True"


@pytest.mark.parametrize(
    "gap",
    [
        None,
        float("nan"),
        np.nan,
        np.float32("nan"),
        np.datetime64("NaT"),
        np.timedelta64("NaT"),
        pd.NA,
        pd.NaT,
        np.ma.masked,
        Decimal("NaN"),
    ],
)
def test_every_gap_is_missing(gap: Any) -> None:
    assert is_missing(gap)
    assert text_of(gap) == "(missing)"


def test_time_stamps_read_as_people_write_them() -> None:
    days = np.array(["2020-01-01", "NaT", "2021-01-01T10:30"], dtype="datetime64[ns]")
    names = ["2020-01-01", "(missing)", "2021-01-01 10:30:00"]
    for given_as in (days, days.astype("datetime64[s]"), pd.Series(days), pl.Series(days)):
        assert read_column(given_as, "day").text().tolist() == names
    assert read_column(days.astype("datetime64[Y]"), "day").text().tolist()[0] == "2020"


def test_single_precision_shows_no_digits_that_were_never_there() -> None:
    tenths = np.array([0.1, 0.2, np.nan], dtype=np.float32)
    for given_as in (tenths, pd.Series(tenths), pl.Series(tenths), list(tenths)):
        assert read_column(given_as, "v").text().tolist() == ["0.1", "0.2", "(missing)"]


PARTS = st.lists(st.text(alphabet='a" ×"', max_size=4), min_size=2, max_size=2)


@settings(max_examples=300, deadline=None)
@given(PARTS, PARTS)
def test_two_intersections_never_share_a_name(one: list[str], other: list[str]) -> None:
    assert (cell_name(one) == cell_name(other)) == (one == other)
    assert cell_parts(cell_name(one)) == one


@settings(max_examples=100, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=6))
def test_a_table_names_intersections_alike(rows: list[list[str]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    named = frame.select(name=cell_names(["a", "b"]))["name"].to_list()
    assert named == [cell_name(row) for row in rows]


def test_values_that_hold_the_sign_of_crossings_stay_apart() -> None:
    columns = {"job": ["a × b", "a"], "area": ["c", "b × c"]}
    crossed = groupings(columns, 2)[-1]
    assert crossed.names == ('"a × b" × c', 'a × "b × c"')
    assert len(set(read_columns(columns, "s").text().tolist())) == 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", None, "c"]), min_size=1, max_size=20))
def test_codes_lead_back_to_the_labels(values: list[str | None]) -> None:
    names, codes = encode(values)
    assert [names[c] for c in codes] == ["(missing)" if v is None else v for v in values]
    assert list(names) == sorted(names)
