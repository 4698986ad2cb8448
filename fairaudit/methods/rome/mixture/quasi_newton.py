"""Quasi-Newton steps on the observed likelihood, preconditioned by EM.

EM alone needs hundreds of steps where groups overlap. Its sums also hold the gradient of the
observed likelihood (Fisher's identity) and the curvature of the complete data; L-BFGS learns from
the accepted steps how much of that curvature the unknown membership removes. Method QN2 of
Jamshidian and Jennrich, Journal of the Royal Statistical Society B 59 (1997), pages 569 to 587.

Shapes: R runs, m remembered steps, P free numbers of a run: experts, logarithms of the variances
that are estimated, gate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fairaudit.methods.rome.mixture.steps import Penalty, curvature, solved
from fairaudit.methods.rome.mixture.sums import Params, Sums

MEMORY = 10
LEAST_COSINE = 1e-10  # between a step and its change of slope; a smaller one is not learnt from
TINY_SIZE = 1e-12
LARGEST_LOG = 300.0  # of a variance in a trial; its exponential must stay finite


@dataclass(frozen=True)
class Course:
    """Where each run stands, and where the next step leads.

    Attributes
    ----------
    point : (R, P) accepted parameters
    slope : (R, P) gradient of the penalised log-likelihood there
    way : (R, P) the whole quasi-Newton step from there
    steps : (R, m, P) last accepted changes of the parameters; 0 where a step is not learnt from
    falls : (R, m, P) minus the changes of the slope
    """

    point: Tensor
    slope: Tensor
    way: Tensor
    steps: Tensor
    falls: Tensor

    @classmethod
    def begin(cls, params: Params, penalty: Penalty) -> Course:
        """No step taken yet."""
        zero = torch.zeros_like(pack(params, penalty))
        none = zero[:, None, :][:, :0]
        return cls(zero, zero, zero, none, none)

    def take(self, runs: Tensor) -> Course:
        """Some runs, by position."""
        return Course(*(value[runs] for value in vars(self).values()))

    def forget(self, runs: Tensor) -> Course:
        """Without the remembered steps of some runs, (R,) bool."""
        steps, falls = (
            torch.where(runs[:, None, None], 0.0, kept) for kept in (self.steps, self.falls)
        )
        return replace(self, steps=steps, falls=falls)

    def restarted(self, runs: Tensor, way: Tensor) -> Course:
        """With another way (R, P) for some runs, (R,) bool."""
        return replace(self, way=torch.where(runs[:, None], way, self.way))

    def advanced(
        self, rose: Tensor, first: bool, sums: Sums, params: Params, penalty: Penalty
    ) -> Course:
        """The course after a trial: runs that rose, (R,) bool, stand at the tried parameters."""
        point, slope = pack(params, penalty), gradient(sums, params, penalty)
        steps, falls = self.steps, self.falls
        if not first:
            steps, falls = self._remembered(rose, point, slope)
        way = direction(slope, steps, falls, lambda v: precondition(v, sums, params, penalty))
        at = rose[:, None]
        return Course(
            torch.where(at, point, self.point),
            torch.where(at, slope, self.slope),
            torch.where(at, way, self.way),
            steps,
            falls,
        )

    def _remembered(self, rose: Tensor, point: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """Remembered steps with the newest last; runs that did not rise keep theirs."""
        step, fall = point - self.point, self.slope - slope
        cosine = (step * fall).sum(1) / (step.norm(dim=1) * fall.norm(dim=1))
        learnt = (cosine > LEAST_COSINE)[:, None]  # NaN is not larger
        step, fall = torch.where(learnt, step, 0.0), torch.where(learnt, fall, 0.0)
        rows = []
        for old, new in ((self.steps, step), (self.falls, fall)):
            blank = torch.zeros_like(new)[:, None]
            moved = torch.cat([old, new[:, None]], 1)
            kept = torch.cat([blank, old], 1)
            rows.append(torch.where(rose[:, None, None], moved, kept)[:, -MEMORY:])
        return rows[0], rows[1]

    def uphill(self) -> Tensor:
        """Expected gain of the whole step, (R,); not above 0 where there is none to try."""
        learnt = (self.falls != 0).flatten(1).any(1)
        gain = 0.5 * (self.way * self.slope).sum(1)
        return torch.where(learnt, gain.nan_to_num(nan=0.0), 0.0)


def pack(params: Params, penalty: Penalty) -> Tensor:
    """The free numbers of every run, (R, P)."""
    logs = params.noise.log()[:, : _variances(params, penalty)]
    return torch.cat([params.omega.flatten(1), logs, params.gate.flatten(1)], 1)


def unpack(points: Tensor, like: Params, penalty: Penalty) -> Params:
    """Parameters from free numbers (R, P)."""
    sizes = [like.omega[0].numel(), _variances(like, penalty), like.gate[0].numel()]
    omega, logs, gate = points.split(sizes, dim=1)
    noise = like.noise
    if sizes[1]:
        logs = logs.clamp(-LARGEST_LOG, LARGEST_LOG)
        noise = logs.exp().clamp_min(penalty.floor).expand_as(noise).contiguous()
    return Params(omega.reshape(like.omega.shape), noise, gate.reshape(like.gate.shape))


def _variances(params: Params, penalty: Penalty) -> int:
    """How many variances are estimated."""
    return {"group": params.n_groups, "shared": 1}.get(str(penalty.noise), 0)


def gradient(sums: Sums, params: Params, penalty: Penalty) -> Tensor:
    """Gradient of the penalised observed log-likelihood, (R, P), from the sums at `params`."""
    gate = sums.gate_slope - penalty.gate * params.gate
    if sums.slope.numel():
        experts = sums.slope - penalty.expert * params.omega
        return torch.cat([experts.flatten(1), gate.flatten(1)], 1)
    xy, yy = sums.gram[:, :, 0, :-1, -1], sums.gram[:, :, 0, -1, -1]
    omega, noise = params.omega[:, :, 0], params.noise
    fitted = (_ridged(sums, penalty) @ omega[..., None])[..., 0]
    loss = yy - (omega * (2 * xy - fitted)).sum(-1)
    experts = (xy - fitted) / noise[..., None]
    logs = _by_variance(0.5 * (loss / noise - sums.size), params, penalty)
    at_floor = params.noise[:, : logs.shape[1]] <= penalty.floor
    # a variance at its floor can only grow
    logs = torch.where(at_floor, logs.clamp_min(0.0), logs)
    return torch.cat([experts.flatten(1), logs, gate.flatten(1)], 1)


def precondition(vector: Tensor, sums: Sums, params: Params, penalty: Penalty) -> Tensor:
    """Inverse curvature of the complete data times a vector, (R, P) to (R, P)."""
    runs, groups, free, d = params.omega.shape
    sizes = [params.omega[0].numel(), _variances(params, penalty), params.gate[0].numel()]
    experts, logs, gate = vector.split(sizes, dim=1)
    if sums.slope.numel():
        matrix = curvature(sums.gram.flatten(0, 1), penalty.expert, free)
    else:
        matrix = (_ridged(sums, penalty) / params.noise[..., None, None]).flatten(0, 1)
    experts = solved(matrix, experts.reshape(runs * groups, free * d)).reshape(runs, -1)
    half = _by_variance(0.5 * sums.size, params, penalty)
    logs = logs / half.clamp_min(TINY_SIZE)
    if groups > 1:
        gate = solved(curvature(sums.gate_gram, penalty.gate, groups - 1), gate)
    return torch.cat([experts, logs, gate], 1)


def _ridged(sums: Sums, penalty: Penalty) -> Tensor:
    """Weighted products of features with the ridge, (R, G, d, d)."""
    return sums.gram[:, :, 0, :-1, :-1] + torch.diag(penalty.expert)


def _by_variance(values: Tensor, params: Params, penalty: Penalty) -> Tensor:
    """Values of groups (R, G) added up for each estimated variance."""
    count = _variances(params, penalty)
    return values.sum(1, keepdim=True)[:, :count] if count < params.n_groups else values


def direction(
    slope: Tensor, steps: Tensor, falls: Tensor, precondition: Callable[[Tensor], Tensor]
) -> Tensor:
    """L-BFGS direction (R, P) of the ascent along `slope`.

    The compact form of Byrd, Nocedal and Schnabel (1994): a few products for all remembered steps.
    """
    if not steps.shape[1]:
        return precondition(slope)
    products = steps @ falls.mT  # (R, m, m)
    inner = products.diagonal(dim1=1, dim2=2)
    # a step that is not learnt from has zeros everywhere; 1 keeps the triangle regular
    upper = products.triu() + torch.diag_embed((inner == 0).to(inner))
    first = torch.linalg.solve_triangular(upper, steps @ slope[..., None], upper=True)
    first = first * (inner != 0)[..., None]
    way = precondition(slope - (falls.mT @ first)[..., 0])
    rest = inner[..., None] * first - falls @ way[..., None]
    second = torch.linalg.solve_triangular(upper.mT, rest, upper=False)
    whole: Tensor = way + (steps.mT @ second)[..., 0]
    return whole
