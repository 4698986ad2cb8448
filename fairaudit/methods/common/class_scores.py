"""What estimators with a task share: scikit-learn tags, `score`, a target that can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags

from fairaudit.methods.common.design import Target


def estimator_tags(tags: Any, task: str) -> Any:
    """Tags of a supervised estimator; task "auto" is neither classifier nor regressor yet."""
    tags.target_tags.required = True
    if task == "regression":
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
    elif task != "auto":
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags(multi_class=task == "multiclass")
    return tags


def classifies(estimator: Any) -> bool:
    """Whether an estimator gives classes: by its target once fitted, else by its task.

    Raises
    ------
    AttributeError
        When it does not; scikit-learn then says that the method does not exist.
    """
    target = getattr(estimator, "target_", None)
    yes = estimator.task != "regression" if target is None else target.classes is not None
    if not yes:
        raise AttributeError("a regression has no probabilities; call predict instead")
    return True


def score(estimator: Any, X: Any, y: Any, sample_weight: Any = None, **given: Any) -> float:
    """Accuracy of a classifier, R² of a regression; `given` goes to `predict`."""
    judge = r2_score if estimator.target_.classes is None else accuracy_score
    return float(judge(y, estimator.predict(X, **given), sample_weight=sample_weight))


def state_of_target(estimator: Any) -> dict[str, Any]:
    """The learnt target and row shape as JSON values."""
    target = estimator.target_
    return {
        "classes": None if target.classes is None else target.classes.tolist(),
        "classes_dtype": "" if target.classes is None else target.classes.dtype.str,
        "centre": target.centre,
        "scale": target.scale,
        "row_shape": list(estimator.row_shape_),
    }


def target_of_state(estimator: Any, meta: Mapping[str, Any]) -> None:
    """Put a stored target and row shape back."""
    classes = meta["classes"]
    dtype = object if meta["classes_dtype"] == "|O" else meta["classes_dtype"]
    restored = None if classes is None else np.asarray(classes, dtype=dtype)
    estimator.target_ = Target(restored, meta["centre"], meta["scale"])
    estimator.row_shape_ = tuple(meta["row_shape"])
    estimator.n_features_in_ = int(np.prod(estimator.row_shape_))
    if restored is not None:
        estimator.classes_ = restored
