"""The one question on the Data page: what is the outcome, and what does it mean for a person?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import streamlit as st

from fairaudit.data.doctor.open_questions import OpenQuestion
from fairaudit.data.outcome import (
    MEANINGS,
    Meaning,
    MeaningGuess,
    PositiveGuess,
    guess_meaning,
    guess_positive,
)
from fairaudit.data.roles import ColumnRoles, Task, subject_of
from fairaudit.text.screens import data as wording
from fairaudit.text.sentences.outcome import example
from fairaudit.text.voice import Voice
from fairaudit.ui import glossary, layout
from fairaudit.ui.overview import Overview

QUESTION = "What is the outcome, and what does it mean for a person?"
NO_OUTCOME = "No outcome known: audit decisions only"
_NONE = "\0no outcome"  # no column has this name
_NEVER = "\0all rows"
TASKS: dict[Task, str] = {
    "binary": "Yes or no (two values)",
    "multiclass": "One of several classes",
    "regression": "A number",
}
_CALLED: dict[Meaning, str] = {"good": "Good", "bad": "Bad", "neutral": "Neither"}


@dataclass(frozen=True)
class OutcomeAnswer:
    """What was answered so far; `missing` says what has to be answered before an audit."""

    target: str | None = None
    task: Task = "binary"
    positive: str | None = None
    negative: str | None = None
    meaning: Meaning | None = None
    known_for: str | None = None
    missing: tuple[str, ...] = field(default=())

    @property
    def voice(self) -> Voice:
        """How the audit of this outcome will speak."""
        return Voice(
            confidence=0.5,  # no interval is stated on the Data page
            positive=self.positive or "",
            negative=self.negative or "",
            meaning=self.meaning or "neutral",
            known=self.target is not None,
            target=self.target or "",
        )


class OutcomeQuestion:
    """The widgets of the question.

    Parameters
    ----------
    table : Overview
        Columns and their values.
    start : ColumnRoles
        The suggested roles, or those accepted before.
    asked : OpenQuestion, optional
        Why a person must say which column is the outcome, and which it may be.
    key : str
        Prefix of the widgets' keys, one per dataset.
    accepted : bool
        Whether `start` was accepted by a person, so that nothing is left to confirm.
    """

    def __init__(
        self,
        table: Overview,
        start: ColumnRoles,
        asked: OpenQuestion | None = None,
        *,
        key: str,
        accepted: bool = False,
    ) -> None:
        self.table, self.start, self.asked, self.key = table, start, asked, key
        self.accepted = accepted

    def draw(self) -> OutcomeAnswer:
        """Show the question; return what the widgets hold now."""
        with st.container(border=True, key="outcome-question"):
            st.header(QUESTION, anchor=False)
            places = st.columns(3, gap="medium")
            with places[0]:
                target = self._target()
            with places[1]:
                task = self._task() if target is not None else "binary"
            subject = target if target is not None else self._decision()
            labels = self._labels(subject) if task == "binary" else []
            guess = guess_positive(labels, subject or "")
            with places[2]:
                positive = self._positive(subject, labels, guess) if labels else None
            answer = OutcomeAnswer(target, task, positive, _other(labels, positive))
            return self._meant(answer, subject, guess)

    def _target(self) -> str | None:
        options = [*self.table.columns, _NONE]
        usual = self.start.target
        open_ = self.asked is not None and not self.accepted
        if usual is None and not open_ and (self.start.predictions or self.start.scores):
            usual = _NONE
        chosen = st.selectbox(
            "Outcome",
            options,
            index=options.index(usual) if usual in options else None,
            format_func=lambda column: NO_OUTCOME if column == _NONE else column,
            help=glossary.explanation("Outcome"),
            placeholder="choose a column",
            key=f"{self.key}-target",
        )
        return None if chosen in (None, _NONE) else str(chosen)

    def _none_chosen(self) -> bool:
        """Whether the user stated that no outcome is known."""
        return bool(st.session_state.get(f"{self.key}-target") == _NONE)

    def _task(self) -> Task:
        options = list(TASKS)
        return st.selectbox(
            "Kind of outcome",
            options,
            index=options.index(self.start.task),
            format_func=lambda task: TASKS[cast(Task, task)],
            key=f"{self.key}-task",
        )

    def _decision(self) -> str | None:
        """The column whose labels are the decisions, where no outcome is known."""
        chosen = st.session_state.get(f"{self.key}-predictions", self.start.predictions)
        return next(iter(chosen), None)

    def _labels(self, subject: str | None) -> list[str]:
        labels = list(self.table.levels.get(subject, ())) if subject is not None else []
        return labels if len(labels) <= 2 else []

    def _same(self, subject: str | None) -> bool:
        """Whether the roles to start from are about the same column."""
        return subject is not None and subject == subject_of(self.start)

    def _positive(
        self, subject: str | None, labels: Sequence[str], guess: PositiveGuess
    ) -> str | None:
        usual = self.start.positive if self.accepted and self._same(subject) else None
        usual = usual if usual in labels else guess.label
        return st.selectbox(
            "Predicted label",
            labels,
            index=labels.index(usual) if usual in labels else None,
            help=glossary.explanation("Positive class"),
            placeholder="choose one",
            key=f"{self.key}-positive-{subject}",
        )

    def _meant(
        self, answer: OutcomeAnswer, subject: str | None, guess: PositiveGuess
    ) -> OutcomeAnswer:
        """The answer completed by meaning and reasons, once it is known what is predicted."""
        guessed = guess_meaning(subject or "", answer.positive, answer.negative)
        meaning: Meaning | None = None
        if answer.task != "multiclass":
            left, right = st.columns([2, 1], gap="medium", vertical_alignment="top")
            with left:
                meaning = self._meaning(answer, subject, guessed)
            with right:
                known_for = self._known_for(answer.target) if answer.target else None
        else:
            known_for = self._known_for(answer.target) if answer.target else None
        answer = OutcomeAnswer(
            answer.target, answer.task, answer.positive, answer.negative, meaning, known_for
        )
        missing = self._missing(answer)
        if meaning is not None and answer.task == "binary":
            layout.note(example(answer.voice))
        self._reasons(answer, guess, guessed, missing)
        return OutcomeAnswer(**{**vars(answer), "missing": missing})

    def _meaning(
        self, answer: OutcomeAnswer, subject: str | None, guess: MeaningGuess
    ) -> Meaning | None:
        usual: Meaning | None = guess.meaning if guess.sure else None
        if answer.task == "regression":
            usual = guess.meaning
        if self.accepted and self._same(subject):
            usual = self.start.meaning or usual
        what = f"“{layout.escaped(answer.positive)}”" if answer.positive else "a high value"
        if answer.task == "binary" and not answer.positive:
            what = "a positive decision"
        return st.segmented_control(
            f"For a person, {what} is",
            MEANINGS,
            default=usual,
            format_func=lambda meaning: _CALLED[cast(Meaning, meaning)],
            key=f"{self.key}-meaning-{subject}-{answer.positive}",
        )

    def _known_for(self, target: str) -> str | None:
        columns = [
            c for c in self.table.columns if c != target and len(self.table.levels.get(c, ())) == 2
        ]
        if not columns:
            return None
        options = [_NEVER, *columns]
        usual = self.start.known_for
        chosen = st.selectbox(
            "The outcome is known only for",
            options,
            index=options.index(usual) if usual in options else 0,
            format_func=lambda column: "all rows" if column == _NEVER else f"{column} = yes",
            help=wording.KNOWN_FOR,
            key=f"{self.key}-known-for",
        )
        return None if chosen == _NEVER else str(chosen)

    def _missing(self, answer: OutcomeAnswer) -> tuple[str, ...]:
        """Requests for the parts of the question that still need an answer."""
        if answer.target is None and not self._none_chosen():
            return ("choose the outcome, or say that none is known",)
        missing = []
        if answer.task == "binary" and answer.positive is None and self._needs_label(answer):
            missing.append("choose the label that is predicted")
        if answer.task == "binary" and answer.meaning is None:
            missing.append("say whether it is good, bad or neither for the person")
        return tuple(missing)

    def _needs_label(self, answer: OutcomeAnswer) -> bool:
        subject = answer.target if answer.target is not None else self._decision()
        return bool(self._labels(subject))

    def _reasons(
        self,
        answer: OutcomeAnswer,
        guess: PositiveGuess,
        found: MeaningGuess,
        missing: Sequence[str],
    ) -> None:
        """Why the answers are suggested; what nothing decided is to be confirmed."""
        if missing or (not self.accepted and answer.task == "binary" and not found.sure):
            st.badge("Please confirm", color="orange", icon=":material/help:")
        reasons = []
        if answer.positive is not None and answer.positive == guess.label:
            reasons.append(guess.reason)
        if answer.meaning is not None and answer.meaning == found.meaning:
            reasons.append(found.reason)
        if missing and answer.target is None and self.asked is not None and self.asked.options:
            possible, why = self.asked.options[0], self.asked.reason
            st.caption(layout.escaped(wording.possible_outcome(possible, why)))
        if missing:
            st.caption(layout.escaped(wording.open_answers(missing)))
        elif reasons:
            st.caption(layout.escaped(wording.reasons(reasons)))


def _other(labels: Sequence[str], positive: str | None) -> str | None:
    """The other label; decisions of one kind only have none that is known."""
    if positive is None:
        return None
    other = {"0": "1", "1": "0"}.get(positive)
    return next((label for label in labels if label != positive), other)
