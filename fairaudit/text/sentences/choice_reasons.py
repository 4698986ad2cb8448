"""Why a group got the expert or kept the baseline, from the codes and numbers of the choice.

Tables that earlier versions stored hold the sentence itself in `reason`; it is shown as it is.
"""

from __future__ import annotations

import polars as pl

from fairaudit.methods.no_harm_table import HARMED
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.text.objectives import OBJECTIVES
from fairaudit.text.sentences.phrases import Row

_UNDEFINED = "the performance is not defined"
_KEPT = "The baseline is kept."


def with_reasons(selection: pl.DataFrame) -> pl.DataFrame:
    """The table of the choice with a sentence in `reason`."""
    sentences = [reason(row) for row in selection.iter_rows(named=True)]
    return selection.with_columns(reason=pl.Series(sentences, dtype=pl.String))


def reason(row: Row) -> str:
    """Why one group got its model, or what rows that took no part show of it."""
    words = _sentence(row)
    if row.get("merged"):
        cells = ", ".join(row["merged"])
        words += f" Sparse intersections were merged into this group: {cells}."
    return words


def _sentence(row: Row) -> str:
    code = row["reason"]
    if code == "checked":
        return _checked(row)
    if code == "unjudged":
        return _unjudged(row)
    if code == "used":
        return f"The expert is used: {_evidence(row)}."
    if code == "worse":
        return f"The expert is worse: {_evidence(row)}. {_KEPT}{_cost(row)}"
    if code == "not shown":
        return f"No-harm could not be shown: {_evidence(row)}{_needed(row)}. {_KEPT}{_cost(row)}"
    if code == "wider gap":
        return f"The expert would do no harm ({_evidence(row)}), but {_wider(row)}. {_KEPT}"
    if code == "no gain":
        return f"The expert gains nothing for the objective: {_evidence(row)}. {_KEPT}"
    return str(code)


def _wider(row: Row) -> str:
    if row["gap_with"] is None:  # left out beside suppressed groups
        return "using it would widen the gap"
    return f"using it would make the gap {amount(row, 'gap_with')} instead of {amount(row, 'gap')}"


def _checked(row: Row) -> str:
    used = f"The {row['chosen']} is used"
    if row["verdict"] == UNJUDGED:
        return f"{used}. These rows cannot judge it: {row['obstacle'] or _UNDEFINED}."
    if row["verdict"] == HARMED:
        return f"{used} and does worse here: {_evidence(row, upper=True)}."
    return f"{used}; expert against baseline: {_evidence(row)}."


def _unjudged(row: Row) -> str:
    return (
        f"Cannot be judged: {row['obstacle'] or _UNDEFINED}; about {row['rows_needed']} rows "
        f"would show an improvement of {amount(row, 'detectable')}. {_KEPT}"
    )


def _needed(row: Row) -> str:
    return f"; about {row['rows_needed']} rows would be needed" if row["rows_needed"] else ""


def _cost(row: Row) -> str:
    """What this group's no-harm condition costs the objective, where it binds."""
    if row.get("aim_without") is None:
        return ""
    return (
        f" This condition binds: without it the {OBJECTIVES[row['objective']].measure} would be "
        f"{amount(row, 'aim_without')} instead of {amount(row, 'aim')}."
    )


def _evidence(row: Row, *, upper: bool = False) -> str:
    words = [f"{amount(row, 'difference', signed=True)} on {row['n']} rows"]
    if row["metric"] == "accuracy":
        words.append(f"right alone on {row['expert_only']}, wrong alone on {row['baseline_only']}")
    side, bound = ("at most", "upper") if upper else ("at least", "lower")
    if row["level"] is not None and row[bound] is not None:
        level = 100 * (1 - row["level"])
        words.append(f"{side} {amount(row, bound, signed=True)} with {level:.1f}% confidence")
    return ", ".join(words)


def amount(row: Row, name: str, *, signed: bool = False) -> str:
    """A performance in points; AUROC as a number, −MSE in the target's squared unit."""
    value, sign = row[name], "+" if signed else ""
    if row["metric"] == "neg_mse":
        return f"{value:{sign}.4g}"
    if row["metric"] == "auroc":
        return f"{value:{sign}.3f}"
    return f"{100 * value:{sign}.1f} points"
