"""Exported audits: a ZIP with the SHA-256 of every file, checked strictly when opened."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairaudit.exceptions import InputError, IntegrityError, LimitExceeded
from fairaudit.jobs import _disk
from fairaudit.jobs import folder as folders
from fairaudit.jobs.folder import JobFolder, Outcome, Request, file_hashes

if TYPE_CHECKING:
    from fairaudit.audit.result import AuditResult

MANIFEST = "manifest.json"
AUDIT = "audit.json"
RESULT = "result"
_FORMAT = "fairaudit-audit"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same audit always gives the same bytes
_PART = r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,3}}")  # only names that fairaudit writes
MAX_FILES = 1000
MAX_BYTES = 4 * 2**30
MAX_LIST = 4 * 2**20  # of the manifest and the request, which are read into memory
MAX_RATIO = 200  # Parquet files hardly compress; bombs do
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, UnicodeDecodeError, OSError,
            NotImplementedError, RuntimeError, EOFError)  # fmt: skip
_MOST = {"seconds": 1e9, "peak_mb": 1e9}  # upper limits for a real job


def write(folder: JobFolder, path: Path) -> Path:
    """Write the audit of a finished job and return the path.

    Parameters
    ----------
    folder : JobFolder
    path : Path
        `….zip`: one file that fairaudit can import. Otherwise a folder with the tables, the
        summary and a manifest, for people and other programs.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    with _disk.staging(folder.path.parent.parent / _disk.INCOMING) as aside:
        content = aside / "audit"
        try:
            _collect(folder, content)
            path.parent.mkdir(parents=True, exist_ok=True)
            return _zip(content, path) if path.suffix.lower() == ".zip" else _copy(content, path)
        except OSError as error:
            raise InputError(
                f"'{path}' cannot be written ({error.strerror}); choose another folder"
            ) from error


def _copy(content: Path, path: Path) -> Path:
    """The audit as a folder: tables at the top level, every file listed in the manifest."""
    shutil.copytree(content / RESULT, path, dirs_exist_ok=True)
    shutil.copyfile(content / AUDIT, path / AUDIT)
    hashes = json.loads((content / MANIFEST).read_bytes())
    listed = {name.removeprefix(f"{RESULT}/"): entry for name, entry in hashes.items()}
    (path / MANIFEST).write_bytes(_json(listed))
    return path


def _collect(folder: JobFolder, content: Path) -> None:
    shutil.copytree(folder.result_path, content / RESULT)
    (content / RESULT / MANIFEST).unlink(missing_ok=True)
    request, outcome = folder.request(), folder.outcome()
    about = {
        "format": _FORMAT,
        "version": 1,
        "id": request.id,
        "created": request.created,
        "finished": None if outcome is None else outcome.finished,
        "seconds": None if outcome is None else outcome.seconds,
        "peak_mb": None if outcome is None else outcome.peak_mb,
        "job": dict(request.job),
    }
    (content / AUDIT).write_bytes(_json(about))
    (content / MANIFEST).write_bytes(_json(file_hashes(content)))


