"""Paired bounds: oracles for each metric, and the promise that no group is harmed by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from fairaudit.exceptions import SpecError
from fairaudit.methods.no_harm_table import ChoiceRules, bounds, rows_needed
from fairaudit.stats.paired_bounds import PairedCounts, holm
from fairaudit.stats.paired_differences import Answers, Metric, evidence
from tests.sizes import binomial_error, size


def counts(n, gains, losses):
    return PairedCounts(*(np.array([float(v)]) for v in (n, gains, losses)))


@pytest.mark.parametrize(("gains", "losses"), [(5, 0), (9, 3), (30, 22), (3, 9)])
def test_p_value_is_never_below_the_exact_mcnemar_test(gains, losses):
    exact = binomtest(gains, gains + losses, alternative="greater").pvalue
    found = counts(400, gains, losses)
    assert found._exact_p(0.0)[0] == pytest.approx(exact)
    assert found.p_value(0.0)[0] >= exact - 1e-12


def tango_statistic(n, b, c, shift):
    """The score statistic with its nuisance parameter found by a grid, not the closed form."""
    q = np.linspace(max(0.0, -shift), (1 - shift) / 2, 200001)[1:-1]
    likelihood = b * np.log(q + shift) + c * np.log(q) + (n - b - c) * np.log(1 - 2 * q - shift)
    best = q[np.argmax(likelihood)]
    return (b - c - n * shift) / np.sqrt(n * (2 * best + shift * (1 - shift)))


@pytest.mark.parametrize(("n", "b", "c", "shift"), [(50, 9, 3, 0.05), (200, 20, 31, -0.02)])
def test_score_statistic_equals_a_grid_search(n, b, c, shift):
    found = counts(n, b, c)._score(np.array([shift]))[0]
    assert found == pytest.approx(tango_statistic(n, b, c, shift), abs=1e-3)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 40), st.integers(0, 40), st.integers(0, 300), st.floats(0.005, 0.3),
    st.sampled_from([0.0, 0.01, 0.05]),
)  # fmt: skip
def test_bound_clears_the_hurdle_exactly_when_the_p_value_is_small(b, c, rest, level, tolerance):
    found = counts(b + c + rest + 1, b, c)
    p = found.p_value(tolerance)[0]
    if abs(p - level) > 1e-9:
        assert (found.lower(np.array([level]))[0] > -tolerance) == (p < level)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 300))
def test_bounds_hold_the_estimate_between_them(b, c, rest):
    found = counts(b + c + rest, b, c)
    level = np.array([0.05])
    estimate = (b - c) / (b + c + rest)
    assert found.lower(level)[0] <= estimate + 1e-9
    assert found.upper(level)[0] >= estimate - 1e-9


def simulated(n, disagreement, difference, runs, groups, seed):
    rng = np.random.default_rng(seed)
    p = [(disagreement + difference) / 2, (disagreement - difference) / 2]
    drawn = rng.multinomial(n, [*p, 1 - sum(p)], size=(runs, groups)).astype(float)
    return PairedCounts(np.full((runs, groups), float(n)), drawn[..., 0], drawn[..., 1])


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("disagreement", [0.05, 0.15, 0.3])
def test_expert_one_point_worse_is_accepted_in_at_most_5_percent(n, disagreement):
    drawn = simulated(n, disagreement, -0.01, 20000, 1, seed=n)
    accepted = (drawn.lower(np.full(drawn.n.shape, 0.05)) > 0).mean()
    paper = (drawn.gains >= drawn.losses).mean()
    assert accepted <= 0.05
    assert paper > 2 * accepted  # the rule on point estimates accepts far more often


def test_paper_rule_accepts_harmful_experts_as_often_as_stated():
    drawn = simulated(200, 0.2, -0.01, 20000, 1, seed=5)
    assert 0.33 < (drawn.gains > drawn.losses).mean() < 0.45


@pytest.mark.parametrize("groups", [3, 8])
def test_any_group_is_harmed_by_chance_in_at_most_5_percent_of_runs(groups):
    drawn = simulated(300, 0.15, -0.0, 8000, groups, seed=groups)
    accepted, _ = holm(drawn.p_value(0.0), 0.05)
    assert accepted.any(axis=1).mean() <= 0.05


def test_tolerance_moves_the_hurdle_and_keeps_the_level():
    drawn = simulated(400, 0.15, -0.02, 20000, 1, seed=9)
    accepted = (drawn.lower(np.full(drawn.n.shape, 0.05)) > -0.02).mean()
    assert 0.02 < accepted <= 0.055


def step_down(p, alpha):
    """Holm's procedure as its paper states it."""
    rejected = np.zeros(len(p), dtype=bool)
    for k, i in enumerate(np.argsort(p)):
        if p[i] > alpha / (len(p) - k):
            break
        rejected[i] = True
    return rejected


