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
MIN_UNITS = 5  # clusters inside and outside a group, to say anything about it
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
    """Errors (n,) of the rows that judge, and the cluster codes (n,) of the rows, if any."""

    error: Float
    metric: str
    unit: Int | None


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
    n_groups : the numbers of groups G that were asked for
    members : for each of them (n, groups found) 0/1 membership
    """
    inside = np.concatenate(members, axis=1)  # (n, K)
    n = inside.sum(axis=0)
    if judged.unit is None:
        p, adjusted, most = permutation_p(judged.error, inside, n_permutations, seed)
        level = _joint(most, confidence)
        value, rest, low, high = _differences(judged.error, inside, judged.metric, level)
    else:
        p, adjusted, most = sign_flip_p(judged.error, inside, judged.unit, n_permutations, seed)
        level = _joint(most, confidence)
        value, rest, low, high = _clustered(judged.error, inside, judged.unit, level)
    sizes = [part.shape[1] for part in members]
    few = (n < MIN_JUDGED) | (np.isnan(p) & (judged.unit is not None))
    status = np.where(few, UNJUDGED, np.where(n < MIN_STABLE, UNSTABLE, ESTIMATED))
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
    """The level of single intervals that hold the truth jointly with `confidence`."""
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


def sign_flip_p(
    e: Float, inside: Float, unit: Int, n_flips: int, seed: int
) -> tuple[Float, Float, Float]:
    """The same as `permutation_p` for errors that are independent over clusters only.

    Each cluster adds Σ (e − ē)(inside − share) to the distance of a group from the rest; without
    a difference its sign is as likely turned (wild cluster bootstrap with the null imposed:
    Cameron, Gelbach & Miller 2008). With fewer than 10 clusters, fewer than 5 of them inside a
    group, or fewer than 5 outside, it is not judged.

    Parameters
    ----------
    e : (n,) errors
    inside : (n, K) 0/1 membership
    unit : (n,) cluster codes
    """
    totals = _by_unit((e - e.mean())[:, None] * (inside - inside.mean(axis=0)), unit)  # (M, K)
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
    e: Float, inside: Float, unit: Int, confidence: float
) -> tuple[Float, Float, Float, Float]:
    """As `_differences`, the error from cluster totals of the linearised difference."""
    n, total, value, rest = _in_and_outside(e, inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = inside * (e[:, None] - value) / n - (1 - inside) * (e[:, None] - rest) / (total - n)
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
