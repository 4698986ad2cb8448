"""Values become text, once: groups, clusters and class labels are named here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

MISSING = "(missing)"
CROSS = " × "
EXACT = 2**53  # from here on floats skip whole numbers, so that their digits mean nothing

_SIGN = CROSS.strip()


def is_missing(value: Any) -> bool:
    """Whether one value is None, NaN, NaT, pandas' NA or a masked entry."""
    if isinstance(value, str):
        return False
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return isinstance(value, Decimal) and value.is_nan()


def text_of(value: Any) -> str:
    """A value as the name of a group: 1 and 1.0 are "1", midnight is a date, missing is MISSING.

    >>> [text_of(v) for v in (1, 1.0, "1", np.float32(0.1), True, None)]
    ['1', '1', '1', '0.1', 'True', '(missing)']
    """
    if is_missing(value):
        return MISSING
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | np.floating):
        whole = float(value).is_integer() and abs(float(value)) < EXACT
        return str(int(value)) if whole else str(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, np.datetime64):
        return _short_time(str(value).replace("T", " "))
    if isinstance(value, datetime):
        return _short_time(value.isoformat(sep=" "))
    if isinstance(value, date):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def class_label(value: Any) -> str:
    """A value as a class label: as `text_of`, but True is "1" and outer blanks do not count."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return text_of(value).strip()


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short_time(text: str) -> str:
    """A time stamp without redundant zeros: of the fraction, or of midnight."""
    stamp, dot, rest = text.partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        significant = digits.rstrip("0")
        text = stamp + (f".{significant}" if significant else "") + rest[len(digits) :]
    return text.removesuffix(" 00:00:00")


def short_times(values: pl.Series) -> pl.Series:
    """Dates and time stamps as text, value by value as `text_of`."""
    text = values.cast(pl.String)
    if not isinstance(values.dtype, pl.Datetime):
        return text
    text = text.str.replace(r"\.0+($|[+-])", "${1}")
    text = text.str.replace(r"(\.\d*[1-9])0+($|[+-])", "${1}${2}")
    return text.str.strip_suffix(" 00:00:00")


def texts(values: pl.Series) -> list[str]:
    """The text of every value of a column without missing ones."""
    if values.dtype.is_temporal() and not isinstance(values.dtype, pl.Duration):
        return short_times(values).to_list()
    if values.dtype == pl.Float32:  # Python's floats would show digits that were never there
        return [text_of(v) for v in values.to_numpy()]
    return [text_of(v) for v in values.to_list()]


# -- names of intersections ---------------------------------------------------------------------

# a quoted part with doubled marks inside, or everything up to the next sign
_PART = re.compile(rf'"(?:[^"]|"")*"|.*?(?={CROSS}|$)', re.DOTALL)


def cell_name(parts: Sequence[str]) -> str:
    """The name of an intersection, "a × b"; different parts never share a name.

    A part that holds the sign itself, or begins with a quotation mark, is quoted as in CSV.

    >>> cell_name(["a × b", "c"]), cell_name(["a", "b × c"])
    ('"a × b" × c', 'a × "b × c"')
    """
    return parts[0] if len(parts) == 1 else CROSS.join(map(_quoted, parts))


def cell_parts(name: str) -> list[str]:
    """The values that `cell_name` joined, without their quotation marks.

    >>> cell_parts('"a × b" × c')
    ['a × b', 'c']
    """
    if CROSS not in name:
        return [name]
    parts, start = [], 0
    while start <= len(name):
        part = _PART.match(name, start)
        assert part is not None  # the pattern also matches nothing
        parts.append(_unquoted(part.group()))
        start = part.end() + len(CROSS)
    return parts


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _quoted(part: str) -> str:
    if _SIGN not in part and not part.startswith('"'):
        return part
    return '"' + part.replace('"', '""') + '"'


def cell_names(columns: Iterable[str]) -> pl.Expr:
    """`cell_name` of every row of a table of text columns."""
    names = list(columns)
    if len(names) == 1:
        return pl.col(names[0])
    return pl.concat_str([_quoted_column(pl.col(name)) for name in names], separator=CROSS)


def _quoted_column(column: pl.Expr) -> pl.Expr:
    quoted = pl.concat_str(
        pl.lit('"'), column.str.replace_all('"', '""', literal=True), pl.lit('"')
    )
    odd = column.str.contains(_SIGN, literal=True) | column.str.starts_with('"')
    return pl.when(odd).then(quoted).otherwise(column)
