"""The cells of a worksheet as a table: header, merged cells, totals; every exclusion is noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from fairaudit.data.reading.dialect import NO_HEADER
from fairaudit.data.reading.header import (
    column_names,
    has_header,
    header_lines,
    is_number,
    joined_names,
    title_rows,
)
from fairaudit.data.reading.options import ReadingOptions
from fairaudit.data.reading.sheet_marks import (
    MergedRange,
    SheetMarks,
    cell_name,
    column_letters,
)
from fairaudit.data.reading.totals import (
    LAST_ROWS,
    may_be_totals,
    skipped_note,
    total_rows,
    totals_note,
    totals_within,
)

_SAMPLE = 300
_MOST_LINES = 4


@dataclass(frozen=True)
class SheetGrid:
    """Cells of a sheet with their row numbers.

    Attributes
    ----------
    text, numbers : polars.DataFrame
        The cells as text and as floats, with the same columns.
    rows : list of int
        Numbers of the rows in the sheet.
    notes : tuple of str
    """

    text: pl.DataFrame
    numbers: pl.DataFrame
    rows: list[int]
    notes: tuple[str, ...] = ()

    def kept(self, positions: Sequence[int]) -> SheetGrid:
        """Only these rows."""
        at = list(positions)
        return replace(
            self, text=self.text[at], numbers=self.numbers[at], rows=[self.rows[i] for i in at]
        )

    def noted(self, *notes: str) -> SheetGrid:
        """With further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def words(self, most: int) -> list[list[str]]:
        """The first rows as text, "" for empty cells."""
        return [[cell or "" for cell in row] for row in self.text.head(most).iter_rows()]


def read_grid(
    text: pl.DataFrame, numbers: pl.DataFrame, marks: SheetMarks | None, options: ReadingOptions
) -> SheetGrid:
    """The cells below the header, named by it.

    Parameters
    ----------
    text, numbers : polars.DataFrame
        The cells of the rectangle around the filled ones, null where empty.
    marks : SheetMarks, optional
        What the sheet has beside its values.
    options : ReadingOptions
    """
    top, left = (1, 1) if marks is None else (marks.extent.top, marks.extent.left)
    grid = SheetGrid(text, numbers, list(range(top, top + text.height)))
    if options.skip_rows:
        grid = _without(grid, set(options.skip_rows))
    grid = _with_exact_numbers(grid, marks, left)
    grid, blank = _filled_rows(grid)
    merged = [] if marks is None else _merged_here(marks.merged, grid, left)
    titles = title_rows(grid.words(20))
    grid = grid.kept(range(titles, len(grid.rows)))
    lines = _header_height(grid, merged, options)
    if options.skip_rows is None:
        grid = _without_headings(grid, merged, lines)
        merged = _merged_here(merged, grid, left)
    named = [m for m in merged if m.top in grid.rows[:lines]]
    body_ranges = [m for m in merged if m.top in set(grid.rows[lines:])]
    header = _fill(grid.kept(range(lines)), named, left).words(lines)
    first = joined_names(header, spread_groups=not named) if lines else [""] * text.width
    names, naming = column_names(first, header=lines > 0)
    body = _fill(grid.kept(range(lines, len(grid.rows))), body_ranges, left)
    body = _renamed(body, names)
    unnamed = [n for n, given in zip(names, first, strict=True) if not given]
    body, columns = _without_empty(body, unnamed)
    notes = [
        *naming,
        *([NO_HEADER] if not lines else []),
        *([f"the names were joined from the {lines} lines of the header"] if lines > 1 else []),
        *_exclusions(titles, blank, columns),
        *([] if marks is None else _mark_notes(marks, body, body_ranges)),
    ]
    return _without_totals(body.noted(*notes), options)


def _without(grid: SheetGrid, numbers: set[int]) -> SheetGrid:
    kept = [i for i, row in enumerate(grid.rows) if row not in numbers]
    gone = sorted(numbers & set(grid.rows))
    return grid.kept(kept).noted(skipped_note(gone)) if gone else grid


