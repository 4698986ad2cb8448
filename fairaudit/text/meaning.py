"""What a metric means for people: its plain words, its worse end, and what it says of whom.

The one place where the meaning of the outcome (good, bad or neutral for a person) becomes words
and an order. Numbers never follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fairaudit.data.outcome import Meaning
from fairaudit.text import metric_words
from fairaudit.text.denominators import whose
from fairaudit.text.voice import Voice

End = Literal["highest", "lowest"]
_DECISIONS = ("selection_rate", "mean_score", "mean_prediction")  # what needs no outcome


@dataclass(frozen=True)
class Claim:
    """What a rate says of people: "m wrongly flags 44.8% of … who did not re-offend".

    Attributes
    ----------
    verb, rest : what the system does, before and after the people
    whom : what marks the people the rate is a share of, "" for everybody
    aside : the plain words in a metric's title, such as "wrongly flagged"
    """

    verb: str
    whom: str = ""
    rest: str = ""
    aside: str = ""


# verb and plain words, by the rows a rate is a share of
_CLAIMS: Mapping[Meaning, Mapping[str, tuple[str, str]]] = {
    "good": {
        "fnr": ("wrongly rejects", "wrongly rejected"),
        "fpr": ("wrongly selects", "wrongly selected"),
        "tpr": ("rightly selects", "rightly selected"),
        "tnr": ("rightly rejects", "rightly rejected"),
        "selection_rate": ("selects", ""),
    },
    "bad": {
        "fpr": ("wrongly flags", "wrongly flagged"),
        "fnr": ("misses", "missed"),
        "tpr": ("rightly flags", "rightly flagged"),
        "tnr": ("rightly clears", "rightly cleared"),
        "selection_rate": ("flags", ""),
    },
}
_OF_POSITIVES, _OF_NEGATIVES = ("tpr", "fnr"), ("fpr", "tnr")
_EVENTS: Mapping[Meaning, Mapping[str, str]] = {
    "good": {"fnr": "Wrong rejections", "fpr": "Wrong selections", "selection_rate": "Selections"},
    "bad": {"fpr": "Wrong flags", "fnr": "Misses", "selection_rate": "Flags"},
    "neutral": {},
}
_RATE_NAMES: Mapping[Meaning, str] = {"good": "selection rate", "bad": "flag rate"}


def claim_of(metric: str, voice: Voice) -> Claim | None:
    """What a rate says of people; None for metrics that say nothing so plain."""
    voice, family = _of_class(metric, voice), metric_words.base(metric)
    if family == "error_rate":
        return Claim("judges", rest=" wrongly")
    if family == "accuracy":
        return Claim("judges", rest=" correctly")
    if voice.meaning == "neutral":
        return _neutral(family, voice) if voice.positive else None
    if family not in _CLAIMS[voice.meaning]:
        return None
    verb, aside = _CLAIMS[voice.meaning][family]
    return Claim(verb, _whom(family, voice), aside=aside)


def _of_class(metric: str, voice: Voice) -> Voice:
    """For one class of several, that class is the positive one, and no class is good or bad."""
    _, inside, name = metric.partition(" [")
    if not inside:
        return voice
    return replace(voice, positive=name.removesuffix("]"), negative="", meaning="neutral")


def _neutral(family: str, voice: Voice) -> Claim | None:
    positive, negative = voice.positive, voice.negative or "another class"
    whom = _whom(family, voice)
    claims = {
        "fpr": Claim("mistakes", whom, f" for {positive}", f"mistaken for {positive}"),
        "fnr": Claim("mistakes", whom, f" for {negative}", f"mistaken for {negative}"),
        "tpr": Claim("recognises", whom, "", f"recognised as {positive}"),
        "tnr": Claim("recognises", whom, "", f"recognised as {negative}"),
        "selection_rate": Claim("labels", "", f" as {positive}"),
    }
    return claims.get(family)


def _whom(family: str, voice: Voice) -> str:
    if family in _OF_POSITIVES:
        return whose(voice.positive, voice)
    if family not in _OF_NEGATIVES:
        return ""
    if not voice.negative:  # one class of several
        return f"whose {voice.target or 'outcome'} is not {voice.positive}"
    return whose(voice.negative, voice)


def title(metric: str, voice: Voice) -> str:
    """The field's term with the plain words: "False-positive rate (wrongly flagged)"."""
    if metric_words.base(metric) == "selection_rate":
        name = _rate_name(_of_class(metric, voice))
        return name[:1].upper() + name[1:]
    claim = claim_of(metric, voice)
    aside = f" ({claim.aside})" if claim is not None and claim.aside else ""
    return metric_words.title(metric) + aside


def in_sentence(metric: str, voice: Voice) -> str:
    """The same inside a sentence."""
    if metric_words.base(metric) == "selection_rate":
        return _rate_name(_of_class(metric, voice))
    name = title(metric, voice)
    return metric_words.in_sentence(metric) + name.removeprefix(metric_words.title(metric))


def _rate_name(voice: Voice) -> str:
    usual = f"share labelled {voice.positive}" if voice.positive else "share above the cut"
    return _RATE_NAMES.get(voice.meaning, usual)


def selected_word(voice: Voice) -> str:
    """What is done to people with a positive decision: "selected", "flagged", "labelled male"."""
    usual = f"labelled {voice.positive}" if voice.positive else "above the cut"
    return {"good": "selected", "bad": "flagged"}.get(voice.meaning, usual)


def events(metric: str, voice: Voice) -> str:
    """What a rate counts, as in "… are 2.3 times as frequent"; "" where it has no short name."""
    usual = {"accuracy": "Correct decisions", "error_rate": "Wrong decisions"}
    return usual.get(metric) or _EVENTS[voice.meaning].get(metric, "")


def is_one_sided(metric: str) -> bool:
    """Whether a metric is worst far from zero, on either side."""
    return metric_words.base(metric) == "mean_error"


def worse_end(metric: str, voice: Voice) -> End | None:
    """Which end of a metric is the worse one for people; None where neither is.

    Being selected is good where the outcome is, being flagged is bad where the outcome is.
    """
    family = metric_words.base(metric)
    if family in _DECISIONS:
        ends: Mapping[Meaning, End] = {"good": "lowest", "bad": "highest"}
        return ends.get(_of_class(metric, voice).meaning)
    if family in metric_words.NEITHER:
        return None
    return "highest" if metric_words.lower_is_better(metric) else "lowest"
