"""What a person must say of the outcome, because neither names nor values decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fairaudit.data.doctor.assignment import MIN_CONFIDENCE, Guess
from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.outcome import MEANINGS, OutcomeFacts, label_order
from fairaudit.data.roles import ColumnRoles

AskedFact = Literal["target", "positive", "meaning"]


@dataclass(frozen=True)
class OpenQuestion:
    """One fact about the outcome to be asked, and what it may be.

    Attributes
    ----------
    fact : {"target", "positive", "meaning"}
    options : what it may be, the most plausible first; empty where any column may be the target
    reason : why it is asked
    """

    fact: AskedFact
    options: tuple[str, ...]
    reason: str


def open_questions(
    roles: ColumnRoles,
    guesses: Sequence[Guess],
    outcome: OutcomeFacts | None,
    columns: Mapping[str, ColumnProfile],
) -> tuple[OpenQuestion, ...]:
    """The facts about the outcome that nothing decides, in the order in which they are asked.

    Parameters
    ----------
    roles : the suggested roles, or those that were passed
    guesses : a target among them that is not confident enough to be used is a question
    outcome : the facts of these roles, None where they do not fit the table
    columns : the columns of the table
    """
    target = None if roles.target is not None else _target_question(roles, guesses)
    asked = [] if target is None else [target]
    subject = roles.target or next(iter(roles.predictions), None)
    if outcome is None or (target is not None and not roles.predictions):
        return tuple(asked)
    if outcome.guessed_positive and subject is not None and subject in columns:
        labels = tuple(sorted(columns[subject].levels, key=label_order))
        why = f"no word decides which label of '{subject}' is the positive class"
        asked.append(OpenQuestion("positive", labels, why))
    if outcome.guessed_meaning:
        what = f"'{subject}'" if outcome.positive is None else f"'{outcome.positive}'"
        why = f"no word says what {what} of the outcome means for a person"
        asked.append(OpenQuestion("meaning", MEANINGS, why))
    return tuple(asked)


def _target_question(roles: ColumnRoles, guesses: Sequence[Guess]) -> OpenQuestion | None:
    unsure = [g for g in guesses if g.part == "target" and g.confidence < MIN_CONFIDENCE]
    if unsure:
        return OpenQuestion("target", tuple(g.column for g in unsure), unsure[0].reason)
    if roles.predictions or roles.scores:
        return None
    return OpenQuestion("target", (), "no column looks like the outcome")
