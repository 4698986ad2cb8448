"""From arrays to trained weights: tensors, early stopping by model, the cluster predictor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fairaudit.inputs.arrays import Float, Int
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.training import shuffled, train
from fairaudit.methods.fair_medl.game import Game
from fairaudit.methods.fair_medl.inputs import Attribute, Sensitive
from fairaudit.methods.fair_medl.losses import RunningRates, outcome_loss
from fairaudit.methods.fair_medl.networks import (
    ClusterParameters,
    StackedMLP,
    adam,
    cluster_cross_entropy,
    descend,
    touched,
)
from fairaudit.methods.fair_medl.parts import Plan, RowTensors
from fairaudit.methods.fair_medl.refine_posterior import settle
from fairaudit.methods.fair_medl.weights import Layers, Weights

FEWEST = 20  # rows a group needs for its rate to be pushed


@dataclass(frozen=True)
class EncodedRows:
    """Encoded rows: X standardised (n, p), y as codes or standardised values (n,)."""

    X: Float
    y: Float
    cluster: Int
    weight: Float
    sensitive: Sensitive


@dataclass(frozen=True)
class Trained:
    """What training left, by model of the path."""

    weights: tuple[Weights, ...]
    history: tuple[Mapping[str, list[float]], ...]
    best_epoch: tuple[int, ...]


def batch_of(
    table: EncodedRows, attributes: tuple[Attribute, ...], device: torch.device
) -> RowTensors:
    """All rows as tensors on the device."""
    groups, sensitive = _group_indicators(table, attributes), table.sensitive
    weight = table.weight / table.weight.mean()
    reals = [table.y, weight, sensitive.values, groups, _correlation_columns(table, attributes)]
    count, ones = sensitive.values.shape[1], np.ones(len(table.y))
    return RowTensors(
        torch.as_tensor(np.column_stack([table.X, ones]), dtype=torch.float32, device=device),
        torch.as_tensor(np.column_stack([table.cluster, sensitive.codes]), device=device),
        torch.as_tensor(np.column_stack(reals), dtype=torch.float32, device=device),
        count,
        2 + count + groups.shape[1],
    )


def _group_indicators(table: EncodedRows, attributes: tuple[Attribute, ...]) -> Float:
    codes = table.sensitive.codes
    indicators = [
        codes[:, [j]] == np.arange(len(a.levels))[None] for j, a in enumerate(attributes)
    ]
    member = np.column_stack([*indicators, np.ones((len(codes), 1))]).astype(np.float64)
    member *= (table.weight / table.weight.mean())[:, None]
    return member[:, (member > 0).sum(0) >= min(FEWEST, len(codes))]


def _correlation_columns(table: EncodedRows, attributes: tuple[Attribute, ...]) -> Float:
    columns = [np.zeros((len(table.y), 0))]
    for j, attribute in enumerate(attributes):
        if attribute.continuous:
            columns.append(table.sensitive.values[:, [j]])
        else:
            levels = np.arange(len(attribute.levels) if len(attribute.levels) > 2 else 1)
            columns.append((table.sensitive.codes[:, [j]] == levels).astype(np.float64))
    return np.column_stack(columns)


class BestEpochs:
    """Validation objective by model, and each model's best weights so far."""

    def __init__(self, game: Game, rows: RowTensors, chance: float) -> None:
        self.game, self.rows, self.chance = game, rows, chance
        self.best = torch.full((game.plan.models,), math.inf, device=game.device)
        self.epoch = torch.zeros(game.plan.models, dtype=torch.long, device=game.device)
        self.state: dict[str, Tensor] = {}
        self.now = 0
        self.curve: list[Tensor] = []

    def __call__(self) -> dict[str, float]:
        """Score the validation rows; the loss falls whenever any model found a better state."""
        objective = self.objective()
        better = objective < self.best
        self.best = torch.where(better, objective, self.best)
        self.epoch = torch.where(better, self.now, self.epoch)
        state = self.game.effects.state_dict()
        for name, value in state.items():
            keep = better.view(-1, *[1] * (value.dim() - 1))
            old = self.state.get(name, value)
            self.state[name] = torch.where(keep, value, old).clone()
        self.curve.append(objective)
        self.now += 1
        return {"loss": float(self.best.clamp(-1e6, 1e6).sum())}

    def objective(self) -> Tensor:
        """The outcome's losses plus the weighted unfairness (adversary at best at chance)."""
        game, rows, plan = self.game, self.rows, self.game.plan
        has_effects = (rows.cluster >= 0).float()
        effects = game.effects.rows.values if plan.random_effects else None
        out = game.effects(rows.inputs, effects, rows.cluster.clamp_min(0), has_effects)
        noise = game.effects.noise
        total = _mean_loss(plan, out.fixed, rows, noise)
        if plan.random_effects:
            total = plan.lambda_fixed * total + _mean_loss(plan, out.mixed, rows, noise)
        if plan.debias is None:
            return total
        all_rows = RunningRates(window=1)
        adversary_batch = (
            game.adversaries.adversary_batch(rows) if plan.debias == "adversarial" else None
        )
        unfair = game.unfairness(out, rows, adversary_batch, all_rows)
        for side, value in zip(plan.sides, unfair, strict=True):
            total = total + game._fair_weight(side) * value.clamp_min(-self.chance)
        return total


