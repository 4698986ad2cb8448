"""The extent of the filled cells of a workbook, from its XML, before it is unpacked.

The reader allocates a full rectangle for each sheet: one stray cell in the last corner of an XLSX
would need half a terabyte and kill the process. So the extent is checked first.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from fairaudit.data.reading.formats import BROKEN_ZIP
from fairaudit.data.reading.limits import Limits
from fairaudit.exceptions import InputError, LimitExceeded

_STEP = 1 << 22
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# Cells with a value; "<c …/>" only has a format, and the reader ignores it.
_FILLED = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Za-z]{1,7})(\d{1,9})[\"'][^>]*(?<!/)>")
_ODS = re.compile(rb"<(/?)table:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])([^>]*)>")
_REPEATED = re.compile(rb"number-(?:columns|rows)-repeated=[\"'](\d{1,12})[\"']")


def check_extent(archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
    """Refuse a workbook if the filled cells of a sheet span more than `limits.sheet_cells`.

    Raises
    ------
    LimitExceeded
        With the number of rows and columns that the filled cells span.
    InputError
        For a damaged workbook.
    """
    try:
        for member in archive.namelist():
            if _SHEET.fullmatch(member):
                spans = [_xlsx_span(archive, member)]
            elif member == "content.xml":
                spans = _ods_spans(archive, member)
            else:
                continue
            for rows, columns in spans:
                _check_span(name, rows, columns, limits)
    except BROKEN_ZIP as error:
        raise InputError(
            f"'{name}' is a damaged workbook ({error}) and may be truncated; save it again"
        ) from error


def _check_span(name: str, rows: int, columns: int, limits: Limits) -> None:
    if rows * columns > limits.sheet_cells:
        raise LimitExceeded(
            f"the filled cells of a sheet of '{name}' span {rows:,} rows and {columns:,} columns, "
            "most of them empty; delete stray cells far from the table, or save it as CSV"
        )


def _pieces(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """The text of a member in pieces, split only between tags."""
    with archive.open(member) as stream:
        rest = b""
        while chunk := stream.read(_STEP):
            head, tag, rest = (rest + chunk).rpartition(b"<")
            yield head
            rest = tag + rest
        yield rest


def _xlsx_span(archive: zipfile.ZipFile, member: str) -> tuple[int, int]:
    low, high = [1 << 40, 1 << 40], [0, 0]
    for piece in _pieces(archive, member):
        cells = _FILLED.findall(piece)
        if not cells:
            continue
        rows = [int(row) for _, row in cells]
        columns = [_column(letters) for letters in {letters for letters, _ in cells}]
        low = [min(low[0], *rows), min(low[1], *columns)]
        high = [max(high[0], *rows), max(high[1], *columns)]
    if not high[0]:
        return 0, 0
    return high[0] - low[0] + 1, high[1] - low[1] + 1


def _column(letters: bytes) -> int:
    """ "A" → 1, "Z" → 26, "AA" → 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


@dataclass
class _TagPosition:
    """The current position in an ODS sheet, and the last filled row and column."""

    row: int = 0
    height: int = 1
    column: int = 0
    rows: int = 0
    columns: int = 0

    def cell(self, attributes: bytes) -> None:
        self.column += _times(attributes)
        if b"value-type" in attributes:
            self.rows = max(self.rows, self.row + self.height)
            self.columns = max(self.columns, self.column)


def _ods_spans(archive: zipfile.ZipFile, member: str) -> list[tuple[int, int]]:
    sheets = [_TagPosition()]
    for piece in _pieces(archive, member):
        for closing, tag, attributes in _ODS.findall(piece):
            _step(sheets, tag, attributes, ends=bool(closing) or attributes.endswith(b"/"))
    return [(s.rows, s.columns) for s in sheets]


def _step(sheets: list[_TagPosition], tag: bytes, attributes: bytes, *, ends: bool) -> None:
    """Process one tag: a sheet starts a new position, rows move down, cells move right."""
    opens = not ends or bool(attributes)
    position = sheets[-1]
    if tag == b"table" and opens:
        sheets.append(_TagPosition())
    elif tag.endswith(b"cell") and opens:
        position.cell(attributes)
    elif tag == b"table-row":
        if opens:
            position.height = _times(attributes)
        if ends:
            position.row, position.height, position.column = position.row + position.height, 1, 0


def _times(attributes: bytes) -> int:
    repeated = _REPEATED.search(attributes)
    return int(repeated[1]) if repeated else 1
