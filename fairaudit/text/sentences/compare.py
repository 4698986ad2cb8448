"""Sentences about models side by side."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.meaning import in_sentence
from fairaudit.text.metric_words import lower_is_better
from fairaudit.text.model_front import over_seeds
from fairaudit.text.sentences.phrases import Row, joined, points, value
from fairaudit.text.voice import Voice, voice_of


def compare_lead(
    table: pl.DataFrame, *, quality: str, gap_title: str, voice: Voice, attribute: str = ""
) -> str:
    """The model with the best estimate, the one with the smallest gap, and who is dominated.

    Parameters
    ----------
    table : polars.DataFrame
        As made by `text.model_front.front_of`.
    """
    if table.is_empty():
        return "There is nothing to compare on these choices."
    best = table.sort("value", descending=not lower_is_better(quality)).row(0, named=True)
    fair = table.sort("gap").row(0, named=True)
    name, by = in_sentence(quality, voice), f" by {attribute}" if attribute else ""
    first = (
        f"**{best['model']}** has the best estimated {name}: {_quality(best, quality, voice)} at "
        f"a gap of {_gap(best, gap_title)}{by}."
    )
    second = (
        f"**{fair['model']}** has the smallest estimated gap: {_gap(fair, gap_title, voice)} at "
        f"{_quality(fair, quality)}."
    )
    shown = [first, second] if fair["model"] != best["model"] else [first]
    return joined([*shown, *_dominated(table, name)])


def _dominated(table: pl.DataFrame, name: str) -> list[str]:
    """Who comes second on both axes, and whether chance may explain it."""
    ways = {
        "both": "statistically better in both",
        "quality": f"statistically better in {name}",
        "gap": "statistically better in the gap",
        "neither": "but this may be chance",
    }
    lost = {way: table.filter(pl.col("sure") == way)["model"].to_list() for way in ways}
    return [
        f"Another model is no worse than {numbers.listed(models)} on both counts, {ways[way]}."
        for way, models in lost.items()
        if models
    ]


def _quality(row: Row, metric: str, voice: Voice | None = None) -> str:
    return value(row["value"], row["low"], row["high"], metric, voice)


def _gap(row: Row, metric: str, voice: Voice | None = None) -> str:
    return points(row["gap"], row["gap_low"], row["gap_high"], metric, voice)


def comparison_how(result: AuditResult) -> str:
    """How the intervals of a comparison were made."""
    percent = voice_of(result).percent
    same = (
        "All models saw the same splits and the same preprocessing, and were given the same "
        "budget. A model is dominated where the estimates of another are no worse on both axes "
        "and better on one; this may be chance where neither a paired interval excludes zero nor "
        "the two intervals lie apart."
    )
    if over_seeds(result):
        return (
            f"{same} Intervals ({percent}) are over repeated splits, by the corrected resampled t "
            "of Nadeau and Bengio (2003): repeated splits share rows, so the plain variance is "
            "too small."
        )
    return (
        f"{same} Intervals are {percent} confidence intervals. Differences are paired: both "
        "models predict the same rows (Tango and exact McNemar for rates, bootstrap and DeLong "
        "otherwise); their intervals hold jointly for all pairs of models and groups "
        "(Bonferroni), and p-values are adjusted for multiple testing (Benjamini–Hochberg)."
    )
