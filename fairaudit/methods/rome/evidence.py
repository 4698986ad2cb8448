"""Are there latent groups? Held-out rows against outcomes drawn from one common model.

Groups, experts and the number of groups were fitted on training rows. Given these, outcomes of the
held-out rows are all that is random, so the search needs no repetition: the null of "one common
model" is drawn for the held-out rows only, with features, membership and weights as they are.
Every number of groups and every group is tested at once (largest standardised statistic: Westfall
& Young's max-T), so that the claim is valid for whichever number of groups is shown.

Classes are drawn from the probabilities of the common model, numbers from its predictions and its
permuted residuals (no normal errors are assumed). Where rows come in clusters, the same draws give
the expected value of each row, and signs of whole clusters' deviations from it are flipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.rome.combine import TINY
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.group_count import cluster_totals
from fairaudit.methods.rome.scoring import Scoring

ALL_GROUPS = -1
DRAWS = 199
MOST_ROWS = 20_000  # held-out rows that are drawn for: more hardly sharpen the test
MIN_CLUSTERS = 10  # with fewer, too few signs to flip for a small p


@dataclass(frozen=True)
class NullDraws:
    """Statistics (K,) as observed, and (B, K) where one common model holds.

    Attributes
    ----------
    labels : K pairs of a number of groups and a group (0-based; `ALL_GROUPS` for all of them)
    observed : (K,)
    drawn : (B, K); no rows where nothing can be judged
    """

    labels: tuple[tuple[int, int], ...]
    observed: Float
    drawn: Float


@dataclass(frozen=True)
class JudgedRows:
    """Held-out rows with their outcomes, weights and clusters, and draws of the null.

    Attributes
    ----------
    y : (n,) values or class codes
    outcomes : (n, B) under one common model
    share : (n,) weights that sum to 1
    cluster : (n,) or None
    flips : (B, M) signs of the clusters; None without clusters
    """

    y: NDArray[Any]
    outcomes: NDArray[Any]
    share: Float
    cluster: NDArray[Any] | None
    flips: Float | None

    @classmethod
    def draw(
        cls,
        pooled: Scoring,
        y: NDArray[Any],
        weight: Float,
        cluster: NDArray[Any] | None,
        seed: int,
    ) -> JudgedRows:
        """Draw outcomes of the rows under the one common model."""
        rng = np.random.default_rng([seed, 61])
        outcomes = _outcomes(pooled, y, rng)
        flips = None if cluster is None else _flips(cluster, rng)
        return cls(y, outcomes, weight / weight.sum(), cluster, flips)


def gain_draws(models: Mapping[int, Scoring], pooled: Scoring, rows: JudgedRows) -> NullDraws:
    """Mean log-likelihood of each number of groups less that of the one common model."""
    base, base_drawn = pooled.log_likelihood(rows.y), pooled.log_likelihood(rows.outcomes)
    labels, parts = [], []
    for count, scoring in sorted(models.items()):
        if count == 1:
            continue
        seen = scoring.log_likelihood(rows.y) - base
        drawn = scoring.log_likelihood(rows.outcomes) - base_drawn
        labels.append((count, ALL_GROUPS))
        parts.append(_mean(seen, drawn, rows))
    return _joined(labels, parts)


def group_draws(models: Mapping[int, Scoring], rows: JudgedRows) -> NullDraws:
    """Loss of each group over that of all rows; rows are weighed by P(group | s)."""
    labels, parts = [], []
    for count, scoring in sorted(models.items()):
        if count == 1:
            continue
        labels += [(count, j) for j in range(count)]
        parts.append(_relative(scoring, rows))
    return _joined(labels, parts)


def _joined(labels: list[tuple[int, int]], parts: list[tuple[Float, Float]]) -> NullDraws:
    if not parts:
        return NullDraws((), np.zeros(0), np.zeros((0, 0)))
    observed, drawn = zip(*parts, strict=True)
    return NullDraws(tuple(labels), np.concatenate(observed), np.concatenate(drawn, axis=1))


def adjusted_p(draws: NullDraws) -> Float:
    """One-sided p (K,) of each statistic, adjusted for all K by the largest of each draw."""
    if not len(draws.drawn) or not len(draws.observed):
        return np.full(len(draws.observed), np.nan)
    centre = draws.drawn.mean(axis=0)
    spread = draws.drawn.std(axis=0)
    judged = spread > TINY
    spread = np.where(judged, spread, 1.0)
    z = (draws.observed - centre) / spread
    chance = np.where(judged, (draws.drawn - centre) / spread, -np.inf).max(axis=1)
    above = 1 + (chance[:, None] >= z - TINY).sum(axis=0)
    return np.asarray(np.where(judged, above / (1 + len(chance)), 1.0))


def _outcomes(pooled: Scoring, y: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Outcomes (n, DRAWS) under the one common model."""
    n = len(y)
    if pooled.noise is None:
        edges = np.cumsum(pooled.centre, axis=1)[:, :-1]
        chance = rng.random((n, DRAWS))
        return np.asarray((chance[:, :, None] > edges[:, None, :]).sum(axis=2), dtype=np.int64)
    residual = np.asarray(y, dtype=np.float64) - pooled.centre
    drawn = rng.permuted(np.tile(residual, (DRAWS, 1)), axis=1).T
    return np.asarray(pooled.centre[:, None] + drawn)


def _flips(cluster: NDArray[Any], rng: np.random.Generator) -> Float:
    """Random signs (DRAWS, M) of the clusters; none where there are too few of them."""
    count = len(np.unique(cluster))
    draws = DRAWS if count >= MIN_CLUSTERS else 0
    return np.asarray(rng.integers(0, 2, (draws, count)) * 2.0 - 1.0)


def _mean(seen: Float, drawn: Float, rows: JudgedRows) -> tuple[Float, Float]:
    """Weighted mean (1,) of the rows' values, and its draws (B, 1)."""
    observed = np.array([rows.share @ seen])
    if rows.flips is None:
        return observed, (drawn.T @ rows.share)[:, None]
    expected = drawn.mean(axis=1)
    totals = cluster_totals(rows.share * (seen - expected), rows.cluster)
    return observed, (rows.share @ expected + rows.flips @ totals)[:, None]


def _relative(scoring: Scoring, rows: JudgedRows) -> tuple[Float, Float]:
    """Loss of each group over that of all rows, (G,), and its draws (B, G)."""
    seen, drawn, share = scoring.losses(rows.y), scoring.losses(rows.outcomes), rows.share
    member = scoring.prior * share[:, None]
    inside = member / np.maximum(member.sum(axis=0), TINY)  # (n, G)
    overall = max(float(share @ seen), TINY)
    observed = seen @ inside / overall
    if rows.flips is None:
        return observed, drawn.T @ inside / np.maximum(drawn.T @ share, TINY)[:, None]
    expected = drawn.mean(axis=1)
    usual = max(float(share @ expected), TINY)
    off = seen / overall - expected / usual
    totals = cluster_totals((inside - share[:, None]) * off[:, None], rows.cluster)
    return observed, expected @ inside / usual + rows.flips @ totals
