"""What a sheet of an ODS workbook has beside its values, from its XML."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from html import unescape

from fairaudit.data.reading.sheet_bounds import Extent, pieces, times
from fairaudit.data.reading.sheet_marks import MergedRange, SheetMarks

CONTENT = "content.xml"
_MOST_MERGED = 100_000
_TAG = re.compile(
    rb"<(/?)table:(table|table-row|table-column|table-cell|covered-table-cell)(?=[\s/>])([^>]*)>"
)
_NAME = re.compile(rb"table:name=(?:\"([^\"]*)\"|'([^']*)')")
_HIDDEN = re.compile(rb"table:visibility=[\"'](?:collapse|filter)[\"']")
_SPAN = re.compile(rb"number-(columns|rows)-spanned=[\"'](\d{1,7})[\"']")
Run = tuple[int, int]  # first and last of hidden rows or columns


@dataclass
class _Position:
    """The next row and column of the sheet, and what was passed."""

    row: int = 1
    column: int = 1
    height: int = 1
    columns: int = 1
    hidden_rows: list[Run] = field(default_factory=list)
    hidden_columns: list[Run] = field(default_factory=list)
    merged: list[MergedRange] = field(default_factory=list)
    uncomputed: list[tuple[int, int]] = field(default_factory=list)
    filled: list[int] = field(default_factory=list)  # top, left, bottom, right

    def open_row(self, attributes: bytes) -> None:
        self.height, self.column = times(attributes), 1
        if _HIDDEN.search(attributes):
            self.hidden_rows.append((self.row, self.row + self.height - 1))

    def close_row(self) -> None:
        self.row, self.height, self.column = self.row + self.height, 1, 1

    def table_column(self, attributes: bytes) -> None:
        repeated = times(attributes)
        if _HIDDEN.search(attributes):
            self.hidden_columns.append((self.columns, self.columns + repeated - 1))
        self.columns += repeated

    def cell(self, attributes: bytes) -> None:
        repeated = times(attributes)
        last = self.column + repeated - 1
        if b"value-type" in attributes:
            here = [self.row, self.column, self.row + self.height - 1, last]
            self.filled = _around(self.filled, here)
        elif b"table:formula" in attributes:
            self.uncomputed.append((self.row, self.column))
        spans = {word: int(number) for word, number in _SPAN.findall(attributes)}
        wide, tall = spans.get(b"columns", 1), spans.get(b"rows", 1)
        if (wide > 1 or tall > 1) and len(self.merged) < _MOST_MERGED:
            end = self.row + tall - 1, self.column + wide - 1
            self.merged.append(MergedRange(self.row, self.column, *end))
        self.column = last + 1


def ods_marks(archive: zipfile.ZipFile, sheet: str) -> SheetMarks | None:
    """The marks of a sheet of an ODS; None where it has no such sheet or no filled cell."""
    if CONTENT not in archive.namelist():
        return None
    position = _passed(archive, sheet)
    if position is None or not position.filled:
        return None
    extent = Extent(*position.filled)
    return SheetMarks(
        extent,
        position.merged,
        _expanded(position.hidden_rows, extent.bottom),
        _expanded(position.hidden_columns, extent.right),
        position.uncomputed,
    )


def _passed(archive: zipfile.ZipFile, sheet: str) -> _Position | None:
    position, inside = _Position(), False
    for piece in pieces(archive, CONTENT):
        for closing, tag, attributes in _TAG.findall(piece):
            if tag == b"table":
                if inside and closing:
                    return position
                inside = inside or (not closing and _name(attributes) == sheet)
            elif inside:
                _step(position, tag, attributes, closes=bool(closing))
    return position if inside else None


def _step(position: _Position, tag: bytes, attributes: bytes, *, closes: bool) -> None:
    """Process one tag of the sheet."""
    if tag == b"table-row":
        if not closes:
            position.open_row(attributes)
        if closes or attributes.endswith(b"/"):
            position.close_row()
    elif not closes and tag == b"table-column":
        position.table_column(attributes)
    elif not closes:
        position.cell(attributes)


def _name(attributes: bytes) -> str:
    match = _NAME.search(attributes)
    if match is None:
        return ""
    return unescape((match[1] or match[2] or b"").decode("utf-8", "replace"))


def _around(rectangle: list[int], other: list[int]) -> list[int]:
    if not rectangle:
        return other
    low = [min(a, b) for a, b in zip(rectangle[:2], other[:2], strict=True)]
    return low + [max(a, b) for a, b in zip(rectangle[2:], other[2:], strict=True)]


def _expanded(runs: list[Run], last: int) -> list[int]:
    """Every number of the runs up to the last filled one: an empty end may be hidden at once."""
    return [n for first, end in runs for n in range(first, min(end, last) + 1)]
