"""The complete audit of the lending sample: existing systems, latent groups, no-harm choice."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue

from fairaudit import report
from fairaudit.audit.merge_results import merged
from fairaudit.audit.result import AuditResult
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.reading.table import read_table
from fairaudit.data.samples import SAMPLES
from fairaudit.methods.common.progress import Monitor

METHODS: Mapping[str, dict[str, JsonValue]] = MappingProxyType(
    {"rome-em": {"n_groups": 3}, "fair-sde": {"attributes": ["ethnicity"]}}
)


def run(out: Path, *, monitor: AbstractContextManager[Monitor]) -> AuditResult:
    """Audit the sample with both methods on the same rows and write the report to `out`."""
    sample = SAMPLES["lending"]
    data = Dataset(read_table(sample.path), sample.roles)
    with monitor as progress:
        results = [
            run_audit(
                data,
                AuditSpec(roles=sample.roles, method=name, params=params, title=sample.title),
                monitor=progress,
                model_folder=out / "model" / name,
            )
            for name, params in METHODS.items()
        ]
    whole = merged(results, f"{sample.title}: existing systems, {' and '.join(METHODS)}")
    facts = {"source": sample.path.name, "command": "fairaudit demo"}
    whole = AuditResult(whole.tables, whole.summary, {**whole.provenance, **facts})
    report.write(whole, out, title=str(whole.summary["title"]))
    return whole
