"""The ledger: an index of the job folders, and the place where jobs are claimed.

Where they differ, the folder is right; `Ledger.rebuild` recreates the ledger from the folders.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairaudit.exceptions import IntegrityError
from fairaudit.jobs import folder as folders
from fairaudit.jobs._db import Database
from fairaudit.jobs.folder import JobFolder, Outcome, Request

LEDGER = "ledger.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    dataset TEXT NOT NULL,
    device TEXT NOT NULL,
    created REAL NOT NULL,
    state TEXT NOT NULL,
    slot TEXT,
    turn INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    passed INTEGER NOT NULL DEFAULT 0,
    started REAL,
    finished REAL,
    reason TEXT,
    seconds REAL,
    peak_mb REAL
);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state);
CREATE INDEX IF NOT EXISTS jobs_dataset ON jobs (dataset);
"""


@dataclass(frozen=True)
class Entry:
    """One row of the ledger; states are queued, running, succeeded, failed, cancelled, doomed.

    A doomed job is deleted as soon as it has stopped; it is no longer shown.
    """

    seq: int
    id: str
    owner: str
    title: str
    kind: str
    method: str
    dataset: str
    device: str
    created: float
    state: str
    slot: str | None
    turn: int
    tries: int
    passed: int
    started: float | None
    finished: float | None
    reason: str | None
    seconds: float | None
    peak_mb: float | None

    @property
    def final(self) -> bool:
        return self.state in folders.FINAL


class Ledger:
    """The index of a workspace's jobs.

    Parameters
    ----------
    root : Path
        The workspace; job folders are in `root/jobs`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.jobs = root / "jobs"
        self._db = _index(root / LEDGER)

    def folder(self, job: str) -> JobFolder:
        """The folder of a job whose id is well formed."""
        return JobFolder(self.jobs / job)

    # -- reading ------------------------------------------------------------------------------

    def get(self, job: str) -> Entry | None:
        """The entry of a job, or None."""
        entries = self._select("WHERE id = ?", (job,))
        return entries[0] if entries else None

    def all(self) -> list[Entry]:
        """All entries, oldest first."""
        return self._select("ORDER BY seq")

    def in_state(self, *states: str) -> list[Entry]:
        """Entries in one of these states, oldest first."""
        marks = ", ".join("?" * len(states))
        return self._select(f"WHERE state IN ({marks}) ORDER BY seq", states)

    def on_dataset(self, dataset: str) -> list[Entry]:
        """Entries of the jobs on a dataset."""
        return self._select("WHERE dataset = ? ORDER BY seq", (dataset,))

    def parts(self, job: str) -> list[Entry]:
        """Entries of the parts of a job."""
        return self._select("WHERE id GLOB ? || '.*' ORDER BY seq", (job,))

    def turns(self) -> dict[str, int]:
        """For each owner, the turn (number of starts so far) of their most recent start."""
        with self._db.reading() as db:
            rows = db.execute("SELECT owner, MAX(turn) FROM jobs GROUP BY owner").fetchall()
        return {row[0]: row[1] for row in rows}

    def ids(self) -> set[str]:
        """Ids of all jobs."""
        with self._db.reading() as db:
            return {row[0] for row in db.execute("SELECT id FROM jobs")}

    def _select(self, where: str, values: Iterable[Any] = ()) -> list[Entry]:
        with self._db.reading() as db:
            rows = db.execute(f"SELECT * FROM jobs {where}", tuple(values)).fetchall()  # noqa: S608
        return [Entry(**dict(row)) for row in rows]

    # -- writing ------------------------------------------------------------------------------

    def add(self, request: Request, state: str = "queued") -> None:
        """Index a new job; a known job is left unchanged."""
        with self._db.writing() as db:
            _insert(db, _row(request, state))

    def claim(self, job: str, slot: str | None) -> bool:
        """Mark a queued job as running; False if another process was faster."""
        with self._db.writing() as db:
            claimed = db.execute(
                "UPDATE jobs SET state = 'running', slot = ?, tries = tries + 1,"
                " turn = (SELECT COALESCE(MAX(turn), 0) + 1 FROM jobs)"
                " WHERE id = ? AND state = 'queued'",
                (slot, job),
            ).rowcount
            if claimed:
                db.execute(
                    "UPDATE jobs SET passed = passed + 1 WHERE state = 'queued'"
                    " AND owner = (SELECT owner FROM jobs WHERE id = ?1)"
                    " AND seq < (SELECT seq FROM jobs WHERE id = ?1)",
                    (job,),
                )
        return bool(claimed)

    def mark_started(self, job: str, when: float) -> None:
        """Record the time of the worker's first event."""
        self._set(job, "started = ?", when)

    def requeue(self, job: str) -> None:
        """Put a claimed job that never started back into the queue."""
        with self._db.writing() as db:
            db.execute(
                "UPDATE jobs SET state = 'queued', slot = NULL WHERE id = ? AND state = 'running'",
                (job,),
            )

    def settle(self, job: str, outcome: Outcome) -> None:
        """Record the outcome of a job; a doomed job stays doomed."""
        first = self.folder(job).first_event()
        self._set(
            job,
            "state = CASE state WHEN 'doomed' THEN state ELSE ? END, reason = ?, finished = ?,"
            " seconds = ?, peak_mb = ?, slot = NULL,"
            " started = COALESCE(started, ?)",
            outcome.state,
            outcome.reason,
            outcome.finished,
            outcome.seconds,
            outcome.peak_mb,
            None if first is None else first.get("t"),
        )

    def doom(self, job: str) -> None:
        """Hide a running job that is deleted once it has stopped."""
        self._set(job, "state = 'doomed'")

    def forget(self, job: str) -> None:
        """Remove the entries of a job and its parts."""
        with self._db.writing() as db:
            db.execute("DELETE FROM jobs WHERE id = ?1 OR id GLOB ?1 || '.*'", (job,))

    def _set(self, job: str, assignments: str, *values: Any) -> None:
        with self._db.writing() as db:
            db.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*values, job))  # noqa: S608

    # -- agreement with the folders -----------------------------------------------------------

    def discover(self) -> list[str]:
        """Index folders that are not in the ledger; returns their ids."""
        missing = sorted(self._on_disk() - self.ids())
        if missing:
            rows = [_row_of(self.folder(job)) for job in missing]
            with self._db.writing() as db:
                for row in rows:
                    _insert(db, row)
        return missing

    def rebuild(self) -> int:
        """Recreate the ledger from the folders; returns the number of jobs.

        Only while no supervisor is running. A damaged file is renamed, not removed.
        """
        try:
            lost = sorted(self.ids() - self._on_disk())
        except (IntegrityError, sqlite3.DatabaseError):
            self._set_aside()
            lost = []
        for job in lost:
            self.forget(job)
        self.discover()
        for entry in self.all():
            self._reconcile(entry)
        return len(self.ids())

    def _reconcile(self, entry: Entry) -> None:
        outcome = self.folder(entry.id).outcome()
        if entry.state == "doomed":
            return
        if outcome is not None and outcome.state != entry.state:
            self.settle(entry.id, outcome)
        elif outcome is None and entry.final:
            self._set(entry.id, "state = ?, reason = NULL", _open_state(self.folder(entry.id)))

    def _set_aside(self) -> None:
        damaged = self.root / LEDGER
        with contextlib.suppress(FileNotFoundError):
            damaged.replace(damaged.with_name(f"{LEDGER}.broken"))
        for suffix in ("-wal", "-shm"):
            (self.root / f"{LEDGER}{suffix}").unlink(missing_ok=True)
        self._db = _index(damaged)

    def _on_disk(self) -> set[str]:
        if not self.jobs.is_dir():
            return set()
        return {entry.name for entry in self.jobs.iterdir() if folders.is_id(entry.name)}


