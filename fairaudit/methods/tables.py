"""Tables of the no-harm choice: the only module that turns its numbers into data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

Frame = pl.DataFrame  # methods name tables by this; only modules named `tables` build them
_Types = dict[str, pl.DataType | type[pl.DataType]]
_SELECTION: _Types = {
    "split": pl.String,
    "group": pl.String,
    "metric": pl.String,
    "n": pl.Int64,
    "baseline": pl.Float64,
    "expert": pl.Float64,
    "difference": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "admissible": pl.Boolean,
    "chosen": pl.String,
    "verdict": pl.String,
    "reason": pl.String,
    "binding": pl.Boolean,
    "p": pl.Float64,
    "level": pl.Float64,
    "both_right": pl.Int64,
    "expert_only": pl.Int64,
    "baseline_only": pl.Int64,
    "neither": pl.Int64,
    "rows_needed": pl.Int64,
    # numbers behind `reason`: why a group cannot be judged, the improvement that `rows_needed`
    # would show for it, the objective's value as chosen and without this group's condition,
    # the gap as chosen and with the expert here, and the intersections merged into the group
    "obstacle": pl.String,
    "detectable": pl.Float64,
    "objective": pl.String,
    "aim": pl.Float64,
    "aim_without": pl.Float64,
    "gap": pl.Float64,
    "gap_with": pl.Float64,
    "merged": pl.List(pl.String),
}
SELECTION = pl.Schema(_SELECTION)


def selection_table(columns: Mapping[str, Any]) -> Frame:
    """The choice with its evidence, one row per group (columns `SELECTION`)."""
    return pl.DataFrame(columns, schema=SELECTION)


def with_merged(table: Frame, merged: Mapping[str, Sequence[str]]) -> Frame:
    """The same table with the intersections that were merged into each group."""
    cells = [list(merged[name]) if merged.get(name) else None for name in table["group"]]
    return table.with_columns(merged=pl.Series(cells, dtype=pl.List(pl.String)))


def stored_selection(rows: Sequence[Mapping[str, Any]]) -> Frame:
    """A stored table of the choice, which has no column `split`."""
    schema = {name: kind for name, kind in SELECTION.items() if name != "split"}
    return pl.DataFrame(rows, schema=schema)


def choices_table(columns: Mapping[str, Any]) -> Frame:
    """Choices: id, experts, gap, worst, mean, feasible, chosen."""
    return pl.DataFrame(columns)


def unmeasured_choice() -> Frame:
    """The only choice where no performance is defined: the baseline for all, without numbers."""
    only = {"id": [0], "experts": [""], "feasible": [True], "chosen": [True]}
    empty = pl.lit(None, pl.Float64)
    table = pl.DataFrame(only).with_columns(gap=empty, worst=empty, mean=empty)
    return table.select("id", "experts", "gap", "worst", "mean", "feasible", "chosen")
