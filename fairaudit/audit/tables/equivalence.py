"""Gaps that are shown to be too small to matter: below a margin that was chosen in advance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.tables.result_tables import families_of, gap_status, groups_compared
from fairaudit.stats import gaps
from fairaudit.stats.estimates import EstimateOptions, Measured, has_margin

Families = tuple[Measured, ...]

EQUIVALENCE = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "upper_limit": pl.Float64,
        "margin": pl.Float64,
        "p": pl.Float64,
        "p_adjusted": pl.Float64,
        "result": pl.String,
        "status": pl.String,
        "method": pl.String,
        "groups": pl.Int64,
        "left_out": pl.String,
    }
)
SHOWN, BELOW, BOTH, NEITHER = (
    "a gap is shown",
    "shown to be below the margin",
    "a gap is shown, shown to be below the margin",
    "not enough rows to say either",
)


def verdict(*, gap: bool, below: bool) -> str:
    """The verdict on whether there is a gap and whether it lies below the margin."""
    if gap:
        return BOTH if below else SHOWN
    return BELOW if below else NEITHER


def equivalence_table(measured: Sequence[Measured], options: EstimateOptions) -> pl.DataFrame:
    """The gap of each metric of one attribute, compared with the margin of `asked`.

    `p_adjusted` and `result` are filled once all rows are together (`with_looks`).
    """
    assert options.margin is not None
    rows = [
        _row(name, family, options, options.margin)
        for name, family in families_of(measured)
        if all(has_margin(m.metric) for m in family)
    ]
    table = pl.DataFrame(rows, schema=EQUIVALENCE, orient="row")
    return table.with_columns(pl.selectors.float().fill_nan(None))


def judged_groups(families: Families, options: EstimateOptions) -> NDArray[np.bool_]:
    """Groups (G,) a gap is judged by: those with enough rows where there are two, else all."""
    known, steady = groups_compared(families, options)
    return steady if steady.sum() >= 2 else known


def _row(
    metric: str, families: Families, options: EstimateOptions, margin: float
) -> dict[str, object]:
    keep = judged_groups(families, options)
    first = families[0]
    value = upper = p = np.nan
    if keep.sum() >= 2:
        parts = [m.estimates(keep) for m in families]
        value = max(float(gaps.spread(e.value)) for e in parts)
        upper = gaps.at_most(parts, 1 - options.confidence)
        p = gaps.chance_below(parts, margin)
    left_out = [n for n, k in zip(first.names, keep, strict=True) if not k]
    return {
        "model": options.model,
        "split": options.split,
        "attribute": first.attribute,
        "metric": metric,
        "value": value,
        "upper_limit": upper,
        "margin": margin,
        "p": p,
        "status": gap_status(value, [], [m.status[keep] for m in families]),
        "method": "two one-sided tests of every pair, MOVER",
        "groups": int(keep.sum()),
        "left_out": ", ".join(left_out) or None,
    }
