"""M steps of the mixture: weighted least squares, and Newton steps of logistic models."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fairaudit.methods.rome.mixture.sums import Params, Sums, pair_places


@dataclass(frozen=True)
class Penalty:
    """What keeps every step finite, and what `lower_bounds_` therefore includes.

    Attributes
    ----------
    expert : (d,) ridge of the experts
    gate : (k,) ridge of the gate
    noise : "group", "shared" or a fixed variance
    floor : smallest variance of a group
    """

    expert: Tensor
    gate: Tensor
    noise: str | float
    floor: float


def improve(sums: Sums, params: Params, penalty: Penalty) -> Params:
    """The next parameters: experts, noise and one joint Newton step of the gate."""
    gate = newton(params.gate, sums.gate_slope, sums.gate_gram, penalty.gate)
    if sums.slope.numel():
        flat = params.omega.flatten(0, 1)
        omega = newton(flat, sums.slope.flatten(0, 1), sums.gram.flatten(0, 1), penalty.expert)
        return Params(omega.reshape(params.omega.shape), params.noise, gate)
    omega, noise = least_squares(sums.gram[:, :, 0], sums.size, penalty)
    return Params(omega[:, :, None], noise, gate)


def least_squares(gram: Tensor, size: Tensor, penalty: Penalty) -> tuple[Tensor, Tensor]:
    """Weighted least squares of every group, (R, G, d) and (R, G), from moments with y last.

    The ridge is a prior N(0, noise / ridge), so coefficients and noise are maximised jointly.
    """
    xx, xy, yy = gram[..., :-1, :-1], gram[..., :-1, -1], gram[..., -1, -1]
    omega = solved(xx + torch.diag(penalty.expert), xy)
    loss = (yy - (omega * xy).sum(-1)).clamp_min(0)  # residual sum + ridge term at the optimum
    return omega, _noise_variance(loss, size, penalty)


def _noise_variance(loss: Tensor, size: Tensor, penalty: Penalty) -> Tensor:
    if penalty.noise == "shared":
        shared = loss.sum(1, keepdim=True) / size.sum(1, keepdim=True)
        return shared.clamp_min(penalty.floor).expand_as(loss).contiguous()
    if penalty.noise == "group":
        return (loss / size.clamp_min(1e-300)).clamp(penalty.floor, 1e12)
    return torch.full_like(loss, float(penalty.noise))


def solved(matrix: Tensor, right: Tensor) -> Tensor:
    """Solutions of a batch of systems.

    A trial that overshot may hold infinite sums. It lowers the bound and is taken back, and must
    not stop the other runs of its batch: its solution is whatever LAPACK leaves.
    """
    solution: Tensor = torch.linalg.solve_ex(matrix, right, check_errors=False).result
    return solution


def newton(theta: Tensor, slope: Tensor, gram: Tensor, ridge: Tensor) -> Tensor:
    """One Newton step of ridge-penalised multinomial logistic models, (M, J, d)."""
    runs, free, d = theta.shape
    if not free:
        return theta
    matrix = curvature(gram, ridge, free)
    step = solved(matrix, (slope - ridge * theta).reshape(runs, free * d))
    moved: Tensor = theta + step.reshape(theta.shape)
    return moved


def curvature(gram: Tensor, ridge: Tensor, free: int) -> Tensor:
    """Ridge-penalised curvature (M, J d, J d) from that of each pair of logits, (M, P, d, d)."""
    runs, d = gram.shape[0], gram.shape[-1]
    if free == 1:
        return gram[:, 0] + torch.diag(ridge)
    place = pair_places(free)
    # pairs are stored once; J and d are interleaved so that one solve takes all logits together,
    # which a step for each logit by itself would not: it could lower the likelihood
    blocks = gram[:, place.to(gram.device)]  # (M, J, J, d, d)
    matrix = blocks.permute(0, 1, 3, 2, 4).reshape(runs, free * d, free * d)
    return matrix + torch.diag(ridge.repeat(free))


def objective(sums: Sums, params: Params, penalty: Penalty) -> Tensor:
    """Log-likelihood less the penalties, (R,): the quantity that never falls."""
    gate = 0.5 * (penalty.gate * params.gate.square()).sum((1, 2))
    size = (penalty.expert * params.omega.square()).sum((2, 3))  # (R, G)
    expert = 0.5 * (size / params.noise).sum(1)
    return sums.loglik - gate - expert


def blend(base: Params, target: Params, share: Tensor) -> Params:
    """Least squares of every group, and part of the way to the new gate.

    A Newton step of the gate may overshoot; least squares is the maximum and never does.
    """
    gate = torch.lerp(base.gate, target.gate, share[:, None, None].expand_as(target.gate))
    return Params(target.omega, target.noise, gate)