def _mean_loss(plan: Plan, raw: Tensor, rows: RowTensors, noise: Tensor) -> Tensor:
    """Outcome loss by model; squared errors enter as their profile likelihood."""
    if plan.task != "regression":
        return outcome_loss(plan.task, raw, rows.y, noise, 0.0) @ rows.share
    squares = (raw.flatten(1) - rows.y).square() @ rows.share
    return torch.log(squares.clamp_min(1e-8)) / 2


def train_effects(
    plan: Plan,
    data: RowTensors,
    validation: RowTensors | None,
    *,
    chance: float,
    batch_size: int,
    max_epochs: int,
    patience: int | None,
    seed: int,
    device: torch.device,
    monitor: Monitor | None,
) -> Trained:
    """Play the game over epochs; every model of the path keeps its own best epoch."""
    game = Game(plan, data, seed, device)
    history: list[dict[str, Tensor]] = []
    best_epochs = BestEpochs(game, validation, chance) if validation is not None else None

    def after(epoch: int) -> None:
        history.append(game.end_epoch())
        if best_epochs is not None:
            history[-1]["validation"] = best_epochs.curve[-1]
        game.set_rate(0.05 + 0.475 * (1 + math.cos(math.pi * (epoch + 1) / max_epochs)))

    train(
        game.effects,
        game.step,
        shuffled(len(data.y), batch_size, device),
        max_epochs=max_epochs,
        seed=seed,
        validate=best_epochs,
        patience=patience if best_epochs is not None else None,
        after_epoch=after,
        monitor=monitor,
        task="fixed and random effects",
    )
    best = [max_epochs - 1] * plan.models
    if best_epochs is not None and best_epochs.state:
        game.effects.load_state_dict(best_epochs.state)
        best = best_epochs.epoch.tolist()
    curves = tuple(
        {name: [float(e[name][m]) for e in history] for name in history[0]}
        for m in range(plan.models)
    )
    trained = [_weights_of_model(game, m) for m in range(plan.models)]
    refined = settle(game, trained, batch_size=batch_size, seed=seed, monitor=monitor)
    return Trained(refined, curves, tuple(best))


def _weights_of_model(game: Game, m: int) -> Weights:
    effects, plan = game.effects, game.plan
    mean, log_sd = (t[m].detach().double().cpu() for t in effects.split(effects.rows.values))
    shape = (-1, effects.width, plan.outputs)
    return Weights(
        layers=_layers_of_model(effects.net, m),
        effect_mean=mean.reshape(shape).numpy(),
        effect_sd=log_sd.exp().reshape(shape).numpy(),
        prior_sd=effects.prior[m].double().cpu().reshape(shape[1:]).numpy(),
        noise=float(effects.noise[m]),
        slopes=plan.slopes,
        task=plan.task,
        random_effects=plan.random_effects,
    )


def _layers_of_model(net: StackedMLP, m: int) -> Layers:
    pairs = zip(net.weights, net.biases, strict=True)
    return tuple(
        (w[m].T.detach().double().cpu().numpy(), b[m, :, 0].detach().double().cpu().numpy())
        for w, b in pairs
    )


def train_predictor(
    x: Tensor,
    cluster: Tensor,
    n_clusters: int,
    *,
    learning_rate: float,
    batch_size: int,
    max_epochs: int,
    seed: int,
    device: torch.device,
    monitor: Monitor | None,
) -> tuple[Layers, Float, list[float]]:
    """The cluster predictor (8-8-4), trained apart: layers, a row (5,) a cluster, losses."""
    generator = torch.Generator().manual_seed(seed + 3)
    net = StackedMLP(1, (x.shape[1], 8, 8, 4), generator).to(device)
    start = torch.rand(1, n_clusters, 5, generator=generator) - 0.5
    head = ClusterParameters(start, learning_rate).to(device)
    weights = list(net.parameters())
    optimiser = adam(weights, learning_rate)
    sizes = torch.bincount(cluster, minlength=n_clusters).float()
    frequency = torch.log(sizes.clamp_min(1) / sizes.sum())

    def step(rows: Tensor) -> dict[str, Tensor]:
        picked, place, _ = touched(cluster[rows], n_clusters)
        state, leaf = head.pick(picked)
        trunk = torch.relu(net(x[rows].T[None])[0])
        drawn_frequency = None if picked is None else frequency[picked]
        loss = cluster_cross_entropy(trunk, leaf, place, drawn_frequency).mean()
        gradients = torch.autograd.grad(loss, [*weights, leaf])
        descend(optimiser, weights, gradients[:-1])
        head.update(picked, state, gradients[-1])
        return {"loss": loss.detach()}

    fit = train(
        net,
        step,
        shuffled(len(cluster), batch_size, device),
        max_epochs=max_epochs,
        seed=seed,
        monitor=monitor,
        task="cluster predictor",
    )
    rows = head.values[0].detach().double().cpu().numpy()
    return _layers_of_model(net, 0), rows, [means["loss"] for means in fit.history]
