"""How a file is read: encoding, header, sheet, size of images and other options, undoably."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

import streamlit as st

from fairaudit.data.reading.dialect import DELIMITERS
from fairaudit.data.reading.options import INFERRED, ReadingOptions, chosen_options
from fairaudit.data.reread import ReadingChoices
from fairaudit.data.store import DatasetInfo
from fairaudit.exceptions import SpecError
from fairaudit.text.sentences import reading as words
from fairaudit.ui import cache, layout, session

_MARKS = (".", ",")
_MOST_ROWS = 10_000
_SIZES = (28, 32, 48, 64, 96, 128, 160, 224, 256)  # usual sides of images in pixels


def show(info: DatasetInfo, columns: Sequence[str]) -> None:
    """The choices about how the file is read: folded, unless the reader was unsure."""
    choices = cache.reading_choices(info.sha256)
    if choices is None or session.refusal("ingest") is not None:
        return
    summary = words.reading_summary(choices, info.options)
    with st.expander(
        layout.escaped(summary), expanded=choices.unsure, icon=":material/description:"
    ):
        for sentence in words.doubts(choices):
            st.warning(layout.escaped(sentence), icon=":material/help:")
        with st.form(f"reading-{info.sha256[:12]}", border=False):
            options = _widgets(info, choices, columns)
            pressed = st.form_submit_button("Read the file this way", icon=":material/refresh:")
        if pressed:
            with layout.error_messages():
                _read(info, options)


def changes(info: DatasetInfo) -> list[tuple[str, ReadingOptions]]:
    """Each choice about the reading in words, with the options once it is undone."""
    if cache.reading_choices(info.sha256) is None or session.refusal("ingest") is not None:
        return []
    chosen = info.options
    return [
        (sentence, chosen.model_copy(update={name: getattr(INFERRED, name)}))
        for name, sentence in words.reading_changes(chosen)
    ]


def undo(info: DatasetInfo, options: ReadingOptions) -> None:
    """Read the file with these options (as a callback: the next run shows the table)."""
    with layout.error_messages(), st.spinner("Reading …"):
        session.choose_dataset(session.workspace().read_again(info.sha256, options).sha256)


def _read(info: DatasetInfo, fields: dict[str, Any]) -> None:
    rows = fields.get("skip_rows")
    if isinstance(rows, str):
        fields = {**fields, "skip_rows": rows_named(rows)}
    options = chosen_options(INFERRED, fields)
    if options == info.options:
        return
    with st.spinner("Reading …"):
        again = session.workspace().read_again(info.sha256, options)
    session.choose_dataset(again.sha256)
    cache.forget_jobs()
    st.rerun()


def rows_named(text: str) -> tuple[int, ...]:
    """The numbers in "7, 9-12"; none for "0".

    Raises
    ------
    SpecError
        For anything else, and for ranges of implausibly many rows.
    """
    numbers: list[int] = []
    for part in filter(None, map(str.strip, text.replace("–", "-").split(","))):
        first, _, last = map(str.strip, part.partition("-"))
        ends = [first, last or first]
        if not all(end.isdecimal() for end in ends) or int(ends[1]) - int(ends[0]) > _MOST_ROWS:
            raise SpecError(
                f"'{part}' is no number of a row; name rows such as 7, 9-12, or 0 for none"
            )
        numbers += range(int(ends[0]), int(ends[1]) + 1)
    return tuple(dict.fromkeys(n for n in numbers if n))


def _widgets(info: DatasetInfo, choices: ReadingChoices, columns: Sequence[str]) -> dict[str, Any]:
    """The options with the widgets' values; None is inferred."""
    chosen, key = info.options, f"read-{info.sha256[:12]}"
    options: dict[str, Any] = chosen.model_dump()
    if choices.image_shape is not None:
        return options | _image_widgets(chosen, key)
    if choices.encodings:
        options["encoding"] = _encoding(choices, chosen, key)
    if choices.sheets[1:]:
        options["sheet"] = st.selectbox(
            "Sheet",
            choices.sheets,
            index=choices.sheets.index(chosen.sheet) if chosen.sheet in choices.sheets else None,
            placeholder="the first with a table",
            key=f"{key}-sheet",
        )
    names = st.radio(
        "The first row holds",
        [True, False],
        index=0 if choices.header else 1,
        format_func=lambda names: "the names of the columns" if names else "values like the rest",
        horizontal=True,
        key=f"{key}-header",
    )
    if names != choices.header or choices.unsure_header:
        options["header"] = names
    if session.expert():
        options |= _further(chosen, choices, columns, key)
    return options


def _image_widgets(chosen: ReadingOptions, key: str) -> dict[str, Any]:
    left, right = st.columns(2)
    sizes = sorted({*_SIZES, *([chosen.image_size] if chosen.image_size else [])})
    size = left.selectbox(
        "Size of the stored images",
        sizes,
        index=sizes.index(chosen.image_size) if chosen.image_size else None,
        placeholder="recognised: a common size, else 64 × 64",
        format_func=lambda side: f"{side} × {side} pixels",
        help="Other shapes are cropped to a centred square first.",
        key=f"{key}-image-size",
    )
    channels = right.selectbox(
        "Colours",
        list(words.COLOURS),
        index=list(words.COLOURS).index(chosen.image_channels) if chosen.image_channels else None,
        placeholder="recognised: in colour, unless all are grey",
        format_func=words.COLOURS.__getitem__,
        key=f"{key}-image-channels",
    )
    return {"image_size": size, "image_channels": channels}


def _encoding(choices: ReadingChoices, chosen: ReadingOptions, key: str) -> str | None:
    known = [codecs.lookup(choice.encoding).name for choice in choices.encodings]
    in_force = codecs.lookup(choices.encoding).name
    encoding = st.radio(
        "Which of these words look right?",
        known,
        index=known.index(in_force),
        format_func=words.encoding_name,
        captions=[layout.escaped(" · ".join(c.preview)) for c in choices.encodings],
        key=f"{key}-encoding",
    )
    if encoding == in_force and not choices.unsure_encoding:
        return chosen.encoding
    return str(encoding)


def _further(
    chosen: ReadingOptions, choices: ReadingChoices, columns: Sequence[str], key: str
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if choices.text:
        left, right = st.columns(2)
        options["delimiter"] = left.selectbox(
            "Between the cells",
            DELIMITERS,
            index=DELIMITERS.index(chosen.delimiter) if chosen.delimiter in DELIMITERS else None,
            placeholder=f"recognised: {words.delimiter_name(choices.delimiter)}",
            format_func=words.delimiter_name,
            key=f"{key}-delimiter",
        )
        options["decimal"] = right.selectbox(
            "Decimal mark",
            _MARKS,
            index=_MARKS.index(chosen.decimal) if chosen.decimal else None,
            placeholder="recognised",
            format_func=lambda mark: f"1{mark}5",
            key=f"{key}-decimal",
        )
    rows = st.text_input(
        "Rows to leave out, as a spreadsheet numbers them",
        words.row_numbers(chosen.skip_rows),
        placeholder="recognised: rows of totals; 0 leaves none out; or 7, 9-12",
        key=f"{key}-rows",
    )
    options["skip_rows"] = rows or None
    options["text_columns"] = st.multiselect(
        "Columns that stay text",
        columns,
        [c for c in chosen.text_columns if c in columns],
        placeholder="none",
        key=f"{key}-text",
    )
    return options
