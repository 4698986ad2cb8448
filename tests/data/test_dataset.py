"""Arrays: encodings learnt from training rows only, row ids that survive, groups and labels."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data.arrays import SPLITS
from fairaudit.data.dataset import Dataset
from fairaudit.data.encoding import fit_encoder
from fairaudit.data.grouping import group_labels
from fairaudit.data.labels import canonical_label, label_text
from fairaudit.data.roles import ColumnRoles, resolve
from fairaudit.data.splits import SplitSpec
from fairaudit.exceptions import InputError, SpecError


def _frame(n: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": np.where(rng.random(n) < 0.1, np.nan, rng.normal(5, 2, n)),
            "k": rng.choice(["a", "b", "c", None], n).tolist(),
            "age": rng.integers(18, 80, n),
            "sex": rng.choice(["f", "m"], n),
            "site": rng.choice([f"s{i}" for i in range(8)], n),
            "w": rng.uniform(0.5, 2, n),
            "y": rng.choice(["no", "yes"], n),
        },
        strict=False,
    ).with_columns(pl.col("x").fill_nan(None))


ROLES = ColumnRoles(
    target="y", features=("x", "k"), sensitive=("sex", "age"), cluster="site", weight="w"
)


def test_shapes_names_and_order() -> None:
    arrays = Dataset(_frame(), ROLES).arrays()
    assert arrays.X.shape == (400, len(arrays.feature_names))
    assert arrays.feature_names[:2] == ("x", "x (missing)")
    assert arrays.sensitive.shape == (400, len(arrays.sensitive_names))
    assert arrays.row_id.tolist() == list(range(400))
    assert arrays.classes == ("no", "yes")
    assert set(arrays.groups) == {"sex", "age"}
    assert arrays.cluster is not None
    assert arrays.cluster_names[arrays.cluster[0]] == _frame()["site"][0]
    assert np.isfinite(arrays.X).all()
    assert [len(arrays.part(s)) for s in SPLITS] == [240, 80, 80]


def test_training_columns_have_mean_zero_and_deviation_one() -> None:
    train = Dataset(_frame(), ROLES).arrays().part("train")
    assert abs(train.X[:, 0].mean()) < 1e-12
    assert abs(train.X[:, 0].std() - 1) < 1e-12


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_values_of_held_out_rows_change_nothing_that_training_rows_see(seed: int) -> None:
    """Nothing leaks: training is as it was whatever becomes of held-out features."""
    frame = _frame()
    before = Dataset(frame, ROLES).prepared()
    held_out = before.arrays.split != 0
    rng = np.random.default_rng(seed)
    x = frame["x"].to_numpy().copy()
    x[held_out] = rng.permutation(x[held_out]) * 1000
    k = np.array(frame["k"].to_list(), dtype=object)
    k[held_out] = rng.choice(["z", "new", None], held_out.sum())
    changed = frame.with_columns(pl.Series("x", x).fill_nan(None), k=pl.Series(k.tolist()))
    after = Dataset(changed, ROLES).prepared()
    assert after.features == before.features
    assert np.array_equal(after.arrays.split, before.arrays.split)
    assert np.array_equal(after.arrays.part("train").X, before.arrays.part("train").X)


def test_the_same_seed_gives_the_same_arrays_whatever_the_order_of_rows() -> None:
    frame = _frame().with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    first = Dataset(frame, ROLES).arrays(seed=3)
    second = Dataset(frame.sample(fraction=1, shuffle=True, seed=1), ROLES).arrays(seed=3)
    assert np.array_equal(first.X, second.X)
    assert np.array_equal(first.split, second.split)
    assert np.array_equal(first.row_id, second.row_id)


def test_row_ids_survive_filters_and_splits() -> None:
    frame = _frame().with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    kept = frame.filter(pl.col("age") > 40)
    arrays = Dataset(kept, ROLES).arrays()
    assert arrays.row_id.tolist() == kept["_row"].to_list()
    test = arrays.part("test")
    ages = dict(zip(frame["_row"], frame["sex"], strict=True))
    assert [ages[i] for i in test.row_id] == test.groups["sex"].tolist()


def test_rows_without_a_target_or_weight_are_listed_not_lost() -> None:
    frame = _frame(50).with_columns(
        y=pl.when(pl.int_range(50) == 7).then(None).otherwise("y"),
        w=pl.when(pl.int_range(50) == 9).then(None).otherwise("w"),
    )
    data = Dataset(frame, ROLES)
    assert data.excluded.rows() == [(7, "target missing"), (9, "weight missing")]
    arrays = data.arrays()
    assert len(arrays) == 48
    assert not {7, 9} & set(arrays.row_id.tolist())


def test_a_split_column_is_followed_and_its_gaps_are_listed() -> None:
    frame = _frame(60).with_columns(
        part=pl.Series(["train"] * 30 + ["val"] * 10 + ["test"] * 19 + [None])
    )
    data = Dataset(frame, ROLES.model_copy(update={"split": "part"}))
    arrays = data.arrays(SplitSpec(by="column"))
    assert np.bincount(arrays.split).tolist() == [30, 10, 19]
    assert data.excluded_rows(SplitSpec(by="column")).rows() == [(59, "split missing")]
    assert len(data.arrays()) == 60


def test_clusters_are_not_torn_apart_and_a_missing_one_is_its_own() -> None:
    frame = _frame().with_columns(
        site=pl.when(pl.col("site") == "s3").then(None).otherwise("site")
    )
    arrays = Dataset(frame, ROLES).arrays(SplitSpec(by="cluster"))
    assert arrays.cluster is not None
    assert "(missing)" in arrays.cluster_names
    for code in np.unique(arrays.cluster):
        assert len(np.unique(arrays.split[arrays.cluster == code])) == 1


def test_regression_keeps_numbers_and_infinite_targets_are_excluded() -> None:
    frame = _frame(40).with_columns(y=pl.Series([float("inf")] + [float(i) for i in range(39)]))
    data = Dataset(frame, ROLES.model_copy(update={"task": "regression"}))
    assert data.excluded["row"].to_list() == [0]
    assert data.arrays().y.tolist() == [float(i) for i in range(39)]


def test_multiclass_codes_follow_the_order_of_numbers() -> None:
    frame = _frame(90).with_columns(y=pl.Series([10, 2, 1] * 30))
    arrays = Dataset(frame, ROLES.model_copy(update={"task": "multiclass"})).arrays()
    assert arrays.classes == ("1", "2", "10")
    assert arrays.y[:3].tolist() == [2, 1, 0]


def test_without_a_target_y_is_unknown_not_zero() -> None:
    arrays = Dataset(_frame(), ColumnRoles(sensitive=("sex",))).arrays()
    assert np.isnan(arrays.y).all()
    assert arrays.X.shape == (400, 0)


def test_no_row_and_repeated_ids_are_refused() -> None:
    two = _frame().head(2).with_columns(y=pl.Series(["no", "yes"]))
    with pytest.raises(InputError, match="at least 3"):
        Dataset(two, ColumnRoles(target="y", features=("x",))).arrays()
    with pytest.raises(InputError, match="not unique"):
        Dataset(_frame().with_columns(_row=pl.lit(1)), ROLES)


def test_levels_are_pooled_when_rare_and_unseen_ones_join_them() -> None:
    train = pl.DataFrame({"k": ["a"] * 50 + ["b"] * 20 + ["c"] * 2 + [None] * 15})
    encoder = fit_encoder(train, ["k"])
    assert encoder.names == ("k=(missing)", "k=b", "k=(rare)")
    rows = pl.DataFrame({"k": ["a", "b", "c", "never seen", None]})
    expected = [[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]]
    assert encoder.encode(rows).tolist() == expected


def test_missing_numbers_take_the_training_median_and_a_flag() -> None:
    encoder = fit_encoder(pl.DataFrame({"x": [1.0, 2.0, 3.0, None, float("inf")]}), ["x"])
    found = encoder.encode(pl.DataFrame({"x": [2.0, None]}))
    assert found[0, 0] == found[1, 0]
    assert found[:, 1].tolist() == [0, 1]


def test_columns_missing_together_share_one_flag_and_constants_leave() -> None:
    train = pl.DataFrame({"a": [1.0, None, 3.0], "b": [4.0, None, 2.0], "c": [7, 7, 7]})
    encoder = fit_encoder(train, ["a", "b", "c"])
    assert encoder.names == ("a", "a (missing)", "b")
    assert encoder.summary()["kind"].to_list() == ["number", "number", "constant, left out"]


def test_dates_become_numbers_in_order() -> None:
    frame = pl.DataFrame({"d": ["2024-01-01", "2024-01-03", "2024-01-02"]}).with_columns(
        pl.col("d").str.to_date()
    )
    assert np.argsort(fit_encoder(frame, ["d"]).encode(frame)[:, 0]).tolist() == [0, 2, 1]


def test_numeric_groups_are_cut_at_training_quartiles() -> None:
    ages = pl.Series("age", [*range(20, 60), 1000])
    train = np.array([True] * 40 + [False])
    labels = group_labels(ages, train)
    assert sorted(set(labels.tolist())) == ["30–39", "40–49", "≤ 29", "≥ 50"]
    assert labels[-1] == "≥ 50"
    shares = group_labels(pl.Series("s", np.linspace(0, 1, 41)), np.ones(41, dtype=bool))
    assert set(shares.tolist()) == {"≤ 0.25", "(0.25, 0.5]", "(0.5, 0.75]", "> 0.75"}


def test_a_number_that_is_mostly_its_largest_value_still_makes_two_groups() -> None:
    values = pl.Series("s", [*range(15), *[99] * 85])
    assert set(group_labels(values, np.ones(100, dtype=bool)).tolist()) == {"≤ 14", "≥ 15"}


def test_few_numbers_and_missing_are_groups_as_they_are() -> None:
    labels = group_labels(pl.Series("s", [1.0, 2.0, None, 1.0]), np.ones(4, dtype=bool))
    assert labels.tolist() == ["1", "2", "(missing)", "1"]


def test_labels_have_one_text_whatever_their_type() -> None:
    assert label_text(pl.Series([1.0, 0.5, None])).to_list() == ["1", "0.5", None]
    assert label_text(pl.Series([1, 0])).to_list() == ["1", "0"]
    assert label_text(pl.Series([True, False])).to_list() == ["true", "false"]
    assert [canonical_label(v) for v in ("1.0", " yes", "True", "+1.0", "1.5")] == [
        "1",
        "yes",
        "true",
        "1",
        "1.5",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "z"}, "no column 'z'"),
        ({"features": ("xx",)}, "did you mean 'x'|no column 'xx'"),
        ({"positive": "maybe"}, "no value 'maybe'; its values are 'no', 'yes'"),
        ({"target": "k"}, "3 values, not 2; choose the task multiclass"),
        ({"target": "x", "features": ()}, "choose the task regression"),
        ({"target": "k", "features": (), "task": "regression"}, "is text"),
        ({"weight": "sex", "sensitive": ()}, "weight column 'sex' is not numeric"),
        ({"scores": ("k",)}, "score column 'k' is not numeric"),
        ({"cluster": "one"}, "'one' has fewer than 2 values"),
    ],
)
def test_roles_that_do_not_fit_are_named_with_a_remedy(
    change: dict[str, object], message: str
) -> None:
    frame = _frame().with_columns(one=pl.lit("s"))
    with pytest.raises(SpecError, match=message):
        resolve(frame, ROLES.model_copy(update=change))


def test_a_positive_label_may_be_written_as_another_number() -> None:
    frame = _frame().with_columns(y=pl.Series([0.0, 1.0] * 200))
    assert resolve(frame, ROLES.model_copy(update={"positive": "1.0"})).positive == "1"


def test_bad_weights_are_refused() -> None:
    with pytest.raises(SpecError, match="finite numbers of at least 0"):
        resolve(_frame().with_columns(w=pl.lit(-1.0)), ROLES)


def test_sensitive_values_of_one_level_still_give_arrays() -> None:
    arrays = Dataset(_frame().with_columns(sex=pl.lit("f")), ROLES).arrays()
    assert set(arrays.groups["sex"]) == {"f"}
    assert arrays.sensitive_names == ("age",)


@pytest.mark.parametrize("name", ["row", "split", "cluster", "all", "a × b", "a | b=c"])
def test_an_attribute_may_not_take_the_name_of_something_else(name: str) -> None:
    frame = _frame().rename({"sex": name})
    roles = ROLES.model_copy(update={"sensitive": (name,)})
    with pytest.raises(SpecError, match=r"cannot be a sensitive attribute.*rename the column"):
        Dataset(frame, roles)
    feature = ROLES.model_copy(update={"features": (name,), "sensitive": ("age",)})
    assert len(Dataset(frame, feature)) == 400


def test_dates_are_grouped_by_their_years() -> None:
    born = pl.Series("born", [date(1940 + i % 60, 1 + i % 12, 1) for i in range(240)])
    labels = set(group_labels(born, np.ones(240, dtype=bool)).tolist())
    assert labels == {"≤ 1954", "1955–1969", "1970–1984", "≥ 1985"}
