"""Which two columns are sex and race/ethnicity, by the doctor's guesses or as named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.audit.presets.preset_inputs import PresetOptions
from fairaudit.data.doctor import sensitive_words as words
from fairaudit.data.doctor.column_profile import ColumnProfile, profile
from fairaudit.data.doctor.sensitive_guesses import topic_of
from fairaudit.data.name_words import folded, words_of
from fairaudit.data.non_answers import says_nothing
from fairaudit.exceptions import SpecError
from fairaudit.inputs.read import read_column

_TOPICS = {"sex": ("sex",), "race": ("race", "ethnicity", "hispanic origin")}
_NAMES = {"sex": "sex", "race": "race/ethnicity"}


def sex_and_race(groups: Mapping[str, Any], options: PresetOptions) -> tuple[str, str]:
    """The columns of sex and of race/ethnicity.

    Names are read word by word ("trace_source" is no race), and values where the name says
    nothing.

    Raises
    ------
    SpecError
        When a named column is not among the groups, or no or several columns could be meant.
    """
    sex = _chosen("sex", options.sex, groups)
    race = _chosen("race", options.race, groups)
    if sex == race:
        raise SpecError(
            f"column '{sex}' cannot be both sex and race/ethnicity; name two columns "
            "(--sex-column, --race-column)"
        )
    return sex, race


def sex_column(groups: Mapping[str, Any], options: PresetOptions) -> str:
    """The column of sex.

    Raises
    ------
    SpecError
        When the named column is not among the groups, or no or several columns could be meant.
    """
    return _chosen("sex", options.sex, groups)


def _chosen(role: str, named: str | None, groups: Mapping[str, Any]) -> str:
    if named is not None:
        if named not in groups:
            raise SpecError(
                f"column '{named}' is not among the groups; they are {', '.join(groups)}"
            )
        return named
    candidates = [name for name in groups if _topic(_profile(name, groups[name])) == role]
    if len(candidates) == 1:
        return candidates[0]
    remedy = f"name it (on the page, with --{role}-column, or as {role}= of PresetOptions)"
    if candidates:
        raise SpecError(
            f"the rule asks for one column of {_NAMES[role]}, and "
            f"{', '.join(map(repr, candidates))} could be it; {remedy}"
        )
    raise SpecError(
        f"the rule asks for {_NAMES[role]}, and no column tells that it is {_NAMES[role]} among "
        f"{', '.join(map(repr, groups))}; {remedy}"
    )


def _profile(name: str, values: Any) -> ColumnProfile:
    column = read_column(values, f"column '{name}'")
    labels, codes = column.levels
    text = pl.Series(name, labels, dtype=pl.String).gather(codes)
    return profile(pl.DataFrame([text]), "")[name]


def _topic(column: ColumnProfile) -> str | None:
    """ "sex", "race" or None: by the words of the name, else by values that cannot be others."""
    named = set(words_of(column.name))
    if named & (words.NOT_SENSITIVE_WITH | words.RELATIVES):
        return None
    topic = topic_of(column)
    if topic is not None:
        return next((role for role, topics in _TOPICS.items() if topic in topics), None)
    answers = (v for v in column.levels if not says_nothing(v, column.name))
    levels = frozenset(folded(v).strip().lower().rstrip(".") for v in answers)
    if levels in words.SEX_VALUES and any(len(level) > 1 for level in levels):
        return "sex"  # M and F alone may be misdemeanour and felony
    return "race" if len(levels & words.RACE_VALUES) >= 2 else None
