"""The shape every page has: a sentence with the numbers, one chart, the table, how it was made."""

from __future__ import annotations

import html
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st
from pydantic import ValidationError

from fairaudit.exceptions import FairauditError
from fairaudit.jobs.csv import safe_csv
from fairaudit.plots.theme import Chart, upright
from fairaudit.ui import columns, session
from fairaudit.ui.navigation import after, step

_CSS = Path(__file__).with_name("style.css")
_LOGO = Path(__file__).with_name("logo.svg")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:^-])")


def styled() -> None:
    """Load the style sheet and the logo (once a run, by the frame)."""
    st.html(_CSS)
    st.logo(_LOGO, size="large")


@contextmanager
def guarded() -> Iterator[None]:
    """Turn an error meant for a person into a message with its remedy; never a traceback."""
    try:
        yield
    except ValidationError as error:
        st.error("; ".join(_reason(e["msg"]) for e in error.errors()), icon=":material/error:")
    except FairauditError as error:
        st.error(plain(str(error)), icon=":material/error:")


def plain(text: object) -> str:
    """Text from data for a Markdown element, so that names never act as markup."""
    return _MARKDOWN.sub(r"\\\1", str(text))


def page(name: str, lead: str) -> None:
    """Heading of a page and its sentence; `**…**` in the sentence stands out."""
    st.title(step(name).title, anchor=False)
    sentence(lead)
    session.keep_url()


def sentence(text: str) -> None:
    """The plain sentence that holds the numbers, at the head of a page."""
    st.html(f"<p class='lead'>{_strong(text)}</p>")


def says(text: str) -> None:
    """The sentence above a chart: what it shows, in plain words with the numbers."""
    st.html(f"<p class='says'>{_strong(text)}</p>")


def quiet(text: str) -> None:
    """A remark beside the matter."""
    st.html(f"<p class='quiet'>{_strong(text)}</p>")


def chart(drawn: Chart, *, key: str, metric: str | None = None, **options: Any) -> Any:
    """A chart with a text for those who cannot see it and, on demand, its numbers as a table.

    Returns what `st.plotly_chart` returns (the selection, with `on_select="rerun"`); a chart with
    nothing in it is its sentence.
    """
    if not drawn.figure.data:
        quiet(drawn.alt)
        return None
    config = {"displaylogo": False, "displayModeBar": False, "responsive": True}
    shown = st.plotly_chart(drawn.figure, alt=drawn.alt, key=key, config=config, **options)
    if not drawn.table.is_empty() and st.toggle("Show as table", key=f"{key}-as-table"):
        data_table(drawn.table, key=f"{key}-table", metric=metric)
    return shown


def told(drawn: Chart, *, key: str, metric: str | None = None) -> None:
    """A chart under the sentence that says what it shows; the sentence alone where it is empty."""
    says(drawn.alt)
    if drawn.figure.data:
        chart(drawn, key=key, metric=metric)


def data_table(
    frame: pl.DataFrame,
    *,
    key: str,
    alt: str = "",
    name: str | None = None,
    metric: str | None = None,
    own_names: bool = False,
    **options: Any,
) -> Any:
    """A table with a download beneath it (formulas made harmless); long tables page.

    Headings are in plain words (not with `own_names`, where they are a person's own columns); the
    download keeps the names programs know. `metric` says what the numbers measure where the table
    has no column for it.
    """
    shown = st.dataframe(
        frame,
        key=key,
        hide_index=True,
        column_config={} if own_names else columns.column_config(frame, metric=metric),
        alt=alt or f"Table with {frame.height} rows: {', '.join(frame.columns)}",
        **options,
    )
    st.download_button(
        "Download CSV",
        data=lambda: safe_csv(frame).encode(),
        file_name=f"{name or key}.csv",
        mime="text/csv",
        key=f"{key}-csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
    return shown


def how(text: str, *, formula: str | None = None, command: str | None = None) -> None:
    """The drawer that says how the numbers above were computed and how to get them again."""
    with st.expander("How this was computed", icon=":material/function:"):
        st.markdown(text)
        if formula is not None:
            st.latex(formula)
        if command is not None:
            st.caption("The command that gives the same numbers:")
            st.code(command, language="shell", wrap_lines=True)


def empty(title: str, text: str, *, to: str | None = None, label: str | None = None) -> None:
    """What to do when there is nothing to show yet, with the link to do it."""
    with st.container(border=True):
        st.header(title, anchor=False)
        quiet(text)
        if to is not None:
            go(to, label)


def go(to: str, label: str | None = None) -> None:
    """A link to another page that keeps what this tab looks at."""
    target = step(to)
    st.page_link(
        target.file, label=label or target.title, icon=target.icon, query_params=session.link()
    )


def next_step(name: str, held: Container[str] | None = None) -> None:
    """In guided mode, the link to the page that follows and has something to show.

    Parameters
    ----------
    name : str
        The page that is shown.
    held : container of str or None
        The tables of the result it shows.
    """
    following = after(name, held)
    if following is not None and not session.expert():
        st.space("small")
        go(following.name, f"Next: {following.title.lower()} – {following.question}")


def _strong(text: str) -> str:
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(upright(text)))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", bold)


def _reason(message: str) -> str:
    return plain(message.removeprefix("Value error, "))
