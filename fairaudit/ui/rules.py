"""Presets on screen: choosing a rule, its tables and sentences, and what the rule leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fairaudit.audit import presets
from fairaudit.audit.presets.decisions import SCORING_RATE
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.text.screens import audit as wording
from fairaudit.text.sentences.presets import counted_rows
from fairaudit.ui import layout

_NONE = "none"
_COLUMNS = {"sex": "sex", "race": "race or ethnicity"}


def choose() -> str | None:
    """The rule to compute along with the audit, or None."""
    titles = {_NONE: "None", **{name: presets.load(name).title for name in presets.NAMES}}
    chosen = st.selectbox(
        "Legal rule to compute",
        list(titles),
        format_func=titles.__getitem__,
        key="preset",
        bind="query-params",
        help=wording.RULE,
    )
    return None if chosen in (None, _NONE) else str(chosen)


def options(preset: str | None, roles: ColumnRoles) -> presets.PresetOptions:
    """How people are counted in a rule: columns, labels and weights."""
    if preset not in (*presets.SELECTIONS, presets.PAY):
        return presets.UNDECIDED
    fields: dict[str, Any] = {}
    with st.expander("How the rule counts people", icon=":material/groups:"):
        if preset == presets.PAY:
            fields["sex"] = st.selectbox(
                "Column of sex", roles.sensitive, None, placeholder="recognised by name",
                key="preset-sex",
            )  # fmt: skip
        if preset == SCORING_RATE:
            cells = st.columns(2)
            for cell, (name, label) in zip(cells, _COLUMNS.items(), strict=True):
                fields[name] = cell.selectbox(
                    f"Column of {label}", roles.sensitive, None, placeholder="recognised by name",
                    key=f"preset-{name}",
                )  # fmt: skip
            fields["leave_out_reason"] = st.text_input(
                "Reason for leaving categories under 2% out of the ratios",
                key="preset-leave-out",
                placeholder="none: every category counts",
            ).strip()
        if preset in presets.SELECTIONS:
            fields |= {
                "not_answered": _labels("Further labels of people who did not answer", "silent"),
                "answered": _labels("Labels that are answers, though listed as none", "answers"),
            }
        if roles.weight is not None:
            fields["weight_counts_people"] = st.checkbox(
                "A row stands for as many people as its weight says", key="preset-people"
            )
    return presets.PresetOptions(**fields)


def _labels(heading: str, key: str) -> tuple[str, ...]:
    """Labels separated by semicolons."""
    text = st.text_input(heading, key=f"preset-{key}", placeholder="separated by semicolons")
    return tuple(label.strip() for label in text.split(";") if label.strip())


def show(result: AuditResult) -> None:
    """The computations that the rule requires; nothing without a rule."""
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
