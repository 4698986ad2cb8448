"""Sheets of XLSX, XLS and ODS workbooks, via calamine; formulas give their stored values."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from fairaudit.data.reading.formats import Source, open_source, size_of
from fairaudit.data.reading.limits import Limits
from fairaudit.data.reading.ods_marks import CONTENT, ods_marks
from fairaudit.data.reading.options import INFERRED, ReadingOptions
from fairaudit.data.reading.sheet_bounds import check_extent
from fairaudit.data.reading.sheet_grid import read_grid
from fairaudit.data.reading.sheet_marks import SheetMarks, sheet_marks
from fairaudit.exceptions import InputError, SpecError


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet below its header.

    Attributes
    ----------
    text : polars.DataFrame
        Every cell as displayed, numbers to nine decimals; "" for empty cells.
    numbers : polars.DataFrame
        The same cells as floats at full precision; null where a cell is not a number.
    notes : list of str
    """

    text: pl.DataFrame
    numbers: pl.DataFrame
    notes: list[str]


def read_sheet(
    source: Source, name: str, limits: Limits, options: ReadingOptions = INFERRED
) -> Sheet:
    """Read the named sheet, or the first visible one with a table.

    Raises
    ------
    SpecError
        If there is no sheet of that name.
    InputError
        If the workbook cannot be read or all its sheets are empty.
    LimitExceeded
        If it is too large, or its filled cells span too large a rectangle.
    """
    sheet = options.sheet
    limits.check_file(name, size_of(source))
    _check_archive(source, name, limits)
    book = _open_workbook(source, name)
    names = list(book.sheet_names)
    if sheet is not None and sheet not in names:
        raise SpecError(f"'{name}' has no sheet '{sheet}'; it has {', '.join(map(repr, names))}")
    chosen = _chosen(book, [sheet] if sheet is not None else names, name, limits)
    if chosen is None:
        raise InputError(
            f"no sheet of '{name}' contains a table; put a header and rows on the first one"
        )
    frame, title = chosen
    numbers = _cells(book, title, name, "float")
    marks = _marks(source, title)
    grid = read_grid(frame, numbers, marks, options)
    notes = list(grid.notes)
    if len(names) > 1:
        notes.insert(0, f"sheet '{title}' of {len(names)} was read; choose another by its name")
    if marks is None:
        notes.append(
            "merged, hidden and uncomputed cells are only noticed in .xlsx and .ods workbooks; "
            "save it as .xlsx if it has any"
        )
    return Sheet(grid.text, grid.numbers, notes)


def sheet_names(source: Source, name: str) -> tuple[str, ...]:
    """The names of the sheets of a workbook.

    Raises
    ------
    InputError
        If the workbook cannot be read.
    """
    return tuple(_open_workbook(source, name).sheet_names)


def _open_workbook(source: Source, name: str) -> Any:
    import fastexcel

    try:
        return fastexcel.read_excel(source if isinstance(source, bytes) else str(source))
    except fastexcel.FastExcelError as error:
        raise InputError(
            f"the workbook '{name}' cannot be read ({_first_line(error)}); save it again as "
            ".xlsx or CSV"
        ) from error


def _check_archive(source: Source, name: str, limits: Limits) -> None:
    with open_source(source) as stream:
        if not zipfile.is_zipfile(stream):
            return
        with zipfile.ZipFile(stream) as archive:  # valid: `sniff` has opened it
            expanded = sum(info.file_size for info in archive.infolist())
            largest = min(limits.sheet_bytes, limits.expanded_bytes)
            sheet_limits = replace(limits, expanded_bytes=largest)
            sheet_limits.check_expansion(name, size_of(source), expanded)
            check_extent(archive, name, limits)


def _chosen(
    book: Any, candidates: list[str], name: str, limits: Limits
) -> tuple[pl.DataFrame, str] | None:
    """The first sheet with a table: visible before hidden, single columns last."""
    tables: list[tuple[bool, bool, pl.DataFrame, str]] = []
    for candidate in candidates:
        loaded = _loaded(book, candidate, name, "string")
        if loaded.height < 2 or loaded.width == 0:
            continue
        limits.check_shape(name, loaded.height, loaded.width)
        hidden, narrow = loaded.visible != "visible", loaded.width == 1
        tables.append((hidden, narrow, pl.DataFrame(loaded.to_polars()), candidate))
        if not hidden and not narrow:
            break
    if not tables:
        return None
    *_, frame, title = min(tables, key=lambda sheet: sheet[:2])
    return frame, title


def _cells(book: Any, sheet: str, name: str, dtype: str) -> pl.DataFrame:
    return pl.DataFrame(_loaded(book, sheet, name, dtype).to_polars())


def _loaded(book: Any, sheet: str, name: str, dtype: str) -> Any:
    import fastexcel

    try:
        return book.load_sheet(
            sheet,
            header_row=None,
            schema_sample_rows=None,
            dtype_coercion="coerce",
            dtypes=dtype,
        )
    except fastexcel.FastExcelError as error:
        raise InputError(
            f"sheet '{sheet}' of '{name}' cannot be read ({_first_line(error)}); save it as CSV"
        ) from error


def _marks(source: Source, title: str) -> SheetMarks | None:
    """What an .xlsx or .ods sheet has beside its values; None for other workbooks."""
    with open_source(source) as stream:
        if zipfile.is_zipfile(stream):
            with zipfile.ZipFile(stream) as archive:
                if CONTENT in archive.namelist():
                    return ods_marks(archive, title)
    return sheet_marks(source, title)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
