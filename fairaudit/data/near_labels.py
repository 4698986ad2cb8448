"""Labels that a person reads as the same: other case, blanks, a trailing stop, Unicode form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("’‘`´ʼ", "'"))


def near_key(label: str) -> str:
    """What two labels share when a person would read them as one.

    >>> near_key(" >50K. ") == near_key(">50k")
    True
    >>> near_key("-1") == near_key("1")
    False
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", label)).translate(_DASHES)
    text = re.sub(r"[\s_]+", " ", text).strip().casefold()
    text = re.sub(r"(?<=[^\W\d]) ?- ?(?=[^\W\d])", " ", text)
    text = re.sub(r"^([+-]?\d+)\.0*$", r"\1", text)
    return text.rstrip(". ") or text


def near_equal(counts: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
    """Labels that look the same, grouped.

    Parameters
    ----------
    counts : mapping of str to int
        Labels with their number of rows.

    Returns
    -------
    tuple of tuple of str
        Each group with the most frequent label first; the largest group first.
    """
    groups: dict[str, list[str]] = {}
    for label in counts:
        groups.setdefault(near_key(label), []).append(label)
    alike = [
        tuple(sorted(group, key=lambda v: (-counts[v], v)))
        for group in groups.values()
        if len(group) > 1
    ]
    return tuple(sorted(alike, key=lambda group: (-sum(counts[v] for v in group), group)))


def joining(groups: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Each variant with the label that replaces it, the first of its group."""
    return {variant: group[0] for group in groups for variant in group[1:]}


def distinct(labels: Iterable[str]) -> int:
    """How many labels are left when those that look the same are one."""
    return len({near_key(label) for label in labels})
