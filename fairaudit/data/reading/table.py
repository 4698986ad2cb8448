"""Reads bytes or a path into a polars frame, with one clear message for what cannot be read."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from fairaudit.data.reading import cell_types
from fairaudit.data.reading.delimited import open_delimited
from fairaudit.data.reading.dialect import Dialect
from fairaudit.data.reading.formats import (
    BROKEN_ZIP,
    Format,
    Source,
    extension_note,
    open_source,
    size_of,
    sniff,
)
from fairaudit.data.reading.header import unique_names
from fairaudit.data.reading.limits import DEFAULT_LIMITS, Limits
from fairaudit.data.reading.options import INFERRED, ReadingOptions, chosen_options
from fairaudit.data.reading.parts import (
    Parts,
    kind_of,
    open_text_parts,
    parts_note,
    parts_of,
    refuse_address,
    with_partitions,
)
from fairaudit.data.reading.plain_types import plain_types
from fairaudit.data.reading.records import read_json, read_json_lines
from fairaudit.data.reading.sheets import Sheet, read_sheet
from fairaudit.exceptions import InputError

ROW_ID = "_row"
# A panic of polars on damaged bytes is not a subclass of Exception.
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_STEP = 1 << 20


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes
    ----------
    lazy : polars.LazyFrame
        Typed rows; those of a text table are not yet in memory. `frame` computes them.
    notes : tuple of str
        What was inferred while reading, in sentences.
    format : str
        Detected from the content: "csv", "parquet", ...
    dialect : Dialect or None
        Of text tables.
    """

    lazy: pl.LazyFrame
    notes: tuple[str, ...]
    format: str
    dialect: Dialect | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """All rows in memory."""
        return self.lazy.collect(engine="streaming")


def read_table(
    source: bytes | Path | str,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    options: ReadingOptions = INFERRED,
    **choices: Any,
) -> pl.DataFrame:
    """Read a table of any accepted format into a polars frame.

    CSV and similar (delimiter, encoding, decimal comma and header are inferred), XLSX, XLS, ODS,
    Parquet, Arrow IPC (file and stream), JSON, JSON Lines; text also compressed by gzip or zstd.
    Several Parquet or text files with the same columns are one table, by a pattern such as
    "part-*.parquet" or as a folder, whose subfolders `name=value` give further columns.

    Parameters
    ----------
    source : bytes, Path or str
        The content, or its path.
    name : str, optional
        Name used in messages; defaults to the file name.
    limits : Limits
        Limits on size and shape.
    options : ReadingOptions
        What is not to be inferred.
    **choices
        The same by name: `sheet`, `encoding`, `header`, `delimiter`, `decimal`, `skip_rows`,
        `text_columns`.

    Returns
    -------
    polars.DataFrame
        Missing markers ("", "?", "NA" …) are null, text is trimmed.

    Raises
    ------
    InputError
        If the source is not a readable table; the text gives the reason and the remedy.
    LimitExceeded
        If it is larger than the limits allow.
    SpecError
        For an unknown choice, or a sheet that the workbook does not have.

    Examples
    --------
    >>> read_table(b"age;income\\n31;1,5\\n40;?\\n")["income"].to_list()
    [1.5, None]
    """
    return read(source, name=name, limits=limits, options=options, **choices).frame


def read(
    source: bytes | Path | str,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    options: ReadingOptions = INFERRED,
    **choices: Any,
) -> Table:
    """Like `read_table`, with the notes and the dialect; the frame is in memory."""
    options = chosen_options(options, choices)
    content = as_source(source)
    label = name or source_name(content)
    limits.check_file(label, total_size(content))
    with tempfile.TemporaryDirectory(prefix="fairaudit-") as folder:
        table = open_table(content, label, Path(folder), options=options, limits=limits)
        try:
            frame = table.frame
        except UNREADABLE as error:
            raise InputError(
                f"'{label}' cannot be read completely ({_first_line(error)}); export it again"
            ) from error
        return Table(frame.lazy(), table.notes, table.format, table.dialect)


