"""The dialect of a text table: encoding, delimiter, quoting, header, line endings."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import polars as pl

from fairaudit.data.reading.cell_types import MISSING
from fairaudit.data.reading.formats import Source, head_of, open_source, utf16_or_32
from fairaudit.exceptions import InputError

DELIMITERS = (",", ";", "\t", "|", "^", "~")
CHUNK = 4 << 20
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
    skip: int = 0  # lines above the header: "sep=;" of a spreadsheet, titles

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def notes(self) -> list[str]:
        """What is unusual, in sentences."""
        notes = []
        if self.encoding not in ("utf-8", "utf-8-sig"):
            notes.append(f"the text was decoded as {self.encoding}")
        if self.delimiter != ",":
            notes.append(f"columns are separated by {_NAMES.get(self.delimiter, self.delimiter)}")
        if self.quote is None:
            notes.append("quotation marks were read as ordinary characters")
        if self.skip:
            lines = "1 line was" if self.skip == 1 else f"{self.skip} lines were"
            notes.append(f"{lines} above the header skipped")
        if not self.header:
            notes.append("the file has no header; columns were named column_1, column_2 …")
        return notes


def guess_encoding(source: Source, name: str) -> str:
    """UTF-8 if the whole file is; else UTF-16 or UTF-32; else a one-byte encoding.

    Raises
    ------
    InputError
        For damaged UTF-8 (mostly valid) and lone surrogates, with the line number.
    """
    head = head_of(source)
    if (wide := utf16_or_32(head)) is not None:
        return wide
    broken = _first_broken_byte(source)
    if broken is None:
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    return _one_byte_encoding(source, broken, name)


def _first_broken_byte(source: Source) -> int | None:
    """Offset of the first invalid UTF-8 bytes, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    with open_source(source) as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return max(at + error.start - 4, 0)
            at += len(chunk)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return max(at - 4, 0)
    return None


