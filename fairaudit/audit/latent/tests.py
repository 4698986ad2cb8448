"""Latent groups tested on held-out rows: each against the rest, adjusted for all tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from fairaudit.audit.latent.latent_profile import group_name
from fairaudit.stats import intervals
from fairaudit.stats.estimates import ESTIMATED, MIN_JUDGED, MIN_STABLE, UNJUDGED, UNSTABLE

Float = NDArray[np.float64]
Int = NDArray[np.int64]
MIN_UNITS = 5  # least number of clusters inside and outside a group that is tested
_SIGNS = 5_000_000  # drawn at once
MIN_FLIPS = 10  # clusters in all: with fewer, too few signs to flip for a small p

LATENT_TESTS = pl.Schema(
    {
        "n_groups": pl.Int64,
        "group": pl.String,
        "metric": pl.String,
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "p": pl.Float64,
        "p_adjusted": pl.Float64,
        "status": pl.String,
        "value": pl.Float64,
        "rest": pl.Float64,
        "n": pl.Int64,
        "chosen": pl.Boolean,
    }
)


@dataclass(frozen=True)
class HeldOutErrors:
    """Errors (n,) of the rows that judge; their clusters and sampling weights (n,), if any."""

    error: Float
    metric: str
    unit: Int | None
    weight: Float | None = None

    def units(self) -> tuple[Int, Float]:
        """Independent units and weights of the rows; without clusters every row is a unit."""
        n = len(self.error)
        unit = np.arange(n) if self.unit is None else self.unit
        return unit, np.ones(n) if self.weight is None else self.weight


def tests_table(
    judged: HeldOutErrors,
    n_groups: Sequence[int],
    members: Sequence[Float],
    confidence: float,
    n_permutations: int,
    seed: int,
) -> pl.DataFrame:
    """Each group against the rest, p adjusted over all groups of all G (columns LATENT_TESTS).

    Parameters
    ----------
    n_groups : the numbers of groups G that were fitted
    members : for each of them (n, groups found) 0/1 membership
    """
    inside = np.concatenate(members, axis=1)  # (n, K)
    n = inside.sum(axis=0)
    if judged.unit is None and judged.weight is None:
        p, adjusted, most = permutation_p(judged.error, inside, n_permutations, seed)
        level = _joint(most, confidence)
        value, rest, low, high = _differences(judged.error, inside, judged.metric, level)
    else:
        unit, weight = judged.units()
        p, adjusted, most = _units_p(judged, inside, n_permutations, seed)
        level = _joint(most, confidence)
        value, rest, low, high = _clustered(judged.error, inside, unit, weight, level)
    sizes = [part.shape[1] for part in members]
    effective = _effective_rows(inside, judged.weight)
    few = (effective < MIN_JUDGED) | (np.isnan(p) & (judged.unit is not None))
    status = np.where(few, UNJUDGED, np.where(effective < MIN_STABLE, UNSTABLE, ESTIMATED))
    return pl.DataFrame(
        {
            "n_groups": [G for G, k in zip(n_groups, sizes, strict=True) for _ in range(k)],
            "group": [group_name(g) for k in sizes for g in range(k)],
            "metric": [judged.metric] * len(n),
            "difference": value - rest,
            "low": low,
            "high": high,
            "p": p,
            "p_adjusted": adjusted,
            "status": status.tolist(),
            "value": value,
            "rest": rest,
            "n": n.astype(np.int64),
            "chosen": [False] * len(n),
        },
        schema=LATENT_TESTS,
    ).with_columns(pl.selectors.float().fill_nan(None))


def _joint(most: Float, confidence: float) -> float:
    """The level of single intervals whose joint coverage is `confidence`."""
    if most.size == 0:
        return confidence
    reach = max(float(np.quantile(most, confidence)), intervals.quantile(confidence))
    return float(2 * special.ndtr(reach) - 1)


def permutation_p(
    e: Float, inside: Float, n_permutations: int, seed: int
) -> tuple[Float, Float, Float]:
    """Permutation p (K,), max-T adjusted p (K,) and the largest |z| (B,) of each permutation.

    Parameters
    ----------
    e : (n,) errors
    inside : (n, K) 0/1 membership; columns may overlap
    """
    size = inside.sum(axis=0)
    n = len(e)
    scale = np.sqrt(np.maximum(size * (1 - size / n), 1e-300) * max(float(e.var()), 1e-300))
    judged = (size >= MIN_JUDGED) & (n - size >= MIN_JUDGED)
    centred = e - e.mean()
    z = np.abs(centred @ inside) / scale
    rng = np.random.default_rng([seed, 43])
    above, above_max = np.ones(len(size)), np.ones(len(size))
    largest: list[Float] = []
    for start in range(0, n_permutations, 100):  # a hundred at a time bounds memory
        k = min(100, n_permutations - start)
        permuted = rng.permuted(np.tile(centred, (k, 1)), axis=1)
        drawn = np.abs(permuted @ inside) / scale  # (k, K)
        above += (drawn >= z - 1e-12).sum(axis=0)
        most = drawn[:, judged].max(axis=1, initial=0.0)
        above_max += (most[:, None] >= z - 1e-12).sum(axis=0)
        largest.append(most)
    total = 1 + n_permutations
    return (
        np.where(judged, above / total, np.nan),
        np.where(judged, above_max / total, np.nan),
        np.concatenate(largest) if largest else np.zeros(0),
    )


def _effective_rows(inside: Float, weight: Float | None) -> Float:
    """Effective rows (K,) under weights: (Σw)² / Σw² inside each group."""
    if weight is None:
        return np.asarray(inside.sum(axis=0))
    squares = np.square(weight) @ inside
    return np.divide(
        np.square(weight @ inside), squares, out=np.zeros(len(squares)), where=squares > 0
    )


def _units_p(
    judged: HeldOutErrors, inside: Float, n_permutations: int, seed: int
) -> tuple[Float, Float, Float]:
    """p of rows in clusters, or with sampling weights, or both."""
    if judged.unit is None:
        _, weight = judged.units()
        return weighted_permutation_p(judged.error, weight, inside, n_permutations, seed)
    return sign_flip_p(
        judged.error, inside, judged.unit, n_permutations, seed, weight=judged.weight
    )


def weighted_permutation_p(
    e: Float, weight: Float, inside: Float, n_permutations: int, seed: int
) -> tuple[Float, Float, Float]:
    """The same as `permutation_p` for rows with sampling weights.

    Weight and error of a row are permuted together, so they may go together. The statistic is
    studentised in every permutation (Chung & Romano 2013): it stays valid where weights are
    larger in one group than in others. With few errors no signs could be flipped: a small group
    without any would look certain.

    Parameters
    ----------
    e, weight : (n,)
    inside : (n, K) 0/1 membership
    """
    off = weight * (e - weight @ e / weight.sum())
    size = inside.sum(axis=0)
    judged = (size >= MIN_JUDGED) & (len(e) - size >= MIN_JUDGED)
    z = _weighted_z(off[None], weight[None], inside)[0]
    rng = np.random.default_rng([seed, 43])
    drawn = [np.zeros((0, inside.shape[1]))]
    for start in range(0, n_permutations, 100):  # a hundred at a time bounds memory
        k = min(100, n_permutations - start)
        order = rng.permuted(np.tile(np.arange(len(e)), (k, 1)), axis=1)
        drawn.append(_weighted_z(off[order], weight[order], inside))
    chance = np.concatenate(drawn)
    most = chance[:, judged].max(axis=1, initial=0.0)
    total = 1 + len(chance)
    above = 1 + (chance >= z - 1e-12).sum(axis=0)
    above_max = 1 + (most[:, None] >= z - 1e-12).sum(axis=0)
    return (
        np.where(judged, above / total, np.nan),
        np.where(judged, above_max / total, np.nan),
        most,
    )


def _weighted_z(off: Float, weight: Float, inside: Float) -> Float:
    """|z| (B, K) of each group from weighted deviations and weights (B, n)."""
    share = weight @ inside / weight.sum(axis=1, keepdims=True)
    squares = off**2
    variance = squares @ inside * (1 - 2 * share) + share**2 * squares.sum(axis=1, keepdims=True)
    return np.asarray(np.abs(off @ inside) / np.sqrt(np.maximum(variance, 1e-300)))


def sign_flip_p(
    e: Float,
    inside: Float,
    unit: Int,
    n_flips: int,
    seed: int,
    *,
    weight: Float | None = None,
) -> tuple[Float, Float, Float]:
    """The same as `permutation_p` for errors that are independent over clusters only.

    Each cluster adds Σ w (e − ē)(inside − share) to the distance of a group from the rest; without
    a difference its sign is as likely turned (wild cluster bootstrap with the null imposed:
    Cameron, Gelbach & Miller 2008). With fewer than 10 clusters, fewer than 5 of them inside a
    group, or fewer than 5 outside, it is not judged.

    Parameters
    ----------
    e : (n,) errors
    inside : (n, K) 0/1 membership
    unit : (n,) cluster codes
    weight : (n,) sampling weights, or None where all rows count alike
    """
    w = np.ones(len(e)) if weight is None else weight
    share = w / w.sum()
    off = (w * (e - share @ e))[:, None] * (inside - share @ inside)
    totals = _by_unit(off, unit)  # (M, K)
    scale = np.sqrt(np.maximum((totals**2).sum(axis=0), 1e-300))
    judged = _enough_units(inside, unit)
    z = np.abs(totals.sum(axis=0)) / scale
    drawn = _flipped(totals, n_flips, seed) / scale  # (B, K)
    most = drawn[:, judged].max(axis=1, initial=0.0)
    above = 1 + (drawn >= z - 1e-12).sum(axis=0)
    above_max = 1 + (most[:, None] >= z - 1e-12).sum(axis=0)
    return (
        np.where(judged, above / (1 + n_flips), np.nan),
        np.where(judged, above_max / (1 + n_flips), np.nan),
        most,
    )


def _flipped(totals: Float, n_flips: int, seed: int) -> Float:
    """|Sums| (B, K) of cluster totals (M, K) under random signs, a few at a time for memory."""
    rng = np.random.default_rng([seed, 43])
    some = max(1, _SIGNS // max(len(totals), 1))
    parts = [
        (rng.integers(0, 2, (min(some, n_flips - start), len(totals))) * 2.0 - 1.0) @ totals
        for start in range(0, n_flips, some)
    ]
    return np.asarray(np.abs(np.concatenate([np.zeros((0, totals.shape[1])), *parts])))


def _by_unit(values: Float, unit: Int) -> Float:
    """Totals (M, K) of (n, K) values over the clusters that occur."""
    _, code = np.unique(unit, return_inverse=True)
    return np.stack([np.bincount(code, weights=column) for column in values.T], axis=1)


def _enough_units(inside: Float, unit: Int) -> NDArray[np.bool_]:
    """Whether (K,) enough clusters have rows inside, outside and in all."""
    within, without = ((_by_unit(part, unit) > 0).sum(axis=0) for part in (inside, 1 - inside))
    every = len(np.unique(unit)) >= MIN_FLIPS
    return np.asarray(every & (within >= MIN_UNITS) & (without >= MIN_UNITS))


def _in_and_outside(e: Float, inside: Float) -> tuple[Float, float, Float, Float]:
    """Rows inside each group (K,), all rows, and the mean error inside and outside (K,)."""
    n, total = inside.sum(axis=0), float(len(e))
    with np.errstate(divide="ignore", invalid="ignore"):
        return n, total, (e @ inside) / n, (e.sum() - e @ inside) / (total - n)


def _clustered(
    e: Float, inside: Float, unit: Int, weight: Float, confidence: float
) -> tuple[Float, Float, Float, Float]:
    """As `_differences`, the error from cluster totals of the linearised difference."""
    within, without = weight[:, None] * inside, weight[:, None] * (1 - inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        within, without = within / within.sum(axis=0), without / without.sum(axis=0)
        value, rest = e @ within, e @ without
        off = within * (e[:, None] - value) - without * (e[:, None] - rest)
    totals = _by_unit(off, unit)
    m = len(totals)
    se = np.sqrt((totals**2).sum(axis=0) * m / max(m - 1, 1))
    half = intervals.quantile(confidence, max(m - 1, 1)) * se
    half = np.where(_enough_units(inside, unit), half, np.nan)
    return value, rest, value - rest - half, value - rest + half


def _differences(
    e: Float, inside: Float, metric: str, confidence: float
) -> tuple[Float, Float, Float, Float]:
    """Mean error in and outside each group and the interval of the difference."""
    n, total, value, rest = _in_and_outside(e, inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric in ("mse", "mae"):
            second = (e**2) @ inside
            variance = second / n - value**2
            other = ((e**2).sum() - second) / (total - n) - rest**2
            half = intervals.quantile(confidence) * np.sqrt(
                np.maximum(variance, 0) / n + np.maximum(other, 0) / (total - n)
            )
            return value, rest, value - rest - half, value - rest + half
        low, high = intervals.newcombe(value, n, rest, total - n, confidence)
    return value, rest, low, high
