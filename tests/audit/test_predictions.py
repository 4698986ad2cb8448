"""What an audit says and does not say: statuses, suppression, weights, clusters, controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit import audit_predictions
from fairaudit.audit.inputs.labels import task_of
from fairaudit.audit.judge import judge
from fairaudit.audit.result import ERRORS, GAPS
from fairaudit.exceptions import InputError, SpecError
from tests.sizes import size


def _sample(n: int = 2000, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    y = rng.integers(0, 2, n)
    score = np.clip(rng.normal(0.35 + 0.3 * y - 0.05 * (sex == "f"), 0.2), 0, 1)
    return {"y": y, "p": (score > 0.5).astype(int), "score": score, "sex": sex, "rng": rng}


def _one(table: pl.DataFrame, **where: Any) -> dict[str, Any]:
    return table.filter(*[pl.col(k) == v for k, v in where.items()]).row(0, named=True)


def test_tables_begin_with_the_fixed_columns() -> None:
    d = _sample()
    r = audit_predictions(d["y"], d["p"], sensitive_features=d["sex"], n_boot=50)
    assert r.errors.columns[: len(ERRORS)] == list(ERRORS)
    assert r.gaps.columns[: len(GAPS)] == list(GAPS)


def test_counts_add_up_to_the_rates() -> None:
    y, p, g = [1, 1, 1, 0, 0, 0, 0, 1], [1, 0, 1, 1, 0, 0, 0, 0], list("aaaaabbb")
    r = audit_predictions(y, p, sensitive_features=g, n_boot=0)
    counts = _one(r.tables["counts"], group="a")
    assert [counts[c] for c in ("n", "tp", "fp", "tn", "fn")] == [5, 2, 1, 1, 1]
    assert _one(r.errors, group="a", metric="tpr")["value"] == pytest.approx(2 / 3)
    assert _one(r.errors, group="all", metric="tpr")["value"] == pytest.approx(0.5)


def test_an_undefined_rate_is_never_a_number() -> None:
    y, p, g = [1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 1], list("aaaabb")
    r = audit_predictions(y, p, sensitive_features=g, n_boot=100)
    for metric in ("tpr", "fnr", "balanced_accuracy", "mcc"):
        row = _one(r.errors, group="b", metric=metric)  # group b has no positives
        assert row["value"] is None
        assert row["low"] is None
        assert row["status"] == "cannot be judged"
    gap = _one(r.gaps, metric="tpr", kind="difference")
    assert gap["value"] is None
    assert gap["status"] == "cannot be judged"
    assert gap["left_out"] == "b"


def test_tiny_groups_are_not_called_estimated() -> None:
    y, g = np.tile([0, 1], 60), np.array(["big"] * 100 + ["some"] * 16 + ["tiny"] * 4)
    r = audit_predictions(y, y, sensitive_features=g, n_boot=100)
    found = {row["group"]: row["status"] for row in _rows(r.errors, "accuracy", "group")}
    assert found == {"big": "estimated", "some": "unstable", "tiny": "cannot be judged"}
    perfect = _one(r.errors, group="tiny", metric="accuracy")
    assert perfect["low"] < 0.6  # four right answers are no proof of perfection


def _rows(table: pl.DataFrame, metric: str, attribute: str) -> list[dict[str, Any]]:
    keep = (pl.col("metric") == metric) & (pl.col("attribute") == attribute)
    return table.filter(keep).to_dicts()


def test_small_groups_do_not_hide_what_the_large_ones_show() -> None:
    rng = np.random.default_rng(0)
    g = np.array(["a"] * 900 + ["b"] * 900 + ["c"] * 6)
    y = np.ones(len(g), dtype=int)
    p = (rng.random(len(g)) < np.where(g == "a", 0.8, 0.6)).astype(int)
    p[g == "c"] = 0
    r = audit_predictions(y, p, sensitive_features=g)
    both = _one(r.gaps, metric="tpr", kind="difference")
    assert both["status"] != "estimated"
    stable = _one(r.gaps, metric="tpr", kind="difference_stable")
    assert stable["status"] == "estimated"
    assert stable["left_out"] == "c"
    assert stable["value"] == pytest.approx(0.2, abs=0.06)
    assert stable["low"] > 0.1


def test_suppressed_groups_show_nothing() -> None:
    d = _sample(300)
    g = np.where(np.arange(300) < 8, "few", d["sex"])
    r = audit_predictions(
        d["y"], d["p"], y_score=d["score"], sensitive_features=g, suppress_below=10, n_boot=50
    )
    few = r.errors.filter(pl.col("group") == "few")
    assert set(few["status"]) == {"suppressed"}
    for column in ("n", "denominator", "value", "low", "high", "shrunken"):
        assert few[column].null_count() == len(few)
    counts = r.tables["counts"].filter(pl.col("group") == "few")
    assert counts.select("n", "tp", "fp", "tn", "fn").null_count().sum_horizontal().item() == 5
    for name in ("histograms", "calibration", "roc", "pairs", "detectable"):
        assert "few" not in r.tables[name]["group"].to_list()
    assert not any("few" in (g or "") for g in r.gaps["group"].to_list())


def test_numpy_pandas_and_polars_give_the_same_numbers() -> None:
    d = _sample(400)
    frames = [
        audit_predictions(y, p, sensitive_features=s, n_boot=50).errors
        for y, p, s in (
            (d["y"], d["p"], pl.DataFrame({"sex": d["sex"]})),
            (pd.Series(d["y"]), pd.Series(d["p"]), pd.DataFrame({"sex": d["sex"]})),
            (pl.Series(d["y"]), pl.Series(d["p"]), pl.Series("sex", d["sex"])),
            (list(d["y"]), list(d["p"]), {"sex": list(d["sex"])}),
        )
    ]
    for other in frames[1:]:
        assert_frame_equal(frames[0], other)


def test_the_same_seed_gives_the_same_numbers() -> None:
    d = _sample(400)
    first, second = (
        audit_predictions(d["y"], d["p"], sensitive_features=d["sex"], random_state=4).gaps
        for _ in range(2)
    )
    assert_frame_equal(first, second)


def test_a_weight_of_two_is_the_row_twice_in_every_value() -> None:
    d = _sample(300)
    w = d["rng"].integers(1, 4, 300)
    weighted = audit_predictions(
        d["y"], d["p"], y_score=d["score"], sensitive_features=d["sex"], sample_weight=w, n_boot=0
    ).errors
    twice = audit_predictions(
        np.repeat(d["y"], w),
        np.repeat(d["p"], w),
        y_score=np.repeat(d["score"], w),
        sensitive_features=np.repeat(d["sex"], w),
        n_boot=0,
    ).errors
    # a debiased value depends on how many rows there are, and weights are not rows
    plain = pl.col("metric") != "ece"
    mine, theirs = (t.filter(plain)["value"].to_numpy() for t in (weighted, twice))
    assert np.allclose(mine, theirs, equal_nan=True)


def test_unequal_weights_make_intervals_wider_and_say_the_effective_size() -> None:
    d = _sample(2000)
    plain = audit_predictions(d["y"], d["p"], sensitive_features=d["sex"], n_boot=0)
    w = d["rng"].exponential(size=2000)
    weighted = audit_predictions(
        d["y"], d["p"], sensitive_features=d["sex"], sample_weight=w, n_boot=0
    )
    a, b = (_one(r.errors, group="f", metric="accuracy") for r in (plain, weighted))
    assert b["denominator"] == pytest.approx(0.5 * a["denominator"], rel=0.15)
    assert b["high"] - b["low"] > 1.2 * (a["high"] - a["low"])


def test_rows_of_one_cluster_are_not_counted_as_independent() -> None:
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(40), 50)
    right = rng.random(40) < 0.5  # whole clusters are right or wrong
    y = rng.integers(0, 2, 2000)
    p = np.where(right[cluster], y, 1 - y)
    sex = rng.choice(["f", "m"], 2000)
    alone = audit_predictions(y, p, sensitive_features=sex)
    together = audit_predictions(y, p, sensitive_features=sex, clusters=cluster)
    a, b = (_one(r.errors, group="f", metric="accuracy") for r in (alone, together))
    assert b["value"] == a["value"]
    assert b["high"] - b["low"] > 4 * (a["high"] - a["low"])
    assert "clusters" in b["method"]


@pytest.mark.parametrize(
    "metric", ["accuracy", "balanced_accuracy", "f1", "mcc", "tpr [2]", "selection_rate [0]"]
)
def test_clusters_count_in_outcomes_of_several_classes_too(metric: str) -> None:
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(40), 50)
    y = rng.integers(0, 3, 2000)
    p = np.where((rng.random(40) < 0.5)[cluster], y, 0)  # whole clusters are told "0"
    sex, asked = rng.choice(["f", "m"], 2000), {"metrics": [metric.split()[0]]}
    alone = audit_predictions(y, p, sensitive_features=sex, **asked)
    together = audit_predictions(y, p, sensitive_features=sex, clusters=cluster, **asked)
    a, b = (_one(r.errors, group="f", metric=metric) for r in (alone, together))
    assert b["value"] == a["value"]
    assert b["high"] - b["low"] > 2 * (a["high"] - a["low"])
    assert "clusters" in b["method"]
    same = np.zeros(2000, int)
    one = audit_predictions(y, p, sensitive_features=sex, clusters=same, **asked)
    said = _one(one.errors, group="f", metric=metric)
    assert said["value"] == a["value"]
    assert said["low"] is None


def test_macro_recall_of_clustered_rows_is_covered() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(120):
        cluster, y = np.repeat(np.arange(60), 10), rng.integers(0, 3, 600)
        right = rng.random(600) < rng.beta(4, 2, 60)[cluster]
        p = np.where(right, y, (y + rng.integers(1, 3, 600)) % 3)
        given = {"sensitive_features": ["f"] * 600, "clusters": cluster, "n_boot": 400}
        found = audit_predictions(y, p, **given, metrics=("balanced_accuracy",))
        row = _one(found.errors, group="f", metric="balanced_accuracy")
        held += row["low"] <= 2 / 3 <= row["high"]
    assert held / 120 > 0.9


def test_intersections_are_judged_to_the_depth_asked() -> None:
    rng = np.random.default_rng(2)
    S = pl.DataFrame({c: rng.choice(["u", "v"], 800) for c in "abc"})
    y, p = rng.integers(0, 2, 800), rng.integers(0, 2, 800)

    def attributes(depth: int) -> set[str]:
        r = audit_predictions(y, p, sensitive_features=S, intersections=depth, n_boot=0)
        return set(r.errors["attribute"])

    assert attributes(1) == {"all", "a", "b", "c"}
    assert attributes(3) - attributes(1) == {"a × b", "a × c", "b × c", "a × b × c"}


def test_sparse_crossings_are_pulled_to_the_others_and_the_raw_value_stays() -> None:
    rng = np.random.default_rng(3)
    g = rng.choice([f"g{i}" for i in range(20)], 400)
    y = np.ones(400, dtype=int)
    p = (rng.random(400) < 0.5).astype(int)  # no group differs in truth
    rows = _rows(audit_predictions(y, p, sensitive_features=g).errors, "tpr", "group")
    raw = np.std([r["value"] for r in rows])
    pooled = np.std([r["shrunken"] for r in rows])
    assert pooled < 0.4 * raw
    assert all(r["shrunken_low"] <= r["shrunken"] <= r["shrunken_high"] for r in rows)


def test_control_columns_compare_groups_within_their_levels() -> None:
    rng = np.random.default_rng(4)
    n = 6000
    hard = rng.choice(["easy", "hard"], n)
    sex = np.where(rng.random(n) < np.where(hard == "hard", 0.8, 0.2), "f", "m")
    y = np.ones(n, dtype=int)
    p = (rng.random(n) < np.where(hard == "hard", 0.3, 0.7)).astype(int)  # sex plays no part
    r = audit_predictions(y, p, sensitive_features={"sex": sex}, control_features={"job": hard})
    raw = _one(r.gaps, attribute="sex", metric="selection_rate", kind="difference")
    inside = _one(r.gaps, attribute="sex | job=hard", metric="selection_rate", kind="difference")
    assert raw["low"] > 0.15
    assert inside["low"] < 0.02
    n_hard = _one(r.errors, attribute="sex | job=hard", group="f", metric="accuracy")["n"]
    assert n_hard == int(((hard == "hard") & (sex == "f")).sum())


def test_several_systems_are_compared_on_the_same_rows() -> None:
    rng = np.random.default_rng(5)
    y, sex = rng.integers(0, 2, 3000), rng.choice(["f", "m"], 3000)
    good = np.where(rng.random(3000) < 0.85, y, 1 - y)
    bad = np.where(rng.random(3000) < 0.75, y, 1 - y)
    r = audit_predictions(y, {"good": good, "bad": bad}, sensitive_features=sex)
    row = _one(r.tables["comparisons"], attribute="all", metric="accuracy")
    assert (row["model_a"], row["model_b"]) == ("good", "bad")
    assert row["difference"] == pytest.approx((good == y).mean() - (bad == y).mean())
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["p_adjusted"] < 0.001
    assert "McNemar" in row["method"]


def test_a_system_compared_with_its_copy_is_not_different() -> None:
    d = _sample(500)
    r = audit_predictions(
        d["y"],
        {"a": d["p"], "b": d["p"].copy()},
        y_score={"a": d["score"], "b": d["score"].copy()},
        sensitive_features=d["sex"],
    )
    table = r.tables["comparisons"]
    assert table["difference"].abs().max() == 0
    assert table["p"].min() == 1


def test_p_values_are_adjusted_for_all_looks_of_the_table() -> None:
    rng = np.random.default_rng(6)
    y, p = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
    S = {f"c{i}": rng.choice(["u", "v", "w"], 3000) for i in range(12)}  # nothing matters
    r = audit_predictions(y, p, sensitive_features=S, n_boot=300)
    pairs = r.tables["pairs"]
    assert pairs["p"].min() < 0.05  # among many looks one is always striking
    assert pairs["p_adjusted"].min() > 0.05
    assert r.summary["looks"] == pairs["p"].drop_nulls().len()


def test_a_reference_group_can_be_named() -> None:
    d = _sample(600)
    g = d["rng"].choice(["a", "b", "c"], 600, p=[0.6, 0.2, 0.2])
    default, named = (
        audit_predictions(d["y"], d["p"], sensitive_features=g, reference=ref, n_boot=50)
        for ref in (None, "b")
    )
    assert set(default.tables["pairs"]["reference"]) == {"a"}  # the largest
    assert set(named.tables["pairs"]["reference"]) == {"b"}


def test_labels_may_be_text_and_the_positive_one_named() -> None:
    y, p, g = ["yes", "no", "yes", "no"], ["yes", "yes", "no", "no"], list("aabb")
    r = audit_predictions(y, p, sensitive_features=g, positive="no", n_boot=0)
    assert _one(r.errors, group="b", metric="selection_rate")["value"] == 1.0
    with pytest.raises(InputError, match=r"positive: expected one of the labels .*, got 'maybe'"):
        audit_predictions(y, p, sensitive_features=g, positive="maybe")


def test_human_decisions_need_no_score_and_scores_no_decisions() -> None:
    d = _sample(300)
    lone = audit_predictions(d["y"], None, y_score=d["score"], sensitive_features=d["sex"])
    label = (d["score"] >= 0.5).astype(int)
    both = audit_predictions(d["y"], label, y_score=d["score"], sensitive_features=d["sex"])
    assert_frame_equal(lone.errors, both.errors)
    with pytest.raises(InputError, match=r"runs from 0 to 10 .* name the cut"):
        audit_predictions(d["y"], None, y_score=d["score"] * 10, sensitive_features=d["sex"])


def test_wrong_lengths_and_missing_labels_are_named() -> None:
    with pytest.raises(InputError, match="system 'model': expected 3 rows"):
        audit_predictions([0, 1, 1], [0, 1], sensitive_features=list("abc"))
    with pytest.raises(InputError, match="1 of 3 labels are missing"):
        audit_predictions([0, 1, None], [0, 1, 1], sensitive_features=list("abc"))
    with pytest.raises(InputError, match="column 'group': expected 3 rows"):
        audit_predictions([0, 1, 1], [0, 1, 1], sensitive_features=list("ab"))


def test_unknown_metrics_are_named() -> None:
    with pytest.raises(SpecError, match=r"metrics: expected .*, got 'fairness'"):
        audit_predictions([0, 1], [0, 1], sensitive_features=list("ab"), metrics=["fairness"])


def test_a_column_of_names_is_no_grouping() -> None:
    n = 1500
    with pytest.raises(InputError, match="too many to be groups"):
        audit_predictions(np.tile([0, 1], n // 2), np.zeros(n), sensitive_features=np.arange(n))


def test_the_names_of_gaps_can_be_asked_for_as_metrics() -> None:
    d = _sample(300)
    r = audit_predictions(
        d["y"], d["p"], sensitive_features=d["sex"], metrics=["equalized_odds"], n_boot=50
    )
    assert set(r.errors["metric"]) == {"tpr", "fpr"}
    assert "equalized_odds" in r.gaps["metric"].to_list()


def test_tasks_are_guessed_from_the_outcome() -> None:
    assert task_of(np.array([0, 1])) == "binary"
    assert task_of(np.array(["a", "b", "c"])) == "multiclass"
    assert task_of(np.arange(5)) == "multiclass"
    assert task_of(np.linspace(0, 1, 30)) == "regression"


def test_regression_gaps_name_the_worst_group() -> None:
    rng = np.random.default_rng(7)
    y, g = rng.normal(size=2000), rng.choice(["a", "b", "c"], 2000)
    p = y + rng.normal(size=2000) * np.where(g == "c", 1.0, 0.4)
    r = audit_predictions(y, p, sensitive_features=g)
    assert _one(r.gaps, metric="mse", kind="worst")["group"] == "c"
    gap = _one(r.gaps, metric="mse", kind="difference")
    assert gap["low"] < 1.0 - 0.16 < gap["high"]


def test_a_coarser_interval_comes_with_less_confidence() -> None:
    d = _sample(500)
    wide, narrow = (
        audit_predictions(d["y"], d["p"], sensitive_features=d["sex"], confidence=c)
        for c in (0.99, 0.8)
    )
    for r in (wide, narrow):
        assert r.errors.filter(pl.col("value") < pl.col("low")).is_empty()
        assert r.errors.filter(pl.col("value") > pl.col("high")).is_empty()
    width = [(r.errors["high"] - r.errors["low"]).mean() for r in (wide, narrow)]
    assert width[0] > 1.5 * width[1]


def test_judge_speaks_of_the_split_it_was_given() -> None:
    d = _sample(300)

    class Answers:
        label, score = d["p"], d["score"]

    tables = judge(
        d["y"],
        {"m": Answers()},
        {"sex": d["sex"]},
        task="binary",
        split="validation",
        confidence=0.95,
    )
    for table in tables.values():
        assert set(table["split"]) == {"validation"}


def test_the_known_picture_of_compas(shared_data: Any) -> None:
    people = pl.read_csv(
        shared_data / "compas" / "compas_two_years_noname.csv", infer_schema_length=10_000
    )
    cut = (people["decile_score"] >= 5).cast(pl.Int64)  # medium or high
    r = audit_predictions(
        people["two_year_recid"],
        cut,
        y_score=people["decile_score"],
        sensitive_features=people.select("race", "sex"),
    )
    black = _one(r.errors, group="African-American", metric="fpr")
    white = _one(r.errors, group="Caucasian", metric="fpr")
    assert black["value"] == pytest.approx(0.4485, abs=1e-4)  # ProPublica's 44.85%
    assert white["value"] == pytest.approx(0.2345, abs=1e-3)  # and 23.45%
    pair = _one(r.tables["pairs"], group="Caucasian", metric="fpr", attribute="race")
    assert pair["reference"] == "African-American"
    assert 1.7 < 1 / pair["ratio_high"] < 1.91 < 1 / pair["ratio_low"] < 2.15
    assert pair["p_adjusted"] < 1e-10


def test_a_perfect_score_on_a_dozen_rows_is_not_taken_for_certain() -> None:
    rng = np.random.default_rng(0)
    y = np.r_[np.repeat([0, 1], 6), rng.integers(0, 2, 200)]
    score = np.r_[np.linspace(0, 0.4, 6), np.linspace(0.6, 1, 6), rng.random(200)]
    group = ["few"] * 12 + ["many"] * 200
    found = audit_predictions(y, None, y_score=score, sensitive_features=group)
    for metric in ("auroc", "auprc", "mcc", "balanced_accuracy", "f1", "accuracy"):
        row = _one(found.errors, group="few", metric=metric)
        assert row["value"] == row["high"] == 1
        assert -1 < row["low"] < 0.85, metric
    wide = _one(found.gaps, metric="auroc", kind="difference")
    assert wide["low"] < wide["value"] - 0.25  # the few rows' uncertainty is in the gap


def test_all_right_in_every_cluster_leaves_room_for_doubt_in_the_gap_too() -> None:
    y, cluster = np.tile([0, 1], 120), np.repeat(np.arange(24), 10)
    p = np.where(np.arange(240) % 7 == 0, 1 - y, y)
    p[:120] = y[:120]
    group = np.repeat(["a", "b"], 120)
    found = audit_predictions(y, p, sensitive_features=group, clusters=cluster)
    a = _one(found.errors, group="a", metric="accuracy")
    assert a["value"] == 1 > a["low"]
    gap = _one(found.gaps, metric="accuracy", kind="worst")
    assert gap["low"] < gap["value"] < gap["high"]
    many = audit_predictions(
        np.tile(y, 2), np.tile(p, 2), sensitive_features=[*group, *(["c"] * 240)],
        clusters=np.r_[cluster, cluster + 24],
    )  # fmt: skip
    noise = _one(many.gaps, metric="tpr", kind="difference")
    assert noise["low"] < noise["value"] < noise["high"]


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "mcc"])
def test_all_right_in_several_classes_says_how_sure(metric: str) -> None:
    y = np.tile([0, 1, 2], 20)
    row = _one(
        audit_predictions(y, y, sensitive_features=["a"] * 60).errors, group="a", metric=metric
    )
    assert row["value"] == row["high"] == 1
    assert 0.8 < row["low"] < 0.97


def _by_clusters(rng: np.random.Generator, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right answers, groups and clusters: k clusters of 20 rows, four groups of whole clusters."""
    cluster = np.repeat(np.arange(k), 20)
    right = rng.random(20 * k) < rng.beta(2.4, 1.6, k)[cluster]  # all groups alike
    return right.astype(int), np.array(list("abcd"))[cluster % 4], cluster


