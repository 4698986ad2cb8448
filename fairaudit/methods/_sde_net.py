"""The network of FairSDE and how it is trained: jointly, or representation first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fairaudit.methods._fit import Fit
from fairaudit.methods._monitor import Monitor
from fairaudit.methods._nets import MLP, ResNet18
from fairaudit.methods._rows import Rows, in_pieces
from fairaudit.methods._sde_losses import (
    BatchesOfGroups,
    centre_loss,
    cosines,
    divergence_loss,
    expert_loss,
    own_group,
    sample_pairs,
)
from fairaudit.methods._sgd import Recipe, fit_network, mixed_precision, row_loss


class SelectiveExperts(nn.Module):
    """Shared encoder, one linear expert a group, a discriminator, centres for (group, class).

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
class Part:
    """Rows with their targets, groups and weights on the device."""

    rows: Rows
    y: Tensor  # (n,) class codes or standardised values
    groups: Tensor  # (n,)
    weight: Tensor | None = None

    @property
    def classes(self) -> Tensor:
        """Class codes for centres and pairs: zeros for regression."""
        return torch.zeros_like(self.groups) if self.y.is_floating_point() else self.y


@dataclass(frozen=True)
class Objective:
    """Which losses count how much.

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
    chance: torch.Generator,
) -> dict[str, Tensor]:
    """The four losses of a batch and their sum "loss"; those of weight 0 are not computed."""
    found: dict[str, Tensor] = {}
    terms: list[Tensor] = []
    if objective.experts:
        each = row_loss(own_group(net.answers(f), groups), y)
        each = each if weight is None else each * weight
        found["experts"] = expert_loss(each, groups, net.n_groups)
        terms.append(objective.experts * found["experts"])
    disc, virt, div = objective.lambdas
    if disc:
        found["discriminator"] = functional.cross_entropy(net.discriminator(f), groups)
        terms.append(disc * found["discriminator"])
    if virt or div:
        z = functional.normalize(f, dim=1)
        s = cosines(z, net.centres)
    if virt:
        found["centres"] = centre_loss(s, groups, classes)
        terms.append(virt * found["centres"])
    if div:
        pairs = sample_pairs(groups, classes, net.n_groups, net.n_outputs, chance)
        found["divergence"] = divergence_loss(
            z, s, groups, classes, pairs, legacy=objective.legacy_centres
        )
        terms.append(div * found["divergence"])
    found["loss"] = torch.stack(terms).sum()
    return found


def train_jointly(
    net: SelectiveExperts,
    fitted: Part,
    held: Part | None,
    objective: Objective,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    monitor: Monitor | None,
    task: str = "experts",
) -> Fit:
    """All losses at once; the epoch with the best validation loss is kept."""
    classes = fitted.classes

    def batch_losses(index: Tensor, chance: torch.Generator) -> Mapping[str, Tensor]:
        with mixed_precision(device):
            x = fitted.rows.take(index, chance if recipe.augment else None)
            f = net.encoder(x)
        weight = None if fitted.weight is None else fitted.weight[index]
        groups, y = fitted.groups[index], fitted.y[index]
        return losses(net, f.float(), y, groups, classes[index], weight, objective, chance)

    return fit_network(
        net,
        batch_losses,
        len(fitted.rows),
        recipe,
        seed=seed,
        device=device,
        validate=_validation(net, held, objective, seed) if held is not None else None,
        batches=BatchesOfGroups(fitted.groups, net.n_groups, recipe.batch_size),
        monitor=monitor,
        task=task,
    )


def _validation(
    net: SelectiveExperts, held: Part, objective: Objective, seed: int
) -> Callable[[], dict[str, float]]:
    """The loss that chooses the epoch: the experts' where they learn, else the others' sum."""

    def validate() -> dict[str, float]:
        f = in_pieces(held.rows, net.embed).float().to(held.y.device)
        alone = Objective((0.0, 0.0, 0.0)) if objective.experts else objective
        chance = torch.Generator().manual_seed(seed)
        known = held.classes.clamp_min(0)
        found = losses(net, f, held.y, held.groups, known, None, alone, chance)
        return {"loss": float(found["loss"])}

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
    fitted: Part,
    held: Part | None,
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
        net, fitted, held, first, recipe,
        seed=seed, device=device, monitor=monitor, task="representation",
    )  # fmt: skip
    net.requires_grad_(False)
    net.experts.requires_grad_(True)
    body, net.encoder = net.encoder, nn.Identity()  # type: ignore[assignment]
    alone = Objective((0.0, 0.0, 0.0))
    try:
        near = _embedded(body, fitted, device)
        far = None if held is None else _embedded(body, held, device)
        heads = train_jointly(
            net, near, far, alone, recipe,
            seed=seed, device=device, monitor=monitor, task="experts",
        )  # fmt: skip
    finally:
        net.encoder = body
        net.requires_grad_(True)
    return learnt, heads


def _embedded(body: nn.Module, part: Part, device: torch.device) -> Part:
    body.eval()
    values = in_pieces(part.rows, body).float().to(device)
    return Part(_Embedded(values), part.y, part.groups, part.weight)


def n_parameters(net: nn.Module) -> int:
    """Numbers a network learns."""
    return sum(math.prod(p.shape) for p in net.parameters())
