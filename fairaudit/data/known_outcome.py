"""Where the outcome is known: the rows for which a yes/no column says so, named or guessed."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fairaudit.data.labels import canonical_label, label_text
from fairaudit.data.outcome import guess_positive, label_order
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError

PEEK = 2000  # rows that show whether a column may have two values


@dataclass(frozen=True)
class KnownForGuess:
    """The column that marks where the outcome is known, and the reason for the guess."""

    column: str
    reason: str


def guess_known_for(frame: pl.DataFrame, roles: ColumnRoles) -> KnownForGuess | None:
    """The column of two values where the outcome is missing exactly where it has one of them.

    Decisions come before other columns. Sensitive attributes, scores, clusters and the like are
    left aside.

    Parameters
    ----------
    frame : polars.DataFrame
        As the mends of the roles read it.
    roles : ColumnRoles
        With a target; None comes back without one, or where `known_for` is named.
    """
    if roles.target is None or roles.known_for is not None or roles.target not in frame.columns:
        return None
    if roles.task == "regression":  # errors of numbers have no bounds
        return None
    target = frame[roles.target]
    known = _has_value(target)
    if known.all() or not known.any():
        return None
    aside = {roles.target, *roles.sensitive, *roles.scores, roles.cluster, roles.unit}
    aside |= {roles.weight, roles.split, roles.image, roles.row_id}
    for name in dict.fromkeys((*roles.predictions, *frame.columns)):
        if name in aside or not _has_two_values(frame[name]):
            continue
        if (yes := _label_that_selects(frame[name], known)) is not None:
            return KnownForGuess(name, _why(str(target.name), name, *yes))
    return None


def _why(target: str, column: str, yes: str, no: str) -> str:
    """The reason, in the labels where no word of theirs says yes."""
    if guess_positive(sorted((yes, no), key=label_order), column).label == yes:
        return f"'{target}' is missing exactly where it says no"
    return f"'{target}' is missing exactly where '{column}' is {no}"


def _label_that_selects(values: pl.Series, known: pl.Series) -> tuple[str, str] | None:
    """The label for which alone outcomes are known, without exception, and the other one."""
    text = label_text(values)
    yes = _only_label_known(text, known)
    if yes is None or not ((text == yes) == known).all():
        return None
    return yes, str(text.filter(~known)[0])


def _has_two_values(values: pl.Series) -> bool:
    if values.dtype.is_nested() or values.head(PEEK).drop_nulls().n_unique() > 2:
        return False
    return values.drop_nulls().n_unique() == 2


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
    own = roles.positive if column in roles.predictions else None
    known = says_yes(frame[column], own, _has_value(frame[target]))
    if not known.any():
        raise SpecError(
            f"column '{column}' says yes in no row, so no outcome is known; name another column, "
            "or name no target (--no-target) to audit the decisions alone"
        )
    return frame.with_columns(pl.when(known).then(pl.col(target)).alias(target))


def _has_value(target: pl.Series) -> pl.Series:
    if target.dtype.is_float():
        return target.is_finite().fill_null(False)
    return target.is_not_null()


def _only_label_known(text: pl.Series, known: pl.Series | None) -> str | None:
    """The one of two labels for which alone outcomes are known, in whatever language it is."""
    if known is None or known.all() or text.n_unique() != 2 or text.null_count():
        return None
    labels = text.filter(known).unique().to_list()
    return str(labels[0]) if len(labels) == 1 else None


def says_yes(
    values: pl.Series, positive: str | None = None, known: pl.Series | None = None
) -> pl.Series:
    """(n,) whether a yes/no column says yes; missing says no.

    Where outcomes are recorded for one of its two labels alone, that label says yes.

    Parameters
    ----------
    values : booleans, 0 and 1, or two labels
    positive : the label that says yes, where words do not decide it
    known : (n,) whether the outcome has a value

    Raises
    ------
    SpecError
        When nothing decides which of its values says yes.
    """
    text = label_text(values)
    levels = sorted(text.drop_nulls().unique().to_list(), key=label_order)
    wanted = None if positive is None else canonical_label(positive)
    yes = _only_label_known(text, known)
    if yes is None:
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
