"""Cluster effects given the fixed part: Laplace posterior with its prior learnt by EM, no torch.

Early stopping ends the game of Fair MEDL long before the posterior of the random effects has
settled. What a cluster adds to the fixed part, and how sure that is, comes from here:
r = Σ_j x_j u_j + b with u, b ~ N(0, τ²) (Nguyen et al., arXiv 2310.03146, §3, the same random
part), mode and curvature by guarded Newton steps, τ² by EM (mean of mode² + variance).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax

from fairaudit.inputs.arrays import Float, Int
from fairaudit.methods.fair_medl.weights import Weights, run_layers, slope_inputs

ROUNDS = 120
SHORTENINGS = 4
CLOSE = 0.002  # relative distance of every prior SD from its limit that counts as none
EVERY = 3  # rounds of EM between two extrapolations
STEADY = 0.95  # of the last change at most, where the next changes are extrapolated
START = 0.5  # of the prior SD, where it is learnt
SMALLEST = 1e-3  # of a prior SD: an effect whose clusters do not differ stays, at next to nothing
ALONE = 256  # rows from which on a cluster is solved alone, without rows that fill up
CELLS = 4_000_000  # numbers of one intermediate array
PRODUCTS = 4e9  # multiplications a round; above it only diagonals of curvatures are kept


@dataclass(frozen=True)
class Sites:
    """Rows sorted by cluster, as the random effects see them.

    Attributes
    ----------
    raw : (n, O) output of the fixed part
    Z : (n, q) what the effects multiply
    y, weight : (n,)
    codes : (n,) ascending
    starts : (K + 1,) where each cluster's rows begin
    """

    raw: Float
    Z: Float
    y: Float
    weight: Float
    codes: Int
    starts: Int

    @classmethod
    def of(cls, weights: Weights, X: Float, y: Float, codes: Int, weight: Float) -> Sites:
        """The rows of known clusters."""
        rows = np.flatnonzero(codes >= 0)
        rows = rows[np.argsort(codes[rows], kind="stable")]
        raw, hidden = run_layers(weights.layers, X[rows])
        Z = slope_inputs(weights.slopes, X[rows], hidden)
        starts = np.searchsorted(codes[rows], np.arange(len(weights.effect_mean) + 1))
        return cls(raw, Z, y[rows], weight[rows], codes[rows], starts)

    def mixed(self, mean: Float) -> Float:
        """Raw mixed outputs (n, O) under effects (K, q, O)."""
        return np.asarray(self.raw + np.einsum("nq,nqo->no", self.Z, mean[self.codes]))

    def by_cluster(self, rows: Float) -> Float:
        """Weighted sums over each cluster's rows (K,)."""
        return np.asarray(
            np.bincount(self.codes, self.weight * rows, minlength=len(self.starts) - 1),
            dtype=float,
        )


def settled(
    weights: Weights,
    X: Float,
    y: Float,
    codes: Int,
    weight: Float,
    *,
    prior_scale: float | None = None,
    strength: float = 1.0,
) -> Weights:
    """The model with the settled posterior of its random effects.

    Parameters
    ----------
    weights : Weights
        Trained; its fixed part is kept as it is.
    X : (n, p) float64, as the net takes it
    y : (n,) class codes, or standardised values
    codes : (n,) clusters, −1 = unseen (left out)
    weight : (n,) row weights of mean 1
    prior_scale : float or None
        SD of the effects' prior; None = learnt.
    strength : float
        Weight of the prior (λ_K of the loss); 1 gives the posterior.

    Returns
    -------
    Weights
        `effect_mean`, `effect_sd` (marginal) and `prior_sd` replaced; in regression `noise` too.
    """
    sites = Sites.of(weights, X, y, codes, weight)
    mean, prior = np.zeros_like(weights.effect_mean), np.full_like(weights.prior_sd, START)
    if prior_scale is not None:
        prior[:] = prior_scale
    now = replace(weights, effect_mean=mean, prior_sd=prior)
    learnt = _LearntPrior(prior)
    for _ in range(ROUNDS):
        step, variance = _newton_step(now, sites, strength)
        mean = _guarded_step(now, sites, step, strength)
        if prior_scale is None:
            left = learnt.move(_prior_sd_by_em(mean, variance))
        else:
            left = float(np.abs(step).max())
        noise, prior = _noise_by_em(now, sites, mean, variance), learnt.sd
        now = replace(now, effect_mean=mean, prior_sd=prior, noise=noise)
        if left < CLOSE:
            break
    return with_sd(now, sites, strength)


