"""What is declared before results are seen: the primary question and the margin of equivalence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from fairaudit.data.roles import ColumnRoles, Task
from fairaudit.exceptions import SpecError
from fairaudit.inputs.group_codes import Grouping, groupings
from fairaudit.stats.metric_definitions import FAMILIES, base_name


class PrimaryQuestion(BaseModel):
    """The one comparison that is declared beforehand and needs no correction for the others.

    Attributes
    ----------
    metric : a metric, or the name of a gap such as "equalized_odds"
    attribute : the sensitive attribute, or an intersection such as "race × sex"
    group, reference : the two groups that are compared; None for the gap over all groups
    system : the system it is about; None for the first one
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    attribute: str
    group: str | None = None
    reference: str | None = None
    system: str | None = None

    @model_validator(mode="after")
    def _two_groups_or_all(self) -> Self:
        if (self.group is None) != (self.reference is None):
            raise ValueError(
                "primary question: expected two groups or none, got one; name the group and the "
                "one it is compared with, or neither for the gap over all groups"
            )
        if self.group is not None and self.group == self.reference:
            raise ValueError(
                f"primary question: group '{self.group}' is compared with itself; name two groups"
            )
        return self

    @property
    def rates(self) -> tuple[str, ...]:
        """The metrics from which the question is answered."""
        return FAMILIES.get(self.metric, (self.metric,))


def primary_of(primary: Any) -> PrimaryQuestion | None:
    """A primary question as users pass it: a question, a mapping, (metric, attribute) or None.

    Raises
    ------
    SpecError
        When it is nothing of these.
    """
    if primary is None or isinstance(primary, PrimaryQuestion):
        return primary
    names = ("metric", "attribute", "group", "reference", "system")
    if isinstance(primary, Sequence) and not isinstance(primary, str):
        primary = dict(zip(names, primary, strict=False)) if 2 <= len(primary) <= 5 else primary
    if not isinstance(primary, Mapping):
        raise SpecError(
            f"primary: expected (metric, attribute) or (metric, attribute, group, reference), got "
            f"{primary!r}; write for instance primary=('tpr', 'sex')"
        )
    try:
        return PrimaryQuestion.model_validate(dict(primary))
    except ValidationError as error:
        fault = error.errors()[0]
        field = f"{'.'.join(map(str, fault['loc']))}: " if fault["loc"] else ""
        text = str(fault["msg"]).removeprefix("Value error, ")
        raise SpecError(f"primary: {field}{text}") from error


def checked_primary(
    primary: Any,
    metrics: Collection[str],
    groups: Mapping[str, Any],
    depth: int,
    systems: Collection[str],
) -> PrimaryQuestion | None:
    """A primary question that the audit answers, in any form of `primary_of`.

    Parameters
    ----------
    metrics : the metrics that are measured
    groups : mapping of attribute to (n,) labels
    depth : of the intersections that are evaluated
    systems : names of the systems; empty where they are not known yet

    Raises
    ------
    SpecError
        When the metric, attribute, group or system of the question is not part of the audit.
    """
    question = primary_of(primary)
    if question is not None:
        _check(question, metrics, groupings(groups, depth), systems)
    return question


def _check(
    primary: PrimaryQuestion,
    metrics: Collection[str],
    divisions: Sequence[Grouping],
    systems: Collection[str],
) -> None:
    known = {*metrics, *map(base_name, metrics)}
    for rate in primary.rates:
        if base_name(rate) not in known:
            raise _unknown_in_question("metric", rate, sorted(metrics))
    names = {g.attribute: g.names for g in divisions}
    if primary.attribute not in names:
        raise _unknown_in_question("attribute", primary.attribute, list(names))
    if systems and primary.system not in (None, *systems):
        raise _unknown_in_question("system", str(primary.system), list(systems))
    for group in (primary.group, primary.reference):
        if group is not None and group not in names[primary.attribute]:
            raise _unknown_in_question(
                f"group of {primary.attribute}", group, names[primary.attribute]
            )


def _unknown_in_question(what: str, name: str, known: Sequence[str]) -> SpecError:
    return SpecError(
        f"primary question: {what} '{name}' is not part of this audit; choose one of "
        + ", ".join(list(known)[:20])
    )


def check_margin(margin: float | None, task: Task) -> None:
    """Refuse a margin with which no gap can be compared.

    Raises
    ------
    SpecError
        When it is not a positive number, or is 1 or more where metrics are shares.
    """
    if margin is None:
        return
    shares = task != "regression"
    number = isinstance(margin, int | float) and not isinstance(margin, bool)
    if not number or not np.isfinite(margin) or margin <= 0 or (shares and margin >= 1):
        wanted = "a number between 0 and 1" if shares else "a number above 0"
        raise SpecError(f"margin: expected {wanted}, got {margin!r}; write 5 points as 0.05")


def check_controls(controls: Sequence[str], roles: ColumnRoles, columns: Sequence[str]) -> None:
    """Refuse columns within whose levels groups cannot be compared.

    Raises
    ------
    SpecError
        When such a column is missing, or the groups or the outcome follow from it.
    """
    for name in controls:
        if name not in columns:
            raise SpecError(
                f"there is no column '{name}' to compare groups within; choose one of "
                + ", ".join(columns[:20])
            )
        if name in (*roles.sensitive, roles.target, *roles.predictions, *roles.scores):
            raise SpecError(
                f"column '{name}' is a sensitive attribute, the outcome or a prediction; groups "
                "are compared within levels of other columns, such as a job or a region"
            )
