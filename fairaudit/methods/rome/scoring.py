"""A fitted mixture's predictions for rows before y is seen, from which any outcome is scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.rome.answers import TINY_PROBABILITY
from fairaudit.methods.rome.combine import mixed, row_loss
from fairaudit.methods.rome.design import Float


@dataclass(frozen=True)
class Scoring:
    """Experts' answers, membership and prediction of n rows; no outcome was used.

    Attributes
    ----------
    answers : (n, E, C) values (C = 1) or class probabilities of all experts
    gate : (n, E) probability of each expert before y is seen
    mixing : (n, E) weights with which the prediction combines the experts
    prior : (n, G) P(group | s): `gate`, summed over the members of an ensemble
    noise : (E,) variances; None for classification
    loss_name : the loss of a prediction
    """

    answers: Float
    gate: Float
    mixing: Float
    prior: Float
    noise: Float | None
    loss_name: str

    def take(self, rows: NDArray[np.int64]) -> Scoring:
        """Some of the rows."""
        parts = (self.answers[rows], self.gate[rows], self.mixing[rows], self.prior[rows])
        return Scoring(*parts, self.noise, self.loss_name)

    @property
    def centre(self) -> Float:
        """What the likelihood expects: (n,) values, or (n, C) class probabilities."""
        expected = mixed(self.gate, self.answers)
        return expected[:, 0] if self.noise is not None else expected

    def log_likelihood(self, y: NDArray[np.generic]) -> Float:
        """Log p(y | x, s) of outcomes (n,) or (n, B), in their shape."""
        if self.noise is None:
            return np.log(np.maximum(_picked(self.centre, y), TINY_PROBABILITY))
        values = np.asarray(y, dtype=np.float64)
        total = np.full(values.shape, -np.inf)
        for j, variance in enumerate(self.noise):  # one expert at a time bounds memory
            expected, prior = _column(self.answers[:, j, 0], y), _column(self.gate[:, j], y)
            density = np.square(values - expected) / variance + np.log(2 * np.pi * variance)
            joint = np.log(np.maximum(prior, TINY_PROBABILITY)) - 0.5 * density
            total = np.logaddexp(total, joint)
        return total

    def losses(self, y: NDArray[np.generic]) -> Float:
        """Loss of the prediction for outcomes (n,) or (n, B), in their shape."""
        if self.noise is not None:
            expected = mixed(self.mixing, self.answers)[:, 0]
            return np.square(np.asarray(y, dtype=np.float64) - _column(expected, y))
        n, _, classes = self.answers.shape
        each = [
            row_loss(self.loss_name, self.answers, np.full(n, c))(self.mixing)
            for c in range(classes)
        ]
        return _picked(np.stack(each, axis=1), y)


def _column(values: Float, y: NDArray[np.generic]) -> Float:
    """Values (n,) that broadcast over outcomes (n,) or (n, B)."""
    return values if y.ndim == 1 else values[:, None]


def _picked(table: Float, y: NDArray[np.generic]) -> Float:
    """The entry (n, C) of each row's outcome (n,) or (n, B)."""
    codes = np.asarray(y, dtype=np.int64)
    two = codes if codes.ndim == 2 else codes[:, None]
    return np.take_along_axis(table, two, axis=1).reshape(codes.shape)
