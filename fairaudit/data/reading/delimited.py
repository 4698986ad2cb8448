"""Text tables as lazy frames: decoded, checked row by row, typed on all rows, streamed."""

from __future__ import annotations

import codecs
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.reading import cell_types
from fairaudit.data.reading.dialect import (
    CHUNK,
    Dialect,
    all_empty,
    column_names,
    guess_dialect,
    guess_encoding,
    sample_rows,
)
from fairaudit.data.reading.formats import Source, head_of, open_source
from fairaudit.data.reading.limits import Limits, size_text
from fairaudit.exceptions import InputError, LimitExceeded

_WIDEST_SURVEY = 1 << 16


@dataclass(frozen=True)
class Delimited:
    """A text table, typed but not yet read."""

    lazy: pl.LazyFrame
    dialect: Dialect
    notes: tuple[str, ...]
    columns: int


@dataclass(frozen=True)
class Survey:
    """What a pass over the records of a text file counted."""

    records: int
    blank: int
    odd_line: int | None
    odd_cells: int
    odd_records: int
    open_quote_line: int | None
    nul_line: int | None


def open_delimited(
    source: Source, name: str, limits: Limits, *, workdir: Path | None = None
) -> Delimited:
    """Everything except reading the rows: dialect, row check, types.

    Parameters
    ----------
    workdir : Path, optional
        Where text in other encodings is rewritten as UTF-8; None rewrites it in memory.
    """
    encoding = guess_encoding(source, name)
    dialect = guess_dialect(source, encoding, name)
    text = _as_utf8(source, encoding, workdir, name)
    dialect, names, notes = _checked(text, dialect, name, limits)
    raw = _scan(text, dialect, names, _blank_start(text))
    seen = _studied(raw, dialect, name)
    _check_cells(seen, name, limits)
    rows, empty = (
        raw.select(pl.len(), all_empty().sum().alias("e")).collect(engine="streaming").row(0)
    )
    if rows - empty == 0:
        raise InputError(f"'{name}' has a header but no rows; add the rows to be audited")
    if empty:
        notes.append(f"{empty:,} {'row' if empty == 1 else 'rows'} without any value excluded")
        raw = raw.filter(~all_empty())
    limits.check_shape(name, rows, len(names))
    typed = raw.with_columns(cell_types.converted(c, s) for c, s in seen.items())
    notes += [
        *dialect.notes(),
        *_decimal_notes(seen),
        *cell_types.missing_notes(_without(seen, empty)),
    ]
    return Delimited(typed, dialect, tuple(notes), len(names))


def _without(
    seen: dict[str, cell_types.ColumnText], empty: int
) -> dict[str, cell_types.ColumnText]:
    """Missing counts without the empty rows that were excluded."""
    from dataclasses import replace

    return {c: replace(s, missing=s.missing - empty) for c, s in seen.items()}


def _decimal_notes(seen: dict[str, cell_types.ColumnText]) -> list[str]:
    notation = {
        "comma number": "decimal commas",
        "thousands": "commas between thousands",
        "point thousands": "points between thousands",
    }
    by_kind = {kind: [c for c, s in seen.items() if s.kind == kind] for kind in notation}
    return [
        f"{notation[kind]} were read in {len(columns)} "
        f"{'column' if len(columns) == 1 else 'columns'}, such as '{columns[0]}'"
        for kind, columns in by_kind.items()
        if columns
    ]


def _as_utf8(source: Source, encoding: str, workdir: Path | None, name: str) -> Source:
    if encoding in ("utf-8", "utf-8-sig"):
        return source
    try:
        if isinstance(source, bytes):
            return source.decode(encoding).removeprefix("\ufeff").encode()
        if workdir is None:
            return source.read_bytes().decode(encoding).removeprefix("\ufeff").encode()
        return _rewritten(source, encoding, workdir)
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise InputError(
            f"'{name}' could not be decoded as {encoding} ({error.reason}); save it again as UTF-8"
        ) from error


