"""ROME as an audit runs it: the promised tables, no outcome in what groups are judged by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit import AuditSpec
from fairaudit.audit.adapters import adapter
from fairaudit.audit.latent.whole_sweep import completed
from fairaudit.audit.run import run_audit
from fairaudit.data.arrays import Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.reading.table import read_table
from fairaudit.data.samples import SAMPLES
from fairaudit.exceptions import SpecError
from fairaudit.methods.common.progress import Silent
from fairaudit.methods.rome.em import RomeEM
from tests.sizes import nightly


def arrays(task: Any = "regression", n: int = 900, seed: int = 0) -> Arrays:
    """Rows with two hidden groups that follow sex."""
    rng = np.random.default_rng(seed)
    X, age = rng.normal(size=(n, 2)), rng.normal(size=n)
    sex = rng.integers(0, 2, n)
    value = np.where(sex == 1, 2 * X[:, 0], -2 * X[:, 0] + X[:, 1]) + 0.3 * rng.normal(size=n)
    y: Any = value
    classes: tuple[str, ...] = ()
    if task == "binary":
        y, classes = (value > 0).astype(np.int64), ("no", "yes")
    if task == "multiclass":
        y, classes = np.digitize(value, [-1, 1]).astype(np.int64), ("low", "mid", "high")
    return Arrays(
        X,
        y,
        task,
        np.column_stack([sex, age]).astype(float),
        {"sex": np.where(sex == 1, "F", "M"), "age": np.where(age > 0, "old", "young")},
        None,
        None,
        np.arange(100, 100 + n),
        rng.choice(3, n, p=[0.6, 0.2, 0.2]).astype(np.int8),
        ("x1", "x2"),
        ("sex=F", "age"),
        classes,
    )


def run(method: str, data: Arrays, *, kind: str = "train", **params: Any) -> Any:
    return adapter(method, kind)(
        data, params, seed=0, device="cpu", monitor=Silent(), confidence=0.95
    )


def test_the_unit_of_weights_makes_no_evidence_in_an_audit() -> None:
    data = arrays(n=400)
    weight = np.random.default_rng(1).exponential(1.0, 400)
    one, hundred = (
        run("rome-em", replace(data, weight=unit * weight), n_init=2, n_groups=2).summary["bic"]
        for unit in (1.0, 100.0)
    )
    assert one == pytest.approx(hundred)
    counted = replace(data, weight=100 * weight)
    often = run("rome-em", counted, n_init=2, n_groups=2, weights="frequency").summary["bic"]
    assert abs(often) > 20 * abs(one)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("method", ["rome-em", "rome-moe"])
def test_the_method_comes_first_and_answers_for_all_rows(method: str, task: Any) -> None:
    data = arrays(task)
    params = {"n_init": 2, "n_groups": 2} if method == "rome-em" else {"max_epochs": 2}
    found = run(method, data, **params)
    assert list(found.predictions) == [method, "baseline"]
    for answer in found.predictions.values():
        assert answer.label.shape == (900,)
        shape = {"regression": None, "binary": (900,), "multiclass": (900, 3)}[task]
        assert (answer.score is None) if shape is None else (answer.score.shape == shape)
    json.dumps(found.summary, allow_nan=False)
    assert set(found.tables["history"].columns) == {"part", "epoch", "metric", "value"}


def test_groups_are_described_with_sizes_rules_and_held_out_losses() -> None:
    data = arrays()
    found = run("rome-em", data, n_groups=2, n_init=3)
    groups, latent = found.tables["groups"], found.tables["latent"]
    assert groups["group"].to_list() == ["group 1", "group 2"]
    assert groups["share"].sum() == pytest.approx(1)
    assert all("sex is" in rule for rule in groups["rule"])
    assert (groups["fidelity"] > 0.9).all()
    assert (groups["heldout_low"] < groups["heldout_loss"]).all()
    n_test = int((data.split == 2).sum())
    assert groups["n_test"].sum() == pytest.approx(n_test)
    assert latent["row"].to_list() == data.row_id.tolist()
    assert set(latent["split"].unique()) == {"train", "validation", "test"}
    overlap = found.tables["overlap"]
    women = overlap.filter((pl.col("attribute") == "sex") & (pl.col("level") == "F"))
    assert women["share_of_level"].max() > 0.9
    best = found.predictions["rome-em"].label - data.y
    plain = found.predictions["baseline"].label - data.y
    test = data.split == 2
    assert np.mean(best[test] ** 2) < 0.5 * np.mean(plain[test] ** 2)
    assert found.summary["latent_p"] < 0.05


def test_groups_that_are_judged_do_not_depend_on_the_outcome() -> None:
    data = arrays()
    found = run("rome-em", data, n_groups=2, n_init=2)
    moved = data.take(np.arange(len(data)))
    object.__setattr__(moved, "y", np.where(data.split == 2, data.y + 10, data.y))
    again = run("rome-em", moved, n_groups=2, n_init=2)
    columns = ["row", "split", "p0", "p1", "group"]
    assert found.tables["latent"].select(columns).equals(again.tables["latent"].select(columns))


def test_held_out_losses_weigh_rows_by_what_was_known_before_the_outcome() -> None:
    data = arrays()
    found = run("rome-em", data, n_groups=2, n_init=2)
    latent, test = found.tables["latent"], data.split == 2
    loss = np.square(found.predictions["rome-em"].label - data.y)[test]
    for j, row in enumerate(found.tables["groups"].iter_rows(named=True)):
        prior = latent[f"p{j}"].to_numpy()[test]
        assert row["heldout_loss"] == pytest.approx(prior @ loss / prior.sum())


def test_only_training_rows_are_learnt_from() -> None:
    data = arrays()
    found = run("rome-em", data, n_groups=2, n_init=2)
    moved = data.take(np.arange(len(data)))
    object.__setattr__(moved, "X", np.where((data.split == 2)[:, None], 0.0, data.X))
    again = run("rome-em", moved, n_groups=2, n_init=2)
    train = data.split == 0
    np.testing.assert_array_equal(
        found.predictions["rome-em"].label[train], again.predictions["rome-em"].label[train]
    )


def test_an_empty_form_field_means_the_methods_own_choice() -> None:
    found = run("rome-em", arrays(), n_groups=None, max_average_loss=None, n_init=2)
    assert found.summary["n_groups"] == 2


def test_the_path_runs_from_worst_group_to_average() -> None:
    path = run("rome-em", arrays(), n_groups=2, n_init=2).tables["path"]
    wide = path.pivot(on="metric", index="lam", values="value").sort("lam")
    assert wide["lam"].to_list() == [0.0, 0.25, 0.5, 0.75, 0.9, 1.0]
    assert wide["worst"][0] <= wide["worst"].min() + 1e-3
    assert wide["average"][-1] <= wide["average"][0] + 1e-9


def test_warnings_reach_the_summary() -> None:
    summary = run("rome-em", arrays(n=60), n_groups=12, n_init=2).summary
    assert any("use fewer groups" in text for text in summary["warnings"])


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_a_sweep_stores_the_groups_of_every_number(task: Any) -> None:
    data = arrays(task)
    found = run("rome-em", data, kind="sweep", n_groups=[1, 2, 3], n_init=2, n_bootstrap=2)
    tables = found.tables
    assert tables["sweep"]["n_groups"].to_list() == [1, 2, 3]
    assert tables["lineage"].height == 2 + 6
    for count in (1, 2, 3):
        latent = tables["latent"].filter(pl.col("n_groups") == count)
        assert latent.height == 900
        assert latent["group"].max() < count
        assert (
            latent.select(pl.sum_horizontal(f"p{j}" for j in range(count)))
            .to_series()
            .is_between(1 - 1e-9, 1 + 1e-9)
            .all()
        )
        groups = tables["groups"].filter(pl.col("n_groups") == count)
        assert groups.height == count
    assert found.summary["n_groups"] == tables["sweep"].filter(pl.col("chosen"))["n_groups"].item()
    again = completed(tables, 0.95)  # as after the parts of a sweep have been joined
    for name in ("sweep", "groups", "held_groups"):
        assert_frame_equal(again[name], tables[name])
    held = tables["held_groups"]
    assert held.height == 3 * (1 + 2 + 3)
    two = held.filter(n_groups=2, models=2)
    assert (two["difference_high"] < 0).all(), "both planted groups gain from their own model"
    assert held.filter(models=1)["difference"].null_count() == 6
    single = tables["groups"].filter(n_groups=2)["heldout_loss"].to_list()
    assert two["loss"].to_list() == pytest.approx(single)
    assert list(found.predictions) == ["rome-em", "baseline"]


def test_a_stored_model_can_be_read_back(tmp_path: Path) -> None:
    data = arrays()
    found = run("rome-em", data, n_groups=2, n_init=2)
    found.save(tmp_path)
    model = RomeEM.load(tmp_path)
    np.testing.assert_array_equal(
        model.predict(data.X, data.sensitive), found.predictions["rome-em"].label
    )


def test_what_is_missing_is_said() -> None:
    data = arrays()
    object.__setattr__(data, "groups", {})
    with pytest.raises(SpecError, match="needs sensitive columns"):
        run("rome-em", data)
    with pytest.raises(SpecError, match="parameter 'depth' is not known to RomeMoE"):
        run("rome-moe", arrays(), depth=3)


def test_what_if_finds_the_four_groups_of_the_bundled_simulation():
    sample = SAMPLES["rome_simulation"]
    spec = AuditSpec(
        roles=sample.roles,
        kind="sweep",
        method="rome-em",
        params={"n_groups": [1, *nightly(2), 3, 4, 5, *nightly(6)], "n_bootstrap": 2},
        metrics=("mse",),
        n_boot=50,
    )
    table = run_audit(Dataset(read_table(sample.path), sample.roles), spec).tables["sweep"]
    assert table.filter("chosen")["n_groups"].to_list() == [4]
    for criterion in ("bic", "icl"):
        assert table.sort(criterion)["n_groups"][0] == 4
    assert table.filter(n_groups=4)["stability"].item() > 0.95
