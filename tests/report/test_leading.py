"""Which gaps are told first: every attribute in the order chosen, whatever is widest."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fairaudit.audit.predictions import audit_predictions
from fairaudit.audit.result import AuditResult
from fairaudit.report.choices import attributes
from fairaudit.report.leading import leading_gaps

N = 4000
METRICS = ("selection_rate", "accuracy", "tpr", "fpr", "tnr", "fnr", "ppv")


def flagged_by(chance: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(N) < chance).astype(int)


@cache
def audited(order: tuple[str, ...]) -> AuditResult:
    """The young are flagged 40 points more often, race A 15, men by one system only 20."""
    rng = np.random.default_rng(0)
    groups = {
        "age": rng.choice(["young", "old"], N),
        "race": rng.choice(["A", "B"], N),
        "sex": rng.choice(["m", "f"], N),
        "town": rng.choice(["x", "y"], N),
    }
    base = 0.1 + 0.4 * (groups["age"] == "young") + 0.15 * (groups["race"] == "A")
    systems = {
        "first": flagged_by(base, 1),
        "second": flagged_by(0.2 + 0.2 * (groups["sex"] == "m"), 2),
    }
    result = audit_predictions(
        rng.integers(0, 2, N), systems, n_boot=200, intersections=2, metrics=METRICS,
        sensitive_features={name: groups[name] for name in order},
    )  # fmt: skip
    facts = {"target": "recid", "positive": "1", "negative": "0", "meaning": "bad"}
    return replace(result, summary={**result.summary, "outcome": facts})


@pytest.mark.parametrize(
    "order", [("race", "sex", "age"), ("sex", "age", "race"), ("age", "race", "sex")]
)
def test_attributes_are_told_in_the_order_chosen(order: tuple[str, ...]) -> None:
    result = audited(order)
    assert [gap["attribute"] for gap in leading_gaps(result)] == list(order)
    assert [a for a in attributes(result) if a in order] == list(order)


def test_all_gaps_are_false_flags_of_one_system_but_where_only_another_has_one() -> None:
    gaps = {gap["attribute"]: gap for gap in leading_gaps(audited(("race", "sex", "age")))}
    assert {gap["metric"] for gap in gaps.values()} == {"fpr"}
    assert {name: gap["model"] for name, gap in gaps.items()} == {
        "race": "first", "age": "first", "sex": "second",
    }  # fmt: skip


def test_an_attribute_without_a_significant_gap_is_told_last() -> None:
    gaps = leading_gaps(audited(("town", "race", "age")))
    assert [gap["attribute"] for gap in gaps] == ["race", "age", "town"]
    assert [gap["significant"] for gap in gaps] == [True, True, False]


def test_without_a_significant_gap_the_first_metric_is_told_all_the_same() -> None:
    gaps = leading_gaps(audited(("town",)))
    assert [(gap["attribute"], gap["metric"], gap["significant"]) for gap in gaps] == [
        ("town", "fpr", False)
    ]
