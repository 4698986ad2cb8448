"""Computes a job: loads the dataset, runs the audit (or merges its parts), saves the result."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairaudit.exceptions import IntegrityError
from fairaudit.jobs import folder as folders
from fairaudit.jobs.dataset_store import DatasetStore
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor

if TYPE_CHECKING:
    from fairaudit.audit.result import AuditResult
    from fairaudit.jobs.spec import JobSpec


def audit(folder: JobFolder, monitor: FolderMonitor, aside: Path, model: Path) -> None:
    """Compute an audit and save it to a staging folder."""
    monitor.start("loading")
    spec, count = _spec(folder), len(folder.parts())
    monitor.end()
    if count:
        result = _merged(folder, spec, count, monitor, model)
    else:
        result = _audited(folder, spec, monitor, model)
    monitor.start("saving")
    result.save(aside)
    monitor.end()


def _audited(folder: JobFolder, spec: JobSpec, monitor: FolderMonitor, model: Path) -> AuditResult:
    monitor.start("loading")
    from fairaudit.audit.run import run_audit
    from fairaudit.data.dataset import Dataset
    from fairaudit.data.images import ImageStore

    datasets = DatasetStore(folder.path.parent.parent)
    images = datasets.images(spec.dataset)
    store = None if images is None else ImageStore(images)
    dataset = Dataset(datasets.load(spec.dataset), spec.audit.roles, store)
    monitor.end()
    return run_audit(
        dataset,
        spec.audit,
        monitor=monitor,
        device=spec.device,
        model_folder=model,
        facts={
            "dataset": spec.dataset,
            "source": folder.request().source,
            "earlier_audits": _undeclared(folder, spec),
        },
    )


def _undeclared(folder: JobFolder, spec: JobSpec) -> int:
    """How many finished audits of the same data did not declare this primary question.

    A question that is declared once results of the data are known is no longer declared
    beforehand, and the report says so.
    """
    if spec.audit.primary is None:
        return 0
    question = spec.audit.primary.model_dump(mode="json")
    return sum(
        _declares_another(JobFolder(path), spec.dataset, question)
        for path in folder.path.parent.iterdir()
        if folders.is_id(path.name)
        and folders.parent_of(path.name) is None
        and path.name != folder.id
    )


def _declares_another(other: JobFolder, dataset: str, question: Mapping[str, Any]) -> bool:
    """Whether a job is a finished audit of a dataset with no or another primary question."""
    outcome = other.outcome()
    if outcome is None or outcome.state != "succeeded":
        return False
    job = other.request().job
    return job.get("dataset") == dataset and (job.get("audit") or {}).get("primary") != question


def _merged(
    folder: JobFolder, spec: JobSpec, count: int, monitor: FolderMonitor, model: Path
) -> AuditResult:
    """Merge the parts of a sweep; the chosen number is evaluated again if no part chose it."""
    from fairaudit.jobs import sweep_parts
    from fairaudit.jobs.spec import JobSpec as Spec

    parts = [folder.part(number) for number in range(count)]
    results = [_result(part) for part in parts]
    number = sweep_parts.chosen(sweep_parts.by_number(results)["sweep"])
    chosen_part = sweep_parts.part_that_chose(results, number)
    if chosen_part is not None:
        if parts[chosen_part].model_path.is_dir():
            parts[chosen_part].check_result(model=True)
            shutil.copytree(parts[chosen_part].model_path, model)
        return sweep_parts.merge(results, results[chosen_part], spec.audit)
    assert number is not None
    alone = sweep_parts.with_numbers(folder.request().job, [number], n_bootstrap=0)
    base = _audited(folder, Spec.model_validate(alone), monitor, model)
    return sweep_parts.merge(results, base, spec.audit)


def _result(part: JobFolder) -> AuditResult:
    from fairaudit.audit.result import AuditResult

    part.check_result()
    return AuditResult.load(part.result_path)


def _spec(folder: JobFolder) -> JobSpec:
    from pydantic import ValidationError

    from fairaudit.jobs.spec import JobSpec

    try:
        return JobSpec.model_validate(folder.request().job)
    except ValidationError as error:
        raise IntegrityError(
            f"the request of job '{folder.id}' is not valid ({error}); submit it again"
        ) from error
