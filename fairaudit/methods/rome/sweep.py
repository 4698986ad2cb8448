"""What if there were G groups: every G and every start in one batch, scored on held-out rows.

The fits of all G share each pass over the rows; bootstrap refits for stability are a second
batch. Nothing is refitted afterwards, so a screen can change G at once.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import SpecError
from fairaudit.inputs.features import read_features
from fairaudit.inputs.read import read_column, read_columns, read_numbers
from fairaudit.inputs.rows import same_rows
from fairaudit.methods.common.design import checked_y
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.rome.design import whole
from fairaudit.methods.rome.group_count import split_rows
from fairaudit.methods.rome.judgement import Judged, RawRows, SweepJudgement, judge_sweep
from fairaudit.methods.rome.maximin import Training
from fairaudit.methods.rome.mixture.em_loop import Run, StoppingRules
from fairaudit.methods.rome.problem import MixtureProblem, enough_rows, solve
from fairaudit.methods.rome.stability import GroupedMixture, stabilities
from fairaudit.methods.rome.tables import chosen_count, lineage_table, sweep_table
from fairaudit.methods.tables import Frame

M = TypeVar("M", bound="SweptMixture")


class SweptMixture(Judged, GroupedMixture, Protocol):
    """A mixture that a sweep can pose, solve for every number of groups, and score."""

    n_init: int
    max_iter: int
    log_likelihood_: float
    bic_: float
    icl_: float

    @property
    def rules(self) -> StoppingRules:
        """When EM stops."""

    def seed(self) -> int:
        """A seed drawn from its random state."""

    def begin(
        self, X: Any, y: Any, sensitive: Any, sample_weight: Any
    ) -> tuple[MixtureProblem, Training]:
        """Check the rows and pose the problem."""

    def finished(
        self,
        problem: MixtureProblem,
        runs: Mapping[int, Run],
        count: int,
        rows: Training,
        seed: int,
    ) -> Self:
        """The fitted mixture with `count` groups."""


@dataclass(frozen=True)
class Sweep(Generic[M]):
    """The models and tables of a sweep.

    Attributes
    ----------
    table : polars.DataFrame
        One row per number of groups (schema `TABLE`).
    lineage : polars.DataFrame
        Rows that move from each group of G to each group of the next G (schema `LINEAGE`).
    models : mapping of G to the fitted mixture
    judged : SweepJudgement
        What held-out rows say of each number of groups.
    """

    table: Frame
    lineage: Frame
    models: Mapping[int, M]
    judged: SweepJudgement

    @property
    def chosen(self) -> int:
        """The number of groups by held-out likelihood (one-standard-error rule)."""
        return chosen_count(self.table)


def sweep_groups(
    model: M,
    X: Any,
    y: Any,
    *,
    sensitive_features: Any = None,
    sample_weight: Any = None,
    clusters: Any = None,
    confidence: float,
    n_groups: Iterable[int] = range(1, 9),
    n_bootstrap: int = 20,
    held_out: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    monitor: Monitor | None = None,
) -> Sweep[M]:
    """Fit all numbers of groups at once, score each on held-out rows, follow groups across them.

    Parameters
    ----------
    model : RomeEM, or another `SweptMixture`
        Unfitted; its parameters apply to every fit (`cross_fitting` is off to save time).
    clusters : (n,) or None
        Rows of one cluster are not independent: errors and intervals on held-out rows then
        come from whole clusters.
    confidence : float
        Of the intervals of worst group and overall.
    n_groups : iterable of int
    n_bootstrap : int
        Refits on resampled rows behind `stability`; 0 leaves it empty.
    held_out : pair of row numbers, optional
        Rows that choose the number of groups, and rows that measure worst group and overall;
        all others are fitted on. Without it a random quarter serves both ends.

    Raises
    ------
    SpecError
        When `n_groups` is empty or holds a number below 1.
    """
    sizes = sorted({whole("n_groups", g) for g in n_groups})
    if not sizes:
        raise SpecError("n_groups: name at least one number of groups, from 1 up")
    monitor = monitor or Silent()
    sample = _checked_rows(X, y, sensitive_features, sample_weight, clusters)
    seed = model.seed()
    if held_out is None:
        quarter, _ = split_rows(len(sample.y), seed, sample.cluster)
        held_out = (quarter, quarter)
    fitted_rows = np.setdiff1d(np.arange(len(sample.y)), np.concatenate(held_out))
    began = time.perf_counter()
    problem, training = model.begin(*_as_arguments(sample.take(fitted_rows)))
    enough_rows(sizes[-1], problem.rows.n)
    monitor.start("all numbers of groups", model.max_iter)
    runs = solve(problem, sorted({1, *sizes}), model.n_init, model.rules, seed, monitor)
    monitor.end()
    seconds = _seconds_by_size(time.perf_counter() - began, runs, sizes)
    models = {g: model.finished(problem, runs, g, training, seed) for g in sizes}
    evaluation = sample.take(held_out[1])
    stable = stabilities(problem, models, runs, evaluation, n_bootstrap, seed, monitor)
    pooled = model.finished(problem, runs, 1, training, seed)
    null = _common_model(model, sample, seed)
    judged = judge_sweep(models, pooled, null, sample, held_out, confidence, seed)
    table = _table_of_sizes(models, judged, stable, seconds)
    return Sweep(table, lineage(models, sample.take(fitted_rows)), models, judged)


def _common_model(model: M, sample: RawRows, seed: int) -> M:
    """One model of all rows, held-out rows too."""
    unfitted = copy.copy(model)
    problem, training = unfitted.begin(*_as_arguments(sample))
    runs = solve(problem, [1], 1, model.rules, seed)
    return unfitted.finished(problem, runs, 1, training, seed)


def _checked_rows(X: Any, y: Any, sensitive: Any, weight: Any, clusters: Any) -> RawRows:
    same_rows(X=X, y=y, sensitive_features=sensitive, sample_weight=weight, clusters=clusters)
    design = read_features(X)
    n = len(design)
    outcome = checked_y(y, n)
    sensitive_columns = (
        None if sensitive is None else read_columns(sensitive, "sensitive_features", n)
    )
    weights = np.ones(n) if weight is None else read_numbers(weight, "sample_weight", n)
    unit = None if clusters is None else read_column(clusters, "clusters", n).levels[1]
    return RawRows(design, outcome, sensitive_columns, weights, unit)


def _as_arguments(sample: RawRows) -> tuple[Any, Any, Any, Any]:
    return sample.X, sample.y, sample.sensitive, sample.weight


def _seconds_by_size(
    seconds: float, runs: Mapping[int, Run], sizes: Sequence[int]
) -> dict[int, float]:
    """Each number's share of the batch's time, by the experts it moved through the rows."""
    work = {g: runs[g].work for g in sizes}
    return {g: seconds * work[g] / max(sum(work.values()), 1) for g in sizes}


def _table_of_sizes(
    models: Mapping[int, SweptMixture],
    judged: SweepJudgement,
    stable: Mapping[int, float | None],
    seconds: Mapping[int, float],
) -> Frame:
    rows = [
        {
            "n_groups": g,
            "log_likelihood": m.log_likelihood_,
            "bic": m.bic_,
            "icl": m.icl_,
            "stability": stable[g],
            "seconds": seconds[g],
            **judged.of_count(g),
        }
        for g, m in models.items()
    ]
    return sweep_table(rows)


def lineage(models: Mapping[int, SweptMixture], sample: RawRows) -> Frame:
    """Rows shared by each group of G and each group of the next G, by responsibility."""
    resp = {g: m.responsibilities(sample.X, sample.y, sample.sensitive) for g, m in models.items()}
    sizes = sorted(models)
    rows = [
        {
            "n_groups": now,
            "source": f"group {a + 1}",
            "target": f"group {b + 1}",
            "rows": float(shared[a, b]),
        }
        for now, after in pairwise(sizes)
        for shared in [(resp[now] * sample.weight[:, None]).T @ resp[after]]
        for a in range(now)
        for b in range(after)
    ]
    return lineage_table(rows)
