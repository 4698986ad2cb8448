"""Thresholds by group on top of the pooled linear model, optimised by Fairlearn."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.validation import in_validation, read_validation
from fairaudit.methods.baselines.linear import PooledLinear
from fairaudit.methods.common.class_scores import estimator_tags, score
from fairaudit.methods.common.design import check_design
from fairaudit.methods.common.groups import UNKNOWN, Groups
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.storage import load_state, save_state

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class GroupThresholds(BaseEstimator):  # type: ignore[misc]
    """Post-processing of Hardt, Price and Srebro (NeurIPS 2016, arXiv 1610.02413).

    The pooled logistic regression is fitted on the rows; Fairlearn's `ThresholdOptimizer` finds
    for each group a (randomised) threshold on the validation rows so that rates agree.

    Parameters
    ----------
    constraint : str
        Which rates must agree, in Fairlearn's words.
    penalty : float
        Ridge penalty of the logistic regression.
    min_group_rows : int
        Combinations of several attributes with fewer rows join the coarser group.
    random_state : int or None
        Draws the randomised answers.

    Attributes
    ----------
    rules_ : (G, 8) float64
        p_ignore, constant, and twice weight, sign and threshold of a rule "score > t" or "< t".
    thresholded_ : (G,) bool
        False for groups without both classes; they keep the threshold 0.5.
    """

    def __init__(
        self,
        constraint: Literal[
            "equalized_odds",
            "demographic_parity",
            "true_positive_rate_parity",
            "false_positive_rate_parity",
        ] = "equalized_odds",
        penalty: float = 1.0,
        min_group_rows: int = 50,
        random_state: int | None = None,
    ) -> None:
        self.constraint = constraint
        self.penalty = penalty
        self.min_group_rows = min_group_rows
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sensitive_features: Any = None,
        clusters: Any = None,
        sample_weight: Any = None,
        validation: tuple[Any, ...] | None = None,
        monitor: Monitor | None = None,
    ) -> Self:
        """Fit the model on the rows and the thresholds on `validation`, or on the rows.

        Raises
        ------
        SpecError
            When Fairlearn is not installed.
        InputError
            When y has more than two classes, `validation` is not (X, y, sensitive_features), or
            a label in it was not in the training rows.
        """
        optimizer = _threshold_optimizer()
        same_rows(X=X, y=y, sensitive_features=sensitive_features, sample_weight=sample_weight)
        self.base_ = PooledLinear(self.penalty, task="binary")
        self.base_.fit(X, y, sample_weight=sample_weight, monitor=monitor)
        self._adopt(self.base_)
        n = len(check_design(self, X, reset=False))
        if sensitive_features is not None:
            sensitive_features = read_columns(sensitive_features, "sensitive_features", n)
        self.groups_ = Groups.fit(sensitive_features, n, self.min_group_rows)
        if validation is None:
            judged = self._judged(X, y, sensitive_features)
        else:
            rows = read_validation(validation, groups=sensitive_features is not None)
            with in_validation():
                judged = self._judged(rows.X, rows.y, rows.sensitive_features)
        self._learn(optimizer, *judged)
        if not self.thresholded_.any():
            raise InputError("no group holds both classes; thresholds by group cannot be found")
        return self

    def _judged(self, X: Any, y: Any, sensitive: Any) -> tuple[Float, Int, Int]:
        """Scores, class codes and group codes of the rows that determine the thresholds."""
        scores = self.base_.predict_proba(X)[:, 1]
        n = len(scores)
        return scores, self.target_.encode(y, n), self.groups_.codes(sensitive, n)

    def _adopt(self, base: PooledLinear) -> None:
        """Take over what the pooled model learnt of features and classes."""
        for name in ("classes_", "target_", "n_features_in_", "row_shape_"):
            setattr(self, name, getattr(base, name))
        for name in ("feature_names_in_", "knows_feature_names"):
            if hasattr(base, name):
                setattr(self, name, getattr(base, name))

    def with_thresholds_of(self, X: Any, y: Any, sensitive_features: Any = None) -> Self:
        """The same model with thresholds optimised on other rows; 0.5 where these lack a class.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When a label was not in the training rows.
        """
        check_is_fitted(self)
        same_rows(X=X, y=y, sensitive_features=sensitive_features)
        other = copy.copy(self)
        other._learn(_threshold_optimizer(), *self._judged(X, y, sensitive_features))
        return other

    def _learn(self, optimizer: Any, scores: Float, truth: Int, codes: Int) -> None:
        size = len(self.groups_.names)
        positives = np.array([truth[codes == g].sum() for g in range(size)])
        rows = np.array([(codes == g).sum() for g in range(size)])
        self.thresholded_ = (positives > 0) & (positives < rows)
        self.rules_ = np.tile([0.0, 0, 1, 1, 0.5, 0, 1, 0.5], (size, 1))
        keep = (codes != UNKNOWN) & self.thresholded_[codes]
        if not keep.any():
            return
        tuned = optimizer(
            estimator=_Scores(), constraints=self.constraint, prefit=True, predict_method="predict"
        )
        tuned.fit(scores[keep, None], truth[keep], sensitive_features=codes[keep])
        for g, rule in tuned.interpolated_thresholder_.interpolation_dict.items():
            self.rules_[int(g)] = _rule_numbers(rule)

    def chance_of_positive(self, X: Any, sensitive_features: Any = None) -> Float:
        """Chance (n,) that a row is labelled positive by the randomised thresholds."""
        check_is_fitted(self)
        same_rows(X=X, sensitive_features=sensitive_features)
        scores = self.base_.predict_proba(X)[:, 1]
        codes = self.groups_.codes(sensitive_features, len(scores))
        if (codes == UNKNOWN).any():
            warnings.warn(
                f"{int((codes == UNKNOWN).sum())} rows belong to a group that was not seen in "
                "training; they get the threshold 0.5",
                UserWarning,
                stacklevel=2,
            )
        ignore, constant, p0, sign0, t0, p1, sign1, t1 = self.rules_[codes].T
        mixed = p0 * _passes(scores, sign0, t0) + p1 * _passes(scores, sign1, t1)
        chance = ignore * constant + (1 - ignore) * mixed
        return np.asarray(np.where(codes == UNKNOWN, scores > 0.5, chance), dtype=np.float64)

    def predict_proba(self, X: Any, sensitive_features: Any = None) -> Float:
        """Probabilities (n, 2) of the pooled model; thresholds do not change them."""
        check_is_fitted(self)
        return np.asarray(self.base_.predict_proba(X))

    def predict(self, X: Any, sensitive_features: Any = None) -> NDArray[Any]:
        """Labels (n,); where a threshold is randomised, drawn with `random_state`."""
        chance = self.chance_of_positive(X, sensitive_features)
        draws = np.random.default_rng(self.random_state or 0).random(len(chance))
        return np.asarray(self.classes_[(draws < chance).astype(int)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, with unknown groups."""
        return score(self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        return estimator_tags(super().__sklearn_tags__(), "binary")

    def save(self, folder: str | Path) -> None:
        """Write the fitted model into a folder.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "rules_")
        self.base_.save(Path(folder) / "base")
        meta = {"params": self.get_params(), "groups": self.groups_.state()}
        save_state(
            folder,
            "GroupThresholds",
            meta,
            {"rules": self.rules_, "thresholded": self.thresholded_},
        )

    @classmethod
    def load(cls, folder: str | Path) -> GroupThresholds:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When files are missing, damaged or of another estimator.
        """
        meta, arrays = load_state(folder, "GroupThresholds")
        model = cls(**meta["params"])
        model.base_ = PooledLinear.load(Path(folder) / "base")
        model._adopt(model.base_)
        model.groups_ = Groups.from_state(meta["groups"])
        model.rules_, model.thresholded_ = arrays["rules"], arrays["thresholded"]
        return model


class _Scores(BaseEstimator):  # type: ignore[misc]
    """Passes Fairlearn the scores that are already computed."""

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: Any) -> Any:
        return np.asarray(X)[:, 0]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _threshold_optimizer() -> Any:
    try:
        from fairlearn.postprocessing import ThresholdOptimizer
    except ImportError as error:
        raise SpecError(
            "method 'threshold' needs Fairlearn; install it with: pip install 'fairaudit[public]'"
        ) from error
    return ThresholdOptimizer


def _rule_numbers(rule: Mapping[str, Any]) -> list[float]:
    """One group's rule as numbers, in the order of `rules_`."""
    row = [float(rule.get("p_ignore", 0.0)), float(rule.get("prediction_constant", 0.0))]
    for i in (0, 1):
        operation = rule[f"operation{i}"]
        sign = 1.0 if operation.operator == ">" else -1.0
        row += [float(rule[f"p{i}"]), sign, float(operation.threshold)]
    return row


def _passes(scores: Float, sign: Float, threshold: Float) -> NDArray[np.bool_]:
    return np.asarray(np.where(sign > 0, scores > threshold, scores < threshold))
