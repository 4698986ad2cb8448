"""The choice between systems that one already has: known answers, guarantees, refusals."""

from __future__ import annotations

import doctest
import importlib
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import binomtest

from fairaudit import choose_between
from fairaudit.audit.no_harm.system_decision import decide_systems
from fairaudit.audit.no_harm.system_rows import SystemRows
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.group_codes import Grouping
from fairaudit.methods.best_choice import OBJECTIVES
from fairaudit.methods.no_harm_table import ChoiceRules
from fairaudit.stats.paired_differences import Answers
from fairaudit.text.sentences.system_reasons import reason, with_reasons, worded_certificates
from tests.sizes import binomial_error, nightly, size

module = importlib.import_module("fairaudit.audit.no_harm.choose_between")
DRAWS = size(200, 5000)
RULES = ChoiceRules("max_min", 0.95, 0.95)


def systems(rng, n, wrong, groups):
    """Outcomes and answers, each wrong with its chance in each group: {name: chances}."""
    y = rng.integers(0, 2, n)
    return y, {
        name: np.where(rng.random(n) < np.asarray(chance)[groups], 1 - y, y)
        for name, chance in wrong.items()
    }


def test_the_documented_example_holds():
    assert doctest.testmod(module).failed == 0


def test_every_group_gets_its_best_harmless_system():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 6000)
    y, s = systems(
        rng, 6000, {"old": [0.3] * 3, "a": [0.2, 0.3, 0.4], "b": [0.25, 0.2, 0.4]}, groups
    )
    c = choose_between(y, s["old"], {"a": s["a"], "b": s["b"]}, sensitive_features=groups)
    assert c.chosen == {"0": "a", "1": "b", "2": "baseline"}
    assert c.table["group"].to_list() == ["0", "0", "1", "1", "2", "2"]
    assert set(c.check.filter(pl.col("verdict") == "improves")["group"]) == {"0", "1"}
    assert (c.summary["worst_after"] >= c.summary["worst_before"]).all()
    assert c.number.tolist() == np.array([1, 2, 0])[groups].tolist()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_certified_gain_that_is_not_taken_is_named_with_its_reason(objective):
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], 3000)
    y, s = systems(rng, 6000, {"old": [0.1, 0.3], "new": [0.02, 0.3]}, groups)
    c = choose_between(
        y, s["old"], {"new": s["new"]}, sensitive_features=groups, objective=objective
    )
    if objective == "max_min":
        assert c.chosen["0"] == "new"
        assert c.forgone.is_empty()
    else:
        assert c.chosen["0"] == "baseline"
        row = c.forgone.row(0, named=True)
        assert (row["group"], row["system"], row["chosen"]) == ("0", "new", "baseline")
        assert row["lower"] > 0.05
        assert "not used because" in reason(row)


def test_the_certificate_is_recomputed_by_hand():
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 2, 1200)
    y, s = systems(rng, 1200, {"old": [0.3, 0.3], "new": [0.18, 0.3]}, groups)
    c = choose_between(y, s["old"], {"new": s["new"]}, sensitive_features=groups)
    entry = next(e for e in json.loads(json.dumps(c.certificates)) if e["group"] == "0")
    facts = entry["splits"]["choose"]
    gains, losses = facts["paired_table"]["candidate_only"], facts["paired_table"]["baseline_only"]
    exact = binomtest(gains, gains + losses, alternative="greater").pvalue
    assert facts["difference"] == pytest.approx((gains - losses) / facts["n"])
    assert facts["p"] >= exact - 1e-12  # the more cautious of two tests
    assert facts["p"] <= facts["level"] <= entry["rule"]["family_wise_level"]
    assert entry["used"]
    assert f"({gains} − {losses}) / {facts['n']}" in worded_certificates(c)[0]["words"]


@pytest.mark.parametrize(
    ("n", "sizes", "worse"),
    [
        (50, 2, 0.0), (200, 4, 0.01), (1000, 8, 0.0),
        *nightly((50, 2, 0.01), (200, 4, 0.0), (1000, 8, 0.01)),
    ],
)  # fmt: skip
def test_systems_that_are_no_better_are_rarely_chosen_at_all(n, sizes, worse):
    """Family-wise over groups and candidates: at most 5% of choices change anything."""
    rng = np.random.default_rng(n)
    groups = np.repeat(np.arange(sizes), n)
    wrong = {"old": [0.25] * sizes, "a": [0.25 + worse] * sizes, "b": [0.25 + worse] * sizes}
    changed = 0
    for _ in range(DRAWS):
        y, s = systems(rng, n * sizes, wrong, groups)
        answers = {name: Answers(labels) for name, labels in s.items()}
        rows = SystemRows(y, answers, Grouping("group", tuple("abcdefgh"[:sizes]), groups))
        changed += decide_systems(rows, "accuracy", RULES).pick.any()
    assert changed / DRAWS <= 0.05 + binomial_error(0.05, DRAWS)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc", "neg_mse"])
