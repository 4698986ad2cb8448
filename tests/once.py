"""Audits of the same data with the same request, computed once for all tests of a run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from fairaudit.audit.result import AuditResult
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.methods.common.progress import Monitor
from tests import audits


def run_once(
    dataset: Dataset,
    spec: AuditSpec,
    *,
    monitor: Monitor | None = None,
    device: str = "auto",
    model_folder: Path | None = None,
    facts: Mapping[str, Any] | None = None,
) -> AuditResult:
    """As `run_audit`; a job whose twin has run gets the result of the twin."""
    asked = {"spec": spec.model_dump(mode="json"), "device": device, "facts": dict(facts or {})}
    name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    place = audits.root() / "once" / name
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / "lock"):
        if not (place / "result").is_dir():
            model = place / "model"
            result = run_audit(
                dataset, spec, monitor=monitor, device=device, model_folder=model, facts=facts
            )
            result.save(place / "saving")
            (place / "saving").rename(place / "result")
    if model_folder is not None and (place / "model").is_dir():
        shutil.copytree(place / "model", model_folder)
    return AuditResult.load(place / "result")
