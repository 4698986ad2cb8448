"""ODS workbooks are read as XLSX workbooks are: merged, hidden and uncomputed cells."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from fairaudit.data.reading.table import Table, read

_NS = "urn:oasis:names:tc:opendocument:xmlns"
Cell = str | float | None


def _cell(value: Cell, more: str = "") -> str:
    if value is None:
        return f"<table:table-cell{more}/>"
    kind = f"float' office:value='{value}" if isinstance(value, int | float) else "string"
    return (
        f"<table:table-cell{more} office:value-type='{kind}'><text:p>{value}</text:p>"
        "</table:table-cell>"
    )


def _ods(rows: list[str], columns: str = "", *, before: str = "") -> bytes:
    content = (
        f"<?xml version='1.0'?><office:document-content xmlns:office='{_NS}:office:1.0' "
        f"xmlns:table='{_NS}:table:1.0' xmlns:text='{_NS}:text:1.0'><office:body>"
        f"<office:spreadsheet>{before}<table:table table:name='People &amp; jobs'>{columns}"
        f"{''.join(rows)}</table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    return out.getvalue()


def _row(*values: Cell, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(map(_cell, values))}</table:table-row>"


PEOPLE: list[tuple[Cell, ...]] = [("site", "age"), ("A", 31), (None, 44), ("B", 50), (None, 29)]


def _merged_ods() -> bytes:
    tall = " table:number-rows-spanned='2'"
    covered = "<table:covered-table-cell/>"
    rows = [_row("site", "age")]
    for site, first, second in (("A", 31, 44), ("B", 50, 29)):
        rows.append(f"<table:table-row>{_cell(site, tall)}{_cell(first)}</table:table-row>")
        rows.append(f"<table:table-row>{covered}{_cell(second)}</table:table-row>")
    return _ods(rows)


def _xlsx(*, merged: tuple[str, ...] = (), rows: int | None = None, columns: str = "") -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in PEOPLE:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    if rows is not None:
        book.active.row_dimensions[rows].hidden = True
    if columns:
        book.active.column_dimensions[columns].hidden = True
    book.save(out)
    return out.getvalue()


def _marks(table: Table) -> list[str]:
    return [n for n in table.notes if "merged" in n or "hidden" in n or "formula" in n]


def test_merged_cells_are_filled_as_in_xlsx() -> None:
    ods, xlsx = read(_merged_ods()), read(_xlsx(merged=("A2:A3", "A4:A5")))
    assert ods.frame["site"].to_list() == ["A", "A", "B", "B"]
    assert ods.frame.equals(xlsx.frame)
    assert _marks(ods) == _marks(xlsx) != []


def test_hidden_rows_and_columns_are_named_as_in_xlsx() -> None:
    hidden = " table:visibility='collapse'"
    filled = [("site", "age"), ("A", 31), ("A", 44), ("B", 50), ("B", 29)]
    rows = [_row(*row, more=hidden if i == 2 else "") for i, row in enumerate(filled)]
    columns = f"<table:table-column/><table:table-column{hidden}/>"
    ods = read(_ods(rows, columns))
    assert ods.frame.height == 4
    assert _marks(ods) == _marks(read(_xlsx(rows=3, columns="B")))


@pytest.mark.parametrize("state", ["collapse", "filter"])
def test_rows_hidden_at_once_and_an_empty_hidden_end_are_counted_once(state: str) -> None:
    hidden = f" table:visibility='{state}'"
    same = f" table:number-rows-repeated='2'{hidden}"
    end = f"<table:table-row table:number-rows-repeated='1000000'{hidden}><table:table-cell "
    end += "table:number-columns-repeated='1024'/></table:table-row>"
    rows = [_row("site", "age"), _row("A", 31), _row("B", 50, more=same), _row("B", 29), end]
    assert _marks(read(_ods(rows))) == ["2 hidden rows read too: 3, 4"]


def test_a_table_that_starts_further_down_has_its_own_row_numbers() -> None:
    blank = "<table:table-row table:number-rows-repeated='3'><table:table-cell/></table:table-row>"
    hidden = " table:visibility='collapse'"
    rows = [blank, _row(None, "site", "age"), _row(None, "A", 31, more=hidden),
            _row(None, "B", 50)]  # fmt: skip
    table = read(_ods(rows))
    assert table.frame.columns == ["site", "age"]
    assert _marks(table) == ["1 hidden row read too: 5"]


def test_a_formula_without_a_value_is_named() -> None:
    formula = "<table:table-cell table:formula='of:=[.A2]*2'/>"
    rows = [_row("site", "age", "twice"), f"<table:table-row>{_cell('A')}{_cell(31)}{formula}"
            "</table:table-row>", _row("B", 50, 100)]  # fmt: skip
    [note] = _marks(read(_ods(rows)))
    assert note.startswith("1 formula without a stored value, read as missing: C2")


def test_only_the_sheet_that_is_read_is_looked_at() -> None:
    other = (
        "<table:table table:name='Notes'><table:table-row table:visibility='collapse'>"
        f"{_cell('x')}</table:table-row></table:table>"
    )
    table = read(_ods([_row(*row) for row in (("site", "age"), ("A", 1), ("B", 2))], before=other))
    assert _marks(table) == []
