"""JSON tables: one object per line, a list of objects, or an object of columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from fairaudit.data.reading.cell_types import long_notes
from fairaudit.data.reading.formats import Source, size_of, utf16_or_32
from fairaudit.data.reading.header import unique_names
from fairaudit.data.reading.json_layouts import EXPECTED, Row, named_cells, objects, rows_of
from fairaudit.data.reading.limits import Limits, size_text
from fairaudit.exceptions import InputError, LimitExceeded

_INT64 = (1 << 63) - 1


@dataclass(frozen=True)
class JsonTable:
    """The columns of a JSON table, and what was left out or inferred."""

    frame: pl.DataFrame
    notes: tuple[str, ...]


def read_json(source: Source, name: str, limits: Limits) -> JsonTable:
    """A JSON array of objects or rows, an object of columns, or what pandas writes."""
    text = _text(source, name, limits)
    # its first line may be longer than what `sniff` examines
    if text.startswith(("{", "[")) and _is_lines(text):
        return read_json_lines(source, name, limits)
    value = _parsed(text, name, "")
    rows, notes = rows_of(value, name)
    return _frame(rows, name, limits, notes)


def read_json_lines(source: Source, name: str, limits: Limits) -> JsonTable:
    """One JSON object, or one list of cells, per line."""
    # not splitlines: U+2028 and U+0085 may occur inside a JSON string
    lines = _text(source, name, limits).split("\n")
    rows = [
        _parsed(line, name, f" at line {i:,}") for i, line in enumerate(lines, 1) if line.strip()
    ]
    if rows and all(isinstance(row, list) for row in rows):
        cells, notes = named_cells(rows, name)
        return _frame(cells, name, limits, notes)
    return _frame(objects(rows, name), name, limits, [])


def _is_lines(text: str) -> bool:
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip().startswith(text[0])


def _text(source: Source, name: str, limits: Limits) -> str:
    if size_of(source) > limits.json_bytes:
        raise LimitExceeded(
            f"'{name}' is {size_text(size_of(source))} of JSON; at most "
            f"{size_text(limits.json_bytes)} are read: convert it to CSV or Parquet"
        )
    data = source if isinstance(source, bytes) else source.read_bytes()
    encoding = utf16_or_32(data[:4096]) or "utf-8-sig"
    try:
        return data.decode(encoding).lstrip("\ufeff").rstrip("\x1a\r\n ")
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{name}' is not valid {encoding.upper()} (byte {error.start:,}); save JSON as UTF-8"
        ) from error


def _parsed(text: str, name: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_constant)
    except RecursionError as error:
        raise InputError(
            f"'{name}' is nested too deeply{where} to be a table; {EXPECTED}"
        ) from error
    except ValueError as error:
        raise InputError(f"'{name}' is invalid JSON{where} ({error}); {EXPECTED}") from error


def _constant(word: str) -> float | None:
    return None if word == "NaN" else float(word)


def _frame(rows: list[Row], name: str, limits: Limits, notes: list[str]) -> JsonTable:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not rows or not columns:
        raise InputError(f"'{name}' has no rows; {EXPECTED}")
    limits.check_shape(name, len(rows), len(columns))
    names = unique_names([" ".join(c.split()) or f"column_{i}" for i, c in enumerate(columns, 1)])
    cells = {new: [row.get(old) for row in rows] for old, new in zip(columns, names, strict=True)}
    nested = [c for c, values in cells.items() if any(isinstance(v, (dict, list)) for v in values)]
    if len(nested) == len(cells):
        raise InputError(
            f"column '{nested[0]}' of '{name}' contains nested values; write each part as a "
            "separate column"
        )
    long = [c for c, values in cells.items() if c not in nested and _has_long(values)]
    series = [
        _series(c, [_digits(v) for v in values] if c in long else values, name)
        for c, values in cells.items()
        if c not in nested
    ]
    remarks = [*notes, *nested_notes(nested), *long_notes(long)]
    return JsonTable(pl.DataFrame(series), tuple(remarks))


def nested_notes(columns: list[str]) -> list[str]:
    """One sentence about columns that no table can hold."""
    if not columns:
        return []
    named = ", ".join(f"'{c}'" for c in columns[:6]) + (" …" if len(columns) > 6 else "")
    return [f"columns of nested or binary values were left out: {named}"]


def _has_long(values: list[Any]) -> bool:
    """Whether whole numbers would not be exact: beyond 64 bits, or among floats beyond 53."""
    whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    if not whole:
        return False
    largest = max(max(whole), -min(whole))
    among_floats = any(isinstance(v, float) for v in values)
    return largest > (1 << 53 if among_floats else _INT64)


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) else value


def _series(column: str, values: list[Any], name: str) -> pl.Series:
    kinds = {type(v) for v in values if v is not None}
    if str in kinds and len(kinds) > 1:
        values = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    if kinds == {bool, int} or kinds == {bool, float} or kinds == {bool, int, float}:
        values = [None if v is None else float(v) for v in values]
    try:
        whole = kinds == {int}
        return pl.Series(column.encode().decode(), values, strict=whole, dtype=_dtype(kinds))
    except (OverflowError, TypeError, UnicodeError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"column {column!r} of '{name}' contains a value that cannot be stored "
            f"({str(error).splitlines()[0]}); write large integers as text, and remove lone "
            "surrogates"
        ) from error


def _dtype(kinds: set[type]) -> pl.DataType | type[pl.DataType] | None:
    if str in kinds or not kinds:
        return pl.String
    if kinds == {int}:
        return pl.Int64
    return pl.Boolean if kinds == {bool} else pl.Float64
