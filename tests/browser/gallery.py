"""A workspace in which every page has something to show: small audits of the bundled samples."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import polars as pl

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack
from tests import audits

_BOOT = 200  # replicates: enough to draw, quick to make


@dataclass(frozen=True)
class Gallery:
    """Where the workspace lies, its data sets by sample, and its audits by what they show."""

    root: Path
    data: Mapping[str, str]
    audits: Mapping[str, str] = field(default_factory=dict)

    def address(self, page: str, view: str | None = None) -> str:
        """The link that opens a page (and one of its views) on something worth seeing."""
        if view is not None:
            return f"/{page}?audit={self.audits[VIEWS[page, view]]}&view={quote_plus(view)}"
        if page in ("data", "train"):
            return f"/{'' if page == 'data' else page}?data={self.data['lending']}"
        if page == "audit":
            roles = pack(SAMPLES["lending"].roles)
            return f"/audit?data={self.data['lending']}&roles={roles}"
        return f"/{page}?audit={self.audits[_SHOWS[page]]}"


_SHOWS = {
    "jobs": "fair-sde",
    "errors": "rome-em",
    "groups": "rome-em",
    "selection": "fair-sde",
    "whatif": "sweep",
    "effects": "fair-medl",
    "stress": "stress",
    "compare": "compare",
    "report": "rome-em",
}
VIEWS: Mapping[tuple[str, str], str] = {
    ("stress", "Wrong groups"): "stress",
    ("stress", "Ablation"): "stress",
    ("stress", "Objectives"): "stress",
    ("stress", "Time"): "stress",
    ("stress", "Group not known"): "stress",
    ("stress", "Flips"): "stress",
    ("stress", "Probes"): "fair-medl",
    ("effects", "Variance"): "fair-medl",
    ("effects", "Search"): "fair-medl",
}
_WANTED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "existing": (
        "lending",
        {  # exactly what the Audit page asks for, so that it finds it
            "kind": "predictions",
            "method": "existing",
            "title": "Existing decisions in lending",
            "n_boot": 2000,
            "intersections": 2,
        },
    ),
    "rome-em": ("lending", {"method": "rome-em", "params": {"n_groups": 2, "n_init": 2}}),
    "fair-sde": ("lending", {"method": "fair-sde", "params": {"max_epochs": 4}}),
    "fair-medl": (
        "hospital",
        {
            "method": "fair-medl",
            "params": {
                "max_epochs": 3,
                "performance_budget": 0.02,
                "search_trials": 4,
                "probes": True,
            },
        },
    ),
    "stress": (
        "lending",
        {
            "kind": "stress",
            "method": "fair-sde",
            "params": {"max_epochs": 2, "attributes": ["sex"]},
        },
    ),
    "sweep": (
        "rome_simulation",
        {
            "kind": "sweep",
            "method": "rome-em",
            "params": {"n_groups": [1, 2, 3], "n_init": 2, "n_bootstrap": 2},
        },
    ),
    "compare": (
        "lending",
        {
            "kind": "compare",
            "method": "linear",
            "params": {"methods": ["linear", "linear-s"], "seeds": 3},
        },
    ),
}


_SMALL = {
    "existing": "systems",
    "rome-em": "rome",
    "fair-sde": "sde",
    "fair-medl": "medl",
    "stress": "stress",
    "sweep": "sweep",
    "compare": "compare",
}


def of_small_audits() -> Gallery:
    """The audits that other tests look at too: made once for all."""
    workspace = Workspace(audits.root())
    jobs = {name: audits.finished(kind) for name, kind in _SMALL.items()}
    return Gallery(audits.root(), {"lending": workspace.job(jobs["existing"]).dataset}, jobs)


def build(root: Path, rows: int) -> Gallery:
    """Run all audits in this process, one after the other, on about so many rows of each."""
    workspace = Workspace(root)
    data = {
        name: _ingested(workspace, SAMPLES[name].path, rows)
        for name in dict.fromkeys(sample for sample, _ in _WANTED.values())
    }
    audits = {
        name: _audit(workspace, data[sample], sample, fields)
        for name, (sample, fields) in _WANTED.items()
    }
    return Gallery(root, data, audits)


def _ingested(workspace: Workspace, path: Path, rows: int) -> str:
    table = pl.read_csv(path, infer_schema_length=None)
    thinned = io.BytesIO()
    table.gather_every(max(1, table.height // rows)).write_csv(thinned)
    return workspace.ingest(thinned.getvalue(), name=path.name).sha256


def _audit(workspace: Workspace, dataset: str, sample: str, fields: Mapping[str, Any]) -> str:
    roles = SAMPLES[sample].roles
    title = f"{fields['method']} on {sample}"
    spec = AuditSpec.model_validate(
        {"roles": roles, "title": title, "n_boot": _BOOT, "intersections": 1, **fields}
    )
    job = workspace.run_now(JobSpec(dataset=dataset, audit=spec, device="cpu"))
    told = workspace.job(job)
    if told.state != "succeeded":
        raise RuntimeError(f"{title} {told.state}: {told.reason}\n{workspace.log(job)}")
    return job
