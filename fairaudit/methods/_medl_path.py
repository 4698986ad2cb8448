"""The accuracy–fairness curve of a path of penalties, and the choice within a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.methods._inputs import Float, Int
from fairaudit.methods.medl_metrics import (
    bootstrap,
    mean_spread,
    performance,
    youden_threshold,
)

SCHEMA = pl.Schema(
    {
        "lam": pl.Float64,
        "split": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "chosen": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Judged:
    """Rows on which a path is judged: codes or values (n,), group codes (n, A)."""

    y: NDArray[np.generic]
    groups: Int
    task: str
    target: str

    def score(self, answer: Float, threshold: float) -> dict[str, float]:
        """Performance, and unfairness at 0.5 and at the given (training Youden) threshold."""
        name = "mse" if self.task == "regression" else "auroc"
        found = {name: performance(self.task, self.y, answer)}
        found["spread"] = self._spread(answer, 0.5)
        if self.task == "binary":
            found["spread at Youden"] = self._spread(answer, threshold)
        return found

    def _spread(self, answer: Float, threshold: float) -> float:
        return mean_spread(
            self.y,
            answer,
            self.groups,
            task=self.task,
            target=self.target,
            threshold=threshold,
        )

    def take(self, rows: Int) -> Judged:
        """Some of the rows."""
        return Judged(self.y[rows], self.groups[rows], self.task, self.target)


def threshold_of(task: str, y: NDArray[np.generic], answer: Float) -> float:
    """Youden's threshold of the training rows (binary), 0.5 otherwise."""
    return youden_threshold(y, answer) if task == "binary" else 0.5


def choose(scores: Sequence[Mapping[str, float]], budget: float) -> int:
    """The fairest model whose performance is within the budget of the first (λ = 0).

    AUROC may fall by `budget`; a mean squared error may rise by that share. Unfairness is the
    mean of the spreads at both thresholds; ties go to the smaller λ.
    """
    unfair = np.array([_unfairness(s) for s in scores])
    allowed = [_within(s, scores[0], budget) for s in scores]
    fit = np.array(allowed) & ~np.isnan(unfair)
    ranked = np.where(fit, unfair, np.inf)
    return int(np.argmin(ranked)) if np.isfinite(ranked).any() else 0


def _unfairness(score: Mapping[str, float]) -> float:
    return float(np.mean([v for k, v in score.items() if k.startswith("spread")]))


def _within(score: Mapping[str, float], free: Mapping[str, float], budget: float) -> bool:
    if "mse" in score:
        return score["mse"] <= free["mse"] * (1 + budget)
    return bool(score["auroc"] >= free["auroc"] - budget)


def path_table(
    lams: Sequence[float],
    answers: Sequence[Float],
    thresholds: Sequence[float],
    judged: Judged,
    *,
    split: str,
    chosen: int,
    draws: int = 100,
    seed: int = 0,
) -> pl.DataFrame:
    """Every model of the path with bootstrap intervals: lam, split, metric, value, low, high."""
    rows: list[tuple[float, str, str, float, float, float, bool]] = []
    for i, (lam, answer, cut) in enumerate(zip(lams, answers, thresholds, strict=True)):

        def statistic(drawn: Int, answer: Float = answer, cut: float = cut) -> dict[str, float]:
            return judged.take(drawn).score(answer[drawn], cut)

        reach = bootstrap(statistic, len(judged.y), draws=draws, seed=seed)
        for metric, value in judged.score(answer, cut).items():
            rows.append((float(lam), split, metric, value, *reach[metric], i == chosen))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
