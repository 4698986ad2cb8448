"""Temperature and class offsets of a model, from held-out logits, shrunken to no change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Float = NDArray[np.float64]
_PRIOR = 0.5  # deviation of log temperature and of offsets before any row is seen
_FOLDS = 5


@dataclass(frozen=True)
class Calibration:
    """logits → factor · logits + offsets; the default changes nothing."""

    factor: float = 1.0
    offsets: Float | None = None

    def __call__(self, logits: Float) -> Float:
        """Calibrated logits (n, C)."""
        shifted = self.factor * logits
        return shifted if self.offsets is None else shifted + self.offsets


def fit_calibration(logits: Float, y: NDArray[np.int64]) -> Calibration:
    """The most probable factor and offsets given held-out rows (Platt scaling with a prior).

    Parameters
    ----------
    logits : (n, C)
    y : (n,) class codes; negative codes are left out
    """
    logits, y = logits[y >= 0], y[y >= 0]
    if not len(y):
        return Calibration()
    minimum = minimize(
        _negative_log_posterior,
        np.zeros(1 + logits.shape[1]),
        args=(logits, np.eye(logits.shape[1])[y]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 100},
    )
    return Calibration(float(np.exp(minimum.x[0])), minimum.x[1:])


def _negative_log_posterior(theta: Float, logits: Float, hot: Float) -> tuple[float, Float]:
    factor, offsets = np.exp(theta[0]), theta[1:]
    scaled = factor * logits + offsets
    scaled = scaled - scaled.max(1, keepdims=True)
    log_proba = scaled - np.log(np.exp(scaled).sum(1, keepdims=True))
    slope = np.exp(log_proba) - hot  # (n, C)
    value = -(hot * log_proba).sum() + (theta**2).sum() / (2 * _PRIOR**2)
    gradient = np.r_[factor * (slope * logits).sum(), slope.sum(0)] + theta / _PRIOR**2
    return float(value), gradient


def cross_calibrated(logits: Float, y: NDArray[np.int64], seed: int) -> Float:
    """Each row's logits, calibrated on the other four fifths of the rows (n, C).

    The rows that choose between models must not also have tuned them.
    """
    fold = np.random.default_rng(seed).permutation(len(y)) % _FOLDS
    out = logits.copy()
    for k in range(_FOLDS):
        out[fold == k] = fit_calibration(logits[fold != k], y[fold != k])(logits[fold == k])
    return out
