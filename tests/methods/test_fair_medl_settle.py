"""Random effects inside the model: planted truth covered, honest widths, debiasing kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from fairaudit.methods.fair_medl.estimator import FairMEDL
from fairaudit.methods.fair_medl.metrics import auroc, mean_spread
from fairaudit.methods.fair_medl.posterior import settled
from fairaudit.methods.fair_medl.weights import Weights
from tests.sizes import nightly

CLUSTERS, ROWS = 30, 3000
FORMS: dict[str, dict[str, Any]] = {
    "none": {"debias": None},
    "rates": {"debias": "rates", "lambda_fair_fixed": 0.1, "lambda_fair_mixed": 0.1},
    "adversarial": {"debias": "adversarial", "lambda_fair_fixed": 0.3, "lambda_fair_mixed": 0.3},
}

OTHER_FORMS = [
    ("binary", "none"), ("binary", "adversarial"), ("regression", "none"), ("regression", "rates"),
]  # fmt: skip


def sites(seed: int, task: str) -> tuple[NDArray[Any], ...]:
    """X, y, attribute, cluster codes of very different sizes, planted intercepts N(0, .8²)."""
    rng = np.random.default_rng(seed)
    z = rng.choice(CLUSTERS, ROWS, p=rng.dirichlet(np.full(CLUSTERS, 1.5)))
    own, X, a = rng.normal(0, 0.8, CLUSTERS), rng.normal(size=(ROWS, 4)), rng.integers(0, 2, ROWS)
    X[:, 3] = a + 0.5 * rng.normal(size=ROWS)
    raw = X[:, 0] - 0.5 * X[:, 1] + 0.8 * (a - 0.5) + own[z]
    if task == "regression":
        return X, raw + rng.normal(size=ROWS), a.astype(str), z, own
    return X, (rng.random(ROWS) < expit(raw)).astype(int), a.astype(str), z, own


def intercepts(model: FairMEDL) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Cluster codes, means and SDs in the units of the outcome's link."""
    table = model.random_effects_.filter(pl.col("effect") == "intercept")
    codes = table["cluster"].cast(pl.Int64).to_numpy()
    mean, sd = (table[name].to_numpy() * model._y_scale for name in ("mean", "sd"))
    return codes, mean, sd


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("task", "form"),
    [("binary", "rates"), ("regression", "adversarial"), *nightly(*OTHER_FORMS)],
)
def test_planted_intercepts_are_covered_and_small_sites_are_wider(task: str, form: str) -> None:
    covered = []
    for seed in range(3):
        X, y, a, z, own = sites(seed, task)
        model = FairMEDL((8,), learning_rate=0.01, max_epochs=15, random_state=seed, **FORMS[form])
        model.fit(X, y, sensitive_features=a, clusters=z.astype(str))
        codes, mean, sd = intercepts(model)
        gap = mean - own[codes]
        gap -= gap.mean()  # a level common to all clusters belongs to the fixed part
        covered += list(np.abs(gap) <= 1.96 * sd)
        count = np.bincount(z, minlength=CLUSTERS)[codes]
        assert sd[count.argmin()] > 2 * sd[count.argmax()]
        assert model.prior_sd_ * model._y_scale == pytest.approx(own.std(), rel=0.35)
    assert 0.85 <= np.mean(covered) <= 0.99


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_intervals_of_predictions_follow_the_size_of_the_cluster() -> None:
    X, y, a, z, _ = sites(0, "regression")
    model = FairMEDL((8,), learning_rate=0.01, max_epochs=10, random_state=0, **FORMS["rates"])
    model.fit(X, y, sensitive_features=a, clusters=z.astype(str))
    count = np.bincount(z, minlength=CLUSTERS)
    few, many = str(count.argmin()), str(count.argmax())
    width = {
        name: np.subtract(*model.predict_interval(X[:50], clusters=np.full(50, name))[::-1]).mean()
        for name in (few, many, "elsewhere")
    }
    model.unseen = "fixed"
    low, high = model.predict_interval(X[:50], clusters=np.full(50, "elsewhere"))
    assert width[many] * 2 < width[few]
    assert width[few] < (high - low).mean()


