"""The four losses of FairSDE and the pairs they need, vectorised (arXiv 2511.06293)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

CENTRE_TEMPERATURE = 0.1  # of L_virt
TEMPERATURE = 0.07  # of L_div


class Pairs(NamedTuple):
    """For each row another of its own cell and one of another group, and whether there is one."""

    positive: Tensor  # (b,)
    negative: Tensor  # (b,)
    has_positive: Tensor  # (b,) bool
    has_negative: Tensor  # (b,) bool


def sample_pairs(
    groups: Tensor, classes: Tensor, n_groups: int, n_classes: int, chance: torch.Generator | None
) -> Pairs:
    """Draw pairs uniformly: a random other row with the same (group, class), and a random row of
    the same class from another group.

    Rows are sorted by class and group; a partner is then a random step inside the own cell, or
    from the end of the own cell around the block of the class. This draws exactly what masking a
    (b, b) table and taking the largest random number draws, in b log b steps.
    """
    b, device = len(groups), groups.device
    cell = classes * n_groups + groups
    order = torch.argsort(cell)
    place = torch.empty_like(order)
    place[order] = torch.arange(b, device=device)
    sizes = counts(cell, n_groups * n_classes)  # (C G,)
    starts = sizes.cumsum(0) - sizes
    blocks = sizes.view(n_classes, n_groups).sum(1)
    block_starts = blocks.cumsum(0) - blocks
    m, start = sizes[cell], starts[cell]
    size, begin = blocks[classes], block_starts[classes]
    u = torch.rand(2, b, generator=chance).to(device)
    step = 1 + (u[0] * (m - 1)).long().clamp_max((m - 2).clamp_min(0))
    positive = order[start + (place - start + step) % m]
    others = size - m
    walk = (u[1] * others).long().clamp_max((others - 1).clamp_min(0))
    negative = order[begin + (start - begin + m + walk) % size]
    return Pairs(positive, negative, m > 1, others > 0)


def pairs_of_batches(
    groups: Tensor,
    classes: Tensor,
    sizes: list[int],
    n_groups: int,
    n_classes: int,
    chance: torch.Generator,
) -> list[Pairs]:
    """The pairs of batches that lie one after the other, drawn at once but within each.

    Batches are separated by classes of their own, so that one sort serves all of an epoch; sorting
    every batch by itself costs about as much as a step of a small network.

    Parameters
    ----------
    groups, classes : (n,) of all batches
    sizes : rows of each batch, n in all
    """
    long = torch.tensor(sizes, device=groups.device)
    batch = torch.repeat_interleave(torch.arange(len(sizes), device=groups.device), long)
    drawn = sample_pairs(
        groups, classes + batch * n_classes, n_groups, n_classes * len(sizes), chance
    )
    first = (long.cumsum(0) - long)[batch]  # partners count from the first row of their batch
    whole = drawn._replace(positive=drawn.positive - first, negative=drawn.negative - first)
    return [Pairs(*each) for each in zip(*(t.split(sizes) for t in whole), strict=True)]


def counts(codes: Tensor, size: int) -> Tensor:
    """How often each code occurs (size,), without waiting for the device."""
    return torch.zeros(size, dtype=codes.dtype, device=codes.device).index_add_(
        0, codes, torch.ones_like(codes)
    )


def own_group(answers: Tensor, groups: Tensor) -> Tensor:
    """The answers of each row's own group: (b, G, C) → (b, C)."""
    b, g, c = answers.shape
    # one flat index: its gradient is added in place, that of a two-dimensional index is sorted
    rows = torch.arange(b, device=answers.device) * g + groups
    return answers.reshape(b * g, c).index_select(0, rows)


def expert_loss(each: Tensor, groups: Tensor, n_groups: int) -> Tensor:
    """L_cls: the sum over groups of the mean loss of the group's rows; every group weighs alike.

    Parameters
    ----------
    each : (b,) loss of each row under its own expert
    """
    share = 1 / counts(groups, n_groups).to(each.dtype)  # absent groups: infinite, never taken
    return each @ share[groups]


def cosines(z: Tensor, centres: Tensor) -> Tensor:
    """s: cosine of every row with every centre; z (b, d) unit rows, centres (G, C, d)."""
    g, c, d = centres.shape
    unit = functional.normalize(centres.reshape(g * c, d), dim=1)
    return (z @ unit.T).view(-1, g, c)


