"""The one door to data sets and jobs: screens, command line and notebooks all enter here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairaudit.exceptions import InputError, JobError
from fairaudit.jobs import _disk, retention, sweep_scheduling
from fairaudit.jobs import folder as folders
from fairaudit.jobs.dataset_store import Shelf
from fairaudit.jobs.folder import JobFolder, Outcome, Request
from fairaudit.jobs.info import JobInfo, describe, told
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.permissions import Door
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.users import LOCAL, Access, Action, Person, Right, Role, Thing, TrailLine

if TYPE_CHECKING:
    import polars as pl

    from fairaudit.audit.result import AuditResult
    from fairaudit.data.store import DatasetInfo
    from fairaudit.jobs.spec import JobSpec


class Workspace:
    """A folder with data sets and jobs, as one person sees it.

    Parameters
    ----------
    root : Path or str
        Made when missing.
    user : Person or None
        None is the single local user, who may do everything.

    Notes
    -----
    Whatever a person has no right to looks exactly like something that does not exist:
    both raise `NotAllowed` with the same text.
    """

    def __init__(self, root: Path | str, user: Person | None = None) -> None:
        self.root = Path(root).expanduser().resolve()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"'{self.root}' cannot be a workspace ({error.strerror}); choose another folder"
            ) from error
        self.user = user or LOCAL
        self.ledger = Ledger(self.root)
        self._access = Access(self.root)
        self._door = Door(self.root, self._access, self.ledger, self.user)
        self._shelf = Shelf(self.root)

    # -- the person ---------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """Quota, limits and retention of this workspace."""
        return Settings.load(self.root)

    @property
    def role(self) -> Role | None:
        """What the person may do here: "viewer", "auditor", "admin" or nothing."""
        return self._door.role

    @property
    def cache_key(self) -> tuple[str, str]:
        """Part of every cache key on a screen, so that nobody sees another person's data."""
        return (str(self.root), self.user.key)

    def may(self, action: Action, kind: Thing, id: str) -> bool:
        """Whether the person may do `action` to a data set or job."""
        return self._door.may(action, kind, id)

    # -- data sets ----------------------------------------------------------------------------

    def ingest(self, source: bytes | Path | str, *, name: str, **options: Any) -> DatasetInfo:
        """Read a table or an archive of images once and keep it under its content's hash.

        Parameters
        ----------
        source : bytes, Path or str
        name : str
            What the person calls it.
        **options
            Those of `fairaudit.data.store.ingest`: `sheet`, `images`, `on_progress`.

        Raises
        ------
        InputError
            When the content cannot be read as a table; the text says why.
        LimitExceeded
            When the workspace is full.
        """
        self._door.need_deed("ingest")
        retention.need_room(self.root, self.settings)
        with self._shelf.read(source, name, **options) as fresh:
            retention.need_room(self.root, self.settings)  # what was just read counts as well
            with _disk.writing(self.root), self._shelf.still():
                info = self._shelf.put(fresh, name)
                self._access.own(self.user, "dataset", info.sha256, info.name)
        self._access.note(self.user, "ingest", "dataset", info.sha256, info.name)
        return info

    def datasets(self) -> list[DatasetInfo]:
        """Data sets the person owns or was shown, newest first."""
        return self._shelf.list(self._door.datasets())

    def dataset(self, id: str) -> pl.DataFrame:
        """The table of a data set, with the row ids made at ingestion."""
        self._door.need("open", "dataset", id)
        self._access.note(self.user, "open", "dataset", id)
        return self._shelf.load(id)

    def delete_dataset(self, id: str) -> None:
        """Remove a data set and every audit made of it.

        Where several people brought the same content, an owner removes their own, whoever
        manages it for an owner removes that owner's, and an admin removes it for all.
        """
        with self._shelf.still():
            self._door.need("delete", "dataset", id)
            gone = self._door.behalf("dataset", id)
            for owner in gone:
                self._access.disown(owner, "dataset", id)
            last = not self._access.owners("dataset", id)
            for entry in self.ledger.on_dataset(id):
                if last or entry.owner in gone:
                    self._delete(entry.id)
            if last:
                self._access.forget("dataset", id)
                self._shelf.delete(id)
        self._access.note(self.user, "delete", "dataset", id)

    # -- jobs ---------------------------------------------------------------------------------

    def submit(self, spec: JobSpec) -> str:
        """Queue a job; returns its id. A supervisor starts it.

        Raises
        ------
        NotAllowed
            When the person may not use the data set.
        LimitExceeded
            When the workspace is full.
        """
        request = self._request(spec)
        self._place(request, "queued")
        self._access.note(self.user, "run", "job", request.id, spec.dataset)
        return request.id

    def _place(self, request: Request, state: str) -> JobFolder:
        """Make the job known while its data cannot go away."""
        with _disk.writing(self.root), self._shelf.still():
            self._door.need("use", "dataset", str(request.job["dataset"]))
            if state == "running":  # first, or a supervisor that finds the folder starts it too
                self.ledger.add(request, state)
            try:
                folder = JobFolder.create(self.ledger.jobs, request)
            except OSError:
                self.ledger.forget(request.id)
                raise
            self.ledger.add(request, state)
        return folder

    def run_now(self, spec: JobSpec) -> str:
        """Run a job in this process and wait for it; returns its id.

        The job's state says how it ended; nothing is raised for a failed job.
        """
        from fairaudit.jobs.engines.inline import run_inline

        request = self._request(spec)
        folder = self._place(request, "running")
        self._access.note(self.user, "run", "job", request.id, spec.dataset)
        self.ledger.settle(request.id, run_inline(folder))
        if folder.delete_asked():  # by somebody else, while it ran
            self._delete(request.id)
        return request.id

    def run_again(self, id: str) -> str:
        """Queue the same work again, as the person's own job; returns the new id."""
        from fairaudit.jobs.spec import JobSpec

        self._door.need("open", "job", id)
        return self.submit(JobSpec.model_validate(self.ledger.folder(id).request().job))

    def spec(self, id: str) -> JobSpec:
        """What a job was asked to do."""
        from fairaudit.jobs.spec import JobSpec

        self._door.need("open", "job", id)
        return JobSpec.model_validate(self.ledger.folder(id).request().job)

    def jobs(self) -> list[JobInfo]:
        """Jobs the person owns or was shown, newest first; ended ones as the ledger knows them."""
        return [
            told(entry, mine=mine) if entry.final else self._info(entry, mine=mine)
            for entry, mine in reversed(self._door.jobs())
        ]

    def job(self, id: str) -> JobInfo:
        """One job."""
        entry = self._door.need("open", "job", id)
        return self._info(entry, mine=self._door.may("cancel", "job", id))

    def events(self, id: str, after: int = 0) -> list[dict[str, Any]]:
        """Progress events numbered above `after`, oldest first."""
        self._door.need("open", "job", id)
        return self.ledger.folder(id).events(after)

    def log(self, id: str) -> str:
        """What the worker printed."""
        self._door.need("open", "job", id)
        return self.ledger.folder(id).log()

    def cancel(self, id: str) -> None:
        """Ask a job to stop: kindly at first, firmly after the grace of the settings.

        Raises
        ------
        JobError
            When the job has ended already.
        """
        entry = self._door.need("cancel", "job", id)
        folder = self.ledger.folder(id)
        if folder.outcome() is not None:
            raise JobError(f"job '{id}' has ended already; there is nothing to cancel")
        with _disk.writing(self.root):
            folder.ask_cancel()
        self._access.note(self.user, "cancel", "job", id)
        if entry.state == "queued" and self.ledger.claim(id, None):
            sweep_scheduling.end(
                self.ledger, folder, Outcome("cancelled", "cancelled before it began")
            )

    def result(self, id: str) -> AuditResult:
        """What the audit found, after checking every file against its recorded hash.

        Raises
        ------
        JobError
            When the job has no result.
        IntegrityError
            When the stored result was changed or cut off.
        """
        from fairaudit.audit.result import AuditResult

        self._door.need("open", "job", id)
        folder = self.ledger.folder(id)
        folder.check_result()
        self._access.note(self.user, "open", "job", id)
        return AuditResult.load(folder.result_path)

    def model_folder(self, id: str) -> Path:
        """The folder of the fitted model, checked like `result`; empty where there is none."""
        self._door.need("open", "job", id)
        folder = self.ledger.folder(id)
        folder.check_result(model=True)
        return folder.model_path

    def delete(self, id: str) -> None:
        """Remove a job and everything made from it; a running one is stopped first."""
        self._door.need("delete", "job", id)
        self._delete(id)
        self._access.note(self.user, "delete", "job", id)

    def _delete(self, id: str) -> None:
        retention.delete_job(self.ledger, id)
        self._access.forget("job", id)

    def _info(self, entry: Entry, *, mine: bool) -> JobInfo:
        folder = self.ledger.folder(entry.id)
        rows = self.ledger.parts(entry.id) if entry.kind == "sweep" else []
        parts = [self.ledger.folder(row.id) for row in rows]
        return describe(entry, folder, parts, mine=mine)

    def _request(self, spec: JobSpec) -> Request:
        self._door.need_deed("submit")
        self._door.need("use", "dataset", spec.dataset)
        retention.need_room(self.root, self.settings)
        job = spec.model_dump(mode="json")
        limits = [m for m in (spec.memory_limit_mb, self.settings.memory_limit_mb) if m]
        job["memory_limit_mb"] = min(limits) if limits else None
        source = self._access.owned(self.user, "dataset").get(spec.dataset, "")
        return Request(folders.new_id(), self.user.key, time.time(), job, source)

    # -- taking out and bringing in -----------------------------------------------------------

    def export(self, id: str, path: Path | str) -> Path:
        """Write an audit as one file (`….zip`) or into a folder, with hashes of every file."""
        from fairaudit.jobs import export

        self._door.need("export", "job", id)
        folder = self.ledger.folder(id)
        folder.check_result()
        written = export.write(folder, Path(path))
        self._access.note(self.user, "export", "job", id, written.name)
        return written

    def record_export(self, id: str, what: str) -> None:
        """Note that the person takes `what` (a report, a table) of an audit out of the house.

        Raises
        ------
        NotAllowed
            When they may not: call this before handing anything out.
        """
        self._door.need("export", "job", id)
        self._access.note(self.user, "export", "job", id, what)

    def open_export(self, path: Path | str) -> AuditResult:
        """Read an exported audit without keeping it; every hash is checked."""
        from fairaudit.jobs import export

        return export.read(Path(path))

    def import_export(self, path: Path | str) -> str:
        """Keep an exported audit here as a finished job of this person; returns its id."""
        from fairaudit.jobs import export

        self._door.need_deed("ingest")
        retention.need_room(self.root, self.settings)
        with _disk.writing(self.root):
            request = export.keep(Path(path), self.ledger.jobs, self.user.key)
        self.ledger.discover()
        self._access.note(self.user, "import", "job", request.id)
        return request.id

    # -- people -------------------------------------------------------------------------------

    def share(self, kind: Thing, id: str, person: Person, right: Right | None = "view") -> None:
        """Let somebody view or manage a data set or job; None takes it back."""
        self._door.need("share", kind, id)
        self._access.share(kind, id, person, right, self._door.behalf(kind, id))
        self._access.note(self.user, "share", kind, id, f"{right}: {person.key}")

    def shares(self, kind: Thing, id: str) -> list[tuple[Person, Right]]:
        """With whom something is shared, by those for whom this person may share it."""
        self._door.need("share", kind, id)
        return self._access.shares(kind, id, self._door.behalf(kind, id))

    def people(self) -> list[tuple[Person, Role]]:
        """Everybody with a role; for admins."""
        self._door.need_deed("people")
        return self._access.people()

    def set_role(self, person: Person, role: Role | None) -> None:
        """Give or take a role; for admins."""
        self._door.need_deed("people")
        self._access.set_role(person, role)
        self._access.note(self.user, "role", "person", person.key, str(role))

    def trail(self, after: int = 0, limit: int = 1000) -> list[TrailLine]:
        """Who opened, ran, exported or deleted what; for admins."""
        self._door.need_deed("trail")
        return self._access.trail(after, limit)

    # -- upkeep -------------------------------------------------------------------------------

    def set_settings(self, settings: Settings) -> None:
        """Change quota, limits or retention; for admins."""
        self._door.need_deed("upkeep")
        settings.save(self.root)
        self._access.note(self.user, "settings", "workspace", "", settings.model_dump_json())

    def prune(self, older_than_days: float | None = None) -> retention.Pruned:
        """Remove old finished jobs and the data sets nobody uses any more."""
        self._door.need_deed("upkeep")
        kept = self.settings.retention_days if older_than_days is None else older_than_days
        pruned = retention.prune(self.root, kept)
        for job in pruned.jobs:
            self._access.note(self.user, "delete", "job", job, "retention")
        for dataset in pruned.datasets:
            self._access.note(self.user, "delete", "dataset", dataset, "unused")
        return pruned

    def usage_mb(self) -> float:
        """Megabytes of everything in the workspace."""
        return retention.used_mb(self.root)

    def check(self) -> list[str]:
        """Problems of the stored state in plain words, none when all is well."""
        self._door.need_deed("upkeep")
        return retention.problems(self.root)

    def rebuild(self) -> int:
        """Make the ledger again from the job folders; returns the number of jobs."""
        self._door.need_deed("upkeep")
        return retention.rebuild(self.root)