class _LearntPrior:
    """The prior SDs (q, O) on EM's way to their limit, with extrapolations."""

    def __init__(self, sd: Float) -> None:
        self.sd = sd
        self.round = 0
        self.change: Float | None = None  # of log SDs in the last round of EM

    def move(self, new: Float) -> float:
        """Take a step of EM, or jump ahead; the largest distance that is left."""
        change = np.log(new / self.sd)
        if self.change is None:
            self.sd, self.change = new, change
            return float("inf")
        ratio = np.divide(change, self.change, out=np.zeros_like(new), where=self.change != 0)
        ahead = change / (1 - np.clip(ratio, 0.0, STEADY))
        self.round += 1
        if self.round % EVERY:
            self.sd, self.change = new, change
        else:  # what is extrapolated is no step of EM: the next ratio starts anew
            self.sd, self.change = np.maximum(self.sd * np.exp(ahead), SMALLEST), None
        return float(np.abs(ahead).max())


def with_sd(weights: Weights, sites: Sites, strength: float = 1.0) -> Weights:
    """The model with the marginal SDs that the curvature at its own effects implies."""
    _, variance = _newton_step(weights, sites, strength)
    return replace(weights, effect_sd=np.sqrt(variance))


def _prior_sd_by_em(mean: Float, variance: Float) -> Float:
    """EM's prior SD (q, O)."""
    return np.asarray(np.maximum(np.sqrt((np.square(mean) + variance).mean(0)), SMALLEST))


def _noise_by_em(weights: Weights, sites: Sites, mean: Float, variance: Float) -> float:
    """EM's residual variance (regression): mean squared error plus the posterior's variance."""
    if weights.task != "regression":
        return weights.noise
    spread = np.einsum("nq,nqo->no", np.square(sites.Z), variance[sites.codes])
    square = np.square(sites.y[:, None] - sites.mixed(mean)) + spread
    return float(max(np.average(square[:, 0], weights=sites.weight), 1e-6))


def _newton_step(weights: Weights, sites: Sites, strength: float) -> tuple[Float, Float]:
    """One step from the effects as they are, and the marginal variances, each (K, q, O)."""
    mean = weights.effect_mean
    slope, curve = _derivatives(weights, sites.mixed(mean), sites.y)
    slope, curve = slope * sites.weight[:, None], curve * sites.weight[:, None]
    precision = max(strength, 1e-6) / np.square(weights.prior_sd)
    step, variance = -mean, np.broadcast_to(1 / precision, mean.shape).copy()  # without rows
    least = np.minimum(np.diff(sites.starts), mean.shape[1]).astype(float)
    full = float(np.square(least).sum()) * mean.shape[1] * mean.shape[2] <= PRODUCTS
    for clusters, rows, inside in _blocks(sites.starts, mean.shape[1]):
        Z = sites.Z[rows] * inside[..., None]  # (b, w, q)
        for o in range(mean.shape[2]):
            gradient = np.einsum("bwq,bw->bq", Z, slope[rows, o])
            gradient -= precision[:, o] * mean[clusters, :, o]
            step[clusters, :, o], variance[clusters, :, o] = _solve(
                Z, curve[rows, o], precision[:, o], gradient, full
            )
    return step, variance


