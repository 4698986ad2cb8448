"""Labels become small integers once, so that everything after is counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError

Int = NDArray[np.int64]

MISSING = "(missing)"
CROSS = " × "
OVERALL = "all"
MAX_LEVELS = 1000


@dataclass(frozen=True)
class Grouping:
    """One way to divide the rows.

    Attributes
    ----------
    attribute : "sex", "sex × race", or "all" for everybody
    names : the G group names, sorted
    codes : (n,) index into `names`
    """

    attribute: str
    names: tuple[str, ...]
    codes: Int

    @property
    def depth(self) -> int:
        """How many declared attributes are crossed."""
        return self.attribute.count(CROSS) + 1

    def inside(self, rows: NDArray[np.bool_], attribute: str) -> Grouping:
        """The same division of some rows under another name; levels that do not occur go."""
        present, codes = np.unique(self.codes[rows], return_inverse=True)
        return Grouping(attribute, tuple(self.names[i] for i in present), codes.reshape(-1))


def encode(values: Any, name: str = "sensitive_features") -> tuple[tuple[str, ...], Int]:
    """Sorted level names and the (n,) codes of a column; missing becomes "(missing)".

    Raises
    ------
    InputError
        When there are more than 1,000 levels: such a column is no grouping.
    """
    series = _series(values)
    if series.dtype.is_float():
        series = series.fill_nan(None)
    levels = series.unique().drop_nulls().sort()
    if len(levels) > MAX_LEVELS:
        raise InputError(
            f"column '{name}' has {len(levels)} different values, too many to be groups; "
            "bin it into a few ranges first"
        )
    codes = _codes(series, levels)
    names = [_text(v) for v in levels.to_list()]
    if series.null_count():
        names.append(MISSING)
    return _sorted_unique(names, codes)


def _series(values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind in "UiufbS":
        return pl.Series(array if array.dtype.kind != "S" else array.astype(np.str_))
    if array.ndim != 1:
        raise InputError(
            f"a column of groups has shape {array.shape}; pass one value a row, or a frame of "
            "columns"
        )
    return pl.Series([None if absent(v) else _text(v) for v in array.tolist()], dtype=pl.String)


def absent(value: Any) -> bool:
    """Whether a value is missing: None, NaN, NaT or pandas' NA."""
    if isinstance(value, str):
        return False
    if value is None or type(value).__name__ == "NAType":  # NA has no truth value to compare by
        return True
    return bool(np.ndim(value) == 0 and value != value)  # NaN and NaT are unequal to themselves


def _codes(series: pl.Series, levels: pl.Series) -> Int:
    if series.dtype == pl.String:
        coded = series.cast(pl.Enum(levels)).to_physical()
    elif series.dtype.is_numeric():
        at = np.searchsorted(levels.to_numpy(), series.fill_null(strategy="zero").to_numpy())
        coded = pl.Series(at).set(series.is_null(), len(levels))
    else:
        text = series.cast(pl.String)
        coded = text.cast(pl.Enum(levels.cast(pl.String))).to_physical()
    return coded.cast(pl.Int64).fill_null(len(levels)).to_numpy()


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _sorted_unique(names: Sequence[str], codes: Int) -> tuple[tuple[str, ...], Int]:
    """Names in alphabetical order, equal texts merged (1 and 1.0, "(missing)" typed by hand)."""
    order = sorted(set(names))
    place = np.array([order.index(n) for n in names] or [0], dtype=np.int64)
    return tuple(order), place[codes] if len(codes) else codes


def columns_of(sensitive: Any) -> dict[str, Any]:
    """Named columns of what users pass as `sensitive_features` or `control_features`.

    A frame keeps its column names, a named Series its name; arrays get "group" (one column) or
    "group 1", "group 2", …

    Raises
    ------
    InputError
        When there are no columns to be seen, or two of one name.
    """
    if sensitive is None:
        return {}
    if isinstance(sensitive, Mapping):
        return {str(k): v for k, v in sensitive.items()}
    if hasattr(sensitive, "columns"):
        return _of_frame(sensitive)
    if isinstance(sensitive, pl.Series) or hasattr(sensitive, "name"):
        return {str(sensitive.name or "group"): sensitive}
    array = np.asarray(sensitive)
    if array.ndim not in (1, 2):
        raise InputError(
            f"sensitive_features has shape {array.shape}; pass (n,), (n, k) or a frame of columns"
        )
    if array.ndim == 1:
        return {"group": array}
    single = array.shape[1] == 1
    return {"group" if single else f"group {j + 1}": array[:, j] for j in range(array.shape[1])}


def _of_frame(frame: Any) -> dict[str, Any]:
    names = [str(c) for c in frame.columns]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise InputError(f"there are two columns '{twice}' of groups; rename one of them")
    return {name: frame[c] for name, c in zip(names, frame.columns, strict=True)}


def cluster_codes(values: Any) -> Int:
    """Codes 0..M−1 of the clusters; rows without one are a cluster together, as in tables."""
    series = _series(values)
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if not (series.dtype.is_numeric() or series.dtype == pl.String):
        series = series.cast(pl.String)
    codes = series.rank("dense").cast(pl.Int64)
    return codes.fill_null((codes.max() or 0) + 1).to_numpy() - 1  # type: ignore[operator]


def everybody(n: int) -> Grouping:
    """The grouping with one group, "all"."""
    return Grouping(OVERALL, (OVERALL,), np.zeros(n, dtype=np.int64))


def cross(parts: Sequence[Grouping]) -> Grouping:
    """All combinations that occur of several groupings, named "a × b"."""
    codes = parts[0].codes
    for part in parts[1:]:
        codes = codes * len(part.names) + part.codes
    total = int(np.prod([len(p.names) for p in parts]))
    present = _present(codes, total)
    place = np.searchsorted(present, codes)
    names = [CROSS.join(n) for n in _names_of(present, parts)]
    order = np.argsort(np.array(names), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    attribute = CROSS.join(p.attribute for p in parts)
    return Grouping(attribute, tuple(names[i] for i in order), rank[place])


def _present(codes: Int, total: int) -> Int:
    if total <= 10_000_000:
        return np.flatnonzero(np.bincount(codes, minlength=1))
    return np.unique(codes)


def _names_of(present: Int, parts: Sequence[Grouping]) -> list[tuple[str, ...]]:
    names: list[tuple[str, ...]] = [()] * len(present)
    rest = present
    for part in reversed(parts):
        rest, here = np.divmod(rest, len(part.names))
        names = [(part.names[h], *n) for h, n in zip(here, names, strict=True)]
    return names


def groupings(columns: Mapping[str, Any], depth: int = 1) -> list[Grouping]:
    """Every attribute and every crossing of up to `depth` attributes.

    Attributes with a single level are kept alone (their overall value is still of interest) but
    not crossed.
    """
    single = [Grouping(name, *encode(values, name)) for name, values in columns.items()]
    divided = [g for g in single if len(g.names) > 1]
    crossed = [
        cross(chosen)
        for k in range(2, min(depth, len(divided)) + 1)
        for chosen in combinations(divided, k)
    ]
    return single + crossed
