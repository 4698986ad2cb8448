"""Latent groups: few false alarms for every G, real groups found, each with a rule."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.latent import tests as latent_tests
from fairaudit.audit.latent.groups import LatentAudit, audit_latent
from fairaudit.audit.latent.tests import permutation_p, sign_flip_p
from fairaudit.exceptions import InputError
from tests.sizes import binomial_error, size

NAMES = ["age", "income", "sex=f", "noise"]


def _world(n: int, seed: int, bad: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """15% wrong answers everywhere, `bad` among women above 50 (about a quarter)."""
    rng = np.random.default_rng([seed, 97])
    X = np.column_stack(
        [rng.uniform(20, 80, n), rng.normal(size=n), rng.integers(0, 2, n), rng.normal(size=n)]
    )
    inside = (X[:, 0] > 50) & (X[:, 2] == 1)
    y = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(inside, bad, 0.15)
    return X, y, np.where(wrong, 1 - y, y)


def _audit(n: int, seed: int, bad: float, **options: object) -> LatentAudit:
    X, y, label = _world(n, seed, bad)
    return audit_latent(X, NAMES, y, label, random_state=seed, **options, confidence=0.95)  # type: ignore[arg-type]


def test_a_group_that_is_served_badly_is_found_with_its_rule() -> None:
    found = _audit(3000, 0, 0.45, groups={"sex": np.tile(["f", "m"], 1500)})
    assert "group 1" in found.found  # the worst leaf comes first
    row = found.tables["groups"].row(0, named=True)
    assert "sex is f" in row["rule"]
    assert "age above" in row["rule"]
    assert row["fidelity"] > 0.9
    test = found.tables["latent_tests"].filter(pl.col("chosen")).row(0, named=True)
    assert test["low"] < 0.30 < test["high"]
    different = next(g for g in found.finding.groups if g["group"] == test["group"])
    assert different["rule"] == row["rule"]
    assert {name: different[name] for name in ("low", "high")} == {
        name: test[name] for name in ("low", "high")
    }
    assert set(found.tables["overlap"]["attribute"]) == {"sex"}


def test_membership_covers_all_rows_and_sums_to_one() -> None:
    for finder in ("tree", "mixture"):
        found = _audit(600, 1, 0.4, finder=finder, n_permutations=50)
        latent = found.tables["latent"]
        shares = latent.select(pl.col("^p[0-9]+$")).to_numpy()
        assert len(latent) == 600
        assert np.allclose(shares.sum(axis=1), 1)
        assert np.array_equal(shares.argmax(axis=1), latent["group"].to_numpy())
        assert set(latent["split"]) == {"train", "test"}


def test_rows_that_found_the_groups_do_not_judge_them() -> None:
    X, y, label = _world(2000, 2, 0.15)
    held = np.arange(2000) % 2 == 0
    flipped = label.copy()
    flipped[held] = np.where(X[held, 1] > 0, 1 - y[held], y[held])  # errors only when judged
    one = audit_latent(
        X, NAMES, y, label, held_out=held, n_groups=(4,), n_permutations=99, confidence=0.95
    )
    two = audit_latent(
        X, NAMES, y, flipped, held_out=held, n_groups=(4,), n_permutations=99, confidence=0.95
    )
    assert one.tables["groups"].equals(two.tables["groups"])


@pytest.mark.slow
@pytest.mark.parametrize("finder", ["tree", "mixture"])
def test_false_alarms_stay_below_six_percent_for_every_number_of_groups(finder: str) -> None:
    """Errors unrelated to features, 500 rows an audit; 100 audits can show 9.4%, 400 show 6%."""
    runs, n_groups = size(50, 400), (2, 3, 6, 10)
    limit = 0.06 if runs >= 400 else 0.05 + binomial_error(0.05, runs)
    alarms = dict.fromkeys((*n_groups, "any"), 0)
    for seed in range(runs):
        tests = _audit(
            500, seed, 0.15, finder=finder, n_groups=n_groups, n_permutations=199
        ).tables["latent_tests"]
        hits = tests.filter(pl.col("p_adjusted") < 0.05)
        alarms["any"] += not hits.is_empty()
        for G in n_groups:
            alarms[G] += G in hits["n_groups"].to_list()
    rates = {G: count / runs for G, count in alarms.items()}
    assert all(rate <= limit for rate in rates.values()), rates


def _sites(seed: int, bad: float = 0.0) -> tuple[np.ndarray, ...]:
    """60 sites of 20 rows; a site's luck moves its errors, and its features tell it apart."""
    rng = np.random.default_rng([seed, 11])
    site = np.repeat(np.arange(60), 20)
    X = np.column_stack([rng.normal(size=(60, 2))[site], rng.normal(size=(1200, 2))])
    chance = np.clip(0.3 + rng.normal(0, 0.15, 60)[site] + bad * (X[:, 2] > 0), 0, 1)
    y = rng.integers(0, 2, 1200)
    return X, y, np.where(rng.random(1200) < chance, 1 - y, y), site


