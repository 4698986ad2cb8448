"""Examines a table: suggests a role for each column, lists problems and their remedies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.assignment import Guess
from fairaudit.data.doctor.column_profile import RowSample, profile
from fairaudit.data.doctor.guesses import guess_roles, roles_of
from fairaudit.data.doctor.mending import with_mends
from fairaudit.data.doctor.open_questions import OpenQuestion, open_questions
from fairaudit.data.doctor.problem import ExaminedTable, Problem
from fairaudit.data.doctor.problems import find_problems
from fairaudit.data.doctor.proxies import proxies_in
from fairaudit.data.doctor.table_scores import sure_cuts
from fairaudit.data.known_outcome import guess_known_for
from fairaudit.data.mends import Mend, mended
from fairaudit.data.outcome import Meaning, OutcomeFacts
from fairaudit.data.reading.table import ROW_ID
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import FairauditError

__all__ = ["Diagnosis", "Guess", "OpenQuestion", "Problem", "examine"]


@dataclass(frozen=True)
class Diagnosis:
    """Suggested roles and problems of a table.

    Attributes
    ----------
    roles : ColumnRoles
        The suggestions that are confident enough, or the roles that were passed.
    guesses : tuple of Guess
        One per column, with its reason and confidence; empty when roles were passed.
    problems : tuple of Problem
        Errors first, then warnings, then notes.
    proxies : polars.DataFrame
        Columns feature, sensitive and auroc; strongest first.
    outcome : OutcomeFacts or None
        What the outcome of these roles is and means; None where they do not fit the table
        or name neither an outcome nor a decision.
    to_ask : tuple of OpenQuestion
        What a person must say, because nothing decides it: target, positive class, meaning.
    """

    roles: ColumnRoles
    guesses: tuple[Guess, ...]
    problems: tuple[Problem, ...]
    proxies: pl.DataFrame
    outcome: OutcomeFacts | None = None
    to_ask: tuple[OpenQuestion, ...] = ()


def examine(
    frame: pl.DataFrame,
    roles: ColumnRoles | None = None,
    mends: Sequence[Mend] = (),
    *,
    target: str | None = None,
    positive: str | None = None,
    meaning: Meaning | None = None,
) -> Diagnosis:
    """Suggest the roles of a table's columns, or check the roles that are passed.

    Types and counts are exact; suggestions based on values, leaks and proxies use at most 20,000
    rows drawn with a fixed seed, so that large tables take no longer.

    Parameters
    ----------
    frame : polars.DataFrame
        As read or as ingested.
    roles : ColumnRoles, optional
        Roles to check instead, on the table as their mends read it.
    mends : sequence of Mend
        How the table is read where no roles are passed; the suggested roles carry them.
    target : str, optional
        The outcome, where it is known and the other roles are to be suggested.
    positive : str, optional
        The positive class of the outcome or decision, where it is known.
    meaning : {"good", "bad", "neutral"}, optional
        What the positive class means for a person, where it is known.

    Returns
    -------
    Diagnosis

    Examples
    --------
    >>> frame = pl.DataFrame({"sex": ["m", "f"] * 50, "x": range(100), "hired": [0, 1, 1, 0] * 25})
    >>> examine(frame).roles.target
    'hired'
    """
    row_id = ROW_ID if roles is None else roles.row_id
    frame = mended(frame, mends if roles is None else roles.mends)
    columns = profile(frame, row_id)
    sample = RowSample(frame)
    guesses: tuple[Guess, ...] = ()
    if roles is None:
        guesses = tuple(guess_roles(columns, sample, target))
        roles = with_mends(roles_of(guesses, columns, row_id), mends)
        roles = _as_stated(roles, positive, meaning)
        roles, guesses = _with_known_for(frame, roles, guesses)
        roles, guesses = _with_cuts(frame, roles, guesses)
    features = [c for c in (*roles.features, roles.cluster) if c and c in columns]
    proxies = proxies_in(sample, features, [c for c in roles.sensitive if c in columns])
    problems = find_problems(ExaminedTable(frame, columns, roles, proxies, sample, guesses))
    outcome = _outcome_of(frame, roles)
    asked = open_questions(roles, guesses, outcome, columns)
    return Diagnosis(roles, guesses, tuple(problems), proxies, outcome, asked)


def _as_stated(roles: ColumnRoles, positive: str | None, meaning: Meaning | None) -> ColumnRoles:
    stated = {"positive": positive, "meaning": meaning}
    return roles.model_copy(update={k: v for k, v in stated.items() if v is not None})


def _outcome_of(frame: pl.DataFrame, roles: ColumnRoles) -> OutcomeFacts | None:
    if roles.target is None and not (roles.predictions or roles.scores):
        return None
    try:
        return Dataset(frame, roles).outcome
    except FairauditError:  # the problems describe what is wrong with the roles
        return None


def _with_cuts(
    frame: pl.DataFrame, roles: ColumnRoles, guesses: tuple[Guess, ...]
) -> tuple[ColumnRoles, tuple[Guess, ...]]:
    """The roles with the cuts that other columns imply, and the guesses with their reasons."""
    cuts = sure_cuts(frame, roles)
    return roles.model_copy(update={"cuts": {name: s.cut for name, s in cuts.items()}}), tuple(
        replace(g, reason=f"{g.reason}; it decides at {s.sign} {s.cut.at:g}: {s.reason}")
        if (s := cuts.get(g.column)) is not None
        else g
        for g in guesses
    )


def _with_known_for(
    frame: pl.DataFrame, roles: ColumnRoles, guesses: tuple[Guess, ...]
) -> tuple[ColumnRoles, tuple[Guess, ...]]:
    """The roles with the column that marks known outcomes, if there is one."""
    guess = guess_known_for(frame, roles)
    if guess is None:
        return roles, guesses
    features = tuple(c for c in roles.features if c != guess.column)
    decided = guess.column in roles.predictions
    return roles.model_copy(update={"known_for": guess.column, "features": features}), tuple(
        g
        if g.column != guess.column
        else replace(g, reason=f"{g.reason}; {guess.reason}")
        if decided
        else Guess(
            g.column, "known for", f"the outcome is known for its yes: {guess.reason}", 0.95
        )
        for g in guesses
    )
