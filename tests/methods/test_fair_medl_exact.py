"""Fair MEDL's known answers: exact equalities of losses, steps and measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway
from sklearn.metrics import roc_auc_score

from fairaudit.methods.fair_medl.estimator import FairMEDL
from fairaudit.methods.fair_medl.fitting import Job, plan_of
from fairaudit.methods.fair_medl.game import Game
from fairaudit.methods.fair_medl.losses import (
    MOST_ODDS,
    PER_ODDS,
    RunningRates,
    absolute_correlation,
    between_odds,
    gaussian_kl,
)
from fairaudit.methods.fair_medl.metrics import (
    auroc,
    counterfactual_change,
    group_rates,
    spread_of_rates,
    youden_threshold,
)
from fairaudit.methods.fair_medl.networks import (
    CANDIDATES,
    ClusterParameters,
    StackedMLP,
    cluster_cross_entropy,
    effect_moments,
)
from fairaudit.methods.fair_medl.training import batch_of
from tests.methods.medl_data import clustered


def kl(mean: float, sd: float, prior: float) -> float:
    value = torch.full((1, 1, 1), mean)
    log_sd = torch.full((1, 1, 1), float(np.log(sd)))
    return float(gaussian_kl(value, log_sd, torch.exp(2 * log_sd), torch.full((1, 1), prior)))


def test_kl_is_zero_when_posterior_equals_prior() -> None:
    assert kl(0.0, 0.3, 0.3) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("mean", "sd", "prior"), [(0.4, 0.2, 0.3), (-1.0, 1.5, 0.5), (0, 0.1, 1)])
def test_analytic_and_monte_carlo_kl_agree(mean: float, sd: float, prior: float) -> None:
    draws = np.random.default_rng(0).normal(mean, sd, 400_000)
    log_q = -((draws - mean) ** 2) / (2 * sd**2) - np.log(sd)
    log_p = -(draws**2) / (2 * prior**2) - np.log(prior)
    error = (log_q - log_p).std() / np.sqrt(len(draws))
    assert kl(mean, sd, prior) == pytest.approx((log_q - log_p).mean(), abs=5 * error)


def test_kl_sums_over_effects_and_keeps_clusters_and_models_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, log_sd = (torch.randn(2, 3, 4, generator=generator) for _ in range(2))
    prior = torch.rand(2, 4, generator=generator) + 0.1
    found = gaussian_kl(mean, log_sd, torch.exp(2 * log_sd), prior)
    q = torch.distributions.Normal(mean, log_sd.exp())
    p = torch.distributions.Normal(torch.zeros(()), prior[:, None].expand_as(mean))
    expected = torch.distributions.kl_divergence(q, p).sum(2)
    torch.testing.assert_close(found, expected)


def play(**switches: Any) -> tuple[Game, torch.Tensor]:
    X, y, S, c = clustered(400, seed=3)
    model = FairMEDL((6, 5), random_state=0, **switches)
    table = Job(model, 0, None).learn(X, y, S, c, None)
    cpu = torch.device("cpu")
    game = Game(plan_of(model), batch_of(table, model._attributes, cpu), 0, cpu)
    return game, torch.arange(200)


def copy_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(before: dict[str, torch.Tensor], module: torch.nn.Module) -> list[str]:
    after = module.state_dict()
    return [name for name, value in before.items() if torch.equal(value, after[name])]


def parts_of(game: Game, rows: torch.Tensor) -> tuple[Any, Any, Any, Any]:
    batch = game.data.take(rows)
    picked = game._pick(batch)
    out = game.effects(batch.inputs, picked.leaf, picked.place)
    adversary_batch = (
        game.adversaries.adversary_batch(batch) if game.plan.debias == "adversarial" else None
    )
    return batch, picked, out, adversary_batch


def test_an_adversary_step_leaves_fixed_and_random_effects_untouched() -> None:
    game, rows = play(cluster_penalty="adversarial")
    effects, adversaries = copy_of(game.effects), copy_of(game.adversaries)
    batch, picked, out, adversary_batch = parts_of(game, rows)
    game.adversary_step(out, batch, picked, adversary_batch)
    assert len(same(effects, game.effects)) == len(effects)
    moved = set(adversaries) - set(same(adversaries, game.adversaries))
    assert {"rows.state", "trunk.weights.0", "guess.weights.0"} <= moved


def test_the_main_step_leaves_adversaries_untouched() -> None:
    game, rows = play(cluster_penalty="adversarial")
    effects, adversaries = copy_of(game.effects), copy_of(game.adversaries)
    batch, picked, out, adversary_batch = parts_of(game, rows)
    game.main_step(game.losses(out, batch, picked, adversary_batch)["total"].sum(), picked)
    assert len(same(adversaries, game.adversaries)) == len(adversaries)
    moved = set(effects) - set(same(effects, game.effects))
    assert {"rows.state", "net.weights.0", "net.biases.2"} <= moved


def test_zero_weights_reproduce_the_plain_mixed_effects_net() -> None:
    X, y, S, c = clustered(400, seed=3)
    common = {"hidden_sizes": (6,), "max_epochs": 4, "random_state": 7, "learning_rate": 0.01}
    off = {"lambda_cluster": 0.0, "lambda_fair_fixed": 0.0, "lambda_fair_mixed": 0.0}
    plain = FairMEDL(**common, debias=None, cluster_adversary=False).fit(X, y, clusters=c)
    for form in ("adversarial", "between_variance"):
        whole = FairMEDL(**common, **off, cluster_penalty=form)
        whole.fit(X, y, sensitive_features=S, clusters=c)
        np.testing.assert_array_equal(
            plain.predict_mixed(X, clusters=c), whole.predict_mixed(X, clusters=c)
        )
        np.testing.assert_array_equal(plain.predict_fixed(X), whole.predict_fixed(X))


def test_without_a_cluster_the_mixed_answer_is_exactly_the_fixed_one() -> None:
    X, y, S, c = clustered(300, seed=1)
    model = FairMEDL((5,), max_epochs=3, unseen="fixed", random_state=0)
    model.fit(X, y, sensitive_features=S, clusters=c)
    stranger = np.full(len(X), "never seen")
    np.testing.assert_array_equal(
        model.predict_mixed(X, clusters=stranger), model.predict_fixed(X)
    )
    assert not np.allclose(model.predict_mixed(X, clusters=c), model.predict_fixed(X))


def test_an_unknown_cluster_adds_exactly_nothing_while_training() -> None:
    game, rows = play()
    batch = game.data.take(rows)
    game.effects.rows.state.normal_(generator=torch.Generator().manual_seed(0))  # they start at 0
    known = torch.arange(len(rows)) % 2
    values = game.effects.rows.values
    out = game.effects(batch.inputs, values, batch.cluster, known.float())
    assert torch.equal(out.mixed[..., ::2], out.fixed[..., ::2])
    assert (out.mixed[..., 1::2] != out.fixed[..., 1::2]).all()


def test_indexed_effects_equal_one_hot_products() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 20, 3, generator=generator)
    mean, variance = torch.randn(2, 5, 6), torch.rand(2, 5, 6)
    z = torch.randint(5, (20,), generator=generator)
    shift, spread = effect_moments(inputs, mean, variance, z, 2)
    hot = torch.nn.functional.one_hot(z, 5).float()
    u, v = (torch.einsum("nk,mkqo->mnqo", hot, t.view(2, 5, 3, 2)) for t in (mean, variance))
    torch.testing.assert_close(shift, torch.einsum("nq,mnqo->mon", inputs[0], u))
    torch.testing.assert_close(spread, torch.einsum("nq,mnqo->mon", inputs[0] ** 2, v))


@pytest.mark.parametrize(("models", "shared", "outputs"), [(1, 1, 1), (2, 2, 3), (2, 1, 3)])
def test_the_gradient_of_the_moments_is_numerically_right(
    models: int, shared: int, outputs: int
) -> None:
    generator = torch.Generator().manual_seed(0)

    def leaf(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.double).requires_grad_()

    place = torch.tensor([0, 1, 1, 3, 2, 0, 3])  # clusters repeat: their gradients add up
    leaves = leaf(shared, 7, 3), leaf(models, 4, 3 * outputs), leaf(models, 4, 3 * outputs)
    assert torch.autograd.gradcheck(lambda *t: effect_moments(*t, place, outputs), leaves)


def test_lazy_adam_on_all_rows_is_torch_adam() -> None:
    start, gradients = torch.randn(1, 4, 3), torch.randn(5, 1, 4, 3)
    rows = ClusterParameters(start.clone(), 0.01)
    parameter = torch.nn.Parameter(start.clone())
    reference = torch.optim.Adam([parameter], 0.01)
    for gradient in gradients:
        rows.update(None, rows.pick(None)[0], gradient)
        parameter.grad = gradient
        reference.step()
    torch.testing.assert_close(rows.values, parameter.detach())


def test_lazy_adam_moves_only_touched_rows() -> None:
    rows = ClusterParameters(torch.randn(1, 6, 2), 0.1)
    before = rows.values.clone()
    touched = torch.tensor([1, 4])
    state, leaf = rows.pick(touched)
    rows.update(touched, state, torch.ones_like(leaf))
    moved = (rows.values != before).any(2)[0]
    assert moved.tolist() == [False, True, False, False, True, False]


def test_odds_of_between_to_within_variance_are_those_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    z = rng.choice(40, 4000, p=rng.dirichlet(np.full(40, 3.0)))
    own = rng.normal(size=(40, 3)) * [1.0, 0.5, 0.0]
    x = np.column_stack([own[z] + rng.normal(size=(4000, 3)), z])  # the last only names z
    odds = between_odds(torch.as_tensor(x), torch.as_tensor(z), 40).numpy()
    count = np.bincount(z, minlength=40)
    for j in range(3):
        groups = [x[z == k, j] for k in range(40)]
        within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (4000 - 40)
        f = f_oneway(*groups).statistic
        size = (4000 - (count**2).sum() / 4000) / 39
        assert odds[j] == pytest.approx(max(0, (f - 1) / size), abs=1e-9)
        assert within == pytest.approx(1, abs=0.06)
    assert odds[3] == MOST_ODDS


def test_chance_differences_of_many_small_clusters_cost_nothing() -> None:
    x = torch.randn(6000, 50, generator=torch.Generator().manual_seed(0))
    z = torch.arange(6000) % 2000  # three rows each: a third of the raw variance is between
    assert float(between_odds(x, z, 2000).mean()) < 0.02
    alone = torch.arange(6000)
    assert float(between_odds(x, alone, 6000).sum()) == 0  # nothing within to compare with


def test_between_variance_pulls_at_the_first_layer_in_proportion_to_the_odds() -> None:
    game, _ = play(cluster_penalty="between_variance", lambda_cluster=3.0)
    assert game.odds is not None
    assert game.adversaries.trunk is None
    first = game.main_weights[0]
    found = torch.autograd.grad(game._between(game.odds).sum(), first)[0]
    torch.testing.assert_close(found, 2 * PER_ODDS * first * game.odds)


def test_stacked_networks_equal_separate_ones() -> None:
    net = StackedMLP(3, (4, 5, 2), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weight in net.weights:
            weight.add_(torch.randn_like(weight))
    x = torch.randn(1, 4, 7)
    out, hidden = net(x)
    for m in range(3):
        h = torch.relu(net.weights[0][m] @ x[0] + net.biases[0][m])
        torch.testing.assert_close(hidden[0][m], h)
        torch.testing.assert_close(out[m], net.weights[1][m] @ h + net.biases[1][m])


def test_a_path_trained_as_one_batch_equals_models_trained_alone() -> None:
    X, y, S, c = clustered(300, seed=5, task="regression")  # its expected loss needs no draws
    common: dict[str, Any] = {"hidden_sizes": (5,), "max_epochs": 4, "random_state": 1}
    common |= {"debias": "rates", "unseen": "fixed", "learning_rate": 0.01}
    batch = FairMEDL(**common, performance_budget=0.5, path=(0.0, 0.5, 2.0))
    together = batch.fit(X, y, sensitive_features=S, clusters=c).predict_path(X, clusters=c)
    for lam, answer in zip(batch.lams_, together, strict=True):
        alone = FairMEDL(**common, lambda_fair_fixed=lam, lambda_fair_mixed=lam)
        alone.fit(X, y, sensitive_features=S, clusters=c)
        np.testing.assert_allclose(answer, alone.predict_mixed(X, clusters=c), rtol=1e-3)


def test_sampled_cross_entropy_equals_the_full_one_when_every_cluster_is_drawn_once() -> None:
    k = CANDIDATES
    trunk, rows = torch.randn(1, 4, k), torch.randn(1, k, 5)
    place = torch.arange(k)
    even = torch.zeros(k)  # equal frequencies cancel
    full = cluster_cross_entropy(trunk, rows, place, None)
    torch.testing.assert_close(cluster_cross_entropy(trunk, rows, place, even), full)


def test_soft_spread_equals_a_hand_computed_table() -> None:
    values = torch.tensor([[[0.2, 0.4, 0.9, 0.5] * 5]])
    about = torch.ones(1, 20)
    member = torch.tensor([[1.0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 1]]).repeat(5, 1)
    found = RunningRates(window=1).spread(values, about, member)
    assert float(found) == pytest.approx((0.3 - 0.5) ** 2 + (0.7 - 0.5) ** 2, rel=1e-5)


def test_running_rates_have_the_gradient_of_the_whole_window() -> None:
    score = torch.rand(1, 1, 200, generator=torch.Generator().manual_seed(0))
    member = (torch.arange(200)[:, None] % 2 == torch.arange(2)).float()
    member = torch.cat([member, torch.ones(200, 1)], 1)
    whole = score.clone().requires_grad_()
    RunningRates(window=1).spread(whole, torch.ones(1, 200), member).sum().backward()
    running, leaf = RunningRates(window=10**9), score.clone().requires_grad_()
    running.spread(leaf[..., :100].detach(), torch.ones(1, 100), member[:100])
    second = running.spread(leaf[..., 100:], torch.ones(1, 100), member[100:])
    second.sum().backward()
    assert leaf.grad is not None
    assert whole.grad is not None
    # the newest half stands for the window of two halves: its gradient counts twice
    torch.testing.assert_close(
        leaf.grad[..., 100:], 2 * whole.grad[..., 100:], rtol=0.02, atol=1e-5
    )


def test_absolute_correlation_is_numpys() -> None:
    rng = np.random.default_rng(0)
    values, design = rng.normal(size=80), rng.normal(size=(80, 2))
    expected = np.mean([abs(np.corrcoef(values, d)[0, 1]) for d in design.T])
    found = absolute_correlation(
        torch.tensor(values, dtype=torch.float32)[None, None],
        torch.ones(1, 80),
        torch.tensor(design, dtype=torch.float32),
        torch.ones(80),
    )
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_spread_equals_a_hand_computed_table() -> None:
    y = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    label = np.array([1, 0, 1, 1, 0, 1, 0, 0])
    group = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    found = spread_of_rates(y, label, group, fewest=1)
    assert found == {"tpr": 0.25, "fpr": 0.25}  # rates .5 and 1; .5 and 0; population SD
    parity = spread_of_rates(y, label, group, target="demographic_parity", fewest=1)
    assert parity == {"rate": 0.0}
    values = spread_of_rates(y * 1.0, label * 2.0, group, task="regression", fewest=1)
    assert values["mse"] == pytest.approx(np.std([(1 + 1 + 4) / 4, (1 + 1) / 4]))


def test_groups_with_too_few_rows_or_alone_are_not_judged() -> None:
    y, group = np.ones(30, int), np.array([0] * 25 + [1] * 5)
    assert np.isnan(spread_of_rates(y, y, group)["tpr"])
    assert len(group_rates(y * 1.0, y == 1, group)) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_auroc_and_youden_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, y = rng.integers(0, 8, 40) / 8, np.r_[0, 1, rng.integers(0, 2, 38)]
    assert auroc(y, score) == pytest.approx(roc_auc_score(y, score))
    cut = youden_threshold(y, score)
    gain = [(score[y == 1] >= t).mean() - (score[y == 0] >= t).mean() for t in np.unique(score)]
    here = (score[y == 1] >= cut).mean() - (score[y == 0] >= cut).mean()
    assert here == pytest.approx(max(gain))


def test_counterfactual_change_is_zero_when_the_attribute_is_ignored() -> None:
    X = np.random.default_rng(0).normal(size=(50, 4))
    X[:, 3] = np.arange(50) % 2
    levels = [(0.0,), (1.0,)]
    assert counterfactual_change(lambda X: X[:, 0], X, [3], levels) == 0.0
    assert counterfactual_change(lambda X: X[:, 0] + 0.25 * X[:, 3], X, [3], levels) == 0.25


def test_counterfactual_change_averages_over_all_other_levels() -> None:
    X = np.eye(3)[[0, 0, 1, 2]]
    value = np.array([0.0, 1.0, 3.0])
    found = counterfactual_change(lambda X: X @ value, X, [0, 1, 2], [tuple(r) for r in np.eye(3)])
    pairs = [abs(value[a] - value[b]) for a in (0, 0, 1, 2) for b in range(3) if b != a]
    assert found == pytest.approx(np.mean(pairs))
