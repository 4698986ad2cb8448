"""Containers become named columns: numpy, pandas, polars, Arrow, torch, lists, dicts, records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.columns import Column, Columns
from fairaudit.inputs.labels import EXACT, is_missing, text_of
from fairaudit.inputs.rows import refusal

ONE_VALUE = "one value per row"
NESTED = (list, dict, set, np.ndarray, pl.Series)


def read_columns(value: Any, what: str, n: int | None = None, of: str = "X") -> Columns:
    """The columns of anything: one column, a table, a mapping of columns, or records.

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
    found = value if isinstance(value, Columns) else _columns(opened(value), what)
    if n is not None and found.n != n:
        raise refusal(
            what, f"{n} rows, as many as {of}", f"{found.n} rows", "pass one row per row of " + of
        )
    return found


def read_column(value: Any, what: str, n: int | None = None, of: str = "X") -> Column:
    """As `read_columns`, of one column only.

    Raises
    ------
    InputError
        When there are several columns, or none.
    """
    found = read_columns(value, what, n, of)
    if found.width != 1:
        raise refusal(what, ONE_VALUE, f"{found.width} columns", "pass a single column")
    return found.columns[0]


def read_numbers(
    value: Any,
    what: str,
    n: int | None = None,
    of: str = "X",
    *,
    wide: bool = False,
    gaps: bool = False,
) -> Float:
    """(n,) numbers of anything; with `wide` also (n, k) of a table.

    Parameters
    ----------
    gaps : missing values are allowed and come back as NaN, infinite ones as they are

    Raises
    ------
    InputError
        When there is text, or a number is missing or infinite.
    """
    found = read_columns(value, what, n, of)
    if not wide and found.width != 1:
        raise refusal(what, ONE_VALUE, f"{found.width} columns", "pass a single column")
    parts = [column.numbers(parse=True) for column in found.columns]
    if any(part is None for part in parts):
        raise refusal(what, "numbers", "text", "code it as numbers first")
    table = np.column_stack(
        [part for part in parts if part is not None] or [np.zeros((found.n, 0))]
    )
    bad = int((~np.isfinite(table)).sum())
    if bad and not gaps:
        raise refusal(
            what,
            "finite numbers",
            f"{bad} missing or infinite values",
            "drop those rows or fill them",
        )
    return np.ascontiguousarray(table[:, 0]) if table.shape[1] == 1 else table


def as_array(value: Any, what: str = "values") -> NDArray[Any]:
    """A numpy array of anything; missing entries are NaN, NaT or None.

    Raises
    ------
    InputError
        When rows have different lengths, or it is a single thing.
    """
    value = opened(value)
    if isinstance(value, list | tuple):
        return _listed_array(value, what)
    if isinstance(value, pl.Series):
        if value.dtype.is_nested():
            raise _nested_type(value, what)
        value = value.cast(pl.Float64) if value.dtype.is_decimal() else value
    return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)


# -- containers ---------------------------------------------------------------------------------


def opened(value: Any) -> Any:
    """Lazy frames collected, Arrow data as polars, tensors and masked arrays as numpy arrays."""
    if isinstance(value, pl.LazyFrame):
        return value.collect()
    if isinstance(value, np.ma.MaskedArray):
        return _unmasked(value)
    home = type(value).__module__.partition(".")[0]
    if home == "pyarrow":
        return _from_arrow(value)
    if home == "torch" and hasattr(value, "detach"):
        tensor = value.detach().cpu()
        return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()
    return value


