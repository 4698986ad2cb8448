"""Small finished audits of every kind, run once for all workers: real results to show."""

from __future__ import annotations

import os
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from filelock import FileLock

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from tests.conftest import AUDITS

ROWS = 700
FEW = ("selection_rate", "fpr", "tpr", "accuracy", "auroc", "ece")  # work grows with them
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "systems": ("lending", {"kind": "predictions"}),
    "linear": ("lending", {"method": "linear"}),
    "rome": ("lending", {"method": "rome-em", "params": {"n_groups": 2, "n_init": 2}}),
    "sde": ("lending", {"method": "fair-sde", "params": {"max_epochs": 4, "confidence": 0.8}}),
    "medl": (
        "hospital",
        {"method": "fair-medl", "params": {"max_epochs": 3, "performance_budget": 0.02}},
    ),
    "stress": (
        "lending",
        {
            "kind": "stress",
            "method": "fair-sde",
            "params": {"max_epochs": 2, "hidden_sizes": [8], "attributes": ["sex"]},
        },
    ),
    "hiding": (
        "rare groups",
        {
            "kind": "stress",
            "method": "fair-sde",
            "suppress_below": 10,
            "params": {"max_epochs": 2, "hidden_sizes": [8], "attributes": ["group"]},
        },
    ),
    "search": (
        "hospital",
        {
            "method": "fair-medl",
            "params": {
                "max_epochs": 2,
                "performance_budget": None,
                "search_trials": 3,
                "probes": True,
            },
        },
    ),
    "sweep": (
        "lending",
        {
            "kind": "sweep",
            "method": "rome-em",
            "params": {"n_groups": [1, 2, 3], "n_init": 1, "n_bootstrap": 2},
        },
    ),
    "compare": (
        "lending",
        {"kind": "compare", "params": {"methods": ["linear", "linear-s"], "seeds": 2}},
    ),
    "regression": ("rome_simulation", {"method": "linear"}),
    "many": ("many groups", {"kind": "predictions"}),
    "tiny": ("tiny groups", {"kind": "predictions"}),
    "one-class": ("one class", {"kind": "predictions"}),
    "multiclass": ("three classes", {"kind": "predictions"}),
}
SELDOM = frozenset(
    {"rome", "sde", "medl", "stress", "hiding", "search", "compare"}
)  # of all metrics
_MADE_ROLES = ColumnRoles(
    target="y", sensitive=("group",), predictions=("decision",), positive="yes"
)
_MADE_DIFFERENCES: dict[str, dict[str, Any]] = {
    "three classes": {"task": "multiclass", "positive": None},
    "rare groups": {"features": ("x",)},
}
MADE = ("many groups", "tiny groups", "rare groups", "one class", "three classes")


@cache
def root() -> Path:
    """The workspace that holds the audits; conftest gives all workers of a run the same."""
    return Path(os.environ.get(AUDITS) or tempfile.mkdtemp(prefix="fairaudit-audits-"))


@cache
def finished(kind: str) -> str:
    """The job id of a finished audit of that kind, in the workspace `root()`."""
    place = root() / "sources" / f"{kind}.job"
    place.parent.mkdir(exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        if not place.exists():
            place.write_text(run(Workspace(root()), table(KINDS[kind][0]), spec(kind)))
    return place.read_text()


def spec(kind: str) -> AuditSpec:
    """What an audit of that kind asks for."""
    sample, asked = KINDS[kind]
    metrics = FEW if kind in SELDOM else None
    return AuditSpec(title=f"Small {kind}", n_boot=50, metrics=metrics, **roles(sample), **asked)


@cache
def result(kind: str) -> AuditResult:
    """The result of a finished audit of that kind."""
    return Workspace(root()).result(finished(kind))


def without(result: AuditResult, *names: str) -> AuditResult:
    """The result without some of its tables, as an older version may have stored it."""
    kept = {name: table for name, table in result.tables.items() if name not in names}
    return AuditResult(kept, result.summary, result.provenance)


@cache
def table(sample: str) -> Path:
    """The first rows of a sample, as a file."""
    path = root() / "sources" / f"{sample}.csv"
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return path
        if sample in MADE:
            made(sample).write_csv(path)
        else:
            rows = pl.read_csv(SAMPLES[sample].path, infer_schema_length=None).head(ROWS)
            rows.write_csv(path)
    return path


def made(name: str) -> pl.DataFrame:
    """Tables at the edge of what can be judged: outcome, decision and one attribute."""
    rng = np.random.default_rng(7)
    rows = 30 if name == "tiny groups" else 1_500
    classes = 3 if name == "three classes" else 2
    y = rng.integers(0, classes, rows)
    decision = np.where(rng.random(rows) < 0.8, y, rng.integers(0, classes, rows))
    count = {"many groups": 150, "tiny groups": 12}.get(name, 3)
    group = rng.integers(0, count, rows)
    if name == "rare groups":
        group = rng.choice(5, rows, p=[0.4, 0.3, 0.25, 0.03, 0.02])
    if name == "one class":
        y[group == 0] = 1
    text = np.array(["no", "yes", "maybe"])
    table = pl.DataFrame(
        {"y": text[y], "decision": text[decision], "group": [f"g{g}" for g in group]}
    )
    if name == "rare groups":
        return table.with_columns(x=pl.Series(y + rng.normal(0, 1, rows)))
    return table


def roles(sample: str) -> dict[str, ColumnRoles]:
    """The sample's roles with two attributes, so that crossings stay few."""
    if sample in MADE:
        return {"roles": _MADE_ROLES.model_copy(update=_MADE_DIFFERENCES.get(sample, {}))}
    own = SAMPLES[sample].roles
    return {"roles": own.model_copy(update={"sensitive": own.sensitive[:2], "split": None})}


def run(workspace: Workspace, source: Path, asked: AuditSpec) -> str:
    """Ingest a table, run one audit here, and return its id."""
    info = workspace.ingest(source, name=source.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs do not converge, and need not
        job = workspace.run_now(JobSpec(dataset=info.sha256, audit=asked, device="cpu"))
    state = workspace.job(job)
    assert state.state == "succeeded", state.reason
    return job
