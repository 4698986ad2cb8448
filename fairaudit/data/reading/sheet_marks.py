"""What a worksheet has beside its values: merged and hidden cells, formulas without a value."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple

from fairaudit.data.reading.formats import Source, open_source
from fairaudit.data.reading.sheet_bounds import Extent, column_number, xlsx_extent

_STEP = 1 << 22
_MOST_MERGED = 100_000
_ROW = rb"<(?:\w+:)?row\b"
_HIDDEN_ROW = re.compile(_ROW + rb"(?=[^>]*\bhidden=[\"'](?:1|true)[\"'])[^>]*\br=[\"'](\d{1,7})")
_HIDDEN_COLUMN = re.compile(rb"<(?:\w+:)?col\b(?=[^>]*\bhidden=[\"'](?:1|true)[\"'])([^>]*)>")
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\b[^>]*\bref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)
_UNCOMPUTED = re.compile(
    rb"<(?:\w+:)?c\b[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*>\s*"
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_LONG = re.compile(
    rb"<(?:\w+:)?c\b(?![^>]*\bt=[\"'](?:s|str|inlineStr|b|e|d)[\"'])[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']"
    rb"[^>]*>\s*(?:<(?:\w+:)?f\b[^>]*>[^<]*</(?:\w+:)?f>)?\s*<(?:\w+:)?v>([+-]?\d{16,40})</"
)


class MergedRange(NamedTuple):
    """A range of merged cells; rows and columns count from 1."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        """In the notation of spreadsheets: "A5:A9"."""
        return f"{cell_name(self.top, self.left)}:{cell_name(self.bottom, self.right)}"


@dataclass(frozen=True)
class SheetMarks:
    """What a worksheet has beside its values; rows and columns count from 1.

    Attributes
    ----------
    extent : Extent
        The rectangle around the filled cells.
    merged : list of MergedRange
    hidden_rows, hidden_columns : list of int
    uncomputed : list of tuple of int
        Cells (row, column) with a formula that has no stored value.
    long_numbers : dict
        The digits of whole numbers beyond a float's precision, by cell.
    """

    extent: Extent
    merged: list[MergedRange] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    uncomputed: list[tuple[int, int]] = field(default_factory=list)
    long_numbers: dict[tuple[int, int], str] = field(default_factory=dict)


def cell_name(row: int, column: int) -> str:
    """ "B3" for row 3 and column 2."""
    return f"{column_letters(column)}{row}"


def column_letters(column: int) -> str:
    """1 → "A", 27 → "AA"."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def sheet_marks(source: Source, sheet: str) -> SheetMarks | None:
    """The marks of a sheet of an XLSX; None for other workbooks and sheets without cells."""
    with open_source(source) as stream:
        if not zipfile.is_zipfile(stream):
            return None
        with zipfile.ZipFile(stream) as archive:
            part = _part_of(archive, sheet)
            extent = None if part is None else xlsx_extent(archive, part)
            if part is None or extent is None:
                return None
            marks = SheetMarks(extent)
            for piece in _whole_rows(archive, part):
                _collect(piece, marks)
    return marks


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The member of the archive that holds a sheet, by the relations of the workbook."""
    names = set(archive.namelist())
    links = "xl/_rels/workbook.xml.rels"
    if "xl/workbook.xml" not in names or links not in names:
        return None
    book, relations = (
        archive.read(n).decode("utf-8", "replace") for n in ("xl/workbook.xml", links)
    )
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        link = _attribute(tag, r"\w+:id")
        if unescape(_attribute(tag, "name")) != sheet:
            continue
        for relation in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", relations):
            if _attribute(relation, "Id") == link:
                target = unescape(_attribute(relation, "Target"))
                path = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
                return path if path in names else None
    return None


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf"\s{name}=(?:\"([^\"]*)\"|'([^']*)')", tag)
    return "" if match is None else match[1] or match[2] or ""


def _whole_rows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The text of a sheet in pieces, split only before rows."""
    with archive.open(part) as stream:
        rest = b""
        while chunk := stream.read(_STEP):
            text = rest + chunk
            at = max(text.rfind(b"<row"), text.rfind(b":row ") - 12, 0)
            cut = text.find(b"<", at) if at else 0
            yield text[:cut]
            rest = text[cut:]
        yield rest


def _collect(piece: bytes, marks: SheetMarks) -> None:
    marks.hidden_rows.extend(int(row) for row in _HIDDEN_ROW.findall(piece))
    for attributes in _HIDDEN_COLUMN.findall(piece):
        ends = [re.search(rb"\b%b=[\"'](\d{1,5})" % end, attributes) for end in (b"min", b"max")]
        if ends[0] and ends[1]:
            marks.hidden_columns.extend(range(int(ends[0][1]), min(int(ends[1][1]), 16_384) + 1))
    if b"mergeCell" in piece:
        ranges = _MERGED.findall(piece)[:_MOST_MERGED]
        marks.merged.extend(
            MergedRange(int(r1), column_number(c1), int(r2), column_number(c2))
            for c1, r1, c2, r2 in ranges
        )
    if b"<f" in piece or b":f" in piece:
        cells = _UNCOMPUTED.findall(piece)
        marks.uncomputed.extend((int(row), column_number(letters)) for letters, row in cells)
    for letters, row, digits in _LONG.findall(piece):
        marks.long_numbers[int(row), column_number(letters)] = digits.decode()