def test_few_clusters_raise_no_false_alarms() -> None:
    """Five clusters a group: without Student's quantile 9.7% of comparisons are below .05."""
    p, held = [], []
    for seed in range(size(80, 150)):
        right, group, cluster = _by_clusters(np.random.default_rng(seed), 20)
        r = audit_predictions(
            np.ones(400, int), right, sensitive_features=group, clusters=cluster,
            metrics=["tpr"], n_boot=200, positive=1,
        )  # fmt: skip
        p += r.tables["pairs"]["p"].to_list()
        held.append(_one(r.gaps, metric="tpr", kind="worst")["high"] >= 0.6)
    assert np.mean(np.array(p) < 0.05) < 0.07
    assert np.mean(held) > 0.92


def test_a_group_of_one_cluster_is_not_judged_and_gives_no_gap() -> None:
    right, _, cluster = _by_clusters(np.random.default_rng(0), 12)
    group = np.where(cluster == 0, "alone", np.where(cluster % 2, "a", "b"))
    r = audit_predictions(
        np.ones(240, int), right, sensitive_features=group, clusters=cluster, n_boot=200
    )
    row = _one(r.errors, group="alone", metric="accuracy")
    assert row["low"] is None
    assert row["status"] == "cannot be judged"
    gap = _one(r.gaps, metric="accuracy", kind="difference")
    assert gap["value"] is not None
    assert gap["low"] is None
    pairs = r.tables["pairs"].filter(pl.col("metric") == "accuracy", group="alone")
    assert pairs["p"].to_list() == [None]


