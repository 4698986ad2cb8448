"""The training recipe that experts and baselines share, so that comparisons stay fair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fairaudit.exceptions import SpecError
from fairaudit.inputs.arrays import is_integer, is_number
from fairaudit.methods.common.parameters import shared
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.training import Batches, Drawn, Fit, train

Losses = Callable[[Drawn, torch.Generator], Mapping[str, Tensor]]

_DECAY_STEPS = 50  # small tables: the rate falls by 0.9 no faster than every 50 steps


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum 0.9, the rate times 0.9 per epoch, best validation epoch kept."""

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    augment: bool
    longest: float | None = None  # gradients are shortened to this length

    def __post_init__(self) -> None:
        for name in ("max_epochs", "batch_size"):
            value = getattr(self, name)
            if not is_integer(value) or value < 1:
                raise SpecError(f"{name} must be an integer of at least 1, got {value!r}")
        if not (is_number(self.learning_rate) and 0 < self.learning_rate < inf):
            raise SpecError(f"learning_rate must be positive, got {self.learning_rate!r}")
        if not (is_number(self.weight_decay) and 0 <= self.weight_decay < inf):
            raise SpecError(f"weight_decay must be 0 or more, got {self.weight_decay!r}")


def recipe_of(estimator: Any, shape: tuple[int, ...]) -> Recipe:
    """The recipe written in an estimator's parameters, for training rows of a shape (n, …).

    Without a batch size it is 256, but small image sets get about 32 steps an epoch and no fewer
    than 16 images a step: the statistics of batch normalisation need steps to settle. Squared
    errors of 512 features of an image have slopes that run away unless they are shortened.
    """
    size, images = estimator.batch_size, len(shape) == 4
    if size is None:
        size = min(256, max(16, shape[0] // 32)) if images else 256
    if images and size == 1:
        raise SpecError("batch_size must be at least 2 for images: they are normalised in batch")
    target = getattr(estimator, "target_", None)
    valued = target is not None and target.classes is None
    chosen = {"batch_size": size, "longest": 1.0 if images and valued else None}
    return Recipe(**{**shared(Recipe, estimator.get_params()), **chosen})


def row_loss(output: Tensor, y: Tensor) -> Tensor:
    """Loss of each row: cross-entropy of class codes (−1 is ignored), else squared error (b,)."""
    if y.is_floating_point():
        return (output.squeeze(-1) - y).square()
    return functional.cross_entropy(output, y, reduction="none", ignore_index=-1)


def mixed_precision(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 arithmetic on GPUs that have it; everything else stays in float32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def optimiser(net: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD over the parameters that learn; fused, because small networks are many tensors."""
    return torch.optim.SGD(
        [p for p in net.parameters() if p.requires_grad],
        recipe.learning_rate,
        momentum=0.9,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def fit_network(
    net: nn.Module,
    losses: Losses[Drawn],
    batches: Batches[Drawn],
    n: int,
    recipe: Recipe,
    *,
    seed: int,
    validate: Callable[[], Mapping[str, float]] | None,
    monitor: Monitor | None = None,
    task: str = "training",
) -> Fit:
    """Train `net` in place.

    Parameters
    ----------
    losses : callable
        A batch and a generator for augmentation → named losses; "loss" is minimised.
    batches : callable
        The batches of one epoch.
    n : int
        Number of training rows.
    """
    steps = max(1, -(-n // recipe.batch_size))
    descent = optimiser(net, recipe)
    fall = torch.optim.lr_scheduler.LambdaLR(
        descent, lambda epoch: 0.9 ** (epoch * steps / max(steps, _DECAY_STEPS))
    )
    chance = torch.Generator().manual_seed(seed + 1)

    def step(batch: Drawn) -> Mapping[str, Tensor]:
        descent.zero_grad(set_to_none=True)
        each = losses(batch, chance)
        each["loss"].backward()
        if recipe.longest is not None:
            nn.utils.clip_grad_norm_(net.parameters(), recipe.longest)
        descent.step()
        return {name: value.detach() for name, value in each.items()}

    return train(
        net,
        step,
        batches,
        max_epochs=recipe.max_epochs,
        seed=seed,
        validate=validate,
        patience=recipe.patience if validate is not None else None,
        after_epoch=lambda _: fall.step(),
        monitor=monitor,
        task=task,
    )


def history_rows(fit: Fit, part: str) -> list[dict[str, Any]]:
    """A training history as rows of the `history` table: part, epoch, metric, value."""
    return [
        {"part": part, "epoch": epoch, "metric": metric, "value": float(value)}
        for epoch, means in enumerate(fit.history)
        for metric, value in means.items()
    ]
