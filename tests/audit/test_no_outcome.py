"""Without an outcome only decisions are judged; no number that needs one exists anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fairaudit import audit_predictions
from fairaudit.audit import reanalysis
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.result import AuditResult
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.exceptions import InputError, SpecError
from fairaudit.report import write
from fairaudit.stats.metric_definitions import BINARY, DECISIONS, REGRESSION, SCORES

NEEDS_OUTCOME = (set(BINARY) | set(SCORES) | set(REGRESSION)) - set(DECISIONS)
FAMILIES = {"equalized_odds", "predictive_parity"}
UNKNOWN = "no outcome known"


def people(n: int = 240, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    sex, region = rng.choice(["f", "m"], n), rng.choice(["north", "south"], n)
    score = np.clip(rng.normal(0.45 + 0.15 * (sex == "m"), 0.2), 0, 1).round(2)
    hired = np.where(score > 0.5, "hired", "not hired")
    decile = np.ceil(score * 10).clip(1).astype(int)
    return pl.DataFrame(
        {"sex": sex, "region": region, "score": score, "decile": decile, "tool": hired,
         "other": rng.integers(0, 2, n), "pay": rng.normal(50, 9, n)}
    )  # fmt: skip


def nothing_of_outcomes(result: AuditResult) -> None:
    """No table holds a number, and no summary a word, that needs an outcome."""
    for name in ("errors", "gaps", "pairs", "comparisons", "detectable"):
        table = result.tables.get(name)
        if table is not None and len(table):
            odd = table.filter(pl.col("metric").is_in(NEEDS_OUTCOME | FAMILIES))
            numbers = odd.select(pl.selectors.float())
            assert numbers.null_count().sum_horizontal().sum() == numbers.width * len(odd), name
    counts = result.tables.get("counts")
    if counts is not None:
        truth = counts.select("tp", "fp", "tn", "fn")
        assert truth.null_count().sum_horizontal().item() == 4 * len(counts)
        assert counts["selected"].null_count() == 0
    assert not {"roc", "calibration", "latent_tests", "bounds"} & set(result.tables)
    for name in ("histograms", "predictions"):
        if name in result.tables:
            assert result.tables[name]["y"].null_count() == len(result.tables[name])
    assert result.summary["outcome"]["target"] is None
    assert result.summary["outcome"]["reason"].count(UNKNOWN) == 1


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_no_number_needs_an_outcome_that_nobody_knows(data: st.DataObject) -> None:
    n = data.draw(st.integers(4, 40))
    seed = data.draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    p = {f"s{i}": rng.integers(0, 2, n) for i in range(data.draw(st.integers(1, 3)))}
    score = rng.random(n) if data.draw(st.booleans()) else None
    r = audit_predictions(
        None,
        p if score is None else next(iter(p.values())),
        y_score=score,
        sensitive_features=rng.choice(["a", "b", "c"], n),
        sample_weight=rng.random(n) + 0.1 if data.draw(st.booleans()) else None,
        clusters=rng.integers(0, 5, n) if data.draw(st.booleans()) else None,
        keep_rows=True,
        n_boot=40,
    )
    nothing_of_outcomes(r)
    assert set(r.errors["metric"]) <= set(DECISIONS)
    assert r.errors["value"].is_between(0, 1).all()


def test_selection_rates_are_those_of_an_audit_with_an_outcome() -> None:
    f = people()
    wanted = {"sensitive_features": f["sex"], "metrics": "selection_rate", "n_boot": 200}
    tool = (f["tool"] == "hired").cast(pl.Int64)
    alone = audit_predictions(None, tool, **wanted)
    known = audit_predictions(tool, tool, **wanted)
    columns = ["group", "metric", "n", "value", "low", "high", "status"]
    assert_frame_equal(alone.errors.select(columns), known.errors.select(columns))


def test_a_metric_named_all_the_same_has_no_value_and_says_why() -> None:
    f = people()
    r = audit_predictions(
        None,
        f["other"],
        sensitive_features=f["sex"],
        metrics=["tpr", "selection_rate", "equalized_odds"],
        n_boot=50,
    )
    nothing_of_outcomes(r)
    lost = r.errors.filter(pl.col("metric") == "tpr")
    assert len(lost) == 3
    assert set(lost["status"]) == {UNKNOWN}
    assert set(r.gaps.filter(pl.col("metric") == "equalized_odds")["status"]) == {UNKNOWN}


def test_numbers_and_classes_have_their_own_decisions() -> None:
    f = people()
    pay = audit_predictions(y_pred=f["pay"], sensitive_features=f["sex"], n_boot=50)
    nothing_of_outcomes(pay)
    mean = pay.errors.filter(pl.col("group") == "f")
    assert mean["metric"].to_list() == ["mean_prediction"]
    assert mean["value"].item() == pytest.approx(f.filter(sex="f")["pay"].mean())
    kinds = audit_predictions(
        y_pred=np.resize(["cat", "dog", "eel"], 240), sensitive_features=f["sex"], n_boot=50
    )
    nothing_of_outcomes(kinds)
    assert set(kinds.errors["metric"]) == {f"selection_rate [{k}]" for k in ("cat", "dog", "eel")}


def test_a_mean_score_is_the_mean_with_its_interval() -> None:
    f = people()
    r = audit_predictions(y_score=f["score"], sensitive_features=f["sex"], n_boot=50)
    row = r.errors.filter(metric="mean_score", group="m").row(0, named=True)
    assert row["value"] == pytest.approx(f.filter(sex="m")["score"].mean())
    assert row["low"] < row["value"] < row["high"]
    assert set(r.tables["histograms"].columns) >= {"group", "low", "high", "count"}


def test_an_outcome_without_any_value_is_refused_with_the_remedy() -> None:
    f = people().with_columns(y=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(InputError, match=r"no value in any row.*leave y_true out"):
        audit_predictions(f["y"], f["other"], sensitive_features=f["sex"])
    for task in ("binary", "regression"):
        with pytest.raises(SpecError, match=r"target 'y' has no value in any row.*--no-target"):
            Dataset(f, ColumnRoles(target="y", predictions=("other",), task=task))


@pytest.mark.parametrize(
    "roles",
    [
        {"predictions": ("tool", "other")},
        {"predictions": ("other",), "scores": ("score",)},
        {"scores": ("decile",), "cuts": {"decile": Cut(at=6)}},
        {"scores": ("decile",), "cuts": {"decile": Cut(at=3, side="below")}},
        {"predictions": ("pay",), "task": "regression"},
    ],
    ids=["two systems", "with scores", "score", "low scores select", "numbers"],
)
@pytest.mark.parametrize("preset", [None, "four-fifths", "model-card"])
def test_a_table_without_an_outcome_is_audited_whole(
    roles: dict[str, Any], preset: str | None, tmp_path: Path
) -> None:
    if preset == "four-fifths" and roles.get("task"):
        pytest.skip("the rule counts people who were selected")
    spec = AuditSpec(
        roles=ColumnRoles.model_validate({"sensitive": ("sex",), "meaning": "good", **roles}),
        kind="predictions",
        n_boot=50,
        preset=preset,
    )
    result = run_audit(Dataset(people(500), spec.roles), spec)
    nothing_of_outcomes(result)
    assert set(result.errors["metric"]) <= set(DECISIONS)
    write(result, tmp_path, title="decisions")
    page = (tmp_path / "report.html").read_text("utf-8").lower()
    for words in ("wrongly", "false-positive", "true-positive", "accuracy of", "auroc of"):
        assert words not in page, words
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert summary["outcome"]["target"] is None


def test_training_needs_an_outcome() -> None:
    spec = AuditSpec(
        roles=ColumnRoles(features=("score",), sensitive=("sex",)), kind="train", method="linear"
    )
    with pytest.raises(SpecError, match="training needs an outcome"):
        run_audit(Dataset(people(), spec.roles), spec)


def test_a_stored_audit_without_an_outcome_answers_about_selections_only() -> None:
    f = people()
    r = audit_predictions(
        y_pred=f["other"], y_score=f["score"], sensitive_features=f["sex"], keep_rows=True,
        n_boot=50,
    )  # fmt: skip
    ask = {"model": "model", "attribute": "sex", "confidence": 0.95}
    errors, _, counts = reanalysis.recompute(r, threshold=0.6, **ask)
    assert set(errors["metric"]) == {"selection_rate"}
    assert counts["tp"].null_count() == 2
    share = (f.filter(sex="f")["score"] >= 0.6).mean()
    assert errors.filter(group="f")["value"].item() == pytest.approx(share)
    as_given, _, _ = reanalysis.recompute(r, **ask)
    stored = r.errors.filter(metric="selection_rate", attribute="sex")
    assert as_given["value"].to_list() == stored["value"].to_list()


def test_a_table_counted_elsewhere_gives_the_same_decisions() -> None:
    f = people(400)
    roles = ColumnRoles(predictions=("tool",), sensitive=("sex",))
    there = audit_table(f.lazy(), roles, n_boot=0, confidence=0.95)
    nothing_of_outcomes(there)
    here = audit_predictions(
        y_pred=f["tool"], sensitive_features=f.select("sex"), n_boot=0, confidence=0.95
    )
    values = ["group", "metric", "n", "value", "low", "high"]
    assert_frame_equal(there.errors.select(values), here.errors.select(values))
    assert there.summary["outcome"]["positive"] == "hired"
