"""Reads the outcomes, predictions and scores that users pass: checked first, then coded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.score_scale import cut_for, named_cuts, selected
from fairaudit.data.decision_labels import OutcomeLabels, read_decision
from fairaudit.data.doctor.score_decisions import systems_among
from fairaudit.data.known_outcome import says_yes
from fairaudit.data.outcome import (
    Meaning,
    OutcomeFacts,
    describe,
    guess_positive,
    label_order,
    labels_of_one,
    larger_label,
)
from fairaudit.data.roles import Cut, Task
from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float, Int
from fairaudit.inputs.columns import Column
from fairaudit.inputs.containers import opened
from fairaudit.inputs.group_codes import encode
from fairaudit.inputs.labels import class_label
from fairaudit.inputs.options import wrong
from fairaudit.inputs.read import (
    as_array,
    frame_columns,
    read_column,
    read_columns,
    read_numbers,
)
from fairaudit.inputs.rows import refusal
from fairaudit.inputs.target import missing_labels

MODEL = "model"  # what a system is called that came without a name
UNNAMED = ("not selected", "selected")  # classes of scores alone, without an outcome
_REMEDY = "name the cut, as in cuts={{'{name}': {at}}}, or pass y_pred as well"
FEW = 1000  # whole numbers over so small a range are counted, not sorted


@dataclass(frozen=True)
class Answered:
    """One system's answers: codes or numbers (n,), scores (n,) or (n, C).

    `cut` is where its score decides, None where the decisions were given.
    """

    label: NDArray[Any]
    score: Float | None = None
    cut: Cut | None = None

    @property
    def below(self) -> bool:
        """Whether low scores select."""
        return self.cut is not None and self.cut.side == "below"


@dataclass(frozen=True)
class Given:
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
    systems: Mapping[str, Answered] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()
    matched: tuple[str, ...] = ()


NO_NUMERIC_BOUNDS = (
    "errors of a numeric outcome have no worst case without a stated range, so nothing bounds "
    "them where the outcome is not known"
)


@dataclass(frozen=True)
class Stated:
    """What the caller states about the outcome and the scores; None is guessed."""

    task: Task | None = None
    positive: Any = None
    meaning: Meaning | None = None
    classes: Sequence[Any] | None = None
    known_for: Any = None
    cuts: Any = None


def given(y_true: Any, y_pred: Any, y_score: Any, stated: Stated) -> Given:
    """Check and code what `audit_predictions` was given.

    Raises
    ------
    InputError
        When lengths or shapes differ, values are missing, or a label is unknown.
    SpecError
        When a cut names no system, or `known_for` comes without an outcome.
    """
    labels = {} if y_pred is None else systems(y_pred, "y_pred")
    scores = {} if y_score is None else systems(y_score, "y_score")
    if not labels and not scores:
        raise InputError("there is nothing to audit; pass y_pred, y_score or both")
    truth = None if y_true is None else _truth(y_true, stated)
    n = _rows(labels, scores) if truth is None else len(truth.column)
    answers = {name: _label_column(v, f"system '{name}'", n) for name, v in labels.items()}
    answers, scores = _paired(answers, scores, (_name_of(y_pred), _name_of(y_score)), n)
    names = list(dict.fromkeys((*answers, *scores)))
    telling = _telling(y_true, y_pred, names)
    if stated.task == "regression":
        return _numeric(truth, answers, scores, stated, telling)
    task = stated.task or _guessed_task(truth, answers)
    if task == "regression":
        return _numeric(truth, answers, scores, stated, telling)
    decisions = {name: _labels(v, f"system '{name}'") for name, v in answers.items()}
    if task == "binary" and truth is not None:
        decisions, matched = _matched(truth.labels(), decisions, stated.positive, telling[0])
    else:
        matched = ()
    classed = (*(() if truth is None else (truth.labels(),)), *decisions.values())
    known = _classes(classed, task, stated, telling[0])
    cuts = named_cuts(stated.cuts, tuple(name for name in scores if name not in answers))
    coded = {
        name: _coded_system(name, decisions.get(name), scores.get(name), known, n, cuts.get(name))
        for name in names
    }
    y = np.zeros(n, dtype=np.int64) if truth is None else truth.codes(known.names)
    outcome = _outcome(truth, known, stated, telling)
    where = _known(truth, n)
    return Given(y, task, known.names, outcome, where, coded, frozenset(cuts), matched)


def _guessed_task(truth: _Truth | None, answers: Mapping[str, Column]) -> Task:
    """By the outcomes, else by the decisions; scores alone decide between two classes."""
    if truth is not None:
        return _task_of(truth.labels().distinct)
    name = next(iter(answers), None)
    return (
        "binary" if name is None else _task_of(_labels(answers[name], f"system '{name}'").distinct)
    )


def _rows(labels: Mapping[str, Any], scores: Mapping[str, Any]) -> int:
    """Number of rows, that of the first system."""
    name, value = next(iter((labels or scores).items()))
    return read_columns(value, f"system '{name}'").n


def _telling(y_true: Any, y_pred: Any, systems: Sequence[str]) -> list[str]:
    """Names whose words may give the meaning of the outcome, the outcome's own first."""
    own = [] if y_true is None else [_name_of(y_true) or "y_true"]
    pred = [] if isinstance(y_pred, Mapping) else [_name_of(y_pred)]
    named = [*own, *(s for s in systems if s != MODEL), *(p for p in pred if p)]
    return named or ["y_pred"]


