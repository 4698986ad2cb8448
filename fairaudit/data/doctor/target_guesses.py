"""Which column is the outcome, by names, values and position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from fairaudit.data import near_labels
from fairaudit.data.doctor import target_words as words
from fairaudit.data.doctor.assignment import MIN_CONFIDENCE, Guess, RoleAssignment
from fairaudit.data.doctor.column_profile import (
    ColumnProfile,
    binned,
    outcome_codes,
    separation,
)
from fairaudit.data.doctor.role_keywords import DATE_WORDS, INSTITUTIONS, JUDGES, PREDICTION_WORDS
from fairaudit.data.doctor.selection_guesses import (
    history_before,
    is_decision_name,
    is_ordinary,
    selections,
)
from fairaudit.data.doctor.system_guesses import is_score_name, read_as_decision
from fairaudit.data.name_words import whole_word, words_of
from fairaudit.data.outcome import guess_meaning, guess_positive, sense_of_name
from fairaudit.data.outcome_topics import WHOLE_TOPICS
from fairaudit.data.roles import MAX_CLASSES, Task

LEAST_WEIGHT = 1.0
NAMED_TARGET = 5.0  # "target" alone outweighs a topic, two values and the last place together
MOST_LABELS = 20
MOST_OUTCOMES = 6
BY_HORIZON, BY_LABELS = 2.5, 1.5
CLOSE, RIVAL = 0.5, 2.0  # two columns compete within this difference, from this evidence on
SAME_RECORD = 0.85
WHOLE_TOPIC = 2.5  # the whole name is a topic of outcomes
AMONG = 3  # ordinary columns on either side
TO_ASK = 0.45  # below the confidence from which a suggestion is used


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
    """The outcome, assigned; None where no column looks like one, or a person must be asked.

    A person is asked where nothing but its place suggests a column, where two columns are about
    equally plausible, and where a column may be history before a decision. The best candidate is
    then assigned with too little confidence to be used.
    """
    barred = set(sensitive)
    candidates = [c for c in table.unassigned() if c.name not in barred and _may_be_target(c)]
    # a last column of places, such as the site, was joined to the table
    names = [n for n in table.columns if not {*words_of(n)} & {*INSTITUTIONS}]
    outer = (names[0], names[-1]) if names else ("", "")
    weights = {c.name: _weight(c, *outer) for c in candidates}
    ranked = sorted(candidates, key=lambda c: -weights[c.name])
    if after := _outcome_after_decision(table, ranked, weights, barred):
        return after
    if not ranked or evidence_of(ranked[0]) < LEAST_WEIGHT:
        _behind_the_scores(table, ranked)
    if _has_target(table) or not ranked or weights[ranked[0].name] < LEAST_WEIGHT:
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
    if evidence_of(best) < RIVAL and _lies_before_decision(best, table):
        return None  # an income before a decision is what the decision rests on
    if doubt := _doubt(best, ranked, table):
        table.assign(best.name, "target", f"{reason}; {doubt}", TO_ASK)
        return None
    confidence = min(0.95, 0.3 + 0.15 * weights[best.name])
    table.assign(best.name, "target", reason, confidence)
    return best if confidence >= MIN_CONFIDENCE else None


def _lies_before_decision(best: ColumnProfile, table: RoleAssignment) -> bool:
    """Whether a decision stands later, even right after it."""
    return history_before(best, table, [best.name]) is not None


def _ordinary(table: RoleAssignment) -> list[str]:
    """Columns that are neither dates nor scores, decisions or outcomes."""
    return [c.name for c in table.unassigned() if is_ordinary(c) and evidence_of(c) < RIVAL]


def _doubt(
    best: ColumnProfile, ranked: Sequence[ColumnProfile], table: RoleAssignment
) -> str | None:
    """Why a person must say whether this is the outcome; None where words decide it."""
    if evidence_of(best) < LEAST_WEIGHT:
        return "nothing but its place says so"
    if rival := _rival(best, ranked, table):
        return f"'{rival.name}' is as plausible"
    if evidence_of(best) >= NAMED_TARGET or has_horizon(best):
        return None
    if decision := history_before(best, table, _ordinary(table)):
        return f"it may be known before the decision '{decision.name}'"
    if evidence_of(best) < WHOLE_TOPIC and (score := _stands_among_features(best, table)):
        return f"it stands among what may be known before the score '{score}' was given"
    return None


def _stands_among_features(best: ColumnProfile, table: RoleAssignment) -> str | None:
    """A score of the table, where ordinary columns stand before and behind a candidate."""
    scores = [c.name for c in table.unassigned() if c.number and is_score_name(c.name)]
    names = list(table.columns)
    place, ordinary = names.index(best.name), {*_ordinary(table)}
    behind = sum(name in ordinary for name in names[place + 1 :])
    ahead = sum(name in ordinary for name in names[:place])
    return scores[0] if scores and min(ahead, behind) >= AMONG else None


def _has_target(table: RoleAssignment) -> bool:
    return any(guess.part == "target" for guess in table.assigned.values())


def _behind_the_scores(table: RoleAssignment, ranked: Sequence[ColumnProfile]) -> None:
    """Ask about a yes/no column after the scores, of which no word says that it is an outcome."""
    names = list(table.columns)
    scores = [
        names.index(c.name) for c in table.unassigned() if c.number and is_score_name(c.name)
    ]
    if not scores or max(scores) < len(names) / 2:
        return
    after = [c for c in ranked if _answers(c) and names.index(c.name) > max(scores)]
    decided = [c for c in table.unassigned() if {*words_of(c.name)} & PREDICTION_WORDS]
    if after and not decided:
        reason = "it has two values and stands after the scores, but no word says that it is one"
        table.assign(after[0].name, "target", reason, TO_ASK)


def _rival(
    best: ColumnProfile, ranked: Sequence[ColumnProfile], table: RoleAssignment
) -> ColumnProfile | None:
    """Another outcome that, without the place in the table, is about as plausible.

    Another record of the same outcome, which shares its topic or gives it away, is none.
    """
    strength = evidence_of(best)
    for c in ranked:
        if c is best or strength - evidence_of(c) >= CLOSE or evidence_of(c) < RIVAL:
            continue
        if (labels_apart(c) == 2) != (labels_apart(best) == 2) or has_horizon(best):
            continue
        if is_condition(c) and not is_condition(best):
            continue
        same = topic_words(c.name) & topic_words(best.name)
        if not same and table.sample.predicts(c.name, best.name) < SAME_RECORD:
            return c
    return None


def _outcome_after_decision(
    table: RoleAssignment,
    ranked: Sequence[ColumnProfile],
    weights: Mapping[str, float],
    barred: Iterable[str],
) -> ColumnProfile | None:
    """The outcome after a decision of the table, both assigned; None where there is none."""
    possible = [c for c in ranked if not {*words_of(c.name)} & words.EARLIER]
    known = [c for c in possible if _answers(c) or _name_weight(c) >= RIVAL]
    pairs = selections(table, known, barred)
    pairs.sort(key=lambda pair: -weights[pair.outcome.name])
    if pairs:
        decision, outcome = pairs[0].decision, pairs[0].outcome
        reason = f"it is known only where '{decision.name}' is {pairs[0].label}, so it lies after"
        table.assign(outcome.name, "target", f"{reason} that decision", 0.8)
        _assign_decision(table, decision, outcome)
        return outcome
    return _outcome_for_all(table, possible)


def _answers(c: ColumnProfile) -> bool:
    """Whether two labels answer a question, unlike the kinds of an offence or of a home."""
    return labels_apart(c) == 2 and guess_positive(sorted(c.levels), c.name).label is not None


def _outcome_for_all(
    table: RoleAssignment, ranked: Sequence[ColumnProfile]
) -> ColumnProfile | None:
    """What became of everybody after a decision that is recorded before it in the table."""
    names = list(table.columns)
    decisions = [c for c in ranked[:3] if _decides(c) and names.index(c.name) >= len(names) / 2]
    for decision in decisions:
        later = [
            c
            for c in ranked
            if labels_apart(c) == 2
            and names.index(c.name) > names.index(decision.name)
            and not is_decision_name(c.name)
            and not {*words_of(c.name)} & words.TAKEN_UP
            and (evidence_of(c) >= LEAST_WEIGHT or sense_of_name(c.name))
            and table.sample.predicts(c.name, decision.name) < SAME_RECORD
        ]
        if later:
            reason = f"it becomes known after the decision '{decision.name}'"
            table.assign(later[0].name, "target", reason, 0.7)
            _assign_decision(table, decision, later[0])
            return later[0]
    return None


def _decides(c: ColumnProfile) -> bool:
    return labels_apart(c) == 2 and not c.missing and is_decision_name(c.name)


def _assign_decision(
    table: RoleAssignment, decision: ColumnProfile, outcome: ColumnProfile
) -> None:
    """The decision as that of a system, if its labels can be read as the outcome's."""
    if read_as_decision(decision, outcome) is not None:
        reason = f"the decision that '{outcome.name}' comes after"
        table.assign(decision.name, "prediction", reason, 0.8)


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
    weight = evidence_of(c) + (0.75 if binary else 0.0)
    if c.name == last:
        weight += 1.5
    return weight + (0.5 if c.name == first and binary else 0.0)


