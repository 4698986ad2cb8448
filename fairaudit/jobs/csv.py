"""CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_text(text: str) -> str:
    """`text` with an apostrophe in front where a spreadsheet would compute it.

    Leading blanks and control characters do not hide a formula from every spreadsheet, so
    they are looked through.
    """
    shown = text.lstrip(" \u00a0\ufeff\x00")
    return f"'{text}" if shown.startswith(_FORMULA) else text


def safe_csv(frame: pl.DataFrame) -> str:
    """A table as CSV (RFC 4180), with text cells and column names that start no formula.

    Numbers stay numbers: only text is touched.
    """
    import polars as pl

    text = [name for name, dtype in frame.schema.items() if not _is_plain(dtype)]
    cells = [_texts(frame[name]) for name in text]
    safe = frame.with_columns(
        pl.Series(name, [None if c is None else safe_text(c) for c in column], dtype=pl.String)
        for name, column in zip(text, cells, strict=True)
    )
    header = _unique([safe_text(name) for name in safe.columns])
    return safe.rename(dict(zip(safe.columns, header, strict=True))).write_csv()


def _texts(column: pl.Series) -> list[str | None]:
    import polars as pl

    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String).to_list()
    return [None if value is None else str(value) for value in column.to_list()]


def _is_plain(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [n if seen[n] == 1 else f"{n} ({i})" for i, n in enumerate(names)]
