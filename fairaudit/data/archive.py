"""Files of a ZIP or folder by name, after checks for links, path traversal and bombs."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from fairaudit.data.reading.formats import BROKEN_ZIP, Source, size_of
from fairaudit.data.reading.limits import Limits
from fairaudit.exceptions import InputError, LimitExceeded

MAX_FILES = 2_000_000


class Bundle(Protocol):
    """Files under one name; reading is safe from several threads."""

    @property
    def name(self) -> str:
        """The display name."""

    def files(self) -> list[str]:
        """Paths inside, with forward slashes, in a fixed order."""

    def size(self, file: str) -> int:
        """Unpacked size of one file in bytes."""

    def read(self, file: str) -> bytes:
        """The content of one file."""

    def digest(self) -> str:
        """SHA-256 of the content."""


@dataclass(frozen=True)
class Folder:
    """Files of a folder, except hidden ones."""

    root: Path
    name: str
    sizes: dict[str, int]

    def files(self) -> list[str]:
        return sorted(self.sizes)

    def size(self, file: str) -> int:
        return self.sizes[file]

    def read(self, file: str) -> bytes:
        return (self.root / file).read_bytes()

    def digest(self) -> str:
        """Of the names and contents of all files."""
        combined = hashlib.sha256()
        for file in self.files():
            with (self.root / file).open("rb") as stream:
                own = hashlib.file_digest(stream, "sha256").hexdigest()
            combined.update(f"{file}\0{own}\n".encode("utf-8", "surrogateescape"))
        return combined.hexdigest()


@dataclass(frozen=True)
class Zip:
    """Files of a ZIP archive, read one at a time and never unpacked to disk."""

    archive: zipfile.ZipFile
    name: str
    entries: dict[str, zipfile.ZipInfo]
    source: Source

    def files(self) -> list[str]:
        return list(self.entries)

    def size(self, file: str) -> int:
        return self.entries[file].file_size

    def read(self, file: str) -> bytes:
        """The content; no more than the declared size is read."""
        entry = self.entries[file]
        try:
            with self.archive.open(entry) as stream:
                content = stream.read(entry.file_size + 1)
        except BROKEN_ZIP as error:
            raise InputError(f"'{file}' in '{self.name}' is damaged ({error})") from error
        if len(content) > entry.file_size:
            raise InputError(f"'{file}' in '{self.name}' is larger than the archive says")
        return content

    def digest(self) -> str:
        """Of the archive's bytes."""
        if isinstance(self.source, bytes):
            return hashlib.sha256(self.source).hexdigest()
        with self.source.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def open_folder(root: Path) -> Folder:
    """The files of a folder.

    Raises
    ------
    InputError
        If a link points outside it, or it has no files.
    LimitExceeded
        With more than two million files.
    """
    home, sizes = root.resolve(), dict[str, int]()
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not _hidden(f))
        for file in sorted(f for f in files if not _hidden(f)):
            path = Path(parent) / file
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                raise InputError(
                    f"'{path.relative_to(root)}' is a link to a place outside '{root.name}'; "
                    "replace it with the file"
                )
            if path.is_file():
                sizes[path.relative_to(root).as_posix()] = path.stat().st_size
        _check_count(len(sizes), root.name)
    if not sizes:
        raise InputError(f"the folder '{root.name}' contains no files; choose another")
    return Folder(root, root.name, sizes)


def open_zip(source: Source, name: str, limits: Limits) -> Zip:
    """The files of a ZIP; the caller closes `archive`.

    Raises
    ------
    InputError
        For damaged or encrypted archives, links, and paths outside the archive.
    LimitExceeded
        For decompression bombs and more than two million files.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except BROKEN_ZIP as error:
        raise InputError(
            f"'{name}' is a damaged ZIP ({error}) and may be truncated; create or copy it again"
        ) from error
    try:
        entries = {e.filename: e for e in archive.infolist() if _wanted(e, name)}
        _check_count(len(entries), name)
        total = sum(e.file_size for e in entries.values())
        limits.check_expansion(name, size_of(source), total)
    except BaseException:
        archive.close()
        raise
    return Zip(archive, name, entries, source)


def _wanted(entry: zipfile.ZipInfo, name: str) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename[:3]:
        raise InputError(
            f"'{name}' contains a path outside the archive ('{entry.filename}'); create the "
            "ZIP again with plain relative paths"
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(
            f"'{name}' contains a link ('{entry.filename}'); replace it with the file"
        )
    if entry.flag_bits & 1:
        raise InputError(
            f"'{name}' is password-protected; create the ZIP again without a password"
        )
    return not entry.is_dir() and not any(_hidden(part) for part in path.parts)


def _hidden(part: str) -> bool:
    return part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _check_count(count: int, name: str) -> None:
    if count > MAX_FILES:
        raise LimitExceeded(
            f"'{name}' contains more than {MAX_FILES:,} files; divide it into several datasets"
        )
