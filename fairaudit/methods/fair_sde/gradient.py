"""The losses of FairSDE with their gradients written out, for classification: one pass, no graph.

`_sde_losses` says what the losses are; here the same numbers come together with their
derivatives. The losses are many and small, so that recording a graph of them costs more than a
small encoder does; of that encoder's own step a third is the graph. What depends only on the
rows' groups and classes is worked out once an epoch. Rows run along the last dimension, because
sums over a handful of classes are faster that way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import Linear

from fairaudit.methods.common.networks import MLP
from fairaudit.methods.fair_sde.losses import CENTRE_TEMPERATURE, TEMPERATURE, counts, sample_pairs

_LEAST = 1e-12  # a length below this is taken for this


class Shares(NamedTuple):
    """How much each loss counts, and whether L_div divides as the authors' code does."""

    experts: float
    discriminator: float
    centres: float
    divergence: float
    legacy: bool = False


class Facts(NamedTuple):
    """What the losses need to know of the rows of a batch.

    Cross-entropies are sums of wanted × −log p; their gradient is mine × p − wanted.
    """

    mine: Tensor  # (2, G, 1, b) weight of the row in L_cls and in L_virt, for its own group
    wanted: Tensor  # (2, G, C, b) the same, for its own group and class
    groups: Tensor  # (G, b) weight of the row in L_disc, for its own group
    cell: Tensor  # (1, b) place of its (group, class) among G C
    partners: Tensor  # (2, b) a row of its cell, one of its class and another group
    has: Tensor  # (2, b) 1 where there is such a partner
    units: Tensor  # (4,) one over the shares


