"""Groups compared within levels: Mantel–Haenszel against an oracle, and what people read of it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from fairaudit import AuditResult, AuditSpec, ColumnRoles, Dataset, audit_predictions, run_audit
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.tables.conditional import Levels, conditional_table
from fairaudit.exceptions import SpecError
from fairaudit.inputs.group_codes import Grouping
from fairaudit.report.sections import sections
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.influence import Frame
from fairaudit.stats.stratified import (
    EXACT,
    Strata,
    common_difference,
    common_odds_ratio,
    homogeneity,
    no_difference,
    sato_variance,
)
from fairaudit.text.sentences.conditional import conditional_sentence

ASKED = {"attribute": "sex", "metric": "selection_rate", "model": "model", "split": "test"}


def _drawn(seed: int, K: int, rows: tuple[int, int], chances: tuple[float, float]) -> Strata:
    rng = np.random.default_rng(seed)
    n1, n0 = (rng.integers(*rows, K).astype(float) for _ in range(2))
    x1, x0 = (
        rng.binomial(n.astype(int), p).astype(float)
        for n, p in zip((n1, n0), chances, strict=True)
    )
    return Strata(x1, n1, x0, n0)


def _oracle(s: Strata) -> StratifiedTable:
    tables = [[s.x1, s.n1 - s.x1], [s.x0, s.n0 - s.x0]]
    return StratifiedTable(np.array(tables))


@pytest.mark.parametrize(("seed", "K"), [(0, 2), (1, 5), (2, 40)])
def test_odds_ratio_test_and_homogeneity_agree_with_statsmodels(seed: int, K: int) -> None:
    s = _drawn(seed, K, (20, 60), (0.4, 0.3))
    oracle = _oracle(s)
    value, low, high = common_odds_ratio(s, 0.9)
    assert value == pytest.approx(oracle.oddsratio_pooled, rel=1e-10)
    assert (low, high) == pytest.approx(oracle.oddsratio_pooled_confint(0.1), rel=1e-10)
    assert no_difference(s)[0] == pytest.approx(oracle.test_null_odds().pvalue, rel=1e-10)
    assert homogeneity(s) == pytest.approx(oracle.test_equal_odds(adjust=True).pvalue, rel=1e-9)


def test_one_stratum_is_a_plain_comparison() -> None:
    s = Strata(*(np.array([v]) for v in (17.0, 40.0, 9.0, 60.0)))
    value, low, high = common_difference(s, 0.95)
    assert value == pytest.approx(17 / 40 - 9 / 60)
    assert low < value < high
    p1, p0 = 17 / 40, 9 / 60
    assert sato_variance(s) == pytest.approx(p1 * (1 - p1) / 40 + p0 * (1 - p0) / 60)
    few = Strata(*(np.array([v]) for v in (3.0, 10.0, 8.0, 10.0)))
    assert no_difference(few) == (pytest.approx(stats.fisher_exact([[3, 7], [8, 2]])[1]), EXACT)


def test_the_exact_test_sums_over_all_tables_with_the_same_totals() -> None:
    s = Strata(*(np.array(v) for v in ([3.0, 1.0], [5.0, 4.0], [1.0, 0.0], [6.0, 3.0])))
    events = (s.x1 + s.x0).astype(int)
    law: dict[int, float] = {}
    for a, b in product(range(events[0] + 1), range(events[1] + 1)):
        chance = stats.hypergeom.pmf(a, 11, events[0], 5) * stats.hypergeom.pmf(b, 7, events[1], 4)
        law[a + b] = law.get(a + b, 0.0) + float(chance)
    seen = law[4]
    assert no_difference(s)[0] == pytest.approx(
        sum(c for c in law.values() if c <= seen * (1 + 1e-9))
    )


@pytest.mark.parametrize(
    ("x1", "x0"), [((0.0, 0.0), (0.0, 0.0)), ((8.0, 5.0), (9.0, 4.0)), ((8.0, 5.0), (0.0, 0.0))]
)
def test_no_event_anywhere_is_no_certainty(x1: Any, x0: Any) -> None:
    s = Strata(np.array(x1), np.array([8.0, 5.0]), np.array(x0), np.array([9.0, 4.0]))
    value, low, high = common_difference(s, 0.95)
    assert high - low > 0.2
    assert -1 <= low <= value <= high <= 1
    assert np.isnan(common_odds_ratio(s, 0.95)).all()


def _sample(n: int = 3000, gap: float = 0.0, seed: int = 4) -> dict[str, Any]:
    """Jobs decide who is selected; women more often have the hard one."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["easy", "hard"], n)
    sex = np.where(rng.random(n) < np.where(job == "hard", 0.8, 0.2), "f", "m")
    chance = np.where(job == "hard", 0.3, 0.7) - gap * (sex == "f")
    return {"job": job, "sex": sex, "p": (rng.random(n) < chance).astype(int)}


