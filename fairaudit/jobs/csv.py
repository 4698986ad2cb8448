"""CSV without cells that a spreadsheet would run as formulas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# some spreadsheets find a formula behind blanks and control characters, and some read
# full-width signs as plain ones
_FORMULA = "^[\\s\ufeff\\x00]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\\t\\r\\n]"
_PATTERN = re.compile(_FORMULA)


def safe_text(text: str) -> str:
    """`text`, prefixed with an apostrophe if a spreadsheet would run it as a formula."""
    return f"'{text}" if _PATTERN.search(text) else text


def safe_csv(frame: pl.DataFrame) -> str:
    """A table as CSV (RFC 4180); text cells and column names cannot start a formula.

    Numbers are unchanged: -0.5 in a numeric column is not a formula.
    """
    import polars as pl

    flat = frame.with_columns(
        _as_text(frame[name]) for name, dtype in frame.schema.items() if not _is_plain(dtype)
    )
    text = pl.col(pl.String)
    safe = flat.with_columns(
        pl.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text).name.keep()
    )
    header = _unique([safe_text(name) for name in safe.columns])
    return safe.rename(dict(zip(safe.columns, header, strict=True))).write_csv()


def _as_text(column: pl.Series) -> pl.Series:
    import polars as pl

    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    texts = [None if value is None else str(value) for value in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


def _is_plain(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [n if seen[n] == 1 else f"{n} ({i})" for i, n in enumerate(names)]