def _name_of(value: Any) -> str:
    """The name of a Series, or of the one column of a frame; "" for others."""
    if value is None:
        return ""
    name = getattr(value, "name", None)
    if isinstance(value, pl.LazyFrame):
        columns: Any = value.collect_schema().names()
    else:  # a pyarrow table has its columns under `columns`, their names under `column_names`
        columns = getattr(value, "column_names", getattr(value, "columns", None))
    if name is None and columns is not None and len(columns) == 1:
        name = columns[0]
    return name if isinstance(name, str) else ""


def _outcome(
    truth: _Truth | None, known: _Known, stated: Stated, telling: Sequence[str]
) -> OutcomeFacts:
    """The facts about an outcome of classes."""
    two = known.names if known.task == "binary" and known.names != UNNAMED else (None, None)
    return describe(
        telling,
        (two[0], two[1]),
        target=None if truth is None else telling[0],
        positive=None if stated.positive is None else class_label(stated.positive),
        meaning=stated.meaning,
        known_for=None if stated.known_for is None else _name_of(stated.known_for) or "known_for",
    )


def _known(truth: _Truth | None, n: int) -> NDArray[np.bool_] | None:
    return np.zeros(n, dtype=bool) if truth is None else truth.known


# -- the truth ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Truth:
    """Outcomes (n,) and where they are known; None for everywhere."""

    column: Column
    known: NDArray[np.bool_] | None = None

    def labels(self) -> _Labels:
        """The labels of the rows whose outcome is known."""
        column = self.column if self.known is None else self.column.take(self.known)
        return _labels(column, "the truth")

    def codes(self, classes: tuple[str, ...]) -> Int:
        """(n,) class codes; 0 where the outcome is not known."""
        codes = self.labels().codes(classes)
        if self.known is None:
            return codes
        full = np.zeros(len(self.column), dtype=np.int64)
        full[self.known] = codes
        return full


def _truth(y_true: Any, stated: Stated) -> _Truth:
    column = _label_column(y_true, "y_true")
    alone = "leave y_true out to audit the decisions alone"
    if len(column) and column.missing.all():
        raise InputError(f"y_true has no value in any row, so no outcome is known; {alone}")
    if stated.known_for is None:
        return _Truth(column)
    name = _name_of(stated.known_for) or "known_for"
    where = read_column(stated.known_for, "known_for", len(column), "y_true")
    recorded = pl.Series(~column.missing)
    yes = (says_yes(where.values.alias(name), None, recorded) & recorded).to_numpy().astype(bool)
    if not yes.any():
        raise InputError(f"'{name}' says yes in no row, so no outcome is known; {alone}")
    return _Truth(column, yes)


