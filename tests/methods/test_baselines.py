"""Baselines: known answers, the worst group, thresholds by group, saving, estimator checks."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import check_estimator

from fairaudit.audit.adapters import adapter
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods.baselines.boosting import PooledBoosting
from fairaudit.methods.baselines.group_networks import DecoupledHeads, GroupDRO
from fairaudit.methods.baselines.linear import PooledLinear
from fairaudit.methods.baselines.network import PooledNetwork
from fairaudit.methods.baselines.thresholds import GroupThresholds
from fairaudit.methods.common.progress import Silent
from fairaudit.methods.common.training_recipe import recipe_of
from tests.sizes import nightly, size


def rows(n=1500, seed=0, rare=0.15):
    """Two groups; the rule of the rare one is reversed."""
    rng = np.random.default_rng(seed)
    X, a = rng.normal(size=(n, 4)), np.where(rng.random(n) < rare, "rare", "many")
    signal = np.where(a == "many", X[:, 0], -X[:, 0]) + 0.3 * rng.normal(size=n)
    return X, signal, a


def fast(estimator, **given):
    known = {"max_epochs": 15, "hidden_sizes": (16,), "random_state": 0}
    return estimator(**{**known, **given})


def test_linear_model_equals_scikit_learn():
    X, signal, _ = rows()
    y = (signal > 0).astype(int)
    wanted = LogisticRegression(C=0.5, max_iter=2000).fit(X, y).predict_proba(X)
    assert np.allclose(PooledLinear(penalty=2.0).fit(X, y).predict_proba(X), wanted, atol=1e-4)
    ridge = Ridge(alpha=2.0).fit(X, signal).predict(X)
    found = PooledLinear(penalty=2.0).fit(X, signal).predict(X)
    assert np.allclose(found, ridge, atol=1e-6)


def test_boosted_trees_equal_scikit_learn():
    X, signal, _ = rows(800)
    settings = {"max_iter": 20, "random_state": 0}
    for y in ((signal > 0).astype(int), np.digitize(signal, [-0.5, 0.5])):
        wanted = HistGradientBoostingClassifier(**settings, early_stopping=False).fit(X, y)
        found = PooledBoosting(**settings).fit(X, y).predict_proba(X)
        assert np.allclose(found, wanted.predict_proba(X), atol=1e-12)
    standard = (signal - signal.mean()) / signal.std()
    wanted = HistGradientBoostingRegressor(**settings, early_stopping=False).fit(X, standard)
    found = PooledBoosting(**settings).fit(X, signal).predict(X)
    assert np.allclose(found, wanted.predict(X) * signal.std() + signal.mean(), atol=1e-12)


def test_validation_rows_choose_the_number_of_trees():
    X, signal, _ = rows(900)
    later = (X[600:], signal[600:])
    model = PooledBoosting(max_iter=300).fit(X[:600], signal[:600], validation=later)
    assert 1 <= model.n_iter_ < 300

    def loss(rounds):
        one = PooledBoosting(max_iter=rounds).fit(X[:600], signal[:600])
        return np.square(one.predict(X[600:]) - signal[600:]).mean()

    kept = loss(model.n_iter_)
    assert np.square(model.predict(X[600:]) - signal[600:]).mean() == pytest.approx(kept)
    assert kept <= min(loss(max(model.n_iter_ // 2, 1)), loss(model.n_iter_ + 15))
    noise = np.random.default_rng(0).normal(size=900)
    assert PooledBoosting().fit(X, noise, validation=(X[:50], -noise[:50])).n_iter_ == 1


def test_weights_of_validation_rows_count():
    X, signal, _ = rows(900)
    opposite = np.where(np.arange(300) < 150, signal[600:], -signal[600:])
    weight = np.where(np.arange(300) < 150, 1.0, 0.0)
    given = {"X": X[:600], "y": signal[:600]}
    half = PooledBoosting().fit(**given, validation=(X[600:750], signal[600:750]))
    weighed = PooledBoosting().fit(**given, validation=(X[600:], opposite, None, None, weight))
    assert weighed.n_iter_ == half.n_iter_ > 1


def test_three_classes_with_text_labels():
    X, signal, _ = rows()
    y = np.array(["low", "mid", "top"])[np.digitize(signal, [-0.5, 0.5])]
    for model in (PooledLinear(), PooledBoosting(), fast(PooledNetwork)):
        model.fit(X, y)
        assert set(model.predict(X)) <= {"low", "mid", "top"}
        assert np.allclose(model.predict_proba(X).sum(1), 1)


def test_network_learns_what_a_line_cannot():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    linear = PooledLinear().fit(X, y).score(X, y)
    network = fast(PooledNetwork, max_epochs=40, hidden_sizes=(32, 16)).fit(X, y).score(X, y)
    assert linear < 0.7 < 0.9 < network


def worst(model, X, y, a, **given):
    right = model.predict(X, **given) == y
    return min(right[a == name].mean() for name in ("many", "rare"))


def test_group_dro_lifts_the_worst_group_above_erm():
    X, signal, a = rows(3000)
    X = np.column_stack([X, (a == "rare") + 0.5 * np.random.default_rng(1).normal(size=3000)])
    y = (signal > 0).astype(int)
    erm = fast(PooledNetwork, max_epochs=8).fit(X, y)
    dro = fast(GroupDRO, max_epochs=8, step_size=0.1).fit(X, y, sensitive_features=a)
    assert worst(dro, X, y, a) > worst(erm, X, y, a) + 0.3
    assert float(dro.group_weights_.sum()) == pytest.approx(1)


def test_decoupled_heads_serve_opposite_groups_where_one_network_cannot():
    X, signal, a = rows(2000)
    y = (signal > 0).astype(int)
    model = fast(DecoupledHeads).fit(X, y, sensitive_features=a)
    assert worst(model, X, y, a, sensitive_features=a) > 0.85
    assert worst(fast(PooledNetwork).fit(X, y), X, y, a) < 0.3


def test_decoupled_heads_answer_unknown_groups_with_the_mean_of_all_heads():
    X, signal, a = rows(400)
    model = fast(DecoupledHeads, max_epochs=2).fit(X, signal, sensitive_features=a)
    each = [model.predict(X, sensitive_features=np.full(400, g)) for g in ("many", "rare")]
    unknown = model.predict(X, sensitive_features=np.full(400, "new"))
    assert np.allclose(unknown, (each[0] + each[1]) / 2)


def test_thresholds_by_group_equalise_selection_rates():
    rng = np.random.default_rng(0)
    n = 4000
    a = rng.choice(["p", "q"], n)
    X = rng.normal(size=(n, 3)) + 0.8 * (a == "p")[:, None]
    y = (X[:, 0] + 0.5 * rng.normal(size=n) > 0.5).astype(int)
    model = GroupThresholds(constraint="demographic_parity").fit(X, y, sensitive_features=a)
    rates = [model.chance_of_positive(X, a)[a == g].mean() for g in ("p", "q")]
    plain = [model.base_.predict(X)[a == g].mean() for g in ("p", "q")]
    assert abs(rates[0] - rates[1]) < 0.01 < 0.2 < abs(plain[0] - plain[1])


def test_thresholds_equal_fairlearn_s_own_predictions():
    from fairlearn.postprocessing import ThresholdOptimizer

    X, signal, a = rows(2000, rare=0.4)
    y = (signal + 0.8 * X[:, 1] > 0).astype(int)
    model = GroupThresholds().fit(X, y, sensitive_features=a)
    own = ThresholdOptimizer(
        estimator=model.base_, constraints="equalized_odds", prefit=True,
        predict_method="predict_proba",
    )  # fmt: skip
    own.fit(X, y, sensitive_features=a)
    wanted = own._pmf_predict(X, sensitive_features=a)[:, 1]
    assert np.allclose(model.chance_of_positive(X, a), wanted, atol=1e-9)


def test_group_with_one_class_keeps_the_threshold_of_a_half():
    X, signal, a = rows(1000, rare=0.3)
    y = np.where(a == "rare", 1, signal > 0).astype(int)
    model = GroupThresholds().fit(X, y, sensitive_features=a)
    assert model.thresholded_.tolist() == [True, False]
    mine = a == "rare"
    assert (model.predict(X, a)[mine] == model.base_.predict(X)[mine]).all()
    with pytest.warns(UserWarning, match="not seen in training"):
        model.predict(X, np.full(1000, "new"))


def test_missing_fairlearn_is_said_with_its_remedy(monkeypatch):
    X, signal, a = rows(100)
    monkeypatch.setitem(sys.modules, "fairlearn.postprocessing", None)
    with pytest.raises(SpecError, match=r"fairaudit\[public\]"):
        GroupThresholds().fit(X, (signal > 0).astype(int), sensitive_features=a)


@pytest.mark.parametrize(
    "model",
    [
        PooledLinear(),
        PooledBoosting(max_iter=5),
        fast(PooledNetwork, max_epochs=2),
        fast(GroupDRO, max_epochs=2),
        fast(DecoupledHeads, max_epochs=2),
        GroupThresholds(),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["no", "yes"])])
def test_saved_models_answer_the_same(tmp_path, model, labels):
    X, signal, a = rows(400)
    y = labels[(signal > 0).astype(int)]
    grouped = isinstance(model, DecoupledHeads | GroupDRO | GroupThresholds)
    given = {"sensitive_features": a} if grouped else {}
    model.fit(X, y, **given)
    model.save(tmp_path / "model")
    again = type(model).load(tmp_path / "model")
    assert (again.predict(X, **given) == model.predict(X, **given)).all()
    assert (again.predict_proba(X, **given) == model.predict_proba(X, **given)).all()
    assert again.get_params() == model.get_params()


def test_validation_rows_stop_the_training():
    X, _, _ = rows(300)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, 300)
    later = (rng.normal(size=(200, 4)), rng.integers(0, 2, 200))
    model = fast(PooledNetwork, max_epochs=60, patience=3, hidden_sizes=(64,))
    model.fit(X, noise, validation=later)
    assert len(model.fit_.history) < 60
    losses = [epoch["validation_loss"] for epoch in model.fit_.history]
    assert model.fit_.best_epoch == int(np.argmin(losses))


def test_images_train_a_network(tmp_path):
    rng = np.random.default_rng(0)
    n = size(60, 120)
    y = rng.integers(0, 2, n)
    X = (rng.integers(0, 60, (n, 16, 16, 1)) + y[:, None, None, None] * 150).astype(np.uint8)
    model = PooledNetwork(
        max_epochs=size(5, 10), batch_size=32, learning_rate=0.02, random_state=0
    )
    model.fit(X, y, validation=(X, y))
    assert model.score(X, y) > 0.9
    model.save(tmp_path / "model")
    assert (PooledNetwork.load(tmp_path / "model").predict(X) == model.predict(X)).all()
    for model in (PooledLinear(), PooledBoosting()):
        with pytest.raises(SpecError, match="table of features"):
            model.fit(X, y)


@pytest.mark.parametrize(
    ("given", "shape", "size"),
    [
        (None, (5000, 8), 256),
        (None, (384, 28, 28, 1), 16),
        (None, (1440, 64, 64, 3), 45),
        (None, (50_000, 64, 64, 3), 256),
        (64, (384, 28, 28, 1), 64),
    ],
)
def test_small_image_sets_get_enough_steps(given, shape, size):
    assert recipe_of(PooledNetwork(batch_size=given), shape).batch_size == size


@pytest.mark.parametrize("wrong", [np.array([1.0, -1.0]), np.ones(3), np.zeros(2)])
def test_impossible_weights_are_refused(wrong):
    with pytest.raises(InputError, match="sample_weight"):
        PooledLinear().fit(np.eye(2), [0, 1], sample_weight=wrong)


# -- adapters -------------------------------------------------------------------------------------


def arrays(task="binary", images=False):
    X, signal, a = rows(600)
    if images:
        X = np.zeros((600, 8, 8, 1), np.uint8)
    y = {
        "binary": (signal > 0).astype(np.int64),
        "multiclass": np.digitize(signal, [-0.5, 0.5]).astype(np.int64),
        "regression": signal * 3 + 7,
    }[task]
    split = np.random.default_rng(1).choice([0, 1, 2], 600, p=[0.6, 0.2, 0.2]).astype(np.int8)
    classes = {"binary": ("n", "p"), "multiclass": ("a", "b", "c"), "regression": ()}[task]
    return Arrays(
        X, y, task, (a == "rare").astype(float)[:, None], {"group": a}, None, None,
        np.arange(600), split, tuple("abcd"), ("group=rare",), classes,
    )  # fmt: skip


def run(name, data, **params):
    if name.startswith("boosting"):
        params = {"max_iter": 10}
    elif name not in ("linear", "linear-s", "threshold"):
        params = {"max_epochs": 2, "hidden_sizes": [8], **params}
    return adapter(name)(data, params, seed=0, device="cpu", monitor=Silent(), confidence=0.95)


NAMES = ("linear", "linear-s", "boosting", "boosting-s", "erm", "erm-s", "group-dro", "decoupled")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", NAMES)
def test_adapters_answer_for_every_row(name, task):
    found = run(name, arrays(task)).predictions[name]
    assert found.label.shape == (600,)
    if task == "regression":
        assert found.score is None
        assert 5 < found.label.mean() < 9
    else:
        assert found.label.dtype == np.int64
        assert found.score.shape == ((600,) if task == "binary" else (600, 3))


def test_threshold_adapter_answers_and_refuses_other_tasks():
    found = run("threshold", arrays())
    assert found.predictions["threshold"].score.shape == (600,)
    with pytest.raises(SpecError, match="binary target"):
        run("threshold", arrays("regression"))


@pytest.mark.parametrize("clustered", [False, True])
def test_a_validation_row_does_not_choose_its_own_threshold(clustered):
    data = arrays()
    cluster = np.arange(600) // 3 if clustered else None
    one = Arrays(**{**vars(data), "cluster": cluster})
    unit = np.arange(600) if cluster is None else cluster
    held = np.unique(unit[data.split == 1])
    halves = np.random.default_rng(0).permutation(held)[: len(held) // 2]
    mine = (data.split == 1) & np.isin(unit, halves)
    y = np.where(mine, 1 - data.y, data.y)
    two = Arrays(**{**vars(one), "y": y})
    first, second = (run("threshold", d).predictions["threshold"].label for d in (one, two))
    others = (data.split == 1) & ~mine
    assert (first == second)[mine].all()  # their own outcomes do not move their thresholds
    assert (first != second)[others].any()  # those of the other half do


def test_test_rows_never_teach():
    data = arrays()
    spoiled = Arrays(**{**vars(data), "y": np.where(data.split == 2, 1 - data.y, data.y)})
    for name in (*NAMES, "threshold"):
        one, two = (run(name, d).predictions[name].label for d in (data, spoiled))
        assert (one == two).all(), name


def test_seeing_the_sensitive_column_helps_when_rules_differ():
    data = arrays()
    blind, seeing = (
        run(name, data, max_epochs=40, batch_size=64, hidden_sizes=[16]).predictions[name].label
        for name in ("erm", "erm-s")
    )
    rare = (data.groups["group"] == "rare") & (data.split == 2)
    assert (seeing == data.y)[rare].mean() > (blind == data.y)[rare].mean() + 0.2


def test_requests_that_cannot_work_are_refused_in_words():
    data = arrays()
    with pytest.raises(SpecError, match="parameter 'depth'"):
        run("erm", data, depth=2)
    with pytest.raises(SpecError, match="'age' is not declared"):
        run("group-dro", data, attributes=["age"])
    bare = Arrays(**{**vars(data), "groups": {}, "sensitive": np.zeros((600, 0))})
    for name in ("erm-s", "linear-s", "boosting-s", "group-dro", "threshold"):
        with pytest.raises(SpecError, match="sensitive columns"):
            run(name, bare)
    with pytest.raises(SpecError, match="images"):
        run("erm-s", arrays(images=True))


# -- scikit-learn ---------------------------------------------------------------------------------

RANDOM_SPLIT = {
    "check_sample_weight_equivalence_on_dense_data": "validation rows and batches are drawn, "
    "so a row given twice is not the same as a weight of two",
}
BINS = {
    "check_sample_weight_equivalence_on_dense_data": "bins and the fewest rows of a leaf count "
    "rows, whatever they weigh",
}
THRESHOLDS = {
    "check_classifiers_train": "probabilities stay the pooled model's; labels follow thresholds",
}


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (PooledLinear(), {}),
        (PooledLinear(task="multiclass"), {}),
        (PooledLinear(task="regression"), {}),
        (PooledBoosting(max_iter=60, min_samples_leaf=5), BINS),
        (fast(PooledNetwork, batch_size=32), RANDOM_SPLIT),
        (GroupThresholds(), THRESHOLDS),
        *nightly(
            (PooledBoosting(max_iter=60, min_samples_leaf=5, task="regression"), BINS),
            (fast(PooledNetwork, task="regression", batch_size=32, max_epochs=30), RANDOM_SPLIT),
            (fast(GroupDRO, batch_size=32), RANDOM_SPLIT),
            (fast(DecoupledHeads, batch_size=32), RANDOM_SPLIT),
        ),
    ],
    ids=lambda v: f"{type(v).__name__} {getattr(v, 'task', '')}",
)
def test_scikit_learn_accepts_the_estimators(model, known):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_estimator(model, expected_failed_checks=known, on_skip=None)
