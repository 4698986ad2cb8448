"""What a new workspace starts with: the samples, and audits of them on their way."""

from __future__ import annotations

from pathlib import Path

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES, Sample
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace

FIRST = (
    ("lending", "rome-em", "train"),
    ("lending", "fair-sde", "train"),
    ("hospital", "fair-medl", "train"),
    ("lending", "rome-em", "sweep"),
)


def queue_sample_audits(root: Path) -> list[str]:
    """Ingest the samples and queue an audit for each method; does nothing in a used workspace.

    Returns
    -------
    list of str
        Ids of the queued jobs.
    """
    workspace = Workspace(root)
    if workspace.jobs() or workspace.datasets():
        return []
    stored = {
        name: _ingest(workspace, SAMPLES[name]) for name in dict.fromkeys(n for n, *_ in FIRST)
    }
    return [
        workspace.submit(JobSpec(dataset=stored[name], audit=_spec(SAMPLES[name], method, kind)))
        for name, method, kind in FIRST
    ]


def _ingest(workspace: Workspace, sample: Sample) -> str:
    return workspace.ingest(sample.path, name=sample.path.name).sha256


def _spec(sample: Sample, method: str, kind: str) -> AuditSpec:
    what = "number of groups" if kind == "sweep" else method
    return AuditSpec.model_validate(
        {"roles": sample.roles, "method": method, "kind": kind, "title": f"{sample.title}: {what}"}
    )