def _index(path: Path) -> Database:
    return Database(path, _SCHEMA, "run `fairaudit doctor --rebuild`", durable=False)


def _insert(db: sqlite3.Connection, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join("?" * len(row))
    db.execute(
        f"INSERT OR IGNORE INTO jobs ({names}) VALUES ({values})",  # noqa: S608 (names are ours)
        tuple(row.values()),
    )


def _row(request: Request, state: str) -> dict[str, Any]:
    audit = request.job.get("audit", {})
    return {
        "id": request.id,
        "owner": request.owner,
        "title": str(audit.get("title") or audit.get("method") or ""),
        "kind": str(audit.get("kind", "train")),
        "method": str(audit.get("method", "")),
        "dataset": str(request.job.get("dataset", "")),
        "device": str(request.job.get("device", "auto")),
        "created": request.created,
        "state": state,
    }


def _row_of(folder: JobFolder) -> dict[str, Any]:
    """The row of a folder on disk, with its outcome if it has one.

    A folder that is to be deleted is doomed, whatever its outcome.
    """
    try:
        request = folder.request()
    except IntegrityError:  # the supervisor settles it as failed, with the reason
        request = Request(folder.id, "", 0.0, {})
    outcome = folder.outcome()
    if folder.delete_requested():
        return _row(request, "doomed")
    if outcome is None:
        return _row(request, _open_state(folder))
    return {
        **_row(request, outcome.state),
        "reason": outcome.reason,
        "finished": outcome.finished,
        "seconds": outcome.seconds,
        "peak_mb": outcome.peak_mb,
    }


def _open_state(folder: JobFolder) -> str:
    started = folder.first_event() is not None or folder.is_locked()
    return "running" if started else "queued"
