"""From predictions to audit tables: `audit_predictions` for users, `judge` for other layers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.chosen_metrics import KNOWN_METRICS, chosen_metrics
from fairaudit.audit.inputs.read import AuditInputs, read_inputs
from fairaudit.audit.inputs.stated import StatedFacts
from fairaudit.audit.inputs.stored_rows import stored_rows
from fairaudit.audit.judge import judge, truth_of
from fairaudit.audit.metrics.scores import is_probability
from fairaudit.audit.notices import notice
from fairaudit.audit.questions import checked_primary
from fairaudit.audit.result import AuditResult
from fairaudit.audit.score_direction import refuse_contradicted
from fairaudit.audit.score_scale import score_facts, score_warnings
from fairaudit.audit.tables.looks import looks
from fairaudit.audit.tables.primary import primary_facts
from fairaudit.data.outcome import MEANINGS, Meaning, unsure_positive
from fairaudit.data.roles import Task, check_attribute
from fairaudit.exceptions import FairauditWarning, InputError, SpecError
from fairaudit.inputs.group_codes import (
    cluster_codes,
    columns_of,
)
from fairaudit.inputs.options import (
    check_choice,
    check_names,
)
from fairaudit.inputs.read import read_weights
from fairaudit.inputs.rows import same_rows
from fairaudit.stats.estimates import ESTIMATED, REPLICATES
from fairaudit.stats.metric_definitions import (
    SCORES,
)

Float = NDArray[np.float64]
_REMEDY = (
    "say which side means the positive class, as in cuts={{'{name}': '<={cut}'}} (or '>={cut}'), "
    "or that positive='{negative}'"
)


def audit_predictions(
    y_true: Any = None,
    y_pred: Any = None,
    *,
    sensitive_features: Any,
    y_score: Any = None,
    metrics: Sequence[str] | None = None,
    sample_weight: Any = None,
    clusters: Any = None,
    control_features: Any = None,
    intersections: int = 1,
    confidence: float = 0.95,
    n_boot: int = REPLICATES,
    suppress_below: int = 0,
    task: Task | None = None,
    positive: Any = None,
    meaning: Meaning | None = None,
    known_for: Any = None,
    cuts: Any = None,
    reference: str | None = None,
    classes: Sequence[Any] | None = None,
    margin: float | None = None,
    primary: Any = None,
    keep_rows: bool = False,
    split: str = "test",
    random_state: int = 0,
) -> AuditResult:
    """Audit the predictions of one or several systems, human decisions included.

    Parameters
    ----------
    y_true : (n,) outcomes: labels or numbers
        None where no outcome is known: then only what the decisions tell is measured (selection
        rates, mean scores or predictions, their gaps). Metrics of errors that are named all the
        same have no value and the status "no outcome known".
    y_pred : (n,) predictions, or a dict {system: (n,)} or frame with a column per system
        None is allowed with scores: those in 0..1 are cut at 0.5, others where `cuts` says.
    sensitive_features : (n,) or (n, k) array, Series or frame
        A missing value is the group "(missing)". None measures all rows together only.
    y_score : (n,) scores of the positive class, or a dict {system: scores}
        A score belongs to the decisions whose name shares a word with its own, or that some cut
        of it reproduces; without a name to the only decisions. Any other is a system of its own.
        (n, C) for several classes, one column per class in the order of the sorted labels, as
        `predict_proba` of scikit-learn gives them; (n, 2) works for two classes.
    metrics : names of metrics, or one name; None for all that apply
    sample_weight : (n,) non-negative weights
    clusters : (n,) cluster of each row; intervals then resample clusters
        Rows without a cluster are one cluster together.
    control_features : columns within whose levels groups are compared (conditional parity)
        The table `conditional` pools the comparisons over levels (Mantel–Haenszel).
    intersections : largest number of sensitive columns in an intersection
    confidence : level of all intervals, above 0.5 and below 1
    n_boot : replicates of paired comparisons of systems; 0 leaves their intervals out (all other
        intervals are in closed form)
    suppress_below : groups with fewer rows are not shown
    task : "binary", "multiclass", "regression"; None guesses (two values: binary; text, or at
        most 10 different whole numbers: multiclass)
    positive : the positive label of a binary outcome, the one that is predicted
        By default words decide (yes, hired, not …, 1); where none does the larger label is
        taken, with a `FairauditWarning`.
    meaning : "good", "bad" or "neutral": what the positive class means for a person
        By default words decide, else neutral. It never changes a number.
    known_for : (n,) yes or no: for which rows the outcome is known, such as loans granted
        The outcomes of other rows are ignored: `errors` holds what needs none of them, and the
        table `bounds` the worst case of everything else.
    cuts : where scores without predictions decide: 5 or ">=5" selects at or above, "<=5" at or
        below (low scores then mean the positive class); or a dict {system: cut}
    classes : labels in the order of the columns of `y_score`, where it is another
    margin : the gap below which groups count as equivalent, such as 0.05 for 5 points (in the
        metric's unit where it is no share). Choose it before results are seen; the table
        `equivalence` then has two one-sided tests of every gap.
    primary : the one question declared beforehand, which needs no correction for the others:
        (metric, attribute), (metric, attribute, group, reference) or a `PrimaryQuestion`
    keep_rows : store predictions and groups, so that `fairaudit.audit.reanalysis` leads from a gap
        to its counts to its rows; `row` is the place in the arrays
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
        When lengths or shapes differ, values are missing where they must not be, a label is
        unknown, a score belongs to no system, needs a cut, or at an assumed cut ranks the
        positive class below the other one.
    SpecError
        When a metric is not known for the task, or a parameter is out of its range.

    Warns
    -----
    FairauditWarning
        When nothing decides which of two labels is the positive one, or the labels of decisions
        were matched with the outcome's by their words (oui and non beside yes and no).

    Examples
    --------
    >>> r = audit_predictions([1, 0, 1, 0], [1, 0, 0, 1], sensitive_features=list("aabb"))
    >>> r.errors.filter(r.errors["metric"] == "accuracy")["value"].to_list()
    [0.5, 1.0, 0.0]
    """
    same_rows(
        y_true=y_true, y_pred=y_pred, sensitive_features=sensitive_features, y_score=y_score,
        sample_weight=sample_weight, clusters=clusters, control_features=control_features,
        known_for=known_for,
    )  # fmt: skip
    stated = StatedFacts(task, positive, meaning, classes, known_for, cuts)
    _check_stated(stated, y_true)
    inputs = read_inputs(y_true, y_pred, y_score, stated)
    _warn(inputs)
    n = len(inputs.y)
    chosen = _named_metrics(metrics, inputs)
    groups = _group_columns(sensitive_features)
    cluster = None if clusters is None else cluster_codes(clusters, "clusters", n)
    weight = None if sample_weight is None else read_weights(sample_weight, n)
    y = None if y_true is None else inputs.y
    wanted = chosen_metrics(chosen, inputs.task, truth_of(y, inputs.known))
    question = checked_primary(primary, wanted, groups, intersections, inputs.systems)
    if inputs.task == "binary" and inputs.known is None:
        refuse_contradicted(
            inputs.y, inputs.systems, inputs.cut, inputs.classes, _REMEDY, confidence=confidence,
            metrics=chosen, weight=weight, cluster=cluster,
        )  # fmt: skip
    tables = judge(
        y,
        inputs.systems,
        groups,
        task=inputs.task,
        classes=inputs.classes,
        weight=weight,
        clusters=cluster,
        split=split,
        metrics=chosen,
        confidence=confidence,
        n_boot=n_boot,
        intersections=intersections,
        suppress_below=suppress_below,
        seed=random_state,
        controls=columns_of(control_features, "control_features"),
        reference=reference,
        known=inputs.known,
        margin=margin,
        primary=question,
    )
    if keep_rows:
        tables = {**tables, **stored_rows(inputs, groups, cluster, weight, split)}
    return AuditResult(tables, _summary(tables, inputs, confidence))


def _named_metrics(metrics: Sequence[str] | None, inputs: AuditInputs) -> Sequence[str] | None:
    """The metrics that the caller names, if any; their scores must exist."""
    if metrics is None:
        return None
    named = check_names(metrics, "metrics")
    _require_scores(named, inputs)
    return named


def _group_columns(sensitive_features: Any) -> dict[str, Any]:
    """The sensitive columns by name, none of them a name that tables reserve."""
    groups = columns_of(sensitive_features)
    for name in groups:
        check_attribute(name)
    return groups


def _warn(inputs: AuditInputs) -> None:
    """Warn the caller of `audit_predictions` about uncertain assumptions."""
    unsure = [unsure_positive(inputs.outcome, "positive=")] * inputs.outcome.guessed_positive
    for remark in (*unsure, *inputs.matched):
        warnings.warn(remark, FairauditWarning, stacklevel=3)


def _check_stated(stated: StatedFacts, y_true: Any) -> None:
    if stated.task is not None:
        check_choice(stated.task, "task", tuple(KNOWN_METRICS))
    if stated.meaning is not None:
        check_choice(stated.meaning, "meaning", MEANINGS)
    if stated.known_for is not None and y_true is None:
        raise SpecError("known_for says where the outcome is known; pass the outcome as y_true")


def _require_scores(metrics: Sequence[str], inputs: AuditInputs) -> None:
    """Refuse a score metric that no system's scores allow, instead of silently leaving it out."""
    if inputs.task == "regression":
        return
    scores = [s.score for s in inputs.systems.values() if s.score is not None]
    for metric in metrics:
        if metric in SCORES and not scores:
            raise InputError(f"metric '{metric}' rests on scores; pass y_score")
        if metric in ("brier", "ece") and not any(is_probability(s) for s in scores):
            raise InputError(f"metric '{metric}' needs scores in 0..1; rescale y_score")


def _summary(
    tables: Mapping[str, pl.DataFrame], inputs: AuditInputs, confidence: float
) -> dict[str, Any]:
    gaps = tables.get("gaps", pl.DataFrame())
    scores = score_facts(inputs.systems, inputs.task)
    return {
        "task": inputs.task,
        "outcome": inputs.outcome.as_json(),
        "target": inputs.outcome.target,
        "scores": scores,
        "warnings": [
            *(notice("labels_matched", remark=remark) for remark in inputs.matched),
            *score_warnings(scores, tables.get("errors"), inputs.outcome.meaning),
        ],
        "classes": list(inputs.classes),
        "systems": list(inputs.systems),
        "n": len(inputs.y),
        "confidence": confidence,
        "looks": looks(tables),
        "primary": primary_facts(tables),
        "gaps_not_judged": gaps.filter(pl.col("status") != ESTIMATED).height if gaps.width else 0,
    }
