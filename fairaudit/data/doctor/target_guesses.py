"""Which column is the outcome, by names, values and position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from fairaudit.data import near_labels
from fairaudit.data.doctor import target_words as words
from fairaudit.data.doctor.assignment import Guess, RoleAssignment
from fairaudit.data.doctor.column_profile import (
    ColumnProfile,
    binned,
    outcome_codes,
    separation,
)
from fairaudit.data.doctor.role_keywords import DATE_WORDS, INSTITUTIONS, JUDGES, PREDICTION_WORDS
from fairaudit.data.doctor.system_guesses import is_score_name
from fairaudit.data.name_words import whole_word, words_of
from fairaudit.data.outcome_topics import WHOLE_TOPICS
from fairaudit.data.roles import MAX_CLASSES, Task

LEAST_WEIGHT = 1.0
NAMED_TARGET = 5.0  # "target" alone outweighs a topic, two values and the last place together
MOST_LABELS = 20


def task_of(target: ColumnProfile) -> Task:
    """Two values are binary; text and few whole numbers multiclass; other numbers regression.

    Labels that look the same, such as ">50K" and ">50K.", count once.
    """
    values = labels_apart(target)
    if values <= 2:
        return "binary"
    few = values <= (10 if target.number else MAX_CLASSES)
    return "multiclass" if few and (not target.number or target.whole) else "regression"


def labels_apart(c: ColumnProfile) -> int:
    """Distinct values, where labels that look the same count once."""
    if c.number or c.distinct > len(c.values):
        return c.distinct
    return near_labels.distinct(c.values)


def guess_target(table: RoleAssignment, sensitive: Iterable[str]) -> ColumnProfile | None:
    """The outcome, assigned; None where no column looks like one."""
    barred = set(sensitive)
    candidates = [c for c in table.unassigned() if c.name not in barred and _may_be_target(c)]
    # a last column of places, such as the site, was joined to the table
    names = [n for n in table.columns if not {*words_of(n)} & {*INSTITUTIONS}]
    outer = (names[0], names[-1]) if names else ("", "")
    weights = {c.name: _weight(c, *outer) for c in candidates}
    ranked = sorted(candidates, key=lambda c: -weights[c.name])
    if not ranked or weights[ranked[0].name] < LEAST_WEIGHT:
        return None
    best = _richer(ranked[0], ranked[1:], table.sample.rows)
    if decision := _decision_taken_up(best, table):
        reason = f"the decision that '{best.name}' follows: nobody has the latter without it"
        table.assign(decision.name, "target", reason, 0.7)
        table.assign(best.name, "leak", f"it follows the decision '{decision.name}'", 0.9)
        return decision
    reason = _reason(best, outer[1])
    others = [c.name for c in ranked[1:4] if c is not best and weights[c.name] >= 2]
    if best is not ranked[0]:
        reason += f", and '{ranked[0].name}' is derived from it"
    if others:
        reason += f"; also possible: {', '.join(others)}"
    table.assign(best.name, "target", reason, min(0.95, 0.3 + 0.15 * weights[best.name]))
    return best


def attribute_as_target(table: RoleAssignment, sensitive: Sequence[Guess]) -> ColumnProfile | None:
    """Images of people often come with attributes only: a binary one can be the outcome."""
    for guess in sensitive:
        if table.columns[guess.column].distinct == 2:
            reason = "no other column could be the outcome of these images, and it has two values"
            table.assign(guess.column, "target", reason, 0.5)
            return table.columns[guess.column]
    return None


def is_outcome_name(name: str) -> bool:
    """Whether the words of a name are those of an outcome."""
    named = {*words_of(name), whole_word(name)}
    loose = named & words.LOOSE_TARGET_WORDS and len(words_of(name)) <= 2
    phrase = any(phrase <= named for phrase in words.PHRASES)
    topics = words.TARGET_WORDS | words.TARGET_TOPICS | WHOLE_TOPICS.keys()
    return bool(phrase or loose or named & topics)


def topic_words(name: str) -> set[str]:
    """The words of a name that say which outcome it is about: "recid" in two_year_recid."""
    return ({*words_of(name), whole_word(name)} & words.TARGET_TOPICS) - {"pass", "passed"}


def decision_as_target(table: RoleAssignment) -> ColumnProfile | None:
    """The one decision of a person beside a machine's score: the score is judged by it."""
    judged = [
        c
        for c in table.unassigned()
        if c.distinct == 2
        and {*words_of(c.name)} & PREDICTION_WORDS
        and {*words_of(c.name)} & JUDGES
    ]
    scores = [c for c in table.unassigned() if c.number and is_score_name(c.name)]
    if len(judged) != 1 or not scores:
        return None
    reason = f"a person's decision, which the score '{scores[0].name}' can be compared with"
    table.assign(judged[0].name, "target", reason, 0.6)
    return judged[0]


