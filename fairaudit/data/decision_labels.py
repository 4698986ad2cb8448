"""Whether a column can be read as a decision about an outcome, and which label means which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairaudit.data.labels import canonical_label
from fairaudit.data.outcome import guess_meaning, guess_positive, label_order

_CODES = (("0", "1"), ("false", "true"))


@dataclass(frozen=True)
class OutcomeLabels:
    """The labels of an outcome by code, and what is known of them.

    Attributes
    ----------
    name : of the outcome
    labels : by code; of two the positive one last
    sure : whether words or the request determine the positive one of two
    """

    name: str
    labels: tuple[str, ...]
    sure: bool


@dataclass(frozen=True)
class DecisionLabels:
    """The code of each label of a decision; `remark` says which were matched by their words."""

    codes: Mapping[str, int]
    remark: str = ""


def read_decision(
    levels: Sequence[str], name: str, outcome: OutcomeLabels
) -> DecisionLabels | None:
    """How the labels of a decision stand for those of an outcome; None where it is not sure.

    Labels of the outcome stand for themselves, 0 and 1 (or false and true) for its negative and
    positive class. Two other labels are matched if words say which of them answers yes (oui,
    granted) and the positive class is known. Where yes to the decision is good and yes to the
    outcome bad for a person, or the reverse ("released", "failed_to_appear"), yes stands for the
    negative class; what a name calls a prediction is never turned so.

    Parameters
    ----------
    levels : labels of the decision, in canonical text
    name : of its column, "" for none
    outcome : the outcome it is about
    """
    own = {canonical_label(label): code for code, label in enumerate(outcome.labels)}
    if set(levels) <= set(own):
        codes = {level: own[level] for level in levels}
        return _as_meant(codes, name, outcome)
    if len(outcome.labels) != 2 or set(levels) & set(own):
        return None
    for pair in _CODES:
        if set(levels) <= set(pair):
            return _as_meant({code: i for i, code in enumerate(pair)}, name, outcome)
    return _by_words(sorted(levels, key=label_order), name, outcome)


def _as_meant(codes: dict[str, int], name: str, outcome: OutcomeLabels) -> DecisionLabels:
    """The codes as they are, or each turned where yes is good in one column, bad in the other."""
    words = re.findall(r"[^\W_]+", name.lower())
    if len(outcome.labels) != 2 or len(codes) != 2 or any(map(_is_prediction, words)):
        return DecisionLabels(codes)
    low, high = sorted(codes, key=label_order)
    yes = guess_positive([low, high], name).label
    if yes is None:
        return DecisionLabels(codes)
    no = low if yes == high else high
    theirs = outcome.labels[codes[yes]], outcome.labels[codes[no]]
    senses = guess_meaning(name, yes, no), guess_meaning(outcome.name, *theirs)
    if {sense.meaning for sense in senses if sense.sure} != {"good", "bad"}:
        return DecisionLabels(codes)
    turned = {level: 1 - code for level, code in codes.items()}
    return DecisionLabels(turned, _read_as(name, (yes, no), theirs[::-1]))


def _is_prediction(word: str) -> bool:
    return word.startswith(("pred", "vorherges", "prevision", "prognos")) or word == "yhat"


def _read_as(name: str, said: tuple[str, str], read: tuple[str, str]) -> str:
    """The words of the warning: which label stands for which."""
    subject = f" of '{name}'" if name else ""
    return f"'{said[0]}'{subject} is read as '{read[0]}' and '{said[1]}' as '{read[1]}'"


def _by_words(levels: list[str], name: str, outcome: OutcomeLabels) -> DecisionLabels | None:
    yes = guess_positive(levels, name).label
    if len(levels) != 2 or yes is None or not outcome.sure:
        return None
    no = levels[1 - levels.index(yes)]
    positive = guess_positive(sorted(outcome.labels, key=label_order), outcome.name).label
    positive = positive or outcome.labels[1]
    negative = outcome.labels[1 - outcome.labels.index(positive)]
    senses = (guess_meaning(name, yes, no), guess_meaning(outcome.name, positive, negative))
    if {sense.meaning for sense in senses if sense.sure} >= {"good", "bad"}:
        positive, negative = negative, positive  # who is accepted is expected not to default
    codes = {yes: outcome.labels.index(positive), no: outcome.labels.index(negative)}
    return DecisionLabels(codes, _read_as(name, (yes, no), (positive, negative)))


def unreadable(name: str, odd: Sequence[str], outcome: OutcomeLabels, positive: str) -> str:
    """Why a column is refused as a decision, and the remedy.

    Parameters
    ----------
    name : of the column, with what it is
    odd : labels that the outcome does not have
    outcome : the outcome it is about
    positive : how the caller names the positive class, such as "--positive"
    """
    shown = ", ".join(map(repr, odd[:5]))
    theirs = ", ".join(map(repr, outcome.labels))
    text = f"{name} holds {shown}, which the target does not ({theirs}); "
    if len(outcome.labels) != 2:
        return text + "use the target's labels"
    named = "" if outcome.sure else f", or name the positive class ({positive}) if yes means it"
    return text + f"use the target's labels, or 0 and 1 (1 for '{outcome.labels[1]}'){named}"
