"""The plane of the two main directions: known answers, and rows that stay themselves."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.latent.projection import (
    MOST_ROWS,
    evenly,
    principal_plane,
    projection_table,
    umap_plane,
)
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError


def arrays_of(X: np.ndarray) -> Arrays:
    n = len(X)
    return Arrays(
        X=X,
        y=np.zeros(n, dtype=np.int64),
        task="binary",
        sensitive=np.zeros((n, 1)),
        groups={},
        cluster=None,
        weight=None,
        row_id=np.arange(n, dtype=np.int64) + 100,
        split=np.where(np.arange(n) % 2 == 0, 2, 0).astype(np.int8),
        feature_names=tuple(f"x{j}" for j in range(X.shape[1] if X.ndim == 2 else 0)),
        sensitive_names=("s",),
    )


def latent_of(arrays: Arrays) -> pl.DataFrame:
    return pl.DataFrame({"row": arrays.row_id, "group": np.arange(len(arrays)) % 3})


def test_a_plane_in_space_is_found_exactly() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(50, 2)) * [3.0, 1.0]
    axes, _ = np.linalg.qr(rng.normal(size=(5, 2)))
    plane, explained = principal_plane(true @ axes.T)
    assert explained == pytest.approx(1.0)
    original = np.linalg.norm(true[:, None] - true[None], axis=-1)
    found = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    assert found == pytest.approx(original)


def test_the_share_of_variance_is_that_of_the_two_largest() -> None:
    X = np.diag([3.0, 2.0, 1.0])
    X = np.vstack([X, -X])
    assert principal_plane(X)[1] == pytest.approx((9 + 4) / 14)


def test_the_same_rows_always_lie_in_the_same_place() -> None:
    X = np.random.default_rng(1).normal(size=(40, 6))
    first, _ = principal_plane(X)
    second, _ = principal_plane(X.copy())
    assert np.array_equal(first, second)


def test_constant_features_carry_nothing() -> None:
    plane, explained = principal_plane(np.ones((10, 3)))
    assert explained == 0.0
    assert np.abs(plane).max() < 1e-12


def test_only_held_out_rows_are_shown_with_their_group() -> None:
    arrays = arrays_of(np.random.default_rng(2).normal(size=(60, 4)))
    table = projection_table(arrays, latent_of(arrays))
    assert table is not None
    assert table["row"].to_list() == arrays.row_id[arrays.split == 2].tolist()
    known = dict(latent_of(arrays).rows())
    assert all(
        name == f"group {known[row] + 1}" for row, name in table.select("row", "group").rows()
    )


def test_a_sweep_keeps_the_groups_of_every_number() -> None:
    arrays = arrays_of(np.random.default_rng(3).normal(size=(20, 4)))
    latent = pl.concat([latent_of(arrays).with_columns(n_groups=pl.lit(k)) for k in (2, 3)])
    table = projection_table(arrays, latent)
    assert table is not None
    assert table.group_by("n_groups").len()["len"].to_list() == [10, 10]


def test_images_have_no_projection() -> None:
    images = np.zeros((8, 4, 4, 3), dtype=np.uint8)
    arrays = arrays_of(images)
    assert projection_table(arrays, latent_of(arrays)) is None


def test_many_rows_are_thinned_evenly() -> None:
    rows = np.arange(100_000)
    kept = evenly(rows, MOST_ROWS)
    assert len(kept) == MOST_ROWS
    assert (kept[0], kept[-1]) == (0, 99_999)
    assert set(np.diff(kept)) <= {50, 51}


@pytest.mark.nightly
def test_umap_keeps_planted_clusters_apart() -> None:
    pytest.importorskip("umap", reason="the extra 'umap' is not installed")
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.standard_normal((60, 5)), rng.standard_normal((60, 5)) + 12])
    plane = umap_plane(X, 0)
    first, second = plane[:60], plane[60:]
    within = max(np.ptp(first, axis=0).max(), np.ptp(second, axis=0).max())
    assert np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) > within


def test_a_missing_umap_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(SpecError, match=r"fairaudit\[umap\]"):
        umap_plane(np.zeros((5, 2)), 0)
