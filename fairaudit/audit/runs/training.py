"""Fits one method on the training rows and evaluates it on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairaudit.audit.adapters import adapter
from fairaudit.audit.catalog import method
from fairaudit.audit.latent.projection import projection_table
from fairaudit.audit.no_harm.decision import certificates
from fairaudit.audit.no_harm.hidden_groups import hidden_of_choice, shown_choice
from fairaudit.audit.notices import notice
from fairaudit.audit.runs.headline import headline, with_warnings
from fairaudit.audit.runs.held_out import check_primary, evaluate_held_out
from fairaudit.audit.runs.table_rows import control_levels, require_outcome, systems_of_table
from fairaudit.audit.score_scale import score_facts
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.tables.row_tables import people_table, predictions_table, weights_table
from fairaudit.audit.tables.stacking import Tables
from fairaudit.audit.whatif.flips import flip_table
from fairaudit.data.arrays import Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.splitting import TRAIN
from fairaudit.methods.common.progress import Monitor


def train(
    data: Dataset, spec: AuditSpec, monitor: Monitor, device: str, model_folder: Path | None
) -> tuple[Tables, dict[str, Any]]:
    require_outcome(data)
    fit = adapter(spec.method, spec.kind)
    swept = {"n_groups"} if spec.kind == "sweep" else set()  # a sweep takes several
    method(spec.method).check({k: v for k, v in spec.params.items() if k not in swept})
    monitor.start("preparing rows", 1)
    prepared = data.prepared(spec.split, spec.seed)
    arrays = prepared.arrays
    monitor.step()
    monitor.end()
    check_primary(spec, arrays, ())
    controls = control_levels(data, arrays, spec, arrays.split == TRAIN)
    fitted = fit(
        arrays,
        spec.params,
        confidence=spec.confidence,
        seed=spec.seed,
        device=device,
        monitor=monitor,
    )
    if fitted.save is not None and model_folder is not None:
        fitted.save(model_folder)
    monitor.start("evaluating on held-out rows", 2)
    predictions = {**fitted.predictions, **systems_of_table(data, arrays, spec)}
    tables = evaluate_held_out(arrays, predictions, fitted.tables, spec, monitor, controls)
    monitor.end()
    tables |= dict(fitted.tables)
    tables["predictions"] = predictions_table(arrays, predictions)
    if "latent" in tables:
        plane = projection_table(arrays, tables["latent"], spec.projection, spec.seed)
        tables |= {} if plane is None else {"projection": plane}
    tables["people"] = people_table(arrays)
    tables |= weights_table(arrays)
    if fitted.answer is not None and arrays.groups:
        models = data, prepared, fitted.answer
        tables["flips"] = flip_table(*models, confidence=spec.confidence, seed=spec.seed)
    tables, own = _choice_shown(tables, fitted.summary, arrays, spec)
    facts = {**own, "scores": score_facts(predictions, arrays.task)}
    return tables, with_warnings(headline(data, arrays, spec), facts)


def _choice_shown(
    tables: Tables, summary: Mapping[str, Any], arrays: Arrays, spec: AuditSpec
) -> tuple[Tables, dict[str, Any]]:
    """Tables and facts of a no-harm choice without what shows a suppressed group."""
    hidden = hidden_of_choice(tables, arrays.groups, spec.intersections, spec.suppress_below)
    if not hidden:
        return tables, dict(summary)
    tables = shown_choice(tables, hidden)
    facts = {name: fact for name, fact in summary.items() if name != "choice"}
    facts["certificates"] = certificates(tables)
    return tables, {**facts, "warnings": [*facts.get("warnings", []), notice("choice_suppressed")]}
