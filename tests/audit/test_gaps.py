"""Gaps against closed forms: normal theory where it is exact, and invariants elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from fairaudit.audit.metrics import binary, multiclass, scores
from fairaudit.audit.tables.result_tables import gaps_table
from fairaudit.exceptions import InputError
from fairaudit.inputs.group_codes import Grouping, cross, encode, groupings
from fairaudit.stats import gaps, hierarchical, intervals, metric_definitions
from fairaudit.stats.counts import Cells
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.gaps import Estimates
from fairaudit.stats.influence import Frame, standard_errors
from fairaudit.stats.metric_definitions import BINARY
from tests.sizes import binomial_error, size


def _normal(value: np.ndarray, se: float | np.ndarray) -> Estimates:
    return gaps.from_errors(value, np.broadcast_to(np.asarray(se, float), value.shape).copy())


def _rates(hits: np.ndarray, n: np.ndarray) -> list[Measured]:
    rows = np.zeros((len(n), 2, 2))
    rows[:, 1, 1], rows[:, 1, 0] = hits, n - hits
    cells = Cells("g", tuple(f"g{i}" for i in range(len(n))), rows, rows, rows)
    return binary.measure(cells, ["tpr"], EstimateOptions(0.95))


def _table(hits: list[float], n: list[int], metric: str = "tpr") -> dict[str, dict[str, float]]:
    measured = _rates(np.array(hits, float), np.array(n, float))
    table = gaps_table(measured, EstimateOptions(0.95))
    return {row["kind"]: row for row in table.iter_rows(named=True)}


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

    found = gaps.deviation(_normal(v, se), 0.95, apart=True)
    exact = [np.sqrt(end(q) / K) * se for q in (0.975, 0.025)]
    assert (found.low, found.high) == pytest.approx(exact, rel=0.03, abs=2e-3)
    assert gaps.deviation(_normal(v, se), 0.95, apart=False).low == 0


def test_the_gap_of_two_normal_values_is_the_textbook_interval() -> None:
    found = gaps.difference([_normal(np.array([0.6, 0.3]), 0.05)], 0.95)
    half = 1.959964 * 0.05 * np.sqrt(2)
    assert (found.low, found.high) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-6)


def test_the_lower_end_of_equally_sure_groups_is_tukeys() -> None:
    v = np.array([0.40, 0.42, 0.44, 0.46, 0.58])
    found = gaps.difference([_normal(v, 0.04)], 0.95)
    critical = stats.studentized_range.ppf(0.95, 5, np.inf)
    assert found.low == pytest.approx(max(0.18 - critical * 0.04, 0.0), abs=1e-9)
    far = gaps.difference([_normal(v * 3, 0.04)], 0.95)  # who lies at the ends is clear there
    assert far.low > 0.54 - critical * 0.04


def test_crossing_clusters_make_differences_surer() -> None:
    v = np.array([0.6, 0.5, 0.4])
    alone = gaps.difference([_normal(v, 0.05)], 0.95)
    r = np.full((3, 3), 0.5)
    np.fill_diagonal(r, 1.0)
    shared = gaps.difference([replace(_normal(v, 0.05), correlation=r)], 0.95)
    assert alone.low <= shared.low < shared.high < alone.high
    # the variance of a difference of two errors of correlation a half is half as large
    assert shared.high - 0.2 == pytest.approx((alone.high - 0.2) / np.sqrt(2))


def test_a_quotient_of_correlated_values_is_fiellers() -> None:
    """Normal errors a and b of the two values: (v − θ w)² = z² (a² − 2 r a b θ + b² θ²)."""
    v, w, a, b, r, z = 0.4, 0.5, 0.03, 0.04, 0.6, 1.959964
    ends = ((v - z * a, v + z * a), (w - z * b, w + z * b))
    found = intervals.mover_ratio(v, w, *ends, r)
    A, B, C = w * w - (z * b) ** 2, v * w - r * z * z * a * b, v * v - (z * a) ** 2
    root = np.sqrt(B * B - A * C)
    assert [float(end) for end in found] == pytest.approx([(B - root) / A, (B + root) / A])


def test_equal_groups_have_a_gap_that_may_be_zero() -> None:
    found = gaps.difference([_normal(np.full(5, 0.4), 0.05)], 0.95)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1.959964 * 0.05 * np.sqrt(2))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=2, max_size=8),
    st.sampled_from([0.6, 0.8, 0.95, 0.99]),
)
def test_intervals_hold_their_value_and_stay_in_bounds(
    groups: list[tuple[int, float]], confidence: float
) -> None:
    n = np.array([size for size, _ in groups], float)
    hits = np.round(n * np.array([rate for _, rate in groups]))
    measured = _rates(hits, n)
    asked = EstimateOptions(confidence)
    for row in gaps_table(measured, asked).iter_rows(named=True):
        if row["value"] is None:  # nobody is selected: no quotient and nothing about it
            assert row["low"] is row["high"] is row["corrected"] is None
            continue
        assert -1e-9 <= row["low"] <= row["value"] + 1e-9
        assert row["value"] <= row["high"] + 1e-9
        assert row["high"] <= 1 + 1e-9
        assert -1e-9 <= row["corrected"] <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), min_size=2, max_size=6))
def test_extremes_are_never_surer_than_the_group_itself(groups: list[tuple[int, float]]) -> None:
    n = np.array([size for size, _ in groups], float)
    hits = np.round(n * np.array([rate for _, rate in groups]))
    m = _rates(hits, n)[0]
    for row in gaps_table([m], EstimateOptions(0.95)).iter_rows(named=True):
        if row["kind"] in ("worst", "best"):
            i = m.names.index(row["group"])
            assert row["low"] <= m.low[i] + 1e-9 or row["kind"] == "best"
            assert row["high"] >= m.high[i] - 1e-9 or row["kind"] == "worst"


def test_two_perfect_groups_of_thirty_rows_do_not_make_a_sure_worst() -> None:
    worst = _table([30, 29], [30, 30])["worst"]
    assert worst["low"] <= 0.8333  # Wilson's for 29 of 30
    perfect = _table([30, 30], [30, 30])["worst"]
    assert perfect["low"] == pytest.approx(0.886, abs=1e-3)  # Wilson's for 30 of 30
    assert perfect["corrected"] <= 1
    assert _table([0, 24], [40, 40])["worst"]["high"] >= 0.0876


def test_expected_extremes_are_those_of_drawn_numbers() -> None:
    rng = np.random.default_rng(2)
    centre, se = np.array([0.2, 0.25, 0.5, 0.1]), np.array([0.1, 0.02, 0.05, 0.0])
    drawn = centre + se * rng.standard_normal((200_000, 4))
    low, high = gaps._expected_extremes(centre, se)
    assert (low, high) == pytest.approx((drawn.min(1).mean(), drawn.max(1).mean()), abs=1e-3)
    other = np.array([0.3, 0.3]) + 0.2 * rng.standard_normal((200_000, 2))
    widest = np.maximum(np.ptp(drawn, axis=1), np.ptp(other, axis=1)).mean()
    found = gaps._expected_widest([centre, np.full(2, 0.3)], [se, np.full(2, 0.2)])
    assert found == pytest.approx(widest, abs=4e-3)


@pytest.mark.parametrize("x", [0.0, 1.0, 3.0, 3.5, 29.0, 30.0])
@pytest.mark.parametrize("tail", [0.1, 0.025, 1e-5])
def test_mid_p_limits_solve_their_equation(x: float, tail: float) -> None:
    n = 30.0
    low, high = (float(v) for v in intervals.mid_p(x / n, n, tail))
    assert (low, high) == pytest.approx((low, high))
    if x == int(x) and x > 0:
        law = stats.binom(30, low)
        assert law.sf(x) + law.pmf(x) / 2 == pytest.approx(tail, rel=1e-3)
    if x == int(x) and x < n:
        law = stats.binom(30, high)
        assert law.cdf(x - 1) + law.pmf(x) / 2 == pytest.approx(tail, rel=1e-3)
    mirrored = intervals.mid_p(1 - x / n, n, tail)
    assert (1 - high, 1 - low) == pytest.approx(tuple(float(v) for v in mirrored), abs=1e-9)


@pytest.mark.parametrize("metric", BINARY)
def test_slopes_are_the_derivatives_of_their_metrics(metric: str) -> None:
    cells = np.random.default_rng(0).integers(1, 50, (3, 2, 2)).astype(float)
    for truth in range(2):
        for answer in range(2):
            step = np.zeros((2, 2))
            step[truth, answer] = 1e-4
            change = metric_definitions.value(cells + step, metric)
            change = (change - metric_definitions.value(cells - step, metric)) / 2e-4
            found = metric_definitions.slope(cells, metric)[:, truth, answer]
            assert found == pytest.approx(change, abs=1e-7)


@pytest.mark.parametrize("metric", multiclass.MACRO)
def test_slopes_of_macro_metrics_are_their_derivatives(metric: str) -> None:
    cells = np.random.default_rng(1).integers(1, 50, (2, 4, 4)).astype(float)
    found = multiclass.slope(cells, metric)
    for i, j in np.ndindex(4, 4):
        step = np.zeros((4, 4))
        step[i, j] = 1e-4
        change = multiclass.value(cells + step, metric) - multiclass.value(cells - step, metric)
        assert found[:, i, j] == pytest.approx(change / 2e-4, abs=1e-7)


def test_pooling_pulls_equal_groups_together_and_leaves_different_ones() -> None:
    variance = np.full(12, 0.25 / 40)
    same = np.random.default_rng(3).binomial(40, 0.5, 12) / 40
    far = np.linspace(0.05, 0.95, 12)
    assert hierarchical.posterior(same, variance)[0].std() < 0.5 * same.std()
    assert hierarchical.posterior(far, variance)[0].std() > 0.9 * far.std()


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
