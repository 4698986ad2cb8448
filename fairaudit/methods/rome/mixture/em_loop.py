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
from fairaudit.methods.rome.mixture.quasi_newton import Course, precondition, unpack
from fairaudit.methods.rome.mixture.steps import Penalty, blend, improve, objective
from fairaudit.methods.rome.mixture.sums import MixtureRows, Params, Sums, scan

PRUNE_AT = (4, 10, 18, 30)  # accepted or tried steps after which the better half goes on
SLACK = 1e-11  # relative rounding error of the bound that is no fall
SHORTEST = 2.0**-20
CURVATURE_EVERY = 10  # passes after which the curvature of logistic models is renewed
QUASI_SHARE = 0.25  # of a quasi-Newton step that fell, before EM's own step is tried


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
    course: Course  # of `base`
    quasi: Tensor  # (R,) bool, whether the quasi-Newton step is tried, or else that of EM
    share: Tensor  # (R,) part of the step that is tried
    bound: Tensor  # (R,) of `base`
    size: Tensor
    loglik: Tensor
    bounds: list[list[float]]
    gain: Tensor
    gram: Tensor  # curvature that steps are made with: of `base`, or of an iterate before it
    gate_gram: Tensor
    work: int = 0


def _begin(batch: RunBatch, penalty: Penalty) -> _Climb:
    params = batch.params
    like = params.noise
    bound = like.new_full((params.n_runs,), -torch.inf)
    share = like.new_ones(params.n_runs)
    return _Climb(
        batch,
        params,
        params,
        Course.begin(params, penalty),
        torch.zeros_like(share, dtype=torch.bool),
        share,
        bound,
        like,
        bound,
        [[] for _ in batch.contest],
        bound + torch.inf,
        like,
        like,
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
    state = [_begin(b, penalty) for b in batches]
    done: list[list[tuple[int, Run]]] = [[] for _ in batches]
    for step in range(rules.max_iter):
        live = [i for i, s in enumerate(state) if s.batch.contest]
        if not live:
            break
        sums_by_batch = scan(
            rows,
            [state[i].batch.params for i in live],
            [state[i].batch.weight for i in live],
            curved=_curved(rows, [state[i] for i in live], step),
        )
        for i, sums in zip(live, sums_by_batch, strict=True):
            _advance(state[i], sums, penalty, closed_form=not rows.n_classes)
            _settle(state[i], done[i], rules, last=step == rules.max_iter - 1)
            if step in rules.prune_at:
                _prune(state[i], done[i])
        monitor.step(1, **_best_bound(state, done))
    return [_best_by_contest(runs, s.work) for runs, s in zip(done, state, strict=True)]


def _curved(rows: MixtureRows, state: Sequence[_Climb], step: int) -> bool:
    """Whether the next pass has to collect the curvature.

    Quasi-Newton steps do well with that of a few iterates ago; EM's own steps do not, and least
    squares is made of it.
    """
    if not rows.n_classes or step % CURVATURE_EVERY == 0:
        return True
    return not all(bool(s.quasi.all()) for s in state)


def _with_curvature(s: _Climb, sums: Sums, rose: Tensor) -> Sums:
    """The sums with the curvature that steps are made with; that of a fall is no guide."""
    if sums.gram.numel():
        first = s.work == 0
        s.gram = sums.gram if first else _pick(rose, sums.gram, s.gram)
        s.gate_gram = sums.gate_gram if first else _pick(rose, sums.gate_gram, s.gate_gram)
    return replace(sums, gram=s.gram, gate_gram=s.gate_gram)


def _advance(s: _Climb, sums: Sums, penalty: Penalty, closed_form: bool) -> None:
    """Accept what rose and plan its next step; what fell tries a smaller or a simpler step."""
    tried = s.batch.params
    bound = objective(sums, tried, penalty)
    rose = bound >= s.bound - SLACK * s.bound.abs().nan_to_num(posinf=0.0)
    sums = _with_curvature(s, sums, rose)
    counts = rose & ~(s.quasi & (s.share < 1))  # a shortened step gains little anywhere
    s.gain = torch.where(counts, (bound - s.bound) / sums.size.sum(1), torch.inf)
    s.base = _accepted_params(rose, tried, s.base)
    if closed_form:
        s.target = _accepted_params(rose, improve(sums, tried, penalty), s.target)
    s.course = s.course.advanced(rose, s.work == 0, sums, tried, penalty)
    s.bound = torch.where(rose, bound, s.bound)
    s.size = torch.where(rose[:, None], sums.size, s.size)
    s.loglik = torch.where(rose, sums.loglik, s.loglik)
    s.work += tried.n_runs * tried.n_groups
    given_up = _plan(s, rose)
    if not closed_form and bool(given_up.any()):
        own_step = precondition(s.course.slope, sums, s.base, penalty)
        s.course = s.course.restarted(given_up, own_step)
    ahead = unpack(s.course.point + s.share[:, None] * s.course.way, s.base, penalty)
    if closed_form:
        ahead = _accepted_params(s.quasi, ahead, blend(s.base, s.target, s.share))
    s.batch = replace(s.batch, params=ahead)
    for run, value in enumerate(s.bound.tolist()):
        if bool(rose[run]):
            s.bounds[run].append(value)


def _plan(s: _Climb, rose: Tensor) -> Tensor:
    """Which step each run tries next and how much of it; runs that return to EM's step, (R,)."""
    uphill = s.course.uphill() > 0
    given_up = torch.where(rose, ~uphill, s.quasi & (s.share < 1))
    shorter = torch.where(s.quasi, QUASI_SHARE, s.share / 2)
    s.course = s.course.forget(given_up)
    s.share = torch.where(rose | given_up, 1.0, shorter)
    s.quasi = torch.where(rose, uphill, s.quasi & ~given_up)
    return given_up


def _accepted_params(rose: Tensor, new: Params, old: Params) -> Params:
    return Params(
        _pick(rose, new.omega, old.omega),
        _pick(rose, new.noise, old.noise),
        _pick(rose, new.gate, old.gate),
    )


def _pick(runs: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """New values for some runs, (R,) bool, old ones for the others."""
    return torch.where(runs.reshape(-1, *[1] * (new.ndim - 1)), new, old)


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
    s.course, s.quasi = s.course.take(at), s.quasi[at]
    s.gram, s.gate_gram = s.gram[at], s.gate_gram[at]
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
