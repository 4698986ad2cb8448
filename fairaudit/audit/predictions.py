"""From answers to the audit tables: `audit_predictions` for users, `judge` for other layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.coding import (
    CROSS,
    OVERALL,
    Grouping,
    Int,
    columns_of,
    cross,
    encode,
    everybody,
    groupings,
)
from fairaudit.audit.compare import with_looks as adjust_looks
from fairaudit.audit.judging import Answers, Rows, judge_rows
from fairaudit.audit.measured import Asked
from fairaudit.audit.metrics import BINARY, GAP_METRICS, REGRESSION, SCORES, base_name
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import Task
from fairaudit.exceptions import InputError, SpecError

Float = NDArray[np.float64]

KNOWN: dict[Task, tuple[str, ...]] = {
    "binary": (*BINARY, *SCORES),
    "multiclass": (*BINARY, *SCORES),
    "regression": REGRESSION,
}
_PARTS = {"demographic_parity": ("selection_rate",), "equalized_odds": ("tpr", "fpr")}


@dataclass(frozen=True)
class _Answers:
    label: NDArray[Any]
    score: Float | None = None


def judge(
    y: NDArray[Any],
    predictions: Mapping[str, Answers],
    groups: Mapping[str, Any],
    *,
    task: Task,
    classes: Sequence[str] = (),
    weight: Float | None = None,
    clusters: Any = None,
    split: str = "test",
    metrics: Sequence[str] | None = None,
    confidence: float = 0.95,
    n_boot: int = 2000,
    intersections: int = 1,
    suppress_below: int = 0,
    seed: int = 0,
    controls: Mapping[str, Any] | None = None,
    reference: str | None = None,
    times: Float | None = None,
) -> Mapping[str, pl.DataFrame]:
    """All audit tables of one split, for every model.

    Parameters
    ----------
    y : (n,) class codes (binary: 1 = positive) or values
    predictions : mapping of model name to an object with `label` (n,) and `score`
    groups : mapping of attribute to (n,) labels
    task : {"binary", "multiclass", "regression"}
    classes : class names by code
    weight : (n,) non-negative, or None
    clusters : (n,) labels or codes, or None
        Rows of one cluster are not independent; intervals then resample clusters.
    split : name of the split in the tables
    metrics : names, or None for all that apply
    confidence, n_boot, seed : of the intervals
    intersections : depth of the crossings that are judged as well
    suppress_below : groups with fewer rows are counted as suppressed and not shown
    controls : mapping of column to (n,) labels
        Groups are judged again inside each level (conditional parity), as attribute
        "sex | region=north".
    reference : group that `pairs` compares with; the largest by default
    times : (n,) how many equal rows each row stands for, when a database has counted already

    Returns
    -------
    mapping of str to polars.DataFrame
        errors, gaps, pairs, detectable; with several models comparisons; for binary outcomes
        counts; with scores histograms, calibration and roc.

    Raises
    ------
    SpecError
        When a metric is not known for the task.
    InputError
        When columns have different lengths or a column has too many levels to be groups.
    """
    y = np.asarray(y)
    _same_length(len(y), predictions, groups)
    rows = Rows(
        y=y,
        groupings=(everybody(len(y)), *groupings(groups, intersections)),
        task=task,
        classes=tuple(classes),
        weight=None if weight is None else _weights(weight, len(y)),
        cluster=None if clusters is None else cluster_codes(clusters),
        times=times,
    )
    asked = Asked("", split, confidence, n_boot, suppress_below, seed)
    chosen = chosen_metrics(metrics, task)

    def ask(some: Rows, answers: Mapping[str, Answers]) -> dict[str, pl.DataFrame]:
        return judge_rows(some, answers, asked, chosen, reference)

    parts = [ask(rows, predictions)]
    if controls:
        parts += _judge_within(rows, predictions, controls, ask)
    return with_looks(stacked(parts))


def stacked(parts: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Tables of the same name one below the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: pl.concat([p[name] for p in parts if name in p]) for name in names}


def with_looks(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """`p_adjusted` of comparisons and pairs, each over all its rows."""
    tested = ("comparisons", "pairs")
    return {n: adjust_looks(t) if n in tested else t for n, t in tables.items()}


def _same_length(n: int, predictions: Mapping[str, Answers], groups: Mapping[str, Any]) -> None:
    lengths = {f"system '{k}'": len(v.label) for k, v in predictions.items()}
    lengths |= {f"column '{k}'": len(v) for k, v in groups.items()}
    for what, found in lengths.items():
        if found != n:
            raise InputError(f"{what} has {found} rows, the truth has {n}; pass one value a row")


def _weights(weight: Any, n: int) -> Float:
    found = np.asarray(weight, dtype=np.float64)
    if found.shape != (n,) or not np.isfinite(found).all() or (found < 0).any():
        raise InputError("weights must be one finite number ≥ 0 a row; check the weight column")
    return found


def cluster_codes(values: Any) -> Int:
    """Codes 0..M−1 of the clusters, as many as there are."""
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    series = pl.Series(array.astype(np.str_).tolist(), dtype=pl.String)
    return series.rank("dense").cast(pl.Int64).to_numpy() - 1


def _judge_within(
    rows: Rows,
    predictions: Mapping[str, Answers],
    controls: Mapping[str, Any],
    ask: Callable[[Rows, Mapping[str, Answers]], dict[str, pl.DataFrame]],
) -> list[dict[str, pl.DataFrame]]:
    """Conditional parity: everything again inside each level of the (crossed) controls."""
    parts = [Grouping(name, *encode(values, name)) for name, values in controls.items()]
    strata = cross(parts)
    found = []
    for k, level in enumerate(strata.names):
        values = level.split(CROSS)
        where = ", ".join(f"{p.attribute}={v}" for p, v in zip(parts, values, strict=True))
        inside = strata.codes == k
        some = {
            name: _Answers(a.label[inside], None if a.score is None else a.score[inside])
            for name, a in predictions.items()
        }
        tables = ask(rows.inside(inside, where), some)
        found.append({n: t.filter(pl.col("attribute") != OVERALL) for n, t in tables.items()})
    return found


def chosen_metrics(metrics: Sequence[str] | None, task: Task) -> tuple[str, ...]:
    """The metrics to measure; a gap's own name stands for the rates it is made of.

    Raises
    ------
    SpecError
        When a name is not known for the task.
    """
    known = KNOWN[task]
    if metrics is None:
        return known
    wrong = [m for m in metrics if base_name(m) not in (*known, *GAP_METRICS)]
    if wrong:
        raise SpecError(
            f"metric '{wrong[0]}' is not known for a {task} outcome; choose of {', '.join(known)}"
        )
    wanted = [p for m in metrics for p in _PARTS.get(m, (base_name(m),))]
    return tuple(dict.fromkeys(wanted))


# -- what users call ----------------------------------------------------------------------------


def audit_predictions(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    y_score: Any = None,
    metrics: Sequence[str] | None = None,
    sample_weight: Any = None,
    clusters: Any = None,
    control_features: Any = None,
    intersections: int = 1,
    confidence: float = 0.95,
    n_boot: int = 2000,
    suppress_below: int = 0,
    task: Task | None = None,
    positive: Any = None,
    reference: str | None = None,
    split: str = "test",
    random_state: int = 0,
) -> AuditResult:
    """Audit the answers of one or several systems, human decisions included.

    Parameters
    ----------
    y_true : (n,) outcomes: labels or numbers
    y_pred : (n,) answers, or a dict {system: (n,)}
        None is allowed with scores in 0..1, which are then cut at 0.5.
    sensitive_features : (n,) or (n, k) array, Series or frame
    y_score : (n,) scores of the positive class ((n, C) for several classes), or a dict
    metrics : names of metrics, None for all that apply
    sample_weight : (n,) non-negative weights
    clusters : (n,) cluster of each row; intervals then resample clusters
    control_features : columns within whose levels groups are compared (conditional parity)
    intersections : depth to which the sensitive columns are crossed
    confidence : level of all intervals
    n_boot : replicates; 0 for point estimates with closed-form intervals only
    suppress_below : groups with fewer rows are not shown
    task : "binary", "multiclass", "regression"; None guesses (two values: binary; text, or at
        most 10 different whole numbers: multiclass)
    positive : the positive label of a binary outcome; by default the larger of the two
    reference : the group others are compared with in `pairs`; by default the largest
    split : name of these rows in the tables
    random_state : seed of the replicates

    Returns
    -------
    AuditResult
        `errors`, `gaps` and the tables named in `judge`.

    Raises
    ------
    InputError
        When lengths differ, labels are missing or a label is unknown.
    SpecError
        When a metric is not known for the task.

    Examples
    --------
    >>> r = audit_predictions([1, 0, 1, 0], [1, 0, 0, 1], sensitive_features=list("aabb"))
    >>> r.errors.filter(r.errors["metric"] == "accuracy")["value"].to_list()
    [0.5, 1.0, 0.0]
    """
    truth = _array(y_true)
    scores = _systems(y_score) if y_score is not None else {}
    labels = _systems(y_pred) if y_pred is not None else {}
    task = task or guess_task(truth)
    classes = _classes(truth, labels, task, positive)
    names = list(labels) or list(scores)
    predictions = {
        name: _answers(name, labels.get(name), _score_of(name, scores, names), classes, task)
        for name in names
    }
    if not predictions:
        raise InputError("there is nothing to audit; pass y_pred, y_score or both")
    tables = judge(
        _coded(truth, classes, "the truth") if classes else truth.astype(np.float64),
        predictions,
        columns_of(sensitive_features),
        task=task,
        classes=classes,
        weight=None if sample_weight is None else _array(sample_weight).astype(np.float64),
        clusters=clusters,
        split=split,
        metrics=metrics,
        confidence=confidence,
        n_boot=n_boot,
        intersections=intersections,
        suppress_below=suppress_below,
        seed=random_state,
        controls=columns_of(control_features),
        reference=reference,
    )
    return AuditResult(tables, _summary(tables, truth, task, classes, names, confidence))


def _array(value: Any) -> NDArray[Any]:
    return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)


def _systems(value: Any) -> dict[str, NDArray[Any]]:
    if isinstance(value, Mapping):
        return {str(k): _array(v) for k, v in value.items()}
    return {"model": _array(value)}


def _score_of(
    name: str, scores: Mapping[str, NDArray[Any]], names: Sequence[str]
) -> NDArray[Any] | None:
    """A system's own score; a lone score goes with a lone system whatever it is called."""
    if name in scores:
        return scores[name]
    return next(iter(scores.values())) if len(scores) == len(names) == 1 else None


