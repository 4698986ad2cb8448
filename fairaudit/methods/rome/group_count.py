"""How many groups the rows support: the smallest number that held-out rows find good enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.mixture.em_loop import StoppingRules
from fairaudit.methods.rome.mixture.sums import posterior
from fairaudit.methods.rome.problem import MixtureProblem, solve

HELD_OUT = 0.25
PLAUSIBLE = 2.0  # standard errors of the paired difference within which numbers look alike


def simplest_good(means: Mapping[int, float], errors: Mapping[int, float]) -> int:
    """The smallest number of groups within one standard error of the best held-out likelihood.

    A mixture with a misspecified gate always gains a little from one more group; the rule of
    Breiman et al. (1984, section 3.4.3) takes the simplest model that is not clearly worse.
    """
    best = max(means, key=lambda g: means[g])
    return min(g for g in means if means[g] >= means[best] - errors[best])


@dataclass(frozen=True)
class CountChoice:
    """Which numbers of groups held-out rows can tell apart.

    Attributes
    ----------
    means, errors : mean log-likelihood of a row by number of groups, and its standard error
    steps : paired z of each number against the next smaller one that was fitted
    plausible : numbers that the rows cannot distinguish from the best, and the chosen one
    chosen : the smallest within one standard error of the best
    """

    means: Mapping[int, float]
    errors: Mapping[int, float]
    steps: Mapping[int, float]
    plausible: tuple[int, ...]
    chosen: int


def compare_counts(
    likelihoods: Mapping[int, Float], weight: Float, cluster: NDArray[Any] | None = None
) -> CountChoice:
    """Compare numbers of groups on the log-likelihoods (n,) of the same held-out rows.

    Differences are paired by row (or cluster). A number is plausible when the best one is not
    more than `PLAUSIBLE` standard errors ahead of it.
    """
    pairs = {g: mean_and_error(v, weight, cluster) for g, v in likelihoods.items()}
    means = {g: mean for g, (mean, _) in pairs.items()}
    errors = {g: error for g, (_, error) in pairs.items()}
    best, chosen = max(means, key=lambda g: means[g]), simplest_good(means, errors)

    def ahead(first: int, second: int) -> float:
        return _paired_z(likelihoods[first] - likelihoods[second], weight, cluster)

    near = {g for g in means if ahead(best, g) <= PLAUSIBLE}
    steps = {after: ahead(after, now) for now, after in pairwise(sorted(means))}
    return CountChoice(means, errors, steps, tuple(sorted({*near, chosen})), chosen)


def _paired_z(differences: Float, weight: Float, cluster: NDArray[Any] | None) -> float:
    mean, error = mean_and_error(differences, weight, cluster)
    if error > 0:
        return mean / error
    return 0.0 if mean == 0 else float(np.copysign(np.inf, mean))


def choose_groups(
    problem: MixtureProblem,
    sizes: Sequence[int],
    n_init: int,
    rules: StoppingRules,
    seed: int,
    monitor: Monitor,
) -> CountChoice:
    """The number of groups by likelihood on a quarter of the rows."""
    device = problem.weight.device
    heldout_rows, fitted_rows = (
        torch.as_tensor(p, device=device) for p in split_rows(problem.rows.n, seed)
    )
    fitted = replace(
        problem, rows=problem.rows.take(fitted_rows), weight=problem.weight[:, fitted_rows]
    )
    monitor.start("trying numbers of groups", rules.max_iter)
    runs = solve(fitted, sizes, n_init, rules, seed, monitor)
    monitor.end()
    rows, weight = problem.rows.take(heldout_rows), problem.weight[0, heldout_rows].cpu().numpy()
    each = {g: posterior(run.params, rows)[1][0].cpu().numpy() for g, run in runs.items()}
    return compare_counts(each, weight)


def split_rows(
    n: int, seed: int, cluster: NDArray[Any] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Held-out and kept row numbers; clusters are never divided."""
    if cluster is not None:
        _, unit = np.unique(cluster, return_inverse=True)
        units = np.random.default_rng(seed).permutation(unit.max(initial=0) + 1)
        inside = np.isin(unit, units[: max(1, int(HELD_OUT * len(units)))])
        return np.flatnonzero(inside), np.flatnonzero(~inside)
    order = np.random.default_rng(seed).permutation(n)
    count = max(1, int(HELD_OUT * n))
    return np.sort(order[:count]), np.sort(order[count:])


def mean_and_error(
    values: Float, weight: Float, cluster: NDArray[Any] | None = None
) -> tuple[float, float]:
    """Weighted mean and its standard error, over whole clusters where there are any."""
    share = weight / weight.sum()
    mean = float(share @ values)
    off = cluster_totals(share * (values - mean), cluster)
    return mean, float(np.sqrt(np.square(off).sum()))


def cluster_totals(values: Float, cluster: NDArray[Any] | None) -> Float:
    """Sums (M, …) of (n, …) values over clusters; the values where there are none."""
    if cluster is None:
        return values
    _, unit = np.unique(cluster, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    first = np.searchsorted(unit[order], np.arange(unit.max(initial=-1) + 1))
    return np.asarray(np.add.reduceat(values[order], first, axis=0))
