"""What the outcome is and means, as every page, report and model card states it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairaudit.audit.result import AuditResult
from fairaudit.data.doctor.open_questions import OpenQuestion
from fairaudit.data.outcome import UNKNOWN_OUTCOME, Meaning
from fairaudit.text import metric_words
from fairaudit.text.meaning import claim_of
from fairaudit.text.sentences.choice_certificates import choice_warnings
from fairaudit.text.sentences.warnings import warning_sentences
from fairaudit.text.voice import Voice, voice_of

MEANT: Mapping[Meaning, str] = {
    "good": "good for the person",
    "bad": "bad for the person",
    "neutral": "neither good nor bad for the person",
}
NOT_KNOWN = (
    "No outcome is known in this audit: it compares decisions and scores, and cannot say whether "
    "they hold up."
)


def asked_words(question: OpenQuestion) -> str:
    """A fact about the outcome that a person must state: what, why, and the option for it."""
    options = ", ".join(f"'{option}'" for option in question.options)
    return {
        "target": f"To be asked: which column is the outcome? {_possibly(options)}"
        f"{question.reason}; name it with --target.",
        "positive": f"To be asked: which label is predicted, {options.replace(',', ' or')}? "
        f"{question.reason}; name it with --positive.",
        "meaning": "To be asked: is that good or bad for a person? "
        f"{question.reason}; state it with --meaning.",
    }[question.fact]


def _possibly(options: str) -> str:
    return f"Possibly {options}: " if options else ""


def outcome_facts(result: AuditResult) -> list[tuple[str, str]]:
    """The facts by name, with the reason for them; none for results stored before they were.

    Results of several classes or of a number have no positive class.
    """
    facts: Mapping[str, Any] = result.summary.get("outcome") or {}
    scope = voice_of(result).scope
    about = _only(scope, result, facts) if scope else ""
    return facts_by_name(facts, task=str(result.summary.get("task")), about=about)


def facts_by_name(
    facts: Mapping[str, Any], *, task: str, about: str = ""
) -> list[tuple[str, str]]:
    """The facts of an outcome by name; `about` says which rows an audit is about."""
    if not facts:
        return []
    named = [("Outcome", str(facts["target"]) if facts.get("target") else "not known")]
    if facts.get("known_for"):
        named.append(("Outcome known only where", f"{facts['known_for']} says yes"))
    if about:
        named.append(("The audit is about", about))
    if facts.get("positive") is not None:
        named.append(("Positive class", str(facts["positive"])))
    if task != "multiclass":
        meaning: Meaning = facts.get("meaning") or "neutral"
        subject = "It is" if facts.get("positive") is not None else "A high value is"
        named.append((subject, MEANT[meaning]))
    if reason := _reason(facts):
        named.append(("Because", reason))
    return named


def _only(scope: str, result: AuditResult, facts: Mapping[str, Any]) -> str:
    """The rows, and that nothing tells why the outcome of the others is missing, if so."""
    unexplained = "target missing" in result.summary.get("left_out", {})
    if not unexplained or facts.get("known_for"):
        return scope
    if labels := _read_as_missing(result, str(facts.get("target"))):
        return f"{scope}; of the others it is missing, or says {labels}"
    return f"{scope}; the table does not say why the others have none"


def _read_as_missing(result: AuditResult, target: str) -> str:
    """The labels of the outcome that were read as missing, "" for none."""
    roles = (result.provenance.get("spec") or {}).get("roles") or {}
    mends = [m for m in roles.get("mends", ()) if m.get("column") == target]
    labels = [v for m in mends if m.get("kind") == "as_missing" for v in m.get("values", ())]
    return " or ".join(f"'{label}'" for label in labels)


def _reason(facts: Mapping[str, Any]) -> str:
    reasons = [part for part in str(facts.get("reason") or "").split("; ") if part]
    return "; ".join(part for part in reasons if part != UNKNOWN_OUTCOME)


def outcome_words(result: AuditResult) -> str:
    """The facts in one line: "Outcome: hired; positive class: yes; it is good for the person"."""
    return in_one_line(outcome_facts(result))


def in_one_line(named: Sequence[tuple[str, str]]) -> str:
    """Facts by name as one sentence."""
    facts = dict(named)
    reason = facts.pop("Because", "")
    parts = [_phrase(name, value) for name, value in facts.items()]
    text = "; ".join(parts)
    if not text:
        return ""
    return f"{text[:1].upper()}{text[1:]}" + (f" ({reason})." if reason else ".")


def _phrase(name: str, value: str) -> str:
    verb = name.endswith((" is", "where", "about"))
    return f"{name[:1].lower()}{name[1:]}{' ' if verb else ': '}{value}"


def notices(result: AuditResult) -> list[str]:
    """What a reader must know first: that no outcome is known, and the audit's warnings."""
    known = voice_of(result).known
    return [*([] if known else [NOT_KNOWN]), *warnings_of(result)]


def warnings_of(result: AuditResult) -> list[str]:
    """The audit's own warnings and those of its no-harm choice, each once."""
    stored = warning_sentences(result.summary.get("warnings", ()))
    return list(dict.fromkeys([*stored, *choice_warnings(result.tables)]))


def worded_summary(result: AuditResult) -> dict[str, Any]:
    """The summary for programs outside the package, its warnings in words."""
    if "warnings" not in result.summary:
        return dict(result.summary)
    return {**result.summary, "warnings": warning_sentences(result.summary["warnings"])}


def example(voice: Voice) -> str:
    """How a high error rate will read with this meaning, for the question on the Data page."""
    if not voice.known:
        return {
            "good": "The group that is **selected** least will be shown as worst off.",
            "bad": "The group that is **flagged** most will be shown as worst off.",
            "neutral": "No group will be shown as worst off, only how they differ.",
        }[voice.meaning]
    metric = {"good": "fnr", "bad": "fpr", "neutral": "fpr"}[voice.meaning]
    claim = claim_of(metric, voice)
    if claim is None:
        return ""
    rate = metric_words.in_sentence(metric)
    whom = f" {claim.whom}" if claim.whom else ""
    return f"A high {rate} will read: the system **{claim.verb}** {voice.noun}{whom}{claim.rest}."
