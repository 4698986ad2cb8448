"""Audits and the no-harm choice read the same from every container."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from polars.testing import assert_frame_equal

from fairaudit import AuditResult, audit_predictions, choose_no_harm
from fairaudit.exceptions import InputError
from tests.inputs.doors import CONTAINERS, NAMED, N, Y

P = np.roll(Y, 5)
S = np.linspace(0, 1, N)
G = np.array(["a", "b"] * 24)
GAP = [None, *["a", "b"] * 23, "a"]
NAN = float("nan")

VALUES: dict[str, Any] = {
    "list": lambda v: v.tolist(),
    "pandas": pd.Series,
    "nullable": lambda v: pd.Series(v).convert_dtypes(),
    "polars": pl.Series,
    "polars frame": lambda v: pl.DataFrame({"v": v}),
    "polars lazy": lambda v: pl.LazyFrame({"v": v}),
    "arrow": pa.array,
    "arrow chunks": lambda v: pa.chunked_array([v[:10], v[10:]]),
    "arrow table": lambda v: pa.table({"v": v}),
    "masked": np.ma.array,
    "tensor": lambda v: torch.tensor(v) if v.dtype.kind in "if" else v,
    "tensor with a gradient": lambda v: (
        torch.tensor(v * 1.0, requires_grad=True) if v.dtype.kind in "if" else v
    ),
    "dict": lambda v: {"v": v},
}
GAPS: dict[str, Any] = {
    "None in a list": [None, *["yes", "no"] * 23, "no"],
    "NaN in a list": [NAN, *["yes", "no"] * 23, "no"],
    "NA in a list": [pd.NA, *["yes", "no"] * 23, "no"],
    "NaN": np.r_[np.nan, Y[1:]],
    "NaT": np.array(["NaT", *["2020-01-01", "2021-01-01"] * 23, "2020-01-01"], "datetime64[s]"),
    "mask": np.ma.array(Y, mask=np.arange(N) == 0),
    "pandas": pd.Series([None, *Y[1:].tolist()], dtype="boolean"),
    "polars": pl.Series([None, *Y[1:].tolist()]),
    "arrow": pa.array([None, *(Y[1:] > 0).tolist()]),
}


def _audit(y: Any = Y, p: Any = P, groups: Any = G, **options: Any) -> AuditResult:
    metrics = ("accuracy", "tpr", "auroc") if "y_score" in options else ("accuracy", "tpr")
    asked = {"n_boot": 0, "metrics": metrics, **options}
    return audit_predictions(y, p, sensitive_features=groups, **asked)


def _numbers(result: AuditResult) -> pl.DataFrame:
    return result.errors.drop("model", "attribute")


USUAL = _audit(y_score=S, sample_weight=S + 1, clusters=np.arange(N) // 2)


@pytest.mark.parametrize("container", VALUES)
def test_values_of_any_container(container: str) -> None:
    make = VALUES[container]
    found = _audit(
        make(Y),
        make(P),
        make(G),
        y_score=make(S) if container != "dict" else {"v": S},
        sample_weight=make(S + 1),
        clusters=make(np.arange(N) // 2),
    )
    assert_frame_equal(_numbers(found), _numbers(USUAL))


@pytest.mark.parametrize("container", CONTAINERS)
def test_groups_of_any_container(container: str) -> None:
    found = _audit(groups=CONTAINERS[container](), intersections=2)
    usual = _audit(groups=NAMED["pandas"](), intersections=2)
    key = ["group", "metric", "value"]
    assert_frame_equal(
        found.errors.select(key).sort(key[:2]), usual.errors.select(key).sort(key[:2])
    )
    if container in NAMED:
        assert set(found.errors["attribute"]) == set(usual.errors["attribute"])
    controlled = _audit(control_features=CONTAINERS[container]())
    assert controlled.errors["attribute"].str.contains(r"\| ").any()


@pytest.mark.parametrize("gap", GAPS)
def test_labels_with_gaps_are_refused(gap: str) -> None:
    with pytest.raises(InputError, match="1 of 48 labels are missing in the truth"):
        _audit(GAPS[gap], np.where(P, "yes", "no"))
    with pytest.raises(InputError, match="1 of 48 labels are missing in system 'model'"):
        _audit(np.where(Y, "yes", "no"), GAPS[gap])


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_is_a_group(gap: str) -> None:
    names = set(_audit(groups=GAPS[gap]).errors["group"])
    assert "(missing)" in names
    assert not {"nan", "NaN", "NaT", "None", "<NA>"} & names
    assert len(names) == 4


@pytest.mark.parametrize("gap", ["NaN", "mask", "pandas", "polars", "arrow"])
def test_numbers_with_gaps_are_refused(gap: str) -> None:
    for argument in ("y_score", "sample_weight"):
        with pytest.raises(InputError, match="expected finite numbers, got 1 missing"):
            _audit(**{argument: GAPS[gap]})


def test_gaps_of_a_numeric_outcome_are_refused() -> None:
    with pytest.raises(InputError, match="y_true: expected finite numbers, got 1 missing"):
        _audit(np.r_[np.nan, S[1:]], S, task="regression")


def test_a_mask_leaves_a_cluster_without_a_name() -> None:
    site = np.arange(N) // 4
    masked = _audit(clusters=np.ma.array(site, mask=site == 0))
    assert_frame_equal(masked.errors, _audit(clusters=site).errors)


@pytest.mark.parametrize(
    "argument", ["p", "groups", "y_score", "sample_weight", "clusters", "control_features"]
)
def test_rows_in_another_order_are_refused(argument: str) -> None:
    values = {"p": P, "groups": G, "y_score": S, "sample_weight": S + 1, "control_features": G}
    turned = pd.Series(values.get(argument, np.arange(N) // 2)).set_axis(np.arange(N)[::-1])
    said = "expected rows in the order of y_true, got the same index labels in another order; .*"
    for given in (turned, {"one": turned}):
        with pytest.raises(InputError, match=said + "reset_index"):
            _audit(pd.Series(Y), **{argument: given})
    moved = turned.set_axis(np.arange(N) + 1000)  # other labels altogether: by position
    _audit(pd.Series(Y), **{argument: moved})


def test_systems_keep_their_names() -> None:
    for frame in (pd.DataFrame({"clerk": P}), pl.LazyFrame({"clerk": P}), pa.table({"clerk": P})):
        assert set(_audit(p=frame).errors["model"]) == {"clerk"}
    with pytest.raises(InputError, match=r"y_pred: expected one column per name, got two .* '1'"):
        _audit(p={1: P, "1": Y})
    with pytest.raises(InputError, match="sensitive_features: expected one column per name"):
        _audit(groups={1: G, "1": G})


def test_scores_of_classes_find_their_place_by_name() -> None:
    kind = np.array(["cat", "dog", "eel"] * 16)
    odds = pd.DataFrame(np.random.default_rng(0).dirichlet(np.ones(3), N))
    straight = odds.set_axis(["cat", "dog", "eel"], axis=1)
    usual = _audit(kind, kind, y_score=odds.to_numpy()).errors
    assert_frame_equal(_audit(kind, kind, y_score=straight).errors, usual)
    turned = straight[["eel", "cat", "dog"]]
    assert_frame_equal(_audit(kind, kind, y_score=turned).errors, usual)


def test_ones_of_any_type_are_one_class() -> None:
    mixed = np.array([[1, 1.0, True, "1"][i % 4] if v else 0 for i, v in enumerate(Y)], object)
    assert_frame_equal(_audit(mixed).errors, _audit().errors)


@pytest.mark.parametrize(
    "groups",
    ["a", pl.Series([[1]] * N), [[1], [1, 2]] * 24, [{"sex": {"a"}}] * N, np.zeros((N, 2, 2))],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_column_is_refused_in_one_form(groups: Any) -> None:
    with pytest.raises(InputError, match=r"sensitive_features.*: expected .*, got .*; "):
        _audit(groups=groups)
    with pytest.raises(InputError, match=r"y_true.*: expected .*, got .*; "):
        _audit(y=groups)


# -- the no-harm choice -------------------------------------------------------------------------

EXPERT, BASELINE = np.array([0.8, 0.7, np.nan]), np.array([0.7, 0.8, 0.6])


@pytest.mark.parametrize(
    "make",
    [
        list,
        pd.Series,
        pl.Series,
        pa.array,
        lambda v: pd.Series(v).convert_dtypes(),
        lambda v: [None if np.isnan(x) else float(x) for x in v],
        lambda v: pl.Series(v).fill_nan(None),
        lambda v: pa.array([None if np.isnan(x) else float(x) for x in v]),
        lambda v: np.ma.masked_invalid(v),
        lambda v: torch.tensor(v, requires_grad=True),
        lambda v: pl.LazyFrame({"v": v}),
        lambda v: dict(zip("abc", v, strict=True)),
    ],
)
def test_the_choice_of_any_container(make: Any) -> None:
    found = choose_no_harm(make(EXPERT), make(BASELINE), sizes=make(np.arange(1.0, 4)))
    assert found.use_expert.tolist() == [True, False, False]
    assert np.isnan(found._expert[2])


def test_groups_of_a_choice_find_their_place_by_name() -> None:
    expert = {"a": 0.8, "b": 0.7}
    found = choose_no_harm(expert, {"b": 0.8, "a": 0.7}, lower_bound={"b": -0.2, "a": 0.01})
    assert found.use_expert.tolist() == [True, False]
    with pytest.raises(InputError, match=r"baseline: expected the groups of expert \(a, b\), got"):
        choose_no_harm(expert, {"a": 0.8, "c": 0.7})
    with pytest.raises(InputError, match="same index labels in another order"):
        choose_no_harm(pd.Series([0.8, 0.7]), pd.Series([0.8, 0.7], index=[1, 0]))


# -- weight -------------------------------------------------------------------------------------


def test_reading_imports_no_library_of_the_user() -> None:
    code = (
        "import sys, fairaudit.inputs.read, fairaudit.inputs.features, fairaudit.inputs.target\n"
        "from fairaudit.inputs.read import read_columns\n"
        "read_columns({'a': [1, None]}, 'a').text()\n"
        "heavy = {'pandas', 'pyarrow', 'torch', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(','.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
