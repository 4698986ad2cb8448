"""The folder of a job: the only module that knows the names of its files.

Imports nothing heavy: a worker writes its first event before torch is loaded.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from fairaudit.exceptions import IntegrityError, JobError, NotAllowed
from fairaudit.jobs import _disk

Final = Literal["succeeded", "failed", "cancelled"]
FINAL: tuple[Final, ...] = ("succeeded", "failed", "cancelled")

_SPEC = "spec.json"
_EVENTS = "events.jsonl"
_CANCEL = "cancel"
_DELETE = "delete"  # content of the cancel file: remove the job afterwards
_LOCK = "alive.lock"
_OUTCOME = "outcome.json"
_LOG = "log.txt"
_RESULT = "result"
_MANIFEST = "manifest.json"
_MODEL = "model"
_PARTS = "parts.json"
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{12}(\.[0-9]{1,3})?")


def new_id() -> str:
    """A new job id: a readable timestamp and 48 random bits for uniqueness."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(6)}"


def is_id(text: str) -> bool:
    """Whether `text` has the form of a job id; nothing else becomes a path."""
    return _ID.fullmatch(text) is not None


def parent_of(job: str) -> str | None:
    """The id of the job that this one is a part of."""
    return job.partition(".")[0] if "." in job else None


def part_id(job: str, number: int) -> str:
    """The id of a numbered part of a job."""
    return f"{job}.{number}"


@dataclass(frozen=True)
class Request:
    """What was requested, and by whom: the file that a worker reads first.

    `job` is the `JobSpec` as JSON values; it is parsed where pydantic may be imported. `source`
    is the owner's name for the dataset.
    """

    id: str
    owner: str
    created: float
    job: Mapping[str, Any]
    source: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a job ended; `manifest` is the SHA-256 of the result's list of hashes."""

    state: Final
    reason: str | None = None
    finished: float = 0.0
    seconds: float | None = None
    peak_mb: float | None = None
    manifest: str | None = None


