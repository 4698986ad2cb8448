"""What if there were G groups: every G and every start in one batch, judged on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from fairaudit.methods._mixture import Rules
from fairaudit.methods._mixture_sums import posterior
from fairaudit.methods._monitor import Monitor
from fairaudit.methods._rome_problem import Problem, solve

HELD_OUT = 0.25


def choose_groups(
    problem: Problem,
    sizes: Sequence[int],
    n_init: int,
    rules: Rules,
    seed: int,
    monitor: Monitor,
) -> tuple[int, Mapping[int, float]]:
    """The number of groups with the largest mean log-likelihood on held-out rows."""
    generator = torch.Generator().manual_seed(seed)
    n = problem.rows.n
    order = torch.randperm(n, generator=generator).to(problem.weight.device)
    held, kept = order[: int(HELD_OUT * n)], order[int(HELD_OUT * n) :]
    part = replace(problem, rows=problem.rows.take(kept), weight=problem.weight[:, kept])
    monitor.start("trying numbers of groups", rules.max_iter)
    runs = solve(part, sizes, n_init, rules, seed, monitor)
    monitor.end()
    rows, weight = problem.rows.take(held), problem.weight[0, held]
    scores = {
        g: float(posterior(run.params, rows)[1][0] @ weight / weight.sum())
        for g, run in runs.items()
    }
    return max(scores, key=lambda g: scores[g]), scores
