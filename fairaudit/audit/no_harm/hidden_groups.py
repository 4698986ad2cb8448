"""A no-harm choice beside suppressed groups: only what the audit shows of them anyway is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.tables.hidden import hidden_in
from fairaudit.audit.tables.stored_pairs import UNKNOWN_GROUP
from fairaudit.inputs.group_codes import Grouping, encode, groupings

Tables = Mapping[str, pl.DataFrame]

# numbers over all groups of the choice, from which those of one group follow
OVER_GROUPS = ("alternatives", "selection_gaps")
STRESSED = ("stress_shift", "stress_objectives", "stress_ablation", "stress_groups")
_AIMS = ("aim", "aim_without", "gap", "gap_with")  # columns of `selection` over all groups


def hidden_of_choice(
    tables: Tables, labels: Mapping[str, NDArray[np.str_]], depth: int, least: int
) -> frozenset[str]:
    """The groups of FairSDE's choice that must not be shown.

    Where the audit suppresses a group, or the choice has one that is too small, a group of the
    choice is shown only if on each split its rows are exactly those of a group that the audit
    shows: its size then tells nothing new.

    Parameters
    ----------
    tables : `errors` and `selection_rows` of an audit
    labels : mapping of attribute to (n,) labels, in the order of `selection_rows`
    depth : of the intersections that the audit shows
    least : groups with fewer rows are suppressed
    """
    rows = tables.get("selection_rows")
    if rows is None or not least:
        return frozenset()
    of_row, split_of_row = rows["group"].to_numpy(), rows["split"].to_numpy()
    names: set[str] = set(of_row[of_row != UNKNOWN_GROUP])
    splits = [s for s in ("validation", "test") if (split_of_row == s).any()]
    sizes = rows.filter(pl.col("split").is_in(splits)).group_by("split", "group").len()
    if not hidden_in(tables) and not (sizes["len"] < least).any():
        return frozenset()
    shown = names
    for split in splits:
        part = split_of_row == split
        apart = groupings({name: column[part] for name, column in labels.items()}, depth)
        shown = shown & _same_as_shown(of_row[part], apart, tables["errors"], split)
    return frozenset(names - shown)


def _same_as_shown(
    of_row: NDArray[np.str_], divisions: Sequence[Grouping], errors: pl.DataFrame, split: str
) -> set[str]:
    """The groups whose rows are exactly those of a group with numbers in `errors`."""
    names, codes = encode(of_row)
    size = np.bincount(codes)
    numbered = errors.filter((pl.col("split") == split) & pl.col("n").is_not_null())
    shown = set(numbered.select("attribute", "group").iter_rows())
    same: set[str] = set()
    for division in divisions:
        pairs, both = np.unique(codes * len(division.names) + division.codes, return_counts=True)
        own, other = np.divmod(pairs, len(division.names))
        equal = (both == size[own]) & (both == np.bincount(division.codes)[other])
        same |= {
            names[i]
            for i, k in zip(own[equal], other[equal], strict=True)
            if (division.attribute, division.names[k]) in shown
        }
    return same


def shown_choice(tables: Tables, hidden: frozenset[str]) -> dict[str, pl.DataFrame]:
    """The tables of a choice without what shows a hidden group."""
    if not hidden:
        return dict(tables)
    kept = {n: t for n, t in tables.items() if n not in (*OVER_GROUPS, *STRESSED)}
    if "selection" in kept:
        rows = kept["selection"].filter(~pl.col("group").is_in(list(hidden)))
        aims = [pl.lit(None, rows.schema[c]).alias(c) for c in _AIMS if c in rows.columns]
        kept["selection"] = rows.with_columns(aims)
    return kept
