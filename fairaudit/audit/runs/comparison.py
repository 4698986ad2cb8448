"""Fits several methods on the same splits, seed by seed, and compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.audit import seed_comparison
from fairaudit.audit.adapters import adapter
from fairaudit.audit.fitted import Fitted
from fairaudit.audit.runs.headline import headline
from fairaudit.audit.runs.held_out import HELD_OUT, check_primary, evaluate_held_out
from fairaudit.audit.runs.table_rows import control_levels, require_outcome, systems_of_table
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.tables.row_tables import people_table, predictions_table, weights_table
from fairaudit.audit.tables.stacking import Tables
from fairaudit.data.arrays import Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.splitting import TRAIN
from fairaudit.methods.common.progress import Monitor


def compare_methods(
    data: Dataset, spec: AuditSpec, monitor: Monitor, device: str
) -> tuple[Tables, dict[str, Any]]:
    """Every method on every seed's split; the last seed's tables are kept for a closer look."""
    require_outcome(data)
    methods, seeds, shared = seed_comparison.contestants(spec.params)
    measured: list[pl.DataFrame] = []
    monitor.start("comparing", seeds)

    def fit(name: str, arrays: Arrays, seed: int) -> Fitted:
        return _fit(name, arrays, shared, spec.confidence, seed, device, monitor)

    order = seed_comparison.seeds_from(spec.seed, seeds)
    for seed in order:
        arrays = data.arrays(spec.split, seed)
        check_primary(spec, arrays, ())
        controls = control_levels(data, arrays, spec, arrays.split == TRAIN)
        answers = {
            name: next(iter(fit(name, arrays, seed).predictions.values())) for name in methods
        }
        answers |= systems_of_table(data, arrays, spec)
        splits = HELD_OUT if seed == order[-1] else HELD_OUT[:1]
        tables = evaluate_held_out(arrays, answers, {}, spec, monitor, controls, splits)
        measured.append(seed_comparison.measurements(tables["errors"], tables["gaps"], seed))
        monitor.step()
    monitor.end()
    tables["predictions"] = predictions_table(arrays, answers)
    tables["people"] = people_table(arrays)
    tables |= weights_table(arrays)
    numbers = pl.concat(measured)
    share = seed_comparison.test_share(arrays)
    tables["measurements"] = numbers
    tables["comparison"] = seed_comparison.comparison_table(numbers, share, spec.confidence)
    tables["paired"] = seed_comparison.paired_table(numbers, methods[0], share, spec.confidence)
    budget = f"{seeds} seeds, one fit per method and seed, the same splits and encoding for all"
    facts = {"methods": methods, "seeds": seeds, "budget": budget, "reference": methods[0]}
    return tables, {**headline(data, arrays, spec), **facts}


def _fit(
    name: str,
    arrays: Arrays,
    shared: Mapping[str, Any],
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """One method with those of the shared parameters that it has."""
    params = seed_comparison.own_parameters(name, shared)
    return adapter(name)(
        arrays, params, confidence=confidence, seed=seed, device=device, monitor=monitor
    )