def _with_exact_numbers(grid: SheetGrid, marks: SheetMarks | None, left: int) -> SheetGrid:
    """Whole numbers of many digits as they are stored, not as the nearest float."""
    if marks is None or not marks.long_numbers:
        return grid
    at = {row: i for i, row in enumerate(grid.rows)}
    cells = {
        (at[row], column - left): digits
        for (row, column), digits in marks.long_numbers.items()
        if row in at and 0 <= column - left < grid.text.width
    }
    return replace(grid, text=_scattered(grid.text, cells))


def _scattered(
    frame: pl.DataFrame, cells: Mapping[tuple[int, int], str | float | None]
) -> pl.DataFrame:
    """A frame with new values at (row, column)."""
    for column in sorted({column for _, column in cells}):
        rows = [row for row, c in cells if c == column]
        series = frame.to_series(column)
        new = pl.Series([cells[row, column] for row in rows], dtype=series.dtype)
        frame = frame.with_columns(series.scatter(rows, new))
    return frame


def _filled_rows(grid: SheetGrid) -> tuple[SheetGrid, int]:
    has_value = grid.text.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    positions = has_value.arg_true().to_list()
    return grid.kept(positions), len(grid.rows) - len(positions)


def _merged_here(merged: list[MergedRange], grid: SheetGrid, left: int) -> list[MergedRange]:
    """The merged ranges whose first cell is in the grid."""
    rows, right = set(grid.rows), left + grid.text.width
    return [m for m in merged if m.top in rows and left <= m.left < right]


def _without_headings(grid: SheetGrid, merged: list[MergedRange], lines: int) -> SheetGrid:
    """Without rows below the header that one merged cell fills: headings of parts of the table."""
    width = grid.text.width
    across = {m.top for m in merged if m.top == m.bottom and m.right - m.left + 1 >= width > 1}
    headings = [row for row in grid.rows[lines:] if row in across]
    if not headings:
        return grid
    kept = grid.kept([i for i, row in enumerate(grid.rows) if i < lines or row not in across])
    return kept.noted(totals_note(headings, "headings in one merged cell"))


def _header_height(grid: SheetGrid, merged: list[MergedRange], options: ReadingOptions) -> int:
    """How many rows hold the names; 0 without a header."""
    if options.header is False:
        return 0
    sample = grid.words(_SAMPLE)
    lines = _merged_height(grid, merged, sample)
    if lines > 1:  # units may follow below the names
        return lines - 1 + (header_lines(sample[lines - 1 :]) if options.header is None else 1)
    if options.header is None and not has_header(sample):
        return 0
    return 1 if options.header else header_lines(sample)


def _merged_height(grid: SheetGrid, merged: list[MergedRange], sample: list[list[str]]) -> int:
    """The height of a header in which names of groups, or names, are merged cells."""
    lines = 1
    while lines < min(_MOST_LINES, len(sample) - 1):
        row, below = grid.rows[lines - 1], sample[lines]
        groups = any(m.top == row and m.bottom == row and m.right > m.left for m in merged)
        tall = any(m.top <= row < m.bottom for m in merged if m.top in grid.rows[:lines])
        if not (groups or tall) or any(map(is_number, below)) or not any(below):
            break
        lines += 1
    return lines


def _fill(grid: SheetGrid, merged: list[MergedRange], left: int) -> SheetGrid:
    """The value of each merged range in all of its cells."""
    at = {row: i for i, row in enumerate(grid.rows)}
    text: dict[tuple[int, int], str | None] = {}
    numbers: dict[tuple[int, int], float | None] = {}
    for m in merged:
        first = at[m.top], m.left - left
        value, number = grid.text[first], grid.numbers[first]
        for row in range(m.top, m.bottom + 1):
            for column in range(m.left - left, min(m.right - left + 1, grid.text.width)):
                if row in at:
                    text[at[row], column], numbers[at[row], column] = value, number
    if not text:
        return grid
    return replace(
        grid, text=_scattered(grid.text, text), numbers=_scattered(grid.numbers, numbers)
    )


