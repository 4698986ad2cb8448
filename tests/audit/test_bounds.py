"""Worst-case bounds against an oracle that fills in every unknown outcome in every way."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fairaudit import audit_predictions
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.metrics.bounds import METRICS
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.diagnosis import examine
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import InputError, SpecError
from fairaudit.stats import metric_definitions
from fairaudit.text.sentences.warnings import warning_sentences
from tests.sizes import size

EXACT = {"abs": 1e-12}


def _value(metric: str, y: np.ndarray, p: np.ndarray) -> float:
    cells = np.array([[((y == t) & (p == a)).sum() for a in (0, 1)] for t in (0, 1)], float)
    return float(metric_definitions.value(cells, metric))


def _oracle(
    metric: str, y: np.ndarray, p: np.ndarray, known: np.ndarray, g: np.ndarray
) -> dict[str, list[float]]:
    """All values of a metric by group, and all differences, over all fillings."""
    found: dict[str, list[float]] = {name: [] for name in (*np.unique(g), "gap")}
    for fill in product((0, 1), repeat=int((~known).sum())):
        full = y.copy()
        full[~known] = fill
        values = {name: _value(metric, full[g == name], p[g == name]) for name in np.unique(g)}
        for name, v in values.items():
            found[name].append(v)
        if not np.isnan(list(values.values())).any():
            found["gap"].append(max(values.values()) - min(values.values()))
    return {name: [v for v in vs if not np.isnan(v)] for name, vs in found.items()}


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    n = draw(st.integers(4, 9))
    bits = st.lists(st.integers(0, 1), min_size=n, max_size=n)
    y, p, known = (np.array(draw(bits)) for _ in range(3))
    g = np.array(["a", "b"])[np.array(draw(bits))]
    known = known.astype(bool)
    known[0] = True
    return y, p, known, g


@settings(max_examples=size(15, 60), deadline=None, derandomize=True)
@given(tables())
def test_bounds_equal_the_extremes_over_all_fillings(table: tuple[np.ndarray, ...]) -> None:
    y, p, known, g = table
    if known.all():
        return
    r = audit_predictions(y, p, sensitive_features=g, known_for=known, n_boot=0, positive=1)
    bounds = r.tables["bounds"]
    for metric in METRICS:
        every = _oracle(metric, y, p, known, g)
        for name in np.unique(g):
            row = bounds.filter(metric=metric, kind="value", group=name).row(0, named=True)
            if not every[name]:
                assert row["lower"] is None
                assert row["status"] == "cannot be judged"
                continue
            assert row["lower"] == pytest.approx(min(every[name]), **EXACT)
            assert row["upper"] == pytest.approx(max(every[name]), **EXACT)
            assert row["low"] <= row["lower"] + 1e-12
            assert row["high"] >= row["upper"] - 1e-12
            same = max(every[name]) - min(every[name]) < 1e-12
            assert row["status"] == ("identified" if same else "bounded")
        gaps = bounds.filter(metric=metric, kind="difference")
        if len(gaps):
            _check_gap(gaps.row(0, named=True), every["gap"])


def _check_gap(row: dict[str, float], every: list[float]) -> None:
    """The largest gap is reached; the smallest one unless the bounds of the groups overlap."""
    assert row["upper"] >= max(every) - 1e-12
    assert row["lower"] <= min(every) + 1e-12
    if row["lower"] > 1e-12:
        assert row["lower"] == pytest.approx(min(every), **EXACT)
    assert row["low"] <= row["lower"] + 1e-12
    assert row["high"] >= row["upper"] - 1e-12


def _loans(n: int, seed: int) -> pl.DataFrame:
    """Granted loans are repaid or not; of the others nobody knows."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    granted = rng.random(n) < np.where(sex == "f", 0.5, 0.7)
    repaid = rng.random(n) < 0.5 + 0.3 * granted
    return pl.DataFrame({"sex": sex, "granted": granted, "repaid": repaid.astype(int)})


