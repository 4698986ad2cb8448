"""Splits: shares, strata, whole clusters, named columns, the same for the same seed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data.splits import SplitSpec
from fairaudit.data.splitting import (
    TEST,
    TRAIN,
    VALIDATION,
    add_validation,
    named_parts,
    split_clusters,
    split_rows,
)
from fairaudit.exceptions import SpecError


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    test=st.floats(0.05, 0.4),
    validation=st.floats(0.05, 0.4),
    seed=st.integers(0, 5),
)
def test_every_stratum_holds_its_share_of_test_rows(
    sizes: list[int], test: float, validation: float, seed: int
) -> None:
    strata = np.repeat(np.arange(len(sizes)), sizes)
    spec = SplitSpec(test=test, validation=validation)
    parts = split_rows(strata, spec, seed)
    if len(strata) < 3:
        return
    assert {TRAIN, VALIDATION, TEST} == set(parts.tolist()) or len(strata) < 6
    for s, size in enumerate(sizes):
        assert abs((parts[strata == s] == TEST).sum() - size * test) <= 2
    assert np.array_equal(parts, split_rows(strata, spec, seed))


def test_another_seed_gives_another_split() -> None:
    strata = np.zeros(200, dtype=np.int64)
    assert not np.array_equal(
        split_rows(strata, SplitSpec(), 0), split_rows(strata, SplitSpec(), 1)
    )


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 40), min_size=3, max_size=30), seed=st.integers(0, 3))
def test_no_cluster_is_in_two_parts_and_no_part_is_empty(sizes: list[int], seed: int) -> None:
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    parts = split_clusters(clusters, "site", SplitSpec(), seed)
    for c in range(len(sizes)):
        assert len(set(parts[clusters == c])) == 1
    assert set(parts) == {TRAIN, VALIDATION, TEST}


def test_cluster_splits_come_close_to_the_shares() -> None:
    clusters = np.repeat(np.arange(30), np.arange(10, 40))
    shares = np.bincount(split_clusters(clusters, "site", SplitSpec(), 0)) / len(clusters)
    assert np.abs(shares - [0.6, 0.2, 0.2]).max() < 0.03


def test_two_clusters_cannot_be_split() -> None:
    with pytest.raises(SpecError, match="'site' has 2 values"):
        split_clusters(np.array([0, 1, 1]), "site", SplitSpec(), 0)


def test_a_column_names_the_parts_in_usual_words() -> None:
    column = pl.Series("part", ["train", "Training", "val", "dev", "TEST", "holdout", None])
    assert named_parts(column).tolist() == [0, 0, 1, 1, 2, 2, -1]


def test_a_column_that_only_marks_test_rows_leaves_the_rest_for_training() -> None:
    assert named_parts(pl.Series("p", ["test", None, "test", None])).tolist() == [2, 0, 2, 0]


def test_a_column_without_test_rows_or_with_strange_words_is_refused() -> None:
    with pytest.raises(SpecError, match="no test rows"):
        named_parts(pl.Series("p", ["train", "val"]))
    with pytest.raises(SpecError, match="'monday'"):
        named_parts(pl.Series("p", ["train", "monday", "test"]))


def test_validation_is_drawn_from_training_rows_when_a_column_names_none() -> None:
    parts = np.array([TRAIN] * 80 + [TEST] * 20, dtype=np.int8)
    drawn = add_validation(parts, np.zeros(100, dtype=np.int64), SplitSpec(), 0)
    assert (drawn[80:] == TEST).all()
    assert (drawn == VALIDATION).sum() == 20
    named = np.array([TRAIN, VALIDATION, TEST], dtype=np.int8)
    assert add_validation(named, np.zeros(3, dtype=np.int64), SplitSpec(), 0) is named
