"""Evaluates one split: every model, attribute and metric becomes rows of the audit tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics import (
    binary,
    bounds,
    comparisons,
    curves,
    multiclass,
    regression,
    scores,
)
from fairaudit.audit.metrics.calibration_error import measure_ece
from fairaudit.audit.metrics.multicalibration import multicalibration_table
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.audit.score_scale import positive_score
from fairaudit.audit.tables.calibration_tests import calibration_tests_table
from fairaudit.audit.tables.conditional import CONDITIONAL, Levels, conditional_table
from fairaudit.audit.tables.equivalence import equivalence_table
from fairaudit.audit.tables.primary import primary_table
from fairaudit.audit.tables.result_tables import errors_table, gaps_table
from fairaudit.data.roles import Task
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import OVERALL, Grouping, everybody
from fairaudit.stats import influence
from fairaudit.stats.counts import Cells, count
from fairaudit.stats.estimates import (
    NO_OUTCOME,
    PARTLY_KNOWN,
    EstimateOptions,
    Measured,
    nothing_measured,
)
from fairaudit.stats.influence import Frame, Influence
from fairaudit.stats.metric_definitions import BINARY, DECISIONS, RATES, REGRESSION, base_name
from fairaudit.stats.resampling import ClusterCells, count_clusters

Float = NDArray[np.float64]
Frames = dict[str, list[pl.DataFrame]]
Truth = Literal["all", "some", "none"]

MAX_ALL_PAIRS = 4  # up to so many models are all compared, beyond each with the first


class LabelsAndScores(Protocol):
    """One model's answers: label (n,), score (n,), (n, C) or None."""

    @property
    def label(self) -> NDArray[Any]: ...

    @property
    def score(self) -> Float | None: ...


@dataclass(frozen=True)
class EvaluationRows:
    """The rows of an evaluation, coded once for all models; the first grouping is all rows."""

    y: NDArray[Any]
    groupings: tuple[Grouping, ...]
    task: Task
    classes: tuple[str, ...]
    weight: Float | None
    cluster: Int | None
    times: Float | None = None  # equal rows each row stands for, when counted elsewhere
    truth: Truth = "all"  # for which rows an outcome is known
    known: NDArray[np.bool_] | None = None  # (n,) those rows, where not all or none

    def frames(self) -> Iterator[Frame]:
        """Each grouping with clusters and weights."""
        return (self.frame(g) for g in self.groupings)

    def frame(self, grouping: Grouping) -> Frame:
        """One grouping with clusters, weights and repetitions."""
        return Frame(grouping, self.cluster, self.weight, self.times)

    def inside(self, rows: NDArray[np.bool_], where: str) -> EvaluationRows:
        """Some of the rows; attributes are renamed "sex | region=north"."""
        return EvaluationRows(
            y=self.y[rows],
            groupings=(
                everybody(int(rows.sum())),
                *(g.inside(rows, f"{g.attribute} | {where}") for g in self.groupings[1:]),
            ),
            task=self.task,
            classes=self.classes,
            weight=None if self.weight is None else self.weight[rows],
            cluster=None if self.cluster is None else self.cluster[rows],
            times=None if self.times is None else self.times[rows],
            truth=self.truth,
            known=None if self.known is None else self.known[rows],
        )

    @property
    def everybody(self) -> Frame:
        """All rows as one group."""
        return self.frame(everybody(len(self.y)))


def judge_rows(
    rows: EvaluationRows,
    predictions: Mapping[str, LabelsAndScores],
    asked: EstimateOptions,
    metrics: tuple[str, ...],
    reference: str | None = None,
    primary: PrimaryQuestion | None = None,
) -> dict[str, pl.DataFrame]:
    """Tables errors, gaps, pairs, counts, curves, comparisons, detectable and what is declared."""
    tables: Frames = {}
    first = next(iter(predictions), "")
    for name, answers in predictions.items():
        own = primary if primary is not None and name == (primary.system or first) else None
        _judge_model(rows, answers, replace(asked, model=name), metrics, reference, own, tables)
    pairs = _model_pairs(list(predictions))
    for a, b in pairs:
        _compare(rows, predictions[a], predictions[b], (a, b), asked, metrics, len(pairs), tables)
    return {name: pl.concat(frames) for name, frames in tables.items() if frames}


