"""Partial pooling: the hierarchical model against brute force, coverage of groups and outliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from fairaudit import audit_predictions
from fairaudit.audit.metrics import pooling
from fairaudit.audit.metrics.pooling import Noisy
from fairaudit.stats import hierarchical, intervals


def _rates(p: np.ndarray, n: np.ndarray) -> Noisy:
    mean = (float(p @ n) + 0.5) / (float(n.sum()) + 1)

    def ends(tail: np.ndarray, side: int) -> np.ndarray:
        return intervals.wilson(p, n, 0.0, z=-special.ndtri(tail))[side]

    return Noisy(p, mean * (1 - mean) / n, lambda tail: ends(tail, 0), lambda t: ends(t, 1))


def _normal(value: np.ndarray, variance: np.ndarray) -> Noisy:
    se = np.sqrt(variance)
    return Noisy(
        value,
        variance,
        lambda tail: value + special.ndtri(tail) * se,
        lambda tail: value - special.ndtri(tail) * se,
    )


def test_the_value_is_the_posterior_mean_over_mean_and_spread() -> None:
    """Against a sum over a fine grid of both; the spread's grid is that of the prior's weights."""
    value, variance = np.array([0.2, 0.35, 0.9, 0.3]), np.array([0.01, 0.04, 0.02, 0.005])
    scale = np.sqrt(4 / (1 / variance).sum())
    mean = np.linspace(-3, 4, 1_401)[:, None, None]
    spread = scale * np.tan(np.pi / 2 * (np.arange(2_000) + 0.5) / 2_000)[None, :, None]
    total = variance + spread**2
    log = stats.norm.logpdf(value, mean, np.sqrt(total)).sum(axis=2, keepdims=True)
    chance = np.exp(log - log.max())
    kept = spread**2 / total
    expected = (chance * (kept * value + (1 - kept) * mean)).sum(axis=(0, 1)) / chance.sum()
    found = hierarchical.posterior(value, variance)[0]
    assert found == pytest.approx(expected, abs=0.003)


def test_what_the_others_expect_takes_no_account_of_the_group_itself() -> None:
    value, variance = np.array([0.2, 0.35, 0.9, 0.3]), np.array([0.01, 0.04, 0.02, 0.005])
    moved = value.copy()
    moved[2] = -7.0
    before, after = (hierarchical.of_the_others(v, variance) for v in (value, moved))
    # the grid of spreads depends on the variances only, so that nothing at all changes
    assert before[0][2] == pytest.approx(after[0][2], abs=1e-9)
    assert before[1][2] == pytest.approx(after[1][2], abs=1e-9)
    assert abs(before[0][0] - after[0][0]) > 0.05


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(0.001, 10), st.sampled_from([0.8, 0.95, 0.99]))
def test_coverage_does_not_depend_on_what_the_others_expect(
    mean: float, spread: float, level: float
) -> None:
    """Exactly: the observations for which the interval holds 0 have probability `level`."""
    seen = np.linspace(-6, 6, 4_001)
    groups = _normal(seen, np.ones(len(seen)))
    low, high = pooling.assisted(
        groups, np.full(len(seen), mean), np.full(len(seen), spread), level
    )
    holds = (low <= 0) & (high >= 0)
    step = seen[1] - seen[0]
    assert float(stats.norm.pdf(seen[holds]).sum() * step) == pytest.approx(level, abs=0.003)


def test_groups_that_agree_have_shorter_intervals_than_alone() -> None:
    value, variance = np.full(12, 0.3), np.full(12, 0.01)
    groups = _normal(value, variance)
    low, high = pooling.assisted(groups, *hierarchical.of_the_others(value, variance), 0.95)
    assert (high - low < 0.9 * 2 * 1.96 * 0.1).all()
    assert (high - low > 0.83 * 2 * 1.96 * 0.1).all()  # one-sided limits at both ends


DESIGNS = [  # groups, rows of each, their rate, the rate of the outlier
    (8, 30, 0.3, 0.3),
    (8, 30, 0.3, 0.4),
    (8, 30, 0.3, 0.6),
    (12, 30, 0.1, 0.3),
    (20, 10, 0.5, 0.8),
    (5, 100, 0.97, 0.85),
]


@pytest.mark.parametrize(("G", "n", "rate", "other"), DESIGNS)
def test_equal_groups_and_an_outlier_among_them_are_covered(
    G: int, n: int, rate: float, other: float, request: pytest.FixtureRequest
) -> None:
    runs = 1_500 if request.config.getoption("--nightly") else 250
    rng = np.random.default_rng([G, n, int(100 * other)])
    truth = np.full(G, rate)
    truth[0] = other
    holds = np.empty((runs, G))
    closer = np.zeros(2)
    for i in range(runs):
        p = rng.binomial(n, truth) / n
        value, low, high = pooling.shrunken(_rates(p, np.full(G, float(n))), 0.95, (0, 1))
        assert ((low <= value) & (value <= high)).all()
        holds[i] = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
        closer += ((value - truth) ** 2).sum(), ((p - truth) ** 2).sum()
    error = 3 * np.sqrt(0.93 * 0.07 / runs)
    assert holds[:, 0].mean() >= 0.93 - error
    assert holds[:, 1:].mean() >= 0.93 - error / np.sqrt(G - 1)
    if rate == other:
        assert closer[0] < 0.5 * closer[1]


def test_means_are_pooled_with_weights_and_clusters() -> None:
    rng = np.random.default_rng(1)
    g = rng.choice([f"g{i}" for i in range(6)], 600)
    y = rng.normal(0, 1, 600)
    given_rows = {"sensitive_features": g, "task": "regression", "metrics": ("mse",), "n_boot": 0}
    for extra in ({}, {"sample_weight": rng.gamma(2, 1, 600)}, {"clusters": rng.choice(60, 600)}):
        rows = audit_predictions(y, np.zeros(600), **given_rows, **extra).errors
        rows = rows.filter(attribute="group")
        assert rows["shrunken"].null_count() == 0
        assert (rows["shrunken_low"] < rows["shrunken"]).all()
        assert rows["shrunken"].std() < rows["value"].std()


def test_two_groups_borrow_nothing() -> None:
    y = np.ones(80, dtype=int)
    p = np.tile([0, 1], 40)
    rows = audit_predictions(y, p, sensitive_features=["a", "b"] * 40, n_boot=0).errors
    assert rows["shrunken"].null_count() == len(rows)


def test_rates_of_nobody_stay_in_their_bounds() -> None:
    groups = _rates(np.zeros(4), np.array([5.0, 10.0, 30.0, 100.0]))
    value, low, high = pooling.shrunken(groups, 0.95, (0, 1))
    assert (low == 0).all()
    assert ((value >= 0) & (value < 0.01)).all()
    assert (high < intervals.wilson(0.0, np.array([5.0, 10.0, 30.0, 100.0]), 0.95)[1]).all()
    narrower = replace(groups, variance=groups.variance / 4)
    assert np.isfinite(pooling.shrunken(narrower, 0.95, (0, 1))[2]).all()
