"""One pass over the rows of a mixture: responsibilities and every sum an M step needs.

Rows lie along the last axis, so that each sum over rows is a matrix product. Many runs (starts,
group counts, bootstrap replicates) share one pass: the products of feature pairs are formed once
for a chunk of rows and weighed for all runs and groups by a single matrix product.

Shapes: n rows, d expert features, k gate features, R runs, G groups, J free logits
(1 for regression, classes - 1 for classification), P = J (J + 1) / 2 pairs of logits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

CHUNK_VALUES = 1_000_000  # float64 values of one chunk: fits the caches of a CPU core
CHUNK_VALUES_GPU = 60_000_000
TINY_LIKELIHOOD = 1e-300
PACKED_LIMIT = 96  # above this many features pair products cost more memory than they save


@dataclass(frozen=True)
class MixtureRows:
    """Rows on one device.

    Attributes
    ----------
    expert : (d, n), first feature the constant
    gate : (k, n)
    y : (n,) float64 values, or int64 class codes
    n_classes : int, 0 for regression
    """

    expert: Tensor
    gate: Tensor
    y: Tensor
    n_classes: int

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.expert.shape[1])

    def take(self, rows: Tensor) -> MixtureRows:
        """Some rows, by position."""
        return MixtureRows(self.expert[:, rows], self.gate[:, rows], self.y[rows], self.n_classes)


@dataclass(frozen=True)
class Params:
    """Parameters of R mixtures with G groups each.

    Attributes
    ----------
    omega : (R, G, J, d) coefficients of the experts
    noise : (R, G) variances; ones for classification
    gate : (R, G - 1, k) coefficients of the gate, the last group pinned at 0
    """

    omega: Tensor
    noise: Tensor
    gate: Tensor

    @property
    def n_groups(self) -> int:
        """G."""
        return int(self.omega.shape[1])

    @property
    def n_runs(self) -> int:
        """R."""
        return int(self.omega.shape[0])

    def take(self, runs: Tensor) -> Params:
        """Some runs, by position."""
        return Params(self.omega[runs], self.noise[runs], self.gate[runs])


@dataclass(frozen=True)
class Sums:
    """Sums that one pass over the rows collects for the M step.

    Attributes
    ----------
    loglik : (R,) observed-data log-likelihood, every normalising term included
    size : (R, G) weight of the rows by responsibility
    gram : (R, G, P, D, D) weighted products of expert features (regression: with y as the last
        feature; classification: curvature of each pair of logits)
    slope : (R, G, J, d) gradient of the experts' logits; empty for regression
    gate_slope : (R, G - 1, k)
    gate_gram : (R, pairs, k, k) curvature of the gate
    """

    loglik: Tensor
    size: Tensor
    gram: Tensor
    slope: Tensor
    gate_slope: Tensor
    gate_gram: Tensor


def pairs(count: int) -> Tensor:
    """Index (2, count (count + 1) / 2) of all unordered pairs, row by row."""
    return torch.triu_indices(count, count)


@lru_cache(maxsize=64)
def pair_places(count: int) -> Tensor:
    """Where `pairs` stores each of two, (count, count)."""
    place = torch.empty(count, count, dtype=torch.long)
    first, second = pairs(count)
    place[first, second] = place[second, first] = torch.arange(len(first))
    return place


def pair_products(design: Tensor, out: Tensor) -> Tensor:
    """Products of all pairs of features, (d (d + 1) / 2, b), written into `out`."""
    d, at = design.shape[0], 0
    # a loop over d rows beats one gather of d²/2 rows: it writes in place and copies nothing
    for i in range(d):
        torch.mul(design[i], design[i:], out=out[at : at + d - i])
        at += d - i
    return out


def unpack(packed: Tensor, d: int) -> Tensor:
    """Symmetric matrices (..., d, d) from packed pairs (..., d (d + 1) / 2) or flat (..., d d)."""
    if packed.shape[-1] == d * d:
        return packed.reshape(*packed.shape[:-1], d, d)
    return packed[..., pair_places(d).to(packed.device)]


class _Products:
    """Weighted Gram matrices of one chunk, the pair products formed once for all weights."""

    def __init__(self, d: int, size: int, like: Tensor, curved: bool) -> None:
        self.d = d
        self.curved = curved
        self.packed = d <= PACKED_LIMIT
        self.width = d * (d + 1) // 2 if self.packed else d * d
        self._buffer = like.new_empty(self.width if self.packed else 0, size)
        self._design = like

    def load(self, design: Tensor) -> None:
        """Take the chunk (d, b)."""
        self._design = design
        if self.packed and self.curved:
            self._buffer = self._buffer[:, : design.shape[1]]
            pair_products(design, self._buffer)

    def weighed(self, weights: Tensor) -> Tensor:
        """Weighted sums of products (M, width) for weights (M, b)."""
        # the products of a chunk serve every group of every run: one matrix product for all
        if self.packed:
            return weights @ self._buffer.T
        grams = (weights[:, None, :] * self._design) @ self._design.T
        return grams.reshape(len(weights), self.width)


def _logits(params: Params, chunk: MixtureRows) -> Tensor:
    """What the experts answer, (R, G, J, b)."""
    runs, groups, free, d = params.omega.shape
    return (params.omega.reshape(-1, d) @ chunk.expert).reshape(runs, groups, free, chunk.n)


def normal_log_density(params: Params, chunk: MixtureRows) -> Tensor:
    """Log p(y | x, group) of numbers, (R, G, b)."""
    noise = params.noise[..., None]
    error = (chunk.y - _logits(params, chunk)[:, :, 0]).square_()
    return error.div_(-2 * noise).sub_(0.5 * torch.log(2 * math.pi * noise))


def class_likelihood(params: Params, chunk: MixtureRows) -> tuple[Tensor, Tensor]:
    """P(y | x, group) as (R, G, b), and the probabilities of all classes but the first."""
    logits = _logits(params, chunk)
    if chunk.n_classes == 2:
        # one sigmoid gives both: of the class that happened, so that small ones keep precision
        first = chunk.y == 0
        hit = torch.sigmoid(torch.where(first, -logits[:, :, 0], logits[:, :, 0]))
        return hit, torch.where(first, 1 - hit, hit)[:, :, None]
    # the first class has logit 0: C - 1 free logits leave nothing undetermined
    zero = torch.zeros_like(logits[:, :, :1])
    prob = torch.softmax(torch.cat([zero, logits], dim=2), dim=2)
    at = chunk.y.expand(*logits.shape[:2], 1, -1)
    return prob.gather(2, at)[:, :, 0], prob[:, :, 1:]


def log_membership(params: Params, gate: Tensor) -> Tensor:
    """Log P(group | s) as (R, G, b), before y is seen."""
    runs, free, k = params.gate.shape
    logits = (params.gate.reshape(-1, k) @ gate).reshape(runs, free, gate.shape[-1])
    # the last group has logit 0, so that the gate is determined up to the order of groups
    zero = logits.new_zeros(runs, 1, logits.shape[-1])
    return torch.log_softmax(torch.cat([logits, zero], dim=1), dim=1)


@dataclass(frozen=True)
class _Expectation:
    """What one E step knows of a chunk.

    Attributes
    ----------
    resp : (R, G, b) responsibilities
    total : (R, b) log-likelihood of each row
    member : (R, G, b) P(group | s)
    prob : (R, G, J, b) class probabilities; empty for regression
    """

    resp: Tensor
    total: Tensor
    member: Tensor
    prob: Tensor


def _expect(params: Params, chunk: MixtureRows) -> _Expectation:
    logs = log_membership(params, chunk.gate)
    member = logs.exp()
    if chunk.n_classes:
        # no logarithms: a class that some expert believes in has a likelihood that is no underflow
        hit, prob = class_likelihood(params, chunk)
        joint = hit * member
        likelihood = joint.sum(1).clamp_min_(TINY_LIKELIHOOD)
        return _Expectation(joint.div_(likelihood[:, None]), likelihood.log(), member, prob)
    # in logarithms: densities of far rows underflow in every group at once
    joint = logs.add_(normal_log_density(params, chunk))
    top = joint.amax(dim=1)
    joint = joint.sub_(top[:, None]).exp_()
    total = joint.sum(1)
    return _Expectation(
        joint.div_(total[:, None]), top.add_(total.log()), member, member.new_zeros(0)
    )


def posterior(params: Params, rows: MixtureRows) -> tuple[Tensor, Tensor]:
    """Responsibilities (R, G, b) and the log-likelihood of each row (R, b)."""
    step = _expect(params, rows)
    return step.resp, step.total


def chunks(rows: MixtureRows, size: int) -> Iterator[tuple[slice, MixtureRows]]:
    """Consecutive chunks of rows."""
    for begin in range(0, rows.n, size):
        window = slice(begin, begin + size)
        yield (
            window,
            MixtureRows(
                rows.expert[:, window], rows.gate[:, window], rows.y[window], rows.n_classes
            ),
        )


def chunk_size(rows: MixtureRows, experts: int) -> int:
    """Rows of a chunk so that its temporaries stay small."""
    d = rows.expert.shape[0] + 1
    k = rows.gate.shape[0]
    free = max(rows.n_classes - 1, 1)
    wide = d * (d + 1) // 2 if d <= PACKED_LIMIT else d * experts * free**2
    each = wide + k * (k + 1) // 2 + 6 * experts * free**2
    values = CHUNK_VALUES if rows.y.device.type == "cpu" else CHUNK_VALUES_GPU
    return max(64, min(rows.n, values // each))


def scan(
    rows: MixtureRows,
    runs: Sequence[Params],
    weights: Sequence[Tensor],
    partitions: Sequence[Tensor] | None = None,
    curved: bool = True,
) -> list[Sums]:
    """E step and the sums of the M step for several sets of runs in one pass.

    Parameters
    ----------
    runs : sequence of Params
        One entry per group count.
    weights : sequence of (1, n) or (R, n)
        Row weights, shared or of each run (bootstrap multiplicities).
    partitions : sequence of (R, G, n), optional
        Responsibilities to use in place of the posterior (starts).
    curved : bool
        False for classes: without the curvature (`gram`, `gate_gram`), half of the work.
    """
    experts = sum(p.n_runs * p.n_groups for p in runs)
    size = chunk_size(rows, experts)
    d = rows.expert.shape[0]
    expert = _Products(d if rows.n_classes else d + 1, size, rows.expert, curved)
    gate = _Products(rows.gate.shape[0], size, rows.gate, curved)
    totals: list[list[Tensor]] = [[] for _ in runs]
    for window, chunk in chunks(rows, size):
        design = chunk.expert
        if not rows.n_classes:
            # y as one more feature: its products give X'X, X'y and y'y in a single matrix
            design = torch.cat([design, chunk.y[None]])
        expert.load(design)
        gate.load(chunk.gate)
        for i, params in enumerate(runs):
            partition = None if partitions is None else partitions[i][..., window]
            chunk_sums = _chunk_sums(params, chunk, weights[i][:, window], expert, gate, partition)
            if totals[i]:
                for total, new in zip(totals[i], chunk_sums, strict=True):
                    total += new
            else:
                totals[i] = chunk_sums
    return [
        _assembled(total, params, expert, gate) for total, params in zip(totals, runs, strict=True)
    ]


def _chunk_sums(
    params: Params,
    chunk: MixtureRows,
    weight: Tensor,
    expert: _Products,
    gate: _Products,
    partition: Tensor | None,
) -> list[Tensor]:
    step = _expect(params, chunk)
    resp = step.resp if partition is None else partition
    resp = resp * weight[:, None]  # (R, G, b), weighted from here on
    free = params.n_groups - 1  # the last group's logit is 0 and has no slope
    gate_slope, gate_gram = _logit_sums(
        resp[:, :free], step.member[:, :free], weight.expand(params.n_runs, -1), chunk.gate, gate
    )
    flat = resp.flatten(0, 1)
    if chunk.n_classes:
        slope, gram = _class_sums(flat, step.prob.flatten(0, 1), chunk, expert)
    else:
        slope, gram = flat.new_zeros(0), expert.weighed(flat)
    loglik = (step.total * weight).sum(1)
    return [loglik, resp.sum(2), gram, slope, gate_slope, gate_gram]


def _class_sums(
    resp: Tensor, prob: Tensor, chunk: MixtureRows, expert: _Products
) -> tuple[Tensor, Tensor]:
    codes = torch.arange(1, chunk.n_classes, device=chunk.y.device)
    hit = (chunk.y[None] == codes[:, None]).to(resp.dtype)  # (J, b)
    return _logit_sums(resp[:, None] * hit, prob, resp, chunk.expert, expert)


def _logit_sums(
    target: Tensor, prob: Tensor, weight: Tensor, design: Tensor, products: _Products
) -> tuple[Tensor, Tensor]:
    """Gradient (M, J, d) and curvature by pair (M, P, width) of a multinomial logistic model.

    `target` (M, J, b) is weighted already, `prob` (M, J, b) and `weight` (M, b) are not. The
    curvature is empty where it is not wanted.
    """
    runs, free, size = prob.shape
    slope = (target - prob * weight[:, None]) @ design.T
    if not products.curved:
        return slope, slope.new_zeros(0)
    first, second = pairs(free)
    same = (first == second).to(prob)[:, None]
    # Hessian of a softmax: p_j (1[j = k] - p_k); symmetric, so each pair (j, k) is formed once
    curve = prob[:, first] * (same - prob[:, second]) * weight[:, None]
    packed = products.weighed(curve.reshape(-1, size))
    return slope, packed.reshape(runs, len(first), products.width)


def _assembled(totals: list[Tensor], params: Params, expert: _Products, gate: _Products) -> Sums:
    loglik, size, gram, slope, gate_slope, gate_gram = totals
    runs, groups, free, d = params.omega.shape
    slope = slope.reshape(runs, groups, free, d) if slope.numel() else slope
    if not expert.curved:
        return Sums(loglik, size, gram, slope, gate_slope, gate_gram)
    full = unpack(gram, expert.d).reshape(runs, groups, -1, expert.d, expert.d)
    return Sums(loglik, size, full, slope, gate_slope, unpack(gate_gram, gate.d))