# -- systems ------------------------------------------------------------------------------------


def systems(value: Any, what: str) -> dict[str, Any]:
    """Values by name of a system; the columns of a frame of answers are systems.

    Raises
    ------
    InputError
        When two systems have one name.
    """
    value = opened(value, what)
    named = frame_columns(value, what) if what == "y_pred" or isinstance(value, Mapping) else None
    return {MODEL: value} if named is None else named


def _paired(
    answers: Mapping[str, Column], scores: Mapping[str, Any], own: tuple[str, str], n: int
) -> tuple[dict[str, Column], dict[str, Any]]:
    """Decisions and scores, each score under the name of its system.

    One column as y_pred and one as y_score are one system, whatever they are called, as in
    scikit-learn. A score without a name is that of the only decisions. Any other belongs to the
    decisions of its name, or that some cut of it reproduces; else it is a system of its own.

    Parameters
    ----------
    answers, scores : by the names they were passed under
    own : the names that y_pred and y_score have of their own, "" for none
    n : number of rows
    """
    if not answers or not scores or set(answers) == set(scores) == {MODEL}:
        return dict(answers), dict(scores)
    decisions = {own[0] if name == MODEL and own[0] else name: a for name, a in answers.items()}
    named = {own[1] if name == MODEL and own[1] else name: s for name, s in scores.items()}
    passed = dict(zip(decisions, answers, strict=True))
    if len(decisions) == len(named) == 1 and MODEL in (*decisions, *named):
        return dict(answers), {next(iter(answers)): next(iter(scores.values()))}
    whose = _whose(decisions, named, n)
    if None not in whose.values():
        return dict(answers), {passed[str(whose[name])]: s for name, s in named.items()}
    if MODEL in named and whose[MODEL] is None:
        raise InputError(
            f"a lone y_score belongs to none of the systems {', '.join(decisions)}; "
            "pass y_score as a dict with their names"
        )
    return decisions, {whose[name] or name: score for name, score in named.items()}


def _whose(
    decisions: Mapping[str, Column], scores: Mapping[str, Any], n: int
) -> dict[str, str | None]:
    """The decisions that each score belongs to; None for a score that is a system by itself."""
    same = {name: name for name in scores if name in decisions}
    free = {name: _numbers_of(s, name, n) for name, s in scores.items() if name not in same}
    codes = {name: _codes_of(a) for name, a in decisions.items() if name not in same}
    return {**same, **{s: p for p, s in systems_among(codes, free) if s is not None}}


def _numbers_of(score: Any, name: str, n: int) -> Float:
    """Scores as passed, to compare with decisions."""
    what = f"the score of system '{name}'"
    return read_numbers(read_columns(score, what, n, "y_true"), what, wide=True)


def _codes_of(column: Column) -> Float:
    """(n,) a number for each label; a missing one is refused later."""
    text = column.values.cast(pl.String, strict=False)
    return text.cast(pl.Categorical).to_physical().cast(pl.Float64).to_numpy()


# -- numbers -----------------------------------------------------------------------------------


def _numeric(
    truth: _Truth | None,
    labels: Mapping[str, Column],
    scores: Mapping[str, Any],
    stated: Stated,
    telling: Sequence[str],
) -> Given:
    if scores or not labels:
        raise InputError("predictions of a numeric outcome are numbers: pass them as y_pred alone")
    if stated.known_for is not None:
        raise InputError(
            f"known_for: {NO_NUMERIC_BOUNDS}; audit the rows whose outcome is known, or pass "
            "task='binary'"
        )
    coded = {name: Answered(read_numbers(v, f"system '{name}'")) for name, v in labels.items()}
    n = len(next(iter(coded.values())).label)
    y = np.zeros(n) if truth is None else read_numbers(truth.column, "y_true")
    outcome = describe(
        telling,
        (None, None),
        target=None if truth is None else telling[0],
        meaning=stated.meaning,
    )
    return Given(y, "regression", (), outcome, _known(truth, n), coded)


