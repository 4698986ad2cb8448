"""Searches for unlabelled groups in which a system of the table errs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.latent.groups import LatentAudit, audit_latent
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.tables.stacking import Tables
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.leaks import leaking_columns
from fairaudit.data.doctor.proxies import find_proxies
from fairaudit.data.splits import SplitSpec

MIN_LATENT_ROWS = 400
GIVES_AWAY = 0.95  # no confidence: AUROC of telling an answer from one column alone


def latent_errors(
    data: Dataset, spec: AuditSpec, systems: Mapping[str, Prediction]
) -> tuple[Tables, dict[str, Any]]:
    """Unlabelled groups in which a system errs, detected and evaluated on different rows.

    With several systems the one with the smallest adjusted p is shown; its p-values and intervals
    are adjusted for the number of systems too (Bonferroni), so that the chance of any false alarm
    stays at 1 − confidence.
    """
    roles = data.roles
    if roles.target is None or roles.known_for is not None or len(data) < MIN_LATENT_ROWS:
        return {}, {}
    features, left_out = _innocent_features(data, systems)
    if not features:
        return {}, {}
    bare = roles.model_copy(update={"image": None, "features": features})
    arrays = Dataset(data.frame, bare).arrays(SplitSpec(), spec.seed)
    if arrays.cluster is not None and np.bincount(arrays.cluster).max() > len(arrays) / 2:
        return {}, {"latent_findings": {name: {"searched": False} for name in systems}}
    audits = {
        name: audit_latent(
            arrays.X,
            arrays.feature_names,
            arrays.y,
            system.label,
            task=arrays.task,
            groups=arrays.groups,
            row_id=arrays.row_id,
            clusters=arrays.cluster,
            sample_weight=arrays.weight,
            units=arrays.units,
            confidence=spec.confidence,
            systems=len(systems),
            random_state=spec.seed,
        )
        for name, system in systems.items()
    }
    shown = min(audits, key=lambda name: _smallest_p(audits[name]))
    facts = {
        "latent_system": shown,
        "latent_systems": len(systems),
        "latent_findings": {n: audit.finding.to_dict() for n, audit in audits.items()},
        "latent_left_out": left_out,
    }
    return dict(audits[shown].tables), facts


def _innocent_features(
    data: Dataset, systems: Mapping[str, Prediction]
) -> tuple[tuple[str, ...], list[str]]:
    """Features to describe groups by, and those that all but give away the outcome or a system's
    own answer: "the system errs where its score is high" explains nothing."""
    roles = data.roles
    excluded = pl.col(roles.row_id).is_in(data.excluded["row"].implode())
    answers = {f"answer {i}": s.label.astype(str) for i, s in enumerate(systems.values())}
    frame = data.frame.filter(~excluded).sort(roles.row_id)
    frame = frame.with_columns(pl.Series(k, v.tolist()) for k, v in answers.items())
    targets = [c for c in (roles.target, *answers) if c is not None]
    table = find_proxies(frame, roles.features, targets)
    revealing = set(table.filter(pl.col("auroc") >= GIVES_AWAY)["feature"])
    if roles.target is not None:
        revealing |= leaking_columns(frame, roles.features, roles.target).keys()
    return tuple(f for f in roles.features if f not in revealing), sorted(revealing)


def _smallest_p(audit: LatentAudit) -> float:
    smallest = audit.tables["latent_tests"]["p_adjusted"].min()
    return 1.0 if smallest is None else float(smallest)  # type: ignore[arg-type]
