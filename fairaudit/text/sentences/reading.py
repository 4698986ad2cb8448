"""Sentences about a table as it was read: dialect, doubts, columns left out of the features."""

from __future__ import annotations

from collections.abc import Mapping

from fairaudit.data.reading.options import ReadingOptions
from fairaudit.data.reread import ReadingChoices
from fairaudit.text.numbers import count, listed

NOTHING_TO_MEND = "Nothing had to be mended."
_DELIMITERS: Mapping[str, str] = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "^": "caret", "~": "tilde",
    " ": "blank",
}  # fmt: skip
# beginnings of the names of encodings, and where they come from
_ENCODINGS: Mapping[str, str] = {
    "cp1252": "Western European, Windows",
    "cp1250": "Central European, Windows",
    "cp1251": "Cyrillic, Windows",
    "cp1253": "Greek, Windows",
    "cp1254": "Turkish, Windows",
    "cp1255": "Hebrew, Windows",
    "cp1256": "Arabic, Windows",
    "cp1257": "Baltic, Windows",
    "cp874": "Thai, Windows",
    "gb18030": "simplified Chinese",
    "cp932": "Japanese, Windows",
    "euc_jp": "Japanese, Unix",
    "cp950": "traditional Chinese",
    "cp949": "Korean",
    "iso8859_2": "Central European, ISO",
    "iso8859_15": "Western European, ISO",
    "iso8859_7": "Greek, ISO",
    "iso8859_5": "Cyrillic, ISO",
    "iso8859_13": "Baltic, ISO",
    "iso8859_9": "Turkish, ISO",
    "koi8_r": "Russian, Unix",
    "koi8_u": "Ukrainian, Unix",
    "cp866": "Cyrillic, DOS",
    "cp850": "Western European, DOS",
    "cp437": "American, DOS",
    "cp852": "Central European, DOS",
    "mac_roman": "Western European, Macintosh",
    "mac_latin2": "Central European, Macintosh",
    "mac_cyrillic": "Cyrillic, Macintosh",
}


COLOURS: Mapping[int, str] = {1: "in grey", 3: "in colour"}


def reading_summary(choices: ReadingChoices, chosen: ReadingOptions) -> str:
    """How a file was read, in one line."""
    if choices.image_shape is not None:
        side, channels = choices.image_shape
        return f"How the images were read: {side} × {side} pixels, {COLOURS[channels]}"
    parts = [encoding_name(choices.encoding)] if choices.encoding else []
    if choices.delimiter:
        parts.append(f"columns separated by {delimiter_name(choices.delimiter)}")
    if chosen.sheet is not None:
        parts.append(f"sheet {chosen.sheet}")
    first = "names" if choices.header else "values"
    return f"How the file was read: {', '.join([*parts, f'{first} in the first row'])}"


def doubts(choices: ReadingChoices) -> list[str]:
    """What the reader could not tell, and what to do about it."""
    sentences = []
    if choices.unsure_encoding:
        sentences.append(
            "The file does not say how its letters are stored, and several ways are plausible. "
            "Choose the one whose words look right."
        )
    if choices.unsure_header:
        sentences.append(
            "The first row looks like the others, so it was read as values and the columns were "
            "numbered. If it holds the names of the columns, say so."
        )
    return sentences


def reading_changes(chosen: ReadingOptions) -> list[tuple[str, str]]:
    """Each option that was chosen, with what it does in words."""
    none, rows = chosen.skip_rows == (), row_numbers(chosen.skip_rows)
    header = "names" if chosen.header else "values"
    changes = {
        "sheet": f"Sheet '{chosen.sheet}' of the workbook is read.",
        "encoding": f"The text is read as {encoding_name(chosen.encoding or '')}.",
        "header": f"The first row is read as {header}.",
        "delimiter": f"Cells are separated by {delimiter_name(chosen.delimiter or '')}.",
        "decimal": f"The decimal mark is '{chosen.decimal}'.",
        "skip_rows": "No row is left out." if none else f"Rows {rows} of the file are left out.",
        "text_columns": f"Numbers in {listed(chosen.text_columns)} stay text.",
        "image_size": f"Images are stored at {chosen.image_size} × {chosen.image_size} pixels.",
        "image_channels": f"Images are stored {COLOURS.get(chosen.image_channels or 0, '')}.",
        "accept_broken": "Rows whose image cannot be used are left out.",
    }
    return [(name, changes[name]) for name in chosen.changed()]


def broken_words(broken: int, total: int) -> str:
    """How many images of an upload cannot be used, and what can be done."""
    return (
        f"**{count(broken, 'image')} of {total:,}** cannot be used; the table below says why. "
        "Repair the file and upload it again, or go on without these rows."
    )


def without_broken(left: int) -> str:
    """The button that goes on without the rows of broken images."""
    return f"Go on with the other {count(left, 'image')}"


def encoding_name(encoding: str) -> str:
    """ "Central European, Windows (cp1250)"."""
    usual = _ENCODINGS.get(encoding.replace("-", "_"))
    if usual is None:
        return encoding.upper().replace("_", "-").removesuffix("-SIG")
    return f"{usual} ({encoding})"


def delimiter_name(delimiter: str) -> str:
    """ "semicolon"."""
    return _DELIMITERS.get(delimiter, delimiter)


def row_numbers(rows: tuple[int, ...] | None) -> str:
    """Numbers of rows as one types them; "0" where none is left out, "" where it is inferred."""
    if rows is None:
        return ""
    return ", ".join(map(str, rows)) or "0"


def left_out_words(column: str, reason: str) -> str:
    """That a column is no feature, and why."""
    return f"Column '{column}': {_why(reason)}."


def used_anyway_words(column: str, reason: str) -> str:
    """That a column is a feature although it was left out at first."""
    return f"Column '{column}' is used as a feature, although {_why(reason)}."


def _why(reason: str) -> str:
    """A reason without the advice behind it, which the button gives."""
    return reason.partition("; add it")[0]
