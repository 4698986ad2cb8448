"""Tables of ROME: sweeps, lineage of groups, worst group against average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fairaudit.methods.rome.combine import Tilt
from fairaudit.methods.tables import Frame

TABLE = pl.Schema(
    {
        "n_groups": pl.Int64,
        "log_likelihood": pl.Float64,
        "bic": pl.Float64,
        "icl": pl.Float64,
        "heldout": pl.Float64,
        "worst_group": pl.Float64,
        "overall": pl.Float64,
        "stability": pl.Float64,
        "seconds": pl.Float64,
        "worst_low": pl.Float64,
        "worst_high": pl.Float64,
        "overall_low": pl.Float64,
        "overall_high": pl.Float64,
        "heldout_se": pl.Float64,
        "chosen": pl.Boolean,
        "plausible": pl.Boolean,
        "z_step": pl.Float64,
        "gain": pl.Float64,
        "p": pl.Float64,
        "worst_null": pl.Float64,
        "worst_p": pl.Float64,
    }
)
LINEAGE = pl.Schema(
    {"n_groups": pl.Int64, "source": pl.String, "target": pl.String, "rows": pl.Float64}
)


def sweep_table(rows: Sequence[Mapping[str, Any]]) -> Frame:
    """One row per number of groups (schema `TABLE`)."""
    return pl.DataFrame(rows, schema=TABLE)


def chosen_count(table: Frame) -> int:
    """The number of groups that a sweep chose."""
    return int(table.filter(pl.col("chosen"))["n_groups"].item(0))


def lineage_table(rows: Sequence[Mapping[str, Any]]) -> Frame:
    """Rows that groups of one number share with groups of the next (schema `LINEAGE`)."""
    return pl.DataFrame(rows, schema=LINEAGE)


def tradeoff_table(tilts: Mapping[float, Tilt]) -> Frame:
    """What each blend of worst group (0) and average (1) reaches."""
    return pl.DataFrame(
        {
            "blend": list(tilts),
            "average": [tilt.average for tilt in tilts.values()],
            "worst": [tilt.worst for tilt in tilts.values()],
            "gap": [tilt.gap for tilt in tilts.values()],
        }
    )
