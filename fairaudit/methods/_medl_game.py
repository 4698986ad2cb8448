"""The game Fair MEDL plays: adversaries learn first, then the effects, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from fairaudit.methods._medl_inputs import Target, Task
from fairaudit.methods._medl_losses import (
    RunningRates,
    absolute_correlation,
    answer,
    events,
    gaussian_kl,
    outcome_loss,
    weighted_mean,
)
from fairaudit.methods._medl_nets import (
    FULL,
    Rows,
    StackedMLP,
    cluster_cross_entropy,
    effect_moments,
    touched,
)

Debias = Literal["adversarial", "rates", "correlation"]
Slopes = Literal["inputs", "hidden", "none"]


@dataclass(frozen=True)
class Plan:
    """What is trained: the parts that are switched on and the weight of each loss.

    `path` holds one factor a model of the batch; it scales both fairness weights.
    """

    task: Task
    target: Target
    debias: Debias | None
    hidden_sizes: tuple[int, ...]
    outputs: int
    random_effects: bool
    slopes: Slopes
    prior_scale: float | None
    cluster_adversary: bool
    lambda_fixed: float
    lambda_cluster: float
    lambda_kl: float
    lambda_fair_fixed: float
    lambda_fair_mixed: float
    learning_rate: float
    levels: tuple[int, ...] = ()  # of each sensitive attribute, 0 = continuous
    n_clusters: int = 0
    path: tuple[float, ...] = (1.0,)

    @property
    def models(self) -> int:
        return len(self.path)

    @property
    def sides(self) -> tuple[str, ...]:
        """The predictions there are: fixed, and mixed where effects are random."""
        return ("fixed", "mixed") if self.random_effects else ("fixed",)


@dataclass(frozen=True)
class Batch:
    """Rows as tensors: x (n, p), y (n,), cluster (n,), weight (n,), the attributes' codes and
    values (n, A), groups one-hot and everybody (n, G + 1), columns for correlation (n, S)."""

    x: Tensor
    y: Tensor
    cluster: Tensor
    weight: Tensor
    codes: Tensor
    values: Tensor
    groups: Tensor
    columns: Tensor

    def take(self, rows: Tensor) -> Batch:
        """Some of the rows."""
        return Batch(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Answers:
    """One forward pass: raw outputs of both sides (M, n, O), noise of the mixed side, hidden."""

    fixed: Tensor
    mixed: Tensor
    variance: Tensor | float
    hidden: list[Tensor]

    def sides(self, task: str) -> list[Tensor]:
        """Linked answers of each side."""
        both = [self.fixed] if self.mixed is self.fixed else [self.fixed, self.mixed]
        return [answer(task, raw) for raw in both]


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
        self.rows = Rows(values, plan.learning_rate)

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior means and log standard deviations of picked rows."""
        count = self.width * self.plan.outputs
        return rows[..., :count], rows[..., count:]

    def forward(
        self, x: Tensor, rows: Tensor | None, place: Tensor, known: Tensor | None = None
    ) -> Answers:
        """Both predictions; rows None = fixed effects only."""
        raw, hidden = self.net(x[None])
        if rows is None:
            return Answers(raw, raw, 0.0, hidden)
        mean, log_sd = self.split(rows)
        inputs = self._slope_inputs(x, hidden)
        shift, variance = effect_moments(inputs, mean, log_sd, place, known, self.plan.outputs)
        return Answers(raw, raw + shift, variance, hidden)

    def _slope_inputs(self, x: Tensor, hidden: list[Tensor]) -> Tensor:
        one = torch.ones(1, len(x), 1, dtype=x.dtype, device=x.device)
        if self.plan.slopes == "none":
            return one
        if self.plan.slopes == "inputs" or not hidden:
            return torch.cat([x[None], one], 2)
        return torch.cat([hidden[-1], one.expand(len(hidden[-1]), -1, -1)], 2)


