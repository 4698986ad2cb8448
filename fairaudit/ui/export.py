"""Tables as CSV that a spreadsheet cannot be tricked into running."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

_DANGEROUS = r"^[=+\-@\t\r]"


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """UTF-8 CSV; text that a spreadsheet would take for a formula starts with an apostrophe."""
    text = cs.string().cast(pl.String)
    safe = pl.when(text.str.contains(_DANGEROUS)).then(pl.lit("'") + text).otherwise(text)
    names = [_harmless(c) for c in frame.columns]
    return (
        frame.with_columns(safe.name.keep())
        .rename(dict(zip(frame.columns, names, strict=True)))
        .write_csv()
        .encode()
    )


def _harmless(name: str) -> str:
    return f"'{name}" if name[:1] in set("=+-@\t\r") else name