def test_no_metric_accepts_equal_systems_too_often(metric):
    rng = np.random.default_rng(4)
    groups = np.repeat([0, 1, 2], 150)
    draws = size(60, 2000)
    changed = 0
    for _ in range(draws):
        y = rng.integers(0, 2, 450) + (rng.normal(size=450) if metric == "neg_mse" else 0)
        noisy = [y + rng.normal(0, 1.2, 450) for _ in range(2)]
        hard = noisy if metric == "neg_mse" else [(v > 0.5).astype(int) for v in noisy]
        scores = dict(zip(("baseline", "a"), noisy, strict=True)) if metric == "auroc" else None
        c = choose_between(
            y, hard[0], {"a": hard[1]}, sensitive_features=groups, metric=metric, y_score=scores,
            check=0,
        )  # fmt: skip
        changed += "a" in c.chosen.values()
    assert changed / draws <= 0.05 + binomial_error(0.05, draws)


def test_nobody_is_harmed_in_the_groups_of_any_attribute():
    """New is better for all men and for Black women, much worse for white women."""
    rng = np.random.default_rng(5)
    n = 12_000
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], n), "race": rng.choice(["b", "w"], n)})
    cell = (frame.sex == "m") * 2 + (frame.race == "w")
    y, s = systems(rng, n, {"old": [0.3] * 4, "new": [0.2, 0.45, 0.2, 0.2]}, cell.to_numpy())
    c = choose_between(y, s["old"], {"new": s["new"]}, sensitive_features=frame)
    assert c.chosen == {"b × f": "new", "b × m": "new", "w × f": "baseline", "w × m": "new"} or (
        c.chosen == {"f × b": "new", "f × w": "baseline", "m × b": "new", "m × w": "new"}
    )
    assert set(c.overlapping["group"]) == {"f", "m", "b", "w"}
    assert (c.overlapping["verdict"] == "not harmed").all()
    certified = c.overlapping.filter(split="choose")
    assert (certified["lower"] <= certified["difference"]).all()


def test_a_metric_that_is_no_mean_is_watched_in_each_attribute():
    """Recall is traded differently in two cells, so their union loses balanced accuracy."""
    rng = np.random.default_rng(6)
    n = 16_000
    cell = rng.integers(0, 2, n)
    y = (rng.random(n) < np.where(cell == 0, 0.9, 0.1)).astype(int)
    right_old = np.where(cell == 0, np.where(y == 1, 0.9, 0.1), np.where(y == 1, 0.1, 0.9))
    right_new = np.where(cell == 0, np.where(y == 1, 0.6, 0.55), np.where(y == 1, 0.55, 0.6))
    old, new = (np.where(rng.random(n) < r, y, 1 - y) for r in (right_old, right_new))
    frame = pd.DataFrame({"one": ["all"] * n, "cell": cell})
    c = choose_between(y, old, {"new": new}, sensitive_features=frame, metric="balanced_accuracy")
    alone = choose_between(
        y, old, {"new": new}, sensitive_features=cell, metric="balanced_accuracy"
    )
    assert set(alone.chosen.values()) == {"new"}  # each cell by itself gains
    assert set(c.chosen.values()) == {"baseline"}  # all together would lose
    assert set(c.table["reason"]) == {"reverted"}
    reasons = with_reasons(c.table)["reason"]
    assert reasons.str.contains("a group of one attribute would lose").all()


@pytest.mark.parametrize("seed", [*range(8), 722])  # 722: one pass over the attributes fails
def test_no_group_of_any_attribute_is_estimated_to_lose(seed):
    """Taking a choice back for one attribute must not leave another attribute's group behind."""
    rng = np.random.default_rng(seed)
    n = 4000
    cell = rng.integers(0, 8, n)
    base = np.clip(rng.beta(0.3, 0.3, 8), 0.03, 0.97)[cell]
    y = (rng.random(n) < base).astype(int)
    right = rng.uniform(0.3, 0.98, (2, 8, 2))
    old, new = (np.where(rng.random(n) < r[cell, y], y, 1 - y) for r in right)
    attributes = [Grouping(f"s{j}", ("0", "1"), cell >> j & 1) for j in range(3)]
    groups = Grouping("s", tuple("abcdefgh"), cell)
    answers = {"old": Answers(old), "new": Answers(new)}
    rows = SystemRows(y, answers, groups, attributes)
    pick = decide_systems(rows, "balanced_accuracy", RULES).pick
    for attribute in attributes:
        change = rows.against_baseline(rows.answers(pick), "balanced_accuracy", attribute)
        assert (change.difference >= 0).all()