class Opponents(nn.Module):
    """Parts 2, 3 and 5: who guesses the cluster and the sensitive attributes."""

    frequency: Tensor  # (K,) log share of each cluster
    hide: Tensor  # (A, L) levels an attribute has not
    scale: Tensor  # (A,) whether an attribute is continuous

    def __init__(self, plan: Plan, n_features: int, sizes: Tensor, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed + 1)
        self.plan = plan
        self.trunk: StackedMLP | None = None
        if plan.cluster_adversary:
            watched = sum(plan.hidden_sizes) or plan.outputs
            self.trunk = StackedMLP(plan.models, (watched, 8, 8, 4), generator)
            rows = (torch.rand(1, plan.n_clusters, 5, generator=generator) - 0.5).repeat(
                plan.models, 1, 1
            )
            self.rows = Rows(rows, plan.learning_rate)
            self.register_buffer("frequency", torch.log(sizes.clamp_min(1) / sizes.sum()))
        self.guess: StackedMLP | None = None
        if plan.debias == "adversarial":
            self._add_guess(generator)

    def _add_guess(self, generator: torch.Generator) -> None:
        plan = self.plan
        n_y = 0 if plan.target == "demographic_parity" else max(1, self._classes())
        width = max(1, *plan.levels)
        stacked = len(plan.sides) * plan.models * len(plan.levels)
        self.guess = StackedMLP(stacked, (plan.outputs + n_y, 10, width), generator)
        levels = torch.tensor([max(v, 1) for v in plan.levels])
        self.register_buffer("hide", torch.arange(width)[None] >= levels[:, None])
        self.register_buffer("scale", torch.tensor([v == 0 for v in plan.levels]))

    def _classes(self) -> int:
        return self.plan.outputs if self.plan.task == "multiclass" else 1

    def weights(self) -> list[nn.Parameter]:
        """Everything but the rows of the cluster adversary."""
        parts = [m for m in (self.trunk, self.guess) if m is not None]
        return [p for m in parts for p in m.parameters()]

    def cluster(
        self, out: Answers, rows: Tensor, picked: Tensor | None, place: Tensor, weight: Tensor
    ) -> Tensor:
        """Mean cross-entropy of naming the cluster from the hidden layers (M,)."""
        assert self.trunk is not None
        seen = torch.cat(out.hidden, 2) if out.hidden else out.fixed
        trunk = torch.relu(self.trunk(seen)[0])
        frequency = None if picked is None else self.frequency[picked]
        return weighted_mean(cluster_cross_entropy(trunk, rows, place, frequency), weight)

    def fairness(self, answers: list[Tensor], batch: Batch) -> Tensor:
        """Mean loss of guessing each attribute from each side (sides, M, A)."""
        assert self.guess is not None
        plan = self.plan
        shape = (len(answers), plan.models, len(plan.levels))
        seen = torch.stack(answers)  # (S, M, n, O)
        if plan.target == "equalized_odds":
            truth = self._truth(batch.y).expand(*shape[:2], -1, -1)
            seen = torch.cat([seen, truth], 3)
        stacked = seen[:, :, None].expand(*shape, -1, -1).flatten(0, 2)
        scores = self.guess(stacked)[0].unflatten(0, shape)  # (S, M, A, n, L)
        codes = batch.codes.T  # (A, n)
        loss = self._guess_loss(scores, codes, batch.values.T)
        weight = batch.weight * (codes >= 0)
        return (loss * weight).sum(-1) / weight.sum(-1).clamp_min(1e-6)

    def _guess_loss(self, scores: Tensor, codes: Tensor, values: Tensor) -> Tensor:
        named = scores.masked_fill(self.hide[:, None], -1e9)
        index = codes.clamp_min(0).expand(*scores.shape[:2], -1, -1)[..., None]
        limit = named.shape[-1] - 1
        own = named.gather(4, index.clamp_max(limit))[..., 0]
        loss = torch.logsumexp(named, 4) - own
        if not any(v == 0 for v in self.plan.levels):
            return loss
        return torch.where(self.scale[:, None], (scores[..., 0] - values).square() / 2, loss)

    def _truth(self, y: Tensor) -> Tensor:
        if self.plan.task != "multiclass":
            return y[:, None]
        return functional.one_hot(y.long(), self.plan.outputs).to(torch.float32)


