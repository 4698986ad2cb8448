"""What the outcome means: which label is predicted, and what it means for the person.

Two separate facts, guessed by one rule everywhere and always shown with the reason. The positive
class is the label that is predicted (re-offends, is hired). Its meaning for the person is good,
bad or neutral; metrics, their order and the words follow from it, the numbers never do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fairaudit.data.outcome_words import (
    BAD,
    GOOD,
    HIGH,
    LETTERS,
    LOW,
    NEGATIONS,
    NEUTRAL,
    NO,
    PREFIXES,
    STATES,
    YES,
    plain,
    says_no_itself,
    topic_sense,
)

Meaning = Literal["good", "bad", "neutral"]
MEANINGS: tuple[Meaning, ...] = ("good", "bad", "neutral")
UNKNOWN_OUTCOME = "no outcome known"
_OTHER = "(other)"  # no word of its own


@dataclass(frozen=True)
class PositiveGuess:
    """The positive one of two labels; None where no word decides."""

    label: str | None
    reason: str


@dataclass(frozen=True)
class MeaningGuess:
    """What the positive class means for the person, why, and whether a word decided it."""

    meaning: Meaning
    reason: str
    sure: bool


@dataclass(frozen=True)
class OutcomeFacts:
    """The facts about an outcome, as results and reports state them.

    Attributes
    ----------
    target : str or None
        Name of the outcome; None where no outcome is known.
    positive, negative : str or None
        The two labels; None unless the outcome (or the decision) has two.
    meaning : {"good", "bad", "neutral"}
        What the positive class means for the person.
    reason : str
        Why the two facts are as they are.
    sure : bool
        False where nothing decided one of them, so that a user should confirm it.
    known_for : str or None
        The column that says for which rows the outcome is known; None for all rows.
    guessed_positive : bool
        Whether no word decided the positive class, so that the larger label was taken.
    guessed_meaning : bool
        Whether no word decided the meaning, so that neutral was taken.
    """

    target: str | None
    positive: str | None
    negative: str | None
    meaning: Meaning
    reason: str
    sure: bool = True
    known_for: str | None = None
    guessed_positive: bool = False
    guessed_meaning: bool = False

    def as_json(self) -> dict[str, Any]:
        """As `AuditResult.summary["outcome"]` holds it."""
        return dict(vars(self))


def describe(
    names: Sequence[str],
    labels: tuple[str | None, str | None],
    *,
    target: str | None,
    positive: str | None = None,
    meaning: Meaning | None = None,
    known_for: str | None = None,
) -> OutcomeFacts:
    """The facts about an outcome, with the reason for each.

    Parameters
    ----------
    names : names whose words may decide it: the target's first, then those of the decisions
    labels : (negative, positive) as taken; None where the outcome has not two
    target : name of the outcome, None where none is known
    positive, meaning : as the request states them; None where they were guessed
    known_for : the column that says where the outcome is known
    """
    why = [] if target is not None else [UNKNOWN_OUTCOME]
    taken, decided = labels[1], True
    if taken is not None:
        reason, decided = _why_taken(names[0] if names else "", positive, labels)
        why.append(reason)
    guess = guess_meaning_among(names, taken, labels[0])
    agrees = meaning is None or meaning == guess.meaning
    why.append(guess.reason if agrees else f"'{meaning}' is stated in the request")
    return OutcomeFacts(
        target=target,
        positive=taken,
        negative=labels[0],
        meaning=meaning or guess.meaning,
        reason="; ".join(why),
        sure=decided and (guess.sure or meaning is not None),
        known_for=known_for,
        guessed_positive=not decided,
        guessed_meaning=not guess.sure and meaning is None,
    )


def unsure_positive(outcome: OutcomeFacts, argument: str) -> str:
    """The text of the warning where the larger label was taken.

    Parameters
    ----------
    outcome : whose positive class nothing decided
    argument : how the caller names the label, such as "--positive"
    """
    subject = "" if outcome.target is None else f" of '{outcome.target}'"
    return (
        f"no word decides which of '{outcome.negative}' and '{outcome.positive}' is the positive "
        f"class{subject}; '{outcome.positive}', the larger label, was taken: name it with "
        f"{argument}"
    )


def _why_taken(
    name: str, stated: str | None, labels: tuple[str | None, str | None]
) -> tuple[str, bool]:
    """Why the positive label is what it is, and whether anything decided it."""
    levels = sorted((label for label in labels if label is not None), key=label_order)
    guess = guess_positive(levels, name)
    if guess.label == labels[1]:
        return guess.reason, True
    if stated is not None:
        return f"the positive class '{labels[1]}' is stated in the request", True
    alone = next((one for one in levels if labels_of_one(one) == labels), None)
    if alone is not None:
        return f"'{alone}' is the only label", True
    return f"{guess.reason}, so the larger label '{labels[1]}' was taken", False


# -- the positive class -------------------------------------------------------------------------


def guess_positive(levels: Sequence[str], name: str = "") -> PositiveGuess:
    """Which of two labels is the positive one.

    Words decide, in common languages and with negation: yes and no, 1 and 0, more and less, a
    word and its negation ("eligible", "ineligible"), words of decisions ("approved", "denied").

    Parameters
    ----------
    levels : the labels, at most two
    name : name of the column; a label that the column is named after is the positive one

    Returns
    -------
    PositiveGuess
    """
    if len(levels) == 1:
        return _guess_of_one(levels[0])
    if len(levels) != 2:
        return PositiveGuess(None, f"{len(levels)} labels have no positive one")
    a, b = levels
    for rule in (_by_answer, _by_negation, _by_name, _by_sense, _by_size):
        sense = rule(_words(a), _words(b), name)
        if sense:
            label, other = (a, b) if sense > 0 else (b, a)
            return PositiveGuess(label, _why_positive(rule, label, other, name))
    return PositiveGuess(None, f"no word decides whether '{a}' or '{b}' is the positive class")


def larger_label(levels: Iterable[str]) -> str:
    """The label that is taken where no word decides: the larger number, or the last in order."""
    return max(levels, key=label_order)


def label_order(label: str) -> tuple[int, float, str]:
    """Sort key of labels: numbers in order of size, then text in alphabetical order."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)


