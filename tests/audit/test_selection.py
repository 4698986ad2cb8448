"""The stored no-harm decision: decided again, on test rows, in words, as certificates."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.adapters import adapter
from fairaudit.audit.no_harm.decision import certificates
from fairaudit.audit.tables.row_tables import people_table, predictions_table
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods.common.progress import Silent
from fairaudit.text.sentences.choice_certificates import choice_warnings, worded_certificates
from fairaudit.text.sentences.choice_reasons import reason, with_reasons
from fairaudit.text.sentences.warnings import warning_sentences
from tests.audit.choices import decide


def tables_of(groups, y, expert, baseline, split, score=None):
    """Stored tables from plain arrays; a score makes the outcome binary with scores."""
    n = len(y)
    answers = {"expert": expert, "baseline": baseline}
    predictions = pl.concat(
        pl.DataFrame(
            {
                "row": np.arange(n) + 10,
                "split": split,
                "model": [name] * n,
                "y": np.asarray(y, dtype=float),
                "label": np.asarray(label, dtype=float),
                "score": [None] * n if score is None else score[name],
            },
            schema_overrides={"score": pl.Float64},
        )
        for name, label in answers.items()
    )
    people = pl.DataFrame({"row": np.arange(n) + 10, "split": split, "sex": groups})
    return {"predictions": predictions, "people": people}


def invented(seed=0, n=2400):
    """Group p is helped by its expert, q is not, r has a handful of rows."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(["p", "q", "r"], n, p=[0.5, 0.495, 0.005])
    y = rng.integers(0, 2, n)
    right = {
        "expert": rng.random(n) < np.where(groups == "p", 0.9, 0.8),
        "baseline": rng.random(n) < np.where(groups == "p", 0.7, 0.8),
    }
    labels = {name: np.where(ok, y, 1 - y) for name, ok in right.items()}
    split = np.where(np.arange(n) % 2, "validation", "test")
    score = {name: 0.5 + (label - 0.5) * rng.random(n) for name, label in labels.items()}
    return tables_of(groups, y, labels["expert"], labels["baseline"], split, score)


def row_of(tables, group, split="validation"):
    return tables["selection"].filter(group=group, split=split).row(0, named=True)


def test_helped_group_gets_its_expert_and_the_others_keep_the_baseline():
    found = decide(invented())
    assert row_of(found, "p")["chosen"] == "expert"
    assert row_of(found, "p")["verdict"] == "improves"
    assert row_of(found, "q")["verdict"] == "no evidence"
    assert row_of(found, "r")["verdict"] == "cannot be judged"
    assert row_of(found, "r")["rows_needed"] > 20


def test_test_rows_stand_beside_validation_rows_with_the_same_choice():
    selection = decide(invented())["selection"]
    later = selection.filter(split="test")
    assert later["chosen"].to_list() == selection.filter(split="validation")["chosen"].to_list()
    assert row_of({"selection": selection}, "p", "test")["difference"] > 0.1


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "auroc", "neg_mse"])
@pytest.mark.parametrize("objective", ["min_gap", "max_min", "max_mean"])
def test_every_live_control_decides(metric, objective):
    found = decide(invented(), objective=objective, metric=metric, tolerance=0.01)
    assert found["selection"]["metric"].unique().to_list() == [metric]
    assert found["alternatives"]["chosen"].sum() == 1
    assert found["selection_gaps"]["split"].to_list() == ["validation", "test"]


def admissible(tables):
    return tables["selection"].filter(split="validation")["admissible"].sum()


def test_higher_confidence_admits_no_more_experts():
    admitted = [
        decide(invented(), no_harm=c)["selection"].filter(split="validation")["admissible"].sum()
        for c in (0.6, 0.9, 0.99, 0.99999)
    ]
    assert admitted == sorted(admitted, reverse=True)


def test_more_tolerance_admits_no_fewer_experts():
    admitted = [admissible(decide(invented(), tolerance=t)) for t in (0.0, 0.02, 0.1, 0.5)]
    assert admitted == sorted(admitted)
    assert admitted[-1] >= 2


def test_without_confidence_the_point_estimates_decide_even_on_few_rows():
    found = decide(invented(), no_harm=None, objective="max_min")["selection"]
    found = found.filter(split="validation")
    assert ((found["difference"] > 0) == (found["chosen"] == "expert")).all()


