"""Atomic writes and removals: files and folders appear and disappear as a whole."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from fairaudit.exceptions import InputError, LimitExceeded

ASIDE = ".new-"  # a file or folder being written; never read
INCOMING = "incoming"  # where a workspace stages what is incomplete
SETTINGS = "settings.json"
TRASH = ".old-"  # a folder being removed; never read
FULL = (errno.ENOSPC, errno.EDQUOT)
_OPEN_STAYS = os.name == "nt"  # an open file cannot be removed there


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Translate write errors under `root` into readable ones.

    Raises
    ------
    LimitExceeded
        If the disk is full.
    InputError
        For other write errors.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise LimitExceeded(f"the disk with '{root}' is full; free some space") from error
        raise InputError(
            f"'{root}' cannot be written ({error}); check its permissions or choose another "
            "workspace"
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary file, flush, rename: readers see the old content or the new."""
    aside = path.with_name(f"{ASIDE}{path.name}-{secrets.token_hex(4)}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power failure (automatic on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder` to the disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def publish(aside: Path, final: Path) -> None:
    """Give a complete folder its final name."""
    sync_tree(aside)
    aside.replace(final)
    sync_folder(final.parent)


def digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_tree(folder: Path) -> None:
    """Remove a folder atomically; it may be missing."""
    trash = folder.with_name(f"{TRASH}{folder.name}-{secrets.token_hex(4)}")
    try:
        folder.replace(trash)
    except FileNotFoundError:
        return
    _remove(trash)


def _remove(path: Path) -> None:
    """Remove a file or folder; another process may be removing it at the same time."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        shutil.rmtree(path)


def sweep(folder: Path, *, trash_only: bool = False) -> int:
    """Remove what crashes left unfinished in `folder`; returns the number of entries.

    Without `trash_only`, the caller must be the only process that writes there.
    """
    marks = (TRASH,) if trash_only else (ASIDE, TRASH)
    leftovers = [path for path in folder.iterdir() if path.name.startswith(marks)]
    for path in leftovers:
        _remove(path)
    return len(leftovers)


@contextlib.contextmanager
def staging(incoming: Path) -> Iterator[Path]:
    """A folder locked by this process; `sweep_staging` removes it if the process dies."""
    aside = incoming / secrets.token_hex(8)
    incoming.mkdir(parents=True, exist_ok=True)
    lock = FileLock(aside.with_suffix(".lock"), thread_local=False)
    lock.acquire()
    try:
        aside.mkdir()
        yield aside
    finally:
        remove_tree(aside)
        _release(lock)


def _release(lock: FileLock) -> None:
    """Release a lock and remove its file, in this order, so that no process acquires it."""
    path = Path(lock.lock_file)
    if not _OPEN_STAYS:
        path.unlink(missing_ok=True)
    lock.release()
    if _OPEN_STAYS:
        with contextlib.suppress(PermissionError):  # another process opened it and removes it
            path.unlink(missing_ok=True)


def sweep_staging(incoming: Path) -> int:
    """Remove the staging folders of dead processes; returns their number."""
    if not incoming.is_dir():
        return 0
    count = sweep(incoming, trash_only=True)
    return count + sum(_sweep_one(path) for path in incoming.glob("*.lock"))


def _sweep_one(path: Path) -> int:
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return 0
    try:
        remove_tree(path.with_suffix(""))
    finally:
        _release(lock)
    return 1


def size(folder: Path) -> int:
    """Bytes of all files below `folder`; files that disappear meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if not path.is_dir():
                total += path.lstat().st_size
    return total
