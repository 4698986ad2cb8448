"""The form for what is declared before results are seen: a margin and a primary question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fairaudit.audit.chosen_metrics import KNOWN_METRICS
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.data.roles import ColumnRoles
from fairaudit.stats.metric_definitions import COMPOSITES, DECISIONS, GAP_METRICS
from fairaudit.text import metric_words
from fairaudit.ui import cache, glossary, session

_ALL = "All groups"


def margin_input(cell: Any) -> float | None:
    """The margin of equivalence; empty where no test of equivalence is requested."""
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


def merge_input(cell: Any) -> int:
    """The number of rows under which groups are merged into one; 0 merges none."""
    below: int = cell.number_input(
        "Merge groups under",
        0,
        1_000_000,
        0,
        key="merge-below",
        help=glossary.explanation("Merged groups"),
    )
    return below


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


def primary_input(
    roles: ColumnRoles,
    sha256: str,
    *,
    start: PrimaryQuestion | None = None,
    key: str = "primary",
) -> PrimaryQuestion | None:
    """The primary question as chosen, or None.

    Parameters
    ----------
    roles : as accepted, or as shown
    sha256 : the dataset
    start : the question that was declared before
    key : prefix of the widgets' keys
    """
    if not roles.sensitive:
        return None
    cells = st.columns(4, vertical_alignment="bottom")
    offered = questions(roles)
    metric = cells[0].selectbox(
        "Primary question",
        offered,
        _place(offered, None if start is None else start.metric),
        format_func=metric_words.title,
        placeholder="none declared",
        key=f"{key}-metric",
        help=glossary.explanation("Primary question"),
    )
    if metric is None:
        return None
    usual = _place(roles.sensitive, None if start is None else start.attribute)
    attribute = cells[1].selectbox("by", roles.sensitive, usual or 0, key=f"{key}-attribute")
    levels = cache.overview(sha256, roles.mends).levels.get(attribute, ())
    groups = [_ALL, *levels]
    usual = _place(groups, None if start is None else start.group)
    group = cells[2].selectbox("Group", groups, usual or 0, key=f"{key}-group-{attribute}")
    if group == _ALL:
        return PrimaryQuestion(metric=metric, attribute=attribute)
    others = [name for name in levels if name != group]
    usual = _place(others, None if start is None else start.reference)
    reference = cells[3].selectbox(
        "compared with", others, usual or 0, key=f"{key}-reference-{attribute}"
    )
    return PrimaryQuestion(metric=metric, attribute=attribute, group=group, reference=reference)


def _place(options: Sequence[str], option: str | None) -> int | None:
    return options.index(option) if option in options else None


def primary_declared(roles: ColumnRoles) -> PrimaryQuestion | None:
    """The question declared on the Data page, if these roles still have its columns."""
    question = session.declared_primary()
    if question is None or question.attribute not in roles.sensitive:
        return None
    return question if question.metric in questions(roles) else None


def questions(roles: ColumnRoles) -> list[str]:
    """The metrics that a primary question may be about."""
    if roles.target is None:
        return [m for m in KNOWN_METRICS[roles.task] if m in DECISIONS]
    if roles.task == "binary":
        return [*KNOWN_METRICS["binary"], *GAP_METRICS]
    if roles.task == "multiclass":  # metrics of single classes are named with their class
        return ["accuracy", "error_rate", *COMPOSITES]
    return list(KNOWN_METRICS[roles.task])
