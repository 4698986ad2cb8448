"""Reading a stored file in another way: the uploaded bytes, and what may be chosen about them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from fairaudit.data import store
from fairaudit.data.reading.dialect import NO_HEADER
from fairaudit.data.reading.encodings import EncodingChoice, encoding_choices, guess_encoding
from fairaudit.data.reading.formats import sniff
from fairaudit.data.reading.sheets import sheet_names

SOURCE = "source"  # beside the rows: the file as it was uploaded
_WORKBOOKS = ("xlsx", "xls", "ods")
_CELLS = 6  # of a preview
_LONGEST = 60  # characters of a cell in a preview


@dataclass(frozen=True)
class ReadingChoices:
    """What may be chosen about a stored file, and what is in force.

    Attributes
    ----------
    text : bool
        Whether it is a text table, with a delimiter and a decimal mark.
    encodings : tuple of EncodingChoice
        Plausible encodings, each with the cells that it changes; empty where there is no choice.
    encoding : str
        The one in force, "" for workbooks.
    delimiter : str
        The one in force, "" for workbooks.
    header : bool
        Whether the first row is read as names.
    sheets : tuple of str
        Of a workbook.
    image_shape : (int, int) or None
        Side in pixels and channels of stored images; None for a table.
    unsure_encoding, unsure_header : bool
        Whether the reader could not tell and no user has decided.
    """

    text: bool
    encodings: tuple[EncodingChoice, ...]
    encoding: str
    delimiter: str
    header: bool
    sheets: tuple[str, ...]
    image_shape: tuple[int, int] | None
    unsure_encoding: bool
    unsure_header: bool

    @property
    def unsure(self) -> bool:
        """Whether a user should check how the file was read."""
        return self.unsure_encoding or self.unsure_header


def may_reread(info: store.DatasetInfo) -> bool:
    """Whether there is anything to choose about a file of this format."""
    return info.kind == "images" or info.format in ("csv", *_WORKBOOKS)


def reading_choices(folder: Path) -> ReadingChoices | None:
    """What may be chosen about the file of a stored dataset; None where it was not kept.

    Parameters
    ----------
    folder : Path
        Of the dataset.
    """
    source = folder / SOURCE
    if not source.is_file():
        return None
    info = store.info(folder)
    chosen, dialect = info.options, store.schema(folder).get("dialect") or {}
    encoding, delimiter = (str(dialect.get(name, "")) for name in ("encoding", "delimiter"))
    plain = info.format == "csv" and sniff(source, info.name) == "csv"
    encodings = _encodings(source, encoding, delimiter) if plain else ()
    doubtful = bool(encodings) and chosen.encoding is None
    return ReadingChoices(
        text=info.format == "csv",
        encodings=encodings,
        encoding=encoding,
        delimiter=delimiter,
        header=NO_HEADER not in info.notes,
        sheets=sheet_names(source, info.name) if info.format in _WORKBOOKS else (),
        image_shape=_image_shape(folder) if info.kind == "images" else None,
        unsure_encoding=doubtful and bool(guess_encoding(source, info.name).alternatives),
        unsure_header=chosen.header is None and NO_HEADER in info.notes,
    )


def _image_shape(folder: Path) -> tuple[int, int]:
    _, side, _, channels = store.schema(folder)["image_shape"]
    return int(side), int(channels)


def _encodings(source: Path, current: str, delimiter: str) -> tuple[EncodingChoice, ...]:
    """The choices with their affected cells, the one in force among them; none to choose, none."""
    plausible = encoding_choices(source)
    choices = [EncodingChoice(c.encoding, _cells(c.preview, delimiter)) for c in plausible]
    if not choices:
        return ()
    known = {codecs.lookup(choice.encoding).name for choice in choices}
    if codecs.lookup(current).name not in known:
        choices.append(EncodingChoice(current, ()))
    return tuple(choices) if len(choices) > 1 else ()


def _cells(lines: tuple[str, ...], delimiter: str) -> tuple[str, ...]:
    cells = (cell.strip(" \"'") for line in lines for cell in line.split(delimiter))
    affected = dict.fromkeys(cell for cell in cells if not cell.isascii())
    return tuple(cell[:_LONGEST] for cell in list(affected)[:_CELLS])
