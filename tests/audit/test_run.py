"""From a data set and a spec to a result: nothing leaks, nothing is lost, nothing is unequal."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.audit import reanalysis
from fairaudit.audit.merge_results import merged
from fairaudit.audit.predictions import audit_predictions
from fairaudit.audit.result import AuditResult
from fairaudit.audit.run import run_audit
from fairaudit.audit.runs.held_out import shown_membership
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.table_systems import existing_systems
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.exceptions import Cancelled, InputError, SpecError
from fairaudit.text.sentences.warnings import warning_sentences

ROLES = ColumnRoles(
    target="y", features=("a", "b"), sensitive=("sex",), predictions=("system",), positive="yes"
)
KEYS = ["model", "split", "attribute", "group", "metric"]


def people(n: int = 600, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n))
    sex = rng.choice(["f", "m"], n)
    y = rng.random(n) < 1 / (1 + np.exp(-(1.5 * a - b + 0.5 * (sex == "m"))))
    system = rng.random(n) < 1 / (1 + np.exp(-2 * a))
    words = np.array(["no", "yes"])
    return pl.DataFrame(
        {"a": a, "b": b, "sex": sex, "y": words[y * 1], "system": words[system * 1]}
    )


def audited(frame: pl.DataFrame, roles: ColumnRoles = ROLES, **asked: object) -> AuditResult:
    spec = AuditSpec.model_validate({"roles": roles, "method": "linear", "n_boot": 50, **asked})
    return run_audit(Dataset(frame, roles), spec)


def test_errors_of_a_sweep_are_reported_for_the_chosen_number_of_groups() -> None:
    latent = pl.DataFrame({"row": [1, 1, 2, 2], "group": [0, 1, 0, 0], "n_groups": [1, 2, 1, 2]})

    def shown(chosen: int) -> list[int] | None:
        numbers = [1, 2]
        sweep = pl.DataFrame({"n_groups": numbers, "chosen": [g == chosen for g in numbers]})
        members = shown_membership({"latent": latent, "sweep": sweep})
        return None if members is None else members["group"].to_list()

    assert shown(2) == [1, 0]
    assert shown(1) is None
    assert shown_membership({"latent": latent.drop("n_groups")}) is not None


def test_answers_on_test_rows_do_not_depend_on_their_outcomes():
    frame = people()
    part = np.where(np.arange(frame.height) % 3 == 0, "test", "train")
    frame = frame.with_columns(part=pl.Series(part))
    roles = ROLES.model_copy(update={"split": "part", "predictions": ()})
    other = pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    flipped = frame.with_columns(y=pl.when(pl.col("part") == "test").then(other).otherwise("y"))
    scores = [
        audited(f, roles=roles, split={"by": "column"})
        .tables["predictions"]
        .filter(pl.col("split") == "test")["score"]
        for f in (frame, flipped)
    ]
    assert scores[0].equals(scores[1])


def test_existing_systems_are_judged_on_the_rows_the_model_is_judged_on():
    result = audited(people())
    answered = result.tables["predictions"].filter(pl.col("split") == "test")
    rows = {model[0]: set(part["row"]) for model, part in answered.group_by("model")}
    assert set(rows) >= {"linear", "system"}
    assert rows["linear"] == rows["system"]


def test_audit_of_predictions_equals_the_public_function():
    frame = people()
    result = audited(frame, kind="predictions", intersections=1)
    expected = audit_predictions(
        (frame["y"] == "yes").cast(pl.Int64),
        {"system": (frame["system"] == "yes").cast(pl.Int64)},
        sensitive_features=frame.select("sex"),
        n_boot=50,
    )
    keys = ["attribute", "group", "metric"]
    ours = result.errors.sort(keys).select(*keys, "value", "low", "high")
    theirs = expected.errors.sort(keys).select(*keys, "value", "low", "high")
    both = ours.join(theirs, on=keys, suffix="_theirs", how="full", coalesce=True)
    assert both.height == ours.height == theirs.height
    gap = (both["value"] - both["value_theirs"]).abs().max()
    assert gap is None or gap < 1e-12


def test_rows_without_an_outcome_are_named_not_dropped_in_silence():
    frame = people()
    holes = pl.when(pl.int_range(pl.len()) < 7).then(None).otherwise(pl.col("y"))
    result = audited(frame.with_columns(y=holes))
    assert result.tables["excluded"]["row"].to_list() == list(range(7))
    assert any("7 rows" in warning for warning in warning_sentences(result.summary["warnings"]))
    assert sum(result.summary["rows"].values()) == frame.height - 7


def test_every_number_has_an_interval_or_a_status_that_says_why_not():
    result = audited(people(120))
    bare = result.errors.filter(pl.col("value").is_not_null() & pl.col("low").is_null())
    assert set(bare["status"]) <= {"unstable", "cannot be judged", "suppressed"}
    undefined = result.errors.filter(pl.col("value").is_null())
    assert set(undefined["status"]) <= {"cannot be judged", "suppressed"}


def test_the_result_survives_the_disk(tmp_path):
    result = audited(people(200))
    result.save(tmp_path)
    again = AuditResult.load(tmp_path)
    assert {n: t.to_dicts() for n, t in again.tables.items()} == {
        n: t.to_dicts() for n, t in result.tables.items()
    }
    assert dict(again.summary) == dict(result.summary)


def test_a_comparison_uses_the_same_rows_for_every_method_and_says_its_budget():
    result = audited(
        people(), kind="compare", params={"methods": ["linear", "linear-s"], "seeds": 3}
    )
    comparison, paired = result.tables["comparison"], result.tables["paired"]
    assert {"linear", "linear-s", "system"} <= set(comparison["model"])
    assert set(comparison["seeds"]) == {3}
    accuracy = pl.col("metric") == "accuracy"
    own = paired.filter(
        accuracy & (pl.col("kind") == "overall") & (pl.col("model_a") == "linear-s")
    )
    assert own["low"].item() <= own["difference"].item() <= own["high"].item()
    assert "same splits" in result.summary["budget"]


def test_a_preset_brings_its_citation_and_what_it_does_not_set():
    result = audited(people(), kind="predictions", preset="four-fifths")
    rule = result.summary["preset"]
    assert "1607.4" in rule["citation"]
    assert rule["not_set"]
    assert any(name.startswith("preset_") for name in result.tables)


def test_a_small_hidden_group_with_errors_is_found_by_the_latent_audit():
    frame = people(3000, seed=3)
    odd = (pl.col("a") > 0.8) & (pl.col("b") > 0)
    wrong = pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    right = frame.with_columns(system=pl.when(odd).then(wrong).otherwise(pl.col("y")))
    result = audited(right, kind="predictions")
    tests = result.tables["latent_tests"].filter(pl.col("chosen"))
    assert tests["p_adjusted"].min() < 0.05
    assert result.summary["latent_system"] == "system"


def test_groups_are_not_described_by_copies_of_the_systems_own_score():
    frame = people(1500)
    frame = frame.with_columns(band=pl.when(pl.col("system") == "yes").then(2).otherwise(1))
    roles = ROLES.model_copy(update={"features": ("a", "b", "band")})
    result = audited(frame, roles=roles, kind="predictions")
    assert result.summary["latent_left_out"] == ["band"]
    assert not any("band" in rule for rule in result.tables["groups"]["rule"])


def test_cancel_reaches_the_fit():
    class Impatient:
        def start(self, task: str, total: int | None = None) -> None: ...

        def step(self, done: int = 1, **metrics: float) -> None:
            raise Cancelled("enough")

        def end(self) -> None: ...

    with pytest.raises(Cancelled):
        run_audit(
            Dataset(people(), ROLES), AuditSpec(roles=ROLES, method="erm"), monitor=Impatient()
        )


@pytest.mark.parametrize("values", [["1", "0"], ["true", "false"], ["yes", "no"]])
def test_predictions_may_be_coded_as_the_target_or_as_zero_and_one(values):
    frame = pl.DataFrame({"p": values})
    found = existing_systems(frame, ColumnRoles(target="y", predictions=("p",)), ("no", "yes"))
    assert found["p"].label.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("values", "said"), [(["yes", "maybe"], "maybe"), (["yes", None], "1 missing")]
)
def test_a_prediction_that_cannot_be_read_is_named(values, said):
    roles = ColumnRoles(target="y", predictions=("p",))
    with pytest.raises(InputError, match=said):
        existing_systems(pl.DataFrame({"p": values}), roles, ("no", "yes"))


def test_a_lone_score_outside_the_unit_interval_needs_a_cut():
    frame = pl.DataFrame({"decile": [1, 2, 3, 8, 9, 10]})
    roles = ColumnRoles(target="y", scores=("decile",))
    with pytest.raises(InputError, match=r"runs from 1 to 10 .* --cut decile=3"):
        existing_systems(frame, roles, ("0", "1"))
    above, below = (
        existing_systems(frame, roles.model_copy(update={"cuts": {"decile": cut}}), ("0", "1"))
        for cut in (Cut(at=8), Cut(at=2, side="below"))
    )
    assert above["decile"].label.tolist() == [0, 0, 0, 1, 1, 1]
    assert below["decile"].label.tolist() == [1, 1, 0, 0, 0, 0]


def test_merging_keeps_each_model_once_and_refuses_other_rows():
    frame = people()
    a, b = audited(frame), audited(frame, method="linear-s")
    whole = merged([a, b], "both")
    assert whole.errors.select(KEYS).is_duplicated().sum() == 0
    assert {"linear", "linear-s", "system"} <= set(whole.errors["model"])
    with pytest.raises(SpecError, match="different rows"):
        merged([a, audited(frame, seed=5)], "not comparable")


@pytest.mark.parametrize(("weight", "cluster"), [("w", None), (None, "site"), ("w", "site")])
def test_stored_audits_answer_again_as_they_were_judged(weight, cluster):
    rng = np.random.default_rng(4)
    frame = people(1500).with_columns(
        w=pl.Series(rng.exponential(500, 1500) + 1),
        site=pl.Series([f"s{i:02d}" for i in rng.integers(0, 30, 1500)]),
    )
    roles = ROLES.model_copy(update={"weight": weight, "cluster": cluster})
    result = audited(frame, roles=roles)
    ask = {"model": "linear", "split": "test", "attribute": "sex"}
    ladder = reanalysis.ladder_of(result, **ask)
    assert ladder.sure
    own = result.errors.filter(metric="tpr", **ask).sort("group")
    given, _, counts = reanalysis.recompute(result, **ask, metrics=["tpr"], confidence=0.95)
    cut, _, _ = reanalysis.recompute(
        result, **ask, metrics=["tpr"], threshold=0.5, exact=True, confidence=0.95
    )
    for again in (given, cut):
        again = again.sort("group")
        assert np.allclose(again["value"], own["value"])
        assert np.allclose(again["high"] - again["low"], own["high"] - own["low"], rtol=0.25)
    stored_counts = result.tables["counts"].filter(
        pl.all_horizontal(pl.col(k) == v for k, v in ask.items())
    )
    assert counts.sort("group")["n"].to_list() == stored_counts.sort("group")["n"].to_list()


def test_audits_with_different_weights_do_not_stand_side_by_side():
    frame = people().with_columns(w=pl.Series(np.random.default_rng(0).random(600) + 0.5))
    weighted = ROLES.model_copy(update={"weight": "w"})
    a, b = audited(frame), audited(frame, roles=weighted, method="erm", params={"max_epochs": 2})
    with pytest.raises(SpecError, match="different row weights"):
        merged([a, b], "unequal")
    c = audited(frame, roles=weighted)
    assert "linear" in merged([b, c], "equal").errors["model"]


@pytest.mark.parametrize(
    ("method", "params"),
    [("linear", {}), ("erm", {"max_epochs": 1}), ("rome-moe", {"n_groups": 2, "max_epochs": 1})],
)
def test_a_class_of_validation_rows_alone_takes_no_part_and_is_named(
    method: str, params: dict[str, object]
) -> None:
    frame = people(300)
    part = np.resize(["train", "train", "validation", "test"], frame.height)
    rare = np.where((part == "validation") & (np.arange(frame.height) < 20), "rare", frame["y"])
    frame = frame.with_columns(y=pl.Series(rare), part=pl.Series(part))
    roles = ColumnRoles(
        target="y", task="multiclass", features=("a", "b"), sensitive=("sex",), split="part"
    )
    result = audited(frame, roles, method=method, params=params, split={"by": "column"})
    assert any(
        "5 validation rows are of a class" in w
        for w in warning_sentences(result.summary["warnings"])
    )
    assert any("('rare')" in w for w in warning_sentences(result.summary["warnings"]))
