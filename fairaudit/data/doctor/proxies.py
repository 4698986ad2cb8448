"""Columns from which a sensitive attribute can be predicted, and how well."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fairaudit.data.doctor.column_profile import RowSample

STRONG = 0.75
MARGIN = 0.55  # the lower end of a strength's 99% interval; below, it may well be chance


def find_proxies(
    frame: pl.DataFrame, features: Sequence[str], sensitive: Sequence[str]
) -> pl.DataFrame:
    """How well each column on its own predicts each sensitive attribute.

    The strength is the held-out AUROC of predicting the attribute from the column (its quantile
    bins or levels, missing included). With several levels it is that of the best-predicted level
    vs the rest; a numeric attribute is cut at its median. 0.5 = chance, 1 = perfect. At most
    20,000 rows are used, drawn with a fixed seed. Only strengths whose 99% interval lies above
    0.55 are listed.

    Returns
    -------
    polars.DataFrame
        Columns feature, sensitive and auroc; strongest first.
    """
    return proxies_in(RowSample(frame), features, sensitive)


def proxies_in(
    sample: RowSample, features: Sequence[str], sensitive: Sequence[str]
) -> pl.DataFrame:
    """Like `find_proxies`, from rows drawn before."""
    strengths = [
        (feature, attribute, auroc)
        for attribute in sensitive
        for feature in dict.fromkeys(features)
        if feature != attribute
        for auroc, lower in [sample.predicts_surely(feature, attribute)]
        if lower > MARGIN
    ]
    schema = {"feature": pl.String, "sensitive": pl.String, "auroc": pl.Float64}
    table = pl.DataFrame(strengths, schema=schema, orient="row")
    return table.sort("auroc", "feature", descending=[True, False], maintain_order=True)
