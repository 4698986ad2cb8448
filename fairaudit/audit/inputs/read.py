"""Reads the outcomes, predictions and scores that users pass: checked first, then coded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.inputs.classes import (
    MODEL,
    UNNAMED,
    KnownClasses,
    known_classes,
    matched_decisions,
)
from fairaudit.audit.inputs.labels import LabelColumn, label_column, read_label_column, task_of
from fairaudit.audit.inputs.pairing import paired_scores, systems_by_name
from fairaudit.audit.inputs.scores import class_scores
from fairaudit.audit.inputs.stated import StatedFacts
from fairaudit.audit.inputs.truth import OutcomeColumn, name_of, read_truth
from fairaudit.audit.score_scale import cut_for, named_cuts, selected
from fairaudit.data.outcome import (
    OutcomeFacts,
    describe,
)
from fairaudit.data.roles import Cut, Task
from fairaudit.exceptions import InputError
from fairaudit.inputs.columns import Column
from fairaudit.inputs.labels import class_label
from fairaudit.inputs.read import (
    read_columns,
    read_numbers,
)

_REMEDY = "name the cut, as in cuts={{'{name}': {at}}}, or pass y_pred as well"


@dataclass(frozen=True)
class AuditInputs:
    """Truth and systems, ready to be judged.

    Attributes
    ----------
    y : (n,) class codes, or numbers of a regression; zeros where no outcome is known
    classes : class names by code, the positive one of two last
    outcome : what the outcome is and means
    known : (n,) where the outcome is known; None for everywhere
    systems : mapping of name to answers
    cut : names of the scores whose cut was stated
    matched : which labels of decisions were matched with the outcome's by their words
    """

    y: NDArray[Any]
    task: Task
    classes: tuple[str, ...]
    outcome: OutcomeFacts
    known: NDArray[np.bool_] | None = None
    systems: Mapping[str, Prediction] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()
    matched: tuple[str, ...] = ()


NO_NUMERIC_BOUNDS = (
    "errors of a numeric outcome have no worst case without a stated range, so nothing bounds "
    "them where the outcome is not known"
)


def read_inputs(y_true: Any, y_pred: Any, y_score: Any, stated: StatedFacts) -> AuditInputs:
    """Check and code what `audit_predictions` was given.

    Raises
    ------
    InputError
        When lengths or shapes differ, values are missing, or a label is unknown.
    SpecError
        When a cut names no system, or `known_for` comes without an outcome.
    """
    labels = {} if y_pred is None else systems_by_name(y_pred, "y_pred")
    scores = {} if y_score is None else systems_by_name(y_score, "y_score")
    if not labels and not scores:
        raise InputError("there is nothing to audit; pass y_pred, y_score or both")
    truth = None if y_true is None else read_truth(y_true, stated)
    n = _rows(labels, scores) if truth is None else len(truth.column)
    answers = {name: read_label_column(v, f"system '{name}'", n) for name, v in labels.items()}
    answers, scores = paired_scores(answers, scores, (name_of(y_pred), name_of(y_score)), n)
    names = list(dict.fromkeys((*answers, *scores)))
    telling = _telling(y_true, y_pred, names)
    if stated.task == "regression":
        return _numeric(truth, answers, scores, stated, telling)
    task = stated.task or _guessed_task(truth, answers)
    if task == "regression":
        return _numeric(truth, answers, scores, stated, telling)
    decisions = {name: label_column(v, f"system '{name}'") for name, v in answers.items()}
    if task == "binary" and truth is not None:
        decisions, matched = matched_decisions(
            truth.labels(), decisions, stated.positive, telling[0]
        )
    else:
        matched = ()
    classed = (*(() if truth is None else (truth.labels(),)), *decisions.values())
    known = known_classes(classed, task, stated, telling[0])
    cuts = named_cuts(stated.cuts, tuple(name for name in scores if name not in answers))
    coded = {
        name: _coded_system(name, decisions.get(name), scores.get(name), known, n, cuts.get(name))
        for name in names
    }
    y = np.zeros(n, dtype=np.int64) if truth is None else truth.codes(known.names)
    outcome = _outcome(truth, known, stated, telling)
    where = _known_rows(truth, n)
    return AuditInputs(y, task, known.names, outcome, where, coded, frozenset(cuts), matched)


def _guessed_task(truth: OutcomeColumn | None, answers: Mapping[str, Column]) -> Task:
    """By the outcomes, else by the decisions; scores alone decide between two classes."""
    if truth is not None:
        return task_of(truth.labels().distinct)
    name = next(iter(answers), None)
    return (
        "binary"
        if name is None
        else task_of(label_column(answers[name], f"system '{name}'").distinct)
    )


def _rows(labels: Mapping[str, Any], scores: Mapping[str, Any]) -> int:
    """Number of rows, that of the first system."""
    name, value = next(iter((labels or scores).items()))
    return read_columns(value, f"system '{name}'").n


def _telling(y_true: Any, y_pred: Any, systems: Sequence[str]) -> list[str]:
    """Names whose words may give the meaning of the outcome, the outcome's own first."""
    own = [] if y_true is None else [name_of(y_true) or "y_true"]
    pred = [] if isinstance(y_pred, Mapping) else [name_of(y_pred)]
    named = [*own, *(s for s in systems if s != MODEL), *(p for p in pred if p)]
    return named or ["y_pred"]


def _outcome(
    truth: OutcomeColumn | None, known: KnownClasses, stated: StatedFacts, telling: Sequence[str]
) -> OutcomeFacts:
    """The facts about an outcome of classes."""
    two = known.names if known.task == "binary" and known.names != UNNAMED else (None, None)
    return describe(
        telling,
        (two[0], two[1]),
        target=None if truth is None else telling[0],
        positive=None if stated.positive is None else class_label(stated.positive),
        meaning=stated.meaning,
        known_for=None if stated.known_for is None else name_of(stated.known_for) or "known_for",
    )


def _known_rows(truth: OutcomeColumn | None, n: int) -> NDArray[np.bool_] | None:
    return np.zeros(n, dtype=bool) if truth is None else truth.known


def _numeric(
    truth: OutcomeColumn | None,
    labels: Mapping[str, Column],
    scores: Mapping[str, Any],
    stated: StatedFacts,
    telling: Sequence[str],
) -> AuditInputs:
    if scores or not labels:
        raise InputError("predictions of a numeric outcome are numbers: pass them as y_pred alone")
    if stated.known_for is not None:
        raise InputError(
            f"known_for: {NO_NUMERIC_BOUNDS}; audit the rows whose outcome is known, or pass "
            "task='binary'"
        )
    coded = {name: Prediction(read_numbers(v, f"system '{name}'")) for name, v in labels.items()}
    n = len(next(iter(coded.values())).label)
    y = np.zeros(n) if truth is None else read_numbers(truth.column, "y_true")
    outcome = describe(
        telling,
        (None, None),
        target=None if truth is None else telling[0],
        meaning=stated.meaning,
    )
    return AuditInputs(y, "regression", (), outcome, _known_rows(truth, n), coded)


def _coded_system(
    name: str, label: LabelColumn | None, score: Any, known: KnownClasses, n: int, cut: Cut | None
) -> Prediction:
    numbers = None if score is None else class_scores(score, name, known, n)
    if label is not None:
        return Prediction(label.codes(known.names), numbers)
    assert numbers is not None
    if numbers.ndim == 2:
        return Prediction(np.asarray(numbers.argmax(axis=1), dtype=np.int64), numbers)
    chosen = cut_for(name, numbers, cut, _REMEDY)
    return Prediction(selected(numbers, chosen).astype(np.int64), numbers, chosen)
