"""The datasets of a workspace, each stored once under the hash of its content."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fairaudit.exceptions import IntegrityError, JobError
from fairaudit.jobs import _disk

if TYPE_CHECKING:
    import polars as pl

    from fairaudit.data.reread import ReadingChoices
    from fairaudit.data.store import DatasetInfo

_DATASETS = "datasets"
_LOCK = "datasets.lock"
_PATIENCE = 60.0  # seconds; the lock is only taken briefly
_DAMAGED = "it is damaged on disk: upload the same file again, or delete it"


class DatasetStore:
    """The `datasets` folder of a workspace.

    Parameters
    ----------
    root : Path
        The workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / _DATASETS

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from adding, using or removing datasets.

        Queueing a job checks under this lock that its dataset exists, and removing a dataset
        checks under it that no job uses it, so that neither acts on outdated information.

        Raises
        ------
        JobError
            If another process holds the lock for a minute.
        """
        lock = FileLock(self._root / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=_PATIENCE, poll_interval=0.005)
        except Timeout:
            raise JobError(
                "the datasets are locked by another process; try again in a minute"
            ) from None
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def read(self, source: bytes | Path | str, name: str, **options: Any) -> Iterator[Path]:
        """Ingest the content into a staging folder, removed at the end unless it was `put`."""
        from fairaudit.data import store

        with _disk.staging(self._root / _disk.INCOMING) as aside:
            yield aside / store.ingest(source, aside, name=name, **options).sha256

    def put(self, fresh: Path, name: str) -> DatasetInfo:
        """Store what was `read`; only while `locked`.

        `name` is this user's name for it; others may have their own. Content that is already
        stored is kept, unless its files are damaged.
        """
        from fairaudit.data import store

        final = self.path / fresh.name
        self.path.mkdir(exist_ok=True)
        if final.exists() and not _same(fresh, final):
            _disk.remove_tree(final)
        if not final.exists():
            _disk.publish(fresh, final)
        return replace(store.info(final), name=name)

    def keep_source(self, id: str, source: bytes | Path) -> None:
        """Keep the file of a dataset beside its rows, to read it in another way."""
        from fairaudit.data import reread, store

        final = self.path / id
        if not reread.may_reread(store.info(final)) or (final / reread.SOURCE).is_file():
            return
        content = source if isinstance(source, bytes) else source.read_bytes()
        _disk.write_whole(final / reread.SOURCE, content)

    def source(self, id: str) -> Path | None:
        """The kept file of a dataset, None where there is none."""
        from fairaudit.data import reread

        path = self.path / id / reread.SOURCE
        return path if path.is_file() else None

    def choices(self, id: str) -> ReadingChoices | None:
        """What may be chosen about the kept file; None where there is none."""
        from fairaudit.data import reread

        return reread.reading_choices(self.path / id)

    def _info(self, id: str, name: str) -> DatasetInfo:
        from fairaudit.data import store

        try:
            return replace(store.info(self.path / id), name=name)
        except IntegrityError:  # one damaged description must not hide the others
            return store.DatasetInfo(id, name, 0, 0, 0, "table", (_DAMAGED,))

    def reading(self, id: str) -> dict[str, Any]:
        """The reading options of a dataset, as JSON."""
        return self._info(id, "").options.model_dump(mode="json")

    def problems(self) -> list[str]:
        """Datasets that cannot be read, as messages."""
        messages = []
        for id in sorted(self.ids()):
            try:
                self._check(id)
            except IntegrityError as error:
                messages.append(f"dataset {id[:12]}…: {error}")
        return messages

    def _check(self, id: str) -> None:
        from fairaudit.data import store

        rows = store.load(self.path / id, []).height
        if rows != store.info(self.path / id).rows:
            raise IntegrityError("its rows do not match its description; ingest it again")

    def load(self, id: str) -> pl.DataFrame:
        """The stored rows."""
        from fairaudit.data import store

        return store.load(self.path / id)

    def images(self, id: str) -> Path | None:
        """The file with the pixels of an image dataset."""
        from fairaudit.data import store

        path = self.path / id / store.IMAGES
        return path if path.is_file() else None

    def ids(self) -> set[str]:
        """Hashes of all stored datasets."""
        if not self.path.is_dir():
            return set()
        return {p.name for p in self.path.iterdir() if not p.name.startswith(".")}

    def delete(self, id: str) -> None:
        """Remove a dataset."""
        _disk.remove_tree(self.path / id)

    def sweep(self) -> int:
        """Remove what interrupted ingestions and deletions left; returns the number."""
        count = _disk.sweep_staging(self._root / _disk.INCOMING)
        return count + (_disk.sweep(self.path, trash_only=True) if self.path.is_dir() else 0)

    def list(self, names: Mapping[str, str]) -> list[DatasetInfo]:
        """The datasets with these ids, under these names, newest first."""
        infos = [self._info(id, name) for id, name in names.items() if (self.path / id).is_dir()]
        return sorted(infos, key=lambda info: info.created, reverse=True)


def _same(fresh: Path, stored: Path) -> bool:
    """Whether stored files equal those just read; descriptions differ in name and time."""
    from fairaudit.data import store

    files = [path for path in sorted(fresh.iterdir()) if path.name != store.SCHEMA]
    try:
        store.info(stored)
        return all(
            path.stat().st_size == (stored / path.name).stat().st_size
            and _disk.digest(path) == _disk.digest(stored / path.name)
            for path in files
        )
    except (IntegrityError, OSError, TypeError):
        return False
