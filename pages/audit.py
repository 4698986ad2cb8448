"""Audit: how decisions already in the table affect each group; nothing is trained."""

from __future__ import annotations

import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.plots import errors
from fairaudit.report.choices import attributes, leading_metrics, main_model
from fairaudit.report.command import command_of
from fairaudit.report.leading import leading_gaps
from fairaudit.text.screens import audit as wording
from fairaudit.text.sentences.errors import errors_sentences
from fairaudit.text.sentences.outcome import outcome_words
from fairaudit.text.sentences.phrases import joined
from fairaudit.text.voice import voice_of
from fairaudit.ui import (
    cache,
    existing,
    job_list,
    layout,
    page_setup,
    progress,
    result_page,
    rules,
    session,
    url_widgets,
)

page_setup.start_page()


def chart_sentences(result: AuditResult, **query: str) -> str:
    """What the chart shows, without the sentence that already leads the page."""
    worst = next(iter(leading_gaps(result)), {})
    leads = all(worst.get(name) == value for name, value in query.items())
    return joined(errors_sentences(result, **query)[1 if leads else 0 :])


def chart(result: AuditResult) -> None:
    """One metric by one attribute, for every system; starts at the gap that leads the page."""
    split = result.errors.get_column("split")[0]
    worst = next(iter(leading_gaps(result)), {})
    left, right = st.columns(2)
    with left:
        by = url_widgets.one_of(
            "Group by", attributes(result), key="by", start=worst.get("attribute")
        )
    with right:
        metric = url_widgets.one_of(
            "Metric",
            leading_metrics(result, most=8),
            key="metric",
            start=worst.get("metric"),
            format_func=url_widgets.metric_title(result),
        )
    query = {"attribute": by, "metric": metric, "split": split}
    system = worst.get("model") or main_model(result)
    layout.statement(chart_sentences(result, model=system, **query))
    systems = result.errors["model"].unique(maintain_order=True).to_list()
    first = sorted(systems, key=lambda name: name != system)
    drawn = errors.by_group(result, models=first, **query)
    layout.chart(drawn, key="existing-by-group", metric=metric)
    existing.latent_findings(result)


def show(info: DatasetInfo, roles: ColumnRoles) -> None:
    """The audit, as soon as the worker has finished it."""
    top = st.container()
    spec = existing.request(roles, info, expert=session.expert())
    refusal = session.refusal("submit")
    job = existing.audited(info, spec, may_start=refusal is None)
    if job is None:
        layout.header("audit", wording.not_run(refusal))
        return
    if session.audit_id() != job:
        session.choose_audit(job)
        st.rerun()  # the sidebar names the audit too
    now = session.workspace().job(job)
    if now.state != "succeeded":
        with top:
            layout.header("audit", existing.not_done(now))
        progress.follow(job)
        job_list.actions(now)
        return
    result = cache.result(job)
    with top:
        layout.header("audit", existing.lead(result, info, spec))
        layout.points(existing.by_attribute(result)[1:])
    chart(result)
    rules.show(result)
    known = voice_of(result).known
    layout.computation(
        wording.HOW if known else wording.HOW_DECIDED,
        outcome=outcome_words(result),
        formula=existing.FORMULA if known else existing.RATE,
        command=command_of(result) or None,
    )
    with st.container(horizontal=True):
        layout.page_link("errors", "All metrics, intersections and thresholds")
        layout.page_link("report", "Report")
        if known:
            layout.page_link("train", "Train a fairer model")


sha256, roles = result_page.chosen_data("audit")
if roles.predictions or roles.scores:
    show(session.dataset_info(sha256), roles)
else:
    existing.nothing_to_audit()