def _scores(value: Any, name: str, known: _Known, n: int) -> Float:
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


def _order_of_classes(names: Sequence[str] | None, known: _Known) -> list[int] | None:
    """Where the scores of each class stand: by the frame's names, else by the known order."""
    if names is not None:
        columns = [class_label(name) for name in names]
        if set(known.names) <= set(columns):
            return [columns.index(c) for c in known.names]
    return [known.columns.index(c) for c in known.names] if known.sure else None


# -- labels -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """Classes by code, and in the order of the columns of a score.

    `sure` is False where only one of two classes occurs, so that the columns are unknown.
    """

    task: Task
    names: tuple[str, ...]
    columns: tuple[str, ...]
    sure: bool = True


@dataclass(frozen=True)
class _Labels:
    """A column of labels: its distinct values, their names, and (n,) which one each row has."""

    distinct: NDArray[Any]
    names: tuple[str, ...]
    place: Int

    def codes(self, classes: tuple[str, ...]) -> Int:
        """(n,) class codes; all names are among the classes."""
        codes = np.array([classes.index(n) for n in self.names], dtype=np.int64)
        return np.asarray(codes[self.place] if len(codes) else self.place)


def _label_column(value: Any, what: str, n: int | None = None) -> Column:
    """A column of labels; in objects of mixed types True stays equal to 1."""
    value = opened(value, what)
    if not isinstance(value, pl.Series | Mapping) and frame_columns(value, what) is None:
        array = as_array(value, what)
        if array.dtype == object and bool in set(map(type, array.ravel().tolist())):
            values = array.reshape(-1).tolist()
            if set(map(type, values)) - {bool, type(None)} and array.ndim == 1:
                value = [int(v) if isinstance(v, bool) else v for v in values]
    return read_column(value, what, n, "y_true")


def _labels(column: Column, what: str) -> _Labels:
    lost = column.values.null_count()
    if lost:
        raise missing_labels(lost, len(column), what)
    distinct, place = _distinct(column)
    values = distinct if distinct.dtype == np.float32 else distinct.tolist()
    return _Labels(distinct, tuple(class_label(v) for v in values), place)


def _task_of(distinct: NDArray[Any]) -> Task:
    if len(distinct) <= 2:
        return "binary"
    if distinct.dtype.kind not in "iuf":
        return "multiclass"
    whole = np.all(distinct.astype(np.float64) % 1 == 0)
    return "multiclass" if whole and len(distinct) <= 10 else "regression"


def _distinct(column: Column) -> tuple[NDArray[Any], Int]:
    """Distinct values of a column without gaps, and the (n,) place of each row among them."""
    values = column.values
    if not values.dtype.is_numeric() and values.dtype != pl.Boolean:
        names, place = column.levels
        return np.array(names, dtype=object), place
    array = values.to_numpy()
    if array.dtype.kind in "biu" and len(array) and int(array.max()) - int(array.min()) < FEW:
        start = int(array.min())
        small = array.astype(np.int64) - start
        occurs = np.bincount(small) > 0
        present = np.flatnonzero(occurs) + start
        return present, small if occurs.all() else (np.cumsum(occurs) - 1)[small]
    distinct, place = np.unique(array, return_inverse=True)
    return distinct, np.asarray(place.reshape(-1))


def _classes(columns_of: Sequence[_Labels], task: Task, stated: Stated, name: str) -> _Known:
    """Class names by code; of a binary outcome the positive one last."""
    seen = {label for labels in columns_of for label in labels.names}
    columns = tuple(sorted(seen, key=label_order))
    if stated.classes is not None:
        columns = _as_named(_listed_classes(stated.classes), seen)
    if task == "multiclass":
        return _Known(task, columns, columns)
    if not columns:
        return _Known(task, UNNAMED, UNNAMED)
    names = _two(columns, stated.positive, name)
    if set(names) <= set(columns):
        return _Known(task, names, columns)
    whole = names == ("0", "1")
    return _Known(task, names, names if whole else columns, sure=whole)


def _matched(
    truth: _Labels, said: Mapping[str, _Labels], positive: Any, name: str
) -> tuple[dict[str, _Labels], tuple[str, ...]]:
    """Decisions in the labels of the outcome, and which were matched with it by their words."""
    decisions, remarks = dict(said), []
    if len(truth.names) != 2:
        return decisions, ()
    classes = _two(tuple(sorted(truth.names, key=label_order)), positive, name)
    by_words = guess_positive(sorted(truth.names, key=label_order), name).label
    outcome = OutcomeLabels(name, classes, positive is not None or by_words is not None)
    for system, labels in said.items():
        read = read_decision(labels.names, "" if system == MODEL else system, outcome)
        if read is not None and set(classes) >= set(truth.names):
            names = tuple(classes[read.codes[label]] for label in labels.names)
            decisions[system] = _Labels(labels.distinct, names, labels.place)
            remarks += [f"{read.remark}; pass the outcome's labels if that is wrong"] * bool(
                read.remark
            )
    return decisions, tuple(remarks)


def _listed_classes(classes: Any) -> tuple[str, ...]:
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable):
        raise wrong("classes", "a list of labels", classes)
    return tuple(class_label(c) for c in classes)


def _as_named(classes: tuple[str, ...], seen: set[str]) -> tuple[str, ...]:
    odd = sorted(seen - set(classes))
    if odd:
        raise refusal(
            "classes",
            "every label that occurs",
            f"none for the label '{odd[0]}' ({', '.join(classes)})",
            "add it",
        )
    return classes


def _two(columns: tuple[str, ...], positive: Any, name: str) -> tuple[str, str]:
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


def _coded_system(
    name: str, label: _Labels | None, score: Any, known: _Known, n: int, cut: Cut | None
) -> Answered:
    numbers = None if score is None else _scores(score, name, known, n)
    if label is not None:
        return Answered(label.codes(known.names), numbers)
    assert numbers is not None
    if numbers.ndim == 2:
        return Answered(np.asarray(numbers.argmax(axis=1), dtype=np.int64), numbers)
    chosen = cut_for(name, numbers, cut, _REMEDY)
    return Answered(selected(numbers, chosen).astype(np.int64), numbers, chosen)


# -- rows to come back to -----------------------------------------------------------------------


def kept(
    asked: Given, groups: Mapping[str, Any], cluster: Int | None, weight: Float | None, split: str
) -> dict[str, pl.DataFrame]:
    """Tables `people`, `predictions` and `row_weights`, from which rows are read back."""
    row = np.arange(len(asked.y))
    where = pl.repeat(split, len(row), eager=True)
    who = {name: _group_names(values, name) for name, values in groups.items()}
    if cluster is not None:
        who["cluster"] = pl.Series(cluster).cast(pl.String)
    tables = {
        "people": pl.DataFrame({"row": row, "split": where, **who}),
        "predictions": pl.concat(
            [_rows_of(name, s, _shown_truth(asked), where) for name, s in asked.systems.items()]
        ),
    }
    if weight is not None:
        tables["row_weights"] = pl.DataFrame({"row": row, "weight": weight})
    return tables


def _shown_truth(asked: Given) -> pl.Series:
    """The outcomes as stored: null where none is known."""
    y = pl.Series(asked.y.astype(np.float64))
    return y if asked.known is None else y.set(pl.Series(~asked.known), None)


def _group_names(values: Any, name: str) -> pl.Series:
    names, codes = encode(values, name)
    return pl.Series(names, dtype=pl.String).gather(codes)


def _rows_of(name: str, system: Answered, y: pl.Series, split: pl.Series) -> pl.DataFrame:
    score = system.score
    if score is not None and score.ndim == 2:
        score = score[np.arange(len(y)), system.label]
    return pl.DataFrame(
        {
            "row": np.arange(len(y)),
            "split": split,
            "model": pl.repeat(name, len(y), eager=True),
            "y": y,
            "label": system.label.astype(np.float64),
            "score": score,
        },
        schema_overrides={"score": pl.Float64},
    )
