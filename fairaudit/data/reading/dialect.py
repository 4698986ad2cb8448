"""The dialect of a text table: delimiter, quoting, header, line endings."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import polars as pl

from fairaudit.data.reading.formats import Source, head_of
from fairaudit.data.reading.header import has_header, header_lines, title_rows
from fairaudit.data.reading.options import INFERRED, ReadingOptions
from fairaudit.exceptions import InputError

DELIMITERS = (",", ";", "\t", "|", "^", "~")
_NAMES = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    "^": "caret",
    "~": "tilde",
    " ": "blank",
}


@dataclass(frozen=True)
class Dialect:
    """How a text table is written; `decimal` None means that it is inferred."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    header: bool = True
    end: str = "\n"
    decimal: str | None = None
    skip: int = 0  # records above the header, blank ones included: "sep=;", titles, comments
    header_lines: int = 1

    @property
    def above(self) -> int:
        """Records above the first row of the body."""
        return self.skip + (self.header_lines if self.header else 0)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def notes(self, *, skipped: int = 0) -> list[str]:
        """What is unusual, in sentences; `skipped` lines above the header were not blank."""
        notes = []
        if self.encoding not in ("utf-8", "utf-8-sig", "utf_8", "utf_8_sig"):
            notes.append(f"the text was decoded as {self.encoding}")
        if self.delimiter != ",":
            notes.append(f"columns are separated by {_NAMES.get(self.delimiter, self.delimiter)}")
        if self.quote is None:
            notes.append("quotation marks were read as ordinary characters")
        if self.quote == "'":
            notes.append("apostrophes were read as quotation marks")
        if skipped:
            lines = "1 line was" if skipped == 1 else f"{skipped} lines were"
            notes.append(f"{lines} above the header skipped")
        if not self.header:
            notes.append(NO_HEADER)
        elif self.header_lines > 1:
            notes.append(f"the names were joined from the {self.header_lines} lines of the header")
        return notes


NO_HEADER = (
    "the file has no header, its first row looks like the others; columns were named column_1, "
    "column_2 … (header=True reads the first row as names)"
)


def guess_dialect(
    source: Source, encoding: str, name: str, options: ReadingOptions = INFERRED
) -> Dialect:
    """Delimiter, quoting, line endings and header of UTF-8 text, inferred from the first rows.

    `encoding` is only recorded.
    """
    text, whole = _first_lines(source)
    end = _line_end(text)
    quote = _quote(text)
    stated = re.match(r"\s*sep=(.)\r?(\n|\r|$)", text)
    delimiter = options.delimiter or (
        stated[1] if stated else _best_delimiter(text, end, quote, whole=whole)
    )
    dialect = Dialect(encoding, delimiter, quote, end=end, decimal=options.decimal)
    dialect = replace(dialect, skip=_records_above(text, dialect, stated=stated is not None))
    rows = sample_rows(text, dialect)
    if not rows and text.strip():
        raise InputError(
            f"the first row of '{name}' is too long to be a header; choose a table whose first "
            "row contains the column names"
        )
    if not rows:
        raise InputError(f"'{name}' has only blank lines; choose a file with a header and rows")
    return _with_header(dialect, rows, options)


def _with_header(dialect: Dialect, rows: list[list[str]], options: ReadingOptions) -> Dialect:
    header = has_header(rows) if options.header is None else options.header
    lines = header_lines(rows) if header and options.header is None else 1
    return replace(dialect, header=header, header_lines=lines)


def _first_lines(source: Source) -> tuple[str, bool]:
    """The first bytes of the file up to a line end, and whether they are the whole file."""
    head = head_of(source, 1 << 18)
    text = codecs.getincrementaldecoder("utf-8")(errors="replace").decode(head)
    whole = len(head) < 1 << 18
    if not whole and max(text.rfind("\n"), text.rfind("\r")) > 0:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    return text.removeprefix("\ufeff"), whole


def _line_end(text: str) -> str:
    """A carriage return if only those end lines; line feeds inside quotes do not count."""
    if "\r" not in text:
        return "\n"
    bare = re.sub(r'"[^"]*"', "", text) if "\n" in text else text
    return "\r" if "\r" in bare and "\n" not in bare else "\n"


def _quote(text: str) -> str | None:
    """The quotation mark; None if marks never open a cell, as inch marks do not."""
    if '"' in text:
        return '"' if re.search(r'(^|[,;\t|^~\r\n])\s*"', text) else None
    if "'" not in text:
        return '"'
    cells = re.findall(r"(?:^|[,;\t|^~\r\n])'(?:[^'\r\n]|'')*'(?=[,;\t|^~\r\n]|$)", text)
    lines = text.count("\n") + text.count("\r") - text.count("\r\n")
    others = re.sub(r"(?:^|[,;\t|^~\r\n])'(?:[^'\r\n]|'')*'(?=[,;\t|^~\r\n]|$)", ",", text)
    return "'" if len(cells) * 2 >= max(lines, 2) and "'" not in others else '"'


