"""The controls of result pages: their values are in the URL, so a link reopens the same view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.report import choices
from fairaudit.text import meaning, metric_words
from fairaudit.text.voice import voice_of
from fairaudit.ui import glossary

SPLITS: Mapping[str, str] = {"test": "Test rows", "validation": "Validation rows"}


def one_of(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    start: str | None = None,
    format_func: Callable[[Any], str] = str,
    help: str | None = None,
    aliases: Mapping[str, str] | None = None,
) -> str:
    """A select box, in the URL as `?key=…`; no control where there is only one option.

    `aliases` are other names of options in links, such as those of earlier versions.
    """
    if len(options) < 2:
        return options[0] if options else ""
    linked = (aliases or {}).get(str(st.query_params.get(key)))
    if key not in st.session_state:
        start = linked or start
    index = options.index(start) if start in options else 0
    chosen = st.selectbox(
        label,
        options,
        index=index,
        key=key,
        format_func=format_func,
        help=help or glossary.explanation(label),
        bind="query-params",
    )
    return options[index] if chosen is None else str(chosen)


def several_of(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    start: Sequence[str],
    help: str | None = None,
) -> list[str]:
    """Several of the options, in the URL as `?key=…`; no control where there is only one."""
    if len(options) < 2:
        return list(options)
    known = [v for v in st.session_state.get(key, start) if v in options]
    if key in st.session_state and known != st.session_state[key]:
        st.session_state[key] = known
    if key not in st.session_state and key not in st.query_params:
        st.session_state[key] = known
    chosen = st.multiselect(
        label,
        options,
        key=key,
        help=help or glossary.explanation(label),
        bind="query-params",
    )
    return [option for option in options if option in chosen]


def view(options: Sequence[str], *, key: str = "view", label: str = "View") -> str:
    """The view of a page; only that one is computed. No control where there is only one."""
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
    """Columns for controls, side by side where the screen is wide enough."""
    return list(st.columns(count, gap="small", vertical_alignment="bottom"))


def model(result: AuditResult) -> str:
    """The model the page shows."""
    known = result.errors["model"].unique(maintain_order=True).to_list()
    return one_of("Model", known, key="model")


def attribute(result: AuditResult) -> str:
    """The attribute that divides the rows into groups."""
    options = choices.attributes(result)
    return one_of("Group by", options, key="by", help=glossary.explanation("Group"))


def metric(result: AuditResult, *, key: str = "metric") -> str:
    """The metric that is compared; those the report leads with come first."""
    leading = choices.leading_metrics(result, most=100)
    values = result.errors.filter(pl.col("value").is_not_null())["metric"]
    known = values.unique(maintain_order=True).to_list()
    options = [*leading, *(m for m in known if m not in leading)]
    usual = {metric_words.title(m): m for m in options} | {m: m for m in options}
    return one_of("Metric", options, key=key, format_func=metric_title(result), aliases=usual)


def metric_title(result: AuditResult) -> Callable[[str], str]:
    """What a metric is called in this audit: the field's term and what it means for people."""
    voice = voice_of(result)
    return lambda metric: meaning.title(metric, voice)


def split(result: AuditResult) -> str:
    """The rows the metrics are computed on."""
    known = result.errors["split"].unique().to_list()
    order = [s for s in SPLITS if s in known] + sorted(s for s in known if s not in SPLITS)
    return one_of("Evaluated on", order, key="rows", format_func=split_label)


def split_label(split: str) -> str:
    """ "Test rows", "Validation rows"."""
    return SPLITS.get(split, split)


def restore(values: Mapping[str, object]) -> None:
    """Set controls to these values; one at its default leaves the URL."""
    for key, value in values.items():
        st.session_state[key] = value


def group_count(groups: pl.DataFrame) -> int | None:
    """The number of latent groups shown, where an audit has several; shared with What if."""
    if "n_groups" not in groups.columns:
        return None
    return number("Number of groups", groups["n_groups"].unique().to_list(), key="groups")


def number(label: str, values: Sequence[int], *, key: str, start: int | None = None) -> int:
    """One of several numbers, by slider, in the URL; it starts at `start` or the largest."""
    options = sorted(values)
    if len(options) < 2:
        return options[0]
    value = start if start in options else options[-1]
    text = glossary.explanation(label)
    chosen = st.select_slider(label, options, value=value, key=key, help=text, bind="query-params")
    return int(chosen)