def test_rows_a_clustered_rate_rests_on_are_the_independent_ones() -> None:
    rng = np.random.default_rng(2)
    y, p, sex = rng.integers(0, 2, 600), rng.integers(0, 2, 600), rng.choice(["f", "m"], 600)
    ten = [np.repeat(v, 10) for v in (y, p, sex, np.arange(600))]
    once = audit_predictions(y, p, sensitive_features=sex)
    again = audit_predictions(ten[0], ten[1], sensitive_features=ten[2], clusters=ten[3])
    for metric in ("accuracy", "tpr", "f1", "balanced_accuracy"):
        rows = [_one(r.errors, group="f", metric=metric)["denominator"] for r in (once, again)]
        assert rows[1] == pytest.approx(rows[0], rel=0.15)
    reach = [_one(r.tables["detectable"], group="f", metric="tpr") for r in (once, again)]
    assert reach[1]["gap_detectable"] == pytest.approx(reach[0]["gap_detectable"], rel=0.1)


def test_quantiles_of_the_error_rest_on_clusters() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(40), 25)
    error = rng.normal(size=40)[cluster] + 0.1 * rng.normal(size=1000)
    y = rng.normal(size=1000)
    alone, together = (
        _one(
            audit_predictions(
                y, y + error, sensitive_features=["a"] * 1000, clusters=c
            ).errors, group="a", metric="error_p50",
        )
        for c in (None, cluster)
    )  # fmt: skip
    assert together["value"] == alone["value"]
    assert together["high"] - together["low"] > 2 * (alone["high"] - alone["low"])
    assert together["denominator"] < 0.2 * alone["denominator"]


