"""Rules that compare those chosen with all people, by the figures of the opinions and scipy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from fairaudit.audit import presets
from fairaudit.audit.presets.representation import risk_ratios, standard_deviations


def _applied(name: str, counts: dict[str, tuple[int, int]]) -> presets.Applied:
    """A rule on {group: (people, chosen)}, as a table of counts."""
    rows = [(g, 1, s) for g, (n, s) in counts.items()]
    rows += [(g, 0, n - s) for g, (n, s) in counts.items()]
    group, chosen, people = zip(*rows, strict=True)
    return presets.apply(
        name, selected=chosen, groups={"group": group}, weight=people, confidence=0.95,
        options=presets.PresetOptions(weight_counts_people=True),
    )  # fmt: skip


def _row(name: str, counts: dict[str, tuple[int, int]], group: str) -> dict[str, float]:
    return _applied(name, counts).tables["group"].row(by_predicate=pl.col("group") == group,
                                                      named=True)  # fmt: skip


@pytest.mark.parametrize(
    ("share", "chosen", "observed", "expected", "apart"),
    [
        (0.791, 870, 339, 688, -29),  # Castaneda, 11 years: "approximately 29"
        (0.791, 220, 100, 174, -12),  # Castaneda, 2½ years: "about 12"
        (0.154, 405, 15, 62, -6),  # Hazelwood, two years at 15.4%: "more than six"
        (0.057, 282, 10, 16, -1),  # Hazelwood, 1972-1973 at 5.7%: "less than two"
    ],
)
def test_the_opinions_figures_come_out(
    share: float, chosen: int, observed: int, expected: int, apart: int
) -> None:
    people = 100_000
    inside = round(people * share)
    counts = {"in": (inside, observed), "out": (people - inside, chosen - observed)}
    row = _row("two-standard-deviations", counts, "in")
    assert round(row["expected"]) == expected
    assert int(row["standard_deviations"]) == apart
    assert row["exceeds_two"] is (abs(apart) >= 2)
    table = [[observed, chosen - observed],
             [inside - observed, people - inside - chosen + observed]]  # fmt: skip
    assert row["p"] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_standard_deviations_are_those_of_the_binomial_distribution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(50, 500, 4).astype(float)
    s = rng.binomial(n.astype(int), 0.3).astype(float)
    expected, sd, apart = standard_deviations(s, n)
    law = stats.binom(int(s.sum()), n / n.sum())
    np.testing.assert_allclose(expected, law.mean())
    np.testing.assert_allclose(sd, law.std())
    np.testing.assert_allclose(apart, (s - law.mean()) / law.std())


def test_disparities_of_berghuis_come_out() -> None:
    # 7.28% of those eligible and 6% of the pool: 1.28 points, and 18% less than eligible
    counts = {"African-American": (7_280, 600), "Other": (92_720, 9_400)}
    row = _row("fair-cross-section", counts, "African-American")
    assert row["absolute_disparity"] == pytest.approx(0.0128)
    assert round(100 * row["comparative_disparity"]) == 18


def test_disparities_of_duren_come_out() -> None:
    row = _row("fair-cross-section", {"women": (5_400, 145), "men": (4_600, 855)}, "women")
    assert row["absolute_disparity"] == pytest.approx(0.54 - 0.145)  # 54% against 14.5%


def test_a_risk_ratio_by_hand_and_by_scipy() -> None:
    # 40 of 200 are 20%; 30 + 20 of 300 + 200 others are 10%
    counts = {"A": (200, 40), "B": (300, 30), "C": (200, 20)}
    row = _row("idea-risk-ratio", counts, "A")
    assert (row["risk"], row["risk_ratio"]) == (pytest.approx(0.2), pytest.approx(2.0))
    assert row["large_enough"]
    oracle = stats.contingency.relative_risk(40, 200, 50, 500)
    assert row["risk_ratio"] == pytest.approx(oracle.relative_risk)
    ends = oracle.confidence_interval(0.95)  # Katz; ours is MOVER on Wilson's limits
    assert row["risk_ratio_low"] == pytest.approx(ends.low, rel=0.03)
    assert row["risk_ratio_high"] == pytest.approx(ends.high, rel=0.03)


@pytest.mark.parametrize(("people", "cases", "enough"), [(30, 10, True), (29, 10, False),
                                                         (30, 9, False)])  # fmt: skip
def test_small_groups_are_marked(people: int, cases: int, *, enough: bool) -> None:
    row = _row("idea-risk-ratio", {"A": (people, cases), "B": (300, 60)}, "A")
    assert row["large_enough"] is enough


def test_what_cannot_be_compared_has_no_value() -> None:
    assert np.isnan(risk_ratios(np.array([3.0]), np.array([9.0]), 0.95)[0]).all()
    for name in ("two-standard-deviations", "fair-cross-section", "idea-risk-ratio"):
        nobody = _applied(name, {"A": (40, 0), "B": (40, 0)})
        assert nobody.tables["group"].height == 2
        assert not [s for s in nobody.sentences if "nan" in s]
        alone = _applied(name, {"A": (40, 9), "Not reported": (20, 15)})
        assert alone.tables["group"]["group"].to_list() == ["A"]
        assert "20 people of unknown group are not in the table." in alone.sentences
