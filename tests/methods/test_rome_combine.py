"""The three combinations: closed forms against brute force, guarantees on held-out rows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.methods.rome.combine import (
    Robust,
    correction,
    explained,
    global_weight,
    group_loss,
    mixed,
    row_loss,
    tilted,
)
from fairaudit.methods.rome.em import RomeEM
from fairaudit.methods.rome.maximin import error_products

RNG = np.random.default_rng


def simplex(count: int, step: int) -> np.ndarray:
    """All points of a grid on the simplex."""
    grid = itertools.product(range(step + 1), repeat=count)
    return np.array([g for g in grid if sum(g) == step]) / step


# -- one global weight -----------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_global_weight_beats_every_weight_of_a_grid(seed: int) -> None:
    root = RNG(seed).normal(size=(3, 3))
    gamma = root @ root.T
    v = global_weight(gamma)
    assert v.min() >= 0
    assert v.sum() == pytest.approx(1)
    grid = simplex(3, 40)
    best = np.einsum("ni,ij,nj->n", grid, gamma, grid).min()
    assert v @ gamma @ v <= best + 1e-6


def test_two_opposite_experts_cancel() -> None:
    np.testing.assert_allclose(
        global_weight(np.array([[1.0, -1], [-1, 1]])), [0.5, 0.5], atol=1e-6
    )


def test_the_radius_keeps_the_weight_near_its_centre() -> None:
    gamma, centre = np.diag([1.0, 4.0, 9.0]), np.array([0.1, 0.2, 0.7])
    free = global_weight(gamma)
    np.testing.assert_allclose(free, np.array([36, 9, 4]) / 49, atol=1e-5)
    near = global_weight(gamma, 0.05, centre)
    assert np.linalg.norm(near - centre) / np.sqrt(3) <= 0.05 + 1e-6
    assert near @ gamma @ near < centre @ gamma @ centre


def test_the_correction_takes_the_bias_out_of_gamma() -> None:
    """Estimated experts inflate Gamma; the other half of the rows takes the bias out."""
    rng, p, n = RNG(0), 40, 800
    true = rng.normal(size=(2, p)) * 0.3
    plain, mended = [], []
    for _ in range(40):
        X, z = rng.normal(size=(n, p)), rng.integers(0, 2, n)
        y = (X * true[z]).sum(1) + rng.normal(size=n)
        fold, parts, fits = np.arange(n) < n // 2, [], []
        for seen in (fold, ~fold):
            rows = [seen & (z == g) for g in (0, 1)]
            beta = np.stack([np.linalg.lstsq(X[r], y[r], rcond=None)[0] for r in rows])
            answers = (X @ beta.T)[:, :, None]
            gamma = explained(answers, np.zeros(1), np.ones(n))
            bias = correction(
                answers[~seen],
                np.zeros(1),
                y[~seen, None],
                np.eye(2)[z[~seen]],
                np.full((n - seen.sum(), 2), 0.5),
                np.full(2, 0.5),
            )
            fits.append(answers)
            parts.append(gamma - bias - bias.T)
            plain.append(gamma)
        mended.append(np.mean(parts, axis=0) + error_products(*fits, np.ones(n)))
    truth, diagonal = true @ true.T, np.arange(2)
    before = np.abs(np.mean(plain, axis=0) - truth)[diagonal, diagonal]
    after = np.abs(np.mean(mended, axis=0) - truth)[diagonal, diagonal]
    assert (after < 0.4 * before).all()


# -- the tilted gate -------------------------------------------------------------------------


def problem(seed: int, loss: str = "squared", n: int = 400) -> Robust:
    """Rows of three groups whose experts, membership and outcomes are drawn from the model."""
    rng = RNG(seed)
    prior = rng.dirichlet([1.0, 0.7, 0.4], n)
    z = (prior.cumsum(1) > rng.random((n, 1))).argmax(1)
    if loss == "squared":
        answers = rng.normal(size=(n, 3, 1)) * 2
        y = answers[np.arange(n), z, 0] + rng.normal(size=n)
    else:
        chance = rng.beta(0.5, 0.5, size=(n, 3))
        answers = np.stack([1 - chance, chance], axis=2)
        y = (rng.random(n) < chance[np.arange(n), z]).astype(int)
    resp = np.eye(3)[z]
    return Robust(prior, resp, resp.mean(0), row_loss(loss, answers, y))


def test_no_tilt_is_the_plain_gate() -> None:
    prior = RNG(0).dirichlet([1, 1, 1], 20)
    np.testing.assert_allclose(tilted(prior, np.full(3, 2.5)), prior)


@pytest.mark.parametrize("loss", ["squared", "log", "brier"])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_tilt_of_a_grid_serves_the_worst_group_better(loss: str, seed: int) -> None:
    found = problem(seed, loss, 4000).best()
    robust = problem(seed, loss, 4000)
    grid = [robust.evaluate(q).worst for q in simplex(3, 30)]
    assert found.worst <= min(grid) * 1.0005
    assert found.worst <= robust.evaluate(robust.shares).worst


@pytest.mark.parametrize("loss", ["squared", "log"])
def test_the_gap_certifies_the_worst_group(loss: str) -> None:
    """Weak duality: blended risk under any shares bounds the worst case from below."""
    found = problem(2, loss, 4000).best()
    assert 0 <= found.gap < 0.01


def uncalibrated(seed: int, n: int = 2000) -> Robust:
    """The same with a membership that is wrong: the ascent alone then ends away from the best."""
    robust = problem(seed, "squared", n)
    return replace(robust, prior=tilted(robust.prior**2, np.array([1.0, 2.0, 0.5])))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("blend", [0.0, 0.3, 0.7])
def test_a_misspecified_gate_is_tilted_as_well_as_a_grid_can(seed: int, blend: float) -> None:
    robust = uncalibrated(seed)
    tilts = [robust.evaluate(q) for q in simplex(3, 40)]
    least = min((1 - blend) * t.worst + blend * t.average for t in tilts)
    found = robust.best(blend)
    assert (1 - blend) * found.worst + blend * found.average <= least * 1.0005


@pytest.mark.parametrize("seed", range(4))
def test_the_tolerance_buys_average_for_little_of_the_worst_group(seed: int) -> None:
    robust = uncalibrated(seed)
    strict, loose = robust.within(np.inf)[0], robust.within(np.inf, 0.01)[0]
    assert loose.worst <= 1.01 * strict.worst
    assert loose.average < strict.average
    tilts = [robust.evaluate(q) for q in simplex(3, 40)]
    allowed = [t.average for t in tilts if t.worst <= 1.01 * strict.worst]
    assert loose.average <= min(allowed, default=np.inf) * 1.001
    limit = (loose.average + robust.best(1.0).average) / 2
    both, reached = robust.within(limit, 0.01)
    assert reached
    assert both.average <= limit


@pytest.mark.parametrize("scale", [1e-30, 1e-4, 1e4, 1e30])
def test_the_tilt_does_not_depend_on_the_unit_of_the_loss(scale: float) -> None:
    robust, unit = problem(0), np.sqrt(scale)
    loss = replace(
        robust.loss, answers=unit * robust.loss.answers, target=unit * robust.loss.target
    )
    other = replace(robust, loss=loss)
    np.testing.assert_allclose(
        other.within(np.inf, 0.01)[0].shares, robust.within(np.inf, 0.01)[0].shares, atol=1e-3
    )


def test_without_any_loss_there_is_nothing_to_tilt() -> None:
    robust = problem(0)
    nothing = np.zeros_like(robust.loss.answers)
    robust = replace(robust, loss=replace(robust.loss, answers=nothing, target=nothing[:, 0]))
    found, reached = robust.within(1.0, 0.01)
    assert reached
    np.testing.assert_array_equal(found.shares, robust.shares)


def test_a_loss_in_steps_is_never_made_worse_by_polishing() -> None:
    rng = RNG(0)
    answers, y = rng.dirichlet([1, 1], (300, 3)), rng.integers(0, 2, 300)
    robust = replace(problem(0, n=300), loss=row_loss("error", answers, y))
    assert robust.best().worst <= robust.ascend().worst
    assert robust.within(0.5, 0.01)[0].average <= 0.5 or not robust.within(0.5, 0.01)[1]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), part=st.floats(0.05, 0.95))
def test_the_limit_on_the_average_holds(seed: int, part: float) -> None:
    robust = problem(seed)
    robust_end, plain = robust.ascend(), robust.evaluate(robust.shares)
    limit = part * robust_end.average + (1 - part) * plain.average
    found, reached = robust.within(limit)
    if plain.average <= limit:
        assert reached
        assert found.average <= limit
        assert found.worst <= plain.worst + 1e-12


def test_a_limit_out_of_reach_says_so() -> None:
    _, reached = problem(0).within(1e-3)
    assert not reached


@pytest.mark.parametrize("loss", ["squared", "log", "brier", "error"])
def test_losses_are_what_their_names_say(loss: str) -> None:
    rng = RNG(3)
    weights = rng.dirichlet([1, 1], 50)
    if loss == "squared":
        answers, y = rng.normal(size=(50, 2, 1)), rng.normal(size=50)
        expected = [(y[i] - weights[i] @ answers[i, :, 0]) ** 2 for i in range(50)]
    else:
        answers, y = rng.dirichlet([1, 1, 1], (50, 2)), rng.integers(0, 3, 50)
        proba = mixed(weights, answers)
        plain = {
            "log": [-np.log(proba[i, y[i]]) for i in range(50)],
            "brier": [((proba[i] - np.eye(3)[y[i]]) ** 2).sum() for i in range(50)],
            "error": [float(proba[i].argmax() != y[i]) for i in range(50)],
        }
        expected = plain[loss]
    np.testing.assert_allclose(row_loss(loss, answers, y)(weights), expected)


def test_an_empty_group_has_no_loss() -> None:
    assert group_loss(np.ones(3), np.array([[1.0, 0], [1, 0], [1, 0]])).tolist() == [1.0, 0.0]


# -- on rows the model has not seen ------------------------------------------------------------


def planted(n: int, seed: int, classes: bool) -> tuple[np.ndarray, ...]:
    """A large and a small hidden group whose outcomes depend on the features differently."""
    rng = RNG(seed)
    X, s = rng.normal(size=(n, 4)), rng.normal(size=(n, 2))
    z = (1.2 * s[:, 0] - 1.2 + rng.logistic(size=n) * 0.7 > 0).astype(int)
    value = np.where(z == 1, X @ [-2.0, 1, 0, 0], X @ [2.0, 0, 1, 0])
    if classes:
        return X, s, (rng.random(n) < 1 / (1 + np.exp(-2 * value))).astype(int), z
    return X, s, value + rng.normal(size=n) * 0.5, z


@pytest.mark.parametrize("classes", [False, True])
def test_the_slider_runs_from_average_to_worst_group_on_held_out_rows(classes: bool) -> None:
    X, s, y, _ = planted(6000, 0, classes)
    Xt, st_, yt, zt = planted(6000, 1, classes)
    base = {"n_init": 4, "random_state": 0, "cross_fitting": False}
    ends = {
        name: RomeEM(2, **base, max_average_loss=limit).fit(X, y, sensitive_features=s)
        for name, limit in (("worst", None), ("average", 0.0 + 1e9))
    }
    robust = ends["worst"]
    assert robust.robust_["average"] <= 1e9
    average = float(robust.losses(X, y, s, combine="gate").mean())
    limits = np.linspace(average, robust.robust_["average"], 4)[1:-1]
    measured = []
    for limit in limits:
        model = RomeEM(2, **base, max_average_loss=float(limit)).fit(X, y, sensitive_features=s)
        loss = model.losses(Xt, yt, st_)
        error = loss.std() / np.sqrt(len(loss))
        assert loss.mean() <= limit + 3 * error
        measured.append(max(loss[zt == g].mean() for g in (0, 1)))
    loss = robust.losses(Xt, yt, st_)
    gate = robust.losses(Xt, yt, st_, combine="gate")
    worst = max(loss[zt == g].mean() for g in (0, 1))
    plain = max(gate[zt == g].mean() for g in (0, 1))
    assert worst < measured[1] + 0.02 * plain
    assert measured[1] < measured[0] + 0.02 * plain
    assert measured[0] < plain
    assert worst < 0.9 * plain


def test_a_limit_below_reach_is_reported() -> None:
    from sklearn.exceptions import ConvergenceWarning

    X, s, y, _ = planted(500, 0, False)
    with pytest.warns(ConvergenceWarning, match="below what any combination reaches"):
        RomeEM(2, n_init=2, random_state=0, max_average_loss=1e-6).fit(X, y, sensitive_features=s)


def test_by_default_the_average_is_no_worse_than_that_of_one_pooled_model() -> None:
    X, s, y, _ = planted(3000, 0, False)
    pooled = np.linalg.lstsq(np.column_stack([np.ones(3000), X]), y, rcond=None)[0]
    loss = np.mean((y - np.column_stack([np.ones(3000), X]) @ pooled) ** 2)
    inside = RomeEM(2, n_init=4, random_state=0, cross_fitting=False)
    inside.fit(X, y, sensitive_features=s)
    assert inside.pooled_loss_ == pytest.approx(loss, rel=1e-4)
    honest = RomeEM(2, n_init=4, random_state=0).fit(X, y, sensitive_features=s)
    assert loss < honest.pooled_loss_ < 1.02 * loss
    for model in (inside, honest):
        assert model.robust_["average"] <= model.pooled_loss_


def test_the_limit_holds_on_new_rows_with_many_features_for_the_rows() -> None:
    rng = RNG(0)
    draws = []
    for n in (700, 4000):
        X, s, y, _ = planted(n, n, False)
        draws.append((np.column_stack([X, rng.normal(size=(n, 30))]), s, y))
    (X, s, y), (Xt, st_, yt) = draws
    pooled = RomeEM(1, random_state=0).fit(X, y, sensitive_features=s)
    model = RomeEM(2, n_init=4, random_state=0).fit(X, y, sensitive_features=s)
    assert model.losses(Xt, yt, st_).mean() <= pooled.losses(Xt, yt, st_).mean()


@pytest.mark.parametrize("classes", [False, True])
def test_planted_groups_fare_better_than_with_one_model_for_all(classes: bool) -> None:
    X, s, y, _ = planted(4000, 2, classes)
    Xt, st_, yt, zt = planted(4000, 3, classes)
    one = RomeEM(1, random_state=0).fit(X, y, sensitive_features=s)
    many = RomeEM(2, n_init=4, random_state=0).fit(X, y, sensitive_features=s)
    worst = {}
    for name, model in (("one", one), ("many", many)):
        loss = model.losses(Xt, yt, st_)
        worst[name] = max(loss[zt == g].mean() for g in (0, 1))
    assert worst["many"] < 0.75 * worst["one"]


@pytest.mark.parametrize("loss", ["squared", "log", "brier", "error"])
def test_losses_under_a_tilt_are_those_of_the_tilted_weights(loss: str) -> None:
    robust = problem(3, "squared" if loss == "squared" else "log")
    if loss in ("brier", "error"):
        chance = RNG(0).random((400, 3))
        answers = np.stack([1 - chance, chance], axis=2)
        robust = replace(robust, loss=row_loss(loss, answers, RNG(1).integers(0, 2, 400)))
    for tilt in ([1.0, 2.0, 0.5], [1.0, 0.0, 0.0], [1e-14, 0.0, 0.0]):
        expected = robust.loss(tilted(robust.prior, np.array(tilt)))
        np.testing.assert_allclose(robust.losses(np.array(tilt)), expected, rtol=1e-9, atol=1e-12)