@pytest.mark.slow
def test_sites_that_err_together_are_no_latent_groups() -> None:
    alarms, naive, runs = 0, 0, size(40, 100)
    for seed in range(runs):
        X, y, label, site = _sites(seed)
        asked = {"n_groups": (2, 4, 8), "n_permutations": 199, "random_state": seed}
        alarms += bool(
            audit_latent(X, NAMES, y, label, clusters=site, **asked, confidence=0.95).found
        )
        naive += bool(audit_latent(X, NAMES, y, label, **asked, confidence=0.95).found)
    assert alarms / runs <= (0.09 if runs >= 100 else 0.05 + binomial_error(0.05, runs))
    assert naive / runs > 0.3


def test_a_real_group_is_found_among_clustered_rows() -> None:
    hits = 0
    for seed in range(6):
        X, y, label, site = _sites(seed, bad=0.25)
        found = audit_latent(
            X, NAMES, y, label, clusters=site, n_permutations=199, confidence=0.95
        )
        test = found.tables["latent_tests"].filter(pl.col("chosen"))
        hits += bool(found.found) and test["low"].max() < 0.25 < test["high"].max()
        held = found.tables["latent"].filter(split="test")["row"].to_numpy()
        assert not set(site[held]) & set(np.delete(site, held))
    assert hits >= 5


def test_groups_of_a_few_clusters_are_not_judged() -> None:
    X, y, label, site = _sites(3, bad=0.4)
    found = audit_latent(
        X, NAMES, y, label, clusters=site // 10, n_permutations=99, confidence=0.95
    )
    assert found.tables["latent_tests"]["p"].null_count() == len(found.tables["latent_tests"])
    assert found.tables["latent_tests"]["low"].null_count() == len(found.tables["latent_tests"])
    assert not found.found
    assert not found.finding.judged


@pytest.mark.parametrize("at_once", [5_000_000, 2_500])
def test_sign_flips_equal_enumeration_on_a_few_clusters(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latent_tests, "_SIGNS", at_once)
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(10), 3)
    e = rng.normal(size=30) + (unit < 5)
    inside = ((unit % 2 == 0) ^ (np.arange(30) % 3 == 0)).astype(float)[:, None]
    p, adjusted, _ = sign_flip_p(e, inside, unit, 40_000, 0)
    t = np.bincount(unit, (e - e.mean()) * (inside[:, 0] - inside.mean()))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 10)).reshape(10, -1)
    exact = (np.abs(t @ signs) >= abs(t.sum()) - 1e-12).mean()
    assert p[0] == pytest.approx(exact, abs=0.01)
    assert adjusted[0] == p[0]


@pytest.mark.slow
def test_power_is_what_the_page_says() -> None:
    """A quarter of the rows at 30% errors against 15%: found in most audits of 4,000 rows."""
    found = [
        bool(_audit(4000, seed, 0.30, n_groups=(2, 3, 5, 8), n_permutations=199).found)
        for seed in range(size(12, 40))
    ]
    assert np.mean(found) > 0.75


def test_the_best_group_in_sample_is_a_mirage() -> None:
    """Why rows are held out: the worst of several groups looks bad on the rows it was made of."""
    alarms, runs = 0, size(20, 40)
    for seed in range(runs):
        X, y, label = _world(500, seed, 0.15)
        wrong = (y != label).astype(float)
        found = audit_latent(X, NAMES, y, label, n_groups=(6,), n_permutations=1, confidence=0.95)
        group = found.tables["latent"].filter(pl.col("split") == "train")
        inside = np.eye(6)[group["group"].to_numpy()]
        _, adjusted, _ = permutation_p(wrong[group["row"].to_numpy()], inside, 99, seed)
        alarms += bool(np.nanmin(adjusted) < 0.05)
    assert alarms / runs > 0.15


def test_permutation_p_equals_enumeration_on_a_tiny_table() -> None:
    e = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=float)
    inside = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0]], dtype=float).T
    p, adjusted, _ = permutation_p(e, inside, 20_000, 0)
    assert p[0] == pytest.approx(2 / 252, abs=0.003)  # all five in, or all five out
    assert adjusted[0] == p[0]


