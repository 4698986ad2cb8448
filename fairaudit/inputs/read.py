"""Containers become named columns: numpy, pandas, polars, Arrow, torch, lists, dicts, records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.columns import Column, Columns
from fairaudit.inputs.containers import (
    WIDE,
    article,
    is_mapping,
    no_container,
    opened,
    repeated,
    to_array,
    two_columns,
)
from fairaudit.inputs.labels import EXACT, is_missing, text_of
from fairaudit.inputs.rows import counted, refusal

ONE_VALUE = "one value per row"
HUGE = 1e100  # squares of weights beyond (or below its inverse) overflow
NESTED = (list, dict, set, np.ndarray, pl.Series)


def read_columns(value: Any, what: str, n: int | None = None, of: str = "X") -> Columns:
    """The columns of any container: one column, a table, a mapping of columns, or records.

    Parameters
    ----------
    value : array, masked array, Series, frame, lazy frame, Arrow data, tensor, list, dict, or
        `Columns` already read
    what : what messages call the argument
    n : number of rows there must be
    of : the argument that has n rows

    Raises
    ------
    InputError
        When it is no column or table, has another number of rows, or two columns of one name.
    """
    if isinstance(value, Column):
        value = Columns(None, (value,), len(value))
    columns = value if isinstance(value, Columns) else _columns(opened(value, what), what)
    if n is not None and columns.n != n:
        raise refusal(
            what,
            f"{counted(n, 'row')}, as many as {of}",
            counted(columns.n, "row"),
            "pass one row per row of " + of,
        )
    return columns


def read_column(value: Any, what: str, n: int | None = None, of: str = "X") -> Column:
    """As `read_columns`, of one column only.

    Raises
    ------
    InputError
        When there are several columns, or none.
    """
    columns = read_columns(value, what, n, of)
    if columns.width != 1:
        raise refusal(what, ONE_VALUE, f"{columns.width} columns", "pass a single column")
    return columns.columns[0]


def read_numbers(
    value: Any,
    what: str,
    n: int | None = None,
    of: str = "X",
    *,
    wide: bool = False,
    gaps: bool = False,
) -> Float:
    """Numbers (n,) of any container; with `wide` also (n, k) of a table.

    Parameters
    ----------
    gaps : missing values are allowed and come back as NaN, infinite ones as they are

    Raises
    ------
    InputError
        When there is text, or a number is missing or infinite.
    """
    if _is_vector(value) and n in (None, len(value)) and (gaps or np.isfinite(value).all()):
        return np.array(value)
    columns = read_columns(value, what, n, of)
    if not wide and columns.width != 1:
        raise refusal(what, ONE_VALUE, f"{columns.width} columns", "pass a single column")
    parts = [column.numbers(parse=True) for column in columns.columns]
    if any(part is None for part in parts):
        raise refusal(what, "numbers", "text", "code it as numbers first")
    table = np.column_stack(
        [part for part in parts if part is not None] or [np.zeros((columns.n, 0))]
    )
    bad = int((~np.isfinite(table)).sum())
    if bad and not gaps:
        raise refusal(
            what,
            "finite numbers",
            counted(bad, "missing or infinite value"),
            "drop those rows or fill them",
        )
    return np.ascontiguousarray(table[:, 0]) if table.shape[1] == 1 else table


def _is_vector(value: Any) -> bool:
    """Whether the value is a plain array (n,) of numbers, as the package's own calls pass it."""
    return type(value) is np.ndarray and value.ndim == 1 and value.dtype == np.float64


def read_weights(value: Any, n: int, what: str = "sample_weight", of: str = "y_true") -> Float:
    """(n,) weights of 0 or more, not all 0.

    Raises
    ------
    InputError
        When there is something else, or a weight whose square would overflow.
    """
    weights = read_numbers(value, what, n, of)
    if (weights < 0).any() or not 1 / HUGE < weights.max(initial=0.0) < HUGE:
        raise refusal(
            what,
            f"weights of 0 or more, the largest between {1 / HUGE:g} and {HUGE:g}",
            f"weights from {weights.min(initial=0.0):g} to {weights.max(initial=0.0):g}",
            "check the weights",
        )
    return weights


def as_array(value: Any, what: str = "values") -> NDArray[Any]:
    """A numpy array of any container; missing entries are NaN, NaT or None.

    Raises
    ------
    InputError
        When rows have different lengths, or it is a single thing.
    """
    value = opened(value, what)
    if isinstance(value, list | tuple):
        return _listed_array(value, what)
    if isinstance(value, pl.Series) and value.dtype.is_nested():
        raise nested_type(value.dtype, what)
    return to_array(value, what)


# -- containers ---------------------------------------------------------------------------------


def is_records(value: Any) -> bool:
    """Whether a list holds one mapping per row."""
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(row, Mapping) for row in value)
    )


def columns_of_records(value: Sequence[Mapping[Any, Any]]) -> dict[str, list[Any]]:
    """Columns of a list of mappings; a key that a row lacks is missing there."""
    keys = dict.fromkeys(key for row in value for key in row)
    return {str(key): [row.get(key) for row in value] for key in keys}