def test_without_a_fairness_weight_the_effects_are_the_posterior_exactly() -> None:
    X, y, a, z, _ = sites(1, "binary")
    common: dict[str, Any] = {"hidden_sizes": (8,), "max_epochs": 4, "random_state": 0}
    free = FairMEDL(**common, debias="rates", lambda_fair_fixed=0.0, lambda_fair_mixed=0.0)
    free.fit(X, y, sensitive_features=a, clusters=z, validation=(X, y, a, z))
    found = free.cluster_effects(X, y, clusters=z).effects
    for column in ("mean", "sd"):
        ours = free.random_effects_[column].to_numpy()
        np.testing.assert_allclose(ours, found[column].to_numpy(), atol=1e-4)


def test_settling_keeps_what_debiasing_won() -> None:
    X, y, a, z, _ = sites(2, "binary")
    codes = (a == "1").astype(int)[:, None]
    spread, accuracy = {}, {}
    for lam in (0.0, 0.5):
        model = FairMEDL((8,), debias="rates", lambda_fair_fixed=lam, lambda_fair_mixed=lam,
                         learning_rate=0.01, max_epochs=20, random_state=0)  # fmt: skip
        model.fit(X, y, sensitive_features=a, clusters=z, validation=(X, y, a, z))
        answer = model.predict_mixed(X, clusters=z)
        spread[lam] = mean_spread(y, answer, codes, task="binary", target="equalized_odds")
        accuracy[lam] = auroc(y, answer)
        if lam:  # the posterior under the same fixed part, without the fairness term
            freed = model.cluster_effects(X, y, clusters=z).effects["mean"].to_numpy()
            assert not np.allclose(freed, model.random_effects_["mean"].to_numpy(), atol=1e-3)
    assert spread[0.5] < 0.5 * spread[0.0]
    assert accuracy[0.5] > accuracy[0.0] - 0.05


def test_a_nearly_certain_cluster_does_not_run_away() -> None:
    rng = np.random.default_rng(0)
    n, q = 300, 6
    X = np.column_stack([rng.normal(size=(n, q)), np.ones(n)])[:, :q] * 3
    codes = np.repeat([0, 1, 2], 100)
    y = np.where(codes == 2, rng.random(n) < 0.02, rng.random(n) < expit(X[:, 0])).astype(float)
    layers = ((np.eye(q)[:, :1] * 4, np.full(1, 5.0)),)  # far too sure for cluster 2
    shape = (3, q + 1, 1)
    start = Weights(layers, np.zeros(shape), np.ones(shape), np.ones(shape[1:]), 1.0, "inputs",
                    "binary", True)  # fmt: skip
    found = settled(start, X, y, codes, np.ones(n))
    assert np.abs(found.effect_mean).max() < 15
    shift = X @ found.effect_mean[2, :-1, 0] + found.effect_mean[2, -1, 0] + 4 * X[:, 0] + 5
    assert expit(shift[codes == 2]).mean() == pytest.approx(y[codes == 2].mean(), abs=0.05)


def test_a_given_prior_is_kept_and_a_stronger_one_pulls_harder() -> None:
    X, y, _, z, _ = sites(3, "regression")
    size = {}
    for name, given in {"given": {"prior_scale": 0.2}, "strong": {"prior_scale": 0.2,
                        "lambda_kl": 50.0}}.items():  # fmt: skip
        model = FairMEDL((), debias=None, max_epochs=5, random_state=0, **given)
        model.fit(X, y, clusters=z)
        assert model.prior_sd_ == pytest.approx(0.2)
        size[name] = float(np.abs(intercepts(model)[1]).mean())
    assert size["strong"] < 0.7 * size["given"]
