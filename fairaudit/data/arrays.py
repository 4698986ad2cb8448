"""The form in which methods see a dataset: plain arrays with row ids and splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.data.roles import Task

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Arrays:
    """Rows as arrays; imputation, scaling and bins are learnt from training rows only.

    Attributes
    ----------
    X : (n, p) float64, or (n, H, W, C) uint8 for images
        Encoded features, without the target.
    y : (n,) int64 class codes (binary: 1 = positive) or float64 values
    sensitive : (n, k) float64
        Design matrix of the declared attributes, for gates (numbers standardised, text one-hot,
        missing flagged).
    groups : mapping of attribute to (n,) str
        Group labels for evaluation, one entry per declared attribute; numeric attributes are
        binned at training quantiles, missing is "(missing)".
    cluster : (n,) int64 codes or None
    weight : (n,) float64 or None
    row_id : (n,) int64
    split : (n,) int8, index into `SPLITS`
    units : mapping of standardised column to (mean, standard deviation) of its training rows
    """

    X: NDArray[Any]
    y: NDArray[Any]
    task: Task
    sensitive: NDArray[np.float64]
    groups: Mapping[str, NDArray[np.str_]]
    cluster: NDArray[np.int64] | None
    weight: NDArray[np.float64] | None
    row_id: NDArray[np.int64]
    split: NDArray[np.int8]
    feature_names: tuple[str, ...]
    sensitive_names: tuple[str, ...]
    classes: tuple[str, ...] = ()
    cluster_names: tuple[str, ...] = ()
    units: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    def unlearnable(self) -> NDArray[np.bool_]:
        """(n,) validation rows of a class that no training row has."""
        validation = self.split == SPLITS.index("validation")
        if self.task == "regression":
            return np.zeros(len(self), dtype=bool)
        known = np.isin(self.y, self.y[self.split == SPLITS.index("train")])
        return np.asarray(validation & ~known)

    def take(self, rows: NDArray[Any]) -> Arrays:
        """The rows selected by a mask or by positions."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            sensitive=self.sensitive[rows],
            groups={name: values[rows] for name, values in self.groups.items()},
            cluster=None if self.cluster is None else self.cluster[rows],
            weight=None if self.weight is None else self.weight[rows],
            row_id=self.row_id[rows],
            split=self.split[rows],
        )

    def part(self, name: str) -> Arrays:
        """The rows of one split: "train", "validation" or "test"."""
        return self.take(self.split == SPLITS.index(name))