def evidence_of(c: ColumnProfile) -> float:
    """How much the words of a column's name and labels suggest an outcome; 0 for none."""
    if {*words_of(c.name)} & words.EARLIER:
        return 0.0
    named = _name_weight(c)
    if has_horizon(c):
        named = max(named, BY_HORIZON)
    if c.number and _is_test_result(c.name):
        named = max(named, BY_LABELS)
    return max(named, BY_LABELS if labels_name_an_outcome(c) else 0.0)


def is_condition(c: ColumnProfile) -> bool:
    """Whether a name is that of an illness, which more often leads to an outcome than is one."""
    return bool({*words_of(c.name)} & words.CONDITIONS)


def _is_test_result(name: str) -> bool:
    named = {*words_of(name)}
    return bool(named & words.SUBJECTS and named & words.RESULTS)


def has_horizon(c: ColumnProfile) -> bool:
    """Whether a yes/no column says what happened within some time: "na_3_jaar", "12_mois"."""
    if labels_apart(c) != 2 or {*words_of(c.name)} & words.EARLIER:
        return False
    named = words_of(c.name)
    for i in range(1, len(named)):
        counted = named[i - 1].isdigit() or named[i - 1] in words.NUMBERS
        short = named[i] in words.SHORT_SPANS and i == len(named) - 1
        if counted and (named[i] in words.SPANS or short):
            return True
    return False


def labels_name_an_outcome(c: ColumnProfile) -> bool:
    """Whether the labels are words of outcomes: "Readmitted", "Not-readmitted"; ">50K"."""
    if c.number or not 2 <= labels_apart(c) <= MOST_OUTCOMES or c.distinct > len(c.values):
        return False
    levels = sorted(c.levels)
    if len(levels) == 2:
        positive = guess_positive(levels).label
        other = next((label for label in levels if label != positive), None)
        return positive is not None and guess_meaning("", positive, other).sure
    return sum(guess_meaning("", label).sure for label in levels) >= len(levels) / 2


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
    elif has_horizon(c):
        why.append("its name says that it was looked at some time later")
    elif labels_name_an_outcome(c):
        why.append("its values are words of an outcome")
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
