"""Suppressed groups in tables that are not estimates: they are left out there as well."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fairaudit.stats.estimates import SUPPRESSED

Hidden = Mapping[str, frozenset[str]]

LABELS = ("group", "category", "level")  # columns that name a group


def hidden_in(tables: Mapping[str, pl.DataFrame]) -> Hidden:
    """The suppressed groups of an audit by attribute, those of any split."""
    errors = tables.get("errors")
    if errors is None or "status" not in errors.columns:
        return {}
    rows = errors.filter(pl.col("status") == SUPPRESSED).select("attribute", "group").unique()
    suppressed: dict[str, set[str]] = {}
    for attribute, group in rows.iter_rows():
        suppressed.setdefault(attribute, set()).add(group)
    return {attribute: frozenset(groups) for attribute, groups in suppressed.items()}


def without_hidden(table: pl.DataFrame, hidden: Hidden) -> pl.DataFrame:
    """The rows of a table whose `attribute` and label name no suppressed group."""
    label = "level" if "level" in table.columns else "group"
    hidden_rows = pl.lit(value=False)
    for attribute, groups in hidden.items():
        hidden_rows |= (pl.col("attribute") == attribute) & pl.col(label).is_in(list(groups))
    return table.filter(~hidden_rows)


def may_be_shown(table: pl.DataFrame, hidden: Hidden) -> bool:
    """Whether a table of a rule can be shown beside suppressed groups.

    A rule holds groups against one another, so that the numbers of one follow from those of
    others: a table that names a suppressed group, or has numbers without saying whose, cannot.
    Tables with a status are estimates, in which those groups are suppressed already.
    """
    if not hidden or "status" in table.columns:
        return True
    named = next((name for name in LABELS if name in table.columns), None)
    if named is None:
        return not any(dtype.is_numeric() for dtype in table.dtypes)
    labels = frozenset[str]().union(*hidden.values())
    return not table[named].is_in(list(labels)).any()
