"""Sentences about errors by group: the extremes, the gap, and whether it is beyond chance."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.stats.estimates import UNJUDGED, UNSTABLE
from fairaudit.text import numbers, table_rows
from fairaudit.text.findings import Finding, finding_of, gap_of, is_significant
from fairaudit.text.metric_words import base, in_sentence, is_rate, lower_is_better, title
from fairaudit.text.sentences.phrases import Row, called, ci, estimate, joined, on, points
from fairaudit.text.voice import Voice, voice_of

# what a rate counts, in "… are 2.3 times as frequent for women as for men"
_EVENTS = {
    "selection_rate": "Selections",
    "fpr": "Wrong selections",
    "fnr": "Wrong rejections",
    "accuracy": "Correct decisions",
}
_OPPOSITE = {"tpr": "fnr", "tnr": "fpr"}  # what goes wrong is what one counts


def errors_lead(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> str:
    """The extreme groups with their intervals, whether they differ beyond chance, and the gap."""
    table = table_rows.errors_of(
        result, attribute=attribute, metric=metric, split=split, models=[model]
    )
    judged = table.filter(pl.col("value").is_not_null())
    what = f"{in_sentence(metric)} of {model}"
    if judged.is_empty():
        return f"{on(split)}, no group of {attribute} has enough rows to judge the {what}."
    voice, stable = voice_of(result), table_rows.stable(judged)
    worst, best = stable.row(0, named=True), stable.row(-1, named=True)
    if judged.height == 1:
        only = f"the {what} for {called(worst['group'], attribute)} is"
        return f"{on(split)}, {only} {estimate(worst, metric, voice)}."
    if worst["value"] == best["value"]:
        same = f"all {stable.height} groups of {attribute} have the same {what}"
        sentence = f"{on(split)}, {same}: **{numbers.value(worst['value'], metric)}**."
        return joined([sentence, _excluded(table, judged, stable)])
    asked = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    finding = finding_of(result, **asked, groups=stable["group"].to_list())
    ends = (called(worst["group"], attribute), called(best["group"], attribute))
    figures = (estimate(worst, metric, voice), estimate(best, metric))
    return joined(
        [
            f"{on(split)}, {_extremes(finding, metric, what, attribute, ends, figures)}.",
            gap_sentence(gap_of(result, **asked), metric, voice),
            _times(result, worst, best, asked, voice) if finding is Finding.SIGNIFICANT else "",
            _excluded(table, judged, stable),
        ]
    )


def _extremes(
    finding: Finding,
    metric: str,
    what: str,
    attribute: str,
    ends: tuple[str, str],
    figures: tuple[str, str],
) -> str:
    """The two groups at the ends; only a significant difference makes one the worst."""
    (worst, best), (low, high) = ends, figures
    if finding is Finding.SIGNIFICANT:
        return f"{worst} has the {_end(metric)} {what}: {low}, against {high} for {best}"
    run = f"{low} for {worst} and {high} for {best} at the ends"
    if finding is Finding.UNKNOWN:
        return (
            f"the {what} by {attribute} is {run}; without intervals it is not known whether "
            "groups differ beyond chance"
        )
    if finding is Finding.UNADJUSTED:
        return (
            f"the {what} does not differ significantly between the groups of {attribute} once "
            f"adjusted for multiple testing: {run}"
        )
    return f"the {what} shows no difference beyond chance by {attribute}: {run}"


def _end(metric: str) -> str:
    if base(metric) == "mean_error":
        return "most one-sided"
    return "highest" if lower_is_better(metric) else "lowest"


def gap_sentence(row: Row | None, metric: str, voice: Voice) -> str:
    """The gap with its interval and, for rates, its bias-corrected value."""
    if row is None:
        return ""
    words = f"The gap is {points(row['value'], row['low'], row['high'], metric, voice)}"
    if row["low"] is None or row["high"] is None or row["corrected"] is None:
        return f"{words}."
    if is_rate(metric):
        words += f"; bias-corrected, {numbers.points(row['corrected'], metric)}"
    return f"{words}."


def _times(result: AuditResult, worst: Row, best: Row, asked: Row, voice: Voice) -> str:
    """How many times as frequent the event is in one of the two groups as in the other.

    The ratio is that of the same two groups, with the interval that allows for their being the
    extremes; no sentence where it includes 1 or rounds to 1.
    """
    counted = _OPPOSITE.get(asked["metric"], asked["metric"])
    row = gap_of(result, **{**asked, "metric": counted}, kind="ratio")
    if counted not in _EVENTS or row is None or not row["value"] or row["high"] is None:
        return ""
    pair = str(row["group"])
    names = {f"{a} vs {b}": (a, b) for a, b in _orders(worst["group"], best["group"])}
    if pair not in names or row["high"] >= 1:
        return ""
    less, more = (called(name, asked["attribute"]) for name in names[pair])
    times = f"{1 / row['value']:.2g}"
    if float(times) <= 1:
        return ""
    top = f"{1 / row['low']:.2g}" if row["low"] else "any number"
    span = ci(f"{1 / row['high']:.2g} to {top}", voice)
    return f"{_EVENTS[counted]} are {times} times as frequent for {more} as for {less} ({span})."


def _orders(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


def _excluded(table: pl.DataFrame, judged: pl.DataFrame, stable: pl.DataFrame) -> str:
    few, blank = judged.height - stable.height, table.height - judged.height
    return joined(
        [
            f"{_groups(few)} with few rows {'is' if few == 1 else 'are'} excluded." if few else "",
            f"{_groups(blank)} cannot be judged." if blank else "",
        ]
    )


def _groups(count: int) -> str:
    return numbers.count(count, "group")


def gap_words(row: Row, voice: Voice) -> str:
    """A significant gap in words, with its interval."""
    metric = str(row["metric"])
    gap = points(row["value"], row["low"], row["high"], metric, voice, mark="**")
    where = f"between the groups of {row['attribute']}"
    return f"{title(metric)} of {row['model']} differs significantly {where}: by {gap}."


def gap_leads(result: AuditResult, gaps: pl.DataFrame) -> list[str]:
    """The significant of these gaps in words, or that there is none."""
    voice = voice_of(result)
    found = [row for row in gaps.iter_rows(named=True) if is_significant(result, row)]
    if found or gaps.is_empty():
        return [gap_words(row, voice) for row in found]
    return [
        "No gap between groups is statistically significant, adjusted for multiple testing "
        f"(level {voice.alpha:.2g})."
    ]


# -- what the numbers cannot say -----------------------------------------------------------------


def limits(result: AuditResult, *, attribute: str, metric: str, model: str, split: str) -> str:
    """Which gap would have gone undetected, and how far the gap's interval can be relied on."""
    asked = (
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    )
    sentences = []
    if (table := result.tables.get("detectable")) is not None:
        known = table.filter(asked & pl.col("gap_detectable").is_not_null())
        rows = known.sort("gap_detectable", "n", descending=[True, False]).head(1)
        sentences += [detectable_sentence(row) for row in rows.iter_rows(named=True)]
    gaps = result.gaps.filter(asked & (pl.col("kind") == "difference")).head(1)
    sentences += [coverage_note(row) for row in gaps.iter_rows(named=True)]
    return joined(sentences)