def compare_within(
    rows: EvaluationRows,
    predictions: Mapping[str, LabelsAndScores],
    levels: Levels,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
    reference: str | None = None,
) -> pl.DataFrame:
    """The table `conditional`: groups compared within levels of other columns, pooled over them.

    Rates of each class and the share of right answers where there are several classes; empty for
    numeric outcomes, and for rates that need outcomes where none are known.
    """
    rates = [m for m in metrics if m in RATES and (rows.truth == "all" or m in DECISIONS)]
    if not rates or rows.task == "regression":
        return pl.DataFrame(schema=CONDITIONAL)
    parts = [
        conditional_table(
            frame, y, label, levels, wanted, replace(asked, model=name), reference
        ).with_columns(pl.col("metric") + pl.lit(of_class))
        for name, answers in predictions.items()
        for y, label, wanted, of_class in _as_binary(rows, answers, rates)
        for frame in rows.frames()
        if frame.grouping.attribute != OVERALL
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=CONDITIONAL)


def _as_binary(
    rows: EvaluationRows, answers: LabelsAndScores, rates: Sequence[str]
) -> Iterator[tuple[Int, Int, list[str], str]]:
    """Outcomes and decisions of 0 or 1, the rates to compare, and what their names end in."""
    y, label = _codes(rows.y), _codes(answers.label)
    if rows.task == "binary":
        yield y, label, list(rates), ""
        return
    if whole := [m for m in rates if m in multiclass.WHOLE]:
        yield np.ones_like(y), (label == y).astype(np.int64), whole, ""
    if each := [m for m in rates if m in multiclass.PER_CLASS]:
        for c, name in enumerate(rows.classes):
            own = (y == c).astype(np.int64), (label == c).astype(np.int64)
            yield *own, each, f" [{name}]"


def _model_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    if len(names) <= MAX_ALL_PAIRS:
        return list(combinations(names, 2))
    return [(names[0], other) for other in names[1:]]


def _judge_model(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
    reference: str | None,
    primary: PrimaryQuestion | None,
    tables: Frames,
) -> None:
    by_grouping = measure_rows(rows, answers, asked, metrics)
    for frame, measured in zip(rows.frames(), by_grouping, strict=True):
        _add(tables, "errors", errors_table(measured, asked))
        if frame.grouping.attribute != OVERALL:
            _add(tables, "gaps", gaps_table(measured, asked))
            _add(tables, "pairs", comparisons.pairs_table(measured, asked, reference))
            _add(tables, "detectable", comparisons.detectable_table(measured, asked))
            if asked.margin is not None:
                _add(tables, "equivalence", equivalence_table(measured, asked))
            if primary is not None and frame.grouping.attribute == primary.attribute:
                _add(tables, "primary", primary_table(measured, primary, asked))
    if rows.truth == "some":
        for frame in rows.frames():
            _add(tables, "bounds", _bounds(rows, answers, frame, metrics, asked))
    if rows.task == "binary":
        _describe(rows, answers, asked, tables)
    if rows.task == "binary" and rows.truth == "all":
        _test_calibration(rows, answers, asked, metrics, tables)


def _test_calibration(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
    tables: Frames,
) -> None:
    """Where the calibration error is measured: is it chance, by group and in the worst cell?"""
    if "ece" not in scores.measurable(metrics, answers.score):
        return
    score, y = _turned(answers), _codes(rows.y)
    for frame in rows.frames():
        table = calibration_tests_table(score, y, frame, asked)
        _add(tables, "calibration_tests", table)
    _add(tables, "multicalibration", multicalibration_table(score, y, rows.frames(), asked))


def _add(tables: Frames, name: str, frame: pl.DataFrame) -> None:
    tables.setdefault(name, []).append(frame)


# -- binary -------------------------------------------------------------------------------------


def _codes(values: NDArray[Any]) -> Int:
    return np.asarray(values).astype(np.int64)


def _measure_binary(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[Measured]]:
    y, label = _codes(rows.y), _codes(answers.label)
    counted = [m for m in metrics if m in BINARY]
    out: list[list[Measured]] = []
    for frame in rows.frames():
        cells = count(frame.grouping, y, label, 2, rows.weight, rows.times)
        out.append(binary.measure(cells, counted, asked, _clusters(frame, y, label)))
    if answers.score is not None:
        scored = _measure_scores(rows, y, answers, asked, metrics)
        out = [a + b for a, b in zip(out, scored, strict=True)]
    return out


def _clusters(frame: Frame, y: Int, label: Int) -> ClusterCells | None:
    if frame.cluster is None:
        return None
    shape = (frame.G, 2, 2)
    mass = frame.times if frame.weight is None else frame.mass
    return count_clusters(frame.cluster, frame.grouping.codes, y, label, shape, mass)


