"""Leaks and dates that were left out of the features: each may be used anyway, and undone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fairaudit.data.doctor.assignment import Guess
from fairaudit.data.doctor.diagnosis import Problem
from fairaudit.data.doctor.guesses import MAY_LIE_AFTER
from fairaudit.data.roles import ColumnRoles
from fairaudit.text.numbers import count
from fairaudit.text.screens import data as wording
from fairaudit.text.sentences.reading import left_out_words, used_anyway_words
from fairaudit.ui import layout, session
from fairaudit.ui.overview import Overview

_SHOWN = 6  # columns shown at once; the others are folded


def used_anyway(table: Overview, roles: ColumnRoles) -> list[Guess]:
    """Columns that the doctor left out and that are features now."""
    return [guess for guess in _doubtful(table) if guess.column in roles.features]


def left_out(table: Overview, roles: ColumnRoles) -> list[Guess]:
    """Columns that the doctor left out and that have no role."""
    return [guess for guess in _doubtful(table) if guess.column not in roles.columns]


def _doubtful(table: Overview) -> list[Guess]:
    """Leaks, then dates, however they are written."""
    guesses = table.diagnosis.guesses
    leaks = [guess for guess in guesses if guess.part == "leak"]
    return leaks + [g for g in guesses if g.part == "left out" and MAY_LIE_AFTER in g.reason]


def other_problems(problems: Sequence[Problem], guesses: Sequence[Guess]) -> list[Problem]:
    """The problems without those that say that one of these columns was left out."""
    mentioned = {guess.column for guess in guesses}
    return [p for p in problems if not (p.code == "leak" and p.column in mentioned)]


def undo_buttons(guesses: Sequence[Guess], roles: ColumnRoles) -> None:
    """Each column that is used although it was left out, with a button that undoes it."""
    for position, guess in enumerate(guesses):
        left, right = st.columns([1, 6], gap="small")
        left.button(
            "Undo",
            icon=":material/undo:",
            key=f"undo-use-{position}-{guess.column}",
            on_click=_without,
            args=(roles, guess.column),
        )
        right.markdown(layout.escaped(used_anyway_words(guess.column, guess.reason)))


def use_buttons(guesses: Sequence[Guess], roles: ColumnRoles) -> None:
    """Each column that was left out, with the reason and a button that uses it anyway."""
    if not guesses:
        return
    st.header(f"{count(len(guesses), 'column')} left out of the features", anchor=False)
    layout.note(wording.KNOWN_BEFORE)
    _rows(guesses[:_SHOWN], roles)
    if rest := guesses[_SHOWN:]:
        with st.expander(f"{len(rest)} more"):
            _rows(rest, roles)


def _rows(guesses: Sequence[Guess], roles: ColumnRoles) -> None:
    for guess in guesses:
        left, middle, right = st.columns([1, 5, 1], gap="small")
        with left:
            st.badge("Left out", color="orange", icon=":material/block:")
        middle.markdown(layout.escaped(left_out_words(guess.column, guess.reason)))
        with right:
            st.button(
                "Use it anyway",
                icon=":material/add:",
                key=f"use-{guess.column}",
                on_click=_with,
                args=(roles, guess.column),
            )


def _with(roles: ColumnRoles, column: str) -> None:
    _keep(roles, (*(c for c in roles.features if c != column), column))


def _without(roles: ColumnRoles, column: str) -> None:
    _keep(roles, tuple(c for c in roles.features if c != column))


def _keep(roles: ColumnRoles, features: tuple[str, ...]) -> None:
    with layout.error_messages():
        changed = {**roles.model_dump(), "features": features}
        session.keep_roles(ColumnRoles.model_validate(changed))
