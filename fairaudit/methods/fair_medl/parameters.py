"""The parameters of Fair MEDL: their defaults and ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator

from fairaudit.exceptions import SpecError

PATH = (0.0, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)
CHOICES = {
    "debias": ("adversarial", "rates", "correlation", None),
    "fairness_target": ("equalized_odds", "demographic_parity"),
    "pull_at": ("half", "base_rate", "both"),
    "slopes": ("inputs", "hidden", "none"),
    "unseen": ("inferred", "fixed"),
    "cluster_penalty": ("adversarial", "between_variance"),
    "task": ("auto", "binary", "multiclass", "regression"),
    "random_effects": (True, False),
    "cluster_adversary": (True, False),
}


def _number(value: Any, least: float = 0.0) -> bool:
    return isinstance(value, Real) and least <= float(value) < math.inf


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def _each(values: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(values, Sequence | np.ndarray) and all(fits(v) for v in values)


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **{
        f"lambda_{name}": (_number, "a number of 0 or more")
        for name in ("fixed", "cluster", "kl", "fair_fixed", "fair_mixed")
    },
    "hidden_sizes": (lambda v: _each(v, _whole), "a tuple of whole numbers of 1 or more"),
    "path": (lambda v: _each(v, _number), "a sequence of numbers of 0 or more"),
    "learning_rate": (_positive, "a positive number"),
    "sharpness": (_positive, "a positive number"),
    "max_epochs": (_whole, "a whole number of 1 or more"),
    "batch_size": (_whole, "a whole number of 1 or more"),
    "patience": (lambda v: v is None or _whole(v), "a whole number of 1 or more, or None"),
    "prior_scale": (lambda v: v is None or _positive(v), "a positive number or None"),
    "performance_budget": (lambda v: v is None or _number(v), "a number of 0 or more, or None"),
    "validation_fraction": (lambda v: _number(v) and v < 1, "at least 0 and below 1"),
}


class Parameters(BaseEstimator):  # type: ignore[misc]
    """The constructor of `FairMEDL`, whose docstring explains each parameter."""

    def __init__(
        self,
        hidden_sizes: tuple[int, ...] = (4, 4, 4),
        *,
        lambda_fixed: float = 1.0,
        lambda_cluster: float = 1.0,
        lambda_kl: float = 1.0,
        lambda_fair_fixed: float = 1.0,
        lambda_fair_mixed: float = 1.0,
        debias: Literal["adversarial", "rates", "correlation"] | None = "adversarial",
        fairness_target: Literal["equalized_odds", "demographic_parity"] = "equalized_odds",
        sharpness: float = 4.0,
        pull_at: Literal["half", "base_rate", "both"] = "half",
        performance_budget: float | None = None,
        path: Sequence[float] = PATH,
        random_effects: bool = True,
        cluster_adversary: bool = True,
        cluster_penalty: Literal["adversarial", "between_variance"] = "between_variance",
        slopes: Literal["inputs", "hidden", "none"] = "inputs",
        prior_scale: float | None = None,
        unseen: Literal["inferred", "fixed"] = "inferred",
        task: Literal["auto", "binary", "multiclass", "regression"] = "auto",
        learning_rate: float = 1e-3,
        max_epochs: int = 50,
        batch_size: int = 256,
        patience: int | None = 10,
        validation_fraction: float = 0.2,
        confidence: float = 0.95,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.hidden_sizes = hidden_sizes
        self.lambda_fixed = lambda_fixed
        self.lambda_cluster = lambda_cluster
        self.lambda_kl = lambda_kl
        self.lambda_fair_fixed = lambda_fair_fixed
        self.lambda_fair_mixed = lambda_fair_mixed
        self.debias = debias
        self.fairness_target = fairness_target
        self.sharpness = sharpness
        self.pull_at = pull_at
        self.performance_budget = performance_budget
        self.path = path
        self.random_effects = random_effects
        self.cluster_adversary = cluster_adversary
        self.cluster_penalty = cluster_penalty
        self.slopes = slopes
        self.prior_scale = prior_scale
        self.unseen = unseen
        self.task = task
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.confidence = confidence
        self.random_state = random_state
        self.device = device


def check_params(m: Parameters) -> None:
    """Every impossible parameter is named.

    Raises
    ------
    SpecError
        With the parameter and the values that are possible.
    """
    for name, allowed in CHOICES.items():
        value = getattr(m, name)
        if value not in allowed:
            raise SpecError(f"{name}={value!r} is not known; choose one of {allowed}")
    for name, (fits, expected) in RANGES.items():
        value = getattr(m, name)
        if not fits(value):
            raise SpecError(f"{name}={value!r} must be {expected}")
    if m.performance_budget is not None and m.debias is None:
        raise SpecError(
            "performance_budget needs a debias form; choose debias='rates' or drop the budget"
        )
