"""Two models on the same rows of each group: paired differences and one-sided bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import SpecError
from fairaudit.stats.paired_bounds import (
    Difference,
    PairedCounts,
    Strictest,
    StudentDifference,
    mean_of_differences,
)

Float = NDArray[np.float64]
Metric = Literal["accuracy", "balanced_accuracy", "auroc", "neg_mse"]
METRICS: tuple[Metric, ...] = ("accuracy", "balanced_accuracy", "auroc", "neg_mse")
WEIGHTED: tuple[Metric, ...] = ("accuracy", "neg_mse")  # means over rows, so that rows can weigh
MIN_ROWS = 20
MIN_CLASS_ROWS = 5
MIN_CLUSTERS = 8


@dataclass(frozen=True)
class Evidence:
    """The evidence of one split's rows on expert and baseline, by group.

    Attributes
    ----------
    metric : str
    n : (G,) rows
    baseline, expert : (G,) performance, higher is better; NaN where it is undefined
    judged : (G,) bool
    obstacle : (G,) str
        Why a group cannot be judged, "" where it can.
    spread : (G,)
        Standard deviation of the difference for one row, for planning.
    test : Difference
    table : (G, 4) int
        Rows both get right, only the expert, only the baseline, neither; −1 for regression.
    weight : (G,) or None
        Total weight of the rows, where rows are weighted.
    """

    metric: Metric
    n: NDArray[np.int64]
    baseline: Float
    expert: Float
    judged: NDArray[np.bool_]
    obstacle: tuple[str, ...]
    spread: Float
    test: Difference
    table: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 4), dtype=np.int64))
    weight: Float | None = None

    @property
    def mass(self) -> Float:
        """How much each group counts in a mean over groups (G,): its weight, else its rows."""
        return self.n.astype(np.float64) if self.weight is None else self.weight

    @property
    def difference(self) -> Float:
        """Expert minus baseline (G,)."""
        return self.expert - self.baseline


@dataclass(frozen=True)
class Answers:
    """One model's answers on m rows: labels (or values) and, for classes, the positive score."""

    label: NDArray[Any]
    score: Float | None = None


def evidence(
    y: NDArray[Any],
    expert: Answers,
    baseline: Answers,
    groups: NDArray[np.int64],
    n_groups: int,
    metric: Metric,
    clusters: NDArray[Any] | None = None,
    weight: Float | None = None,
) -> Evidence:
    """Compare two models on the same rows.

    Parameters
    ----------
    y : (m,) class codes or values
    groups : (m,) codes; negative codes are left out
    clusters : (m,) or None
        Rows of one cluster are not independent: accuracy and −MSE then use cluster totals.
    weight : (m,) or None
        Accuracy and −MSE are then weighted means; the other metrics count rows.

    Raises
    ------
    SpecError
        When the metric does not exist or needs scores that are not there.
    """
    if metric not in METRICS:
        raise SpecError(f"metric '{metric}' is not known; choose one of {', '.join(METRICS)}")
    if metric == "auroc" and (expert.score is None or baseline.score is None):
        raise SpecError("metric 'auroc' needs a binary outcome with scores; use 'accuracy'")
    keep = groups >= 0
    order = np.flatnonzero(keep)[np.argsort(groups[keep], kind="stable")]
    pair = _Pair(y[order], expert, baseline, order, groups[order], n_groups)
    comparison = _COMPARISONS[metric](pair)
    if metric not in WEIGHTED:
        return comparison
    each = None if weight is None or np.ptp(weight) == 0 else weight[order]
    if each is not None:
        comparison = _weighted(comparison, pair, each)
    return comparison if clusters is None else _by_cluster(comparison, pair, clusters[order], each)


