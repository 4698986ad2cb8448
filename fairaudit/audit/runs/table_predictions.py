"""Audits the decisions and scores that a table holds; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.inputs.read import NO_NUMERIC_BOUNDS
from fairaudit.audit.metrics.scores import is_probability
from fairaudit.audit.notices import Notice, notice
from fairaudit.audit.presets.decisions import SCORING_RATE
from fairaudit.audit.runs.headline import headline, with_warnings
from fairaudit.audit.runs.held_out import check_primary, judge_split
from fairaudit.audit.runs.latent_errors import latent_errors
from fairaudit.audit.runs.table_rows import (
    control_levels,
    rows_of,
    systems_of_table,
    without_outcome,
)
from fairaudit.audit.score_scale import score_facts, score_warnings
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.table_systems import (
    assumed_cuts,
    class_names,
)
from fairaudit.audit.tables.row_tables import people_table, predictions_table, weights_table
from fairaudit.audit.tables.stacking import Tables
from fairaudit.data.arrays import Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.grouping import group_labels
from fairaudit.data.labels import label_text
from fairaudit.data.splits import SplitSpec
from fairaudit.exceptions import SpecError
from fairaudit.methods.common.progress import Monitor

ALL = "all"  # the split of rows that no model was fitted on


def audit_table(data: Dataset, spec: AuditSpec, monitor: Monitor) -> tuple[Tables, dict[str, Any]]:
    """Audit the systems in the table on all its rows; nothing is trained, nothing is split."""
    roles = data.roles
    if not roles.predictions and not roles.scores:
        raise SpecError("no column holds predictions or scores; name one, or train a model")
    arrays, known = _decided_rows(data, spec)
    systems = systems_of_table(data, arrays, spec, known=known)
    monitor.start("evaluating", 1)
    rows = np.ones(len(arrays), dtype=bool)
    frame = rows_of(data, arrays)  # without training, numbers are cut at quartiles of all rows
    groups = {s: group_labels(frame[s], rows) for s in roles.sensitive}
    arrays = replace(arrays, groups=groups)
    check_primary(spec, arrays, systems, known)
    controls = control_levels(data, arrays, spec, rows)
    tables = dict(
        judge_split(
            arrays, systems, arrays.groups, rows, ALL, spec, known=known, controls=controls
        )
    )
    monitor.step()
    monitor.end()
    tables["predictions"] = predictions_table(arrays, systems, whole=True, known=known)
    tables["people"] = people_table(arrays, whole=True)
    tables |= weights_table(arrays)
    scores = score_facts(systems, arrays.task)
    facts = {
        "rows": {ALL: len(arrays)},
        "systems": list(systems),
        "method": "predictions",
        "scores": scores,
        "warnings": [
            *_median_cuts(data, spec, systems),
            *assumed_cuts(roles, systems),
            *score_warnings(scores, tables["errors"], data.outcome.meaning),
        ],
    }
    latent, latent_facts = latent_errors(data, spec, systems)
    return {**tables, **latent}, with_warnings(
        headline(data, arrays, spec), {**facts, **latent_facts}
    )


def _decided_rows(data: Dataset, spec: AuditSpec) -> tuple[Arrays, NDArray[np.bool_] | None]:
    """The rows whose decisions are audited, and where their outcome is known (None: everywhere).

    Where it is not known everywhere no row is left out for that: selection rates count all.
    """
    bare = data.roles.model_copy(update={"features": (), "image": None})
    if bare.target is not None and bare.known_for is None:
        return Dataset(data.frame, bare).arrays(SplitSpec(), spec.seed), None
    arrays = without_outcome(data).arrays(SplitSpec(), spec.seed)
    frame = rows_of(data, arrays)
    classes = class_names(frame, data.roles, data.outcome)
    if data.roles.target is None:
        y = np.zeros(len(arrays), dtype=np.int64)
        return replace(arrays, classes=classes, y=y), np.zeros(len(arrays), dtype=bool)
    if data.roles.task == "regression":
        raise SpecError(
            f"the outcome is known for some rows only ('{data.roles.known_for}'): "
            f"{NO_NUMERIC_BOUNDS}; leave the column out to audit the known rows alone"
        )
    text = label_text(frame[data.roles.target])
    if data.roles.task == "binary":
        y = (text == data.outcome.positive).fill_null(False).to_numpy().astype(np.int64)
    else:
        code = {name: i for i, name in enumerate(classes)}
        y = np.array([code.get(v, 0) for v in text.to_list()], dtype=np.int64)
    return replace(arrays, classes=classes, y=y), text.is_not_null().to_numpy()


def _median_cuts(
    data: Dataset, spec: AuditSpec, systems: Mapping[str, Prediction]
) -> list[Notice]:
    """Warnings about scores that were cut at the median, as the rule requires."""
    if spec.preset != SCORING_RATE:
        return []
    return [
        notice("cut_at_median", score=name, cut=s.cut.at)
        for name, s in systems.items()
        if s.cut is not None and name not in data.roles.cuts and not is_probability(_score(s))
    ]


def _score(system: Prediction) -> NDArray[np.float64]:
    assert system.score is not None
    return system.score