def detectable_sentence(row: Row) -> str:
    """Which gap these rows would probably miss, and how many would detect a smaller one."""
    metric, who = str(row["metric"]), called(str(row["group"]), str(row["attribute"]))
    if row["gap_detectable"] is None:
        return f"With these rows of {who}, no gap in {in_sentence(metric)} could be detected."
    text = (
        f"With {numbers.rows(row['n'])} of {who}, a gap in {in_sentence(metric)} below "
        f"{numbers.points(row['gap_detectable'], metric)} would probably go undetected"
    )
    wanted = numbers.points(row["gap_wanted"], metric)
    if row["rows_needed"] is None:
        return f"{text}; no number of its rows would detect {wanted}."
    return f"{text}; {numbers.rows(row['rows_needed'])} would detect {wanted}."


def coverage_note(row: Row) -> str:
    """What is known of the interval's reliability at this size; empty where it was met.

    From the coverage simulations reported in docs/statistics.md.
    """
    kind = str(row.get("kind", ""))
    if row["status"] == UNSTABLE and kind:
        return (
            "Some group rests on fewer than 30 rows; in simulations, intervals of worst groups "
            "and spreads then covered the truth up to 5 points less often than they state."
        )
    if row["status"] == UNSTABLE:
        return "Fewer than 30 rows: the interval is wide and may cover less often than it states."
    if row["status"] == UNJUDGED:
        return "Fewer than 5 rows: no conclusion should rest on this number."
    return ""
