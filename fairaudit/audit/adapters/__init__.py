"""From arrays to a fitted method and its per-row answers: one function a method, one shape out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError
from fairaudit.methods._monitor import Monitor


@dataclass(frozen=True)
class Prediction:
    """One model's answers for all n rows of the arrays (every split).

    Attributes
    ----------
    label : (n,) int64 class codes, or float64 values for regression
    score : (n,) float64 probability of the positive class, (n, C) for multiclass, None otherwise
    """

    label: NDArray[Any]
    score: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Fitted:
    """What one method hands to the audit.

    Attributes
    ----------
    predictions : mapping of model name to Prediction
        The first is the method itself, the others what it is compared with ("baseline", …).
    tables : mapping of str to polars.DataFrame
        `latent`, `groups`, `selection`, `alternatives`, `effects`, `history`, … as they apply.
    summary : mapping of JSON values
        Headline facts and `warnings` (a list of sentences in plain words).
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


class Adapter(Protocol):
    """Fit on the training rows of `arrays` (choose on validation), answer for every row."""

    def __call__(
        self,
        arrays: Arrays,
        params: Mapping[str, Any],
        *,
        seed: int,
        device: str,
        monitor: Monitor,
    ) -> Fitted: ...


_HOME = {
    "linear": "baselines:fit_linear",
    "linear-s": "baselines:fit_linear_with_sensitive",
    "erm": "baselines:fit_erm",
    "erm-s": "baselines:fit_erm_with_sensitive",
    "group-dro": "baselines:fit_group_dro",
    "decoupled": "baselines:fit_decoupled",
    "threshold": "baselines:fit_threshold",
    "rome-em": "rome:fit_rome_em",
    "rome-moe": "rome:fit_rome_moe",
    "rome-sweep": "rome:fit_rome_sweep",
    "fair-sde": "fair_sde:fit_fair_sde",
    "fair-sde-stress": "fair_sde:stress_fair_sde",
    "fair-medl": "fair_medl:fit_fair_medl",
}


def adapter(method: str) -> Adapter:
    """The adapter of a method, imported on first use.

    Raises
    ------
    SpecError
        When the method is not known.
    """
    if method not in _HOME:
        raise SpecError(f"method '{method}' is not known; choose one of {', '.join(_HOME)}")
    module, name = _HOME[method].split(":")
    found: Adapter = getattr(import_module(f"{__name__}.{module}"), name)
    return found