def test_order_of_rows_does_not_matter():
    tables = invented()
    mixed = {
        name: table.sample(fraction=1, shuffle=True, seed=3) for name, table in tables.items()
    }
    one, two = decide(tables), decide(mixed)
    assert one["selection"].equals(two["selection"])


def test_alternatives_say_what_each_choice_would_have_given():
    found = decide(invented())
    table = found["alternatives"]
    none = table.filter(experts="").row(0, named=True)
    judged = found["selection"].filter(split="validation", admissible=True)
    before = found["selection_gaps"].filter(split="validation").row(0, named=True)
    assert none["gap"] == pytest.approx(before["gap_before"])
    chosen = table.filter("chosen").row(0, named=True)
    assert chosen["gap"] == pytest.approx(before["gap_after"])
    assert chosen["mean"] == pytest.approx(before["mean_after"])
    assert chosen["experts"] == " + ".join(judged["group"].to_list())
    assert not table.filter(pl.col("experts").str.contains("q"))["feasible"].any()


def test_harm_on_test_rows_is_named():
    n = 800
    groups = np.repeat(["p", "q"], n // 2)
    split = np.where(np.arange(n) % 2, "validation", "test")
    y = np.ones(n, dtype=int)
    helped = split == "validation"
    expert = np.where(groups == "p", helped, True).astype(int)  # right, then wrong
    baseline = np.where((groups == "p") & helped, np.arange(n) % 4 == 1, True).astype(int)
    found = decide(tables_of(groups, y, expert, baseline, split), objective="max_min")
    assert row_of(found, "p")["chosen"] == "expert"
    assert row_of(found, "p", "test")["verdict"] == "harmed"
    said = " ".join(choice_warnings(found))
    assert "worse than the baseline for 'p'" in said
    row = found["selection_gaps"].filter(split="test").row(0, named=True)
    ends = [f"{100 * row[f'gap_{n}']:.1f}" for n in ("before_high", "after_low")]
    assert (
        f"On test rows the choice widens the gap from 0.0 points (0.0 to {ends[0]}) to 100.0 "
        f"points ({ends[1]} to 100.0)." in said
    )
    ends_missing = found["selection_gaps"].select("split", "gap_before", "gap_after")
    older = " ".join(choice_warnings({**found, "selection_gaps": ends_missing}))
    assert "widens the gap from 0.0 points to 100.0 points." in older


def test_binding_condition_is_named_with_its_cost():
    n = 1200
    groups = np.repeat(["p", "q"], n // 2)
    y = np.ones(n, dtype=int)
    place = np.tile(np.arange(n // 2), 2)
    baseline = np.where(groups == "p", place % 10 < 7, place % 10 < 9).astype(int)
    swapped = (place % 10 < 7) ^ ((place % 10 == 9) | (place < 100))
    expert = np.where(groups == "p", swapped, place % 10 < 9).astype(int)
    split = np.where(np.arange(n) % 2, "validation", "test")
    found = decide(tables_of(groups, y, expert, baseline, split))
    row = row_of(found, "p")
    lifted = decide(tables_of(groups, y, expert, baseline, split), tolerance=1.0)
    better = lifted["selection_gaps"]["gap_after"][0] < found["selection_gaps"]["gap_after"][0]
    assert row["binding"] == better
    assert ("binds" in reason(row)) == better


def test_certificate_can_be_checked_by_hand_and_is_plain_json():
    found = decide(invented())
    for entry in json.loads(json.dumps(worded_certificates(found), allow_nan=False)):
        facts = entry["splits"]["validation"]
        cells = facts["paired_table"]
        assert sum(cells.values()) == facts["n"]
        by_hand = (cells["expert_only"] - cells["baseline_only"]) / facts["n"]
        assert facts["difference"] == pytest.approx(by_hand)
        assert entry["group"] in entry["words"]
        assert (
            f"({cells['expert_only']} − {cells['baseline_only']}) / {facts['n']}" in entry["words"]
        )
        assert entry["alternatives"]["none"]["experts"] == ""


def test_cluster_column_of_people_reaches_the_bounds():
    tables = invented()
    answers = tables["predictions"].with_columns(right=pl.col("label") == pl.col("y"))
    gain = answers.filter(model="expert")["right"].cast(pl.Int8) - answers.filter(
        model="baseline"
    )["right"].cast(pl.Int8)
    cluster = (gain.rank("ordinal") // 40).cast(pl.String)  # like rows lie together
    together = {**tables, "people": tables["people"].with_columns(cluster=cluster)}
    one, two = (row_of(decide(t), "p")["lower"] for t in (tables, together))
    assert two < one - 0.01


def test_stored_groups_win_over_the_crossing_of_attributes():
    tables = invented()
    merged = tables["people"].select("row", "split", group=pl.col("sex").replace("r", "q"))
    found = decide({**tables, "selection_rows": merged})["selection"]
    assert found["group"].unique().sort().to_list() == ["p", "q"]


def test_rows_of_unknown_groups_take_no_part():
    tables = invented()
    hidden = tables["people"].select("row", "split", group=pl.col("sex").replace("r", "(unknown)"))
    found = decide({**tables, "selection_rows": hidden})["selection"]
    assert "(unknown)" not in found["group"].to_list()


def test_results_of_other_methods_are_refused_in_words():
    tables = invented()
    only = tables["predictions"].filter(pl.col("model") == "baseline")
    with pytest.raises(InputError, match="only audits of FairSDE"):
        decide({**tables, "predictions": only})
    with pytest.raises(InputError, match="no table 'predictions'"):
        decide({})
    later = tables["predictions"].filter(pl.col("split") == "test")
    with pytest.raises(InputError, match="no validation rows"):
        decide({**tables, "predictions": later})
    with pytest.raises(SpecError, match="scores"):
        decide(
            {**tables, "predictions": tables["predictions"].with_columns(score=None)},
            metric="auroc",
        )


def test_selection_page_pulls_in_neither_torch_nor_sklearn():
    code = (
        "import sys, fairaudit.audit.no_harm.decision, fairaudit.audit.stress.fair_sde; "
        "sys.exit(bool({'torch', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- the adapter ----------------------------------------------------------------------------------


def arrays(task="binary", n=1500, seed=0, cluster=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    sex, race = rng.choice(["F", "M"], n), rng.choice(["A", "B"], n, p=[0.7, 0.3])
    signal = np.where(race == "A", X[:, 0], -X[:, 0]) + 0.4 * rng.normal(size=n)
    y = {
        "binary": (signal > 0).astype(np.int64),
        "multiclass": np.digitize(signal, [-0.5, 0.5]).astype(np.int64),
        "regression": 10 + 3 * signal,
    }[task]
    return Arrays(
        X=X,
        y=y,
        task=task,
        sensitive=np.column_stack([sex == "F", race == "A"]).astype(float),
        groups={"sex": sex, "race": race},
        cluster=cluster,
        weight=None,
        row_id=np.arange(n) * 3,
        split=rng.choice([0, 1, 2], n, p=[0.5, 0.25, 0.25]).astype(np.int8),
        feature_names=("a", "b", "c", "d"),
        sensitive_names=("sex=F", "race=A"),
        classes=() if task == "regression" else tuple("xyz"[: 2 + (task == "multiclass")]),
        cluster_names=() if cluster is None else tuple(str(i) for i in range(cluster.max() + 1)),
    )


def fitted(data, **params):
    params = {"max_epochs": 10, "hidden_sizes": [32, 16], "attributes": ["race"], **params}
    return adapter("fair-sde")(
        data, params, seed=0, device="cpu", monitor=Silent(), confidence=0.95
    )


def as_stored(found, data):
    return {
        **found.tables,
        "predictions": predictions_table(data, found.predictions),
        "people": people_table(data),
    }


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_adapter_decision_is_the_one_that_stored_rows_give(task):
    data = arrays(task)
    found = fitted(data)
    metric = "neg_mse" if task == "regression" else "accuracy"
    again = decide(as_stored(found, data), metric=metric)
    assert again["selection"].equals(found.tables["selection"])
    assert found.tables["selection"].filter(chosen="expert", split="validation").height >= 1
    assert list(found.predictions)[:3] == ["fair-sde", "expert", "baseline"]
    json.dumps(found.summary, allow_nan=False)


def test_chosen_answers_are_the_expert_s_or_the_baseline_s_row_by_row():
    data = arrays()
    found = fitted(data)
    chosen = dict(
        found.tables["selection"].filter(split="validation").select("group", "chosen").iter_rows()
    )
    for group, model in chosen.items():
        mine = data.groups["race"] == group
        assert (
            found.predictions["fair-sde"].label[mine] == found.predictions[model].label[mine]
        ).all()


def test_adapter_s_table_agrees_with_the_estimator_s_own(tmp_path):
    from fairaudit.methods.fair_sde.estimator import FairSDE

    data = arrays(cluster=np.arange(1500) // 20)
    found = fitted(data)
    found.save(tmp_path / "model")
    own = FairSDE.load(tmp_path / "model").selection_
    stored = found.tables["selection"].filter(split="validation").select(own.columns)
    assert own.drop("merged").equals(stored.drop("merged"))


def test_row_weights_enter_the_choice_and_the_certificate_says_so(tmp_path):
    from fairaudit.methods.fair_sde.estimator import FairSDE

    weight = np.random.default_rng(3).exponential(size=1500)
    data = Arrays(**{**vars(arrays()), "weight": weight})
    found = fitted(data)
    again = decide(as_stored(found, data))["selection"]
    assert again.equals(found.tables["selection"])
    found.save(tmp_path / "model")
    own = FairSDE.load(tmp_path / "model").selection_
    mine = (data.split == 1) & (data.groups["race"] == "B")
    right = (found.predictions["expert"].label == data.y)[mine]
    said = again.filter(split="validation", group="B")["expert"].item()
    assert said == pytest.approx(np.average(right, weights=weight[mine]))
    assert own.filter(group="B")["expert"].item() == pytest.approx(said)
    assert "Rows are weighted" in worded_certificates(found.tables)[0]["words"]


def test_a_metric_that_counts_rows_says_that_weights_do_not_enter():
    data = Arrays(**{**vars(arrays()), "weight": np.linspace(1, 2, 1500)})
    said = warning_sentences(fitted(data, metric="balanced_accuracy").summary["warnings"])
    assert any("Row weights do not enter the choice" in s for s in said)


def test_audit_says_what_guessed_groups_cost():
    found = fitted(arrays())
    cost = found.summary["guessed_groups"]
    assert 0 <= cost["right"] <= 1
    assert cost["performance_guessed"] < cost["performance_known"]  # race cannot be guessed here


def test_rows_of_groups_without_training_rows_get_the_baseline_and_are_counted():
    data = arrays()
    race = np.where((data.split == 2) & (np.arange(1500) % 10 == 0), "C", data.groups["race"])
    strange = Arrays(**{**vars(data), "groups": {"race": race}})
    found = fitted(strange)
    mine = race == "C"
    chosen, baseline = (found.predictions[n].label[mine] for n in ("fair-sde", "baseline"))
    assert (chosen == baseline).all()
    assert f"{mine.sum()} rows belong to groups without training rows" in " ".join(
        warning_sentences(found.summary["warnings"])
    )


def test_all_attributes_cross_by_default_and_unknown_ones_are_refused():
    found = fitted(arrays(), attributes=[])
    assert set(found.summary["groups"]) == {"F × A", "F × B", "M × A", "M × B"}
    with pytest.raises(SpecError, match="'age' is not declared"):
        fitted(arrays(), attributes=["age"])
    with pytest.raises(SpecError, match="'depth' is not known"):
        fitted(arrays(), depth=3)


def test_where_no_performance_is_defined_everybody_keeps_the_baseline():
    n = 200
    groups, y = np.tile(["p", "q"], n // 2), np.ones(n, dtype=int)
    split = np.repeat(["validation", "test"], n // 2)
    found = decide(tables_of(groups, y, y, y, split), metric="balanced_accuracy")
    assert set(found["selection"]["chosen"]) == {"baseline"}
    assert set(found["selection"]["verdict"]) == {"cannot be judged"}
    [only] = found["alternatives"].to_dicts()
    assert only["chosen"]
    assert only["gap"] is None
    assert found["selection_gaps"]["gap_before"].null_count() == 2
    assert choice_warnings(found)[0].startswith(
        "Kept on the baseline because they cannot be judged"
    )
    assert certificates(found)[0]["chosen"] == "baseline"


def test_areas_under_curves_are_no_points():
    found = decide(invented(), metric="auroc")
    assert "points" not in " ".join(with_reasons(found["selection"])["reason"])
    assert "points" not in " ".join(choice_warnings(found))
