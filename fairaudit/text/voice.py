"""What a sentence must know of its audit: the confidence level and what the outcome means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from fairaudit.audit.catalog import method
from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.outcome import Meaning


@dataclass(frozen=True)
class Voice:
    """How the sentences of one audit speak.

    Attributes
    ----------
    confidence : float
        Of every interval; 1 − confidence is the level of every test.
    positive, negative : str
        The class that is predicted and the other one, "" where there are not two.
    meaning : {"good", "bad", "neutral"}
        What the positive class means for the person.
    known : bool
        Whether an outcome is known, so that decisions can be called right or wrong.
    partly : bool
        Whether the outcome is known for some of the audited rows only.
    target : str
        Name of the outcome, "" where none is known.
    noun : str
        What a row is about: "people", or "images".
    scope : str
        Which rows the audit is about, "the 266 of 400 rows with a known outcome"; "" where it is
        about all.
    """

    confidence: float
    positive: str = ""
    negative: str = ""
    meaning: Meaning = "neutral"
    known: bool = True
    partly: bool = False
    target: str = ""
    noun: str = "people"
    scope: str = ""

    @property
    def judges(self) -> bool:
        """Whether every audited decision can be held against an outcome."""
        return self.known and not self.partly

    @property
    def alpha(self) -> float:
        """The level of every test."""
        return 1 - self.confidence

    @property
    def percent(self) -> str:
        """The confidence level in words, "95%"."""
        return level_words(self.confidence)

    @property
    def ci(self) -> str:
        """What an interval is called, "95% CI"."""
        return f"{self.percent} CI"

    def intervals(self) -> str:
        """A sentence on the level of the intervals in a text that gives several."""
        return f" Intervals are {self.percent} confidence intervals."

    def significant(self, p_adjusted: float | None) -> bool:
        """Whether a p-value, adjusted for all tests beside it, is below the audit's level."""
        return p_adjusted is not None and p_adjusted < self.alpha


def level_words(confidence: float) -> str:
    """A level in words: "95%", "99.5%"."""
    return f"{100 * confidence:.4g}%"


def confidence_of(result: AuditResult) -> float:
    """The confidence of a result's intervals.

    Results stored before it was recorded have that of their spec, or the usual one.
    """
    spec = cast(Mapping[str, Any], result.provenance.get("spec") or {})
    usual = AuditSpec.model_fields["confidence"].default
    return float(result.summary.get("confidence") or spec.get("confidence") or usual)


def voice_of(result: AuditResult) -> Voice:
    """The voice of a result's sentences.

    Results stored before the outcome's meaning was recorded are neutral about it.
    """
    facts = cast(Mapping[str, Any], result.summary.get("outcome") or {})
    classes: list[str] = list(result.summary.get("classes") or [])
    task = result.summary.get("task")
    two = classes if task == "binary" and len(classes) == 2 else ["", ""]
    return Voice(
        confidence=confidence_of(result),
        positive=str(facts.get("positive") or two[1]),
        negative=str(facts.get("negative") or two[0]),
        # of several classes none is the positive one, so that none is good or bad
        meaning="neutral" if task == "multiclass" else facts.get("meaning") or "neutral",
        known=not facts or facts.get("target") is not None,
        partly="bounds" in result.tables,
        target=str(facts.get("target") or ""),
        noun="images" if _roles(result).get("image") else "people",
        scope=_scope(result),
    )


_WITH: Mapping[str, str] = {
    "target missing": "with a known outcome",
    "outcome not known": "with a known outcome",
    "weight missing": "with a weight",
}


def _scope(result: AuditResult) -> str:
    """Which rows were audited, where some were left out."""
    left_out = cast(Mapping[str, int], result.summary.get("left_out") or {})
    if not left_out:
        return ""
    used = sum(cast(Mapping[str, int], result.summary["rows"]).values())
    named = dict.fromkeys(_WITH.get(reason, "that could be used") for reason in left_out)
    which = next(iter(named)) if len(named) == 1 else "that could be used"
    return f"the {used:,} of {used + sum(left_out.values()):,} rows {which}"


def _roles(result: AuditResult) -> Mapping[str, Any]:
    spec = cast(Mapping[str, Any], result.provenance.get("spec") or {})
    return cast(Mapping[str, Any], spec.get("roles") or {})


def no_harm_of(result: AuditResult) -> float | None:
    """The confidence of FairSDE's no-harm bound; None where it compares point estimates.

    It is the method's own parameter, apart from the confidence of the audit's intervals.
    """
    spec = cast(Mapping[str, Any], result.provenance.get("spec") or {})
    usual = method("fair-sde").default("confidence")
    return cast(float | None, (spec.get("params") or {}).get("confidence", usual))
