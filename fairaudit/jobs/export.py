"""An audit as one file: a ZIP with the SHA-256 of everything in it, opened with suspicion."""

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
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,3}}")  # what fairaudit itself writes, nothing else
MAX_FILES = 1000
MAX_BYTES = 4 * 2**30
MAX_LIST = 4 * 2**20  # of the manifest and of the request, which are read whole
MAX_RATIO = 200  # a Parquet file hardly compresses; a bomb does
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, UnicodeDecodeError, OSError,
            NotImplementedError, RuntimeError, EOFError)  # fmt: skip
_MOST = {"seconds": 1e9, "peak_mb": 1e9}  # what a real job may have taken


def write(folder: JobFolder, path: Path) -> Path:
    """Write the audit of a finished job; returns the path.

    Parameters
    ----------
    folder : JobFolder
    path : Path
        `….zip`: one file for another fairaudit. Otherwise a folder with the tables, the
        summary and a manifest, for people and other programs.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    with _disk.staging(folder.path.parent.parent / _disk.INCOMING) as aside:
        content = aside / "audit"
        try:
            _collect(folder, content)
            path.parent.mkdir(parents=True, exist_ok=True)
            return _zip(content, path) if path.suffix.lower() == ".zip" else _copy(content, path)
        except OSError as error:
            raise InputError(
                f"'{path}' cannot be written ({error.strerror}); choose another place"
            ) from error


def _copy(content: Path, path: Path) -> Path:
    """The audit as a folder: the tables on top, and every file under its name in the manifest."""
    shutil.copytree(content / RESULT, path, dirs_exist_ok=True)
    shutil.copyfile(content / AUDIT, path / AUDIT)
    hashes = json.loads((content / MANIFEST).read_bytes())
    bare = {name.removeprefix(f"{RESULT}/"): entry for name, entry in hashes.items()}
    (path / MANIFEST).write_bytes(_json(bare))
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
    """The result in an exported file; nothing is kept.

    Raises
    ------
    InputError
        When the file is not an exported audit.
    IntegrityError
        When its content differs from its hashes, or names leave its folder.
    LimitExceeded
        When it would unpack to too much.
    """
    with tempfile.TemporaryDirectory(prefix="fairaudit-") as aside:
        unpack(path, Path(aside))
        return _result(path.name, Path(aside) / RESULT)


def _result(archive: str, folder: Path) -> AuditResult:
    """The result in a folder made by others, with the columns every audit has."""
    from fairaudit.audit.result import ERRORS, GAPS, AuditResult

    result = AuditResult.load(folder)
    for name, columns in (("errors", ERRORS), ("gaps", GAPS)):
        found = result.tables[name].schema
        if wrong := [c for c, kind in columns.items() if found.get(c) != kind]:
            raise InputError(
                f"'{archive}': table '{name}' lacks the column '{wrong[0]}' of an audit; it is "
                "refused, export the audit again"
            )
    return result


def keep(path: Path, jobs: Path, owner: str) -> Request:
    """Put an exported audit into a workspace as a finished job of `owner`."""
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
    """As it was there; a number no job can have had (infinite, from the future) is left out."""
    now = time.time()
    fit = {
        name: float(about[name])
        for name, most in {**_MOST, "finished": now}.items()
        if isinstance(about.get(name), (int, float)) and 0 <= about[name] <= most
    }
    return replace(Outcome("succeeded", "imported", now, manifest=seal), **fit)  # type: ignore[arg-type]


# -- opening what others made --------------------------------------------------------------------


def unpack(path: Path, target: Path) -> Mapping[str, Any]:
    """Unpack an exported audit into `target` after checking every entry; what it is about.

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
        raise InputError(f"'{archive}' is not an exported audit; choose a file fairaudit wrote")
    return about


def _checked_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Mapping[str, Any]]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise LimitExceeded(f"'{path.name}' holds more than {MAX_FILES} files; it is refused")
    names = [entry.filename for entry in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise IntegrityError(f"'{path.name}' names a file twice; it is refused")
    for entry in entries:
        _check_entry(path.name, entry)
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise LimitExceeded(f"'{path.name}' unpacks to more than {MAX_BYTES >> 30} GiB")
    hashes = _manifest_of(path.name, archive)
    if set(names) != {*hashes, MANIFEST} or AUDIT not in hashes:
        raise IntegrityError(f"the files in '{path.name}' are not those of its manifest")
    return hashes


def _manifest_of(name: str, archive: zipfile.ZipFile) -> dict[str, Mapping[str, Any]]:
    if MANIFEST not in archive.namelist():
        raise InputError(f"'{name}' is not an exported audit; choose a file fairaudit wrote")
    try:
        found = json.loads(archive.read(MANIFEST))
        return {str(k): _claim(v["bytes"], v["sha256"]) for k, v in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"the manifest of '{name}' cannot be read ({error})") from error


def _claim(size: object, seal: object) -> dict[str, Any]:
    """What the manifest says of one file."""
    if not isinstance(size, int) or size < 0 or not isinstance(seal, str):
        raise ValueError("a size or hash is none")
    return {"bytes": size, "sha256": seal}


def _check_entry(archive: str, entry: zipfile.ZipInfo) -> None:
    """Refuse names that leave the folder, links, and entries that blow up."""
    if _NAME.fullmatch(entry.orig_filename) is None or entry.is_dir():
        raise IntegrityError(f"'{archive}' holds the entry {entry.filename!r}; it is refused")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise IntegrityError(f"'{archive}' holds a link or device; it is refused")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise IntegrityError(f"'{archive}' is packed in a way fairaudit never does; it is refused")
    if entry.filename in (MANIFEST, AUDIT) and entry.file_size > MAX_LIST:
        raise LimitExceeded(f"'{entry.filename}' in '{archive}' is larger than any of ours")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 2**10):
        raise LimitExceeded(f"'{archive}' unpacks to more than {MAX_RATIO} times its size")


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
                raise IntegrityError(f"'{name}' is larger than its manifest says")
            seal.update(chunk)
            out.write(chunk)
    if left or seal.hexdigest() != entry["sha256"]:
        raise IntegrityError(f"'{name}' differs from its recorded hash; export the audit again")


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()