def test_only_what_the_known_outcomes_tell_is_a_number() -> None:
    f = _loans(600, 1)
    r = audit_predictions(
        f["repaid"], f["granted"].cast(int), sensitive_features=f["sex"], known_for=f["granted"],
        n_boot=100,
    )  # fmt: skip
    told = r.errors.filter(pl.col("value").is_not_null())
    assert set(told["metric"]) == {"selection_rate", "ppv", "fdr"}
    lost = r.errors.filter(pl.col("value").is_null())
    assert set(lost["status"]) == {"outcome known for some"}
    rate = told.filter(metric="selection_rate", group="f")
    assert rate["n"].item() == f.filter(sex="f").height
    precision = told.filter(metric="ppv", group="f")["value"].item()
    assert precision == pytest.approx(f.filter(sex="f", granted=True)["repaid"].mean())
    bounds = r.tables["bounds"]
    exact = bounds.filter(kind="value", metric="ppv", group="f").row(0, named=True)
    assert exact["status"] == "identified"
    assert exact["lower"] == exact["upper"] == pytest.approx(precision)
    gap = r.gaps.filter(metric="ppv", kind="difference")["value"].item()
    assert bounds.filter(metric="ppv", kind="difference")["upper"].item() == pytest.approx(gap)
    assert not {"roc", "calibration"} & set(r.tables)
    assert r.tables["counts"]["tp"].null_count() == 3
    assert r.summary["outcome"]["known_for"] == "granted"


@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("cluster", [None, "site"])
def test_a_table_with_unknown_outcomes_keeps_all_its_rows(
    weight: str | None, cluster: str | None
) -> None:
    rng = np.random.default_rng(3)
    f = _loans(400, 3).with_columns(
        w=pl.Series(rng.random(400) + 0.5),
        site=pl.Series(rng.integers(0, 20, 400)),
        repaid=pl.when("granted").then("repaid"),
    )
    roles = ColumnRoles(
        target="repaid", predictions=("granted",), known_for="granted", sensitive=("sex",),
        weight=weight, cluster=cluster,
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", n_boot=100)
    r = run_audit(Dataset(f, roles), spec)
    assert r.summary["rows"] == {"all": 400}
    assert "excluded" not in r.tables
    value = r.errors.filter(metric="selection_rate", group="f")["value"].item()
    w = f["w"].to_numpy() if weight else np.ones(400)
    mine = (f["sex"] == "f").to_numpy()
    assert value == pytest.approx(np.average(f["granted"].to_numpy()[mine], weights=w[mine]))
    row = r.tables["bounds"].filter(metric="tpr", kind="value", group="f").row(0, named=True)
    assert 0 <= row["low"] <= row["lower"] < row["upper"] <= row["high"] <= 1
    y = r.tables["predictions"]["y"]
    assert y.null_count() == int((~f["granted"]).sum())


def test_outcomes_of_other_rows_are_not_looked_at() -> None:
    f = _loans(300, 5).with_columns(
        odd=pl.when("granted").then(pl.lit("x")).otherwise(pl.lit("?"))
    )
    text = f.select(pl.when("granted").then(pl.col("repaid").cast(str)).otherwise(pl.lit("??")))
    f = f.with_columns(repaid=text.to_series())
    roles = ColumnRoles(
        target="repaid", predictions=("granted",), known_for="granted", sensitive=("sex",)
    )
    r = run_audit(Dataset(f, roles), AuditSpec(roles=roles, kind="predictions", n_boot=0))
    assert r.summary["classes"] == ["0", "1"]
    assert "bounds" in r.tables


def test_rows_without_a_weight_are_left_out_also_where_the_outcome_is_unknown() -> None:
    f = _loans(300, 6).with_columns(w=pl.Series([None, *[1.0] * 299]))
    roles = ColumnRoles(
        target="repaid", predictions=("granted",), known_for="granted", sensitive=("sex",),
        weight="w",
    )  # fmt: skip
    f = f.with_columns(granted=pl.Series([False, *f["granted"].to_list()[1:]]))
    r = run_audit(Dataset(f, roles), AuditSpec(roles=roles, kind="predictions", n_boot=0))
    assert r.tables["excluded"].rows() == [(0, "weight missing")]
    assert r.summary["rows"] == {"all": 299}


def test_models_learn_from_the_rows_whose_outcome_is_known_and_say_so() -> None:
    rng = np.random.default_rng(2)
    f = _loans(600, 2).with_columns(x=pl.Series(rng.normal(size=600)))
    roles = ColumnRoles(target="repaid", features=("x",), sensitive=("sex",), known_for="granted")
    r = run_audit(Dataset(f, roles), AuditSpec(roles=roles, method="linear", n_boot=0))
    assert sum(r.summary["rows"].values()) == int(f["granted"].sum())
    assert any(
        "known only where 'granted' says so" in w for w in warning_sentences(r.summary["warnings"])
    )


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (["x", "z"] * 3, "does not say for which rows"),
        ([0] * 6, "says yes in no row"),
        ([1, 0, 1], "expected 6 rows"),
    ],
)
def test_a_column_that_does_not_say_yes_or_no_is_named(known: list[object], says: str) -> None:
    with pytest.raises((InputError, SpecError), match=says):
        audit_predictions(
            [1, 0] * 3, [1, 0] * 3, sensitive_features=list("ababab"), known_for=known
        )