def test_gaps_of_skewed_errors_hold_the_truth() -> None:
    """Squared errors of 30 rows are skewed; symmetric replicates held the best group in 76%."""
    held, runs = 0, size(80, 150)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        y, group = rng.normal(size=120), np.repeat(list("abcd"), 30)
        r = audit_predictions(
            y, y + rng.normal(size=120), sensitive_features=group, metrics=["mse"], n_boot=300
        )
        best = _one(r.gaps, metric="mse", kind="best")
        held += best["low"] <= 1 <= best["high"]
    assert held / runs > 0.9


def test_one_number_has_one_interval() -> None:
    d = _sample(300)
    r = audit_predictions(d["y"], d["p"], sensitive_features=d["sex"])
    for kind in ("difference", "ratio", "to_overall", "worst", "best", "sd"):
        parity = _one(r.gaps, metric="demographic_parity", kind=kind)
        rate = _one(r.gaps, metric="selection_rate", kind=kind)
        assert {**parity, "metric": ""} == {**rate, "metric": ""}


def test_a_single_group_has_every_kind_of_gap_unjudged() -> None:
    d = _sample(100)
    many, single = (
        audit_predictions(d["y"], d["p"], sensitive_features=g, n_boot=20).gaps
        for g in (d["sex"], ["f"] * 100)
    )
    keys = ["metric", "kind"]
    assert_frame_equal(single.select(keys), many.select(keys))
    assert set(single["status"]) == {"cannot be judged"}
    assert single["value"].null_count() == len(single)


def test_tables_begin_as_the_documentation_says() -> None:
    d = _sample(60)
    r = audit_predictions(d["y"], d["p"], sensitive_features=d["sex"], n_boot=20)
    assert " ".join(r.errors.columns).startswith(
        "model split attribute group metric n value low high status"
    )
    assert " ".join(r.gaps.columns).startswith(
        "model split attribute metric kind value low high status"
    )
