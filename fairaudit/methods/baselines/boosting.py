"""Histogram-boosted trees on all rows: the baseline that most users already have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted

from fairaudit.inputs.validation import PARTS, in_validation, read_validation
from fairaudit.methods.baselines.raw_scores import RawScoreModel
from fairaudit.methods.baselines.trees import Trees
from fairaudit.methods.common.class_scores import (
    state_of_target,
    target_of_state,
)
from fairaudit.methods.common.design import checked_weight
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.common.storage import load_state, save_state, with_learnt

VALIDATION = (*PARTS, "clusters", "sample_weight")
PATIENCE = 20  # trees without a better validation loss after which boosting stops


class PooledBoosting(RawScoreModel):
    """Gradient-boosted trees on all rows, by scikit-learn's histogram algorithm.

    Parameters
    ----------
    max_iter : int
        Boosting rounds; each adds one tree (one per class with more than two classes).
        Validation rows keep as many as do best on them; without any all are kept.
    learning_rate : float
        Share of each tree that is added.
    max_leaf_nodes : int
        Largest number of leaves of a tree.
    min_samples_leaf : int
        Fewest rows in a leaf.
    l2_regularization : float
        L2 penalty on the values of leaves.
    task : {"auto", "binary", "multiclass", "regression"}
    random_state : int or None

    Attributes
    ----------
    trees_ : Trees
    n_iter_ : int, rounds that were kept
    classes_ : (C,) classes, absent for regression
    """

    model_name = "boosted trees need"

    def __init__(
        self,
        max_iter: int = 150,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 31,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        task: Literal["auto", "binary", "multiclass", "regression"] = "auto",
        random_state: int | None = None,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
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
        validation: tuple[Any, ...] | None = None,
        monitor: Monitor | None = None,
    ) -> Self:
        """Fit on rows X (n, p), y (n,); groups and clusters are ignored.

        Parameters
        ----------
        validation : (X, y, sensitive_features, clusters, sample_weight), optional
            Rows that choose the number of rounds; groups and clusters are ignored, and
            what comes after y may be left out.

        Raises
        ------
        SpecError
            When X is not a table.
        ValueError
            From scikit-learn, when a parameter is impossible.
        """
        design, target, weight = self._training_rows(X, y, sample_weight)
        monitor = monitor or Silent()
        monitor.start("boosted trees", 1)
        self._boost(design, target, weight, validation)
        monitor.step()
        monitor.end()
        return self

    def _boost(
        self,
        X: NDArray[np.float64],
        y: NDArray[Any],
        weight: NDArray[np.float64] | None,
        validation: tuple[Any, ...] | None,
    ) -> None:
        """Grow the trees, and keep them as arrays."""
        kind = (
            HistGradientBoostingRegressor
            if self.target_.classes is None
            else HistGradientBoostingClassifier
        )
        params = {k: v for k, v in self.get_params().items() if k != "task"}
        model = kind(
            **params, early_stopping=validation is not None, n_iter_no_change=PATIENCE, tol=0.0
        )
        later: dict[str, Any] = {}
        if validation is not None:
            rows = read_validation(validation, VALIDATION)
            with in_validation():
                X_val = self._table(rows.X)
                n = len(X_val)
                later = {"X_val": X_val, "y_val": self.target_.encode(rows.y, n)}
                later["sample_weight_val"] = checked_weight(rows.sample_weight, n)
        model.fit(X, y, sample_weight=weight, **later)
        rounds = model._predictors  # the only place where scikit-learn keeps its trees
        if validation is not None:
            rounds = rounds[: max(int(np.argmax(model.validation_score_)), 1)]
        self.n_iter_ = len(rounds)
        nodes = [[tree.nodes for tree in one] for one in rounds]
        self.trees_ = Trees.of_nodes(model._baseline_prediction, nodes)

    def _raw_scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.trees_.scores(X)

    def save(self, folder: str | Path) -> None:
        """Write the fitted model into a folder.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "trees_")
        meta = {
            "params": self.get_params(),
            "n_iter": self.n_iter_,
            **state_of_target(
                self.target_, self.row_shape_, getattr(self, "feature_names_in_", None)
            ),
        }
        save_state(folder, "PooledBoosting", meta, self.trees_.arrays())

    @classmethod
    def load(cls, folder: str | Path) -> PooledBoosting:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When files are missing, damaged or of another estimator.
        """
        meta, arrays = load_state(folder, "PooledBoosting")
        model = cls(**meta["params"])
        with_learnt(model, target_of_state(meta))
        model.trees_, model.n_iter_ = Trees.restore(arrays), int(meta["n_iter"])
        return model
