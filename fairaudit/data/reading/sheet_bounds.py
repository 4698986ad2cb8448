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
# Cells with a value; "<c …/>" only has a format, and the reader ignores it.
_FILLED = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Za-z]+)(\d+)[\"'][^>]*(?<!/)>")
_UNPLACED = re.compile(
    rb"<(?:\w+:)?row\s[^>]*?\br=[\"'](\d+)[\"'][^>]*>\s*<(?:\w+:)?c(?:>|\s(?![^>]*\br=)[^>]*>)"
)
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_ODS = re.compile(rb"<(/?)table:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])([^>]*)>")
_REPEATED = re.compile(rb"number-(?:columns|rows)-repeated=[\"'](\d{1,12})[\"']")


def check_extent(archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
    """Refuse a workbook if the filled cells of a sheet span more than `limits.sheet_cells`.

    Every part of an XLSX is examined: the workbook may keep its sheets under any name.

    Raises
    ------
    LimitExceeded
        With the number of rows and columns that the filled cells span.
    InputError
        For a damaged workbook.
    """
    try:
        for member in archive.namelist():
            if member == "content.xml":
                spans = _ods_spans(archive, member)
            else:
                extent = xlsx_extent(archive, member)
                if extent is not None and not extent.is_possible:
                    raise LimitExceeded(
                        f"the workbook '{name}' has a cell where no sheet has one (row "
                        f"{extent.bottom:,}, column {extent.right:,}); save it again in a "
                        "spreadsheet program, or as CSV"
                    )
                spans = [] if extent is None else [(extent.rows, extent.columns)]
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


def pieces(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """The text of a member in pieces, split only between tags."""
    with archive.open(member) as stream:
        rest = b""
        while chunk := stream.read(_STEP):
            head, tag, rest = (rest + chunk).rpartition(b"<")
            yield head
            rest = tag + rest
        yield rest


@dataclass(frozen=True)
class Extent:
    """The rectangle around the filled cells of a sheet; rows and columns count from 1."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.bottom - self.top + 1

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.right - self.left + 1

    @property
    def is_possible(self) -> bool:
        """Whether a sheet can be so large."""
        return self.bottom <= _LAST_ROW and self.right <= _LAST_COLUMN


def xlsx_extent(archive: zipfile.ZipFile, member: str) -> Extent | None:
    """The extent of the filled cells of a sheet; None without any."""
    low, high = [1 << 40, 1 << 40], [0, 0]
    for piece in pieces(archive, member):
        cells = _FILLED.findall(piece)
        rows = [int(row[:9]) for _, row in cells]
        columns = [column_number(letters) for letters in {letters for letters, _ in cells}]
        unplaced = [int(row[:9]) for row in _UNPLACED.findall(piece)]
        if not cells and not unplaced:
            continue
        rows, columns = rows + unplaced, columns + [1] * bool(unplaced)
        low = [min(low[0], *rows), min(low[1], *columns)]
        high = [max(high[0], *rows), max(high[1], *columns)]
    return Extent(low[0], low[1], high[0], high[1]) if high[0] else None


def column_number(letters: bytes) -> int:
    """ "A" → 1, "Z" → 26, "AA" → 27."""
    number = 0
    for letter in letters.upper()[:9]:
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
        self.column += times(attributes)
        if b"value-type" in attributes:
            self.rows = max(self.rows, self.row + self.height)
            self.columns = max(self.columns, self.column)


def _ods_spans(archive: zipfile.ZipFile, member: str) -> list[tuple[int, int]]:
    sheets = [_TagPosition()]
    for piece in pieces(archive, member):
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
            position.height = times(attributes)
        if ends:
            position.row, position.height, position.column = position.row + position.height, 1, 0


def times(attributes: bytes) -> int:
    """How many equal rows, columns or cells a tag of an ODS stands for."""
    repeated = _REPEATED.search(attributes)
    return int(repeated[1]) if repeated else 1
