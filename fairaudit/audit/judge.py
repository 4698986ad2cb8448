"""Judges one split: groups, intersections and controls become all tables of an audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.chosen_metrics import KNOWN_METRICS, chosen_metrics
from fairaudit.audit.evaluate import (
    EvaluationRows,
    LabelsAndScores,
    Truth,
    compare_within,
    judge_rows,
)
from fairaudit.audit.fitted import Prediction
from fairaudit.audit.questions import PrimaryQuestion, check_margin
from fairaudit.audit.tables.conditional import Levels
from fairaudit.audit.tables.looks import with_looks
from fairaudit.audit.tables.stacking import stacked
from fairaudit.data.roles import Task
from fairaudit.exceptions import SpecError
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.group_codes import (
    OVERALL,
    Grouping,
    cluster_codes,
    cross,
    encode,
    everybody,
    groupings,
)
from fairaudit.inputs.options import (
    check_choice,
    check_confidence,
    check_count,
    check_name,
)
from fairaudit.inputs.read import read_weights
from fairaudit.inputs.rows import counted, refusal
from fairaudit.stats.estimates import REPLICATES, EstimateOptions
from fairaudit.stats.suppression import CellCodes, Division, Hidden, hidden_groups


def judge(
    y: NDArray[Any] | None,
    predictions: Mapping[str, LabelsAndScores],
    groups: Mapping[str, Any],
    *,
    task: Task,
    classes: Sequence[str] = (),
    weight: Float | None = None,
    clusters: Any = None,
    split: str = "test",
    metrics: Sequence[str] | None = None,
    confidence: float,
    n_boot: int = REPLICATES,
    intersections: int = 1,
    suppress_below: int = 0,
    seed: int = 0,
    controls: Mapping[str, Any] | None = None,
    reference: str | None = None,
    times: Float | None = None,
    known: NDArray[np.bool_] | None = None,
    margin: float | None = None,
    primary: PrimaryQuestion | None = None,
) -> Mapping[str, pl.DataFrame]:
    """All audit tables of one split, for every model.

    Parameters
    ----------
    y : (n,) class codes (binary: 1 = positive) or values; None where no outcome is known
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
    intersections : depth of the intersections that are evaluated as well
    suppress_below : groups with fewer rows are counted as suppressed and not shown
    controls : mapping of column to (n,) labels
        Groups are judged again inside each level (conditional parity), as attribute
        "sex | region=north", and compared within levels, pooled (table `conditional`).
    reference : group that `pairs` compares with; the largest by default
    times : (n,) how many equal rows each row stands for, when a database has counted already
    known : (n,) where a binary outcome is known; None for everywhere
    margin : gap below which groups count as equivalent, chosen in advance; None for no such test
    primary : the question that was declared beforehand, checked already (`checked_primary`)

    Returns
    -------
    mapping of str to polars.DataFrame
        errors, gaps, pairs, detectable; with several models comparisons; for binary outcomes
        counts; with scores histograms, calibration and roc. Without an outcome only what the
        decisions tell; with an outcome known for some rows also bounds. With a margin
        equivalence, with a primary question primary, with controls and a binary outcome
        conditional.

    Raises
    ------
    SpecError
        When a metric is not known for the task, or the margin is out of its range.
    InputError
        When columns have different lengths or a column has too many levels to be groups.
    """
    controls = controls or {}
    check_margin(margin, task)
    _check_options(task, confidence, n_boot, intersections, suppress_below, seed, split)
    truth = truth_of(y, known)
    n = len(next(iter(predictions.values())).label) if y is None else len(y)
    y = np.zeros(n) if y is None else np.asarray(y)
    _same_length(n, predictions, {**groups, **controls}, clusters)
    rows = EvaluationRows(
        y=y,
        groupings=(everybody(n), *groupings(groups, intersections)),
        task=task,
        classes=tuple(classes),
        weight=None if weight is None else read_weights(weight, n),
        cluster=None if clusters is None else cluster_codes(clusters),
        times=times,
        truth=truth,
        known=known if truth == "some" else None,
    )
    _check_reference(reference, rows.groupings)
    hidden = _hidden(rows, predictions, controls, suppress_below) if suppress_below else {}
    options = EstimateOptions(
        confidence, "", split, n_boot, suppress_below, seed, margin=margin, hidden=hidden
    )
    chosen = chosen_metrics(metrics, task, truth)

    def ask(
        some: EvaluationRows, answers: Mapping[str, LabelsAndScores]
    ) -> dict[str, pl.DataFrame]:
        return judge_rows(some, answers, options, chosen, reference, primary)

    parts = [ask(rows, predictions)]
    if controls:
        parts += _judge_within(rows, predictions, controls, ask)
        pooled = compare_within(
            rows, predictions, _control_levels(controls), options, chosen, reference
        )
        parts += [{"conditional": pooled}] if len(pooled) else []
    return with_looks(stacked(parts), confidence)


def truth_of(y: NDArray[Any] | None, known: NDArray[np.bool_] | None) -> Truth:
    """For which rows an outcome is known."""
    if y is None or (known is not None and not known.any()):
        return "none"
    return "all" if known is None or known.all() else "some"


def _check_options(
    task: Task,
    confidence: float,
    n_boot: int,
    intersections: int,
    suppress_below: int,
    seed: int,
    split: str,
) -> None:
    check_choice(task, "task", tuple(KNOWN_METRICS))
    check_confidence(confidence)
    check_count(n_boot, "n_boot")
    check_count(intersections, "intersections", least=1)
    check_count(suppress_below, "suppress_below")
    check_count(seed, "random_state")
    check_name(split, "split")


def _same_length(
    n: int, predictions: Mapping[str, LabelsAndScores], groups: Mapping[str, Any], clusters: Any
) -> None:
    lengths = {f"system '{k}'": len(v.label) for k, v in predictions.items()}
    scored = {k: v.score for k, v in predictions.items() if v.score is not None}
    lengths |= {f"the score of system '{k}'": len(v) for k, v in scored.items()}
    lengths |= {f"column '{k}'": len(v) for k, v in groups.items()}
    if clusters is not None:
        lengths["the column of clusters"] = len(clusters)
    for what, length in lengths.items():
        if length != n:
            raise refusal(
                what,
                f"{counted(n, 'row')}, as many as y_true",
                counted(length, "row"),
                "pass one value per row",
            )


def _check_reference(reference: str | None, divisions: Sequence[Grouping]) -> None:
    names = list(dict.fromkeys(name for g in divisions[1:] for name in g.names))
    if reference is not None and reference not in names:
        raise SpecError(
            f"there is no group '{reference}' to compare with; choose one of "
            + ", ".join(names[:20])
        )


def _judge_within(
    rows: EvaluationRows,
    predictions: Mapping[str, LabelsAndScores],
    controls: Mapping[str, Any],
    judge_part: Callable[[EvaluationRows, Mapping[str, LabelsAndScores]], dict[str, pl.DataFrame]],
) -> list[dict[str, pl.DataFrame]]:
    """Conditional parity: everything again inside each level of the (crossed) controls."""
    parts = []
    for inside, where in _strata(controls):
        some = {
            name: Prediction(
                a.label[inside],
                None if a.score is None else a.score[inside],
                getattr(a, "cut", None),
            )
            for name, a in predictions.items()
        }
        tables = judge_part(rows.inside(inside, where), some)
        tables.pop("multicalibration", None)  # it is one number, over all rows
        parts.append({n: t.filter(pl.col("attribute") != OVERALL) for n, t in tables.items()})
    return parts


def _control_levels(controls: Mapping[str, Any]) -> Levels:
    """The levels of the (crossed) controls."""
    parts = [Grouping(name, *encode(values, name)) for name, values in controls.items()]
    strata = cross(parts)
    first = np.unique(strata.codes, return_index=True)[1]
    where = [", ".join(f"{p.attribute}={p.names[p.codes[i]]}" for p in parts) for i in first]
    return Levels(", ".join(controls), tuple(where), strata.codes)


def _strata(controls: Mapping[str, Any]) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """The rows (n,) of each level of the (crossed) controls, and its name."""
    levels = _control_levels(controls)
    for k, where in enumerate(levels.where):
        yield levels.codes == k, where


def _hidden(
    rows: EvaluationRows,
    predictions: Mapping[str, LabelsAndScores],
    controls: Mapping[str, Any],
    least: int,
) -> Hidden:
    """The groups that are suppressed in all tables of these rows, those of controls included."""
    tables = [Division(g.attribute, g.names, g.codes) for g in rows.groupings]
    for inside, where in _strata(controls) if controls else ():
        tables += [
            Division(f"{g.attribute} | {where}", g.names, np.where(inside, g.codes, -1))
            for g in rows.groupings[1:]
        ]
    counted = predictions.values() if rows.task != "regression" else ()
    return hidden_groups(tables, rows.times, least, [_cells(rows, a) for a in counted])


def _cells(rows: EvaluationRows, answers: LabelsAndScores) -> CellCodes:
    """The outcome and decision of each row; of several classes, the outcome and whether it is met.

    An outcome that is not known is a class of its own.
    """
    y, label = np.asarray(rows.y, dtype=np.int64), np.asarray(answers.label, dtype=np.int64)
    classes = max(len(rows.classes), 2)
    if rows.known is not None:
        y = np.where(rows.known, y, classes)
    decided = label if rows.task == "binary" else (label == y).astype(np.int64)
    return CellCodes(y * 2 + decided, 2 * (classes + 1), rows.weight)
