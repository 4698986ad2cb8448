"""What `combine="auto"` picked, in a sentence with its cost and gain."""

from __future__ import annotations

from typing import Any

import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.text.sentences.combination import combination_sentence


def said(name: str, reason: str, position: int = 0, rows: str = "validation", **more: Any) -> str:
    """The sentence of a pick between three candidates."""
    listed = [
        {"name": "pooled", "average": 2.0, "worst": 5.0},
        {"name": "gate", "average": 1.0, "worst": 4.0},
        {"name": "minimax", "average": 2.5, "worst": 3.0},
    ]
    facts = {
        "name": name, "position": position, "rows": rows, "reason": reason, "evidence": 0.2,
        "limit": 1.5, "candidates": listed, **more,
    }  # fmt: skip
    return combination_sentence(AuditResult({}, {"combination": facts, "loss": "squared"}))


def test_gain_and_cost_are_those_of_the_candidate_that_was_picked() -> None:
    gate = said("gate", "chosen", 1)
    assert "of the worst group falls from 5.000 to 4.000" in gate
    assert "of all rows falls from 2.000 to 1.000" in gate
    assert "gate" in gate
    assert "validation rows" in gate
    tilt = said("minimax", "chosen", 2, rows="cross-fitted")
    assert "of all rows rises from 2.000 to 2.500" in tilt
    assert "models that have not seen them" in tilt


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("no evidence", "no evidence of groups that sensitive attributes tell apart (p = 0.2)"),
        ("too few rows", "too few rows"),
        ("limit", "within 1.500"),
        ("chosen", "no combination of the experts serves"),
    ],
)
def test_the_pooled_model_is_kept_for_a_reason(reason: str, words: str) -> None:
    text = said("pooled", reason, rows="training")
    assert words in text
    assert "**the pooled model**" in text


def test_nothing_is_said_where_nothing_was_picked() -> None:
    assert said("pooled", "one group") == ""
    assert combination_sentence(AuditResult({}, {"combine": "gate"})) == ""