CLASSES = ("a", "b", "c")
WHOLE = ("accuracy", "error_rate")


def _class_value(metric: str, y: np.ndarray, p: np.ndarray) -> float:
    name, _, rest = metric.partition(" [")
    if not rest:
        right = float((y == p).mean())
        return right if name == "accuracy" else 1 - right
    return _value(name, (y == rest[:-1]).astype(int), (p == rest[:-1]).astype(int))


@st.composite
def class_tables(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    n = draw(st.integers(5, 9))
    classes = st.lists(st.sampled_from(CLASSES), min_size=n, max_size=n)
    y, p = (np.array(draw(classes)) for _ in range(2))
    y[:3] = CLASSES  # three classes are known
    known = np.ones(n, dtype=bool)
    known[3 : 4 + draw(st.integers(0, 3))] = False
    g = np.array(["x", "y"])[np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))]
    return y, p, known, g


@settings(max_examples=size(10, 20), deadline=None, derandomize=True)
@given(class_tables())
def test_bounds_of_classes_equal_the_extremes_over_all_fillings(
    table: tuple[np.ndarray, ...],
) -> None:
    y, p, known, g = table
    r = audit_predictions(
        y, p, sensitive_features=g, known_for=known, n_boot=0,
        metrics=(*WHOLE, "tpr", "fpr", "ppv", "base_rate"),
    )  # fmt: skip
    bounds = r.tables["bounds"]
    names = {*WHOLE, *(f"{m} [{c}]" for m in ("tpr", "fpr", "ppv", "base_rate") for c in CLASSES)}
    assert names <= set(bounds["metric"])
    fillings = []
    for fill in product(CLASSES, repeat=int((~known).sum())):
        full = y.copy()
        full[~known] = fill
        fillings.append(full)
    for metric in names:
        for name in np.unique(g):
            row = bounds.filter(metric=metric, kind="value", group=name).row(0, named=True)
            every = [_class_value(metric, full[g == name], p[g == name]) for full in fillings]
            every = [v for v in every if not np.isnan(v)]
            if not every:
                assert row["lower"] is None
                continue
            assert row["lower"] == pytest.approx(min(every), **EXACT)
            assert row["upper"] == pytest.approx(max(every), **EXACT)
            shown = r.errors.filter(metric=metric, group=name)
            if len(shown) and shown["value"].item() is not None:
                assert shown["value"].item() == pytest.approx(min(every), **EXACT)
                assert row["status"] == "identified"


def _visits(n: int = 400) -> pl.DataFrame:
    """Of people who were seen a triage level is known; a rule assigns one to everybody."""
    rng = np.random.default_rng(12)
    return pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "seen": rng.choice(["yes", "no"], n, p=[0.7, 0.3]),
            "triage": rng.choice(["green", "amber", "red"], n),
            "rule": rng.choice(["green", "amber", "red"], n),
        }
    )


