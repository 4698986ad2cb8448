"""Images with a table in a ZIP or folder: finds the table and the file that each row names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from fairaudit.data.archive import Bundle
from fairaudit.data.images import IMAGE_FILES
from fairaudit.exceptions import InputError

_TABLE_FILES = (
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".parquet",
    ".jsonl",
    ".ndjson",
    ".json",
    ".arrow",
)
_PROSE = ("readme", "license", "licence", "notice", "changelog", "citation")
_OTHER_IMAGES = (".gif", ".jfif", ".avif", ".heic", ".heif", ".ico", ".svg", ".jp2", ".tga")
_ELSEWHERE = re.compile(r"/|[a-z]:[\\/]|[a-z]+://", re.IGNORECASE)  # a root, drive or URL
_USUAL = ("labels", "label", "metadata", "meta", "data", "index", "table", "annotations")


@dataclass(frozen=True)
class ImageFiles:
    """The image file of each row, "" where there is none, and the column that names them."""

    column: str
    files: list[str]
    unused: int


def has_images(bundle: Bundle) -> bool:
    """Whether a bundle contains images."""
    return any(is_image(f) for f in bundle.files())


def table_file(bundle: Bundle) -> str | None:
    """The table of an image set: by its usual name, else the only one at the top level.

    Returns
    -------
    str or None
        None where there is no table at all.

    Raises
    ------
    InputError
        If there are several.
    """
    tables = [f for f in bundle.files() if _is_table(f)]
    if not tables:
        return None
    depth = min(len(PurePosixPath(f).parts) for f in tables)
    top = [f for f in tables if len(PurePosixPath(f).parts) == depth]
    usual = [f for f in top if PurePosixPath(f).stem.lower() in _USUAL]
    for group in (usual, top):
        if len(group) == 1:
            return group[0]
    listed = ", ".join(f"'{f}'" for f in (usual or top)[:5])
    raise InputError(
        f"'{bundle.name}' contains several tables ({listed}); keep one, or name it labels.csv"
    )


def _is_table(file: str) -> bool:
    path = PurePosixPath(file)
    return path.suffix.lower() in _TABLE_FILES and path.stem.lower() not in _PROSE


def match_images(bundle: Bundle, frame: pl.DataFrame, table: str) -> ImageFiles:
    """Find the column that names most images, and the file of every row.

    Paths are relative to the table's folder or to the top, with or without the extension; a bare
    file name is enough where it is unique. For a path on another machine or a URL, the longest
    suffix that names a file is used. Files of unsupported kinds are matched too, so that they can
    be listed.
    """
    images = [f for f in bundle.files() if is_image(f)]
    others = [f for f in bundle.files() if f.lower().endswith(_OTHER_IMAGES)]
    lookup = _lookup(images + others, PurePosixPath(table).parent)
    best: tuple[int, str, list[str]] | None = None
    for column in frame.columns:
        if frame[column].dtype != pl.String and not frame[column].dtype.is_integer():
            continue
        files = _resolved(frame[column], lookup)
        hits = len({f for f in files if is_image(f)})
        if hits and (best is None or hits > best[0]):
            best = (hits, column, files)
    if best is None or best[0] < 0.2 * min(len(images), frame.height):
        raise InputError(
            f"no column of '{table}' in '{bundle.name}' names the images; add one with their "
            f"paths (such as '{images[0]}')"
        )
    return ImageFiles(best[1], best[2], len(set(images) - set(best[2])))


def _lookup(images: list[str], base: PurePosixPath) -> dict[str, str]:
    """Every way in which a row may name an image; ambiguous names match nothing."""
    ways: dict[str, str] = {}
    bare: list[tuple[str, str]] = []
    for file in images:
        path = PurePosixPath(file)
        ways[_key(file)] = file
        bare += [(_key(path.name), file), (_key(path.stem), file)]
        bare.append((_key(path.with_suffix("").as_posix()), file))
        if path.is_relative_to(base):
            near = path.relative_to(base)
            ways.setdefault(_key(near.as_posix()), file)
            bare.append((_key(near.with_suffix("").as_posix()), file))
    bare = list(dict.fromkeys(bare))
    count = Counter(key for key, _ in bare)
    for key, file in bare:
        if count[key] == 1:
            ways.setdefault(key, file)
    return ways


def _key(path: str) -> str:
    """The same key for all spellings of a path; macOS separates letters and accents."""
    plain = unicodedata.normalize("NFC", path).replace("\\", "/")
    return plain.removeprefix("./").removeprefix("/").lower()


def _resolved(values: pl.Series, lookup: dict[str, str]) -> list[str]:
    text = values.cast(pl.String)
    return ["" if v is None else _file_of(_key(v), lookup, _ELSEWHERE.match(v)) for v in text]


def _file_of(key: str, lookup: dict[str, str], elsewhere: object) -> str:
    while key not in lookup and elsewhere and "/" in key:
        key = key.partition("/")[2]
    return lookup.get(key, "")


def is_image(file: str) -> bool:
    """Whether a file is an image by its name."""
    return file.lower().endswith(IMAGE_FILES)
