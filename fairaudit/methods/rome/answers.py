"""Predictions of a fitted mixture: experts, membership before y, responsibilities after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.rome.design import Float

TINY_PROBABILITY = 1e-300


@dataclass(frozen=True)
class Mixture:
    """Parameters in the units of the data.

    Attributes
    ----------
    coef : (G, J, p), intercept : (G, J)
    noise : (G,) variances; None for classification
    gate_coef : (G, q), gate_intercept : (G,)
    """

    coef: Float
    intercept: Float
    noise: Float | None
    gate_coef: Float
    gate_intercept: Float

    def answers(self, experts: Float) -> Float:
        """Each expert's answer (n, G, C): its value, or its class probabilities."""
        groups, free, p = self.coef.shape
        values = (experts @ self.coef.reshape(-1, p).T).reshape(len(experts), groups, free)
        values = values + self.intercept
        if self.noise is not None:
            return values
        zero = np.zeros((*values.shape[:2], 1))
        return softmax(np.concatenate([zero, values], axis=2))

    def membership(self, gate: Float) -> Float:
        """P(group | s) before y is seen, (n, G)."""
        return softmax(gate @ self.gate_coef.T + self.gate_intercept)

    def joint(self, answers: Float, prior: Float, target: NDArray[np.generic]) -> Float:
        """Log P(group, y | x, s), (n, G)."""
        density = self._log_density(answers, target)
        return np.asarray(np.log(np.maximum(prior, TINY_PROBABILITY)) + density)

    def posterior(self, answers: Float, prior: Float, target: NDArray[np.generic]) -> Float:
        """P(group | everything, y too), (n, G)."""
        return softmax(self.joint(answers, prior, target))

    def _log_density(self, answers: Float, target: NDArray[np.generic]) -> Float:
        if self.noise is None:
            codes = np.asarray(target, dtype=np.int64)
            hit = answers[np.arange(len(codes)), :, codes]
            return np.asarray(np.log(np.maximum(hit, TINY_PROBABILITY)))
        error = np.square(np.asarray(target, dtype=np.float64)[:, None] - answers[:, :, 0])
        return np.asarray(-0.5 * (error / self.noise + np.log(2 * np.pi * self.noise)))


def softmax(logits: Float) -> Float:
    """Softmax along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def log_total(joint: Float) -> Float:
    """Log of the summed exponentials of each row, (n,)."""
    top = joint.max(axis=1)
    return np.asarray(top + np.log(np.exp(joint - top[:, None]).sum(axis=1)))
