"""The game Fair MEDL plays: adversaries learn first, then the effects, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from fairaudit.methods.fair_medl.losses import (
    PER_ODDS,
    RunningRates,
    absolute_correlation,
    answer,
    between_odds,
    events,
    gaussian_kl,
    outcome_loss,
    sharpened,
)
from fairaudit.methods.fair_medl.networks import adam, descend, touched
from fairaudit.methods.fair_medl.parts import (
    Adversaries,
    AdversaryBatch,
    Effects,
    ForwardPass,
    Picked,
    Plan,
    RowTensors,
)


@dataclass
class Game:
    """All parts, their optimisers and one alternating step; losses are kept by model.

    Parameters
    ----------
    data : RowTensors
        All training rows, on the device.
    seed : int
        Starts weights (effects and adversaries from separate streams) and posterior noise.
    """

    plan: Plan
    data: RowTensors
    seed: int
    device: torch.device
    effects: Effects = field(init=False)
    adversaries: Adversaries = field(init=False)
    sums: Tensor | None = None
    names: tuple[str, ...] = ()
    count: int = 0
    settling: bool = False  # the net stands still and the effects' means move alone

    def __post_init__(self) -> None:
        plan, p = self.plan, self.data.inputs.shape[1] - 1
        sizes = torch.bincount(self.data.cluster.clamp_min(0), minlength=plan.n_clusters).cpu()
        self.effects = Effects(plan, p, self.seed).to(self.device)
        self.adversaries = Adversaries(plan, p, sizes.float(), self.seed).to(self.device)
        self.inverse_size = (1 / sizes.clamp_min(1).float()).to(self.device)
        self.noise = torch.Generator(self.device).manual_seed(self.seed + 2)
        self.main_weights = list(self.effects.net.parameters())
        self.adversary_weights = self.adversaries.weights()
        self.main = adam(self.main_weights, plan.learning_rate)
        self.adversary_optimiser = (
            adam(self.adversary_weights, plan.learning_rate) if self.adversary_weights else None
        )
        self.rates = RunningRates()
        self.path = torch.tensor(plan.path, device=self.device)
        self.odds: Tensor | None = None
        if plan.between_variance:
            self.odds = between_odds(self.data.x, self.data.cluster, plan.n_clusters)

    def step(self, rows: Tensor) -> dict[str, Tensor]:
        """Adversaries first, on the answers as they are; then the effects against them."""
        batch = self.data.take(rows)
        picked = self._pick(batch)
        # one forward pass for both players: adversaries get its values, the effects its graph
        out = self.effects(batch.inputs, picked.leaf, picked.place)
        adversary_batch = (
            self.adversaries.adversary_batch(batch) if self.plan.debias == "adversarial" else None
        )
        if self.adversary_optimiser is not None:
            self.adversary_step(out, batch, picked, adversary_batch)
        losses = self.losses(out, batch, picked, adversary_batch)
        self.main_step(losses["total"].sum(), picked)
        with torch.no_grad():
            values = torch.stack(list(losses.values()))
        self.names, self.count = tuple(losses), self.count + 1
        self.sums = values if self.sums is None else self.sums + values
        return {"loss": values[0].mean()}

    def _pick(self, batch: RowTensors) -> Picked:
        clusters = touched(batch.cluster, self.plan.n_clusters)
        if not self.plan.random_effects:
            return Picked(*clusters)
        return Picked(*clusters, *self.effects.rows.pick(clusters[0]))

    def adversary_step(
        self,
        out: ForwardPass,
        batch: RowTensors,
        picked: Picked,
        adversary_batch: AdversaryBatch | None,
    ) -> None:
        """One step of each adversary on its own loss; all other parts stay fixed."""
        assert self.adversary_optimiser is not None
        losses, leaves = [], list[Tensor](self.adversary_weights)
        state = None
        if self.plan.cluster_adversary:
            state, leaf = self.adversaries.rows.pick(picked.rows)
            leaves.append(leaf)
            activations = out.observed.detach()
            losses.append(self.adversaries.cluster(activations, leaf, picked, batch.share).sum())
        if adversary_batch is not None:
            answers = out.sides(self.plan.task).detach()
            losses.append(self.adversaries.fairness(answers, adversary_batch).sum())
        # adversaries share no weights, so that the gradient of the sum is each one's own
        gradients = torch.autograd.grad(sum(losses[1:], losses[0]), leaves)
        descend(
            self.adversary_optimiser,
            self.adversary_weights,
            gradients[: len(self.adversary_weights)],
        )
        if state is not None:
            self.adversaries.rows.update(picked.rows, state, gradients[-1])

    def main_step(self, total: Tensor, picked: Picked) -> None:
        """Net and touched random effects follow the gradient; adversaries stay as they are."""
        weights = [] if self.settling else self.main_weights
        leaves = [*weights, *([] if picked.leaf is None else [picked.leaf])]
        # with respect to these alone: the adversaries' weights must not move here
        gradients = torch.autograd.grad(total, leaves)
        if weights:
            descend(self.main, weights, gradients[: len(weights)])
        if picked.state is not None:
            if self.settling:  # SDs come from the curvature, not from here
                gradients[-1][..., self.effects.rows.width // 2 :] = 0
            self.effects.rows.update(picked.rows, picked.state, gradients[-1])

    def losses(
        self,
        out: ForwardPass,
        batch: RowTensors,
        picked: Picked,
        adversary_batch: AdversaryBatch | None,
    ) -> dict[str, Tensor]:
        """Every part of L (specification §2) by model (M,), and their weighted `total`."""
        plan, losses = self.plan, {}
        outcome = self._outcome(out, batch).split(plan.models)
        losses["fixed"] = outcome[0]
        total = losses["fixed"] * (plan.lambda_fixed if plan.random_effects else 1.0)
        if out.posterior is not None:
            losses["mixed"], losses["prior"] = outcome[1], self._prior(out.posterior, picked)
            total = total + losses["mixed"] + plan.lambda_kl * losses["prior"]
        if plan.cluster_adversary:
            rows = self.adversaries.rows.values
            rows = rows if picked.rows is None else rows[:, picked.rows]
            losses["cluster"] = self.adversaries.cluster(out.observed, rows, picked, batch.share)
            total = total - plan.lambda_cluster * losses["cluster"]
        if self.odds is not None:
            losses["between"] = self._between(self.odds)
            total = total + plan.lambda_cluster * losses["between"]
        if plan.debias is not None:
            unfair = self.unfairness(out, batch, adversary_batch)
            for side, value in zip(plan.sides, unfair, strict=True):
                losses[f"fair {side}"] = value
                total = total + self._fair_weight(side) * value
        return {"total": total, **losses}

    def _between(self, odds: Tensor) -> Tensor:
        """Σ odds_j · w_j² over the first layer (M,): what only names the cluster is dear.

        The fixed part can win a feature's between-cluster outcome only by a weight, which costs
        in proportion; a random effect says the same for less. Demanding that activations do not
        differ between clusters instead would reward probes that cancel the other features.
        """
        return PER_ODDS * (self.main_weights[0].square() * odds).sum((1, 2))

    def _fair_weight(self, side: str) -> Tensor:
        plan = self.plan
        weight_of_side = plan.lambda_fair_fixed if side == "fixed" else plan.lambda_fair_mixed
        return self.path * weight_of_side

    def _outcome(self, out: ForwardPass, batch: RowTensors) -> Tensor:
        """Mean L_y of the fixed and, where effects are random, of the mixed side (sides · M,)."""
        task, noise = self.plan.task, self.effects.noise
        if not isinstance(out.variance, Tensor):
            return outcome_loss(task, out.fixed, batch.y, noise, 0.0) @ batch.share
        mixed, extra = out.mixed, torch.zeros(0)
        if task == "regression":
            extra = torch.cat([torch.zeros_like(out.variance), out.variance]).flatten(1)
            raw, noise = torch.cat([out.fixed, mixed]), noise.repeat(2)
        else:  # one posterior draw a row (local reparameterisation)
            draw = torch.empty_like(mixed).normal_(generator=self.noise)
            raw = torch.cat([out.fixed, mixed + draw * torch.sqrt(out.variance + 1e-12)])
        return outcome_loss(task, raw, batch.y, noise, extra) @ batch.share

    def _prior(self, posterior: tuple[Tensor, Tensor, Tensor], picked: Picked) -> Tensor:
        each = gaussian_kl(*posterior, self.effects.prior)  # (M, u)
        if picked.rows is None or picked.counts is None:
            return each.sum(1) / len(self.data.integers)
        # every row carries its cluster's share: the mean over rows is KL / n without bias
        return each @ (picked.counts * self.inverse_size[picked.rows]) / len(picked.place)

    def unfairness(
        self,
        out: ForwardPass,
        batch: RowTensors,
        adversary_batch: AdversaryBatch | None,
        rates: RunningRates | None = None,
    ) -> list[Tensor]:
        """Fairness term of L for each side (M,): −CE of the adversary, spread or correlation."""
        plan = self.plan
        if adversary_batch is not None:
            return list(-self.adversaries.fairness(out.sides(plan.task), adversary_batch).sum(2))
        raw = torch.cat(out.raw())  # both sides as one batch of models
        if plan.debias == "correlation":
            values, about = events(
                plan.task, plan.fairness_target, answer(plan.task, raw), batch.y
            )
            penalty = absolute_correlation(values, about, batch.columns, batch.weight)
        else:
            soft = sharpened(plan.task, raw, plan.sharpness, plan.cuts)
            values, about = events(plan.task, plan.fairness_target, soft, batch.y)
            penalty = (rates or self.rates).spread(values, about, batch.groups)
            penalty = penalty / len(plan.cuts) if len(plan.cuts) > 1 else penalty
        return list(penalty.split(plan.models))

    def end_epoch(self) -> dict[str, Tensor]:
        """Mean losses of the epoch by model; a regression's noise is updated from them."""
        sums = self.sums if self.sums is not None else torch.zeros(0)
        means = dict(zip(self.names, sums / max(self.count, 1), strict=True))
        self.sums, self.count = None, 0
        if self.plan.task == "regression":
            key = "mixed" if self.plan.random_effects else "fixed"
            self.effects.noise.mul_(2 * means[key]).clamp_(1e-4, 10)
        return means

    def set_rate(self, factor: float) -> None:
        """Scale all learning rates."""
        rate = self.plan.learning_rate * factor
        for optimiser in (self.main, self.adversary_optimiser):
            for group in optimiser.param_groups if optimiser is not None else ():
                group["lr"] = rate
        self.effects.rows.rate = rate
        if self.plan.cluster_adversary:
            self.adversaries.rows.rate = rate