def _one_byte_encoding(source: Source, broken: int, name: str) -> str:
    with open_source(source) as stream:
        stream.seek(max(0, broken - CHUNK // 4))
        sample = stream.read(CHUNK)
    runs = re.findall(rb"[\x80-\xff]+", sample)
    valid = sum(_is_utf8(run) for run in runs)
    surrogate = re.search(rb"\xed[\xa0-\xbf][\x80-\xbf]", sample)
    if surrogate or valid > len(runs) - valid:
        raise InputError(
            f"'{name}' is not valid UTF-8 near line {_line_of(source, broken):,}"
            f"{' (a lone surrogate)' if surrogate else ''}; open it in an editor and save it "
            "again as UTF-8"
        )
    if sum(map(len, runs)) <= 2 * len(runs):  # isolated accents: a Western language
        return "cp1252" if _decodes(sample, "cp1252") else "latin-1"
    return _by_statistics(sample, name)


def _is_utf8(run: bytes) -> bool:
    return _decodes(run, "utf-8")


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _by_statistics(sample: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample[:200_000]).best()
    if best is None:
        raise InputError(f"the encoding of '{name}' cannot be determined; save it again as UTF-8")
    return str(best.encoding)


def _line_of(source: Source, offset: int) -> int:
    lines, left = 1, offset
    with open_source(source) as stream:
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            lines += chunk.count(b"\n")
            left -= len(chunk)
    return lines


def guess_dialect(source: Source, encoding: str, name: str) -> Dialect:
    """Delimiter, quoting, line endings and header, inferred from the first rows."""
    text, whole = _first_lines(source, encoding)
    end = "\r" if "\r" in text and "\n" not in text else "\n"
    # Quotes that never open a cell are inch marks or similar.
    quote = '"' if '"' not in text or re.search(r'(^|[,;\t|^~\r\n])\s*"', text) else None
    stated = re.match(r"\s*sep=(.)\r?(\n|$)", text)
    delimiter = stated[1] if stated else _best_delimiter(text, end, quote, whole=whole)
    dialect = Dialect(encoding, delimiter, quote, end=end, skip=int(stated is not None))
    dialect = replace(dialect, skip=dialect.skip + _titles_above(text, dialect))
    rows = sample_rows(text, dialect)
    if not rows and text.strip():
        raise InputError(
            f"the first row of '{name}' is too long to be a header; choose a table whose first "
            "row contains the column names"
        )
    if not rows:
        raise InputError(f"'{name}' has only blank lines; choose a file with a header and rows")
    return replace(dialect, header=_has_header(rows))


def _first_lines(source: Source, encoding: str) -> tuple[str, bool]:
    """The start of the file up to a line end, and whether that is the whole file."""
    head = head_of(source, 1 << 18)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    whole = len(head) < 1 << 18
    if not whole and max(text.rfind("\n"), text.rfind("\r")) > 0:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    return text.removeprefix("\ufeff"), whole


def sample_rows(text: str, dialect: Dialect, most: int = 300) -> list[list[str]]:
    """The first rows as lists of cells, without blank lines."""
    rows = filter(None, _records(text, dialect))
    return list(islice(rows, dialect.skip, dialect.skip + most))


def _records(text: str, dialect: Dialect) -> Iterator[list[str]]:
    """Rows as lists of cells, [] for blank lines."""
    try:
        yield from _reader(text, dialect.end, dialect.delimiter, dialect.quote)
    except csv.Error:  # a cell beyond the reader's own limit: use the rows so far
        return


def _reader(text: str, end: str, delimiter: str, quote: str | None) -> Any:
    lines = text.replace("\r\n", "\n").split(end)
    kept = (line + "\n" for line in lines)
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
    best: tuple[float, int, str] = (0.0, 1, ",")
    for delimiter in delimiters:
        rows = sample_rows(text, Dialect(delimiter=delimiter, quote=quote, end=end), 200)
        if not whole and len(rows) > 1:
            rows = rows[:-1]
        titles = title_rows(rows)
        rows = rows[titles:]
        if not rows or len(rows[0]) < 2:
            continue
        width = Counter(map(len, rows)).most_common(1)[0][0]
        share = sum(len(r) == len(rows[0]) for r in rows) / len(rows)
        if width < 2 or (titles and share < 0.9):
            continue
        if (round(share, 2), len(rows[0])) > (best[0], best[1]) or best[1] == 1:
            best = (round(share, 2), len(rows[0]), delimiter)
    if best[1] == 1 and delimiters == DELIMITERS:
        return _best_delimiter(text, end, quote, whole=whole, delimiters=(" ",))
    return best[2]


def _titles_above(text: str, dialect: Dialect) -> int:
    """Number of title or comment lines above the header; 0 where blank lines intervene.

    A few lines are not enough evidence: twice as many rows of equal length must follow.
    """
    rows = list(islice(_records(text.lstrip("\r\n"), dialect), dialect.skip, 300))
    titles = title_rows(rows)
    body = list(filter(None, rows[titles:]))
    regular = sum(len(row) == len(body[0]) for row in body)
    clear = all(rows[:titles]) and regular >= 0.9 * len(body) and regular > 2 * titles
    return titles if clear else 0


def title_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows above the header fill at most their first cell, as titles do.

    They count as titles only if a header of two or more words (no numbers) follows. In a row of
    two cells one may be an unnamed column, so such a row is not a title.
    """
    filled = [[cell for cell in map(str.strip, row) if cell] for row in rows]
    titles = next((i for i, row in enumerate(rows) if not _is_title(row)), 0)
    header = filled[titles] if rows else []
    return titles if len(header) > 1 and not any(map(_is_number, header)) else 0


def _is_title(row: Sequence[str]) -> bool:
    return len(row) != 2 and not any(cell.strip() for cell in row[1:])


def _has_header(rows: list[list[str]]) -> bool:
    """False if most cells of the first row are numbers or missing, unless they are years."""
    first = [cell.strip() for cell in rows[0]]
    filled = [c for c in first if c]
    numbers = [c for c in filled if _is_number(c) or c in MISSING]
    if not filled or len(numbers) * 2 <= len(filled):
        return True
    years = all(re.fullmatch(r"(19|20)\d\d", c) for c in numbers)
    return years and len(set(first)) == len(first) and len(rows) > 1


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", cell))


def column_names(first: list[str], *, header: bool) -> tuple[list[str], list[str]]:
    """Unique, trimmed, non-empty names, and notes on what was changed."""
    if not header:
        return [f"column_{i}" for i in range(1, len(first) + 1)], []
    trimmed = [" ".join(cell.split()) for cell in first]
    names = unique_names([n or f"column_{i}" for i, n in enumerate(trimmed, 1)])
    notes = []
    if empty := sum(not n for n in trimmed):
        which = "1 column" if empty == 1 else f"{empty} columns"
        notes.append(f"{which} without a name: named by position (column_1 …)")
    if twice := sorted(n for n, times in Counter(trimmed).items() if n and times > 1):
        listed = ", ".join(f"'{n}'" for n in twice[:5])
        notes.append(f"columns with the same name were numbered: {listed} → '{twice[0]} (2)' …")
    return names, notes


def unique_names(names: list[str]) -> list[str]:
    """Names made unique with " (2)", " (3)" …, and none that polars reads as a pattern."""
    used: set[str] = set()
    last: dict[str, int] = {}  # last number used, so that 5,000 duplicates take 5,000 steps
    out = []
    for name in names:
        pattern = name == "*" or (name.startswith("^") and name.endswith("$"))
        name = f"column {name}" if pattern else name
        candidate, k = name, last.get(name, 1)
        while candidate in used:
            k += 1
            candidate = f"{name} ({k})"
        last[name] = k
        used.add(candidate)
        out.append(candidate)
    return out


def all_empty() -> pl.Expr:
    """True for rows in which every cell is blank (as spreadsheets leave at the end)."""
    return pl.all_horizontal(pl.all().str.strip_chars() == "")