def test_clusters_stay_together_and_never_make_a_bound_tighter():
    rng = np.random.default_rng(7)
    groups, clusters = np.repeat([0, 1], 400), np.repeat(np.arange(80), 10)
    y, s = systems(rng, 800, {"old": [0.3, 0.3], "new": [0.2, 0.3]}, groups)
    plain, clustered = (
        choose_between(
            y, s["old"], {"new": s["new"]}, sensitive_features=groups, clusters=c, check=0
        ).table
        for c in (None, clusters)
    )
    assert (clustered["lower"] <= plain["lower"] + 1e-12).all()
    parts = choose_between(
        y, s["old"], {"new": s["new"]}, sensitive_features=groups, clusters=clusters
    )
    assert (parts.table["n"] % 10 == 0).all()
    assert parts.table["n"].sum() + parts.check["n"].sum() == 800


def test_equal_weights_change_nothing_and_others_count():
    rng = np.random.default_rng(8)
    groups = rng.integers(0, 2, 2000)
    y, s = systems(rng, 2000, {"old": [0.3, 0.3], "new": [0.2, 0.3]}, groups)

    def chosen(weight):
        return choose_between(
            y, s["old"], {"new": s["new"]}, sensitive_features=groups, sample_weight=weight
        ).table

    assert chosen(None).equals(chosen(np.full(2000, 3.0)))
    heavy = np.where(s["new"] == y, 1.0, 5.0)
    assert (chosen(heavy)["difference"] < chosen(None)["difference"]).all()


@pytest.mark.parametrize("kind", ["numpy", "pandas", "polars", "lists"])
def test_every_container_gives_the_same_choice(kind):
    rng = np.random.default_rng(9)
    groups = rng.integers(0, 2, 600)
    y, s = systems(rng, 600, {"old": [0.3, 0.3], "new": [0.15, 0.3]}, groups)
    box = {
        "numpy": lambda v: v, "pandas": pd.Series, "polars": pl.Series,
        "lists": lambda v: v.tolist(),
    }[kind]  # fmt: skip
    new = {"new": box(s["new"])}
    c = choose_between(box(y), box(s["old"]), new, sensitive_features=box(groups))
    same = choose_between(y, s["old"], {"new": s["new"]}, sensitive_features=groups)
    assert c.table["difference"].to_list() == same.table["difference"].to_list()


def test_words_as_labels_and_their_order_change_nothing():
    rng = np.random.default_rng(10)
    groups = rng.integers(0, 2, 600)
    y, s = systems(rng, 600, {"old": [0.3, 0.3], "new": [0.15, 0.3]}, groups)
    words = np.array(["no", "yes"])
    c = choose_between(
        words[y], words[s["old"]], {"n": words[s["new"]]}, sensitive_features=groups
    )
    assert c.table["difference"].to_list() == (
        choose_between(y, s["old"], {"n": s["new"]}, sensitive_features=groups)
        .table["difference"].to_list()
    )  # fmt: skip


def test_what_cannot_be_chosen_is_refused_with_the_remedy():
    y = [0, 1] * 30
    good = {"y_true": y, "baseline": y, "candidates": {"a": y}, "sensitive_features": y}

    def ask(**changed):
        given = {**good, **changed}
        return choose_between(
            given.pop("y_true"), given.pop("baseline"), given.pop("candidates"), **given
        )

    for wrong, said in (
        ({"candidates": y}, "dict {name: answers}"),
        ({"candidates": {}}, "name each one"),
        ({"candidates": {"baseline": y}}, "choose another"),
        ({"y_true": None}, "known for everybody"),
        ({"sensitive_features": None}, "at least one column"),
        ({"baseline": y[:-1]}, "60"),
        ({"metric": "auroc"}, "pass y_score"),
        ({"metric": "auroc", "y_score": {"a": y}}, "name each once"),
        ({"sample_weight": [-1.0] * 60}, "0 or more"),
    ):
        with pytest.raises(InputError, match=said):
            ask(**wrong)
    for wrong, said in (
        ({"metric": "f1"}, "accuracy"),
        ({"check": 1.0}, "0 to 0.9"),
        ({"confidence": 0.3}, "above 0.5"),
        ({"tolerance": -1}, "0 or more"),
        ({"objective": "best"}, "max_min"),
        ({"y_true": np.linspace(0, 1, 60), "baseline": np.zeros(60), "candidates": {
            "a": np.ones(60)}}, "neg_mse"),
    ):  # fmt: skip
        with pytest.raises(SpecError, match=said):
            ask(**wrong)


def test_a_group_that_is_too_small_keeps_the_baseline_and_says_why():
    rng = np.random.default_rng(11)
    groups = np.r_[np.zeros(600, int), np.ones(12, int)]
    y, s = systems(rng, 612, {"old": [0.3, 0.9], "new": [0.1, 0.0]}, groups)
    c = choose_between(y, s["old"], {"new": s["new"]}, sensitive_features=groups)
    assert c.chosen == {"0": "new", "1": "baseline"}
    assert reason(c.table.filter(group="1").row(0, named=True)).startswith("Cannot be judged:")
    assert c.table.filter(group="1")["lower"].item() is None
