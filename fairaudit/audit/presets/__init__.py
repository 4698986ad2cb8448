"""The computations that a rule requires: versioned files with citations, no legal conclusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import polars as pl

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.presets import disclosure, representation
from fairaudit.audit.presets.decisions import (
    SCORING_RATE,
    Decisions,
    decisions,
    refuse_task,
)
from fairaudit.audit.presets.four_fifths import four_fifths
from fairaudit.audit.presets.local_law_144 import nyc_ll144
from fairaudit.audit.presets.pay_gap import gender_pay_gap
from fairaudit.audit.presets.preset_inputs import PresetInputs
from fairaudit.audit.presets.preset_inputs import PresetOptions as PresetOptions
from fairaudit.audit.presets.rules import Applied as Applied
from fairaudit.audit.presets.rules import Preset as Preset
from fairaudit.audit.presets.rules import load as load
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError

UNDECIDED = PresetOptions()


def apply(
    name: str,
    *,
    selected: Any = None,
    score: Any = None,
    groups: Mapping[str, Any] | None = None,
    weight: Any = None,
    times: Any = None,
    result: AuditResult | None = None,
    model: str | None = None,
    frame: pl.DataFrame | None = None,
    roles: ColumnRoles | None = None,
    confidence: float,
    rationale: str = "",
    options: PresetOptions = UNDECIDED,
) -> Applied:
    """Compute what a rule requires.

    Parameters
    ----------
    name : one of `NAMES`
    selected : (n,) 0/1, who was selected (employment rules)
    score : (n,) scores, for the scoring rate where a tool gives no selection; or hourly pay
    groups : mapping of attribute to (n,) labels
    weight : (n,) sample weights; employment rules count people and use them only where
        `options.weight_counts_people` says that they are numbers of people
    times : (n,) equal rows that each row stands for, one by default
    result : an audit; says what the outcome means, gives `selected`, `score` and `groups` where
        they are not passed (employment rules, all stored rows of `model`) and the performance
        tables of the others
    model : which of the result's models; the first by default
    frame, roles : the audited table, for the data profile; by `roles` a stored system that gives
        scores alone is known, whose rate under nyc-ll144 is the scoring rate
    confidence : of the intervals that are added to a rule
    rationale : free text of the auditor, carried along
    options : what a person decides about the rule, such as which labels are no answers

    Raises
    ------
    SpecError
        When the preset is not known or lacks what it needs; the text says what.
    """
    if name not in COMPUTATIONS:
        raise SpecError(f"unknown preset '{name}'; choose one of {', '.join(NAMES)}")
    inputs = PresetInputs(
        selected, score, groups, weight, times, result, model, frame, roles, confidence,
        rationale, options,
    )  # fmt: skip
    return COMPUTATIONS[name](load(name), inputs)


def apply_to_counts(
    name: str,
    result: AuditResult,
    system: Prediction,
    *,
    score_alone: bool,
    groups: Mapping[str, Any],
    weight: Any,
    times: Any,
    confidence: float,
    options: PresetOptions,
) -> AuditResult:
    """The audit of counted combinations, with the computations that a rule requires.

    Parameters
    ----------
    system : the decisions of the first system
    score_alone : the system gives scores without decisions and without a cut
    other parameters : as in `apply`
    """
    people: dict[str, Any] = {}
    if name in SELECTIONS:
        refuse_task(name, str(result.summary.get("task") or "binary"))
        people = {"groups": groups, "weight": weight, "times": times}
        if score_alone and name == SCORING_RATE:
            people["score"] = system.score
        else:
            people["selected"] = system.label == 1
    applied = apply(name, result=result, confidence=confidence, options=options, **people)
    return applied.joined(result)


def _nyc_ll144(preset: Preset, inputs: PresetInputs) -> Applied:
    decided = _favourable(preset, inputs)
    return nyc_ll144(preset, decided, inputs.confidence, inputs.options)


def _four_fifths(preset: Preset, inputs: PresetInputs) -> Applied:
    decided = _favourable(preset, inputs)
    return four_fifths(preset, decided, inputs.confidence, inputs.options.non_answers)


def _two_standard_deviations(preset: Preset, inputs: PresetInputs) -> Applied:
    decided = _favourable(preset, inputs)
    return representation.two_standard_deviations(preset, decided, inputs.options.non_answers)


def _fair_cross_section(preset: Preset, inputs: PresetInputs) -> Applied:
    decided = decisions(preset, inputs)
    return representation.fair_cross_section(preset, decided, inputs.options.non_answers)


def _idea_risk_ratio(preset: Preset, inputs: PresetInputs) -> Applied:
    decided, unknown = decisions(preset, inputs), inputs.options.non_answers
    return representation.idea_risk_ratio(preset, decided, inputs.confidence, unknown)


def _favourable(preset: Preset, inputs: PresetInputs) -> Decisions:
    """Who was favoured, by what the outcome means for a person."""
    facts = {} if inputs.result is None else inputs.result.summary.get("outcome") or {}
    return decisions(preset, inputs).favourable(preset, facts)


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
        "two-standard-deviations": _two_standard_deviations,
        "fair-cross-section": _fair_cross_section,
        "idea-risk-ratio": _idea_risk_ratio,
        "uk-gender-pay-gap": gender_pay_gap,
        "eu-ai-act": _eu_ai_act,
        "model-card": _model_card,
    }
)
EMPLOYMENT = ("nyc-ll144", "four-fifths", "two-standard-deviations")  # rules on who is favoured
PAY = "uk-gender-pay-gap"  # the rule on numbers
SELECTIONS = (*EMPLOYMENT, "fair-cross-section", "idea-risk-ratio")  # rules that count decisions
NAMES = tuple(COMPUTATIONS)