def _measure_scores(
    rows: EvaluationRows,
    y: Int,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[Measured]]:
    wanted = scores.measurable(metrics, answers.score)
    names = [m for m in wanted if m != "ece"]
    influences = _score_influences(rows, y, answers, names)
    out = [
        _measured(frame, influences, i, names, rows, asked)
        for i, frame in enumerate(rows.frames())
    ]
    if "ece" in wanted:
        score = _turned(answers)
        for frame, measured in zip(rows.frames(), out, strict=True):
            measured.append(measure_ece(score, y, frame, rows.everybody, asked))
    return out


def _low_selects(answers: LabelsAndScores) -> bool:
    """Whether low scores mean the positive class; False for systems without a cut."""
    return bool(getattr(answers, "below", False))


def _turned(answers: LabelsAndScores) -> Float:
    """Scores of which more means more positive."""
    assert answers.score is not None
    return positive_score(answers.score, below=_low_selects(answers))


def _score_influences(
    rows: EvaluationRows, y: Int, answers: LabelsAndScores, wanted: Sequence[str]
) -> list[dict[str, Influence]]:
    """Influences by grouping; the rows are sorted by score once for all of them."""
    assert answers.score is not None
    score, ranking = _turned(answers), {"auroc", "auprc"} & set(wanted)
    by_score = scores.score_order(score) if ranking else np.zeros(0, dtype=np.int64)
    out = []
    for frame in rows.frames():
        influences: dict[str, Influence] = {}
        if "mean_score" in wanted:
            influences["mean_score"] = influence.means("mean_score", answers.score, frame)
        if ranking:
            ranked = scores.rank(by_score, score, y, frame)
            influences |= {"auroc": scores.auroc(ranked), "auprc": scores.auprc(ranked)}
        if "brier" in wanted:
            influences["brier"] = scores.brier(score, y, frame)
        out.append(influences)
    return out


def _measured(
    frame: Frame,
    influences: Sequence[Mapping[str, Influence]],
    i: int,
    wanted: Sequence[str],
    rows: EvaluationRows,
    asked: EstimateOptions,
) -> list[Measured]:
    return [influence.measure(influences[i][m], influences[0][m], frame, asked) for m in wanted]


def _describe(
    rows: EvaluationRows, answers: LabelsAndScores, asked: EstimateOptions, tables: Frames
) -> None:
    """Counts and, with scores, histograms; with an outcome calibration and ROC by group."""
    y, label, known = _codes(rows.y), _codes(answers.label), rows.truth == "all"
    for frame in rows.frames():
        cells = count(frame.grouping, y, label, 2, rows.weight, rows.times)
        _add(tables, "counts", counts_table(cells, asked, known=known))
    if answers.score is None:
        return
    binned = curves.bin_scores(answers.score)
    for frame in rows.frames():
        h = curves.histogram(binned, y if known else np.zeros_like(y), frame)
        _add(tables, "histograms", curves.histogram_table(h, frame, asked, known=known))
        if known:
            below = _low_selects(answers)
            _add(tables, "roc", curves.roc_table(h, frame, asked, below=below))
            _add(tables, "calibration", curves.calibration_table(binned, y, frame, asked))


def counts_table(cells: Cells, asked: EstimateOptions, *, known: bool = True) -> pl.DataFrame:
    """tp, fp, tn, fn and selected (weighted) by group; null where suppressed or not known."""
    n, w = cells.rows.sum((1, 2)), cells.weight
    table = pl.DataFrame(
        {
            "model": [asked.model] * len(n),
            "split": [asked.split] * len(n),
            "attribute": [cells.attribute] * len(n),
            "group": list(cells.names),
            "n": n.astype(np.int64),
            "tp": w[:, 1, 1],
            "fp": w[:, 0, 1],
            "tn": w[:, 0, 0],
            "fn": w[:, 1, 0],
            "selected": w[:, :, 1].sum(1),
        }
    )
    shown = pl.Series(~asked.hides(cells.attribute, cells.names, n))
    truth = pl.col("tp", "fp", "tn", "fn")
    return table.with_columns(
        pl.when(shown).then(pl.col("n", "selected")), pl.when(shown & pl.lit(known)).then(truth)
    )


# -- multiclass ---------------------------------------------------------------------------------


