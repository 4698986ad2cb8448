"""Opens containers that users pass: collects lazy frames, converts tensors and Arrow data.

A thing that cannot be read is refused here with the name of the argument, whatever its own library
raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.rows import refusal

WIDE = (pl.Int128, pl.UInt128)  # whole numbers that numpy does not know
_READERS = ("__array__", "__array_interface__", "to_numpy")
# what the libraries of users raise while they convert; a panic of polars is no Exception
_FAILURES = (
    TypeError,
    ValueError,
    RuntimeError,
    OverflowError,
    OSError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)


def opened(value: Any, what: str = "values") -> Any:
    """Lazy frames collected, Arrow data as polars, tensors and masked arrays as numpy arrays.

    Raises
    ------
    InputError
        When the plan of a lazy frame fails, a tensor is not dense, or Arrow data has a type that
        cannot be read.
    """
    if isinstance(value, pl.LazyFrame):
        try:
            return value.collect()
        except _FAILURES as error:
            got = f"a plan that fails ({first_line(error)})"
            raise refusal(what, "a lazy frame", got, "check the plan with .collect()") from error
    if isinstance(value, np.ma.MaskedArray):
        return _unmasked(value)
    home = type(value).__module__.partition(".")[0]
    if home == "pyarrow":
        return _from_arrow(value, what)
    if home == "torch" and hasattr(value, "detach"):
        return _from_torch(value, what)
    return value


def is_container(value: Any) -> bool:
    """Whether something holds values by row: an array, a frame, a list; no set, no generator."""
    if isinstance(value, str | bytes | type):
        return False
    if isinstance(value, Sequence | memoryview | np.ndarray):
        return True
    if isinstance(getattr(value, "shape", None), tuple) and hasattr(value, "dtype"):
        return True  # sparse matrices, for scikit-learn to refuse
    return any(hasattr(value, name) for name in _READERS)


def to_array(value: Any, what: str) -> NDArray[Any]:
    """The numpy array of an array, a Series, a frame or a sequence.

    Raises
    ------
    InputError
        When it is no container, or its own conversion fails.
    """
    if not is_container(value):
        raise no_container(value, what)
    try:
        if isinstance(value, pl.Series | pl.DataFrame):
            value = _narrowed(value)
        return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
    except _FAILURES as error:
        kind = type(value).__name__
        got = f"{article(kind)} that numpy cannot read ({first_line(error)})"
        raise refusal(what, "an array of numbers or text", got, "convert it first") from error


def no_container(value: Any, what: str) -> InputError:
    """The refusal of what holds no rows."""
    return refusal(
        what,
        "(n,) values, (n, k) values or a frame of columns",
        f"one {type(value).__name__}",
        "pass one value per row",
    )


def is_mapping(value: Any) -> bool:
    """Whether something maps names to columns; a sparse matrix may be a dict, and is none."""
    return isinstance(value, Mapping) and not hasattr(value, "shape")


def article(noun: str) -> str:
    """A noun behind its indefinite article.

    >>> article("object"), article("list")
    ('an object', 'a list')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the error's name without one."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _narrowed(value: Any) -> Any:
    """128-bit whole numbers as 64-bit ones if they fit, else as Python's; decimals as floats."""
    if isinstance(value, pl.DataFrame):
        wide = [name for name, kind in value.schema.items() if kind in WIDE or kind.is_decimal()]
        return value.with_columns(pl.col(wide).cast(pl.Float64)) if wide else value
    if value.dtype.is_decimal():
        return value.cast(pl.Float64)
    if value.dtype not in WIDE:
        return value
    short = value.cast(pl.Int64, strict=False)
    fits = short.null_count() == value.null_count()
    return short if fits else pl.Series(value.to_list(), dtype=pl.Object)


def _unmasked(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    if array.dtype.kind == "f":
        return np.asarray(array.filled(np.nan))
    if not np.ma.getmaskarray(array).any() or array.dtype.names:
        return np.asarray(array.data)
    values = array.data.astype(object)
    values[np.ma.getmaskarray(array)] = None
    return values


def _from_arrow(value: Any, what: str) -> Any:
    if not (hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")):
        return value
    names = getattr(value, "column_names", None) or getattr(value, "schema", None)
    listed = list(getattr(names, "names", None) or names or [])
    twice = repeated(listed)
    if twice is not None:
        raise two_columns(twice, what)
    try:
        return pl.from_arrow(value)
    except _FAILURES as error:
        kinds = getattr(value, "type", None) or getattr(value, "schema", type(value).__name__)
        got = f"Arrow data of type {' '.join(str(kinds).split())}"
        raise refusal(what, "numbers, text or dates", got, "cast it first") from error


def _from_torch(tensor: Any, what: str) -> NDArray[Any]:
    layout = str(getattr(tensor, "layout", "torch.strided"))
    if layout != "torch.strided":
        raise refusal(what, "a dense array", "a sparse tensor", "call to_dense()")
    try:
        here = tensor.detach().cpu()
        array: NDArray[Any] = (here.float() if "bfloat16" in str(here.dtype) else here).numpy()
    except _FAILURES as error:
        got = f"a tensor that numpy cannot read ({first_line(error)})"
        raise refusal(what, "a dense array", got, "convert it first") from error
    return array


def repeated(names: Sequence[Any]) -> str | None:
    """The first name that two columns share, as text."""
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            return name
        seen.add(name)
    return None


def two_columns(name: str, what: str) -> InputError:
    """The refusal of two columns of one name."""
    return refusal(what, "one column per name", f"two columns '{name}'", "rename one of them")
