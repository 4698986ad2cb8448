"""The game Fair MEDL plays: adversaries learn first, then the effects, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
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
    sharpened,
)
from fairaudit.methods._medl_nets import (
    Adam,
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
    sharpness: float = 1.0  # of the soft decisions whose rates are pulled together
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
class Batch:
    """Rows as tensors.

    inputs (n, p + 1): features and a one; whole: cluster and the attributes' codes (n, 1 + A);
    real: y, weight, values of continuous attributes (A), one-hot groups and everybody (G + 1),
    columns for correlation.
    Three tensors instead of eight, because every batch is gathered from them.
    """

    inputs: Tensor
    whole: Tensor
    real: Tensor
    attributes: int
    groups_to: int

    def take(self, rows: Tensor) -> Batch:
        """Some of the rows."""
        parts = self.inputs[rows], self.whole[rows], self.real[rows]
        return Batch(*parts, self.attributes, self.groups_to)

    @property
    def x(self) -> Tensor:
        return self.inputs[:, :-1]

    @property
    def cluster(self) -> Tensor:
        return self.whole[:, 0]

    @property
    def codes(self) -> Tensor:
        return self.whole[:, 1:]

    @property
    def y(self) -> Tensor:
        return self.real[:, 0]

    @property
    def weight(self) -> Tensor:
        return self.real[:, 1]

    @cached_property
    def share(self) -> Tensor:
        """Row weights that sum to one (n,): a weighted mean is a product with it."""
        return self.weight / self.weight.sum()

    @property
    def values(self) -> Tensor:
        return self.real[:, 2 : 2 + self.attributes]

    @property
    def groups(self) -> Tensor:
        return self.real[:, 2 + self.attributes : self.groups_to]

    @property
    def columns(self) -> Tensor:
        return self.real[:, self.groups_to :]


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
class Answers:
    """One forward pass: raw outputs of both sides (M, O, n), noise of the mixed side, hidden."""

    fixed: Tensor
    mixed: Tensor
    variance: Tensor | float
    hidden: list[Tensor]
    posterior: tuple[Tensor, Tensor, Tensor] | None = None  # mean, log sd, variance (M, u, d)

    def sides(self, task: str) -> list[Tensor]:
        """Linked answers of each side."""
        return [answer(task, raw) for raw in self.raw()]

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
        self.rows = Rows(values, plan.learning_rate)

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior means and log standard deviations of picked rows."""
        mean, log_sd = rows.unflatten(-1, (2, -1)).unbind(-2)
        return mean, log_sd

    def forward(
        self, inputs: Tensor, rows: Tensor | None, place: Tensor, known: Tensor | None = None
    ) -> Answers:  # known: 0 for rows of clusters without effects, None = all have
        """Both predictions; rows None = fixed effects only."""
        raw, hidden = self.net(inputs[None, :, :-1].transpose(1, 2))
        if rows is None:
            return Answers(raw, raw, 0.0, hidden)
        mean, log_sd = self.split(rows)
        spread = torch.exp(2 * log_sd)
        inputs = self._slope_inputs(inputs, hidden)
        inputs = inputs if known is None else inputs * known[:, None]
        shift, variance = effect_moments(inputs, mean, spread, place, self.plan.outputs)
        return Answers(raw, raw + shift, variance, hidden, (mean, log_sd, spread))

    def _slope_inputs(self, inputs: Tensor, hidden: list[Tensor]) -> Tensor:
        if self.plan.slopes == "none":
            return inputs[None, :, -1:]
        if self.plan.slopes == "inputs" or not hidden:
            return inputs[None]
        return functional.pad(hidden[-1].transpose(1, 2), (0, 1), value=1.0)


@dataclass(frozen=True)
class Riddle:
    """What adversaries know (y in columns, or nothing), must guess, and rows' shares (A, n)."""

    truth: Tensor | None
    codes: Tensor
    values: Tensor
    share: Tensor