@dataclass
class Game:
    """All parts, their optimisers and one alternating step; losses are kept by model.

    Parameters
    ----------
    data : Batch
        All training rows, on the device.
    seed : int
        Starts weights (effects and adversaries from separate streams) and posterior noise.
    """

    plan: Plan
    data: Batch
    seed: int
    device: torch.device
    effects: Effects = field(init=False)
    opponents: Opponents = field(init=False)
    sums: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        plan, p = self.plan, self.data.x.shape[1]
        sizes = torch.bincount(self.data.cluster.clamp_min(0), minlength=plan.n_clusters).cpu()
        self.effects = Effects(plan, p, self.seed).to(self.device)
        self.opponents = Opponents(plan, p, sizes.float(), self.seed).to(self.device)
        for module in (self.effects, self.opponents):
            if hasattr(module, "rows"):
                module.rows.to_device(self.device)
        self.inverse_size = (1 / sizes.clamp_min(1).float()).to(self.device)
        self.noise = torch.Generator(self.device).manual_seed(self.seed + 2)
        self.main_weights = list(self.effects.net.parameters())
        self.main = torch.optim.Adam(self.main_weights, plan.learning_rate, fused=True)
        weights = self.opponents.weights()
        self.rival = torch.optim.Adam(weights, plan.learning_rate, fused=True) if weights else None
        self.rates = [RunningRates() for _ in plan.sides]
        self.path = torch.tensor(plan.path, device=self.device)

    def step(self, rows: Tensor) -> dict[str, Tensor]:
        """Adversaries first, on the answers as they are; then the effects against them."""
        batch = self.data.take(rows)
        picked, place = touched(batch.cluster, self.plan.n_clusters)
        leaf = self.effects.rows.pick(picked) if self.plan.random_effects else None
        out = self.effects(batch.x, leaf, place)
        if self.rival is not None:
            self.adversary_step(out, batch, picked, place)
        losses = self.losses(out, leaf, batch, picked, place)
        self.main_step(losses["total"].sum(), leaf, picked)
        for name, value in losses.items():
            now = value.detach()
            self.sums[name] = self.sums[name] + now if name in self.sums else now
        self.count += 1
        return {"loss": losses["total"].detach().mean()}

    def adversary_step(
        self, out: Answers, batch: Batch, picked: Tensor | None, place: Tensor
    ) -> None:
        """Each adversary lowers its own loss; nothing else moves."""
        assert self.rival is not None
        free = Answers(
            out.fixed.detach(), out.mixed.detach(), 0.0, [h.detach() for h in out.hidden]
        )
        if out.mixed is out.fixed:
            free = Answers(free.fixed, free.fixed, 0.0, free.hidden)
        leaf = self.opponents.rows.pick(picked) if self.plan.cluster_adversary else None
        total = torch.zeros((), device=self.device)
        if leaf is not None:
            total = total + self.opponents.cluster(free, leaf, picked, place, batch.weight).sum()
        if self.plan.debias == "adversarial":
            total = total + self.opponents.fairness(free.sides(self.plan.task), batch).sum()
        weights = self.opponents.weights()
        leaves = weights if leaf is None else [*weights, leaf]
        gradients = torch.autograd.grad(total, leaves)
        for weight, gradient in zip(weights, gradients, strict=False):
            weight.grad = gradient
        self.rival.step()
        if leaf is not None:
            self.opponents.rows.update(picked, gradients[-1])

    def main_step(self, total: Tensor, leaf: Tensor | None, picked: Tensor | None) -> None:
        """Net and touched random effects follow the gradient; adversaries stay as they are."""
        leaves = self.main_weights if leaf is None else [*self.main_weights, leaf]
        gradients = torch.autograd.grad(total, leaves)
        for weight, gradient in zip(self.main_weights, gradients, strict=False):
            weight.grad = gradient
        self.main.step()
        if leaf is not None:
            self.effects.rows.update(picked, gradients[-1])

    def losses(
        self,
        out: Answers,
        leaf: Tensor | None,
        batch: Batch,
        picked: Tensor | None,
        place: Tensor,
    ) -> dict[str, Tensor]:
        """Every part of L (specification §2) by model (M,), and their weighted `total`."""
        plan, found = self.plan, {}
        fixed = outcome_loss(plan.task, out.fixed, batch.y, self.effects.noise, 0.0)
        found["fixed"] = weighted_mean(fixed, batch.weight)
        total = found["fixed"] * (plan.lambda_fixed if plan.random_effects else 1.0)
        if leaf is not None:
            found["mixed"] = self._mixed(out, batch)
            found["prior"] = self._prior(leaf, place, batch.cluster)
            total = total + found["mixed"] + plan.lambda_kl * found["prior"]
        if plan.cluster_adversary:
            rows = self.opponents.rows.values.detach()
            rows = rows if picked is None else rows[:, picked]
            found["cluster"] = self.opponents.cluster(out, rows, picked, place, batch.weight)
            total = total - plan.lambda_cluster * found["cluster"]
        if plan.debias is not None:
            for side, value in zip(plan.sides, self.unfairness(out, batch), strict=True):
                found[f"fair {side}"] = value
                total = total + self._fair_weight(side) * value
        return {"total": total, **found}

    def _fair_weight(self, side: str) -> Tensor:
        plan = self.plan
        own = plan.lambda_fair_fixed if side == "fixed" else plan.lambda_fair_mixed
        return self.path * own

    def _mixed(self, out: Answers, batch: Batch) -> Tensor:
        plan, raw, extra = self.plan, out.mixed, out.variance
        if plan.task != "regression":  # one posterior draw a row (local reparameterisation)
            draw = torch.empty_like(raw).normal_(generator=self.noise)
            raw, extra = raw + draw * torch.sqrt(torch.as_tensor(extra) + 1e-12), 0.0
        shift = extra[..., 0] if isinstance(extra, Tensor) else extra
        loss = outcome_loss(plan.task, raw, batch.y, self.effects.noise, shift)
        return weighted_mean(loss, batch.weight)

    def _prior(self, leaf: Tensor, place: Tensor, cluster: Tensor) -> Tensor:
        mean, log_sd = self.effects.split(leaf)
        each = gaussian_kl(mean, log_sd, self.effects.prior[:, None]).sum(2)  # (M, u)
        if leaf.shape[1] == self.plan.n_clusters <= FULL:
            return each.sum(1) / len(self.data.y)
        # each row carries its cluster's share: the mean over rows is KL / n without bias
        return (each[:, place] * self.inverse_size[cluster]).mean(1)

    def unfairness(
        self, out: Answers, batch: Batch, rates: list[RunningRates] | None = None
    ) -> list[Tensor]:
        """What is added to L for each side (M,): −CE of the adversary, spread or correlation."""
        plan = self.plan
        answers = out.sides(plan.task)
        if plan.debias == "adversarial":
            return list(-self.opponents.fairness(answers, batch).sum(2))
        found = []
        for side, running in zip(answers, rates or self.rates, strict=True):
            values, about = events(plan.task, plan.target, side, batch.y)
            if plan.debias == "rates":
                found.append(running.spread(values, about, batch.groups))
            else:
                found.append(absolute_correlation(values, about, batch.columns, batch.weight))
        return found

    def end_epoch(self) -> dict[str, Tensor]:
        """Mean losses of the epoch by model; noise and learnt prior follow the posterior."""
        means = {name: total / max(self.count, 1) for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        if self.plan.task == "regression":
            key = "mixed" if self.plan.random_effects else "fixed"
            self.effects.noise.mul_(2 * means[key]).clamp_(1e-4, 10)
        if self.plan.prior_scale is None and self.plan.random_effects:
            self._learn_prior()
        return means

    @torch.no_grad()
    def _learn_prior(self) -> None:
        mean, log_sd = self.effects.split(self.effects.rows.values)
        second = (mean.square() + torch.exp(2 * log_sd)).mean(1)
        self.effects.prior.copy_(second.sqrt().clamp(1e-3, 10))

    def set_rate(self, factor: float) -> None:
        """Scale all learning rates."""
        rate = self.plan.learning_rate * factor
        for optimiser in (self.main, self.rival):
            if optimiser is not None:
                optimiser.param_groups[0]["lr"] = rate
        for module in (self.effects, self.opponents):
            if hasattr(module, "rows"):
                module.rows.rate = rate