def test_false_positives_alone_can_be_looked_at() -> None:
    X, y, _ = _world(3000, 3, 0.15)
    inside = (X[:, 0] > 50) & (X[:, 2] == 1)
    label = np.where((y == 0) & inside, 1, y)  # wrong only for negatives inside
    found = audit_latent(X, NAMES, y, label, mistake="fp", n_permutations=199, confidence=0.95)
    tests = found.tables["latent_tests"]
    assert set(tests["metric"]) == {"fpr"}
    assert found.found
    assert tests["n"].max() <= (y == 0).sum()


def test_regression_errors_are_judged_as_mean_squares() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(2000, 4))
    y = rng.normal(size=2000)
    label = y + rng.normal(size=2000) * np.where(X[:, 1] > 0.8, 2.0, 0.5)
    found = audit_latent(
        X, NAMES, y, label, task="regression", n_permutations=199, confidence=0.95
    )
    assert found.found
    assert set(found.tables["latent_tests"]["metric"]) == {"mse"}


def test_too_few_rows_or_missing_features_are_named() -> None:
    X, y, label = _world(60, 5, 0.15)
    with pytest.raises(InputError, match="60 of each are needed"):
        audit_latent(X, NAMES, y, label, confidence=0.95)
    X, y, label = _world(600, 5, 0.15)
    X[0, 0] = np.nan
    with pytest.raises(InputError, match="missing or infinite"):
        audit_latent(X, NAMES, y, label, confidence=0.95)
    with pytest.raises(InputError, match="10 predictions for 600 rows"):
        audit_latent(X, NAMES, y, label[:10], confidence=0.95)


# -- sampling weights -----------------------------------------------------------------------------


def test_the_scale_of_weights_changes_nothing_and_equal_weights_are_none() -> None:
    weight = np.random.default_rng(3).exponential(size=900)
    one = _audit(900, 4, 0.45, sample_weight=weight, n_permutations=99)
    many = _audit(900, 4, 0.45, sample_weight=1000 * weight, n_permutations=99)
    plain = _audit(900, 4, 0.45, n_permutations=99)
    equal = _audit(900, 4, 0.45, sample_weight=np.full(900, 7.0), n_permutations=99)
    for name in ("groups", "latent"):
        assert plain.tables[name].equals(equal.tables[name])
        assert (
            one.tables[name]
            .drop(pl.selectors.float())
            .equals(many.tables[name].drop(pl.selectors.float()))
        )
    numbers = pl.selectors.float()
    ours, theirs = (t.tables["latent_tests"].select(numbers) for t in (one, many))
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-6, atol=1e-9)


def test_a_group_is_judged_by_its_weighted_error() -> None:
    X, y, label = _world(2000, 5, 0.4)
    weight = np.random.default_rng(5).uniform(0.2, 3, 2000)
    held = np.arange(2000) % 2 == 0
    found = audit_latent(
        X, NAMES, y, label, held_out=held, sample_weight=weight, n_groups=(3,), confidence=0.95
    )
    group = found.tables["latent"]["group"].to_numpy()
    wrong = (label != y)[held]
    for j, row in enumerate(found.tables["latent_tests"].iter_rows(named=True)):
        inside = group[held] == j
        assert row["value"] == pytest.approx(
            np.average(wrong[inside], weights=weight[held][inside])
        )
        assert row["low"] < row["difference"] < row["high"]
    shares = found.tables["groups"]["share"].to_list()
    assert shares == pytest.approx([weight[group == j].sum() / weight.sum() for j in range(3)])


@pytest.mark.slow
@pytest.mark.parametrize("related", ["error", "sex"])
def test_weights_raise_no_false_alarm(related: str) -> None:
    """Errors unrelated to features; larger weights where the system errs, or for women."""
    runs, alarms = size(60, 200), 0
    for seed in range(runs):
        X, y, label = _world(500, 700 + seed, 0.15)
        rng = np.random.default_rng([seed, 5])
        larger = (label != y) if related == "error" else X[:, 2] == 1
        weight = rng.exponential(size=500) * np.where(larger, 2.5, 1.0)
        alarms += bool(
            audit_latent(
                X, NAMES, y, label, sample_weight=weight, n_groups=(2, 3, 6, 10),
                n_permutations=199, random_state=seed, confidence=0.95,
            ).found
        )  # fmt: skip
    assert alarms / runs <= 0.05 + binomial_error(0.05, runs)


@pytest.mark.parametrize("weight", [-1.0, np.nan])
def test_weights_that_are_none_are_named(weight: float) -> None:
    weights = np.ones(600)
    weights[3] = weight
    with pytest.raises(InputError, match="sample_weight"):
        _audit(600, 1, 0.4, sample_weight=weights)
