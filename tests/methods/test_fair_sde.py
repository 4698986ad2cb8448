"""FairSDE as a user meets it: toy tables with known answers, unknown groups, images, saving."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.utils.estimator_checks import check_estimator

from fairaudit.exceptions import Cancelled, InputError, SpecError, TrainingError
from fairaudit.methods.common.training import shuffled, train
from fairaudit.methods.fair_sde.estimator import FairSDE
from fairaudit.text.sentences.choice_reasons import reason
from tests.sizes import nightly, size

NAMES = np.array(["a", "b", "c"])


def toy(kind, n, seed):
    """Three groups of 60, 30 and 10% whose rules are very different, mildly so, or the same."""
    rng = np.random.default_rng(seed)
    a = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    X = rng.normal(size=(n, 8))
    rule = np.r_[1.5, 1.0, np.zeros(6)]
    rules = {
        "very different": [rule, np.roll(rule, 3), -rule],
        "the same": [rule, rule, rule],
    }[kind]
    y = (np.einsum("np,np->n", X, np.array(rules)[a]) + 0.9 * rng.normal(size=n) > 0).astype(int)
    return X, y, NAMES[a]


def fast(**given):
    return FairSDE(**{"max_epochs": 12, "hidden_sizes": (32, 16), "random_state": 0, **given})


@pytest.fixture(scope="module")
def trained():
    X, y, a = toy("very different", 3000, 0)
    return FairSDE(max_epochs=25, random_state=0, objective="max_min").fit(
        X, y, sensitive_features=a
    )


@pytest.fixture(scope="module")
def fresh():
    return toy("very different", 12000, 100)


def by_group(right, a):
    return {name: right[a == name].mean() for name in NAMES}


def test_very_different_rules_gain_8_points_and_close_the_gap(trained, fresh):
    X, y, a = fresh
    chosen = trained.predict(X, sensitive_features=a) == y
    baseline = trained.predict_baseline(X) == y
    assert chosen.mean() >= baseline.mean() + 0.08
    before, after = (by_group(right, a).values() for right in (baseline, chosen))
    assert max(after) - min(after) < (max(before) - min(before)) / 4


def test_no_group_is_harmed_on_fresh_rows_beyond_its_interval(trained, fresh):
    X, y, a = fresh
    change = (trained.predict(X, sensitive_features=a) == y).astype(int)
    change -= trained.predict_baseline(X) == y
    for name in NAMES:
        mine = change[a == name]
        assert mine.mean() > -1.645 * mine.std() / np.sqrt(len(mine)) - 1e-9


def test_identical_rules_keep_the_baseline_in_95_percent_of_runs():
    runs = size(8, 40)
    kept = 0
    for seed in range(runs):
        X, y, a = toy("the same", 1200, seed)
        model = fast(random_state=seed, max_epochs=8, hidden_sizes=(16,))
        kept += not model.fit(X, y, sensitive_features=a).use_expert_.any()
    assert kept >= 0.95 * runs


def test_selection_table_can_be_checked_by_hand(trained):
    table = trained.selection_
    for row in table.iter_rows(named=True):
        cells = [row[k] for k in ("both_right", "expert_only", "baseline_only", "neither")]
        assert sum(cells) == row["n"]
        assert row["difference"] == pytest.approx((cells[1] - cells[2]) / row["n"])
        assert row["expert"] == pytest.approx((cells[0] + cells[1]) / row["n"])
        assert row["admissible"] == (row["lower"] > 0)
        assert row["chosen"] in ("expert", "baseline")
        assert row["chosen"] == "baseline" or row["admissible"]
    assert {"group", "verdict", "reason", "upper"} <= set(table.columns)


def test_paper_rule_compares_point_estimates(fresh):
    X, y, a = (v[:1500] for v in fresh)
    model = fast(confidence=None, objective="max_min").fit(X, y, sensitive_features=a)
    better = (model.selection_["difference"] > 0).to_numpy()
    assert (model.use_expert_ == better).all()


def test_chosen_answers_come_from_the_chosen_model(trained, fresh):
    X, _, a = (v[:2000] for v in fresh)
    experts, baseline = trained.predict_experts(X), trained.predict_baseline(X)
    assert experts.shape == (2000, 3)
    found = trained.predict(X, sensitive_features=a)
    for g, name in enumerate(NAMES):
        wanted = experts[:, g] if trained.use_expert_[g] else baseline
        assert (found[a == name] == wanted[a == name]).all()
    proba = trained.predict_proba(X, sensitive_features=a)
    assert np.allclose(proba.sum(1), 1)
    assert (proba.argmax(1) == found).all()


def test_unseen_group_gets_the_baseline_with_a_warning(trained, fresh):
    X, _, a = (v[:300] for v in fresh)
    strange = np.where(a == "c", "d", a)
    with pytest.warns(UserWarning, match="not seen in training"):
        found = trained.predict(X, sensitive_features=strange)
    assert (found[a == "c"] == trained.predict_baseline(X)[a == "c"]).all()


def test_without_groups_the_discriminator_guesses(trained, fresh):
    X, _, _ = (v[:500] for v in fresh)
    guessed = trained.predict_group(X)
    assert set(guessed) <= set(NAMES)
    assert (trained.predict(X) == trained.predict(X, sensitive_features=guessed)).all()


def test_same_seed_same_numbers():
    X, y, a = toy("very different", 800, 3)
    one, two = (fast().fit(X, y, sensitive_features=a) for _ in range(2))
    assert (one.predict_proba(X, a) == two.predict_proba(X, a)).all()
    other = fast(random_state=1).fit(X, y, sensitive_features=a)
    assert not (one.predict_proba(X, a) == other.predict_proba(X, a)).all()


@pytest.mark.parametrize("training", ["joint", "staged"])
def test_saved_model_answers_the_same(tmp_path, training, fresh):
    X, y, a = (v[:1500] for v in fresh)
    model = fast(training=training).fit(X, y, sensitive_features=a)
    model.save(tmp_path / "model")
    again = FairSDE.load(tmp_path / "model")
    assert (again.predict_proba(X, a) == model.predict_proba(X, a)).all()
    assert (again.predict_experts(X) == model.predict_experts(X)).all()
    assert again.selection_.equals(model.selection_)
    assert again.get_params() == {**model.get_params(), "pretrained": None}


def test_staged_training_freezes_the_encoder_for_the_experts(fresh):
    X, y, a = (v[:1500] for v in fresh)
    model = fast(training="staged", lambdas=(1.0, 0.1, 0.1)).fit(X, y, sensitive_features=a)
    parts = {row["part"] for row in model.history_}
    assert parts == {"baseline", "representation", "experts"}
    stage = {r["metric"] for r in model.history_ if r["part"] == "experts"}
    assert stage == {"experts", "loss", "validation_loss"}


def test_history_holds_every_loss(trained):
    metrics = {r["metric"] for r in trained.history_ if r["part"] == "experts"}
    assert {"experts", "discriminator", "centres", "divergence", "loss"} <= metrics


def test_regression_chooses_by_squared_error():
    rng = np.random.default_rng(0)
    X, a = rng.normal(size=(2500, 4)), rng.choice(["p", "q"], 2500)
    y = np.where(a == "p", X[:, 0], -X[:, 0]) * 3 + 50 + rng.normal(size=2500) * 0.3
    model = fast(metric="neg_mse", max_epochs=25).fit(X, y, sensitive_features=a)
    assert model.use_expert_.all()
    found = model.predict(X, sensitive_features=a)
    assert np.mean((found - y) ** 2) < 0.2 * np.mean((model.predict_baseline(X) - y) ** 2)
    assert model.predict_experts(X).shape == (2500, 2)
    assert not hasattr(model, "predict_proba")


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc"])
def test_other_metrics_choose_and_answer(metric):
    X, y, a = toy("very different", 2500, 5)
    keep = (y == 0) | (np.random.default_rng(0).random(len(y)) < 0.3)  # a rare class
    X, y, a = X[keep], y[keep], a[keep]
    model = fast(metric=metric, max_epochs=20).fit(X, y, sensitive_features=a)
    assert model.use_expert_[2]  # the reversed group
    assert model.selection_["metric"].unique().to_list() == [metric]


def test_a_rare_class_is_still_predicted_under_balanced_accuracy():
    X, y, a = toy("the same", 3000, 6)
    keep = (y == 0) | (np.random.default_rng(0).random(len(y)) < 0.1)
    X, y, a = X[keep], y[keep], a[keep]
    plain, balanced = (
        fast(metric=m).fit(X, y, sensitive_features=a).predict(X, sensitive_features=a)
        for m in ("accuracy", "balanced_accuracy")
    )
    assert balanced[y == 1].mean() > plain[y == 1].mean() + 0.1


def test_group_with_one_class_keeps_the_baseline_under_auroc():
    X, y, a = toy("the same", 1500, 7)
    y = np.where(a == "c", 1, y)
    model = fast(metric="auroc").fit(X, y, sensitive_features=a)
    row = model.selection_.filter(group="c").row(0, named=True)
    assert (row["verdict"], row["chosen"]) == ("cannot be judged", "baseline")
    assert row["rows_needed"] > 0
    assert row["reason"] == "unjudged"
    assert str(row["rows_needed"]) in reason(row)


def test_several_classes_and_text_labels():
    rng = np.random.default_rng(0)
    X, a = rng.normal(size=(1500, 4)), rng.choice(["p", "q"], 1500)
    y = np.array(["low", "mid", "top"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    model = fast(max_epochs=15).fit(X, y, sensitive_features=a)
    found = model.predict(X, sensitive_features=a)
    assert (found == y).mean() > 0.8
    assert model.predict_proba(X, sensitive_features=a).shape == (1500, 3)


def test_attributes_make_intersections_and_sparse_cells_join_the_coarser_group():
    rng = np.random.default_rng(0)
    n = 1600
    X = rng.normal(size=(n, 4))
    sex = rng.choice(["F", "M"], n)
    race = rng.choice(["A", "B", "C", "D"], n, p=[0.6, 0.36, 0.02, 0.02])
    y = (X[:, 0] + rng.normal(size=n) > 0).astype(int)
    model = fast(min_group_rows=30).fit(X, y, sensitive_features=np.column_stack([sex, race]))
    assert set(model.groups_.names) == {
        "F × A", "F × B", "F × (other)", "M × A", "M × B", "M × (other)",
    }  # fmt: skip
    row = model.selection_.filter(group="F × (other)").row(0, named=True)
    assert row["merged"] == ["F × C", "F × D"]
    assert "F × C, F × D" in reason(row)
    assert any("F × (other)" in note for note in model.warnings_)
    assert sum(model.selection_["n"]) == pytest.approx(n * 0.25, abs=8)


def test_a_group_with_one_row_trains_and_keeps_the_baseline():
    X, y, a = toy("the same", 600, 8)
    a = a.astype(object)
    a[0] = "alone"
    model = fast(max_epochs=3).fit(X, y, sensitive_features=a)
    row = model.selection_.filter(group="alone").row(0, named=True)
    assert (row["chosen"], row["verdict"]) == ("baseline", "cannot be judged")
    assert np.isfinite(model.predict_proba(X, sensitive_features=a)).all()


def test_given_validation_rows_are_the_ones_that_choose():
    X, y, a = toy("very different", 1500, 9)
    later = toy("very different", 700, 10)
    model = fast().fit(X, y, sensitive_features=a, validation=later)
    assert model.selection_["n"].sum() == 700


def test_a_class_only_in_validation_is_refused():
    X, y, a = toy("the same", 900, 11)
    X_later, y_later, a_later = toy("the same", 300, 12)
    with pytest.raises(InputError, match=r"validation: y: expected labels .* got 2 in \d+ of 300"):
        fast().fit(X, y, sensitive_features=a, validation=(X_later, y_later + 1, a_later))


def test_clusters_of_validation_rows_reach_the_bounds():
    X, y, a = toy("very different", 1500, 9)
    cluster = np.argsort(np.argsort(X[:, 0])) // 25  # rows that are alike lie together
    alone, together = (
        fast().fit(X, y, sensitive_features=a, clusters=c).selection_["lower"].to_numpy()
        for c in (None, cluster)
    )
    assert (together <= alone + 1e-12).all()
    assert (together < alone - 1e-3).any()


def test_frames_of_pandas_and_polars_are_welcome():
    X, y, a = toy("very different", 500, 13)
    names = [f"f{i}" for i in range(8)]
    plain = fast(max_epochs=3).fit(X, y, sensitive_features=a)
    pandas_model = fast(max_epochs=3).fit(
        pd.DataFrame(X, columns=names), pd.Series(y), sensitive_features=pd.Series(a)
    )
    polars_model = fast(max_epochs=3).fit(
        pl.DataFrame(X, schema=names), pl.Series(y), sensitive_features=pl.Series(a)
    )
    wanted = plain.predict_proba(X, a)
    assert np.allclose(pandas_model.predict_proba(pd.DataFrame(X, columns=names), a), wanted)
    assert np.allclose(polars_model.predict_proba(pl.DataFrame(X, schema=names), a), wanted)


def test_weights_of_zero_take_rows_out():
    X, y, a = toy("very different", 1200, 14)
    weight = np.where(a == "c", 0.0, 1.0)
    model = fast(max_epochs=15).fit(X, y, sensitive_features=a, sample_weight=weight)
    assert (model.predict_baseline(X) == y)[a == "c"].mean() < 0.35  # the reversed group


def bright_or_dark(n, seed):
    """Images whose class is their brightness, reversed for one group."""
    rng = np.random.default_rng(seed)
    a, y = rng.choice(["p", "q"], n), rng.integers(0, 2, n)
    level = np.where(a == "p", y, 1 - y)[:, None, None, None] * 120 + 40
    marked = (a == "q")[:, None, None, None] * np.arange(16)[None, None, :, None] * 5
    noise = rng.integers(0, 30, (n, 16, 16, 3))
    return (level + marked + noise).clip(0, 255).astype(np.uint8), y, a


@pytest.mark.slow
def test_images_train_experts_from_a_memory_map(tmp_path):
    X, y, a = bright_or_dark(size(80, 400), 0)
    np.save(tmp_path / "images.npy", X)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    model = FairSDE(max_epochs=4, batch_size=64, random_state=0, learning_rate=0.02)
    model.fit(mapped, y, sensitive_features=a)
    X_later, y_later, a_later = bright_or_dark(size(40, 200), 1)
    assert (model.predict(X_later, sensitive_features=a_later) == y_later).mean() > 0.9
    model.save(tmp_path / "model")
    again = FairSDE.load(tmp_path / "model")
    assert (again.predict_proba(X_later, a_later) == model.predict_proba(X_later, a_later)).all()
    with pytest.raises(InputError, match="same size"):
        model.predict(np.zeros((2, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"lambdas": (0.1, -1, 0)}, SpecError, "lambdas"),
        ({"training": "staged", "lambdas": (0, 0, 0)}, SpecError, "staged"),
        ({"training": "twice"}, SpecError, "training"),
        ({"metric": "neg_mse", "task": "binary"}, SpecError, "does not fit"),
        ({"lambdas": 0.1}, SpecError, "lambdas"),
        ({"lambdas": (0.1, float("nan"), 0.1)}, SpecError, "lambdas"),
        ({"confidence": 1.5}, SpecError, "confidence"),
        ({"confidence": "0.95"}, SpecError, "confidence"),
        ({"tolerance": None}, SpecError, "tolerance"),
        ({"random_state": -1}, SpecError, "random_state"),
        ({"encoder": "transformer"}, SpecError, "not known"),
        ({"hidden_sizes": (8, 0)}, SpecError, "hidden_sizes"),
        ({"hidden_sizes": 8}, SpecError, "hidden_sizes"),
        ({"max_epochs": 1.5}, SpecError, "max_epochs"),
        ({"batch_size": 3.5}, SpecError, "batch_size"),
        ({"weight_decay": -1.0}, SpecError, "weight_decay"),
        ({"validation_share": 1.0}, SpecError, "validation_share"),
        ({"objective": "best"}, SpecError, "objective"),
        ({"encoder": "resnet18"}, InputError, "resnet18"),
        ({"max_epochs": 0}, SpecError, "max_epochs"),
        ({"device": "abacus"}, SpecError, "device"),
    ],
)
def test_impossible_parameters_are_refused_before_training(change, error, words):
    X, y, a = toy("the same", 100, 0)
    with pytest.raises(error, match=words):
        fast(max_epochs=1).set_params(**change).fit(X, y, sensitive_features=a)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": np.array(["a", None] * 60)}, "60 of 120 labels are missing in y"),
        ({"y": np.linspace(0, 1, 120)}, "neg_mse"),
        ({"sensitive_features": "everybody"}, "got one str"),
        ({"sensitive_features": np.zeros((120, 2, 2))}, r"got shape \(120, 2, 2\)"),
        ({"sample_weight": ["heavy"] * 120}, "sample_weight"),
        ({"sample_weight": np.r_[np.inf, np.ones(119)]}, "finite"),
        ({"sensitive_features": np.linspace(0, 1, 120)}, "bin it into a few ranges"),
        ({"sensitive_features": np.arange(120)}, "120 different values in 120 rows"),
        ({"validation": (np.zeros((9, 8)), np.zeros(9), None)}, "got no sensitive_features"),
        ({"validation": pd.DataFrame(np.zeros((9, 8)))}, "validation: expected"),
        ({"X": np.zeros((120, 8, 8), np.uint8)}, r"X\[..., None\]"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_the_remedy(change, words):
    X, y, a = toy("the same", 120, 0)
    known = {"X": X, "y": y, "sensitive_features": a, **change}
    with pytest.raises(InputError, match=words):
        fast(max_epochs=1).fit(**known)


def images(n=48):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return pixels, rng.integers(0, 2, n), rng.choice(["p", "q"], n)


def test_one_image_a_step_is_refused():
    X, y, a = images()
    with pytest.raises(SpecError, match="at least 2 for images"):
        fast(batch_size=1, max_epochs=1).fit(X, y, sensitive_features=a)


def test_a_training_that_ran_away_is_no_model():
    net = torch.nn.Linear(1, 1)
    rows = shuffled(4, 2, torch.device("cpu"))
    with pytest.raises(TrainingError, match="lower learning_rate"):
        train(
            net,
            lambda _: {"loss": torch.zeros(())},
            rows,
            max_epochs=2,
            seed=0,
            validate=lambda: {"loss": float("nan")},
        )


@pytest.mark.nightly
@pytest.mark.slow
def test_values_of_images_are_learnt_with_the_usual_rate():
    X, y, a = images(96)
    X = (X // 4 + 120 * y[:, None, None, None]).astype(np.uint8)
    y = 10 + 1.5 * y
    model = fast(metric="neg_mse", max_epochs=3, augment=False).fit(X, y, sensitive_features=a)
    assert np.mean((model.predict(X, sensitive_features=a) - y) ** 2) < np.var(y)


def test_other_attributes_than_in_training_are_refused(trained, fresh):
    X, _, a = (v[:50] for v in fresh)
    with pytest.raises(InputError, match="expected 1 column as in training, got 2 columns"):
        trained.predict(X, sensitive_features=np.column_stack([a, a]))


@pytest.mark.parametrize("training", ["joint", "staged"])
def test_without_hidden_layers_the_features_are_the_embedding(training):
    X, y, a = toy("very different", 900, 15)
    model = fast(hidden_sizes=(), training=training, objective="max_min").fit(
        X, y, sensitive_features=a
    )
    assert model.net_.encoder.out_features == X.shape[1]
    assert model.predict_experts(X).shape == (900, 3)


def test_missing_groups_are_one_group_however_they_are_written():
    X, y, a = toy("the same", 300, 16)
    none = np.where(a == "c", None, a)
    written = [none, pd.Series(none, dtype="string"), pd.Series(none).astype("category"),
               pl.Series(none.tolist())]  # fmt: skip
    names = [fast(max_epochs=1).fit(X, y, sensitive_features=w).groups_.names for w in written]
    assert set(names) == {("(missing)", "a", "b")}


def test_clusters_may_be_missing():
    X, y, a = toy("the same", 300, 17)
    clusters = np.where(np.arange(300) % 7 == 0, None, (np.arange(300) % 30).astype(str))
    model = fast(max_epochs=1).fit(X, y, sensitive_features=a, clusters=clusters)
    assert model.selection_["n"].sum() > 0


def test_validation_rows_of_unknown_groups_are_counted_in_a_warning():
    X, y, a = toy("the same", 300, 18)
    later = X[:60], y[:60], np.where(np.arange(60) < 9, "new", a[:60])
    model = fast(max_epochs=1).fit(X, y, sensitive_features=a, validation=later)
    assert model.selection_["n"].sum() == 51
    assert any(note.startswith("9 validation rows") for note in model.warnings_)


def test_auroc_of_three_classes_is_refused():
    X, y, a = toy("the same", 120, 0)
    with pytest.raises(SpecError, match="two classes"):
        fast(metric="auroc").fit(X, y + (X[:, 1] > 1), sensitive_features=a)


class Impatient:
    def start(self, task, total=None):
        self.task = task

    def step(self, done=1, **metrics):
        if self.task == "experts":
            raise Cancelled("enough")

    def end(self):
        pass


def test_training_can_be_cancelled_between_batches():
    X, y, a = toy("the same", 400, 0)
    with pytest.raises(Cancelled):
        fast().fit(X, y, sensitive_features=a, monitor=Impatient())


RANDOM_SPLIT = {
    "check_sample_weight_equivalence_on_dense_data": "validation rows and batches are drawn, "
    "so a row given twice is not the same as a weight of two",
}


@pytest.mark.parametrize("metric", ["accuracy", *nightly("neg_mse")])
def test_scikit_learn_accepts_the_estimator(metric):
    model = FairSDE(metric=metric, max_epochs=size(8, 20), hidden_sizes=(16,), batch_size=32)
    check_estimator(model, expected_failed_checks=RANDOM_SPLIT, on_skip=None)
