"""The network of FairSDE and how it is trained: jointly, or representation first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fairaudit.methods.common.networks import MLP, ResNet18
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.row_access import RowSource, in_pieces
from fairaudit.methods.common.training import Batches, Fit
from fairaudit.methods.common.training_recipe import (
    Losses,
    Recipe,
    fit_network,
    mixed_precision,
    row_loss,
)
from fairaudit.methods.fair_sde.losses import (
    BatchesOfGroups,
    Pairs,
    centre_loss,
    cosines,
    divergence_loss,
    expert_loss,
    own_group,
    pairs_of_batches,
    sample_pairs,
)


class SelectiveExperts(nn.Module):
    """Shared encoder, one linear expert per group, a discriminator, centres by (group, class).

    Parameters
    ----------
    n_groups, n_outputs : int
        G experts with C outputs each (1 for regression, which has one centre a group).
    """

    def __init__(self, encoder: MLP | ResNet18, n_groups: int, n_outputs: int) -> None:
        super().__init__()
        d = encoder.out_features
        self.encoder = encoder
        self.experts = nn.Linear(d, n_groups * n_outputs)
        self.discriminator = nn.Linear(d, n_groups)
        self.centres = nn.Parameter(
            functional.normalize(torch.rand(n_groups, n_outputs, d) * 2 - 1, dim=2)
        )
        self.n_groups, self.n_outputs = n_groups, n_outputs

    def embed(self, x: Tensor) -> Tensor:
        """The raw embedding (b, d), in the precision of the experts."""
        return self.encoder(x).to(self.experts.weight.dtype)  # type: ignore[no-any-return]

    def answers(self, f: Tensor) -> Tensor:
        """Every expert's outputs (b, G, C)."""
        return self.experts(f).view(-1, self.n_groups, self.n_outputs)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Experts' outputs and the discriminator's logits side by side (b, G C + G)."""
        f = self.embed(x)
        return torch.cat([self.experts(f), self.discriminator(f)], 1)


@dataclass(frozen=True)
class DeviceRows:
    """Rows with their targets, groups and weights on the device."""

    rows: RowSource
    y: Tensor  # (n,) class codes or standardised values
    groups: Tensor  # (n,)
    weight: Tensor | None = None

    @property
    def classes(self) -> Tensor:
        """Class codes for centres and pairs: zeros for regression."""
        return torch.zeros_like(self.groups) if self.y.is_floating_point() else self.y


@dataclass(frozen=True)
class Objective:
    """The weights of the losses.

    Attributes
    ----------
    lambdas : (λ1, λ2, λ3)
        Weights of L_disc, L_virt and L_div.
    experts : float
        Weight of L_cls: 1, or 0 while only the representation is trained.
    legacy_centres : bool
        Divide outside the exponential in L_div, as the authors' code does.
    """

    lambdas: tuple[float, float, float]
    experts: float = 1.0
    legacy_centres: bool = False


def losses(
    net: SelectiveExperts,
    f: Tensor,
    y: Tensor,
    groups: Tensor,
    classes: Tensor,
    weight: Tensor | None,
    objective: Objective,
    chance: torch.Generator | None,
    pairs: Pairs | None = None,
) -> dict[str, Tensor]:
    """The four losses of a batch and their sum "loss"; those of weight 0 are not computed.

    Pairs are drawn by `chance` where none are given.
    """
    computed: dict[str, Tensor] = {}
    terms: list[Tensor] = []
    if objective.experts:
        each = row_loss(own_group(net.answers(f), groups), y)
        each = each if weight is None else each * weight
        computed["experts"] = expert_loss(each, groups, net.n_groups)
        terms.append(objective.experts * computed["experts"])
    disc, virt, div = objective.lambdas
    if disc:
        computed["discriminator"] = functional.cross_entropy(net.discriminator(f), groups)
        terms.append(disc * computed["discriminator"])
    if virt or div:
        z = functional.normalize(f, dim=1)
        s = cosines(z, net.centres)
    if virt:
        computed["centres"] = centre_loss(s, groups, classes)
        terms.append(virt * computed["centres"])
    if div:
        if pairs is None:
            pairs = sample_pairs(groups, classes, net.n_groups, net.n_outputs, chance)
        computed["divergence"] = divergence_loss(
            z, s, groups, classes, pairs, legacy=objective.legacy_centres
        )
        terms.append(div * computed["divergence"])
    computed["loss"] = torch.stack(terms).sum()
    return computed


def train_jointly(
    net: SelectiveExperts,
    fitted: DeviceRows,
    validation: DeviceRows | None,
    objective: Objective,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    monitor: Monitor | None,
    task: str = "experts",
) -> Fit:
    """All losses at once; the epoch with the best validation loss is kept."""
    return fit_network(
        net,
        *_steps(net, fitted, objective, recipe, device),
        len(fitted.rows),
        recipe,
        seed=seed,
        validate=_validation(net, validation, objective, seed) if validation is not None else None,
        monitor=monitor,
        task=task,
    )


Drawn = tuple[Tensor, Pairs | None]  # rows of a batch, and their partners where L_div counts


def _steps(
    net: SelectiveExperts,
    part: DeviceRows,
    objective: Objective,
    recipe: Recipe,
    device: torch.device,
) -> tuple[Losses[Drawn], Batches[Drawn]]:
    """The losses of a batch, and the batches of an epoch."""
    rows = BatchesOfGroups(part.groups, net.n_groups, recipe.batch_size)

    def batches(generator: torch.Generator) -> list[Drawn]:
        epoch = rows(generator)
        if not objective.lambdas[2]:
            return [(index, None) for index in epoch]
        order, sizes = torch.cat(epoch), [len(index) for index in epoch]
        known = part.groups[order], part.classes[order]
        pairs = pairs_of_batches(*known, sizes, net.n_groups, net.n_outputs, generator)
        return list(zip(epoch, pairs, strict=True))

    def of_batch(batch: Drawn, chance: torch.Generator) -> Mapping[str, Tensor]:
        index, pairs = batch
        with mixed_precision(device):
            f = net.encoder(part.rows.take(index, chance if recipe.augment else None))
        weight = None if part.weight is None else part.weight[index]
        known = part.y[index], part.groups[index], part.classes[index], weight
        return losses(net, f.float(), *known, objective, chance, pairs)

    return of_batch, batches


def _validation(
    net: SelectiveExperts, validation: DeviceRows, objective: Objective, seed: int
) -> Callable[[], dict[str, float]]:
    """The loss that chooses the epoch: the experts' where they learn, else the others' sum."""

    def validate() -> dict[str, float]:
        f = in_pieces(validation.rows, net.embed).float().to(validation.y.device)
        alone = Objective((0.0, 0.0, 0.0)) if objective.experts else objective
        chance = torch.Generator().manual_seed(seed)
        known = validation.classes.clamp_min(0)
        computed = losses(net, f, validation.y, validation.groups, known, None, alone, chance)
        return {"loss": float(computed["loss"])}

    return validate


class _Embedded:
    """Rows whose embedding is known."""

    def __init__(self, values: Tensor) -> None:
        self.values, self.shape = values, tuple(values.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Embeddings by position."""
        return self.values[index]


