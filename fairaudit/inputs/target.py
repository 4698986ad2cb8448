"""Reads the outcome that users pass: an array without missing values, one value per row."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Bool, Int
from fairaudit.inputs.containers import article, is_mapping, no_container
from fairaudit.inputs.labels import is_missing
from fairaudit.inputs.read import ONE_VALUE, as_array, is_records, no_value, read_column
from fairaudit.inputs.rows import refusal

SHOWN = 5  # labels that a message names


def read_target(y: Any, what: str = "y") -> NDArray[Any]:
    """y as an array; a column of objects that are all numbers (or all flags) becomes one.

    The type of the labels is kept, for predictions come back in it.

    Raises
    ------
    InputError
        When a value is missing.
    """
    if is_mapping(y) or is_records(y):
        y = read_column(y, what).values
    array = as_array(y, what)
    if array.ndim == 0:
        raise no_container(y, what)
    if array.ndim in (1, 2):  # anything else is refused where the shape is checked
        _complete(array, what)
    if array.dtype != object:
        return array
    values = array.ravel().tolist()
    kinds = set(map(type, values))
    odd = next((kind.__name__ for kind in kinds if no_value(kind)), None)
    if odd is not None:
        raise refusal(what, ONE_VALUE, f"{article(odd)} in a row", "pass single values")
    if values and all(isinstance(v, bool | np.bool_) for v in values):
        return array.astype(np.bool_)
    if values and all(isinstance(v, Real) and not isinstance(v, bool) for v in values):
        return np.asarray(array.tolist())
    return array


def class_codes(y: NDArray[Any], classes: NDArray[Any], what: str = "y") -> Int:
    """The place of every label among the sorted classes of training (n,).

    Raises
    ------
    InputError
        When a label was not in the training rows.
    """
    try:
        place = np.searchsorted(classes, y).clip(0, len(classes) - 1)
    except TypeError:  # text has no place among numbers
        place = np.zeros(len(y), dtype=np.int64)
    known = classes[place] == y
    if not np.all(known):
        raise _unknown_labels(y, classes, what)
    return place.astype(np.int64)


def _unknown_labels(y: NDArray[Any], classes: NDArray[Any], what: str) -> InputError:
    labels = classes.tolist()
    unknown = [label for label in y.tolist() if label not in labels]
    return refusal(
        what,
        f"labels of the training rows ({_some(labels)})",
        f"{_some(list(dict.fromkeys(unknown)))} in {len(unknown)} of {len(y)} rows",
        "drop those rows, or write the labels as in training",
    )


def _some(labels: list[Any]) -> str:
    """The first labels, text in quotation marks."""
    more = ", …" if len(labels) > SHOWN else ""
    return ", ".join(map(repr, labels[:SHOWN])) + more


def missing_values(values: NDArray[Any]) -> Bool:
    """Which values of an array of any shape are missing."""
    if values.dtype.kind in "fmM":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "O":
        flags = [is_missing(v) for v in values.ravel().tolist()]
        return np.array(flags, dtype=bool).reshape(values.shape)
    return np.zeros(values.shape, dtype=bool)


def missing_labels(lost: int, n: int, what: str) -> InputError:
    """The error for an outcome with missing values."""
    return InputError(
        f"{what}: expected a label in every row, got gaps: {lost} of {n} labels are missing in "
        f"{what} (NaN or none); drop those rows or fill in the outcome"
    )


def _complete(array: NDArray[Any], what: str) -> None:
    lost = int(missing_values(array).sum())
    if lost:
        raise missing_labels(lost, len(array), what)