def as_source(source: bytes | bytearray | memoryview | Path | str) -> Source | Parts:
    """Bytes unchanged, a path that is known to be a file, or several files of one table.

    Raises
    ------
    InputError
        For addresses on other machines, missing files and folders without tables.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    refuse_address(source)
    parts = parts_of(source)
    if parts is not None:
        return parts
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(f"there is no file '{path}'; check the path")
    if path.is_dir():
        raise InputError(
            f"'{path}' is a folder without CSV or Parquet files; give the path of a table file"
        )
    return path


def total_size(source: Source | Parts) -> int:
    """Size of the source, or of all its files, in bytes."""
    return source.size if isinstance(source, Parts) else size_of(source)


def source_name(source: Source | Parts) -> str:
    """The name of a file or of the folder of several; "upload" for bytes."""
    if isinstance(source, Parts):
        return source.root.resolve().name
    return "upload" if isinstance(source, bytes) else source.name


def open_table(
    source: Source | Parts,
    name: str,
    workdir: Path,
    *,
    options: ReadingOptions = INFERRED,
    limits: Limits = DEFAULT_LIMITS,
) -> Table:
    """A lazy table; decompressed or re-encoded text stays in `workdir` until it is collected."""
    try:
        if isinstance(source, Parts):
            return _reserved(_open_parts(source, name, workdir, options, limits))
        kind = sniff(source, name)
        packed = kind if kind in ("gzip", "zstd") else None
        if packed:
            source = _expanded(source, packed, name, limits, workdir)
            kind = sniff(source, name)
            _refuse_nested(kind, name)
        notes = [] if packed else _listed(extension_note(name, kind))
        table = _opened(source, kind, name, workdir, options, limits)
    except OSError as error:
        raise InputError(
            f"'{name}' cannot be read ({error}); check the file and its permissions"
        ) from error
    return _reserved(replace(table, notes=(*notes, *table.notes)))


def _open_parts(
    parts: Parts, name: str, workdir: Path, options: ReadingOptions, limits: Limits
) -> Table:
    """Several files as one table."""
    if len(parts.files) == 1 and not parts.partitions()[0]:
        return open_table(parts.files[0], name, workdir, options=options, limits=limits)
    parts = _decompressed(parts, limits, workdir)
    kind = kind_of(parts)
    if kind == "csv":
        text = open_text_parts(parts, limits, workdir, options)
        return Table(text.lazy, (parts_note(parts), *text.notes), kind, text.dialect)
    plain = [
        plain_types(_columnar(file, kind, part), part)
        for file, part in zip(parts.contents, parts.names(), strict=True)
    ]
    notes = dict.fromkeys(note for _, remarks in plain for note in remarks)
    whole = _declared(with_partitions([lazy for lazy, _ in plain], parts), kind, name, limits)
    return replace(whole, notes=(parts_note(parts), *notes, *whole.notes))


def _decompressed(parts: Parts, limits: Limits, workdir: Path) -> Parts:
    """The parts with every compressed file decompressed in `workdir`, within limits together."""
    contents, grown = [], 0
    for i, (file, name) in enumerate(zip(parts.files, parts.names(), strict=True)):
        kind = sniff(file, name)
        if kind in ("gzip", "zstd"):
            folder = workdir / f"part {i}"
            folder.mkdir()
            contents.append(_expanded(file, kind, name, limits, folder))
            _refuse_nested(sniff(contents[-1], name), name)
            grown += size_of(contents[-1])
            limits.check_expansion(parts.root.name, parts.size, grown)
        else:
            contents.append(file)
    return replace(parts, unpacked=tuple(contents)) if grown else parts


def _reserved(table: Table) -> Table:
    """The table without a column of the reserved name of row ids."""
    names = [*table.lazy.collect_schema()]
    return _rename_row_id(table, names) if ROW_ID in names else table


def _listed(note: str | None) -> list[str]:
    return [] if note is None else [note]


def _rename_row_id(table: Table, names: list[str]) -> Table:
    new = next(n for n in unique_names([*names, f"{ROW_ID} of the file"]) if n not in names)
    note = f"column '{ROW_ID}' was renamed '{new}'; the name is reserved for row ids"
    lazy = table.lazy.rename({ROW_ID: new})
    return Table(lazy, (*table.notes, note), table.format, table.dialect)


def _refuse_nested(kind: Format, name: str) -> None:
    if kind in ("gzip", "zstd", "zip"):
        raise InputError(
            f"'{name}' is compressed more than once; decompress it and use the plain file"
        )


def _expanded(source: Source, packed: str, name: str, limits: Limits, workdir: Path) -> Path:
    """The decompressed text in a file in `workdir`; refused as soon as it grows like a bomb."""
    path = workdir / "expanded"
    size, total = size_of(source), 0
    try:
        with open_source(source) as content, path.open("wb") as out:
            for chunk in _unpacked_chunks(content, packed):
                total += len(chunk)
                limits.check_expansion(name, size, total)
                out.write(chunk)
    except (EOFError, zlib.error, OSError, _zstd_error()) as error:
        raise InputError(
            f"'{name}' is damaged or truncated and cannot be decompressed ({error}); copy or "
            "download it again"
        ) from error
    return path


def _unpacked_chunks(content: BinaryIO, packed: str) -> Iterator[bytes]:
    import gzip

    if packed == "zstd":
        yield from _unzstd(content)
        return
    with gzip.GzipFile(fileobj=content) as stream:
        while chunk := stream.read(_STEP):
            yield chunk


def _unzstd(content: BinaryIO) -> Iterator[bytes]:
    """Decompress frame by frame; zstandard's own reader accepts a truncated file as complete.

    Input is fed in small pieces because every 4 bytes can grow to 128 KB.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    frame = decompressor.decompressobj()
    while piece := content.read(1 << 12):
        while piece:
            if frame.eof:
                frame = decompressor.decompressobj()
            yield frame.decompress(piece)
            piece = frame.unused_data
    if not frame.eof:
        raise EOFError("the last frame is incomplete")