def _blocks(starts: Int, q: int) -> Iterator[tuple[Int, Int, NDArray[np.bool_]]]:
    """Clusters of about the same size together, so that none is solved alone: clusters (b,),
    their rows (b, w), and which of these are theirs (shorter clusters are filled up)."""
    sizes = np.diff(starts)
    widths = np.where(sizes > ALONE, sizes, 2 ** np.ceil(np.log2(np.maximum(sizes, 1))))
    for width in np.unique(widths[sizes > 0]).astype(np.int64):
        of_width = np.flatnonzero((widths == width) & (sizes > 0))
        count = max(1, CELLS // (max(int(width), q) * q))
        for clusters in np.split(of_width, np.arange(count, len(of_width), count)):
            rows = starts[clusters][:, None] + np.arange(width)
            inside = rows < starts[clusters + 1][:, None]
            yield clusters, np.minimum(rows, starts[-1] - 1), inside


def _solve(
    Z: Float, curve: Float, precision: Float, gradient: Float, full: bool
) -> tuple[Float, Float]:
    """Newton steps and marginal variances of a block of clusters, each (b, q).

    Z (b, w, q) is zero in rows that only fill up; curve (b, w), precision (q,), gradient (b, q).
    """
    if not full:
        diagonal = np.einsum("bwq,bw->bq", np.square(Z), curve) + precision
        return gradient / diagonal / max(len(precision), 1) ** 0.5, 1 / diagonal
    if Z.shape[1] >= Z.shape[2]:
        inverse = np.linalg.inv((Z * curve[..., None]).transpose(0, 2, 1) @ Z + np.diag(precision))
        return (inverse @ gradient[..., None])[..., 0], np.diagonal(inverse, axis1=1, axis2=2)
    # fewer rows than effects: the same inverse from a matrix of rows (Woodbury)
    spread = Z / precision
    rows = 1 / np.maximum(curve, 1e-12)
    inner = np.linalg.inv(spread @ Z.transpose(0, 2, 1) + np.eye(Z.shape[1]) * rows[..., None])
    moved = inner @ (spread @ gradient[..., None])
    step = gradient / precision - (spread.transpose(0, 2, 1) @ moved)[..., 0]
    return step, 1 / precision - ((inner @ spread) * spread).sum(1)


def _guarded_step(weights: Weights, sites: Sites, step: Float, strength: float) -> Float:
    """The effects after the step, which is cut to a quarter where a posterior would fall.

    Where nearly every row of a cluster is on the flat part of the link a full Newton step lands
    far off, and the prior learnt from it lets the next one land further.
    """
    before = _log_posterior(weights, sites, weights.effect_mean, strength)
    share = np.ones(len(step))
    for _ in range(SHORTENINGS):
        mean = weights.effect_mean + share[:, None, None] * step
        worse = _log_posterior(weights, sites, mean, strength) < before - 1e-9 * np.abs(before)
        if not worse.any():
            return np.asarray(mean)
        share[worse] /= 4
    share[worse] = 0
    return np.asarray(weights.effect_mean + share[:, None, None] * step)


def _log_posterior(weights: Weights, sites: Sites, mean: Float, strength: float) -> Float:
    """Log posterior density of each cluster's effects (K,), up to a constant."""
    prior = np.square(mean / weights.prior_sd).sum((1, 2)) * strength / 2
    return np.asarray(
        sites.by_cluster(_log_likelihood(weights, sites.mixed(mean), sites.y)) - prior
    )


def _log_likelihood(weights: Weights, raw: Float, y: Float) -> Float:
    """By row (n,)."""
    if weights.task == "regression":
        return np.asarray(-np.square(y - raw[:, 0]) / (2 * max(weights.noise, 1e-6)))
    if weights.task == "binary":
        return np.asarray(-np.logaddexp(0, (1 - 2 * y) * raw[:, 0]))
    return np.asarray(log_softmax(raw, axis=1)[np.arange(len(y)), y.astype(np.int64)])


def _derivatives(weights: Weights, raw: Float, y: Float) -> tuple[Float, Float]:
    """Slope of the log-likelihood in the link (n, O), and its negative curvature."""
    if weights.task == "regression":
        noise = max(weights.noise, 1e-6)
        return (y[:, None] - raw) / noise, np.full_like(raw, 1 / noise)
    if weights.task == "binary":
        p = expit(raw)
        return y[:, None] - p, np.maximum(p * (1 - p), 1e-4)
    p = softmax(raw, axis=1)
    truth = (y[:, None] == np.arange(raw.shape[1])).astype(np.float64)
    return truth - p, np.full_like(raw, 0.5)  # Böhning's bound: no step overshoots
