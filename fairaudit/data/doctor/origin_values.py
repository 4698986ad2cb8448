"""Columns whose values are languages, religions, or countries and regions of origin."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairaudit.data.doctor import origin_words as words
from fairaudit.data.name_words import words_of

MOST_LEVELS = 60
MOST_OF_LEVELS, SOME_OF_LEVELS = 0.6, 0.4
_NUMBERED = re.compile(r"column_?\d+|x?\d+|v\d+", re.IGNORECASE)


def origin_topic(name: str, levels: Iterable[str]) -> str | None:
    """The sensitive topic that a text column's values name; None where they name none.

    Languages and religions are recognised by values alone. Countries and regions count where the
    name is about an origin, or where the column has no name of its own: a plant has a country
    too.

    Parameters
    ----------
    name : of the column
    levels : its values in lower case, without accents
    """
    tokens = [frozenset(re.findall(r"[^\W\d_]+", level)) for level in levels]
    if not 2 <= len(tokens) <= MOST_LEVELS:
        return None
    if _named_share(tokens, words.LANGUAGES) > MOST_OF_LEVELS:
        return "language"
    if _named_share(tokens, words.RELIGIONS) > MOST_OF_LEVELS:
        return "religion"
    about = {*words_of(name)} & words.ORIGINS
    nameless = _NUMBERED.fullmatch(name)
    share = _named_share(tokens, words.PLACES)
    if (about and share >= SOME_OF_LEVELS) or (nameless and share > MOST_OF_LEVELS):
        return "country of origin"
    return None


def _named_share(levels: list[frozenset[str]], values: frozenset[str]) -> float:
    """The share of levels with such a word; 0 unless at least two different words occur."""
    named = [level & values for level in levels if level & values]
    different = frozenset().union(*named) if named else frozenset()
    return len(named) / len(levels) if len(different) >= 2 else 0.0