def _zstd_error() -> type[Exception]:
    import zstandard

    return zstandard.ZstdError


def _opened(
    source: Source,
    kind: Format,
    name: str,
    workdir: Path,
    options: ReadingOptions,
    limits: Limits,
) -> Table:
    if kind == "csv":
        text = open_delimited(source, name, limits, workdir=workdir, options=options)
        return Table(text.lazy, text.notes, kind, text.dialect)
    if kind in ("xlsx", "xls", "ods"):
        return _typed(read_sheet(source, name, limits, options), kind, options)
    if kind == "zip":
        return _only_member(source, name, workdir, options, limits)
    if kind in ("json", "jsonl"):
        read_rows = read_json if kind == "json" else read_json_lines
        table = read_rows(source, name, limits)
        declared = _declared(table.frame.lazy(), kind, name, limits)
        return replace(declared, notes=(*table.notes, *declared.notes))
    return _declared(_columnar(source, kind, name), kind, name, limits)


def _columnar(source: Source, kind: Format, name: str) -> pl.LazyFrame:
    where = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        if kind == "parquet":
            lazy = pl.scan_parquet(where, glob=False)
        elif kind == "arrow":
            lazy = pl.read_ipc(where).lazy() if isinstance(source, bytes) else pl.scan_ipc(where)
        else:
            lazy = pl.read_ipc_stream(where).lazy()
        lazy.head(1).collect()
        names = [*lazy.collect_schema()]
    except pl.exceptions.DuplicateError as error:
        raise InputError(
            f"'{name}' has several columns of the same name ({_first_line(error)}); give each a "
            "unique name"
        ) from error
    except pl.exceptions.PanicException as error:
        raise InputError(
            f"'{name}' cannot be read as {kind}: it is damaged, has two columns of the same name "
            "or an unknown type; copy it again, or export it as CSV"
        ) from error
    except (*UNREADABLE, ValueError) as error:
        raise InputError(
            f"'{name}' is a damaged {kind} file ({_first_line(error)}) and may be truncated; "
            "copy or export it again"
        ) from error
    plain = unique_names([n or f"column_{i}" for i, n in enumerate(names, 1)])
    return lazy if plain == names else lazy.rename(dict(zip(names, plain, strict=True)))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _typed(sheet: Sheet, kind: str, options: ReadingOptions) -> Table:
    """The cells of a workbook with inferred types, and numbers at full precision."""
    seen = cell_types.study(
        sheet.text.lazy(), decimal=options.decimal, text_columns=options.text_columns
    )
    typed = (
        sheet.text.lazy()
        .with_columns(cell_types.converted(c, s) for c, s in seen.items())
        .collect()
    )
    counted = [c for c, s in seen.items() if s.kind in ("integer", "number")]
    exact = typed.with_columns(_exact(typed[c], sheet.numbers[c]) for c in counted)
    notes = (*sheet.notes, *cell_types.number_notes(seen), *cell_types.missing_notes(seen))
    return Table(exact.lazy(), notes, kind)


