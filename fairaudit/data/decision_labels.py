"""Whether a column can be read as a decision about an outcome, and which label means which."""

from __future__ import annotations

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
    granted) and the positive class is known; where yes is good and the positive class bad for a
    person (or the reverse), yes stands for the negative class.

    Parameters
    ----------
    levels : labels of the decision, in canonical text
    name : of its column, "" for none
    outcome : the outcome it is about
    """
    own = {canonical_label(label): code for code, label in enumerate(outcome.labels)}
    if set(levels) <= set(own):
        return DecisionLabels({level: own[level] for level in levels})
    if len(outcome.labels) != 2 or set(levels) & set(own):
        return None
    for codes in _CODES:
        if set(levels) <= set(codes):
            return DecisionLabels({code: i for i, code in enumerate(codes)})
    return _by_words(sorted(levels, key=label_order), name, outcome)


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
    subject = f" of '{name}'" if name else ""
    remark = f"'{yes}'{subject} is read as '{positive}' and '{no}' as '{negative}'"
    return DecisionLabels(codes, remark)


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
