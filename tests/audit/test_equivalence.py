"""Two one-sided tests of gaps against a margin: exact size, known answers, what is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from fairaudit import audit_predictions
from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import SpecError
from fairaudit.report.sections import sections
from fairaudit.stats import gaps, intervals
from fairaudit.stats.gaps import Estimates
from fairaudit.text.sentences import equivalence
from tests.sizes import binomial_error, nightly, size

MARGIN, LEVEL = 0.1, 0.95


def _estimates(hits: np.ndarray, n: np.ndarray) -> Estimates:
    p, rows = hits / n, np.asarray(n, float)

    def limits(tail: float) -> tuple[np.ndarray, np.ndarray]:
        return intervals.wider_of_score_and_mid_p(p, rows, 1 - 2 * tail)

    return Estimates(p, np.sqrt(p * (1 - p) / rows), limits, bounds=(0.0, 1.0))


def _declared(n1: int, n2: int, margin: float) -> np.ndarray:
    """Which of all tables (n1 + 1, n2 + 1) of two groups are declared to be below the margin."""
    tail = gaps.ONE_SIDED * 0.05
    x, y = np.arange(n1 + 1) / n1, np.arange(n2 + 1) / n2
    ends = [
        intervals.wider_of_score_and_mid_p(v, np.full(len(v), float(n)), 1 - 2 * tail)
        for v, n in ((x, n1), (y, n2))
    ]
    (l1, h1), (l2, h2) = ends
    up = x[:, None] - y + np.hypot((h1 - x)[:, None], y - l2)
    down = y - x[:, None] + np.hypot((x - l1)[:, None], h2 - y)
    return np.maximum(up, down) < margin


@pytest.mark.parametrize(
    ("n1", "n2"), [(30, 30), (100, 100), (50, 800), *nightly((300, 300), (1000, 1000), (30, 1000))]
)
@pytest.mark.parametrize("margin", [0.05, 0.1, 0.2])
def test_a_gap_of_exactly_the_margin_is_declared_below_it_in_five_percent_at_most(
    n1: int, n2: int, margin: float
) -> None:
    declared = _declared(n1, n2, margin)
    for low in (0.01, 0.02, 0.1, 0.3, 0.5, 0.75):
        for a, b in ((low, low + margin), (low + margin, low)):
            first = stats.binom.pmf(np.arange(n1 + 1), n1, a)
            second = stats.binom.pmf(np.arange(n2 + 1), n2, b)
            assert first @ declared @ second <= 0.05, (low, a, b)


def test_the_tables_of_the_exact_size_are_those_of_the_test() -> None:
    declared = _declared(40, 60, MARGIN * 3)
    for x, y in ((0, 0), (10, 12), (20, 30), (35, 60), (39, 60), (40, 60)):
        e = _estimates(np.array([x, y]), np.array([40, 60]))
        assert (gaps.at_most([e], 0.05) < MARGIN * 3) == declared[x, y]


@pytest.mark.parametrize("groups", [3, 6])
def test_with_several_groups_the_widest_gap_at_the_margin_is_rarely_declared(groups: int) -> None:
    rng, runs = np.random.default_rng(3), size(300, 4000)
    p, n = np.linspace(0.3, 0.3 + MARGIN, groups), np.full(groups, 400)
    declared = sum(
        gaps.at_most([_estimates(rng.binomial(n, p), n)], 0.05) < MARGIN for _ in range(runs)
    )
    assert declared / runs <= 0.05 + binomial_error(0.05, runs)


def test_equal_groups_with_many_rows_are_declared_and_few_rows_are_not() -> None:
    assert gaps.chance_below([_estimates(np.array([900, 905]), np.array([3000, 3000]))], 0.05) < (
        0.01
    )
    assert gaps.chance_below([_estimates(np.array([9, 9]), np.array([30, 30]))], 0.05) > 0.3


def test_normal_values_have_the_p_of_the_textbook() -> None:
    value, se = np.array([0.50, 0.52]), np.array([0.02, 0.015])
    e = gaps.from_errors(value, se)
    z = (0.08 - 0.02) / np.hypot(*se)
    assert gaps.chance_below([e], 0.08) * gaps.ONE_SIDED == pytest.approx(
        stats.norm.sf(z), rel=0.02
    )


def test_p_and_upper_limit_agree() -> None:
    e = _estimates(np.array([40, 50, 44]), np.array([400, 420, 500]))
    for margin in (0.05, 0.08, 0.12):
        p = gaps.chance_below([e], margin)
        for tail in (0.01, 0.05, 0.2):
            if abs(p / tail - 1) > 0.02:
                assert (gaps.at_most([e], tail) < margin) == (p < tail)


def test_p_is_found_wherever_it_lies() -> None:
    e = gaps.from_errors(np.array([0.50, 0.52, 0.51]), np.array([0.02, 0.015, 0.03]))
    assert gaps.chance_below([e], 0.0205) == 1
    for margin in (0.03, 0.05, 0.1, 0.15):
        p = gaps.chance_below([e], margin)
        assert gaps.at_most([e], 1.05 * p) < margin < gaps.at_most([e], 0.95 * p)


def test_a_gap_seen_at_the_margin_or_without_limits_is_not_declared() -> None:
    assert gaps.chance_below([_estimates(np.array([10, 20]), np.array([100, 100]))], 0.1) == 1
    blank = Estimates(np.array([0.5, 0.5]), np.zeros(2), lambda tail: (np.full(2, np.nan),) * 2)
    assert np.isnan(gaps.chance_below([blank], 0.1))


def _audited(rates: dict[str, float], n: int, **more: Any) -> AuditResult:
    group = np.repeat(list(rates), n)
    answer = np.concatenate([np.arange(n) < round(p * n) for p in rates.values()]).astype(int)
    options = {"metrics": ["selection_rate"], "margin": MARGIN, "n_boot": 0, **more}
    return audit_predictions(
        np.ones(len(group), int), {"m": answer}, sensitive_features={"sex": group},
        positive=1, task="binary", **options,
    )  # fmt: skip


ASKED = {"attribute": "sex", "metric": "selection_rate", "model": "m", "split": "test"}


@pytest.mark.parametrize(
    ("rates", "n", "result", "says"),
    [
        ({"f": 0.3, "m": 0.3}, 3000, equivalence.BELOW, "shown to be below"),
        ({"f": 0.30, "m": 0.35}, 6000, equivalence.BOTH, "shown to be below"),
        ({"f": 0.2, "m": 0.6}, 500, equivalence.SHOWN, "not shown to be below"),
        ({"f": 0.3, "m": 0.32}, 60, equivalence.NEITHER, "not enough rows to say either"),
    ],
)
def test_each_of_the_results_is_said(
    rates: dict[str, float], n: int, result: str, says: str
) -> None:
    found = _audited(rates, n)
    rows = equivalence.readable_equivalence(found, "test")
    assert rows.filter(pl.col("metric") == "selection_rate")["result"].to_list() == [result]
    sentence = equivalence.equivalence_sentence(found, **ASKED)
    assert says in sentence
    assert "10.0 points" in sentence
    told = next(s for s in sections(found) if s.table == "equivalence")
    assert told.rows is not None
    assert result in told.rows["result"].to_list()


def test_nothing_is_tested_or_said_without_a_margin() -> None:
    found = _audited({"f": 0.3, "m": 0.3}, 300, margin=None)
    assert "equivalence" not in found.tables
    assert equivalence.equivalence_sentence(found, **ASKED) == ""
    assert not any(s.table == "equivalence" for s in sections(found))


def test_the_level_of_the_audit_decides() -> None:
    rates, n = {"f": 0.3, "m": 0.31}, 460
    at = {
        level: equivalence.readable_equivalence(
            _audited(rates, n, confidence=level), "test"
        )["result"][0]
        for level in (0.8, 0.9999)
    }  # fmt: skip
    assert at == {0.8: equivalence.BELOW, 0.9999: equivalence.NEITHER}


def test_many_gaps_are_adjusted_for() -> None:
    found = _audited({"f": 0.3, "m": 0.31}, 700, metrics=None)
    table = found.tables["equivalence"].drop_nulls("p")
    assert table.height > 2
    assert (table["p_adjusted"] >= table["p"] - 1e-12).all()


def test_a_hidden_group_is_no_part_of_the_test() -> None:
    rng = np.random.default_rng(0)
    group = np.array(["a"] * 2000 + ["b"] * 2000 + ["c"] * 10 + ["d"] * 25)
    answer = (rng.random(len(group)) < np.where(group > "b", 0.8, 0.4)).astype(int)
    found = audit_predictions(
        y_pred={"m": answer}, sensitive_features=group, margin=MARGIN, suppress_below=30,
        positive=1,
    )  # fmt: skip
    row = found.tables["equivalence"].row(0, named=True)
    assert row["groups"] == 2
    assert row["value"] < 0.05


@pytest.mark.parametrize("margin", [0, -0.1, 1.0, float("nan"), float("inf"), "0.05", True])
def test_a_margin_no_gap_can_be_held_against_is_refused(margin: Any) -> None:
    with pytest.raises(SpecError, match=r"margin: expected a number between 0 and 1"):
        _audited({"f": 0.3, "m": 0.3}, 50, margin=margin)


def test_numeric_outcomes_have_margins_in_their_own_unit() -> None:
    rng = np.random.default_rng(1)
    y, group = rng.normal(0, 10, 4000), np.repeat(["a", "b"], 2000)
    found = audit_predictions(
        y, {"m": y + rng.normal(0, 1, 4000)}, sensitive_features=group, margin=1.5,
        metrics=["mae"], task="regression",
    )  # fmt: skip
    assert equivalence.readable_equivalence(found, "test")["result"].to_list() == [
        equivalence.BELOW
    ]
