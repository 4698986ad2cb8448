"""Fair MEDL as users call it: tasks, switches, budgets, intervals, tables, state and warnings."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from fairaudit.exceptions import InputError, IntegrityError, SpecError
from fairaudit.methods.fair_medl.checks import (
    collapsed,
    constant,
    entropy_given,
    one_class,
    one_label,
)
from fairaudit.methods.fair_medl.estimator import FairMEDL
from fairaudit.methods.fair_medl.fitting import Job, plan_of
from fairaudit.methods.fair_medl.inputs import MOST_LEVELS, OTHER, Attribute, infer_task
from fairaudit.methods.fair_medl.metrics import auroc
from fairaudit.methods.fair_medl.networks import CANDIDATES
from fairaudit.methods.fair_medl.path import choose
from tests.methods.medl_data import clustered
from tests.sizes import nightly, size

FAST: dict[str, Any] = {
    "hidden_sizes": (8,),
    "learning_rate": 0.02,
    "max_epochs": 12,
    "batch_size": 128,
    "random_state": 0,
}

# a few epochs, or heavy weights, leave every decision the same; these tests look elsewhere
ONE_LABEL = pytest.mark.filterwarnings("ignore:.*every row is given the label")


def play_table(n: int) -> tuple[Any, FairMEDL]:
    X, y, S, c = clustered(n)
    model = FairMEDL()
    return Job(model, 0, None).learn(X, y, S, c, None), model


def fitted(task: str = "binary", n: int = 600, **switches: Any) -> tuple[FairMEDL, Any]:
    data = clustered(n, seed=2, task=task)
    X, y, S, c = data
    return FairMEDL(**{**FAST, **switches}).fit(X, y, sensitive_features=S, clusters=c), data


FORMS = list(
    itertools.product(
        ("adversarial", "rates", "correlation", None),
        ("binary", "multiclass", "regression"),
        ("equalized_odds", "demographic_parity"),
    )
)
DAY = [form for i, form in enumerate(FORMS) if i // 2 % 2 == i % 2]  # the targets take turns


@pytest.mark.parametrize(
    ("debias", "task", "target"), [*DAY, *nightly(*(f for f in FORMS if f not in DAY))]
)
def test_every_task_form_and_target_learns(task: str, debias: Any, target: Any) -> None:
    model, (X, y, _, c) = fitted(
        task, debias=debias, fairness_target=target, lambda_fair_fixed=0.1, lambda_fair_mixed=0.1
    )
    chance = 0.0 if task == "regression" else np.unique(y, return_counts=True)[1].max() / len(y)
    assert model.score(X, y, clusters=c) > chance + 0.08
    answer = model.predict_mixed(X, clusters=c)
    assert answer.shape == ((len(y), 3) if task == "multiclass" else (len(y),))
    assert model.predict_fixed(X).shape == answer.shape


@pytest.mark.parametrize(
    "switches",
    [
        {"debias": None, "random_effects": False, "cluster_adversary": False},  # plain net
        {"debias": None, "random_effects": False},  # + cluster adversary
        {"debias": "adversarial", "random_effects": False},
        {
            "debias": "rates",
            "random_effects": False,
            "cluster_adversary": False,
        },  # the missing one
        {"debias": None},  # MEDL
        {"slopes": "hidden"},
        {"cluster_penalty": "adversarial"},
        {"slopes": "none", "prior_scale": None},
        {"unseen": "fixed"},
    ],
)
def test_every_variant_of_the_ablation_is_reachable(switches: dict[str, Any]) -> None:
    model, (X, y, _, c) = fitted(**switches, max_epochs=6)
    assert auroc(y, model.predict_mixed(X, clusters=c)) > 0.6
    if not switches.get("random_effects", True):
        np.testing.assert_array_equal(model.predict_mixed(X, clusters=c), model.predict_fixed(X))
        assert model.random_effects_.height == 0


def test_mixed_effects_beat_fixed_ones_and_wrong_clusters_hurt_only_them() -> None:
    model, (X, y, _, c) = fitted(n=1500, debias=None, max_epochs=25)
    right = auroc(y, model.predict_mixed(X, clusters=c))
    wrong = auroc(y, model.predict_mixed(X, clusters=np.random.default_rng(0).permutation(c)))
    fixed = auroc(y, model.predict_fixed(X))
    assert right > fixed + 0.02
    assert wrong < right - 0.02  # while y_F has no cluster among its inputs at all


def test_intercepts_are_found() -> None:
    rng = np.random.default_rng(0)
    true = dict(zip([f"site {k}" for k in range(6)], np.linspace(-1.5, 1.5, 6), strict=True))
    c = np.array(list(true))[rng.integers(0, 6, 3000)]
    x = rng.normal(size=(3000, 2))
    y = x[:, 0] + np.array([true[k] for k in c]) + rng.normal(size=3000)
    model = FairMEDL((), debias=None, cluster_adversary=False, slopes="none", prior_scale=None,
                     learning_rate=0.02, max_epochs=30, random_state=0)  # fmt: skip
    effects = model.fit(x, y, clusters=c).random_effects_
    assert effects.columns == ["cluster", "effect", "mean", "sd"]
    found = [m * model._y_scale for m in effects["mean"]]
    np.testing.assert_allclose(found, [true[k] for k in effects["cluster"]], atol=0.15)
    shares = dict(zip(*model.variance_shares().select("part", "share"), strict=True))
    between = np.var(list(true.values()))
    assert shares["intercept"] == pytest.approx(between / (between + 1), abs=0.03)


def test_debiasing_by_rates_lowers_the_spread() -> None:
    X, y, S, c = clustered(size(2000, 4000), seed=4)
    common = {**FAST, "max_epochs": size(20, 25), "cluster_adversary": False}
    spread = {}
    for lam in (0.0, 1.0):
        model = FairMEDL(**common, debias="rates", lambda_fair_fixed=lam, lambda_fair_mixed=lam)
        model.fit(X, y, sensitive_features=S[:, 0], clusters=c)
        label = model.predict(X, clusters=c)
        rates = [label[(S[:, 0] == g) & (y == k)].mean() for k in (0, 1) for g in ("no", "yes")]
        spread[lam] = abs(rates[0] - rates[1]) + abs(rates[2] - rates[3])
    assert spread[1.0] < spread[0.0] / 2


def test_the_budget_keeps_the_fairest_model_within_it() -> None:
    model, _ = fitted(n=1500, debias="rates", performance_budget=0.02, path=(0, 0.1, 0.5, 2, 20))
    path = model.path_
    assert path.columns == ["lam", "split", "metric", "value", "low", "high", "chosen"]
    assert path["lam"].unique().sort().to_list() == [0, 0.1, 0.5, 2, 20]
    wide = path.pivot(on="metric", index=["lam", "chosen"], values="value")
    free = wide.filter(pl.col("lam") == 0)["auroc"].item()
    allowed = wide.filter(pl.col("auroc") >= free - 0.02)
    best = allowed.with_columns(u=(pl.col("spread") + pl.col("spread at Youden")) / 2).sort("u")
    assert best["chosen"][0]
    assert best["lam"][0] == model.lam_
    assert path.filter(pl.col("metric") == "auroc", pl.col("low") <= pl.col("value"),
                       pl.col("value") <= pl.col("high")).height == 5  # fmt: skip


def test_the_path_of_values_is_in_their_own_units() -> None:
    X, y, S, c = clustered(900, seed=2, task="regression")
    common = {**FAST, "debias": "rates", "performance_budget": 0.05, "path": (0, 1)}
    held = (X[:300], y[:300], S[:300], c[:300])
    rest = {"sensitive_features": S[300:], "clusters": c[300:]}
    model = FairMEDL(**common).fit(X[300:], y[300:], **rest, validation=held)
    error = np.mean((model.predict_path(X[:300], clusters=c[:300])[0] - y[:300]) ** 2)
    found = model.path_.filter(pl.col("lam") == 0, pl.col("metric") == "mse")["value"].item()
    assert found == pytest.approx(error)


def test_choice_by_hand() -> None:
    scores = [
        {"auroc": 0.90, "spread": 0.10},
        {"auroc": 0.895, "spread": 0.06},
        {"auroc": 0.88, "spread": 0.01},
    ]
    assert [choose(scores, b) for b in (0.0, 0.01, 0.05)] == [0, 1, 2]
    values = [{"mse": 1.0, "spread": 0.3}, {"mse": 1.04, "spread": 0.1}]
    assert [choose(values, b) for b in (0.01, 0.05)] == [0, 1]


def test_unseen_clusters_are_inferred_or_fixed() -> None:
    model, (X, _, _, _) = fitted()
    stranger = np.full(len(X), "elsewhere")
    inferred = model.predict_mixed(X, clusters=stranger)
    assert not np.allclose(inferred, model.predict_fixed(X))
    np.testing.assert_array_equal(inferred, model.predict_mixed(X))  # no cluster said
    soft = model.predict_proba(X, clusters=stranger)
    np.testing.assert_allclose(soft.sum(1), 1)


@ONE_LABEL
def test_cluster_predictor_knows_telling_features() -> None:
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 900)
    X = np.eye(3)[z] + 0.1 * rng.normal(size=(900, 3))
    y = (rng.random(900) < np.array([0.1, 0.5, 0.9])[z]).astype(int)
    model = FairMEDL((4,), debias=None, max_epochs=40, learning_rate=0.02, random_state=0)
    model.fit(X, y, clusters=z)
    known, unknown = model.predict_mixed(X, clusters=z), model.predict_mixed(X)
    assert np.abs(known - unknown).mean() < 0.05


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_intervals_hold_the_answer_and_are_wider_where_less_is_known(task: str) -> None:
    model, (X, _, _, c) = fitted(task, unseen="fixed", max_epochs=5)
    low, high = model.predict_interval(X, clusters=c)
    answer = model.predict_mixed(X, clusters=c)
    slack = 0.05 if task == "multiclass" else 1e-9  # softmax of draws has another mean
    assert (low <= answer + slack).all()
    assert (answer <= high + slack).all()
    far_low, far_high = model.predict_interval(X, clusters=np.full(len(X), "elsewhere"))
    assert (far_high - far_low).mean() > (high - low).mean()
    narrow = model.predict_interval(X, clusters=c, confidence=0.6)
    assert (narrow[1] - narrow[0]).mean() < (high - low).mean()


def test_importance_ranks_what_matters() -> None:
    model, _ = fitted(debias=None, max_epochs=25)
    table = model.fixed_effects_importance_
    assert table.columns == ["feature", "importance", "rank"]
    assert table["rank"].to_list() == [1, 2, 3, 4]
    assert table["feature"][3] == "x3"  # pure noise
    assert table["importance"].is_sorted(descending=True)


def test_importance_is_the_derivative_at_the_mean_input() -> None:
    model, (X, _, _, _) = fitted(max_epochs=4)
    centre, step = X.mean(0, keepdims=True), 1e-5
    table = dict(
        zip(*model.fixed_effects_importance_.select("feature", "importance"), strict=True)
    )
    for j, sd in enumerate(model._scale.sd):
        up, down = centre.copy(), centre.copy()
        up[0, j] += step * sd
        down[0, j] -= step * sd
        slope = (model.predict_fixed(up) - model.predict_fixed(down))[0] / (2 * step)
        assert table[f"x{j}"] == pytest.approx(abs(slope), rel=1e-3, abs=1e-8)


@ONE_LABEL
def test_frames_and_names_are_welcome() -> None:
    X, y, S, c = clustered(300)
    names = ["one", "two", "three", "four"]
    frames: list[Any] = [pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)]
    answers = []
    for frame in frames:
        kind = type(frame)
        model = FairMEDL(**{**FAST, "max_epochs": 3})
        model.fit(frame, y, sensitive_features=kind({"a": S[:, 0]}), clusters=pd.Series(c))
        assert set(model.fixed_effects_importance_["feature"]) == set(names)
        answers.append(model.predict_proba(frame, clusters=list(c)))
    np.testing.assert_array_equal(*answers)


def test_same_seed_same_numbers() -> None:
    first, (X, _, _, c) = fitted(max_epochs=3)
    second = clone(first)
    _, y, S, _ = clustered(600, seed=2)
    second.fit(X, y, sensitive_features=S, clusters=c)
    np.testing.assert_array_equal(
        first.predict_mixed(X, clusters=c), second.predict_mixed(X, clusters=c)
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_saved_model_answers_the_same(task: str, tmp_path: Path) -> None:
    model, (X, _, _, c) = fitted(task, max_epochs=3)
    model.save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["kind"] == "fair-medl"
    again = FairMEDL.load(tmp_path)
    np.testing.assert_array_equal(model.predict(X, clusters=c), again.predict(X, clusters=c))
    np.testing.assert_array_equal(model.predict_mixed(X), again.predict_mixed(X))
    assert again.random_effects_.equals(model.random_effects_)
    assert again.get_params() == model.get_params()
    with pytest.raises(IntegrityError):
        FairMEDL.load(tmp_path / "nowhere")


def test_history_charts_every_part() -> None:
    model, _ = fitted(max_epochs=3, cluster_penalty="adversarial")
    table = model.history_
    assert table.columns == ["part", "epoch", "metric", "value"]
    parts = {"main loss", "fixed effects", "mixed effects", "prior (KL)", "cluster adversary"}
    parts |= {"fairness, fixed effects", "fairness, mixed effects", "validation"}
    assert set(table["part"]) == parts | {"cluster predictor"}
    for part in ("main loss", "cluster predictor"):
        assert table.filter(pl.col("part") == part)["epoch"].to_list() == [0, 1, 2]
    guesses = table.filter(pl.col("part") == "cluster predictor")["value"]
    assert 0 < guesses[2] < guesses[0]
    without, _ = fitted(max_epochs=3, unseen="fixed")
    assert "cluster predictor" not in set(without.history_["part"])


def test_many_rare_clusters_and_a_high_cardinality_attribute() -> None:
    rng = np.random.default_rng(0)
    n, k = 3000, 1200
    z, s = rng.integers(0, k, n), rng.zipf(1.3, n) % 90
    X = rng.normal(size=(n, 3))
    y = (rng.random(n) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    model = FairMEDL(**{**FAST, "max_epochs": 4})
    with pytest.warns(ConvergenceWarning, match="one class only"):
        model.fit(X, y, sensitive_features=s.astype(str), clusters=z)
    assert model.random_effects_["cluster"].n_unique() == len(np.unique(z))
    assert auroc(y, model.predict_mixed(X, clusters=z)) > 0.7
    assert len(model._attributes[0].levels) == MOST_LEVELS


def test_rare_levels_share_one_name_and_numbers_keep_their_scale() -> None:
    many = np.array([f"v{i % 80}" for i in range(400)])
    attribute = Attribute.fit("many", many)
    assert attribute.levels[-1] == OTHER
    assert attribute.codes(np.array(["never"]))[0] == MOST_LEVELS - 1
    age = Attribute.fit("age", np.arange(100.0))
    assert age.continuous
    assert age.codes(np.array([0.0, 30, 60, 99, np.nan])).tolist() == [0, 1, 2, 3, -1]
    assert age.values(np.array([49.5]))[0] == pytest.approx(0)
    with pytest.raises(InputError, match="numeric in training"):
        age.codes(np.array(["old"]))


@pytest.mark.parametrize("debias", ["adversarial", "rates", "correlation"])
def test_a_continuous_attribute_beside_a_named_one(debias: Any) -> None:
    X, y, S, c = clustered(400)
    age = np.random.default_rng(0).uniform(18, 80, 400)
    age[:5] = np.nan
    frame = pd.DataFrame({"age": age, "group": S[:, 1]})
    model = FairMEDL(**{**FAST, "max_epochs": 3}, debias=debias)
    model.fit(X, y, sensitive_features=frame, clusters=c)
    assert [a.continuous for a in model._attributes] == [True, False]
    assert np.isfinite(model.predict_mixed(X, clusters=c)).all()


@ONE_LABEL
def test_without_clusters_a_plain_net_remains() -> None:
    X, y, S, _ = clustered(300)
    model = FairMEDL(**{**FAST, "max_epochs": 3}).fit(X, y, sensitive_features=S)
    assert model.random_effects_.height == 0
    assert "cluster adversary" not in set(model.history_["part"])


@ONE_LABEL
def test_weights_move_the_fit() -> None:
    X, y, _, _ = clustered(400)
    heavy = np.where(y == 1, 50.0, 1.0)
    light = FairMEDL(**FAST).fit(X, y).predict_mixed(X).mean()
    assert FairMEDL(**FAST).fit(X, y, sample_weight=heavy).predict_mixed(X).mean() > light + 0.2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"debias": "magic"}, "debias='magic'"),
        ({"slopes": "none of these"}, "slopes"),
        ({"cluster_penalty": "kindness"}, "cluster_penalty"),
        ({"lambda_kl": -1.0}, "lambda_kl"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"prior_scale": 0.0}, "prior_scale"),
        ({"hidden_sizes": 4}, "hidden_sizes=4 must be a tuple"),
        ({"hidden_sizes": (8, 0)}, "hidden_sizes"),
        ({"hidden_sizes": (4.5,)}, "hidden_sizes"),
        ({"lambda_kl": "much"}, "lambda_kl='much' must be a number"),
        ({"lambda_fair_mixed": float("inf")}, "lambda_fair_mixed"),
        ({"max_epochs": 2.5}, "max_epochs=2.5 must be a whole number"),
        ({"batch_size": 0}, "batch_size"),
        ({"patience": 0}, "patience"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"performance_budget": "none"}, "performance_budget"),
        ({"path": (0.1, -1.0)}, "path"),
        ({"path": 0.1}, "path"),
        ({"random_effects": "yes"}, "random_effects"),
        ({"debias": None, "performance_budget": 0.01}, "performance_budget"),
    ],
)
def test_impossible_parameters_are_named(params: dict[str, Any], words: str) -> None:
    X, y, S, c = clustered(100)
    with pytest.raises(SpecError, match=words):
        FairMEDL(**params).fit(X, y, sensitive_features=S, clusters=c)


def test_one_cluster_is_refused_with_the_remedy() -> None:
    X, y, _, _ = clustered(100)
    with pytest.raises(SpecError, match="at least 2 clusters"):
        FairMEDL().fit(X, y, clusters=np.zeros(100))


@ONE_LABEL
def test_rows_that_do_not_match_are_refused() -> None:
    X, y, S, c = clustered(100)
    with pytest.raises(InputError, match="99 rows"):
        FairMEDL().fit(X, y, sensitive_features=S[:99], clusters=c)
    model, (X, _, _, _) = fitted(max_epochs=1)
    with pytest.raises(InputError, match="clusters: expected 600 rows, as many as X, got 5"):
        model.predict(X, clusters=c[:5])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"clusters": "site 1"}, InputError, "clusters: .* got one str"),
        ({"clusters": [None] * 120}, SpecError, "at least 2 clusters"),
        ({"y": [None, *range(119)]}, InputError, "labels are missing in y"),
        ({"y": np.array([1, "a"] * 60, dtype=object)}, InputError, "mixes text and numbers"),
        ({"sample_weight": np.linspace(-1, 1, 120)}, InputError, "negative"),
        ({"sensitive_features": np.r_[np.inf, np.arange(119.0)]}, InputError, "'s0' holds inf"),
    ],
)
def test_impossible_rows_are_refused_with_the_remedy(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    X, y, S, c = clustered(120)
    rows = {"y": y, "sensitive_features": S, "clusters": c, **change}
    with pytest.raises(error, match=words):
        FairMEDL(**FAST).fit(X, **rows)


def test_values_that_are_no_numbers_are_refused() -> None:
    X, y, _, _ = clustered(120)
    with pytest.raises(InputError, match="needs numbers; choose task='binary'"):
        FairMEDL(task="regression").fit(X, np.where(y == 1, "a", "b"))


def test_whole_numbers_of_many_values_are_an_outcome_to_regress() -> None:
    assert infer_task(np.arange(200) % 21) == "regression"
    assert infer_task(np.arange(200) % 20) == "multiclass"
    assert infer_task((np.arange(200) % 30).astype(str)) == "multiclass"
    assert infer_task(np.arange(200) % 2) == "binary"


@ONE_LABEL
def test_rows_of_weight_zero_are_rows_that_are_not_there() -> None:
    X, y, S, c = clustered(400)
    used = np.random.default_rng(0).random(400) < 0.4
    S[~used], c[~used] = "only here", "elsewhere"
    common = {**FAST, "max_epochs": 2, "debias": "rates"}
    frame, weight = pd.DataFrame(S, columns=["a", "b"]), used.astype(float)
    weighted = FairMEDL(**common).fit(
        X, y, sensitive_features=frame, clusters=c, sample_weight=weight
    )
    without = FairMEDL(**common).fit(
        X[used], y[used], sensitive_features=S[used], clusters=c[used]
    )
    assert "elsewhere" not in weighted.clusters_
    assert [a.name for a in weighted._attributes] == ["a", "b"]
    np.testing.assert_array_equal(
        weighted.predict_mixed(X, clusters=c), without.predict_mixed(X, clusters=c)
    )


@ONE_LABEL
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_rows_without_a_cluster_form_one(missing: Any) -> None:
    X, y, S, c = clustered(200)
    named = [missing if i % 5 == 0 else name for i, name in enumerate(c)]
    model = FairMEDL(**{**FAST, "max_epochs": 2})
    model.fit(X, y, sensitive_features=S, clusters=pd.Series(named, dtype=object))
    assert model.clusters_[0] == "(missing)"
    answers = [model.predict_mixed(X[:2], clusters=[gap] * 2) for gap in (None, pd.NA)]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("debias", ["adversarial", "rates", "correlation", None])
def test_validation_rows_may_come_without_attributes_and_clusters(debias: Any) -> None:
    X, y, S, c = clustered(500)
    model = FairMEDL(**{**FAST, "max_epochs": 3}, debias=debias)
    for held in ((X[:100], y[:100]), (X[:100], y[:100], None, c[:100])):
        model.fit(X, y, sensitive_features=S, clusters=c, validation=held)
        heard = model.history_.filter(pl.col("part") == "validation")["value"]
        assert heard.is_finite().all()


@ONE_LABEL
def test_validation_rows_that_do_not_fit_are_refused() -> None:
    X, y, S, c = clustered(200, task="regression")
    model = FairMEDL(**{**FAST, "max_epochs": 1})
    gap = np.where(np.arange(200) == 0, np.nan, y)
    for held, error, words in (
        ((X,), InputError, "validation: expected .*, got 1 part;"),
        ((X, y[:5]), InputError, "validation: y: expected 200 rows"),
        ((X, gap), InputError, "1 of 200 labels are missing in y"),
    ):
        with pytest.raises(error, match=words):
            model.fit(X, y, sensitive_features=S, clusters=c, validation=held)


def test_a_budget_that_cannot_be_judged_is_warned_about() -> None:
    X, y, S, c = clustered(400)
    common = {**FAST, "debias": "rates", "performance_budget": 0.01, "path": (0.0, 0.1)}
    model, rows = FairMEDL(**common), {"sensitive_features": S, "clusters": c}
    with pytest.warns(ConvergenceWarning, match="spread at Youden cannot be judged"):
        model.fit(X, y, **rows, validation=(X[:100], y[:100]))
    assert model.lam_ == 0
    with pytest.warns(ConvergenceWarning, match="auroc cannot be judged"):
        model.fit(X, y, **rows, validation=(X[y == 1], y[y == 1], S[y == 1], c[y == 1]))
    with pytest.warns(ConvergenceWarning, match="had nothing to choose"):
        model.fit(X, y, clusters=c)


def test_the_share_that_is_held_out_is_the_one_asked_for() -> None:
    data, _ = play_table(1000)
    for share in (0.1, 0.2, 0.4, 0.75):
        job = Job(FairMEDL(validation_fraction=share), 0, None)
        kept, held = job._held_out(data, None)
        assert held is not None
        assert len(held.y) == pytest.approx(1000 * share, abs=1)
        assert len(kept.y) + len(held.y) == 1000
        assert held.y.mean() == pytest.approx(data.y.mean(), abs=0.01)


def test_intervals_of_many_rows_equal_those_of_a_few() -> None:
    model, (X, _, _, c) = fitted("multiclass", max_epochs=2)
    many, clusters = np.tile(X, (6, 1)), np.tile(c, 6)  # more than one piece
    low, high = model.predict_interval(many, clusters=clusters)
    few = model.predict_interval(X[:5], clusters=c[:5])
    np.testing.assert_array_equal(low[-600:-595], few[0])
    np.testing.assert_array_equal(high[-600:-595], few[1])
    with pytest.raises(SpecError, match=r"confidence: expected .*, got 95"):
        model.predict_interval(X, confidence=95)


def test_an_adversary_of_many_clusters_is_judged_as_well() -> None:
    X, y, S, _ = clustered(600)
    model = FairMEDL(cluster_penalty="adversarial", debias=None)
    job = Job(model, 0, None)
    data = job.learn(X, y, S, np.arange(600) % 100, None)
    assert job._blind_losses(plan_of(model), data) == {
        "cluster": pytest.approx(np.log(1 + CANDIDATES))
    }


def test_constant_predictions_are_warned_about() -> None:
    X, y, S, c = clustered(200)
    model = FairMEDL(**{**FAST, "max_epochs": 1, "learning_rate": 1e-9}, slopes="none")
    same = r"all predicted probabilities are the same \(fixed effects\)"
    with pytest.warns(ConvergenceWarning, match=same):
        model.fit(X * 0, y, sensitive_features=S, clusters=c)
    assert len(model.warnings_) == 1  # clusters still differ
    with pytest.warns(ConvergenceWarning, match=r"are the same \(mixed effects\)"):
        clone(model).fit(X * 0, y, sensitive_features=S)


def test_decisions_that_are_the_same_for_all_are_warned_about() -> None:
    X, _, S, c = clustered(400)
    y = (np.random.default_rng(0).random(400) < 0.05 + 0.1 * (X[:, 0] > 1)).astype(int)
    model = FairMEDL(**FAST, debias="rates", lambda_fair_fixed=5.0, lambda_fair_mixed=5.0)
    with pytest.warns(ConvergenceWarning, match="every row is given the label 0"):
        model.fit(X, y, sensitive_features=S, clusters=c)
    found = [w for w in model.warnings_ if "at 0.5 every row is given the label 0" in w]
    assert [("mixed" in w, "fixed" in w) for w in found] == [(True, False), (False, True)]
    assert "lower the fairness weights, or decide at threshold_" in found[0]
    assert np.ptp(model.predict_mixed(X, clusters=c)) > 1e-4  # probabilities do differ


def test_values_have_no_probabilities() -> None:
    model, _ = fitted("regression", max_epochs=1)
    assert not hasattr(model, "predict_proba")
    with pytest.raises(InputError, match="1 class"):
        FairMEDL(task="binary").fit(np.eye(4), np.ones(4))


def test_warnings_say_what_is_wrong() -> None:
    assert constant("binary", np.full((5, 1), 0.3))[0].startswith("all predicted probabilities")
    assert constant("regression", np.arange(5.0)[:, None]) == []
    rare, y = np.array([0.1, 0.3, 0.2]), np.array([0, 1, 0])
    assert one_label(y, rare, ["no", "yes"], "fixed")[0].startswith("at 0.5 every row is given")
    assert one_label(y, rare + 0.3, ["no", "yes"], "fixed") == []
    assert one_label(y * 0, rare, ["no", "yes"], "fixed") == []  # one class: nothing to tell
    three = np.array([[0.5, 0.2, 0.3], [0.4, 0.3, 0.3], [0.6, 0.3, 0.1]])
    assert "label a (mixed effects)" in one_label(y, three, ["a", "b", "c"], "mixed")[0]
    found = one_class(["a", "b"], np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]), "binary")
    assert found[0].startswith("1 of 2 clusters have training rows of one class only (a)")
    history = {"fair fixed": [-0.6, -9.0], "cluster": [1.0, 1.0]}
    worse = collapsed(history, 1, {"fair fixed": 0.69, "cluster": 1.1})
    assert len(worse) == 1
    assert "from the fixed effects collapsed: its loss 9 is above" in worse[0]
    assert "lambda_fair_fixed" in worse[0]
    assert collapsed(history, 0, {"fair fixed": 0.69, "cluster": 1.1}) == []


def test_chance_is_the_conditional_entropy() -> None:
    codes, given = np.array([0, 1, 0, 0, -1]), np.array([0, 0, 1, 1, 1])
    assert entropy_given(codes, given, np.ones(5)) == pytest.approx(np.log(2) / 2)


EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "batches are drawn by row, weighted or not",
    "check_sample_weight_equivalence_on_sparse_data": "batches are drawn by row, weighted or not",
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("task", ["binary", *nightly("auto", "multiclass", "regression")])
def test_scikit_learn_accepts_it(task: Any) -> None:
    model = FairMEDL(
        (16,), task=task, learning_rate=0.02, max_epochs=size(30, 60), batch_size=64,
        patience=None, validation_fraction=0.0,
    )  # fmt: skip
    check_estimator(model, expected_failed_checks=EXPECTED)
