"""Linear baselines: one pooled model for all rows, and group thresholds put on top of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fairaudit.exceptions import SpecError, TrainingError
from fairaudit.inputs.rows import same_rows
from fairaudit.methods.common.class_scores import (
    classifies,
    estimator_tags,
    score,
    state_of_target,
    target_of_state,
)
from fairaudit.methods.common.design import (
    Target,
    check_design,
    checked_weight,
    softmax,
)
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.common.storage import load_state, save_state, with_learnt


class PooledLinear(BaseEstimator):  # type: ignore[misc]
    """Logistic regression or ridge regression on all rows.

    Parameters
    ----------
    penalty : float
        L2 penalty on the slopes; 1.0 is scikit-learn's default for both.
    task : {"auto", "binary", "multiclass", "regression"}
    random_state : int or None
        Unused: the fit is deterministic. Kept because all estimators have it.

    Attributes
    ----------
    coef_ : (k, p) slopes, one row for regression and binary outcomes
    intercept_ : (k,)
    classes_ : (C,) classes, absent for regression
    """

    def __init__(
        self,
        penalty: float = 1.0,
        task: Literal["auto", "binary", "multiclass", "regression"] = "auto",
        random_state: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.task = task
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sensitive_features: Any = None,
        clusters: Any = None,
        sample_weight: Any = None,
        monitor: Monitor | None = None,
    ) -> Self:
        """Fit on rows X (n, p), y (n,); groups and clusters are ignored.

        Raises
        ------
        TrainingError
            When the optimiser does not converge.
        """
        same_rows(X=X, y=y, sample_weight=sample_weight)
        X = _table(check_design(self, X, reset=True, dtype=np.float64))
        self.target_ = Target.fit(y, len(X), self.task)
        weight = checked_weight(sample_weight, len(X))
        monitor = monitor or Silent()
        monitor.start("linear model", 1)
        if self.target_.classes is None:
            model: Any = Ridge(alpha=self.penalty)
        else:
            self.classes_ = self.target_.classes
            model = LogisticRegression(C=1 / max(self.penalty, 1e-10), max_iter=2000)
        model.fit(X, self.target_.encode(y, len(X)), sample_weight=weight)
        if isinstance(model, LogisticRegression) and model.n_iter_.max() >= 2000:
            raise TrainingError(
                "the logistic regression did not converge; raise penalty or standardise features"
            )
        self.coef_ = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
        self.intercept_ = np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64))
        monitor.step()
        monitor.end()
        return self

    @available_if(classifies)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Linear scores (n,) for two classes, else (n, C); a regression has none."""
        return self._scores(X)

    def _scores(self, X: Any) -> NDArray[np.float64]:
        scores = (
            _table(check_design(self, X, reset=False, dtype=np.float64)) @ self.coef_.T
            + self.intercept_
        )
        return np.asarray(scores[:, 0] if scores.shape[1] == 1 else scores)

    @available_if(classifies)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, C); a regression has none."""
        scores = self._scores(X)
        logits = scores if scores.ndim == 2 else np.column_stack([np.zeros_like(scores), scores])
        return softmax(logits)

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels, or values, (n,)."""
        scores = self._scores(X)
        if self.target_.classes is None:
            return self.target_.decode(scores)
        return self.target_.decode(
            scores if scores.ndim == 2 else np.column_stack([np.zeros_like(scores), scores])
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R² for regression."""
        return score(self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        return estimator_tags(super().__sklearn_tags__(), self.task)

    def save(self, folder: str | Path) -> None:
        """Write the fitted model into a folder.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "coef_")
        meta = {
            "params": self.get_params(),
            **state_of_target(
                self.target_, self.row_shape_, getattr(self, "feature_names_in_", None)
            ),
        }
        save_state(
            folder, "PooledLinear", meta, {"coef": self.coef_, "intercept": self.intercept_}
        )

    @classmethod
    def load(cls, folder: str | Path) -> PooledLinear:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When files are missing, damaged or of another estimator.
        """
        meta, arrays = load_state(folder, "PooledLinear")
        model = cls(**meta["params"])
        with_learnt(model, target_of_state(meta))
        model.coef_, model.intercept_ = arrays["coef"], arrays["intercept"]
        return model


def _table(X: NDArray[Any]) -> NDArray[np.float64]:
    if X.ndim != 2:
        raise SpecError(
            "a linear model needs a table of features; choose 'erm' or 'fair-sde' for images"
        )
    return X.astype(np.float64)