def test_holm_equals_the_step_down_loop_and_levels_match_the_decisions():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.uniform(0, 0.1, int(rng.integers(1, 9)))
        rejected, level = holm(p, 0.05)
        assert (rejected == step_down(p, 0.05)).all()
        assert (rejected == (p <= level)).all()


def test_groups_that_take_no_part_do_not_cost_level():
    rejected, level = holm(np.array([0.04, np.nan, np.nan]), 0.05)
    assert rejected.tolist() == [True, False, False]
    assert level[0] == pytest.approx(0.05)


def rows(seed=0, n=600, groups=3):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(int)
    scores = [y + rng.normal(0, s, n) for s in (1.0, 1.4)]
    return y, scores, rng.integers(0, groups, n)


def test_accuracy_counts_can_be_checked_by_hand():
    y = np.array([1, 1, 0, 0, 1])
    expert, baseline = Answers(np.array([1, 1, 0, 1, 0])), Answers(np.array([1, 0, 1, 0, 0]))
    found = evidence(y, expert, baseline, np.zeros(5, dtype=int), 1, "accuracy")
    assert found.table.tolist() == [[1, 2, 1, 1]]
    assert found.difference[0] == pytest.approx(0.2)
    assert not found.judged[0]


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "auroc"])
def test_performance_equals_scikit_learn(metric):
    y, scores, groups = rows()
    labels = [(s > 0.5).astype(int) for s in scores]
    answers = [Answers(la, s) for la, s in zip(labels, scores, strict=True)]
    found = evidence(y, *answers, groups, 3, metric)
    for g in range(3):
        mine = groups == g
        wanted = {
            "accuracy": np.mean(labels[0][mine] == y[mine]),
            "balanced_accuracy": balanced_accuracy_score(y[mine], labels[0][mine]),
            "auroc": roc_auc_score(y[mine], scores[0][mine]),
        }[metric]
        assert found.expert[g] == pytest.approx(wanted)


def test_delong_error_equals_pairwise_placements():
    y, scores, _ = rows(n=80)
    answers = [Answers((s > 0.5).astype(int), s) for s in scores]
    found = evidence(y, *answers, np.zeros(80, dtype=int), 1, "auroc")
    parts = []
    for s in scores:
        above = (s[y == 1][:, None] > s[y == 0]) + 0.5 * (s[y == 1][:, None] == s[y == 0])
        parts.append((above.mean(1), above.mean(0)))
    m, n = (y == 1).sum(), (y == 0).sum()
    variance = sum(
        np.var(parts[0][k] - parts[1][k], ddof=1) / size for k, size in ((0, m), (1, n))
    )
    assert found.spread[0] / np.sqrt(80) == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc", "neg_mse"])
def test_equal_models_are_accepted_in_at_most_6_percent(metric):
    rng = np.random.default_rng(3)
    runs, n = 2000, 200
    groups = np.repeat(np.arange(runs), n)
    y = (rng.random(runs * n) < 0.3).astype(int)
    shared = y + rng.normal(size=runs * n)
    noisy = [shared + 0.5 * rng.normal(size=runs * n) for _ in range(2)]
    answers = [Answers(s if metric == "neg_mse" else (s > 0.5).astype(int), s) for s in noisy]
    found = evidence(y, *answers, groups, runs, metric)
    lower = found.test.lower(np.full(runs, 0.05))
    assert (lower[found.judged] > 0).mean() <= 0.06


