"""Rules chosen from data: one half of the rows chooses, the other judges."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from fairaudit.audit.whatif import chosen_rules, thresholds
from fairaudit.audit.whatif.chosen_rules import RuleName, at_chosen, choose_apart
from fairaudit.audit.whatif.threshold_counts import Ladder, ladder_from_scores
from fairaudit.audit.whatif.thresholds import EqualOdds
from fairaudit.exceptions import InputError
from fairaudit.inputs.group_codes import Grouping
from tests.sizes import binomial_error, nightly, size

RULES: tuple[RuleName, ...] = ("cheapest", "own", "tpr", "selection_rate", "fpr", "odds")
METRIC = {"selection_rate": "selection_rate", "fpr": "fpr"}
SPREAD = 0.2


def _mean(y: np.ndarray | int, g: np.ndarray | int) -> np.ndarray | float:
    return 0.35 + 0.2 * y + 0.08 * g * (1 - y)


def _drawn(seed: int, n: int = 60, G: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    g, y = np.repeat(np.arange(G), n), rng.integers(0, 2, G * n)
    return rng.normal(_mean(y, g), SPREAD), y, g


def _ladder(seed: int, n: int = 60, G: int = 2, **more: np.ndarray | bool) -> Ladder:
    score, y, g = _drawn(seed, n, G)
    grouping = Grouping("g", tuple("abcdefgh"[:G]), g)
    return ladder_from_scores(score, y, grouping, **more)  # type: ignore[arg-type]


def _true_rate(metric: str, cut: float, g: int) -> float:
    fpr, tpr = (float(norm.sf((cut - _mean(y, g)) / SPREAD)) for y in (0, 1))
    return {"tpr": tpr, "fpr": fpr, "selection_rate": (tpr + fpr) / 2}[metric]


def _true_gap(rule: chosen_rules.ChosenRule, metric: str) -> float:
    if isinstance(rule, EqualOdds):
        rates = [
            (1 - r.ignore)
            * (
                r.share * _true_rate(metric, r.low, g)
                + (1 - r.share) * _true_rate(metric, r.high, g)
            )
            + r.ignore * r.select
            for g, r in enumerate(rule.rules.values())
        ]
    else:
        rates = [_true_rate(metric, cut, g) for g, cut in enumerate(rule.values())]
    return max(rates) - min(rates)


def _shown(table: pl.DataFrame, metric: str) -> dict[str, float]:
    return table.filter(kind="difference", metric=metric).row(0, named=True)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("G", [2, *nightly(4)])
def test_the_gap_shown_covers_the_true_gap_of_the_rule(name: RuleName, G: int) -> None:
    runs, metric = size(30, 400), METRIC.get(name, "tpr")
    covered, shown, true = 0, [], []
    for seed in range(runs):
        judged = choose_apart(_ladder(seed, G=G), name, seed=seed)
        gap = _shown(at_chosen(judged, metrics=[metric], confidence=0.95)[1], metric)
        true.append(_true_gap(judged.rule, metric))
        covered += gap["low"] - 1e-9 <= true[-1] <= gap["high"] + 1e-9
        shown.append(gap["value"])
    assert covered / runs >= 0.93 - binomial_error(0.93, runs)
    assert np.mean(shown) >= np.mean(true) - 2 * np.std(shown) / np.sqrt(runs)


def test_on_its_own_rows_a_rule_of_equal_rates_shows_next_to_no_gap() -> None:
    """Why rules are judged apart: this documents what the numbers would be."""
    true, shown = [], []
    for seed in range(40):
        ladder = _ladder(seed)
        rule = thresholds.equal_rates(ladder, "tpr").thresholds
        tables = thresholds.at_threshold(ladder, rule, metrics=["tpr"], confidence=0.95)
        shown.append(_shown(tables[1], "tpr")["value"])
        true.append(_true_gap(rule, "tpr"))
    assert np.mean(shown) < 0.01
    assert np.mean(true) > 0.06


@pytest.mark.parametrize("below", [False, True])
def test_halves_are_the_rows_and_share_none(below: bool) -> None:
    ladder = _ladder(1, below=below)
    one, two = chosen_rules._halves_of_rows(ladder, np.random.default_rng(3))
    assert np.allclose(one.above + two.above, ladder.above)
    assert np.abs(one.total - two.total).max() <= 1
    judged = choose_apart(ladder, "tpr", seed=3)
    assert judged.chosen_on + judged.judged_on == 120


def test_weights_are_divided_with_their_rows() -> None:
    weight = np.random.default_rng(2).gamma(2, 1, 120)
    ladder = _ladder(2, weight=weight)
    judged = choose_apart(ladder, "tpr")
    errors, _ = at_chosen(judged, metrics=["tpr"], confidence=0.95)
    assert judged.chosen_on + judged.judged_on == 120
    assert judged.others.rows is not None
    assert judged.others.square is not None
    assert judged.others.total.sum() < weight.sum()
    assert (errors["low"] < errors["value"]).all()
    even = choose_apart(_ladder(2, weight=np.full(120, 7.0)), "tpr")
    assert even.rule == choose_apart(_ladder(2), "tpr").rule


def test_clusters_stay_whole() -> None:
    cluster = np.arange(120) % 20
    judged = choose_apart(_ladder(4, cluster=cluster), "fpr")
    others = judged.others.clustered
    assert others is not None
    assert np.array_equal(np.bincount(others.cluster)[np.unique(others.cluster)], [6] * 10)
    errors, _ = at_chosen(judged, metrics=["fpr"], confidence=0.95)
    assert errors["method"].str.contains("cluster").all()


def test_scores_of_the_judging_rows_set_no_threshold() -> None:
    for seed in range(20):
        score, *_ = _drawn(seed, 30)
        ladder = _ladder(seed, 30)
        judged = choose_apart(ladder, "own", seed=seed)
        assert not isinstance(judged.rule, EqualOdds)
        there = -np.diff(judged.others.above, axis=2).sum(axis=(0, 1)) > 0
        theirs = np.sort(score)[there]
        assert not np.isin(list(judged.rule.values()), theirs).any()


def test_too_few_rows_to_choose_and_judge_are_named() -> None:
    grouping = Grouping("g", ("a", "b"), np.array([0, 0, 0, 0, 1, 1, 1]))
    score = np.array([0.1, 0.9, 0.4, 0.3, 0.2, 0.8, 0.1])
    ladder = ladder_from_scores(score, np.array([0, 1, 1, 0, 0, 1, 0]), grouping)
    lacking = []
    for seed in range(8):
        try:
            choose_apart(ladder, "tpr", seed=seed)
        except InputError as error:
            lacking.append(str(error))
    assert 0 < len(lacking) < 8
    assert all("half of the rows that chooses" in text for text in lacking)
    assert all("group 'b'" in text for text in lacking)
    clustered = ladder_from_scores(
        score, np.array([0, 1, 1, 0, 0, 1, 0]), grouping, cluster=np.zeros(7, dtype=np.int64)
    )
    with pytest.raises(InputError, match="there is 1 cluster"):
        choose_apart(clustered, "tpr")
