"""Data sets on disk under the SHA-256 of their content; written aside, then renamed whole."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from fairaudit.data.archive import Bundle, open_folder, open_zip
from fairaudit.data.image_tables import Named, is_album, name_images, table_file
from fairaudit.data.images import (
    DEFAULT_IMAGES,
    Broken,
    ImageOptions,
    ImageStore,
    Progress,
    keep_rows,
    store_images,
)
from fairaudit.data.reading.formats import Source, head_of, open_source, size_of, sniff
from fairaudit.data.reading.limits import DEFAULT_LIMITS, Limits
from fairaudit.data.reading.table import (
    ROW_ID,
    UNREADABLE,
    Table,
    as_source,
    open_table,
    read,
    source_name,
)
from fairaudit.exceptions import InputError, IntegrityError, LimitExceeded

DATA, SCHEMA, IMAGES = "data.parquet", "schema.json", "images.npy"
_VERSION = 1


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a stored data set without opening its rows.

    Attributes
    ----------
    sha256 : str
        Of the content that was ingested; also the folder's name.
    rows, columns : int
        Shape, the row id aside.
    bytes : int
        Size of the source.
    kind : {"table", "images"}
    notes : tuple of str
        What was decided while reading.
    format : str
        By content.
    names : tuple of str
        Columns, the row id aside.
    created : str
        ISO time of the ingestion, UTC.
    """

    sha256: str
    name: str
    rows: int
    columns: int
    bytes: int
    kind: Literal["table", "images"]
    notes: tuple[str, ...] = ()
    format: str = ""
    names: tuple[str, ...] = ()
    created: str = ""


def ingest(
    source: bytes | Path | str,
    datasets_folder: Path | str,
    *,
    name: str | None = None,
    sheet: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    images: ImageOptions = DEFAULT_IMAGES,
    on_progress: Progress | None = None,
) -> DatasetInfo:
    """Store a table, or images with a table, once; the same content again costs only the hash.

    CSV is read, typed and written as a stream, so it may be larger than memory. Images are decoded
    a few at a time.

    Parameters
    ----------
    source : bytes, Path or str
        A table in any accepted format; or a ZIP or folder that holds images and a table.
    datasets_folder : Path or str
        Where data sets live; created when missing.
    name : str, optional
        What people call it; default the file's name.
    sheet : str, optional
        Sheet of a workbook.
    limits : Limits
        Ceilings on size and shape.
    images : ImageOptions
        Resolution, channels, and whether rows with broken images may be left out.
    on_progress : callable, optional
        Called with (images done, images in all).

    Returns
    -------
    DatasetInfo

    Raises
    ------
    InputError, LimitExceeded
        As `read_table`; nothing is left in the folder.
    """
    with _album(source, name, limits) as bundle:
        if bundle is not None:
            folder = Path(datasets_folder)
            return _ingest_album(bundle, folder, name or bundle.name, limits, images, on_progress)
    content = as_source(source)
    label = name or source_name(content)
    digest = content_hash(content, sheet or "")
    home = Path(datasets_folder) / digest
    if (home / SCHEMA).is_file():
        return info(home)
    with staging(Path(datasets_folder), home) as folder:
        work = folder / "work"
        work.mkdir()
        table = open_table(content, label, work, sheet=sheet, limits=limits)
        rows = write_rows(table, folder / DATA, label)
        shutil.rmtree(work)
        names = tuple(c for c in table.lazy.collect_schema() if c != ROW_ID)
        found = DatasetInfo(
            digest, label, rows, len(names), size_of(content), "table", table.notes, table.format,
            names, now(),
        )  # fmt: skip
        dialect = table.dialect.to_json() if table.dialect else None
        write_schema(folder, found, dialect=dialect)
    return found


@contextmanager
def _album(
    source: bytes | Path | str, name: str | None, limits: Limits
) -> Iterator[Bundle | None]:
    """The source as a bundle of files if it holds images, else None."""
    if not isinstance(source, (bytes, bytearray, memoryview)) and Path(source).is_dir():
        yield open_folder(Path(source))
        return
    content = as_source(source)
    label = name or source_name(content)
    if not head_of(content, 4).startswith(b"PK") or sniff(content, label) != "zip":
        yield None
        return
    bundle = open_zip(content, label, limits)
    with bundle.archive:
        yield bundle if is_album(bundle) else None


def _ingest_album(
    bundle: Bundle,
    datasets_folder: Path,
    label: str,
    limits: Limits,
    options: ImageOptions,
    on_progress: Progress | None,
) -> DatasetInfo:
    """Images decoded beside their table; row i of the one is row id i of the other."""
    digest = hashlib.sha256(f"{bundle.digest()}\0{options.key()}".encode()).hexdigest()
    home = datasets_folder / digest
    if (home / SCHEMA).is_file():
        return info(home)
    table_path = table_file(bundle)
    with staging(datasets_folder, home) as folder:
        table = read(bundle.read(table_path), name=table_path, limits=limits)
        named = name_images(bundle, table.frame, table_path)
        found = store_images(bundle, named.files, folder / IMAGES, options, on_progress)
        broken = [(i, Broken(b.file or _said(table, named, i), b.reason)) for i, b in found]
        _refuse_broken(broken, len(named.files), label, accept=options.accept_broken)
        frame = _frame_of(table, named, [i for i, _ in broken], folder)
        notes = (*table.notes, *_album_notes(named, broken))
        rows = write_rows(Table(frame.lazy(), notes, table.format), folder / DATA, label)
        size = sum(bundle.size(f) for f in bundle.files())
        info_ = DatasetInfo(
            digest, label, rows, frame.width, size, "images", notes, "images",
            tuple(frame.columns), now(),
        )  # fmt: skip
        shape = list(ImageStore(folder / IMAGES).pixels.shape)
        listed = [{"file": b.file, "reason": b.reason} for _, b in broken]
        write_schema(folder, info_, image_column=named.column, image_shape=shape, broken=listed)
    return info_


