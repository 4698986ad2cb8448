"""One finding about a table, and the evidence on which findings rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from fairaudit.data.doctor.assignment import Guess
from fairaudit.data.doctor.column_profile import ColumnProfile, RowSample
from fairaudit.data.mends import LeaveOut, Mend
from fairaudit.data.roles import ColumnRoles

Severity = Literal["error", "warning", "note"]


FEW_ROWS = 30


@dataclass(frozen=True)
class Problem:
    """One finding: errors prevent the audit, warnings weaken it, notes are for information.

    `mends` are what one click does about it; `safe` where they can do no harm, so that
    `fairaudit doctor --fix` takes them too.
    """

    code: str
    severity: Severity
    column: str | None
    text: str
    remedy: str
    mends: tuple[Mend, ...] = ()
    safe: bool = False


@dataclass(frozen=True)
class ExaminedTable:
    """The table and roles that the checks examine."""

    frame: pl.DataFrame
    columns: Mapping[str, ColumnProfile]
    roles: ColumnRoles
    proxies: pl.DataFrame
    sample: RowSample
    guesses: Sequence[Guess] = ()

    @property
    def used(self) -> list[ColumnProfile]:
        """Columns with a role."""
        return [self.columns[c] for c in self.roles.columns if c in self.columns]


def leave_out(column: str, evidence: ExaminedTable) -> tuple[tuple[Mend, ...], bool]:
    """Leaving a column out, as the last two facts of a problem; nothing where it has no role."""
    roles = evidence.roles
    needed = {roles.target, roles.unit, *roles.sensitive, *roles.predictions, *roles.scores}
    if column not in roles.columns or column == roles.target:
        return (), False
    return (LeaveOut(column=column),), column not in needed
