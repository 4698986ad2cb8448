"""Trained Fair MEDL as plain arrays: answers, intervals and importance in float64, no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri, softmax

from fairaudit.inputs.arrays import Float, Int

Layers = tuple[tuple[Float, Float], ...]

CELLS = 4_000_000  # numbers of one intermediate array
DRAWS = 400  # of the posterior, where quantiles are not exact


@dataclass(frozen=True)
class Predictor:
    """The cluster predictor: layers to 4 units, and weights and bias of each cluster (K, 5)."""

    layers: Layers
    head: Float


@dataclass(frozen=True)
class Weights:
    """One trained model.

    Attributes
    ----------
    layers : pairs of (in, out) weights and (out,) biases of the fixed-effects net
    effect_mean, effect_sd : (K, q, O) posterior of the random effects
    prior_sd : (q, O)
    noise : residual variance in standardised units (regression)
    """

    layers: Layers
    effect_mean: Float
    effect_sd: Float
    prior_sd: Float
    noise: float
    slopes: str
    task: str
    random_effects: bool
    predictor: Predictor | None = None

    def with_predictor(self, predictor: Predictor | None) -> Weights:
        """The same model with a cluster predictor."""
        return replace(self, predictor=predictor)


def run_layers(layers: Layers, X: Float) -> tuple[Float, Float]:
    """Outputs (n, O) and the last hidden activations (n, units; X itself without layers)."""
    h = X
    for weight, bias in layers[:-1]:
        h = np.maximum(h @ weight + bias, 0)
    weight, bias = layers[-1]
    return h @ weight + bias, h


def link(task: str, raw: Float) -> Float:
    """Probabilities (n, 1 or C) or values (n, 1)."""
    if task == "binary":
        return np.asarray(expit(raw))
    return np.asarray(softmax(raw, axis=1)) if task == "multiclass" else raw


def fixed_answer(weights: Weights, X: Float) -> Float:
    """y_F (n, O): what holds in every cluster."""
    return link(weights.task, run_layers(weights.layers, X)[0])


def moments(weights: Weights, X: Float, codes: Int, unseen: str) -> tuple[Float, Float, Float]:
    """Fixed raw outputs, mean and variance of the random part r, each (n, O).

    Rows of unseen clusters (code −1) get r = 0 with the prior's variance ("fixed"), or the
    mixture over the clusters the predictor expects ("inferred").
    """
    chunks = [
        _moments(weights, X[rows], codes[rows], unseen) for rows in _row_chunks(weights, len(X))
    ]
    raw, shift, variance = (np.concatenate(column) for column in zip(*chunks, strict=True))
    return raw, shift, variance


def _row_chunks(weights: Weights, n: int) -> Iterator[slice]:
    k, q, o = weights.effect_mean.shape
    size = max(1, CELLS // max(k * o, q * o, 1))
    for start in range(0, max(n, 1), size):
        yield slice(start, start + size)


def _moments(weights: Weights, X: Float, codes: Int, unseen: str) -> tuple[Float, Float, Float]:
    raw, hidden = run_layers(weights.layers, X)
    if not weights.random_effects:
        return raw, np.zeros_like(raw), np.zeros_like(raw)
    inputs = slope_inputs(weights.slopes, X, hidden)
    seen = codes >= 0
    shift = np.zeros_like(raw)
    variance = np.square(inputs) @ np.square(weights.prior_sd)
    u, sd = weights.effect_mean[codes[seen]], weights.effect_sd[codes[seen]]
    shift[seen] = np.einsum("nq,nqo->no", inputs[seen], u)
    variance[seen] = np.einsum("nq,nqo->no", np.square(inputs[seen]), np.square(sd))
    if unseen == "inferred" and weights.predictor is not None and not seen.all():
        soft = cluster_probabilities(weights.predictor, X[~seen])
        shift[~seen], variance[~seen] = _mixture_moments(weights, inputs[~seen], soft)
    return raw, shift, variance


def _mixture_moments(weights: Weights, inputs: Float, soft: Float) -> tuple[Float, Float]:
    """Mean and variance of r when the cluster is known up to probabilities (n, K)."""
    each = np.einsum("nq,kqo->nko", inputs, weights.effect_mean)
    within = np.einsum("nq,kqo->nko", np.square(inputs), np.square(weights.effect_sd))
    mean = np.einsum("nk,nko->no", soft, each)
    second = np.einsum("nk,nko->no", soft, within + np.square(each))
    return mean, np.maximum(second - np.square(mean), 0)


def slope_inputs(slopes: str, X: Float, hidden: Float) -> Float:
    """What the random effects multiply (n, q): inputs or hidden units, and 1."""
    ones = np.ones((len(X), 1))
    if slopes == "none":
        return ones
    return np.column_stack([X if slopes == "inputs" else hidden, ones])


def cluster_probabilities(predictor: Predictor, X: Float) -> Float:
    """Soft Z (n, K)."""
    trunk = np.maximum(run_layers(predictor.layers, X)[0], 0)
    return np.asarray(softmax(trunk @ predictor.head[:, :-1].T + predictor.head[:, -1], axis=1))


def interval(
    weights: Weights, X: Float, codes: Int, unseen: str, confidence: float, seed: int
) -> tuple[Float, Float]:
    """Posterior interval of the mixed answer, two arrays (n, O).

    r is Gaussian given the posterior, and sigmoid and identity are monotone, so the quantiles
    are exact for one output; for more, 400 posterior draws per row are linked and ranked.
    """
    raw, shift, variance = moments(weights, X, codes, unseen)
    sd = np.sqrt(variance)
    tail = (1 - confidence) / 2
    if weights.task != "multiclass":
        reach = ndtri(1 - tail) * sd
        low, high = raw + shift - reach, raw + shift + reach
        return link(weights.task, low), link(weights.task, high)
    draws = np.random.default_rng(seed).standard_normal((DRAWS, 1, raw.shape[1]))
    bounds, size = [], max(1, CELLS // (DRAWS * raw.shape[1]))
    for rows in (slice(start, start + size) for start in range(0, len(raw), size)):
        mean = (raw + shift)[rows]
        answers = np.stack([link(weights.task, mean + sd[rows] * z) for z in draws])
        bounds.append(np.quantile(answers, [tail, 1 - tail], axis=0))
    low, high = np.concatenate(bounds, axis=1)
    return low, high


def slope_at_mean(weights: Weights) -> Float:
    """|∂ y_F / ∂ x_j| at the mean input (p,), x in standard deviations; the largest output."""
    n_features = weights.layers[0][0].shape[0]
    h = np.zeros((1, n_features))
    jacobian = np.eye(n_features)
    for weight, bias in weights.layers[:-1]:
        h = h @ weight + bias
        jacobian = (jacobian @ weight) * (h > 0)
        h = np.maximum(h, 0)
    weight, bias = weights.layers[-1]
    raw, jacobian = h @ weight + bias, jacobian @ weight  # (1, O), (p, O)
    return np.asarray(np.abs(jacobian @ _link_slope(weights.task, raw)).max(1))


def _link_slope(task: str, raw: Float) -> Float:
    """Derivative of the link (O, O)."""
    value = link(task, raw)[0]
    if task == "binary":
        return np.diag(value * (1 - value))
    return np.diag(value) - np.outer(value, value) if task == "multiclass" else np.eye(len(value))


def to_arrays(weights: Weights) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """JSON values and arrays that `from_arrays` reads back."""
    arrays = {
        "effect_mean": weights.effect_mean,
        "effect_sd": weights.effect_sd,
        "prior_sd": weights.prior_sd,
        **_layer_arrays("net", weights.layers),
    }
    if weights.predictor is not None:
        arrays |= {
            "head": weights.predictor.head,
            **_layer_arrays("guess", weights.predictor.layers),
        }
    names = ("noise", "slopes", "task", "random_effects")
    return {name: getattr(weights, name) for name in names}, arrays


def from_arrays(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Weights:
    """The model that `to_arrays` described."""
    predictor = None
    if "head" in arrays:
        predictor = Predictor(_layers_of("guess", arrays), arrays["head"])
    return Weights(
        layers=_layers_of("net", arrays),
        effect_mean=arrays["effect_mean"],
        effect_sd=arrays["effect_sd"],
        prior_sd=arrays["prior_sd"],
        predictor=predictor,
        **meta,
    )


def _layer_arrays(prefix: str, layers: Layers) -> dict[str, Float]:
    return {
        f"{prefix}.{i}.{kind}": array
        for i, pair in enumerate(layers)
        for kind, array in zip(("weight", "bias"), pair, strict=True)
    }


def _layers_of(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Layers:
    count = sum(name.startswith(f"{prefix}.") for name in arrays) // 2
    return tuple(
        (arrays[f"{prefix}.{i}.weight"], arrays[f"{prefix}.{i}.bias"]) for i in range(count)
    )
