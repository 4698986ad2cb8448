"""The images of an audit by group: those that a model decides wrongly, with every answer."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import cast

import numpy as np
import polars as pl
import streamlit as st
from numpy.typing import NDArray

from fairaudit.audit.model_answers import ModelAnswers, Selection, answers_side_by_side
from fairaudit.data.images import ImageStore
from fairaudit.exceptions import NotAllowed
from fairaudit.inputs.labels import CROSS
from fairaudit.text.group_words import members
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.pictures import (
    NO_ACCESS,
    NO_ROWS,
    Caption,
    captions,
    group_heading,
    selections,
)
from fairaudit.text.voice import voice_of
from fairaudit.ui import layout, session, url_widgets
from fairaudit.ui.result_page import OpenedAudit

VIEW = "Images"
_PER_GROUP = ("12", "24", "60")
_SIDE = 128  # pixels of a thumbnail at most
_SHOWN = 96  # pixels of an image on screen at least


def offered(audit: OpenedAudit) -> bool:
    """Whether the rows of an audit are images with stored answers."""
    return voice_of(audit.result).noun == "images" and "predictions" in audit.result.tables


def chosen_groups(audit: OpenedAudit) -> str:
    """The attribute, or crossing of attributes, by whose groups FairSDE chooses experts."""
    spec = audit.result.provenance["spec"]
    names = spec["params"].get("attributes") or spec["roles"]["sensitive"]
    return CROSS.join(names)


def show(
    audit: OpenedAudit,
    *,
    attribute: str,
    model: str,
    split: str,
    start: Selection | None = None,
) -> None:
    """Images of every group of an attribute, with what each model says of them.

    `start` is the kind of images shown at first, None for the most telling kind.
    """
    try:
        store = session.workspace().images(audit.job.dataset)
    except NotAllowed:
        store = None
    if store is None:
        layout.note(NO_ACCESS)
        return
    kinds = selections(audit.result)
    left, right = url_widgets.row(2)
    with left:
        chosen = url_widgets.one_of(
            "Images",
            list(kinds),
            key="images",
            start=start,
            format_func=kinds.__getitem__,
            aliases={name: name for name in kinds},
        )
        kind = cast(Selection, chosen)
    with right:
        most = int(url_widgets.one_of("Images per group", _PER_GROUP, key="per-group"))
    with layout.error_messages():
        answers = answers_side_by_side(audit.result, attribute=attribute, split=split)
        rows = answers.selected(kind, model)
        if rows.is_empty():
            layout.note(NO_ROWS)
        for group in sorted(answers.rows["group"].unique().to_list(), key=natural):
            total = answers.rows.filter(pl.col("group") == group).height
            mine = rows.filter(pl.col("group") == group)
            people = members(group, attribute, voice_of(audit.result))
            layout.statement(group_heading(people, kind, model, shown=mine.height, total=total))
            _grid(audit, store, answers, mine.head(most))


def _grid(
    audit: OpenedAudit, store: ImageStore, answers: ModelAnswers, rows: pl.DataFrame
) -> None:
    if rows.is_empty():
        return
    pixels = store.rows(rows["row"].to_numpy())
    words = captions(audit.result, answers, rows)
    figures = "".join(
        _figure(image, caption, row)
        for image, caption, row in zip(pixels, words, rows["row"].to_list(), strict=True)
    )
    st.html(f"<div class='pictures'>{figures}</div>")


def _figure(image: NDArray[np.uint8], caption: Caption, row: int) -> str:
    lines = [html.escape(caption.actual)] if caption.actual else []
    lines += [f"{_MARKS[right]} {html.escape(words)}" for words, right in caption.answers]
    alt = html.escape(f"Image of row {row}; {caption.alt}", quote=True)
    side = max(_SHOWN, min(image.shape[0], _SIDE))
    return (
        f"<figure><img src='{thumbnail(image)}' alt='{alt}' width='{side}' height='{side}'>"
        f"<figcaption>{'<br>'.join(lines)}</figcaption></figure>"
    )


_MARKS: Mapping[bool | None, str] = {True: "✓", False: "✗", None: "·"}


def thumbnail(image: NDArray[np.uint8]) -> str:
    """An image (H, W, C) as the address of a PNG of at most 128 pixels, its bytes included."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture.thumbnail((_SIDE, _SIDE))
    content = io.BytesIO()
    picture.save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
