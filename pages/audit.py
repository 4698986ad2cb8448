"""Audit: how decisions that are already in the table treat each group; nothing is trained."""

from __future__ import annotations

import streamlit as st

from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.plots import errors, labels
from fairaudit.report.sections import attributes, leading_metrics
from fairaudit.ui import access, cache, existing, frame, layout, opened, progress, session

frame.enter()


def show(info: DatasetInfo, roles: ColumnRoles) -> None:
    """The audit, at once where the table is small enough."""
    head = st.container()
    spec = existing.request(roles, info, expert=session.expert())
    job = existing.audited(info, spec, may_start=not access.readonly())
    if job is None:
        layout.page("audit", "This dashboard only shows; this audit was not made.")
        return
    session.choose_audit(job)
    now = session.workspace().job(job)
    if now.state != "succeeded":
        with head:
            layout.page("audit", existing.not_done(now))
        progress.follow(job)
        return
    result = cache.result(job)
    with head:
        layout.page("audit", existing.lead(result, info, spec))
    split = result.errors.get_column("split")[0]
    left, right = st.columns(2)
    attribute = left.selectbox("By", attributes(result), key="by", bind="query-params")
    metric = right.selectbox(
        "Metric",
        leading_metrics(result, most=8),
        format_func=labels.title,
        key="metric",
        bind="query-params",
    )
    chart = errors.by_group(result, attribute=attribute, metric=metric, split=split)
    layout.says(chart.alt)
    layout.chart(chart, key="existing-by-group")
    with st.container(horizontal=True):
        layout.go("errors", "All metrics, crossings and thresholds")
        layout.go("report", "Report")
        layout.go("train", "Fit a fairer model")


sha256, roles = opened.prepared("audit")
if roles.predictions or roles.scores:
    show(session.dataset_info(sha256), roles)
else:
    existing.nothing_to_audit()
