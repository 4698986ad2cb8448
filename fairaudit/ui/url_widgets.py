"""The choices of result pages: each lives in the URL, so that a link reopens the same view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.report import choices as first
from fairaudit.text import numbers

SPLITS: Mapping[str, str] = {"test": "Test rows", "validation": "Validation rows"}


def one_of(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    start: str | None = None,
    words: Callable[[Any], str] = str,
    help: str | None = None,
) -> str:
    """A choice from a list, in the URL as `?key=…`; no control where there is no choice."""
    if len(options) < 2:
        return options[0] if options else ""
    index = options.index(start) if start in options else 0
    chosen = st.selectbox(
        label, options, index=index, key=key, format_func=words, help=help, bind="query-params"
    )
    return options[index] if chosen is None else str(chosen)


def view(options: Sequence[str], *, key: str = "view", label: str = "View") -> str:
    """Which part of a page is shown; only that part is computed. No control for a single one."""
    if len(options) == 1:
        return options[0]
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return options[0] if chosen is None else str(chosen)


def row(count: int) -> list[Any]:
    """Places for controls, side by side where the screen is wide enough."""
    return list(st.columns(count, gap="small", vertical_alignment="bottom"))


def model(result: AuditResult) -> str:
    """Which model the page speaks of."""
    known = result.errors["model"].unique(maintain_order=True).to_list()
    return one_of("Model", known, key="model")


def attribute(result: AuditResult, *, known: Sequence[str] | None = None) -> str:
    """Which attribute divides the rows into groups."""
    options = first.attributes(result) if known is None else list(known)
    return one_of("Groups by", options, key="by")


def metric(result: AuditResult, *, key: str = "metric") -> str:
    """Which number is compared; those shown first in a report come first."""
    leading = first.leading_metrics(result, most=100)
    known = result.errors["metric"].unique(maintain_order=True).to_list()
    options = [*leading, *(m for m in known if m not in leading)]
    return one_of("Metric", options, key=key, words=numbers.title)


def split(result: AuditResult) -> str:
    """Which held-out rows are judged."""
    known = result.errors["split"].unique().to_list()
    order = [s for s in SPLITS if s in known] + sorted(s for s in known if s not in SPLITS)
    return one_of("Rows", order, key="rows", words=rows_in_words)


def rows_in_words(split: str) -> str:
    """ "Test rows", "Validation rows"."""
    return SPLITS.get(split, split)


def restore(values: Mapping[str, object]) -> None:
    """Set controls to these values; one at its start leaves the URL again."""
    for key, value in values.items():
        st.session_state[key] = value


def groups_shown(found: pl.DataFrame) -> int | None:
    """Which number of groups is shown, where an audit holds several; shared with What if."""
    if "n_groups" not in found.columns:
        return None
    return number("Number of groups", found["n_groups"].unique().to_list(), key="groups")


def number(label: str, known: Sequence[int], *, key: str, start: int | None = None) -> int:
    """A number out of a list, by slider, in the URL; it starts at `start` or the largest."""
    options = sorted(known)
    if len(options) < 2:
        return options[0]
    value = start if start in options else options[-1]
    return int(st.select_slider(label, options, value=value, key=key, bind="query-params"))