def _unmasked(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    if array.dtype.kind == "f":
        return np.asarray(array.filled(np.nan))
    if not np.ma.getmaskarray(array).any() or array.dtype.names:
        return np.asarray(array.data)
    found = array.data.astype(object)
    found[np.ma.getmaskarray(array)] = None
    return found


def _from_arrow(value: Any) -> Any:
    if not (hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")):
        return value
    return pl.from_arrow(value)


def is_mapping(value: Any) -> bool:
    """Whether something maps names to columns; a sparse matrix may be a dict, and is none."""
    return isinstance(value, Mapping) and not hasattr(value, "shape")


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
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refusal(what, "one column per name", f"two columns '{twice}'", "rename one of them")
    return dict(zip(names, (column for _, column in pairs), strict=True))


def _columns(value: Any, what: str) -> Columns:
    named = frame_columns(value, what)
    if named is not None:
        return _named_columns(named, what, value)
    if isinstance(value, pl.Series):
        return _single(_of_series(value, what), value.name)
    name = getattr(value, "name", None) if hasattr(value, "to_numpy") else None
    array = as_array(value, what)
    if array.ndim == 1:
        return _single(_of_array(array, what), name)
    if array.ndim != 2:
        shape = f"one {type(value).__name__}" if array.ndim == 0 else f"shape {array.shape}"
        raise refusal(
            what,
            "(n,) values, (n, k) values or a frame of columns",
            shape,
            "pass one value per row",
        )
    return Columns(None, tuple(_of_array(part, what) for part in array.T), len(array))


def _single(column: Column, name: Any) -> Columns:
    return Columns(None if name in (None, "") else (str(name),), (column,), len(column))


def _named_columns(named: Mapping[str, Any], what: str, value: Any) -> Columns:
    found = {name: _inner(column, f"{what} '{name}'") for name, column in named.items()}
    lengths = {name: len(column) for name, column in found.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"'{name}': {size}" for name, size in lengths.items())
        raise refusal(what, "columns of equal length", f"rows {shown}", "pass one value per row")
    n = next(iter(lengths.values()), len(value) if not is_mapping(value) else 0)
    return Columns(tuple(found), tuple(found.values()), n)


def _inner(value: Any, what: str) -> Column:
    value = opened(value)
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
    if any(kind.__module__.partition(".")[0] == "torch" for kind in kinds):
        return np.asarray([opened(v) for v in value])
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
    found = np.empty(len(value), dtype=object)
    found[:] = [None if is_missing(v) else v for v in value]
    return found


def _rows_array(value: Sequence[Sequence[Any]]) -> NDArray[Any]:
    """(n, k) of nested lists; columns of text beside numbers or gaps keep their types."""
    if any(isinstance(v, list | tuple | np.ndarray) for row in value for v in row):
        return np.asarray(value)
    parts = [_flat_array(part, set(map(type, part))) for part in zip(*value, strict=True)]
    if len({part.dtype.kind for part in parts}) <= 1:
        return np.column_stack(parts) if parts else np.zeros((len(value), 0))
    found = np.empty((len(value), len(parts)), dtype=object)
    for j, part in enumerate(parts):
        found[:, j] = part.astype(object)
    return found


def _of_series(series: pl.Series, what: str) -> Column:
    kind = series.dtype
    if kind.is_nested():
        raise _nested_type(series, what)
    if kind == pl.Object or isinstance(kind, pl.Duration):
        return _of_objects(series.to_list(), what)
    if kind.is_float():
        return Column(series.fill_nan(None))
    if kind.is_decimal():
        exact = (series.cast(pl.Float64).abs() < EXACT).all()
        if not exact:
            return _of_objects(series.to_list(), what)
        return Column(series.cast(pl.Float64))
    if kind in (pl.Categorical, pl.Enum, pl.Null, pl.Binary):
        return Column(series.cast(pl.String))
    return Column(series)


def _nested_type(series: pl.Series, what: str) -> InputError:
    return refusal(
        what,
        ONE_VALUE,
        f"a column of type {series.dtype}",
        "take one field, or turn its values into text",
    )


def _of_array(array: NDArray[Any], what: str) -> Column:
    kind = array.dtype.kind
    if kind == "f":
        usual = array.dtype in (np.float32, np.float64)
        series = pl.Series(array if usual else array.astype(np.float64))
        return Column(series.fill_nan(None))
    if kind in "biuU":
        return Column(pl.Series(np.ascontiguousarray(array)))
    if kind == "S":
        return Column(pl.Series(np.char.decode(array, "utf-8", "replace")))
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
    odd = next((kind.__name__ for kind in kinds if _no_value(kind)), None)
    if odd is not None:
        raise refusal(what, ONE_VALUE, f"a {odd} in a row", "pass single values")
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return Column(_nullable(values, bool, pl.Boolean))
    if kinds and all(issubclass(kind, Real | Decimal) for kind in kinds):
        return _of_numbers(values, present)
    if all(issubclass(kind, str) for kind in kinds):
        return Column(_nullable(values, str, pl.String))
    return Column(_nullable(values, text_of, pl.String))


def _no_value(kind: type) -> bool:
    """Whether things of a type are containers, or have no text of their own."""
    named = ("__str__", "__repr__")
    silent = all(getattr(kind, name) is getattr(object, name) for name in named)
    return silent or issubclass(kind, NESTED)


def _of_numbers(values: Sequence[Any], present: Sequence[Any]) -> Column:
    if all(float(v).is_integer() for v in present) and all(abs(v) < 2**63 for v in present):
        return Column(_nullable(values, int, pl.Int64))
    if any(abs(v) >= EXACT and float(v).is_integer() for v in present):
        return Column(_nullable(values, text_of, pl.String))  # digits that no float can hold
    if all(isinstance(v, np.float32) for v in present):
        return Column(_nullable(values, float, pl.Float32))
    return Column(_nullable(values, float, pl.Float64))


def _nullable(values: Sequence[Any], convert: Any, dtype: Any) -> pl.Series:
    return pl.Series([None if is_missing(v) else convert(v) for v in values], dtype=dtype)
