"""Tables as CSV that a spreadsheet cannot be tricked into running."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

_STARTS = frozenset("=+-@\t\r\n")
_DANGEROUS = r"^\s*[=+\-@]|^[\t\r\n]"


def safe_csv(frame: pl.DataFrame) -> bytes:
    """UTF-8 CSV; text a spreadsheet would take for a formula starts with an apostrophe.

    Numbers stay numbers: -0.5 in a numeric column is no formula.
    """
    text = cs.by_dtype(pl.String, pl.Categorical).cast(pl.String)
    safe = frame.with_columns(
        pl.when(text.str.contains(_DANGEROUS)).then(pl.lit("'") + text).otherwise(text).name.keep()
    )
    names = {name: _harmless(name) for name in frame.columns}
    return safe.rename(names).write_csv().encode()


def _harmless(name: str) -> str:
    risky = name[:1] in _STARTS or name.lstrip()[:1] in _STARTS
    return f"'{name}" if risky else name
