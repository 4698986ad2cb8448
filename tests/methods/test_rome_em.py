"""RomeEM: known answers first, then what must hold for any data."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import bernoulli, norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from fairaudit.exceptions import Cancelled, InputError, IntegrityError, SpecError
from fairaudit.methods.common.progress import Silent
from fairaudit.methods.rome.em import RomeEM
from fairaudit.methods.rome.mixture.quasi_newton import gradient, pack, unpack
from fairaudit.methods.rome.mixture.starts import starting_params
from fairaudit.methods.rome.mixture.steps import newton, objective
from fairaudit.methods.rome.mixture.sums import scan
from tests.sizes import nightly

RNG = np.random.default_rng


def two_groups(n: int = 600, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """Features, sensitive attributes, outcome and hidden group of a problem with two groups."""
    rng = RNG(seed)
    X, S = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    z = (S[:, 0] + 0.5 * rng.logistic(size=n) > 0.5).astype(int)
    y = np.where(z == 1, X @ [1.0, 2.0, 0.0] + 1, X @ [-1.0, 0.0, 1.0]) + 0.3 * rng.normal(size=n)
    return X, S, y, z


def two_classes(n: int = 1500, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """The same with a binary outcome."""
    X, S, value, z = two_groups(n, seed)
    chance = 1 / (1 + np.exp(-3 * value))
    return X, S, (RNG(seed + 1).random(n) < chance).astype(int), z


def quick(n_groups: int | str = 2, **params: Any) -> RomeEM:
    return RomeEM(n_groups, **{"n_init": 4, "random_state": 0, **params})


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_run_that_overshot_does_not_stop_the_others(bad: float) -> None:
    good = torch.eye(2, dtype=torch.float64) * 4
    gram = torch.stack([good, torch.full((2, 2), bad, dtype=torch.float64)])[:, None]
    slope = torch.ones(2, 1, 2, dtype=torch.float64)
    theta = torch.zeros(2, 1, 2, dtype=torch.float64)
    moved = newton(theta, slope, gram, torch.zeros(2, dtype=torch.float64))
    np.testing.assert_allclose(moved[0].numpy(), 0.25)


# -- known answers -------------------------------------------------------------------------


def test_one_group_is_pooled_least_squares() -> None:
    X, S, y, _ = two_groups()
    model = quick(1).fit(X, y, sensitive_features=S)
    pooled = LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.coef_[0], pooled.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_[0], pooled.intercept_, atol=1e-6)
    np.testing.assert_allclose(model.noise_[0], np.mean((y - pooled.predict(X)) ** 2), rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_group_is_logistic_regression(n_classes: int) -> None:
    X, S, value, _ = two_groups()
    y = np.digitize(value, np.quantile(value, np.arange(1, n_classes) / n_classes))
    scaled = (X - X.mean(0)) / X.std(0)
    model = quick(1, tol=1e-12).fit(scaled, y, sensitive_features=S)
    # the reference class pins our ridge, which a weak penalty makes immaterial
    ours = quick(1, tol=1e-12, expert_ridge=1e-4).fit(scaled, y, sensitive_features=S)
    pooled = LogisticRegression(C=1.0 if n_classes == 2 else 1e4, tol=1e-10, max_iter=5000)
    expected = pooled.fit(scaled, y).predict_proba(scaled)
    found = model if n_classes == 2 else ours
    np.testing.assert_allclose(found.predict_proba(scaled, S), expected, atol=2e-4)


def test_two_planted_lines_are_found() -> None:
    X, S, y, z = two_groups(2000)
    model = quick(2).fit(X, y, sensitive_features=S)
    order = np.argsort(model.coef_[:, 0])
    np.testing.assert_allclose(model.coef_[order], [[-1, 0, 1], [1, 2, 0]], atol=0.06)
    np.testing.assert_allclose(model.intercept_[order], [0, 1], atol=0.06)
    np.testing.assert_allclose(model.noise_, 0.09, atol=0.02)
    found = model.responsibilities(X, y, S)[:, order].argmax(1)
    assert (found == z).mean() > 0.9


def overlapping(n: int, p: int, task: str, seed: int) -> tuple[Any, Any, Any]:
    """Three groups that a weak gate hardly tells apart: EM alone needs hundreds of steps."""
    rng = RNG(seed)
    X = rng.normal(size=(n, p))
    S = np.column_stack([rng.integers(0, 2, n), rng.normal(size=(n, 2))])
    z = (0.5 * S @ rng.normal(size=(3, 3)) + rng.gumbel(size=(n, 3))).argmax(1)
    value = (X * 0.3 * rng.normal(size=(3, p))[z]).sum(1)
    if task == "regression":
        return X, S, value + 0.7 * rng.normal(size=n)
    classes = 2 if task == "binary" else 3
    return X, S, np.digitize(value + rng.logistic(size=n), np.linspace(-0.5, 0.5, classes - 1))


@pytest.mark.parametrize("task", ["regression", "binary", "three classes"])
@pytest.mark.parametrize("seed", [1, 2])
def test_overlapping_groups_converge_long_before_the_last_iteration(task: str, seed: int) -> None:
    X, S, y = overlapping(4000, 8, task, seed)
    kind = "regression" if task == "regression" else "classification"
    model = quick(3, task=kind).fit(X, y, sensitive_features=S)
    assert model.converged_
    assert model.n_iter_ < 150


@pytest.mark.parametrize("task", ["regression", "binary", "three classes"])
@pytest.mark.parametrize("noise", ["group", "shared", 1.0])
def test_quasi_newton_slopes_are_those_of_the_bound(task: str, noise: Any) -> None:
    """The gradient that steps follow, against differences of the bound itself."""
    X, S, y = overlapping(300, 3, task, 3)
    kind = "regression" if task == "regression" else "classification"
    problem, _ = quick(3, task=kind, noise=noise).begin(X, y, S, None)
    rows, weight, penalty = problem.rows, problem.weight, problem.penalty
    params = starting_params(rows, weight, 3, 1, penalty, 0)
    point = pack(params, penalty)
    slope = gradient(scan(rows, [params], [weight])[0], params, penalty)[0]

    def bound(moved: torch.Tensor) -> float:
        tried = unpack(moved, params, penalty)
        return float(objective(scan(rows, [tried], [weight])[0], tried, penalty)[0])

    step = 1e-5
    for i in range(0, point.shape[1], 3):
        change = torch.zeros_like(point)
        change[0, i] = step
        difference = (bound(point + change) - bound(point - change)) / (2 * step)
        assert float(slope[i]) == pytest.approx(difference, rel=1e-4, abs=1e-4)


def test_the_likelihood_is_a_density_of_the_outcome() -> None:
    X, S, y, _ = two_groups(200)
    model = quick(2).fit(X, y, sensitive_features=S)

    def density(value: float) -> float:
        return float(np.exp(model.log_likelihood(X[:1], [value], S[:1]))[0])

    total, _ = quad(density, -30, 30, limit=400)
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("maker", [two_groups, two_classes])
def test_the_reported_likelihood_is_that_of_the_rows(maker: Any) -> None:
    X, S, y, _ = maker()
    model = quick(2).fit(X, y, sensitive_features=S)
    assert model.log_likelihood(X, y, S).sum() == pytest.approx(model.log_likelihood_, rel=1e-9)


def test_criteria_follow_their_definitions() -> None:
    X, S, y, _ = two_groups(400)
    model = quick(2).fit(X, y, sensitive_features=S)
    assert model.n_parameters_ == 2 * (4 + 1) + 3  # lines, variances, gate with its constant
    expected = -2 * model.log_likelihood_ + 13 * np.log(400)
    assert model.bic_ == pytest.approx(expected)
    resp = model.responsibilities(X, y, S)
    doubt = -(resp * np.log(np.maximum(resp, 1e-300))).sum()
    assert model.icl_ == pytest.approx(expected + 2 * doubt, rel=1e-6)


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"noise": "shared"}, 3 * 4 + 1 + 2 * 3),
        ({"noise": 1.0}, 3 * 4 + 2 * 3),
        ({"gate_intercept": False}, 3 * 5 + 2 * 2),
        ({"membership_features": [1]}, 3 * 5 + 2 * 2),
        ({"outcome_sensitive": [0]}, 3 * 6 + 2 * 3),
        ({"outcome_sensitive": True}, 3 * 7 + 2 * 3),
    ],
)
def test_free_parameters_are_counted(params: dict[str, Any], count: int) -> None:
    X, S, y, _ = two_groups(300)
    model = quick(3, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, sensitive_features=S)
    assert model.n_parameters_ == count


def test_a_repeated_column_is_no_free_parameter() -> None:
    X, S, y, _ = two_groups(300)
    model = quick(2).fit(np.column_stack([X, X[:, :1]]), y, sensitive_features=S)
    assert model.n_parameters_ == quick(2).fit(X, y, sensitive_features=S).n_parameters_


def test_the_gate_solves_its_weighted_logistic_regression() -> None:
    X, S, y, _ = two_groups(800)
    model = quick(2, tol=1e-13, max_iter=2000).fit(X, y, sensitive_features=S)
    resp = model.responsibilities(X, y, S)
    twice = np.repeat(S, 2, axis=0)
    oracle = LogisticRegression(C=np.inf, tol=1e-12, max_iter=5000).fit(
        twice, np.tile([0, 1], len(S)), sample_weight=resp.ravel()
    )
    expected = oracle.predict_proba(S)
    np.testing.assert_allclose(model.predict_membership(S), expected, atol=1e-4)


# -- EM ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_groups=st.integers(1, 5),
    noise=st.sampled_from(["group", "shared", 0.5]),
    kind=st.sampled_from(["regression", "binary", "multiclass"]),
)
def test_the_bound_never_falls(seed: int, n_groups: int, noise: Any, kind: str) -> None:
    rng = RNG(seed)
    X, S = rng.normal(size=(80, 2)), rng.normal(size=(80, 2))
    y = rng.normal(size=80) * (1 + S[:, 0] ** 2)
    if kind != "regression":
        y = np.digitize(y, [0.0] if kind == "binary" else [-0.5, 0.5])
    model = quick(n_groups, noise=noise, n_init=2, max_iter=60, cross_fitting=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, sensitive_features=S)
    steps = np.diff(model.lower_bounds_)
    assert (steps >= -1e-9 * np.abs(model.lower_bounds_[:-1])).all()
    for value in (model.predict(X, S), model.coef_, model.bic_, model.icl_):
        assert np.isfinite(value).all()


def test_starts_together_end_where_they_end_alone() -> None:
    import torch

    from fairaudit.methods.rome.mixture.em_loop import RunBatch, StoppingRules, climb
    from fairaudit.methods.rome.mixture.starts import starting_params

    X, S, y, _ = two_groups(300)
    problem, _ = quick(3).begin(X, y, S, None)
    params = starting_params(problem.rows, problem.weight, 3, 4, problem.penalty, 0)
    rules = StoppingRules(prune_at=())
    batch = RunBatch(params, problem.weight, [0, 1, 2, 3])
    together = climb(problem.rows, [batch], problem.penalty, rules)[0]
    for run in range(4):
        alone = RunBatch(params.take(torch.tensor([run])), problem.weight, [0])
        found = climb(problem.rows, [alone], problem.penalty, rules)[0][0]
        assert len(found.bounds) == len(together[run].bounds)
        np.testing.assert_allclose(found.bounds, together[run].bounds, rtol=1e-9)


def test_the_best_start_wins() -> None:
    X, S, y, _ = two_groups(300, seed=3)
    few = [quick(2, n_init=1, random_state=s).fit(X, y, sensitive_features=S) for s in range(3)]
    many = quick(2, n_init=20).fit(X, y, sensitive_features=S)
    assert many.lower_bounds_[-1] >= max(m.lower_bounds_[-1] for m in few) - 1e-3


def test_one_iteration_is_that_of_a_plain_loop() -> None:
    """The stacked M step against weighted least squares written out group by group."""
    import torch

    from fairaudit.methods.rome.mixture.starts import starting_params
    from fairaudit.methods.rome.mixture.steps import improve
    from fairaudit.methods.rome.mixture.sums import posterior, scan

    X, S, y, _ = two_groups(200)
    weight = RNG(5).uniform(0.5, 2, 200)
    problem, _ = quick(3).begin(X, y, S, weight)
    params = starting_params(problem.rows, problem.weight, 3, 2, problem.penalty, 1)
    sums = scan(problem.rows, [params], [problem.weight])[0]
    found = improve(sums, params, problem.penalty)
    resp = posterior(params, problem.rows)[0] * torch.as_tensor(weight)
    D, target = problem.rows.expert.numpy().T, problem.rows.y.numpy()
    for run in range(2):
        for group in range(3):
            r = np.sqrt(resp[run, group].numpy())
            omega = np.linalg.lstsq(D * r[:, None], target * r, rcond=None)[0]
            np.testing.assert_allclose(found.omega[run, group, 0], omega, atol=1e-5)
            left = (r**2 @ (target - D @ omega) ** 2) / (r**2).sum()
            np.testing.assert_allclose(found.noise[run, group], left, rtol=1e-4)


@pytest.mark.parametrize("maker", [two_groups, two_classes])
def test_where_em_ends_a_plain_loop_stands_still(maker: Any) -> None:
    """E step and every part of the M step written out row by row leave a converged fit alone."""
    X, S, y, _ = maker(500)
    free = {"gate_ridge": 0.0, "expert_ridge": 0.0, "cross_fitting": False}
    model = quick(2, tol=1e-14, max_iter=3000, **free).fit(X, y, sensitive_features=S)
    gate = np.column_stack([np.ones(len(S)), (S - S.mean(0)) / S.std(0)])
    gamma = np.column_stack([model.gate_intercept_, model.gate_coef_])
    D, omega = (
        np.column_stack([np.ones(len(X)), X]),
        np.column_stack([model.intercept_, model.coef_]),
    )
    resp, total = np.empty((len(X), 2)), 0.0
    for i in range(len(X)):
        prior = np.exp(gate[i] @ gamma.T)
        prior /= prior.sum()
        mean = omega @ D[i]
        if maker is two_groups:
            density = norm.pdf(y[i], mean, np.sqrt(model.noise_))
        else:
            density = bernoulli.pmf(y[i], 1 / (1 + np.exp(-mean)))
        total += np.log(prior @ density)
        resp[i] = prior * density / (prior @ density)
    assert total == pytest.approx(model.log_likelihood_, rel=1e-9)
    np.testing.assert_allclose(resp, model.responsibilities(X, y, S), atol=1e-9)
    prior = model.predict_membership(S)
    np.testing.assert_allclose(gate.T @ (resp - prior) / len(X), 0, atol=2e-5)
    for j in range(2):
        if maker is two_groups:
            slope = D.T @ (resp[:, j] * (y - D @ omega[j]))
            left = resp[:, j] @ (y - D @ omega[j]) ** 2 / resp[:, j].sum()
            assert left == pytest.approx(model.noise_[j], rel=1e-4)
        else:
            slope = D.T @ (resp[:, j] * (y - 1 / (1 + np.exp(-D @ omega[j]))))
        np.testing.assert_allclose(slope / len(X), 0, atol=2e-5)


def test_chunks_do_not_change_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit.methods.rome.mixture import sums

    X, S, y, _ = two_classes(500)
    whole = quick(2).fit(X, y, sensitive_features=S)
    monkeypatch.setattr(sums, "CHUNK_VALUES", 5000)
    monkeypatch.setattr(sums, "PACKED_LIMIT", 0)
    parts = quick(2).fit(X, y, sensitive_features=S)
    np.testing.assert_allclose(parts.lower_bounds_, whole.lower_bounds_, rtol=1e-9)


# -- sensitive attributes ------------------------------------------------------------------


def test_experts_never_see_sensitive_attributes() -> None:
    X, S, y, _ = two_groups()
    model = quick(2).fit(X, y, sensitive_features=S)
    shuffled = RNG(1).permutation(S)
    np.testing.assert_array_equal(model.predict_groups(X, S), model.predict_groups(X, shuffled))
    fixed = model.predict(X, S, combine="maximin")  # no membership in it at all
    np.testing.assert_array_equal(fixed, model.predict(X, shuffled, combine="maximin"))
    assert model.coef_.shape == (2, 3)


def test_experts_see_the_sensitive_columns_they_are_given() -> None:
    X, S, y, _ = two_groups()
    model = quick(2, outcome_sensitive=[1]).fit(X, y, sensitive_features=S)
    first, second = S.copy(), S.copy()
    first[:, 0] += 1
    second[:, 1] += 1
    groups = model.predict_groups(X, S)
    np.testing.assert_array_equal(groups, model.predict_groups(X, first))
    moved = model.predict_groups(X, second) - groups
    np.testing.assert_allclose(moved, np.tile(model.coef_[:, 3], (len(X), 1)), atol=1e-9)


def test_columns_are_named_as_in_the_frame() -> None:
    X, S, y, _ = two_groups()
    frame = pd.DataFrame(S, columns=["age", "income"])
    model = quick(2, membership_features=["income"]).fit(X, y, sensitive_features=frame)
    moved = frame.assign(age=99.0)
    np.testing.assert_array_equal(model.predict_membership(frame), model.predict_membership(moved))
    with pytest.raises(SpecError, match=r"no sensitive column 'agee'.*age, income"):
        quick(2, outcome_sensitive=["agee"]).fit(X, y, sensitive_features=frame)


def test_missing_sensitive_values_get_an_indicator() -> None:
    X, S, y, _ = two_groups(1500)
    gaps = S.copy()
    gaps[RNG(2).random(len(S)) < 0.3, 0] = np.nan
    model = quick(2).fit(X, y, sensitive_features=gaps)
    assert "s0 missing" in model.gate_features_
    prior = model.predict_membership(gaps)
    assert np.isfinite(prior).all()
    gone = np.isnan(gaps[:, 0])
    full = quick(2).fit(X, y, sensitive_features=S).predict_membership(S)
    # rows with the value are told apart nearly as well as with complete data
    same = min(np.abs(prior - full)[~gone].mean(), np.abs(prior - full[:, ::-1])[~gone].mean())
    assert same < 0.05


def test_without_sensitive_attributes_membership_is_that_of_the_average_person() -> None:
    X, S, y, _ = two_groups()
    model = quick(2).fit(X, y, sensitive_features=S)
    alone = model.predict(X, combine="gate")
    np.testing.assert_allclose(alone, model.predict_groups(X, S) @ model.group_weights_)
    shown = quick(2, outcome_sensitive=True).fit(X, y, sensitive_features=S)
    with pytest.raises(InputError, match="pass sensitive_features"):
        shown.predict(X)


def test_text_attributes_work() -> None:
    X, _, y, z = two_groups()
    words = np.where(z == 1, "blue", "green")
    model = quick(2).fit(X, y, sensitive_features=words)
    assert model.predict_membership(words).max(axis=1).min() > 0.95


def test_a_gate_without_intercept_is_even_at_the_average_person() -> None:
    X, S, y, _ = two_groups()
    model = quick(2, gate_intercept=False).fit(X, y, sensitive_features=S)
    np.testing.assert_allclose(model.predict_membership(S.mean(0)[None]), 0.5, atol=1e-9)


# -- weights, noise, empty groups ------------------------------------------------------------


def test_a_weight_of_two_is_a_row_twice() -> None:
    X, S, y, _ = two_groups(200)
    weight = RNG(0).integers(0, 4, 200)
    rows = np.repeat(np.arange(200), weight)
    heavy = quick(2).fit(X, y, sensitive_features=S, sample_weight=weight)
    twice = quick(2).fit(X[rows], y[rows], sensitive_features=S[rows])
    assert heavy.bic_ == pytest.approx(twice.bic_, rel=1e-9)
    for name in ("coef_", "gate_coef_", "noise_", "group_weights_", "tilt_", "maximin_weights_"):
        np.testing.assert_allclose(getattr(heavy, name), getattr(twice, name), atol=1e-6)


def test_sampling_weights_are_no_more_evidence_than_the_rows_are() -> None:
    X, S, y, _ = two_groups(200)
    unit = np.ones(200)
    plain = quick(2).fit(X, y, sensitive_features=S)
    people = quick(2, weight_type="sampling")
    for size in (0.01, 1.0, 100.0):
        bic = people.fit(X, y, sensitive_features=S, sample_weight=size * unit).bic_
        assert bic == pytest.approx(plain.bic_, rel=1e-9)
    weight = RNG(0).exponential(1.0, 200)
    _, rows = people.begin(X, y, S, 7 * weight)
    assert rows.weight.sum() == pytest.approx(weight.sum() ** 2 / (weight @ weight))
    np.testing.assert_allclose(rows.weight / rows.weight.sum(), weight / weight.sum())
    with pytest.raises(SpecError, match="weight_type='people'; choose one of"):
        quick(2, weight_type="people").fit(X, y, sensitive_features=S)


def test_noise_is_shared_or_fixed_on_request() -> None:
    X, S, y, _ = two_groups()
    shared = quick(2, noise="shared").fit(X, y, sensitive_features=S)
    assert shared.noise_[0] == pytest.approx(shared.noise_[1])
    fixed = quick(2, noise=1.0).fit(X, y, sensitive_features=S)
    np.testing.assert_allclose(fixed.noise_, 1.0)


def test_too_many_groups_are_reported_and_stay_finite() -> None:
    X, S, y, _ = two_groups(40)
    with pytest.warns(ConvergenceWarning, match="fewer than its parameters; use fewer groups"):
        model = quick(9, tol=1e-4).fit(X, y, sensitive_features=S)
    assert any("group 9" in text for text in model.warnings_)
    for value in (model.coef_, model.noise_, model.gate_coef_, model.predict(X, S)):
        assert np.isfinite(value).all()


def test_an_unfinished_fit_says_so() -> None:
    X, S, y, _ = two_groups(200)
    with pytest.warns(ConvergenceWarning, match="did not converge in 2 iterations"):
        model = quick(2, max_iter=2).fit(X, y, sensitive_features=S)
    assert not model.converged_


# -- choices -------------------------------------------------------------------------------


def test_auto_finds_two_groups_and_says_why(tmp_path: Path) -> None:
    X, S, y, _ = two_groups(1500)
    model = quick("auto", max_groups=4).fit(X, y, sensitive_features=S)
    assert model.n_groups_ == 2
    assert sorted(model.heldout_) == [1, 2, 3, 4]
    assert model.heldout_[2] > model.heldout_[1] + 0.2
    assert "2 of 1 to 4 groups: the smallest number within one standard error" in model.choice_
    model.save(tmp_path)
    again = RomeEM.load(tmp_path)
    assert again.heldout_ == model.heldout_
    assert again.choice_ == model.choice_


def test_classes_keep_their_names() -> None:
    X, S, y, _ = two_classes()
    words = np.where(y == 1, "yes", "no")
    model = quick(2).fit(X, words, sensitive_features=S)
    assert set(model.predict(X, S)) <= {"no", "yes"}
    proba = model.predict_proba(X, S)
    np.testing.assert_allclose(proba.sum(1), 1)
    np.testing.assert_array_equal(model.classes_[proba.argmax(1)], model.predict(X, S))
    assert model.predict_groups(X, S).shape == (len(X), 2)


def test_a_regression_has_no_probabilities() -> None:
    X, S, y, _ = two_groups(100)
    assert not hasattr(quick(1).fit(X, y, sensitive_features=S), "predict_proba")


def test_frames_of_any_kind_give_the_same_numbers() -> None:
    X, S, y, _ = two_groups(200)
    names = ["a", "b", "c"]
    expected = quick(2).fit(X, y, sensitive_features=S).predict(X, S)
    for frame, series in ((pd.DataFrame, pd.Series), (pl.DataFrame, pl.Series)):
        table = frame(dict(zip(names, X.T, strict=True)))
        people = frame({"s": S[:, 0], "t": S[:, 1]})
        model = quick(2).fit(table, series(y), sensitive_features=people)
        np.testing.assert_allclose(model.predict(table, people), expected, rtol=1e-9)


def test_the_same_seed_gives_the_same_numbers() -> None:
    X, S, y, _ = two_groups(200)
    first, second = (quick(3, tol=1e-4).fit(X, y, sensitive_features=S) for _ in range(2))
    np.testing.assert_array_equal(first.predict(X, S), second.predict(X, S))


def test_large_samples_start_on_a_part_of_the_rows() -> None:
    X, S, y, _ = two_groups(3000)
    small = quick(2, start_rows=500).fit(X, y, sensitive_features=S)
    full = quick(2).fit(X, y, sensitive_features=S)
    assert small.log_likelihood_ == pytest.approx(full.log_likelihood_, rel=1e-4)
    assert small.n_iter_ < full.n_iter_


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"combine": "best"}, "combine='best'"),
        ({"n_groups": 0}, "n_groups=0"),
        ({"n_groups": "many"}, "n_groups='many'"),
        ({"noise": "loud"}, "noise='loud'"),
        ({"noise": -1.0}, "number above 0"),
        ({"noise": None}, "number above 0"),
        ({"n_groups": 2.5}, "n_groups=2.5"),
        ({"n_groups": True}, "n_groups=True"),
        ({"n_groups": None}, "n_groups=None"),
        ({"max_groups": 0, "n_groups": "auto"}, "max_groups must be at least 1"),
        ({"start_rows": 0}, "start_rows must be at least 1"),
        ({"gate_ridge": -1.0}, "gate_ridge=-1.0"),
        ({"expert_ridge": -1.0}, "expert_ridge=-1.0"),
        ({"worst_tolerance": -0.1}, "worst_tolerance=-0.1"),
        ({"maximin_radius": np.nan}, "maximin_radius=nan"),
        ({"max_average_loss": np.nan}, "max_average_loss=nan"),
        ({"combine_loss": "log"}, "does not suit a regression"),
        ({"combine_loss": "error"}, "does not suit a regression"),
        ({"outcome_sensitive": [0.5]}, "no sensitive column 0.5"),
        ({"combine_loss": "hinge"}, "combine_loss='hinge'"),
        ({"max_average_loss": "low"}, "max_average_loss='low'"),
        ({"n_init": 0}, "n_init must be at least 1"),
        ({"task": "ranking"}, "task 'ranking'"),
    ],
)
def test_impossible_parameters_are_named(params: dict[str, Any], text: str) -> None:
    X, S, y, _ = two_groups(50)
    with pytest.raises(SpecError, match=text):
        quick(**{"n_groups": 2, **params}).fit(X, y, sensitive_features=S)


def test_lengths_must_agree() -> None:
    X, S, y, _ = two_groups(50)
    with pytest.raises(InputError, match="sensitive_features: expected 50 rows"):
        quick(2).fit(X, y, sensitive_features=S[:49])


def test_squared_error_of_class_codes_is_refused() -> None:
    X, S, y, _ = two_classes(50)
    with pytest.raises(SpecError, match="does not suit a classification"):
        quick(2, combine_loss="squared").fit(X, y, sensitive_features=S)


def test_experts_cannot_see_columns_that_nobody_gave() -> None:
    X, _, y, _ = two_groups(50)
    with pytest.raises(SpecError, match="no sensitive column 'age'"):
        quick(2, outcome_sensitive="age").fit(X, y)


def test_one_column_may_be_named_without_a_list() -> None:
    X, S, y, _ = two_groups(200)
    frame = pd.DataFrame(S, columns=["age", "income"])
    model = quick(2, outcome_sensitive="age").fit(X, y, sensitive_features=frame)
    assert model.coef_.shape == (2, 4)


@pytest.mark.parametrize(
    "people",
    [
        lambda frame: frame.rename(columns={"age": "years"}),
        lambda frame: frame.assign(more=1.0),
        lambda frame: frame[["age"]],
    ],
)
def test_other_sensitive_columns_than_in_training_are_refused(people: Any) -> None:
    X, S, y, _ = two_groups(100)
    frame = pd.DataFrame(S, columns=["age", "income"])
    model = quick(2).fit(X, y, sensitive_features=frame)
    with pytest.raises(InputError, match="pass the same columns"):
        model.predict(X, people(frame))
    for same in (S, frame[["income", "age"]]):  # columns with names find their place
        np.testing.assert_array_equal(model.predict(X, same), model.predict(X, frame))


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (np.array(["no", None] * 50, dtype=object), "labels are missing in y"),
        (np.array([1.5, None] * 50, dtype=object), "labels are missing in y"),
        (np.zeros(100, dtype=int), "set task='regression'"),
    ],
)
def test_an_outcome_that_cannot_be_learnt_is_named(y: Any, text: str) -> None:
    X, S, _, _ = two_groups(100)
    with pytest.raises(InputError, match=text):
        quick(2).fit(X, y, sensitive_features=S)


def test_words_are_no_quantity() -> None:
    X, S, y, _ = two_groups(100)
    with pytest.raises(InputError, match="needs numbers in y"):
        quick(2, task="regression").fit(X, np.where(y > 0, "a", "b"), sensitive_features=S)


@pytest.mark.parametrize("kind", ["Int64", "boolean", "object"])
def test_nullable_and_object_outcomes_are_what_they_hold(kind: str) -> None:
    X, S, y, _ = two_classes(200)
    plain = y.astype(bool) if kind == "boolean" else y
    model = quick(2).fit(X, pd.Series(plain).astype(kind), sensitive_features=S)
    assert model.classes_.dtype == plain.dtype
    expected = quick(2).fit(X, plain, sensitive_features=S).predict(X, S)
    np.testing.assert_array_equal(model.predict(X, S), expected)


def test_missing_numbers_of_a_nullable_column_are_missing() -> None:
    X, S, y, _ = two_groups(200)
    gaps = np.where(np.arange(200) % 5 == 0, np.nan, S[:, 0].round(1))
    nullable = pd.DataFrame({"age": pd.Series(gaps).astype("Float64")})
    model = quick(2).fit(X, y, sensitive_features=nullable)
    assert model.gate_features_ == ("s0", "s0 missing")
    plain = quick(2).fit(X, y, sensitive_features=gaps)
    np.testing.assert_array_equal(model.predict(X, nullable), plain.predict(X, gaps))


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_numbers_beyond_squaring_are_refused(value: float) -> None:
    X, S, y, _ = two_groups(50)
    S[3, 1] = value
    with pytest.raises(InputError, match="column 1 of sensitive_features"):
        quick(2).fit(X, y, sensitive_features=S)
    X[3, 1] = 1e200
    with pytest.raises(InputError, match="too large"):
        quick(2).fit(X, y)


@pytest.mark.parametrize("scale", [1e-9, 1e8])
def test_the_unit_of_the_outcome_does_not_matter(scale: float) -> None:
    X, S, y, _ = two_groups(300)
    model, other = (quick(2).fit(X, y * c, sensitive_features=S) for c in (1, scale))
    np.testing.assert_allclose(other.predict(X, S), scale * model.predict(X, S), rtol=1e-4)
    np.testing.assert_allclose(other.tilt_, model.tilt_, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_a_constant_outcome_is_answered(value: float, tmp_path: Path) -> None:
    X, S, _, _ = two_groups(100)
    model = quick(2, task="regression").fit(X, np.full(100, value), sensitive_features=S)
    np.testing.assert_allclose(model.predict(X, S), value, atol=1e-9)
    model.save(tmp_path)  # nothing in it is NaN


@pytest.mark.parametrize("wrong", [[0.0], [0.0] * 5, [np.nan] * 100])
def test_outcomes_of_other_rows_are_refused(wrong: list[float]) -> None:
    X, S, y, _ = two_groups(100)
    model = quick(2).fit(X, y, sensitive_features=S)
    for asked in (model.responsibilities, model.losses, model.log_likelihood):
        with pytest.raises(InputError, match="y"):
            asked(X, wrong, S)
    with pytest.raises(InputError, match="pass them"):
        model.predict_membership(None)


def test_auto_takes_no_more_groups_than_the_rows_can_carry() -> None:
    X, S, y, _ = two_groups(8)
    model = quick("auto").fit(X, y, sensitive_features=S)
    assert model.n_groups_ == 1
    assert "1 of 1 to 1 groups" in model.choice_


# -- storage and progress --------------------------------------------------------------------


@pytest.mark.parametrize("maker", [two_groups, two_classes])
def test_a_stored_model_answers_alike(maker: Any, tmp_path: Path) -> None:
    X, S, y, _ = maker(300)
    model = quick(2, outcome_sensitive=[0]).fit(X, y, sensitive_features=S)
    model.save(tmp_path / "model")
    again = RomeEM.load(tmp_path / "model")
    for combine in ("gate", "maximin", "minimax"):
        np.testing.assert_array_equal(
            again.predict(X, S, combine=combine), model.predict(X, S, combine=combine)
        )
    np.testing.assert_array_equal(again.responsibilities(X, y, S), model.responsibilities(X, y, S))
    assert again.get_params() == model.get_params()
    assert not list((tmp_path / "model").glob("*.pkl"))
    (tmp_path / "model" / "model.json").write_text("{}", "utf-8")
    with pytest.raises(IntegrityError):
        RomeEM.load(tmp_path / "model")


class _Impatient(Silent):
    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def step(self, done: int = 1, **metrics: float) -> None:
        self.seen.append(metrics)
        if len(self.seen) == 5:
            raise Cancelled("asked to stop")


def test_a_fit_can_be_cancelled() -> None:
    X, S, y, _ = two_groups(300)
    ear = _Impatient()
    with pytest.raises(Cancelled):
        quick(2).fit(X, y, sensitive_features=S, monitor=ear)
    bounds = [m["lower_bound"] for m in ear.seen]
    assert bounds == sorted(bounds)


@parametrize_with_checks(
    [
        RomeEM(2, n_init=2, max_iter=30, task="classification", random_state=0),
        *nightly(
            RomeEM(2, n_init=2, max_iter=30, random_state=0),
            RomeEM(2, n_init=2, max_iter=30, task="regression", random_state=0),
        ),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn_agrees(estimator: Any, check: Any) -> None:
    check(estimator)