def _decision_taken_up(best: ColumnProfile, table: RoleAssignment) -> ColumnProfile | None:
    """The yes/no decision that the outcome presupposes, as enrolment presupposes admission."""
    if labels_apart(best) != 2 or best.missing or not {*words_of(best.name)} & words.TAKEN_UP:
        return None
    rows = table.sample.rows
    for c in table.unassigned():
        decides = {*words_of(c.name)} & PREDICTION_WORDS and c.distinct == 2 and not c.missing
        if decides and rows.select(c.name, best.name).n_unique() == 3:
            return c
    return None


def _may_be_target(c: ColumnProfile) -> bool:
    named = set(words_of(c.name))
    if c.distinct < 2 or named & DATE_WORDS or c.dtype.startswith("Date"):
        return False
    if named & PREDICTION_WORDS or (c.number and is_score_name(c.name)):
        return False
    if len(words_of(c.name)) > 1 and named & words.COUNTS:
        return False
    return c.number or c.distinct <= MOST_LABELS or labels_apart(c) <= 2


def _weight(c: ColumnProfile, first: str, last: str) -> float:
    binary = labels_apart(c) == 2
    weight = _name_weight(c) + (0.75 if binary else 0.0)
    if c.name == last:
        weight += 1.5
    return weight + (0.5 if c.name == first and binary else 0.0)


def _name_weight(c: ColumnProfile) -> float:
    named = {*words_of(c.name), whole_word(c.name)}
    if named & words.EARLIER:
        return 0.0
    whole = whole_word(c.name)
    if whole in words.TARGET_WORDS:
        return NAMED_TARGET
    weight = 3.0 * bool(named & words.TARGET_WORDS)
    if named & words.LOOSE_TARGET_WORDS and len(words_of(c.name)) <= 2:
        weight = max(weight, 3.0 if len(words_of(c.name)) == 1 else 1.5)
    if any(phrase <= named for phrase in words.PHRASES):
        weight += 2.5
    elif named & words.TARGET_TOPICS or whole in WHOLE_TOPICS:
        weight += 2.5 if whole in {*words.TARGET_TOPICS, *WHOLE_TOPICS} else 2.0
    elif named & words.AMOUNTS:
        weight += 2.0 if labels_apart(c) == 2 else 1.25
    elif named & words.CONDITIONS:
        weight += 1.5
    return weight


def _reason(c: ColumnProfile, last: str) -> str:
    why = []
    if _name_weight(c) >= 1:
        why.append("its name suggests an outcome")
    if c.name == last:
        why.append("it is the last column")
    if c.distinct == 2:
        why.append(f"it has two values ({' and '.join(sorted(c.levels))})")
    elif labels_apart(c) == 2:
        why.append("it has two values once labels that look the same are joined")
    return ", ".join(why)


def _richer(
    best: ColumnProfile, others: Sequence[ColumnProfile], sample: pl.DataFrame
) -> ColumnProfile:
    """Prefer the number that a binary candidate was derived from by a cut."""
    if best.distinct > 2:
        return best
    outcome, n = outcome_codes(sample[best.name])
    for c in others:
        if (
            c.number
            and c.distinct > 10
            and c.missing <= best.missing  # else a time to the event, missing where none came
            and _name_weight(c) >= 2
            and separation(binned(sample[c.name], 200), outcome, n) > 0.999
        ):
            return c
    return best
