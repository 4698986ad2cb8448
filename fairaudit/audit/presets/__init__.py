"""What a rule asks to be computed: versioned files with citation, and never a legal conclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fairaudit.audit.presets import disclosure, employment
from fairaudit.audit.presets.rules import NAMES as NAMES
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
    result : an audit; gives `selected`, `score` and `groups` (employment rules, all stored rows
        of `model`) and the performance tables of the others
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
    preset = load(name)
    if name in ("eu-ai-act", "model-card"):
        if result is None:
            raise SpecError(f"preset '{name}' needs the result of an audit; pass result=")
        if name == "model-card":
            return disclosure.model_card(preset, result)
        return disclosure.eu_ai_act(preset, result, frame, roles, rationale)
    decided = employment.decisions(preset, selected, score, groups, result, model, roles)
    if name == "nyc-ll144":
        return employment.nyc_ll144(preset, decided, confidence, leave_out_reason, attributes)
    return employment.four_fifths(preset, decided, confidence)
