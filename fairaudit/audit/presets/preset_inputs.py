"""Everything that a rule may be computed from, and the choices that a person makes for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from fairaudit.audit.presets.rules import Preset
from fairaudit.audit.result import AuditResult
from fairaudit.data.non_answers import NonAnswers
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError


class PresetOptions(BaseModel):
    """What a person decides about a rule; the defaults decide nothing for them.

    Attributes
    ----------
    sex, race : the columns of Local Law 144's tables, where names and values do not identify them
    not_answered : further labels of people who did not answer
    answered : labels that are answers although the list of non-answers has them
    weight_counts_people : a row stands for as many people as its weight
    leave_out_reason : why categories under 2% are left out of Local Law 144's ratios
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sex: str | None = None
    race: str | None = None
    not_answered: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    weight_counts_people: bool = False
    leave_out_reason: str = ""

    @property
    def non_answers(self) -> NonAnswers:
        """The list of labels that are no answers, as changed here."""
        return NonAnswers(self.not_answered, self.answered)


@dataclass(frozen=True)
class PresetInputs:
    """Everything that a rule may be computed from; see `presets.apply`."""

    selected: Any
    score: Any
    groups: Mapping[str, Any] | None
    weight: Any
    times: Any
    result: AuditResult | None
    model: str | None
    frame: pl.DataFrame | None
    roles: ColumnRoles | None
    confidence: float
    rationale: str
    options: PresetOptions

    def audit_for(self, preset: Preset) -> AuditResult:
        """The result of an audit, for the rules on what to disclose."""
        if self.result is None:
            raise SpecError(f"preset '{preset.name}' needs the result of an audit; pass result=")
        return self.result
