"""The glossary (docs/glossary.md) on every page: as help text of a term, and as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "_app" / "glossary.md", _PACKAGE.parent / "docs" / "glossary.md")
_ENTRY = re.compile(r"^### (.+?)\n(.+?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_REJECTED = re.compile(r"\s*\*Not: [^*]*\*")  # words the project avoids are no help to a reader
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@cache
def terms() -> Mapping[str, str]:
    """Every term with its two lines as Markdown; installed copies keep the file in `_app`."""
    text = next(path for path in _PLACES if path.is_file()).read_text("utf-8")
    return {name: _lines(body) for name, body in _ENTRY.findall(text)}


def _lines(body: str) -> str:
    plain = _LINK.sub(r"\1", _REJECTED.sub("", body))
    return "  \n".join(line.strip() for line in plain.splitlines() if line.strip())


def explanation(term: str) -> str | None:
    """The two lines of a term, None where the glossary has no such term; case does not matter."""
    return _by_lower_case().get(term.lower())


@cache
def _by_lower_case() -> Mapping[str, str]:
    return {name.lower(): lines for name, lines in terms().items()}


def button() -> None:
    """A button that opens the glossary over the page."""
    if st.button("Glossary", key="glossary", icon=":material/dictionary:", width="stretch"):
        _dialog()


@st.dialog("Glossary", width="large")
def _dialog() -> None:
    content()


def content() -> None:
    """All terms, or the one that is picked."""
    names = list(terms())
    chosen = st.selectbox("Term", names, index=None, placeholder="All terms", key="glossary-term")
    for name in names if chosen is None else [chosen]:
        st.markdown(f"**{name}**  \n{terms()[name]}")
