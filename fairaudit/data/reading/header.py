"""Whether a table has a header, how many lines it takes, and the names in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from fairaudit.data.reading.cell_types import MISSING, MISSING_IN_NUMBERS
from fairaudit.data.reading.written_numbers import is_written

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_ENOUGH = 3  # rows that make a repeated value or a pattern evidence


def title_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows above the header fill at most their first cell, as titles do.

    They count as titles only if a header of two or more words (no numbers) follows, or if they
    consist of one cell where all other rows have many. In a row of two cells one may be an unnamed
    column, so such a row is not a title.
    """
    filled = [[cell for cell in map(str.strip, row) if cell] for row in rows]
    titles = next((i for i, row in enumerate(rows) if not _is_title(row)), 0)
    header = filled[titles] if rows else []
    short = titles > 0 and all(len(row) <= 1 for row in rows[:titles]) and len(header) > 2
    words = len(header) > 1 and not any(map(is_number, header))
    return titles if short or words else 0


def _is_title(row: Sequence[str]) -> bool:
    return len(row) != 2 and not any(cell.strip() for cell in row[1:])


def is_number(cell: str) -> bool:
    """Whether a cell is a plain number."""
    return bool(_NUMBER.fullmatch(cell))


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns; each column gives evidence for or against it.

    Words above numbers speak for a header. Against it speak numbers above numbers, unless they
    are years or rise from left to right as the names of periods and ages do, and values that
    recur below. Without evidence the first row is a header.
    """
    first = [cell.strip() for cell in rows[0]]
    filled = [c for c in first if c]
    if not filled:
        return True
    below = [row for row in rows[1:] if [c.strip() for c in row] != first]
    if not below:
        return not rows[1:] and sum(map(_is_value, filled)) * 2 <= len(filled)
    columns = [[row[i].strip() for row in below if i < len(row)] for i in range(len(first))]
    named_by_numbers = _are_numbered_names(first, columns)
    evidence = [
        0 if named_by_numbers and is_number(cell) else _evidence(cell, column)
        for cell, column in zip(first, columns, strict=True)
        if cell
    ]
    balance = sum(evidence)
    return balance >= 0 if any(evidence) else True


def _is_value(cell: str) -> bool:
    return is_number(cell) or cell in MISSING


def _evidence(cell: str, column: Sequence[str]) -> int:
    """+1 or more: the cell is a name; -1 or less: it is a value like those below."""
    values = [v for v in column if v not in MISSING and v not in MISSING_IN_NUMBERS]
    if not values or cell in MISSING or cell in MISSING_IN_NUMBERS:
        return -1 if cell in MISSING and values else 0
    numbers = sum(map(_is_quantity, values))
    if numbers == len(values):
        return -1 if _is_quantity(cell) else 2
    if numbers * 2 > len(values):  # numbers with a few words
        return 0
    if cell in values:
        return -1
    return _evidence_of_words(cell, values)


def _evidence_of_words(cell: str, values: Sequence[str]) -> int:
    """Evidence from text: values of one pattern, or of a few categories."""
    shapes = {_shape(v) for v in values}
    if len(shapes) == 1 and len(values) >= _ENOUGH and re.search(r"\d", values[0]):
        return -1 if _shape(cell) in shapes else 1
    levels = len(set(values))
    return 1 if len(values) >= _ENOUGH and levels * 2 <= len(values) else 0


def _is_quantity(cell: str) -> bool:
    return is_number(cell) or is_written(cell)


def _shape(cell: str) -> str:
    """ "A-0017" → "a-9": runs of letters and of digits."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell))