def _audit(d: dict[str, Any], **more: Any) -> AuditResult:
    asked: dict[str, Any] = {"metrics": ["selection_rate"], **more}
    return audit_predictions(
        None, d["p"], sensitive_features={"sex": d["sex"]},
        control_features={"job": d["job"]}, positive=1, **asked,
    )  # fmt: skip


def _row(r: AuditResult) -> dict[str, Any]:
    return r.tables["conditional"].filter(metric="selection_rate").row(0, named=True)


def test_a_difference_of_jobs_is_none_within_jobs() -> None:
    result = _audit(_sample())
    row = _row(result)
    assert abs(row["unconditional"]) > 0.15
    assert row["low"] < 0 < row["high"]
    said = conditional_sentence(result, **ASKED)
    assert "no difference is shown" in said
    assert "within 2 levels of job" in said
    shown = next(s for s in sections(result) if s.table == "conditional")
    assert said in shown.sentences


def test_a_difference_within_jobs_is_said_with_its_size() -> None:
    result = _audit(_sample(gap=0.2))
    row = _row(result)
    assert row["p_adjusted"] < 0.001
    assert row["low"] < 0.2 * (1 if row["group"] == "m" else -1) < row["high"]
    assert "points" in conditional_sentence(result, **ASKED)


def test_levels_that_disagree_are_named() -> None:
    d = _sample(4000)
    turned = (d["job"] == "hard") & (d["sex"] == "f")
    d["p"] = np.where(turned, 1, d["p"])
    assert "levels differ from one another" in conditional_sentence(_audit(d), **ASKED)


def test_weights_that_count_people_move_the_number_as_rows_would() -> None:
    d, rng = _sample(600), np.random.default_rng(0)
    times = rng.integers(1, 4, 600)
    weighted = _row(_audit(d, sample_weight=times))
    repeated = _row(_audit({k: np.repeat(v, times) for k, v in d.items()}))
    assert weighted["difference"] == pytest.approx(repeated["difference"])
    assert weighted["odds_ratio"] == pytest.approx(repeated["odds_ratio"])
    assert weighted["high"] - weighted["low"] > repeated["high"] - repeated["low"]


def test_rows_repeated_as_clusters_say_no_more_than_the_rows() -> None:
    d = _sample(600)
    once = _row(_audit(d))
    ten = {k: np.repeat(v, 10) for k, v in d.items()}
    clustered = _row(_audit(ten, clusters=np.repeat(np.arange(600), 10)))
    assert clustered["difference"] == pytest.approx(once["difference"])
    assert clustered["high"] - clustered["low"] == pytest.approx(
        once["high"] - once["low"], rel=0.02
    )
    assert clustered["p"] == pytest.approx(once["p"], rel=0.05)


def test_one_cluster_cannot_be_judged() -> None:
    row = _row(_audit(_sample(200), clusters=np.zeros(200)))
    assert (row["status"], row["low"], row["p"]) == ("cannot be judged", None, None)


def test_levels_with_a_hidden_group_take_no_part() -> None:
    rng = np.random.default_rng(3)
    job, sex = rng.choice(list("wxyz"), 1000), rng.choice(["f", "m"], 1000)
    keep = ~((job == "z") & (sex == "m")) | (np.arange(1000) < 40)
    d = {"job": job[keep], "sex": sex[keep], "p": rng.integers(0, 2, int(keep.sum()))}
    result = _audit(d, suppress_below=20)
    row = _row(result)
    parts = result.errors.filter(pl.col("attribute").str.starts_with("sex | "))
    hidden = parts.filter(status="suppressed")["attribute"].unique().to_list()
    shown = sorted(set(parts["attribute"]) - set(hidden))
    assert "sex | job=z" in hidden
    assert row["strata"] == len(shown) >= 1
    sizes = parts.filter(pl.col("attribute").is_in(shown))["n"].sum()
    assert row["n"] + row["n_reference"] == sizes


def test_groups_that_share_no_level_cannot_be_judged() -> None:
    d = _sample(400)
    d["job"] = d["sex"]
    row = _row(_audit(d))
    assert (row["strata"], row["difference"], row["status"]) == (0, None, "cannot be judged")


@pytest.mark.parametrize("seed", range(3))
def test_pooled_differences_hold_their_level_in_sparse_strata(seed: int) -> None:
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(120):
        base = rng.uniform(0.05, 0.6, 30)
        n = np.full(30, 3)
        x1, x0 = (rng.binomial(n, base + gap).astype(float) for gap in (0.2, 0.0))
        _, low, high = common_difference(Strata(x1, n.astype(float), x0, n.astype(float)), 0.95)
        held += low <= 0.2 <= high
    assert held >= stats.binom.ppf(1e-4, 120, 0.94)


