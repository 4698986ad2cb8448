"""Building blocks of Fair MEDL: many small networks stacked as one batch, and indexed effects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

CANDIDATES = 32  # clusters an adversary compares with when there are more than FULL
FULL = 64  # up to here all clusters are compared


class StackedMLP(nn.Module):
    """`models` perceptrons of one shape, evaluated as one batch of matrix products.

    All start from the same weights, so that models of a path differ by their penalty alone.
    """

    def __init__(self, models: int, sizes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(max(fan_in, 1))
            weight = (torch.rand(1, fan_in, fan_out, generator=generator) * 2 - 1) * bound
            bias = (torch.rand(1, 1, fan_out, generator=generator) * 2 - 1) * bound
            self.weights.append(nn.Parameter(weight.repeat(models, 1, 1)))
            self.biases.append(nn.Parameter(bias.repeat(models, 1, 1)))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Outputs (M, n, out) and hidden activations, each (M, n, units); x is (M or 1, n, in)."""
        h, hidden = x.expand(self.weights[0].shape[0], -1, -1), []
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, h, weight)
            if i < last:
                h = torch.relu(h)
                hidden.append(h)
        return h, hidden


class Rows(nn.Module):
    """Parameters by cluster (M, K, d), of which a step touches only the rows it needs.

    Adam's moments are kept and advanced for the touched rows alone ("lazy" Adam), so that the
    cost of a step depends on the rows of the batch and not on the number of clusters K.
    """

    def __init__(self, values: Tensor, learning_rate: float) -> None:
        super().__init__()
        self.values = nn.Parameter(values)
        self.first = torch.zeros_like(values)
        self.second = torch.zeros_like(values)
        self.steps = 0
        self.rate = learning_rate

    def pick(self, rows: Tensor | None) -> Tensor:
        """A leaf that holds the values of `rows` (M, u, d); None = all rows."""
        values = self.values.detach()
        return (values if rows is None else values[:, rows]).clone().requires_grad_()

    @torch.no_grad()
    def update(self, rows: Tensor | None, gradient: Tensor) -> None:
        """One Adam step on the picked rows."""
        self.steps += 1
        first, second = (m if rows is None else m[:, rows] for m in (self.first, self.second))
        first = torch.lerp(first, gradient, 0.1)
        second = torch.lerp(second, gradient * gradient, 0.001)
        scale = self.rate / (1 - 0.9**self.steps)
        spread = second.sqrt().div_(math.sqrt(1 - 0.999**self.steps)).add_(1e-8)
        step = first / spread * -scale
        if rows is None:
            self.values.add_(step)
            self.first, self.second = first, second
        else:
            self.values.index_add_(1, rows, step)
            self.first.index_copy_(1, rows, first)
            self.second.index_copy_(1, rows, second)

    def to_device(self, device: torch.device) -> Rows:
        """Values and moments on the device."""
        self.to(device)
        self.first, self.second = self.first.to(device), self.second.to(device)
        return self


def touched(clusters: Tensor, n_clusters: int) -> tuple[Tensor | None, Tensor]:
    """Distinct clusters of a batch (None = all of them) and each row's place among them."""
    if n_clusters <= FULL:
        return None, clusters
    rows, place = torch.unique(clusters, return_inverse=True)
    return rows, place


def effect_moments(
    inputs: Tensor,
    mean: Tensor,
    log_sd: Tensor,
    place: Tensor,
    known: Tensor | None,
    outputs: int,
) -> tuple[Tensor, Tensor]:
    """Mean and variance of r = Σ_j x_j u_j(z) + b(z) under the posterior, each (M, n, O).

    inputs (M or 1, n, q) hold the slopes' inputs and a one for the intercept; mean and log_sd
    are (M, u, q·O); rows of unknown clusters (`known` 0) get exactly nothing; None = all known.
    """
    x = inputs if known is None else inputs * known[:, None]
    u = mean[:, place]  # (M, n, q·O)
    v = torch.exp(2 * log_sd)[:, place]
    if outputs == 1:
        return (x * u).sum(-1, keepdim=True), (x * x * v).sum(-1, keepdim=True)
    shape = (*u.shape[:2], -1, outputs)
    x = x[..., None]
    return (x * u.reshape(shape)).sum(-2), (x * x * v.reshape(shape)).sum(-2)


def cluster_scores(trunk: Tensor, rows: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of each row's own cluster (M, n) and of all picked clusters (M, n, u)."""
    weight, bias = rows[..., :-1], rows[..., -1]
    all_scores = torch.baddbmm(bias[:, None], trunk, weight.transpose(1, 2))
    return all_scores.gather(2, place.expand(len(trunk), -1)[..., None])[..., 0], all_scores


def cluster_cross_entropy(
    trunk: Tensor, rows: Tensor, place: Tensor, frequency: Tensor | None
) -> Tensor:
    """Cross-entropy of naming the cluster (M, n).

    With `frequency` None over all clusters; otherwise the sampled softmax: the clusters of the
    first `CANDIDATES` rows of the batch (drawn in proportion to size) stand for all others and
    scores are corrected by the log of how often a cluster is drawn.
    """
    if frequency is None:
        own, scores = cluster_scores(trunk, rows, place)
        return torch.logsumexp(scores, 2) - own
    own_rows = rows[:, place]  # (M, n, d + 1)
    own = (trunk * own_rows[..., :-1]).sum(-1) + own_rows[..., -1] - frequency[place]
    drawn = place[:CANDIDATES]
    picked = rows[:, drawn]
    others = torch.baddbmm(
        (picked[..., -1] - frequency[drawn])[:, None], trunk, picked[..., :-1].transpose(1, 2)
    )
    others = others.masked_fill((drawn[None] == place[:, None])[None], -torch.inf)
    return torch.logsumexp(torch.cat([own[..., None], others], 2), 2) - own
