"""Losses of a mixture of experts: the mean, the worst group in three forms, balance, entropy.

Shapes: M members, b rows, K experts, C outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MEMBERSHIP = 0.1  # the soft form counts rows with more membership than this
TINY = 1e-12


def row_losses(log_gate: Tensor, outputs: Tensor, target: Tensor) -> Tensor:
    """Squared error of the mixed value, or log loss of the mixed probabilities, (M, b)."""
    if target.dtype.is_floating_point:
        mixed = (log_gate.exp() * outputs[..., 0]).sum(2)
        return (mixed - target).square()
    logs = torch.log_softmax(outputs, dim=3)
    at = target[..., None, None].expand(*logs.shape[:3], 1)
    return -torch.logsumexp(log_gate + logs.gather(3, at)[..., 0], dim=2)


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over rows (M,)."""
    return (values * weight).sum(1) / weight.sum(1).clamp_min(TINY)


def expert_losses(loss: Tensor, share: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean loss of the rows of each expert (M, K), and whether it has any."""
    mass = share * weight[..., None]
    total = mass.sum(1)
    return (mass * loss[..., None]).sum(1) / total.clamp_min(TINY), total > TINY


@dataclass
class Worst:
    """The robust part of the loss.

    Parameters
    ----------
    form : "soft" (membership-weighted rows with membership above 0.1), "hard" (rows given to
        their likeliest expert, without gradient) or "group" (weights q moved by exponentiated
        gradient, Sagawa et al. 2020)
    step : step size of q
    """

    form: str
    step: float
    q: Tensor

    def __call__(
        self, loss: Tensor, log_gate: Tensor, weight: Tensor, *, learning: bool = True
    ) -> Tensor:
        """(M,); the mean loss where no expert has rows (many experts, membership spread thin).

        `learning` moves the weights q of the form "group"; rows that only judge leave them.
        """
        gate = log_gate.exp()
        if self.form == "hard":
            share = torch.zeros_like(gate).scatter_(2, gate.argmax(2, keepdim=True), 1.0)
        elif self.form == "soft":
            share = gate * (gate > MEMBERSHIP)
        else:
            share = gate.detach()
        each, present = expert_losses(loss, share, weight)
        if self.form == "group":
            q = self._moved(each.detach(), present) if learning else self.q
            return (q * each).sum(1)
        worst = each.masked_fill(~present, -torch.inf).amax(1)
        return torch.where(present.any(1), worst, weighted_mean(loss, weight))

    def _moved(self, each: Tensor, present: Tensor) -> Tensor:
        raised = self.q * torch.exp(self.step * each.clamp_max(50.0)) * present
        self.q = raised / raised.sum(1, keepdim=True).clamp_min(TINY)
        return self.q


def imbalance(log_gate: Tensor, weight: Tensor) -> Tensor:
    """0 when all experts are used alike, K - 1 when one takes all, (M,)."""
    share = (log_gate.exp() * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
    return share.shape[1] * share.square().sum(1) - 1


def entropy(log_gate: Tensor, weight: Tensor) -> Tensor:
    """Mean entropy of membership, (M,)."""
    return weighted_mean(-(log_gate.exp() * log_gate).sum(2), weight)
