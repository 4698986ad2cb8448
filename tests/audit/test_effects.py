"""Tables of the Effects page, by hand and against independent formulas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, chi2, norm
from sklearn.metrics import roc_auc_score

from fairaudit.audit.tables import cluster_effects
from fairaudit.audit.tables.cluster_effects import (
    CLUSTERS,
    EFFECTS,
    by_cluster,
    caterpillar,
    icc_interval,
    seen_table,
    share_of_clusters,
    variance_interval,
    widened,
)


def test_the_caterpillar_is_sorted_and_holds_unseen_clusters() -> None:
    effects = pl.DataFrame(
        {
            "cluster": ["a", "a", "b", "b"],
            "effect": ["intercept", "age"] * 2,
            "mean": [-1.0, 0.1, 2.0, 0.3],
            "sd": [0.5, 0.1, 0.25, 0.1],
            "prior_sd": [1.0, 0.5] * 2,
        }
    )
    table = caterpillar(effects, {"a": 10, "b": 40}, {"c": 7}, prior_sd=1.0, confidence=0.9)
    assert table.schema == EFFECTS
    assert table.filter(pl.col("effect") == "intercept")["cluster"].to_list() == ["b", "c", "a"]
    row = table.row(by_predicate=(pl.col("cluster") == "b") & (pl.col("effect") == "intercept"),
                    named=True)  # fmt: skip
    assert (row["low"], row["high"]) == pytest.approx(norm.interval(0.9, 2.0, 0.25))
    assert row["n"] == 40
    unseen = table.filter(~pl.col("seen"))
    assert unseen["cluster"].to_list() == ["c"]
    assert unseen["high"].item() == pytest.approx(norm.ppf(0.95))


def test_the_variance_share_is_between_against_all() -> None:
    assert share_of_clusters({"intercept": 1.0, "slopes": 9.0, "residual": 3.0}) == 0.25
    assert share_of_clusters({"residual": 2.0}) == 0.0


def test_accuracy_within_a_cluster_has_scipys_wilson_interval() -> None:
    y, label = np.zeros(40, int), np.repeat([0, 1], [12, 28])
    table = by_cluster(
        y, {"m": (label, None)}, np.full(40, "a"), y == 0, task="binary", confidence=0.95
    )
    row = table.row(0, named=True)
    expected = binomtest(12, 40).proportion_ci(0.95, method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


def test_a_perfect_order_within_a_small_cluster_is_not_certain() -> None:
    y = np.tile([0, 1], 8)
    table = by_cluster(
        y, {"m": (y, y * 1.0)}, np.full(16, "a"), y >= 0, task="binary", confidence=0.95
    )
    row = table.filter(pl.col("metric") == "auroc").row(0, named=True)
    assert row["value"] == row["high"] == 1
    assert 0.5 < row["low"] < 0.9


def shrunk(estimate: np.ndarray, noise: np.ndarray, between: float) -> tuple[np.ndarray, ...]:
    """Posterior mean and SD of clusters' intercepts under a normal prior."""
    share = between / (between + noise)
    return share * estimate, np.sqrt(share * noise)


def test_the_interval_of_a_variance_is_where_cochrans_q_lies_between_its_quantiles() -> None:
    rng = np.random.default_rng(3)
    noise = rng.uniform(0.05, 0.4, 30)
    estimate = rng.normal(0, np.sqrt(0.5 + noise))
    found = variance_interval(*shrunk(estimate, noise, 0.37), 0.37, confidence=0.95)
    grid = np.linspace(0, 4, 40_001)
    weight = 1 / (grid[:, None] + noise)
    centre = (weight @ estimate) / weight.sum(1)
    q = (weight * np.square(estimate - centre[:, None])).sum(1)
    held = grid[(q >= chi2.ppf(0.025, 29)) & (q <= chi2.ppf(0.975, 29))]
    assert found == pytest.approx((held.min(), held.max()), abs=2e-4)


@pytest.mark.parametrize("truth", [0.0, 0.04, 1.0])
def test_the_interval_of_a_variance_holds_the_truth(truth: float) -> None:
    rng = np.random.default_rng(4)
    held = []
    for _ in range(1_000):
        noise = 1 / rng.integers(5, 60, 24)
        estimate = rng.normal(0, np.sqrt(truth + noise))
        ends = variance_interval(*shrunk(estimate, noise, 0.1), 0.1, confidence=0.95)
        held.append(ends is not None and ends[0] <= truth <= ends[1])
    assert 0.93 <= np.mean(held) <= 0.97


def test_one_cluster_or_clusters_that_told_nothing_have_no_interval_of_the_variance() -> None:
    assert variance_interval(np.array([0.2]), np.array([0.1]), 0.5, confidence=0.95) is None
    assert variance_interval(np.zeros(3), np.full(3, 0.5), 0.25, confidence=0.95) is None
    assert (
        variance_interval(np.zeros(9), np.full(9, 0.1), 0.25, confidence=0.95) is None
    )  # all the same: too alike


