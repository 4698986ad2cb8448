"""Mends: a table read differently, undoably, and the same when repeated."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter

from fairaudit.data.dataset import Dataset
from fairaudit.data.mends import (
    AsMissing,
    AsNumbers,
    JoinLabels,
    LeaveOut,
    Mend,
    RepeatingId,
    YesFrom,
    as_numbers,
    as_years,
    mended,
    sentence,
)
from fairaudit.data.near_labels import joining, near_equal, near_key
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.splits import SplitSpec
from fairaudit.exceptions import SpecError

ALL: tuple[Mend, ...] = (
    JoinLabels(column="y", into={">50K.": ">50K", "<=50K.": "<=50K"}),
    AsNumbers(column="pay"),
    AsMissing(column="lab", values=("-999",)),
    LeaveOut(column="pay"),
    RepeatingId(column="person"),
    YesFrom(column="x", least=8),
)


def _frame(n: int = 240) -> pl.DataFrame:
    k = np.arange(n)
    return pl.DataFrame({
        "y": [(">50K", "<=50K", ">50K.", "<=50K.")[i % 4] for i in k],
        "pay": [f"${i},{i % 900 + 100}.50" if i % 9 else "n/k" for i in k + 1],
        "lab": np.where(k % 10 == 0, -999, k % 40),
        "sex": [("f", "m")[i // 3 % 2] for i in k],
        "person": k // 3,
        "x": k % 17,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (">50K", ">50K."), ("Yes", "YES"), ("Female", "female"), ("é", "é"),
        ("San José", "San José"), ("Yes ", "Yes"), ("New  York", "New York"),
        ("New\u00a0York", "New York"), ("ＹＥＳ", "yes"), ("A\u200bB", "AB"), ("ﬁt", "fit"),
        ("African-American", "African American"), ("non‑binary", "non-binary"),
        ("native_american", "Native American"), ("O’Neil", "O'Neil"), ("1.0", "1"),
        ("Straße", "STRASSE"), ("İ".lower(), "i̇"),
    ],
)  # fmt: skip
def test_labels_that_a_person_reads_as_one(one: str, other: str) -> None:
    assert near_key(one) == near_key(other)
    assert near_equal({one: 3, other: 2}) or one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [("-1", "1"), ("<=50K", ">50K"), ("A", "B"), ("A+", "A-"), ("1", "10"), ("1.5", "15"),
     ("a", "á"), ("+", "-"), ("", "."), ("25-34", "25 34x"), ("man", "woman")],
)  # fmt: skip
def test_labels_that_differ(one: str, other: str) -> None:
    assert near_key(one) != near_key(other)


def test_the_most_frequent_label_stays() -> None:
    groups = near_equal({"yes": 5, "Yes": 40, "YES ": 2, "no": 9})
    assert groups == (("Yes", "yes", "YES "),)
    assert joining(groups) == {"yes": "Yes", "YES ": "Yes"}


def test_mends_change_neither_the_table_nor_themselves_when_repeated() -> None:
    frame = _frame()
    before = frame.clone()
    once = mended(frame, ALL)
    assert frame.equals(before)
    assert mended(once, ALL).equals(once)
    assert set(once["y"]) == {">50K", "<=50K"}
    assert once["pay"].dtype == pl.Float64
    assert once["pay"].null_count() == sum(k % 9 == 0 for k in range(1, 241))
    assert once["lab"].null_count() == 24
    assert mended(frame, ()).equals(frame)


def test_mends_survive_json_and_every_one_has_a_sentence() -> None:
    adapter = TypeAdapter(tuple[Mend, ...])
    assert adapter.validate_json(adapter.dump_json(ALL)) == ALL
    assert all(f"'{m.column}'" in sentence(m) for m in ALL)
    roles = ColumnRoles(target="y", mends=ALL)
    assert ColumnRoles.model_validate_json(roles.model_dump_json()) == roles


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["$1,234.50", "$7", "n/k"], [1234.5, 7, None]),
        (["1 234,50", "7,25", "x"], [1234.5, 7.25, None]),
        (["1.234,5", "12,5"], [1234.5, 12.5]),
        (["1'234.50", "8"], [1234.5, 8]),
        (["12 %", "7%"], [12, 7]),
        (["(5)", "5"], [-5, 5]),
        (["1,234", "12,345,678"], [1234, 12345678]),
        (["3", "?", "."], [3, None, None]),
        (["1e3", "-2"], [1000, -2]),
    ],
)
def test_numbers_as_people_write_them(texts: list[str], numbers: list[float | None]) -> None:
    assert as_numbers(pl.Series("pay", texts)).to_list() == numbers


def test_labels_that_look_the_same_are_refused_by_name_until_they_are_joined() -> None:
    roles = ColumnRoles(target="y", features=("x",), sensitive=("sex",))
    with pytest.raises(SpecError, match=r"look the same: '<=50K' and '<=50K\.'.*--fix"):
        Dataset(_frame(), roles)
    data = Dataset(_frame(), roles.model_copy(update={"mends": ALL[:1]}))
    assert data.roles.positive == ">50K"
    assert data.arrays().classes == ("<=50K", ">50K")
    chosen = roles.model_copy(update={"task": "multiclass"})
    assert len(Dataset(_frame(), chosen).arrays().classes) == 4  # said, so done


@pytest.mark.parametrize("people", [8, 80, 700])
@pytest.mark.parametrize("rows", [1, 3])
def test_rows_of_one_unit_stay_together(people: int, rows: int) -> None:
    n = people * rows
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({
        "person": rng.permutation(np.repeat(np.arange(people), rows)), "x": rng.normal(size=n),
        "y": np.arange(n) % 2, "sex": np.array(["f", "m"])[np.arange(n) // 2 % 2],
    })  # fmt: skip
    roles = ColumnRoles(target="y", features=("x",), sensitive=("sex",), unit="person")
    arrays = Dataset(frame, roles).arrays()
    part_of = pl.DataFrame({"person": frame["person"], "part": arrays.split})
    assert part_of.unique().height == people
    assert set(arrays.split) == {0, 1, 2}
    assert arrays.cluster is not None
    assert len(set(arrays.cluster)) == people


def test_a_coarser_cluster_is_the_cluster_and_a_divided_unit_is_refused() -> None:
    frame = _frame().with_columns(
        y=pl.int_range(240) % 2,
        site=pl.int_range(240) // 24,
        part=pl.Series(["train", "test"] * 120),
        ward=pl.int_range(240) % 8,
    )
    roles = ColumnRoles(target="y", features=("x",), unit="person", cluster="site", split="part")
    assert len(set(Dataset(frame, roles).arrays().cluster_names)) == 10
    with pytest.raises(SpecError, match="values of 'person' have both training and test rows"):
        Dataset(frame, roles).arrays(SplitSpec(by="column"))
    moving = roles.model_copy(update={"cluster": "ward"})
    with pytest.raises(SpecError, match="both training and test rows"):
        Dataset(frame, moving).arrays(SplitSpec(by="cluster"))


def test_validation_rows_drawn_for_a_split_column_keep_units_whole() -> None:
    frame = _frame(600).with_columns(
        y=pl.int_range(600) % 2,
        part=pl.when(pl.int_range(600) >= 450).then(pl.lit("test")).otherwise(pl.lit("train")),
    )
    roles = ColumnRoles(target="y", features=("x",), unit="person", split="part")
    arrays = Dataset(frame, roles).arrays(SplitSpec(by="column"))
    assert (arrays.split == 1).any()
    assert pl.DataFrame({"p": frame["person"], "s": arrays.split}).unique().height == 200


def test_rows_without_an_id_are_units_of_their_own() -> None:
    frame = _frame().with_columns(
        y=pl.int_range(240) % 2,
        person=pl.when(pl.int_range(240) < 120).then(pl.col("person")),
    )
    arrays = Dataset(frame, ColumnRoles(target="y", features=("x",), unit="person")).arrays()
    assert len(arrays.cluster_names) == 40 + 120


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("22/02/2004", 2004), ("2004-02-22", 2004), ("22.2.1899", 1899), ("2/22/2004 00:00", 2004),
        ("22 Feb 2004", 2004), ("2004", 2004), ("22/02/04", None), ("unknown", None),
        ("12004", None), ("20045", None), (None, None),
    ],
)  # fmt: skip
def test_dates_become_their_years(written: str | None, year: int | None) -> None:
    assert as_years(pl.Series("born", [written], dtype=pl.String)).to_list() == [year]


def test_true_dates_become_their_years_and_numbers_stay() -> None:
    days = pl.Series("born", [date(1960, 5, 1), None])
    assert as_years(days).to_list() == [1960, None]
    assert as_years(pl.Series("born", [1960])).to_list() == [1960]