class Opponents(nn.Module):
    """Parts 2, 3 and 5: who guesses the cluster and the sensitive attributes."""

    frequency: Tensor  # (K,) log share of each cluster
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
        none = torch.arange(width)[None] >= levels[:, None]  # (A, L) levels an attribute has not
        hidden = none.repeat(stacked // len(levels), 1)[..., None]
        # such levels never get probability, so that their bias never gets a gradient
        self.guess.biases[-1].data.masked_fill_(hidden, -1e9)
        self.register_buffer("scale", torch.tensor([v == 0 for v in plan.levels]))

    def _classes(self) -> int:
        return self.plan.outputs if self.plan.task == "multiclass" else 1

    def weights(self) -> list[nn.Parameter]:
        """Everything but the rows of the cluster adversary."""
        parts = [m for m in (self.trunk, self.guess) if m is not None]
        return [p for m in parts for p in m.parameters()]

    def cluster(self, out: Answers, rows: Tensor, picked: Picked, share: Tensor) -> Tensor:
        """Mean cross-entropy of naming the cluster from the hidden layers (M,)."""
        assert self.trunk is not None
        seen = torch.cat(out.hidden, 1) if out.hidden else out.fixed
        trunk = torch.relu(self.trunk(seen)[0])
        frequency = None if picked.rows is None else self.frequency[picked.rows]
        return cluster_cross_entropy(trunk, rows, picked.place, frequency) @ share

    def riddle(self, batch: Batch) -> Riddle:
        """What the adversaries are told and asked of a batch."""
        codes = batch.codes.T  # (A, n)
        weight = batch.weight * (codes >= 0)
        share = weight / weight.sum(1, keepdim=True).clamp_min(1e-6)
        truth = self._truth(batch.y) if self.plan.target == "equalized_odds" else None
        codes = codes.clamp(0, max(1, *self.plan.levels) - 1)  # bins of numbers are not guessed
        return Riddle(truth, codes, batch.values.T, share)

    def fairness(self, answers: list[Tensor], riddle: Riddle) -> Tensor:
        """Mean loss of guessing each attribute from each side (sides, M, A)."""
        assert self.guess is not None
        plan = self.plan
        shape = (len(answers), plan.models, len(plan.levels))
        seen = torch.stack(answers)  # (S, M, O, n)
        if riddle.truth is not None:
            seen = torch.cat([seen, riddle.truth.expand(*shape[:2], -1, -1)], 2)
        stacked = seen[:, :, None].expand(*shape, -1, -1).flatten(0, 2)
        scores = self.guess(stacked)[0]  # (S·M·A, L, n)
        loss = self._guess_loss(scores, riddle).unflatten(0, shape)
        mean: Tensor = (loss * riddle.share).sum(-1)
        return mean

    def _guess_loss(self, scores: Tensor, riddle: Riddle) -> Tensor:
        copies = len(scores) // len(self.plan.levels)
        codes = riddle.codes.repeat(copies, 1)
        loss = functional.cross_entropy(scores, codes, reduction="none")
        if all(v > 0 for v in self.plan.levels):
            return loss
        error = (scores[:, 0] - riddle.values.repeat(copies, 1)).square() / 2
        return torch.where(self.scale.repeat(copies)[:, None], error, loss)

    def _truth(self, y: Tensor) -> Tensor:
        if self.plan.task != "multiclass":
            return y[None]
        return functional.one_hot(y.long(), self.plan.outputs).T.to(torch.float32)


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
    sums: Tensor | None = None
    names: tuple[str, ...] = ()
    count: int = 0

    def __post_init__(self) -> None:
        plan, p = self.plan, self.data.inputs.shape[1] - 1
        sizes = torch.bincount(self.data.cluster.clamp_min(0), minlength=plan.n_clusters).cpu()
        self.effects = Effects(plan, p, self.seed).to(self.device)
        self.opponents = Opponents(plan, p, sizes.float(), self.seed).to(self.device)
        self.inverse_size = (1 / sizes.clamp_min(1).float()).to(self.device)
        self.noise = torch.Generator(self.device).manual_seed(self.seed + 2)
        self.main_weights = list(self.effects.net.parameters())
        self.rival_weights = self.opponents.weights()
        self.main = Adam(self.main_weights, plan.learning_rate)
        self.rival = Adam(self.rival_weights, plan.learning_rate) if self.rival_weights else None
        self.rates = RunningRates()
        self.path = torch.tensor(plan.path, device=self.device)

    def step(self, rows: Tensor) -> dict[str, Tensor]:
        """Adversaries first, on the answers as they are; then the effects against them."""
        batch = self.data.take(rows)
        picked = self._pick(batch)
        out = self.effects(batch.inputs, picked.leaf, picked.place)
        riddle = self.opponents.riddle(batch) if self.plan.debias == "adversarial" else None
        if self.rival is not None:
            self.adversary_step(out, batch, picked, riddle)
        losses = self.losses(out, batch, picked, riddle)
        self.main_step(losses["total"].sum(), picked)
        with torch.no_grad():
            values = torch.stack(list(losses.values()))
        self.names, self.count = tuple(losses), self.count + 1
        self.sums = values if self.sums is None else self.sums + values
        return {"loss": values[0].mean()}

    def _pick(self, batch: Batch) -> Picked:
        found = touched(batch.cluster, self.plan.n_clusters)
        if not self.plan.random_effects:
            return Picked(*found)
        return Picked(*found, *self.effects.rows.pick(found[0]))

    def adversary_step(
        self, out: Answers, batch: Batch, picked: Picked, riddle: Riddle | None
    ) -> None:
        """Each adversary lowers its own loss; nothing else moves."""
        assert self.rival is not None
        free = Answers(out.fixed.detach(), out.fixed, 0.0, [h.detach() for h in out.hidden])
        losses, leaves = [], list[Tensor](self.rival_weights)
        state = None
        if self.plan.cluster_adversary:
            state, leaf = self.opponents.rows.pick(picked.rows)
            leaves.append(leaf)
            losses.append(self.opponents.cluster(free, leaf, picked, batch.share).sum())
        if riddle is not None:
            answers = [a.detach() for a in out.sides(self.plan.task)]
            losses.append(self.opponents.fairness(answers, riddle).sum())
        gradients = torch.autograd.grad(sum(losses[1:], losses[0]), leaves)
        self.rival.step(gradients[: len(self.rival_weights)])
        if state is not None:
            self.opponents.rows.update(picked.rows, state, gradients[-1])

    def main_step(self, total: Tensor, picked: Picked) -> None:
        """Net and touched random effects follow the gradient; adversaries stay as they are."""
        leaves = [*self.main_weights, *([] if picked.leaf is None else [picked.leaf])]
        gradients = torch.autograd.grad(total, leaves)
        self.main.step(gradients[: len(self.main_weights)])
        if picked.state is not None:
            self.effects.rows.update(picked.rows, picked.state, gradients[-1])

    def losses(
        self, out: Answers, batch: Batch, picked: Picked, riddle: Riddle | None
    ) -> dict[str, Tensor]:
        """Every part of L (specification §2) by model (M,), and their weighted `total`."""
        plan, found = self.plan, {}
        fixed = outcome_loss(plan.task, out.fixed, batch.y, self.effects.noise, 0.0)
        found["fixed"] = fixed @ batch.share
        total = found["fixed"] * (plan.lambda_fixed if plan.random_effects else 1.0)
        if out.posterior is not None:
            found["mixed"] = self._mixed(out, batch)
            found["prior"] = self._prior(out.posterior, picked)
            total = total + found["mixed"] + plan.lambda_kl * found["prior"]
        if plan.cluster_adversary:
            rows = self.opponents.rows.values
            rows = rows if picked.rows is None else rows[:, picked.rows]
            found["cluster"] = self.opponents.cluster(out, rows, picked, batch.share)
            total = total - plan.lambda_cluster * found["cluster"]
        if plan.debias is not None:
            unfair = self.unfairness(out, batch, riddle)
            for side, value in zip(plan.sides, unfair, strict=True):
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
        shift = extra.flatten(1) if isinstance(extra, Tensor) else extra
        loss = outcome_loss(plan.task, raw, batch.y, self.effects.noise, shift)
        return loss @ batch.share

    def _prior(self, posterior: tuple[Tensor, Tensor, Tensor], picked: Picked) -> Tensor:
        each = gaussian_kl(*posterior, self.effects.prior)  # (M, u)
        if picked.rows is None or picked.counts is None:
            return each.sum(1) / len(self.data.whole)
        # every row carries its cluster's share: the mean over rows is KL / n without bias
        return each @ (picked.counts * self.inverse_size[picked.rows]) / len(picked.place)

    def unfairness(
        self,
        out: Answers,
        batch: Batch,
        riddle: Riddle | None,
        rates: RunningRates | None = None,
    ) -> list[Tensor]:
        """What is added to L for each side (M,): −CE of the adversary, spread or correlation."""
        plan = self.plan
        if riddle is not None:
            return list(-self.opponents.fairness(out.sides(plan.task), riddle).sum(2))
        raw = torch.cat(out.raw())  # both sides as one batch of models
        if plan.debias == "correlation":
            values, about = events(plan.task, plan.target, answer(plan.task, raw), batch.y)
            found = absolute_correlation(values, about, batch.columns, batch.weight)
        else:
            soft = sharpened(plan.task, raw, plan.sharpness, plan.cuts)
            values, about = events(plan.task, plan.target, soft, batch.y)
            found = (rates or self.rates).spread(values, about, batch.groups)
            found = found / len(plan.cuts) if len(plan.cuts) > 1 else found
        return list(found.split(plan.models))

    def end_epoch(self) -> dict[str, Tensor]:
        """Mean losses of the epoch by model; noise and learnt prior follow the posterior."""
        sums = self.sums if self.sums is not None else torch.zeros(0)
        means = dict(zip(self.names, sums / max(self.count, 1), strict=True))
        self.sums, self.count = None, 0
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
        parts: list[Adam | Rows | None] = [self.main, self.effects.rows, self.rival]
        if self.plan.cluster_adversary:
            parts.append(self.opponents.rows)
        for part in parts:
            if part is not None:
                part.rate = self.plan.learning_rate * factor
