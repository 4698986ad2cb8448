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
from fairaudit.text.sentences import pictures as words
from fairaudit.text.voice import voice_of
from fairaudit.ui import cache, layout, session, url_widgets
from fairaudit.ui.result_page import OpenedAudit

VIEW = "Images"
Heat = Mapping[int, NDArray[np.uint8]]
_PER_GROUP = ("12", "24", "60")
_SIDE = 128  # pixels of a thumbnail at most
_FIRST = 20  # images of a dataset on the Data page
_DARK = 50  # of 255: how much is left of parts that do not speak for the answer
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
        layout.note(words.NO_ACCESS)
        return
    kinds = words.selections(audit.result)
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
    heat = _chosen_heat(audit, model)
    with layout.error_messages():
        answers = answers_side_by_side(audit.result, attribute=attribute, split=split)
        rows = answers.selected(kind, model)
        if rows.is_empty():
            layout.note(words.NO_ROWS)
        for group in sorted(answers.rows["group"].unique().to_list(), key=natural):
            total = answers.rows.filter(pl.col("group") == group).height
            mine = rows.filter(pl.col("group") == group)
            people = members(group, attribute, voice_of(audit.result))
            heading = words.group_heading(people, kind, model, shown=mine.height, total=total)
            layout.statement(heading)
            _grid(audit, store, answers, mine.head(most), heat)


def first(sha256: str) -> None:
    """The first images of a dataset; nothing for a table."""
    pixels = cache.first_images(sha256, _FIRST)
    if pixels is None:
        return
    figures = "".join(
        f"<figure><img src='{thumbnail(image)}' alt='{words.first_image(row)}'></figure>"
        for row, image in enumerate(pixels)
    )
    st.html(f"<div class='pictures'>{figures}</div>")


def _chosen_heat(audit: OpenedAudit, model: str) -> Heat:
    """The parts that speak for a model's answers, by row, where the user asks for them."""
    table = audit.table("saliency")
    mine = None if table is None else table.filter(pl.col("model") == model)
    if mine is None or mine.is_empty():
        return {}
    wanted = st.toggle(
        words.SALIENCY, key="saliency", help=words.SALIENCY_HELP, bind="query-params"
    )
    if not wanted:
        return {}
    layout.note(words.SALIENCY_NOTE.format(model=model))
    return {
        row: np.frombuffer(bytes.fromhex(parts), np.uint8).reshape(side, side)
        for row, side, parts in mine.select("row", "side", "parts").iter_rows()
    }


def _grid(
    audit: OpenedAudit,
    store: ImageStore,
    answers: ModelAnswers,
    rows: pl.DataFrame,
    heat: Heat,
) -> None:
    if rows.is_empty():
        return
    pixels = store.rows(rows["row"].to_numpy())
    below = words.captions(audit.result, answers, rows)
    figures = "".join(
        _figure(image, caption, row, heat.get(row))
        for image, caption, row in zip(pixels, below, rows["row"].to_list(), strict=True)
    )
    st.html(f"<div class='pictures'>{figures}</div>")


def _figure(
    image: NDArray[np.uint8], caption: words.Caption, row: int, heat: NDArray[np.uint8] | None
) -> str:
    lines = [html.escape(caption.actual)] if caption.actual else []
    lines += [f"{_MARKS[right]} {html.escape(words)}" for words, right in caption.answers]
    alt = html.escape(f"Image of row {row}; {caption.alt}", quote=True)
    side = max(_SHOWN, min(image.shape[0], _SIDE))
    return (
        f"<figure><img src='{thumbnail(image, heat)}' alt='{alt}' width='{side}' height='{side}'>"
        f"<figcaption>{'<br>'.join(lines)}</figcaption></figure>"
    )


_MARKS: Mapping[bool | None, str] = {True: "✓", False: "✗", None: "·"}


def thumbnail(image: NDArray[np.uint8], heat: NDArray[np.uint8] | None = None) -> str:
    """An image as the address of a PNG of at most 128 pixels, its bytes included.

    Parameters
    ----------
    image : (H, W, C)
    heat : (h, w), optional
        Parts of the image in 0..255; the rest of the picture is darkened.
    """
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture.thumbnail((_SIDE, _SIDE))
    if heat is not None:
        parts = Image.fromarray(heat).resize(picture.size, Image.Resampling.BILINEAR)
        light = parts.point([_DARK + (255 - _DARK) * level // 255 for level in range(256)])
        picture = Image.composite(picture, Image.new(picture.mode, picture.size), light)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
