"""Intervals of baseline, expert and choice: those of the Errors page, and how often they hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.no_harm.choice_intervals import (
    ENDS,
    of_choice,
    of_systems,
    pair_of,
)
from fairaudit.audit.predictions import audit_predictions
from fairaudit.audit.tables.stored_pairs import HeldRows
from fairaudit.methods.no_harm_table import ChoiceRules, bounds, choose, summary_of
from fairaudit.stats.paired_differences import METRICS, WEIGHTED, Answers
from tests.audit.choices import decide
from tests.audit.test_selection import invented

NAMES = ["a", "b", "c", "d"]
USE = np.array([True, False, True, False])
ENGINE = {"neg_mse": "mse"}


def held(metric="accuracy", *, seed=0, n=900, groups=4, classes=2, clusters=0, weighted=False):
    """Invented rows of a split; group d has 12 rows of its own, where there are four groups."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, min(groups, 3), n)
    codes[:12] = groups - 1
    cluster = rng.integers(10, 10 + clusters, n) if clusters else None
    if metric == "neg_mse":
        y = rng.normal(size=n)
        pair = [Answers(y + s * (1 + codes) * rng.normal(size=n)) for s in (0.4, 0.5)]
    else:
        y = rng.integers(0, classes, n)
        right = [rng.random(n) < 0.9 - 0.08 * codes - drop for drop in (0.0, 0.05)]
        wrong = (y + rng.integers(1, classes, n)) % classes
        labels = [np.where(ok, y, wrong).astype(float) for ok in right]
        noisy = [np.clip(0.5 + 0.4 * (v - 0.5) + 0.2 * rng.normal(size=n), 0, 1) for v in labels]
        pair = [
            Answers(v, s if classes == 2 else None) for v, s in zip(labels, noisy, strict=True)
        ]
    weight = rng.exponential(size=n) if weighted else None
    return HeldRows(NAMES[:groups], y.astype(float), codes, *pair, cluster, weight)


def nobody(rows):
    return np.zeros(len(rows.names), dtype=bool)