def _measure_multiclass(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[Measured]]:
    y, label = _codes(rows.y), _codes(answers.label)
    classes = _class_names(rows, y, label)
    C = max(len(classes), _most_codes(y, label))
    out = []
    for frame in rows.frames():
        cells = count(frame.grouping, y, label, C, rows.weight, rows.times)
        apart = _in_clusters(frame, y, label)
        out.append(multiclass.measure(cells, metrics, classes, asked, apart))
    if answers.score is None or answers.score.ndim != 2:
        return out
    metrics = tuple(m for m in metrics if m != "mean_score")  # which class's would it be?
    wanted = [m for m in scores.measurable(metrics, answers.score) if m != "ece"]
    influences = [multiclass.influences(answers.score, y, frame) for frame in rows.frames()]
    for i, frame in enumerate(rows.frames()):
        out[i] += _measured(frame, influences, i, wanted, rows, asked)
    if "ece" in metrics and scores.is_probability(answers.score):
        surest = answers.score.max(axis=1)  # is the likeliest class right as often as it says?
        right = (answers.score.argmax(axis=1) == y).astype(np.int64)
        for frame, measured in zip(rows.frames(), out, strict=True):
            measured.append(measure_ece(surest, right, frame, rows.everybody, asked))
    return out


def _class_names(rows: EvaluationRows, y: Int, label: Int) -> tuple[str, ...]:
    return rows.classes or tuple(str(c) for c in range(_most_codes(y, label)))


def _most_codes(y: Int, label: Int) -> int:
    return int(max(y.max(initial=0), label.max(initial=0))) + 1


def _in_clusters(frame: Frame, y: Int, label: Int) -> multiclass.ClusteredClasses | None:
    if frame.cluster is None:
        return None
    mass = frame.times if frame.weight is None else frame.mass
    return multiclass.ClusteredClasses(frame.cluster, frame.grouping.codes, y, label, mass)


# -- regression ---------------------------------------------------------------------------------


def _values(values: NDArray[Any]) -> Float:
    return np.asarray(values).astype(np.float64)


def _smooth(metrics: Sequence[str]) -> list[str]:
    """Metrics of numeric outcomes with an influence function."""
    known = (*REGRESSION, "mean_prediction")
    return [m for m in metrics if m in known and m not in regression.QUANTILES]


def _regression_influences(
    rows: EvaluationRows, answer: Float, wanted: Sequence[str]
) -> list[dict[str, Influence]]:
    y = _values(rows.y)
    return [
        {m: regression.influence(m, y, answer, frame) for m in wanted} for frame in rows.frames()
    ]


def _measure_regression(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[Measured]]:
    y, answer = _values(rows.y), _values(answers.label)
    smooth = _smooth(metrics)
    steps = [m for m in metrics if m in regression.QUANTILES]
    influences = _regression_influences(rows, answer, smooth)
    out = []
    for i, frame in enumerate(rows.frames()):
        estimates = _measured(frame, influences, i, smooth, rows, asked)
        estimates += [regression.quantile_error(m, y, answer, frame, asked) for m in steps]
        out.append(estimates)
    return out


_MEASURE: dict[
    Task,
    Callable[
        [EvaluationRows, LabelsAndScores, EstimateOptions, tuple[str, ...]], list[list[Measured]]
    ],
] = {
    "binary": _measure_binary,
    "multiclass": _measure_multiclass,
    "regression": _measure_regression,
}


def measure_rows(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[Measured]]:
    """The metrics of one model in each grouping of the rows, with intervals and noise.

    Metrics that need unknown outcomes have a reason instead of a value.
    """
    if rows.truth == "all":
        return _MEASURE[rows.task](rows, answers, asked, metrics)
    if rows.truth == "none":
        usable = tuple(m for m in metrics if m in DECISIONS)
        measured = _MEASURE[rows.task](rows, answers, asked, usable)
        lost = [m for m in metrics if m not in DECISIONS]
        return _with_lost(rows, measured, lost, NO_OUTCOME)
    usable = tuple(m for m in metrics if m in DECISIONS or m in RATES)
    measured = _MEASURE[rows.task](rows, answers, asked, usable)
    some = _partly_known(rows, answers)
    kept = [
        [
            m.without(~some.identified(m.metric, frame), PARTLY_KNOWN)
            if base_name(m.metric) in RATES
            else m
            for m in ms
        ]
        for frame, ms in zip(rows.frames(), measured, strict=True)
    ]
    lost = [m for m in metrics if m not in usable and (m in BINARY or answers.score is not None)]
    return _with_lost(rows, kept, lost, PARTLY_KNOWN)


def _partly_known(
    rows: EvaluationRows, answers: LabelsAndScores
) -> bounds.PartlyKnown | bounds.PartlyKnownClasses:
    assert rows.known is not None
    y, label = _codes(rows.y), _codes(answers.label)
    if rows.task == "multiclass":
        return bounds.PartlyKnownClasses(y, label, rows.known, _class_names(rows, y, label))
    return bounds.PartlyKnown(y, label, rows.known)


