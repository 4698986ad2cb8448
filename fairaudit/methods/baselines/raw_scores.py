"""What pooled models on tables share: how a fit begins, and predictions from raw scores."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fairaudit.exceptions import SpecError
from fairaudit.inputs.rows import same_rows
from fairaudit.methods.common.class_scores import classifies, estimator_tags, score
from fairaudit.methods.common.design import Target, check_design, checked_weight, softmax


class RawScoreModel(BaseEstimator):  # type: ignore[misc]
    """A pooled model of a table whose classes have raw scores (log odds)."""

    task: str
    target_: Target
    classes_: NDArray[Any]
    model_name: ClassVar[str]  # as errors call it

    @abstractmethod
    def _raw_scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Raw scores (n, k): k = 1 for two classes and regressions."""

    def _training_rows(
        self, X: Any, y: Any, sample_weight: Any
    ) -> tuple[NDArray[np.float64], NDArray[Any], NDArray[np.float64] | None]:
        """Features, coded outcomes and weights of the rows to fit on; the target is learnt."""
        same_rows(X=X, y=y, sample_weight=sample_weight)
        design = self._table(X, reset=True)
        self.target_ = Target.fit(y, len(design), self.task)
        if self.target_.classes is not None:
            self.classes_ = self.target_.classes
        weight = checked_weight(sample_weight, len(design))
        return design, self.target_.encode(y, len(design)), weight

    def _table(self, X: Any, *, reset: bool = False) -> NDArray[np.float64]:
        design = check_design(self, X, reset=reset, dtype=np.float64)
        if design.ndim != 2:
            raise SpecError(
                f"{self.model_name} a table of features; choose 'erm' or 'fair-sde' for images"
            )
        return np.asarray(design, dtype=np.float64)

    def _scores(self, X: Any) -> NDArray[np.float64]:
        scores = self._raw_scores(self._table(X))
        return np.asarray(scores[:, 0] if scores.shape[1] == 1 else scores)

    def _logits(self, X: Any) -> NDArray[np.float64]:
        scores = self._scores(X)
        return scores if scores.ndim == 2 else np.column_stack([np.zeros_like(scores), scores])

    @available_if(classifies)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Raw scores (n,) for two classes, else (n, C); a regression has none."""
        return self._scores(X)

    @available_if(classifies)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, C); a regression has none."""
        return softmax(self._logits(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels, or values, (n,)."""
        check_is_fitted(self, "target_")
        values = self._scores(X) if self.target_.classes is None else self._logits(X)
        return self.target_.decode(values)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R² for regression."""
        return score(self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        return estimator_tags(super().__sklearn_tags__(), self.task)
