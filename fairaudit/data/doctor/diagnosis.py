"""Looks at a table and says what is what, why, what is wrong and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fairaudit.data.doctor.column_profile import Sampled, look
from fairaudit.data.doctor.guesses import Guess, guess_parts, roles_of
from fairaudit.data.doctor.problems import Patient, Problem, find_problems
from fairaudit.data.doctor.proxies import told_by
from fairaudit.data.reading.table import ROW_ID
from fairaudit.data.roles import ColumnRoles

__all__ = ["Diagnosis", "Guess", "Problem", "examine"]


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Attributes
    ----------
    roles : ColumnRoles
        The guesses that are sure enough, or the roles that were given.
    guesses : tuple of Guess
        One a column, with its reason and confidence; empty when roles were given.
    problems : tuple of Problem
        Errors first, then warnings, then notes.
    proxies : polars.DataFrame
        feature, sensitive, auroc; strongest first.
    """

    roles: ColumnRoles
    guesses: tuple[Guess, ...]
    problems: tuple[Problem, ...]
    proxies: pl.DataFrame

    @property
    def ready(self) -> bool:
        """Whether nothing stops the audit."""
        return not any(p.severity == "error" for p in self.problems)


def examine(frame: pl.DataFrame, roles: ColumnRoles | None = None) -> Diagnosis:
    """Guess the roles of a table, or check given ones.

    Types and counts are exact; guesses on values, leaks and proxies use at most 20,000 rows drawn
    with a fixed seed, so that large tables take no longer.

    Parameters
    ----------
    frame : polars.DataFrame
        As read or as ingested.
    roles : ColumnRoles, optional
        Roles to check instead of guessing.

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
    columns = look(frame, row_id)
    seen = Sampled(frame)
    guesses: tuple[Guess, ...] = ()
    if roles is None:
        guesses = tuple(guess_parts(columns, seen))
        roles = roles_of(guesses, columns, row_id)
    there = [c for c in (*roles.features, roles.cluster) if c in columns]
    proxies = told_by(seen, [c for c in there if c], [c for c in roles.sensitive if c in columns])
    problems = find_problems(Patient(frame, columns, roles, proxies, seen, guesses))
    return Diagnosis(roles, guesses, tuple(problems), proxies)
