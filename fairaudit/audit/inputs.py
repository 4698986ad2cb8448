"""Reads the outcomes, predictions and scores that users pass: checked first, then coded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.roles import Task
from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float, Int
from fairaudit.inputs.columns import Column
from fairaudit.inputs.containers import opened
from fairaudit.inputs.group_codes import encode
from fairaudit.inputs.labels import label_text
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
from fairaudit.stats.metric_definitions import CUT

MODEL = "model"  # what a system is called that came without a name
FEW = 1000  # whole numbers over so small a range are counted, not sorted


@dataclass(frozen=True)
class Answered:
    """One system's answers: codes or numbers (n,), scores (n,) or (n, C)."""

    label: NDArray[Any]
    score: Float | None = None


@dataclass(frozen=True)
class Given:
    """Truth and systems, ready to be judged.

    Attributes
    ----------
    y : (n,) class codes, or numbers of a regression
    classes : class names by code, the positive one of two last
    systems : mapping of name to answers
    """

    y: NDArray[Any]
    task: Task
    classes: tuple[str, ...]
    systems: Mapping[str, Answered] = field(default_factory=dict)


def given(
    y_true: Any,
    y_pred: Any,
    y_score: Any,
    *,
    task: Task | None = None,
    positive: Any = None,
    classes: Sequence[Any] | None = None,
) -> Given:
    """Check and code what `audit_predictions` was given.

    Raises
    ------
    InputError
        When lengths or shapes differ, values are missing, or a label is unknown.
    """
    truth = _label_column(y_true, "y_true")
    n = len(truth)
    labels = {} if y_pred is None else systems(y_pred, "y_pred")
    scores = {} if y_score is None else _paired(systems(y_score, "y_score"), list(labels))
    names = list(labels) or list(scores)
    if not names:
        raise InputError("there is nothing to audit; pass y_pred, y_score or both")
    answers = {name: _label_column(v, f"system '{name}'", n) for name, v in labels.items()}
    if task == "regression":
        return _numeric(truth, answers, scores)
    found = _labels(truth, "the truth")
    task = task or _task_of(found.distinct)
    if task == "regression":
        return _numeric(truth, answers, scores)
    said = {name: _labels(v, f"system '{name}'") for name, v in answers.items()}
    known = _classes((found, *said.values()), task, positive, classes)
    coded = {
        name: _coded_system(name, said.get(name), scores.get(name), known, n) for name in names
    }
    return Given(found.codes(known.names), task, known.names, coded)


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


def _paired(scores: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Scores under the names of their systems; a lone score goes with a lone system.

    Nothing is dropped in silence: a score that belongs to no system is refused.
    """
    if not names:
        return scores
    if len(scores) == len(names) == 1:
        return {names[0]: next(iter(scores.values()))}
    odd = [name for name in scores if name not in names]
    if odd:
        whose = "a lone y_score" if odd == [MODEL] else f"the score of '{odd[0]}'"
        raise InputError(
            f"{whose} belongs to none of the systems {', '.join(names)}; "
            "pass y_score as a dict with their names"
        )
    return scores


# -- numbers -----------------------------------------------------------------------------------


def _numeric(truth: Column, labels: Mapping[str, Column], scores: Mapping[str, Any]) -> Given:
    if scores or not labels:
        raise InputError("predictions of a numeric outcome are numbers: pass them as y_pred alone")
    found = {name: Answered(read_numbers(v, f"system '{name}'")) for name, v in labels.items()}
    return Given(read_numbers(truth, "y_true"), "regression", (), found)


def _scores(value: Any, name: str, known: _Known, n: int) -> Float:
    """(n,) scores of the positive class, or (n, C) of several classes."""
    what = f"the score of system '{name}'"
    columns = read_columns(value, what, n, "y_true")
    found = read_numbers(columns, what, wide=True)
    C = len(known.names)
    if C == 2 and found.ndim == 1:
        return found
    order = _order_of_classes(columns.names, known)
    if found.ndim == 2 and found.shape[1] == C and order is not None:
        return found[:, order] if known.task == "multiclass" else found[:, order[1]]
    wanted = f"(n, {C}), one column per class in the order {', '.join(known.columns)}"
    raise refusal(
        what,
        wanted if known.task == "multiclass" else "(n,), the score of the positive class",
        f"shape {found.shape}",
        "classes= names another order, or classes that do not occur",
    )


def _order_of_classes(names: Sequence[str] | None, known: _Known) -> list[int] | None:
    """Where the scores of each class stand: by the frame's names, else by the known order."""
    if names is not None:
        columns = [label_text(name) for name in names]
        if set(known.names) <= set(columns):
            return [columns.index(c) for c in known.names]
    return [known.columns.index(c) for c in known.names] if known.sure else None


# -- labels -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """Classes by code, and in the order of the columns of a score.

    `sure` is False where only one of two classes occurs, so that nobody knows the columns.
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
    return _Labels(distinct, tuple(label_text(v) for v in values), place)


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
        present = np.flatnonzero(np.bincount(small))
        return present + start, np.searchsorted(present, small)
    found, place = np.unique(array, return_inverse=True)
    return found, np.asarray(place.reshape(-1))


def _classes(
    columns_of: Sequence[_Labels], task: Task, positive: Any, classes: Sequence[Any] | None
) -> _Known:
    """Class names by code; of a binary outcome the positive one last."""
    seen = {name for labels in columns_of for name in labels.names}
    columns = tuple(sorted(seen, key=_by_number))
    if classes is not None:
        columns = _as_named(_listed_classes(classes), seen)
    if task == "multiclass":
        return _Known(task, columns, columns)
    names = _two(columns, positive)
    if set(names) <= set(columns):
        return _Known(task, names, columns)
    whole = names == ("0", "1")
    return _Known(task, names, names if whole else columns, sure=whole)


def _listed_classes(classes: Any) -> tuple[str, ...]:
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable):
        raise wrong("classes", "a list of labels", classes)
    return tuple(label_text(c) for c in classes)


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


