"""Intervals of spreads: no spread is inside when there is none, the truth when there is one."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.methods.fair_medl.intervals import draws, families, spread_interval
from fairaudit.methods.fair_medl.metrics import mean_spread
from fairaudit.methods.fair_medl.path import ScoringRows
from fairaudit.methods.fair_medl.tables import path_table
from tests.sizes import size

ODDS = {"target": "equalized_odds"}


def _answers(seed: int, tpr: tuple[float, ...], n: int = 1200) -> tuple[np.ndarray, ...]:
    """Labels with a planted TPR in each group and an FPR of 20% everywhere."""
    rng = np.random.default_rng(seed)
    group, y = rng.integers(0, len(tpr), n), rng.integers(0, 2, n)
    label = (rng.random(n) < np.where(y == 1, np.array(tpr)[group], 0.2)).astype(np.int64)
    return y, label, group[:, None]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("target", ["equalized_odds", "demographic_parity"])
def test_families_mean_what_the_mean_spread_means(task: str, target: str) -> None:
    rng = np.random.default_rng(0)
    n = 400
    groups = np.column_stack([rng.integers(-1, 3, n), rng.integers(0, 40, n), np.zeros(n, int)])
    y = rng.normal(size=n) if task == "regression" else rng.integers(0, 2 + (task[0] == "m"), n)
    answer = rng.random((n, 3)) if task == "multiclass" else rng.random(n)
    label = {"binary": answer >= 0.5, "regression": answer}.get(task)
    label = answer.argmax(1) if label is None else label * 1.0
    found = families(y, label, groups, task=task, target=target)
    total = sum(f.share * np.std(f.rates()) for f in found)
    assert total == pytest.approx(mean_spread(y, answer, groups, task=task, target=target))
    assert sum(f.share for f in found) == pytest.approx(1)


@pytest.mark.parametrize(
    ("tpr", "truth"),
    [((0.7, 0.7, 0.7), 0.0), ((0.6, 0.7, 0.8), 0.0408), ((0.4, 0.9), 0.125)],
)
def test_the_interval_holds_the_true_spread(tpr: tuple[float, ...], truth: float) -> None:
    held, percentile = 0, 0
    runs = size(60, 120)
    for seed in range(runs):
        y, label, groups = _answers(seed, tpr)
        found = families(y, label, groups, task="binary", **ODDS)
        low, high = spread_interval(found, len(y), None, count=100, seed=seed, confidence=0.95)
        assert low <= mean_spread(y, label * 1.0, groups, task="binary", **ODDS) <= high
        held += low <= truth <= high
        again = [
            mean_spread(y[rows], label[rows] * 1.0, groups[rows], task="binary", **ODDS)
            for rows in draws(len(y), None, 20, seed)
        ]
        percentile += min(again) <= truth <= max(again)
    assert held / runs >= 0.91
    if truth == 0:
        assert percentile == 0, "why the interval is not a percentile one"


def test_rows_repeated_as_clusters_say_what_one_of_them_says() -> None:
    y, label, groups = _answers(1, (0.5, 0.8))
    many = np.repeat(np.arange(len(y)), 6)
    once = ScoringRows(y, groups, "binary", "equalized_odds")
    often = ScoringRows(y[many], groups[many], "binary", "equalized_odds", many)
    given = {"confidence": 0.95, "count": 60, "seed": 3}
    a = once.intervals(label * 1.0, 0.5, **given)
    b = often.intervals(label[many] * 1.0, 0.5, **given)
    for name, ends in a.items():
        assert ends == pytest.approx(b[name]), name
    naive = ScoringRows(y[many], groups[many], "binary", "equalized_odds")
    c = naive.intervals(label[many] * 1.0, 0.5, **given)
    assert c["auroc"][1] - c["auroc"][0] < 0.6 * (a["auroc"][1] - a["auroc"][0])


def test_rows_of_one_cluster_have_values_and_no_intervals() -> None:
    y, label, groups = _answers(2, (0.5, 0.8))
    judged = ScoringRows(y, groups, "binary", "equalized_odds", np.zeros(len(y), dtype=np.int64))
    table = path_table(
        [0.0], [label * 1.0], [0.5], judged, split="test", chosen=0, confidence=0.95
    )
    assert table["value"].null_count() == 0
    assert table["low"].null_count() == table["high"].null_count() == len(table)


def test_no_spread_at_all_starts_at_zero() -> None:
    groups = np.repeat([0, 1], 100)[:, None]
    y = np.tile([0, 1], 100)
    found = families(y, y, groups, task="binary", **ODDS)
    assert spread_interval(found, 200, None, count=20, seed=0, confidence=0.95) == (0.0, 0.0)
    label = np.tile([0, 1, 1, 1], 50)
    found = families(y, label, groups, task="binary", **ODDS)
    low, high = spread_interval(found, 200, None, count=50, seed=0, confidence=0.95)
    assert low == 0.0 < high
