"""Where the outcome is known: the rows for which a yes/no column says so."""

from __future__ import annotations

import polars as pl

from fairaudit.data.labels import canonical_label, label_text
from fairaudit.data.outcome import guess_positive, label_order
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError


def without_unknown(frame: pl.DataFrame, roles: ColumnRoles) -> pl.DataFrame:
    """The table whose outcome is null wherever `roles.known_for` does not say yes.

    Raises
    ------
    SpecError
        When the column does not say yes or no, or says yes nowhere.
    """
    column, target = roles.known_for, roles.target
    if column is None or target is None or not {column, target} <= set(frame.columns):
        return frame
    known = says_yes(frame[column], roles.positive if column in roles.predictions else None)
    if not known.any():
        raise SpecError(
            f"column '{column}' says yes in no row, so no outcome is known; name another column, "
            "or name no target (--no-target) to audit the decisions alone"
        )
    return frame.with_columns(pl.when(known).then(pl.col(target)).alias(target))


def says_yes(values: pl.Series, positive: str | None = None) -> pl.Series:
    """(n,) whether a yes/no column says yes; missing says no.

    Parameters
    ----------
    values : booleans, 0 and 1, or two labels
    positive : the label that says yes, where words do not tell

    Raises
    ------
    SpecError
        When nothing tells which of its values says yes.
    """
    text = label_text(values)
    levels = sorted(text.drop_nulls().unique().to_list(), key=label_order)
    wanted = None if positive is None else canonical_label(positive)
    yes = wanted if wanted in levels else guess_positive(levels, values.name).label
    if yes is None and set(levels) <= {"0", "false"}:
        return pl.repeat(False, len(values), eager=True)
    if yes is None:
        shown = ", ".join(map(repr, levels[:5]))
        raise SpecError(
            f"column '{values.name}' does not say for which rows the outcome is known: its values "
            f"are {shown}; code it as 1 and 0, or yes and no"
        )
    return (text == yes).fill_null(False)
