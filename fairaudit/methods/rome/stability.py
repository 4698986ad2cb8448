"""Stability of groups: refits on resampled rows, compared by the adjusted Rand index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.rome.answers import Mixture
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.mixture.em_loop import Run, RunBatch, StoppingRules, climb
from fairaudit.methods.rome.mixture.starts import starting_params
from fairaudit.methods.rome.mixture.sums import Params
from fairaudit.methods.rome.problem import MixtureProblem, learnt

MOST_ROWS = 1_500  # of a refit, and of the held-out rows on which two groupings are compared
RANDOM_STARTS = 1  # of a refit, beside the start from the full solution
REFIT = StoppingRules(tol=1e-5, max_iter=20, prune_at=(3,))


class GroupedMixture(Protocol):
    """A fitted mixture that assigns rows to groups."""

    n_groups_: int

    def responsibilities(self, X: Any, y: Any, sensitive_features: Any = None) -> Float:
        """P(group | everything, y too), (n, G)."""

    def responsibilities_of(self, mixture: Mixture, X: Any, y: Any, sensitive: Any) -> Float:
        """The same under the parameters of a refit."""


def stabilities(
    problem: MixtureProblem,
    models: Mapping[int, GroupedMixture],
    runs: Mapping[int, Run],
    evaluation: Any,
    n_bootstrap: int,
    seed: int,
    monitor: Monitor,
) -> dict[int, float | None]:
    """Mean adjusted Rand index between the estimated groups and those of bootstrap refits.

    Each refit draws its rows with replacement (from at most 1,500) and starts both from the full
    solution and afresh; whichever likelihood is larger wins. Groupings are compared on held-out
    rows by the likeliest group. One group is always stable.
    """
    if n_bootstrap < 1:
        return dict.fromkeys(models)
    rows, weight = _resampled_rows(problem, n_bootstrap, seed)
    sample = evaluation.take(np.arange(min(MOST_ROWS, len(evaluation.y))))
    sizes = [g for g in models if g > 1]
    batches = [
        _bootstrap_batch(rows, weight, problem, runs[g].params, g, n_bootstrap, seed)
        for g in sizes
    ]
    monitor.start("stability", REFIT.max_iter)
    runs_by_size = climb(rows, batches, problem.penalty, REFIT, monitor)
    monitor.end()
    scores: dict[int, float | None] = {g: 1.0 for g in models if g == 1}
    for g, refits in zip(sizes, runs_by_size, strict=True):
        original_groups = _likeliest_groups(models[g], sample)
        scores[g] = float(
            np.mean(
                [
                    adjusted_rand_score(
                        original_groups, _groups_of_refit(models[g], problem, r, sample)
                    )
                    for r in refits.values()
                ]
            )
        )
    return scores


def _resampled_rows(
    problem: MixtureProblem, n_bootstrap: int, seed: int
) -> tuple[Any, torch.Tensor]:
    """At most 1,500 rows and how often each refit draws them, (n_bootstrap, m)."""
    rng = np.random.default_rng(seed)
    n = problem.rows.n
    chosen = np.sort(rng.choice(n, min(n, MOST_ROWS), replace=False))
    draws = rng.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), n_bootstrap)
    at = torch.as_tensor(chosen, device=problem.weight.device)
    counts = torch.as_tensor(draws, dtype=torch.float64, device=problem.weight.device)
    return problem.rows.take(at), counts * problem.weight[:, at]


def _bootstrap_batch(
    rows: Any,
    weight: torch.Tensor,
    problem: MixtureProblem,
    full: Params,
    n_groups: int,
    n_bootstrap: int,
    seed: int,
) -> RunBatch:
    fresh = starting_params(
        rows,
        torch.ones_like(weight[:1]),
        n_groups,
        n_bootstrap * RANDOM_STARTS,
        problem.penalty,
        seed + 7 + n_groups,
    )
    params = Params(
        torch.cat([full.omega.repeat(n_bootstrap, 1, 1, 1), fresh.omega]),
        torch.cat([full.noise.repeat(n_bootstrap, 1), fresh.noise]),
        torch.cat([full.gate.repeat(n_bootstrap, 1, 1), fresh.gate]),
    )
    contest = list(range(n_bootstrap)) * (1 + RANDOM_STARTS)
    return RunBatch(params, weight.repeat(1 + RANDOM_STARTS, 1), contest)


def _likeliest_groups(model: GroupedMixture, sample: Any) -> NDArray[np.int64]:
    resp = model.responsibilities(sample.X, sample.y, sample.sensitive)
    return np.asarray(resp.argmax(axis=1))


def _groups_of_refit(
    model: GroupedMixture, problem: MixtureProblem, run: Run, sample: Any
) -> NDArray[np.int64]:
    mixture = learnt(problem, run, np.arange(model.n_groups_)).mixture
    return np.asarray(
        model.responsibilities_of(mixture, sample.X, sample.y, sample.sensitive).argmax(1)
    )