def test_skewed_errors_keep_the_level_where_the_plain_t_does_not():
    rng = np.random.default_rng(4)
    runs, n = 4000, 60
    groups = np.repeat(np.arange(runs), n)
    y = np.zeros(runs * n)
    expert = np.sqrt(rng.exponential(size=runs * n))  # squared error exponential, mean 1
    baseline = np.ones(runs * n)
    found = evidence(y, Answers(expert), Answers(baseline), groups, runs, "neg_mse")
    bent = (found.test.lower(np.full(runs, 0.05)) > 0).mean()
    plain = (found.difference > 1.671 * found.spread / np.sqrt(n)).mean()
    assert bent <= 0.06 < plain


def test_one_class_and_few_rows_cannot_be_judged():
    y = np.r_[np.zeros(50), np.tile([0, 1], 25), [0, 1]].astype(int)
    groups = np.r_[np.zeros(50), np.ones(50), np.full(2, 2)].astype(int)
    score = np.random.default_rng(0).random(102)
    answers = Answers((score > 0.5).astype(int), score)
    for metric in ("auroc", "balanced_accuracy"):
        found = evidence(y, answers, answers, groups, 3, metric)
        assert found.judged.tolist() == [False, True, False]
        assert "one class" in found.obstacle[0]
        assert np.isnan(found.baseline[0])
        assert "too few" in found.obstacle[2]


def test_identical_models_on_few_rows_never_pass_a_positive_tolerance_by_certainty():
    y = np.tile([0, 1], 12)
    perfect = Answers(y, y.astype(float))
    found = evidence(y, perfect, perfect, np.zeros(24, dtype=int), 1, "auroc")
    assert found.test.lower(np.array([0.05]))[0] < 0
    assert counts(20, 0, 0).lower(np.array([0.05]))[0] < -0.05


def test_absent_group_is_empty_and_unjudged():
    y, scores, groups = rows()
    answer = Answers((scores[0] > 0.5).astype(int), scores[0])
    for metric in ("accuracy", "balanced_accuracy", "auroc", "neg_mse"):
        found = evidence(y, answer, answer, groups, 4, metric)
        assert not found.judged[3]
        assert np.isnan(found.difference[3])


def test_rows_of_unknown_groups_are_left_out():
    y, scores, groups = rows()
    answer = Answers((scores[0] > 0.5).astype(int), scores[0])
    found = evidence(y, answer, answer, np.where(groups == 2, -1, groups), 2, "accuracy")
    assert found.n.sum() == (groups != 2).sum()


def test_clusters_widen_the_bound_when_their_rows_go_together():
    rng = np.random.default_rng(6)
    cluster = np.repeat(np.arange(30), 20)
    shift = rng.normal(0, 1, 30)[cluster]
    y = np.ones(600, dtype=int)
    expert = (rng.normal(size=600) + shift > -1).astype(int)
    baseline = (rng.normal(size=600) > -1).astype(int)
    zeros = np.zeros(600, dtype=int)
    alone = evidence(y, Answers(expert), Answers(baseline), zeros, 1, "accuracy")
    together = evidence(y, Answers(expert), Answers(baseline), zeros, 1, "accuracy", cluster)
    level = np.array([0.05])
    assert together.difference[0] == pytest.approx(alone.difference[0])
    assert together.test.lower(level)[0] < alone.test.lower(level)[0] - 0.02


def test_equal_weights_change_nothing_and_others_give_weighted_means():
    y, scores, groups = rows()
    pair = [Answers((s > 0.5).astype(int)) for s in scores]
    plain = evidence(y, *pair, groups, 3, "accuracy")
    even = evidence(y, *pair, groups, 3, "accuracy", None, np.full(600, 2.5))
    level = np.full(3, 0.05)
    assert (even.test.lower(level) == plain.test.lower(level)).all()
    weight = np.random.default_rng(1).exponential(size=600)
    found = evidence(y, *pair, groups, 3, "accuracy", None, weight)
    for g in range(3):
        mine = groups == g
        for answers, value in zip(pair, (found.expert, found.baseline), strict=True):
            right = (answers.label == y)[mine]
            assert value[g] == pytest.approx(np.average(right, weights=weight[mine]))
    assert (found.test.lower(level) < found.difference).all()
    assert found.n.tolist() == plain.n.tolist()
    assert found.test.n.max() < plain.n.max()  # weights that differ cost rows


