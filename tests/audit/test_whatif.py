"""Other thresholds: exact counts, exact optima by brute force, intervals everywhere."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit import audit_predictions
from fairaudit.audit.whatif import thresholds
from fairaudit.audit.whatif.threshold_counts import (
    Ladder,
    ladder_from_histogram,
    ladder_from_scores,
)
from fairaudit.audit.whatif.thresholds import Costs
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.group_codes import Grouping, encode
from fairaudit.stats.metric_definitions import BINARY


def _rows(seed: int, n: int = 60, G: int = 2, levels: int = 8) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    g = np.r_[np.arange(G).repeat(4), rng.integers(0, G, n - 4 * G)]
    y = np.r_[np.tile([0, 0, 1, 1], G), rng.integers(0, 2, n - 4 * G)]
    score = np.round(np.clip(rng.normal(0.35 + 0.3 * y + 0.05 * g, 0.2), 0, 1) * levels) / levels
    return score, y, g


def _ladder(score: np.ndarray, y: np.ndarray, g: np.ndarray) -> Ladder:
    names = tuple(f"g{i}" for i in range(g.max() + 1))
    return ladder_from_scores(score, y, Grouping("g", names, g))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.1, 1.1))
def test_counts_at_a_threshold_are_those_of_the_rows(seed: int, cut: float) -> None:
    score, y, g = _rows(seed)
    cells = thresholds.counts_at(_ladder(score, y, g), cut)
    for i in range(2):
        for truth, answer in product((0, 1), (0, 1)):
            rows = (g == i) & (y == truth) & ((score >= cut) == answer)
            assert cells.rows[i, truth, answer] == rows.sum()


def test_a_threshold_gives_the_tables_of_that_decision() -> None:
    score, y, g = _rows(3, n=800)
    errors, gaps = thresholds.at_threshold(_ladder(score, y, g), 0.5, confidence=0.95)
    names = np.array(["g0", "g1"])[g]
    whole = audit_predictions(y, (score >= 0.5).astype(int), sensitive_features=names, n_boot=300)
    theirs = whole.errors.filter(pl.col("attribute") == "group")
    both = errors.join(theirs, on=["group", "metric"])
    assert len(both) == len(errors) == 2 * len(BINARY)
    assert np.allclose(both["value"], both["value_right"])
    assert np.allclose(both["low"].to_numpy(), both["low_right"].to_numpy(), atol=0.01)
    assert gaps["low"].null_count() == 0


def test_groups_may_have_their_own_thresholds() -> None:
    score, y, g = _rows(4)
    ladder = _ladder(score, y, g)
    cells = thresholds.counts_at(ladder, {"g0": 0.3, "g1": 0.6})
    assert cells.rows[0, :, 1].sum() == ((g == 0) & (score >= 0.3)).sum()
    assert cells.rows[1, :, 1].sum() == ((g == 1) & (score >= 0.6)).sum()
    with pytest.raises(SpecError, match="group 'g1' has no threshold"):
        thresholds.counts_at(ladder, {"g0": 0.3})


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["tpr", "fpr", "selection_rate"]),
    st.sampled_from([0.0, 0.02, 0.1]),
    st.sampled_from([(1, 1), (1, 5), (4, 1)]),
)
def test_equal_rates_are_the_cheapest_of_all_choices(
    seed: int, aim: str, tolerance: float, price: tuple[int, int]
) -> None:
    ladder = _ladder(*_rows(seed, n=50, G=3, levels=6))
    costs = Costs(*price)
    found = thresholds.equal_rates(ladder, aim, costs=costs, tolerance=tolerance)  # type: ignore[arg-type]
    rate, cost = thresholds._rates(ladder, aim), costs.of(ladder)  # type: ignore[arg-type]
    T = len(ladder.thresholds)
    best = min(
        sum(cost[i, t] for i, t in enumerate(choice))
        for choice in product(range(T), repeat=3)
        if max(rate[i, t] for i, t in enumerate(choice))
        - min(rate[i, t] for i, t in enumerate(choice))
        <= tolerance + 1e-12
    )
    assert found.cost == pytest.approx(best)
    assert found.gap <= tolerance + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1, 1), (1, 5), (4, 1)]))
def test_equalized_odds_are_equal_and_no_common_point_is_cheaper(
    seed: int, price: tuple[int, int]
) -> None:
    ladder = _ladder(*_rows(seed, n=60, G=3, levels=6))
    costs = Costs(*price)
    odds = thresholds.equalized_odds(ladder, costs=costs)
    cells = thresholds.counts_under(ladder, odds).rows
    fpr = cells[:, 0, 1] / cells[:, 0].sum(1)
    tpr = cells[:, 1, 1] / cells[:, 1].sum(1)
    assert fpr == pytest.approx(np.full(3, odds.fpr), abs=1e-9)
    assert tpr == pytest.approx(np.full(3, odds.tpr), abs=1e-9)
    # a fine grid of common points below all hulls finds nothing cheaper
    n0, n1 = ladder.total.sum(axis=0)
    F, T = thresholds._rates(ladder, "fpr"), thresholds._rates(ladder, "tpr")
    at = np.linspace(0, 1, 501)
    height = np.full(len(at), np.inf)
    for f, t in zip(F, T, strict=True):
        hull = thresholds._hull(f, t)
        height = np.minimum(height, thresholds._height(f[hull], t[hull], at))
    grid = costs.fp * n0 * at + costs.fn * n1 * (1 - height)
    assert odds.cost <= grid.min() + 1e-9


def test_equalized_odds_have_intervals() -> None:
    ladder = _ladder(*_rows(8, n=900, G=3, levels=40))
    rule = thresholds.equalized_odds(ladder)
    errors, gaps = thresholds.at_threshold(ladder, rule, metrics=["tpr", "fpr"], confidence=0.95)
    assert errors["low"].null_count() == 0
    odds = gaps.filter((pl.col("metric") == "equalized_odds") & (pl.col("kind") == "difference"))
    assert odds["value"].item() == pytest.approx(0, abs=1e-9)
    assert odds["high"].item() > 0.02


def test_the_cheapest_threshold_is_the_cheapest() -> None:
    score, y, g = _rows(9)
    ladder = _ladder(score, y, g)
    cut = thresholds.cheapest(ladder, Costs(1, 3))
    assert len(set(cut.values())) == 1

    def cost(t: float) -> int:
        return int(((score >= t) & (y == 0)).sum() + 3 * ((score < t) & (y == 1)).sum())

    assert cost(cut["g0"]) == min(cost(t) for t in [*np.unique(score), 2.0])
    own = thresholds.cheapest(ladder, Costs(1, 3), per_group=True)
    own_cost = sum(
        int(((score >= own[f"g{i}"]) & (y == 0) & (g == i)).sum())
        + 3 * int(((score < own[f"g{i}"]) & (y == 1) & (g == i)).sum())
        for i in range(2)
    )
    assert own_cost <= cost(cut["g0"])


def test_a_stored_histogram_moves_thresholds_like_the_scores_themselves() -> None:
    score, y, g = _rows(10, n=500, levels=20)
    names = np.array(["a", "b"])[g]
    r = audit_predictions(y, score >= 0.5, y_score=score, sensitive_features=names, n_boot=0)
    table = r.tables["histograms"].filter(pl.col("attribute") == "group")
    stored = ladder_from_histogram(table)
    codes = encode(names)
    whole = ladder_from_scores(score, y, Grouping("group", *codes))
    for cut in (0.0, 0.2, 0.5, 0.77, 1.0):
        assert np.array_equal(
            thresholds.counts_at(stored, cut).rows, thresholds.counts_at(whole, cut).rows
        )


def test_the_sweep_ends_with_everybody_and_nobody() -> None:
    table = thresholds.sweep(_ladder(*_rows(11)), "selection_rate", confidence=0.95)
    for _, rows in table.group_by("group"):
        ordered = rows.sort("threshold")["value"].to_list()
        assert ordered[0] == 1.0
        assert ordered[-1] == 0.0
        assert ordered == sorted(ordered, reverse=True)
    assert (table["low"] <= table["value"]).all()


def test_without_scores_there_is_no_threshold() -> None:
    with pytest.raises(InputError, match="no stored scores"):
        ladder_from_histogram(pl.DataFrame(schema={"group": pl.String}))


def test_a_group_without_positives_has_no_equal_opportunity() -> None:
    ladder = _ladder(np.array([0.1, 0.9, 0.5]), np.array([0, 1, 0]), np.array([0, 0, 1]))
    with pytest.raises(InputError, match="group 'g1' has no rows"):
        thresholds.equal_rates(ladder, "tpr")
