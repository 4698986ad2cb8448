"""The one training loop: epochs, batches on the device, early stopping, best state restored."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor, nn

from fairaudit.exceptions import SpecError, TrainingError
from fairaudit.methods.common.progress import Monitor, Silent

Drawn = TypeVar("Drawn")  # what stands for a batch: row numbers, or rows and facts about them
Step = Callable[[Drawn], Mapping[str, Tensor]]
Batches = Callable[[torch.Generator], Iterable[Drawn]]


def pick_device(device: str) -> torch.device:
    """The torch device meant by "auto", "cpu" or "cuda".

    Raises
    ------
    SpecError
        When "cuda" is requested and there is none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise SpecError(f"device {device!r} is not known; choose 'auto', 'cpu' or 'cuda'")
    if device == "cuda" and not torch.cuda.is_available():
        raise SpecError("device='cuda' was asked for, but no CUDA device is visible; use 'auto'")
    wanted = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def shuffled(n: int, batch_size: int, device: torch.device) -> Batches[Tensor]:
    """Batches of row numbers in random order; a last batch of one row joins its neighbour."""

    def batches(generator: torch.Generator) -> Iterable[Tensor]:
        order = torch.randperm(n, generator=generator).to(device)
        parts = list(order.split(batch_size))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [torch.cat(parts[-2:])]
        return parts

    return batches


@dataclass(frozen=True)
class Fit:
    """Outcome of a training run: one mapping of mean metrics per epoch, and the best epoch."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0


def train(
    modules: nn.Module,
    step: Step[Drawn],
    batches: Batches[Drawn],
    *,
    max_epochs: int,
    seed: int,
    validate: Callable[[], Mapping[str, float]] | None = None,
    patience: int | None = None,
    after_epoch: Callable[[int], None] | None = None,
    monitor: Monitor | None = None,
    task: str = "training",
) -> Fit:
    """Run `step` over batches for epochs; keep the state with the smallest `validate()["loss"]`.

    Parameters
    ----------
    modules : nn.Module
        Everything whose state is kept and restored.
    step : callable
        A batch → named scalar tensors (detached); does its own backward and optimiser.
    batches : callable
        Generator → iterable of the batches of one epoch, as a rule row numbers (b,).
    validate : callable or None
        Returns metrics of the validation rows; must hold "loss". None = keep the last epoch.
    patience : int or None
        Stop after this many epochs without a better validation loss.

    Raises
    ------
    TrainingError
        When a training loss is not finite, or the validation loss of no epoch is.
    Cancelled
        When the monitor requests a stop (checked at every batch).
    """
    monitor = monitor or Silent()
    generator = torch.Generator().manual_seed(seed)
    history: list[dict[str, float]] = []
    best, best_epoch, best_state = float("inf"), 0, None
    monitor.start(task, max_epochs)
    for epoch in range(max_epochs):
        means = _epoch(modules, step, batches, generator, monitor)
        if validate is not None:
            modules.eval()
            with torch.no_grad():
                means |= {f"validation_{k}": v for k, v in validate().items()}
        history.append(means)
        if after_epoch is not None:
            after_epoch(epoch)
        loss = means.get("validation_loss", -float(epoch))
        if loss < best:
            best, best_epoch = loss, epoch
            best_state = copy.deepcopy(modules.state_dict()) if validate is not None else None
        monitor.step(1, **means)
        if patience is not None and epoch - best_epoch >= patience:
            break
    if validate is not None and best_state is None:
        raise TrainingError(
            "the validation loss is not finite in any epoch; lower learning_rate or check the "
            "features for extreme values"
        )
    if best_state is not None:
        modules.load_state_dict(best_state)
    modules.eval()
    monitor.end()
    return Fit(history, best_epoch)


def _epoch(
    modules: nn.Module,
    step: Step[Drawn],
    batches: Batches[Drawn],
    generator: torch.Generator,
    monitor: Monitor,
) -> dict[str, float]:
    modules.train()
    sums: dict[str, Tensor] = {}
    count = 0
    for rows in batches(generator):
        for name, value in step(rows).items():
            sums[name] = sums[name] + value if name in sums else value.detach().clone()
        count += 1
        monitor.step(0)  # a place to be cancelled, without reading the device
    means = {name: float(total) / max(count, 1) for name, total in sums.items()}
    if not all(torch.isfinite(torch.tensor(v)) for v in means.values()):
        raise TrainingError(
            "the training loss is not finite; lower learning_rate or check the features for "
            "extreme values"
        )
    return means
