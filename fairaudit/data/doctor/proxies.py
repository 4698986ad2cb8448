"""Columns that give a sensitive attribute away, and how strongly."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fairaudit.data.doctor.column_profile import Sampled

STRONG = 0.75


def find_proxies(
    frame: pl.DataFrame, features: Sequence[str], sensitive: Sequence[str]
) -> pl.DataFrame:
    """How well each column alone tells each sensitive attribute.

    The strength is the held-out AUROC of predicting the attribute from the column (its quantile
    bins or levels, missing included); with several levels, of the best-told level against the
    rest; a numeric attribute is cut at its median. 0.5 tells nothing, 1 everything. At most 20,000
    rows are used, drawn with a fixed seed.

    Returns
    -------
    polars.DataFrame
        feature, sensitive, auroc; strongest first.
    """
    return told_by(Sampled(frame), features, sensitive)


def told_by(seen: Sampled, features: Sequence[str], sensitive: Sequence[str]) -> pl.DataFrame:
    """The same from rows that were drawn already."""
    found = [
        (feature, attribute, seen.telling(feature, attribute))
        for attribute in sensitive
        for feature in dict.fromkeys(features)
        if feature != attribute
    ]
    schema = {"feature": pl.String, "sensitive": pl.String, "auroc": pl.Float64}
    table = pl.DataFrame(found, schema=schema, orient="row")
    return table.sort("auroc", "feature", descending=[True, False], maintain_order=True)
