"""What users pass as `validation`: a tuple of the parts that an estimator documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.columns import Column, Columns
from fairaudit.inputs.read import ONE_VALUE, read_column, read_columns, read_numbers
from fairaudit.inputs.rows import refusal, same_rows
from fairaudit.inputs.target import read_target

REQUIRED = ("X", "y")
GROUPS = "sensitive_features"
PARTS = (*REQUIRED, GROUPS)


@dataclass(frozen=True)
class ValidationRows:
    """The parts of `validation` by name; those that were left out are None."""

    X: Any
    y: NDArray[Any]
    sensitive_features: Columns | None
    clusters: Column | None
    sample_weight: Float | None


def read_validation(
    value: Any, parts: tuple[str, ...] = PARTS, *, groups: bool = False
) -> ValidationRows:
    """The parts of `validation`, each by its name.

    Parameters
    ----------
    value : tuple or list of the parts, in order; those after X and y may be None or left out
    parts : the names of the parts that the estimator reads, fields of `ValidationRows`
    groups : sensitive_features are needed, for the training rows came with them

    Raises
    ------
    InputError
        When it is something else, a needed part is missing, there are too many parts, they differ
        in their rows, or pandas objects have the same row labels in another order.
    """
    expected = f"({', '.join(parts)})"
    if not isinstance(value, tuple | list):
        raise _other(expected, f"one {type(value).__name__}")
    if not len(REQUIRED) <= len(value) <= len(parts):
        raise _other(expected, "1 part" if len(value) == 1 else f"{len(value)} parts")
    parts_by_name = dict(zip(parts, value, strict=False))
    for name in (*REQUIRED, GROUPS) if groups else REQUIRED:
        if parts_by_name.get(name) is None:
            raise _other(expected, f"no {name}")
    with in_validation():
        same_rows(**parts_by_name)
        return _read(**parts_by_name)


def _read(
    X: Any, y: Any, sensitive_features: Any = None, clusters: Any = None, sample_weight: Any = None
) -> ValidationRows:
    """Parts with as many rows as y, whether or not the model goes on to look at them.

    X is read, and its rows are counted against y, by what the estimator learnt.
    """
    y = read_target(y)
    if not y.ndim:
        raise refusal("y", ONE_VALUE, f"one {type(y.item()).__name__}", "pass an array")
    n = len(y)
    if sensitive_features is not None:
        sensitive_features = read_columns(sensitive_features, GROUPS, n, of="y")
    if clusters is not None:
        clusters = read_column(clusters, "clusters", n, of="y")
    if sample_weight is not None:
        sample_weight = read_numbers(sample_weight, "sample_weight", n, of="y")
    return ValidationRows(X, y, sensitive_features, clusters, sample_weight)


@contextmanager
def in_validation() -> Iterator[None]:
    """Add to every input error inside that the part belongs to `validation`."""
    try:
        yield
    except InputError as error:
        raise InputError(f"validation: {error}") from error


def _other(expected: str, got: str) -> InputError:
    return refusal("validation", expected, got, "pass the parts as a tuple in this order")
