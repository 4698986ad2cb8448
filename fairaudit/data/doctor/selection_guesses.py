"""Decisions and the outcomes after them: whom a decision selected, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fairaudit.data.doctor import target_words as words
from fairaudit.data.doctor.assignment import RoleAssignment
from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.key_guesses import share_of_dates
from fairaudit.data.doctor.role_keywords import MODEL_WORDS, PREDICTION_WORDS
from fairaudit.data.doctor.score_decisions import boundary_between
from fairaudit.data.doctor.system_guesses import is_score_name
from fairaudit.data.encoding import numbers
from fairaudit.data.labels import label_text
from fairaudit.data.name_words import words_of

MOST_KNOWN = 0.95  # share of the selected whose outcome must be known
MOST_CLASSES = 6
FEWEST_SCORES = 5
FOLLOWED = 0.9  # AUROC from which a decision follows a column of points


@dataclass(frozen=True)
class Selection:
    """A decision, and an outcome that is known for those alone of whom it says `label`."""

    decision: ColumnProfile
    outcome: ColumnProfile
    label: str


def is_decision_name(name: str) -> bool:
    """Whether a name is that of a decision: "board_decision", "hired", "eingestellt"."""
    return bool({*words_of(name)} & (PREDICTION_WORDS | words.DECIDED))


def selections(
    table: RoleAssignment, outcomes: Sequence[ColumnProfile], barred: Iterable[str]
) -> list[Selection]:
    """Outcomes that are known only where a two-valued column has one value, with that column.

    Parameters
    ----------
    table : RoleAssignment
    outcomes : columns that could be the outcome, the most plausible first
    barred : columns that cannot be decisions, such as sensitive attributes
    """
    aside = set(barred)
    decisions = [
        c for c in table.unassigned() if c.distinct == 2 and not c.missing and c.name not in aside
    ]
    names = list(table.columns)
    pairs = []
    for outcome in outcomes:
        if not outcome.missing or not 2 <= outcome.distinct <= MOST_CLASSES:
            continue
        for decision in decisions:
            label = _selected_label(table, decision, outcome)
            if label is not None and _is_plausible(names, decision, outcome):
                pairs.append(Selection(decision, outcome, label))
    return pairs


def _selected_label(
    table: RoleAssignment, decision: ColumnProfile, outcome: ColumnProfile
) -> str | None:
    """The one label of the decision where the outcome is known, if it is known for nearly all."""
    rows = table.sample.rows
    known = rows[outcome.name].is_not_null()
    text = label_text(rows[decision.name])
    labels = text.filter(known).unique().to_list()
    if len(labels) != 1:
        return None
    selected = int((text == labels[0]).sum())
    return labels[0] if int(known.sum()) >= MOST_KNOWN * selected else None


def _is_plausible(names: Sequence[str], decision: ColumnProfile, outcome: ColumnProfile) -> bool:
    """A decision and its outcome, not "has a car" and "owns the car".

    Their names say so, or both stand near the end of the table, the decision first.
    """
    if is_decision_name(decision.name):
        return True
    places = names.index(decision.name), names.index(outcome.name)
    return len(names) / 2 <= places[0] < places[1]


def history_before(
    outcome: ColumnProfile, table: RoleAssignment, features: Iterable[str]
) -> ColumnProfile | None:
    """A decision that the rest of the application separates from an earlier column.

    People write down what is known before a decision, then the decision. A column with ordinary
    features between it and the decision may be history: an eviction record, an earlier default.

    Parameters
    ----------
    outcome : what might be the outcome
    table : RoleAssignment
    features : columns that are neither dates nor scores, decisions or outcomes
    """
    names = list(table.columns)
    place = names.index(outcome.name)
    if place == 0:
        return None
    ordinary = set(features)
    for c in table.unassigned():
        later = names.index(c.name)
        decides = c.distinct == 2 and {*words_of(c.name)} & (PREDICTION_WORDS - MODEL_WORDS)
        if decides and later > place and ordinary & {*names[place:later]}:
            return c
    return None


def scores_behind(table: RoleAssignment, decisions: Sequence[str]) -> Mapping[str, str]:
    """Columns of numbers that a decision follows, each with the reason.

    A cut reproduces the decision, whatever the name; points and test results need only predict
    it well, because people depart from them.
    """
    reasons: dict[str, str] = {}
    for decision in decisions:
        d = table.columns[decision]
        if d.distinct != 2:
            continue
        for c in table.unassigned():
            if not c.number or c.distinct < FEWEST_SCORES or c.missing:
                continue
            if _is_cut_of(table, d, c):
                reasons[c.name] = f"a cut of it reproduces the decision '{decision}'"
            elif has_points(c.name) and table.sample.predicts(c.name, decision) >= FOLLOWED:
                strength = table.sample.predicts(c.name, decision)
                reasons[c.name] = (
                    f"its name suggests points, and the decision '{decision}' follows it "
                    f"(AUROC {strength:.2f})"
                )
    return reasons


def _is_cut_of(table: RoleAssignment, decision: ColumnProfile, c: ColumnProfile) -> bool:
    if table.sample.predicts(c.name, decision.name) < FOLLOWED:
        return False
    rows = table.sample.rows
    text = label_text(rows[decision.name])
    return boundary_between(numbers(rows[c.name]), (text == text.max()).to_numpy()) is not None


def has_points(name: str) -> bool:
    """Whether a name is about points, an index or a rank: "Testpunkte", "merit_index"."""
    named = words_of(name)
    return bool({*named} & words.POINTS) or any(w.endswith(words.POINT_ENDINGS) for w in named)


def is_ordinary(c: ColumnProfile) -> bool:
    """Whether a column is neither a date, a score nor a decision by its name and values."""
    if c.dtype.startswith("Date") or share_of_dates(c) > 0.9 or is_score_name(c.name):
        return False
    return not is_decision_name(c.name)
