"""Scores: one column, or a column for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairaudit.audit.inputs.classes import KnownClasses
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.labels import class_label
from fairaudit.inputs.read import (
    read_columns,
    read_numbers,
)
from fairaudit.inputs.rows import refusal


def class_scores(value: Any, name: str, known: KnownClasses, n: int) -> Float:
    """(n,) scores of the positive class, or (n, C) of several classes."""
    what = f"the score of system '{name}'"
    columns = read_columns(value, what, n, "y_true")
    scores = read_numbers(columns, what, wide=True)
    C = len(known.names)
    if C == 2 and scores.ndim == 1:
        return scores
    order = _order_of_classes(columns.names, known)
    if scores.ndim == 2 and scores.shape[1] == C and order is not None:
        return scores[:, order] if known.task == "multiclass" else scores[:, order[1]]
    wanted = f"(n, {C}), one column per class in the order {', '.join(known.columns)}"
    raise refusal(
        what,
        wanted if known.task == "multiclass" else "(n,), the score of the positive class",
        f"shape {scores.shape}",
        "classes= names another order, or classes that do not occur",
    )


def _order_of_classes(names: Sequence[str] | None, known: KnownClasses) -> list[int] | None:
    """Where the scores of each class stand: by the frame's names, else by the known order."""
    if names is not None:
        columns = [class_label(name) for name in names]
        if set(known.names) <= set(columns):
            return [columns.index(c) for c in known.names]
    return [known.columns.index(c) for c in known.names] if known.sure else None
