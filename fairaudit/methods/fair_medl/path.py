"""The accuracy–fairness curve of a path of penalties, and the choice within a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Float, Int
from fairaudit.methods.fair_medl.intervals import alone, draws, families, spread_interval
from fairaudit.methods.fair_medl.metrics import decide, mean_spread, performance, youden_threshold


@dataclass(frozen=True)
class ScoringRows:
    """Rows on which a path is judged: codes or values (n,), group codes (n, A), clusters (n,)."""

    y: NDArray[np.generic]
    groups: Int
    task: str
    target: str
    cluster: Int | None = None

    def score(self, answer: Float, threshold: float) -> dict[str, float]:
        """Performance, and unfairness at 0.5 and at the given (training Youden) threshold."""
        scores = {self.quality: performance(self.task, self.y, answer)}
        cuts = self._cuts(threshold)
        return scores | {name: self._spread(answer, cut) for name, cut in cuts.items()}

    def intervals(
        self, answer: Float, threshold: float, *, count: int, confidence: float, seed: int
    ) -> dict[str, tuple[float, float]]:
        """Intervals of `score` from `count` draws of rows, or of clusters."""
        n = len(self.y)
        ranges = {self.quality: self._range_of_quality(answer, count, confidence, seed)}
        for name, cut in self._cuts(threshold).items():
            label = decide(self.task, answer, cut)
            rates = families(self.y, label, self.groups, task=self.task, target=self.target)
            ranges[name] = spread_interval(
                rates, n, self.cluster, count=count, confidence=confidence, seed=seed
            )
        return ranges

    @property
    def quality(self) -> str:
        """The name of the measure of performance."""
        return "mse" if self.task == "regression" else "auroc"

    def _cuts(self, threshold: float) -> dict[str, float]:
        cuts = {"spread": 0.5}
        return {**cuts, "spread at Youden": threshold} if self.task == "binary" else cuts

    def _range_of_quality(
        self, answer: Float, count: int, confidence: float, seed: int
    ) -> tuple[float, float]:
        if alone(self.cluster):
            return float("nan"), float("nan")
        samples = draws(len(self.y), self.cluster, count, seed)
        again = [performance(self.task, self.y[rows], answer[rows]) for rows in samples]
        if np.isnan(again).all():
            return float("nan"), float("nan")
        low, high = np.nanquantile(again, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)

    def _spread(self, answer: Float, threshold: float) -> float:
        return mean_spread(
            self.y,
            answer,
            self.groups,
            task=self.task,
            target=self.target,
            threshold=threshold,
        )


def threshold_of(task: str, y: NDArray[np.generic], answer: Float) -> float:
    """Youden's threshold of the training rows (binary), 0.5 otherwise."""
    return youden_threshold(y, answer) if task == "binary" else 0.5


def choose(scores: Sequence[Mapping[str, float]], budget: float) -> int:
    """The fairest model whose performance is within the budget of the first (λ = 0).

    AUROC may fall by `budget`; a mean squared error may rise by that share. Unfairness is the
    mean of the spreads at both thresholds; ties go to the smaller λ.
    """
    unfair = np.array([unfairness(s) for s in scores])
    allowed = [_within_budget(s, scores[0], budget) for s in scores]
    fit = np.array(allowed) & ~np.isnan(unfair)
    ranked = np.where(fit, unfair, np.inf)
    return int(np.argmin(ranked)) if np.isfinite(ranked).any() else 0


def unfairness(score: Mapping[str, float]) -> float:
    """Mean of the spreads at all thresholds."""
    return float(np.mean([v for k, v in score.items() if k.startswith("spread")]))


def _within_budget(score: Mapping[str, float], free: Mapping[str, float], budget: float) -> bool:
    if "mse" in score:
        return score["mse"] <= free["mse"] * (1 + budget)
    return bool(score["auroc"] >= free["auroc"] - budget)