def _said(table: Table, named: Named, row: int) -> str:
    value = table.frame[named.column][row]
    return f"row {row + 1}, an empty cell" if value is None else str(value)


def _refuse_broken(
    broken: list[tuple[int, Broken]], total: int, label: str, *, accept: bool
) -> None:
    if len(broken) == total:
        raise InputError(
            f"none of the {total:,} images of '{label}' can be read (the first: "
            f"{broken[0][1].file}, {broken[0][1].reason}); check the files"
        )
    if broken and not accept:
        listed = "; ".join(f"{b.file} ({b.reason})" for _, b in broken[:10])
        more = f"; and {len(broken) - 10:,} more" if len(broken) > 10 else ""
        raise InputError(
            f"{len(broken):,} of {total:,} images of '{label}' cannot be used: {listed}{more}. "
            "Mend them, or agree to leave these rows out (accept_broken)"
        )


def _frame_of(table: Table, named: Named, dropped: list[int], folder: Path) -> pl.DataFrame:
    """The rows whose image is there, with the path inside the bundle in the image column."""
    frame = table.frame.with_columns(pl.Series(named.column, named.files, dtype=pl.String))
    if not dropped:
        return frame
    kept = np.setdiff1d(np.arange(frame.height), dropped)
    keep_rows(folder / IMAGES, kept)
    chosen: pl.DataFrame = frame[kept.tolist()]
    return chosen


def _album_notes(named: Named, broken: list[tuple[int, Broken]]) -> list[str]:
    notes = [f"column '{named.column}' names the images"]
    if named.unused:
        notes.append(f"{named.unused:,} images that no row names were left out")
    if broken:
        notes.append(f"{len(broken):,} rows with broken images were left out (see the list)")
    return notes


def images(folder: Path | str) -> ImageStore | None:
    """The images of a stored data set, or None for a plain table."""
    path = Path(folder) / IMAGES
    return ImageStore(path) if path.is_file() else None


def broken_images(folder: Path | str) -> list[Broken]:
    """Images that were left out at ingestion."""
    return [Broken(b["file"], b["reason"]) for b in schema(folder).get("broken", [])]


def content_hash(source: Source, extra: str = "") -> str:
    """SHA-256 of the bytes; options that change what is read make another data set."""
    digest = hashlib.sha256()
    with open_source(source) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    if extra:
        digest.update(b"\0" + extra.encode())
    return digest.hexdigest()


def now() -> str:
    """This moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def staging(datasets_folder: Path, home: Path) -> Iterator[Path]:
    """A folder beside the final one: renamed on success, removed on any failure."""
    try:
        datasets_folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".ingest-", dir=datasets_folder))
    except OSError as error:
        raise InputError(
            f"'{datasets_folder}' cannot be written ({error.strerror}); check the folder's rights"
        ) from error
    try:
        yield folder
        _publish(folder, home)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, home: Path) -> None:
    folder.chmod(0o755)
    try:
        folder.replace(home)
    except OSError as error:
        if not (home / SCHEMA).is_file():  # another process storing the same content is fine
            raise InputError(f"'{home}' cannot be written ({error}); check the folder") from error


def write_rows(table: Table, path: Path, name: str) -> int:
    """Stream the rows with their ids to Parquet; their number."""
    try:
        table.lazy.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64)).sink_parquet(
            path, compression="zstd", row_group_size=100_000
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if os.strerror(errno.ENOSPC) in str(error):  # the writer's trouble, told by polars
            raise _no_room(name, error) from error
        raise InputError(
            f"'{name}' cannot be read to its end ({str(error).splitlines()[0]}); check or export "
            "it again"
        ) from error
    except OSError as error:
        raise _no_room(name, error) from error
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _no_room(name: str, error: BaseException) -> LimitExceeded:
    said = str(error).splitlines()[0]
    return LimitExceeded(f"'{name}' could not be stored ({said}); free disk space and try again")


def write_schema(folder: Path, found: DatasetInfo, **more: Any) -> None:
    """schema.json beside the rows."""
    types = {c: str(t) for c, t in pl.scan_parquet(folder / DATA).collect_schema().items()}
    content = {"version": _VERSION, **asdict(found), "types": types, **more}
    path = folder / SCHEMA
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def schema(folder: Path | str) -> dict[str, Any]:
    """The content of schema.json."""
    path = Path(folder) / SCHEMA
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"'{folder}' is no stored data set ({error}); ingest the source again"
        ) from error


def info(folder: Path | str) -> DatasetInfo:
    """What is known of a stored data set."""
    content = schema(folder)
    fields = DatasetInfo.__dataclass_fields__
    known: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in content.items() if k in fields
    }
    return DatasetInfo(**known)


def scan(folder: Path | str) -> pl.LazyFrame:
    """The stored rows, lazily."""
    path = Path(folder) / DATA
    if not path.is_file():
        raise IntegrityError(f"'{folder}' has no {DATA}; ingest the source again")
    return pl.scan_parquet(path, glob=False)


def load(folder: Path | str, columns: list[str] | None = None) -> pl.DataFrame:
    """The stored rows, or only some columns of them (the row id always)."""
    lazy = scan(folder)
    if columns is not None:
        lazy = lazy.select(list(dict.fromkeys([ROW_ID, *columns])))
    try:
        return lazy.collect()
    except UNREADABLE as error:
        raise IntegrityError(
            f"the rows in '{folder}' cannot be read ({str(error).splitlines()[0]}); ingest the "
            "source again"
        ) from error
