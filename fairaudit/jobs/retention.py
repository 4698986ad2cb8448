"""Disk space and maintenance: quota, retention, deletion, integrity checks and rebuilding."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fairaudit.exceptions import FairauditError, JobError, LimitExceeded
from fairaudit.jobs import _disk
from fairaudit.jobs import folder as folders
from fairaudit.jobs.dataset_store import DatasetStore
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.users import Access

DAY = 86400.0
SUPERVISOR_LOCK = "supervisor.lock"
_BUSY = ("running", "doomed")


@dataclass(frozen=True)
class Pruned:
    """What `prune` removed."""

    jobs: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


def used_mb(root: Path) -> float:
    """Size of a workspace in megabytes."""
    return _disk.size(root) / 2**20


def check_quota(root: Path, settings: Settings) -> None:
    """Raise if the workspace has reached its quota.

    Raises
    ------
    LimitExceeded
    """
    quota = settings.disk_quota_mb
    if quota is not None and (used := used_mb(root)) >= quota:
        raise LimitExceeded(
            f"the workspace uses {used:.0f} MB of its {quota} MB; delete audits or datasets, "
            "run `fairaudit jobs --prune`, or raise disk_quota_mb"
        )


def delete_job(ledger: Ledger, id: str) -> None:
    """Delete a job and its parts; running ones are stopped and deleted when they have ended."""
    for entry in [*ledger.parts(id), ledger.get(id)]:
        if entry is None:
            continue
        folder = ledger.folder(entry.id)
        if entry.state == "queued" and ledger.claim(entry.id, None):
            folder.delete()
        elif entry.state in _BUSY and folder.exists and folder.outcome() is None:
            folder.request_cancel(then_delete=True)
            ledger.doom(entry.id)
            continue
        else:
            folder.delete()
        ledger.forget(entry.id)


def prune(root: Path, older_than_days: float | None) -> Pruned:
    """Delete finished jobs older than this, then datasets unused for as long.

    None deletes no job, and only datasets without an owner.
    """
    ledger, access, datasets = Ledger(root), Access(root), DatasetStore(root)
    ledger.discover()  # a job missing from the index still uses its dataset
    before = None if older_than_days is None else time.time() - older_than_days * DAY
    jobs = [e.id for e in ledger.all() if _is_old(e, before)]
    for job in jobs:
        delete_job(ledger, job)
        access.forget("job", job)
    with datasets.locked():
        unused = [d for d in sorted(datasets.ids()) if _is_unused(d, ledger, access, before)]
        for dataset in unused:
            access.forget("dataset", dataset)
            datasets.delete(dataset)
    return Pruned(tuple(jobs), tuple(unused))


def _is_old(entry: Entry, before: float | None) -> bool:
    return before is not None and entry.final and (entry.finished or entry.created) < before


def _is_unused(dataset: str, ledger: Ledger, access: Access, before: float | None) -> bool:
    if ledger.on_dataset(dataset):
        return False
    since = access.last_use(dataset)
    return since is None or (before is not None and since < before)


def rebuild(root: Path) -> int:
    """Recreate the ledger from the folders; returns the number of jobs.

    Raises
    ------
    JobError
        If a supervisor is running.
    """
    lock = FileLock(root / SUPERVISOR_LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JobError(
            "a supervisor is running in this workspace; stop it before rebuilding the ledger"
        ) from None
    try:
        return Ledger(root).rebuild()
    finally:
        lock.release()


def problems(root: Path) -> list[str]:
    """Problems of the stored state, as messages."""
    messages: list[str] = []
    try:
        Access(root).check_trail()
        messages += DatasetStore(root).problems()
        messages += _job_problems(Ledger(root))
    except FairauditError as error:
        messages.append(str(error))
    return messages


def _job_problems(ledger: Ledger) -> list[str]:
    messages = []
    for entry in ledger.all():
        folder = ledger.folder(entry.id)
        if not folder.exists:
            messages.append(
                f"job '{entry.id}' has lost its folder; run `fairaudit doctor --rebuild`"
            )
        elif entry.state == "succeeded":
            messages += _result_problems(folder)
    return messages


def _result_problems(folder: folders.JobFolder) -> list[str]:
    try:
        folder.check_result()
        folder.check_result(model=True)
    except FairauditError as error:
        return [str(error)]
    return []
