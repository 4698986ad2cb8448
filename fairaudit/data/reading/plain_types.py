"""Declared types of Parquet and Arrow columns as the few that an audit uses, without rounding."""

from __future__ import annotations

import polars as pl

from fairaudit.data.reading.cell_types import long_notes
from fairaudit.data.reading.records import nested_notes
from fairaudit.exceptions import InputError


def plain_types(lazy: pl.LazyFrame, name: str) -> tuple[pl.LazyFrame, list[str]]:
    """The columns with plain types, and notes on those left out or kept as text.

    Categories become text. Whole numbers of more than 64 bits, and decimals without a fraction,
    become 64-bit numbers if they fit and text if not; other decimals become floats. Binary
    columns that hold text become text; nested and other binary columns are left out.

    Raises
    ------
    InputError
        If no column can be read.
    """
    schema = lazy.collect_schema()
    nested = [c for c, t in schema.items() if t.is_nested() or t == pl.Object]
    binary = [c for c, t in schema.items() if t == pl.Binary]
    decoded = _decoded_binaries(lazy, binary)
    dropped = [c for c in schema if c in nested or (c in binary and c not in decoded)]
    if dropped and len(dropped) == len(schema):
        raise InputError(
            f"column '{dropped[0]}' of '{name}' contains {str(schema[dropped[0]]).lower()} values "
            "and no column can be read; write each part as a plain column"
        )
    kept = lazy.drop(dropped)
    wide = _wide_types(kept)
    plain = kept.with_columns(_plain(c, t, wide.get(c)) for c, t in kept.collect_schema().items())
    texts = [c for c, dtype in wide.items() if dtype == pl.String]
    notes = [*nested_notes(dropped), *long_notes(texts)]
    if decoded:
        notes.append(f"binary columns that hold text were read as text: {_quoted(decoded)}")
    return plain, notes


def _quoted(columns: list[str]) -> str:
    return ", ".join(f"'{c}'" for c in columns)


def _decoded_binaries(lazy: pl.LazyFrame, binary: list[str]) -> list[str]:
    """Binary columns that are UTF-8 text in every row."""
    return [c for c in binary if _is_text(lazy.select(pl.col(c).cast(pl.String).alias("v")))]


def _is_text(lazy: pl.LazyFrame) -> bool:
    control = pl.col("v").str.contains(r"[\x00-\x08]").any().fill_null(value=False)
    try:
        return not lazy.select(control).collect(engine="streaming").item()
    except pl.exceptions.PolarsError:  # not UTF-8
        return False


def _wide_types(lazy: pl.LazyFrame) -> dict[str, pl.DataType | type[pl.DataType]]:
    """What columns of very wide whole numbers become: Int64, text, or floats for fractions."""
    wide = [c for c, t in lazy.collect_schema().items() if _is_wide(t)]
    if not wide:
        return {}
    schema = lazy.collect_schema()
    facts = [
        e.alias(f"{i}/{key}")
        for i, c in enumerate(wide)
        for key, e in _facts(pl.col(c), schema[c]).items()
    ]
    row = lazy.select(facts).collect(engine="streaming").row(0, named=True)
    types: dict[str, pl.DataType | type[pl.DataType]] = {}
    for i, c in enumerate(wide):
        fits = row[f"{i}/fits"] is not False
        whole = row[f"{i}/whole"] is not False
        types[c] = pl.Float64 if not whole else pl.Int64 if fits else pl.String
    return types


def _is_wide(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Decimal) or dtype in (pl.UInt64, pl.Int128, pl.UInt128)


def _facts(value: pl.Expr, dtype: pl.DataType) -> dict[str, pl.Expr]:
    """Whether all values fit 64 bits with a sign, and whether they are whole."""
    if isinstance(dtype, pl.Decimal):
        whole = value.cast(pl.Int128, strict=False)
        again = whole.cast(pl.Decimal(38, dtype.scale), strict=False)
        exact = ((again == value).fill_null(value=False) | value.is_null()).all()
        is_whole = pl.lit(value=True) if dtype.scale == 0 else exact
        return {"fits": _fits(whole), "whole": is_whole}
    return {"fits": _fits(value), "whole": pl.lit(value=True)}


def _fits(value: pl.Expr) -> pl.Expr:
    return (value.cast(pl.Int64, strict=False).is_null() == value.is_null()).all()


def _plain(
    column: str, dtype: pl.DataType, wide: pl.DataType | type[pl.DataType] | None
) -> pl.Expr:
    value = pl.col(column)
    if wide is not None:
        if wide == pl.String and isinstance(dtype, pl.Decimal):
            return value.cast(pl.Int128).cast(pl.String)
        return value.cast(wide)
    if isinstance(dtype, (pl.Categorical, pl.Enum)) or dtype in (pl.Null, pl.Binary):
        return value.cast(pl.String)
    if dtype in (pl.Float16, pl.Float32):
        return value.cast(pl.Float64)
    if isinstance(dtype, pl.Duration):
        return value.dt.total_seconds().cast(pl.Float64)
    if isinstance(dtype, pl.Time):
        return value.cast(pl.Int64) / 1e9
    return value