def _renamed(grid: SheetGrid, names: list[str]) -> SheetGrid:
    text, numbers = grid.text.clone(), grid.numbers.clone()
    text.columns = numbers.columns = names
    return replace(grid, text=text.fill_null(""), numbers=numbers)


def _without_empty(grid: SheetGrid, unnamed: list[str]) -> tuple[SheetGrid, int]:
    empty = [c for c in unnamed if (grid.text[c] == "").all()]
    if len(empty) == grid.text.width:
        return grid, 0
    return replace(grid, text=grid.text.drop(empty), numbers=grid.numbers.drop(empty)), len(empty)


def _without_totals(grid: SheetGrid, options: ReadingOptions) -> SheetGrid:
    """Without rows of totals and remarks at the end; subtotals further up are only noted."""
    if options.skip_rows is not None:
        return grid
    start = max(0, len(grid.rows) - LAST_ROWS)
    last = [list(row) for row in grid.text[start:].iter_rows()]
    at = [start + i for i in total_rows(last, grid.words(_SAMPLE)[:start], remarks=True)]
    if at:
        numbers = [grid.rows[i] for i in at]
        kept = grid.kept([i for i in range(len(grid.rows)) if i not in set(at)])
        grid = kept.noted(totals_note(numbers, "totals or remarks below the table"))
    candidates = grid.text.select(
        pl.any_horizontal(may_be_totals(pl.col(c)) for c in grid.text.columns)
    ).to_series()
    positions = candidates.arg_true().to_list()
    within = totals_within([list(grid.text.row(i)) for i in positions])
    rows = [grid.rows[positions[i]] for i in within]
    if not rows or 2 * len(rows) > len(grid.rows):
        return grid
    numbers_text = ", ".join(map(str, rows[:8])) + (" …" if len(rows) > 8 else "")
    chosen = ", ".join(map(str, rows[:8]))
    return grid.noted(
        f"{_counted(len(rows), 'row')} kept that may be subtotals: {numbers_text}; leave them out "
        f"with skip_rows=({chosen},)"
    )


def _mark_notes(marks: SheetMarks, body: SheetGrid, merged: list[MergedRange]) -> list[str]:
    """Merged, hidden and uncomputed cells of the body, by name."""
    notes = []
    rows = set(body.rows)
    if merged:
        ranges = _named([str(m) for m in sorted(merged)])
        notes.append(f"merged cells were filled with their value: {ranges}")
    if hidden := [str(row) for row in marks.hidden_rows if row in rows]:
        notes.append(f"{_counted(len(hidden), 'hidden row')} read too: {_named(hidden)}")
    within = range(marks.extent.left, marks.extent.right + 1)
    if columns := [column_letters(c) for c in marks.hidden_columns if c in within]:
        notes.append(f"{_counted(len(columns), 'hidden column')} read too: {_named(columns)}")
    if cells := [cell_name(*cell) for cell in marks.uncomputed if cell[0] in rows]:
        notes.append(
            f"{_counted(len(cells), 'formula')} without a stored value, read as missing: "
            f"{_named(cells)}; open the workbook in a spreadsheet program and save it to have "
            "them computed"
        )
    return notes


def _named(items: list[str]) -> str:
    return ", ".join(items[:8]) + (" …" if len(items) > 8 else "")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _exclusions(titles: int, rows: int, columns: int) -> list[str]:
    counted = {
        "above the header that looks like a title": (titles, "row"),
        "without any value": (rows, "row"),
        "without a name and values": (columns, "column"),
    }
    return [
        f"{n:,} {word} {where} was excluded" if n == 1 else f"{n:,} {word}s {where} were excluded"
        for where, (n, word) in counted.items()
        if n
    ]
