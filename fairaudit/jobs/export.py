"""An audit as one file: a ZIP with the SHA-256 of everything in it, opened with suspicion."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import tempfile
import time
import zipfile
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
MAX_RATIO = 200  # a Parquet file hardly compresses; a bomb does


def write(folder: JobFolder, path: Path) -> Path:
    """Write the audit of a finished job; returns the path.

    Parameters
    ----------
    folder : JobFolder
    path : Path
        `….zip`: one file for another fairaudit. Otherwise a folder with the tables, the
        summary and a manifest, for people and other programs.
    """
    with _disk.staging(folder.path.parent.parent / _disk.INCOMING) as aside:
        content = aside / "audit"
        _collect(folder, content)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".zip":
            return _zip(content, path)
        shutil.copytree(content / RESULT, path, dirs_exist_ok=True)
        for name in (AUDIT, MANIFEST):
            shutil.copyfile(content / name, path / name)
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
    from fairaudit.audit.result import AuditResult

    with tempfile.TemporaryDirectory(prefix="fairaudit-") as aside:
        unpack(path, Path(aside))
        return AuditResult.load(Path(aside) / RESULT)


def keep(path: Path, jobs: Path, owner: str) -> Request:
    """Put an exported audit into a workspace as a finished job of `owner`."""
    with _disk.staging(jobs.parent / _disk.INCOMING) as aside:
        content = aside / "audit"
        content.mkdir()
        about = unpack(path, content)
        request = _request(about, owner)
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
    numbers = {name: about.get(name) for name in ("finished", "seconds", "peak_mb")}
    fit = {k: float(v) for k, v in numbers.items() if isinstance(v, (int, float))}
    return replace(Outcome("succeeded", "imported", time.time(), manifest=seal), **fit)  # type: ignore[arg-type]


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
            about = json.loads((target / AUDIT).read_bytes())
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(
            f"'{path.name}' is not an exported audit ({error}); export it again"
        ) from error
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise InputError(f"'{path.name}' is not an exported audit; choose a file fairaudit wrote")
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
        return {
            str(k): {"bytes": int(v["bytes"]), "sha256": v["sha256"]} for k, v in found.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(f"the manifest of '{name}' cannot be read ({error})") from error


def _check_entry(archive: str, entry: zipfile.ZipInfo) -> None:
    """Refuse names that leave the folder, links, and entries that blow up."""
    if _NAME.fullmatch(entry.orig_filename) is None or entry.is_dir():
        raise IntegrityError(f"'{archive}' holds the entry {entry.filename!r}; it is refused")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise IntegrityError(f"'{archive}' holds a link or device; it is refused")
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
