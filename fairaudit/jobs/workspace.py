"""The entry point to datasets and jobs, for screens, the command line and notebooks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairaudit.exceptions import InputError, JobError
from fairaudit.jobs import _disk, retention, sweep_scheduling
from fairaudit.jobs import folder as folders
from fairaudit.jobs.dataset_store import DatasetStore
from fairaudit.jobs.folder import JobFolder, Outcome, Request
from fairaudit.jobs.info import JobInfo, describe, from_ledger
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.permissions import Permissions
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.users import LOCAL, Access, Action, Person, Resource, Right, Role, TrailLine

if TYPE_CHECKING:
    import polars as pl

    from fairaudit.audit.result import AuditResult
    from fairaudit.data.images import ImageStore
    from fairaudit.data.reading.options import ReadingOptions
    from fairaudit.data.reread import ReadingChoices
    from fairaudit.data.store import DatasetInfo
    from fairaudit.jobs.spec import JobSpec


class Workspace:
    """A folder with datasets and jobs, as one user sees it.

    Parameters
    ----------
    root : Path or str
        Created if missing.
    user : Person or None
        None means the single local user, who may do everything.

    Notes
    -----
    A resource that the user may not access is indistinguishable from one that does not exist:
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
        self._permissions = Permissions(self.root, self._access, self.ledger, self.user)
        self._datasets = DatasetStore(self.root)

    # -- the user -----------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """Quota, limits and retention of this workspace."""
        return Settings.load(self.root)

    @property
    def role(self) -> Role | None:
        """The user's role: "viewer", "auditor", "admin" or None."""
        return self._permissions.role

    @property
    def cache_key(self) -> tuple[str, str]:
        """Part of every cache key of a screen, so that users never see each other's data."""
        return (str(self.root), self.user.key)

    def may(self, action: Action, kind: Resource, id: str) -> bool:
        """Whether the user may perform `action` on a dataset or job."""
        return self._permissions.may(action, kind, id)

    # -- datasets -----------------------------------------------------------------------------

    def ingest(
        self,
        source: bytes | Path | str,
        *,
        name: str,
        keep_source: bool = False,
        **options: Any,
    ) -> DatasetInfo:
        """Read a table or images and store them under the hash of their content.

        Parameters
        ----------
        source : bytes, Path or str
        name : str
            The user's name for it.
        keep_source : bool
            Keep the file of a text table or workbook too, so that `read_again` can read it in
            another way; it is deleted with the dataset.
        **options
            Those of `fairaudit.data.store.ingest`: `options` or single reading options such as
            `sheet` and `encoding`, `images`, `on_progress`.

        Raises
        ------
        InputError
            If the content cannot be read as a table; the text gives the reason.
        LimitExceeded
            If the workspace is full.
        """
        self._permissions.require_on_workspace("ingest")
        retention.check_quota(self.root, self.settings)
        with self._datasets.read(source, name, **options) as fresh:
            retention.check_quota(self.root, self.settings)  # including what was just read
            with _disk.writing(self.root), self._datasets.locked():
                info = self._datasets.put(fresh, name)
                if keep_source and not isinstance(source, str):
                    self._datasets.keep_source(info.sha256, source)
                self._access.make_owner(self.user, "dataset", info.sha256, info.name)
        self._access.note(self.user, "ingest", "dataset", info.sha256, info.name)
        return info

    def read_again(self, id: str, options: ReadingOptions) -> DatasetInfo:
        """Read the file of a dataset with other options: another dataset of the same name.

        Raises
        ------
        InputError
            If its file was not kept, or cannot be read in this way.
        """
        self._permissions.require("open", "dataset", id)
        name = next((info.name for info in self.datasets() if info.sha256 == id), "")
        source = self._datasets.source(id)
        if source is None:
            raise InputError("the file of this dataset was not kept; upload it again")
        return self.ingest(source, name=name, keep_source=True, options=options)

    def keeps_source(self, id: str) -> bool:
        """Whether a dataset's file was kept, so that it can be read in another way."""
        return self.may("open", "dataset", id) and self._datasets.source(id) is not None

    def reading_choices(self, id: str) -> ReadingChoices | None:
        """What may be chosen about how a dataset's file is read; None if it was not kept."""
        self._permissions.require("open", "dataset", id)
        return self._datasets.choices(id)

    def datasets(self) -> list[DatasetInfo]:
        """Datasets that the user owns or has access to, newest first."""
        return self._datasets.list(self._permissions.datasets())

    def dataset(self, id: str) -> pl.DataFrame:
        """The table of a dataset, with the row ids created at ingestion."""
        self._permissions.require("open", "dataset", id)
        self._access.note(self.user, "open", "dataset", id)
        return self._datasets.load(id)

    def images(self, id: str) -> ImageStore | None:
        """The stored images of a dataset, image i of row id i; None for a table without any."""
        from fairaudit.data.images import ImageStore

        self._permissions.require("open", "dataset", id)
        self._access.note(self.user, "open", "dataset", id)
        path = self._datasets.images(id)
        return None if path is None else ImageStore(path)

    def delete_dataset(self, id: str) -> None:
        """Delete a dataset and every audit of it.

        If several users uploaded the same content, an owner deletes their own copy, a user who
        manages it for an owner deletes that owner's, and an admin deletes it for all.
        """
        with self._datasets.locked():
            self._permissions.require("delete", "dataset", id)
            owners = self._permissions.managed_owners("dataset", id)
            for owner in owners:
                self._access.disown(owner, "dataset", id)
            last = not self._access.owners("dataset", id)
            for entry in self.ledger.on_dataset(id):
                if last or entry.owner in owners:
                    self._delete(entry.id)
            if last:
                self._access.forget("dataset", id)
                self._datasets.delete(id)
        self._access.note(self.user, "delete", "dataset", id)

    # -- jobs ---------------------------------------------------------------------------------

    def submit(self, spec: JobSpec) -> str:
        """Queue a job for the supervisor; returns its id.

        Raises
        ------
        NotAllowed
            If the user may not use the dataset.
        LimitExceeded
            If the workspace is full.
        """
        request = self._request(spec)
        self._create(request, "queued")
        self._access.note(self.user, "run", "job", request.id, spec.dataset)
        return request.id

    def _create(self, request: Request, state: str) -> JobFolder:
        """Create the job while its dataset cannot be removed."""
        with _disk.writing(self.root), self._datasets.locked():
            self._permissions.require("use", "dataset", str(request.job["dataset"]))
            if state == "running":  # before the folder exists, or a supervisor would start it too
                self.ledger.add(request, state)
            try:
                folder = JobFolder.create(self.ledger.jobs, request)
            except OSError:
                self.ledger.forget(request.id)
                raise
            self.ledger.add(request, state)
        return folder

    def run_now(self, spec: JobSpec) -> str:
        """Run a job in this process; returns its id when it has ended.

        The job's state is its outcome; a failed job does not raise.
        """
        from fairaudit.jobs.engines.inline import run_inline

        request = self._request(spec)
        folder = self._create(request, "running")
        self._access.note(self.user, "run", "job", request.id, spec.dataset)
        self.ledger.settle(request.id, run_inline(folder))
        if folder.delete_requested():  # by another user, while it was running
            self._delete(request.id)
        return request.id

    def run_again(self, id: str) -> str:
        """Queue the same request again, as the user's own job; returns the new id."""
        from fairaudit.jobs.spec import JobSpec

        self._permissions.require("open", "job", id)
        return self.submit(JobSpec.model_validate(self.ledger.folder(id).request().job))

    def spec(self, id: str) -> JobSpec:
        """The specification of a job."""
        from fairaudit.jobs.spec import JobSpec

        self._permissions.require("open", "job", id)
        return JobSpec.model_validate(self.ledger.folder(id).request().job)

    def jobs(self) -> list[JobInfo]:
        """Jobs that the user owns or has access to, newest first."""
        return [
            from_ledger(entry, mine=mine) if entry.final else self._info(entry, mine=mine)
            for entry, mine in reversed(self._permissions.jobs())
        ]

    def job(self, id: str) -> JobInfo:
        """One job."""
        entry = self._permissions.require("open", "job", id)
        return self._info(entry, mine=self._permissions.may("cancel", "job", id))

    def events(self, id: str, after: int = 0) -> list[dict[str, Any]]:
        """Progress events numbered above `after`, oldest first."""
        self._permissions.require("open", "job", id)
        return self.ledger.folder(id).events(after)

    def log(self, id: str) -> str:
        """The output of the worker."""
        self._permissions.require("open", "job", id)
        return self.ledger.folder(id).log()

    def cancel(self, id: str) -> None:
        """Ask a job to stop; it is killed after the grace period of the settings.

        Raises
        ------
        JobError
            If the job has already ended.
        """
        entry = self._permissions.require("cancel", "job", id)
        folder = self.ledger.folder(id)
        if folder.outcome() is not None:
            raise JobError(f"job '{id}' has already ended; there is nothing to cancel")
        with _disk.writing(self.root):
            folder.request_cancel()
        self._access.note(self.user, "cancel", "job", id)
        if entry.state == "queued" and self.ledger.claim(id, None):
            sweep_scheduling.end(
                self.ledger, folder, Outcome("cancelled", "cancelled before it started")
            )

    def result(self, id: str) -> AuditResult:
        """The result of an audit, after checking every file against its recorded hash.

        Raises
        ------
        JobError
            If the job has no result.
        IntegrityError
            If the stored result was changed or truncated.
        """
        from fairaudit.audit.result import AuditResult

        self._permissions.require("open", "job", id)
        folder = self.ledger.folder(id)
        folder.check_result()
        self._access.note(self.user, "open", "job", id)
        return AuditResult.load(folder.result_path)

    def model_folder(self, id: str) -> Path:
        """The folder of the fitted model, checked like `result`; missing if there is none."""
        self._permissions.require("open", "job", id)
        folder = self.ledger.folder(id)
        folder.check_result(model=True)
        return folder.model_path

    def delete(self, id: str) -> None:
        """Delete a job and everything derived from it; a running one is stopped first."""
        self._permissions.require("delete", "job", id)
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
        self._permissions.require_on_workspace("submit")
        self._permissions.require("use", "dataset", spec.dataset)
        retention.check_quota(self.root, self.settings)
        job = spec.model_dump(mode="json")
        job["audit"]["reading"] = self._datasets.reading(spec.dataset)  # for `repeat`
        limits = [m for m in (spec.memory_limit_mb, self.settings.memory_limit_mb) if m]
        job["memory_limit_mb"] = min(limits) if limits else None
        source = self._access.owned(self.user, "dataset").get(spec.dataset, "")
        return Request(folders.new_id(), self.user.key, time.time(), job, source)

    # -- export and import --------------------------------------------------------------------

    def export(self, id: str, path: Path | str) -> Path:
        """Write an audit to one file (`….zip`) or a folder, with the hash of every file."""
        from fairaudit.jobs import export

        self._permissions.require("export", "job", id)
        folder = self.ledger.folder(id)
        folder.check_result()
        written = export.write(folder, Path(path))
        self._access.note(self.user, "export", "job", id, written.name)
        return written

    def record_export(self, id: str, what: str) -> None:
        """Log that the user exports `what` (a report, a table) of an audit.

        Raises
        ------
        NotAllowed
            If the user may not export it; so call this before providing the download.
        """
        self._permissions.require("export", "job", id)
        self._access.note(self.user, "export", "job", id, what)

    def open_export(self, path: Path | str) -> AuditResult:
        """Read an exported audit without importing it; every hash is checked."""
        from fairaudit.jobs import export

        return export.read(Path(path))

    def import_export(self, path: Path | str) -> str:
        """Import an exported audit as a finished job of the user; returns its id."""
        from fairaudit.jobs import export

        self._permissions.require_on_workspace("ingest")
        retention.check_quota(self.root, self.settings)
        with _disk.writing(self.root):
            request = export.import_audit(Path(path), self.ledger.jobs, self.user.key)
        self.ledger.discover()
        self._access.note(self.user, "import", "job", request.id)
        return request.id

    # -- users --------------------------------------------------------------------------------

    def share(self, kind: Resource, id: str, person: Person, right: Right | None = "view") -> None:
        """Let another user view or manage a dataset or job; None revokes it."""
        self._permissions.require("share", kind, id)
        self._access.share(kind, id, person, right, self._permissions.managed_owners(kind, id))
        self._access.note(self.user, "share", kind, id, f"{right}: {person.key}")

    def shares(self, kind: Resource, id: str) -> list[tuple[Person, Right]]:
        """The users with whom a resource is shared, by owners for whom the user may share it."""
        self._permissions.require("share", kind, id)
        return self._access.shares(kind, id, self._permissions.managed_owners(kind, id))

    def people(self) -> list[tuple[Person, Role]]:
        """All users with a role; for admins."""
        self._permissions.require_on_workspace("people")
        return self._access.people()

    def set_role(self, person: Person, role: Role | None) -> None:
        """Set or remove a role; for admins."""
        self._permissions.require_on_workspace("people")
        self._access.set_role(person, role)
        self._access.note(self.user, "role", "person", person.key, str(role))

    def trail(self, after: int = 0, limit: int = 1000) -> list[TrailLine]:
        """The activity log: who opened, ran, exported or deleted what; for admins."""
        self._permissions.require_on_workspace("trail")
        return self._access.trail(after, limit)

    # -- maintenance --------------------------------------------------------------------------

    def set_settings(self, settings: Settings) -> None:
        """Change quota, limits or retention; for admins."""
        self._permissions.require_on_workspace("upkeep")
        settings.save(self.root)
        self._access.note(self.user, "settings", "workspace", "", settings.model_dump_json())

    def prune(self, older_than_days: float | None = None) -> retention.Pruned:
        """Delete old finished jobs and datasets that are no longer used."""
        self._permissions.require_on_workspace("upkeep")
        days = self.settings.retention_days if older_than_days is None else older_than_days
        pruned = retention.prune(self.root, days)
        for job in pruned.jobs:
            self._access.note(self.user, "delete", "job", job, "retention")
        for dataset in pruned.datasets:
            self._access.note(self.user, "delete", "dataset", dataset, "unused")
        return pruned

    def usage_mb(self) -> float:
        """Size of the workspace in megabytes."""
        return retention.used_mb(self.root)

    def check(self) -> list[str]:
        """Problems of the stored state, as messages; empty if there are none."""
        self._permissions.require_on_workspace("upkeep")
        return retention.problems(self.root)

    def rebuild(self) -> int:
        """Recreate the ledger from the job folders; returns the number of jobs."""
        self._permissions.require_on_workspace("upkeep")
        return retention.rebuild(self.root)