def sample_rows(text: str, dialect: Dialect, most: int = 300) -> list[list[str]]:
    """The first rows from the header on as lists of cells, without blank lines."""
    rows = islice(_records(text, dialect), dialect.skip, None)
    return list(islice(filter(None, rows), most))


def records(text: str, dialect: Dialect, most: int) -> list[list[str]]:
    """The first records of a text, [] for blank lines."""
    return list(islice(_records(text, dialect), most))


def _records(text: str, dialect: Dialect) -> Iterator[list[str]]:
    """Rows as lists of cells, [] for blank lines."""
    try:
        yield from _reader(text, dialect.end, dialect.delimiter, dialect.quote)
    except csv.Error:  # a cell beyond the reader's own limit: use the rows so far
        return


def _reader(text: str, end: str, delimiter: str, quote: str | None) -> Any:
    lines = text.replace("\r\n", "\n").split(end)
    kept = (line + "\n" for line in (lines if lines[-1] else lines[:-1]))
    if quote is None:
        return csv.reader(kept, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(kept, delimiter=delimiter, quotechar=quote)


def _best_delimiter(
    text: str,
    end: str,
    quote: str | None,
    *,
    whole: bool,
    delimiters: tuple[str, ...] = DELIMITERS,
) -> str:
    """The delimiter for which most rows have as many cells as the header; blanks come last."""
    best, chosen = (0.0, False, 1), ","
    for delimiter in delimiters:
        rows = sample_rows(text, Dialect(delimiter=delimiter, quote=quote, end=end), 200)
        if not whole and len(rows) > 1:
            rows = rows[:-1]
        fit = _fit(rows)
        if fit is not None and fit > best:
            best, chosen = fit, delimiter
    if best[2] == 1 and delimiters == DELIMITERS:
        return _best_delimiter(text, end, quote, whole=whole, delimiters=(" ",))
    return chosen


def _fit(rows: list[list[str]]) -> tuple[float, bool, int] | None:
    """How well rows fit a delimiter: their share of the header's width, no titles, the width."""
    comments = next((i for i, row in enumerate(rows) if not row[0].startswith("#")), 0)
    rows = rows[comments:] if comments and len(rows[comments:]) > 1 else rows
    titles = title_rows(rows)
    rows = rows[titles:]
    if not rows:
        return None
    body = rows[1:] or rows
    width = Counter(map(len, body)).most_common(1)[0][0]
    names = len(rows[0])
    if width < 2 or max(names, width) < 2:
        return None
    # R gives row names no name; some programs end the rows, or the header, with a delimiter
    shifted = len(body) > 1 and names > 1 and abs(names - width) == 1
    expected = width if shifted else names
    if expected < 2:
        return None
    share = sum(len(row) == expected for row in body) / len(body)
    if titles and share < 0.9:
        return None
    # a header that is shifted by row names is likelier than one line that is a title
    share -= 0.02 if shifted else 0.03 if titles else 0.0
    return round(share, 2), not titles, expected


def _records_above(text: str, dialect: Dialect, *, stated: bool) -> int:
    """Number of records above the header: blank ones, "sep=;", comments and titles.

    A few lines are not enough evidence of titles: twice as many rows of equal length must follow.
    """
    above = records(text, dialect, 400)
    start = _filled_from(above, 0)
    if stated:
        start = _filled_from(above, start + 1)
    start = _below_comments(above, start)
    at = [i for i, row in enumerate(above) if row and i >= start]
    rows = [above[i] for i in at]
    titles = title_rows(rows)
    body = rows[titles:]
    regular = sum(len(row) == len(body[0]) for row in body)
    clear = titles and regular >= 0.9 * len(body) and regular > 2 * titles
    return at[titles] if clear else start


def _filled_from(rows: list[list[str]], start: int) -> int:
    return next((i for i in range(start, len(rows)) if rows[i]), start)


def _below_comments(rows: list[list[str]], start: int) -> int:
    """The first record below lines that begin with #, unless the last of them is the header."""
    end = start
    while end < len(rows) and (not rows[end] or rows[end][0].startswith("#")):
        end += 1
    comments = [i for i in range(start, end) if rows[i]]
    if not comments or end >= len(rows):
        return start
    last, below = rows[comments[-1]], [row for row in rows[end:] if row]
    same_width = len(last) > 1 and len(last) == len(below[0])
    is_header = same_width and (not has_header(below) or not last[0][1:2].isspace())
    return comments[-1] if is_header else end


def all_empty() -> pl.Expr:
    """True for rows in which every cell is blank (as spreadsheets leave at the end)."""
    return pl.all_horizontal(pl.all().str.strip_chars() == "")
