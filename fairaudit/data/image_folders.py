"""Images without a table, sorted into folders: the names of the folders are the columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import polars as pl

from fairaudit.data.archive import Bundle
from fairaudit.data.image_tables import is_image
from fairaudit.data.splitting import SPLIT_WORDS
from fairaudit.exceptions import InputError

IMAGE, LABEL, SPLIT, FOLDER = "image", "label", "split", "folder"
_MOST_FOLDERS = 20  # distinct names that may be levels of a column
NO_TABLE = (
    "'{name}' contains images but no table; add labels.csv with a column of image paths and the "
    "columns to be audited, or sort the images into one folder per label"
)
_Folders = list[tuple[str, ...]]


def folder_table(bundle: Bundle) -> tuple[pl.DataFrame, str]:
    """One row per image with the folders that it lies in, and a note that names the columns.

    `train/yes/1.png` gives split "train" and label "yes"; the innermost folder is the label,
    further ones between are `folder_1`, `folder_2` from the outside. Folders around all images
    are left out.

    Raises
    ------
    InputError
        If the images lie in one folder, or in folders at different depths.
    """
    files = sorted(file for file in bundle.files() if is_image(file))
    columns = _named(_levels(bundle, files))
    if LABEL not in columns:
        raise InputError(NO_TABLE.format(name=bundle.name))
    names = ", ".join(f"'{name}'" for name in columns)
    note = f"there is no table: the folders of the images are the columns {names}"
    return pl.DataFrame({IMAGE: files, **columns}), note


def folder_column(files: Sequence[str], frame: pl.DataFrame) -> pl.Series | None:
    """The folder of each image where a table does not say it already; None where it says nothing.

    Parameters
    ----------
    files : sequence of str
        The image of each row, "" where there is none.
    frame : DataFrame
        The table.
    """
    parents = [PurePosixPath(file).parent.name if file else None for file in files]
    series = pl.Series(_free_name(frame), parents, dtype=pl.String)
    names = [name for name in series.unique().to_list() if name]
    if not 2 <= len(names) <= _MOST_FOLDERS or all(_is_number(name) for name in names):
        return None
    if any(_says(frame[column], series) for column in frame.columns):
        return None
    return series


def _free_name(frame: pl.DataFrame) -> str:
    return FOLDER if FOLDER not in frame.columns else "folder_of_image"


def _says(column: pl.Series, folders: pl.Series) -> bool:
    """Whether a column has one value per folder and one folder per value."""
    distinct = folders.n_unique()
    if column.n_unique() != distinct:
        return False
    return pl.DataFrame({"a": column, "b": folders}).n_unique() == distinct


def _levels(bundle: Bundle, files: Sequence[str]) -> _Folders:
    """The folders of each image, outermost first, without those around all images."""
    paths = [PurePosixPath(file).parts[:-1] for file in files]
    depths = {len(path) for path in paths}
    if len(depths) > 1:
        flat = min(files, key=lambda file: len(PurePosixPath(file).parts))
        deep = max(files, key=lambda file: len(PurePosixPath(file).parts))
        raise InputError(
            f"'{bundle.name}' contains no table, and its images lie at different depths "
            f"('{flat}', '{deep}'); sort all of them into folders such as train/yes, or add "
            "labels.csv with a column of image paths"
        )
    kept = [k for k in range(depths.pop()) if len({path[k] for path in paths}) > 1]
    if not kept:
        raise InputError(NO_TABLE.format(name=bundle.name))
    return [tuple(path[k] for k in kept) for path in paths]


def _named(levels: _Folders) -> dict[str, list[str]]:
    columns = [list(values) for values in zip(*levels, strict=True)]
    named: dict[str, list[str]] = {}
    at = next((k for k, values in enumerate(columns) if _is_split(values)), None)
    if at is not None:
        named[SPLIT] = columns.pop(at)
    for k, values in enumerate(columns[:-1], start=1):
        named[f"{FOLDER}_{k}"] = values
    return named | ({LABEL: columns[-1]} if columns else {})


def _is_split(values: Sequence[str]) -> bool:
    known = {word for words in SPLIT_WORDS.values() for word in words}
    return {value.lower() for value in values} <= known


def _is_number(name: str) -> bool:
    return name.isdecimal()
