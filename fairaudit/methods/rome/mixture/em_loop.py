"""Expectation-maximisation of many mixtures at once: starts, group counts and replicates.

Nothing here knows about fairness: rows, starting parameters and row weights go in, the best run
of each contest comes out. Starts of one contest compete: after a few steps the better half goes
on, so that ten starts cost little more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.rome.mixture.steps import Penalty, blend, improve, objective
from fairaudit.methods.rome.mixture.sums import MixtureRows, Params, Sums, scan

PRUNE_AT = (4, 10, 18, 30)  # accepted or tried steps after which the better half goes on
SLACK = 1e-11  # relative rounding error of the bound that is no fall
SHORTEST = 2.0**-20


@dataclass(frozen=True)
class StoppingRules:
    """When EM stops.

    Attributes
    ----------
    tol : float
        Smallest gain of the bound for each row, relative to its size.
    max_iter : int
    prune_at : tuple of int
        Iterations after which the worse half of each contest is dropped.
    """

    tol: float = 1e-6
    max_iter: int = 300
    prune_at: tuple[int, ...] = PRUNE_AT


@dataclass(frozen=True)
class Run:
    """One run of EM.

    Attributes
    ----------
    params : Params with R = 1
    bounds : list of float
        Penalised log-likelihood of every accepted iterate; never falls.
    converged : bool
    size : (G,) weight of the rows by responsibility
    loglik : float
    work : int
        Expert steps of all runs of the batch: what the number of groups cost.
    """

    params: Params
    bounds: list[float]
    converged: bool
    size: Tensor
    loglik: float
    work: int = 0


@dataclass(frozen=True)
class RunBatch:
    """Runs with the same number of groups.

    Attributes
    ----------
    params : Params
    weight : (1, n) shared or (R, n) row weights
    contest : list of int, length R
        Runs with equal numbers compete with each other.
    """

    params: Params
    weight: Tensor
    contest: list[int]

    def take(self, runs: Sequence[int]) -> RunBatch:
        """Some runs, by position."""
        at = torch.as_tensor(list(runs), dtype=torch.long, device=self.weight.device)
        weight = self.weight[at] if len(self.weight) > 1 else self.weight
        return RunBatch(self.params.take(at), weight, [self.contest[i] for i in runs])


@dataclass
class _Climb:
    """Runs of one batch between two passes: the accepted iterate, and the one being tried."""

    batch: RunBatch  # its params are being tried
    base: Params
    target: Params
    share: Tensor  # (R,) part of the step to `target` that is tried
    bound: Tensor  # (R,) of `base`
    size: Tensor
    loglik: Tensor
    bounds: list[list[float]]
    gain: Tensor
    work: int = 0


def _begin(batch: RunBatch) -> _Climb:
    params = batch.params
    like = params.noise
    bound = like.new_full((params.n_runs,), -torch.inf)
    share = like.new_ones(params.n_runs)
    return _Climb(
        batch,
        params,
        params,
        share,
        bound,
        like,
        bound,
        [[] for _ in batch.contest],
        bound + torch.inf,
    )


def climb(
    rows: MixtureRows,
    batches: Sequence[RunBatch],
    penalty: Penalty,
    rules: StoppingRules,
    monitor: Monitor | None = None,
) -> list[dict[int, Run]]:
    """Run EM on all batches together; the best run of every contest, one mapping a batch."""
    monitor = monitor or Silent()
    state = [_begin(b) for b in batches]
    done: list[list[tuple[int, Run]]] = [[] for _ in batches]
    for step in range(rules.max_iter):
        live = [i for i, s in enumerate(state) if s.batch.contest]
        if not live:
            break
        sums_by_batch = scan(
            rows,
            [state[i].batch.params for i in live],
            [state[i].batch.weight for i in live],
        )
        for i, sums in zip(live, sums_by_batch, strict=True):
            _advance(state[i], sums, penalty, closed_form=not rows.n_classes)
            _settle(state[i], done[i], rules, last=step == rules.max_iter - 1)
            if step in rules.prune_at:
                _prune(state[i], done[i])
        monitor.step(1, **_best_bound(state, done))
    return [_best_by_contest(runs, s.work) for runs, s in zip(done, state, strict=True)]


def _advance(s: _Climb, sums: Sums, penalty: Penalty, closed_form: bool) -> None:
    """Accept what rose and plan its next step; what fell tries half of its step again."""
    tried = s.batch.params
    bound = objective(sums, tried, penalty)
    rose = bound >= s.bound - SLACK * s.bound.abs().nan_to_num(posinf=0.0)
    ahead = improve(sums, tried, penalty)
    s.gain = torch.where(rose, (bound - s.bound) / sums.size.sum(1), torch.inf)
    s.base = _accepted_params(rose, tried, s.base)
    s.target = _accepted_params(rose, ahead, s.target)
    s.share = torch.where(rose, 1.0, s.share / 2)
    s.bound = torch.where(rose, bound, s.bound)
    s.size = torch.where(rose[:, None], sums.size, s.size)
    s.loglik = torch.where(rose, sums.loglik, s.loglik)
    s.work += tried.n_runs * tried.n_groups
    s.batch = replace(s.batch, params=blend(s.base, s.target, s.share, closed_form))
    for run, value in enumerate(s.bound.tolist()):
        if bool(rose[run]):
            s.bounds[run].append(value)


def _accepted_params(rose: Tensor, new: Params, old: Params) -> Params:
    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(rose.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return Params(pick(new.omega, old.omega), pick(new.noise, old.noise), pick(new.gate, old.gate))


def _settle(s: _Climb, done: list[tuple[int, Run]], rules: StoppingRules, last: bool) -> None:
    """Move runs that have arrived (or run out of steps) to `done`."""
    each = (s.bound / s.size.sum(1)).abs().clamp_min(1.0)
    arrived = (s.gain < rules.tol * each) | (s.share < SHORTEST)
    leaving = torch.ones_like(arrived) if last else arrived
    if not bool(leaving.any()):
        return
    for run in torch.nonzero(leaving).flatten().tolist():
        done.append((s.batch.contest[run], _run(s, run, bool(arrived[run]))))
    _keep(s, torch.nonzero(~leaving).flatten().tolist())


def _run(s: _Climb, run: int, converged: bool) -> Run:
    at = torch.tensor([run], device=s.bound.device)
    return Run(s.base.take(at), s.bounds[run], converged, s.size[run], float(s.loglik[run]))


def _keep(s: _Climb, runs: list[int]) -> None:
    at = torch.as_tensor(runs, dtype=torch.long, device=s.bound.device)
    s.batch = s.batch.take(runs)
    s.base, s.target = s.base.take(at), s.target.take(at)
    s.share, s.bound, s.size = s.share[at], s.bound[at], s.size[at]
    s.loglik, s.gain = s.loglik[at], s.gain[at]
    s.bounds = [s.bounds[i] for i in runs]


def _prune(s: _Climb, done: list[tuple[int, Run]]) -> None:
    """Keep the better half of each contest among the runs still climbing."""
    bounds = s.bound.tolist()
    keep: list[int] = []
    for contest in dict.fromkeys(s.batch.contest):
        rivals = [i for i, c in enumerate(s.batch.contest) if c == contest]
        ended = sum(c == contest for c, _ in done)
        room = max(1, -(-(len(rivals) + ended) // 2) - ended)
        keep += sorted(rivals, key=lambda i: -bounds[i])[:room]
    if len(keep) < len(bounds):
        _keep(s, sorted(keep))


def _best_bound(
    state: Sequence[_Climb], done: Sequence[list[tuple[int, Run]]]
) -> dict[str, float]:
    bounds = [float(s.bound.max() / s.size[0].sum()) for s in state if s.batch.contest]
    bounds += [run.bounds[-1] / float(run.size.sum()) for runs in done for _, run in runs]
    return {"lower_bound": max(bounds)} if bounds else {}


def _best_by_contest(runs: list[tuple[int, Run]], work: int) -> dict[int, Run]:
    best: dict[int, Run] = {}
    for contest, run in runs:
        if contest not in best or run.bounds[-1] > best[contest].bounds[-1]:
            best[contest] = replace(run, work=work)
    return best