def frame_columns(frame: Any, what: str) -> dict[str, Any] | None:
    """Columns by name of a frame, a mapping, a structured array or records; None for others.

    Raises
    ------
    InputError
        When two columns have one name.
    """
    if is_mapping(frame):
        pairs = list(frame.items())
    elif is_records(frame):
        pairs = list(columns_of_records(frame).items())
    elif isinstance(frame, np.ndarray) and frame.dtype.names:
        pairs = [(name, frame[name]) for name in frame.dtype.names]
    elif isinstance(frame, pl.DataFrame):
        pairs = [(column.name, column) for column in frame.get_columns()]
    elif hasattr(frame, "columns") and hasattr(frame, "iloc"):  # by position: names may repeat
        pairs = [(name, frame.iloc[:, j]) for j, name in enumerate(frame.columns)]
    elif hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        pairs = [(name, frame[name]) for name in frame.columns]
    else:
        return None
    names = [str(name) for name, _ in pairs]
    twice = repeated(names)
    if twice is not None:
        raise two_columns(twice, what)
    _text(names, f"the columns of {what}")
    return dict(zip(names, (column for _, column in pairs), strict=True))


def _columns(value: Any, what: str) -> Columns:
    named = frame_columns(value, what)
    if named is not None:
        return _named_columns(named, what, value)
    if isinstance(value, pl.Series):
        return _single(_of_series(value, what), value.name, what)
    name = getattr(value, "name", None) if hasattr(value, "to_numpy") else None
    array = as_array(value, what)
    if array.ndim == 1:
        return _single(_of_array(array, what), name, what)
    if array.ndim != 2:
        if array.ndim == 0:
            raise no_container(value, what)
        raise refusal(
            what,
            "(n,) values, (n, k) values or a frame of columns",
            f"shape {array.shape}",
            "pass one value per row",
        )
    return Columns(None, tuple(_of_array(part, what) for part in array.T), len(array))


def _single(column: Column, name: Any, what: str) -> Columns:
    names = None if name in (None, "") else (str(name),)
    _text(names or (), f"the name of {what}")
    return Columns(names, (column,), len(column))


def _named_columns(named: Mapping[str, Any], what: str, value: Any) -> Columns:
    columns = {name: _inner(column, f"{what} '{name}'") for name, column in named.items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"'{name}': {size}" for name, size in lengths.items())
        raise refusal(what, "columns of equal length", f"rows {shown}", "pass one value per row")
    n = next(iter(lengths.values()), len(value) if not is_mapping(value) else 0)
    return Columns(tuple(columns), tuple(columns.values()), n)