def labels_of_one(label: str) -> tuple[str, str]:
    """(negative, positive) where one label alone occurs: "denied" is no positive class."""
    rest = f"not {label}"
    if label in ("0", "1"):
        return "0", "1"
    return (label, rest) if guess_positive((label, _OTHER)).label == _OTHER else (rest, label)


def _guess_of_one(label: str) -> PositiveGuess:
    sense = _answer(_words(label))
    if sense > 0:
        return PositiveGuess(label, f"'{label}' is the only label and says yes")
    return PositiveGuess(None, f"'{label}' is the only label")


def _why_positive(rule: Any, label: str, other: str, name: str) -> str:
    return {
        _by_answer: f"'{label}' answers yes, '{other}' no",
        _by_negation: f"'{other}' negates '{label}'",
        _by_name: f"'{name}' is named after '{label}'",
        _by_sense: f"'{label}' is the usual word for it",
        _by_size: f"'{label}' is the larger one",
    }[rule]


def _by_answer(a: tuple[str, ...], b: tuple[str, ...], _: str) -> int:
    """Yes or no, 1 or 0; a no beside any other word is enough ("none", "diabetes")."""
    letters = "".join(a), "".join(b)
    if letters in LETTERS or letters[::-1] in LETTERS:
        return 1 if letters in LETTERS else -1
    first, second = _answer(a), _answer(b)
    if first >= 0 and second >= 0 and all(letters[i].isdigit() for i in (0, 1)):
        return 0  # 1 and 2 are codes without a known meaning
    return _sign(first - second)


def _by_negation(a: tuple[str, ...], b: tuple[str, ...], _: str) -> int:
    """One label is the other with a negation before it: "hired", "not hired"."""
    return int(_negates(b, a)) - int(_negates(a, b))


def _by_name(a: tuple[str, ...], b: tuple[str, ...], name: str) -> int:
    """The column is named after one label: "defaulted", "repaid" in column "default"."""
    named = _words(name)
    return int(_share_stem(a, named)) - int(_share_stem(b, named))


def _by_sense(a: tuple[str, ...], b: tuple[str, ...], _: str) -> int:
    """Usual words: a decision in somebody's favour before its opposite, an event before none."""
    return _sign(_rank(a) - _rank(b))


def _by_size(a: tuple[str, ...], b: tuple[str, ...], _: str) -> int:
    """Above and below, high and low."""
    return _sign(_size(a) - _size(b))


def _answer(words: tuple[str, ...]) -> int:
    if not words:
        return 0
    if words[0] in YES:
        return 1
    if words[-1] in ("positive", "pos"):  # "tested_positive"
        return 1
    return -1 if words[0] in NO or words[-1] in ("negative", "neg") else 0


def _negates(words: tuple[str, ...], of: tuple[str, ...]) -> bool:
    """Whether `words` are the negation of `of`."""
    if not words or not of:
        return False
    rest = tuple(w for w in words if w not in NEGATIONS)
    if len(rest) < len(words) and (rest == of or _share_stem(rest, of)):
        return True
    whole, plain = "".join(words), "".join(of)
    return any(whole == prefix + plain for prefix in PREFIXES)


