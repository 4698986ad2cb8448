"""Stress tests of FairSDE: what shifted rows, missing losses and other objectives do."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.adapters import adapter
from fairaudit.audit.predictions import audit_predictions
from fairaudit.audit.stress.fair_sde import (
    _judgeable,
    ablation,
    group_errors,
    objectives,
    selection_time,
    shift,
)
from fairaudit.audit.tables.stored_pairs import held_rows
from fairaudit.exceptions import SpecError
from fairaudit.methods.common.progress import Silent
from tests.audit.choices import decide
from tests.audit.test_selection import arrays, as_stored, fitted, invented, tables_of
from tests.sizes import size

ROWS = size(1500, 4000)


@pytest.fixture(scope="module")
def shifted():
    return shift(held_rows(invented(n=ROWS)), "accuracy", {}, seed=0, bound=0.95, repeats=8)


def test_no_shift_changes_nothing(shifted):
    still = shifted.filter(kind="subsample", strength=0.0)
    assert (still["changed"] == 0).all()


def test_bound_harms_no_more_often_than_point_estimates(shifted):
    harm = dict(shifted.group_by("rule").agg(pl.col("harmed").mean()).iter_rows())
    assert harm["bound"] <= harm["point estimates"]


def test_a_sure_harm_is_told_from_one_by_chance(shifted):
    assert (shifted["harmed_surely"] <= shifted["harmed"]).all()
    rng = np.random.default_rng(0)
    n = 2000
    groups, y = rng.choice(["p", "q"], n), rng.integers(0, 2, n)
    split = np.where(np.arange(n) % 2, "validation", "test")
    good = (groups == "p") & (split == "validation")  # the promise is not kept on test rows
    expert = np.where(rng.random(n) < np.where(good, 0.95, 0.6), y, 1 - y)
    baseline = np.where(rng.random(n) < 0.8, y, 1 - y)
    rows = held_rows(tables_of(groups, y, expert, baseline, split))
    found = shift(rows, "accuracy", {"objective": "max_min"}, seed=0, bound=0.95, repeats=3)
    still = found.filter(group="p", kind="subsample", strength=0.0)
    assert still["harmed_surely"].to_list() == still["harmed"].to_list() == [1.0, 1.0]


def test_taking_away_a_helped_group_s_rows_loses_its_expert():
    rows = held_rows(invented(n=500))
    curve = shift(
        rows, "accuracy", {"objective": "max_min"}, seed=0, bound=0.95, repeats=size(4, 10)
    )
    helped = curve.filter(group="p", kind="subsample", rule="bound").sort("strength")
    assert helped["changed"].to_list()[-1] > helped["changed"].to_list()[0]


def test_shift_is_the_same_for_the_same_seed(shifted):
    again = shift(held_rows(invented(n=ROWS)), "accuracy", {}, seed=0, bound=0.95, repeats=8)
    assert shifted.equals(again)


def test_interval_holds_the_mean_harm(shifted):
    assert (shifted["low"] <= shifted["harm"] + 1e-12).all()
    assert (shifted["harm"] <= shifted["high"] + 1e-12).all()


def test_expected_loss_from_wrong_groups_is_what_drawing_them_gives():
    rng = np.random.default_rng(0)
    gains = rng.integers(-1, 2, (300, 3)).astype(float)
    own, guessed = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    table = group_errors(gains, own, guessed, ["a", "b", "c"], confidence=0.95)
    drawn = []
    for _ in range(4000):
        wrong = rng.random(300) < 0.2
        given = np.where(wrong, (own + rng.integers(1, 3, 300)) % 3, own)
        drawn.append(gains[np.arange(300), given][own == 1].mean())
    said = table.filter(kind="wrong", share=0.2, group="b").row(0, named=True)
    assert said["difference"] == pytest.approx(np.mean(drawn), abs=0.003)
    assert said["low"] < said["difference"] < said["high"]
    assert said["n"] == (own == 1).sum()
    at_rest = table.filter(share=0.0)
    for g, name in enumerate("abc"):
        assert at_rest.filter(group=name)["difference"].to_list() == pytest.approx(
            [gains[own == g, g].mean()] * 3
        )
    half = table.filter(kind="missing, baseline", share=0.4, group="a")["difference"].item()
    assert half == pytest.approx(0.6 * gains[own == 0, 0].mean())
    mixed = 0.9 * gains[own == 2, 2] + 0.1 * gains[own == 2, guessed[own == 2]]
    asked = table.filter(kind="missing, guessed", share=0.1, group="c")["difference"].item()
    assert asked == pytest.approx(mixed.mean())


def test_a_group_with_few_rows_has_no_interval_and_one_without_rows_no_value():
    own = np.repeat([0, 1], [25, 19])
    table = group_errors(
        np.ones((44, 3)), own, np.zeros(44, dtype=int), ["a", "b", "c"], confidence=0.95
    )
    assert table.filter(group="a")["low"].null_count() == 0
    assert table.filter(group="b")["low"].null_count() == table.filter(group="b").height
    assert table.filter(group="b")["difference"].null_count() == 0
    assert table.filter(group="c")["difference"].null_count() == table.filter(group="c").height


def test_weights_and_clusters_enter_what_wrong_groups_cost():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(20), 10)
    gains = np.column_stack([np.repeat(rng.normal(size=20), 10), np.zeros(200)])
    own, weight = np.zeros(200, dtype=int), rng.exponential(size=200)
    ask = (gains, own, own, ["a", "b"])
    at_rest = {"kind": "wrong", "share": 0.0, "group": "a"}
    alone = group_errors(*ask, confidence=0.95).filter(**at_rest)
    together = group_errors(*ask, cluster=cluster, confidence=0.95).filter(**at_rest)
    assert (together["high"] - together["low"] > 2 * (alone["high"] - alone["low"])).all()
    heavy = (
        group_errors(*ask, weight=weight, confidence=0.95).filter(**at_rest)["difference"].item()
    )
    assert heavy == pytest.approx(np.average(gains[:, 0], weights=weight))


def test_objectives_stand_side_by_side_on_both_splits():
    found = objectives(held_rows(invented()), "accuracy", 0.0, bound=0.95, confidence=0.95)
    assert found.select("objective", "rule").unique().height == 6
    assert set(found["split"]) == {"validation", "test"}
    gaps = found.filter(split="validation", rule="point estimates")
    smallest = gaps.filter(objective="min_gap")["gap_after"][0]
    assert all(smallest <= other + 1e-12 for other in gaps["gap_after"])


def test_every_number_of_the_objectives_has_the_interval_of_the_decision():
    found = objectives(held_rows(invented()), "accuracy", 0.0, bound=0.95, confidence=0.95)
    decided = decide(invented(), objective="max_min")
    own = found.filter(objective="max_min", rule="bound")
    pair = own.join(decided["selection"], on=["split", "group"], suffix="_own")
    assert pair.height == own.height == 6
    for name in ("baseline_low", "baseline_high", "expert_low", "expert_high"):
        assert pair[name].to_list() == pair[f"{name}_own"].to_list()
    used = pl.when(pl.col("chosen") == "expert")
    for side in ("low", "high"):
        ends = pair.select(used.then(f"expert_{side}").otherwise(f"baseline_{side}")).to_series()
        assert pair[side].to_list() == ends.to_list()
    for name in ("gap_before", "gap_after"):
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()


def test_gaps_of_the_objectives_are_over_the_groups_that_are_compared():
    tables = invented()
    judged = tables["people"].filter(pl.col("sex") != "r")  # all that are left can be judged
    tables = {**tables, "people": judged}
    found = objectives(held_rows(tables), "accuracy", 0.0, bound=0.95, confidence=0.95)
    own = found.filter(objective="min_gap", rule="bound", split="test").row(0, named=True)
    said = decide(tables)["selection_gaps"].filter(split="test").row(0, named=True)
    for name in ("gap_before", "gap_after"):
        for end in ("", "_low", "_high"):
            assert own[f"{name}{end}"] == pytest.approx(said[f"{name}{end}"])


def test_ablation_trains_each_loss_on_and_off_and_chooses_in_three_ways():
    data = arrays(n=700)
    params = {"max_epochs": 2, "hidden_sizes": [8], "attributes": ["race"]}
    given = {"confidence": 0.95, "seed": 0, "device": "cpu", "monitor": Silent()}
    full = fitted(data, max_epochs=2, hidden_sizes=[8])
    found = ablation(adapter("fair-sde"), data, params, full, "accuracy", 0.95, given)
    assert found.height == 8 * 3
    assert found.select("discriminator", "centres", "divergence").unique().height == 8
    rows = held_rows(as_stored(full, data))["test"].evidence("accuracy")
    with_experts = found.filter(
        discriminator=True, centres=True, divergence=True, selection="none"
    )
    assert with_experts["overall"][0] == pytest.approx(np.average(rows.expert, weights=rows.n))
    for name in ("overall", "worst", "gap"):
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()
        assert (found[f"{name}_low"] < found[f"{name}_high"]).all()
    codes = data.groups["race"][data.split == 2]
    audit = audit_predictions(
        data.y[data.split == 2],
        full.predictions["expert"].label[data.split == 2],
        sensitive_features=codes,
        metrics=["accuracy"],
        n_boot=1000,
    )
    gap = audit.gaps.filter(kind="difference").row(0, named=True)
    assert with_experts["gap_low"][0] == pytest.approx(gap["low"])
    assert with_experts["gap_high"][0] == pytest.approx(gap["high"])


def test_time_of_the_choice_is_measured_for_every_size():
    found = selection_time(0, sizes=(2, 20), repeats=1)
    assert found["n_groups"].to_list() == [2, 2, 2, 20, 20, 20]
    assert (found["seconds"] > 0).all()


def test_stress_is_a_job_of_its_own_kind():
    data = arrays(n=size(500, 900))
    params = {
        "max_epochs": size(4, 8), "hidden_sizes": [16], "attributes": ["race"], "confidence": None,
    }  # fmt: skip
    found = adapter("fair-sde", "stress")(
        data, params, seed=0, device="cpu", monitor=Silent(), confidence=0.95
    )
    assert {"stress_shift", "stress_ablation", "stress_objectives", "stress_time"} <= set(
        found.tables
    )
    assert "selection" in found.tables
    errors = found.tables["stress_groups"]
    test = found.tables["selection"].filter(split="test", chosen="expert")
    assert test.height
    for group, difference in test.select("group", "difference").iter_rows():
        said = errors.filter(group=group, share=0.0, kind="wrong")["difference"].item()
        assert said == pytest.approx(difference)
    kept = found.tables["selection"].filter(split="test", chosen="baseline")["group"].to_list()
    assert (errors.filter(pl.col("group").is_in(kept), share=0.0)["difference"] == 0).all()
    assert "fair-sde" in found.predictions


def test_stress_without_any_defined_performance_is_refused_with_the_remedy():
    n = 200
    groups, y = np.tile(["p", "q"], n // 2), np.tile([0, 1], n // 2)  # one class in each group
    split = np.repeat(["validation", "test"], n // 2)
    rows = held_rows(tables_of(groups, y, y, y, split))
    with pytest.raises(SpecError, match=r"no group's balanced_accuracy is defined.*'accuracy'"):
        _judgeable(rows, "balanced_accuracy")
    _judgeable(rows, "accuracy")
