"""Numbers of groups judged on held-out rows: choice, worst group, evidence of groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.columns import Columns
from fairaudit.inputs.features import take_rows
from fairaudit.methods.rome.combine import TINY
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.evidence import (
    MOST_ROWS,
    JudgedRows,
    NullDraws,
    adjusted_p,
    gain_draws,
    group_draws,
)
from fairaudit.methods.rome.group_count import CountChoice, cluster_totals, compare_counts
from fairaudit.methods.rome.scoring import Scoring
from fairaudit.stats.gaps import from_errors, highest

REPLICATES = 400  # bootstrap draws behind the intervals of losses


@dataclass(frozen=True)
class RawRows:
    """Rows as users give them, with the names of their columns."""

    X: Any
    y: NDArray[Any]
    sensitive: Columns | None
    weight: Float
    cluster: NDArray[Any] | None = None

    def take(self, rows: NDArray[np.int64]) -> RawRows:
        """Some rows."""
        sensitive = None if self.sensitive is None else self.sensitive.take(rows)
        unit = None if self.cluster is None else self.cluster[rows]
        return RawRows(take_rows(self.X, rows), self.y[rows], sensitive, self.weight[rows], unit)


class Judged(Protocol):
    """A fitted mixture that can be scored on held-out rows."""

    def scoring(self, X: Any, sensitive_features: Any = None) -> Scoring:
        """The model's predictions for rows before y is seen."""

    def codes(self, y: Any, n: int) -> NDArray[Any]:
        """Values, or class codes, of n rows."""


@dataclass(frozen=True)
class HeldOut:
    """Some held-out rows and the predictions of every model for them before y is seen.

    Attributes
    ----------
    models : scoring by number of groups
    pooled : scoring of the one common model
    null : scoring of the common model fitted on all rows, these too
        Outcomes are drawn from it: one fitted on training rows alone is off by an error of its
        own, which the draws would take for evidence.
    y : (n,) values or class codes
    weight : (n,)
    cluster : (n,) or None
    """

    models: Mapping[int, Scoring]
    pooled: Scoring
    null: Scoring
    y: NDArray[Any]
    weight: Float
    cluster: NDArray[Any] | None

    @classmethod
    def of(
        cls, models: Mapping[int, Judged], pooled: Judged, null: Judged, sample: RawRows
    ) -> HeldOut:
        """Score the rows with all models."""
        scored = {g: m.scoring(sample.X, sample.sensitive) for g, m in models.items()}
        common = scored[1] if 1 in scored else pooled.scoring(sample.X, sample.sensitive)
        codes = pooled.codes(sample.y, len(sample.y))
        drawn = null.scoring(sample.X, sample.sensitive)
        return cls(scored, common, drawn, codes, sample.weight, sample.cluster)

    def take(self, rows: NDArray[np.int64]) -> HeldOut:
        """Some of the rows."""
        models = {g: scoring.take(rows) for g, scoring in self.models.items()}
        unit = None if self.cluster is None else self.cluster[rows]
        common, null = self.pooled.take(rows), self.null.take(rows)
        return HeldOut(models, common, null, self.y[rows], self.weight[rows], unit)

    def drawn(self, seed: int) -> JudgedRows:
        """The rows with draws of their outcomes under the one common model."""
        return JudgedRows.draw(self.null, self.y, self.weight, self.cluster, seed)


@dataclass(frozen=True)
class SweepJudgement:
    """The judgement of each number of groups on held-out rows.

    Attributes
    ----------
    choice : CountChoice, which numbers the rows can distinguish
    losses : worst group and overall, with intervals, by number of groups
    gains, groups : NullDraws
        Gain in likelihood of each number of groups, and relative loss of each group, as observed
        and where one common model holds.
    choosing, evaluation : HeldOut
        The rows that chose the number, and those that measured worst group and overall.
    confidence : float
    """

    choice: CountChoice
    losses: Mapping[int, Mapping[str, float]]
    gains: NullDraws
    groups: NullDraws
    choosing: HeldOut
    evaluation: HeldOut
    confidence: float

    def of_count(self, count: int) -> dict[str, Any]:
        """The columns of the sweep's table about one number of groups."""
        choice, losses = self.choice, self.losses[count]
        return {
            "heldout": choice.means[count],
            "heldout_se": choice.errors[count],
            "z_step": choice.steps.get(count),
            "plausible": count in choice.plausible,
            "chosen": count == choice.chosen,
            **losses,
            **null_columns(self.gains, self.groups, count, losses["overall"], self.confidence),
        }


def null_columns(
    gains: NullDraws, groups: NullDraws, count: int, overall: float, confidence: float
) -> dict[str, float | None]:
    """What one common model would show for that number of groups, beside what was observed.

    Returns
    -------
    dict
        gain and p (of any gain, adjusted for all numbers of groups); worst_null, which the loss
        of the worst group exceeds with probability 1 − confidence where there are no groups;
        worst_p (adjusted for all groups of all numbers, and never below the smallest p).
    """
    columns: dict[str, float | None] = dict.fromkeys(("gain", "p", "worst_null", "worst_p"))
    own = [i for i, (g, _) in enumerate(gains.labels) if g == count]
    parts = [i for i, (g, _) in enumerate(groups.labels) if g == count]
    if not own or not parts:
        return columns
    columns["gain"] = float(gains.observed[own[0]])
    if not len(gains.drawn) or not len(groups.drawn):
        return columns
    p = adjusted_p(gains)
    limit = float(np.quantile(groups.drawn[:, parts].max(axis=1), confidence))
    worst = parts[int(groups.observed[parts].argmax())]
    worst_p = max(float(adjusted_p(groups)[worst]), float(p.min()))
    return {**columns, "p": float(p[own[0]]), "worst_null": overall * limit, "worst_p": worst_p}


