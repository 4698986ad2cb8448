"""The offer to merge small groups, where an audit hides them or cannot judge them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from fairaudit.audit.notices import Notice, notice
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.inputs.labels import CROSS
from fairaudit.stats.estimates import MIN_JUDGED, SUPPRESSED, UNJUDGED


def merge_offers(
    tables: Mapping[str, pl.DataFrame],
    rows: Mapping[str, int],
    attributes: tuple[str, ...],
    suppress_below: int,
) -> list[Notice]:
    """A warning that offers to merge small groups; none where nothing is small.

    Parameters
    ----------
    tables : those of the audit
    rows : rows of each split; groups are merged by their rows in all splits together
    attributes : sensitive columns
    suppress_below : rows under which the audit hides groups
    """
    errors = tables.get("errors")
    if errors is None or errors.is_empty():
        return []
    small = _small(errors, attributes)
    if small.is_empty():
        return []
    share = min(
        rows.get(split, 0) / max(sum(rows.values()), 1) for split in small["split"].unique()
    )
    below = math.ceil(max(suppress_below, MIN_JUDGED) / max(share, 0.01))
    names = small["attribute"].unique(maintain_order=True).to_list()
    return [notice("merge_offered", attributes=names, below=below)]


def _small(errors: pl.DataFrame, attributes: tuple[str, ...]) -> pl.DataFrame:
    """Rows of groups of one attribute that have no number in any metric because they are small."""
    own = errors.filter(
        pl.col("attribute").is_in(list(attributes))
        & (pl.col("attribute") != OVERALL)
        & ~pl.col("attribute").str.contains(CROSS, literal=True)
    )
    few = (pl.col("status") == UNJUDGED) & (pl.col("n") < MIN_JUDGED)
    return own.filter((pl.col("status") == SUPPRESSED) | few)
