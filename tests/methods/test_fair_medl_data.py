"""Fair MEDL on public data: pupils in schools, patients at sites, workers by occupation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from fairaudit.methods.fair_medl.estimator import FairMEDL
from fairaudit.methods.fair_medl.metrics import auroc, mean_spread
from fairaudit.methods.fair_medl.probes import PROBES, confounded_probes
from fairaudit.methods.fair_medl.tables import probe_ranks
from tests.sizes import nightly, size

# lme4: mAch ~ minrty + sx + ses + meanses + sector + (1 | school), shared/data/README.md
LME4 = np.array([-2.8378, 1.244, 1.9166, 2.1063, -1.7178])
LME4_INTERCEPT, LME4_SCHOOL, LME4_RESIDUAL = 13.8026, 1.338057, 5.992357


def pupils(folder: Path) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    table = pl.read_csv(folder / "hsb82" / "Hsb82.csv")
    columns = [
        (table["minrty"] == "Yes").cast(pl.Float64),
        (table["sx"] == "Male").cast(pl.Float64),
        table["ses"],
        table["meanses"],
        (table["sector"] == "Public").cast(pl.Float64),
    ]
    X = np.column_stack([c.to_numpy() for c in columns])
    return X, table["mAch"].to_numpy(), table["school"].cast(pl.String).to_numpy().astype(str)


def linear_gaussian(**params: Any) -> FairMEDL:
    """The case mixed-model software solves: linear, Gaussian, no adversaries."""
    return FairMEDL(
        (),
        debias=None,
        cluster_adversary=False,
        task="regression",
        prior_scale=None,
        unseen="fixed",
        learning_rate=0.02,
        max_epochs=60,
        batch_size=512,
        validation_fraction=0.0,
        random_state=0,
        **{"slopes": "none", **params},
    )


def test_lme4s_figures_for_pupils_in_schools(shared_data: Path) -> None:
    X, y, school = pupils(shared_data)
    model = linear_gaussian().fit(X, y, clusters=school)
    weights = model._weights()
    slopes = weights.layers[0][0][:, 0] / model._scale.sd * model._y_scale
    np.testing.assert_allclose(slopes, LME4, atol=0.15)
    scale = model._y_scale
    intercept = model.predict_fixed(np.zeros((1, 5)))[0]
    assert intercept == pytest.approx(LME4_INTERCEPT, abs=0.15)
    assert model.prior_sd_ * scale == pytest.approx(LME4_SCHOOL, rel=0.1)
    assert np.sqrt(weights.noise) * scale == pytest.approx(LME4_RESIDUAL, rel=0.01)


@pytest.mark.parametrize("random_slope", [False, True])
def test_statsmodels_mixed_model_is_reproduced(shared_data: Path, random_slope: bool) -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    X, y, school = pupils(shared_data)
    held = np.random.default_rng(0).random(len(y)) < 0.3
    design = np.column_stack([np.ones(len(y)), X])
    varying = np.column_stack([np.ones(len(y)), X[:, 2]]) if random_slope else None
    oracle = MixedLM(
        y[~held],
        design[~held],
        groups=school[~held],
        exog_re=None if varying is None else varying[~held],
    ).fit()
    effects = {k: np.asarray(v) for k, v in oracle.random_effects.items()}
    loading = np.ones((len(y), 1)) if varying is None else varying
    zero = np.zeros(loading.shape[1])
    mixed = design @ oracle.fe_params + np.array(
        [row @ effects.get(s, zero) for row, s in zip(loading, school, strict=True)]
    )
    model = linear_gaussian(slopes="inputs" if random_slope else "none")
    ours = model.fit(X[~held], y[~held], clusters=school[~held]).predict(X, clusters=school)
    rmse = [float(np.sqrt(np.mean((p[held] - y[held]) ** 2))) for p in (ours, mixed)]
    assert rmse[0] == pytest.approx(rmse[1], rel=0.005)
    fixed = model.predict_fixed(X)[held]
    assert rmse[0] < np.sqrt(np.mean((fixed - y[held]) ** 2)) - 0.03
    if not random_slope:
        found = dict(zip(*model.random_effects_.select("cluster", "mean"), strict=True))
        pairs = np.array([(found[k], v[0]) for k, v in effects.items()])
        assert np.corrcoef(pairs.T)[0, 1] >= 0.98


def patients(folder: Path) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    parts = []
    for site in ("cleveland", "hungarian", "switzerland", "va"):
        text = (folder / "heart" / f"processed.{site}.data").read_text().replace(" ", "")
        table = pl.read_csv(text.encode(), null_values="?", infer_schema=False)
        parts.append(table.with_columns(pl.all().cast(pl.Float64), site=pl.lit(site)))
    table = pl.concat(parts)
    names = [c for c in table.columns if c not in ("num", "site")]
    X = table.select(pl.col(names).fill_null(pl.col(names).median())).to_numpy()
    y = (table["num"] > 0).cast(pl.Int64).to_numpy()
    sex = np.where(table["sex"].to_numpy() > 0, "male", "female")
    return X, y, sex, table["site"].to_numpy().astype(str)


def test_leave_one_site_out(shared_data: Path) -> None:
    X, y, sex, site = patients(shared_data)
    scores = {}
    for left in np.unique(site):
        train = site != left
        model = FairMEDL(
            (16,),
            debias="rates",
            lambda_fair_fixed=0.05,
            lambda_fair_mixed=0.05,
            learning_rate=0.01,
            max_epochs=size(12, 30),
            batch_size=64,
            random_state=0,
        )
        model.fit(X[train], y[train], sensitive_features=sex[train], clusters=site[train])
        assert left not in set(model.random_effects_["cluster"])
        answer = model.predict_mixed(X[~train], clusters=site[~train])
        scores[str(left)] = auroc(y[~train], answer)
    assert np.mean(list(scores.values())) > 0.72, scores
    assert min(scores.values()) > 0.55, scores


ADULT = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")


def workers(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Any]:
    table = pl.read_csv(folder / "adult" / name).drop_nulls("income")
    hot = [("sex", "Male"), ("race", "White"), ("race", "Black")]
    hot += [("marital-status", "Married-civ-spouse"), ("marital-status", "Never-married")]
    logs = table.with_columns(pl.col("capital-gain", "capital-loss").cast(pl.Float64).log1p())
    X = np.column_stack(
        [*(logs[c].to_numpy() for c in ADULT), *((table[c] == v).to_numpy() for c, v in hot)]
    ).astype(np.float64)
    y = table["income"].str.contains(">50K").to_numpy().astype(int)
    age = np.digitize(table["age"].to_numpy(), [26, 36, 46, 56]).astype(str)
    S = np.column_stack([age, table["sex"], table["marital-status"]])
    return X, y, S, table["occupation"].fill_null("?").to_numpy().astype(str)


SEEN = ("Prof-specialty", "Craft-repair", "Exec-managerial", "Adm-clerical", "Sales",
        "Other-service", "Machine-op-inspct")  # fmt: skip


@pytest.mark.slow
def test_rates_within_the_budget_narrow_the_gaps_on_adult(shared_data: Path) -> None:
    X, y, S, job = workers(shared_data, "adult.data")
    rows = np.isin(job, SEEN)
    model = FairMEDL((16,), debias="rates", performance_budget=0.01, learning_rate=0.01,
                     max_epochs=size(8, 12), batch_size=1024, random_state=0,
                     path=(0.0, 0.05, *nightly(0.02, 0.1), 0.2))  # fmt: skip
    model.fit(X[rows], y[rows], sensitive_features=S[rows], clusters=job[rows])
    X, y, S, job = workers(shared_data, "adult.test")
    codes = np.column_stack([np.unique(s, return_inverse=True)[1] for s in S.T])
    for part, drop in ((np.isin(job, SEEN), 0.25), (~np.isin(job, SEEN), 0.2)):
        answers = model.predict_path(X[part], clusters=job[part])
        free, fair = answers[0], answers[model.lams_.index(model.lam_)]
        assert auroc(y[part], fair) > auroc(y[part], free) - 0.02
        before, after = (
            mean_spread(y[part], a, codes[part], task="binary", target="equalized_odds",
                        fewest=100)
            for a in (free, fair)
        )  # fmt: skip
        assert after < before * (1 - drop)


def test_probes_know_the_rate_of_their_cluster_and_nothing_elsewhere() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(["a", "b", "new"], 4000)
    y = (rng.random(12_000) < np.repeat([0.02, 0.6, 0.5], 4000)).astype(int)
    probes = confounded_probes(y, cluster, cluster != "new")
    rates = np.array([0.05, y[4000:8000].mean()])  # the first is floored
    exact = np.column_stack([rates, rates**2, 1 / rates, np.cos(rates), np.sin(rates)])
    for k, rows in enumerate((slice(0, 4000), slice(4000, 8000))):
        np.testing.assert_allclose(probes[rows].mean(0), exact[k], atol=0.005)
        np.testing.assert_allclose(probes[rows].std(0), 0.05, rtol=0.1)
    np.testing.assert_allclose(probes[8000:].mean(0), exact.mean(0), atol=0.005)


@pytest.mark.filterwarnings("ignore:.*training rows of one class only")
@pytest.mark.parametrize("debias", ["rates", "adversarial"])
def test_a_plain_net_leans_on_probes_and_fair_medl_does_not(debias: Any) -> None:
    """Twelve true features and five probes; clusters matter as much as all features together."""
    best: dict[str, list[int]] = {"plain": [], "fair": []}
    seeds = size(2, 5)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        X, z = rng.normal(size=(3000, 12)), rng.integers(0, 14, 3000)
        raw = X @ np.linspace(0.6, 0.2, 12) + rng.normal(0, 2.0, 14)[z]
        y = (rng.random(3000) < 1 / (1 + np.exp(-raw))).astype(int)
        probes = confounded_probes(y, z, np.ones(3000, bool), random_state=seed)
        X = pl.DataFrame(np.column_stack([X, probes]), schema=[*"abcdefghijkl", *PROBES])
        sex = np.where(rng.random(3000) < 0.5, "f", "m")
        push = {"debias": debias, "lambda_fair_fixed": 0.1, "lambda_fair_mixed": 0.1}
        off = {"debias": None, "random_effects": False, "cluster_adversary": False}
        for name, switches in (("plain", off), ("fair", push)):
            model = FairMEDL((16,), learning_rate=0.01, max_epochs=20, random_state=seed,
                             slopes="none", unseen="fixed", **switches)  # fmt: skip
            model.fit(X, y, sensitive_features=sex, clusters=z)
            best[name].append(probe_ranks(model.fixed_effects_importance_)["rank"][0])
    assert sum(rank <= 5 for rank in best["plain"]) >= seeds - 1, best
    assert sum(rank > 10 for rank in best["fair"]) >= seeds - 1, best
    assert min(best["fair"]) > max(best["plain"]), best
