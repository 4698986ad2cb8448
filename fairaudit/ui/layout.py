"""The parts every page has: lead sentence, chart, table, and how the numbers were computed."""

from __future__ import annotations

import html
import re
from collections.abc import Container, Iterator, Sequence
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
from fairaudit.ui.navigation import next_page, page_named

_CSS = Path(__file__).with_name("style.css")
_LOGO = Path(__file__).with_name("logo.svg")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:^-])")


def load_style() -> None:
    """Load the style sheet and the logo (once per run, before the page is drawn)."""
    st.html(_CSS)
    st.logo(_LOGO, size="large")


@contextmanager
def error_messages() -> Iterator[None]:
    """Show an error meant for users as a message with its remedy; never a traceback."""
    try:
        yield
    except ValidationError as error:
        st.error("; ".join(_reason(e["msg"]) for e in error.errors()), icon=":material/error:")
    except FairauditError as error:
        st.error(escaped(str(error)), icon=":material/error:")


def escaped(text: object) -> str:
    """Text from data, escaped for a Markdown element so that names never act as markup."""
    return _MARKDOWN.sub(r"\\\1", str(text))


def header(name: str, lead: str, *, title: str | None = None) -> None:
    """Title and lead sentence of a page; `**…**` in the sentence is bold."""
    st.title(title or page_named(name).title, anchor=False)
    st.html(f"<p class='lead'>{_strong(lead)}</p>")
    session.keep_url()


def statement(text: str) -> None:
    """The sentence above a chart: what it shows, in plain words with the numbers."""
    st.html(f"<p class='statement'>{_strong(text)}</p>")


def points(sentences: Sequence[str]) -> None:
    """Further findings below a lead, one a line; nothing where there is none."""
    if sentences:
        items = "".join(f"<li>{_strong(sentence)}</li>" for sentence in sentences)
        st.html(f"<ul class='points'>{items}</ul>")


def note(text: str) -> None:
    """A remark in smaller type."""
    st.html(f"<p class='note'>{_strong(text)}</p>")


def chart(drawn: Chart, *, key: str, metric: str | None = None, **options: Any) -> Any:
    """A chart with an alternative text and, on demand, its numbers as a table.

    Returns what `st.plotly_chart` returns (the selection, with `on_select="rerun"`). An empty
    chart is replaced by its sentence.
    """
    if not drawn.figure.data:
        note(drawn.alt)
        return None
    config = {"displaylogo": False, "displayModeBar": False, "responsive": True}
    shown = st.plotly_chart(drawn.figure, alt=drawn.alt, key=key, config=config, **options)
    if not drawn.table.is_empty() and st.toggle("Show as table", key=f"{key}-as-table"):
        data_table(drawn.table, key=f"{key}-table", metric=metric)
    return shown


def described_chart(drawn: Chart, *, key: str, metric: str | None = None) -> None:
    """A chart below the sentence that describes it; an empty chart is the sentence alone."""
    statement(drawn.alt)
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
    """A table with a CSV download below it (spreadsheet formulas are neutralised).

    Headings are in plain English (except with `own_names`, where the columns are the user's own);
    the download keeps the column names of the result. `metric` says what the numbers measure
    where the table has no column for it.
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


def computation(
    text: str, *, outcome: str = "", formula: str | None = None, command: str | None = None
) -> None:
    """The expander that explains how the numbers were computed and how to reproduce them.

    Parameters
    ----------
    text : str
    outcome : str
        What the outcome is and means, and why.
    formula, command : str or None
    """
    with st.expander("How this was computed", icon=":material/function:"):
        st.markdown(text)
        if outcome:
            st.markdown(escaped(outcome))
        if formula is not None:
            st.latex(formula)
        if command is not None:
            st.caption("This command reproduces the numbers:")
            st.code(command, language="shell", wrap_lines=True)


def empty_state(title: str, text: str, *, to: str | None = None, label: str | None = None) -> None:
    """What to do when there is nothing to show yet, with the link to do it."""
    with st.container(border=True):
        st.header(title, anchor=False)
        note(text)
        if to is not None:
            page_link(to, label)


def page_link(to: str, label: str | None = None) -> None:
    """A link to another page that keeps the dataset and audit of this tab."""
    target = page_named(to)
    st.page_link(
        target.file, label=label or target.title, icon=target.icon, query_params=session.link()
    )


def next_step(name: str, tables: Container[str] | None = None) -> None:
    """In guided mode, a link to the next page that has something to show.

    Parameters
    ----------
    name : str
        The current page.
    tables : container of str or None
        Names of the result's tables.
    """
    following = next_page(name, tables)
    if following is not None and not session.expert():
        st.space("small")
        page_link(following.name, f"Next: {following.title} – {following.question}")


def _strong(text: str) -> str:
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(upright(text)))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", bold)


def _reason(message: str) -> str:
    return escaped(message.removeprefix("Value error, "))
