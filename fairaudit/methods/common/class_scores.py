"""What estimators with a task share: scikit-learn tags, `score`, a target that can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags

from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.target import read_target
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


def score(estimator: Any, X: Any, y: Any, sample_weight: Any = None, **inputs: Any) -> float:
    """Accuracy of a classifier, R² of a regression; `given` goes to `predict`."""
    same_rows(X=X, y=y, sample_weight=sample_weight, **inputs)
    judge = r2_score if estimator.target_.classes is None else accuracy_score
    predicted = estimator.predict(X, **inputs)
    return float(judge(read_target(y), predicted, sample_weight=sample_weight))


def state_of_target(
    target: Target, row_shape: tuple[int, ...], feature_names: Any = None
) -> dict[str, Any]:
    """The learnt target, row shape and names of the features as JSON values."""
    return {
        "classes": None if target.classes is None else target.classes.tolist(),
        "classes_dtype": "" if target.classes is None else target.classes.dtype.str,
        "centre": target.centre,
        "scale": target.scale,
        "row_shape": list(row_shape),
        "feature_names": None if feature_names is None else list(feature_names),
    }


def target_of_state(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The learnt attributes by name, from the JSON values of `state_of_target`."""
    classes, shape = meta["classes"], tuple(meta["row_shape"])
    dtype = object if meta["classes_dtype"] == "|O" else meta["classes_dtype"]
    restored = None if classes is None else np.asarray(classes, dtype=dtype)
    learnt: dict[str, Any] = {
        "target_": Target(restored, meta["centre"], meta["scale"]),
        "row_shape_": shape,
        "n_features_in_": int(np.prod(shape)),
    }
    if restored is not None:
        learnt["classes_"] = restored
    if "feature_names" not in meta:  # saved before they were kept
        learnt["knows_feature_names"] = False
    elif meta["feature_names"] is not None:
        learnt["feature_names_in_"] = np.array(meta["feature_names"], dtype=object)
    return learnt
