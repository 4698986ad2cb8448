"""Every estimator reads the same from every container, at fit, in validation and at predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from polars.testing import assert_frame_equal

from fairaudit import RomeEM
from fairaudit.exceptions import InputError
from fairaudit.methods.common.groups import Groups
from tests.inputs.doors import (
    CONTAINERS,
    FRAME,
    GROUPED,
    MAKERS,
    NAMED,
    SITE,
    VALIDATED,
    N,
    X,
    Y,
    answers,
    fitted,
    quietly,
    usual,
)
from tests.sizes import in_turns, nightly

GAPS: dict[str, Any] = {
    "None in a list": [None, *["a", "b"] * 23, "a"],
    "NaN in a list": [float("nan"), *["a", "b"] * 23, "a"],
    "NA in a list": [pd.NA, *["a", "b"] * 23, "a"],
    "NaN among numbers": np.r_[np.nan, Y[1:].astype(float)],
    "NaT": np.array(["NaT", *["2020-01-01", "2021-01-01"] * 23, "2020-01-01"], "datetime64[ns]"),
    "mask": np.ma.array(Y, mask=np.arange(N) == 0),
    "nullable": pd.Series([None, *Y[1:].tolist()], dtype="Int64"),
    "polars": pl.Series([None, *Y[1:].tolist()]),
    "arrow": pa.array([None, *(Y[1:] > 0).tolist()]),
    "arrow nulls": pa.nulls(N),
}
X_NAMED: dict[str, Any] = {
    "polars": pl.DataFrame(X, schema=["a", "b"]),
    "polars lazy": pl.LazyFrame(X, schema=["a", "b"]),
    "arrow": pa.table({"a": X[:, 0], "b": X[:, 1]}),
    "dict": {"a": X[:, 0], "b": X[:, 1].tolist()},
    "records": [{"a": a, "b": b} for a, b in X.tolist()],
}
X_UNNAMED: dict[str, Any] = {
    "list": X.tolist(),
    "tensor": torch.tensor(X, requires_grad=True),
    "mask": np.ma.array(X),
}


# -- containers ---------------------------------------------------------------------------------


QUICK = [name for name in GROUPED if name != "FairMEDL"]  # the others: a second or more a fit


@pytest.mark.parametrize(
    ("name", "container"),
    [
        *in_turns(QUICK, CONTAINERS),
        *(("FairMEDL", container) for container in ("pandas", "arrow table", "masked")),
        *nightly(*(("FairMEDL", container) for container in CONTAINERS)),
    ],
)
def test_people_at_fit_and_in_validation(name: str, container: str) -> None:
    held = name in VALIDATED
    people = CONTAINERS[container]()
    model = fitted(name, FRAME, Y, people, (FRAME, Y, people) if held else None)
    expected = answers(usual(name, held=held), people=NAMED["pandas"]())
    np.testing.assert_array_equal(answers(model, people=NAMED["polars"]()), expected)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", QUICK)
def test_people_at_predict(name: str, container: str) -> None:
    model = usual(name)
    expected = answers(model, people=NAMED["pandas"]())
    np.testing.assert_array_equal(answers(model, people=CONTAINERS[container]()), expected)


@pytest.mark.parametrize("container", X_NAMED)
@pytest.mark.parametrize("name", MAKERS)
def test_features_keep_their_names(name: str, container: str) -> None:
    people = NAMED["pandas"]()
    model = usual(name)
    assert list(model.feature_names_in_) == ["a", "b"]
    found = answers(model, X_NAMED[container], people)
    np.testing.assert_array_equal(found, answers(model, FRAME, people))


@pytest.mark.parametrize(("name", "container"), in_turns(MAKERS, X_UNNAMED))
def test_features_without_names(name: str, container: str) -> None:
    people = NAMED["pandas"]()
    model = fitted(name, X_UNNAMED[container], Y, people)
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_allclose(answers(model, X, people), answers(usual(name), FRAME, people))


OUTCOMES: dict[str, Any] = {
    "list": Y.tolist(),
    "pandas": pd.Series(Y),
    "polars": pl.Series(Y),
    "arrow": pa.array(Y),
    "arrow chunks": pa.chunked_array([Y]),
    "tensor": torch.tensor(Y),
    "masked": np.ma.array(Y),
    "dict": {"y": Y},
    "records": [{"y": int(v)} for v in Y],
}


@pytest.mark.parametrize(("name", "container"), in_turns(MAKERS, OUTCOMES))
def test_outcomes_of_any_container(name: str, container: str) -> None:
    people = NAMED["pandas"]()
    model = fitted(name, FRAME, OUTCOMES[container], people)
    np.testing.assert_array_equal(
        answers(model, FRAME, people), answers(usual(name), FRAME, people)
    )


# -- missing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("name", MAKERS)
def test_an_outcome_with_gaps_is_refused(name: str, gap: str) -> None:
    with pytest.raises(InputError, match=r"\d+ of 48 labels are missing in y"):
        fitted(name, FRAME, GAPS[gap], NAMED["pandas"]())


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("name", VALIDATED)
def test_an_outcome_with_gaps_is_refused_in_validation(name: str, gap: str) -> None:
    people = NAMED["pandas"]()
    with pytest.raises(InputError, match="labels are missing in y"):
        fitted(name, FRAME, Y, people, (FRAME, GAPS[gap], people))


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_is_a_group_of_its_own(gap: str) -> None:
    groups = Groups.fit(GAPS[gap], N, 1)
    assert "(missing)" in groups.names
    assert not {"nan", "NaN", "NaT", "None", "<NA>"} & set(groups.names)
    assert groups.codes(GAPS[gap], N)[0] == groups.names.index("(missing)")


@pytest.mark.parametrize("name", MAKERS)
def test_masked_features_are_missing(name: str) -> None:
    masked = np.ma.array(X, mask=np.zeros(X.shape, dtype=bool))
    masked[0, 0] = np.ma.masked
    with pytest.raises(ValueError, match="NaN"):
        fitted(name, masked, Y, NAMED["pandas"]())
    with pytest.raises(ValueError, match="NaN"):
        answers(fitted(name, X, Y, NAMED["pandas"]()), masked, NAMED["pandas"]())


@pytest.mark.parametrize("name", MAKERS)
def test_weights_with_gaps_are_refused(name: str) -> None:
    weight = np.ma.array(np.ones(N), mask=np.arange(N) == 3)
    with pytest.raises(InputError, match="sample_weight: expected finite numbers, got 1 missing"):
        fitted(name, FRAME, Y, NAMED["pandas"](), sample_weight=weight)


# -- names --------------------------------------------------------------------------------------


def _swapped(people: Any) -> Any:
    return people[["band", "sex"]]


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("name", GROUPED)
def test_people_in_another_order_find_their_place(name: str, kind: str) -> None:
    straight = NAMED[kind]()
    turned = _swapped(straight)
    expected = answers(usual(name), people=straight)
    np.testing.assert_array_equal(answers(usual(name), people=turned), expected)
    if name in VALIDATED:
        model = fitted(name, FRAME, Y, straight, (FRAME, Y, turned))
        held = answers(usual(name, held=True), people=straight)
        np.testing.assert_array_equal(answers(model, people=straight), held)


@pytest.mark.parametrize("name", VALIDATED)
def test_other_people_are_refused_in_validation(name: str) -> None:
    people = NAMED["pandas"]()
    for other in (people.rename(columns={"sex": "age"}), people[["sex"]]):
        with pytest.raises(InputError, match=r"sensitive_features: expected .* pass the same"):
            fitted(name, FRAME, Y, people, (FRAME, Y, other))


@pytest.mark.parametrize("name", [name for name in GROUPED if name != "FairMEDL"])
def test_other_people_are_refused_at_predict(name: str) -> None:
    people = NAMED["pandas"]()
    for other in (people.rename(columns={"sex": "age"}), people[["sex"]]):
        with pytest.raises(InputError, match=r"sensitive_features: expected .* pass the same"):
            answers(usual(name), people=other)


@pytest.mark.parametrize("name", MAKERS)
def test_features_in_another_order_are_refused(name: str) -> None:
    people = NAMED["pandas"]()
    with pytest.raises(ValueError, match="same order as they were in fit"):
        answers(usual(name), FRAME[["b", "a"]], people)
    if name in VALIDATED:
        with pytest.raises(ValueError, match="same order as they were in fit"):
            fitted(name, FRAME, Y, people, (FRAME[["b", "a"]], Y, people))


@pytest.mark.parametrize("name", MAKERS)
def test_names_are_kept_on_disk(name: str, tmp_path: Any) -> None:
    usual(name).save(tmp_path)
    again = type(usual(name)).load(tmp_path)
    people = NAMED["pandas"]()
    expected = answers(usual(name), FRAME, people)
    np.testing.assert_allclose(answers(again, FRAME, _swapped(people)), expected)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        answers(again, FRAME[["b", "a"]], people)


def test_a_sweep_keeps_names() -> None:
    people = NAMED["pandas"]()
    common = {"n_groups": [1, 2], "n_init": 1, "max_iter": 3, "n_bootstrap": 0, "random_state": 0}
    sweep = quietly(lambda: RomeEM.sweep(FRAME, Y, sensitive_features=people, **common))
    plain = quietly(lambda: RomeEM.sweep(X, Y, sensitive_features=people.to_numpy(), **common))
    assert_frame_equal(sweep.drop("seconds"), plain.drop("seconds"))
    turned = people.set_axis(np.arange(N)[::-1])
    with pytest.raises(InputError, match="same index labels in another order"):
        RomeEM.sweep(FRAME, Y, sensitive_features=turned, **common)


# -- rows ---------------------------------------------------------------------------------------


def _turned(value: Any) -> pd.Series | pd.DataFrame:
    """The same values under the same labels in another order."""
    frame = pd.DataFrame(value) if np.ndim(value) == 2 else pd.Series(value)
    return frame.set_axis(np.arange(N)[::-1])


@pytest.mark.parametrize("name", MAKERS)
def test_rows_in_another_order_are_refused(name: str) -> None:
    people = NAMED["pandas"]()
    said = r"expected rows in the order of X, got the same index labels in another order; .*reset_"
    with pytest.raises(InputError, match="y: " + said):
        fitted(name, FRAME, _turned(Y), people)
    with pytest.raises(InputError, match="sample_weight: " + said):
        fitted(name, FRAME, Y, people, sample_weight=_turned(np.ones(N)))
    if name in GROUPED:
        with pytest.raises(InputError, match="sensitive_features: " + said):
            fitted(name, FRAME, Y, _turned(people))
    if name in VALIDATED:
        with pytest.raises(InputError, match="sensitive_features: " + said):
            fitted(name, FRAME, Y, people, (FRAME, Y, _turned(people)))
    with pytest.raises(InputError, match="y: " + said):
        usual(name).score(FRAME, _turned(Y))


@pytest.mark.parametrize("name", [name for name in GROUPED if name != "FairMEDL"])
def test_rows_in_another_order_are_refused_at_predict(name: str) -> None:
    with pytest.raises(InputError, match="same index labels in another order"):
        answers(usual(name), FRAME, _turned(NAMED["pandas"]()))


def test_clusters_in_another_order_are_refused() -> None:
    with pytest.raises(InputError, match="clusters: expected rows in the order of X"):
        usual("FairMEDL").predict(FRAME, clusters=_turned(SITE))


@pytest.mark.parametrize("name", MAKERS)
def test_other_labels_altogether_are_joined_by_position(name: str) -> None:
    people = NAMED["pandas"]()
    moved = people.set_axis(np.arange(N) + 1000)
    model = fitted(name, FRAME, pd.Series(Y, index=[f"row {i}" for i in range(N)]), moved)
    np.testing.assert_array_equal(
        answers(model, FRAME, moved), answers(usual(name), FRAME, people)
    )


# -- what is no group ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GroupDRO", "DecoupledHeads", "GroupThresholds", "FairSDE"])
@pytest.mark.parametrize("measured", [X[:, 0], np.arange(N), [f"person {i}" for i in range(N)]])
def test_a_column_that_numbers_or_measures_rows_is_no_grouping(name: str, measured: Any) -> None:
    with pytest.raises(InputError, match="expected groups of several rows each"):
        fitted(name, FRAME, Y, {"id": measured})


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize(
    "people",
    [
        "everybody",
        [[1, 2], [3]] * (N // 2),
        pl.Series([[1, 2]] * N),
        {"sex": ["a"] * N, "race": ["b"]},
        pd.DataFrame(np.ones((N, 2)), columns=["a", "a"]),
        np.zeros((N, 2, 2)),
        ["a"] * (N - 1),
        [{"sex": ["a", "b"]}] * N,
    ],
    ids=lambda people: type(people).__name__,
)
def test_what_is_no_column_is_refused_in_one_form(name: str, people: Any) -> None:
    with pytest.raises(InputError, match=r"sensitive_features.*: expected .*, got .*; "):
        fitted(name, FRAME, Y, people)


def test_cells_that_would_share_a_name_stay_apart() -> None:
    people = {"job": ["a × b", "a"] * 24, "area": ["c", "b × c"] * 24}
    groups = Groups.fit(people, N, 1)
    assert len(groups.names) == 2
    assert sorted(set(groups.codes(people, N).tolist())) == [0, 1]
    again = Groups.from_state(groups.state())
    np.testing.assert_array_equal(again.codes(people, N), groups.codes(people, N))


def test_a_level_called_other_is_not_joined_with_the_rest() -> None:
    people = {"sex": ["f"] * 20 + ["f"] * 4, "race": ["(other)"] * 20 + ["x", "y"] * 2}
    groups = Groups.fit(people, 24, 4)
    assert groups.names == ("f × (other)", "f × (other) joined")