def _two(columns: tuple[str, ...], positive: Any) -> tuple[str, str]:
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
        wanted = label_text(positive)
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
    return (columns[0], columns[1]) if len(columns) == 2 else (f"not {columns[0]}", columns[0])


def _like_scores(columns: Sequence[str]) -> bool:
    numeric = [key[1] for key in map(_by_number, columns) if key[0] == 0]
    return len(numeric) == len(columns) and any(v % 1 for v in numeric)


def _by_number(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def _coded_system(name: str, label: _Labels | None, score: Any, known: _Known, n: int) -> Answered:
    found = None if score is None else _scores(score, name, known, n)
    if label is not None:
        return Answered(label.codes(known.names), found)
    assert found is not None
    return Answered(_cut(name, found), found)


def _cut(name: str, score: Float) -> Int:
    if score.ndim == 2:
        return np.asarray(score.argmax(axis=1), dtype=np.int64)
    if score.size and (score.min() < 0 or score.max() > 1):
        raise InputError(
            f"the scores of system '{name}' lie outside 0..1, so {CUT} is no sensible cut; "
            "pass y_pred as well"
        )
    return np.asarray(score >= CUT, dtype=np.int64)


# -- rows to come back to -----------------------------------------------------------------------


def kept(
    asked: Given, groups: Mapping[str, Any], cluster: Int | None, weight: Float | None, split: str
) -> dict[str, pl.DataFrame]:
    """Tables `people`, `predictions` and `row_weights`, from which rows are found again."""
    row = np.arange(len(asked.y))
    where = pl.repeat(split, len(row), eager=True)
    who = {name: _group_names(values, name) for name, values in groups.items()}
    if cluster is not None:
        who["cluster"] = pl.Series(cluster).cast(pl.String)
    tables = {
        "people": pl.DataFrame({"row": row, "split": where, **who}),
        "predictions": pl.concat(
            [_rows_of(name, system, asked.y, where) for name, system in asked.systems.items()]
        ),
    }
    if weight is not None:
        tables["row_weights"] = pl.DataFrame({"row": row, "weight": weight})
    return tables


def _group_names(values: Any, name: str) -> pl.Series:
    names, codes = encode(values, name)
    return pl.Series(names, dtype=pl.String).gather(codes)


def _rows_of(name: str, system: Answered, y: NDArray[Any], split: pl.Series) -> pl.DataFrame:
    score = system.score
    if score is not None and score.ndim == 2:
        score = score[np.arange(len(y)), system.label]
    return pl.DataFrame(
        {
            "row": np.arange(len(y)),
            "split": split,
            "model": pl.repeat(name, len(y), eager=True),
            "y": y.astype(np.float64),
            "label": system.label.astype(np.float64),
            "score": score,
        },
        schema_overrides={"score": pl.Float64},
    )