def test_weights_scale_freely():
    y, scores, groups = rows()
    weight = np.random.default_rng(1).exponential(size=600)
    pair = [Answers(s) for s in scores]
    one, two = (evidence(y, *pair, groups, 3, "neg_mse", None, w) for w in (weight, 70 * weight))
    level = np.full(3, 0.05)
    assert one.test.lower(level) == pytest.approx(two.test.lower(level))
    assert one.difference == pytest.approx(two.difference)


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("informative", [False, True])
def test_weighted_expert_one_point_worse_is_accepted_in_at_most_5_percent(n, informative):
    rng = np.random.default_rng(n)
    runs, many = 2000, 2000 * n
    heavy = rng.random(many) < 0.3  # rows of a stratum that was sampled a quarter as often
    weight = np.where(heavy, 4.0, 1.0) * rng.uniform(0.8, 1.2, many)
    share = 1.2 / 1.9  # of the weight that lies in heavy rows
    tilt = 0.02 if informative else 0.0  # the expert fares better on light rows
    worse = np.where(heavy, -0.01 - tilt * (1 - share), -0.01 + tilt * share)
    u = rng.random(many)
    gain, loss = u < (0.2 + worse) / 2, u > 1 - (0.2 - worse) / 2
    y = np.ones(many, dtype=int)
    expert, baseline = 1 - loss.astype(int), 1 - gain.astype(int)
    groups = np.repeat(np.arange(runs), n)
    pair = Answers(expert), Answers(baseline)
    found = evidence(y, *pair, groups, runs, "accuracy", None, weight)
    assert found.difference.mean() == pytest.approx(-0.01, abs=0.002)
    assert found.judged.all()
    assert (found.test.lower(np.full(runs, 0.05)) > 0).mean() <= 0.05
    by_count = evidence(y, *pair, groups, runs, "accuracy").difference.mean()
    assert informative == (by_count > -0.008)


def test_weights_and_clusters_go_together():
    y, scores, groups = rows()
    pair = [Answers((s > 0.5).astype(int)) for s in scores]
    cluster = np.arange(600) // 5
    weight = np.random.default_rng(2).exponential(size=600)
    found = evidence(y, *pair, groups, 3, "accuracy", cluster, weight)
    alone = evidence(y, *pair, groups, 3, "accuracy", None, weight)
    assert found.difference == pytest.approx(alone.difference)
    even = evidence(y, *pair, groups, 3, "accuracy", cluster, np.ones(600))
    plain = evidence(y, *pair, groups, 3, "accuracy", cluster)
    level = np.full(3, 0.05)
    assert even.test.lower(level) == pytest.approx(plain.test.lower(level))
    assert found.test.lower(level) != pytest.approx(even.test.lower(level))


def test_a_group_without_weight_cannot_be_judged():
    y, scores, groups = rows()
    pair = [Answers((s > 0.5).astype(int)) for s in scores]
    weight = np.where(groups == 1, 0.0, 1.0 + (np.arange(600) % 2))
    found = evidence(y, *pair, groups, 3, "accuracy", None, weight)
    assert found.judged.tolist() == [True, False, True]
    assert np.isnan(found.difference[1])


def test_few_clusters_cannot_be_judged():
    y, scores, groups = rows()
    answer = Answers((scores[0] > 0.5).astype(int), scores[0])
    found = evidence(y, answer, answer, groups, 3, "accuracy", np.arange(600) % 3)
    assert not found.judged.any()
    assert "clusters are too few" in found.obstacle[0]


def test_unknown_metric_and_missing_scores_are_refused():
    y, scores, groups = rows()
    answer = Answers((scores[0] > 0.5).astype(int))
    with pytest.raises(SpecError, match="not known"):
        evidence(y, answer, answer, groups, 3, "beauty")
    with pytest.raises(SpecError, match="scores"):
        evidence(y, answer, answer, groups, 3, "auroc")


def test_weighted_groups_count_by_their_weight_in_means_and_say_how_few_rows_are_left():
    y, scores, groups = rows()
    pair = [Answers((s > 0.5).astype(int)) for s in scores]
    weight = np.where(groups == 0, 5.0, 1.0) * (1 + np.arange(600) % 2)
    found = evidence(y, *pair, groups, 3, "accuracy", None, weight)
    assert found.mass == pytest.approx([weight[groups == g].sum() for g in range(3)])
    assert evidence(y, *pair, groups, 3, "accuracy").mass.tolist() == found.n.tolist()
    lone = np.ones(600)
    lone[np.flatnonzero(groups == 1)[0]] = 1e4
    thin = evidence(y, *pair, groups, 3, "accuracy", None, lone)
    assert "effective rows" in thin.obstacle[1]
    assert thin.judged.tolist() == [True, False, True]


