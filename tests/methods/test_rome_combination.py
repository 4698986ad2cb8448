"""combine="auto": a safe pick between pooled model, gate and tilt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairaudit import RomeEM
from fairaudit.exceptions import SpecError
from fairaudit.methods.rome.combination import JudgedAnswers, choose_combination

RNG = np.random.default_rng
pytestmark = pytest.mark.filterwarnings("ignore:EM did not converge", "ignore:group . holds")


def planted(n: int, seed: int, *, classes: bool = False, blur: float = 0.7) -> Any:
    """Two groups with opposite slopes; a minority whose membership s foretells with an error."""
    rng = RNG(seed)
    X, s = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    z = 1.2 * s[:, 0] - 1.2 + blur * rng.logistic(size=n) > 0
    value = np.where(z, X @ [-2.0, 1, 0], X @ [2.0, 0, 1])
    if classes:
        return X, s, (value + rng.logistic(size=n) / 2 > 0).astype(int), z
    return X, s, value + 0.5 * rng.normal(size=n), z


def null(n: int, seed: int, kind: str) -> Any:
    """One line for everybody, with errors of a kind that sensitive attributes do not foretell."""
    rng = RNG(seed)
    X, s = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    errors = {
        "normal": rng.normal(size=n),
        "heavy": rng.standard_t(3, size=n),
        "skewed": rng.exponential(size=n),
        "logistic": rng.logistic(size=n),
    }[kind]
    value = X[:, 0] - 0.5 * X[:, 1] + errors
    return X, s, (value > 0).astype(int) if kind == "logistic" else value


def quick(n_groups: int = 2, **params: Any) -> RomeEM:
    return RomeEM(n_groups, **{"n_init": 2, "max_iter": 60, "random_state": 0, **params})


@pytest.mark.parametrize("kind", ["normal", "heavy", "skewed", "logistic"])
def test_without_groups_the_pooled_model_is_kept(kind: str) -> None:
    picks = []
    for seed in range(3):
        X, s, y = null(600, seed, kind)
        model = quick(2 + seed % 2).fit(X, y, sensitive_features=s)
        picks.append(model.combination_)
        if model.combination_ == "pooled":
            assert model.combination_facts_["reason"] == "no evidence"
            pooled = model.predict(X, s, combine="pooled")
            np.testing.assert_array_equal(model.predict(X, s), pooled)
    assert picks.count("pooled") >= 2


@pytest.mark.parametrize("classes", [False, True])
def test_planted_groups_are_served(classes: bool) -> None:
    X, s, y, _ = planted(3000, 0, classes=classes)
    Xt, st, yt, zt = planted(3000, 1, classes=classes)
    model = quick().fit(X, y, sensitive_features=s)
    assert model.combination_ != "pooled"
    own, pooled = (model.losses(Xt, yt, st, combine=c) for c in ("auto", "pooled"))
    assert own.mean() < pooled.mean()
    assert max(own[zt == g].mean() for g in (0, 1)) < max(pooled[zt == g].mean() for g in (0, 1))
    facts = model.combination_facts_
    chosen = facts["candidates"][facts["position"]]
    assert chosen["average"] <= facts["limit"]
    assert not chosen["harms"]


def test_validation_rows_decide_where_they_are_given() -> None:
    X, s, y, _ = planted(1500, 0)
    real = planted(800, 1)[:3]
    noise = RNG(5).permutation(800)
    by_groups = quick().fit(X, y, sensitive_features=s, validation=(real[0], real[2], real[1]))
    assert by_groups.combination_facts_["rows"] == "validation"
    assert by_groups.combination_ != "pooled"
    shuffled = (real[0], real[2], real[1][noise])  # attributes of other people tell nothing
    assert quick().fit(X, y, sensitive_features=s, validation=shuffled).combination_ == "pooled"


def test_weights_of_validation_rows_count() -> None:
    X, s, y, _ = planted(1500, 0)
    Xv, sv, yv, _ = planted(800, 1)
    wrong = RNG(5).permutation(800)
    weight = np.r_[np.ones(800), np.zeros(800)]
    both = (np.r_[Xv, Xv], np.r_[yv, yv], np.r_[sv, sv[wrong]])
    model = quick().fit(X, y, sensitive_features=s, validation=(*both, None, weight))
    alone = quick().fit(X, y, sensitive_features=s, validation=(Xv, yv, sv))
    assert model.combination_ == alone.combination_ != "pooled"
    assert model.combination_facts_["evidence"] == pytest.approx(
        alone.combination_facts_["evidence"]
    )


def test_rows_repeated_as_clusters_are_no_more_evidence() -> None:
    X, s, y, _ = planted(300, 3, blur=2.5)
    Xv, sv, yv, _ = planted(60, 4, blur=2.5)
    once = quick().fit(X, y, sensitive_features=s, validation=(Xv, yv, sv))
    many = tuple(np.repeat(part, 6, axis=0) for part in (Xv, yv, sv))
    cluster = np.repeat(np.arange(60), 6)
    again = quick().fit(X, y, sensitive_features=s, validation=(*many, cluster))
    assert again.combination_facts_["evidence"] == pytest.approx(
        once.combination_facts_["evidence"]
    )


def test_too_few_rows_keep_the_pooled_model() -> None:
    X, s, y, _ = planted(30, 0)
    model = quick(4, n_init=1).fit(X, y, sensitive_features=s)
    assert model.combination_ == "pooled"
    assert model.combination_facts_["reason"] == "too few rows"


def judged(n: int = 400) -> JudgedAnswers:
    """Two sharp groups whose experts are right, and a pooled model that is half wrong."""
    group = np.arange(n) % 2
    target = np.where(group == 1, 1.0, -1.0) + 0.01 * RNG(0).normal(size=n)
    answers = np.broadcast_to([[[-1.0], [1.0]]], (n, 2, 1))
    member = np.eye(2)[group]
    ones = np.ones(n)
    return JudgedAnswers(
        answers, member, member, np.zeros((n, 1, 1)), ones, target, ones, None, "validation"
    )


def test_a_limit_that_nothing_reaches_takes_the_best_average() -> None:
    shares = np.array([0.5, 0.5])
    picked = choose_combination(judged(), shares, shares, "squared", 1e-9)
    assert picked.facts["reason"] == "limit"
    assert picked.name == "gate"
    assert not any(c["within_limit"] for c in picked.facts["candidates"])


def test_no_group_is_harmed_for_the_average() -> None:
    rows = judged()
    hurt = rows.target.copy()
    hurt[1::2] = -0.4  # the second group is better off with the pooled model's 0
    rows = replace(rows, target=hurt)
    shares = np.array([0.5, 0.5])
    picked = choose_combination(rows, shares, shares, "squared", None)
    assert picked.name == "pooled"
    assert [c["harms"] for c in picked.facts["candidates"]] == [False, True, True, True]


def test_the_simpler_of_equals_is_taken() -> None:
    shares = np.array([0.5, 0.5])
    sharp = judged()  # where membership is sharp a tilt changes nothing
    assert choose_combination(sharp, shares, np.array([0.9, 0.1]), "squared", None).name == "gate"


def test_what_was_picked_is_saved(tmp_path: Path) -> None:
    for data in (planted(1200, 0)[:3], null(300, 0, "normal")):
        X, s, y = data
        model = quick().fit(X, y, sensitive_features=s)
        model.save(tmp_path / model.combination_)
        again = RomeEM.load(tmp_path / model.combination_)
        assert again.combination_facts_ == model.combination_facts_
        for combine in (None, "pooled", "auto", "gate"):
            np.testing.assert_array_equal(
                again.predict(X, s, combine=combine), model.predict(X, s, combine=combine)
            )


def test_an_older_model_says_what_it_lacks() -> None:
    folder = Path(__file__).parent.parent / "fixtures" / "models" / "RomeEM"
    with pytest.raises(SpecError, match="saved before"):
        RomeEM.load(folder)._chosen("pooled")


@pytest.mark.parametrize(("combine", "texts"), [("minimax", 1), ("auto", 0)])
def test_a_tilt_that_misses_the_pooled_average_is_reported(combine: str, texts: int) -> None:
    X, s, y, _ = planted(200, 2)
    model = quick(combine=combine).fit(X, y, sensitive_features=s)
    answers, prior = model._inputs(X, s)
    robust = model._robust(prior, prior, answers, y)
    model.warnings_, model.pooled_loss_ = [], 1e-9
    model._tilt(robust)
    assert len(model.warnings_) == texts
    assert all("no tilt keeps the average" in text for text in model.warnings_)
