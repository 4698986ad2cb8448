"""The audit of decisions a table already holds: nothing is trained, the same request once only."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.spec import JobSpec
from fairaudit.plots import labels
from fairaudit.ui import cache, layout, session
from fairaudit.ui.words import count, listed

AT_ONCE = 200_000  # rows that are audited while the page waits; more become a job


def request(roles: ColumnRoles, info: DatasetInfo, *, expert: bool) -> AuditSpec:
    """What to audit and how, from the widgets (defaults in guided mode)."""
    fields: dict[str, object] = {}
    if expert:
        with st.expander("Settings", icon=":material/tune:"):
            cells = st.columns(3, vertical_alignment="bottom")
            fields = {
                "intersections": cells[0].number_input("Depth of crossings", 1, 6, 2),
                "confidence": cells[1].number_input("Confidence", 0.51, 0.999, 0.95, 0.01),
                "suppress_below": cells[2].number_input("Hide groups below (rows)", 0, 1000, 0),
            }
    title = f"Existing decisions in {Path(info.name).stem}"
    return AuditSpec.model_validate(
        {"roles": roles, "kind": "predictions", "method": "existing", "title": title, **fields}
    )


def audited(info: DatasetInfo, spec: AuditSpec, *, may_start: bool) -> str | None:
    """The job that holds this very audit: an earlier one, or one run (or queued) now."""
    earlier = _earlier(info.sha256, spec)
    if earlier is not None or not may_start:
        return earlier
    workspace = session.workspace()
    request_ = JobSpec(dataset=info.sha256, audit=spec, device="cpu")
    if info.rows <= AT_ONCE:
        with st.spinner(f"Auditing {count(info.rows, 'row')} …"):
            job = workspace.run_now(request_)
    else:
        job = workspace.submit(request_)
    cache.forget_jobs()
    return job


def _earlier(sha256: str, spec: AuditSpec) -> str | None:
    workspace = session.workspace()
    alike = [
        j
        for j in cache.jobs()
        if j.kind == "predictions"
        and j.dataset == sha256
        and j.state not in ("failed", "cancelled")
    ]
    return next((j.id for j in alike if workspace.spec(j.id).audit == spec), None)


def not_done(job: JobInfo) -> str:
    """The sentence while there is no result."""
    if job.final:
        return f"The audit of the existing decisions **{job.state}**."
    return "The audit of the existing decisions is **on its way**."


def lead(result: AuditResult, info: DatasetInfo, spec: AuditSpec) -> str:
    """The sentence at the head of the page."""
    models = result.errors.get_column("model").unique(maintain_order=True).to_list()
    said = (
        f"**{count(len(models), 'system')}** in **{info.name}** ({listed(models)}) "
        f"judged on **{count(info.rows, 'row')}**."
    )
    worst = largest_gap(result)
    return said if worst is None else f"{said} {worst}"


def largest_gap(result: AuditResult) -> str | None:
    """The largest difference between declared groups that is surely not zero, in words."""
    rates = [m for m in ("fnr", "fpr", "selection_rate", "mse") if _has(result, m)]
    found = result.gaps.filter(
        pl.col("metric").is_in(rates),
        pl.col("kind") == "difference",
        pl.col("status") == "estimated",
        pl.col("low") > 0,
        ~pl.col("attribute").str.contains(" × ", literal=True),
    ).sort("value", descending=True, nulls_last=True)
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    metric = row["metric"]
    return (
        f"The largest sure gap: **{labels.title(metric).lower()}** of **{row['model']}** differs "
        f"by **{labels.points(row['value'], metric)}** between groups of **{row['attribute']}** "
        f"({labels.interval(row['low'], row['high'], metric)})."
    )


def _has(result: AuditResult, metric: str) -> bool:
    return metric in result.gaps.get_column("metric")


def nothing_to_audit() -> None:
    """The table holds no decisions: what to do instead."""
    layout.page("audit", "This table holds **no decisions or predictions** to audit.")
    layout.empty(
        "No system to audit yet",
        "Name the columns with decisions or predictions on the Data page, or fit a model: it is "
        "audited in the same way, on rows it never saw.",
        to="train",
        label="Fit a model",
    )
