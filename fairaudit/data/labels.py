"""One canonical text for each value of a label column, whatever its type in the file."""

from __future__ import annotations

import polars as pl


def label_text(values: pl.Series) -> pl.Series:
    """Values as text: 1, 1.0 and "1" are all "1"; booleans "true"/"false"; missing stays null.

    Parameters
    ----------
    values : polars.Series
        Of any scalar type.

    Returns
    -------
    polars.Series of String
    """
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.round(0)) & (values.abs() < 2**53)
        frame = pl.DataFrame({"v": values, "whole": whole.fill_null(False)})
        integer = pl.when("whole").then(pl.col("v")).cast(pl.Int64).cast(pl.String)
        text = pl.when("whole").then(integer).otherwise(pl.col("v").fill_nan(None).cast(pl.String))
        return frame.select(text.alias(values.name)).to_series()
    if values.dtype == pl.String:
        return values.str.strip_chars()
    return values.cast(pl.String)


def canonical_label(label: str) -> str:
    """A label typed by a user, in the same form as `label_text`."""
    text = label.strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    whole, dot, rest = text.partition(".")
    digits = whole.lstrip("+-")
    return whole.lstrip("+") if dot and digits.isdigit() and not rest.strip("0") else text
