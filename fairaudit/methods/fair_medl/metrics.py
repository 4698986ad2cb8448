"""Fair MEDL's own measures: spread of rates over groups, Youden's threshold, swapped attributes.

Source: Nguyen, Wang, Montillo, arXiv 2310.03146, section on metrics; population SD throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Float, Int

FEWEST = 10  # rows a rate needs to enter a spread


def auroc(y: NDArray[np.generic], score: Float) -> float:
    """Area under the ROC curve by midranks; NaN with one class."""
    positive = np.asarray(y) == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if n1 == 0 or n0 == 0:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((rank[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def youden_threshold(y: NDArray[np.generic], score: Float) -> float:
    """The score at which TPR − FPR is largest; predict positive at or above it."""
    order = np.argsort(-score, kind="stable")
    positive = (np.asarray(y)[order] == 1).astype(np.float64)
    tpr = np.cumsum(positive) / max(positive.sum(), 1)
    fpr = np.cumsum(1 - positive) / max((1 - positive).sum(), 1)
    last = np.append(np.diff(score[order]) != 0, True)  # ties are decided together
    return float(score[order][np.argmax(np.where(last, tpr - fpr, -np.inf))])


def group_rates(
    value: Float, about: NDArray[np.bool_], groups: Int, fewest: int = FEWEST
) -> Float:
    """Mean of `value` over the rows it is about, by group; groups with too few rows left out."""
    rows = about & (groups >= 0)
    count = np.bincount(groups[rows])
    total = np.bincount(groups[rows], weights=value[rows])
    enough_rows = count >= max(fewest, 1)
    return np.asarray(total[enough_rows] / count[enough_rows])


def spread_of_rates(
    y: NDArray[Any],
    label: NDArray[Any],
    groups: Int,
    *,
    task: str = "binary",
    target: str = "equalized_odds",
    fewest: int = FEWEST,
) -> dict[str, float]:
    """Population SD over groups of what the fairness target equalises.

    Parameters
    ----------
    y : (n,) class codes or values
    label : (n,) predicted codes or values
    groups : (n,) group codes, −1 = not judged
    task, target
        Equalized odds: `tpr` and `fpr` (multiclass: mean over the classes), or `mse`;
        demographic parity: `rate` (positive rate, mean prediction).
    fewest : rows a group needs in a rate; 0 or 1 group left gives NaN.

    Returns
    -------
    dict of rate name to SD
    """
    spreads = {
        name: [_sd(group_rates(value, rows, groups, fewest)) for value, rows in each]
        for name, each in equalised(y, label, task=task, target=target).items()
    }
    return {name: _mean_without_gaps(values) for name, values in spreads.items()}


def equalised(
    y: NDArray[Any], label: NDArray[Any], *, task: str, target: str
) -> dict[str, list[tuple[Float, NDArray[np.bool_]]]]:
    """What the fairness target equalises: by rate name a value (n,) and the rows it is about.

    One pair a class where there are several.
    """
    all_rows = np.ones(len(y), dtype=bool)
    if task == "regression":
        if target == "demographic_parity":
            return {"rate": [(np.asarray(label, dtype=np.float64), all_rows)]}
        return {"mse": [(np.square(label - y).astype(np.float64), all_rows)]}
    classes = [1] if task == "binary" else range(int(max(y.max(), label.max())) + 1)
    rates: dict[str, list[tuple[Float, NDArray[np.bool_]]]] = {}
    for c in classes:
        hit = (label == c).astype(np.float64)
        about = {"rate": all_rows} if target == "demographic_parity" else _rows_by_truth(y == c)
        for name, rows in about.items():
            rates.setdefault(name, []).append((hit, rows))
    return rates


def _rows_by_truth(positive: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    return {"tpr": positive, "fpr": ~positive}


def _sd(rates: Float) -> float:
    return float(np.std(rates)) if len(rates) > 1 else float("nan")


def _mean_without_gaps(values: Sequence[float]) -> float:
    present = [v for v in values if not np.isnan(v)]
    return float(np.mean(present)) if present else float("nan")


def mean_spread(
    y: NDArray[np.generic],
    answer: Float,
    groups: Int,
    *,
    task: str,
    target: str,
    threshold: float = 0.5,
    fewest: int = FEWEST,
) -> float:
    """One number: the spreads of `spread_of_rates`, averaged over rates and attributes (n, A)."""
    label = decide(task, answer, threshold)
    return _mean_without_gaps(
        [
            value
            for column in groups.T
            for value in spread_of_rates(
                y, label, column, task=task, target=target, fewest=fewest
            ).values()
        ]
    )


def decide(task: str, answer: Float, threshold: float = 0.5) -> NDArray[np.generic]:
    """Labels from answers (n,) or (n, C)."""
    if task == "binary":
        return np.asarray(answer >= threshold).astype(np.int64)
    return answer if task == "regression" else answer.argmax(1)


def counterfactual_change(
    predict: Callable[[Float], Float],
    X: Float,
    columns: Sequence[int],
    alternatives: Sequence[Sequence[float]],
) -> float:
    """Mean |f(x, s) − f(x, s')| with the attribute's columns swapped and the rest fixed.

    Parameters
    ----------
    predict : (n, p) → (n,) or (n, C)
    columns : places of the columns that encode the attribute
    alternatives : the values those columns take, one tuple a level; averaged over all s' ≠ s

    Returns
    -------
    float
        0 when the prediction does not depend on the attribute.
    """
    base = predict(X)
    total, count = 0.0, 0
    for values in alternatives:
        swapped = X.copy()
        swapped[:, list(columns)] = values
        moved = ~np.isclose(swapped[:, list(columns)], X[:, list(columns)]).all(1)
        change = np.abs(predict(swapped) - base).reshape(len(X), -1).mean(1)
        total += float(change[moved].sum())
        count += int(moved.sum())
    return total / count if count else 0.0


def performance(task: str, y: NDArray[Any], answer: Float) -> float:
    """AUROC (multiclass: macro, one against the rest) or mean squared error."""
    if task == "regression":
        return float(np.mean(np.square(answer - y)))
    if task == "binary":
        return auroc(y, answer)
    each = [auroc((np.asarray(y) == c).astype(int), answer[:, c]) for c in range(answer.shape[1])]
    return _mean_without_gaps(each)
