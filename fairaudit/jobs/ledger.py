"""The ledger: an index over the job folders and the one place where a job is claimed.

On conflict the folder wins; `Ledger.rebuild` makes the ledger again from the folders.
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

    A doomed job still runs, is asked to stop, and vanishes then; nobody is shown it.
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
        The workspace; job folders lie in `root/jobs`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.jobs = root / "jobs"
        self._db = _index(root / LEDGER)

    def folder(self, job: str) -> JobFolder:
        """The folder of a job whose id is known to be well formed."""
        return JobFolder(self.jobs / job)

    # -- reading ------------------------------------------------------------------------------

    def get(self, job: str) -> Entry | None:
        """One row, None when the ledger does not know the job."""
        found = self._select("WHERE id = ?", (job,))
        return found[0] if found else None

    def all(self) -> list[Entry]:
        """Every row, oldest first."""
        return self._select("ORDER BY seq")

    def in_state(self, *states: str) -> list[Entry]:
        """Rows in one of these states, oldest first."""
        marks = ", ".join("?" * len(states))
        return self._select(f"WHERE state IN ({marks}) ORDER BY seq", states)

    def on_dataset(self, dataset: str) -> list[Entry]:
        """Rows of the jobs that use a data set."""
        return self._select("WHERE dataset = ? ORDER BY seq", (dataset,))

    def parts(self, job: str) -> list[Entry]:
        """Rows of the parts of a job."""
        return self._select("WHERE id GLOB ? || '.*' ORDER BY seq", (job,))

    def turns(self) -> dict[str, int]:
        """For each owner, when (counted in starts) one of their jobs was started last."""
        with self._db.reading() as db:
            rows = db.execute("SELECT owner, MAX(turn) FROM jobs GROUP BY owner").fetchall()
        return {row[0]: row[1] for row in rows}

    def ids(self) -> set[str]:
        """Ids of all rows."""
        with self._db.reading() as db:
            return {row[0] for row in db.execute("SELECT id FROM jobs")}

    def _select(self, where: str, values: Iterable[Any] = ()) -> list[Entry]:
        with self._db.reading() as db:
            rows = db.execute(f"SELECT * FROM jobs {where}", tuple(values)).fetchall()  # noqa: S608
        return [Entry(**dict(row)) for row in rows]

    # -- writing ------------------------------------------------------------------------------

    def add(self, request: Request, state: str = "queued") -> None:
        """Index a new job; a job that is known already is left as it is."""
        with self._db.writing() as db:
            _insert(db, _row(request, state))

    def claim(self, job: str, slot: str | None) -> bool:
        """Make a queued job running; False when somebody else was faster."""
        with self._db.writing() as db:
            done = db.execute(
                "UPDATE jobs SET state = 'running', slot = ?, tries = tries + 1,"
                " turn = (SELECT COALESCE(MAX(turn), 0) + 1 FROM jobs)"
                " WHERE id = ? AND state = 'queued'",
                (slot, job),
            ).rowcount
            if done:
                db.execute(
                    "UPDATE jobs SET passed = passed + 1 WHERE state = 'queued'"
                    " AND owner = (SELECT owner FROM jobs WHERE id = ?1)"
                    " AND seq < (SELECT seq FROM jobs WHERE id = ?1)",
                    (job,),
                )
        return bool(done)

    def began(self, job: str, when: float) -> None:
        """Note when the worker's first event was written."""
        self._set(job, "started = ?", when)

    def wait_again(self, job: str) -> None:
        """Put a claimed job that never began back into the queue."""
        with self._db.writing() as db:
            db.execute(
                "UPDATE jobs SET state = 'queued', slot = NULL WHERE id = ? AND state = 'running'",
                (job,),
            )

    def settle(self, job: str, outcome: Outcome) -> None:
        """Copy how the job ended from its folder; a doomed one stays doomed."""
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
        """Hide a running job that vanishes once it has stopped."""
        self._set(job, "state = 'doomed'")

    def forget(self, job: str) -> None:
        """Drop the row of a job and of its parts."""
        with self._db.writing() as db:
            db.execute("DELETE FROM jobs WHERE id = ?1 OR id GLOB ?1 || '.*'", (job,))

    def _set(self, job: str, assignments: str, *values: Any) -> None:
        with self._db.writing() as db:
            db.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*values, job))  # noqa: S608

    # -- the folders win ----------------------------------------------------------------------

    def discover(self) -> list[str]:
        """Index folders the ledger does not know; returns their ids."""
        missing = sorted(self._on_disk() - self.ids())
        if missing:
            rows = [_row_of(self.folder(job)) for job in missing]
            with self._db.writing() as db:
                for row in rows:
                    _insert(db, row)
        return missing

    def rebuild(self) -> int:
        """Make the ledger again from the folders; returns the number of jobs.

        Only while no supervisor runs. A broken file is put aside, not removed.
        """
        try:
            lost = sorted(self.ids() - self._on_disk())
        except (IntegrityError, sqlite3.DatabaseError):
            self._put_aside()
            lost = []
        for job in lost:
            self.forget(job)
        self.discover()
        for entry in self.all():
            self._agree(entry)
        return len(self.ids())

    def _agree(self, entry: Entry) -> None:
        outcome = self.folder(entry.id).outcome()
        if entry.state == "doomed":
            return
        if outcome is not None and outcome.state != entry.state:
            self.settle(entry.id, outcome)
        elif outcome is None and entry.final:
            self._set(entry.id, "state = ?, reason = NULL", _open_state(self.folder(entry.id)))

    def _put_aside(self) -> None:
        broken = self.root / LEDGER
        with contextlib.suppress(FileNotFoundError):
            broken.replace(broken.with_name(f"{LEDGER}.broken"))
        for suffix in ("-wal", "-shm"):
            (self.root / f"{LEDGER}{suffix}").unlink(missing_ok=True)
        self._db = _index(broken)

    def _on_disk(self) -> set[str]:
        if not self.jobs.is_dir():
            return set()
        return {entry.name for entry in self.jobs.iterdir() if folders.is_id(entry.name)}


def _index(path: Path) -> Database:
    return Database(path, _SCHEMA, "run `fairaudit doctor --rebuild`", durable=False)


def _insert(db: sqlite3.Connection, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    db.execute(
        f"INSERT OR IGNORE INTO jobs ({names}) VALUES ({marks})",  # noqa: S608 (names are ours)
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
    """The row of a folder found on disk, with its outcome where it has one.

    A folder that waits for its removal is doomed, whatever its outcome.
    """
    try:
        request = folder.request()
    except IntegrityError:  # settled as failed by the supervisor, with the reason
        request = Request(folder.id, "", 0.0, {})
    outcome = folder.outcome()
    if folder.delete_asked():
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
    begun = folder.first_event() is not None or folder.held()
    return "running" if begun else "queued"
