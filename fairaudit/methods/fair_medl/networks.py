"""Building blocks of Fair MEDL: many small networks stacked as one batch, and indexed effects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.adam import adam as functional_adam

CANDIDATES = 32  # clusters an adversary compares with when there are more than FULL
FULL = 64  # up to here all clusters are compared


class StackedMLP(nn.Module):
    """`models` perceptrons of one shape, evaluated as one batch of matrix products.

    All start from the same weights, so that models of a path differ by their penalty alone.
    Units come before rows, (M, units, n): with a handful of units, products and softmax over a
    middle axis are several times as fast on a CPU as over the last one.
    """

    def __init__(self, models: int, sizes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(max(fan_in, 1))
            weight = (torch.rand(1, fan_out, fan_in, generator=generator) * 2 - 1) * bound
            bias = (torch.rand(1, fan_out, 1, generator=generator) * 2 - 1) * bound
            self.weights.append(nn.Parameter(weight.repeat(models, 1, 1)))
            self.biases.append(nn.Parameter(bias.repeat(models, 1, 1)))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Outputs (M, out, n) and hidden activations, each (M, units, n); x is (M or 1, in, n)."""
        h, hidden = x.expand(self.weights[0].shape[0], -1, -1), []
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, weight, h)
            if i < last:
                h = torch.relu(h)
                hidden.append(h)
        return h, hidden


def adam(weights: Sequence[nn.Parameter], rate: float) -> torch.optim.Adam:
    """Adam for networks of many small tensors: fused, as a step of each would cost more."""
    return torch.optim.Adam(weights, rate, fused=True)


def descend(
    optimiser: torch.optim.Optimizer, weights: Sequence[nn.Parameter], gradients: Sequence[Tensor]
) -> None:
    """One step against the gradients, which come in the order of the weights."""
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.contiguous()  # the fused step reads both in one order
    optimiser.step()


class ClusterParameters(nn.Module):
    """Parameters by cluster (M, K, d), of which a step touches only the rows it needs.

    Adam's moments lie beside the values and advance for the touched rows alone ("lazy" Adam),
    so that the cost of a step depends on the rows of the batch and not on K.
    """

    state: Tensor  # (M, K, 3·d): values, first and second moments

    def __init__(self, values: Tensor, rate: float) -> None:
        super().__init__()
        self.register_buffer(
            "state", torch.cat([values, torch.zeros_like(values.repeat(1, 1, 2))], 2)
        )
        self.width, self.rate, self.steps = values.shape[2], rate, 0

    @property
    def values(self) -> Tensor:
        """All rows (M, K, d)."""
        return self.state[..., : self.width]

    def pick(self, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """The picked state (M, u, 3·d), and a leaf of its values (M, u, d); None = all rows."""
        state = self.state if rows is None else self.state.index_select(1, rows)
        return state, state[..., : self.width].detach().requires_grad_()

    @torch.no_grad()
    def update(self, rows: Tensor | None, state: Tensor, gradient: Tensor) -> None:
        """One step of torch's Adam on the picked state, in place."""
        value, first, second = state.detach().split(self.width, 2)
        functional_adam(
            [value],
            [gradient],
            [first],
            [second],
            [],
            [torch.tensor(float(self.steps))],
            foreach=False,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
        self.steps += 1
        if rows is not None:
            self.state.index_copy_(1, rows, state)


def touched(clusters: Tensor, n_clusters: int) -> tuple[Tensor | None, Tensor, Tensor | None]:
    """Distinct clusters of a batch (None = all of them), each row's place, rows of each."""
    if n_clusters <= FULL:
        return None, clusters, None
    distinct: tuple[Tensor, Tensor, Tensor] = torch.unique(
        clusters, return_inverse=True, return_counts=True
    )
    return distinct


def effect_moments(
    inputs: Tensor, mean: Tensor, variance: Tensor, place: Tensor, outputs: int
) -> tuple[Tensor, Tensor]:
    """Mean and variance of r = Σ_j x_j u_j(z) + b(z) under the posterior, each (M, O, n).

    inputs (M or 1, n, q) hold the slopes' inputs and a one for the intercept (zeros for an
    unknown cluster: then r is exactly 0); mean and variance are (M, u, q·O).
    """
    table = torch.cat([mean, variance], 2)  # clusters are read once for both moments
    models, clusters, width = table.shape
    if models > 1:  # the clusters of all models lie in one flat table
        place = place + clusters * torch.arange(models, device=place.device)[:, None]
    own = table.flatten(0, 1).index_select(0, place.flatten())
    own = own.view(models, -1, 2, width // 2 // outputs, outputs)
    x = torch.stack([inputs, inputs.square()], 2)[..., None]  # (M or 1, n, 2, q, 1)
    shift, spread = (x * own).sum(3).permute(2, 0, 3, 1)
    return shift, spread


def cluster_cross_entropy(
    trunk: Tensor, rows: Tensor, place: Tensor, frequency: Tensor | None
) -> Tensor:
    """Cross-entropy of naming the cluster (M, n) from a trunk (M, 4, n).

    With `frequency` None over all clusters; otherwise the sampled softmax: the clusters of the
    first `CANDIDATES` rows of the batch (drawn in proportion to size) stand for all others and
    scores are corrected by the log of how often a cluster is drawn.
    """
    trunk = functional.pad(trunk, (0, 0, 0, 1), value=1.0)  # the last number is the bias
    models = len(trunk)
    if frequency is None:
        target = place.expand(models, -1)
        return functional.cross_entropy(rows @ trunk, target, reduction="none")
    drawn = place[:CANDIDATES]
    true_scores = (trunk.transpose(1, 2) * rows[:, place]).sum(-1) - frequency[place]
    other_scores = rows[:, drawn] @ trunk - frequency[drawn, None]
    other_scores = other_scores.masked_fill(drawn[:, None] == place, -1e9)
    first = torch.zeros_like(place).expand(models, -1)
    scores = torch.cat([true_scores[:, None], other_scores], 1)
    return functional.cross_entropy(scores, first, reduction="none")
