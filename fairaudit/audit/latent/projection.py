"""Where rows lie in a plane (principal directions, or UMAP), for a picture of groups."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.latent.latent_profile import group_name
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.exceptions import SpecError

Float = NDArray[np.float64]
Kind = Literal["pca", "umap"]
MOST_ROWS = 2_000
MOST_COLUMNS = 5_000


def projection_table(
    arrays: Arrays, latent: pl.DataFrame, kind: Kind = "pca", seed: int = 0
) -> pl.DataFrame | None:
    """Held-out rows in the plane, with their latent group.

    Parameters
    ----------
    arrays : Arrays
    latent : row, group (0-based) and, in a sweep, n_groups
    kind : "pca", or "umap" (extra `umap`; McInnes, Healy, Melville, arXiv 1802.03426)
    seed : of UMAP

    Returns
    -------
    polars.DataFrame or None
        row, x, y, explained (share of variance in the plane; null for UMAP), kind, group
        [, n_groups]; at most 2,000 rows, evenly over the test rows. None for images and very wide
        tables.

    Raises
    ------
    SpecError
        When UMAP is requested but not installed.
    """
    if arrays.X.ndim != 2 or arrays.X.shape[1] > MOST_COLUMNS:
        return None
    rows = evenly(np.flatnonzero(arrays.split == SPLITS.index("test")), MOST_ROWS)
    if len(rows) < 3 or arrays.X.shape[1] < 2:
        return None
    X = np.asarray(arrays.X[rows], dtype=np.float64)
    plane, explained = principal_plane(X) if kind == "pca" else (umap_plane(X, seed), None)
    places = pl.DataFrame(
        {
            "row": arrays.row_id[rows],
            "x": plane[:, 0],
            "y": plane[:, 1],
            "explained": pl.repeat(explained, len(rows), dtype=pl.Float64, eager=True),
            "kind": pl.repeat(kind, len(rows), eager=True),
        }
    )
    names = {code: group_name(code) for code in latent["group"].unique().to_list()}
    keep = [c for c in ("row", "group", "n_groups") if c in latent.columns]
    named = latent.select(keep).with_columns(
        pl.col("group").replace_strict(names, return_dtype=pl.String)
    )
    return places.join(named, on="row", how="inner", maintain_order="left")


def evenly(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most `most` of the rows, evenly spread, always the same."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def principal_plane(X: Float) -> tuple[Float, float]:
    """Scores (n, 2) on the two main directions and the share of variance they carry.

    Signs are fixed: the loading of largest size is positive.
    """
    centred = X - X.mean(axis=0)
    U, size, loadings = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(loadings[np.arange(2), np.abs(loadings[:2]).argmax(axis=1)])
    total = float((size**2).sum())
    explained = float((size[:2] ** 2).sum()) / total if total > 0 else 0.0
    return U[:, :2] * size[:2] * np.where(signs == 0, 1.0, signs), explained


def umap_plane(X: Float, seed: int) -> Float:
    """Places (n, 2) under UMAP: near rows stay near, large distances mean little.

    Raises
    ------
    SpecError
        When the extra is not installed.
    """
    try:
        from umap import UMAP
    except ImportError as error:
        raise SpecError(
            "a UMAP picture needs the extra 'umap' (pip install 'fairaudit[umap]'); or choose pca"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that a fixed seed disables its threads
        model = UMAP(n_components=2, n_neighbors=min(15, len(X) - 1), random_state=seed)
        return np.asarray(model.fit_transform(X), dtype=np.float64)