@pytest.mark.parametrize("clusters", [8, 20, 60])
@pytest.mark.parametrize("truth", [0.1, 0.5, 1.0])
def test_effects_are_covered_with_the_prior_s_uncertainty(clusters: int, truth: float) -> None:
    """Levels of clusters, around an unknown common level; without it .89 to .93 were covered."""
    rng = np.random.default_rng([clusters, int(10 * truth)])
    holds, held_before = [], []
    for _ in range(400):
        noise = 1 / rng.integers(4, 40, clusters)
        own = rng.normal(0, truth, clusters)
        estimate = own + rng.normal(0, np.sqrt(noise))
        centre = (estimate / (truth**2 + noise)).sum() / (1 / (truth**2 + noise)).sum()
        between = max(float(np.mean((estimate - centre) ** 2 - noise)), 0.01)
        mean, sd = shrunk(estimate - centre, noise, between)
        wide, new = widened(mean, sd, between)
        assert (wide >= sd).all()
        assert new >= between**0.5
        holds.append(np.abs(mean + centre - own) <= 1.96 * wide)
        held_before.append(np.abs(mean + centre - own) <= 1.96 * sd)
    assert np.mean(holds) >= 0.93
    assert np.mean(held_before) < np.mean(holds)


def test_few_clusters_are_left_as_they_are() -> None:
    sd = np.array([0.2, 0.3])
    wide, new = widened(np.array([0.1, -0.1]), sd, 0.25)
    assert (wide == sd).all()
    assert new == 0.5


def test_the_share_of_clusters_has_the_ends_of_their_variance() -> None:
    rng = np.random.default_rng(5)
    mean, sd = shrunk(rng.normal(size=20), np.full(20, 0.1), 0.8)
    effects = pl.DataFrame({"effect": "intercept", "mean": mean, "sd": sd})
    low, high = variance_interval(mean, sd, 0.8, confidence=0.95) or (0.0, 0.0)
    found = icc_interval(effects, 0.8**0.5, residual=3.0, confidence=0.95)
    assert found == pytest.approx((low / (low + 3), high / (high + 3)))
    several = effects.with_columns(effect=pl.lit("intercept [b]"))
    assert icc_interval(several, 0.8**0.5, residual=3.0, confidence=0.95) is None


def judged() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    scores = {"mixed": y * 0.4 + rng.random(400) * 0.6, "fixed": rng.random(400)}
    answers = {name: ((s > 0.5).astype(int), s) for name, s in scores.items()}
    clusters = np.repeat(["a", "b", "tiny"], [200, 195, 5])
    return by_cluster(y, answers, clusters, clusters != "b", task="binary", confidence=0.95)


def test_fixed_against_mixed_by_cluster() -> None:
    table = judged()
    assert table.schema == CLUSTERS
    assert table.height == 2 * 3 * 2
    area = table.filter(pl.col("metric") == "auroc", pl.col("n") >= 10)
    assert area.filter(pl.col("value").is_between(pl.col("low"), pl.col("high"))).height == 4
    mixed, fixed = (area.filter(pl.col("model") == m)["value"].mean() for m in ("mixed", "fixed"))
    assert mixed > fixed + 0.2
    assert dict(zip(*table.select("cluster", "seen"), strict=True)) == {
        "a": True,
        "b": False,
        "tiny": True,
    }
    assert table.filter(pl.col("cluster") == "tiny")["status"].unique().to_list() == [
        "cannot be judged"
    ]


def test_auroc_by_cluster_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 120), rng.integers(0, 9, 120) / 9
    cluster = np.repeat(["a", "b"], 60)
    table = by_cluster(
        y, {"m": (y, score)}, cluster, cluster == "a", task="binary", confidence=0.95
    )
    found = table.filter(pl.col("metric") == "auroc")["value"]
    expected = [roc_auc_score(y[cluster == k], score[cluster == k]) for k in ("a", "b")]
    np.testing.assert_allclose(found, expected)


def test_one_class_has_no_auroc_and_values_have_squared_errors() -> None:
    y = np.ones(20, int)
    table = by_cluster(
        y, {"m": (y, y * 0.5)}, np.full(20, "a"), y > 0, task="binary", confidence=0.95
    )
    undefined = table.filter(pl.col("metric") == "auroc").row(0, named=True)
    assert undefined["value"] is None
    assert undefined["status"] == "cannot be judged"
    value = np.arange(20.0)
    squared = by_cluster(
        value,
        {"m": (value + 2, None)},
        np.full(20, "a"),
        y > 0,
        task="regression",
        confidence=0.95,
    )
    assert squared.select("metric", "value", "low", "high").row(0) == ("mse", 4.0, 4.0, 4.0)


def test_many_classes_are_judged_by_accuracy() -> None:
    y = np.arange(30) % 3
    table = by_cluster(
        y, {"m": (y, np.eye(3)[y])}, np.full(30, "a"), y >= 0, task="multiclass", confidence=0.95
    )
    assert table["metric"].to_list() == ["accuracy"]
    assert table["value"].item() == 1.0


def test_seen_means_that_training_rows_exist() -> None:
    table = seen_table(
        np.arange(5), np.array([0, 1, 1, -1, 2]), np.array([True, True, False, False, False])
    )
    assert table["seen"].to_list() == [True, True, True, False, False]


def test_the_page_needs_no_torch() -> None:
    code = "import fairaudit.audit.tables.cluster_effects, sys; print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def test_samples_come_a_few_at_a_time_and_the_same_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = cluster_effects.Drawn(50, 7, (3, 1))
    whole = np.concatenate(list(drawn))
    assert whole.shape == (7, 50)
    assert whole.min() >= 0
    assert whole.max() == 49
    monkeypatch.setattr(cluster_effects, "CELLS", 100)
    pieces = list(drawn)
    assert [len(p) for p in pieces] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
