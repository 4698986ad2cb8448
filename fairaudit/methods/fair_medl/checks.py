"""Warnings about a Fair MEDL fit that went wrong, so that nothing fails silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Float, Int
from fairaudit.stats.metric_definitions import CUT

WORSE = 1.1  # times the loss of guessing: an uninformative adversary
GUESSED = {
    "cluster": "the cluster",
    "fair fixed": "the sensitive attributes from the fixed effects",
    "fair mixed": "the sensitive attributes from the mixed effects",
}
_MORE = "train longer, or lower"
REMEDY = {
    "cluster": f"{_MORE} lambda_cluster",
    "fair fixed": f"{_MORE} lambda_fair_fixed, or use debias='rates'",
    "fair mixed": f"{_MORE} lambda_fair_mixed, or use debias='rates'",
}


def entropy_given(codes: Int, condition: NDArray[Any], weight: Float) -> float:
    """H(S | Y) in nats of the rows whose code is known: the loss of the best blind guess."""
    has_code = codes >= 0
    total = 0.0
    for value in np.unique(condition[has_code]):
        rows = has_code & (condition == value)
        counts = np.bincount(codes[rows], weight[rows])
        share = counts[counts > 0] / counts.sum()
        total += counts.sum() * float(-(share * np.log(share)).sum())
    return float(total / weight[has_code].sum()) if has_code.any() else 0.0


def collapsed(
    history: Mapping[str, list[float]], best: int, chance: Mapping[str, float]
) -> list[str]:
    """Warnings about adversaries that do worse than blind guessing in the model that was kept."""
    return [
        f"the adversary that guesses {GUESSED[name]} collapsed: its loss {abs(value):.3g} is "
        f"above that of blind guessing ({limit:.3g}), so its gradient says nothing; "
        f"{REMEDY[name]}"
        for name, limit in chance.items()
        if name in history
        for value in [history[name][min(best, len(history[name]) - 1)]]
        if abs(value) > WORSE * limit
    ]


def unjudged(blind: Sequence[str] | None, budget: float | None) -> list[str]:
    """A warning when a budget was set and no model of the path could be judged by it.

    blind are measures without a value for any model; None = there was no path.
    """
    if budget is None:
        return []
    if blind is None:
        return [
            "performance_budget had nothing to choose: no sensitive_features were given, so "
            "nothing was debiased"
        ]
    if not blind:
        return []
    return [
        f"performance_budget could not choose: {' and '.join(blind)} cannot be judged on the "
        "validation rows, so the model without debiasing was kept; give validation rows of "
        "both classes with at least 10 rows in two groups"
    ]


def constant(task: str, answer: Float, side: str = "mixed") -> list[str]:
    """A warning when all predictions of a side, answer (n,) or (n, C), are the same."""
    if float(np.ptp(np.atleast_2d(answer.T).T, axis=0).max()) > 1e-4:
        return []
    unit = "values" if task == "regression" else "probabilities"
    return [
        f"all predicted {unit} are the same ({side} effects): the model learnt nothing from the "
        "features; raise max_epochs or learning_rate, or lower the fairness weights"
    ]


def one_label(
    y: NDArray[np.generic], answer: Float, classes: Sequence[Any], side: str
) -> list[str]:
    """A warning when a side gives every row the same label while several classes occur.

    y (n,) are class codes, answer (n,) the probability of the second class or (n, C).
    """
    label = answer.argmax(1) if answer.ndim > 1 else (answer >= CUT).astype(np.int64)
    if len(np.unique(label)) > 1 or len(np.unique(y)) < 2:
        return []
    cut = f"at {CUT} every" if answer.ndim == 1 else "every"
    rest = f", or decide at threshold_ instead of {CUT}" if answer.ndim == 1 else ""
    return [
        f"{cut} row is given the label {classes[int(label[0])]} ({side} effects) although "
        f"{len(np.unique(y))} classes occur: such decisions are equal for all groups and of no "
        f"use; raise max_epochs or learning_rate, lower the fairness weights{rest}"
    ]


def same_for_all(
    task: str, y: NDArray[np.generic], answers: Mapping[str, Float], classes: Sequence[Any]
) -> list[str]:
    """Warnings about sides ("mixed", "fixed") that give all rows the same answer."""
    warnings: list[str] = []
    for side, answer in answers.items():
        flat = constant(task, answer, side)
        if not flat and task != "regression":
            flat = one_label(y, answer, classes, side)
        warnings += flat
    return warnings


def one_class(names: Sequence[str], cluster: Int, y: NDArray[np.generic], task: str) -> list[str]:
    """A warning that names clusters whose training rows all have one outcome."""
    if task == "regression" or not names:
        return []
    rows = cluster >= 0
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(low, cluster[rows], y[rows])
    np.maximum.at(high, cluster[rows], y[rows])
    uniform = [name for name, a, b in zip(names, low, high, strict=True) if a == b]
    if not uniform:
        return []
    examples = ", ".join(uniform[:5]) + (" and others" if len(uniform) > 5 else "")
    return [
        f"{len(uniform)} of {len(names)} clusters have training rows of one class only "
        f"({examples}); their effects follow the prior and their rates cannot be judged"
    ]