def guess_task(y: NDArray[Any]) -> Task:
    """Two values: binary; text or at most 10 whole numbers: multiclass; else regression."""
    distinct = np.unique(y[~_missing(y)])
    if len(distinct) <= 2:
        return "binary"
    if distinct.dtype.kind not in "iuf":
        return "multiclass"
    whole = np.all(distinct.astype(np.float64) % 1 == 0)
    return "multiclass" if whole and len(distinct) <= 10 else "regression"


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "O":
        return np.array([v is None or v != v for v in values.tolist()], dtype=bool)
    return np.zeros(len(values), dtype=bool)


def _classes(
    truth: NDArray[Any], labels: Mapping[str, NDArray[Any]], task: Task, positive: Any
) -> tuple[str, ...]:
    """Class names by code; of a binary outcome the positive one last."""
    if task == "regression":
        return ()
    seen = [v for a in (truth, *labels.values()) for v in _distinct(a)]
    names = sorted(set(seen), key=_by_number)
    if task == "multiclass":
        return tuple(names)
    if positive is not None:
        wanted = _label_text(positive)
        if wanted not in names:
            raise InputError(
                f"the positive label '{wanted}' does not occur; the labels are {', '.join(names)}"
            )
        return (next((n for n in names if n != wanted), f"not {wanted}"), wanted)
    if len(names) > 2:
        raise InputError(
            f"a binary outcome has two labels, these are {', '.join(names[:6])}; "
            "make truth and answers use the same two, or pass task='multiclass'"
        )
    if set(names) <= {"0", "1"}:
        return ("0", "1")
    return tuple(names) if len(names) == 2 else (f"not {names[0]}", names[0])


