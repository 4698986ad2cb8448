"""One table in several local files: by a pattern of names, or as a folder of files."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from fairaudit.data.reading.delimited import Delimited, RawText, open_raw, typed
from fairaudit.data.reading.formats import Format, sniff
from fairaudit.data.reading.limits import Limits
from fairaudit.data.reading.options import ReadingOptions
from fairaudit.exceptions import InputError

_TEXT = (".csv", ".tsv", ".txt")
_PACKED = tuple(f"{text}{packed}" for text in _TEXT for packed in (".gz", ".zst"))
_SUFFIXES = (*_TEXT, *_PACKED, ".parquet", ".pq", ".arrow", ".feather", ".ipc")
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/{1,2}[^/]")
_DATABASES = ("duckdb", "postgres", "postgresql", "sqlite", "mysql", "mssql", "snowflake")
_UNKNOWN = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Parts:
    """The files of one table.

    Attributes
    ----------
    root : Path
        Folder that the names in messages are relative to.
    files : tuple of Path
        In the order of their names.
    unpacked : tuple of Path
        The decompressed files in the same order; empty where none was compressed.
    """

    root: Path
    files: tuple[Path, ...]
    unpacked: tuple[Path, ...] = ()

    @property
    def contents(self) -> tuple[Path, ...]:
        """The files to read: decompressed ones in place of compressed ones."""
        return self.unpacked or self.files

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)

    def names(self) -> list[str]:
        """The files, relative to the root."""
        return [file.relative_to(self.root).as_posix() for file in self.files]

    def partitions(self) -> list[dict[str, str]]:
        """The columns that the names of subfolders give each file."""
        return [_partition(Path(name)) for name in self.names()]


def refuse_address(source: object) -> None:
    """Refuse what lies on another machine.

    Raises
    ------
    InputError
        For addresses such as s3://bucket/people.csv; the text names the remedy.
    """
    if not isinstance(source, (str, Path)):
        return
    match = _ADDRESS.match(str(source))
    if match is None or match["scheme"].lower() in _DATABASES:
        return
    address = re.sub(r"^([^:]+):/+", r"\1://", str(source))
    raise InputError(
        f"'{address}' is an address on another machine, and only local files are read; download "
        "it and pass the file"
    )


def parts_of(source: object) -> Parts | None:
    """The files of a folder or of a pattern such as "part-*.parquet"; None for anything else.

    Files and folders whose names begin with "." or "_" are markers of other programs and do not
    count.

    Raises
    ------
    InputError
        If nothing matches a pattern.
    """
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source).expanduser()
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if _is_part(file, path))
        return Parts(path, tuple(inside)) if inside else None
    if path.exists() or not glob.has_magic(str(path)):
        return None
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207
    root = _fixed_start(path)
    files = [file for file in matches if file.is_file()]
    files += [f for m in matches if m.is_dir() for f in sorted(m.rglob("*")) if _is_part(f, m)]
    if not files:
        raise InputError(f"no file matches '{source}'; check the pattern")
    return Parts(root, tuple(files))


def _fixed_start(pattern: Path) -> Path:
    """The folder above the first name with a wildcard."""
    fixed = []
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _is_part(file: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(root).parts)
    return not hidden and file.is_file() and file.name.lower().endswith(_SUFFIXES)


def _partition(name: Path) -> dict[str, str]:
    pairs = (part.partition("=") for part in name.parts[:-1])
    return {key: value for key, equals, value in pairs if key and equals}


def kind_of(parts: Parts) -> Format:
    """The one format of all files.

    Raises
    ------
    InputError
        If they are of several formats, or of one that is not read in parts.
    """
    kinds = {
        sniff(file, name): name for file, name in zip(parts.contents, parts.names(), strict=True)
    }
    if len(kinds) > 1:
        listed = ", ".join(f"'{name}' is {kind.upper()}" for kind, name in kinds.items())
        raise InputError(
            f"the files of '{parts.root.name}' are of several formats ({listed}); keep one, or "
            "pass a pattern such as 'part-*.csv'"
        )
    kind = next(iter(kinds))
    if kind not in ("csv", "parquet", "arrow") and len(parts.files) > 1:
        raise InputError(
            f"only CSV (also as .gz or .zst), Parquet and Arrow files are read as one table; "
            f"pass one of the {len(parts.files)} files of '{parts.root.name}'"
        )
    return kind


def parts_note(parts: Parts) -> str:
    """How many files were read, and the columns from the names of folders."""
    keys = list(dict.fromkeys(key for p in parts.partitions() for key in p))
    note = f"{len(parts.files):,} files were read as one table"
    if keys:
        named = ", ".join(f"'{key}'" for key in keys)
        note += f"; the names of their folders gave {named}"
    return note


def open_text_parts(
    parts: Parts, limits: Limits, workdir: Path, options: ReadingOptions
) -> Delimited:
    """Text files as one table, typed together."""
    tables: list[RawText] = []
    for file, name in zip(parts.contents, parts.names(), strict=True):
        tables.append(open_raw(file, name, limits, workdir=workdir, options=options))
        options = options.model_copy(update={"header": tables[0].dialect.header})
    partitions = _complete(parts)
    names = tables[0].names
    for table, name in zip(tables, parts.names(), strict=True):
        _check_same(names, table.names, parts.names()[0], name)
    lazies = [
        table.lazy.select(names).with_columns(
            pl.lit(value or "").alias(key) for key, value in partition.items()
        )
        for table, partition in zip(tables, partitions, strict=True)
    ]
    whole = replace(tables[0], lazy=pl.concat(lazies), names=[*names, *partitions[0]])
    whole = replace(whole, notes=list(dict.fromkeys(n for table in tables for n in table.notes)))
    kept = options.model_copy(update={"skip_rows": options.skip_rows or ()})
    return typed(whole, parts.root.name, limits, kept)


def with_partitions(lazies: list[pl.LazyFrame], parts: Parts) -> pl.LazyFrame:
    """Typed files as one table, with the columns that their folders give."""
    partitions = _complete(parts)
    names = [*lazies[0].collect_schema()]
    schemas = [lazy.collect_schema() for lazy in lazies]
    for schema, name in zip(schemas, parts.names(), strict=True):
        _check_same(names, [*schema], parts.names()[0], name)
    text = [c for c in names if any(s[c] == pl.String for s in schemas)]
    values = {key: _typed_values([p[key] for p in partitions]) for key in partitions[0]}
    return pl.concat(
        [
            lazy.select(names)
            .with_columns(pl.col(c).cast(pl.String) for c in text)
            .with_columns(
                pl.lit(column[i], dtype=column.dtype).alias(key) for key, column in values.items()
            )
            for i, lazy in enumerate(lazies)
        ],
        how="vertical_relaxed",
    )


def _complete(parts: Parts) -> list[dict[str, str | None]]:
    """The columns from folders of each file; all have to give the same ones."""
    partitions = parts.partitions()
    for partition, name in zip(partitions, parts.names(), strict=True):
        if partition.keys() != partitions[0].keys():
            raise InputError(
                f"'{name}' lies in other folders (name=value) than '{parts.names()[0]}'; move it, "
                "or pass a pattern"
            )
    return [{k: None if v == _UNKNOWN else v for k, v in p.items()} for p in partitions]


def _check_same(names: list[str], others: list[str], first: str, other: str) -> None:
    different = sorted(set(names) ^ set(others))
    if different:
        raise InputError(
            f"'{other}' has other columns than '{first}' ({', '.join(map(repr, different[:5]))}); "
            "give all files the same columns, or pass a pattern that leaves it out"
        )


def _typed_values(values: list[str | None]) -> pl.Series:
    """Values of folder names: whole numbers where all are, else text."""
    text = pl.Series(values, dtype=pl.String)
    number = text.cast(pl.Int64, strict=False)
    if number.null_count() == text.null_count() and (number.cast(pl.String) == text).all():
        return number
    return text