def _share_stem(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two names share a word or the beginning of one: "recid", "recidivism"."""
    return any(_alike(x, y) for x in a for y in b)


def _alike(x: str, y: str) -> bool:
    short = min(len(x), len(y))
    return x == y if short < 4 else x[: max(4, short - 2)] == y[: max(4, short - 2)]


def _rank(words: tuple[str, ...]) -> int:
    """2: a favourable decision; 1: an event; 0: nothing known; −1: the absence of events."""
    if any(w in STATES for w in words):
        return -1
    sense = polarity(words)
    if sense > 0:
        return 2
    return 1 if sense < 0 and not _refusal(words) else -1 if sense < 0 else 0


def _refusal(words: tuple[str, ...]) -> bool:
    """Bad words that say what did not happen ("rejected", "fail"), not what did ("fraud")."""
    return any(BAD.get(w, "") == "refusal" for w in words)


def _size(words: tuple[str, ...]) -> int:
    return int(any(w in HIGH for w in words)) - int(any(w in LOW for w in words))


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


# -- the meaning --------------------------------------------------------------------------------


def guess_meaning(name: str, positive: str | None, negative: str | None = None) -> MeaningGuess:
    """What the positive class means for the person, by the words of the column and its labels.

    Parameters
    ----------
    name : name of the outcome, or of the decision where no outcome is known
    positive, negative : the two labels; None for outcomes of several classes and numbers

    Returns
    -------
    MeaningGuess
        "neutral" and not sure where no word says.
    """
    label = _words(positive or "")
    if any(w in NEUTRAL for w in _words(name)):
        return MeaningGuess("neutral", f"'{name}' names a kind, neither good nor bad", True)
    direction = polarity(label)
    if direction:
        return _meant(direction, f"'{positive}' is {_called(direction)} for a person")
    other = polarity(_words(negative or ""))
    about = _about(_words(name))
    if about:
        turned = -about if _denies(label, _words(negative or "")) else about
        return _meant(turned, f"'{name}' names something {_called(about)} for a person")
    if other:
        return _meant(-other, f"its opposite '{negative}' is {_called(other)} for a person")
    if about == 0:
        return MeaningGuess("neutral", f"'{name}' names something neither good nor bad", True)
    if _is_granted(_words(name), label):
        return MeaningGuess("good", f"'{positive}' of '{name}' says that it was granted", True)
    if _is_larger_amount(positive or "", label):
        return MeaningGuess("good", f"'{positive}' is the larger amount of money", True)
    words = f"'{name}'" if positive is None else f"'{name}' and '{positive}'"
    return MeaningGuess(
        "neutral", f"nothing in {words} says what it means for a person, so neutral", False
    )


def guess_meaning_among(
    names: Sequence[str], positive: str | None, negative: str | None = None
) -> MeaningGuess:
    """The first sure guess: an outcome called "y" of a decision "hired_by_tool" is good."""
    guesses = [guess_meaning(name, positive, negative) for name in names or ("",)]
    return next((g for g in guesses if g.sure), guesses[0])


def polarity(words: Iterable[str]) -> int:
    """1 for words of what people hope for, −1 for words of what they fear, 0 for others."""
    words = tuple(words)
    sense = next((1 if w in GOOD else -1 for w in words if w in GOOD or w in BAD), 0)
    turns = sum(w in NEGATIONS for w in words)
    return -sense if turns % 2 else sense


def sense_of_name(name: str) -> int | None:
    """What a column's name is about: 1 hoped for, −1 feared, 0 neither; None: it does not say."""
    words = _words(name)
    return _about((*words, "".join(words)) if len(words) > 1 else words)


def _about(words: tuple[str, ...]) -> int | None:
    """The sense of what a name says, 0 where it is neither good nor bad; None: it says nothing."""
    sense = topic_sense(words)
    if sense is not None and says_no_itself(words):
        return sense
    if (named := polarity(words)) or sense is None:
        return named or None
    return -sense if sum(w in NEGATIONS for w in words) % 2 else sense


def _is_granted(name: tuple[str, ...], label: tuple[str, ...]) -> bool:
    """A yes in words to an application; 1 may as well say that a loan was not repaid."""
    subjects = {"loan", "application", "applicant", "approval", "offer"}
    return {"status"} <= {*name} and bool(subjects & {*name}) and "".join(label) in ("y", "yes")


def _is_larger_amount(text: str, label: tuple[str, ...]) -> bool:
    """Whether a label says more than an amount of money: ">50K", "50000+"."""
    amount = re.search(r"\d+\s*k\b|\d{2,3}[, ]?000", text, re.IGNORECASE)
    return amount is not None and ("+" in text or _size(label) > 0)


def _denies(label: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a label says no: by its words, or as the smaller of two sizes.

    Beside a plain no, "<30" (readmitted within 30 days) is a yes.
    """
    return _answer(label) < 0 or (_size(label) < 0 and _answer(other) >= 0)


def _meant(sense: int, reason: str) -> MeaningGuess:
    return MeaningGuess("good" if sense > 0 else "bad", reason, True)


def _called(sense: int) -> str:
    return "good" if sense > 0 else "bad"


# -- words --------------------------------------------------------------------------------------


def _words(text: str) -> tuple[str, ...]:
    """Lower-case words without accents; signs that stand for words are kept."""
    flat = plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text.strip())).rstrip(".")
    if re.fullmatch(r"[+-]?\d+(\.0*)?", flat):
        return (str(int(float(flat))),)
    # vowel signs of Indic scripts and Thai are no letters to \w
    return tuple(re.findall(r"[<>≤≥]=?|[+-]$|^-(?=\s)|(?:[^\W\d_]|[\u0900-\u0e7f])+|\d+", flat))
