"""RomeMoE: losses against plain loops, batches against single fits, what experts may see."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from fairaudit.exceptions import Cancelled, InputError, SpecError
from fairaudit.methods.common.progress import Silent
from fairaudit.methods.rome.moe import RomeMoE
from fairaudit.methods.rome.moe_losses import Worst, entropy, expert_losses, imbalance, row_losses
from fairaudit.methods.rome.moe_network import StackedMixture
from tests.sizes import nightly

RNG = np.random.default_rng
LOGS = torch.log_softmax(torch.as_tensor(RNG(0).normal(size=(2, 12, 3))), dim=2)
WEIGHT = torch.as_tensor(RNG(1).uniform(0.5, 2, (2, 12)))
LOSS = torch.as_tensor(RNG(2).uniform(0, 3, (2, 12)))


def rows(n: int = 500, seed: int = 0) -> tuple[Any, Any, Any]:
    """Features, sensitive attributes and outcome of two hidden groups with opposite slopes."""
    rng = RNG(seed)
    X, S = rng.normal(size=(n, 3)), rng.integers(0, 2, (n, 2)).astype(float)
    y = np.where(S[:, 0] == 1, 2 * X[:, 0], X[:, 1] - 2 * X[:, 0]) + 0.1 * rng.normal(size=n)
    return X, S, y


def quick(n_groups: int = 2, **params: Any) -> RomeMoE:
    base = {"max_epochs": 4, "hidden_size": 16, "learning_rate": 1e-2, "random_state": 0}
    return RomeMoE(n_groups, **{**base, **params})


# -- losses --------------------------------------------------------------------------------


def test_regression_loss_is_the_squared_error_of_the_mixed_value() -> None:
    outputs, target = torch.randn(2, 12, 3, 1), torch.randn(2, 12)
    found = row_losses(LOGS.float(), outputs, target)
    for m in range(2):
        for i in range(12):
            mixed = float(LOGS[m, i].exp().float() @ outputs[m, i, :, 0])
            assert found[m, i].item() == pytest.approx((mixed - target[m, i].item()) ** 2, 1e-4)


def test_classification_loss_is_that_of_the_mixed_probabilities() -> None:
    outputs = torch.randn(2, 12, 3, 4)
    target = torch.randint(0, 4, (2, 12))
    found = row_losses(LOGS.float(), outputs, target)
    proba = (LOGS.float().exp()[..., None] * torch.softmax(outputs, dim=3)).sum(2)
    expected = torch.nn.functional.nll_loss(
        proba.log().flatten(0, 1), target.flatten(), reduction="none"
    )
    torch.testing.assert_close(found.flatten(), expected)


@pytest.mark.parametrize("form", ["soft", "hard"])
def test_the_worst_group_is_that_of_a_plain_loop(form: str) -> None:
    found = Worst(form, 0.0, torch.ones(2, 3))(LOSS, LOGS, WEIGHT)
    gate = LOGS.exp()
    for m in range(2):
        worst = -np.inf
        for k in range(3):
            share = gate[m, :, k] * (gate[m, :, k] > 0.1)
            if form == "hard":
                share = (gate[m].argmax(1) == k).double()
            mass = share * WEIGHT[m]
            if mass.sum() > 0:
                worst = max(worst, float((mass * LOSS[m]).sum() / mass.sum()))
        assert found[m].item() == pytest.approx(worst)


def test_group_weights_move_to_the_group_with_the_larger_loss() -> None:
    worst = Worst("group", 1.0, torch.full((2, 3), 1 / 3, dtype=torch.float64))
    each, _ = expert_losses(LOSS, LOGS.exp(), WEIGHT)
    before = (each / 3).sum(1)
    for _ in range(200):
        after = worst(LOSS, LOGS, WEIGHT)
    assert (worst.q.sum(1) - 1).abs().max() < 1e-9
    assert (worst.q.argmax(1) == each.argmax(1)).all()
    torch.testing.assert_close(after, each.amax(1), atol=1e-3, rtol=0)
    assert (after >= before).all()


def test_the_hard_form_has_no_gradient_through_the_assignment() -> None:
    logits = torch.randn(1, 12, 3, dtype=torch.float64, requires_grad=True)
    loss = Worst("hard", 0.0, torch.ones(1, 3))(
        LOSS[:1], torch.log_softmax(logits, dim=2), WEIGHT[:1]
    )
    assert not loss.requires_grad


def test_balance_is_zero_for_equal_use_and_entropy_that_of_a_coin() -> None:
    even = torch.full((1, 5, 4), 0.25).log()
    one = torch.tensor([0.97, 0.01, 0.01, 0.01]).log().expand(1, 5, 4)
    weight = torch.ones(1, 5)
    assert imbalance(even, weight).item() == pytest.approx(0, abs=1e-6)
    assert imbalance(one, weight).item() > 2.5
    assert entropy(even, weight).item() == pytest.approx(np.log(4), rel=1e-5)


# -- the stacked network -----------------------------------------------------------------------


def test_stacked_experts_are_two_layer_networks_each() -> None:
    net = StackedMixture([0, 1], [3, 3], 4, 2, 5, 6, 2, 0.0)
    x, s = torch.randn(2, 7, 4), torch.randn(2, 7, 2)
    experts, gate = net.experts(x), net.gate(s)
    for m in range(2):
        w1 = net.w1[m].reshape(4, 3, 5)
        b1 = net.b1[m].reshape(3, 5)
        for k in range(3):
            hidden = torch.relu(x[m] @ w1[:, k] + b1[k])
            expected = hidden @ net.w2[m, k] + net.b2[m, k]
            torch.testing.assert_close(experts[m, :, k], expected, atol=1e-5, rtol=1e-4)
        logits = torch.relu(s[m] @ net.v1[m] + net.c1[m]) @ net.v2[m] + net.c2[m]
        torch.testing.assert_close(gate[m], torch.log_softmax(logits, 1), atol=1e-5, rtol=1e-4)


def test_the_first_member_of_an_ensemble_is_the_single_fit() -> None:
    X, S, y = rows()
    single = quick().fit(X, y, sensitive_features=S)
    three = quick(n_members=3).fit(X, y, sensitive_features=S)
    for name, value in single._net.state_dict().items():
        torch.testing.assert_close(three._net.state_dict()[name][:1], value, atol=1e-4, rtol=1e-3)
    assert three.predict(X, S).shape == (500,)


def test_group_counts_train_together_as_they_do_alone() -> None:
    X, S, y = rows()
    params = {"max_epochs": 3, "hidden_size": 8, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = RomeMoE.fit_counts(X, y, sensitive_features=S, n_groups=[1, 3], **params)
        alone = RomeMoE(3, **params).fit(X, y, sensitive_features=S)
    assert found[1].predict_groups(X, S).shape == (500, 1)
    np.testing.assert_allclose(found[3].predict(X, S), alone.predict(X, S), atol=1e-3)
    np.testing.assert_allclose(found[1].predict_membership(S), 1.0)


def test_renumbering_experts_changes_no_answer() -> None:
    X, S, y = rows(100)
    model = quick(3).fit(X, y, sensitive_features=S)
    before, groups = model.predict(X, S), model.predict_groups(X, S)
    model._net.reorder(0, torch.tensor([2, 0, 1]))
    np.testing.assert_allclose(model.predict(X, S), before, atol=1e-5)
    np.testing.assert_allclose(model.predict_groups(X, S), groups[:, [2, 0, 1]], atol=1e-5)


# -- the estimator -----------------------------------------------------------------------------


@pytest.mark.parametrize("dro", ["soft", "hard", "group"])
def test_hidden_groups_are_learnt_better_than_by_one_network(dro: str) -> None:
    X, S, y = rows(1000)
    Xt, St, yt = rows(1000, 1)
    many = quick(dro=dro, max_epochs=20).fit(X, y, sensitive_features=S)
    one = quick(1, max_epochs=20).fit(X, y, sensitive_features=S)
    assert np.mean((many.predict(Xt, St) - yt) ** 2) < 0.2 * np.mean(
        (one.predict(Xt, St) - yt) ** 2
    )


def test_classes_keep_their_names_and_probabilities_sum_to_one() -> None:
    X, S, y = rows(800)
    words = np.where(y > 0, "yes", "no")
    model = quick(max_epochs=15).fit(X, words, sensitive_features=S)
    proba = model.predict_proba(X, S)
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-6)
    assert (model.predict(X, S) == words).mean() > 0.85
    assert model.predict_groups(X, S).shape == (800, 2)
    three = quick(max_epochs=2).fit(X, np.digitize(y, [-1, 1]), sensitive_features=S)
    assert three.predict_groups(X, S).shape == (800, 2, 3)


def test_experts_never_see_sensitive_attributes() -> None:
    X, S, y = rows()
    shuffled = RNG(3).permutation(S)
    for gate_inputs in ("sensitive", "all"):
        model = quick(gate_inputs=gate_inputs).fit(X, y, sensitive_features=S)
        np.testing.assert_array_equal(
            model.predict_groups(X, S), model.predict_groups(X, shuffled)
        )
    shown = quick(outcome_sensitive=[0]).fit(X, y, sensitive_features=S)
    assert np.abs(shown.predict_groups(X, S) - shown.predict_groups(X, 1 - S)).max() > 0.01


def test_the_gate_sees_what_it_is_given() -> None:
    X, S, y = rows()
    model = quick(gate_inputs="all").fit(X, y, sensitive_features=S)
    with pytest.raises(InputError, match="sees the features too; pass X"):
        model.predict_membership(S)
    assert np.abs(model.predict_membership(S, X) - model.predict_membership(S, -X)).max() > 1e-3
    plain = quick().fit(X, y, sensitive_features=S)
    np.testing.assert_array_equal(plain.predict_membership(S), plain.predict_membership(S, X))
    resp = plain.responsibilities(X, y, S)
    np.testing.assert_allclose(resp.sum(1), 1)


def test_missing_sensitive_values_are_flagged() -> None:
    X, S, y = rows()
    S[::5, 1] = np.nan
    model = quick().fit(X, y, sensitive_features=pd.DataFrame(S, columns=["a", "b"]))
    assert np.isfinite(model.predict(X, S)).all()
    with pytest.raises(InputError, match="pass them"):
        model.predict(X)


def test_a_dead_expert_is_reported() -> None:
    X, S, y = rows(300)
    model = quick(3, max_epochs=1, learning_rate=1e-6)
    model.fit(X, y, sensitive_features=S)
    with torch.no_grad():
        model._net.c2[0, 0, 2] = -50.0
    net = model._net
    model._train = lambda *_: (net, type("Fit", (), {"history": []})())  # type: ignore[method-assign]
    with pytest.warns(ConvergenceWarning, match=r"expert 3 died: it answers for 0.00%"):
        model.fit(X, y, sensitive_features=S)


def test_balance_keeps_experts_in_use() -> None:
    X, S, y = rows(400)
    spread = {}
    for balance in (0.0, 5.0):
        model = quick(4, balance=balance, max_epochs=10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y, sensitive_features=S)
        spread[balance] = model.group_weights_.min()
    assert spread[5.0] > 0.2
    assert spread[5.0] >= spread[0.0]


@pytest.mark.parametrize("dro", ["soft", "hard"])
def test_the_epoch_is_chosen_by_the_objective_that_was_trained(dro: str) -> None:
    X, S, y = rows(200)
    Xt, St, yt = rows(400, 1)
    params = {"learning_rate": 0.05, "max_epochs": 8, "dro": dro, "alpha": 0.7}
    kept = quick(**params).fit(X, y, sensitive_features=S, validation=(Xt, yt, St))
    loss = np.square(kept.predict(Xt, St) - yt) / kept.target_.scale**2
    gate = kept.predict_membership(St)
    share = gate * (gate > 0.1) if dro == "soft" else np.eye(gate.shape[1])[gate.argmax(1)]
    each = share.T @ loss / np.maximum(share.sum(0), 1e-12)
    objective = 0.3 * loss.mean() + 0.7 * each.max()
    known = min(epoch["validation_loss"] for epoch in kept.history_)
    assert objective == pytest.approx(known, rel=1e-3)


def test_validation_rows_do_not_move_the_weights_of_groups() -> None:
    X, S, y = rows(200)
    params = {"max_epochs": 3, "dro": "group", "alpha": 0.5}
    alone = quick(**params).fit(X, y, sensitive_features=S)
    Xt, St, yt = rows(100, 1)
    judged = quick(**params).fit(X, y, sensitive_features=S, validation=(Xt, yt, St))
    for one, two in zip(alone.history_, judged.history_, strict=True):
        assert one["total"] == pytest.approx(two["total"], rel=1e-6)


def test_weights_of_validation_rows_count() -> None:
    rng = np.random.default_rng(0)
    X, S = rng.normal(size=(300, 2)), rng.integers(0, 2, (300, 1)).astype(float)
    y = X[:, 0] + 0.1 * rng.normal(size=300)
    wrong = np.where(np.arange(100) < 50, y[200:], -9.0)
    weight = np.where(np.arange(100) < 50, 1.0, 0.0)
    params = {"max_epochs": 2, "task": "regression"}
    given = {"X": X[:200], "y": y[:200], "sensitive_features": S[:200]}
    half = quick(**params).fit(**given, validation=(X[200:250], y[200:250], S[200:250]))
    later = (X[200:], wrong, S[200:], None, weight)
    weighed = quick(**params).fit(**given, validation=later)
    for one, two in zip(half.history_, weighed.history_, strict=True):
        assert one["validation_loss"] == pytest.approx(two["validation_loss"], rel=1e-5)


def test_validation_rows_keep_the_best_epoch() -> None:
    X, S, y = rows(200)
    Xt, St, yt = rows(400, 1)
    params = {"learning_rate": 0.3, "max_epochs": 15, "alpha": 0.0}
    kept = quick(**params).fit(X, y, sensitive_features=S, validation=(Xt, yt, St))
    losses = [epoch["validation_loss"] for epoch in kept.history_]
    scale = np.mean((kept.predict(Xt, St) - yt) ** 2) / kept.target_.scale**2
    assert scale == pytest.approx(min(losses), rel=1e-3)


def test_history_tells_shares_of_every_expert() -> None:
    X, S, y = rows(200)
    model = quick(3).fit(X, y, sensitive_features=S)
    assert len(model.history_) == 4
    for epoch in model.history_:
        assert sum(epoch[f"share_{k}"] for k in (1, 2, 3)) == pytest.approx(1, abs=1e-5)
        assert epoch["total"] == pytest.approx(0.95 * epoch["loss"] + 0.05 * epoch["worst"], 1e-3)


@pytest.mark.parametrize("classes", [False, True])
def test_a_stored_model_answers_alike(classes: bool, tmp_path: Path) -> None:
    X, S, y = rows(200)
    y = np.where(y > 0, "yes", "no") if classes else y
    model = quick(n_members=2, gate_inputs="all").fit(X, y, sensitive_features=S)
    model.save(tmp_path / "model")
    again = RomeMoE.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X, S), model.predict(X, S))
    np.testing.assert_array_equal(again.responsibilities(X, y, S), model.responsibilities(X, y, S))
    assert again.history_ == model.history_


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"dro": "firm"}, "dro='firm'"),
        ({"gate_inputs": "none"}, "gate_inputs='none'"),
        ({"alpha": 1.5}, "alpha=1.5"),
        ({"n_members": 0}, "n_members must be at least 1"),
        ({"n_groups": "auto"}, "n_groups='auto'"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"max_epochs": 0}, "max_epochs must be at least 1"),
        ({"hidden_size": 0}, "hidden_size must be at least 1"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0"),
        ({"balance": -1.0}, "balance=-1.0"),
    ],
)
def test_impossible_parameters_are_named(params: dict[str, Any], text: str) -> None:
    X, S, y = rows(50)
    with pytest.raises(SpecError, match=text):
        quick(**params).fit(X, y, sensitive_features=S)


def test_many_experts_train_where_membership_is_spread_thin() -> None:
    X, S, y = rows(200)
    model = quick(32).fit(X, y, sensitive_features=S)  # 1/32 is below the soft form's 0.1
    assert np.isfinite(model.predict(X, S)).all()


def test_a_batch_without_weight_does_not_stop_the_training() -> None:
    X, S, y = rows(200)
    weight = (np.arange(200) < 3).astype(float)
    model = quick(batch_size=16).fit(X, y, sensitive_features=S, sample_weight=weight)
    assert np.isfinite(model.predict(X, S)).all()


def test_an_offset_of_the_features_is_no_loss_of_digits() -> None:
    X, S, y = rows(300)
    near, far = (
        quick(max_epochs=3).fit(X + shift, y, sensitive_features=S).predict(X + shift, S)
        for shift in (0.0, 1e8)
    )
    np.testing.assert_allclose(far, near, atol=1e-4)


@pytest.mark.parametrize("wrong", [["maybe"] * 200, ["yes"], ["yes"] * 5])
def test_outcomes_the_model_does_not_know_are_refused(wrong: list[str]) -> None:
    X, S, y = rows(200)
    model = quick().fit(X, np.where(y > 0, "yes", "no"), sensitive_features=S)
    for asked in (model.responsibilities, model.losses):
        with pytest.raises(InputError, match="y: expected"):
            asked(X, wrong, S)


def test_the_score_sees_sensitive_attributes() -> None:
    X, S, y = rows(200)
    model = quick().fit(X, y, sensitive_features=S)
    answer = model.predict(X, S)
    expected = 1 - np.square(y - answer).sum() / np.square(y - y.mean()).sum()
    assert model.score(X, y, sensitive_features=S) == pytest.approx(expected)


def test_numbers_of_numpy_are_stored_like_any_other(tmp_path: Path) -> None:
    X, S, y = rows(100)
    model = quick(np.int64(2), hidden_size=np.int64(4), outcome_sensitive=np.array([0]))
    model.fit(X, y, sensitive_features=S).save(tmp_path)
    np.testing.assert_array_equal(RomeMoE.load(tmp_path).predict(X, S), model.predict(X, S))


class _Impatient(Silent):
    count = 0

    def step(self, done: int = 1, **metrics: float) -> None:
        self.count += 1
        if self.count == 3:
            raise Cancelled("asked to stop")


def test_training_can_be_cancelled_at_the_next_batch() -> None:
    X, S, y = rows(400)
    ear = _Impatient()
    with pytest.raises(Cancelled):
        quick(batch_size=32).fit(X, y, sensitive_features=S, monitor=ear)
    assert ear.count == 3


UNEQUAL = {
    "check_sample_weight_equivalence_on_dense_data": (
        "batches of repeated rows are other batches; with one batch it holds to float32"
    ),
}


@parametrize_with_checks(
    [
        RomeMoE(2, max_epochs=2, random_state=0),
        RomeMoE(
            2,
            max_epochs=20,
            learning_rate=3e-2,
            hidden_size=16,
            task="classification",
            random_state=0,
        ),
        *nightly(
            RomeMoE(
                2,
                max_epochs=20,
                learning_rate=1e-2,
                hidden_size=16,
                task="regression",
                random_state=0,
            )
        ),
    ],
    expected_failed_checks=lambda model: {} if model.task == "auto" else UNEQUAL,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.EstimatorCheckFailedWarning")
def test_scikit_learn_agrees(estimator: Any, check: Any) -> None:
    check(estimator)