class JobFolder:
    """One job on disk.

    Parameters
    ----------
    path : Path
        Folder named by the job's id.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    # -- creation -----------------------------------------------------------------------------

    @classmethod
    def create(cls, jobs: Path, request: Request) -> JobFolder:
        """Create the folder of a new job; it appears atomically, with its request inside."""
        if not is_id(request.id):
            raise NotAllowed(f"'{request.id}' is not a job id")
        jobs.mkdir(parents=True, exist_ok=True)
        with _disk.staging(jobs.parent / _disk.INCOMING) as aside:
            fresh = aside / request.id
            fresh.mkdir()
            (fresh / _SPEC).write_bytes(_encode(asdict(request)))
            _disk.publish(fresh, jobs / request.id)
        return cls(jobs / request.id)

    @property
    def exists(self) -> bool:
        return (self.path / _SPEC).is_file()

    def request(self) -> Request:
        """The request.

        Raises
        ------
        IntegrityError
            If the file is missing or truncated.
        """
        try:
            return Request(**json.loads((self.path / _SPEC).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise IntegrityError(
                f"the request of job '{self.id}' cannot be read ({error}); submit it again"
            ) from error

    def delete(self) -> None:
        """Remove the job."""
        _disk.remove_tree(self.path)

    # -- the lock -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def hold(self, patience: float = 2.0) -> Iterator[None]:
        """Hold the job's lock; the kernel releases it when the process dies.

        Raises
        ------
        JobError
            If another process holds it for longer than `patience` seconds.
        """
        lock = self._lock()
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise JobError(f"job '{self.id}' is already being run by another process") from None
        try:
            yield
        finally:
            lock.release()

    def is_locked(self) -> bool:
        """Whether a living process holds the lock."""
        if not (self.path / _LOCK).exists():
            return False
        lock = self._lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _lock(self) -> FileLock:
        return FileLock(self.path / _LOCK, thread_local=False)

    # -- events -------------------------------------------------------------------------------

    def append(self, event: Mapping[str, Any]) -> None:
        """Append one event; non-finite numbers become null."""
        line = json.dumps(_finite(event), separators=(",", ":"), allow_nan=False)
        _append(self.path / _EVENTS, f"{line}\n".encode())

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Events with a number `n` above `after`; a line truncated by a crash is skipped."""
        try:
            lines = (self.path / _EVENTS).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        events = [event for event in map(_decode, lines) if event is not None]
        return [event for event in events if event.get("n", 0) > after]

    def last_event(self) -> dict[str, Any] | None:
        """The latest event, read from the end of the file."""
        return next((e for e in map(_decode, reversed(self._tail(16384))) if e is not None), None)

    def first_event(self) -> dict[str, Any] | None:
        """The event that identifies the worker's process."""
        try:
            with (self.path / _EVENTS).open("rb") as file:
                return _decode(file.readline(65536))
        except FileNotFoundError:
            return None

    def _tail(self, size: int) -> list[bytes]:
        try:
            with (self.path / _EVENTS).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read().split(b"\n")
        except FileNotFoundError:
            return []

    @property
    def log_path(self) -> Path:
        return self.path / _LOG

    def log(self, last: int = 1_000_000) -> str:
        """The end of the worker's output."""
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def write_log(self, text: str) -> None:
        """Append text to the log."""
        _append(self.log_path, text.encode("utf-8", "replace"))

    # -- cancellation -------------------------------------------------------------------------

    def request_cancel(self, *, then_delete: bool = False) -> None:
        """Request that the job stop (and then be deleted)."""
        with (self.path / _CANCEL).open("a") as file:
            file.write(_DELETE if then_delete else "")

    def cancel_requested(self) -> bool:
        """Whether a request to stop the job exists."""
        return (self.path / _CANCEL).exists()

    def delete_requested(self) -> bool:
        """Whether the job is to be deleted once it has stopped."""
        try:
            return _DELETE in (self.path / _CANCEL).read_text("utf-8")
        except FileNotFoundError:
            return False

    # -- parts --------------------------------------------------------------------------------

    def set_parts(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Record the specs of the parts this job is split into."""
        _disk.write_whole(self.path / _PARTS, _encode({"parts": [dict(job) for job in jobs]}))

    def part(self, number: int) -> JobFolder:
        """The folder of a numbered part of this job."""
        return JobFolder(self.path.with_name(part_id(self.id, number)))

    def parts(self) -> list[Mapping[str, Any]]:
        """The specs of the parts; empty if the job is not split."""
        try:
            specs: list[Mapping[str, Any]] = json.loads((self.path / _PARTS).read_bytes())["parts"]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the parts of job '{self.id}' cannot be read ({error}); submit it again"
            ) from error
        return specs

    # -- ending -------------------------------------------------------------------------------

    def outcome(self) -> Outcome | None:
        """How the job ended; None while it has not (a truncated file counts as none).

        A success whose files are missing or of a different size is reported as a failure.
        """
        try:
            outcome = Outcome(**json.loads((self.path / _OUTCOME).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        if outcome.state not in FINAL:
            return None
        if outcome.state == "succeeded" and (damage := self._damage(outcome)) is not None:
            return Outcome("failed", damage, outcome.finished, outcome.seconds, outcome.peak_mb)
        return outcome

    def finish(self, outcome: Outcome) -> None:
        """Write the outcome; only the process inside `hold` may call this."""
        _disk.write_whole(self.path / _OUTCOME, _encode(asdict(outcome)))

    @contextlib.contextmanager
    def result_aside(self) -> Iterator[tuple[Path, Path]]:
        """A staging folder for the result, and the path of the model inside it."""
        aside = self.path / f"{_disk.ASIDE}{_RESULT}-{secrets.token_hex(4)}"
        aside.mkdir()
        try:
            yield aside, aside / _MODEL
        finally:
            if aside.exists():
                _disk.remove_tree(aside)

    def publish(self, aside: Path) -> str:
        """Publish a complete result; returns the SHA-256 of its list of hashes."""
        manifest = aside / _MANIFEST
        manifest.write_bytes(_encode(file_hashes(aside)))
        seal = _disk.digest(manifest)
        if self.result_path.exists():  # left by a worker that died before writing its outcome
            _disk.remove_tree(self.result_path)
        _disk.publish(aside, self.result_path)
        return seal

    @property
    def result_path(self) -> Path:
        return self.path / _RESULT

    @property
    def model_path(self) -> Path:
        return self.result_path / _MODEL

    def check_result(self, *, model: bool = False) -> None:
        """Compare the stored result with its recorded hashes.

        Raises
        ------
        JobError
            If the job has no result.
        IntegrityError
            If a file was changed, truncated, removed or added.
        """
        outcome = self.outcome()
        if outcome is None or outcome.state != "succeeded":
            why = "it has not finished" if outcome is None else outcome.reason or outcome.state
            raise JobError(f"job '{self.id}' has no result: {why}")
        listed = self._manifest(outcome)
        if strange := {*_files(self.result_path)} - {*listed, _MANIFEST}:
            raise IntegrityError(
                f"'{min(strange)}' does not belong to the result of job '{self.id}'; remove it, "
                "or run the job again"
            )
        for name, entry in listed.items():
            if model == name.startswith(f"{_MODEL}/") and entry["sha256"] != _disk.digest(
                self.result_path / name
            ):
                raise IntegrityError(
                    f"'{name}' of job '{self.id}' differs from its recorded hash; run the job "
                    "again"
                )

    def _manifest(self, outcome: Outcome) -> dict[str, dict[str, Any]]:
        content = (self.result_path / _MANIFEST).read_bytes()
        if _disk.digest(self.result_path / _MANIFEST) != outcome.manifest:
            raise IntegrityError(f"the result of job '{self.id}' was changed; run the job again")
        manifest: dict[str, dict[str, Any]] = json.loads(content)
        return manifest

    def _damage(self, outcome: Outcome) -> str | None:
        """Damage that can be seen without reading the files: sizes and the list of hashes."""
        try:
            for name, entry in self._manifest(outcome).items():
                if (self.result_path / name).stat().st_size != entry["bytes"]:
                    return (
                        f"the stored result is damaged ('{name}' is truncated); run the job again"
                    )
        except (OSError, ValueError, IntegrityError) as error:
            return f"the stored result is damaged ({error}); run the job again"
        return None

    def clean(self) -> int:
        """Remove what a dead worker left incomplete; only inside `hold`."""
        self._trim_events()
        return _disk.sweep(self.path)

    def _trim_events(self) -> None:
        """Remove a line truncated by a crash, or the next event would be lost with it."""
        with contextlib.suppress(FileNotFoundError), (self.path / _EVENTS).open("rb+") as file:
            content = file.read()
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)


def file_hashes(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of every file below `folder`, by relative POSIX path."""
    return {
        name: {"bytes": path.stat().st_size, "sha256": _disk.digest(path)}
        for name, path in _files(folder).items()
    }


def _files(folder: Path) -> dict[str, Path]:
    """Every file below `folder`, by relative POSIX path."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def _encode(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()


def _decode(line: bytes) -> dict[str, Any] | None:
    if not line:
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _append(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        while content:  # on a full disk a write may be partial; the next one fails
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return value
