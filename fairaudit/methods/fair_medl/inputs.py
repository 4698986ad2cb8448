"""What Fair MEDL learns about its inputs: scales, classes, clusters and sensitive attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float, Int
from fairaudit.inputs.columns import Columns
from fairaudit.inputs.read import read_column, read_columns
from fairaudit.inputs.rows import refusal
from fairaudit.inputs.target import read_target

Target = Literal["equalized_odds", "demographic_parity"]
Task = Literal["binary", "multiclass", "regression"]

OTHER = "(other)"
MOST_LEVELS = 50
FEW_VALUES = 10  # numbers with no more distinct values are levels, not a scale
MOST_CLASSES = 20  # numbers with more distinct values are an outcome to regress
BINS = 4


@dataclass(frozen=True)
class FeatureScale:
    """Column means and standard deviations of the training rows; constant columns keep 1."""

    mean: Float
    sd: Float

    @classmethod
    def fit(cls, X: Float, weight: Float) -> FeatureScale:
        """Weighted moments by column."""
        share = weight / weight.sum()
        mean = share @ X
        sd = np.sqrt(share @ np.square(X - mean))
        return cls(mean, np.where(sd > 1e-12 * np.maximum(1, np.abs(mean)), sd, 1.0))

    def apply(self, X: Float) -> Float:
        """Standardised columns (n, p)."""
        return (X - self.mean) / self.sd


@dataclass(frozen=True)
class Attribute:
    """One sensitive attribute: levels, or a scale with bins for the rates.

    Parameters
    ----------
    levels : names of the levels (or bins), most frequent first when there are too many
    edges : inner bin edges of a continuous attribute, empty otherwise
    centre, spread : of a continuous attribute
    """

    name: str
    continuous: bool
    levels: tuple[str, ...]
    edges: tuple[float, ...] = ()
    centre: float = 0.0
    spread: float = 1.0

    @classmethod
    def fit(cls, name: str, value: Any) -> Attribute:
        """Learn levels or scale from the training rows."""
        column = read_column(value, f"sensitive attribute '{name}'")
        numbers = column.numbers()
        if numbers is not None and np.isinf(numbers).any():
            raise InputError(
                f"sensitive attribute '{name}' holds infinite values; replace them or leave "
                "them missing"
            )
        if numbers is not None and len(np.unique(numbers[~np.isnan(numbers)])) > FEW_VALUES:
            return cls._fit_scale(name, numbers)
        levels, codes = column.levels
        if len(levels) <= MOST_LEVELS:
            return cls(name, False, levels)
        counts = np.bincount(codes, minlength=len(levels))
        frequent = np.argsort(-counts, kind="stable")[: MOST_LEVELS - 1]
        return cls(name, False, (*(levels[i] for i in frequent), OTHER))

    @classmethod
    def _fit_scale(cls, name: str, numbers: Float) -> Attribute:
        present = numbers[~np.isnan(numbers)]
        edges = np.unique(np.quantile(present, np.arange(1, BINS) / BINS))
        names = tuple(f"bin {i + 1}" for i in range(len(edges) + 1))
        spread = float(present.std()) or 1.0
        cut = tuple(edges.tolist())
        return cls(name, True, names, cut, float(present.mean()), spread)

    def codes(self, value: Any) -> Int:
        """Level or bin of each row; −1 where missing or never seen."""
        if self.continuous:
            numbers = self._numbers(value)
            bins = np.searchsorted(np.asarray(self.edges), numbers, side="left")
            return np.where(np.isnan(numbers), -1, bins).astype(np.int64)
        place = {level: i for i, level in enumerate(self.levels)}
        rest = place.get(OTHER, -1)
        names, codes = read_column(value, f"sensitive attribute '{self.name}'").levels
        return np.array([place.get(name, rest) for name in names], dtype=np.int64)[codes]

    def values(self, value: Any) -> Float:
        """Standardised numbers of a continuous attribute, 0 where missing."""
        scaled = (self._numbers(value) - self.centre) / self.spread
        return np.nan_to_num(scaled, nan=0.0)

    def _numbers(self, value: Any) -> Float:
        title = f"sensitive attribute '{self.name}'"
        numbers = read_column(value, title).numbers()
        if numbers is None:
            raise refusal(title, "numbers, for it was numeric in training", "text", "pass numbers")
        return numbers


@dataclass(frozen=True)
class Sensitive:
    """All sensitive attributes of some rows.

    Attributes
    ----------
    codes : (n, A) level or bin, −1 = missing
    values : (n, A) standardised numbers of continuous attributes, 0 elsewhere
    """

    codes: Int
    values: Float


def fit_attributes(columns: Columns, rows: NDArray[np.bool_]) -> tuple[Attribute, ...]:
    """One `Attribute` per column of `sensitive_features`, learnt from some of its rows."""
    pairs = zip(columns.named(), columns.columns, strict=True)
    return tuple(Attribute.fit(name, column.take(rows)) for name, column in pairs)


def encode_sensitive(attributes: tuple[Attribute, ...], value: Any, n: int) -> Sensitive:
    """Codes and values of the rows; columns with names are taken in the order of training.

    Raises
    ------
    InputError
        When there are other columns than in training.
    """
    columns = read_columns(value, "sensitive_features", n)
    columns = columns.as_fitted([a.name for a in attributes], len(attributes))
    pairs = list(zip(attributes, columns.columns, strict=True))
    codes = np.column_stack([a.codes(c) for a, c in pairs])
    zero = np.zeros(n)
    values = np.column_stack([a.values(c) if a.continuous else zero for a, c in pairs])
    return Sensitive(codes, values)


def cluster_codes(levels: tuple[str, ...], clusters: Any, n: int) -> Int:
    """Place of each row's cluster among the training clusters; −1 = never seen, or missing.

    Rows without a name are the cluster "(missing)", which is known where training had such rows.
    """
    if clusters is None:
        return np.full(n, -1, dtype=np.int64)
    place = {level: i for i, level in enumerate(levels)}
    names, codes = read_column(clusters, "clusters", n).levels
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)[codes]


def cluster_labels(clusters: Any, n: int) -> NDArray[np.str_]:
    """Cluster names as text (n,)."""
    return read_column(clusters, "clusters", n).text()


def checked_target(value: Any) -> NDArray[Any]:
    """y as an array without gaps, of text or of numbers.

    Raises
    ------
    InputError
        When values are missing, or text and numbers are mixed.
    """
    y = read_target(value)
    if y.dtype.kind != "O" or y.ndim == 0:
        return y
    if len({isinstance(v, str) for v in y.ravel()}) > 1:
        raise InputError("y mixes text and numbers; write every label in one way")
    return y


def target_numbers(y: NDArray[Any]) -> Float:
    """y as finite floats.

    Raises
    ------
    InputError
        When it holds text, or a value is not finite.
    """
    try:
        numbers = y.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "y holds text and regression needs numbers; choose task='binary' or 'multiclass'"
        ) from None
    if not np.isfinite(numbers).all():
        raise InputError("y holds values that are not finite; fill them or drop those rows")
    return numbers


def infer_task(y: NDArray[Any]) -> Task:
    """Numbers with fractions or many distinct values are values, two labels are binary, more
    are classes."""
    if y.dtype.kind == "f" and np.any(y != np.floor(y)):
        return "regression"
    n_labels = len(np.unique(y))
    if y.dtype.kind in "iuf" and n_labels > MOST_CLASSES:
        return "regression"
    return "binary" if n_labels <= 2 else "multiclass"


def attribute_meta(attribute: Attribute) -> Mapping[str, Any]:
    """JSON form of an attribute."""
    return asdict(attribute)


def attribute_from(meta: Mapping[str, Any]) -> Attribute:
    """The attribute from the JSON form of `attribute_meta`."""
    fixed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in meta.items()}
    return Attribute(**fixed)
