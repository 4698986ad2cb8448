"""Linear baselines: one pooled model for all rows, and group thresholds put on top of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import check_is_fitted

from fairaudit.exceptions import TrainingError
from fairaudit.methods.baselines.raw_scores import RawScoreModel
from fairaudit.methods.common.class_scores import (
    state_of_target,
    target_of_state,
)
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.common.storage import load_state, save_state, with_learnt


class PooledLinear(RawScoreModel):
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

    model_name = "a linear model needs"

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
        design, target, weight = self._training_rows(X, y, sample_weight)
        monitor = monitor or Silent()
        monitor.start("linear model", 1)
        model: Any = (
            Ridge(alpha=self.penalty)
            if self.target_.classes is None
            else LogisticRegression(C=1 / max(self.penalty, 1e-10), max_iter=2000)
        )
        model.fit(design, target, sample_weight=weight)
        if isinstance(model, LogisticRegression) and model.n_iter_.max() >= 2000:
            raise TrainingError(
                "the logistic regression did not converge; raise penalty or standardise features"
            )
        self.coef_ = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
        self.intercept_ = np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64))
        monitor.step()
        monitor.end()
        return self

    def _raw_scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return X @ self.coef_.T + self.intercept_

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
