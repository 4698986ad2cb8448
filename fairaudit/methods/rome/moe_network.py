"""Gate and experts of many mixtures as stacked arrays: one matrix product for all of them.

Shapes: M members (seeds, group counts), K experts, b rows, h hidden units, C outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

OFF = -1e9  # logit of an expert that a member does not have


def _uniform(generators: Sequence[torch.Generator], fan_in: int, *shape: int) -> Tensor:
    """As `nn.Linear` starts, each member from its own generator, (M, *shape)."""
    bound = max(fan_in, 1) ** -0.5
    draws = [(torch.rand(*shape, generator=g) * 2 - 1) * bound for g in generators]
    return torch.stack(draws)


class StackedMixture(nn.Module):
    """M mixtures of K two-layer experts behind two-layer gates.

    Parameters
    ----------
    seeds : one a member
    n_groups : experts of each member; fewer than the most are masked
    n_expert, n_gate : number of inputs of experts and gate
    hidden, gate_hidden : hidden units
    n_outputs : int
        1 for regression, else the number of classes.
    dropout : float
    """

    active: Tensor

    def __init__(
        self,
        seeds: Sequence[int],
        n_groups: Sequence[int],
        n_expert: int,
        n_gate: int,
        hidden: int,
        gate_hidden: int,
        n_outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        most, members = max(n_groups), len(seeds)
        chance = [torch.Generator().manual_seed(s) for s in seeds]
        self.shape = (members, most, n_outputs)
        self.dropout = dropout
        self.w1 = nn.Parameter(_uniform(chance, n_expert, n_expert, most * hidden))
        self.b1 = nn.Parameter(_uniform(chance, n_expert, 1, most * hidden))
        self.w2 = nn.Parameter(_uniform(chance, hidden, most, hidden, n_outputs))
        self.b2 = nn.Parameter(_uniform(chance, hidden, most, 1, n_outputs))
        self.v1 = nn.Parameter(_uniform(chance, n_gate, n_gate, gate_hidden))
        self.c1 = nn.Parameter(_uniform(chance, n_gate, 1, gate_hidden))
        self.v2 = nn.Parameter(_uniform(chance, gate_hidden, gate_hidden, most))
        self.c2 = nn.Parameter(_uniform(chance, gate_hidden, 1, most))
        mask = torch.arange(most)[None] < torch.tensor(list(n_groups))[:, None]
        self.register_buffer("active", mask[:, None, :])  # (M, 1, K)

    def experts(self, x: Tensor) -> Tensor:
        """Outputs of all experts (M, b, K, C) from x (M, b, p)."""
        members, most, n_outputs = self.shape
        rows = x.shape[1]
        hidden = torch.relu(torch.baddbmm(self.b1, x, self.w1))  # (M, b, K h)
        hidden = self._drop(hidden).reshape(members, rows, most, -1).transpose(1, 2)
        flat = hidden.reshape(members * most, rows, -1)
        out = torch.baddbmm(self.b2.flatten(0, 1), flat, self.w2.flatten(0, 1))
        return out.reshape(members, most, rows, n_outputs).transpose(1, 2)

    def gate(self, s: Tensor) -> Tensor:
        """Log membership (M, b, K) from s (M, b, q)."""
        hidden = self._drop(torch.relu(torch.baddbmm(self.c1, s, self.v1)))
        logits = torch.baddbmm(self.c2, hidden, self.v2)
        return torch.log_softmax(logits.masked_fill(~self.active, OFF), dim=2)

    def _drop(self, hidden: Tensor) -> Tensor:
        if not self.dropout:
            return hidden
        return nn.functional.dropout(hidden, self.dropout, self.training)

    @torch.no_grad()
    def reorder(self, member: int, order: Tensor) -> None:
        """Renumber the experts of one member."""
        most = self.shape[1]
        for wide in (self.w1, self.b1):
            by_expert = wide[member].reshape(wide.shape[1], most, -1)[:, order]
            wide[member] = by_expert.reshape(wide.shape[1], -1)
        for deep in (self.w2, self.b2):
            deep[member] = deep[member][order]
        for last in (self.v2, self.c2):
            last[member] = last[member][:, order]
