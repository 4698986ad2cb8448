"""Predictions of a fitted ROME: values, classes, membership, responsibilities, losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.target import class_codes, read_target
from fairaudit.methods.common.design import check_table, checked_y, numbers_of
from fairaudit.methods.rome.answers import Mixture, log_total
from fairaudit.methods.rome.combine import TINY, Robust, mixed, row_loss, tilted
from fairaudit.methods.rome.design import Float, SensitivePart, raw_design
from fairaudit.methods.rome.scoring import Scoring
from fairaudit.methods.rome.tables import tradeoff_table
from fairaudit.methods.tables import Frame

COMBINES = ("auto", "pooled", "gate", "minimax", "maximin")


def _classifies(estimator: Any) -> bool:
    """Whether there are probabilities to predict."""
    return "regression" not in (estimator.task, getattr(estimator, "task_", ""))


class RomePredictions(BaseEstimator):  # type: ignore[misc]
    """The predicting half of RomeEM."""

    task: str
    combine: str
    combine_loss: str
    task_: str
    n_groups_: int
    coef_: Float
    intercept_: Float
    noise_: Float
    gate_coef_: Float
    gate_intercept_: Float
    group_weights_: Float
    tilt_: Float
    pooled_coef_: Float
    pooled_intercept_: Float
    combination_: str
    combination_tilt_: Float
    maximin_weights_: Float
    classes_: NDArray[Any]
    _gate_part: SensitivePart
    _outcome_part: SensitivePart

    @property
    def loss_name(self) -> str:
        """The loss that "minimax" balances."""
        if self.combine_loss != "auto":
            return self.combine_loss
        return "squared" if self.task_ == "regression" else "log"

    def _robust(self, prior: Float, resp: Float, answers: Float, target: NDArray[Any]) -> Robust:
        return Robust(prior, resp, self.group_weights_, row_loss(self.loss_name, answers, target))

    def _expert_design(self, X: Float, sensitive: Any) -> Float:
        sensitive_columns = self._outcome_part
        if not sensitive_columns.width:
            return X
        return np.column_stack(
            [X, raw_design(sensitive_columns, sensitive_columns.transform(sensitive, len(X)))]
        )

    @property
    def _mixture(self) -> Mixture:
        groups, width = self.n_groups_, self.coef_.shape[-1]
        return Mixture(
            self.coef_.reshape(groups, -1, width),
            self.intercept_.reshape(groups, -1),
            self.noise_ if self.task_ == "regression" else None,
            self.gate_coef_,
            self.gate_intercept_,
        )

    def _inputs(self, X: Any, sensitive: Any, y: Any = None) -> tuple[Float, Float]:
        check_is_fitted(self, "coef_")
        same_rows(X=X, y=y, sensitive_features=sensitive)
        X = check_table(self, X, reset=False)
        answers = self._mixture.answers(self._expert_design(X, sensitive))
        return answers, self._prior(sensitive, len(X))

    def _prior(self, sensitive: Any, n: int) -> Float:
        if sensitive is None and self._gate_part.width:
            return np.tile(self.group_weights_, (n, 1))
        return self._mixture.membership(self._gate_part.transform(sensitive, n))

    def _mix(self, X: Any, sensitive: Any, combine: str | None) -> Float:
        answers, prior = self._inputs(X, sensitive)
        return mixed(*self._mixing(answers, prior, X, sensitive, combine))

    def _mixing(
        self, answers: Float, prior: Float, X: Any, sensitive: Any, combine: str | None
    ) -> tuple[Float, Float]:
        """Weights (n, E) of the answers (n, E, C): those of experts, or of the pooled model."""
        if self._chosen(combine) != "pooled":
            return self._weights(prior, combine), answers
        design = self._expert_design(check_table(self, X, reset=False), sensitive)
        return np.ones((len(prior), 1)), self._pooled_answers(design)

    def _pooled_answers(self, design: Float) -> Float:
        """Answers (n, 1, C) of the pooled model."""
        noise = np.ones(1) if self.task_ == "regression" else None
        gate = np.zeros((1, self.gate_coef_.shape[1]))
        pooled = Mixture(
            self.pooled_coef_[None], self.pooled_intercept_[None], noise, gate, np.zeros(1)
        )
        return pooled.answers(design)

    def _chosen(self, combine: str | None) -> str:
        """The combination with this name.

        Raises
        ------
        SpecError
            When it is not known, or was not kept with an older model.
        """
        chosen = self.combine if combine is None else combine
        if chosen not in COMBINES:
            raise SpecError(f"combine={chosen!r} is not known; choose one of {COMBINES}")
        if chosen in ("auto", "pooled") and not hasattr(self, "pooled_coef_"):
            raise SpecError(
                f"combine={chosen!r}: this model was saved before it was kept; fit it again, or "
                "choose 'gate', 'minimax' or 'maximin'"
            )
        return self.combination_ if chosen == "auto" else chosen

    def _weights(self, prior: Float, combine: str | None) -> Float:
        chosen = self._chosen(combine)
        if chosen == "gate":
            return prior
        if chosen == "minimax":
            auto = (self.combine if combine is None else combine) == "auto"
            tilt = self.combination_tilt_ if auto else self.tilt_
            return tilted(prior, tilt / np.maximum(self.group_weights_, TINY))
        return np.broadcast_to(self.maximin_weights_, prior.shape)

    def predict(
        self, X: Any, sensitive_features: Any = None, combine: str | None = None
    ) -> NDArray[Any]:
        """Values or classes (n,).

        Parameters
        ----------
        X : (n, p)
        sensitive_features : (n, q), optional
            Without them membership is that of an average person (`group_weights_`).
        combine : {"auto", "pooled", "gate", "minimax", "maximin"}, optional
            Another combination than that of the constructor.
        """
        answer = self._mix(X, sensitive_features, combine)
        if self.task_ == "regression":
            return np.asarray(answer[:, 0])
        return np.asarray(self.classes_[answer.argmax(axis=1)])

    @available_if(_classifies)  # type: ignore[untyped-decorator]
    def predict_proba(
        self, X: Any, sensitive_features: Any = None, combine: str | None = None
    ) -> Float:
        """Class probabilities (n, C)."""
        return self._mix(X, sensitive_features, combine)

    def predict_groups(self, X: Any, sensitive_features: Any = None) -> Float:
        """Each expert's answer: (n, G) values or positive-class probabilities, else (n, G, C)."""
        check_is_fitted(self, "coef_")
        same_rows(X=X, sensitive_features=sensitive_features)
        X = check_table(self, X, reset=False)
        answers = self._mixture.answers(self._expert_design(X, sensitive_features))
        if answers.shape[2] == 1:
            return np.asarray(answers[:, :, 0])
        return np.asarray(answers[:, :, 1]) if answers.shape[2] == 2 else answers

    def predict_membership(self, sensitive_features: Any, X: Any = None) -> Float:
        """P(group | sensitive attributes) before y is seen, (n, G); X is ignored.

        Raises
        ------
        InputError
            When `sensitive_features` is missing, or its columns are not those of training.
        """
        check_is_fitted(self, "coef_")
        if sensitive_features is None:
            raise InputError("membership follows from sensitive_features; pass them")
        sensitive = read_columns(sensitive_features, "sensitive_features")
        return self._prior(sensitive, sensitive.n)

    def responsibilities(self, X: Any, y: Any, sensitive_features: Any = None) -> Float:
        """P(group | everything, y too), (n, G)."""
        answers, prior = self._inputs(X, sensitive_features, y)
        return self._mixture.posterior(answers, prior, self.codes(y, len(prior)))

    def responsibilities_of(self, mixture: Mixture, X: Any, y: Any, sensitive: Any) -> Float:
        """Responsibilities (n, G) under other parameters of the same model (a refit)."""
        X = check_table(self, X, reset=False)
        answers = mixture.answers(self._expert_design(X, sensitive))
        prior = mixture.membership(self._gate_part.transform(sensitive, len(X)))
        return mixture.posterior(answers, prior, self.codes(y, len(prior)))

    def log_likelihood(self, X: Any, y: Any, sensitive_features: Any = None) -> Float:
        """Log p(y | x, s) of each row (n,); held-out means choose the number of groups."""
        answers, prior = self._inputs(X, sensitive_features, y)
        return log_total(self._mixture.joint(answers, prior, self.codes(y, len(prior))))

    def losses(
        self, X: Any, y: Any, sensitive_features: Any = None, combine: str | None = None
    ) -> Float:
        """Loss of each row (n,) by `loss_name`."""
        answers, prior = self._inputs(X, sensitive_features, y)
        weights, answers = self._mixing(answers, prior, X, sensitive_features, combine)
        return row_loss(self.loss_name, answers, self.codes(y, len(prior)))(weights)

    def scoring(self, X: Any, sensitive_features: Any = None) -> Scoring:
        """The model's predictions for rows before y is seen, from which any outcome is scored."""
        answers, prior = self._inputs(X, sensitive_features)
        noise = self._mixture.noise
        if self._chosen(None) != "pooled":
            mixing = np.asarray(self._weights(prior, None))
            return Scoring(answers, prior, mixing, prior, noise, self.loss_name)
        weights, pooled = self._mixing(answers, prior, X, sensitive_features, None)
        none = np.zeros((len(prior), 1))  # the pooled model is no part of the mixture
        return Scoring(
            np.concatenate([answers, pooled], axis=1),
            np.column_stack([prior, none]),
            np.column_stack([np.zeros_like(prior), weights]),
            prior,
            None if noise is None else np.append(noise, 1.0),
            self.loss_name,
        )

    def tradeoff(
        self,
        X: Any,
        y: Any,
        sensitive_features: Any = None,
        blends: Iterable[float] = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0),
    ) -> Frame:
        """Worst group against average: the trade-off among which `max_average_loss` chooses.

        The tilts are sought on the given rows; give validation rows to see honest losses. Groups
        are weighed by P(group | s), which y does not change.

        Returns
        -------
        polars.DataFrame
            blend (0 = worst group only, 1 = average only), average, worst, gap.
        """
        answers, prior = self._inputs(X, sensitive_features, y)
        target = self.codes(y, len(prior))
        robust = self._robust(prior, prior, answers, target)
        return tradeoff_table({float(b): robust.best(float(b)) for b in blends})

    def codes(self, y: Any, n: int) -> NDArray[Any]:
        """Values, or class codes, of n rows.

        Raises
        ------
        InputError
            When y has another length, holds missing values, or a class not seen in training.
        """
        values = checked_y(y, n)
        if self.task_ == "regression":
            return numbers_of(values)
        return class_codes(values, self.classes_)

    def score(
        self, X: Any, y: Any, sample_weight: Any = None, sensitive_features: Any = None
    ) -> float:
        """R² or accuracy of `predict`."""
        same_rows(X=X, y=y, sample_weight=sample_weight)
        answer = self.predict(X, sensitive_features)
        measure = r2_score if self.task_ == "regression" else accuracy_score
        return float(measure(read_target(y), answer, sample_weight=sample_weight))
