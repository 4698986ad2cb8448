"""Every warning code has a sentence, and stored text stays as it is."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args

import pytest

from fairaudit.audit.notices import Code, distinct, notice
from fairaudit.text.sentences.warnings import warning_sentence, warning_sentences

ROOT = Path(__file__).resolve().parents[2]
FACTS: dict[str, dict[str, Any]] = {
    "choice_suppressed": {},
    "class_without_training_rows": {"rows": 1200, "classes": ["rare", "odd"]},
    "cut_assumed": {"score": "risk"},
    "cut_at_median": {"score": "risk", "cut": 4.5},
    "cut_doubtful": {
        "score": "risk", "meaning": "bad", "share": 0.999, "side": "below", "cut": 9.0,
        "low": 1.0, "high": 10.0,
    },
    "groups_without_training_rows": {"rows": 3},
    "labels_matched": {"remark": "'oui' is read as 'yes'"},
    "merge_offered": {"attributes": ["sex", "race"], "below": 40},
    "outcome_known_for_some": {"column": "granted"},
    "positive_class_guessed": {"remark": "no word decides"},
    "rows_left_out": {"rows": 7, "reason": "the outcome is missing"},
    "score_reversed": {"score": "risk", "auroc_high": 0.43, "side": "above", "own_cut": True},
    "scores_rounded": {"score": "risk", "digits": 3},
    "thresholds_of_other_half": {},
    "thresholds_not_tuned": {"groups": ["A", "B"]},
    "weights_not_in_choice": {"metric": "f1"},
}  # fmt: skip


@pytest.mark.parametrize("code", get_args(Code))
def test_every_code_is_worded_with_all_of_its_facts(code: Code) -> None:
    text = warning_sentence(notice(code, **FACTS[code]))
    assert text[0].isupper() or text[0] in "'0123456789"
    assert text.endswith(".")
    for fact in FACTS[code].values():
        if isinstance(fact, str) and fact not in ("above", "below", "bad"):
            assert fact[1:] in text


def test_codes_are_issued_with_the_facts_that_their_sentence_needs() -> None:
    for path in (ROOT / "fairaudit" / "audit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "notice":
                code = ast.literal_eval(node.args[0])
                given = {keyword.arg for keyword in node.keywords} - {None}
                assert given <= set(FACTS[code]), f"{path}:{node.lineno}"


def test_a_score_without_a_cut_of_its_own_is_checked_first() -> None:
    facts = {**FACTS["score_reversed"], "own_cut": False}
    assert "belongs to these decisions" in warning_sentence(notice("score_reversed", **facts))


def test_text_of_estimators_and_older_results_stays() -> None:
    assert warning_sentences(["did not converge", "did not converge"]) == ["did not converge"]


def test_a_code_of_a_newer_version_is_shown_by_its_name() -> None:
    assert warning_sentence({"code": "rows_shuffled"}) == "rows shuffled."


def test_equal_warnings_are_kept_once() -> None:
    twice = [notice("cut_assumed", score="a"), "text", notice("cut_assumed", score="a"), "text"]
    assert distinct(twice) == [notice("cut_assumed", score="a"), "text"]
