"""The parts of Fair MEDL: plan, rows, fixed-effects net, random effects and adversaries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from fairaudit.methods.fair_medl.inputs import Target, Task
from fairaudit.methods.fair_medl.losses import answer
from fairaudit.methods.fair_medl.networks import (
    ClusterParameters,
    StackedMLP,
    cluster_cross_entropy,
    effect_moments,
)

Debias = Literal["adversarial", "rates", "correlation"]
Slopes = Literal["inputs", "hidden", "none"]


@dataclass(frozen=True)
class Plan:
    """What is trained: the parts that are switched on and the weight of each loss.

    `path` holds one factor a model of the batch; it scales both fairness weights.
    """

    task: Task
    fairness_target: Target
    debias: Debias | None
    hidden_sizes: tuple[int, ...]
    outputs: int
    random_effects: bool
    slopes: Slopes
    prior_scale: float | None
    cluster_adversary: bool
    between_variance: bool
    lambda_fixed: float
    lambda_cluster: float
    lambda_kl: float
    lambda_fair_fixed: float
    lambda_fair_mixed: float
    learning_rate: float
    sharpness: float  # of the soft decisions whose rates are pulled together
    levels: tuple[int, ...] = ()  # of each sensitive attribute, 0 = continuous
    n_clusters: int = 0
    cuts: tuple[float, ...] = (0.0,)  # logits of the thresholds of these decisions
    path: tuple[float, ...] = (1.0,)

    @property
    def models(self) -> int:
        return len(self.path)

    @property
    def sides(self) -> tuple[str, ...]:
        """The predictions there are: fixed, and mixed where effects are random."""
        return ("fixed", "mixed") if self.random_effects else ("fixed",)


@dataclass(frozen=True)
class RowTensors:
    """Rows as tensors.

    inputs (n, p + 1): features and a one; integers: cluster and the attributes' codes (n, 1 + A);
    reals: y, weight, values of continuous attributes (A), one-hot groups and all rows (G + 1),
    columns for correlation.
    Three tensors instead of eight, because every batch is gathered from them.
    """

    inputs: Tensor
    integers: Tensor
    reals: Tensor
    attributes: int
    groups_to: int

    def take(self, rows: Tensor) -> RowTensors:
        """Some of the rows."""
        inputs, integers, reals = (
            t.index_select(0, rows) for t in (self.inputs, self.integers, self.reals)
        )
        return RowTensors(inputs, integers, reals, self.attributes, self.groups_to)

    @property
    def x(self) -> Tensor:
        return self.inputs[:, :-1]

    @property
    def cluster(self) -> Tensor:
        return self.integers[:, 0]

    @property
    def codes(self) -> Tensor:
        return self.integers[:, 1:]

    @property
    def y(self) -> Tensor:
        return self.reals[:, 0]

    @property
    def weight(self) -> Tensor:
        return self.reals[:, 1]

    @cached_property
    def share(self) -> Tensor:
        """Row weights that sum to one (n,): a weighted mean is a product with it."""
        return self.weight / self.weight.sum()

    @property
    def values(self) -> Tensor:
        return self.reals[:, 2 : 2 + self.attributes]

    @property
    def groups(self) -> Tensor:
        return self.reals[:, 2 + self.attributes : self.groups_to]

    @property
    def columns(self) -> Tensor:
        return self.reals[:, self.groups_to :]


@dataclass(frozen=True)
class Picked:
    """Clusters a batch touches: which (None = all), each row's place, rows of each; and the
    posterior of their random effects with its optimiser's state (None without effects)."""

    rows: Tensor | None
    place: Tensor
    counts: Tensor | None
    state: Tensor | None = None
    leaf: Tensor | None = None


