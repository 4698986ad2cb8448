"""The no-harm choice under the settings on screen, recomputed from stored rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import polars as pl
import streamlit as st

from fairaudit.audit.catalog import method
from fairaudit.audit.no_harm.decision import decide
from fairaudit.audit.notices import notice
from fairaudit.audit.result import AuditResult
from fairaudit.text import metric_words
from fairaudit.text.objectives import OBJECTIVES, objective_title
from fairaudit.text.screens import selection as wording
from fairaudit.text.sentences.choice_certificates import worded_certificates
from fairaudit.text.voice import confidence_of, no_harm_of
from fairaudit.ui import session, url_widgets
from fairaudit.ui.result_page import OpenedAudit

CONFIDENCES: Mapping[str, float | None] = {
    "99%": 0.99,
    "95%": 0.95,
    "90%": 0.9,
    "80%": 0.8,
    "none (point estimates)": None,
}
METRICS: Mapping[str, tuple[str, ...]] = {
    "binary": ("accuracy", "balanced_accuracy", "auroc"),
    "multiclass": ("accuracy", "balanced_accuracy"),
    "regression": ("neg_mse",),
}


@dataclass(frozen=True)
class DecisionRules:
    """Settings of the choice: objective, confidence of the bound, tolerated loss, and metric."""

    objective: str
    confidence: float | None
    tolerance: float
    metric: str


def stored(result: AuditResult) -> DecisionRules:
    """The settings the audit was run with."""
    spec = cast(Mapping[str, Any], result.provenance.get("spec", {}))
    params, usual = spec.get("params", {}), method("fair-sde").default
    metric = str(result.tables["selection"]["metric"].item(0))
    return DecisionRules(
        str(params.get("objective") or _objective(result.tables["selection"])),
        no_harm_of(result),
        float(params.get("tolerance", usual("tolerance"))),
        metric,
    )


def _objective(selection: pl.DataFrame) -> str:
    """The objective that a result was decided by; versions that did not store it had one."""
    if "objective" not in selection.columns:
        return "min_gap"
    known: list[str] = selection["objective"].drop_nulls().to_list()
    return known[0] if known else "min_gap"


def whole(result: AuditResult) -> bool:
    """Whether the choice can be decided again; beside suppressed groups only a part is shown."""
    return notice("choice_suppressed") not in result.summary.get("warnings", [])


def views(result: AuditResult) -> list[str]:
    """The views of the page; alternatives show the groups that are suppressed."""
    named = ["Decision", "Bounds", "Validation and test", "Alternatives", "Certificate"]
    return named if whole(result) else [name for name in named if name != "Alternatives"]


def controls(result: AuditResult) -> DecisionRules:
    """The controls, starting at the settings of the audit."""
    start = stored(result)
    places = url_widgets.row(4)
    known_levels = levels(start.confidence)
    with places[0]:
        objective = url_widgets.one_of(
            "Objective", list(OBJECTIVES), key="objective", start=start.objective,
            format_func=objective_title,
            help=wording.OBJECTIVE,
        )  # fmt: skip
    with places[1]:
        confidence = url_widgets.one_of(
            "Confidence", list(known_levels), key="confidence",
            start=_level_name(start.confidence),
            help=wording.CONFIDENCE,
        )  # fmt: skip
    with places[2]:
        tolerance = _tolerance(start)
    with places[3]:
        known = METRICS[str(result.summary.get("task", "binary"))]
        metric = url_widgets.one_of(
            "Metric", known, key="judged-by", start=start.metric, format_func=metric_words.title
        )
    return DecisionRules(objective, known_levels[confidence], tolerance, metric)


def levels(own: float | None) -> dict[str, float | None]:
    """The confidence levels on offer by name; the audit's own is always among them."""
    named = {} if own in CONFIDENCES.values() or own is None else {f"{100 * own:g}%": own}
    return {**named, **CONFIDENCES}


def _level_name(confidence: float | None) -> str:
    return next(name for name, level in levels(confidence).items() if level == confidence)


def _tolerance(start: DecisionRules) -> float:
    rate = start.metric != "neg_mse"
    value = st.slider(
        "Tolerated loss (points)" if rate else "Tolerated loss (mean squared error)",
        0.0,
        10.0 if rate else 1.0,
        _shown(start),
        0.5 if rate else 0.01,
        key="tolerance",
        bind="query-params",
        help=wording.TOLERANCE,
    )
    return value / 100 if rate else float(value)


def _shown(rules: DecisionRules) -> float:
    """The tolerance as the slider shows it: points for rates."""
    return rules.tolerance if rules.metric == "neg_mse" else 100 * rules.tolerance


def tables(audit: OpenedAudit, rules: DecisionRules) -> Mapping[str, pl.DataFrame]:
    """The choice under these settings; the stored one where nothing was changed."""
    own = audit.result.tables
    unchanged = rules == stored(audit.result) and "alternatives" in own and "selection_gaps" in own
    if unchanged or not whole(audit.result):
        return own
    who = session.workspace().cache_key
    return _decide(who, audit.job.id, rules, confidence_of(audit.result), own)


@st.cache_data(max_entries=64, show_spinner=False)
def _decide(
    who: tuple[str, str],
    job_id: str,
    rules: DecisionRules,
    confidence: float,
    _tables: Mapping[str, pl.DataFrame],
) -> dict[str, pl.DataFrame]:
    return decide(
        _tables,
        objective=cast(Any, rules.objective),
        no_harm=rules.confidence,
        confidence=confidence,
        tolerance=rules.tolerance,
        metric=cast(Any, rules.metric),
    )


def certificate_json(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """The certificate of every group as a file that can be checked by hand."""
    return json.dumps(worded_certificates(tables), indent=1, ensure_ascii=False).encode()


def reset(result: AuditResult, rules: DecisionRules) -> None:
    """A button that restores the audit's own settings once they have been changed."""
    own = stored(result)
    if rules == own:
        return
    start = {
        "objective": own.objective,
        "confidence": _level_name(own.confidence),
        "tolerance": _shown(own),
        "judged-by": own.metric,
    }
    st.button(
        "Restore the audit's settings",
        key="rules-back",
        icon=":material/undo:",
        on_click=url_widgets.restore,
        args=({key: value for key, value in start.items() if key in st.session_state},),
    )
