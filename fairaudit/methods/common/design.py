"""Inputs of estimators: validated tables or images, class codes or scaled targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.features import read_features, without_names
from fairaudit.inputs.read import as_array, read_numbers
from fairaudit.inputs.rows import counted, refusal
from fairaudit.inputs.target import class_codes, read_target
from fairaudit.methods.common.row_access import ImageView, check_images

Float = NDArray[np.float64]
TASKS = ("auto", "binary", "multiclass", "regression")


def check_design(estimator: Any, X: Any, *, reset: bool, dtype: type = np.float32) -> Any:
    """X as table (n, p) or a view of images (n, H, W, C); learns or checks its shape.

    Raises
    ------
    InputError
        When images have another shape than in training, or X is neither table nor images.
    ValueError
        From scikit-learn, when a table cannot be used.
    """
    if not reset:
        check_is_fitted(estimator)
    X = X if isinstance(X, ImageView) else read_features(X)
    shape = getattr(X, "shape", ())
    if len(shape) == 4:
        known = isinstance(X, np.ndarray | ImageView)
        images = check_images(X if known else as_array(X))
        if reset:
            estimator.n_features_in_ = int(np.prod(images.shape[1:]))
            estimator.row_shape_ = tuple(images.shape[1:])
        _same_shape(estimator, images)
        return images
    if len(shape) == 3:
        raise refusal(
            "X",
            "a table (n, p) or images (n, H, W, C)",
            f"shape {tuple(shape)}",
            "grey images need a last dimension of one channel, X[..., None]",
        )
    table: NDArray[Any] = check_table(estimator, X, reset=reset, dtype=dtype)
    if reset:
        estimator.row_shape_ = tuple(table.shape[1:])
    _same_shape(estimator, table)
    return table


def check_table(estimator: Any, X: Any, *, reset: bool, dtype: type = np.float64) -> NDArray[Any]:
    """X (n, p) by scikit-learn's checks; learns or checks the names of its columns.

    Models saved before names were kept do not know theirs, and take columns by position.

    Raises
    ------
    ValueError
        From scikit-learn, when X cannot be used or has other columns than in training.
    """
    X = read_features(X)
    if not reset and not getattr(estimator, "knows_feature_names", True):
        X = without_names(X)
    table: NDArray[Any] = validate_data(estimator, X, reset=reset, dtype=dtype)
    return table


def _same_shape(estimator: Any, X: NDArray[Any] | ImageView) -> None:
    if tuple(X.shape[1:]) != tuple(estimator.row_shape_):
        raise refusal(
            "X",
            f"rows of shape {tuple(estimator.row_shape_)} as in training",
            f"rows of shape {tuple(X.shape[1:])}",
            "pass the same columns or images of the same size",
        )


@dataclass(frozen=True)
class Target:
    """How y becomes what a network learns, and how its answer becomes y again.

    Attributes
    ----------
    classes : (C,) array or None
        The classes in sorted order; None for regression.
    centre, scale : float
        Standardisation of a regression target, from training rows.
    """

    classes: NDArray[Any] | None
    centre: float = 0.0
    scale: float = 1.0

    @property
    def n_outputs(self) -> int:
        """Number of outputs of a head: one per class, or one value."""
        return 1 if self.classes is None else len(self.classes)

    @classmethod
    def fit(cls, y: Any, n: int, task: str) -> Target:
        """Learn from training rows.

        Raises
        ------
        SpecError
            When the task is not known.
        InputError
            When y has another length, holds no second class, or cannot be of this task.
        """
        if task not in TASKS:
            raise SpecError(f"task '{task}' is not known; choose one of {', '.join(TASKS)}")
        y = checked_y(y, n)
        if task == "regression" or (task == "auto" and type_of_target(y) == "continuous"):
            values = numbers_of(y)
            return cls(None, float(values.mean()), float(values.std()) or 1.0)
        classes = np.unique(_discrete(y))
        if len(classes) < 2:
            raise InputError(
                f"y holds one class only ({classes.tolist()[0]!r}); a classifier needs at least "
                "2 classes"
            )
        if task == "binary" and len(classes) > 2:
            raise InputError(
                "Only binary classification is supported here; y holds "
                f"{len(classes)} classes, use a method or task for several classes"
            )
        return cls(classes)

    def encode(self, y: Any, n: int) -> NDArray[Any]:
        """int64 class codes, or standardised values.

        Raises
        ------
        InputError
            When y has another length, or holds a label that was not in the training rows.
        """
        y = checked_y(y, n)
        if self.classes is None:
            return np.asarray((numbers_of(y) - self.centre) / self.scale)
        return class_codes(y, self.classes)

    def decode(self, output: Float) -> NDArray[Any]:
        """Labels from probabilities (n, C), or values (n,) from standardised values (n, 1)."""
        if self.classes is None:
            return output.reshape(len(output)) * self.scale + self.centre
        return np.asarray(self.classes[output.argmax(1)])


def checked_y(y: Any, n: int) -> NDArray[Any]:
    """y as a 1-D array of n values.

    Raises
    ------
    InputError
        When a value is missing or infinite, or the number of rows differs from X.
    """
    if y is None:
        raise InputError("this estimator requires y to be passed, but the target y is None")
    array: NDArray[Any] = column_or_1d(read_target(y), warn=True)
    if len(array) != n:
        raise refusal(
            "y",
            f"{counted(n, 'row')}, as many as X",
            counted(len(array), "row"),
            "pass one value per row of X",
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError("Input y contains infinity; expected finite values, remove those rows")
    return array


def _discrete(y: NDArray[Any]) -> NDArray[Any]:
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise InputError(
            f"{error} For an outcome that is a number choose task='regression' "
            "(in FairSDE metric='neg_mse')."
        ) from error
    return y


def numbers_of(y: NDArray[Any]) -> Float:
    """The values of a regression target.

    Raises
    ------
    InputError
        When y holds something else than numbers.
    """
    try:
        return y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "Unknown label type: a regression needs numbers in y; choose a classification task"
        ) from error


def softmax(logits: Float) -> Float:
    """Probabilities along the last axis."""
    grown = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(grown / grown.sum(-1, keepdims=True))


def checked_weight(sample_weight: Any, n: int) -> Float | None:
    """Row weights (n,), or None.

    Raises
    ------
    InputError
        When weights are negative, missing or of another length.
    """
    if sample_weight is None:
        return None
    weight = read_numbers(sample_weight, "sample_weight", n)
    if not (weight >= 0).all() or not 0 < weight.sum() < np.inf:
        raise refusal(
            "sample_weight",
            "finite numbers of 0 or more, not all zero",
            f"numbers from {weight.min(initial=0):g} to {weight.max(initial=0):g}",
            "check the weights",
        )
    return weight
