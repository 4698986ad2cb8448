"""Says in shares who belongs to a latent group: profiles, overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Float = NDArray[np.float64]

GROUP_PROFILE = pl.Schema(
    {
        "group": pl.String,
        "feature": pl.String,
        "mean": pl.Float64,
        "population": pl.Float64,
        "standardised": pl.Float64,
    }
)
OVERLAP = pl.Schema(
    {
        "group": pl.String,
        "attribute": pl.String,
        "level": pl.String,
        "share_of_group": pl.Float64,
        "share_of_level": pl.Float64,
        "n": pl.Float64,
    }
)


def group_name(index: int) -> str:
    """The name of latent group `index` (0-based) everywhere: "group 1", "group 2", …"""
    return f"group {index + 1}"


def as_membership(membership: Any) -> Float:
    """Soft membership (n, G) from shares (n, G) or from codes (n,)."""
    array = np.asarray(membership)
    if array.ndim == 2:
        return array.astype(np.float64)
    codes = array.astype(np.int64)
    return np.eye(int(codes.max(initial=0)) + 1)[codes]


def group_profile(X: Any, feature_names: Sequence[str], membership: Any) -> pl.DataFrame:
    """Mean of every feature in each latent group beside the population.

    `standardised` is the distance of the two means in population standard deviations; 0 for a
    constant feature. Membership (n, G) weighs rows softly.
    """
    X = np.asarray(X, dtype=np.float64)
    shares = as_membership(membership)
    mass = shares.sum(axis=0)  # (G,)
    means = np.divide(
        shares.T @ X,
        mass[:, None],
        out=np.full((len(mass), X.shape[1]), np.nan),
        where=mass[:, None] > 0,
    )
    population, spread = X.mean(axis=0), X.std(axis=0)
    standardised = np.divide(
        means - population, spread, out=np.zeros_like(means), where=spread > 0
    )
    G, p = means.shape
    return pl.DataFrame(
        {
            "group": np.repeat([group_name(g) for g in range(G)], p).tolist(),
            "feature": list(feature_names) * G,
            "mean": means.ravel(),
            "population": np.tile(population, G),
            "standardised": standardised.ravel(),
        },
        schema=GROUP_PROFILE,
    ).with_columns(pl.col("mean", "standardised").fill_nan(None))


def overlap(groups: Mapping[str, Any], membership: Any) -> pl.DataFrame:
    """How latent groups and declared attributes share their rows.

    Parameters
    ----------
    groups : mapping of attribute to (n,) labels
    membership : (n, G) shares or (n,) codes

    Returns
    -------
    polars.DataFrame
        `n` is the (soft) number of rows in both, `share_of_group` its share of the latent
        group, `share_of_level` its share of the declared level.
    """
    shares = as_membership(membership)
    mass = shares.sum(axis=0)
    parts = [
        _overlap_of(attribute, np.asarray(labels), shares, mass)
        for attribute, labels in groups.items()
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=OVERLAP)


def _overlap_of(attribute: str, labels: NDArray[Any], shares: Float, mass: Float) -> pl.DataFrame:
    levels, codes = np.unique(labels.astype(np.str_), return_inverse=True)
    both = np.stack(
        [np.bincount(codes, weights=column, minlength=len(levels)) for column in shares.T]
    )  # (G, L)
    G, L = both.shape
    level_rows = np.bincount(codes, minlength=len(levels)).astype(np.float64)
    of_group = np.divide(both, mass[:, None], out=np.zeros_like(both), where=mass[:, None] > 0)
    return pl.DataFrame(
        {
            "group": np.repeat([group_name(g) for g in range(G)], L).tolist(),
            "attribute": [attribute] * (G * L),
            "level": levels.tolist() * G,
            "share_of_group": of_group.ravel(),
            "share_of_level": (both / level_rows).ravel(),
            "n": both.ravel(),
        },
        schema=OVERLAP,
    )
