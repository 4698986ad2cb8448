"""Which system, for whom? The choice between the systems of an audit, decided on screen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import polars as pl
import streamlit as st

from fairaudit.audit.no_harm.choose_between import SystemChoice
from fairaudit.audit.no_harm.joined_audits import NamedAudit, joined_tables
from fairaudit.audit.no_harm.stored_systems import (
    SystemsRequest,
    attributes_of,
    choose_stored,
    systems_of,
    usual_baseline,
)
from fairaudit.exceptions import FairauditError
from fairaudit.jobs.info import JobInfo
from fairaudit.plots import system_choice
from fairaudit.text import metric_words, numbers
from fairaudit.text.objectives import OBJECTIVES, objective_title
from fairaudit.text.screens import selection as wording
from fairaudit.text.sentences.system_choice import (
    PARTLY,
    system_choice_how,
    system_choice_lead,
)
from fairaudit.text.sentences.system_reasons import with_reasons, worded_certificates
from fairaudit.text.voice import confidence_of, voice_of
from fairaudit.ui import cache, layout, session, url_widgets
from fairaudit.ui.no_harm.decision import METRICS, levels
from fairaudit.ui.result_page import OpenedAudit

_MOST_AUDITS = 20  # that are offered
_ADDED = "added-audits"
VIEWS = ("Decision", "Checked on other rows", "Each attribute", "Certificate")
_CHECKS = {"half": 0.5, "a third": 1 / 3, "a fifth": 0.2, "none": 0.0}


def offered(audit: OpenedAudit) -> bool:
    """Whether there are two systems or more, with outcomes, and no group's size is hidden.

    Systems of other audits of the same dataset count too.
    """
    tables = audit.result.tables
    if hides_groups(audit) or not attributes_of(tables):
        return False
    known = len(systems_of(tables))
    return known > 1 or (known == 1 and bool(_others(audit)))


def hides_groups(audit: OpenedAudit) -> bool:
    """Whether small groups are hidden, whose sizes and errors a choice would show."""
    return int(spec_of(audit).get("suppress_below") or 0) > 0


def why_not(audit: OpenedAudit) -> str:
    """Why an audit has no choice to show, and which would."""
    if hides_groups(audit):
        return wording.HIDES_GROUPS
    return wording.NOTHING_TO_CHOOSE


def show(audit: OpenedAudit) -> None:
    """The whole page: lead, controls, and the view."""
    top = st.container()
    try:
        audit = _with_others(audit)
        if len(systems_of(audit.result.tables)) < 2:
            with top:
                layout.header("selection", wording.ONE_SYSTEM)
            return
        request = _controls(audit)
        choice = _choice(audit, request)
    except FairauditError as error:
        with top:
            layout.header("selection", wording.NOT_COMPARABLE)
        st.warning(layout.escaped(str(error)), icon=":material/warning:")
        return
    with top:
        layout.header("selection", system_choice_lead(choice, request.baseline))
        if voice_of(audit.result).partly:
            st.warning(PARTLY, icon=":material/warning:")
    _view(choice, request)
    layout.computation(
        system_choice_how(choice, request.check),
        formula=r"\text{use system } k \text{ for group } g \text{ only if } "
        r"L_{g}(k - \text{baseline}) > -\varepsilon",
        outcome=audit.outcome,
        command=audit.command,
    )
    layout.next_step("selection", audit.result.tables)


def _others(audit: OpenedAudit) -> list[JobInfo]:
    """Finished audits of the same dataset that may have other systems, newest first."""
    return [
        job
        for job in cache.jobs()
        if job.state == "succeeded" and job.dataset == audit.job.dataset and job.id != audit.job.id
    ][:_MOST_AUDITS]


def _with_others(audit: OpenedAudit) -> OpenedAudit:
    """The audit with the systems of other audits that the user adds."""
    titles = {job.id: f"{job.title} ({numbers.ago(job.finished)})" for job in _others(audit)}
    if not titles:
        return audit
    known = [v for v in st.session_state.get(_ADDED, []) if v in titles]
    if _ADDED in st.session_state and known != st.session_state[_ADDED]:
        st.session_state[_ADDED] = known
    added = st.multiselect(
        "Add the systems of other audits of this table",
        list(titles),
        key=_ADDED,
        format_func=titles.__getitem__,
        help=wording.OTHER_AUDITS,
        placeholder="none",
    )
    if not added:
        return audit
    first = NamedAudit(audit.job.title, audit.result)
    others = [NamedAudit(titles[id], cache.result(id)) for id in added]
    tables = {**audit.result.tables, **joined_tables(first, others)}
    layout.note(wording.on_shared_rows(tables["people"].height))
    return replace(audit, result=replace(audit.result, tables=tables))


def _controls(audit: OpenedAudit) -> SystemsRequest:
    baseline, candidates, groups = _who(audit)
    metric, objective, confidence, check = _rules(audit)
    return SystemsRequest(
        baseline, candidates, groups, cast(Any, metric), cast(Any, objective), confidence, 0.0,
        check,
    )  # fmt: skip


def _who(audit: OpenedAudit) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The system in use, its candidates, and the attributes whose groups are protected."""
    tables, spec = audit.result.tables, spec_of(audit)
    systems, attributes = systems_of(tables), attributes_of(tables)
    places = url_widgets.row(3 if len(systems) > 2 else 2)  # of two, the other is the candidate
    trained = "" if spec.get("kind") == "predictions" else str(spec.get("method") or "")
    with places[0]:
        baseline = url_widgets.one_of(
            "System in use", systems, key="baseline", start=usual_baseline(systems, trained),
            help=wording.BASELINE,
        )  # fmt: skip
    with places[1]:
        others = [s for s in systems if s != baseline]
        candidates = url_widgets.several_of("Candidates", others, key="candidates", start=others)
    with places[-1]:
        groups = url_widgets.several_of(
            "Groups", attributes, key="protect", start=attributes[:1],
            help=wording.INTERSECTIONS,
        )  # fmt: skip
    return baseline, tuple(candidates), tuple(groups)


