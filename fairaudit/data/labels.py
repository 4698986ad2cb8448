"""One canonical text for each value of a label column, whatever its type in the file."""

from __future__ import annotations

import polars as pl

from fairaudit.inputs.labels import EXACT, short_times, texts


def label_text(values: pl.Series) -> pl.Series:
    """Values as text: 1, 1.0 and "1" are all "1"; booleans "true"/"false"; missing stays null.

    The same text as `fairaudit.inputs.labels.class_label` gives single values, but for booleans.

    Parameters
    ----------
    values : polars.Series
        Of any scalar type.

    Returns
    -------
    polars.Series of String
    """
    if values.dtype.is_float():
        return _number_text(values)
    if values.dtype == pl.String:
        return values.str.strip_chars()
    if values.dtype.is_decimal():
        text = values.cast(pl.String)
        return text.str.replace(r"(\.\d*?)0+$", "${1}").str.strip_suffix(".")
    return short_times(values)


def _number_text(values: pl.Series) -> pl.Series:
    size = values.abs()
    whole = (values.is_finite() & (values == values.round(0)) & (size < EXACT)).fill_null(False)
    frame = pl.DataFrame({"v": values, "whole": whole})
    integer = pl.when("whole").then(pl.col("v")).cast(pl.Int64).cast(pl.String)
    text = pl.when("whole").then(integer).otherwise(pl.col("v").fill_nan(None).cast(pl.String))
    written = frame.select(text.alias(values.name)).to_series()
    # polars and Python write very small and very large numbers differently
    extreme = (~whole & ((size < 1e-3) | (size >= EXACT)) & values.is_finite()).fill_null(False)
    return written.scatter(extreme.arg_true(), texts(values.filter(extreme)))


def canonical_label(label: str) -> str:
    """A label typed by a user, in the same form as `label_text`."""
    text = label.strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    whole, dot, rest = text.partition(".")
    digits = whole.lstrip("+-")
    return whole.lstrip("+") if dot and digits.isdigit() and not rest.strip("0") else text
