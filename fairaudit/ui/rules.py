"""Presets on screen: choosing a rule, its tables and sentences, and what the rule leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fairaudit.audit import presets
from fairaudit.audit.result import AuditResult
from fairaudit.text.sentences.presets import counted_rows
from fairaudit.ui import layout

_NONE = "none"


def choose() -> str | None:
    """The rule to compute along with the audit, or None."""
    titles = {_NONE: "None", **{name: presets.load(name).title for name in presets.NAMES}}
    chosen = st.selectbox(
        "Legal rule to compute",
        list(titles),
        format_func=titles.__getitem__,
        key="preset",
        bind="query-params",
        help="Computes what the rule asks for, with its citation; not a legal conclusion.",
    )
    return None if chosen in (None, _NONE) else str(chosen)


def show(result: AuditResult) -> None:
    """What the rule asks to be computed; nothing without a rule."""
    facts: Mapping[str, Any] | None = result.summary.get("preset")
    if not facts:
        return
    st.header(layout.escaped(facts["title"]), anchor=False)
    if counted := counted_rows(result):
        layout.note(counted)
    for sentence in facts.get("sentences", ()):
        layout.note(str(sentence))
    for name, table in result.tables.items():
        if name.startswith("preset_"):
            heading = name.removeprefix("preset_").replace("_", " ")
            st.caption(layout.escaped(heading[:1].upper() + heading[1:]))
            layout.data_table(table, key=name, name=name)
    with st.expander("What this rule leaves open, and its source", icon=":material/gavel:"):
        for line in facts.get("not_set", ()):
            layout.note(f"– {line}")
        layout.note(f"{facts.get('citation', '')} (version {facts.get('version', '')})")
