"""What every fitted method returns to the audit, and the signature of its fitting function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.arrays import Arrays
from fairaudit.data.roles import Cut
from fairaudit.methods.common.progress import Monitor


@dataclass(frozen=True)
class Prediction:
    """One model's answers for all n rows of the arrays (every split).

    Attributes
    ----------
    label : (n,) int64 class codes, or float64 values for regression
    score : (n,) float64 probability of the positive class, (n, C) for multiclass, None otherwise
    cut : where the score decides, None where the decisions were given
    """

    label: NDArray[Any]
    score: NDArray[np.float64] | None = None
    cut: Cut | None = None

    @property
    def below(self) -> bool:
        """Whether low scores select."""
        return self.cut is not None and self.cut.side == "below"

    def take(self, rows: NDArray[Any]) -> Prediction:
        """Some rows, by mask or position."""
        score = None if self.score is None else self.score[rows]
        return Prediction(self.label[rows], score, self.cut)


@dataclass(frozen=True)
class Fitted:
    """What one fitted method returns to the audit.

    Attributes
    ----------
    predictions : mapping of model name to Prediction
        The first is the method itself, the others what it is compared with ("baseline", …).
    tables : mapping of str to polars.DataFrame
        `latent`, `groups`, `selection`, `alternatives`, `effects`, `history`, … as they apply.
    summary : mapping of JSON values
        Headline facts and `warnings` (notices, or the text of an estimator).
    save : callable or None
        Writes the fitted estimator into a folder (safetensors + JSON).
    answer : callable or None
        Asks the same models about other rows: arrays → predictions under the same names.
    """

    predictions: Mapping[str, Prediction]
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    save: Callable[[Path], None] | None = None
    answer: Callable[[Arrays], Mapping[str, Prediction]] | None = None


class RunOptions(TypedDict):
    """What every adapter is told of the run, beside rows and parameters."""

    confidence: float
    seed: int
    device: str
    monitor: Monitor


class Adapter(Protocol):
    """Fit on the training rows of `arrays` (choose on validation), answer for every row.

    `confidence` is that of every interval in the tables; a method whose choice has a level of its
    own (FairSDE's no-harm) takes it from `params`.
    """

    def __call__(
        self, arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]
    ) -> Fitted: ...