def centre_loss(s: Tensor, groups: Tensor, classes: Tensor) -> Tensor:
    """L_virt: cross-entropy of the own group's cosines over classes, temperature 0.1.

    With one class (regression has one centre a group) the softmax runs over groups instead.
    """
    if s.shape[2] == 1:
        return functional.cross_entropy(s[:, :, 0] / CENTRE_TEMPERATURE, groups)
    return functional.cross_entropy(own_group(s, groups) / CENTRE_TEMPERATURE, classes)


def divergence_loss(
    z: Tensor, s: Tensor, groups: Tensor, classes: Tensor, pairs: Pairs, *, legacy: bool = False
) -> Tensor:
    """L_div: mean −log(P/N); pulls rows to their cell, pushes them from all other centres.

    P = exp(z·z_p/τ) + exp(s_own/τ) and N = exp(z·z_n/τ) + Σ_other exp(s/τ) with τ = 0.07. A
    missing partner adds nothing. `legacy` divides Σ exp(s) by τ outside exp, as the authors'
    code does. The loss has no positive term in N and goes far below zero: that is normal.
    """
    b, g, c = s.shape
    if g * c == 1:
        return z.sum() * 0.0
    near = _similar(z, pairs.positive) * pairs.has_positive
    far = _similar(z, pairs.negative) * pairs.has_negative
    flat = s.reshape(b, g * c)  # one column a (group, class)
    own = (groups * c + classes).unsqueeze(1)  # (b, 1)
    others = torch.ones_like(flat).scatter_(1, own, 0.0)
    # |s| ≤ 1, so no exponential exceeds exp(1/0.07) = 1.6e6: sums of them need no logarithms
    scale = 1.0 if legacy else TEMPERATURE
    rest = (torch.exp(flat / scale) * others).sum(1) / (TEMPERATURE if legacy else 1.0)
    attraction = near + torch.exp(flat.gather(1, own).squeeze(1) / TEMPERATURE)
    return torch.log((far + rest) / attraction).mean()


def _similar(z: Tensor, partner: Tensor) -> Tensor:
    """exp(cosine / τ) of every row with its partner (b,)."""
    return torch.exp((z * z.index_select(0, partner)).sum(1) / TEMPERATURE)


class BatchesOfGroups:
    """Row numbers of an epoch; groups that a batch misses are topped up with random rows.

    Parameters
    ----------
    groups : (n,) codes of the training rows, on the device
    """

    def __init__(self, groups: Tensor, n_groups: int, batch_size: int) -> None:
        self.device = groups.device
        near = groups.cpu()
        self.groups, self.n_groups, self.batch_size = near, n_groups, batch_size
        self.rows = [torch.nonzero(near == g).squeeze(1) for g in range(n_groups)]
        self.pairable = torch.tensor([len(rows) >= 2 for rows in self.rows])

    def __call__(self, generator: torch.Generator) -> list[Tensor]:
        order = torch.randperm(len(self.groups), generator=generator)
        parts = list(order.split(self.batch_size))
        if len(parts) > 1 and len(parts[-1]) < max(2, self.batch_size // 8):
            parts[-2:] = [torch.cat(parts[-2:])]
        return [self._topped_up(rows, generator).to(self.device) for rows in parts]

    def _topped_up(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        counts = torch.bincount(self.groups[rows], minlength=self.n_groups)
        short = torch.nonzero((counts < 2) & self.pairable).squeeze(1).tolist()
        extra = [self._new(rows, g, 2 - int(counts[g]), generator) for g in short]
        return torch.cat([rows, *extra])

    def _new(self, rows: Tensor, group: int, many: int, generator: torch.Generator) -> Tensor:
        """Random rows of a group that are not in the batch yet."""
        members = self.rows[group]
        if many == 1:
            members = members[members != rows[self.groups[rows] == group][0]]
        if many == 2:  # two distinct rows by one random number each, without shuffling all
            first = int(torch.randint(len(members), (1,), generator=generator))
            step = int(torch.randint(1, len(members), (1,), generator=generator))
            return members[torch.tensor([first, (first + step) % len(members)])]
        return members[torch.randint(len(members), (1,), generator=generator)]
