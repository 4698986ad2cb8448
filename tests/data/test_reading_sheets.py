"""Workbooks as people use them: headers of two lines, merged and hidden cells, totals."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data.reading.table import Table, read, read_table
from fairaudit.exceptions import LimitExceeded


def _workbook(*rows: list[object], edit: Callable[[Any], None] | None = None) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    if edit is not None:
        edit(book.active)
    book.save(out)
    return out.getvalue()


def _notes(table: Table) -> str:
    return "; ".join(table.notes)


PEOPLE: list[list[object]] = [["F", 30, 1, 0], ["M", 40, 0, 0], ["F", 33, 1, 1]]


def test_names_of_groups_are_joined_with_the_names_below() -> None:
    content = _workbook(
        ["Person", None, "Outcome", None],
        ["sex", "age", "y", "pred"],
        *PEOPLE,
        edit=lambda sheet: [sheet.merge_cells(r) for r in ("A1:B1", "C1:D1")],
    )
    table = read(content)
    assert table.frame.columns == ["Person sex", "Person age", "Outcome y", "Outcome pred"]
    assert table.frame.height == 3
    assert "joined from the 2 lines" in _notes(table)


def test_a_name_merged_over_two_lines_is_given_once() -> None:
    content = _workbook(
        ["sex", "Scores", None],
        [None, "math", "art"],
        ["F", 1, 12],
        ["M", 0, 13],
        ["F", 1, 9],
        edit=lambda sheet: [sheet.merge_cells(r) for r in ("A1:A2", "B1:C1")],
    )
    assert read_table(content).columns == ["sex", "Scores math", "Scores art"]


def test_two_lines_without_merged_cells() -> None:
    table = read(_workbook(["sex", "age", "y", "pred"], [None, "years", "0/1", "0/1 "], *PEOPLE))
    assert table.frame.columns == ["sex", "age years", "y 0/1", "pred 0/1"]
    spread = read(_workbook(["Person", None, "System", None], ["sex", "age", "y", "p"], *PEOPLE))
    assert spread.frame.columns == ["Person sex", "Person age", "System y", "System p"]


def test_merged_cells_of_the_body_are_filled() -> None:
    content = _workbook(
        ["site", "sex", "y"],
        ["A", "F", 1],
        [None, "M", 0],
        ["B", "F", 1],
        [None, "M", 1],
        [7, "F", 0],
        [None, "F", 0],
        edit=lambda sheet: [sheet.merge_cells(r) for r in ("A2:A3", "A4:A5", "A6:A7")],
    )
    table = read(content)
    assert table.frame["site"].to_list() == ["A", "A", "B", "B", "7", "7"]
    assert "filled with their value: A2:A3, A4:A5, A6:A7" in _notes(table)


def test_merged_numbers_are_numbers() -> None:
    content = _workbook(
        ["age", "y"],
        [30.5, 1],
        [None, 0],
        [40.25, 1],
        edit=lambda sheet: sheet.merge_cells("A2:A3"),
    )
    assert read_table(content)["age"].to_list() == [30.5, 30.5, 40.25]


def test_a_merged_title_is_a_title() -> None:
    content = _workbook(
        ["Survey of 2020", None, None, None],
        [],
        ["sex", "age", "y", "p"],
        *PEOPLE,
        edit=lambda sheet: sheet.merge_cells("A1:D1"),
    )
    assert read_table(content).columns == ["sex", "age", "y", "p"]


def test_totals_and_remarks_at_the_end_are_left_out_by_number() -> None:
    rows = [["sex", "age", "y", "p"], *PEOPLE, ["Total", 103, 2, 1], [], ["Source: our own data"]]
    table = read(_workbook(*rows))
    assert table.frame.height == 3
    assert "rows 5, 7 were left out" in _notes(table)
    assert read_table(_workbook(*rows), skip_rows=()).height == 5
    assert read_table(_workbook(*rows), skip_rows=(2, 5, 7))["age"].to_list() == [40, 33]


def test_subtotals_between_the_rows_are_named_and_kept() -> None:
    rows = [["sex", "age"], ["F", 30], ["F", 31], ["Subtotal", 61], ["M", 40], ["M", 50], ["M", 9]]
    table = read(_workbook(*rows))
    assert table.frame.height == 6
    assert "may be subtotals: 4; leave them out with skip_rows=(4,)" in _notes(table)


def test_units_below_merged_names_and_totals_of_groups() -> None:
    content = _workbook(
        [None, "Person", None, "Result"],
        ["id", "sex", "age", "math"],
        [None, None, "(years)", "(0-20)"],
        [1, "F", 30, 1],
        [2, "M", 40, 0],
        [3, "F", 33, 1],
        edit=lambda sheet: sheet.merge_cells("B1:C1"),
    )
    frame = read_table(content)
    assert frame.columns == ["id", "Person sex", "Person age (years)", "Result math (0-20)"]
    assert frame["Person age (years)"].to_list() == [30, 40, 33]
    rows = [["Region", "y"], ["North", 1], ["North", 0], ["North Total", 1], ["South", 1]]
    table = read(_workbook(*rows, ["South", 0], ["South Total", 1], ["Grand Total", 2]))
    assert "rows 7, 8 were left out" in _notes(table)
    assert "may be subtotals: 4" in _notes(table)


def test_headings_between_the_rows_are_no_people() -> None:
    content = _workbook(
        ["sex", "age", "y"],
        ["F", 30, 1],
        ["M", 40, 0],
        ["Department B", None, None],
        ["F", 33, 1],
        ["M", 41, 1],
        edit=lambda sheet: sheet.merge_cells("A4:C4"),
    )
    table = read(content)
    assert table.frame["age"].to_list() == [30, 40, 33, 41]
    assert "row 4 was left out as headings in one merged cell" in _notes(table)


def test_hidden_rows_and_columns_are_read_and_named() -> None:
    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True

    table = read(_workbook(["sex", "age", "y", "p"], *PEOPLE, edit=hide))
    assert table.frame.height == 3
    assert "1 hidden row read too: 3" in _notes(table)
    assert "1 hidden column read too: B" in _notes(table)


def test_formulas_without_a_value_are_named_with_the_remedy() -> None:
    rows = [["a", "b", "c"], *([i, f"=A{i}*2", "x"] for i in range(2, 7))]
    table = read(_workbook(*rows))
    assert table.frame["a"].to_list() == [2, 3, 4, 5, 6]
    assert "5 formulas without a stored value" in _notes(table)
    assert "B2, B3" in _notes(table)
    assert "save it" in _notes(table)


def test_a_table_that_begins_further_down_and_right() -> None:
    def place(sheet: Any) -> None:
        for i, row in enumerate([["a", "b"], [1, "x"], [2, "y"], [3, "x"]], 5):
            for j, cell in enumerate(row, 3):
                sheet.cell(i, j, cell)
        sheet.row_dimensions[7].hidden = True

    table = read(_workbook(edit=place))
    assert table.frame.rows() == [(1, "x"), (2, "y"), (3, "x")]
    assert "1 hidden row read too: 7" in _notes(table)


def test_identifiers_of_many_digits_are_exact_as_text_and_as_numbers() -> None:
    ids = [str(12345678901234567890 + i) for i in range(3)]
    table = read(_workbook(["id", "y"], *([i, 1] for i in ids)))
    assert table.frame["id"].to_list() == ids
    written = _edited(
        _workbook(["id", "y"], [1, 1], [2, 0], [3, 1]),
        lambda xml: re.sub(rb'(r="A\d"[^>]*>)<v>(\d)</v>', rb"\1<v>1234567890123456\2</v>", xml),
    )
    assert read_table(written)["id"].to_list() == [12345678901234560 + i for i in (1, 2, 3)]


def test_money_and_no_header_in_a_workbook() -> None:
    money = read_table(_workbook(["sex", "pay"], ["F", "1 234,50"], ["M", "2 000,00"]))
    assert money["pay"].to_list() == [1234.5, 2000.0]
    bare = read(_workbook(*PEOPLE))
    assert bare.frame.columns == ["column_1", "column_2", "column_3", "column_4"]
    assert bare.frame.height == 3
    assert read_table(_workbook(*PEOPLE), header=True).height == 2


def _edited(content: bytes, edit: Callable[[bytes], bytes], **renamed: str) -> bytes:
    """A workbook with another XML of its sheet, perhaps under another name."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                name, data = renamed.get("sheet", name), edit(data)
            elif "sheet" in renamed and name in (
                "xl/_rels/workbook.xml.rels",
                "[Content_Types].xml",
            ):
                data = data.replace(b"xl/worksheets/sheet1.xml", renamed["sheet"].encode())
            new.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("sheet", ["xl/worksheets/sheet1.xml", "xl/blatt/sheet1.xml", "xl/s.bin"])
