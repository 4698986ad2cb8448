"""Words in the names of columns, whatever their writing."""

from __future__ import annotations

import re
import unicodedata

_UNCOMBINED = str.maketrans(
    {"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe"}
)


def word_set(text: str) -> frozenset[str]:
    """Words separated by blanks."""
    return frozenset(text.split())


def folded(text: str) -> str:
    """The text without accents, so that "género" is "genero" and "płeć" is "plec"."""
    apart = unicodedata.normalize("NFKD", text.translate(_UNCOMBINED))
    return "".join(c for c in apart if not unicodedata.combining(c))


def words_of(name: str) -> tuple[str, ...]:
    """The words in a column name: "agePct12t21" → age, pct, 12, t, 21; "is_recid" → is, recid."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", folded(name))
    spaced = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", " ", spaced)
    return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.lower()))


def whole_word(name: str) -> str:
    """The name without anything but letters and digits: "y_hat" → yhat."""
    return "".join(re.findall(r"[^\W_]+", folded(name).lower()))