def test_a_table_of_several_classes_is_bounded_without_dropping_rows() -> None:
    f = _visits().with_columns(triage=pl.when(pl.col("seen") == "yes").then("triage"))
    roles = ColumnRoles(
        target="triage", predictions=("rule",), known_for="seen", sensitive=("sex",),
        task="multiclass",
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", n_boot=0, metrics=("tpr", "accuracy", "f1"))
    r = run_audit(Dataset(f, roles), spec)
    assert r.summary["rows"] == {"all": 400}
    bounds = r.tables["bounds"]
    assert set(bounds["metric"]) == {"accuracy", "tpr [amber]", "tpr [green]", "tpr [red]"}
    assert bounds.filter(kind="value", metric="accuracy", group="f")["lower"].item() < 0.5
    lost = r.errors.filter(pl.col("value").is_null())
    assert set(lost["metric"]) == {*bounds["metric"], "f1"}
    assert set(lost["status"]) == {"outcome known for some"}


def test_a_counted_table_of_several_classes_has_the_same_bounds() -> None:
    f = _visits()
    roles = ColumnRoles(
        target="triage", predictions=("rule",), known_for="seen", sensitive=("sex",),
        task="multiclass",
    )  # fmt: skip
    spec = AuditSpec(
        roles=roles, kind="predictions", n_boot=0, intersections=1, metrics=("tpr", "accuracy")
    )
    here = run_audit(Dataset(f, roles), spec).tables["bounds"].drop("split")
    there = audit_table(
        f.lazy(), roles, n_boot=0, intersections=1, confidence=0.95, metrics=("tpr", "accuracy")
    )
    assert_frame_equal(here, there.tables["bounds"].drop("split"), rel_tol=1e-9)


def test_who_is_known_is_guessed_of_several_classes_too() -> None:
    f = _visits().with_columns(triage=pl.when(pl.col("seen") == "yes").then("triage"))
    assert examine(f, target="triage").roles.known_for == "seen"


def test_outcomes_of_unknown_rows_are_no_class() -> None:
    """A third label among rows whose outcome is not known does not make three classes."""
    r = audit_predictions(
        ["a", "b", "c"] * 4, ["a", "b", "a"] * 4, sensitive_features=list("xy") * 6,
        known_for=[1, 1, 0] * 4, n_boot=0, positive="b",
    )  # fmt: skip
    assert r.summary["classes"] == ["a", "b"]


def test_intervals_of_bounds_hold_the_range_of_the_population() -> None:
    """Coverage: of P(y) = 0.7 among the selected and any unknown outcomes of the others."""
    rng = np.random.default_rng(11)
    n, runs, hits, gap_hits = 150, size(120, 300), 0, 0
    share = {"a": 0.4, "b": 0.6}
    lower = {k: 0.7 * s / (0.7 * s + 1 - s) for k, s in share.items()}  # tpr, others positive
    for _ in range(runs):
        g = np.repeat(["a", "b"], n)
        p = (rng.random(2 * n) < np.where(g == "a", 0.4, 0.6)).astype(int)
        y = (rng.random(2 * n) < 0.7).astype(int)
        r = audit_predictions(
            y, p, sensitive_features=g, known_for=p, metrics=["tpr"], n_boot=0, positive=1
        )
        b = r.tables["bounds"]
        row = b.filter(kind="value", group="a").row(0, named=True)
        hits += row["low"] <= lower["a"] and row["high"] >= 1.0
        gap = b.filter(kind="difference").row(0, named=True)
        gap_hits += gap["low"] <= 0.0 and gap["high"] >= 1 - min(lower.values())
    assert hits / runs >= 0.93
    assert gap_hits / runs >= 0.93


def test_a_number_known_for_some_has_no_bounds_without_a_stated_range() -> None:
    y = np.arange(20) * 1.5
    frame = pl.DataFrame(
        {"sex": ["f", "m"] * 10, "cost": y, "guess": y + 1, "seen": [1, 1, 0, 1] * 5}
    )
    with pytest.raises(InputError, match="no worst case without a stated range"):
        audit_predictions(
            y, y + 1, sensitive_features=frame["sex"], known_for=frame["seen"], task="regression"
        )
    roles = ColumnRoles(
        target="cost", predictions=("guess",), sensitive=("sex",), known_for="seen",
        task="regression",
    )  # fmt: skip
    with pytest.raises(SpecError, match=r"'seen'.*no worst case without a stated range"):
        run_audit(Dataset(frame, roles), AuditSpec(roles=roles, kind="predictions", n_boot=0))
