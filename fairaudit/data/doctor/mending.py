"""Roles with a mend, without one again, and with every mend that is safe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fairaudit.data.mends import JoinLabels, LeaveOut, Mend, RepeatingId
from fairaudit.data.roles import ColumnRoles


def with_mends(roles: ColumnRoles, mends: Iterable[Mend]) -> ColumnRoles:
    """The roles with each of these mends, in order."""
    for mend in mends:
        roles = with_mend(roles, mend)
    return roles


def with_mend(roles: ColumnRoles, mend: Mend) -> ColumnRoles:
    """The roles once a mend is made: a column left out has no role, an id is the unit.

    Raises
    ------
    pydantic.ValidationError
        When the roles contradict each other with it.
    """
    if mend in roles.mends:
        return roles
    changed: dict[str, Any] = {"mends": (*roles.mends, mend)}
    if isinstance(mend, LeaveOut | RepeatingId):
        changed |= _without_column(roles, mend.column)
    if isinstance(mend, RepeatingId):
        changed["unit"] = mend.column
    if isinstance(mend, JoinLabels) and mend.column in (roles.target, *roles.predictions):
        changed["positive"] = mend.into.get(roles.positive or "", roles.positive)
    return ColumnRoles.model_validate({**roles.model_dump(), **changed})


def without_mend(roles: ColumnRoles, mend: Mend) -> ColumnRoles:
    """The roles once a mend is undone: a column that was left out is a feature again."""
    changed: dict[str, Any] = {"mends": tuple(m for m in roles.mends if m != mend)}
    if isinstance(mend, RepeatingId) and roles.unit == mend.column:
        changed["unit"] = None
    if isinstance(mend, LeaveOut) and mend.column not in roles.columns:
        changed["features"] = (*roles.features, mend.column)
    return ColumnRoles.model_validate({**roles.model_dump(), **changed})


def mends_of(roles: ColumnRoles, mends: Iterable[Mend]) -> tuple[Mend, ...]:
    """The mends that still hold: a column that has a role again is not left out."""
    return tuple(
        m
        for m in mends
        if not (isinstance(m, LeaveOut) and m.column in roles.columns)
        and not (isinstance(m, RepeatingId) and m.column != roles.unit)
    )


def _without_column(roles: ColumnRoles, column: str) -> dict[str, Any]:
    many = ("features", "sensitive", "predictions", "scores")
    single = ("cluster", "unit", "weight", "image", "split", "known_for")
    lists = {role: tuple(c for c in getattr(roles, role) if c != column) for role in many}
    cuts = {score: cut for score, cut in roles.cuts.items() if score != column}
    return {
        **lists,
        **{role: None for role in single if getattr(roles, role) == column},
        "cuts": cuts,
    }