def _inner(value: Any, what: str) -> Column:
    value = opened(value, what)
    if isinstance(value, pl.Series):
        return _of_series(value, what)
    array = as_array(value, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        got = f"one {type(value).__name__}" if array.ndim == 0 else f"shape {array.shape}"
        raise refusal(what, ONE_VALUE, got, "pass (n,) values")
    return _of_array(array, what)


# -- one column ---------------------------------------------------------------------------------


def _listed_array(value: Sequence[Any], what: str) -> NDArray[Any]:
    """A list as an array, without turning NaN or None beside text into text."""
    kinds = set(map(type, value))
    odd = next((kind.__name__ for kind in kinds if issubclass(kind, Mapping | Set)), None)
    if odd is not None:
        raise refusal(what, ONE_VALUE, f"{article(odd)} in a row", "pass single values")
    if any(kind.__module__.partition(".")[0] == "torch" for kind in kinds):
        return np.asarray([opened(v, what) for v in value])
    nested = [kind for kind in kinds if issubclass(kind, list | tuple | np.ndarray)]
    try:
        if not nested:
            return _flat_array(value, kinds)
        if len(nested) == len(kinds) and all(issubclass(kind, list | tuple) for kind in nested):
            return _rows_array(value)
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise refusal(
            what, "rows of equal length", "a ragged list", "pass one value, or as many, per row"
        ) from error


def _flat_array(value: Sequence[Any], kinds: set[type]) -> NDArray[Any]:
    numbers = all(issubclass(kind, bool | int | float | np.number | np.bool_) for kind in kinds)
    if numbers or all(issubclass(kind, str) for kind in kinds) or not value:
        return np.asarray(value)
    if any(hasattr(kind, "__array__") and not issubclass(kind, np.generic) for kind in kinds):
        return np.asarray(value)  # tensors, Series: rows
    values = np.empty(len(value), dtype=object)
    values[:] = [None if is_missing(v) else v for v in value]
    return values


def _rows_array(value: Sequence[Sequence[Any]]) -> NDArray[Any]:
    """(n, k) of nested lists; columns of text beside numbers or gaps keep their types."""
    if any(isinstance(v, list | tuple | np.ndarray) for row in value for v in row):
        return np.asarray(value)
    parts = [_flat_array(part, set(map(type, part))) for part in zip(*value, strict=True)]
    if len({part.dtype.kind for part in parts}) <= 1:
        return np.column_stack(parts) if parts else np.zeros((len(value), 0))
    values = np.empty((len(value), len(parts)), dtype=object)
    for j, part in enumerate(parts):
        values[:, j] = part.astype(object)
    return values


def _of_series(series: pl.Series, what: str) -> Column:
    kind = series.dtype
    if kind.is_nested():
        raise nested_type(kind, what)
    if kind == pl.Binary:
        return _of_bytes(series.to_list(), what)
    if kind in WIDE or kind == pl.Object or isinstance(kind, pl.Duration):
        return _of_objects(series.to_list(), what)
    if kind.is_float():
        return Column(series.fill_nan(None))
    if kind.is_decimal():
        exact = (series.cast(pl.Float64).abs() < EXACT).all()
        if not exact:
            return _of_objects(series.to_list(), what)
        return Column(series.cast(pl.Float64))
    if kind in (pl.Categorical, pl.Enum, pl.Null):
        return Column(series.cast(pl.String))
    return Column(series)


def nested_type(kind: pl.DataType, what: str) -> InputError:
    """The error for a column of lists or structs."""
    return refusal(
        what,
        ONE_VALUE,
        f"a column of type {kind}",
        "take one field, or turn its values into text",
    )


def _of_array(array: NDArray[Any], what: str) -> Column:
    kind = array.dtype.kind
    if kind == "f":
        usual = array.dtype in (np.float32, np.float64)
        series = pl.Series(array if usual else array.astype(np.float64))
        return Column(series.fill_nan(None))
    if kind == "U":
        return Column(_text(array, what))
    if kind in "biu":
        return Column(pl.Series(np.ascontiguousarray(array)))
    if kind == "S":
        return _of_bytes(array.tolist(), what)
    if kind == "M":
        return Column(_times(array))
    if kind == "m":
        array = array.astype("timedelta64[us]")
    if kind in "OTm":
        return _of_objects(array.tolist(), what)
    raise refusal(what, "numbers, text or dates", f"values of type {array.dtype}", "convert them")


def _times(array: NDArray[Any]) -> pl.Series:
    unit = np.datetime_data(array.dtype)[0]
    if unit in ("Y", "M"):
        text = np.where(np.isnat(array), "", array.astype(np.str_))
        return pl.Series(text, dtype=pl.String).replace("", None)
    polars_units = {"D": "D", "W": "D", "ms": "ms", "us": "us", "ns": "ns"}
    return pl.Series(array.astype(f"datetime64[{polars_units.get(unit, 'us')}]"))


def _of_objects(values: Sequence[Any], what: str) -> Column:
    """A column of Python objects: numbers if all are, else the text of each."""
    present = [v for v in values if not is_missing(v)]
    kinds = set(map(type, present))
    odd = next((kind.__name__ for kind in kinds if no_value(kind)), None)
    if odd is not None:
        raise refusal(what, ONE_VALUE, f"{article(odd)} in a row", "pass single values")
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return Column(_nullable(values, bool, pl.Boolean))
    if kinds and all(issubclass(kind, Real | Decimal) for kind in kinds):
        return _of_numbers(values, present)
    if kinds and all(issubclass(kind, bytes) for kind in kinds):
        return _of_bytes(values, what)
    convert = str if all(issubclass(kind, str) for kind in kinds) else text_of
    return Column(_text([None if is_missing(v) else convert(v) for v in values], what))


def _of_bytes(values: Sequence[bytes | None], what: str) -> Column:
    """Text in UTF-8. Other bytes are refused: replaced, different values would be one group."""
    try:
        return Column(_text([None if is_missing(v) else v.decode() for v in values], what))  # type: ignore[union-attr]
    except UnicodeDecodeError as error:
        got = f"bytes that are not UTF-8 ({error.object[:20]!r})"
        raise refusal(what, "text in UTF-8", got, "decode the bytes first") from error


def _text(values: Any, what: str) -> pl.Series:
    try:
        return pl.Series(values, dtype=pl.String)
    except UnicodeEncodeError as error:
        got = f"half a character ({error.object[error.start]!a}, a lone surrogate)"
        remedy = "read the text in its own encoding, or replace such characters"
        raise refusal(what, "text in Unicode", got, remedy) from error


def no_value(kind: type) -> bool:
    """Whether things of a type are containers, or have no text of their own."""
    named = ("__str__", "__repr__")
    silent = all(getattr(kind, name) is getattr(object, name) for name in named)
    return silent or issubclass(kind, NESTED)


def _of_numbers(values: Sequence[Any], present: Sequence[Any]) -> Column:
    if all(map(_is_whole, present)) and all(abs(v) < 2**63 for v in present):
        return Column(_nullable(values, int, pl.Int64))
    if any(abs(v) >= EXACT and _is_whole(v) for v in present):
        return Column(_nullable(values, text_of, pl.String))  # digits that no float can hold
    if all(isinstance(v, np.float32) for v in present):
        return Column(_nullable(values, float, pl.Float32))
    return Column(_nullable(values, float, pl.Float64))


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) or float(value).is_integer()


def _nullable(values: Sequence[Any], convert: Any, dtype: Any) -> pl.Series:
    return pl.Series([None if is_missing(v) else convert(v) for v in values], dtype=dtype)