def _exact(shown: pl.Series, number: pl.Series) -> pl.Series:
    """The stored number wherever one is displayed: 1e-12 is displayed as 0."""
    known = pl.when(pl.col("shown").is_not_null()).then(pl.coalesce("number", "shown"))
    pair = pl.DataFrame({"shown": shown.cast(pl.Float64), "number": number})
    value = pair.select(known.alias(shown.name)).to_series()
    return shown if value.equals(pair["shown"], check_names=False) else value


def _declared(lazy: pl.LazyFrame, kind: str, name: str, limits: Limits) -> Table:
    """Keep declared types; categories become text, decimals floats or whole numbers.

    Columns of nested or binary values are left out, with a note.
    """
    schema = lazy.collect_schema()
    limits.check_shape(name, 0, len(schema))
    try:
        rows = int(lazy.select(pl.len()).collect(engine="streaming").item())
        limits.check_shape(name, rows, len(schema))
        lazy, notes = plain_types(lazy, name)
        text = [c for c, t in lazy.collect_schema().items() if t == pl.String]
        seen = {
            c: s for c, s in cell_types.study(lazy.select(text)).items() if s.missing or s.padded
        }
    except UNREADABLE as error:
        raise InputError(
            f"'{name}' is a damaged {kind} file ({_first_line(error)}); copy or export it again"
        ) from error
    if rows == 0 or not schema:
        raise InputError(f"'{name}' has no rows; add the rows to be audited")
    return Table(
        cell_types.missing_to_null(lazy, text), (*notes, *cell_types.missing_notes(seen)), kind
    )


def _only_member(
    source: Source, name: str, workdir: Path, options: ReadingOptions, limits: Limits
) -> Table:
    """A ZIP with exactly one file is read as that table."""
    with open_source(source) as stream, zipfile.ZipFile(stream) as archive:
        files = [i for i in archive.infolist() if not i.is_dir() and "__MACOSX" not in i.filename]
        if len(files) != 1:
            raise InputError(
                f"'{name}' is a ZIP of {len(files):,} files; unpack it and choose one table, or "
                "ingest it as an image dataset if it contains images with a table"
            )
        path = _unpacked(archive, files[0], name, workdir, limits)
    kind = sniff(path, files[0].filename)
    _refuse_nested(kind, name)
    table = _opened(path, kind, files[0].filename, workdir, options, limits)
    note = f"'{files[0].filename}' was read from the ZIP"
    return Table(table.lazy, (note, *table.notes), table.format, table.dialect)


def _unpacked(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, workdir: Path, limits: Limits
) -> Path:
    limits.check_expansion(name, info.compress_size, info.file_size)
    path, total = workdir / "member", 0
    try:
        with archive.open(info) as stream, path.open("wb") as out:
            while chunk := stream.read(_STEP):
                total += len(chunk)
                limits.check_expansion(name, info.compress_size, total)
                out.write(chunk)
    except BROKEN_ZIP as error:
        raise InputError(
            f"'{name}' cannot be unpacked ({error}); create the ZIP again without a password"
        ) from error
    return path
