"""Converges random effects to their posterior after training, under the fairness losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from fairaudit.inputs.arrays import Float, Int
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.training import shuffled, train
from fairaudit.methods.fair_medl.game import Game
from fairaudit.methods.fair_medl.losses import RunningRates
from fairaudit.methods.fair_medl.posterior import Sites, settled, with_sd
from fairaudit.methods.fair_medl.weights import Weights

BATCH = 1024  # rows a step at least: the net stands still, so that only noise is to be feared
EPOCHS, STEPS = 5, 100  # passes, and steps, at least
RATE = 0.02  # of Adam on the effects, at the start; falls along a cosine


def settle(
    game: Game, trained: Sequence[Weights], *, batch_size: int, seed: int, monitor: Monitor | None
) -> tuple[Weights, ...]:
    """Every model of the path with settled random effects; the fixed part stays as it is.

    Early stopping ends before the posterior has settled. Closed steps bring means, SDs and the
    prior there; where the mixed prediction is debiased its means then move on under the whole
    loss, fairness term included, and the SDs follow the curvature at these means.
    """
    plan, rows = game.plan, _training_arrays(game)
    if not plan.random_effects:
        return tuple(trained)
    scale, strength = plan.prior_scale, plan.lambda_kl
    refined = [settled(w, *rows, prior_scale=scale, strength=strength) for w in trained]
    pulled = [m for m, factor in enumerate(plan.path) if factor * plan.lambda_fair_mixed > 0]
    if plan.debias is None or not pulled:
        return tuple(refined)
    _load_into_game(game, refined)
    _keep_fair(game, max(batch_size, BATCH), seed, monitor)
    means = game.effects.split(game.effects.rows.values)[0].double().cpu().numpy()
    for m in pulled:
        moved = replace(refined[m], effect_mean=means[m].reshape(refined[m].effect_mean.shape))
        refined[m] = with_sd(moved, Sites.of(moved, *rows), strength)
    return tuple(refined)


def _training_arrays(game: Game) -> tuple[Float, Float, Int, Float]:
    """X, y, cluster codes and weights of the training rows."""
    data = game.data
    tensors = (data.x, data.y, data.cluster, data.weight)
    X, y, codes, weight = (t.cpu().numpy() for t in tensors)
    return X.astype(float), y.astype(float), codes, weight.astype(float)


@torch.no_grad()
def _load_into_game(game: Game, refined: Sequence[Weights]) -> None:
    """Settled effects, their prior and the noise become the state of the game."""
    effects = game.effects
    state = effects.rows.state.zero_()
    for m, w in enumerate(refined):
        mean, sd, prior = (
            torch.as_tensor(a.reshape(-1, state.shape[2] // 6), dtype=state.dtype)
            for a in (w.effect_mean, w.effect_sd, w.prior_sd)
        )
        state[m, :, : effects.rows.width] = torch.cat([mean, sd.log()], 1).to(state.device)
        effects.prior[m] = prior[0].to(state.device)
        effects.noise[m] = w.noise
    effects.rows.steps = 0


def _keep_fair(game: Game, batch_size: int, seed: int, monitor: Monitor | None) -> None:
    """Passes that train only the effects' means, under the whole loss."""
    n = len(game.data.integers)
    epochs = max(EPOCHS, math.ceil(STEPS * batch_size / max(n, batch_size)))
    game.set_rate(1.0)
    game.settling, game.rates, game.effects.rows.rate = True, RunningRates(), RATE

    def after(epoch: int) -> None:
        game.sums = None
        share = 0.05 + 0.475 * (1 + math.cos(math.pi * (epoch + 1) / epochs))
        game.effects.rows.rate = RATE * share

    train(
        game.effects,
        game.step,
        shuffled(n, batch_size, game.device),
        max_epochs=epochs,
        seed=seed,
        after_epoch=after,
        monitor=monitor,
        task="settling the random effects",
    )
