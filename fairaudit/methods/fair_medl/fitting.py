"""The steps of one Fair MEDL fit: encode, train the path, choose, and warn of problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import Float, Int
from fairaudit.inputs.features import read_features
from fairaudit.inputs.read import read_columns, read_numbers
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.target import class_codes, read_target
from fairaudit.inputs.validation import PARTS, in_validation, read_validation
from fairaudit.methods.common.design import check_table, checked_y
from fairaudit.methods.common.parameters import shared
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.training import pick_device
from fairaudit.methods.fair_medl import tables
from fairaudit.methods.fair_medl.checks import (
    collapsed,
    entropy_given,
    one_class,
    same_for_all,
    unjudged,
)
from fairaudit.methods.fair_medl.inputs import (
    FeatureScale,
    Sensitive,
    Task,
    checked_target,
    cluster_codes,
    cluster_labels,
    encode_sensitive,
    fit_attributes,
    infer_task,
    target_numbers,
)
from fairaudit.methods.fair_medl.networks import CANDIDATES, FULL
from fairaudit.methods.fair_medl.parameters import Parameters, check_params
from fairaudit.methods.fair_medl.parts import Plan
from fairaudit.methods.fair_medl.path import ScoringRows, choose, threshold_of
from fairaudit.methods.fair_medl.training import (
    EncodedRows,
    Trained,
    batch_of,
    train_effects,
    train_predictor,
)
from fairaudit.methods.fair_medl.weights import (
    Predictor,
    Weights,
    fixed_answer,
    link,
    moments,
)
from fairaudit.methods.tables import Frame

ENOUGH = 100  # training rows from which on some are held out


@dataclass(frozen=True)
class FittedPath:
    """The attributes that a fit sets on the estimator."""

    weights: tuple[Weights, ...]
    chosen: int
    lams: tuple[float, ...]
    thresholds: tuple[float, ...]
    path: Frame
    history: Frame
    warnings: list[str]
    n_iter: int


@dataclass
class Job:
    """One fit of one estimator; what is learnt about the inputs is stored on it."""

    model: Parameters
    seed: int
    monitor: Monitor | None

    def learn(
        self, X: Any, y: Any, sensitive: Any, clusters: Any, sample_weight: Any
    ) -> EncodedRows:
        """Check parameters and inputs, learn the encoding, encode the training rows."""
        m = self.model
        check_params(m)
        same_rows(
            X=X,
            y=y,
            sensitive_features=sensitive,
            clusters=clusters,
            sample_weight=sample_weight,
        )
        y = y if y is None else checked_target(y)
        X, y = validate_data(m, read_features(X), y, dtype=np.float64, y_numeric=False)
        weight, n = _checked_weights(sample_weight, X), len(y)
        used = weight > 0  # others have no information, and a batch of them alone has no mean
        names = None if clusters is None else cluster_labels(clusters, n)[used]
        m._attributes = ()
        if sensitive is not None:
            sensitive = read_columns(sensitive, "sensitive_features", n)
            m._attributes = fit_attributes(sensitive, used)
            sensitive = sensitive.take(used)
        X, y, weight = X[used], y[used], weight[used]
        m._scale = FeatureScale.fit(X, weight)
        m._kind = learn_target(m, y, weight)
        m.clusters_ = learn_clusters(names)
        return self.encode(m._scale.apply(X), y, sensitive, names, weight)

    def encode(
        self, X: Float, y: NDArray[Any], sensitive: Any, clusters: Any, weight: Float
    ) -> EncodedRows:
        """Rows as numbers, by the learnt encoding."""
        m, n = self.model, len(y)
        blank = (n, len(m._attributes))  # rows without attributes: all missing
        encoded = Sensitive(np.full(blank, -1, dtype=np.int64), np.zeros(blank))
        if m._attributes and sensitive is not None:
            encoded = encode_sensitive(m._attributes, sensitive, n)
        return EncodedRows(X, target_codes(m, y), codes(m, clusters, n), weight, encoded)

    def train(self, data: EncodedRows, validation: tuple[Any, ...] | None) -> FittedPath:
        """Train the whole path, choose within the budget, describe."""
        m = self.model
        data, heldout = self._held_out(data, validation)
        plan = plan_of(m)
        device = pick_device(m.device)
        chance = self._blind_losses(plan, data)
        batch = batch_of(data, m._attributes, device)
        trained = train_effects(
            plan,
            batch,
            None if heldout is None else batch_of(heldout, m._attributes, device),
            chance=sum(v for k, v in chance.items() if k == "fair fixed"),
            batch_size=m.batch_size,
            max_epochs=m.max_epochs,
            patience=m.patience,
            seed=self.seed,
            device=device,
            monitor=self.monitor,
        )
        predictor, losses = self._predictor(plan, batch, device)
        weights = tuple(w.with_predictor(predictor) for w in trained.weights)
        fit = self._describe(plan, weights, trained, data, heldout, chance)
        return replace(fit, history=tables.with_predictor(fit.history, losses))

    def _held_out(
        self, data: EncodedRows, validation: tuple[Any, ...] | None
    ) -> tuple[EncodedRows, EncodedRows | None]:
        m, n = self.model, len(data.y)
        if validation is not None:
            return data, self._validation_rows(validation)
        if n < ENOUGH or m.validation_fraction <= 0:
            return data, None
        order = np.random.default_rng(self.seed).permutation(n)
        order = order[np.argsort(data.y[order], kind="stable")]  # every 1/share-th row by outcome
        heldout = np.zeros(n, dtype=bool)
        heldout[order[np.arange(0, n, 1 / m.validation_fraction).astype(np.int64)]] = True
        return _rows_where(data, ~heldout), _rows_where(data, heldout)

    def _validation_rows(self, validation: tuple[Any, ...]) -> EncodedRows:
        """The validation rows that the user gave."""
        rows = read_validation(validation, (*PARTS, "clusters"))
        with in_validation():
            X = features(self.model, rows.X)
            y = checked_y(checked_target(rows.y), len(X))
            optional = rows.sensitive_features, rows.clusters
            return self.encode(X, y, *optional, np.ones(len(X)))

    def _blind_losses(self, plan: Plan, data: EncodedRows) -> dict[str, float]:
        """Losses of blind guessing, by part of the history."""
        losses: dict[str, float] = {}
        if plan.cluster_adversary:
            alike = np.zeros(len(data.y))
            blind = entropy_given(data.cluster, alike, data.weight)
            losses["cluster"] = blind if plan.n_clusters <= FULL else float(np.log1p(CANDIDATES))
        if plan.debias == "adversarial":
            condition = (
                data.y if plan.fairness_target == "equalized_odds" else np.zeros(len(data.y))
            )
            condition = condition if plan.task != "regression" else np.zeros(len(data.y))
            limit = sum(
                0.5 if a.continuous else entropy_given(codes, condition, data.weight)
                for a, codes in zip(self.model._attributes, data.sensitive.codes.T, strict=True)
            )
            losses |= {f"fair {side}": float(limit) for side in plan.sides}
        return losses

    def _predictor(
        self, plan: Plan, batch: Any, device: torch.device
    ) -> tuple[Predictor | None, list[float]]:
        """The cluster predictor, where one is needed, and its losses by epoch."""
        m = self.model
        if not plan.random_effects or m.unseen == "fixed":
            return None, []
        layers, head, losses = train_predictor(
            batch.x,
            batch.cluster,
            plan.n_clusters,
            learning_rate=m.learning_rate,
            batch_size=m.batch_size,
            max_epochs=m.max_epochs,
            seed=self.seed,
            device=device,
            monitor=self.monitor,
        )
        return Predictor(layers, head), losses

    def _describe(
        self,
        plan: Plan,
        weights: tuple[Weights, ...],
        trained: Trained,
        data: EncodedRows,
        heldout: EncodedRows | None,
        chance: Mapping[str, float],
    ) -> FittedPath:
        m = self.model
        answers = [_mixed_answer(w, data, m.unseen) for w in weights]
        cuts = tuple(threshold_of(plan.task, data.y, a) for a in answers)
        chosen, path = self._choose(plan, weights, heldout or data, cuts)
        curves = trained.history[chosen]
        scoring, names = heldout or data, list(getattr(m, "classes_", ()))
        warnings = [
            *collapsed(curves, trained.best_epoch[chosen], chance),
            *same_for_all(
                plan.task, scoring.y, self._answers_by_side(plan, weights[chosen], scoring), names
            ),
            *one_class(list(m.clusters_), data.cluster, data.y, plan.task),
            *unjudged(tables.blind_measures(path), m.performance_budget),
        ]
        return FittedPath(
            weights,
            chosen,
            plan.path,
            cuts,
            path,
            tables.history(curves),
            warnings,
            len(curves["total"]),
        )

    def _answers_by_side(
        self, plan: Plan, weights: Weights, data: EncodedRows
    ) -> dict[str, Float]:
        """Answers of the mixed and, where they differ, of the fixed effects."""
        answers = {"mixed": _mixed_answer(weights, data, self.model.unseen)}
        if plan.random_effects:
            fixed = fixed_answer(weights, data.X)
            answers["fixed"] = fixed if fixed.shape[1] > 1 else fixed[:, 0]
        return answers

    def _choose(
        self,
        plan: Plan,
        weights: tuple[Weights, ...],
        heldout: EncodedRows,
        cuts: tuple[float, ...],
    ) -> tuple[int, Frame]:
        m = self.model
        if not m._attributes or m.performance_budget is None:
            return 0, tables.empty_path()
        truth = heldout.y * m._y_scale + m._y_mean  # in the units of y
        unit = heldout.cluster if len(np.unique(heldout.cluster)) > 1 else None
        scoring = ScoringRows(
            truth, heldout.sensitive.codes, plan.task, plan.fairness_target, unit
        )
        answers = [_mixed_answer(w, heldout, m.unseen) * m._y_scale + m._y_mean for w in weights]
        scores = [scoring.score(a, c) for a, c in zip(answers, cuts, strict=True)]
        chosen = choose(scores, m.performance_budget)
        return chosen, tables.path_table(
            plan.path,
            answers,
            cuts,
            scoring,
            split="validation",
            chosen=chosen,
            confidence=m.confidence,
            seed=self.seed,
        )


def _mixed_answer(weights: Weights, data: EncodedRows, unseen: str) -> Float:
    raw, shift, _ = moments(weights, data.X, data.cluster, unseen)
    answer = link(weights.task, raw + shift)
    return answer if answer.shape[1] > 1 else answer[:, 0]


def _rows_where(data: EncodedRows, rows: NDArray[np.bool_]) -> EncodedRows:
    sensitive = Sensitive(data.sensitive.codes[rows], data.sensitive.values[rows])
    return replace(
        data,
        X=data.X[rows],
        y=data.y[rows],
        cluster=data.cluster[rows],
        weight=data.weight[rows],
        sensitive=sensitive,
    )


def plan_of(m: Parameters) -> Plan:
    """The parameters, with what the learnt inputs switch off or decide."""
    base = float(np.log(m._positive / (1 - m._positive))) if m._kind == "binary" else 0.0
    clustered, has_attributes = len(m.clusters_) > 0, len(m._attributes) > 0
    debias, separated = m.debias if has_attributes else None, m.cluster_adversary and clustered
    path: tuple[float, ...] = (1.0,)
    if m.performance_budget is not None and debias is not None:
        path = tuple(sorted({0.0, *(float(v) for v in m.path)}))
    learnt = {
        "task": m._kind,
        "debias": debias,
        "hidden_sizes": tuple(int(v) for v in m.hidden_sizes),
        "outputs": len(m.classes_) if m._kind == "multiclass" else 1,
        "random_effects": m.random_effects and clustered,
        "cluster_adversary": separated and m.cluster_penalty == "adversarial",
        "between_variance": separated and m.cluster_penalty == "between_variance",
        "levels": tuple(0 if a.continuous else len(a.levels) for a in m._attributes),
        "n_clusters": len(m.clusters_),
        "cuts": {"half": (0.0,), "base_rate": (base,), "both": (0.0, base)}[m.pull_at],
        "path": path,
    }
    return Plan(**{**shared(Plan, m.get_params()), **learnt})


def learn_target(m: Parameters, y: NDArray[Any], weight: Float) -> Task:
    """Task, classes, and the target's centre and scale.

    Raises
    ------
    InputError
        When y does not fit the task.
    """
    kind: Task = infer_task(y) if m.task == "auto" else m.task
    m._y_mean, m._y_scale = 0.0, 1.0
    if kind == "regression":
        y = target_numbers(y)
        m._y_mean = float(np.average(y, weights=weight))
        m._y_scale = float(np.sqrt(np.average((y - m._y_mean) ** 2, weights=weight))) or 1.0
        return kind
    check_classification_targets(y)
    m.classes_ = np.unique(y)
    if len(m.classes_) < 2:
        raise InputError("y holds 1 class; a classifier needs weighted rows of at least 2 classes")
    if kind == "binary" and len(m.classes_) > 2:
        raise InputError(
            f"y holds {len(m.classes_)} classes and task='binary' takes 2. Only binary "
            "classification is supported. The type of the target is multiclass."
        )
    m._positive = float(np.average(y == m.classes_[1], weights=weight))
    return "binary" if len(m.classes_) == 2 else "multiclass"


def target_codes(m: Parameters, y: NDArray[Any]) -> Float:
    """Class codes, or standardised values.

    Raises
    ------
    InputError
        When a label was not in the training rows.
    """
    if m._kind == "regression":
        return np.asarray((target_numbers(y) - m._y_mean) / m._y_scale)
    return class_codes(y, m.classes_).astype(np.float64)


def learn_clusters(names: NDArray[np.str_] | None) -> NDArray[np.str_]:
    """Distinct clusters, none without clusters; rows without a name form their own.

    Raises
    ------
    SpecError
        When there is one cluster only.
    """
    distinct = np.array([] if names is None else np.unique(names), dtype=np.str_)
    if len(distinct) == 1:
        raise SpecError(
            "clusters holds 1 distinct value; Fair MEDL needs at least 2 clusters; leave "
            "clusters out for a plain network"
        )
    return distinct


def _checked_weights(sample_weight: Any, X: Float) -> Float:
    """Row weights (n,), ones where none are given.

    Raises
    ------
    InputError
        When one is negative.
    """
    if sample_weight is not None:
        sample_weight = read_numbers(sample_weight, "sample_weight", len(X))
    weight: Float = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if weight.min() < 0:
        raise InputError("sample_weight holds negative values; pass weights of 0 and more")
    return weight


def features(m: Parameters, X: Any) -> Float:
    """Checked and standardised inputs (n, p)."""
    scaled: Float = m._scale.apply(check_table(m, X, reset=False))
    return scaled


def codes(m: Parameters, clusters: Any, n: int) -> Int:
    """Cluster codes (n,), −1 = never seen."""
    return cluster_codes(tuple(m.clusters_.tolist()), clusters, n)


def score(m: Parameters, predicted: NDArray[Any], y: Any, sample_weight: Any) -> float:
    """Accuracy, or R²."""
    y = read_target(y)
    weight = (
        None if sample_weight is None else read_numbers(sample_weight, "sample_weight", len(y))
    )
    if m._kind != "regression":
        return float(accuracy_score(y, predicted, sample_weight=weight))
    residual = np.average((y - predicted) ** 2, weights=weight)
    total = np.average((y - np.average(y, weights=weight)) ** 2, weights=weight)
    return float(1 - residual / total) if total > 0 else 0.0
