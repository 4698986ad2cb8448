"""Gaps against closed forms: normal theory where it is exact, and invariants elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from fairaudit.audit.metrics import pooling, scores
from fairaudit.exceptions import InputError
from fairaudit.inputs.group_codes import Grouping, cross, encode, groupings
from fairaudit.stats import gaps, intervals
from fairaudit.stats.gaps import Estimates
from fairaudit.stats.influence import Frame, standard_errors
from tests.sizes import binomial_error, size


def _normal(value: np.ndarray, se: float, B: int = 40_000) -> Estimates:
    noise = np.random.default_rng(0).normal(size=(B, len(value))) * se
    return Estimates(value, noise, np.full(len(value), se**2))


@pytest.mark.parametrize("value", [[0.3, 0.4, 0.5, 0.6], [0.45, 0.5, 0.5, 0.52, 0.6]])
def test_the_spread_of_normal_values_has_the_noncentral_chi_square_interval(
    value: list[float],
) -> None:
    v, se = np.array(value), 0.03
    K = len(v)
    observed = K * v.var() / se**2

    def end(q: float) -> float:
        at_zero = stats.chi2.cdf(observed, K - 1)
        if at_zero < q:
            return 0.0
        return float(
            optimize.brentq(lambda nc: stats.ncx2.cdf(observed, K - 1, nc) - q, 1e-9, 1000)
        )

    found = gaps.deviation(_normal(v, se), 0.95)
    exact = [np.sqrt(end(q) / K) * se for q in (0.975, 0.025)]
    assert (found.low, found.high) == pytest.approx(exact, rel=0.02, abs=1e-3)


def test_the_gap_of_two_normal_values_is_the_textbook_interval() -> None:
    found = gaps.difference([_normal(np.array([0.6, 0.3]), 0.05)], 0.95)
    half = 1.959964 * 0.05 * np.sqrt(2)
    assert (found.low, found.high) == pytest.approx((0.3 - half, 0.3 + half), abs=3e-3)


def test_equal_groups_have_a_gap_that_may_be_zero() -> None:
    found = gaps.difference([_normal(np.full(5, 0.4), 0.05)], 0.95)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(stats.studentized_range.ppf(0.975, 5, 1e6) * 0.05, rel=0.03)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=8), st.floats(0.005, 0.1))
def test_intervals_hold_their_value_and_stay_in_bounds(values: list[float], se: float) -> None:
    v = np.array(values)
    noise = np.random.default_rng(1).normal(size=(300, len(v))) * se
    e = Estimates(v, noise, noise.var(axis=0), (0.0, 1.0))
    for gap in (
        gaps.difference([e], 0.95),
        gaps.lowest(e, 0.95),
        gaps.highest(e, 0.95),
        gaps.deviation(e, 0.95),
        gaps.to_overall(e, float(v.mean()), noise.mean(axis=1), 0.95),
    ):
        assert -1e-12 <= gap.low <= gap.high <= 1 + 1e-12
        assert gap.low <= gap.value + 0.02
        assert gap.high >= gap.value - 0.02
    assert gaps.difference([e], 0.95).value == pytest.approx(np.ptp(v))
    assert gaps.lowest(e, 0.95).value == v.min()
    assert gaps.highest(e, 0.95).index == int(v.argmax())


def test_the_roots_are_those_of_a_search() -> None:
    rng = np.random.default_rng(2)
    v, noise = rng.uniform(0, 1, 5), rng.normal(size=(50, 5)) * 0.1
    e = Estimates(v, noise, noise.var(axis=0))
    observed = float(np.ptp(v))
    roots = gaps._range_roots([e], observed)
    for s, row in zip(roots, noise, strict=True):
        if s > 0:
            assert np.ptp(s * v + row) == pytest.approx(observed, abs=1e-9)
            assert all(np.ptp(t * v + row) >= observed - 1e-9 for t in np.linspace(s, 3, 20))


def test_without_replicates_there_are_values_and_no_intervals() -> None:
    e = Estimates(np.array([0.2, 0.5, 0.6]), np.zeros((0, 3)), np.zeros(3))
    for gap in (gaps.difference([e], 0.95), gaps.lowest(e, 0.95), gaps.deviation(e, 0.95)):
        assert np.isnan(gap.low)
        assert np.isnan(gap.high)
        assert not np.isnan(gap.value)


def test_pooling_pulls_equal_groups_together_and_leaves_different_ones() -> None:
    n = np.full(12, 40.0)
    same = np.random.default_rng(3).binomial(40, 0.5, 12) / 40
    far = np.linspace(0.05, 0.95, 12)
    assert pooling.beta_binomial(same, n, confidence=0.95)[0].std() < 0.5 * same.std()
    assert pooling.beta_binomial(far, n, confidence=0.95)[0].std() > 0.9 * far.std()


def test_pooled_normal_values_have_the_posterior_of_the_textbook() -> None:
    value, variance = np.array([0.0, 1.0, 2.0, 5.0]), np.ones(4)
    centre, low, high = pooling.normal(value, variance, confidence=0.95)
    between = value.var(ddof=1) - 1  # DerSimonian & Laird with equal variances
    share = between / (between + 1)
    assert centre == pytest.approx(share * value + (1 - share) * value.mean())
    assert ((low < centre) & (centre < high)).all()


def test_delong_is_the_variance_of_its_paper() -> None:
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 60)
    score = np.round(rng.normal(size=60) + y, 1)
    frame = Frame(Grouping("all", ("all",), np.zeros(60, dtype=np.int64)), None, None)
    found = scores.auroc(scores.rank(scores.score_order(score), score, y, frame))
    pos, neg = score[y == 1], score[y == 0]
    wins = (pos[:, None] > neg) + 0.5 * (pos[:, None] == neg)  # (m, n)
    assert found.value[0] == pytest.approx(wins.mean())
    m, n = wins.shape
    by_hand = wins.mean(1).var(ddof=1) / m + wins.mean(0).var(ddof=1) / n
    se = standard_errors(found, frame)[0][0]
    assert se == pytest.approx(np.sqrt(by_hand), rel=0.03)  # n against n − 1


@pytest.mark.slow
def test_intervals_of_score_metrics_hold_the_truth() -> None:
    """300 rows a sample; the truth from a sample of two million."""
    rng = np.random.default_rng(5)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(0, 2, n)
        return np.clip(rng.normal(0.35 + 0.3 * y, 0.2), 0, 1), y

    def measured(score: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float, float]]:
        frame = Frame(Grouping("all", ("all",), np.zeros(len(y), dtype=np.int64)), None, None)
        ranked = scores.rank(scores.score_order(score), score, y, frame)
        found = {}
        for one in (scores.auroc(ranked), scores.auprc(ranked)):
            se = standard_errors(one, frame)[0]
            low, high = intervals.on_logit(one.value, se, confidence=0.95)
            found[one.metric] = (float(one.value[0]), float(low[0]), float(high[0]))
        return found

    truth = {k: v[0] for k, v in measured(*draw(2_000_000)).items()}
    runs = size(250, 600)
    samples = [measured(*draw(300)) for _ in range(runs)]
    error = binomial_error(0.95, runs)
    for metric, value in truth.items():
        inside = np.mean([s[metric][1] <= value <= s[metric][2] for s in samples])
        assert 0.93 - error <= inside <= 0.97 + error, metric


def test_levels_are_named_as_people_would() -> None:
    names, codes = encode([1.0, None, 2.5, 1.0])
    assert names == ("(missing)", "1", "2.5")
    assert codes.tolist() == [1, 0, 2, 1]
    assert encode(np.array([True, False]))[0] == ("False", "True")
    assert encode(np.array(["b", "a", "b"]))[1].tolist() == [1, 0, 1]


def test_crossings_hold_only_what_occurs() -> None:
    columns = {"a": ["x", "x", "y"], "b": ["u", "v", "u"], "c": ["same"] * 3}
    made = {g.attribute: g.names for g in groupings(columns, 3)}
    assert made["a × b"] == ("x × u", "x × v", "y × u")
    assert "a × c" not in made  # a column with one level divides nobody
    three = cross([Grouping(k, *encode(v)) for k, v in columns.items()])
    assert three.names == ("x × u × same", "x × v × same", "y × u × same")


def test_too_many_levels_are_refused() -> None:
    with pytest.raises(InputError, match="bin it"):
        encode(np.arange(2000), "id")