class _Pair:
    """Rows of both models sorted by group."""

    def __init__(
        self,
        y: NDArray[Any],
        expert: Answers,
        baseline: Answers,
        order: NDArray[np.int64],
        groups: NDArray[np.int64],
        n_groups: int,
    ) -> None:
        self.y, self.groups, self.size = y, groups, n_groups
        self.e, self.b = expert.label[order], baseline.label[order]
        self.e_score = None if expert.score is None else expert.score[order]
        self.b_score = None if baseline.score is None else baseline.score[order]
        self.n = self.sum(np.ones(len(y)))
        self.bounds = np.r_[0, np.cumsum(self.n)].astype(np.int64)

    def sum(self, values: NDArray[Any]) -> Float:
        """Totals of row values by group (G,)."""
        totals = np.bincount(self.groups, weights=values, minlength=self.size)
        return totals.astype(np.float64)

    def right(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows the expert and the baseline get right."""
        return self.e == self.y, self.b == self.y

    def table(self) -> NDArray[np.int64]:
        """Both right, only the expert, only the baseline, neither (G, 4)."""
        e, b = self.right()
        cells = (e & b, e & ~b, ~e & b, ~e & ~b)
        return np.column_stack([self.sum(cell) for cell in cells]).astype(np.int64)

    def row_differences(self, metric: Metric) -> Float:
        """Expert minus baseline of every row, for metrics that are means over rows."""
        if metric == "accuracy":
            e, b = self.right()
            return e.astype(np.float64) - b
        return np.asarray((self.b - self.y) ** 2 - (self.e - self.y) ** 2, dtype=np.float64)


def _enough(n: Float) -> tuple[str, ...]:
    return tuple(
        ""
        if rows >= MIN_ROWS
        else f"{int(rows)} {'row is' if rows == 1 else 'rows are'} too few (at least {MIN_ROWS})"
        for rows in n
    )


def _ratio(total: Float, n: Float) -> Float:
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _accuracy(pair: _Pair) -> Evidence:
    table = pair.table()
    both, gains, losses = (table[:, j].astype(np.float64) for j in range(3))
    obstacle = _enough(pair.n)
    share = _ratio(gains + losses, pair.n)
    return Evidence(
        "accuracy",
        pair.n.astype(np.int64),
        _ratio(both + losses, pair.n),
        _ratio(both + gains, pair.n),
        np.array([o == "" for o in obstacle]),
        obstacle,
        np.sqrt(np.maximum(share - _ratio(gains - losses, pair.n) ** 2, 0)),
        PairedCounts(pair.n, gains, losses),
        table,
    )


def _class_obstacles(n: Float, by_class: Float) -> tuple[str, ...]:
    """Too few rows, one class only, or a class with too few rows; by_class (G, C)."""
    words = []
    for rows, counts in zip(_enough(n), by_class, strict=True):
        present = counts[counts > 0]
        if len(present) < 2 and len(present):
            words.append("its rows hold one class only")
        elif rows == "" and len(present) and present.min() < MIN_CLASS_ROWS:
            few = int(present.min())
            words.append(f"one class has {few} rows (at least {MIN_CLASS_ROWS})")
        else:
            words.append(rows)
    return tuple(words)


def _balanced_accuracy(pair: _Pair) -> Evidence:
    """Mean recall over classes; half a row is added to each cell (Agresti, Min 2005)."""
    classes, code = np.unique(pair.y, return_inverse=True)
    cells = pair.groups * len(classes) + code

    def by_class(mask: NDArray[np.bool_] | Float) -> Float:
        flat = np.bincount(cells, weights=mask, minlength=pair.size * len(classes))
        return flat.astype(np.float64).reshape(pair.size, len(classes))

    e, b = pair.right()
    n = by_class(np.ones(len(code)))  # (G, C)
    gains, losses = by_class(e & ~b), by_class(b & ~e)
    present = n > 0
    many = np.maximum(present.sum(1), 1)
    recall_e, recall_b = (
        np.where(present, by_class(r) / np.maximum(n, 1), 0).sum(1) / many for r in (e, b)
    )
    shift = (gains - losses) / (n + 2)
    variance = ((gains + losses + 1) / (n + 2) - shift**2) / (n + 2)
    obstacle = _class_obstacles(pair.n, n)
    judged = np.array([o == "" for o in obstacle])
    defined = present.sum(1) >= 2
    error = np.sqrt(np.where(present, variance, 0).sum(1)) / many
    fewest = np.where(present, n, np.inf).min(1, initial=np.inf)
    return Evidence(
        "balanced_accuracy",
        pair.n.astype(np.int64),
        np.where(defined, recall_b, np.nan),
        np.where(defined, recall_e, np.nan),
        judged,
        obstacle,
        error * np.sqrt(pair.n),
        StudentDifference(
            np.where(present, shift, 0).sum(1) / many,
            np.maximum(error, 1e-12),
            np.where(judged, fewest - 1, 1.0),
        ),
        pair.table(),
    )


def _placements(score: Float, positive: NDArray[np.bool_]) -> tuple[Float, Float]:
    """Share of negatives below each positive, and of positives above each negative.

    Equal scores count half. One sort: scores that are equal share a tier.
    """
    order = np.argsort(score)
    ordered = score[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    size = np.diff(np.r_[first, len(score)])
    positives = np.add.reduceat(positive[order].astype(np.float64), first)
    negatives = size - positives
    m, n = positives.sum(), negatives.sum()
    below = (np.cumsum(negatives) - negatives / 2) / n  # tiers
    above = 1 - (np.cumsum(positives) - positives / 2) / m
    tier = np.empty(len(score), dtype=np.int64)
    tier[order] = np.repeat(np.arange(len(first)), size)
    return below[tier[positive]], above[tier[~positive]]


def _delong(e: Float, b: Float, positive: NDArray[np.bool_]) -> tuple[float, float, float]:
    """AUROC of both models and the error of their difference (DeLong et al. 1988).

    The error is at least a quarter of 1/√(mn), the
    resolution of the ranks, so that two perfect models on few rows are not taken for certain.
    """
    e_pos, e_neg = _placements(e, positive)
    b_pos, b_neg = _placements(b, positive)
    m, n = len(e_pos), len(e_neg)
    variance = np.var(e_pos - b_pos, ddof=1) / m + np.var(e_neg - b_neg, ddof=1) / n
    error = float(np.sqrt(max(float(variance), 1 / (16 * m * n))))
    return float(e_pos.mean()), float(b_pos.mean()), error


def _auroc(pair: _Pair) -> Evidence:
    positive = pair.y == 1
    n_pos = pair.sum(positive)
    obstacle = _class_obstacles(pair.n, np.column_stack([n_pos, pair.n - n_pos]))
    values = np.full((pair.size, 3), np.nan)
    assert pair.e_score is not None
    assert pair.b_score is not None
    for g in range(pair.size):
        part = slice(pair.bounds[g], pair.bounds[g + 1])
        if min(n_pos[g], pair.n[g] - n_pos[g]) >= 2:
            values[g] = _delong(pair.e_score[part], pair.b_score[part], positive[part])
    expert, baseline, error = values.T
    return Evidence(
        "auroc",
        pair.n.astype(np.int64),
        baseline,
        expert,
        np.array([o == "" for o in obstacle]),
        obstacle,
        error * np.sqrt(pair.n),
        StudentDifference(
            expert - baseline, error, np.maximum(np.minimum(n_pos, pair.n - n_pos) - 1, 1)
        ),
        pair.table(),
    )


def _neg_mse(pair: _Pair) -> Evidence:
    squared_b = np.square(pair.b - pair.y)
    d = squared_b - np.square(pair.e - pair.y)
    n = np.maximum(pair.n, 1)
    mean = pair.sum(d) / n
    centred = d - mean[pair.groups]
    square = np.square(centred)
    sd = np.sqrt(pair.sum(square) / np.maximum(pair.n - 1, 1))
    skew = pair.sum(square * centred) / n / np.where(sd > 0, sd, 1.0) ** 3
    obstacle = _enough(pair.n)
    baseline = _ratio(-pair.sum(squared_b), pair.n)
    return Evidence(
        "neg_mse",
        pair.n.astype(np.int64),
        baseline,
        baseline + mean,
        np.array([o == "" for o in obstacle]),
        obstacle,
        sd,
        mean_of_differences(mean, np.maximum(sd, 1e-12), skew, np.maximum(pair.n, 2)),
        np.full((pair.size, 4), -1, dtype=np.int64),
    )


_COMPARISONS: dict[Metric, Callable[[_Pair], Evidence]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "auroc": _auroc,
    "neg_mse": _neg_mse,
}


def _weighted(found: Evidence, pair: _Pair, weight: Float) -> Evidence:
    """Weighted means, judged on an effective number of rows.

    Accuracy keeps its exact bounds, on the shares of the weight and on the smaller of Kish's
    number (Σw)²/Σw² and the one that gives the linearised variance (Korn and Graubard, Survey
    Methodology 24, 1998, 193–201); −MSE keeps Hall's and Student's, on weighted moments.
    """
    total = pair.sum(weight)
    rows = np.minimum(_ratio(total**2, pair.sum(weight**2)), np.maximum(pair.n, 1))
    rows = np.where(total > 0, rows, 0.0)

    def mean(values: NDArray[Any]) -> Float:
        return np.where(
            total > 0, pair.sum(weight * values) / np.where(total > 0, total, 1), np.nan
        )

    each = pair.row_differences(found.metric)
    shift = mean(each)
    centred = each - shift[pair.groups]
    spread = np.sqrt(np.maximum(mean(centred**2), 0))
    known = np.nan_to_num(shift), np.maximum(np.nan_to_num(spread), 1e-12)
    if found.metric == "accuracy":
        right = pair.right()
        expert, baseline = mean(right[0]), mean(right[1])
        rows = np.minimum(
            rows, _design_rows(pair, weight * np.nan_to_num(centred), total, known[1])
        )
        gains, losses = (np.nan_to_num(mean(right[i] & ~right[1 - i])) * rows for i in (0, 1))
        test: Difference = PairedCounts(rows, gains, losses)
    else:
        baseline = mean(-np.square(pair.b - pair.y))
        expert = baseline + shift
        skew = np.nan_to_num(mean(centred**3)) / known[1] ** 3
        test = mean_of_differences(*known, skew, np.maximum(rows, 2))
    spread = known[1] * np.sqrt(np.maximum(pair.n, 1) / np.maximum(rows, 1))
    means: dict[str, Any] = {"baseline": baseline, "expert": expert, "weight": total}
    return replace(found, **means, **_enough_left(found, rows), spread=spread, test=test)


def _design_rows(pair: _Pair, off: Float, total: Float, spread: Float) -> Float:
    """Rows (G,) that would give the linearised variance of a weighted mean.

    `off` (m,) are weighted distances from it, `spread` the standard deviation of one row.
    """
    error = pair.sum(off**2) / np.where(total > 0, total, 1) ** 2
    return np.where(error > 0, spread**2 / np.where(error > 0, error, 1), np.inf)


def _enough_left(found: Evidence, rows: Float) -> dict[str, Any]:
    """`judged` and `obstacle` on effective rows."""
    short = "its weights leave {:.0f} effective rows (at least {})"
    obstacle = tuple(
        o or ("" if r >= MIN_ROWS else short.format(r, MIN_ROWS))
        for o, r in zip(found.obstacle, rows, strict=True)
    )
    return {"judged": np.array([o == "" for o in obstacle]), "obstacle": obstacle}


def _by_cluster(
    found: Evidence, pair: _Pair, clusters: NDArray[Any], weight: Float | None
) -> Evidence:
    """The same estimates with errors from cluster totals (ratio estimator, t on clusters − 1).

    A bound is never tighter than that of independent rows: with few clusters their spread may
    come out as none at all.
    """
    _, code = np.unique(clusters, return_inverse=True)
    centred = pair.row_differences(found.metric) - np.nan_to_num(found.difference)[pair.groups]
    centred = centred if weight is None else centred * weight
    whole = pair.n if weight is None else pair.sum(weight)
    cells, inverse = np.unique(pair.groups * (code.max(initial=0) + 1) + code, return_inverse=True)
    home = cells // (code.max(initial=0) + 1)
    totals = np.bincount(inverse, weights=centred)
    k = np.bincount(home, minlength=pair.size).astype(np.float64)
    square = np.bincount(home, weights=totals**2, minlength=pair.size)
    error = np.sqrt(square * k / np.maximum(k - 1, 1)) / np.where(whole > 0, whole, 1)
    enough = k >= MIN_CLUSTERS
    over_clusters = StudentDifference(
        found.difference, np.maximum(error, 1e-12), np.maximum(k - 1, 1)
    )
    obstacle = tuple(
        o or ("" if ok else f"{int(c)} clusters are too few (at least {MIN_CLUSTERS})")
        for o, ok, c in zip(found.obstacle, enough, k, strict=True)
    )
    return replace(
        found,
        judged=found.judged & enough,
        obstacle=obstacle,
        spread=error * np.sqrt(pair.n),
        test=Strictest((found.test, over_clusters)),
    )
