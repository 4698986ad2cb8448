"""The form for what is declared before results are seen: a margin and a primary question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fairaudit.audit.predictions import KNOWN
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.data.roles import ColumnRoles
from fairaudit.stats.metric_definitions import COMPOSITES, DECISIONS, GAP_METRICS
from fairaudit.text import metric_words
from fairaudit.ui import cache, glossary

_ALL = "All groups"


def margin_input(cell: Any) -> float | None:
    """The margin of equivalence; empty where nothing is asked about it."""
    margin: float | None = cell.number_input(
        "Margin",
        0.001,
        None,
        None,
        0.01,
        key="margin",
        placeholder="0.05",
        help=glossary.explanation("Margin of equivalence"),
    )
    return margin


def controls_input(roles: ColumnRoles, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns within whose levels groups are compared as well; none by default."""
    taken = {*roles.sensitive, roles.target, *roles.predictions, *roles.scores}
    chosen = st.multiselect(
        "Compare within levels of",
        [name for name in columns if name not in taken],
        key="within",
        placeholder="no column",
        help=glossary.explanation("Within levels"),
    )
    return tuple(chosen)


def primary_input(roles: ColumnRoles, sha256: str) -> PrimaryQuestion | None:
    """The primary question as chosen, or None."""
    if not roles.sensitive:
        return None
    cells = st.columns(4, vertical_alignment="bottom")
    metric = cells[0].selectbox(
        "Primary question",
        questions(roles),
        None,
        format_func=metric_words.title,
        placeholder="none declared",
        key="primary-metric",
        help=glossary.explanation("Primary question"),
    )
    if metric is None:
        return None
    attribute = cells[1].selectbox("by", roles.sensitive, key="primary-attribute")
    levels = cache.overview(sha256, roles.mends).levels.get(attribute, ())
    group = cells[2].selectbox("Group", [_ALL, *levels], key=f"primary-group-{attribute}")
    if group == _ALL:
        return PrimaryQuestion(metric=metric, attribute=attribute)
    others = [name for name in levels if name != group]
    reference = cells[3].selectbox("compared with", others, key=f"primary-reference-{attribute}")
    return PrimaryQuestion(metric=metric, attribute=attribute, group=group, reference=reference)


def questions(roles: ColumnRoles) -> list[str]:
    """The metrics that a primary question may be about."""
    if roles.target is None:
        return [m for m in KNOWN[roles.task] if m in DECISIONS]
    if roles.task == "binary":
        return [*KNOWN["binary"], *GAP_METRICS]
    if roles.task == "multiclass":  # metrics of single classes are named with their class
        return ["accuracy", "error_rate", *COMPOSITES]
    return list(KNOWN[roles.task])