@pytest.mark.parametrize("cell", [b"ZZZZZZZZ2", b"XFD1048576", b"A99999999999", b"XFE1"])
def test_a_cell_far_away_is_refused_wherever_its_sheet_lies(sheet: str, cell: bytes) -> None:
    content = _workbook(["a", "b"], [1, 2], [3, 4])
    far = _edited(content, lambda xml: xml.replace(b'r="B3"', b'r="' + cell + b'"'), sheet=sheet)
    with pytest.raises(LimitExceeded, match="save it") as raised:
        read_table(far)
    assert "\n" not in str(raised.value)


_WORD = st.text(st.sampled_from("abc äñ,;\"'\n"), min_size=1, max_size=6).map(
    lambda text: "w" + text + "w"
)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(_WORD, st.integers(-(2**52), 2**52), st.floats(-1e9, 1e9, width=32)),
        min_size=2,
        max_size=6,
    ),
    above=st.integers(0, 3),
    left=st.integers(0, 2),
    header=st.booleans(),
)
def test_any_sheet_reads_back_equal(
    rows: list[tuple[str, int, float]], above: int, left: int, header: bool
) -> None:
    cells = [("text", "whole", "float"), *rows] if header else rows

    def place(sheet: Any) -> None:
        for i, row in enumerate(cells, 1 + above):
            for j, cell in enumerate(row, 1 + left):
                sheet.cell(i, j, cell)

    found = read_table(_workbook(edit=place), header=header)
    names = ("text", "whole", "float") if header else ("column_1", "column_2", "column_3")
    assert tuple(found.columns) == names
    assert found.select(names[:2]).rows() == [(text, whole) for text, whole, _ in rows]
    # openpyxl writes 16 digits
    assert found[names[2]].to_list() == pytest.approx([r[2] for r in rows], rel=1e-14)