def _by_number(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def _label_text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _distinct(values: NDArray[Any]) -> list[str]:
    missing = _missing(values)
    if missing.any():
        raise InputError(
            f"{int(missing.sum())} of {len(values)} labels are missing; "
            "drop those rows or say what the answer was"
        )
    return [_label_text(v) for v in np.unique(values).tolist()]


def _coded(values: NDArray[Any], classes: tuple[str, ...], what: str) -> Int:
    """Codes of labels; one pass over distinct values, not over rows."""
    distinct, place = np.unique(values, return_inverse=True)
    names = [_label_text(v) for v in distinct.tolist()]
    unknown = [n for n in names if n not in classes]
    if unknown and len(classes) == 2 and classes[0] != f"not {classes[1]}":
        raise InputError(
            f"{what} holds the label '{unknown[0]}', known are {', '.join(classes)}; "
            "give truth and answers the same labels"
        )
    codes = np.array([classes.index(n) if n in classes else 0 for n in names], dtype=np.int64)
    return np.asarray(codes[place.reshape(-1)])


def _answers(
    name: str,
    label: NDArray[Any] | None,
    score: NDArray[Any] | None,
    classes: tuple[str, ...],
    task: Task,
) -> _Answers:
    numbers = None if score is None else score.astype(np.float64)
    if numbers is not None and np.isnan(numbers).any():
        raise InputError(f"system '{name}' has missing scores; drop those rows or fill them")
    if label is None:
        return _Answers(_cut(name, numbers), numbers)
    if task == "regression":
        return _Answers(label.astype(np.float64))
    return _Answers(_coded(label, classes, f"system '{name}'"), numbers)


def _cut(name: str, score: Float | None) -> Int:
    if score is None:
        raise InputError(f"system '{name}' has neither answers nor scores; pass one of the two")
    if score.ndim == 2:
        return np.asarray(score.argmax(axis=1), dtype=np.int64)
    if score.min() < 0 or score.max() > 1:
        raise InputError(
            f"the scores of system '{name}' lie outside 0..1, so 0.5 is no sensible cut; "
            "pass y_pred as well"
        )
    return np.asarray(score >= 0.5, dtype=np.int64)


def _summary(
    tables: Mapping[str, pl.DataFrame],
    truth: NDArray[Any],
    task: Task,
    classes: tuple[str, ...],
    systems: Sequence[str],
    confidence: float,
) -> dict[str, Any]:
    gaps = tables.get("gaps", pl.DataFrame())
    return {
        "task": task,
        "classes": list(classes),
        "systems": list(systems),
        "n": len(truth),
        "confidence": confidence,
        "looks": looks(tables),
        "gaps_not_judged": gaps.filter(pl.col("status") != "estimated").height
        if gaps.width
        else 0,
    }


def looks(tables: Mapping[str, pl.DataFrame]) -> int:
    """How many tests the tables hold: the number that `p_adjusted` accounts for."""
    shown = [
        tables[name]["p"].drop_nulls().len() for name in ("pairs", "comparisons") if name in tables
    ]
    return sum(shown)