@dataclass(frozen=True)
class ForwardPass:
    """One forward pass: raw outputs of both sides (M, O, n), noise of the mixed side, hidden."""

    fixed: Tensor
    mixed: Tensor
    variance: Tensor | float
    hidden: list[Tensor]
    posterior: tuple[Tensor, Tensor, Tensor] | None = None  # mean, log sd, variance (M, u, d)

    @cached_property
    def observed(self) -> Tensor:
        """Input of the cluster adversary: all hidden activations (or the linear output)."""
        return torch.cat(self.hidden, 1) if self.hidden else self.fixed

    def sides(self, task: str) -> Tensor:
        """Linked answers of each side (sides, M, O, n)."""
        linked: Tensor = answer(task, torch.cat(self.raw()))
        return linked.view(-1, *self.fixed.shape)

    def raw(self) -> list[Tensor]:
        """Raw outputs of each side."""
        return [self.fixed] if self.mixed is self.fixed else [self.fixed, self.mixed]


class Effects(nn.Module):
    """Parts 1 and 4: the fixed-effects net and the posterior of the random effects."""

    prior: Tensor  # (M, q·O) SD of the prior
    noise: Tensor  # (M,) residual variance, regression only

    def __init__(self, plan: Plan, n_features: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        sizes = (n_features, *plan.hidden_sizes, plan.outputs)
        self.plan = plan
        self.net = StackedMLP(plan.models, sizes, generator)
        last = plan.hidden_sizes[-1] if plan.hidden_sizes else n_features
        self.width = {"inputs": n_features, "hidden": last, "none": 0}[plan.slopes] + 1
        scale = plan.prior_scale or 0.3
        count = self.width * plan.outputs
        self.register_buffer("prior", torch.full((plan.models, count), scale))
        self.register_buffer("noise", torch.ones(plan.models))
        values = torch.zeros(plan.models, max(plan.n_clusters, 1), 2 * count)
        values[..., count:] = math.log(0.1 * scale)
        self.rows = ClusterParameters(values, plan.learning_rate)

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior means and log standard deviations of picked rows."""
        mean, log_sd = rows.unflatten(-1, (2, -1)).unbind(-2)
        return mean, log_sd

    def forward(
        self, inputs: Tensor, rows: Tensor | None, place: Tensor, has_effects: Tensor | None = None
    ) -> ForwardPass:  # known: 0 for rows of clusters without effects, None = all have
        """Both predictions; rows None = fixed effects only."""
        raw, hidden = self.net(inputs[None, :, :-1].transpose(1, 2))
        if rows is None:
            return ForwardPass(raw, raw, 0.0, hidden)
        mean, log_sd = self.split(rows)
        spread = torch.exp(2 * log_sd)
        inputs = self._slope_inputs(inputs, hidden)
        inputs = inputs if has_effects is None else inputs * has_effects[:, None]
        shift, variance = effect_moments(inputs, mean, spread, place, self.plan.outputs)
        return ForwardPass(raw, raw + shift, variance, hidden, (mean, log_sd, spread))

    def _slope_inputs(self, inputs: Tensor, hidden: list[Tensor]) -> Tensor:
        if self.plan.slopes == "none":
            return inputs[None, :, -1:]
        if self.plan.slopes == "inputs" or not hidden:
            return inputs[None]
        return functional.pad(hidden[-1].transpose(1, 2), (0, 1), value=1.0)


@dataclass(frozen=True)
class AdversaryBatch:
    """What adversaries know (y in columns, or nothing), must guess (codes and values of every
    side, model and attribute, (S·M·A, n)), and rows' shares (A, n)."""

    truth: Tensor | None
    codes: Tensor
    values: Tensor
    share: Tensor


class Adversaries(nn.Module):
    """Parts 2, 3 and 5: the networks that predict the cluster and the sensitive attributes."""

    frequency: Tensor  # (K,) log share of each cluster
    scale: Tensor  # (A,) whether an attribute is continuous

    def __init__(self, plan: Plan, n_features: int, sizes: Tensor, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed + 1)
        self.plan = plan
        self.trunk: StackedMLP | None = None
        if plan.cluster_adversary:
            observed = sum(plan.hidden_sizes) or plan.outputs
            self.trunk = StackedMLP(plan.models, (observed, 8, 8, 4), generator)
            rows = (torch.rand(1, plan.n_clusters, 5, generator=generator) - 0.5).repeat(
                plan.models, 1, 1
            )
            self.rows = ClusterParameters(rows, plan.learning_rate)
            self.register_buffer("frequency", torch.log(sizes.clamp_min(1) / sizes.sum()))
        self.guess: StackedMLP | None = None
        if plan.debias == "adversarial":
            self._add_guess(generator)

    def _add_guess(self, generator: torch.Generator) -> None:
        plan = self.plan
        n_y = 0 if plan.fairness_target == "demographic_parity" else max(1, self._classes())
        width = max(1, *plan.levels)
        stacked = len(plan.sides) * plan.models * len(plan.levels)
        self.guess = StackedMLP(stacked, (plan.outputs + n_y, 10, width), generator)
        levels = torch.tensor([max(v, 1) for v in plan.levels])
        none = torch.arange(width)[None] >= levels[:, None]  # (A, L) levels an attribute has not
        hidden = none.repeat(stacked // len(levels), 1)[..., None]
        # such levels never get probability, so that their bias never gets a gradient
        self.guess.biases[-1].data.masked_fill_(hidden, -1e9)
        self.register_buffer("scale", torch.tensor([v == 0 for v in plan.levels]))

    def _classes(self) -> int:
        return self.plan.outputs if self.plan.task == "multiclass" else 1

    def weights(self) -> list[nn.Parameter]:
        """Everything but the rows of the cluster adversary."""
        networks = [m for m in (self.trunk, self.guess) if m is not None]
        return [p for m in networks for p in m.parameters()]

    def cluster(self, activations: Tensor, rows: Tensor, picked: Picked, share: Tensor) -> Tensor:
        """Mean cross-entropy of naming the cluster from the hidden layers (M,)."""
        assert self.trunk is not None
        trunk = torch.relu(self.trunk(activations)[0])
        frequency = None if picked.rows is None else self.frequency[picked.rows]
        return cluster_cross_entropy(trunk, rows, picked.place, frequency) @ share

    def adversary_batch(self, batch: RowTensors) -> AdversaryBatch:
        """Inputs of the adversaries for a batch, and the codes and values they predict."""
        codes = batch.codes.T  # (A, n)
        weight = batch.weight * (codes >= 0)
        share = weight / weight.sum(1, keepdim=True).clamp_min(1e-6)
        truth = self._truth(batch.y) if self.plan.fairness_target == "equalized_odds" else None
        codes = codes.clamp(0, max(1, *self.plan.levels) - 1)  # bins of numbers are not guessed
        copies = len(self.plan.sides) * self.plan.models
        return AdversaryBatch(
            truth, codes.repeat(copies, 1), batch.values.T.repeat(copies, 1), share
        )

    def fairness(self, answers: Tensor, adversary_batch: AdversaryBatch) -> Tensor:
        """Mean loss of guessing each attribute from answers (sides, M, O, n): (sides, M, A)."""
        assert self.guess is not None
        plan = self.plan
        shape = (len(answers), plan.models, len(plan.levels))
        if adversary_batch.truth is not None:
            answers = torch.cat([answers, adversary_batch.truth.expand(*shape[:2], -1, -1)], 2)
        stacked = answers[:, :, None].expand(*shape, -1, -1).flatten(0, 2)
        scores = self.guess(stacked)[0]  # (S·M·A, L, n)
        loss = self._guess_loss(scores, adversary_batch).unflatten(0, shape)
        mean: Tensor = (loss * adversary_batch.share).sum(-1)
        return mean

    def _guess_loss(self, scores: Tensor, adversary_batch: AdversaryBatch) -> Tensor:
        loss = functional.cross_entropy(scores, adversary_batch.codes, reduction="none")
        if all(v > 0 for v in self.plan.levels):
            return loss
        error = (scores[:, 0] - adversary_batch.values).square() / 2
        copies = len(scores) // len(self.plan.levels)
        return torch.where(self.scale.repeat(copies)[:, None], error, loss)

    def _truth(self, y: Tensor) -> Tensor:
        if self.plan.task != "multiclass":
            return y[None]
        return functional.one_hot(y.long(), self.plan.outputs).T.to(torch.float32)
