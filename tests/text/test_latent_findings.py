"""What the search for latent groups has found, from stored facts or stored sentences."""

from __future__ import annotations

from typing import Any

import pytest

from fairaudit.audit.latent.groups import LatentFinding
from fairaudit.audit.result import AuditResult
from fairaudit.text.sentences.groups import finding_words, findings

GROUP = {
    "group": "group 2", "metric": "error_rate", "value": 0.4, "rest": 0.1, "difference": 0.3,
    "low": 0.2, "high": 0.41, "p_adjusted": 0.004, "rule": "age above 60",
}  # fmt: skip


def result(**stored: Any) -> AuditResult:
    return AuditResult({}, {"latent_findings": stored}, {})


def finding(confidence: float = 0.95, **facts: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "judged": True, "n_tests": 76, "n_numbers": 7, "systems": 2, "groups": (GROUP,),
    }  # fmt: skip
    return LatentFinding(confidence=confidence, **{**usual, **facts}).to_dict()


@pytest.mark.parametrize(("confidence", "level"), [(0.95, "95%"), (0.8, "80%"), (0.995, "99.5%")])
def test_a_different_group_is_named_with_rule_and_interval(confidence: float, level: str) -> None:
    [(system, [sentence])] = finding_words(result(tool=finding(confidence)))
    assert system == "tool"
    assert sentence == (
        "Group 2 (age above 60): 40.0% wrong against 10.0% elsewhere, a difference of 30.0 points "
        f"(simultaneous {level} CI 20.0 to 41.0) (held-out rows, p = 0.004, adjusted for 76 tests "
        "and 2 systems)."
    )


@pytest.mark.parametrize(
    ("facts", "start"),
    [
        (finding(groups=()), "No group differs significantly in error"),
        (finding(groups=(), judged=False), "No group can be judged"),
        ({"searched": False}, "not searched"),
        (finding(groups=({**GROUP, "metric": "mae"},)), "Group 2 (age above 60): mae 0.4 against"),
    ],
)
def test_every_outcome_of_the_search_has_a_sentence(facts: dict[str, Any], start: str) -> None:
    [(_, [sentence])] = finding_words(result(tool=facts))
    assert sentence.startswith(start)


def test_sentences_that_earlier_versions_stored_are_shown_as_they_are() -> None:
    old = result(a=["Group 1 differs.", "So does group 2."], b=[])
    assert findings(old) == ["**a**: Group 1 differs.", "**a**: So does group 2."]
