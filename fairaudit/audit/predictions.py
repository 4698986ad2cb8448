"""From predictions to audit tables: `audit_predictions` for users, `judge` for other layers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.evaluate import (
    EvaluationRows,
    LabelsAndScores,
    Truth,
    compare_within,
    judge_rows,
)
from fairaudit.audit.inputs import Answered, Given, Stated, given, kept
from fairaudit.audit.metrics import multiclass
from fairaudit.audit.metrics.scores import is_probability
from fairaudit.audit.questions import PrimaryQuestion, asked_primary, check_margin
from fairaudit.audit.result import AuditResult
from fairaudit.audit.score_direction import refuse_contradicted
from fairaudit.audit.score_scale import scale_facts, scale_warnings
from fairaudit.audit.tables.conditional import Levels
from fairaudit.audit.tables.looks import looks, with_looks
from fairaudit.audit.tables.primary import primary_facts
from fairaudit.data.outcome import MEANINGS, Meaning, unsure_positive
from fairaudit.data.roles import Cut, Task, check_attribute
from fairaudit.exceptions import FairauditWarning, InputError, SpecError
from fairaudit.inputs.group_codes import (
    OVERALL,
    Grouping,
    cluster_codes,
    columns_of,
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
    check_names,
)
from fairaudit.inputs.read import read_weights
from fairaudit.inputs.rows import counted, refusal, same_rows
from fairaudit.stats.estimates import ESTIMATED, REPLICATES, EstimateOptions
from fairaudit.stats.metric_definitions import (
    BINARY,
    DECISIONS,
    FAMILIES,
    REGRESSION,
    SCORES,
    base_name,
)
from fairaudit.stats.suppression import CellCodes, Division, Hidden, hidden_groups

Float = NDArray[np.float64]

KNOWN: dict[Task, tuple[str, ...]] = {
    "binary": (*BINARY, *SCORES, "mean_score"),
    "multiclass": (*BINARY, *SCORES),
    "regression": (*REGRESSION, "mean_prediction"),
}
# what is measured when nothing is named: of the rates of each class the others follow
USUAL: dict[Task, tuple[str, ...]] = {
    "binary": (*BINARY, *SCORES),
    "regression": REGRESSION,
    "multiclass": (*multiclass.WHOLE, *multiclass.MACRO, *multiclass.USUAL, *SCORES),
}
_REMEDY = (
    "say which side means the positive class, as in cuts={{'{name}': '<={cut}'}} (or '>={cut}'), "
    "or that positive='{negative}'"
)


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
    primary : the question that was declared beforehand, checked already (`asked_primary`)

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
        pooled = compare_within(rows, predictions, _levels(controls), options, chosen, reference)
        parts += [{"conditional": pooled}] if len(pooled) else []
    return with_looks(stacked(parts), confidence)


def truth_of(y: NDArray[Any] | None, known: NDArray[np.bool_] | None) -> Truth:
    """For which rows an outcome is known."""
    if y is None or (known is not None and not known.any()):
        return "none"
    return "all" if known is None or known.all() else "some"


def stacked(parts: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Tables of the same name one below the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: pl.concat([p[name] for p in parts if name in p]) for name in names}


def _check_options(
    task: Task,
    confidence: float,
    n_boot: int,
    intersections: int,
    suppress_below: int,
    seed: int,
    split: str,
) -> None:
    check_choice(task, "task", tuple(KNOWN))
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
    ask: Callable[[EvaluationRows, Mapping[str, LabelsAndScores]], dict[str, pl.DataFrame]],
) -> list[dict[str, pl.DataFrame]]:
    """Conditional parity: everything again inside each level of the (crossed) controls."""
    parts = []
    for inside, where in _strata(controls):
        some = {
            name: Answered(
                a.label[inside],
                None if a.score is None else a.score[inside],
                getattr(a, "cut", None),
            )
            for name, a in predictions.items()
        }
        tables = ask(rows.inside(inside, where), some)
        tables.pop("multicalibration", None)  # it is one number, over all rows
        parts.append({n: t.filter(pl.col("attribute") != OVERALL) for n, t in tables.items()})
    return parts


def _levels(controls: Mapping[str, Any]) -> Levels:
    """The levels of the (crossed) controls."""
    parts = [Grouping(name, *encode(values, name)) for name, values in controls.items()]
    strata = cross(parts)
    first = np.unique(strata.codes, return_index=True)[1]
    where = [", ".join(f"{p.attribute}={p.names[p.codes[i]]}" for p in parts) for i in first]
    return Levels(", ".join(controls), tuple(where), strata.codes)


def _strata(controls: Mapping[str, Any]) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """The rows (n,) of each level of the (crossed) controls, and its name."""
    levels = _levels(controls)
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


def chosen_metrics(
    metrics: Sequence[str] | None, task: Task, truth: Truth = "all"
) -> tuple[str, ...]:
    """The metrics to measure; a gap's own name stands for the rates it is made of.

    Without an outcome these are, unless some are named, those that need none.

    Raises
    ------
    SpecError
        When a name is not known for the task, or none is named.
    """
    if metrics is None:
        return tuple(m for m in KNOWN[task] if m in DECISIONS) if truth == "none" else USUAL[task]
    if not metrics:
        raise SpecError("no metric is named; leave metrics out for all that apply")
    metrics = check_names(metrics, "metrics", "leave metrics out for all that apply")
    wanted = [p for m in metrics for p in FAMILIES.get(m, (base_name(m),))]
    wrong = [m for m in metrics if not set(FAMILIES.get(m, (base_name(m),))) <= set(KNOWN[task])]
    if wrong:
        raise SpecError(
            f"metrics: expected metrics of a {task} outcome ({', '.join(KNOWN[task])}), got "
            f"'{wrong[0]}', which is not known for it"
        )
    return tuple(dict.fromkeys(wanted))


# -- what users call ----------------------------------------------------------------------------


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
    stated = Stated(task, positive, meaning, classes, known_for, cuts)
    _check_stated(stated, y_true)
    asked = given(y_true, y_pred, y_score, stated)
    _warn(asked)
    n = len(asked.y)
    chosen = None if metrics is None else check_names(metrics, "metrics")
    if chosen is not None:
        _scored(chosen, asked)
    groups = columns_of(sensitive_features)
    for name in groups:
        check_attribute(name)
    cluster = None if clusters is None else cluster_codes(clusters, "clusters", n)
    weight = None if sample_weight is None else read_weights(sample_weight, n)
    truth = truth_of(None if y_true is None else asked.y, asked.known)
    wanted = chosen_metrics(chosen, asked.task, truth)
    question = asked_primary(primary, wanted, groups, intersections, asked.systems)
    if asked.task == "binary" and asked.known is None:
        refuse_contradicted(
            asked.y, asked.systems, asked.cut, asked.classes, _REMEDY, confidence=confidence,
            metrics=chosen, weight=weight, cluster=cluster,
        )  # fmt: skip
    tables = judge(
        None if y_true is None else asked.y,
        asked.systems,
        groups,
        task=asked.task,
        classes=asked.classes,
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
        known=asked.known,
        margin=margin,
        primary=question,
    )
    if keep_rows:
        tables = {**tables, **kept(asked, groups, cluster, weight, split)}
    return AuditResult(tables, _summary(tables, asked, confidence))


def _warn(asked: Given) -> None:
    """Warn the caller of `audit_predictions` about uncertain assumptions."""
    unsure = [unsure_positive(asked.outcome, "positive=")] * asked.outcome.guessed_positive
    for remark in (*unsure, *asked.matched):
        warnings.warn(remark, FairauditWarning, stacklevel=3)


def _check_stated(stated: Stated, y_true: Any) -> None:
    if stated.task is not None:
        check_choice(stated.task, "task", tuple(KNOWN))
    if stated.meaning is not None:
        check_choice(stated.meaning, "meaning", MEANINGS)
    if stated.known_for is not None and y_true is None:
        raise SpecError("known_for says where the outcome is known; pass the outcome as y_true")


def _scored(metrics: Sequence[str], asked: Given) -> None:
    """Refuse a score metric that no system's scores allow, instead of silently leaving it out."""
    if asked.task == "regression":
        return
    scores = [s.score for s in asked.systems.values() if s.score is not None]
    for metric in metrics:
        if metric in SCORES and not scores:
            raise InputError(f"metric '{metric}' rests on scores; pass y_score")
        if metric in ("brier", "ece") and not any(is_probability(s) for s in scores):
            raise InputError(f"metric '{metric}' needs scores in 0..1; rescale y_score")