def _rewritten(source: Path, encoding: str, workdir: Path) -> Path:
    handle, path = tempfile.mkstemp(suffix=".csv", dir=workdir)
    decoder = codecs.getincrementaldecoder(encoding)()
    with source.open("rb") as stream, open(handle, "wb") as out:  # noqa: PTH123 an open handle
        while chunk := stream.read(CHUNK):
            out.write(decoder.decode(chunk).encode())
        out.write(decoder.decode(b"", final=True).encode())
    return Path(path)


def _checked(
    text: Source, dialect: Dialect, name: str, limits: Limits
) -> tuple[Dialect, list[str], list[str]]:
    """The column names, after checking that each record has as many cells as the header."""
    first = _first_row(text, dialect, name)
    limits.check_shape(name, 0, len(first))
    _refuse_ragged(survey(text, dialect, len(first)), name, len(first))
    names, notes = column_names(first, header=dialect.header)
    return dialect, names, notes


def _first_row(text: Source, dialect: Dialect, name: str) -> list[str]:
    head = head_of(text, 4 << 20).decode("utf-8", errors="replace").removeprefix("\ufeff")
    rows = sample_rows(head, dialect, 1)
    if not rows:
        raise InputError(
            f"the header of '{name}' cannot be read; shorten it (it may be longer than 4 MB)"
        )
    return rows[0]


def _blank_start(text: Source) -> int:
    """Blank lines before the first row."""
    head = head_of(text).removeprefix(b"\xef\xbb\xbf")
    start = head[: len(head) - len(head.lstrip(b"\r\n"))]
    return max(start.count(b"\n"), start.count(b"\r"))


def _refuse_ragged(counts: Survey, name: str, width: int) -> None:
    if counts.nul_line is not None:
        raise InputError(
            f"'{name}' contains NUL bytes, first at line {counts.nul_line:,}, like a binary file; "
            "export the table again as plain text"
        )
    if counts.open_quote_line is not None:
        raise InputError(
            f"'{name}' has an unclosed quotation mark, opened at line "
            f"{counts.open_quote_line:,} at the latest; close it or double the quotes inside the "
            "value"
        )
    if counts.odd_line is not None:
        rows = "one row has" if counts.odd_records == 1 else f"{counts.odd_records:,} rows have"
        remedy = "quote values that contain the delimiter, or complete the row"
        if 2 * counts.odd_records > counts.records:
            remedy = "delete title lines above the header and delimiters at the end of rows"
        raise InputError(
            f"'{name}' has {width} {'column' if width == 1 else 'columns'} in its header but "
            f"{rows} a different number of cells, first at line {counts.odd_line:,} "
            f"({counts.odd_cells} cells); {remedy}"
        )


def _chunks(source: Source) -> Iterator[NDArray[np.uint8]]:
    with open_source(source) as stream:
        while chunk := stream.read(CHUNK):
            yield np.frombuffer(chunk, dtype=np.uint8)


def survey(source: Source, dialect: Dialect, width: int) -> Survey:
    """Count the cells of every record: delimiters and line ends outside quotes, in one pass.

    polars silently fills short rows, so only this pass notices them.
    """
    counter = _Counter(width, dialect)
    for chunk in _chunks(source):
        counter.feed(chunk)
    return counter.finish()


