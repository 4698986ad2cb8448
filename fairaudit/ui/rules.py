"""Presets on screen: choosing a rule, its tables and sentences, and what the rule does not set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fairaudit.audit import presets
from fairaudit.audit.result import AuditResult
from fairaudit.ui import layout

_NONE = "none"


def choose() -> str | None:
    """Which rule is computed beside the audit, None for none."""
    titles = {_NONE: "No rule", **{name: presets.load(name).title for name in presets.NAMES}}
    chosen = st.selectbox(
        "Rule to compute as well",
        list(titles),
        format_func=titles.__getitem__,
        key="preset",
        bind="query-params",
        help="The computation a rule asks for, with its citation; never a legal conclusion.",
    )
    return None if chosen in (None, _NONE) else str(chosen)


def show(result: AuditResult) -> None:
    """What the rule asked to be computed; nothing without a rule."""
    facts: Mapping[str, Any] | None = result.summary.get("preset")
    if not facts:
        return
    st.header(layout.plain(facts["title"]), anchor=False)
    for sentence in facts.get("sentences", ()):
        layout.quiet(str(sentence))
    for name, table in result.tables.items():
        if name.startswith("preset_"):
            words = name.removeprefix("preset_").replace("_", " ")
            st.caption(layout.plain(words[:1].upper() + words[1:]))
            layout.data_table(table, key=name, name=name)
    with st.expander("What this rule does not set, and where it stands", icon=":material/gavel:"):
        for line in facts.get("not_set", ()):
            layout.quiet(f"– {line}")
        layout.quiet(f"{facts.get('citation', '')} (version {facts.get('version', '')})")
