"""Which score belongs to which decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.audit.inputs.classes import MODEL
from fairaudit.data.doctor.score_decisions import systems_among
from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float
from fairaudit.inputs.columns import Column
from fairaudit.inputs.containers import opened
from fairaudit.inputs.read import (
    frame_columns,
    read_columns,
    read_numbers,
)


def systems_by_name(value: Any, what: str) -> dict[str, Any]:
    """Values by name of a system; the columns of a frame of answers are systems.

    Raises
    ------
    InputError
        When two systems have one name.
    """
    value = opened(value, what)
    named = frame_columns(value, what) if what == "y_pred" or isinstance(value, Mapping) else None
    return {MODEL: value} if named is None else named


def paired_scores(
    answers: Mapping[str, Column], scores: Mapping[str, Any], own: tuple[str, str], n: int
) -> tuple[dict[str, Column], dict[str, Any]]:
    """Decisions and scores, each score under the name of its system.

    One column as y_pred and one as y_score are one system, whatever they are called, as in
    scikit-learn. A score without a name is that of the only decisions. Any other belongs to the
    decisions of its name, or that some cut of it reproduces; else it is a system of its own.

    Parameters
    ----------
    answers, scores : by the names they were passed under
    own : the names that y_pred and y_score have of their own, "" for none
    n : number of rows
    """
    if not answers or not scores or set(answers) == set(scores) == {MODEL}:
        return dict(answers), dict(scores)
    decisions = {own[0] if name == MODEL and own[0] else name: a for name, a in answers.items()}
    named = {own[1] if name == MODEL and own[1] else name: s for name, s in scores.items()}
    passed = dict(zip(decisions, answers, strict=True))
    if len(decisions) == len(named) == 1 and MODEL in (*decisions, *named):
        return dict(answers), {next(iter(answers)): next(iter(scores.values()))}
    whose = _whose(decisions, named, n)
    if None not in whose.values():
        return dict(answers), {passed[str(whose[name])]: s for name, s in named.items()}
    if MODEL in named and whose[MODEL] is None:
        raise InputError(
            f"a lone y_score belongs to none of the systems {', '.join(decisions)}; "
            "pass y_score as a dict with their names"
        )
    return decisions, {whose[name] or name: score for name, score in named.items()}


def _whose(
    decisions: Mapping[str, Column], scores: Mapping[str, Any], n: int
) -> dict[str, str | None]:
    """The decisions that each score belongs to; None for a score that is a system by itself."""
    same = {name: name for name in scores if name in decisions}
    free = {name: _numbers_of(s, name, n) for name, s in scores.items() if name not in same}
    codes = {name: _codes_of(a) for name, a in decisions.items() if name not in same}
    return {**same, **{s: p for p, s in systems_among(codes, free) if s is not None}}


def _numbers_of(score: Any, name: str, n: int) -> Float:
    """Scores as passed, to compare with decisions."""
    what = f"the score of system '{name}'"
    return read_numbers(read_columns(score, what, n, "y_true"), what, wide=True)


def _codes_of(column: Column) -> Float:
    """(n,) a number for each label; a missing one is refused later."""
    text = column.values.cast(pl.String, strict=False)
    return text.cast(pl.Categorical).to_physical().cast(pl.Float64).to_numpy()