def _rules(audit: OpenedAudit) -> tuple[str, str, float, float]:
    """Metric, objective, confidence, and the share of rows that check."""
    places = url_widgets.row(4)
    known = METRICS[str(audit.result.summary.get("task", "binary"))]
    with places[0]:
        metric = url_widgets.one_of(
            "Metric", known, key="judged-by", format_func=metric_words.title
        )
    with places[1]:
        objective = url_widgets.one_of(
            "Objective", list(OBJECTIVES), key="aim", start="max_min",
            format_func=objective_title,
            help=wording.OBJECTIVE,
        )  # fmt: skip
    own = confidence_of(audit.result)
    sure = {name: level for name, level in levels(own).items() if level is not None}
    with places[2]:
        start = next(name for name, level in sure.items() if level == own)
        confidence = url_widgets.one_of("Confidence", list(sure), key="sure", start=start)
    with places[3]:
        check = url_widgets.one_of(
            "Rows kept for checking", list(_CHECKS), key="apart",
            help=wording.CHECKED_ON,
        )  # fmt: skip
    return metric, objective, sure[confidence], _CHECKS[check]


def spec_of(audit: OpenedAudit) -> Mapping[str, Any]:
    """The specification of the audit."""
    return cast(Mapping[str, Any], audit.result.provenance.get("spec", {}))


def _choice(audit: OpenedAudit, request: SystemsRequest) -> SystemChoice:
    task = str(audit.result.summary.get("task", "binary"))
    who = session.workspace().cache_key
    jobs = "+".join([audit.job.id, *st.session_state.get(_ADDED, ())])
    return _decide(who, jobs, request, task, audit.result.tables)


@st.cache_data(max_entries=32, show_spinner=False)
def _decide(
    who: tuple[str, str],
    job_id: str,
    request: SystemsRequest,
    task: str,
    _tables: Mapping[str, pl.DataFrame],
) -> SystemChoice:
    return choose_stored(_tables, request, task=task)


def _view(choice: SystemChoice, request: SystemsRequest) -> None:
    views = [
        name
        for name in VIEWS
        if (name != VIEWS[1] or not choice.check.is_empty())
        and (name != VIEWS[2] or not choice.overlapping.is_empty())
    ]
    view = url_widgets.view(views, key="view")
    if view == VIEWS[0]:
        _differences(choice.table, request, "on the rows that decide", "choice")
        if not choice.forgone.is_empty():
            layout.statement("Certain gains that the objective leaves:")
            shown = with_reasons(choice.forgone).drop("metric")
            layout.data_table(shown, key="forgone", metric=request.metric)
    elif view == VIEWS[1]:
        _differences(choice.check, request, "on rows that took no part", "check")
    elif view == VIEWS[2]:
        layout.data_table(choice.overlapping, key="overlapping", metric=request.metric)
    else:
        _certificates(choice)


def _differences(table: pl.DataFrame, request: SystemsRequest, where: str, key: str) -> None:
    drawn = system_choice.differences(
        table, confidence=request.confidence, tolerance=request.tolerance, where=where
    )
    layout.chart(drawn.bare(), key=f"{key}-chart", metric=request.metric)
    shown = with_reasons(table).drop("metric", "p", "level", "obstacle", strict=False)
    layout.data_table(shown, key=f"{key}-table", name=key, metric=request.metric)


def _certificates(choice: SystemChoice) -> None:
    certificates = worded_certificates(choice)
    by_name = {f"{c['group']}: {c['system']}": c for c in certificates}
    name = url_widgets.one_of("Group and system", list(by_name), key="certificate")
    layout.statement(f"**{layout.escaped(name)}**: {by_name[name]['verdict']}")
    layout.note(by_name[name]["words"])
    st.download_button(
        "Download all certificates (JSON)",
        data=lambda: json.dumps(certificates, indent=1, ensure_ascii=False).encode(),
        file_name="certificates.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )
