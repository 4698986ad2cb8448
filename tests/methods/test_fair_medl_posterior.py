"""The settled posterior of cluster effects: planted truth, agreement with mixed models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from fairaudit.methods.fair_medl.posterior import Sites, _newton_step, _solve, settled
from fairaudit.methods.fair_medl.weights import Weights

CLUSTERS, ROWS = 40, 4000


def _weights(task: str, q: int, noise: float = 1.0) -> Weights:
    """A fixed part that is the identity of the first input, effects not settled at all."""
    layers = ((np.eye(1), np.zeros(1)),)
    shape = (CLUSTERS, q, 1)
    start = (np.zeros(shape), np.full(shape, 0.04), np.full(shape[1:], 0.3))
    slopes = "none" if q == 1 else "inputs"
    return Weights(layers, *start, noise, slopes, task, True)


def _rows(seed: int, sd: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.choice(CLUSTERS, ROWS, p=rng.dirichlet(np.full(CLUSTERS, 2.0)))
    own = rng.normal(0, sd, CLUSTERS)
    return rng.standard_normal((ROWS, 1)), codes, own


def _covered(found: Weights, own: np.ndarray) -> float:
    gap = np.abs(found.effect_mean[:, -1, 0] - own)
    return float((gap <= 1.96 * found.effect_sd[:, -1, 0]).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_intercepts_of_a_binary_outcome_lie_in_their_intervals(seed):
    X, codes, own = _rows(seed, 0.8)
    y = (np.random.default_rng(seed + 9).random(ROWS) < expit(X[:, 0] + own[codes])) * 1.0
    found = settled(_weights("binary", 1), X, y, codes, np.ones(ROWS))
    assert _covered(found, own) >= 0.85
    assert found.prior_sd[0, 0] == pytest.approx(own.std(), rel=0.25)


def test_gaussian_effects_equal_a_mixed_model_of_statsmodels():
    import statsmodels.api as sm

    X, codes, own = _rows(4, 0.7)
    y = X[:, 0] + own[codes] + np.random.default_rng(5).standard_normal(ROWS)
    found = settled(_weights("regression", 1), X, y, codes, np.ones(ROWS))
    model = sm.MixedLM(y - X[:, 0], np.ones((ROWS, 1)), groups=codes).fit()
    theirs = np.array([model.random_effects[k].iloc[0] for k in range(CLUSTERS)])
    assert np.corrcoef(found.effect_mean[:, 0, 0], theirs)[0, 1] > 0.999
    between = float(np.sqrt(np.asarray(model.cov_re).item()))
    assert found.prior_sd[0, 0] == pytest.approx(between, rel=0.05)


def test_clusters_that_do_not_differ_are_pulled_to_nothing():
    X, codes, _ = _rows(6, 0.0)
    y = (np.random.default_rng(7).random(ROWS) < expit(X[:, 0])) * 1.0
    found = settled(_weights("binary", 1), X, y, codes, np.ones(ROWS))
    assert np.abs(found.effect_mean).max() < 0.2
    assert found.prior_sd[0, 0] < 0.2


def test_few_rows_leave_a_wide_interval_and_many_a_narrow_one():
    X, codes, own = _rows(8, 0.8)
    y = (np.random.default_rng(9).random(ROWS) < expit(X[:, 0] + own[codes])) * 1.0
    found = settled(_weights("binary", 2), X, y, codes, np.ones(ROWS))
    count = np.bincount(codes, minlength=CLUSTERS)
    sd = found.effect_sd[:, -1, 0]
    assert sd[count.argmin()] > 1.5 * sd[count.argmax()]


def test_clusters_with_fewer_rows_than_effects_have_the_same_posterior():
    rng = np.random.default_rng(12)
    Z, curve, precision = rng.normal(size=(5, 9)), rng.uniform(0.1, 0.3, 5), rng.uniform(1, 4, 9)
    gradient = rng.normal(size=9)
    found = _solve(Z[None], curve[None], precision, gradient[None], True)
    step, variance = (part[0] for part in found)
    inverse = np.linalg.inv((Z.T * curve) @ Z + np.diag(precision))
    np.testing.assert_allclose(step, inverse @ gradient)
    np.testing.assert_allclose(variance, np.diag(inverse))


def test_a_cluster_without_rows_keeps_the_prior():
    X, codes, own = _rows(10, 0.8)
    kept = codes != 3
    y = (np.random.default_rng(11).random(ROWS) < expit(X[:, 0] + own[codes])) * 1.0
    found = settled(_weights("binary", 1), X[kept], y[kept], codes[kept], np.ones(kept.sum()))
    assert found.effect_mean[3, 0, 0] == 0
    assert found.effect_sd[3, 0, 0] == pytest.approx(found.prior_sd[0, 0], rel=0.05)


def test_blocks_of_clusters_are_solved_as_each_alone():
    rng = np.random.default_rng(0)
    sizes = [0, 1, 2, 3, 5, 8, 40, 300, 700, 0]  # without rows, fewer and more than effects
    z = rng.permutation(np.repeat(np.arange(10), sizes))
    X, y = rng.normal(size=(len(z), 4)), rng.integers(0, 2, len(z)).astype(float)
    weight, prior = rng.uniform(0.5, 2, len(z)), rng.uniform(0.2, 1, (5, 1))
    layers, mean = ((rng.normal(size=(4, 1)), np.zeros(1)),), rng.normal(size=(10, 5, 1))
    weights = Weights(layers, mean, np.ones_like(mean), prior, 1.0, "inputs", "binary", True)
    sites = Sites.of(weights, X, y, z, weight)
    step, variance = _newton_step(weights, sites, 1.0)
    for k in range(10):
        own = sites.codes == k
        Z, raw = sites.Z[own], sites.mixed(mean)[own, 0]
        p = 1 / (1 + np.exp(-raw))
        curve = np.maximum(p * (1 - p), 1e-4) * sites.weight[own]
        inverse = np.linalg.inv(Z.T @ (curve[:, None] * Z) + np.diag(1 / prior[:, 0] ** 2))
        slope = (sites.y[own] - p) * sites.weight[own]
        gradient = Z.T @ slope - mean[k, :, 0] / prior[:, 0] ** 2
        np.testing.assert_allclose(step[k, :, 0], inverse @ gradient, atol=1e-9)
        np.testing.assert_allclose(variance[k, :, 0], np.diag(inverse), atol=1e-9)


# incidence and size of herds in four periods (Lesnoff et al. 2004; data set cbpp of lme4)
INCIDENCE = (
    (2, 3, 4, 0), (3, 1, 1), (8, 2, 0, 2), (2, 0, 2, 0), (5, 0, 0, 1), (3, 0, 0, 1), (8, 1, 3, 0),
    (12,), (2, 0, 0, 0), (1, 1, 0, 2), (0, 5, 3, 1), (2, 1, 0, 0), (1, 2, 0, 0), (11, 0, 0, 0),
    (1, 1, 1, 0),
)  # fmt: skip
SIZE = (
    (14, 12, 9, 5), (22, 18, 21), (22, 16, 16, 20), (10, 10, 9, 6), (18, 25, 24, 4),
    (17, 17, 18, 20), (16, 10, 9, 5), (34,), (9, 6, 8, 6), (22, 22, 18, 22), (25, 27, 22, 22),
    (10, 8, 6, 5), (21, 24, 19, 23), (19, 2, 3, 2), (19, 15, 15, 15),
)  # fmt: skip
GLMER = np.array([-1.3983, -0.9919, -1.1282, -1.5797])  # intercept, periods 2, 3, 4
GLMER_SD = 0.6421  # of the herds' intercepts, as lme4's manual prints it


def test_herds_have_the_spread_that_glmer_finds() -> None:
    herd = np.repeat(np.arange(15), [sum(size) for size in SIZE])
    level = np.concatenate([[GLMER[0], *(GLMER[0] + GLMER[1:])][: len(size)] for size in SIZE])
    rows = [n for size in SIZE for n in size]
    ill = np.concatenate(
        [np.arange(n) < k for s, i in zip(SIZE, INCIDENCE, strict=True)
         for n, k in zip(s, i, strict=True)]
    )  # fmt: skip
    start = (np.zeros((15, 1, 1)), np.full((15, 1, 1), 0.04), np.full((1, 1), 0.3))
    weights = Weights(((np.eye(1), np.zeros(1)),), *start, 1.0, "none", "binary", True)
    X = np.repeat(level, rows)[:, None]
    found = settled(weights, X, ill.astype(float), herd, np.ones(len(herd)))
    assert found.prior_sd[0, 0] == pytest.approx(GLMER_SD, rel=0.05)


@pytest.mark.parametrize("sd", [0.2, 0.3, 0.6])
def test_the_spread_is_em_s_limit_and_not_where_it_became_slow(sd: float) -> None:
    rng = np.random.default_rng(int(10 * sd))
    n, K = 500, 30
    codes, own, X = rng.integers(0, K, n), rng.normal(0, sd, K), rng.standard_normal((n, 1))
    y = (rng.random(n) < expit(X[:, 0] + own[codes])) * 1.0
    start = (np.zeros((K, 1, 1)), np.full((K, 1, 1), 0.04), np.full((1, 1), 0.3))
    weights = Weights(((np.eye(1), np.zeros(1)),), *start, 1.0, "none", "binary", True)
    found = settled(weights, X, y, codes, np.ones(n)).prior_sd.item()
    mean, prior = np.zeros((K, 1, 1)), 0.5
    for _ in range(3_000):  # plain EM, which has the same limit
        now = replace(weights, effect_mean=mean, prior_sd=np.full((1, 1), prior))
        step, variance = _newton_step(now, Sites.of(now, X, y, codes, np.ones(n)), 1.0)
        mean = mean + step
        prior = float(np.sqrt((mean**2 + variance).mean()))
    assert found == pytest.approx(prior, rel=0.02, abs=0.03)  # near 0 both still fall