def _bounds(
    rows: EvaluationRows,
    answers: LabelsAndScores,
    frame: Frame,
    metrics: tuple[str, ...],
    asked: EstimateOptions,
) -> pl.DataFrame:
    some = _partly_known(rows, answers)
    if isinstance(some, bounds.PartlyKnown):
        return bounds.bounds_table(some, frame, metrics, asked)
    return bounds.class_bounds_table(some, frame, metrics, asked)


def _with_lost(
    rows: EvaluationRows, found: list[list[Measured]], lost: Sequence[str], reason: str
) -> list[list[Measured]]:
    """The metrics measured and, without a value, those that cannot be."""
    return [
        [
            *measured,
            *(
                nothing_measured(
                    m, frame.grouping.attribute, frame.grouping.names, frame.sizes(), reason
                )
                for m in lost
            ),
        ]
        for frame, measured in zip(rows.frames(), found, strict=True)
    ]


# -- two models ---------------------------------------------------------------------------------


def _compare(
    rows: EvaluationRows,
    a: LabelsAndScores,
    b: LabelsAndScores,
    names: tuple[str, str],
    asked: EstimateOptions,
    metrics: tuple[str, ...],
    pairs: int,
    tables: Frames,
) -> None:
    """Paired differences of two systems, with intervals joint with those of all pairs."""
    asked = replace(asked, pairs=pairs)
    if rows.truth != "all":
        metrics = tuple(m for m in metrics if m in DECISIONS)
    differences = _VERSUS[rows.task](rows, a, b, asked, metrics)
    for frame, versus in zip(rows.frames(), differences, strict=True):
        table = comparisons.comparisons_table(versus, frame.grouping, frame.sizes(), *names, asked)
        _add(tables, "comparisons", table)


def _versus_binary(
    rows: EvaluationRows,
    a: LabelsAndScores,
    b: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[comparisons.Versus]]:
    y = _codes(rows.y)
    counted = [m for m in metrics if m in BINARY and m != "base_rate"]
    out = [
        comparisons.paired_counts(
            frame,
            y,
            _codes(a.label),
            _codes(b.label),
            counted,
            asked,
        )
        for frame in rows.frames()
    ]
    if a.score is None or b.score is None:
        return out
    shared = set(scores.measurable(metrics, a.score)) & set(scores.measurable(metrics, b.score))
    wanted = [m for m in ("mean_score", "auroc", "auprc", "brier") if m in shared]
    mine, theirs = (_score_influences(rows, y, answers, wanted) for answers in (a, b))
    return [o + _paired(rows, mine, theirs, wanted, i, asked) for i, o in enumerate(out)]


def _paired(
    rows: EvaluationRows,
    mine: Sequence[Mapping[str, Influence]],
    theirs: Sequence[Mapping[str, Influence]],
    wanted: Sequence[str],
    i: int,
    asked: EstimateOptions,
) -> list[comparisons.Versus]:
    frame = rows.frame(rows.groupings[i])
    return [comparisons.paired_influence(mine[i][m], theirs[i][m], frame, asked) for m in wanted]


def _versus_multiclass(
    rows: EvaluationRows,
    a: LabelsAndScores,
    b: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[comparisons.Versus]]:
    """Accuracy and error rate: right or wrong is a binary answer whose truth is "right"."""
    wanted = [m for m in multiclass.WHOLE if m in metrics]
    if not wanted:
        return [[] for _ in rows.groupings]
    right = np.ones(len(rows.y), dtype=np.int64)
    marks = [(_codes(x.label) == _codes(rows.y)).astype(np.int64) for x in (a, b)]
    return [
        comparisons.paired_counts(frame, right, marks[0], marks[1], wanted, asked)
        for frame in rows.frames()
    ]


def _versus_regression(
    rows: EvaluationRows,
    a: LabelsAndScores,
    b: LabelsAndScores,
    asked: EstimateOptions,
    metrics: tuple[str, ...],
) -> list[list[comparisons.Versus]]:
    wanted = _smooth(metrics)
    mine, theirs = (_regression_influences(rows, _values(x.label), wanted) for x in (a, b))
    return [_paired(rows, mine, theirs, wanted, i, asked) for i in range(len(rows.groupings))]


_VERSUS: dict[
    Task,
    Callable[
        [EvaluationRows, LabelsAndScores, LabelsAndScores, EstimateOptions, tuple[str, ...]],
        list[list[comparisons.Versus]],
    ],
] = {
    "binary": _versus_binary,
    "multiclass": _versus_multiclass,
    "regression": _versus_regression,
}
