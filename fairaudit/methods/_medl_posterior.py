"""Cluster effects given the fixed part: Laplace posterior with its prior learnt by EM, no torch.

Early stopping ends the game of Fair MEDL long before the posterior of the random effects has
settled, and the fairness terms hold it back on purpose: its spread says how the model predicts,
not how much clusters differ. What a cluster adds to the fixed part, and how sure that is, comes
from here: r = Σ_j x_j u_j + b with u, b ~ N(0, τ²) (Nguyen et al., arXiv 2310.03146, §3, the same
random part), mode and curvature by Newton steps, τ² by EM (mean of mode² + variance).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, softmax

from fairaudit.methods._inputs import Float, Int
from fairaudit.methods._medl_weights import Weights, run_layers, slope_inputs

ROUNDS = 40
SMALLEST = 1e-3  # of a prior SD: an effect whose clusters do not differ stays, at next to nothing
CELLS = 4_000_000  # numbers of all curvature matrices together; above it only diagonals are kept


def settled(weights: Weights, X: Float, y: Float, codes: Int, weight: Float) -> Weights:
    """The model with the settled posterior of its random effects.

    Parameters
    ----------
    weights : Weights
        Trained; its fixed part is kept as it is.
    X : (n, p) float64, as the net takes it
    y : (n,) class codes, or standardised values
    codes : (n,) clusters, −1 = unseen (left out)
    weight : (n,) row weights of mean 1

    Returns
    -------
    Weights
        `effect_mean`, `effect_sd` (marginal) and `prior_sd` replaced.
    """
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    raw, hidden = run_layers(weights.layers, X[rows])
    Z = slope_inputs(weights.slopes, X[rows], hidden)  # (n, q)
    K, q, outputs = weights.effect_mean.shape
    ends = np.searchsorted(codes[rows], np.arange(K + 1))
    full = K * q * q <= CELLS
    mean, sd = np.zeros((K, q, outputs)), np.zeros((K, q, outputs))
    prior = np.full((q, outputs), 0.5)
    for _ in range(ROUNDS):
        shift = np.einsum("nq,nqo->no", Z, mean[codes[rows]])
        slope, curve = _derivatives(weights, raw + shift, y[rows])
        slope, curve = slope * weight[rows, None], curve * weight[rows, None]
        for o in range(outputs):
            for k in range(K):
                here = slice(ends[k], ends[k + 1])
                step, variance = _newton(
                    Z[here], slope[here, o], curve[here, o], mean[k, :, o], prior[:, o], full
                )
                mean[k, :, o] += step
                sd[k, :, o] = np.sqrt(variance)
        prior = np.maximum(np.sqrt((mean**2 + sd**2).mean(0)), SMALLEST)
    return replace(weights, effect_mean=mean, effect_sd=sd, prior_sd=prior)


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


def _newton(
    Z: Float, slope: Float, curve: Float, at: Float, prior: Float, full: bool
) -> tuple[Float, Float]:
    """One step and the marginal variances of a cluster's effects, each (q,)."""
    precision = 1 / prior**2
    gradient = Z.T @ slope - precision * at
    if not full:
        diagonal = np.square(Z).T @ curve + precision
        return gradient / diagonal / max(len(at), 1) ** 0.5, 1 / diagonal
    inverse = np.linalg.inv((Z.T * curve) @ Z + np.diag(precision))
    return inverse @ gradient, np.diag(inverse).copy()
