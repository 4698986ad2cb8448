"""Closed-form intervals against statsmodels, scipy and hand-computed textbook numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from fairaudit import audit_predictions
from fairaudit.audit.metrics import comparisons
from fairaudit.stats import intervals, two_rates

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(counts, levels)
def test_wilson_equals_statsmodels(xn: tuple[int, int], level: float) -> None:
    x, n = xn
    low, high = intervals.wilson(x / n, n, level)
    theirs = proportion_confint(x, n, 1 - level, method="wilson")
    assert (low, high) == pytest.approx(theirs, abs=1e-9)


@given(counts, counts)
def test_newcombe_equals_statsmodels(a: tuple[int, int], b: tuple[int, int]) -> None:
    low, high = intervals.newcombe(a[0] / a[1], a[1], b[0] / b[1], b[1], confidence=0.95)
    theirs = confint_proportions_2indep(*a, *b, method="newcomb", compare="diff")
    assert (low, high) == pytest.approx(theirs, abs=1e-9)


def test_newcombe_of_the_paper() -> None:
    # Newcombe (1998) table II, method 10: 56/70 against 48/80
    low, high = intervals.newcombe(56 / 70, 70, 48 / 80, 80, confidence=0.95)
    assert (round(float(low), 4), round(float(high), 4)) == (0.0524, 0.3339)


@given(counts, counts)
def test_the_ratio_interval_holds_the_ratio_and_mirrors(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    (x, n), (y, m) = a, b
    if x == 0 or y == 0:
        return
    low, high = intervals.ratio_of_rates(x / n, n, y / m, m, confidence=0.95)
    assert low <= (x / n) / (y / m) + 1e-9
    assert high >= (x / n) / (y / m) - 1e-9
    back_low, back_high = intervals.ratio_of_rates(y / m, m, x / n, n, confidence=0.95)
    assert low == pytest.approx(1 / back_high, rel=1e-6)
    assert high == pytest.approx(1 / back_low, rel=1e-6)


def test_a_rate_without_rows_has_no_interval() -> None:
    low, high = intervals.wilson(np.array([np.nan, 0.5]), np.array([0, 10]), confidence=0.95)
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert not np.isnan(low[1])


@given(st.integers(3, 500), st.floats(-5, 5), st.floats(0.1, 4))
def test_a_mean_without_skew_has_student_s_interval(n: int, mean: float, sd: float) -> None:
    low, high = intervals.skewed_mean(mean, sd, 0.0, n, confidence=0.95)
    theirs = stats.t.interval(0.95, n - 1, mean, sd / np.sqrt(n))
    assert (low, high) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_equals_statsmodels(b: int, c: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    ours = comparisons.mcnemar(np.array([b]), np.array([c]))[0]
    if b + c == 0:
        assert ours == 1.0
    else:
        assert ours == pytest.approx(mcnemar([[5, b], [c, 5]], exact=True).pvalue)


@settings(max_examples=50, deadline=None)
@given(counts, counts)
def test_two_groups_are_tested_as_scipy_does(a: tuple[int, int], b: tuple[int, int]) -> None:
    p, small = two_rates.two_sample_p(*(np.array([float(v)]) for v in (*a, *b)))
    table = [[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]]
    if small[0]:
        assert p[0] == pytest.approx(stats.fisher_exact(table).pvalue)
    elif (a[0] + b[0]) not in (0, a[1] + b[1]):
        theirs = stats.chi2_contingency(table, correction=False).pvalue
        assert p[0] == pytest.approx(theirs, rel=1e-9)


def test_false_discoveries_are_those_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.001, 0.04, 0.03, 0.2, 0.9, 0.005])
    ours = comparisons.adjusted(np.r_[p, np.nan])
    assert ours[:-1] == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert np.isnan(ours[-1])


def test_rows_for_a_gap_have_the_power_that_statsmodels_gives_them() -> None:
    from statsmodels.stats.proportion import power_proportions_2indep

    for p, gap, n2 in ((0.4, 0.1, 900.0), (0.1, 0.05, 5000.0), (0.9, 0.05, 3000.0)):
        rows = two_rates.rows_for_gap(np.array([p]), gap, np.array([n2]), confidence=0.95)[0]
        side = gap if p < 0.5 else -gap
        found = [
            power_proportions_2indep(side, p, n, ratio=n2 / n, alpha=0.05, return_results=False)
            for n in (0.97 * rows, 1.03 * rows)
        ]
        assert found[0] < 0.81
        assert found[1] > 0.79


@pytest.mark.parametrize(("p", "n1", "n2"), [(0.05, 30, 30), (0.1, 30, 60), (0.5, 41, 41)])
def test_a_detectable_gap_has_the_power_it_states(p: float, n1: int, n2: int) -> None:
    """By all outcomes of both sides, each tested as the table of pairs does."""
    sizes = np.array([float(n1)]), np.array([float(n2)])
    gap = two_rates.detectable_gap(np.array([p]), *sizes, confidence=0.95)[0]
    x1, x2 = (v.ravel() for v in np.meshgrid(np.arange(n1 + 1.0), np.arange(n2 + 1.0)))
    rejects = two_rates.two_sample_p(x1, np.full_like(x1, n1), x2, np.full_like(x2, n2))[0] <= 0.05

    def power(there: float) -> float:
        chance = stats.binom.pmf(x1, n1, there) * stats.binom.pmf(x2, n2, p)
        return float(chance[rejects].sum())

    side = 1 if p < 0.5 else -1
    assert 0.77 <= power(p + side * gap) <= 0.84
    assert power(p + 0.7 * side * gap) < 0.7


@settings(max_examples=50, deadline=None)
@given(counts, counts)
def test_fishers_test_is_scipys(a: tuple[int, int], b: tuple[int, int]) -> None:
    ours = two_rates.fisher(*(np.array([float(v)]) for v in (*a, *b)))[0]
    table = [[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]]
    assert ours == pytest.approx(stats.fisher_exact(table).pvalue)


def test_no_number_of_rows_shows_a_gap_the_others_are_too_few_for() -> None:
    assert np.isnan(
        two_rates.rows_for_gap(np.array([0.5]), 0.01, np.array([50.0]), confidence=0.95)[0]
    )


def test_boschloo_equals_scipy() -> None:
    theirs = stats.boschloo_exact([[3, 9], [12, 6]]).pvalue
    assert two_rates.boschloo(3, 15, 9, 15) == pytest.approx(theirs)


def test_mean_of_rows_is_student_s_and_wilson_s_interval():
    rng = np.random.default_rng(0)
    each = rng.normal(size=40)
    mean, low, high = intervals.mean_of_rows(each, confidence=0.95)
    wanted = stats.t.interval(0.95, 39, each.mean(), stats.sem(each))
    assert (mean, low, high) == pytest.approx((each.mean(), *wanted))
    hits = (each > 0).astype(float)
    share = intervals.mean_of_rows(hits, share=True, confidence=0.95)
    assert share[1:] == pytest.approx(
        [float(v) for v in intervals.wilson(hits.mean(), 40, confidence=0.95)], abs=0.004
    )


def test_mean_of_rows_takes_clusters_and_weights():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(30), 8)
    each = np.repeat(rng.normal(size=30), 8)
    totals = each.reshape(30, 8)[:, 0]
    found = intervals.mean_of_rows(each, None, cluster, confidence=0.95)
    assert found[1:] == pytest.approx(stats.t.interval(0.95, 29, totals.mean(), stats.sem(totals)))
    weight = rng.exponential(size=240)
    assert intervals.mean_of_rows(each, weight, confidence=0.95)[0] == pytest.approx(
        np.average(each, weights=weight)
    )
    scaled = intervals.mean_of_rows(each, 9 * weight, cluster, confidence=0.95)
    assert scaled == pytest.approx(intervals.mean_of_rows(each, weight, cluster, confidence=0.95))


@pytest.mark.parametrize("share", [False, True])
def test_mean_of_rows_claims_nothing_from_one_row_or_one_cluster(share):
    one = np.ones(1)
    for rows in ((one,), (np.ones(9), None, np.zeros(9)), (np.zeros(0),), (one, np.zeros(1))):
        assert np.isnan(intervals.mean_of_rows(*rows, share=share, confidence=0.95)[1:]).all()
    nothing = intervals.mean_of_rows(
        np.zeros(50), None, np.arange(50) // 10, share=True, confidence=0.95
    )
    assert nothing[1] == 0
    assert nothing[2] > intervals.mean_of_rows(np.zeros(50), share=True, confidence=0.95)[2]


def _mid_p_by_halving(x: float, n: float, tail: float) -> float:
    low, high = -690.0, 690.0
    for _ in range(200):
        p = special.expit((low + high) / 2)
        chance = (special.betainc(x + 1, n - x, p) + special.betainc(x, n - x + 1, p)) / 2
        low, high = ((low + high) / 2, high) if chance < tail else (low, (low + high) / 2)
    return float(special.expit(low))


@pytest.mark.parametrize("tail", [0.25, 0.025, 5e-4, 1e-9, 1e-40])
@pytest.mark.parametrize(
    ("x", "n"),
    [
        (1e-9, 1.0),
        (1e-12, 0.5),
        (1e-4, 30.0),
        (0.3, 1e6),
        (29.9999, 30.0),
        (7.0, 40.0),
        (1e-3, 1.0),
        (1e-11, 0.66),
        (1001.633434493066, 1001.6334397138088),
        (4.91733729239155, 4.917337292506851),
    ],
)
def test_mid_p_limits_hold_for_hardly_any_event_or_row(x: float, n: float, tail: float) -> None:
    low, high = intervals.mid_p(x / n, n, tail)
    assert low == pytest.approx(_mid_p_by_halving(x, n, tail), rel=1e-6, abs=1e-12)
    assert 1 - high == pytest.approx(_mid_p_by_halving(n - x, n, tail), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("light", [1e-12, 1e-6, 1e-3])
def test_all_weight_on_one_row_leaves_limits_that_hold_the_value(light: float) -> None:
    rng = np.random.default_rng(2)
    weight = np.full(60, light)
    weight[7] = 1.0
    result = audit_predictions(
        rng.integers(0, 2, 60), rng.integers(0, 2, 60), sensitive_features=np.arange(60) % 2,
        sample_weight=weight, positive=1, n_boot=0,
    )  # fmt: skip
    for table in (result.errors, result.gaps):
        rows = table.drop_nulls(["value", "low", "high"])
        assert len(rows)
        assert (rows["low"] <= rows["value"] + 1e-9).all()
        assert (rows["high"] >= rows["value"] - 1e-9).all()
        assert not rows["low"].is_nan().any()
