"""Rules, profiles and overlaps of latent groups against hand-made groups."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.audit.latent.groups import group_profile, overlap, plain_rules
from fairaudit.exceptions import InputError


def _people(n: int = 900) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(18, 80, n), rng.integers(0, 2, n), rng.normal(size=n)])
    group = ((X[:, 0] > 50) & (X[:, 1] == 1)).astype(int)
    return X, group


def test_a_rule_finds_the_group_it_was_made_from() -> None:
    X, group = _people()
    rules = plain_rules(X, ["age", "sex=female", "noise"], group)
    rule, fidelity = rules[1]
    assert rule.startswith(("women aged above 5", "women aged above 49"))
    assert fidelity > 0.97


def test_a_rule_speaks_in_the_units_given() -> None:
    X, _ = _people()
    Z = (X[:, :1] - 40.0) / 10.0
    rule, _ = plain_rules(Z, ["age"], X[:, 0] > 50, units={"age": (40.0, 10.0)})[1]
    threshold = float(rule.rsplit(" ", 1)[1])
    assert threshold == pytest.approx(50, abs=1)


def test_a_random_group_has_a_worthless_rule() -> None:
    X, _ = _people()
    group = np.random.default_rng(5).integers(0, 2, len(X))
    for _, fidelity in plain_rules(X, ["a", "b", "c"], group):
        assert fidelity < 0.6


def test_soft_and_hard_membership_agree_when_shares_are_sure() -> None:
    X, group = _people()
    names = ["a", "b", "c"]
    assert plain_rules(X, names, group) == plain_rules(X, names, np.eye(2)[group])
    assert group_profile(X, names, group).equals(group_profile(X, names, np.eye(2)[group]))


def test_the_profile_is_the_mean_of_the_group() -> None:
    X, group = _people()
    table = group_profile(X, ["a", "b", "c"], group)
    row = table.row(3, named=True)
    assert row["group"] == "group 2"
    assert row["mean"] == pytest.approx(X[group == 1, 0].mean())
    assert row["population"] == pytest.approx(X[:, 0].mean())
    expected = (X[group == 1, 0].mean() - X[:, 0].mean()) / X[:, 0].std()
    assert row["standardised"] == pytest.approx(expected)


def test_overlap_counts_every_row_once() -> None:
    X, group = _people()
    sex = np.where(X[:, 1] == 1, "female", "male")
    table = overlap({"sex": sex}, group)
    assert table["n"].sum() == len(X)
    women = table.filter((table["group"] == "group 2") & (table["level"] == "female"))
    assert women["share_of_group"].item() == 1.0
    assert women["share_of_level"].item() == pytest.approx(group.sum() / (sex == "female").sum())


def test_shapes_that_do_not_fit_are_named() -> None:
    X, group = _people()
    with pytest.raises(InputError, match="2 feature names"):
        plain_rules(X, ["a", "b"], group)
