"""The initial content of a new workspace: the samples, and queued audits of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES, Sample
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace


@dataclass(frozen=True)
class SampleAudit:
    """One audit of a sample, queued in a new workspace."""

    sample: str
    method: str
    kind: str = "train"
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    what: str = ""


SAMPLE_AUDITS = (
    SampleAudit("lending", "rome-em", params={"n_groups": 3}, what="latent groups"),
    SampleAudit(
        "lending", "fair-sde", params={"attributes": ["ethnicity"]}, what="no-harm choice"
    ),
    SampleAudit("hospital", "fair-medl", what="sites"),
    SampleAudit("lending", "rome-em", kind="sweep", what="number of groups"),
)


def queue_sample_audits(root: Path) -> list[str]:
    """Ingest the samples and queue an audit for each method, if the workspace is empty.

    Returns
    -------
    list of str
        Ids of the queued jobs.
    """
    workspace = Workspace(root)
    if workspace.jobs() or workspace.datasets():
        return []
    names = dict.fromkeys(first.sample for first in SAMPLE_AUDITS)
    stored = {name: _ingest(workspace, SAMPLES[name]) for name in names}
    return [
        workspace.submit(JobSpec(dataset=stored[first.sample], audit=_spec(first)))
        for first in SAMPLE_AUDITS
    ]


def _ingest(workspace: Workspace, sample: Sample) -> str:
    return workspace.ingest(sample.path, name=sample.path.name).sha256


def _spec(first: SampleAudit) -> AuditSpec:
    return AuditSpec.model_validate(
        {
            "roles": SAMPLES[first.sample].roles,
            "method": first.method,
            "kind": first.kind,
            "params": dict(first.params),
            "title": f"{first.sample.capitalize()}: {first.what} ({first.method})",
        }
    )
