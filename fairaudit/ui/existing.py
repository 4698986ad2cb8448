"""The audit of decisions a table already holds: nothing is trained, the same request once only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.inputs.group_codes import CROSS
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.spec import JobSpec
from fairaudit.text import numbers
from fairaudit.text.quantities import count, listed
from fairaudit.ui import cache, layout, rules, session

HOW = (
    "Nothing is trained: every value comes from the counts of truth and answer in a group. Rates "
    "carry Wilson intervals, gaps bootstrap intervals. The gap named first is the largest whose "
    "interval leaves out zero. Groups nobody declared are searched for on one part of the rows "
    "and judged on the other, the number of looks accounted for."
)
FORMULA = (
    r"\text{FNR} = \frac{FN}{TP+FN}, \quad \text{FPR} = \frac{FP}{FP+TN}, \quad "
    r"\text{gap} = \max_g m_g - \min_g m_g"
)


def request(roles: ColumnRoles, info: DatasetInfo, *, expert: bool) -> AuditSpec:
    """What to audit and how, from the widgets (defaults in guided mode)."""
    fields: dict[str, object] = {"preset": rules.choose()}
    if expert:
        usual = AuditSpec.model_fields["confidence"].default
        with st.expander("Settings", icon=":material/tune:"):
            cells = st.columns(3, vertical_alignment="bottom")
            fields |= {
                "intersections": cells[0].number_input("Depth of crossings", 1, 6, 2),
                "confidence": cells[1].number_input("Confidence", 0.51, 0.999, usual, 0.01),
                "suppress_below": cells[2].number_input("Hide groups below (rows)", 0, 1000, 0),
            }
    title = f"Existing decisions in {Path(info.name).stem}"
    return AuditSpec.model_validate(
        {"roles": roles, "kind": "predictions", "method": "existing", "title": title, **fields}
    )


def audited(info: DatasetInfo, spec: AuditSpec, *, may_start: bool) -> str | None:
    """The job that holds this very audit: an earlier one, or one queued now.

    It runs in a worker even where it takes a second: the search for undeclared groups needs
    scikit-learn, which no screen loads.
    """
    earlier = _earlier(info.sha256, spec)
    if earlier is not None or not may_start:
        return earlier
    job = session.workspace().submit(JobSpec(dataset=info.sha256, audit=spec, device="cpu"))
    cache.forget_jobs()
    return job


def _earlier(sha256: str, spec: AuditSpec) -> str | None:
    """Failed and cancelled ones count: asking again is the person's choice, not the page's."""
    workspace = session.workspace()
    alike = [j for j in cache.jobs() if j.kind == "predictions" and j.dataset == sha256]
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
    return said if worst is None else f"{said} {gap_words(worst)}"


def largest_gap(result: AuditResult) -> dict[str, Any] | None:
    """The largest difference between declared groups that is surely not zero."""
    rates = [m for m in ("fnr", "fpr", "selection_rate", "mse") if _has(result, m)]
    found = result.gaps.filter(
        pl.col("metric").is_in(rates),
        pl.col("kind") == "difference",
        pl.col("status") == "estimated",
        pl.col("low") > 0,
        ~pl.col("attribute").str.contains(CROSS, literal=True),
    ).sort("value", descending=True, nulls_last=True)
    return None if found.is_empty() else found.row(0, named=True)


def gap_words(row: Mapping[str, Any]) -> str:
    """That difference in words."""
    metric = str(row["metric"])
    return (
        f"The largest gap that is hardly chance: the **{numbers.title(metric).lower()}** of "
        f"**{row['model']}** differs by **{numbers.points(row['value'], metric)}** "
        f"({numbers.points_interval(row['low'], row['high'], metric)}) between groups of "
        f"**{row['attribute']}**."
    )


def undeclared(result: AuditResult) -> None:
    """What the search for groups nobody declared has found, one sentence a system."""
    found: Mapping[str, Sequence[str]] = result.summary.get("latent_findings", {})
    for system, sentences in found.items():
        if sentences:
            layout.quiet(f"Groups nobody declared, **{system}**: {sentences[0]}")


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
