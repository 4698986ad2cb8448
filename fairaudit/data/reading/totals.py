"""Rows below a table that describe no person: totals, averages and remarks."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import polars as pl

from fairaudit.data.reading.header import is_number
from fairaudit.data.reading.written_numbers import is_written

LAST_ROWS = 12
MOST_REMARKS = 10
_FEWEST = 3  # rows of a table, below which its last row is no total
_DASHES = ("-", "–", "—")
_WORDS = (
    "total", "totals", "sum", "subtotal", "grand total", "overall total", "column total",
    "average", "mean", "averages", "count", "all",
    "summe", "gesamt", "gesamtsumme", "insgesamt", "zwischensumme", "mittelwert", "durchschnitt",
    "anzahl", "total général", "somme", "ensemble", "moyenne", "total general", "suma", "promedio",
    "totale", "somma", "media", "totaal", "som", "totalt", "sammanlagt", "yhteensä", "soma",
    "razem", "suma końcowa", "celkem", "spolu", "összesen", "toplam", "genel toplam",
    "итого", "всего", "сумма", "合计", "总计", "小计", "合計", "總計", "小計", "합계",
    "총계", "المجموع",
)  # fmt: skip
_TOTAL = re.compile(
    rf"(?:{'|'.join(map(re.escape, _WORDS))})\s*(?:[:=]|\((?:n|all|%)[^)]*\))?\s*", re.IGNORECASE
)
# "North Total" of a pivot table
_OF_GROUP = r"(?i)\s(?:sub)?(?:total|summe|gesamt|toplam)\s*:?\s*$"


def is_total(cell: str) -> bool:
    """Whether a cell is a word for a total: "Summe:", "Grand total (n = 12)", "North Total"."""
    return bool(_TOTAL.fullmatch(cell.strip()) or re.search(_OF_GROUP, cell))


def may_be_totals(cells: pl.Expr) -> pl.Expr:
    """Whether cells are a word for a total."""
    word = cells.str.strip_chars(": ").str.to_lowercase().is_in(_WORDS)
    return word | cells.str.contains(_OF_GROUP)


def may_have_totals(text: str, delimiter: str) -> bool:
    """Whether one of the last lines of a text has a cell that is a word for a total."""
    lines = text.splitlines()[-LAST_ROWS:]
    return any(
        is_total(cell.strip().strip("\"'")) for line in lines for cell in line.split(delimiter)
    )


def total_rows(
    last: Sequence[Sequence[str]], above: Sequence[Sequence[str]] = (), *, remarks: bool = False
) -> list[int]:
    """Positions of the rows of totals at the end, in order.

    In such a row all words are words for a total, in a column where no other row has that word,
    and there is a number. With `remarks`, rows that fill one cell, with text, are listed too.

    Parameters
    ----------
    last : sequence of rows
        The last rows of the table.
    above : sequence of rows
        Other rows, in which a word for a total is a category.
    """
    positions: list[int] = []
    if len(above) + len(last) <= _FEWEST:
        return positions
    for i in range(len(last) - 1, -1, -1):
        cells = [cell.strip() for cell in last[i]]
        others = [*above, *last[:i]]
        if not any(cells):
            continue
        if not (_is_total_row(cells, others) or (remarks and _is_remark(cells, others))):
            break
        positions.append(i)
    return positions[::-1]


def totals_within(rows: Sequence[Sequence[str]]) -> list[int]:
    """Positions of rows that look like subtotals, anywhere."""
    return [i for i, row in enumerate(rows) if _has_only_totals([c.strip() for c in row])]


def _is_total_row(cells: Sequence[str], others: Collection[Sequence[str]]) -> bool:
    if not _has_only_totals(cells):
        return False
    words = [(i, cell.lower()) for i, cell in enumerate(cells) if is_total(cell)]
    return not any(
        i < len(row) and row[i].strip().lower() == word for row in others for i, word in words
    )


def _has_only_totals(cells: Sequence[str]) -> bool:
    """A word for a total, at least one number, and no other word."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    words = [c for c in filled if not is_number(c) and not is_written(c) and c not in _DASHES]
    numbers = len(filled) - len(words)
    return bool(words) and numbers > 0 and all(map(is_total, words))


def _is_remark(cells: Sequence[str], others: Collection[Sequence[str]]) -> bool:
    filled = [i for i, cell in enumerate(cells) if cell]
    if len(cells) < 3 or len(filled) != 1 or is_number(cells[filled[0]]):
        return False
    at = filled[0]
    values = [row[at].strip() for row in others if at < len(row)]
    alike = values.count(cells[at])
    numbers = [v for v in values if is_number(v)]
    looks = bool(re.search(r"[\s:*©]", cells[at])) or len(cells[at]) > 12
    return alike == 0 and (looks or len(numbers) * 2 > len(values))


def totals_note(numbers: Sequence[int], kind: str = "totals") -> str:
    """What was left out below the table, with the numbers of the rows."""
    return f"{_rows(numbers)} left out as {kind}; keep them with skip_rows=()"


def skipped_note(numbers: Sequence[int]) -> str:
    """What was left out by choice."""
    return f"{_rows(numbers)} left out as chosen (skip_rows)"


def _rows(numbers: Sequence[int]) -> str:
    listed = ", ".join(f"{n:,}" for n in numbers[:8]) + (" …" if len(numbers) > 8 else "")
    return f"row {listed} was" if len(numbers) == 1 else f"rows {listed} were"
