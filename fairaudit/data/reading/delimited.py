"""Text tables as lazy frames: decoded, checked row by row, typed on all rows, streamed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.reading import cell_types
from fairaudit.data.reading.dialect import (
    Dialect,
    all_empty,
    guess_dialect,
    records,
    sample_rows,
)
from fairaudit.data.reading.encodings import EncodingGuess, guess_encoding
from fairaudit.data.reading.formats import Source, head_of, open_source, size_of
from fairaudit.data.reading.header import column_names, joined_names, unique_names
from fairaudit.data.reading.limits import Limits, size_text
from fairaudit.data.reading.options import INFERRED, ReadingOptions
from fairaudit.data.reading.plain_text import (
    CHUNK,
    has_aligned_columns,
    has_lone_returns,
    plain_text,
    with_edited_lines,
    with_line_feeds,
    with_single_blanks,
)
from fairaudit.data.reading.totals import (
    LAST_ROWS,
    MOST_REMARKS,
    may_have_totals,
    skipped_note,
    total_rows,
    totals_note,
)
from fairaudit.exceptions import InputError, LimitExceeded

_MOST_ODD = 1000


@dataclass(frozen=True)
class Delimited:
    """A text table, typed but not yet read."""

    lazy: pl.LazyFrame
    dialect: Dialect
    notes: tuple[str, ...]
    columns: int


@dataclass(frozen=True)
class Survey:
    """What a pass over the records of a text file counted.

    `odd_lines` and `odd_widths` are those of the first records with another number of cells.
    """

    records: int
    blank: int
    odd_line: int | None
    odd_cells: int
    odd_records: int
    open_quote_line: int | None
    nul_line: int | None
    odd_lines: list[int] = field(default_factory=list, compare=False)
    odd_widths: list[int] = field(default_factory=list, compare=False)
    last_line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class RawText:
    """The cells of a text table below its header, as text."""

    lazy: pl.LazyFrame
    names: list[str]
    unnamed: list[str]
    dialect: Dialect
    notes: list[str]
    source: Source
    removed: int = 0  # records above the body that were left out by number

    @property
    def above(self) -> int:
        """Records of the file above the first row of the body."""
        return self.dialect.above + self.removed


def open_delimited(
    source: Source,
    name: str,
    limits: Limits,
    *,
    workdir: Path | None = None,
    options: ReadingOptions = INFERRED,
) -> Delimited:
    """Everything except reading the rows: dialect, row check, types.

    Parameters
    ----------
    workdir : Path, optional
        Where text in other encodings is rewritten as UTF-8; None rewrites it in memory.
    options : ReadingOptions
        What is not to be inferred.
    """
    raw = open_raw(source, name, limits, workdir=workdir, options=options)
    return typed(raw, name, limits, options)


def open_raw(
    source: Source, name: str, limits: Limits, *, workdir: Path | None, options: ReadingOptions
) -> RawText:
    """The cells of a text table as text, after checking that every row has as many."""
    guess = guess_encoding(source, name, options.encoding)
    text, repairs = plain_text(source, guess.encoding, name, workdir)
    dialect = guess_dialect(text, guess.encoding, name, options)
    if dialect.delimiter == " " and dialect.end == "\n" and has_aligned_columns(text):
        text = with_single_blanks(text, workdir)
        dialect = guess_dialect(text, guess.encoding, name, options)
    gone = [n for n in options.skip_rows or () if n <= dialect.above]
    if gone:
        text = with_edited_lines(text, workdir, dict.fromkeys(gone), dialect.end.encode())
        dialect = guess_dialect(text, guess.encoding, name, options)
        repairs.append(skipped_note(sorted(gone)))
    checked = _checked(text, dialect, name, limits, workdir)
    lazy = _scan(checked.source, dialect, checked.names)
    skipped = sum(map(bool, _records_of_head(text, dialect)[: dialect.skip]))
    notes = [
        *repairs,
        *checked.notes,
        *dialect.notes(skipped=skipped),
        *_encoding_notes(guess),
    ]
    return RawText(lazy, checked.names, checked.unnamed, dialect, notes, checked.source, len(gone))


def _encoding_notes(guess: EncodingGuess) -> list[str]:
    if not guess.alternatives:
        return []
    others = " or ".join(guess.alternatives[:3])
    return [
        f"the encoding could not be determined with certainty: if letters look wrong, read it "
        f"with encoding='{guess.alternatives[0]}'"
        + (f" ({others} are plausible too)" if len(guess.alternatives) > 1 else "")
    ]


def typed(raw: RawText, name: str, limits: Limits, options: ReadingOptions) -> Delimited:
    """The rows with inferred types, without blank rows and rows of totals."""
    notes = list(raw.notes)
    lazy, left_out = _without_rows(raw, options)
    notes += left_out
    seen = _studied(lazy, raw.dialect, name, options)
    _check_cells(seen, name, limits)
    rows, empty = (
        lazy.select(pl.len(), all_empty().sum().alias("e")).collect(engine="streaming").row(0)
    )
    if rows - empty == 0:
        raise InputError(f"'{name}' has a header but no rows; add the rows to be audited")
    if empty:
        notes.append(f"{empty:,} {'row' if empty == 1 else 'rows'} without any value excluded")
        lazy = lazy.filter(~all_empty())
    limits.check_shape(name, rows, len(raw.names))
    blank = [c for c in raw.unnamed if c in seen and seen[c].missing == rows]
    if blank and len(blank) < len(raw.names):
        which = "1 column" if len(blank) == 1 else f"{len(blank)} columns"
        notes.append(f"{which} without a name and values excluded (delimiters at the end of rows)")
        seen = {c: s for c, s in seen.items() if c not in blank}
        lazy = lazy.drop(blank)
    notes += [*cell_types.number_notes(seen), *cell_types.missing_notes(_without(seen, empty))]
    converted = lazy.with_columns(cell_types.converted(c, s) for c, s in seen.items())
    return Delimited(converted, raw.dialect, tuple(notes), len(seen))


def _without(
    seen: dict[str, cell_types.ColumnText], empty: int
) -> dict[str, cell_types.ColumnText]:
    """Missing counts without the empty rows that were excluded."""
    return {c: replace(s, missing=s.missing - empty) for c, s in seen.items()}


def _without_rows(raw: RawText, options: ReadingOptions) -> tuple[pl.LazyFrame, list[str]]:
    """The rows without those to be left out: chosen ones, or totals below the table."""
    above = raw.above
    if options.skip_rows is not None:
        numbers = sorted(n for n in options.skip_rows if n > above)
        if not numbers:
            return raw.lazy, []
        return _other_rows(raw, [n - above - 1 for n in numbers]), [skipped_note(numbers)]
    if not may_have_totals(_last_lines(raw.source), raw.dialect.delimiter):
        return raw.lazy, []
    height = int(raw.lazy.select(pl.len()).collect(engine="streaming").item())
    start = max(0, height - LAST_ROWS)
    last = raw.lazy.slice(start).collect(engine="streaming")
    rows = [[cell or "" for cell in row] for row in last.iter_rows()]
    first = sample_rows(_head_text(raw.source), raw.dialect)[raw.dialect.header :]
    totals = total_rows(rows, first[:-LAST_ROWS])
    if not totals:
        return raw.lazy, []
    positions = [start + i for i in totals]
    return _other_rows(raw, positions), [totals_note([p + above + 1 for p in positions])]


def _other_rows(raw: RawText, positions: list[int]) -> pl.LazyFrame:
    at = unique_names([*raw.names, "position"])[-1]
    numbered = raw.lazy.with_row_index(at)
    return numbered.filter(pl.col(at).is_in(positions).not_()).drop(at)


def _last_lines(text: Source) -> str:
    with open_source(text) as stream:
        stream.seek(max(0, size_of(text) - (1 << 13)))
        return stream.read().decode("utf-8", errors="replace")


def _head_text(text: Source) -> str:
    return head_of(text, 4 << 20).decode("utf-8", errors="replace").removeprefix("\ufeff")


def _records_of_head(text: Source, dialect: Dialect) -> list[list[str]]:
    return records(_head_text(text), dialect, dialect.above + 1)


@dataclass(frozen=True)
class _Checked:
    """A text in which every row has as many cells as there are names."""

    source: Source
    names: list[str]
    unnamed: list[str]
    notes: list[str]


def _checked(
    text: Source, dialect: Dialect, name: str, limits: Limits, workdir: Path | None
) -> _Checked:
    """The column names, after checking that each record has as many cells as the header."""
    rows = sample_rows(_head_text(text), dialect, 50)
    if not rows:
        raise InputError(
            f"the header of '{name}' cannot be read; shorten it (it may be longer than 4 MB)"
        )
    lines = rows[: dialect.header_lines] if dialect.header else rows[:1]
    first = joined_names(lines) if len(lines) > 1 else lines[0]
    first, notes = _as_wide_as_rows(first, rows[len(lines) :], header=dialect.header)
    limits.check_shape(name, 0, len(first))
    exempt = dialect.skip if len(first) == len(rows[0]) else dialect.above
    counts = survey(text, dialect, len(first), exempt=exempt)
    if counts.odd_line is not None:
        text, counts, repairs = _repaired(text, dialect, counts, workdir, len(first), exempt)
        notes += repairs
    _refuse_ragged(counts, name, len(first))
    names, naming = column_names(first, header=dialect.header)
    unnamed = [n for n, given in zip(names, first, strict=True) if dialect.header and not given]
    return _Checked(text, names, unnamed, [*notes, *naming])


def _as_wide_as_rows(
    first: list[str], body: list[list[str]], *, header: bool
) -> tuple[list[str], list[str]]:
    """The header with a name for each cell of the rows below, if one is missing or too many.

    R's `write.table` gives row names no name; other programs end the rows, or only the header,
    with a delimiter.
    """
    widths = {len(row) for row in body}
    if not header or len(widths) != 1 or len(body) == 0:
        return first, []
    width = widths.pop()
    if width == len(first) + 1 and len(first) > 1:
        if all(not row[-1].strip() for row in body):
            return [*first, ""], []
        if len(body) < 3 or len({row[0] for row in body}) < len(body):
            return first, []
        return ["row_name", *first], [
            "the header has one name fewer than the rows have cells: the first column was taken "
            "for the names of the rows and called 'row_name'"
        ]
    if width == len(first) - 1 and width > 1 and not first[-1].strip():
        return first[:-1], []
    return first, []


def _repaired(
    text: Source,
    dialect: Dialect,
    counts: Survey,
    workdir: Path | None,
    width: int,
    exempt: int,
) -> tuple[Source, Survey, list[str]]:
    """A ragged text after the repair that makes all its rows equally long, else as it is."""
    if dialect.end == "\n" and has_lone_returns(text):
        repaired = with_line_feeds(text, workdir)
        again = survey(repaired, dialect, width, exempt=exempt)
        if again.odd_line is None:
            return repaired, again, ["carriage returns without a line feed were read as line ends"]
    odd = counts.odd_lines
    if not odd or len(odd) < counts.odd_records:
        return text, counts, []
    lines = _lines_at(text, [*odd, *range(odd[-1] + 1, odd[-1] + LAST_ROWS)], dialect)
    edits, note = _edits(lines, odd, counts, dialect, width)
    if not edits:
        return text, counts, []
    repaired = with_edited_lines(text, workdir, edits, dialect.end.encode())
    return repaired, survey(repaired, dialect, width, exempt=exempt), [note]


def _edits(
    lines: dict[int, bytes], odd: list[int], counts: Survey, dialect: Dialect, width: int
) -> tuple[dict[int, bytes | None], str]:
    """What to write instead of the odd lines: nothing for remarks, or less by a delimiter."""
    texts = [lines[n].strip() for n in odd]
    where = ", ".join(f"{n:,}" for n in odd[:6]) + (" …" if len(odd) > 6 else "")
    mark = dialect.delimiter.encode()
    if counts.odd_widths == [width + 1] and all(text.endswith(mark) for text in texts):
        many = "1 line" if len(odd) == 1 else f"{len(odd):,} lines"
        note = f"a delimiter at the end of {many} was left out: line {where}"
        return {n: text.removesuffix(mark) for n, text in zip(odd, texts, strict=True)}, note
    kind = _kind_of_remark(lines, odd, counts)
    many = "line was" if len(odd) == 1 else "lines were"
    note = f"{len(odd)} {many} left out as {kind}: line {where}"
    return (dict.fromkeys(odd) if kind is not None else {}), note


def _lines_at(text: Source, numbers: list[int], dialect: Dialect) -> dict[int, bytes]:
    """The lines of these numbers, as far as there are so many."""
    wanted = set(numbers)
    lines: dict[int, bytes] = {}
    with open_source(text) as stream:
        rest, at = b"", 0
        while chunk := stream.read(CHUNK):
            *whole, rest = (rest + chunk).split(dialect.end.encode())
            lines |= {n: line for n, line in enumerate(whole, at + 1) if n in wanted}
            at += len(whole)
        if at + 1 in wanted:
            lines[at + 1] = rest
    return lines


def _kind_of_remark(lines: dict[int, bytes], odd: list[int], counts: Survey) -> str | None:
    """What odd lines are: comments, or remarks in one cell below the table; else None."""
    texts = [lines[n].strip() for n in odd]
    if all(text.startswith(b"#") for text in texts):
        return "comments (they begin with #)"
    regular = [n for n, line in lines.items() if line.strip() and n not in odd]
    together = odd[-1] - odd[0] < LAST_ROWS and max(odd) >= counts.last_line - LAST_ROWS
    at_end = together and not [n for n in regular if n > odd[0]]
    few = len(odd) <= MOST_REMARKS and 2 * len(odd) < counts.records
    words = all(re.search(rb"[\s:*]", t) and re.search(rb"[^\W\d]", t) for t in texts)
    if at_end and few and words and counts.odd_widths == [1]:
        return "remarks below the table"
    return None


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


def survey(source: Source, dialect: Dialect, width: int, *, exempt: int = 0) -> Survey:
    """Count the cells of every record: delimiters and line ends outside quotes, in one pass.

    polars silently fills short rows, so only this pass notices them. The first `exempt` records
    may have other numbers of cells.
    """
    counter = _Counter(width, dialect, exempt)
    for chunk in _chunks(source):
        counter.feed(chunk)
    return counter.finish()


class _Counter:
    """Counts cells; carries its state from one chunk to the next."""

    def __init__(self, width: int, dialect: Dialect, exempt: int) -> None:
        self.width = width
        self.delimiter, self.end = ord(dialect.delimiter), ord(dialect.end)
        self.quote = None if dialect.quote is None else ord(dialect.quote)
        self.exempt = exempt
        self.odd_lines: list[int] = []
        self.odd_widths: set[int] = set()
        self.inside = 0  # parity of the number of quotes so far
        self.delimiters = 0  # in the unfinished record
        self.bytes = 0  # in the unfinished record, carriage returns aside
        self.line = 1
        self.open_line = 1
        self.records = self.blank = self.odd_records = self.odd_cells = 0
        self.odd_line: int | None = None
        self.nul_line: int | None = None

    def feed(self, data: NDArray[np.uint8]) -> None:
        at_end = data == self.end
        newline = np.flatnonzero(at_end)
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
        exempt = min(self.exempt, len(odd))
        odd[:exempt] = False
        self.exempt -= exempt
        self.blank += int(blank.sum())
        self.records += int((~blank).sum())
        self.odd_records += int(odd.sum())
        if self.odd_line is None and odd.any():
            first = int(np.argmax(odd))
            self.odd_line, self.odd_cells = int(lines[first]), int(delimiters[first]) + 1
        if odd.any():
            room = _MOST_ODD - len(self.odd_lines)
            self.odd_lines += lines[odd][:room].tolist()
            self.odd_widths |= set((delimiters[odd] + 1).tolist())

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
            self.odd_lines,
            sorted(self.odd_widths),
            self.line,
        )


def _scan(text: Source, dialect: Dialect, names: list[str]) -> pl.LazyFrame:
    return pl.scan_csv(
        text,
        has_header=False,
        skip_rows=dialect.above,
        separator=dialect.delimiter,
        quote_char=dialect.quote,
        eol_char=dialect.end,
        infer_schema=False,
        schema=dict.fromkeys(names, pl.String()),
        empty_string_is_null=False,
        glob=False,
    )


def _studied(
    raw: pl.LazyFrame, dialect: Dialect, name: str, options: ReadingOptions
) -> dict[str, cell_types.ColumnText]:
    try:
        return cell_types.study(
            raw,
            decimal=dialect.decimal,
            delimiter=dialect.delimiter,
            text_columns=options.text_columns,
        )
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
