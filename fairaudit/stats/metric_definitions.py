"""What each metric is: formulas on (..., 2, 2) counts [truth, answer]; undefined is NaN, never 0.

Names and definitions are Fairlearn's and scikit-learn's; where those return 0 for an empty
denominator, these return NaN.

To add a metric, list it here with its direction (`LOWER_IS_BETTER`) and name it in
`fairaudit/text/metric_words.py`. What else it needs depends on its kind:

- a rate (`RATES`): nothing;
- another metric of counts: its formula in `_COMPOSITE`, its rows in `denominator`, its interval in
  `fairaudit/audit/metrics/binary.py`;
- a metric of numeric outcomes: its rows' influence in `fairaudit/audit/metrics/regression.py`;
- a metric of scores: the same in `fairaudit/audit/metrics/scores.py` or `multiclass.py`, and its
  name where `fairaudit/audit/evaluate.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Cell = tuple[int, int]  # (truth, answer)

TN, FP, FN, TP = (0, 0), (0, 1), (1, 0), (1, 1)

# a rate is (cells of the numerator, cells of the denominator)
RATES: dict[str, tuple[tuple[Cell, ...], tuple[Cell, ...]]] = {
    "selection_rate": ((TP, FP), (TN, FP, FN, TP)),
    "base_rate": ((TP, FN), (TN, FP, FN, TP)),
    "tpr": ((TP,), (TP, FN)),
    "fpr": ((FP,), (FP, TN)),
    "tnr": ((TN,), (FP, TN)),
    "fnr": ((FN,), (TP, FN)),
    "ppv": ((TP,), (TP, FP)),
    "npv": ((TN,), (TN, FN)),
    "fdr": ((FP,), (TP, FP)),
    "for": ((FN,), (TN, FN)),
    "accuracy": ((TP, TN), (TN, FP, FN, TP)),
    "error_rate": ((FP, FN), (TN, FP, FN, TP)),
}
JACCARD: tuple[tuple[Cell, ...], tuple[Cell, ...]] = ((TP,), (TP, FP, FN))
CUT = 0.5  # a probability at or above it counts as the positive class
COMPOSITES = ("balanced_accuracy", "f1", "mcc")
SCORES = ("auroc", "auprc", "brier", "ece")
DECISIONS = ("selection_rate", "mean_score", "mean_prediction")  # need no outcome
REGRESSION = ("mse", "mae", "r2", "mean_error", "error_p50", "error_p90")
# gaps with a name of their own, and the rates they are made of (the widest gap of them counts)
FAMILIES: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("tpr", "fpr"),
    "predictive_parity": ("ppv",),
}
GAP_METRICS = tuple(FAMILIES)

BINARY = (*RATES, *COMPOSITES)
LOWER_IS_BETTER = frozenset(
    {"fpr", "fnr", "fdr", "for", "error_rate", "brier", "ece",
     "mse", "mae", "error_p50", "error_p90"}
)  # fmt: skip
# what is shown first, by what the positive class means for the person: whom it hurts decides
LEADING: Mapping[str, tuple[str, ...]] = {
    "good": ("tpr", "selection_rate", "fpr", "accuracy"),
    "bad": ("fpr", "selection_rate", "fnr", "accuracy"),
    "neutral": ("error_rate", "fpr", "fnr", "selection_rate"),
}


def first_metrics(meaning: str, *, known: bool, task: str) -> tuple[str, ...]:
    """The metrics to show, the most important first.

    Parameters
    ----------
    meaning : "good", "bad" or "neutral": what the positive class means for the person
    known : whether an outcome is known; without one nothing is right or wrong
    task : "binary", "multiclass" or "regression"
    """
    if task == "regression":
        return ("mean_error", "mae", "mse") if known else ("mean_prediction",)
    if not known:
        return ("selection_rate", "mean_score")
    return LEADING[meaning] if task == "binary" else ("error_rate", "balanced_accuracy")


def base_name(metric: str) -> str:
    """The metric without the class it is about: "tpr [cat]" → "tpr"."""
    return metric.partition(" [")[0]


def higher_is_better(metric: str) -> bool:
    """Whether more is better; selection counts as favourable."""
    return base_name(metric) not in LOWER_IS_BETTER


def part(cells: Float, chosen: tuple[Cell, ...]) -> Float:
    """Sum (...,) of the chosen cells of (..., 2, 2)."""
    total: Float = np.zeros(cells.shape[:-2])
    for truth, answer in chosen:
        total += cells[..., truth, answer]
    return np.asarray(total)


def ratio(numerator: Float, denominator: Float) -> Float:
    """Quotient of two sums of cells, NaN where the denominator is 0."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    empty = np.full(shape, np.nan)
    return np.asarray(
        np.divide(numerator, denominator, out=empty, where=np.asarray(denominator) > 0)
    )