def test_the_table_is_part_of_the_adjustment() -> None:
    d = _sample(500)
    rng = np.random.default_rng(0)
    result = audit_predictions(
        rng.integers(0, 2, 500), d["p"], sensitive_features={"sex": d["sex"]},
        control_features={"job": d["job"]}, metrics=["tpr", "fpr"], primary=("tpr", "sex"),
    )  # fmt: skip
    table = result.tables["conditional"]
    expected = stats.false_discovery_control(table["p"].to_numpy())
    assert table["p_adjusted"].to_list() == pytest.approx(expected.tolist())
    counted = sum(result.tables[name]["p"].drop_nulls().len() for name in ("pairs", "conditional"))
    assert result.summary["looks"] == counted
    assert isinstance(table, pl.DataFrame)


def test_heavy_weights_in_small_levels_reject_no_more_often_than_stated() -> None:
    rng = np.random.default_rng(5)
    shown, n = 0, 300
    for _ in range(300):
        job, sex = rng.integers(0, 20, n), rng.integers(0, 2, n)
        p = (rng.random(n) < 0.2 + job / 50).astype(int)
        frame = Frame(Grouping("sex", ("f", "m"), sex), None, rng.gamma(1.0, 1.0, n), None)
        levels = Levels("job", tuple(map(str, range(20))), job)
        rows = conditional_table(
            frame, np.zeros(n, int), p, levels, ["selection_rate"], EstimateOptions(0.95), None
        )
        shown += rows["p"].item() <= 0.05
    assert shown <= stats.binom.ppf(1 - 1e-4, 300, 0.05)  # it was 33 with residual weights


def test_each_class_is_compared_as_one_against_the_rest() -> None:
    rng = np.random.default_rng(6)
    n = 1200
    job, sex = rng.choice(["easy", "hard"], n), rng.choice(["f", "m"], n)
    y, p = (rng.choice(["bus", "car", "tram"], n) for _ in range(2))
    several = audit_predictions(
        y, p, sensitive_features={"sex": sex}, control_features={"job": job},
        metrics=["tpr", "selection_rate", "accuracy"], n_boot=0,
    ).tables["conditional"]  # fmt: skip
    names = {f"{m} [{c}]" for m in ("tpr", "selection_rate") for c in ("bus", "car", "tram")}
    assert set(several["metric"]) == names | {"accuracy"}
    for label in ("bus", "tram"):
        two = audit_predictions(
            (y == label).astype(int), (p == label).astype(int), positive=1,
            sensitive_features={"sex": sex}, control_features={"job": job},
            metrics=["tpr", "selection_rate"], n_boot=0,
        ).tables["conditional"]  # fmt: skip
        for metric in ("tpr", "selection_rate"):
            own = several.filter(metric=f"{metric} [{label}]").drop("metric", "p_adjusted")
            assert own.equals(two.filter(metric=metric).drop("metric", "p_adjusted"))
    right = (y == p).astype(int)
    whole = audit_predictions(
        None, right, positive=1, sensitive_features={"sex": sex}, control_features={"job": job},
        metrics=["selection_rate"], n_boot=0,
    ).tables["conditional"]  # fmt: skip
    for column in ("difference", "low", "high", "p"):
        assert several.filter(metric="accuracy")[column].equals(whole[column])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_counted_table_compares_within_levels_as_a_loaded_one(weighted: bool) -> None:
    d = _sample(800)
    rng = np.random.default_rng(1)
    frame = pl.DataFrame(d).with_columns(
        y=pl.Series(rng.choice(["no", "yes"], 800)),
        p=pl.col("p").replace_strict({0: "no", 1: "yes"}),
        w=pl.Series(rng.choice([1.0, 2.0], 800)),
        age=pl.Series(rng.integers(18, 70, 800)),
    )
    roles = ColumnRoles.model_validate(
        {
            "target": "y", "positive": "yes", "meaning": "good", "predictions": ("p",),
            "sensitive": ("sex",), "weight": "w" if weighted else None,
        }
    )  # fmt: skip
    asked: dict[str, Any] = {"metrics": ("tpr", "selection_rate"), "controls": ("job", "age")}
    counted = audit_table(frame.lazy(), roles, confidence=0.95, split="all", **asked)
    spec = AuditSpec(roles=roles, kind="predictions", n_boot=0, intersections=1, **asked)
    loaded = run_audit(Dataset(frame, roles), spec)
    a, b = (r.tables["conditional"].sort("metric", "group") for r in (counted, loaded))
    for column in ("given", "group", "strata", "n", "difference", "low", "high", "p"):
        if a[column].dtype.is_float():
            np.testing.assert_allclose(a[column].to_numpy(), b[column].to_numpy(), rtol=1e-9)
        else:
            assert a[column].equals(b[column])


@pytest.mark.parametrize("column", ["sex", "y", "nowhere"])
def test_a_counted_table_refuses_what_groups_follow_from(column: str) -> None:
    frame = pl.DataFrame({"y": ["no", "yes"] * 20, "p": ["yes"] * 40, "sex": ["f", "m"] * 20})
    roles = ColumnRoles(target="y", positive="yes", predictions=("p",), sensitive=("sex",))
    with pytest.raises(SpecError, match=r"to compare groups within|are compared within levels"):
        audit_table(frame.lazy(), roles, confidence=0.95, controls=(column,))
