"""Refits on halves of the rows: honest losses, and the corrected matrix of "maximin".

The closed form of Wang, Buhlmann and Guo (arXiv 2309.02211) minimises v' Gamma v with
Gamma_kl the mean product of two experts' answers. Estimated experts bias Gamma; the correction
needs rows on which they were not fitted (least squares makes it vanish on its own rows), and
soft responsibilities stand for the group labels that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairaudit.methods.rome.answers import Mixture, log_total, softmax
from fairaudit.methods.rome.combine import correction, explained
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.mixture.em_loop import RunBatch, StoppingRules, climb
from fairaudit.methods.rome.mixture.sums import Params
from fairaudit.methods.rome.problem import MixtureProblem, learnt

REFIT = StoppingRules(tol=1e-5, max_iter=15, prune_at=())


@dataclass(frozen=True)
class Training:
    """Training rows in the units of the data.

    Attributes
    ----------
    experts : (n, p), gate : (n, q), target : (n,) values or class codes, weight : (n,)
    cluster : (n,) or None
    """

    experts: Float
    gate: Float
    target: NDArray[np.generic]
    weight: Float
    cluster: NDArray[Any] | None = None


@dataclass(frozen=True)
class MixtureAnswers:
    """A mixture's predictions for rows.

    Attributes
    ----------
    answers : (n, G, C) of the experts
    prior, resp : (n, G) membership before and after y
    likelihood : (n,) log p(y | x, s)
    """

    answers: Float
    prior: Float
    resp: Float
    likelihood: Float

    @classmethod
    def of(cls, mixture: Mixture, rows: Training) -> MixtureAnswers:
        """The predictions of a mixture for rows."""
        answers, prior = mixture.answers(rows.experts), mixture.membership(rows.gate)
        joint = mixture.joint(answers, prior, rows.target)
        return cls(answers, prior, softmax(joint), log_total(joint))

    def where(self, mask: NDArray[np.bool_], other: MixtureAnswers) -> MixtureAnswers:
        """These answers for the rows of the mask, others for the rest."""

        def pick(one: Float, two: Float) -> Float:
            return np.where(mask.reshape(-1, *[1] * (one.ndim - 1)), one, two)

        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return MixtureAnswers(*(pick(one, two) for one, two in pairs))


def plain_matrix(rows: Training, mixture: Mixture) -> Float:
    """Gamma (G, G) of the experts as they are."""
    _, centre = _target_and_centre(rows, mixture)
    return explained(mixture.answers(rows.experts), centre, rows.weight)


@dataclass(frozen=True)
class Halves:
    """The mixture refitted on each half of the rows, groups as in the full fit.

    Attributes
    ----------
    seen : two (n,) masks, the rows of each refit
    mixtures : the two refits
    """

    seen: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    mixtures: tuple[Mixture, Mixture]


def halves(problem: MixtureProblem, params: Params, order: NDArray[np.int64], seed: int) -> Halves:
    """Refit on two random halves of the rows."""
    half = _half(problem, seed)
    first, second = _refits_on_folds(problem, params, [half, ~half], order)
    return Halves((half, ~half), (first, second))


def can_halve(problem: MixtureProblem, n_groups: int) -> bool:
    """Whether each half has at least twice as many rows as the experts have coefficients."""
    return problem.total / 2 >= 2 * n_groups * problem.rank_expert


def _half(problem: MixtureProblem, seed: int) -> NDArray[np.bool_]:
    """A random half of the rows by their values: equal rows stay together, order is no matter."""
    rows = problem.rows
    values = torch.cat([rows.expert, rows.gate, rows.y[None].to(rows.expert.dtype)])
    rng = np.random.default_rng(seed)
    # a sine of a random projection is a hash: equal rows fall on the same side in any order
    line = torch.as_tensor(rng.normal(size=len(values)), device=values.device)
    half = (torch.sin(100 * (line @ values)) > 0).cpu().numpy()
    share = float(problem.weight[0].cpu().numpy() @ half) / problem.total
    if 0.3 < share < 0.7:
        return np.asarray(half)
    return np.asarray(rng.permutation(rows.n) % 2 == 0)  # too few distinct rows


def out_of_half(rows: Training, refits: Halves) -> MixtureAnswers:
    """Predictions for each row by the refit that has not seen it."""
    first, second = (MixtureAnswers.of(mixture, rows) for mixture in refits.mixtures)
    return first.where(refits.seen[1], second)  # rows the first refit has not seen


def corrected_matrix(rows: Training, refits: Halves) -> Float:
    """Gamma (G, G), bias-corrected by two-fold cross-fitting."""
    first, second = (mixture.answers(rows.experts) for mixture in refits.mixtures)
    by_fold = [
        _matrix_of_fold(rows, mixture, answers, ~seen)
        for mixture, answers, seen in zip(
            refits.mixtures, (first, second), refits.seen, strict=True
        )
    ]
    return np.asarray(np.mean(by_fold, axis=0)) + error_products(first, second, rows.weight)


def _refits_on_folds(
    problem: MixtureProblem,
    params: Params,
    folds: list[NDArray[np.bool_]],
    order: NDArray[np.int64],
) -> list[Mixture]:
    """The mixture refitted on each fold from where EM ended, so that groups keep their names."""
    mixtures = []
    for fold in folds:
        at = torch.as_tensor(np.flatnonzero(fold), device=problem.weight.device)
        batch = RunBatch(params, problem.weight[:, at], [0])
        run = climb(problem.rows.take(at), [batch], problem.penalty, REFIT)[0][0]
        mixtures.append(learnt(problem, run, order).mixture)
    return mixtures


def _matrix_of_fold(
    rows: Training, mixture: Mixture, answers: Float, unseen: NDArray[np.bool_]
) -> Float:
    goal, centre = _target_and_centre(rows, mixture)
    # Gamma over all rows, its bias only over rows the refit has not seen
    plain = explained(answers, centre, rows.weight)
    heldout_answers = answers[unseen]
    prior = mixture.membership(rows.gate[unseen])
    resp = (
        mixture.posterior(heldout_answers, prior, rows.target[unseen]) * rows.weight[unseen, None]
    )
    shares = resp.sum(axis=0) / resp.sum()
    bias = correction(heldout_answers, centre, goal[unseen], resp, prior, shares)
    return plain - bias - bias.T


def error_products(first: Float, second: Float, weight: Float) -> Float:
    """Mean product of the experts' estimation errors, (G, G), from two independent fits.

    The first-order correction leaves minus this product behind; adding it makes Gamma unbiased
    to second order. Two fits differ by the difference of their errors, whose products have twice
    the mean of either.
    """
    return explained(first - second, np.zeros(first.shape[2]), weight) / 2


def _target_and_centre(rows: Training, mixture: Mixture) -> tuple[Float, Float]:
    """What answers aim at, (n, C), and its weighted mean, (C,)."""
    if mixture.noise is not None:
        goal = np.asarray(rows.target, dtype=np.float64)[:, None]
    else:
        count = mixture.coef.shape[1] + 1
        goal = np.eye(count)[np.asarray(rows.target, dtype=np.int64)]
    return goal, np.asarray(rows.weight @ goal / rows.weight.sum())