class _Counter:
    """Counts cells; carries its state from one chunk to the next."""

    def __init__(self, width: int, dialect: Dialect) -> None:
        self.width = width
        self.delimiter, self.end = ord(dialect.delimiter), ord(dialect.end)
        self.quote = None if dialect.quote is None else ord(dialect.quote)
        self.exempt = dialect.skip
        self.inside = 0  # parity of the number of quotes so far
        self.delimiters = 0  # in the unfinished record
        self.bytes = 0  # in the unfinished record, carriage returns aside
        self.line = 1
        self.open_line = 1
        self.records = self.blank = self.odd_records = self.odd_cells = 0
        self.odd_line: int | None = None
        self.nul_line: int | None = None

    def feed(self, data: NDArray[np.uint8]) -> None:
        ends = data == self.end
        newline = np.flatnonzero(ends)
        if self.nul_line is None and not data.all():
            self.nul_line = self.line + int(np.searchsorted(newline, int(np.argmin(data))))
        outside = self._outside(data, newline)
        stops = newline if outside is None else newline[outside[newline]]
        marks = data == self.delimiter
        if outside is not None:
            marks &= outside
        self._count(data, stops, np.flatnonzero(marks), newline)
        self.line += len(newline)

    def _outside(
        self, data: NDArray[np.uint8], newline: NDArray[np.intp]
    ) -> NDArray[np.bool_] | None:
        if self.quote is None:
            return None
        quotes = data == self.quote
        at = np.flatnonzero(quotes)
        if len(at) == 0 and not self.inside:
            return None
        parity = (np.cumsum(quotes, dtype=np.int64) + self.inside) & 1
        self.inside = int(parity[-1]) if len(parity) else self.inside
        if self.inside and len(at):
            self.open_line = self.line + int(np.searchsorted(newline, at[-1]))
        outside: NDArray[np.bool_] = parity == 0
        return outside

    def _count(
        self,
        data: NDArray[np.uint8],
        stops: NDArray[np.intp],
        marks: NDArray[np.intp],
        newline: NDArray[np.intp],
    ) -> None:
        before = np.searchsorted(marks, stops)  # delimiters up to each record's end
        per_record = np.diff(before, prepend=0)
        returns = np.cumsum(data == 13, dtype=np.int64) if self.end == 10 else None
        visible = stops - (returns[stops] if returns is not None and len(stops) else 0)
        size = np.diff(visible, prepend=-1) - 1
        if len(stops):
            per_record[0] += self.delimiters
            size[0] += self.bytes
            self._tally(per_record, size, self.line + np.searchsorted(newline, stops))
            self.delimiters = len(marks) - int(before[-1])
            tail = data[stops[-1] + 1 :]
        else:
            self.delimiters += len(marks)
            tail = data
            self.bytes += len(tail) - int((tail == 13).sum())
            return
        self.bytes = len(tail) - int((tail == 13).sum())

    def _tally(
        self, delimiters: NDArray[np.int_], size: NDArray[np.int_], lines: NDArray[np.int_]
    ) -> None:
        blank = (size == 0) & (delimiters == 0)
        odd = ~blank & (delimiters + 1 != self.width)
        skipped = np.flatnonzero(~blank)[: self.exempt]
        odd[skipped] = False
        self.exempt -= len(skipped)
        self.blank += int(blank.sum())
        self.records += int((~blank).sum())
        self.odd_records += int(odd.sum())
        if self.odd_line is None and odd.any():
            first = int(np.argmax(odd))
            self.odd_line, self.odd_cells = int(lines[first]), int(delimiters[first]) + 1

    def finish(self) -> Survey:
        if self.bytes or self.delimiters:
            lines = np.array([self.line])
            self._tally(np.array([self.delimiters]), np.array([self.bytes]), lines)
        return Survey(
            self.records,
            self.blank,
            self.odd_line,
            self.odd_cells,
            self.odd_records,
            self.open_line if self.inside else None,
            self.nul_line,
        )


def _scan(text: Source, dialect: Dialect, names: list[str], blank: int) -> pl.LazyFrame:
    return pl.scan_csv(
        text,
        has_header=False,
        skip_rows=blank + dialect.skip + int(dialect.header),
        separator=dialect.delimiter,
        quote_char=dialect.quote,
        eol_char=dialect.end,
        infer_schema=False,
        schema=dict.fromkeys(names, pl.String()),
        empty_string_is_null=False,
        glob=False,
    )


def _studied(raw: pl.LazyFrame, dialect: Dialect, name: str) -> dict[str, cell_types.ColumnText]:
    try:
        return cell_types.study(raw, decimal=dialect.decimal, delimiter=dialect.delimiter)
    except pl.exceptions.PolarsError as error:
        first = next(itertools.chain(str(error).splitlines(), [""]))
        raise InputError(
            f"'{name}' is not a well-formed table ({first}); check its quotation marks and "
            "line endings"
        ) from error


def _check_cells(seen: dict[str, cell_types.ColumnText], name: str, limits: Limits) -> None:
    for column, s in seen.items():
        if s.longest > limits.cell_bytes:
            raise LimitExceeded(
                f"column '{column}' of '{name}' has a cell of {size_text(s.longest)}; at most "
                f"{size_text(limits.cell_bytes)} are read: close the quotation mark if "
                "one is unclosed, or remove the column if it contains documents"
            )
