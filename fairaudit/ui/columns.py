"""How the columns of result tables are shown: heading, explanation, and percent for shares."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
import streamlit as st

from fairaudit.text import metric_words
from fairaudit.text.headings import HEADINGS
from fairaudit.ui import glossary

_MEASURED = frozenset(
    {
        *("value", "low", "high", "shrunken", "shrunken_low", "shrunken_high"),
        *("baseline", "baseline_low", "baseline_high", "expert", "expert_low", "expert_high"),
        *("candidate", "chosen", "aim", "aim_without", "gap", "gap_with", "detectable"),
        *("difference", "lower", "upper", "worst_group", "worst_low", "worst_high"),
        *("overall", "overall_low", "overall_high", "harm", "worst"),
    }
)
_SHARES = frozenset(
    {
        *("share", "share_of_level", "harmed", "harmed_surely", "changed"),
        *("chance_lower", "chance_ignored", "chance_selected"),
    }
)
_NAMES = frozenset({"group", "model", "cluster"})


def column_config(frame: pl.DataFrame, *, metric: str | None = None) -> dict[str, Any]:
    """Heading, explanation and format of each column.

    Parameters
    ----------
    frame : polars.DataFrame
    metric : str or None
        What the numbers measure; shares are shown in percent. By default, the single value of
        the frame's own column "metric".
    """
    measured = _single(frame) if metric is None else metric
    shares = _MEASURED if measured is not None and metric_words.is_rate(measured) else frozenset()
    return {
        name: _column(name, dtype, share=name in shares or name in _SHARES)
        for name, dtype in frame.schema.items()
        if name in HEADINGS
    }


def _single(frame: pl.DataFrame) -> str | None:
    known = frame["metric"].unique().to_list() if "metric" in frame.columns else []
    return str(known[0]) if len(known) == 1 else None


def _column(name: str, dtype: pl.DataType, *, share: bool) -> Any:
    label, meaning = HEADINGS[name]
    text = glossary.explanation(label) or meaning or None
    if share and dtype.is_float():
        return st.column_config.NumberColumn(label, help=text, format="percent")
    width: Literal["medium"] | None = "medium" if name in _NAMES else None
    return st.column_config.Column(label, help=text, width=width)
