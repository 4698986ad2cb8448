"""Room on the disk: quota, retention, removal of what is derived, and mending after a crash."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fairaudit.exceptions import FairauditError, JobError, LimitExceeded
from fairaudit.jobs import _disk
from fairaudit.jobs import folder as folders
from fairaudit.jobs.dataset_store import Shelf
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
    """Megabytes of everything in a workspace."""
    return _disk.size(root) / 2**20


def need_room(root: Path, settings: Settings) -> None:
    """Raise when the workspace is at its quota.

    Raises
    ------
    LimitExceeded
    """
    quota = settings.disk_quota_mb
    if quota is not None and (used := used_mb(root)) >= quota:
        raise LimitExceeded(
            f"the workspace uses {used:.0f} MB of its {quota} MB; delete audits or data sets, "
            "run `fairaudit jobs --prune`, or raise disk_quota_mb"
        )


def delete_job(ledger: Ledger, id: str) -> None:
    """Remove a job and its parts; what still runs is stopped and goes when it has ended."""
    for entry in [*ledger.parts(id), ledger.get(id)]:
        if entry is None:
            continue
        folder = ledger.folder(entry.id)
        if entry.state == "queued" and ledger.claim(entry.id, None):
            folder.delete()
        elif entry.state in _BUSY and folder.exists and folder.outcome() is None:
            folder.ask_cancel(then_delete=True)
            ledger.doom(entry.id)
            continue
        else:
            folder.delete()
        ledger.forget(entry.id)


def prune(root: Path, older_than_days: float | None) -> Pruned:
    """Remove finished jobs older than this, then data sets without an audit as old as that.

    None removes no job, and only data sets nobody owns.
    """
    ledger, access, shelf = Ledger(root), Access(root), Shelf(root)
    ledger.discover()  # a job the index lost still uses its data
    before = None if older_than_days is None else time.time() - older_than_days * DAY
    jobs = [e.id for e in ledger.all() if _is_old(e, before)]
    for job in jobs:
        delete_job(ledger, job)
        access.forget("job", job)
    with shelf.still():
        unused = [d for d in sorted(shelf.ids()) if _is_unused(d, ledger, access, before)]
        for dataset in unused:
            access.forget("dataset", dataset)
            shelf.delete(dataset)
    return Pruned(tuple(jobs), tuple(unused))


def _is_old(entry: Entry, before: float | None) -> bool:
    return before is not None and entry.final and (entry.finished or entry.created) < before


def _is_unused(dataset: str, ledger: Ledger, access: Access, before: float | None) -> bool:
    if ledger.on_dataset(dataset):
        return False
    since = access.last_use(dataset)
    return since is None or (before is not None and since < before)


def rebuild(root: Path) -> int:
    """Make the ledger again from the folders; returns the number of jobs.

    Raises
    ------
    JobError
        When a supervisor is at work.
    """
    lock = FileLock(root / SUPERVISOR_LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JobError(
            "a supervisor is at work in this workspace; stop it before rebuilding the ledger"
        ) from None
    try:
        return Ledger(root).rebuild()
    finally:
        lock.release()


def problems(root: Path) -> list[str]:
    """What is wrong with the stored state, in plain words."""
    found: list[str] = []
    try:
        Access(root).check_trail()
        found += Shelf(root).problems()
        found += _job_problems(Ledger(root))
    except FairauditError as error:
        found.append(str(error))
    return found


def _job_problems(ledger: Ledger) -> list[str]:
    found = []
    for entry in ledger.all():
        folder = ledger.folder(entry.id)
        if not folder.exists:
            found.append(f"job '{entry.id}' has lost its folder; run `fairaudit doctor --rebuild`")
        elif entry.state == "succeeded":
            found += _result_problems(folder)
    return found


def _result_problems(folder: folders.JobFolder) -> list[str]:
    try:
        folder.check_result()
        folder.check_result(model=True)
    except FairauditError as error:
        return [str(error)]
    return []
