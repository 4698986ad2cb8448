"""Network baselines that use groups: group DRO, and a head of its own for each group."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from fairaudit.methods.baselines.network import PooledNetwork, Task, group_means
from fairaudit.methods.common.groups import Groups


class _ByGroup(PooledNetwork):
    """Parameters and groups of the baselines that use groups in training."""

    min_group_rows = 50
    _judges_groups = True

    def _learn_groups(self, sensitive: Any, n: int) -> Groups:
        return Groups.fit(sensitive, n, self.min_group_rows)


class GroupDRO(_ByGroup):
    """A pooled network trained for its worst group (Sagawa et al. 2020, algorithm 1).

    Group weights q grow with exp(step_size · loss of the group) and the weighted loss
    Σ_a q_a L_a is minimised; the epoch with the best worst-group validation loss is kept.

    Parameters
    ----------
    step_size : float
        Rate at which weight shifts to the worst group.
    min_group_rows : int
        Combinations of several attributes with fewer rows join the coarser group.
    encoder, hidden_sizes, max_epochs, batch_size, learning_rate, weight_decay, patience, augment,
    validation_share, task, device, random_state
        As in `PooledNetwork`.
    """

    def __init__(
        self,
        step_size: float = 0.01,
        min_group_rows: int = 50,
        encoder: Literal["auto", "mlp", "resnet18"] = "auto",
        hidden_sizes: tuple[int, ...] = (128, 64),
        max_epochs: int = 50,
        batch_size: int | None = None,
        learning_rate: float = 0.05,
        weight_decay: float = 1e-4,
        patience: int | None = 10,
        augment: bool = True,
        validation_share: float = 0.2,
        task: Task = "auto",
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            encoder=encoder,
            hidden_sizes=hidden_sizes,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            patience=patience,
            augment=augment,
            validation_share=validation_share,
            task=task,
            device=device,
            random_state=random_state,
        )
        self.step_size = step_size
        self.min_group_rows = min_group_rows

    def _start(self, device: torch.device) -> None:
        g = len(self.groups_.names)
        self.group_weights_ = torch.full((g,), 1 / g, device=device)

    def _combine(self, each: Tensor, groups: Tensor) -> Tensor:
        means, _ = group_means(each, groups, len(self.groups_.names))
        grown = self.group_weights_ * torch.exp(self.step_size * means.detach())
        self.group_weights_ = grown / grown.sum()
        return (self.group_weights_ * means).sum()

    def _judge(self, each: Tensor, groups: Tensor) -> Tensor:
        return group_means(each, groups, len(self.groups_.names))[0].max()


class DecoupledHeads(_ByGroup):
    """A shared encoder with one linear head per group, always used (Dwork et al. 2018).

    A group not seen in training gets the mean answer of all heads.

    Parameters
    ----------
    min_group_rows : int
        Combinations of several attributes with fewer rows join the coarser group.
    encoder, hidden_sizes, max_epochs, batch_size, learning_rate, weight_decay, patience, augment,
    validation_share, task, device, random_state
        As in `PooledNetwork`.
    """

    _heads_of_groups = True

    def __init__(
        self,
        min_group_rows: int = 50,
        encoder: Literal["auto", "mlp", "resnet18"] = "auto",
        hidden_sizes: tuple[int, ...] = (128, 64),
        max_epochs: int = 50,
        batch_size: int | None = None,
        learning_rate: float = 0.05,
        weight_decay: float = 1e-4,
        patience: int | None = 10,
        augment: bool = True,
        validation_share: float = 0.2,
        task: Task = "auto",
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            encoder=encoder,
            hidden_sizes=hidden_sizes,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            patience=patience,
            augment=augment,
            validation_share=validation_share,
            task=task,
            device=device,
            random_state=random_state,
        )
        self.min_group_rows = min_group_rows

    def _own(self, output: Tensor, groups: Tensor) -> Tensor:
        heads = output.reshape(len(output), len(self.groups_.names), -1)  # (b, G, C)
        own = heads[torch.arange(len(heads), device=heads.device), groups.clamp_min(0)]
        return torch.where((groups >= 0).unsqueeze(1), own, heads.mean(1))

    def _combine(self, each: Tensor, groups: Tensor) -> Tensor:
        return group_means(each, groups, len(self.groups_.names))[0].sum()

    def _judge(self, each: Tensor, groups: Tensor) -> Tensor:
        return group_means(each, groups, len(self.groups_.names))[0].sum()