def _summary(
    tables: Mapping[str, pl.DataFrame], asked: Given, confidence: float
) -> dict[str, Any]:
    gaps = tables.get("gaps", pl.DataFrame())
    scores = score_facts(asked.systems, asked.task)
    return {
        "task": asked.task,
        "outcome": asked.outcome.as_json(),
        "target": asked.outcome.target,
        "scores": scores,
        "warnings": [
            *(f"{remark}." for remark in asked.matched),
            *score_warnings(scores, tables.get("errors"), asked.outcome.meaning),
        ],
        "classes": list(asked.classes),
        "systems": list(asked.systems),
        "n": len(asked.y),
        "confidence": confidence,
        "looks": looks(tables),
        "primary": primary_facts(tables),
        "gaps_not_judged": gaps.filter(pl.col("status") != ESTIMATED).height if gaps.width else 0,
    }


class Scored(Protocol):
    """A system with decisions and perhaps scores."""

    @property
    def label(self) -> NDArray[Any]: ...

    @property
    def score(self) -> Float | None: ...

    @property
    def cut(self) -> Cut | None: ...


def score_facts(
    systems: Mapping[str, Scored], task: Task, times: Float | None = None
) -> dict[str, dict[str, Any]]:
    """Range, grid, cut and share selected of each system's score."""
    return {
        name: scale_facts(s.score, s.label, s.cut, times)
        for name, s in systems.items()
        if task == "binary" and s.score is not None and len(s.score)
    }


def score_warnings(
    scores: Mapping[str, Mapping[str, Any]], errors: pl.DataFrame | None, meaning: Meaning
) -> list[str]:
    """Doubtful cuts and directions of the scores, in words."""
    if errors is None:
        return []
    overall = errors.filter(pl.col("attribute") == OVERALL, pl.col("metric") == "auroc")
    high = dict(overall.select("model", "high").iter_rows())
    return [
        w for name, s in scores.items() for w in scale_warnings(name, s, high.get(name), meaning)
    ]