def _zip(content: Path, path: Path) -> Path:
    aside = path.with_name(f"{_disk.ASIDE}{path.name}")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(p for p in content.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(content).as_posix(), _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                with file.open("rb") as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def read(path: Path) -> AuditResult:
    """The result in an exported file, without importing it.

    Raises
    ------
    InputError
        If the file is not an exported audit.
    IntegrityError
        If its content differs from its hashes, or names point outside its folder.
    LimitExceeded
        If it would unpack to too much.
    """
    with tempfile.TemporaryDirectory(prefix="fairaudit-") as aside:
        unpack(path, Path(aside))
        return _result(path.name, Path(aside) / RESULT)


def _result(archive: str, folder: Path) -> AuditResult:
    """The result in an untrusted folder, checked for the columns of every audit."""
    from fairaudit.audit.result import ERRORS, GAPS, AuditResult

    result = AuditResult.load(folder)
    for name, columns in (("errors", ERRORS), ("gaps", GAPS)):
        schema = result.tables[name].schema
        if wrong := [c for c, kind in columns.items() if schema.get(c) != kind]:
            raise InputError(
                f"'{archive}': table '{name}' lacks the column '{wrong[0]}' of an audit; "
                "export the audit again"
            )
    return result


def import_audit(path: Path, jobs: Path, owner: str) -> Request:
    """Import an exported audit into a workspace as a finished job of `owner`."""
    with _disk.staging(jobs.parent / _disk.INCOMING) as aside:
        content = aside / "audit"
        content.mkdir()
        about = unpack(path, content)
        request = _request(about, owner)
        _result(path.name, content / RESULT)
        (content / RESULT / MANIFEST).unlink(missing_ok=True)
        fresh = JobFolder.create(aside / "jobs", request)
        with fresh.hold():
            seal = fresh.publish(content / RESULT)
            fresh.finish(_outcome(about, seal))
        jobs.mkdir(parents=True, exist_ok=True)
        _disk.publish(fresh.path, jobs / request.id)
    return request


def _request(about: Mapping[str, Any], owner: str) -> Request:
    from pydantic import ValidationError

    from fairaudit.jobs.spec import JobSpec

    try:
        job = JobSpec.model_validate(about["job"]).model_dump(mode="json")
    except (KeyError, ValidationError) as error:
        raise InputError(
            f"the exported audit's request is not valid ({error}); export it again"
        ) from error
    return Request(folders.new_id(), owner, time.time(), job)


def _outcome(about: Mapping[str, Any], seal: str) -> Outcome:
    """The outcome as exported, without impossible numbers (infinite, or in the future)."""
    now = time.time()
    plausible = {
        name: float(about[name])
        for name, most in {**_MOST, "finished": now}.items()
        if isinstance(about.get(name), (int, float)) and 0 <= about[name] <= most
    }
    return replace(Outcome("succeeded", "imported", now, manifest=seal), **plausible)  # type: ignore[arg-type]


# -- opening untrusted files ------------------------------------------------------------------


def unpack(path: Path, target: Path) -> Mapping[str, Any]:
    """Check every entry of an exported audit and unpack it; returns its description.

    Raises
    ------
    InputError, IntegrityError, LimitExceeded
    """
    try:
        with zipfile.ZipFile(path) as archive:
            hashes = _checked_manifest(path, archive)
            for name, entry in hashes.items():
                _unpack_one(archive, name, entry, target)
    except _DAMAGED as error:
        raise InputError(
            f"'{path.name}' is not an exported audit ({error}); export it again"
        ) from error
    return _about(path.name, (target / AUDIT).read_bytes())


def _about(archive: str, content: bytes) -> Mapping[str, Any]:
    try:
        about = json.loads(content)
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise InputError(
            f"'{archive}' is not an exported audit; choose a file that fairaudit wrote"
        )
    return about


def _checked_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Mapping[str, Any]]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise LimitExceeded(
            f"'{path.name}' contains more than {MAX_FILES} files; export the audit again"
        )
    names = [entry.filename for entry in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise IntegrityError(f"'{path.name}' names a file twice; export the audit again")
    for entry in entries:
        _check_entry(path.name, entry)
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise LimitExceeded(
            f"'{path.name}' unpacks to more than {MAX_BYTES >> 30} GiB; export the audit again"
        )
    hashes = _manifest_of(path.name, archive)
    if set(names) != {*hashes, MANIFEST} or AUDIT not in hashes:
        raise IntegrityError(
            f"the files in '{path.name}' do not match its manifest; export the audit again"
        )
    return hashes


def _manifest_of(name: str, archive: zipfile.ZipFile) -> dict[str, Mapping[str, Any]]:
    if MANIFEST not in archive.namelist():
        raise InputError(f"'{name}' is not an exported audit; choose a file that fairaudit wrote")
    try:
        manifest = json.loads(archive.read(MANIFEST))
        return {str(k): _listed(v["bytes"], v["sha256"]) for k, v in manifest.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise IntegrityError(
            f"the manifest of '{name}' cannot be read ({error}); export the audit again"
        ) from error


def _listed(size: object, seal: object) -> dict[str, Any]:
    """The size and hash of one file in the manifest."""
    if not isinstance(size, int) or size < 0 or not isinstance(seal, str):
        raise ValueError("a size or hash is invalid")
    return {"bytes": size, "sha256": seal}


def _check_entry(archive: str, entry: zipfile.ZipInfo) -> None:
    """Refuse names outside the folder, links and decompression bombs."""
    if _NAME.fullmatch(entry.orig_filename) is None or entry.is_dir():
        raise IntegrityError(
            f"'{archive}' contains the entry {entry.filename!r}, which fairaudit never writes"
        )
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise IntegrityError(f"'{archive}' contains a link or device; export the audit again")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise IntegrityError(
            f"'{archive}' is compressed in a way fairaudit never uses; export the audit again"
        )
    if entry.filename in (MANIFEST, AUDIT) and entry.file_size > MAX_LIST:
        raise LimitExceeded(
            f"'{entry.filename}' in '{archive}' is larger than fairaudit ever writes"
        )
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 2**10):
        raise LimitExceeded(
            f"'{archive}' unpacks to more than {MAX_RATIO} times its size; export the audit again"
        )


def _unpack_one(
    archive: zipfile.ZipFile, name: str, entry: Mapping[str, Any], target: Path
) -> None:
    place = target / name
    place.parent.mkdir(parents=True, exist_ok=True)
    seal, left = hashlib.sha256(), entry["bytes"]
    with archive.open(name) as source, place.open("xb") as out:
        while chunk := source.read(min(2**20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise IntegrityError(
                    f"'{name}' is larger than its manifest says; export the audit again"
                )
            seal.update(chunk)
            out.write(chunk)
    if left or seal.hexdigest() != entry["sha256"]:
        raise IntegrityError(f"'{name}' differs from its recorded hash; export the audit again")


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()