def facts_of(
    groups: Tensor,
    classes: Tensor,
    weight: Tensor | None,
    sizes: list[int],
    shape: tuple[int, int],
    shares: Shares,
    chance: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> list[Facts]:
    """The facts of batches that lie one after the other; pairs are drawn within each.

    Parameters
    ----------
    groups, classes, weight : (n,) of all batches
    sizes : rows of each batch, n in all
    shape : (G, C)
    dtype : of the embeddings
    """
    (g, c), many, n, device = shape, len(sizes), len(groups), groups.device
    long = torch.tensor(sizes, device=device)
    batch = torch.repeat_interleave(torch.arange(many, device=device), long)
    pairs = sample_pairs(groups, classes + batch * c, g, c * many, chance)
    member = batch * g + groups
    even = (1 / long.to(dtype))[batch]
    each = (1 / counts(member, many * g).to(dtype))[member]  # every group weighs the same
    each = each if weight is None else each * weight
    rows = torch.stack([each * shares.experts, even * (shares.centres / CENTRE_TEMPERATURE)])
    cell = (groups * c + classes).unsqueeze(0)

    def at(places: Tensor, values: Tensor, many: int) -> Tensor:
        return values.new_zeros(len(values), many, n).scatter_(
            1, places.expand(len(values), 1, n), values.unsqueeze(1)
        )

    whole = (
        at(groups, rows, g).unsqueeze(2),
        at(cell, rows, g * c).view(2, g, c, n),
        at(groups, even.unsqueeze(0) * shares.discriminator, g)[0],
        cell,
        torch.stack([pairs.positive, pairs.negative]) - (long.cumsum(0) - long)[batch],
        torch.stack([pairs.has_positive, pairs.has_negative]).to(dtype),
    )
    parts = [tensor.split(sizes, dim=-1) for tensor in whole]
    units = torch.tensor(shares[:4], dtype=dtype, device=device).reciprocal_()
    return [Facts(*one) for one in zip(*parts, [units] * many, strict=True)]


class Slopes(NamedTuple):
    """Gradients of the sum of the losses."""

    embedding: Tensor  # (b, d)
    expert_weight: Tensor  # (G C, d)
    expert_bias: Tensor  # (G C,)
    guess_weight: Tensor  # (G, d)
    guess_bias: Tensor  # (G,)
    centres: Tensor  # (G, C, d)


@torch.no_grad()
def joint_losses(
    f: Tensor,
    experts: Linear,
    discriminator: Linear,
    centres: Tensor,
    facts: Facts,
    shares: Shares,
) -> tuple[Tensor, Slopes]:
    """The four terms of the loss (4,), each times its share, and the gradients of their sum.

    Parameters
    ----------
    f : (b, d) embeddings
    experts, discriminator : linear layers d → G C and d → G
    centres : (G, C, d), C at least 2
    """
    (g, c, d), b = centres.shape, len(f)
    cuts = (g * c, g * c, g)
    lengths = torch.linalg.vector_norm(centres, dim=2, keepdim=True).clamp_min_(_LEAST)
    unit = (centres / lengths).view(g * c, d)
    wide = torch.cat([experts.weight, unit, discriminator.weight])
    out = wide @ f.T  # all that is linear in f: (·, b)
    slope = torch.empty_like(out)
    answers, s, guesses = out.split(cuts)
    _, to_s, to_guesses = slope.split(cuts)
    shrink = (f * f).sum(1).clamp_min_(_LEAST**2).rsqrt_()  # (b,)
    z = f * shrink.unsqueeze(1)
    answers += experts.bias.unsqueeze(1)
    guesses += discriminator.bias.unsqueeze(1)
    s *= shrink / CENTRE_TEMPERATURE  # cosines over the temperature of L_virt

    both = (2, g, c, b)
    own = _cross_entropy(out[:-g].view(both), 2, facts.mine, facts.wanted, slope[:-g].view(both))
    guess = _cross_entropy(guesses, 0, shares.discriminator / b, facts.groups, to_guesses)
    apart, around = _divergence(z, s, facts, shares, to_s)

    turn = (to_s * s).sum(0).mul_(CENTRE_TEMPERATURE).add_((around * z).sum(1))
    around.addcmul_(z, turn.unsqueeze(1), value=-1).mul_(shrink.unsqueeze(1))
    to_s *= shrink
    to_experts, to_unit, to_guess = (slope @ f).split(cuts)
    to_unit.addcmul_(unit, (unit * to_unit).sum(1, keepdim=True), value=-1)
    expert_lift, _, guess_lift = slope.sum(1).split(cuts)
    first, third = own.view(2, -1).sum(1).unbind()
    gains = torch.stack([first, guess.sum(), third * CENTRE_TEMPERATURE, apart])
    return gains.neg_(), Slopes(
        torch.addmm(around, slope.T, wide),
        to_experts,
        expert_lift,
        to_guess,
        guess_lift,
        to_unit.view(g, c, d).div_(lengths),
    )


def _cross_entropy(
    logits: Tensor, dim: int, mine: Tensor | float, wanted: Tensor, slope: Tensor
) -> Tensor:
    """Minus the terms of a weighted cross-entropy along `dim`; its gradient fills `slope`."""
    logs = torch.log_softmax(logits, dim)
    torch.exp(logs, out=slope)
    slope.mul_(mine).sub_(wanted)
    return logs.mul_(wanted)


def _divergence(
    z: Tensor, s: Tensor, facts: Facts, shares: Shares, slope: Tensor
) -> tuple[Tensor, Tensor]:
    """Minus L_div, and its gradient by partners (b, d); the one by cosine is added to `slope`.

    s are cosines over the temperature of L_virt.
    """
    (b, d), legacy = z.shape, shares.legacy
    others = torch.exp(s * (CENTRE_TEMPERATURE / (1.0 if legacy else TEMPERATURE)))
    mine = others.gather(0, facts.cell)  # (1, b)
    if legacy:
        mine, others = mine.pow(1 / TEMPERATURE), others.div_(TEMPERATURE)
    others.scatter_(0, facts.cell, 0.0)
    partner = facts.partners.reshape(-1)
    beside = z.index_select(0, partner).view(2, b, d)
    cosine = (beside * z).sum(2)  # (2, b)
    close = torch.exp(cosine / TEMPERATURE).mul_(facts.has)
    both = torch.cat([mine, others.sum(0, keepdim=True)]).add_(close)  # P and N
    steep = both.reciprocal()
    value = (both[0] * steep[1]).log_().sum().mul_(shares.divergence / b)
    steep *= shares.divergence / TEMPERATURE / b
    steep[0].neg_()
    slope.addcmul_(others, steep[1], value=TEMPERATURE if legacy else 1.0)
    slope.scatter_add_(0, facts.cell, mine * steep[:1])
    pull = close.mul_(steep)
    near, far = pull.unsqueeze(2)
    around = (near * beside[0]).addcmul_(far, beside[1])
    around.index_add_(0, partner, (pull.unsqueeze(2) * z).view(2 * b, d))
    return value, around


@torch.no_grad()
def through_layers(net: MLP, x: Tensor) -> tuple[Tensor, Callable[[Tensor], None]]:
    """The embedding (b, d) of rows (b, p), and what takes its gradient down to the weights."""
    layers = [layer for layer in net if isinstance(layer, Linear)]
    values = [x]
    for layer in layers:
        values.append(torch.addmm(layer.bias, values[-1], layer.weight.T).relu_())

    def down(slope: Tensor) -> None:
        for layer, below, above in zip(layers[::-1], values[-2::-1], values[::-1], strict=False):
            slope = slope * above.sign()  # 0 or 1, much faster than a mask
            layer.weight.grad, layer.bias.grad = slope.T @ below, slope.sum(0)
            if below is not x:
                slope = slope @ layer.weight

    return values[-1], down
