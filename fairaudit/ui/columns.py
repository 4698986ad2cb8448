"""What the columns of result tables are called on screen, what they mean, and which are shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
import streamlit as st

from fairaudit.text import numbers

WORDS: Mapping[str, tuple[str, str]] = {
    "group": ("Group", ""),
    "model": ("Model", ""),
    "attribute": ("Groups by", ""),
    "metric": ("Metric", ""),
    "split": ("Rows", "Which rows were judged"),
    "kind": ("Kind", ""),
    "n": ("Rows", "Rows of the group"),
    "denominator": ("Counted among", "The rows the rate is a share of, such as those truly yes"),
    "value": ("Value", ""),
    "low": ("From", "Lower end of the interval"),
    "high": ("To", "Upper end of the interval"),
    "status": ("Can it be judged?", "Whether enough rows stand behind the number"),
    "method": ("Interval by", "How the interval was made"),
    "shrunken": ("Steadied", "The value drawn towards the other groups, the more the fewer rows"),
    "shrunken_low": ("Steadied from", "Lower end of the steadied value's interval"),
    "shrunken_high": ("Steadied to", "Upper end of the steadied value's interval"),
    "chosen": ("Chosen", ""),
    "verdict": ("Verdict", ""),
    "baseline": ("Baseline", ""),
    "baseline_low": ("Baseline from", "Lower end of the interval"),
    "baseline_high": ("Baseline to", "Upper end of the interval"),
    "expert": ("Expert", ""),
    "expert_low": ("Expert from", "Lower end of the interval"),
    "expert_high": ("Expert to", "Upper end of the interval"),
    "difference": ("Difference", "The first minus the second, on the same rows"),
    "lower": ("At least", "Lower bound of the difference, for all groups at once"),
    "upper": ("At most", "Upper bound of the difference"),
    "admissible": ("Harmless", "Whether the expert may take over"),
    "binding": ("Decisive", "Whether the choice would change if this group were left out"),
    "reason": ("Why", ""),
    "gap": ("Gap", "Largest value over the groups minus the smallest"),
    "gap_low": ("Gap from", "Lower end of the gap's interval"),
    "gap_high": ("Gap to", "Upper end of the gap's interval"),
    "dominated": ("Dominated", "Another model is no worse on both and better on one"),
    "sure": ("Surely so in", "Where another is better beyond chance; empty: nobody dominates it"),
    "used": ("Used", "The effect predictions are made with, after debiasing"),
    "corrected": ("Gap, chance taken off", "The largest of several noisy gaps is too large"),
    "p_adjusted": ("p, adjusted", "For the number of looks; small means hardly chance"),
    "share": ("Share of rows", ""),
    "rule": ("Rule", ""),
    "fidelity": ("Rule holds", "0.5 is a coin, 1 is perfect, on rows it was not made from"),
    "entropy": ("Vagueness", "0: every row belongs to one group for sure; 1: a guess"),
    "n_train": ("Training rows", ""),
    "n_test": ("Test rows", ""),
    "cluster": ("Cluster", ""),
    "effect": ("Effect", ""),
    "mean": ("Mean", ""),
    "sd": ("Spread", "Standard deviation"),
    "seen": ("Seen in training", ""),
    "n_groups": ("Groups", "Number of groups"),
    "worst_group": ("Worst group", "Loss of the worst group on held-out rows"),
    "worst_low": ("Worst from", "Lower end of the interval"),
    "worst_high": ("Worst to", "Upper end of the interval"),
    "overall": ("Everybody", "Loss over all held-out rows"),
    "overall_low": ("Everybody from", "Lower end of the interval"),
    "overall_high": ("Everybody to", "Upper end of the interval"),
    "heldout": ("Held-out fit", "Mean log-likelihood of held-out rows; higher is better"),
    "log_likelihood": ("Training fit", "Log-likelihood of training rows; higher is better"),
    "bic": ("BIC", "Fit charged for parameters; lower is better"),
    "icl": ("ICL", "BIC charged for vague membership; lower is better"),
    "stability": ("Stability", "1: the same groups every time; 0: chance"),
    "fp": ("False positives", ""),
    "fn": ("False negatives", ""),
    "tp": ("True positives", ""),
    "tn": ("True negatives", ""),
    "level": ("Level", ""),
    "share_of_level": ("Share of the level", "How much of the declared level is in the group"),
    "feature": ("Feature", ""),
    "standardised": ("From everybody", "In standard deviations"),
    "population": ("Everybody", "Mean over all rows"),
    "threshold": ("Threshold", ""),
    "upper_threshold": ("Upper threshold", "Used in the remaining cases"),
    "chance_lower": ("Lower one used", "How often the lower threshold decides"),
    "chance_ignored": ("Score ignored", "How often the decision is drawn by lot instead"),
    "chance_selected": ("Selected by lot", "Chance of being selected when drawn by lot"),
    "rows": ("Rows", ""),
    "strength": ("Strength", "How far the data were changed"),
    "harm": ("Loss", "What the worst-off group loses; below zero it gains"),
    "harmed": ("Somebody worse off", "Share of the draws"),
    "harmed_surely": ("Surely worse off", "Share of the draws in which it is beyond the bound"),
    "changed": ("Other choice", "Share of the draws in which others get an expert"),
}
_MEASURED = frozenset(
    {
        *("value", "low", "high", "shrunken", "shrunken_low", "shrunken_high"),
        *("baseline", "baseline_low", "baseline_high", "expert", "expert_low", "expert_high"),
        *("difference", "lower", "upper", "worst_group", "worst_low", "worst_high"),
        *("overall", "overall_low", "overall_high", "harm"),
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
    """Heading, explanation and format of each known column.

    Parameters
    ----------
    frame : polars.DataFrame
    metric : str or None
        What the numbers measure: shares are shown in percent. Left out, it is the frame's own
        column "metric" where that holds a single one.
    """
    measured = _single(frame) if metric is None else metric
    shares = _MEASURED if measured is not None and numbers.is_rate(measured) else frozenset()
    return {
        name: _column(name, dtype, share=name in shares or name in _SHARES)
        for name, dtype in frame.schema.items()
        if name in WORDS
    }


def _single(frame: pl.DataFrame) -> str | None:
    known = frame["metric"].unique().to_list() if "metric" in frame.columns else []
    return str(known[0]) if len(known) == 1 else None


def _column(name: str, dtype: pl.DataType, *, share: bool) -> Any:
    label, meaning = WORDS[name]
    if share and dtype.is_float():
        return st.column_config.NumberColumn(label, help=meaning or None, format="percent")
    width: Literal["medium"] | None = "medium" if name in _NAMES else None
    return st.column_config.Column(label, help=meaning or None, width=width)
