"""One audit from dataset and spec to a result: fit, evaluate on held-out rows, record how."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fairaudit._version import __version__
from fairaudit.audit import presets
from fairaudit.audit.presets.decisions import SCORING_RATE, no_impact, refuse_task, scores_alone
from fairaudit.audit.questions import check_margin
from fairaudit.audit.result import AuditResult
from fairaudit.audit.runs.comparison import compare_methods
from fairaudit.audit.runs.headline import rows_left_out
from fairaudit.audit.runs.table_predictions import audit_table
from fairaudit.audit.runs.training import train
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.table_systems import (
    class_names,
    existing_systems,
)
from fairaudit.audit.tables.hidden import hidden_in, without_hidden
from fairaudit.audit.tables.merge_offers import merge_offers
from fairaudit.audit.tables.primary import primary_facts
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.table_scores import systems_of
from fairaudit.data.grouping import group_labels
from fairaudit.data.small_groups import merging
from fairaudit.methods.common.progress import Monitor, Silent


def run_audit(
    dataset: Dataset,
    spec: AuditSpec,
    *,
    monitor: Monitor | None = None,
    device: str = "auto",
    model_folder: Path | None = None,
    facts: Mapping[str, Any] | None = None,
) -> AuditResult:
    """Run one audit in this process.

    Parameters
    ----------
    dataset : Dataset
        Frame and roles; `spec.roles` wins where the two differ.
    spec : AuditSpec
    monitor : Monitor or None
        Hears progress and may cancel.
    device : {"auto", "cpu", "cuda"}
    model_folder : Path or None
        Where the fitted model is written (safetensors + JSON), for methods that have one.
    facts : mapping or None
        Further provenance: `source` (a name), `dataset` (SHA-256 of the content), `command`.

    Returns
    -------
    AuditResult

    Raises
    ------
    SpecError, InputError
        When the request or the data cannot be used; the text names the remedy.
    TrainingError
        When no usable model came out.
    Cancelled
        When the monitor requests a stop.
    """
    began = time.perf_counter()
    monitor = monitor or Silent()
    data = _merged(Dataset(dataset.frame, spec.roles, dataset.images), spec.merge_below)
    outcome = data.outcome
    if (
        spec.preset in presets.EMPLOYMENT
        and outcome.meaning == "neutral"
        and not outcome.guessed_meaning
    ):
        raise no_impact(str(spec.preset), outcome.positive)
    check_margin(spec.margin, spec.roles.task)
    monitor.start("audit")
    if spec.kind == "predictions":
        tables, summary = audit_table(data, spec, monitor)
    elif spec.kind == "compare":
        tables, summary = compare_methods(data, spec, monitor, device)
    else:
        tables, summary = train(data, spec, monitor, device, model_folder)
    if not spec.merge_below:
        asked = spec.roles.sensitive, spec.suppress_below
        offers = merge_offers(tables, summary["rows"], *asked)
        summary = {**summary, "warnings": [*summary["warnings"], *offers]}
    if "overlap" in tables:
        tables["overlap"] = without_hidden(tables["overlap"], hidden_in(tables))
    if len(left_out := rows_left_out(data, spec)):
        tables["excluded"] = left_out
    if spec.primary is not None:
        summary = {**summary, "primary": primary_facts(tables)}
    monitor.end()
    seconds = time.perf_counter() - began
    origin = {**provenance(spec, device, seconds), **(facts or {})}
    return _with_preset(AuditResult(tables, summary, origin), data, spec)


def _merged(data: Dataset, below: int) -> Dataset:
    """The table with its small groups merged, as a mend of its roles."""
    mends = merging(data.frame, data.roles.sensitive, below)
    roles = data.roles.model_copy(update={"mends": (*data.roles.mends, *mends)})
    return Dataset(data.frame, roles, data.images) if mends else data


def _with_preset(result: AuditResult, data: Dataset, spec: AuditSpec) -> AuditResult:
    """The result, with the computations that the rule of `spec.preset` requires."""
    if spec.preset is None:
        return result
    applied = presets.apply(
        spec.preset,
        result=result,
        frame=data.frame,
        roles=data.roles,
        confidence=spec.confidence,
        options=spec.preset_options,
        **_all_decisions(data, spec),
    )
    return applied.joined(result)


def _all_decisions(data: Dataset, spec: AuditSpec) -> dict[str, Any]:
    """The first system's decisions of every row that has one, with or without an outcome."""
    roles = data.roles
    if spec.kind != "predictions" or spec.preset not in presets.SELECTIONS:
        return {}
    refuse_task(spec.preset, roles.task)
    label, score = systems_of(roles, data.frame)[0]
    first = roles.model_copy(
        update={
            "predictions": () if label is None else (label,),
            "scores": () if score is None else (score,),
            "cuts": {c: cut for c, cut in roles.cuts.items() if c == score},
        }
    )
    frame = data.frame.drop_nulls([str(label or score)])
    if label is not None:
        first = first.model_copy(update={"scores": (), "cuts": {}})
    classes = class_names(frame, roles, data.outcome)
    median = spec.preset == SCORING_RATE
    sure = not data.outcome.guessed_positive
    systems = existing_systems(frame, first, classes, sure=sure, median=median)
    name, system = next(iter(systems.items()))
    rows = np.ones(len(frame), dtype=bool)
    people = {
        "groups": {s: group_labels(frame[s], rows) for s in roles.sensitive},
        "weight": None if roles.weight is None else frame[roles.weight],
    }
    if median and scores_alone(first, name):
        return {"score": system.score, **people}
    return {"selected": system.label == 1, **people}


def provenance(spec: AuditSpec, device: str, seconds: float) -> dict[str, Any]:
    """What is needed to reproduce the numbers."""
    packages = ("numpy", "polars", "scipy", "scikit-learn", "torch")
    return {
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": spec.digest(),
        "device": device,
        "seconds": round(seconds, 3),
        "fairaudit": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }
