"""The real work of a job: load the data, run the audit (or merge its parts), save the result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fairaudit.exceptions import IntegrityError
from fairaudit.jobs import folder as folders
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor
from fairaudit.jobs.shelf import Shelf

if TYPE_CHECKING:
    from fairaudit.audit.result import AuditResult
    from fairaudit.jobs.spec import JobSpec


def audit(folder: JobFolder, monitor: FolderMonitor, aside: Path, model: Path) -> None:
    """Compute an audit and write it aside."""
    parts = folder.parts()
    result = _merged(folder, len(parts)) if parts else _audited(folder, monitor, model)
    monitor.start("saving")
    result.save(aside)
    monitor.end()


def _audited(folder: JobFolder, monitor: FolderMonitor, model: Path) -> AuditResult:
    monitor.start("loading")
    spec = _spec(folder)
    from fairaudit.audit.run import run_audit
    from fairaudit.data.dataset import Dataset
    from fairaudit.data.images import ImageStore

    shelf = Shelf(folder.path.parent.parent)
    images = shelf.images(spec.dataset)
    store = None if images is None else ImageStore(images)
    dataset = Dataset(shelf.load(spec.dataset), spec.audit.roles, store)
    monitor.end()
    return run_audit(dataset, spec.audit, monitor=monitor, device=spec.device, model_folder=model)


def _merged(folder: JobFolder, count: int) -> AuditResult:
    from fairaudit.jobs.shards import merge

    return merge([_part(folder, number) for number in range(count)])


def _part(folder: JobFolder, number: int) -> AuditResult:
    from fairaudit.audit.result import AuditResult

    part = JobFolder(folder.path.with_name(folders.part_id(folder.id, number)))
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