def test_a_difference_within_rounding_needs_no_number_of_rows():
    half = np.repeat([0.0, 1.0], 30)
    groups = np.zeros(60, dtype=int)
    found = evidence(
        half, Answers(half + 0.1), Answers(half - 0.1), groups, 1, "neg_mse"
    )  # equal errors, but for rounding
    shifted = replace(found, expert=found.baseline + 1e-16)
    rules = ChoiceRules("min_gap", None, 0.95)
    assert rows_needed(shifted, bounds(shifted, rules), rules) == [None]
    better = replace(found, expert=found.baseline + 0.001)
    assert rows_needed(better, bounds(better, rules), rules)[0] >= 20


def _errors(law: str, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if law == "lognormal":
        return (np.exp(rng.normal(size=shape)) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
    return rng.normal(size=shape) if law == "normal" else rng.standard_t(3, shape)


@pytest.mark.parametrize("law", ["normal", "lognormal", "t3"])
@pytest.mark.parametrize(("n", "n_groups"), [(50, 1), (50, 4), (200, 4)])
def test_equal_models_are_seldom_called_harmless_whatever_their_errors(
    law: str, n: int, n_groups: int
) -> None:
    """Any claim in any group, in 5% of audits; Hall's correction alone reaches 7 to 15%."""
    runs = size(1000, 8000)
    rng = np.random.default_rng([n, n_groups])
    shape = (runs, n_groups, n)
    e, b = _errors(law, rng, shape), _errors(law, rng, shape)
    groups = np.repeat(np.arange(runs * n_groups), n)
    found = evidence(
        np.zeros(groups.size), Answers(e.ravel()), Answers(b.ravel()), groups,
        runs * n_groups, "neg_mse",
    )  # fmt: skip
    p = found.test.p_value(0.0).reshape(runs, n_groups)
    claimed = holm(p, 0.05)[0].any(axis=1).mean()
    assert claimed <= 0.05 + binomial_error(0.05, runs)


@pytest.mark.parametrize("metric", ["accuracy", "neg_mse"])
@pytest.mark.parametrize("k", [8, 10, 20])
def test_clusters_never_make_a_bound_tighter_than_rows(metric: Metric, k: int) -> None:
    rng = np.random.default_rng(k)
    for _ in range(size(20, 200)):
        n = 4 * k
        y = rng.normal(size=n) if metric == "neg_mse" else rng.integers(0, 2, n).astype(float)
        e = np.where(rng.random(n) < 0.7, y, 1 - y)
        b = np.where(rng.random(n) < 0.6, y, 1 - y)
        weight = rng.uniform(0.5, 2, n) if rng.random() < 0.5 else None
        asked = (y, Answers(e), Answers(b), np.zeros(n, dtype=np.int64), 1, metric)
        rows = evidence(*asked, None, weight).test
        clusters = evidence(*asked, np.arange(n) // 4, weight).test
        level = np.array([0.05])
        assert clusters.p_value(0.0)[0] >= rows.p_value(0.0)[0] - 1e-12
        assert clusters.lower(level)[0] <= rows.lower(level)[0] + 1e-9
        assert clusters.upper(level)[0] >= rows.upper(level)[0] - 1e-9


def test_one_right_row_in_each_of_five_clusters_is_no_certainty() -> None:
    y = np.zeros(20)
    expert = np.zeros(20)
    baseline = (np.arange(20) % 4 == 0).astype(float)  # the expert alone is right on one row each
    found = evidence(
        y, Answers(expert), Answers(baseline), np.zeros(20, dtype=np.int64), 1, "accuracy",
        np.arange(20) // 4,
    )  # fmt: skip
    assert found.test.p_value(0.0)[0] >= 0.03
    assert found.test.lower(np.array([0.05]))[0] < 0.2
    assert not found.judged[0]
    assert "5 clusters are too few" in found.obstacle[0]
