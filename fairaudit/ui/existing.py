"""The audit of decisions already in a table: nothing is trained, and each request runs once."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.spec import JobSpec
from fairaudit.report.leading import leading_gaps
from fairaudit.text.numbers import count, listed
from fairaudit.text.screens import audit as wording
from fairaudit.text.sentences.errors import errors_sentences
from fairaudit.text.sentences.groups import finding_words
from fairaudit.text.sentences.outcome import NOT_KNOWN
from fairaudit.text.sentences.phrases import joined
from fairaudit.text.sentences.primary import primary_sentence
from fairaudit.text.voice import voice_of
from fairaudit.ui import cache, glossary, layout, rules, session
from fairaudit.ui.roles import declared

MOST_ATTRIBUTES = 5  # in the lead of the page; the report has all of them
RATE = (
    r"\text{rate} = \frac{\text{positive decisions}}{n}, \quad "
    r"\text{gap} = \max_g m_g - \min_g m_g"
)
FORMULA = (
    r"\text{FNR} = \frac{FN}{TP+FN}, \quad \text{FPR} = \frac{FP}{FP+TN}, \quad "
    r"\text{gap} = \max_g m_g - \min_g m_g"
)


def request(roles: ColumnRoles, info: DatasetInfo, *, expert: bool) -> AuditSpec:
    """The audit to run, from the widgets (defaults in guided mode)."""
    preset = rules.choose()
    fields: dict[str, object] = {
        "preset": preset,
        "preset_options": rules.options(preset, roles),
        "primary": declared.primary_declared(roles),
    }
    if expert:
        usual = AuditSpec.model_fields["confidence"].default
        with st.expander("Settings", icon=":material/tune:"):
            cells = st.columns(5, vertical_alignment="bottom")
            fields |= {
                "intersections": cells[0].number_input(
                    "Intersection depth", 1, 6, 2, help=glossary.explanation("Intersection")
                ),
                "confidence": cells[1].number_input(
                    "Confidence",
                    0.51,
                    0.999,
                    usual,
                    0.01,
                    help=glossary.explanation("Confidence level"),
                ),
                "suppress_below": cells[2].number_input(
                    "Hide groups smaller than", 0, 1000, 0, help=glossary.explanation("Suppressed")
                ),
                "margin": declared.margin_input(cells[3]),
                "merge_below": declared.merge_input(cells[4]),
                "primary": declared.primary_input(
                    roles, info.sha256, start=declared.primary_declared(roles)
                ),
                "controls": declared.controls_input(roles, info.names),
            }
    title = f"Existing decisions in {Path(info.name).stem}"
    return AuditSpec.model_validate(
        {"roles": roles, "kind": "predictions", "method": "existing", "title": title, **fields}
    )


def audited(info: DatasetInfo, spec: AuditSpec, *, may_start: bool) -> str | None:
    """The job of exactly this audit: an earlier one, or one queued now.

    It runs in a worker even if it only takes a second, because the search for latent groups
    needs scikit-learn, which the dashboard does not load.
    """
    earlier = _earlier(info.sha256, spec)
    if earlier is not None or not may_start:
        return earlier
    job = session.workspace().submit(JobSpec(dataset=info.sha256, audit=spec, device="cpu"))
    cache.forget_jobs()
    return job


def _earlier(sha256: str, spec: AuditSpec) -> str | None:
    """Failed and cancelled jobs count: running again is the user's choice, not the page's."""
    workspace = session.workspace()
    candidates = [j for j in cache.jobs() if j.kind == "predictions" and j.dataset == sha256]
    return next((j.id for j in candidates if workspace.spec(j.id).audit == spec), None)


def not_done(job: JobInfo) -> str:
    """The lead sentence while there is no result."""
    if job.final:
        return wording.ended("was cancelled" if job.state == "cancelled" else job.state)
    return wording.IN_PROGRESS


def lead(result: AuditResult, info: DatasetInfo, spec: AuditSpec) -> str:
    """The lead sentence of the page."""
    models = result.errors.get_column("model").unique(maintain_order=True).to_list()
    scope = (
        f"**{count(len(models), 'system')}** in **{info.name}** ({listed(models)}), "
        f"evaluated on **{count(info.rows, 'row')}**."
    )
    first = by_attribute(result)[:1]
    return joined(
        [primary_sentence(result), scope, *first, "" if voice_of(result).known else NOT_KNOWN]
    )


def by_attribute(result: AuditResult) -> list[str]:
    """The leading metric's finding by each declared attribute, the page's leading one first.

    Attributes without a significant gap are last. Nothing where no gap is known.
    """
    return [
        errors_sentences(
            result,
            **{name: str(gap[name]) for name in ("attribute", "metric", "model", "split")},
        )[0]
        for gap in leading_gaps(result)[:MOST_ATTRIBUTES]
    ]


def latent_findings(result: AuditResult) -> None:
    """Findings of the search for latent groups, one sentence per system."""
    for system, sentences in finding_words(result):
        if sentences:
            layout.note(f"Latent groups, **{system}**: {sentences[0]}")


def nothing_to_audit() -> None:
    """The table contains no decisions: what to do instead."""
    layout.header("audit", wording.NOTHING)
    layout.empty_state(
        "No system to audit yet",
        wording.WHAT_TO_DO,
        to="train",
        label="Train a model",
    )
