"""One rule for the positive class; meaning and relabelling never change a number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fairaudit import audit_predictions
from fairaudit.audit import presets
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import FairauditWarning, SpecError
from fairaudit.text.sentences.warnings import warning_sentences
from tests.sizes import size

MIRRORED = {"tpr": "tnr", "fnr": "fpr", "ppv": "npv", "fdr": "for"}
SAME = ("accuracy", "error_rate", "balanced_accuracy", "mcc")


def _people(rng: np.random.Generator, n: int) -> dict[str, Any]:
    return {
        "y": rng.choice(["no", "yes"], n),
        "p": rng.choice(["no", "yes"], n),
        "sex": rng.choice(["f", "m"], n),
    }


@settings(max_examples=size(8, 25), deadline=None, derandomize=True)
@given(st.integers(0, 2**16), st.integers(6, 80), st.booleans())
def test_the_other_positive_class_mirrors_every_rate(seed: int, n: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    d = _people(rng, n)
    weight = rng.random(n) + 0.1 if weighted else None
    yes, no = (
        audit_predictions(
            d["y"], d["p"], sensitive_features=d["sex"], sample_weight=weight, positive=label,
            n_boot=0,
        ).errors
        for label in ("yes", "no")
    )  # fmt: skip
    for metric, other in (MIRRORED | {v: k for k, v in MIRRORED.items()}).items():
        a, b = (t.filter(metric=m) for t, m in ((yes, metric), (no, other)))
        for end in ("value", "low", "high"):
            assert _apart(a[end], b[end]) < 1e-12, (metric, end)
    for metric in SAME:
        assert (
            _apart(yes.filter(metric=metric)["value"], no.filter(metric=metric)["value"]) < 1e-12
        )
    for metric in ("selection_rate", "base_rate"):
        a, b = (t.filter(metric=metric) for t in (yes, no))
        assert _apart(a["value"], 1 - b["value"]) < 1e-12
        assert _apart(a["low"], 1 - b["high"]) < 1e-12


def _apart(a: pl.Series, b: pl.Series) -> float:
    assert a.is_null().to_list() == b.is_null().to_list()
    return float((a - b).abs().max() or 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("known", [True, False])
def test_the_meaning_changes_no_number(known: bool) -> None:
    d = _people(np.random.default_rng(1), 300)
    results = [
        audit_predictions(
            d["y"] if known else None, d["p"], sensitive_features=d["sex"], meaning=meaning,
            n_boot=100,
        )
        for meaning in ("good", "bad", "neutral")
    ]  # fmt: skip
    for other in results[1:]:
        assert set(other.tables) == set(results[0].tables)
        for name, table in results[0].tables.items():
            assert_frame_equal(table, other.tables[name])
    assert [r.summary["outcome"]["meaning"] for r in results] == ["good", "bad", "neutral"]


@pytest.mark.parametrize(
    ("negative", "positive"),
    [("nein", "ja"), ("ineligible", "eligible"), ("reject", "accept"), ("defaulted", "repaid"),
     ("нет", "да"), ("not admitted", "admitted"), ("disapproved", "approved")],
)  # fmt: skip
def test_python_and_tables_take_the_same_positive_class(negative: str, positive: str) -> None:
    y = [negative, positive] * 20
    p = [positive, positive, negative, negative] * 10
    frame = pl.DataFrame({"outcome": y, "tool": p, "sex": list("fm") * 20})
    here = audit_predictions(
        frame["outcome"], {"tool": frame["tool"]}, sensitive_features=frame["sex"], n_boot=0
    )
    roles = ColumnRoles(target="outcome", predictions=("tool",), sensitive=("sex",))
    there = run_audit(Dataset(frame, roles), AuditSpec(roles=roles, kind="predictions", n_boot=0))
    assert here.summary["classes"] == there.summary["classes"] == [negative, positive]
    assert here.summary["outcome"] == there.summary["outcome"]
    assert positive in here.summary["outcome"]["reason"]


def test_where_no_word_decides_the_larger_label_is_taken_and_a_warning_names_the_argument() -> (
    None
):
    y, g = [1, 2, 1, 2], list("aabb")
    with pytest.warns(FairauditWarning, match=r"'2', the larger label, was taken.*positive="):
        r = audit_predictions(y, y, sensitive_features=g, n_boot=0)
    assert r.summary["outcome"]["positive"] == "2"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = audit_predictions(y, y, sensitive_features=g, n_boot=0, positive=1)
    assert said.summary["outcome"]["positive"] == "1"
    assert not said.summary["outcome"]["guessed_positive"]
    frame = pl.DataFrame({"y": y, "p": y, "g": g})
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",))
    table = run_audit(Dataset(frame, roles), AuditSpec(roles=roles, kind="predictions", n_boot=0))
    assert any("--positive" in w for w in warning_sentences(table.summary["warnings"]))


@pytest.mark.parametrize(
    ("name", "systems", "target", "meaning"),
    [
        ("two_year_recid", "tool", "two_year_recid", "bad"),
        ("hired", "tool", "hired", "good"),
        (None, "hired_by_tool", "y_true", "good"),
        (None, "tool", "y_true", "neutral"),
        ("gender", "tool", "gender", "neutral"),
    ],
)
def test_names_say_what_the_outcome_means(
    name: str | None, systems: str, target: str, meaning: str
) -> None:
    y = pd.Series([0, 1, 0, 1], name=name)
    r = audit_predictions(y, {systems: [1, 0, 1, 0]}, sensitive_features=list("aabb"), n_boot=0)
    facts = r.summary["outcome"]
    assert (facts["target"], facts["meaning"]) == (target, meaning)
    assert facts["negative"] == "0"


@pytest.mark.parametrize(
    ("label", "classes"), [("no", ["no", "not no"]), ("yes", ["not yes", "yes"]),
                           ("denied", ["denied", "not denied"]), ("hired", ["not hired", "hired"])]
)  # fmt: skip
def test_a_single_label_that_says_no_is_not_the_positive_class(
    label: str, classes: list[str]
) -> None:
    r = audit_predictions(y_pred=[label] * 8, sensitive_features=list("aabbaabb"), n_boot=0)
    assert r.summary["classes"] == classes
    rate = r.errors.filter(metric="selection_rate", group="all")["value"].item()
    assert rate == float(classes[1] == label)


# -- rules on who is selected -------------------------------------------------------------------


def _staff(label: str = "flagged") -> pl.DataFrame:
    rng = np.random.default_rng(5)
    sex = rng.choice(["f", "m"], 400)
    hit = rng.random(400) < np.where(sex == "f", 0.5, 0.25)
    y = pl.Series(hit.astype(int)).set(pl.Series(np.arange(400) % 10 == 0), None)
    return pl.DataFrame({"sex": sex, label: hit.astype(int), "y": y})


def _ratio(meaning: str | None, **more: Any) -> Any:
    roles = ColumnRoles.model_validate(
        {"predictions": ("flagged",), "sensitive": ("sex",), "meaning": meaning, **more}
    )
    spec = AuditSpec(roles=roles, kind="predictions", preset="four-fifths", n_boot=0)
    return run_audit(Dataset(_staff(), roles), spec)


def test_impact_ratios_follow_what_the_decision_means() -> None:
    f = _staff()
    flagged = {sex: f.filter(sex=sex)["flagged"].mean() for sex in "fm"}
    good, bad = _ratio("good"), _ratio("bad")
    row = good.tables["preset_sex"].filter(group="m").row(0, named=True)
    assert row["impact_ratio"] == pytest.approx(flagged["m"] / flagged["f"])
    assert row["rate_of"] == "selection rate"
    row = bad.tables["preset_sex"].filter(group="f").row(0, named=True)
    assert row["impact_ratio"] == pytest.approx((1 - flagged["f"]) / (1 - flagged["m"]))
    assert row["rate_of"] == "rate of not being flagged"
    assert "bad for a person" in bad.summary["preset"]["sentences"][0]


def test_nobody_is_favoured_by_a_kind() -> None:
    with pytest.raises(SpecError, match=r"neither good nor bad for a person; .*--meaning"):
        _ratio("neutral")


def test_where_nothing_says_what_a_decision_means_the_rule_does() -> None:
    frame = _staff("tool")
    roles = ColumnRoles(predictions=("tool",), sensitive=("sex",))
    spec = AuditSpec(roles=roles, kind="predictions", preset="four-fifths", n_boot=0)
    said = run_audit(Dataset(frame, roles), spec).summary["preset"]["sentences"]
    assert "being selected counts as good" in said[0]


def test_people_without_an_outcome_count_in_a_rule_on_selections() -> None:
    with_outcome = _ratio("good", target="y").tables["preset_sex"]
    assert with_outcome["applicants"].sum() == 400
    assert_frame_equal(with_outcome, _ratio("good").tables["preset_sex"])


def test_selections_passed_as_such_are_good() -> None:
    applied = presets.apply(
        "four-fifths", selected=[1, 0, 1, 1], groups={"g": list("aabb")}, confidence=0.95
    )
    assert set(applied.tables["g"]["rate_of"]) == {"selection rate"}


@pytest.mark.parametrize(("one", "zero"), [(1.0, 0.0), (True, False), ("1", "0"), (" yes ", "no")])
def test_the_data_profile_reads_labels_as_the_audit_does(one: Any, zero: Any) -> None:
    frame = pl.DataFrame({"y": [one, zero, one, one], "p": [1, 0, 1, 0], "g": list("aabb")})
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",))
    result = run_audit(
        Dataset(frame, roles),
        AuditSpec(roles=roles, kind="predictions", n_boot=0, preset="eu-ai-act"),
    )
    profile = result.tables["preset_data_profile"].sort("group")
    assert profile["base_rate"].to_list() == [0.5, 1.0]
