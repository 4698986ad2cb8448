"""Data sets of a workspace: stored once under their content's hash, found again by it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairaudit.jobs import _disk

if TYPE_CHECKING:
    import polars as pl

    from fairaudit.data.store import DatasetInfo

_DATASETS = "datasets"


class Shelf:
    """The `datasets` folder of a workspace.

    Parameters
    ----------
    root : Path
        The workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / _DATASETS

    def ingest(self, source: bytes | Path | str, name: str, **options: Any) -> DatasetInfo:
        """Store content; `name` is what this person calls it, whatever others call the same."""
        from fairaudit.data import store

        with _disk.staging(self._root / _disk.INCOMING) as aside:
            found = store.ingest(source, aside, name=name, **options)
            self.path.mkdir(exist_ok=True)
            final = self.path / found.sha256
            if not final.exists():
                with contextlib.suppress(OSError):  # another process stored the same just now
                    _disk.publish(aside / found.sha256, final)
            return replace(store.info(final), name=name)

    def list(self, names: Mapping[str, str]) -> list[DatasetInfo]:
        """The data sets with these ids, under these names, newest first."""
        from fairaudit.data import store

        found = [
            replace(store.info(self.path / id), name=name)
            for id, name in names.items()
            if (self.path / id).is_dir()
        ]
        return sorted(found, key=lambda info: info.created, reverse=True)

    def load(self, id: str) -> pl.DataFrame:
        """The stored rows."""
        from fairaudit.data import store

        return store.load(self.path / id)

    def images(self, id: str) -> Path | None:
        """Where the pixels of a data set with images lie."""
        from fairaudit.data import store

        path = self.path / id / store.IMAGES
        return path if path.is_file() else None

    def ids(self) -> set[str]:
        """Hashes of all stored data sets."""
        if not self.path.is_dir():
            return set()
        return {p.name for p in self.path.iterdir() if not p.name.startswith(".")}

    def delete(self, id: str) -> None:
        """Remove a data set."""
        _disk.remove_tree(self.path / id)

    def sweep(self) -> int:
        """Remove what ingestions and deletions left that died; returns how many."""
        count = _disk.sweep_staging(self._root / _disk.INCOMING)
        return count + (_disk.sweep(self.path, trash_only=True) if self.path.is_dir() else 0)
