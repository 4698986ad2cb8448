"""Datasets on disk, under the SHA-256 of their content; staged, then renamed atomically."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from fairaudit.data.archive import Bundle, open_folder, open_zip
from fairaudit.data.image_folders import IMAGE, folder_column, folder_table
from fairaudit.data.image_tables import ImageFiles, has_images, match_images, table_file
from fairaudit.data.images import (
    DEFAULT_IMAGES,
    Broken,
    BrokenImages,
    ImageLayout,
    ImageLimits,
    ImageStore,
    Progress,
    image_layout,
    keep_rows,
    store_images,
)
from fairaudit.data.reading.formats import Source, head_of, open_source, sniff
from fairaudit.data.reading.limits import DEFAULT_LIMITS, Limits
from fairaudit.data.reading.options import INFERRED, ReadingOptions, chosen_options
from fairaudit.data.reading.parts import Parts, parts_of
from fairaudit.data.reading.table import (
    ROW_ID,
    UNREADABLE,
    Table,
    as_source,
    open_table,
    read,
    source_name,
    total_size,
)
from fairaudit.exceptions import InputError, IntegrityError, LimitExceeded

DATA, SCHEMA, IMAGES = "data.parquet", "schema.json", "images.npy"
_VERSION = 1


@dataclass(frozen=True)
class DatasetInfo:
    """The description of a stored dataset, without its rows.

    Attributes
    ----------
    sha256 : str
        Of the ingested content; also the name of the folder.
    rows, columns : int
        Shape, without the row id.
    bytes : int
        Size of the source.
    kind : {"table", "images"}
    notes : tuple of str
        What was inferred while reading.
    format : str
        Detected from the content.
    names : tuple of str
        Columns, without the row id.
    created : str
        Time of ingestion (ISO 8601, UTC).
    reading : dict
        The reading options that were not inferred, as JSON.
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
    reading: dict[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> ReadingOptions:
        """The reading options, to ingest the same file again in the same way."""
        return ReadingOptions.model_validate(self.reading)


def ingest(
    source: bytes | Path | str,
    datasets_folder: Path | str,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    options: ReadingOptions = INFERRED,
    images: ImageLimits = DEFAULT_IMAGES,
    on_progress: Progress | None = None,
    **choices: Any,
) -> DatasetInfo:
    """Store a table, or images with a table, once; repeated content only costs its hash.

    CSV is read, typed and written as a stream, so it may be larger than memory. Images are decoded
    in batches.

    Parameters
    ----------
    source : bytes, Path or str
        A table in any accepted format (also in several files, see `read_table`), or a ZIP or
        folder with images and a table.
    datasets_folder : Path or str
        Folder of the datasets; created if missing.
    name : str, optional
        Display name; defaults to the file name.
    limits : Limits
        Limits on size and shape.
    options : ReadingOptions
        What is not to be inferred; the dataset keeps it, and other options make another dataset.
    images : ImageLimits
        How many images are decoded at a time, and how large they may be.
    on_progress : callable, optional
        Called with (images done, images in total).
    **choices
        Reading options by name, such as `sheet`, `encoding` or `image_size`.

    Returns
    -------
    DatasetInfo

    Raises
    ------
    InputError, LimitExceeded
        As for `read_table`; nothing is left in the folder.
    BrokenImages
        An InputError that lists the images that cannot be used, unless `accept_broken`.
    """
    options = chosen_options(options, choices)
    with _image_bundle(source, name, limits) as bundle:
        if bundle is not None:
            folder = Path(datasets_folder)
            label = name or bundle.name
            return _ingest_images(bundle, folder, label, limits, images, options, on_progress)
    content = as_source(source)
    label = name or source_name(content)
    digest = content_hash(content, options.key())
    home = Path(datasets_folder) / digest
    if (home / SCHEMA).is_file():
        return info(home)
    with staging(Path(datasets_folder), home) as folder:
        work = folder / "work"
        work.mkdir()
        table = open_table(content, label, work, options=options, limits=limits)
        rows = write_rows(table, folder / DATA, label)
        shutil.rmtree(work)
        names = tuple(c for c in table.lazy.collect_schema() if c != ROW_ID)
        description = DatasetInfo(
            digest, label, rows, len(names), total_size(content), "table", table.notes,
            table.format, names, now(), options.changed(),
        )  # fmt: skip
        dialect = table.dialect.to_json() if table.dialect else None
        write_schema(folder, description, dialect=dialect)
    return description


@contextmanager
def _image_bundle(
    source: bytes | Path | str, name: str | None, limits: Limits
) -> Iterator[Bundle | None]:
    """The source as a bundle of files if it contains images, else None."""
    if not isinstance(source, (bytes, bytearray, memoryview)) and Path(source).is_dir():
        folder = open_folder(Path(source))
        yield folder if has_images(folder) or parts_of(source) is None else None
        return
    content = as_source(source)
    if isinstance(content, Parts):
        yield None
        return
    label = name or source_name(content)
    if not head_of(content, 4).startswith(b"PK") or sniff(content, label) != "zip":
        yield None
        return
    bundle = open_zip(content, label, limits)
    with bundle.archive:
        yield bundle if has_images(bundle) else None


def _ingest_images(
    bundle: Bundle,
    datasets_folder: Path,
    label: str,
    limits: Limits,
    decoding: ImageLimits,
    reading: ReadingOptions,
    on_progress: Progress | None,
) -> DatasetInfo:
    """Store the table and its decoded images; image i belongs to row id i."""
    key = f"{bundle.digest()}\0{_key(reading)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    home = datasets_folder / digest
    if (home / SCHEMA).is_file():
        return info(home)
    with staging(datasets_folder, home) as folder:
        table, matched = _image_rows(bundle, limits, reading)
        layout = image_layout(
            bundle, matched.files, decoding, size=reading.image_size,
            channels=reading.image_channels,
        )  # fmt: skip
        unusable = store_images(
            bundle, matched.files, folder / IMAGES, layout, decoding, on_progress
        )
        broken = [(i, Broken(b.file or _cell(table, matched, i), b.reason)) for i, b in unusable]
        _refuse_broken(broken, len(matched.files), label, accept=reading.accept_broken)
        frame = _frame_of(table, matched, [i for i, _ in broken], folder)
        notes = (*table.notes, *_image_notes(matched, layout, broken))
        rows = write_rows(Table(frame.lazy(), notes, table.format), folder / DATA, label)
        size = sum(bundle.size(f) for f in bundle.files())
        description = DatasetInfo(
            digest, label, rows, frame.width, size, "images", notes, "images",
            tuple(frame.columns), now(), reading.changed(),
        )  # fmt: skip
        shape = list(ImageStore(folder / IMAGES).pixels.shape)
        listed = [{"file": b.file, "reason": b.reason} for _, b in broken]
        write_schema(
            folder, description, image_column=matched.column, image_shape=shape, broken=listed
        )
    return description


def _image_rows(
    bundle: Bundle, limits: Limits, reading: ReadingOptions
) -> tuple[Table, ImageFiles]:
    """The table of a bundle, or one of its folders, and the image file of each row."""
    path = table_file(bundle)
    if path is None:
        frame, note = folder_table(bundle)
        files = ImageFiles(IMAGE, frame[IMAGE].to_list(), 0)
        return Table(frame.lazy(), (note,), "images"), files
    table = read(bundle.read(path), name=path, limits=limits, options=reading)
    matched = match_images(bundle, table.frame, path)
    folder = folder_column(matched.files, table.frame)
    if folder is None:
        return table, matched
    note = f"column '{folder.name}' holds the folder of each image"
    frame = table.frame.with_columns(folder)
    return replace(table, lazy=frame.lazy(), notes=(*table.notes, note)), matched


def _key(reading: ReadingOptions) -> str:
    """Text that distinguishes sets read from one bundle with other choices."""
    image = dict.fromkeys(("image_size", "image_channels", "accept_broken"))
    rest = reading.model_copy(update={k: ReadingOptions.model_fields[k].default for k in image})
    size, channels = reading.image_size, reading.image_channels
    return f"{size}/{channels}/{reading.accept_broken}{rest.key()}"


def _cell(table: Table, matched: ImageFiles, row: int) -> str:
    value = table.frame[matched.column][row]
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
        raise BrokenImages(label, [b for _, b in broken], total)


def _frame_of(
    table: Table, matched: ImageFiles, excluded: list[int], folder: Path
) -> pl.DataFrame:
    """The rows that have an image, with its path in the bundle in the image column."""
    frame = table.frame.with_columns(pl.Series(matched.column, matched.files, dtype=pl.String))
    if not excluded:
        return frame
    kept = np.setdiff1d(np.arange(frame.height), excluded)
    keep_rows(folder / IMAGES, kept)
    chosen: pl.DataFrame = frame[kept.tolist()]
    return chosen


def _image_notes(
    matched: ImageFiles, layout: ImageLayout, broken: list[tuple[int, Broken]]
) -> list[str]:
    notes = [f"column '{matched.column}' names the images"]
    if layout.cropped or layout.scaled:
        notes.append(_fitted(layout))
    if matched.unused:
        notes.append(f"{matched.unused:,} images that no row names were excluded")
    if broken:
        notes.append(f"{len(broken):,} rows with broken images were excluded (see the list)")
    return notes


def _fitted(layout: ImageLayout) -> str:
    """That images were cropped or scaled, from which sizes to which."""
    (w, h), (width, height) = layout.smallest, layout.largest
    sizes = f"{w:,} × {h:,}" + (f" to {width:,} × {height:,}" if (w, h) != (width, height) else "")
    how = "cropped to squares and scaled" if layout.cropped else "scaled"
    return (
        f"images of {sizes} pixels were {how} to {layout.size:,} × {layout.size:,}; another size "
        "can be chosen (image_size)"
    )


def images(folder: Path | str) -> ImageStore | None:
    """The images of a stored dataset, or None for a table without images."""
    path = Path(folder) / IMAGES
    return ImageStore(path) if path.is_file() else None


def content_hash(source: Source | Parts, extra: str = "") -> str:
    """SHA-256 of the bytes; options that change what is read make another dataset.

    Of several files, that of their names and hashes.
    """
    digest = hashlib.sha256()
    if isinstance(source, Parts):
        for file, name in zip(source.files, source.names(), strict=True):
            digest.update(f"{name}\0{content_hash(file)}\n".encode("utf-8", "surrogateescape"))
    else:
        with open_source(source) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    if extra:
        digest.update(b"\0" + extra.encode())
    return digest.hexdigest()


def now() -> str:
    """The current UTC time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def staging(datasets_folder: Path, home: Path) -> Iterator[Path]:
    """A folder beside the final one: renamed on success, removed on failure."""
    try:
        datasets_folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".ingest-", dir=datasets_folder))
    except OSError as error:
        raise InputError(
            f"'{datasets_folder}' cannot be written ({error.strerror}); check the permissions of "
            "the folder"
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
    """Stream the rows with their ids to Parquet; returns the number of rows."""
    try:
        table.lazy.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64)).sink_parquet(
            path, compression="zstd", row_group_size=100_000
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if os.strerror(errno.ENOSPC) in str(error):  # polars reports an error of the writer
            raise _disk_full(name, error) from error
        raise InputError(
            f"'{name}' cannot be read completely ({str(error).splitlines()[0]}); check it, or "
            "export it again"
        ) from error
    except OSError as error:
        raise _disk_full(name, error) from error
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _disk_full(name: str, error: BaseException) -> LimitExceeded:
    cause = str(error).splitlines()[0]
    return LimitExceeded(f"'{name}' could not be stored ({cause}); free disk space and try again")


def write_schema(folder: Path, info: DatasetInfo, **more: Any) -> None:
    """Write schema.json beside the rows."""
    types = {c: str(t) for c, t in pl.scan_parquet(folder / DATA).collect_schema().items()}
    content = {"version": _VERSION, **asdict(info), "types": types, **more}
    path = folder / SCHEMA
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def schema(folder: Path | str) -> dict[str, Any]:
    """The content of schema.json.

    Raises
    ------
    IntegrityError
        When the file is missing or damaged.
    """
    path = Path(folder) / SCHEMA
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"'{folder}' is not a stored dataset ({error}); ingest the source again"
        ) from error


def info(folder: Path | str) -> DatasetInfo:
    """The description of a stored dataset."""
    content = schema(folder)
    fields = DatasetInfo.__dataclass_fields__
    known: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in content.items() if k in fields
    }
    return DatasetInfo(**known)


def scan(folder: Path | str) -> pl.LazyFrame:
    """The stored rows as a lazy frame.

    Raises
    ------
    IntegrityError
        When the folder has no rows.
    """
    path = Path(folder) / DATA
    if not path.is_file():
        raise IntegrityError(f"'{folder}' has no {DATA}; ingest the source again")
    return pl.scan_parquet(path, glob=False)


def load(folder: Path | str, columns: list[str] | None = None) -> pl.DataFrame:
    """The stored rows, or only some of their columns (always with the row id).

    Raises
    ------
    IntegrityError
        When the rows are missing or damaged.
    """
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
