"""Which columns are decisions and scores of existing systems."""

from __future__ import annotations

from fairaudit.data import near_labels
from fairaudit.data.decision_labels import DecisionLabels, OutcomeLabels, read_decision
from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.assignment import RoleAssignment
from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.target_words import POINTS
from fairaudit.data.name_words import whole_word, words_of
from fairaudit.data.outcome import guess_positive, label_order
from fairaudit.data.outcome_words import TOPICS


def is_score_name(name: str) -> bool:
    """Whether a name means a score, risk or probability, but not of a test or a credit bureau."""
    named = set(words_of(name))
    if named & words.SYSTEM_WORDS and named & TOPICS.keys():
        return True
    if named & words.NOT_SCORE_WITH:
        return False
    if named & words.PROFILED and named & POINTS:
        return True
    return bool(named & words.SCORE_WORDS) or any(map(_is_score_compound, named))


def _is_score(c: ColumnProfile) -> bool:
    """By its name, or a share that a model or tool is said to give: "ai_output" from 0 to 1."""
    named = set(words_of(c.name))
    share = c.low is not None and c.high is not None and c.low >= 0 and c.high <= 1
    made = bool(named & (words.SYSTEM_WORDS - {"perspective"})) and not c.whole and share
    return is_score_name(c.name) or (made and not named & words.NOT_SCORE_WITH)


def _is_score_compound(word: str) -> bool:
    """ "fraudescore" in languages that write compounds as one word; a credit score describes."""
    suffixed = word.endswith(words.SCORE_ENDINGS) and word not in words.SCORE_ENDINGS
    return suffixed and not any(stem in word for stem in words.NOT_SCORE_STEMS)


def _is_bureau_score(c: ColumnProfile) -> bool:
    """A credit bureau's number for a person, on its scale from 300 to 850."""
    if whole_word(c.name) not in ("score", "scores") or not c.whole:
        return False
    low, high = c.low or 0.0, c.high or 0.0
    return low >= 300 and 600 <= high <= 850 and high - low >= 100


def guess_systems(table: RoleAssignment, target: ColumnProfile | None) -> None:
    """Predictions and scores, assigned; without a target, binary decisions and scores."""
    for c in table.unassigned():
        named = set(words_of(c.name)) | {whole_word(c.name)}
        if named & words.PREDICTION_WORDS and _may_be_prediction(c, target):
            reason = "its name suggests a decision and its values are the target's"
            if target is None:
                reason = "its name suggests a decision, and no column looks like its outcome"
            elif remark := _matched(c, target):
                reason = f"its name suggests a decision, and {remark}"
            table.assign(c.name, "prediction", reason, 0.9)
        elif c.number and _is_score(c) and not _is_bureau_score(c):
            _guess_score(table, c, target)


def _may_be_prediction(c: ColumnProfile, target: ColumnProfile | None) -> bool:
    if target is None:
        return c.distinct == 2
    if target.number and target.distinct > 10:
        return c.number
    return _same_labels(c, target) or read_as_decision(c, target) is not None


def read_as_decision(
    c: ColumnProfile, target: ColumnProfile, positive: str | None = None
) -> DecisionLabels | None:
    """How an audit would read the column as a decision about the target; None where it would not.

    Of a target whose positive class nothing tells only its own labels, and 0 and 1, are read.
    """
    if c.distinct > 2 or target.distinct != 2 or not c.levels:
        return None
    labels = sorted(target.levels, key=label_order)
    positive = positive or guess_positive(labels, target.name).label
    ordered = sorted(labels, key=lambda label: label == positive)
    outcome = OutcomeLabels(target.name, tuple(ordered), positive is not None)
    return read_decision(list(c.levels), c.name, outcome)


def _matched(c: ColumnProfile, target: ColumnProfile) -> str:
    """Which labels words match with the target's, "" where they are the target's or numbers."""
    read = None if _same_labels(c, target) else read_as_decision(c, target)
    return "" if read is None else read.remark


def _same_labels(c: ColumnProfile, target: ColumnProfile) -> bool:
    known = {near_labels.near_key(v) for v in target.levels}
    return bool(c.levels) and {near_labels.near_key(v) for v in c.levels} <= known


def _guess_score(table: RoleAssignment, c: ColumnProfile, target: ColumnProfile | None) -> None:
    for other in table.with_role("score"):
        if table.sample.rows[other].equals(table.sample.rows[c.name], check_names=False):
            table.assign(c.name, "left out", f"it duplicates the score '{other}'", 0.95)
            return
    if c.distinct > 2 or target is None or target.distinct > 2:
        table.assign(c.name, "score", "its name suggests a score", 0.8)
