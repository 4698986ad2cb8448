"""Where EM starts: partitions that depend on the values of the rows, never on their order.

Random centres and random waves are drawn in feature space, so a row that occurs twice and a row
of weight two give the same start.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fairaudit.methods.rome.mixture.steps import Penalty, improve, least_squares, newton
from fairaudit.methods.rome.mixture.sums import MixtureRows, Params, scan

LLOYD_STEPS = 8
SMOOTHING = 0.1  # share of every start spread evenly, so that no group starts empty


def starting_params(
    rows: MixtureRows, weight: Tensor, n_groups: int, n_runs: int, penalty: Penalty, seed: int
) -> Params:
    """Parameters of `n_runs` starts: k-means on [s, pooled residual], and random waves."""
    generator = torch.Generator().manual_seed(seed)
    blank = blank_params(rows, n_groups, n_runs)
    if n_groups == 1:
        partition = rows.y.new_ones((n_runs, 1, rows.n), dtype=blank.noise.dtype)
    else:
        space = _space(rows, weight, penalty)
        lloyd = (n_runs + 1) // 2
        starts = [_centres(space, weight, n_groups, lloyd, generator)]
        if n_runs > lloyd:
            starts.append(_waves(rows, space, n_groups, n_runs - lloyd, generator))
        partition = torch.cat(starts)
        partition = (1 - SMOOTHING) * partition + SMOOTHING / n_groups
    return _from_partition(rows, weight, partition, blank, penalty)


def blank_params(rows: MixtureRows, n_groups: int, n_runs: int) -> Params:
    """Uninformative parameters: all coefficients 0."""
    like, free = rows.expert, max(rows.n_classes - 1, 1)
    return Params(
        like.new_zeros(n_runs, n_groups, free, like.shape[0]),
        like.new_ones(n_runs, n_groups),
        like.new_zeros(n_runs, n_groups - 1, rows.gate.shape[0]),
    )


def _from_partition(
    rows: MixtureRows, weight: Tensor, partition: Tensor, blank: Params, penalty: Penalty
) -> Params:
    """One M step from responsibilities; the gate starts at the group sizes."""
    sums = scan(rows, [blank], [weight], [partition])[0]
    params = improve(sums, blank, penalty)
    gate = torch.zeros_like(blank.gate)
    if blank.n_groups > 1:
        logs = torch.log(sums.size.clamp_min(1e-12))
        gate[:, :, 0] = logs[:, :-1] - logs[:, -1:]
    return Params(params.omega, params.noise, gate)


def _space(rows: MixtureRows, weight: Tensor, penalty: Penalty) -> Tensor:
    """Gate features and pooled residuals, centred and scaled, (m, n)."""
    coordinates = torch.cat([rows.gate[1:], _pooled_residual(rows, weight, penalty)])
    share = weight[0] / weight[0].sum()
    coordinates = coordinates - (coordinates * share).sum(1, keepdim=True)
    spread = (coordinates.square() * share).sum(1, keepdim=True).sqrt()
    return coordinates / torch.where(spread > 1e-12, spread, 1.0)


def _pooled_residual(rows: MixtureRows, weight: Tensor, penalty: Penalty) -> Tensor:
    blank = blank_params(rows, 1, 1)
    ones = blank.noise.new_ones(1, 1, rows.n)
    sums = scan(rows, [blank], [weight], [ones])[0]
    if not rows.n_classes:
        omega, _ = least_squares(sums.gram[:, :, 0], sums.size, penalty)
        return rows.y[None] - omega[0] @ rows.expert
    omega = newton(blank.omega[0], sums.slope[0], sums.gram[0], penalty.expert)[0]
    codes = torch.arange(1, rows.n_classes, device=rows.y.device)[:, None]
    hit = (rows.y[None] == codes).to(rows.expert.dtype)
    return hit - torch.softmax(omega @ rows.expert, dim=0)


def _normal(generator: torch.Generator, like: Tensor, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=like.dtype).to(like.device)


def _centres(
    space: Tensor, weight: Tensor, n_groups: int, runs: int, generator: torch.Generator
) -> Tensor:
    """K-means of every run at once, hard assignments (R, G, n)."""
    centres = _normal(generator, space, runs, n_groups, len(space))
    for _ in range(LLOYD_STEPS):
        hard = _nearest(space, centres)
        mass = hard * weight[:1, None]
        total = mass.sum(2, keepdim=True)
        means = (mass @ space.T) / total.clamp_min(1e-12)
        centres = torch.where(total > 0, means, centres)
    return _nearest(space, centres)


def _nearest(space: Tensor, centres: Tensor) -> Tensor:
    score = centres @ space - 0.5 * centres.square().sum(2, keepdim=True)
    return _largest(score)


def _largest(score: Tensor) -> Tensor:
    """1 for the largest group of each row, (R, G, n); equal ones share it."""
    # twenty times as fast as argmax along an axis that is not the last
    best = (score == score.amax(1, keepdim=True)).to(score)
    return best.div_(best.sum(1, keepdim=True))


def _waves(
    rows: MixtureRows, space: Tensor, n_groups: int, runs: int, generator: torch.Generator
) -> Tensor:
    """Random partitions: the largest of G random waves over features, s and residual."""
    features = torch.cat([rows.expert, space])
    waves = _normal(generator, space, runs, n_groups, len(features)) @ features
    return _largest(torch.sin(2 * waves))