def answers_of(rows, use):
    mine = use[rows.codes]
    return Answers(
        np.where(mine, rows.expert.label, rows.baseline.label),
        None
        if rows.expert.score is None
        else np.where(mine, rows.expert.score, rows.baseline.score),
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("clusters", [0, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_engine_measures_the_numbers_of_the_decision(metric, clusters, weighted):
    rows = held(metric, clusters=clusters, weighted=weighted)
    found, pair = rows.evidence(metric), pair_of(rows, metric, confidence=0.95)
    sign = -1 if metric == "neg_mse" else 1
    for use, values in ((nobody(rows), found.baseline), (~nobody(rows), found.expert)):
        assert sign * pair.measured(use).value == pytest.approx(values)
    rules = ChoiceRules("max_min", None, 0.95)
    choice = choose(found, bounds(found, rules), rules)
    told, spans = summary_of(choice.use_expert, found), of_choice(pair, found, choice.use_expert)
    for name, value in told.items():
        assert spans[f"{name}_low"] <= value + 1e-12
        assert spans[f"{name}_high"] >= value - 1e-12
        assert spans[f"{name}_low"] < spans[f"{name}_high"]
    assert len(spans) == 12


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("clusters", [0, 40])
def test_intervals_are_those_of_an_audit_of_the_same_answers(metric, groups, clusters):
    rows = held(metric, groups=groups, clusters=clusters, weighted=metric in WEIGHTED)
    use = USE[:groups]
    pair = pair_of(rows, metric, confidence=0.95)
    chosen = answers_of(rows, use)
    name = ENGINE.get(metric, metric)
    audit = audit_predictions(
        rows.y,
        chosen.label,
        y_score=chosen.score,
        sensitive_features=np.array(rows.names)[rows.codes],
        metrics=[name],
        sample_weight=rows.weight,
        clusters=rows.clusters,
        task="regression" if metric == "neg_mse" else "binary",
        n_boot=300,
        random_state=5,
    )
    said = {r["kind"]: (r["low"], r["high"]) for r in audit.gaps.iter_rows(named=True)}
    everyone = np.ones(groups, dtype=bool)
    spans = pair.over_groups(use, everyone, np.ones(groups))
    worst = said["worst"] if metric != "neg_mse" else (-said["worst"][1], -said["worst"][0])
    assert spans["gap"] == pytest.approx(said["difference"])
    assert spans["worst"] == pytest.approx(worst)
    errors = audit.errors.filter(attribute="group").sort("group")
    ends = [errors["low"].to_numpy(), errors["high"].to_numpy()]
    if metric == "neg_mse":
        ends = [-ends[1], -ends[0]]
    assert pair.by_group(use, np.ones(groups)) == pytest.approx(np.array(ends))


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_several_classes_have_the_intervals_of_an_audit_too(metric):
    rows = held(metric, classes=4, groups=3)
    pair = pair_of(rows, metric, confidence=0.95)
    audit = audit_predictions(
        rows.y,
        rows.baseline.label,
        sensitive_features=np.array(rows.names)[rows.codes],
        metrics=[metric],
        task="multiclass",
        n_boot=200,
        random_state=2,
    )
    gap = audit.gaps.filter(kind="difference", metric=metric).row(0, named=True)
    spans = pair.over_groups(nobody(rows), np.ones(3, dtype=bool), np.ones(3))
    assert spans["gap"] == pytest.approx((gap["low"], gap["high"]))


def test_a_hundred_classes_are_counted_as_right_and_wrong():
    rows = held(classes=100)
    assert pair_of(rows, "accuracy", confidence=0.95).rows.task == "binary"
    low, high = pair_of(rows, "accuracy", confidence=0.95).by_group(nobody(rows), np.ones(4))
    right = rows.baseline.label == rows.y
    for g in range(4):
        assert low[g] < right[rows.codes == g].mean() < high[g]


@pytest.fixture(scope="module")
def coverage():
    """Share of 300 draws of 3 × 200 rows in which the interval holds the truth, by number."""
    truth, rng = np.array([0.82, 0.76, 0.72]), np.random.default_rng(11)
    codes, one = np.repeat([0, 1, 2], 200), np.ones(600)
    exact = {"gap": 0.1, "worst": 0.72, "mean": truth.mean()}
    holds = dict.fromkeys(exact, 0)
    for _ in range(300):
        label = (rng.random(600) < truth[codes]).astype(float)
        rows = HeldRows(NAMES[:3], one, codes, Answers(one), Answers(label), None)
        pair = pair_of(rows, "accuracy", confidence=0.95)
        spans = of_choice(pair, rows.evidence("accuracy"), nobody(rows))
        for name, value in exact.items():
            holds[name] += spans[f"{name}_before_low"] <= value <= spans[f"{name}_before_high"]
    return {name: count / 300 for name, count in holds.items()}


@pytest.mark.parametrize("name", ["gap", "worst", "mean"])
def test_intervals_hold_the_truth_as_often_as_they_say(coverage, name):
    assert 0.90 <= coverage[name] <= 0.99


def test_rows_in_clusters_say_less():
    rng = np.random.default_rng(3)
    home = rng.integers(0, 60, 1200)
    good = rng.random(60) < 0.5  # clusters differ, so that rows repeat each other
    label = (rng.random(1200) < np.where(good[home], 0.95, 0.55)).astype(float)
    codes, one = home % 3, np.ones(1200)
    wide, narrow = (
        of_choice(
            pair_of(rows, "accuracy", confidence=0.95), rows.evidence("accuracy"), nobody(rows)
        )
        for rows in (
            HeldRows(NAMES[:3], one, codes, Answers(one), Answers(label), c) for c in (home, None)
        )
    )
    for name in ("gap", "worst", "mean"):
        ends = f"{name}_before_high", f"{name}_before_low"
        assert wide[ends[0]] - wide[ends[1]] > 1.2 * (narrow[ends[0]] - narrow[ends[1]])


def test_with_one_judged_group_there_is_no_interval_of_a_gap():
    tables = invented()
    only = tables["people"].filter(pl.col("sex") != "q")
    found = decide({**tables, "people": only})["selection_gaps"]
    assert found["gap_before"].to_list() == [0.0, 0.0]
    for name in ("gap_before", "gap_after"):
        assert found[f"{name}_low"].null_count() == found[f"{name}_high"].null_count() == 2
    selection = decide({**tables, "people": only})["selection"].filter(group="p")
    assert found["worst_before_low"].to_list() == selection["baseline_low"].to_list()
    assert found["worst_after_high"].to_list() == selection["expert_high"].to_list()


def test_where_nothing_can_be_counted_there_is_no_interval():
    one = np.ones(40)  # one class only: balanced accuracy is not defined
    codes = np.repeat([0, 1], 20)
    rows = HeldRows(NAMES[:2], one, codes, Answers(one), Answers(one), None)
    found, pair = (
        rows.evidence("balanced_accuracy"),
        pair_of(rows, "balanced_accuracy", confidence=0.95),
    )
    assert np.isnan(list(of_choice(pair, found, nobody(rows)).values())).all()
    assert np.isnan(list(of_systems(pair, found).values())).all()


def test_negative_errors_keep_their_sign():
    rows = held("neg_mse", groups=3)
    found, pair = rows.evidence("neg_mse"), pair_of(rows, "neg_mse", confidence=0.95)
    spans = of_choice(pair, found, np.ones(3, dtype=bool))
    assert spans["worst_after_low"] < found.expert.min() < spans["worst_after_high"] < 0
    mean = np.average(found.expert, weights=found.n)
    assert spans["mean_after_low"] < mean < spans["mean_after_high"] < 0
    assert 0 < spans["gap_after_low"] < np.ptp(found.expert) < spans["gap_after_high"]
    ends = of_systems(pair, found)
    assert (ends["expert_low"] < found.expert).all()
    assert (found.expert < ends["expert_high"]).all()


def test_rows_without_a_group_and_groups_without_rows_take_no_part():
    rows = held(groups=3)
    codes = np.where(np.arange(len(rows.y)) % 5 == 0, -1, rows.codes)
    codes[codes == 1] = -1
    some = HeldRows(rows.names, rows.y, codes, rows.expert, rows.baseline, None)
    found = some.evidence("accuracy")
    ends = of_systems(pair_of(some, "accuracy", confidence=0.95), found)
    assert np.isnan(ends["baseline_low"]).tolist() == [False, True, False]
    alone = some.take(codes >= 0)
    again = of_systems(pair_of(alone, "accuracy", confidence=0.95), alone.evidence("accuracy"))
    assert ends["expert_high"] == pytest.approx(again["expert_high"], nan_ok=True)


def test_the_decision_carries_the_interval_of_every_group_with_rows():
    found = decide(invented())["selection"]
    assert found.columns[-4:] == list(ENDS)
    for name in ("baseline", "expert"):
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()


def test_one_cluster_says_nothing_about_how_clusters_vary():
    rows = held(groups=3)
    alone = HeldRows(
        rows.names, rows.y, rows.codes, rows.expert, rows.baseline, np.zeros(len(rows.y))
    )
    found, pair = alone.evidence("accuracy"), pair_of(alone, "accuracy", confidence=0.95)
    assert np.isnan(list(of_choice(pair, found, nobody(alone)).values())).all()
    assert np.isnan(of_systems(pair, found)["expert_low"]).all()
