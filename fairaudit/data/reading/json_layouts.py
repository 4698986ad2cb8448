"""The layouts of JSON tables, those of pandas among them, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from fairaudit.data.reading.dialect import NO_HEADER
from fairaudit.data.reading.header import column_names, has_header
from fairaudit.exceptions import InputError

Row: TypeAlias = dict[str, Any]
EXPECTED = (
    "expected a list of objects ([{...}, ...]), one object per line, an object of lists of "
    "equal length, or what pandas writes (any orient)"
)
_INDEX = "index"


def rows_of(value: Any, name: str) -> tuple[list[Row], list[str]]:
    """The rows of a parsed JSON document, and notes on what was inferred.

    Raises
    ------
    InputError
        If it is no table.
    """
    if isinstance(value, dict):
        rows = _split(value, name) or _columns(value, name) or _keyed(value)
        if rows is not None:
            return rows
    if not isinstance(value, list):
        raise InputError(f"'{name}' is JSON but not a table; {EXPECTED}")
    if value and all(isinstance(row, list) for row in value):
        return named_cells(value, name)
    return objects(value, name), []


def objects(rows: list[Any], name: str) -> list[Row]:
    """Rows that have to be objects."""
    for i, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"entry {i:,} of '{name}' is not an object; {EXPECTED}")
    return rows


def named_cells(rows: Sequence[list[Any]], name: str) -> tuple[list[Row], list[str]]:
    """Rows that are lists of cells; the first may hold the names."""
    width = len(rows[0])
    odd = next((i for i, row in enumerate(rows, 1) if len(row) != width), None)
    if odd is not None or width == 0:
        raise InputError(
            f"row {odd or 1:,} of '{name}' has another number of cells than the first; {EXPECTED}"
        )
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows[:300]]
    header = len(rows) > 1 and all(isinstance(c, str) for c in rows[0]) and has_header(texts)
    names, notes = column_names(texts[0], header=header)
    body = rows[1:] if header else rows
    return [dict(zip(names, row, strict=True)) for row in body], [
        *notes,
        *([] if header else [NO_HEADER]),
    ]


def _split(value: Row, name: str) -> tuple[list[Row], list[str]] | None:
    """pandas' orients "split" and "tight": names, row labels and cells; "table": its data."""
    columns, data = value.get("columns"), value.get("data")
    if isinstance(data, list) and isinstance(value.get("schema"), dict):
        rows = objects(data, name)
        labels = {str(row.get(_INDEX)): row for row in rows}
        if len(labels) == len(rows) and _are_positions(list(labels)):
            rows = [{k: v for k, v in row.items() if k != _INDEX} for row in rows]
        return rows, []
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    names = [" ".join(map(str, c)) if isinstance(c, list) else str(c) for c in columns]
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        raise InputError(
            f"the rows of '{name}' do not have one cell for each of its {len(names)} columns; "
            f"{EXPECTED}"
        )
    rows = [dict(zip(names, row, strict=True)) for row in data]
    labels_of_rows = value.get(_INDEX)
    return _labelled(rows, labels_of_rows if isinstance(labels_of_rows, list) else [])


def _columns(value: Row, name: str) -> tuple[list[Row], list[str]] | None:
    """An object of lists, a wrapper around one list of objects, or a single object."""
    lists = {k: v for k, v in value.items() if isinstance(v, list)}
    nested = [k for k, v in lists.items() if v and all(isinstance(r, dict) for r in v)]
    if len(nested) == 1:
        return objects(lists[nested[0]], name), []
    if value and len(lists) == len(value) and len({len(v) for v in lists.values()}) == 1:
        cells = zip(*lists.values(), strict=True)
        return [dict(zip(lists, row, strict=True)) for row in cells], []
    if value and not any(isinstance(v, (list, dict)) for v in value.values()):
        return [value], []
    return None


def _keyed(value: Row) -> tuple[list[Row], list[str]] | None:
    """pandas' default orient, {column: {row: cell}}, or "index", {row: {column: cell}}."""
    if not value or not all(isinstance(inner, dict) and inner for inner in value.values()):
        return None
    if any(isinstance(v, (dict, list)) for cells in value.values() for v in cells.values()):
        return None
    inner = list(dict.fromkeys(key for cells in value.values() for key in cells))
    if _are_rows(list(value), inner, value):
        rows = [dict(cells) for cells in value.values()]
        return _labelled(rows, list(value))
    rows = [{name: cells.get(label) for name, cells in value.items()} for label in inner]
    return _labelled(rows, inner)


def _are_rows(outer: list[str], inner: list[str], value: Mapping[str, Row]) -> bool:
    """Whether the outer keys label rows: numbers, more of them, or cells of several kinds."""
    numbers = (_are_positions(outer), _are_positions(inner))
    if numbers[0] != numbers[1]:
        return numbers[0]
    by_outer = any(_is_mixed(cells.values()) for cells in value.values())
    by_inner = any(_is_mixed([cells.get(key) for cells in value.values()]) for key in inner)
    return by_outer if by_outer != by_inner else len(outer) > len(inner)


def _is_mixed(values: Iterable[Any]) -> bool:
    """Whether values are of several types, as the cells of a row usually are."""
    kinds = {float if isinstance(v, int) else type(v) for v in values if v is not None}
    return len(kinds) > 1


def _are_positions(labels: list[str]) -> bool:
    return labels == [str(i) for i in range(len(labels))] or all(map(_is_whole, labels))


def _is_whole(label: str) -> bool:
    return label.lstrip("-").isdigit()


def _labelled(rows: list[Row], labels: list[Any]) -> tuple[list[Row], list[str]]:
    """The rows with their labels as a first column, unless those only count them."""
    if not labels or [str(label) for label in labels] == [str(i) for i in range(len(rows))]:
        return rows, []
    name = _INDEX
    while any(name in row for row in rows):
        name += "_"
    labelled = [{name: label, **row} for label, row in zip(labels, rows, strict=True)]
    return labelled, [f"the labels of the rows were read as column '{name}'"]
