"""Tests of calibration within groups: uniform p-values, known answers, what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from fairaudit import audit_predictions
from fairaudit.audit.result import AuditResult
from fairaudit.report.sections import sections
from fairaudit.stats.calibration_tests import (
    CERTAIN,
    FEW,
    CalibrationTests,
    ScoredRows,
    calibration_tests,
    detectable_shift,
    lever,
)
from fairaudit.text.sentences.calibration import calibration_sentence, groups_tested
from tests.sizes import binomial_error, nightly, size

Law = Callable[[np.random.Generator, int], np.ndarray]
LAWS: dict[str, Law] = {
    "uniform": lambda rng, n: rng.random(n),
    "extreme": lambda rng, n: rng.beta(0.3, 0.3, n),
    "rare": lambda rng, n: rng.beta(0.5, 20, n),
    "coarse": lambda rng, n: rng.choice([0.1, 0.5, 0.9], n),
    "constant": lambda rng, n: np.full(n, 0.3),
}


def _test(score: np.ndarray, y: np.ndarray, **more: Any) -> CalibrationTests:
    codes = np.zeros(len(score), dtype=np.int64)
    return calibration_tests(ScoredRows(score, y, codes, 1, **more))


def _drawn(rng: np.random.Generator, score: np.ndarray) -> np.ndarray:
    return (rng.random(len(score)) < score).astype(np.int64)


def _p_values(law: Law, n: int, runs: int, **more: Any) -> np.ndarray:
    rng = np.random.default_rng(n)
    found = []
    for _ in range(runs):
        score = law(rng, n)
        found.append(_test(score, _drawn(rng, score), **more).p[0])
    return np.array(found)


@pytest.mark.parametrize("n", [30, 300, *nightly(100, 1000)])
@pytest.mark.parametrize("law", LAWS)
def test_p_values_of_a_calibrated_score_are_no_smaller_than_uniform(law: str, n: int) -> None:
    runs = size(150, 2000)
    p = _p_values(LAWS[law], n, runs)
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (p <= level).mean() <= level + 1.5 * binomial_error(level, runs)


@pytest.mark.parametrize("n", [30, 300, *nightly(100, 1000)])
def test_p_values_of_a_calibrated_score_are_uniform(n: int) -> None:
    p = _p_values(LAWS["uniform"], n, size(200, 2000))
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("k", [12, *nightly(8, 30)])
def test_clusters_keep_the_level(k: int, correlated: bool) -> None:
    rng, runs, n = np.random.default_rng(k), size(150, 2000), 180
    cluster, rejected = np.arange(n) % k, 0
    for _ in range(runs):
        score = rng.random(n)
        shared = rng.normal(0, 1, k)[cluster] if correlated else rng.normal(0, 1, n)
        chance = stats.norm.cdf((shared + rng.normal(0, 1, n)) / np.sqrt(2))
        y = (chance < score).astype(np.int64)
        rejected += _test(score, y, cluster=cluster).p[0] <= 0.05
    assert rejected / runs <= 0.05 + binomial_error(0.05, runs)


def test_unequal_weights_keep_the_level() -> None:
    rng, runs = np.random.default_rng(5), size(150, 2000)
    rejected = 0
    for _ in range(runs):
        score, weight = rng.random(40), rng.lognormal(0, 1, 40)
        rejected += _test(score, _drawn(rng, score), weight=weight).p[0] <= 0.05
    assert rejected / runs <= 0.05 + binomial_error(0.05, runs)


def test_the_simulated_p_is_that_of_all_outcomes() -> None:
    score, y = np.array([0.2, 0.4, 0.7, 0.9, 0.5, 0.35, 0.15, 0.8]), np.array([1] * 5 + [0] * 3)
    x, spread = lever(score), score * (1 - score)
    variance = np.array([[spread.sum(), (spread * x).sum()], [0, (spread * x * x).sum()]])
    variance[1, 0] = variance[0, 1]

    def statistic(outcome: np.ndarray) -> float:
        u = np.array([(outcome - score).sum(), ((outcome - score) * x).sum()])
        return float(u @ np.linalg.solve(variance, u))

    exact = 0.0
    for code in range(2**8):
        outcome = np.array([code >> i & 1 for i in range(8)])
        chance = np.prod(np.where(outcome == 1, score, 1 - score))
        exact += chance * (statistic(outcome) >= statistic(y) - 1e-9)
    runs = np.mean(
        [
            calibration_tests(ScoredRows(score, y, np.zeros(8, np.int64), 1), seed).p[0]
            for seed in range(40)
        ]
    )
    assert runs == pytest.approx(exact, rel=0.1)


def test_large_groups_have_the_textbook_statistic() -> None:
    rng = np.random.default_rng(2)
    score = rng.random(4000)
    y = _drawn(rng, score**1.1)
    x, spread = lever(score), score * (1 - score)
    design = np.column_stack([np.ones(len(x)), x])
    u = design.T @ (y - score)
    expected = u @ np.linalg.solve((design * spread[:, None]).T @ design, u)
    found = _test(score, y)
    assert found.level[0] ** 2 + found.slope[0] ** 2 == pytest.approx(expected)
    assert found.p[0] == pytest.approx(stats.chi2.sf(expected, 2))


def test_equal_scores_test_the_level_alone() -> None:
    y = np.repeat([1, 0], [120, 280])
    found = _test(np.full(400, 0.25), y)
    z = (120 - 100) / np.sqrt(400 * 0.25 * 0.75)
    assert (found.level[0], found.slope[0]) == (pytest.approx(z), 0)
    assert found.p[0] == pytest.approx(stats.chi2.sf(z**2, 1))


def test_the_signs_say_what_is_off() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.1, 0.9, 3000)
    y, logit = _drawn(rng, truth), np.log(truth / (1 - truth))
    extreme, cautious = (1 / (1 + np.exp(-logit * k)) for k in (2.0, 0.5))
    assert _test(extreme, y).slope[0] < -3
    assert _test(cautious, y).slope[0] > 3
    assert _test(truth - 0.08, y).level[0] > 3
    assert _test(truth + 0.08, y).level[0] < -3


def test_a_certain_score_that_was_wrong_is_not_calibrated() -> None:
    score, y = np.array([1.0] * 20 + [0.5] * 20), np.array([1] * 19 + [0] + [0, 1] * 10)
    found = _test(score, y)
    assert found.p[0] == 0
    assert found.method[0] == CERTAIN
    assert _test(np.array([0.0, 1.0] * 10), np.array([0, 1] * 10)).p[0] == 1


def test_counted_rows_are_tested_as_the_rows_they_stand_for() -> None:
    rng = np.random.default_rng(4)
    score = rng.choice([0.2, 0.5, 0.8], 3000)
    y = _drawn(rng, score * 0.95)
    cells = pl.DataFrame({"s": score, "y": y}).group_by("s", "y", maintain_order=True).len()
    whole = _test(score, y)
    counted = _test(*(cells[c].to_numpy() for c in "sy"), times=cells["len"].to_numpy() * 1.0)
    assert counted.p[0] == pytest.approx(whole.p[0])
    few = slice(0, int(FEW))
    small = pl.DataFrame({"s": score[few], "y": y[few]}).group_by("s", "y").len()
    again = _test(*(small[c].to_numpy() for c in "sy"), times=small["len"].to_numpy() * 1.0)
    assert again.p[0] == pytest.approx(_test(score[few], y[few]).p[0], rel=0.5)


def test_few_clusters_and_empty_groups_are_not_tested() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(50)
    assert np.isnan(_test(score, _drawn(rng, score), cluster=np.arange(50) % 7).p[0])
    rows = ScoredRows(score, _drawn(rng, score), np.zeros(50, np.int64), 2)
    assert np.isnan(calibration_tests(rows).p[1])


# -- the audit and its words ----------------------------------------------------------------------


def _audited(off: float, *, extreme: float = 1.0, n: int = 1500) -> AuditResult:
    rng = np.random.default_rng(8)
    group, truth = np.repeat(["f", "m"], n), rng.uniform(0.1, 0.8, 2 * n)
    y, logit = _drawn(rng, truth), np.log(truth / (1 - truth))
    shifted = np.where(group == "f", 1 / (1 + np.exp(-(extreme * logit - off))), truth)
    return audit_predictions(
        y, y_score={"risk": shifted}, sensitive_features={"sex": group}, positive=1, n_boot=0
    )


ASKED = {"attribute": "sex", "model": "risk", "split": "test"}


def test_the_group_whose_scores_are_too_low_is_named() -> None:
    found = _audited(0.6)
    said = calibration_sentence(found, **ASKED)
    assert "**not calibrated** for" in said
    assert "2 groups tested" in said
    rows = groups_tested(found, **ASKED)
    assert rows["group"][0] == "f"
    assert rows["observed"][0] > rows["mean_score"][0]
    assert rows.filter(pl.col("group") == "m")["p_adjusted"][0] > 0.05
    section = next(s for s in sections(found) if s.table == "calibration_tests")
    assert said in section.sentences


def test_scores_that_are_too_extreme_are_called_so() -> None:
    assert "too extreme" in calibration_sentence(_audited(0.0, extreme=2.5), **ASKED)


def test_calibrated_scores_are_not_called_miscalibrated() -> None:
    said = calibration_sentence(_audited(0.0), **ASKED)
    assert "no miscalibration" in said
    assert "2 groups" in said


def test_p_values_are_adjusted_over_all_groups() -> None:
    table = _audited(0.6).tables["calibration_tests"]
    assert table.height == 3  # all rows together, and two groups
    expected = stats.false_discovery_control(table["p"].to_numpy())
    assert table["p_adjusted"].to_numpy() == pytest.approx(expected)


def test_scores_that_are_no_probabilities_and_decisions_alone_are_not_tested() -> None:
    y, group = np.arange(200) % 2, np.repeat(["a", "b"], 100)
    ranks = audit_predictions(
        y, y_score=np.arange(200) % 10, cuts=5, sensitive_features=group, positive=1
    )
    alone = audit_predictions(y, y, sensitive_features=group, positive=1)
    for found in (ranks, alone):
        assert "calibration_tests" not in found.tables
        assert not any(s.table == "calibration_tests" for s in sections(found))


def test_hidden_groups_are_not_tested() -> None:
    rng = np.random.default_rng(0)
    score, group = rng.random(430), np.repeat(["a", "b", "c"], [200, 200, 30])
    found = audit_predictions(
        _drawn(rng, score), y_score=score, sensitive_features=group, suppress_below=50, positive=1
    )
    assert set(found.tables["calibration_tests"]["group"]) == {"all", "b"}


@pytest.mark.parametrize("n", [60, 300, *nightly(1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_detectable_shift_has_the_power_it_states(n: int, confidence: float) -> None:
    rng = np.random.default_rng(n)
    runs, shown, stated = size(200, 1000), 0, []
    for _ in range(runs):
        score = rng.uniform(0.25, 0.7, n)
        shift = detectable_shift(_test(score, np.zeros(n, dtype=np.int64)).error, confidence)[0]
        y = (rng.random(n) < np.clip(score + shift, 0, 1)).astype(np.int64)
        shown += _test(score, y).p[0] <= 1 - confidence
        stated.append(shift)
    assert 0.75 - binomial_error(0.8, runs) <= shown / runs <= 0.92
    assert max(stated) < 0.3


def test_weights_make_a_shift_harder_to_detect_and_clusters_leave_it_unknown() -> None:
    rng = np.random.default_rng(3)
    score, y = rng.uniform(0.2, 0.8, 200), rng.integers(0, 2, 200)
    plain = detectable_shift(_test(score, y).error, 0.95)[0]
    weighted = _test(score, y, weight=rng.gamma(1.0, 1.0, 200)).error
    assert detectable_shift(weighted, 0.95)[0] > 1.2 * plain
    assert np.isnan(_test(score, y, cluster=np.arange(200) % 20).error).all()
    assert detectable_shift(np.array([0.01]), 0.99)[0] > detectable_shift(np.array([0.01]), 0.9)[0]


def test_a_sentence_that_finds_nothing_states_what_would_have_been_shown() -> None:
    rng = np.random.default_rng(8)
    score = rng.random(400)
    result = audit_predictions(
        (rng.random(400) < score).astype(int), (score > 0.5).astype(int), y_score=score,
        sensitive_features={"g": np.repeat(["a", "b"], [320, 80])}, n_boot=0,
    )  # fmt: skip
    said = calibration_sentence(result, attribute="g", model="model", split="test")
    assert "no miscalibration" in said
    assert "With the 80 rows of b" in said
    assert "in 80% of samples" in said
