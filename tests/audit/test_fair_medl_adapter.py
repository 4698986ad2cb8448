"""Fair MEDL inside an audit: which models, which tables, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.adapters import adapter, fair_medl
from fairaudit.audit.catalog import METHODS
from fairaudit.audit.fitted import Fitted
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError
from fairaudit.methods.common.progress import Silent
from fairaudit.methods.fair_medl.estimator import FairMEDL
from fairaudit.methods.fair_medl.search import Search
from tests.methods.medl_data import clustered

FAST = {"hidden_sizes": [8], "max_epochs": 4, "batch_size": 128, "learning_rate": 0.02}


def arrays_of(task: Any = "binary", n: int = 900, unseen: int = 2) -> Arrays:
    """Rows in three parts; the last `unseen` clusters have no training rows."""
    X, y, S, c = clustered(n, seed=6, task=task)
    names = tuple(sorted(set(c)))
    cluster = np.searchsorted(names, c).astype(np.int64)
    split = np.random.default_rng(0).integers(0, 5, n).clip(2) - 2
    late = cluster >= len(names) - unseen
    split = np.where(late & (split == 0), 2, split).astype(np.int8)
    return Arrays(
        X=X,
        y=y.astype(np.float64 if task == "regression" else np.int64),
        task=task,
        sensitive=np.zeros((n, 0)),
        groups={"a": S[:, 0], "b": S[:, 1]},
        cluster=cluster,
        weight=None,
        row_id=np.arange(n),
        split=split,
        feature_names=("one", "two", "three", "four"),
        sensitive_names=(),
        classes=() if task == "regression" else tuple(str(k) for k in np.unique(y)),
        cluster_names=names,
    )


def fit(arrays: Arrays, monitor: Any = None, **params: Any) -> Fitted:
    return adapter("fair-medl")(
        arrays,
        {**FAST, **params},
        seed=0,
        device="cpu",
        monitor=monitor or Silent(),
        confidence=0.95,
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_three_models_answer_for_every_row(task: str, tmp_path: Path) -> None:
    arrays = arrays_of(task)
    found = fit(arrays, debias="rates")
    assert list(found.predictions) == ["fair-medl", "fair-medl (fixed)", "baseline"]
    for prediction in found.predictions.values():
        assert len(prediction.label) == len(arrays)
        assert (prediction.score is None) == (task == "regression")
    assert found.save is not None
    found.save(tmp_path)
    again = FairMEDL.load(tmp_path)
    names = np.array(arrays.cluster_names)[arrays.cluster]
    np.testing.assert_array_equal(
        again.predict(arrays.X, clusters=names).astype(float),
        found.predictions["fair-medl"].label.astype(float),
    )


def test_tables_of_the_effects_page() -> None:
    arrays = arrays_of()
    found = fit(arrays, debias="rates", performance_budget=0.02, path=[0.0, 0.2])
    tables = found.tables
    assert set(tables) == {
        "effects", "variance", "importance", "history", "clusters", "seen", "path"
    }  # fmt: skip
    assert tables["effects"].columns == [
        "cluster", "effect", "mean", "sd", "low", "high", "n", "seen", "used"
    ]  # fmt: skip
    unseen = tables["effects"].filter(~pl.col("seen"))["cluster"].to_list()
    assert sorted(unseen) == ["site 4", "site 5"]
    assert set(tables["effects"].filter("seen")["effect"]) == {*arrays.feature_names, "intercept"}
    assert tables["importance"].columns == ["model", "feature", "importance", "rank"]
    assert set(tables["importance"]["feature"]) == set(arrays.feature_names)
    assert tables["history"].columns == ["part", "epoch", "metric", "value"]
    assert tables["path"].columns == ["lam", "split", "metric", "value", "low", "high", "chosen"]
    assert set(tables["path"]["split"]) == {"validation", "test"}
    assert tables["path"].filter("chosen")["lam"].unique().to_list() == [found.summary["lambda"]]
    late = np.isin(arrays.cluster, [4, 5])
    np.testing.assert_array_equal(tables["seen"]["seen"].to_numpy(), ~late)


def test_the_summary_is_plain_json_with_the_variance_share() -> None:
    import json

    summary = fit(arrays_of(), debias=None).summary
    json.dumps(dict(summary), allow_nan=False)
    assert 0 <= summary["icc_low"] <= summary["icc"] <= summary["icc_high"] < 1
    assert (summary["clusters_seen"], summary["clusters_unseen"]) == (4, 2)
    assert summary["warnings"] == []


def test_the_baseline_is_the_same_net_without_effects_and_debiasing() -> None:
    arrays = arrays_of(unseen=0)
    with_all = fit(arrays, debias="rates").predictions["baseline"].score
    off = fit(arrays, debias=None, random_effects=False, cluster_adversary=False)
    np.testing.assert_array_equal(with_all, off.predictions["fair-medl"].score)


def test_a_search_becomes_a_table_and_sets_the_weights(tmp_path: Path) -> None:
    class InAFolder(Silent):
        work_folder = tmp_path

    arrays = arrays_of(n=400)
    found = fit(arrays, InAFolder(), debias="rates", search_trials=3, max_epochs=2)
    assert found.tables["search"].height == 3
    assert found.tables["search"]["chosen"].sum() == 1
    assert any(tmp_path.iterdir())
    again = fit(arrays, InAFolder(), debias="rates", search_trials=3, max_epochs=2)
    assert again.tables["search"].equals(found.tables["search"])


@pytest.mark.parametrize(("given", "used"), [(0.0, 0.0), (0.03, 0.03), (None, 0.01)])
def test_a_search_gives_up_no_more_than_the_budget(
    given: float | None, used: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float] = []

    def listen(objective: Any, *, budget: float, **_: Any) -> Search:
        heard.append(budget)
        return Search(pl.DataFrame(), {})

    monkeypatch.setattr(fair_medl, "search_weights", listen)
    params = {"performance_budget": given}
    fair_medl.search_params(arrays_of(n=200), params, 2, 0, "cpu", Silent())
    assert heard == [used]


def test_probes_are_ranked_in_both_nets() -> None:
    table = fit(arrays_of(n=400), probes=True, max_epochs=2).tables["probes"]
    assert table.columns == ["model", "feature", "importance", "rank", "features"]
    assert table.height == 10
    assert set(table["model"]) == {"fair-medl", "baseline"}
    assert table["rank"].max() <= 9


def test_what_is_lacking_is_said() -> None:
    from dataclasses import replace

    arrays = arrays_of(n=60)
    with pytest.raises(SpecError, match="needs a cluster column"):
        fit(replace(arrays, cluster=None))
    with pytest.raises(SpecError, match="'depth' is not one of Fair MEDL's"):
        fit(arrays, depth=3)
    with pytest.raises(SpecError, match="images"):
        fit(replace(arrays, X=np.zeros((60, 4, 4, 3), np.uint8)))


def test_the_form_offers_what_the_adapter_takes() -> None:
    import inspect

    known = {*inspect.signature(FairMEDL).parameters, "search_trials", "probes"}
    knobs = METHODS["fair-medl"].knobs
    assert {k.name for k in knobs} <= known
    untouched = {k.name: k.default for k in knobs} | {"max_epochs": 2}
    assert fit(arrays_of(n=400), **untouched).summary["debias"] == FairMEDL().debias