def judge_sweep(
    models: Mapping[int, Judged],
    pooled: Judged,
    null: Judged,
    sample: RawRows,
    held_out: tuple[NDArray[np.int64], NDArray[np.int64]],
    confidence: float,
    seed: int,
) -> SweepJudgement:
    """Compare numbers of groups on held-out rows, and look for evidence of any groups.

    Parameters
    ----------
    models : fitted mixtures by number of groups
    pooled : the one common model, fitted on the same rows
    null : the one common model, fitted on all rows
    sample : all rows
    held_out : rows that choose the number of groups, and rows that measure worst group and overall
    """
    rows = np.unique(np.concatenate(held_out))
    every = HeldOut.of(models, pooled, null, sample.take(rows))
    choosing, evaluation = (every.take(np.searchsorted(rows, part)) for part in held_out)
    choice = compare_counts(
        {g: s.log_likelihood(choosing.y) for g, s in choosing.models.items()},
        choosing.weight,
        choosing.cluster,
    )
    losses = {
        g: _group_losses(s, evaluation, confidence, seed) for g, s in evaluation.models.items()
    }
    fresh = _unseen(sample.cluster, rows)
    both = every.take(_some(np.flatnonzero(fresh), seed))
    inside = fresh[np.searchsorted(rows, held_out[1])]
    judging = evaluation.take(_some(np.flatnonzero(inside), seed))
    gains = gain_draws(both.models, both.pooled, both.drawn(seed))
    groups = group_draws(judging.models, judging.drawn(seed))
    return SweepJudgement(choice, losses, gains, groups, choosing, evaluation, confidence)


def gain_p(
    model: Judged, pooled: Judged, null: Judged, sample: RawRows, seed: int
) -> float | None:
    """Whether a mixture predicts held-out rows better than one common model: p.

    None where there are too few clusters to test.
    """
    rows = sample.take(_some(np.arange(len(sample.y)), seed))
    # 2 stands for any number above 1: it is compared with 1
    scored = HeldOut.of({2: model}, pooled, null, rows)
    gains = gain_draws(scored.models, scored.pooled, scored.drawn(seed))
    return float(adjusted_p(gains)[0]) if len(gains.drawn) else None


def _unseen(cluster: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each held-out row is of a cluster without training rows.

    A group that is only a cluster of training rows would be seen again in rows of the same
    cluster, and there only.
    """
    if cluster is None:
        return np.ones(len(rows), dtype=bool)
    training = np.setdiff1d(np.arange(len(cluster)), rows)
    return ~np.isin(cluster[rows], cluster[training])


def _some(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The rows, or a random part of them in their order."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng([seed, 67]).choice(rows, MOST_ROWS, replace=False))


def _group_losses(
    scoring: Scoring, rows: HeldOut, confidence: float, seed: int
) -> dict[str, float]:
    """Worst group and overall on held-out rows, with bootstrap intervals.

    Groups are weighed by P(group | s), which is fixed before y: responsibilities have seen y and
    find a worse group in noise. The worst of several noisy groups looks worse than it is, so its
    interval rests on limits of all groups jointly (`stats.gaps.highest`): percentiles of the
    worst group of each draw held the truth in 20% of simulations of six equal groups.
    """
    loss = scoring.losses(rows.y)
    weights = np.column_stack([scoring.prior * rows.weight[:, None], rows.weight])
    draws = bootstrap_means(weights, loss, rows.cluster, seed)  # (B, G + 1), overall last
    observed = weights.T @ loss / np.maximum(weights.sum(axis=0), TINY)
    groups = from_errors(
        observed[:-1], draws[:, :-1].std(axis=0), (float(min(loss.min(), 0)), np.inf)
    )
    worst = highest(groups, confidence)
    overall = np.quantile(draws[:, -1], [(1 - confidence) / 2, (1 + confidence) / 2])
    return {
        "worst_group": worst.value,
        "worst_low": worst.low,
        "worst_high": worst.high,
        "overall": float(observed[-1]),
        "overall_low": float(overall[0]),
        "overall_high": float(overall[1]),
    }


def bootstrap_means(weights: Float, loss: Float, cluster: NDArray[Any] | None, seed: int) -> Float:
    """Bootstrap means of the loss in each column's weights, (REPLICATES, G + 1).

    Rows are drawn, or whole clusters.
    """
    rng = np.random.default_rng(seed)
    totals = cluster_totals(np.column_stack([weights, weights * loss[:, None]]), cluster)
    n = len(totals)
    sums = np.stack(
        [np.bincount(rng.integers(0, n, n), minlength=n) @ totals for _ in range(REPLICATES)]
    )
    width = weights.shape[1]
    return np.asarray(sums[:, width:] / np.maximum(sums[:, :width], TINY))
