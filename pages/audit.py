"""Audit: how decisions that are already in the table treat each group; nothing is trained."""

from __future__ import annotations

import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.plots import errors
from fairaudit.report.choices import attributes, leading_metrics, main_model
from fairaudit.report.command import command_of
from fairaudit.text import leads, numbers
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

page_setup.enter()


def picture(result: AuditResult) -> None:
    """One metric by one attribute, for every system; the largest gap first."""
    split = result.errors.get_column("split")[0]
    worst = existing.largest_gap(result) or {}
    left, right = st.columns(2)
    with left:
        by = url_widgets.one_of(
            "Groups by", attributes(result), key="by", start=worst.get("attribute")
        )
    with right:
        metric = url_widgets.one_of(
            "Metric",
            leading_metrics(result, most=8),
            key="metric",
            start=worst.get("metric"),
            words=numbers.title,
        )
    ask = {"attribute": by, "metric": metric, "split": split}
    system = worst.get("model") or main_model(result)
    layout.says(leads.errors_lead(result, model=system, **ask))
    systems = result.errors["model"].unique(maintain_order=True).to_list()
    first = sorted(systems, key=lambda name: name != system)
    chart = errors.by_group(result, models=first, **ask)
    layout.chart(chart, key="existing-by-group", metric=metric)
    existing.undeclared(result)


def show(info: DatasetInfo, roles: ColumnRoles) -> None:
    """The audit, as soon as the worker has it."""
    head = st.container()
    spec = existing.request(roles, info, expert=session.expert())
    barred = session.barred("submit")
    job = existing.audited(info, spec, may_start=barred is None)
    if job is None:
        layout.page("audit", f"This audit was not made. {barred}")
        return
    if session.audit_id() != job:
        session.choose_audit(job)
        st.rerun()  # the side bar names the audit too
    now = session.workspace().job(job)
    if now.state != "succeeded":
        with head:
            layout.page("audit", existing.not_done(now))
        progress.follow(job)
        job_list.actions(now)
        return
    result = cache.result(job)
    with head:
        layout.page("audit", existing.lead(result, info, spec))
    picture(result)
    rules.show(result)
    layout.how(existing.HOW, formula=existing.FORMULA, command=command_of(result) or None)
    with st.container(horizontal=True):
        layout.go("errors", "All metrics, crossings and thresholds")
        layout.go("report", "Report")
        layout.go("train", "Fit a fairer model")


sha256, roles = result_page.prepared("audit")
if roles.predictions or roles.scores:
    show(session.dataset_info(sha256), roles)
else:
    existing.nothing_to_audit()
