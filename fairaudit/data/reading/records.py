"""JSON tables: one object per line, a list of objects, or an object of columns."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from fairaudit.data.reading.formats import Source, size_of, utf16_or_32
from fairaudit.data.reading.header import unique_names
from fairaudit.data.reading.limits import Limits, size_text
from fairaudit.exceptions import InputError, LimitExceeded

_EXPECTED = (
    "expected a list of objects ([{...}, ...]), one object per line, or an object of lists of "
    "equal length"
)


def read_json(source: Source, name: str, limits: Limits) -> pl.DataFrame:
    """A JSON array of objects or an object of columns."""
    text = _text(source, name, limits)
    if text.startswith("{") and _is_lines(
        text
    ):  # its first line is longer than what `sniff` examines
        return read_json_lines(source, name, limits)
    value = _parsed(text, name, "")
    return _frame(_rows(value, name), name, limits)


def read_json_lines(source: Source, name: str, limits: Limits) -> pl.DataFrame:
    """One JSON object per line."""
    # not splitlines: U+2028 and U+0085 may occur inside a JSON string
    lines = _text(source, name, limits).split("\n")
    rows = [
        _parsed(line, name, f" at line {i:,}") for i, line in enumerate(lines, 1) if line.strip()
    ]
    return _frame(_objects(rows, name), name, limits)


def _is_lines(text: str) -> bool:
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip().startswith("{")


def _text(source: Source, name: str, limits: Limits) -> str:
    if size_of(source) > limits.json_bytes:
        raise LimitExceeded(
            f"'{name}' is {size_text(size_of(source))} of JSON; at most "
            f"{size_text(limits.json_bytes)} are read: convert it to CSV or Parquet"
        )
    data = source if isinstance(source, bytes) else source.read_bytes()
    encoding = utf16_or_32(data[:4096]) or "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{name}' is not valid {encoding.upper()} (byte {error.start:,}); save JSON as UTF-8"
        ) from error


def _parsed(text: str, name: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_constant)
    except RecursionError as error:
        raise InputError(
            f"'{name}' is nested too deeply{where} to be a table; {_EXPECTED}"
        ) from error
    except ValueError as error:
        raise InputError(f"'{name}' is invalid JSON{where} ({error}); {_EXPECTED}") from error


def _constant(word: str) -> float | None:
    return None if word == "NaN" else float(word)


def _rows(value: Any, name: str) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        lists = {k: v for k, v in value.items() if isinstance(v, list)}
        nested = [k for k, v in lists.items() if v and all(isinstance(r, dict) for r in v)]
        if len(nested) == 1:
            return _objects(lists[nested[0]], name)
        if value and len(lists) == len(value) and len({len(v) for v in lists.values()}) == 1:
            cells = zip(*lists.values(), strict=True)
            return [dict(zip(lists, row, strict=True)) for row in cells]
        if value and not any(isinstance(v, (list, dict)) for v in value.values()):
            return [value]
    if not isinstance(value, list):
        raise InputError(f"'{name}' is JSON but not a table; {_EXPECTED}")
    return _objects(value, name)


def _objects(rows: list[Any], name: str) -> list[dict[str, Any]]:
    for i, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"entry {i:,} of '{name}' is not an object; {_EXPECTED}")
    return rows


def _frame(rows: list[dict[str, Any]], name: str, limits: Limits) -> pl.DataFrame:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not rows or not columns:
        raise InputError(f"'{name}' has no rows; {_EXPECTED}")
    limits.check_shape(name, len(rows), len(columns))
    names = unique_names([" ".join(c.split()) or f"column_{i}" for i, c in enumerate(columns, 1)])
    series = [
        _series(new, [row.get(old) for row in rows], name)
        for old, new in zip(columns, names, strict=True)
    ]
    return pl.DataFrame(series)


def _series(column: str, values: list[Any], name: str) -> pl.Series:
    kinds = {type(v) for v in values if v is not None}
    if kinds & {dict, list}:
        raise InputError(
            f"column '{column}' of '{name}' contains nested values; write each part as a "
            "separate column"
        )
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
