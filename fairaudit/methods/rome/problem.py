"""From arrays to a mixture problem and back: scaling, starts, EM, parameters in real units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairaudit.exceptions import SpecError
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.rome.answers import Mixture
from fairaudit.methods.rome.design import Float, Scale
from fairaudit.methods.rome.isolated import isolated_rows
from fairaudit.methods.rome.mixture.em_loop import Run, RunBatch, StoppingRules, climb
from fairaudit.methods.rome.mixture.starts import starting_params
from fairaudit.methods.rome.mixture.steps import Penalty
from fairaudit.methods.rome.mixture.sums import MixtureRows

JITTER = 1e-8  # ridge for each row of weight where none was set: keeps every solve regular
FEWEST_START_ROWS = 5000  # on which starts compete, where there are more than twice as many
START_SHARE = 4  # one row in so many takes part in the competition of starts, up to `start_rows`
LOGISTIC_RIDGE = 1.0  # of logistic experts, as in scikit-learn's C = 1


@dataclass(frozen=True)
class MixtureSettings:
    """Parameters of the estimator that pose the problem."""

    noise: str | float
    noise_floor: float
    gate_intercept: bool
    gate_ridge: float
    expert_ridge: float | None
    start_rows: int
    leave_out_isolated: bool


@dataclass(frozen=True)
class MixtureProblem:
    """A mixture problem on one device, in standardised units.

    Attributes
    ----------
    rows : MixtureRows
    weight : (1, n)
    penalty : Penalty
    scale : Scale of the expert features
    y_centre, y_scale : float
    rank_expert, rank_gate : int, free coefficients of an expert and of the gate for one group
    left_out : (m,) rows whose outcome is isolated; their weight is 0
    """

    rows: MixtureRows
    weight: Tensor
    penalty: Penalty
    scale: Scale
    y_centre: float
    y_scale: float
    rank_expert: int
    rank_gate: int
    start_rows: int
    left_out: NDArray[np.int64]

    @property
    def total(self) -> float:
        """Weight of all rows."""
        return float(self.weight.sum())

    def n_parameters(self, n_groups: int) -> int:
        """Free parameters of a mixture with that many groups."""
        free = max(self.rows.n_classes - 1, 1)
        noise = {"group": n_groups, "shared": 1}.get(str(self.penalty.noise), 0)
        noise = 0 if self.rows.n_classes else noise
        return n_groups * free * self.rank_expert + noise + (n_groups - 1) * self.rank_gate

    def enough(self) -> float:
        """Rows below which a group counts as empty."""
        return float(self.rank_expert + 1)


@dataclass(frozen=True)
class Learnt:
    """The parameters that EM estimated.

    Attributes
    ----------
    mixture : Mixture, groups in the given order
    size : (G,) weight of the rows by responsibility
    loglik : float
    bounds : (n_iter,) mean penalised log-likelihood
    """

    mixture: Mixture
    size: Float
    loglik: float
    bounds: Float
    converged: bool


def prepare(
    experts: Float,
    gate: Float,
    y: NDArray[np.generic],
    weight: Float,
    n_classes: int,
    settings: MixtureSettings,
    device: torch.device,
) -> MixtureProblem:
    """Standardise and move to the device; `experts` (n, p) and `gate` (n, q) lack constants."""
    target: NDArray[Any] = np.asarray(y, dtype=np.int64 if n_classes else np.float64)
    left_out = np.zeros(0, dtype=np.int64)
    if settings.leave_out_isolated and not n_classes:
        constant = np.column_stack(
            [np.ones(len(weight)), Scale.fit(experts, weight).apply(experts)]
        )
        left_out = isolated_rows(constant, target, weight)
        weight = weight.copy()
        weight[left_out] = 0.0
    scale = Scale.fit(experts, weight)
    total = float(weight.sum())
    centre, spread = 0.0, 1.0
    if not n_classes:
        target_scale = Scale.fit(target[:, None], weight)
        centre, spread = float(target_scale.centre[0]), float(target_scale.scale[0])
        target = (target - centre) / spread
    ones = np.ones(len(weight))
    design = np.column_stack([ones, scale.apply(experts)])
    if not settings.gate_intercept and gate.shape[1]:
        ones = np.zeros(len(weight))
    gate_design = np.column_stack([ones, gate])

    def tensor(values: NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values)).to(device)

    rows = MixtureRows(tensor(design.T), tensor(gate_design.T), tensor(target), n_classes)
    expert, inner = _ridges(design, gate_design, total, settings, n_classes)
    noise = settings.noise if isinstance(settings.noise, str) else settings.noise / spread**2
    noise = 1.0 if n_classes else noise
    floor = 0.0 if n_classes else settings.noise_floor * _residual_variance(design, target, weight)
    penalty = Penalty(tensor(expert), tensor(inner), noise, max(floor, 1e-14))
    return MixtureProblem(
        rows,
        tensor(weight[None]),
        penalty,
        scale,
        centre,
        spread,
        _design_rank(design, weight),
        _design_rank(gate_design, weight),
        settings.start_rows,
        left_out,
    )


def _ridges(
    design: Float, gate_design: Float, total: float, settings: MixtureSettings, n_classes: int
) -> tuple[Float, Float]:
    """Ridge of every coefficient of an expert and of the gate; constants get the jitter only."""
    ridge = settings.expert_ridge
    if ridge is None:
        ridge = LOGISTIC_RIDGE if n_classes else 0.0
    expert = np.full(design.shape[1], max(ridge, JITTER * total))
    gate = np.full(gate_design.shape[1], max(settings.gate_ridge, JITTER) * total)
    gate[0] = expert[0] = JITTER * total
    return expert, gate


def _residual_variance(design: Float, target: NDArray[Any], weight: Float) -> float:
    """Variance that pooled least squares leaves."""
    root = np.sqrt(weight)
    omega = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
    return float(weight @ np.square(target - design @ omega) / weight.sum())


def _design_rank(design: Float, weight: Float) -> int:
    gram = design.T @ (design * weight[:, None]) / weight.sum()
    return int(np.linalg.matrix_rank(gram, tol=1e-9 * max(len(gram), 1), hermitian=True))


def enough_rows(n_groups: int, rows: int) -> None:
    """Refuse more groups than rows.

    Raises
    ------
    SpecError
        When some group could not have a row of its own.
    """
    if n_groups > rows:
        raise SpecError(
            f"n_groups={n_groups} is more than the {rows} rows to find groups in; choose fewer "
            "groups, or 'auto'"
        )


def solve(
    problem: MixtureProblem,
    sizes: Sequence[int],
    n_init: int,
    rules: StoppingRules,
    seed: int,
    monitor: Monitor | None = None,
) -> Mapping[int, Run]:
    """The best run for every group count, all counts and starts in one batch."""
    best = _solve_once(problem, sizes, n_init, rules, seed, monitor)
    with_empty_groups = [g for g in sizes if float(best[g].size.min()) < problem.enough()]
    if with_empty_groups and n_init > 1:
        again = _solve_once(problem, with_empty_groups, n_init, rules, seed + 1, monitor)
        best = {**best, **{g: max(best[g], again[g], key=_final_bound) for g in with_empty_groups}}
    return best


def _final_bound(run: Run) -> float:
    return run.bounds[-1]


def _solve_once(
    problem: MixtureProblem,
    sizes: Sequence[int],
    n_init: int,
    rules: StoppingRules,
    seed: int,
    monitor: Monitor | None,
) -> dict[int, Run]:
    rows, weight, sampled = problem.rows, problem.weight, None
    compete = min(problem.start_rows, max(FEWEST_START_ROWS, rows.n // START_SHARE))
    if rows.n > 2 * compete:
        sampled = torch.randperm(rows.n, generator=torch.Generator().manual_seed(seed))
        sampled = sampled[:compete].sort().values.to(weight.device)
        rows, weight = rows.take(sampled), weight[:, sampled]
    batches = [
        RunBatch(
            starting_params(
                rows, weight, g, 1 if g == 1 else n_init, problem.penalty, seed + 1000 * g
            ),
            weight,
            [0] * (1 if g == 1 else n_init),
        )
        for g in sizes
    ]
    runs_by_size = climb(rows, batches, problem.penalty, rules, monitor)
    if sampled is not None:
        batches = [RunBatch(runs[0].params, problem.weight, [0]) for runs in runs_by_size]
        runs_by_size = climb(problem.rows, batches, problem.penalty, rules, monitor)
    return {g: runs[0] for g, runs in zip(sizes, runs_by_size, strict=True)}


def by_size(run: Run) -> NDArray[np.int64]:
    """Groups from large to small."""
    return np.argsort(-run.size.cpu().numpy(), kind="stable").astype(np.int64)


def learnt(problem: MixtureProblem, run: Run, order: NDArray[np.int64]) -> Learnt:
    """Parameters in the units of the data, groups in the given order."""
    omega = run.params.omega[0].cpu().numpy()[order]
    noise = run.params.noise[0].cpu().numpy()[order]
    shift = 0.0
    if not problem.rows.n_classes:
        omega = omega * problem.y_scale
        omega[..., 0] += problem.y_centre
        noise = noise * problem.y_scale**2
        shift = float(np.log(problem.y_scale))
    coef, intercept = problem.scale.undo(omega)
    gate = run.params.gate[0].cpu().numpy()
    gate = np.concatenate([gate, np.zeros((1, gate.shape[1]))])[order]
    gate = gate - gate[-1]
    mixture = Mixture(
        coef,
        intercept,
        None if problem.rows.n_classes else noise,
        gate[:, 1:],
        gate[:, 0],
    )
    return Learnt(
        mixture,
        run.size.cpu().numpy()[order],
        run.loglik - problem.total * shift,
        np.array(run.bounds) / problem.total - shift,
        run.converged,
    )