def train_staged(
    net: SelectiveExperts,
    fitted: DeviceRows,
    validation: DeviceRows | None,
    objective: Objective,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    monitor: Monitor | None,
) -> tuple[Fit, Fit]:
    """First the representation by the three losses, then the experts on the frozen encoder."""
    first = Objective(objective.lambdas, 0.0, objective.legacy_centres)
    learnt = train_jointly(
        net, fitted, validation, first, recipe,
        seed=seed, device=device, monitor=monitor, task="representation",
    )  # fmt: skip
    net.requires_grad_(False)
    net.experts.requires_grad_(True)
    body, net.encoder = net.encoder, nn.Identity()  # type: ignore[assignment]
    alone = Objective((0.0, 0.0, 0.0))
    try:
        near = _embedded(body, fitted, device)
        far = None if validation is None else _embedded(body, validation, device)
        heads = train_jointly(
            net, near, far, alone, recipe,
            seed=seed, device=device, monitor=monitor, task="experts",
        )  # fmt: skip
    finally:
        net.encoder = body
        net.requires_grad_(True)
    return learnt, heads


def _embedded(body: nn.Module, part: DeviceRows, device: torch.device) -> DeviceRows:
    body.eval()
    values = in_pieces(part.rows, body).float().to(device)
    return DeviceRows(_Embedded(values), part.y, part.groups, part.weight)
