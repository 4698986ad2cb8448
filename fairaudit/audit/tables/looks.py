"""All tests of an audit together: p-values adjusted for one another, and what they then show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics import comparisons
from fairaudit.audit.tables.equivalence import verdict
from fairaudit.audit.tables.findings import Finding, finding_in
from fairaudit.audit.tables.primary import own_rows

TESTED = ("comparisons", "pairs", "equivalence", "calibration_tests", "conditional")


def with_looks(tables: Mapping[str, pl.DataFrame], confidence: float) -> dict[str, pl.DataFrame]:
    """`p_adjusted` of each table of tests over all its rows, and the verdicts that rest on it.

    The rows of the primary question are a family of their own.
    """
    adjusted = {
        name: comparisons.with_looks(table, _own(tables, name)) if name in TESTED else table
        for name, table in tables.items()
    }
    if "equivalence" in adjusted:
        adjusted["equivalence"] = _with_verdicts(adjusted, confidence)
    return adjusted


def _own(tables: Mapping[str, pl.DataFrame], name: str) -> NDArray[np.bool_]:
    """The rows (n,) of a table that belong to the primary question."""
    own = tables[name].select(own_rows(tables, name).alias("own"))["own"].to_numpy()
    return np.broadcast_to(own, tables[name].height).astype(bool)


def _with_verdicts(tables: Mapping[str, pl.DataFrame], confidence: float) -> pl.DataFrame:
    table, names = tables["equivalence"], ("attribute", "metric", "model", "split")
    verdicts = []
    for row in table.iter_rows(named=True):
        place = {name: str(row[name]) for name in names}
        gap = finding_in(tables, confidence, **place) is Finding.SIGNIFICANT
        below = row["p_adjusted"] is not None and row["p_adjusted"] < 1 - confidence
        verdicts.append(verdict(gap=gap, below=below))
    return table.with_columns(pl.Series("result", verdicts, dtype=pl.String))


def looks(tables: Mapping[str, pl.DataFrame]) -> int:
    """How many tests the tables hold: the number that `p_adjusted` accounts for."""
    return sum(tables[name]["p"].drop_nulls().len() for name in TESTED if name in tables)
