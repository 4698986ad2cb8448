"""Rules of latent groups: short, merged, in the units and labels of the table, or none."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.audit.latent.rules import joined_boxes, levels_of, plain_rules

NAMES = ["age", "sex=female", "income", "race", "sexcode", "smokes"]
INF = float("inf")


def people(n: int = 3000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, n)
    return np.column_stack(
        [
            rng.integers(18, 80, n),
            sex,
            rng.normal(40_000, 9_000, n),
            rng.integers(1, 7, n),
            1 + rng.integers(0, 2, n),
            rng.integers(0, 2, n),
        ]
    ).astype(float)


def rule_of(member: np.ndarray, X: np.ndarray) -> str:
    sex = np.where(X[:, 1] == 1, "female", "male")
    return plain_rules(X, NAMES, member.astype(int), levels=levels_of({"sex": sex}))[1][0]


def test_neighbouring_leaves_become_one_rule_in_natural_units() -> None:
    X = people()
    assert rule_of((X[:, 1] == 0) & (X[:, 0] <= 36), X) == "men aged up to 36"
    assert rule_of((X[:, 1] == 1) & (X[:, 0] > 60), X) == "women aged 61 or more"
    assert rule_of((X[:, 0] > 30) & (X[:, 0] <= 50), X) == "age 31 to 50"


@pytest.mark.parametrize(
    ("codes", "rule"),
    [([3], "race is 3"), ([1, 2, 4, 5, 6], "race is not 3"), ([5, 6], "race is 5 or 6")],
)
def test_numbers_that_may_be_codes_are_named_one_by_one(codes: list[int], rule: str) -> None:
    X = people()
    assert rule_of(np.isin(X[:, 3], codes), X) == rule


def test_codes_of_two_values_are_equal_to_one_of_them() -> None:
    X = people()
    assert rule_of(X[:, 4] == 1, X) == "sexcode is 1"
    assert rule_of(X[:, 5] == 0, X) == "smokes is 0"


def test_of_two_levels_the_other_is_named() -> None:
    X = people()
    region = np.where(X[:, 1] == 1, "north", "south")
    levels = levels_of({"region": region})
    rules = plain_rules(X[:, 1:2], ["region=north"], X[:, 1].astype(int), levels=levels)
    assert [rule for rule, _ in rules] == ["region is south", "region is north"]
    three = {"region": ["east", "north", "south"]}
    rules = plain_rules(X[:, 1:2], ["region=north"], X[:, 1].astype(int), levels=three)
    assert rules[0][0] == "region is not north"


@pytest.mark.parametrize("seed", range(4))
def test_a_group_that_no_rule_describes_has_none(seed: int) -> None:
    X = people(seed=seed)
    rng = np.random.default_rng(seed)
    noisy = np.where(rng.random(len(X)) < 0.6, X[:, 1] == 1, rng.random(len(X)) < 0.5)
    for member in (rng.random(len(X)) < 0.3, noisy, X[:, 0] + 40 * rng.normal(size=len(X)) > 50):
        for rule, fidelity in plain_rules(X, NAMES, member.astype(int)):
            assert (rule == "no simple rule describes this group") == (fidelity < 0.8)
    assert rule_of(rng.random(len(X)) < 0.3, X) == "no simple rule describes this group"


def test_conditions_that_add_nothing_are_left_out() -> None:
    X = people()
    member = (X[:, 2] > 45_000) & (X[:, 1] == 1)
    rule = rule_of(member & (X[:, 0] > 18), X)
    assert rule.startswith("women with income above 4")
    assert "age" not in rule


def test_boxes_are_joined_only_where_their_union_is_a_box() -> None:
    young, rest = {0: (-INF, 34.5), 1: (-INF, 0.5)}, {0: (34.5, 36.5), 1: (-INF, 0.5)}
    assert joined_boxes([young, rest]) == [{0: (-INF, 36.5), 1: (-INF, 0.5)}]
    far = {0: (40.0, 50.0), 1: (-INF, 0.5)}
    assert joined_boxes([young, far]) == [young, far]
    other = {0: (34.5, 36.5), 1: (0.5, INF)}
    assert joined_boxes([young, other]) == [young, other]
    whole = joined_boxes([{0: (-INF, 1.0), 1: (0.0, 1.0)}, {0: (1.0, INF), 1: (0.0, 1.0)}])
    assert whole == [{1: (0.0, 1.0)}]
