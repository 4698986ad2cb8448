"""The classes of an outcome: which labels are one class, and which class is positive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairaudit.audit.inputs.labels import LabelColumn
from fairaudit.audit.inputs.stated import StatedFacts
from fairaudit.data.decision_labels import OutcomeLabels, read_decision
from fairaudit.data.outcome import (
    guess_positive,
    label_order,
    labels_of_one,
    larger_label,
)
from fairaudit.data.roles import Task
from fairaudit.inputs.labels import class_label
from fairaudit.inputs.options import wrong
from fairaudit.inputs.rows import refusal

MODEL = "model"  # what a system is called that came without a name
UNNAMED = ("not selected", "selected")  # classes of scores alone, without an outcome


@dataclass(frozen=True)
class KnownClasses:
    """Classes by code, and in the order of the columns of a score.

    `sure` is False where only one of two classes occurs, so that the columns are unknown.
    """

    task: Task
    names: tuple[str, ...]
    columns: tuple[str, ...]
    sure: bool = True


def known_classes(
    columns_of: Sequence[LabelColumn], task: Task, stated: StatedFacts, name: str
) -> KnownClasses:
    """Class names by code; of a binary outcome the positive one last."""
    seen = {label for labels in columns_of for label in labels.names}
    columns = tuple(sorted(seen, key=label_order))
    if stated.classes is not None:
        columns = _as_named(_listed_classes(stated.classes), seen)
    if task == "multiclass":
        return KnownClasses(task, columns, columns)
    if not columns:
        return KnownClasses(task, UNNAMED, UNNAMED)
    names = two_classes(columns, stated.positive, name)
    if set(names) <= set(columns):
        return KnownClasses(task, names, columns)
    whole = names == ("0", "1")
    return KnownClasses(task, names, names if whole else columns, sure=whole)


def matched_decisions(
    truth: LabelColumn, systems: Mapping[str, LabelColumn], positive: Any, name: str
) -> tuple[dict[str, LabelColumn], tuple[str, ...]]:
    """Decisions in the labels of the outcome, and which were matched with it by their words."""
    decisions, remarks = dict(systems), []
    if len(truth.names) != 2:
        return decisions, ()
    classes = two_classes(tuple(sorted(truth.names, key=label_order)), positive, name)
    by_words = guess_positive(sorted(truth.names, key=label_order), name).label
    outcome = OutcomeLabels(name, classes, positive is not None or by_words is not None)
    for system, labels in systems.items():
        read = read_decision(labels.names, "" if system == MODEL else system, outcome)
        if read is not None and set(classes) >= set(truth.names):
            names = tuple(classes[read.codes[label]] for label in labels.names)
            decisions[system] = LabelColumn(labels.distinct, names, labels.place)
            remarks += [f"{read.remark}; pass the outcome's labels if that is wrong"] * bool(
                read.remark
            )
    return decisions, tuple(remarks)


def _listed_classes(classes: Any) -> tuple[str, ...]:
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable):
        raise wrong("classes", "a list of labels", classes)
    return tuple(class_label(c) for c in classes)


def _as_named(classes: tuple[str, ...], labels: set[str]) -> tuple[str, ...]:
    odd = sorted(labels - set(classes))
    if odd:
        raise refusal(
            "classes",
            "every label that occurs",
            f"none for the label '{odd[0]}' ({', '.join(classes)})",
            "add it",
        )
    return classes


def two_classes(columns: tuple[str, ...], positive: Any, name: str) -> tuple[str, str]:
    """The two labels, the positive one last."""
    if len(columns) > 2:
        scored = "pass scores as y_score; " if _like_scores(columns) else ""
        raise refusal(
            "y_true and y_pred",
            "the two labels of a binary outcome",
            ", ".join(columns[:6]) + (", …" if len(columns) > 6 else ""),
            f"{scored}use the same two in outcomes and predictions, or pass task='multiclass' (or "
            "'regression')",
        )
    if positive is not None:
        wanted = class_label(positive)
        if wanted not in columns and not {wanted, *columns} <= {"0", "1"}:
            raise refusal(
                "positive",
                f"one of the labels {', '.join(columns)}",
                f"'{wanted}'",
                "name a label that occurs",
            )
        other = {"0": "1", "1": "0"} if set(columns) <= {"0", "1"} else {}
        rest = next((n for n in columns if n != wanted), other.get(wanted, f"not {wanted}"))
        return rest, wanted
    if set(columns) <= {"0", "1"}:
        return "0", "1"
    if len(columns) == 1:
        return labels_of_one(columns[0])
    chosen = guess_positive(columns, name).label or larger_label(columns)
    return next(label for label in columns if label != chosen), chosen


def _like_scores(columns: Sequence[str]) -> bool:
    numeric = [key[1] for key in map(label_order, columns) if key[0] == 0]
    return len(numeric) == len(columns) and any(v % 1 for v in numeric)
