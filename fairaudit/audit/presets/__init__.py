"""What a rule asks to be computed: versioned files with citation, and never a legal conclusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from fairaudit.audit.presets import disclosure, employment
from fairaudit.audit.presets.rules import Applied as Applied
from fairaudit.audit.presets.rules import Preset as Preset
from fairaudit.audit.presets.rules import load as load
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError


def apply(
    name: str,
    *,
    selected: Any = None,
    score: Any = None,
    groups: Mapping[str, Any] | None = None,
    result: AuditResult | None = None,
    model: str | None = None,
    frame: pl.DataFrame | None = None,
    roles: ColumnRoles | None = None,
    confidence: float,
    leave_out_reason: str = "",
    rationale: str = "",
    attributes: Sequence[str] = (),
) -> Applied:
    """Compute what a rule asks for.

    Parameters
    ----------
    name : one of `NAMES`
    selected : (n,) 0/1, who was selected (employment rules)
    score : (n,) scores, for the scoring rate where a tool gives no selection
    groups : mapping of attribute to (n,) labels
    result : an audit; says what the outcome means, gives `selected`, `score` and `groups` where
        they are not passed (employment rules, all stored rows of `model`) and the performance
        tables of the others
    model : which of the result's models; the first by default
    frame, roles : the audited table, for the data profile; by `roles` a stored system that gives
        scores alone is known, whose rate under nyc-ll144 is the scoring rate
    confidence : of the intervals that are added to a rule
    leave_out_reason : why small categories are left out (nyc-ll144); without one they stay in
    rationale : free text of the auditor, carried along
    attributes : (sex column, race/ethnicity column) for nyc-ll144, where names do not tell

    Raises
    ------
    SpecError
        When the preset is not known or lacks what it needs; the text says what.
    """
    if name not in COMPUTATIONS:
        raise SpecError(f"unknown preset '{name}'; choose one of {', '.join(NAMES)}")
    inputs = PresetInputs(
        selected, score, groups, result, model, frame, roles, confidence, leave_out_reason,
        rationale, attributes,
    )  # fmt: skip
    return COMPUTATIONS[name](load(name), inputs)


@dataclass(frozen=True)
class PresetInputs:
    """Everything that a rule may be computed from; see `apply`."""

    selected: Any
    score: Any
    groups: Mapping[str, Any] | None
    result: AuditResult | None
    model: str | None
    frame: pl.DataFrame | None
    roles: ColumnRoles | None
    confidence: float
    leave_out_reason: str
    rationale: str
    attributes: Sequence[str]

    def decisions(self, preset: Preset) -> employment.Decisions:
        """Who was selected, for the employment rules."""
        decided = employment.decisions(
            preset, self.selected, self.score, self.groups, self.result, self.model, self.roles
        )
        facts = {} if self.result is None else self.result.summary.get("outcome") or {}
        return decided.favourable(preset, facts)

    def audit_for(self, preset: Preset) -> AuditResult:
        """The result of an audit, for the rules on what to disclose."""
        if self.result is None:
            raise SpecError(f"preset '{preset.name}' needs the result of an audit; pass result=")
        return self.result


def _nyc_ll144(preset: Preset, inputs: PresetInputs) -> Applied:
    decided, reason = inputs.decisions(preset), inputs.leave_out_reason
    return employment.nyc_ll144(preset, decided, inputs.confidence, reason, inputs.attributes)


def _four_fifths(preset: Preset, inputs: PresetInputs) -> Applied:
    return employment.four_fifths(preset, inputs.decisions(preset), inputs.confidence)


def _eu_ai_act(preset: Preset, inputs: PresetInputs) -> Applied:
    result = inputs.audit_for(preset)
    return disclosure.eu_ai_act(preset, result, inputs.frame, inputs.roles, inputs.rationale)


def _model_card(preset: Preset, inputs: PresetInputs) -> Applied:
    return disclosure.model_card(preset, inputs.audit_for(preset))


# The presets in the order of screens: each is an entry here and `<name>.toml` beside this file.
COMPUTATIONS: Mapping[str, Callable[[Preset, PresetInputs], Applied]] = MappingProxyType(
    {
        "nyc-ll144": _nyc_ll144,
        "four-fifths": _four_fifths,
        "eu-ai-act": _eu_ai_act,
        "model-card": _model_card,
    }
)
NAMES = tuple(COMPUTATIONS)
