"""Sheets of XLSX, XLS and ODS workbooks through calamine; formulas give their stored values."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import polars as pl

from fairaudit.data.dialect import column_names
from fairaudit.data.formats import Source, open_source, size_of
from fairaudit.data.limits import Limits
from fairaudit.exceptions import InputError, SpecError


def read_sheet(
    source: Source, name: str, limits: Limits, *, sheet: str | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """The named sheet, or the first one that holds a table.

    Raises
    ------
    SpecError
        If there is no sheet of that name.
    InputError
        If the workbook cannot be read or all its sheets are empty.
    """
    import fastexcel

    limits.check_file(name, size_of(source))
    ceiling = min(limits.sheet_bytes, limits.expanded_bytes)
    _check_expansion(source, name, replace(limits, expanded_bytes=ceiling))
    try:
        book = fastexcel.read_excel(source if isinstance(source, bytes) else str(source))
        names = list(book.sheet_names)
    except fastexcel.FastExcelError as error:
        raise InputError(
            f"the workbook '{name}' cannot be read ({_first_line(error)}); save it again as "
            ".xlsx or CSV"
        ) from error
    if sheet is not None and sheet not in names:
        raise SpecError(f"'{name}' has no sheet '{sheet}'; it has {', '.join(map(repr, names))}")
    lists: list[tuple[pl.DataFrame, str]] = []  # sheets of one column are mostly notes
    for candidate in [sheet] if sheet is not None else names:
        frame = _loaded(book, candidate, name, limits)
        if frame is not None and frame.width > 1:
            return _named(frame, candidate, names)
        if frame is not None:
            lists.append((frame, candidate))
    if lists:
        return _named(*lists[0], names)
    raise InputError(
        f"no sheet of '{name}' holds a table; put a header line and rows on the first one"
    )


def _check_expansion(source: Source, name: str, limits: Limits) -> None:
    with open_source(source) as stream:
        if not zipfile.is_zipfile(stream):
            return
        with zipfile.ZipFile(stream) as archive:  # the sniffer has opened it before
            expanded = sum(info.file_size for info in archive.infolist())
    limits.check_expansion(name, size_of(source), expanded)


def _loaded(book: object, sheet: str, name: str, limits: Limits) -> pl.DataFrame | None:
    import fastexcel

    try:
        loaded = book.load_sheet(  # type: ignore[attr-defined]
            sheet,
            header_row=None,
            schema_sample_rows=None,
            dtype_coercion="coerce",
            dtypes="string",
        )
        if loaded.height < 2 or loaded.width == 0:
            return None
        limits.check_shape(name, loaded.height, loaded.width)
        return pl.DataFrame(loaded.to_polars())
    except fastexcel.FastExcelError as error:
        raise InputError(
            f"sheet '{sheet}' of '{name}' cannot be read ({_first_line(error)}); save it as CSV"
        ) from error


def _named(frame: pl.DataFrame, sheet: str, sheets: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """Text cells under the names of the first filled row."""
    filled = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    first = [str(v) if v is not None else "" for v in filled.row(0)]
    names, notes = column_names(first, header=True)
    if len(sheets) > 1:
        notes.append(f"sheet '{sheet}' of {len(sheets)} was read; choose another by its name")
    body = filled.slice(1)
    body.columns = names
    empty = [
        c
        for c, n in zip(names, first, strict=True)
        if not n and body[c].null_count() == body.height
    ]
    if dropped := frame.height - filled.height:
        notes.append(f"{dropped:,} empty rows of the sheet were left out")
    if empty:
        notes.append(f"{len(empty)} columns without name and values were left out")
    return body.drop(empty).fill_null(""), notes


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