def rate(cells: Float, metric: str) -> Float:
    """One of `RATES`."""
    over, under = RATES[metric]
    return ratio(part(cells, over), part(cells, under))


def balanced_accuracy(cells: Float) -> Float:
    """Mean of the true-positive and the true-negative rate."""
    return 0.5 * (rate(cells, "tpr") + rate(cells, "tnr"))


def f1(cells: Float) -> Float:
    """2 TP / (2 TP + FP + FN)."""
    hit = 2 * cells[..., 1, 1]
    return ratio(hit, hit + cells[..., 0, 1] + cells[..., 1, 0])


def mcc(cells: Float) -> Float:
    """Matthews correlation; undefined when truth or answer has one class only."""
    tn, fp, fn, tp = cells[..., 0, 0], cells[..., 0, 1], cells[..., 1, 0], cells[..., 1, 1]
    # square roots before the product: counts of a billion rows would overflow precision
    scale = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return np.asarray(np.clip(ratio(tp * tn - fp * fn, scale), -1.0, 1.0))


_COMPOSITE: dict[str, Callable[[Float], Float]] = {
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "mcc": mcc,
}


def value(cells: Float, metric: str) -> Float:
    """Any count-based binary metric of (..., 2, 2) counts."""
    if metric in RATES:
        return rate(cells, metric)
    return _COMPOSITE[metric](cells)


def denominator(cells: Float, metric: str) -> Float:
    """Number of rows in the metric's denominator: for composites the smallest of its parts."""
    if metric in RATES:
        return part(cells, RATES[metric][1])
    if metric == "f1":
        return part(cells, (TP, FP, FN))
    positives, negatives = part(cells, (TP, FN)), part(cells, (FP, TN))
    if metric == "balanced_accuracy":
        return np.minimum(positives, negatives)
    answers = np.minimum(part(cells, (TP, FP)), part(cells, (FN, TN)))
    return np.minimum(np.minimum(positives, negatives), answers)


# -- how a value changes with its counts ----------------------------------------------------------


def slope(cells: Float, metric: str) -> Float:
    """Derivative (..., 2, 2) of `value` by each count: the influence of one more row in a cell.

    Values do not change when all counts grow alike, so counts times slopes sum to 0.
    """
    if metric in RATES:
        return quotient_slope(cells, *RATES[metric])
    if metric == "balanced_accuracy":
        return 0.5 * (slope(cells, "tpr") + slope(cells, "tnr"))
    if metric == "f1":  # 2J / (1 + J) of the Jaccard share J
        share = ratio(part(cells, JACCARD[0]), part(cells, JACCARD[1]))
        return quotient_slope(cells, *JACCARD) * (2 / (1 + share) ** 2)[..., None, None]
    return mcc_slope(cells)


def quotient_slope(cells: Float, over: tuple[Cell, ...], under: tuple[Cell, ...]) -> Float:
    """Derivative of the sum of some cells over that of others."""
    total = part(cells, under)
    share = ratio(part(cells, over), total)
    out = np.zeros(cells.shape)
    for truth, answer in under:
        out[..., truth, answer] -= share
    for truth, answer in over:
        out[..., truth, answer] += 1.0
    return ratio(out, total[..., None, None])


def mcc_slope(cells: Float) -> Float:
    """Derivative (..., C, C) of Matthews' correlation N / √(A B) of C classes.

    N = n Σ_k c_kk − Σ_k t_k p_k, A = n² − Σ p_k², B = n² − Σ t_k², with totals t of the truth
    and p of the answers (Gorodkin 2004).
    """
    n, right = cells.sum((-1, -2)), np.trace(cells, axis1=-2, axis2=-1)
    truth, answer = cells.sum(-1), cells.sum(-2)
    together = right * n - (truth * answer).sum(-1)
    A, B = n**2 - (answer**2).sum(-1), n**2 - (truth**2).sum(-1)
    scale = np.sqrt(np.maximum(A, 0.0)) * np.sqrt(np.maximum(B, 0.0))
    up = np.eye(cells.shape[-1]) * n[..., None, None] + right[..., None, None]
    up = up - answer[..., :, None] - truth[..., None, :]
    log_scale = (
        ratio(n[..., None] - answer, A[..., None])[..., None, :]
        + ratio(n[..., None] - truth, B[..., None])[..., :, None]
    )
    value_ = ratio(together, scale)[..., None, None]
    return ratio(up, scale[..., None, None]) - value_ * log_scale
