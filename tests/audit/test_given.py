"""What `audit_predictions` takes, refuses, and never drops in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit import AuditResult, audit_predictions
from fairaudit.audit import reanalysis
from fairaudit.exceptions import InputError, SpecError

N = 120
_RNG = np.random.default_rng(0)
Y, P = _RNG.integers(0, 2, N), _RNG.integers(0, 2, N)
S, G = np.round(_RNG.random(N), 3), _RNG.choice(list("abc"), N)
KIND = _RNG.choice(["cat", "dog", "eel"], N)
ODDS = _RNG.dirichlet(np.ones(3), N)


def _audit(y: Any = Y, p: Any = P, groups: Any = G, **options: Any) -> AuditResult:
    return audit_predictions(y, p, sensitive_features=groups, **{"n_boot": 20, **options})


def _values(r: AuditResult, metric: str) -> list[float | None]:
    return r.errors.filter(pl.col("metric") == metric)["value"].to_list()


def _with_hole(values: Any, hole: Any) -> list[Any]:
    return [hole, *list(values)[1:]]


@pytest.mark.parametrize(
    ("y", "p"),
    [
        (Y.astype(bool), P.astype(bool)),
        (Y.astype(float), P),
        (pd.Series(Y, dtype="Int64"), pd.Series(P.astype(bool), dtype="boolean")),
        (pl.Series(Y).cast(pl.Decimal(4, 1)), pl.DataFrame({"p": P})),
        (Y.astype(str), P.astype(object)),
        (Y[:, None], pd.DataFrame({"p": P})),
        (np.where(Y, "yes ", "no"), pd.Categorical(np.where(P, "yes", "no"))),
        (np.where(Y, b"yes", b"no"), pl.Series(np.where(P, "yes", "no"), dtype=pl.Categorical)),
    ],
)
def test_labels_of_any_type_give_the_same_numbers(y: Any, p: Any) -> None:
    assert_frame_equal(_audit(y, p).errors.drop("model"), _audit().errors.drop("model"))


@pytest.mark.parametrize(
    "groups",
    [
        pd.Series(_with_hole(G, pd.NA), dtype="string"),
        pd.Series(_with_hole(G, np.nan), dtype="category"),
        pl.Series(_with_hole(G, None), dtype=pl.Enum(["c", "b", "a"])),
        np.array(_with_hole(G, float("nan")), dtype=object),
        _with_hole(G, None),
    ],
)
def test_a_missing_group_is_a_group(groups: Any) -> None:
    names = _audit(groups=groups).errors["group"].unique().to_list()
    assert sorted(names) == ["(missing)", "a", "all", "b", "c"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"y": pd.Series(_with_hole(Y > 0, pd.NA), dtype="boolean")}, "1 of 120 labels are miss"),
        ({"p": np.r_[np.nan, P[1:]]}, "missing in system 'model'"),
        ({"p": _with_hole(P, "a")}, "two labels of a binary outcome, got 0, 1, a"),
        ({"p": S}, "pass scores as y_score"),
        ({"y": np.zeros((N, 2))}, "y_true: expected one value per row, got 2 columns"),
        (
            {"y_score": S[1:]},
            "score of system 'model': expected 120 rows",
        ),
        ({"y_score": np.r_[np.inf, S[1:]]}, "1 missing or infinite"),
        ({"y_score": ["high"] * N}, "expected numbers, got text"),
        ({"y_score": np.c_[S, S, S]}, r"got shape \(120, 3\)"),
        ({"p": {"a": P, "b": Y}, "y_score": S}, "lone y_score belongs to none of the systems"),
        ({"p": {"a": P}, "y_score": {"a": S, "c": 9 * S}}, "score 'c' runs from"),
        ({"y": KIND, "p": KIND, "y_score": ODDS[:, :2]}, "in the order cat, dog, eel"),
        ({"y": KIND, "p": KIND, "classes": ["cat", "dog"]}, "got none for the label 'eel'"),
        ({"y": S, "p": np.r_[np.nan, S[1:]]}, "1 missing or infinite"),
        ({"y": S, "p": S, "y_score": S}, "pass them as y_pred alone"),
        ({"sample_weight": np.zeros(N)}, "got weights from 0 to 0"),
        ({"sample_weight": np.full(N, 1e200)}, "the largest between"),
        ({"sample_weight": ["x"] * N}, "expected numbers, got text"),
        (
            {"clusters": np.arange(N - 1)},
            "clusters: expected 120 rows",
        ),
        ({"control_features": {"job": G[1:]}}, "column 'job': expected 120 rows"),
        ({"groups": np.zeros((N, 2, 2))}, r"expected \(n,\) values, \(n, k\) values or a frame"),
        ({"groups": pd.DataFrame(np.c_[G, G], columns=["a", "a"])}, "two columns 'a'"),
        ({"metrics": ["auroc"]}, "rests on scores"),
        ({"metrics": ["brier"], "y_score": 10 * S}, "scores in 0..1"),
    ],
)
def test_what_cannot_be_used_is_said(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        _audit(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"confidence": 95}, "confidence: expected a number above 0.5 and below 1, got 95"),
        ({"n_boot": -1}, "n_boot: expected a whole number of at least 0, got -1"),
        ({"intersections": 0}, "intersections: expected a whole number of at least 1, got 0"),
        ({"task": "ranking"}, "task: expected one of binary, .*, got 'ranking'"),
        ({"reference": "z"}, "no group 'z'"),
        ({"metrics": []}, "no metric is named"),
        ({"groups": {"all": G}}, "column 'all' cannot be"),
        (
            {"y": S, "p": S, "metrics": ["equalized_odds"]},
            "a regression outcome .*, got 'equalized_odds'",
        ),
    ],
)
def test_parameters_out_of_range_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        _audit(**options)


def test_probabilities_of_both_classes_are_those_of_the_positive_one() -> None:
    both, one = _audit(y_score=np.c_[1 - S, S]), _audit(y_score=S[:, None])
    assert_frame_equal(both.errors, _audit(y_score=S).errors)
    assert_frame_equal(one.errors, both.errors)
    text = {"y": np.where(Y, "yes", "no"), "p": np.where(P, "yes", "no"), "positive": "no"}
    turned = _audit(y_score=np.c_[1 - S, S], **text)  # sorted: no, yes
    assert_frame_equal(turned.errors, _audit(y_score=1 - S, **text).errors)


def test_columns_of_a_frame_of_answers_are_systems() -> None:
    frame = pd.DataFrame({"old": P, "new": Y})
    named = _audit(p={"old": P, "new": Y}).errors
    assert_frame_equal(_audit(p=frame).errors, named)
    assert_frame_equal(_audit(p=pl.from_pandas(frame)).errors, named)


def test_classes_name_the_order_of_the_columns_of_a_score() -> None:
    usual = _audit(KIND, KIND, y_score=ODDS)
    order = [2, 0, 1]
    other = _audit(KIND, KIND, y_score=ODDS[:, order], classes=["eel", "cat", "dog"])
    assert _values(usual, "auroc") == pytest.approx(_values(other, "auroc"))
    wide = np.c_[ODDS, np.zeros(N)]
    fourth = _audit(KIND, KIND, y_score=wide, classes=["cat", "dog", "eel", "fox"])
    assert _values(fourth, "brier") == pytest.approx(_values(usual, "brier"))


def test_every_metric_asked_for_comes_back_for_several_classes() -> None:
    asked = ["fnr", "npv", "auprc", "ece", "equalized_odds", "demographic_parity"]
    r = _audit(KIND, _RNG.permutation(KIND), y_score=ODDS, metrics=asked)
    found = {m.partition(" [")[0] for m in r.errors["metric"].to_list()}
    assert found == {"fnr", "npv", "auprc", "ece", "tpr", "fpr", "selection_rate"}
    odds = r.gaps.filter((pl.col("metric") == "equalized_odds") & (pl.col("kind") == "difference"))
    parts = r.gaps.filter(pl.col("metric").str.contains("^(tpr|fpr) "), kind="difference")
    assert odds["value"].item() == pytest.approx(parts["value"].max())


def test_the_calibration_error_of_several_classes_is_that_of_the_likeliest() -> None:
    right = (ODDS.argmax(1) == np.searchsorted(["cat", "dog", "eel"], KIND)).astype(int)
    several = _audit(KIND, None, y_score=ODDS, metrics=["ece"])
    one = _audit(right, right, y_score=ODDS.max(1), metrics=["ece"])
    assert _values(several, "ece") == pytest.approx(_values(one, "ece"))


def test_levels_of_controls_may_hold_the_sign_of_crossings() -> None:
    job, area = np.where(Y, "a × b", "c"), np.where(P, "u", "v")
    r = _audit(control_features={"job": job, "area": area})
    assert "group | job=a × b, area=u" in r.errors["attribute"].to_list()


def test_kept_rows_lead_from_a_gap_to_its_rows() -> None:
    r = _audit(y_score=S, groups={"g": G}, keep_rows=True, sample_weight=S + 1)
    gap = r.gaps.filter(metric="fpr", kind="difference").row(0, named=True)
    worst = gap["group"].split(" vs ")[0]
    rows = reanalysis.rows_behind(r, model="model", attribute="g", group=worst, cell="fp")["row"]
    assert rows.to_list() == np.flatnonzero((worst == G) & (Y == 0) & (P == 1)).tolist()
    with pytest.raises(SpecError, match="keep_rows=True"):
        reanalysis.rows_behind(_audit(), model="model", attribute="group", group="a")
