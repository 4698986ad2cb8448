"""Results in words: sentences with the numbers in them, for pages and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.stats.estimates import ESTIMATED, SUPPRESSED, UNJUDGED, UNSTABLE
from fairaudit.stats.metric_definitions import RATES, WORDS, base_name, higher_is_better

Row = Mapping[str, Any]

# what happens to the people a rate counts, "… are wrongly rejected"
_HAPPENS = {
    "selection_rate": "selected",
    "tpr": "rightly selected",
    "fpr": "wrongly selected",
    "tnr": "rightly rejected",
    "fnr": "wrongly rejected",
    "accuracy": "judged rightly",
}
_AS_NUMBER = frozenset({"mcc", "f1", "auroc", "auprc", "brier", "ece", "r2"})
_STATUS = {
    UNSTABLE: "few rows: unstable",
    UNJUDGED: "too few rows to judge",
    SUPPRESSED: "not shown: the group is too small",
}
_KIND = {
    "difference": "largest difference between groups",
    "ratio": "smallest ratio between groups",
    "to_overall": "largest distance of a group from everybody",
    "ratio_to_overall": "smallest ratio of a group to everybody",
    "worst": "worst group",
    "best": "best group",
    "sd": "spread over groups (standard deviation)",
}


def metric_words(metric: str) -> str:
    """The metric in words, with its class: "true-positive rate for 'cat'"."""
    name, _, level = metric.partition(" [")
    words = WORDS.get(name, name.replace("_", " "))
    return f"{words} for '{level[:-1]}'" if level else words


def kind_words(kind: str) -> str:
    """The kind of gap in words."""
    base = kind.removesuffix("_stable")
    words = _KIND.get(base, base.replace("_", " "))
    return f"{words}, groups with enough rows only" if base != kind else words


def number(value: float | None, metric: str, *, digits: int = 1) -> str:
    """A value as people read it: rates in percent, scores as numbers."""
    if value is None:
        return "not known"
    name = base_name(metric)
    if name in _AS_NUMBER:
        return f"{value:.3f}"
    if name in RATES or name in ("balanced_accuracy", "demographic_parity", "equalized_odds"):
        return f"{100 * value:.{digits}f}%"
    return f"{value:.4g}"


def points(value: float | None, metric: str) -> str:
    """A difference: percentage points for rates."""
    text = number(value, metric)
    return text[:-1] + " points" if text.endswith("%") else text


def interval(low: float | None, high: float | None, metric: str, level: float = 0.95) -> str:
    """ "95% interval 3.1% to 4.2%", or that there is none."""
    if low is None or high is None:
        return "no interval"
    ends = f"{number(low, metric)} to {number(high, metric)}"
    return f"{100 * level:.4g}% interval {ends}"


def _interval_points(low: Any, high: Any, metric: str, level: float) -> str:
    if low is None or high is None:
        return "no interval"
    text = points(high, metric)
    first = points(low, metric).removesuffix(" points")
    return f"{100 * level:.4g}% interval {first} to {text}"


def error_sentence(row: Row, level: float = 0.95) -> str:
    """One row of `errors` as a sentence."""
    who = "Everybody" if row["attribute"] == "all" else f"{row['group']} ({row['attribute']})"
    what = metric_words(row["metric"])
    if row["status"] == SUPPRESSED:
        return f"{who}: {what} is not shown, the group is too small."
    if row["value"] is None:
        return f"{who}: {what} cannot be judged, no row it could be computed from."
    text = f"{who}: {what} {number(row['value'], row['metric'])}, "
    text += interval(row["low"], row["high"], row["metric"], level)
    text += f", from {row['denominator']:.0f} of {row['n']} rows"
    note = _STATUS.get(row["status"])
    return f"{text} ({note})." if note else f"{text}."


def gap_sentence(row: Row, level: float = 0.95) -> str:
    """One row of `gaps` as a sentence."""
    metric, kind = row["metric"], row["kind"].removesuffix("_stable")
    what = f"{metric_words(metric)} by {row['attribute']}"
    if row["value"] is None:
        return f"{kind_words(row['kind']).capitalize()} in {what}: cannot be judged."
    between = f" ({row['group']})" if row["group"] else ""
    text = f"{kind_words(row['kind']).capitalize()} in {what}: "
    text += _gap_number(row, kind, level) + between
    if kind == "difference" and row["corrected"] is not None:
        text += f"; {points(row['corrected'], metric)} once the upward bias of extremes is removed"
    note = _STATUS.get(row["status"])
    return f"{text} ({note})." if note else f"{text}."


def _gap_number(row: Row, kind: str, level: float) -> str:
    metric, low, high = row["metric"], row["low"], row["high"]
    if kind.startswith("ratio"):
        ends = (
            "no interval"
            if low is None
            else f"{100 * level:.4g}% interval {low:.2f} to {high:.2f}"
        )
        return f"{row['value']:.2f}, {ends}"
    if kind in ("worst", "best"):
        return f"{number(row['value'], metric)}, {interval(low, high, metric, level)}"
    return f"{points(row['value'], metric)}, {_interval_points(low, high, metric, level)}"


def times_sentence(row: Row, level: float = 0.95) -> str:
    """One row of `pairs`: "Women are wrongly rejected 3.1 times as often as men, …"."""
    name, who, other = base_name(row["metric"]), row["group"], row["reference"]
    if row["difference"] is None:
        return f"{who} and {other} cannot be compared by {metric_words(row['metric'])}."
    if name in _HAPPENS and row["ratio"] is not None:
        return f"{who} are {_HAPPENS[name]} {_times(row, level)} as {other}{_note(row)}."
    text = f"{metric_words(row['metric']).capitalize()} of {who} is "
    text += f"{points(abs(row['difference']), row['metric'])} "
    text += f"{'above' if row['difference'] > 0 else 'below'} that of {other}, "
    text += _interval_points(row["low"], row["high"], row["metric"], level)
    return f"{text}{_note(row)}."


def _times(row: Row, level: float) -> str:
    """ "3.1 times as often (95% interval 2.5 to 3.9)", or that nothing can be told."""
    low, high = row["ratio_low"], row["ratio_high"]
    text = f"{row['ratio']:.2g} times as often"
    if low is None or high is None:
        return text
    top = "any number" if high == float("inf") else f"{high:.2g}"
    return f"{text} ({100 * level:.4g}% interval {low:.2g} to {top})"


def _note(row: Row) -> str:
    note = _STATUS.get(row["status"])
    p = row["p_adjusted"]
    seen = ""
    if p is not None and row["status"] == ESTIMATED:
        seen = "" if p < 0.05 else ", which may be chance"
    return f"{seen} ({note})" if note else seen


def comparison_sentence(row: Row, level: float = 0.95) -> str:
    """One row of `comparisons`: who is better, by how much, and whether it can be told."""
    metric = row["metric"]
    where = "overall" if row["attribute"] == "all" else f"for {row['group']} ({row['attribute']})"
    if row["difference"] is None:
        return f"{row['model_a']} and {row['model_b']} cannot be compared {where}."
    ends = _interval_points(row["low"], row["high"], metric, level)
    size = points(abs(row["difference"]), metric)
    text = f"{metric_words(metric).capitalize()} {where}: {row['model_a']} is {size} "
    text += f"{'above' if row['difference'] > 0 else 'below'} {row['model_b']}, {ends}"
    p = row["p_adjusted"]
    told = p is not None and p < 0.05
    return f"{text}; {'more than chance' if told else 'this may be chance'}, after all looks."


def detectable_sentence(row: Row) -> str:
    """ "With 41 rows, gaps below 21 points cannot be seen; 400 rows would show 5." """
    metric = row["metric"]
    if row["gap_detectable"] is None:
        return f"{row['group']}: no gap in {metric_words(metric)} could be seen with these rows."
    text = f"With {row['n']:,} rows of {row['group']}, gaps in {metric_words(metric)} below "
    text += f"{points(row['gap_detectable'], metric)} cannot be seen"
    if row["rows_needed"] is None:
        return f"{text}; no number of its rows would show {points(row['gap_wanted'], metric)}."
    return f"{text}; {row['rows_needed']:,} rows would show {points(row['gap_wanted'], metric)}."


def worst_sentence(errors: pl.DataFrame, metric: str, level: float = 0.95) -> str:
    """Who fares worst by a metric among the groups of `errors` that can be judged."""
    rows = errors.filter((pl.col("metric") == metric) & (pl.col("attribute") != "all"))
    judged = rows.filter(pl.col("status") == ESTIMATED).drop_nulls("value")
    if judged.is_empty():
        return f"No group has enough rows to judge {metric_words(metric)}."
    order = judged.sort("value", descending=not higher_is_better(metric))
    worst, best = order.row(0, named=True), order.row(-1, named=True)
    text = f"{metric_words(metric).capitalize()} is "
    text += f"{'lowest' if higher_is_better(metric) else 'highest'} for {worst['group']}: "
    text += f"{number(worst['value'], metric)}, "
    text += interval(worst["low"], worst["high"], metric, level)
    return f"{text}; for {best['group']} it is {number(best['value'], metric)}."


def looks_sentence(tests: int) -> str:
    """How many looks were taken at the data."""
    if tests == 0:
        return "No tests were made."
    return (
        f"{tests} comparisons were tested; p-values are adjusted for all of them "
        "(false-discovery rate, Benjamini–Hochberg)."
    )


def coverage_note(row: Row) -> str:
    """What is known of the interval's reliability at this size; empty where it was met.

    From the coverage simulations reported in docs/statistics.md.
    """
    kind = str(row.get("kind", ""))
    if row["status"] == UNSTABLE and kind:
        return (
            "Some group rests on fewer than 30 rows; intervals of worst groups and spreads then "
            "held the truth in 90–98% of simulations instead of 95%."
        )
    if row["status"] == UNSTABLE:
        return "Fewer than 30 rows: the interval is wide and may miss its 95%."
    if row["status"] == UNJUDGED:
        return "Fewer than 5 rows: no conclusion should rest on this number."
    return ""
