"""Warnings of an audit as codes with their facts; `text/sentences/warnings.py` words them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

Code = Literal[
    "choice_suppressed",
    "class_without_training_rows",
    "cut_assumed",
    "cut_at_median",
    "cut_doubtful",
    "groups_without_training_rows",
    "labels_matched",
    "merge_offered",
    "outcome_known_for_some",
    "positive_class_guessed",
    "rows_left_out",
    "score_reversed",
    "scores_rounded",
    "thresholds_of_other_half",
    "thresholds_not_tuned",
    "weights_not_in_choice",
]
Notice = dict[str, Any]


def notice(code: Code, **facts: Any) -> Notice:
    """One warning in JSON values."""
    return {"code": code, **facts}


def distinct(warnings: Iterable[Notice | str]) -> list[Notice | str]:
    """Each warning once, in order; the warnings of estimators and older results are text."""
    unique: list[Notice | str] = []
    for warning in warnings:
        if warning not in unique:
            unique.append(warning)
    return unique