def _are_numbered_names(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the numbers of the first row are names: years, or steps rising to the right."""
    at = [i for i, cell in enumerate(first) if is_number(cell)]
    numbers = _floats([first[i] for i in at])
    if not numbers or len(set(numbers)) < len(numbers):
        return False
    years = all(re.fullmatch(r"(18|19|20)\d\d", first[i]) for i in at)
    if years and not all(_mostly_years(columns[i]) for i in at):
        return True
    below = [
        row for row in zip(*(columns[i] for i in at), strict=False) if all(map(is_number, row))
    ]
    counted = _is_count(numbers) and numbers[0] in (0.0, 1.0)
    if counted and (len(at) < len(first) or numbers[0] == 0):
        return len(numbers) > 1 and not any(_is_count(_floats(row)) for row in below)
    if any(first[i] in columns[i] for i in at) or len(numbers) < 4 or not _rises(numbers):
        return False
    return 2 * sum(_rises(_floats(row)) for row in below) < len(below)


def _mostly_years(column: Sequence[str]) -> bool:
    years = sum(bool(re.fullmatch(r"(18|19|20)\d\d", cell)) for cell in column)
    return years * 2 > len(column)


def _floats(cells: Sequence[str]) -> list[float]:
    return [float(cell.replace(",", ".")) for cell in cells]


def _rises(numbers: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(numbers))


def _is_count(numbers: Sequence[float]) -> bool:
    return all(b - a == 1 for a, b in pairwise(numbers))


def header_lines(rows: Sequence[Sequence[str]]) -> int:
    """1, or 2 if the second row names parts of the columns or their units.

    The second row is a header too if it has words, or nothing, above every column of numbers, and
    no number and no word that recurs in its column.
    """
    if len(rows) < _ENOUGH:
        return 1
    first, second = ([cell.strip() for cell in row] for row in rows[:2])
    below = rows[2:]
    if any(map(_is_quantity, second)) or all(map(is_number, filter(None, first))):
        return 1
    columns = [[row[i].strip() for row in below if i < len(row)] for i in range(len(second))]
    numeric = [i for i, column in enumerate(columns) if _all_numbers(column)]
    filled = [second[i] for i in numeric if second[i]]
    words = [cell not in (*MISSING, *MISSING_IN_NUMBERS) for cell in filled]
    recurs = any(cell and cell in column for cell, column in zip(second, columns, strict=True))
    enough = bool(filled) and 2 * len(filled) >= len(numeric)
    return 2 if enough and all(words) and not recurs and first != second else 1


def _all_numbers(column: Sequence[str]) -> bool:
    values = [v for v in column if v not in MISSING and v not in MISSING_IN_NUMBERS]
    return bool(values) and all(map(_is_quantity, values))


def joined_names(lines: Sequence[Sequence[str]], *, spread_groups: bool = True) -> list[str]:
    """One name for each column of a header of several lines.

    A group name applies to the cells at its right that have none, until the next one, if
    `spread_groups`; a name that the lines repeat is given once.
    """
    above = [list(_spread(line)) if spread_groups else list(line) for line in lines[:-1]]
    spread = [*above, list(lines[-1])]
    width = max(map(len, lines))
    names = []
    for i in range(width):
        parts = [line[i].strip() for line in spread if i < len(line) and line[i].strip()]
        names.append(" ".join(dict.fromkeys(parts)))
    return names


def _spread(line: Sequence[str]) -> Iterator[str]:
    last = ""
    for cell in line:
        last = cell.strip() or last
        yield last


def column_names(first: Sequence[str], *, header: bool) -> tuple[list[str], list[str]]:
    """Unique, trimmed, non-empty names, and notes on what was changed."""
    if not header:
        return [f"column_{i}" for i in range(1, len(first) + 1)], []
    trimmed = [" ".join(_visible(cell).split()) for cell in first]
    names = unique_names([n or f"column_{i}" for i, n in enumerate(trimmed, 1)])
    notes = []
    if empty := sum(not n for n in trimmed):
        which = "1 column" if empty == 1 else f"{empty} columns"
        notes.append(f"{which} without a name: named by position (column_1 …)")
    if twice := sorted(n for n, times in Counter(trimmed).items() if n and times > 1):
        listed = ", ".join(f"'{n}'" for n in twice[:5])
        notes.append(f"columns with the same name were numbered: {listed} → '{twice[0]} (2)' …")
    return names, notes


def _visible(name: str) -> str:
    """Without byte order marks, also mistaken for cp1252, and zero-width characters."""
    return re.sub("[\ufeff\u200b\u200c\u200d\u2060]|ï»¿", "", name)


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
