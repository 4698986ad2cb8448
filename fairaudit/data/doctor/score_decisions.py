"""Which score lies behind which decision: by their names, or by a cut that reproduces it.

One rule for tables, databases and arrays. A score belongs to a decision whose name shares a word
with it ("tool_b", "tool_b_score"), or that some cut of the score reproduces. Every other score is
a system of its own: a recruiter's decision has no part in the score of a machine beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.data.doctor.role_keywords import PREDICTION_WORDS, SCORE_WORDS
from fairaudit.data.name_words import words_of
from fairaudit.data.roles import Cut

MOST_DIFFERING = 0.01  # of all rows: a few overridden or rounded decisions, no other rule
MOST_OF_RARER = 0.1  # of the rarer decision: else "no" to everybody would reproduce rare ones
FEWEST = 5  # rows of the rarer decision; fewer lie above a cut by chance

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
System = tuple[str | None, str | None]  # names of its decision and of its score


@dataclass(frozen=True)
class Boundary:
    """Where a score parts the rows of a yes/no column.

    Attributes
    ----------
    below, above : the largest score on its lower side, the smallest on its upper side
    high_is_yes : whether the upper side is the yes
    differing : rows on the wrong side
    rows : rows of which score and answer are known
    """

    below: float
    above: float
    high_is_yes: bool
    differing: float
    rows: float

    def cut(self, *, high: bool | None = None) -> Cut:
        """The cut that selects one side, by default that of the yes."""
        high = self.high_is_yes if high is None else high
        return Cut(at=self.above) if high else Cut(at=self.below, side="below")


def boundary_between(score: Float, yes: Bool, times: Float | None = None) -> Boundary | None:
    """The boundary at which a score reproduces a yes/no column, exactly or nearly so.

    At most 1% of the rows may lie on the wrong side, and at most a tenth of as many rows as have
    the rarer answer; of that there must be at least 5.

    Parameters
    ----------
    score : (n,) finite
    yes : (n,)
    times : (n,) equal rows each row stands for, None for one
    """
    mass = np.ones(len(score)) if times is None else times
    values, place = np.unique(score, return_inverse=True)
    if len(values) < 2:
        return None
    masses = np.bincount(place, mass * yes), np.bincount(place, mass * ~yes)
    low = [np.cumsum(part)[:-1] for part in masses]  # (k − 1,) yes and no at or below each value
    total = [float(part.sum()) for part in masses]
    wrong = np.stack([low[0] + total[1] - low[1], low[1] + total[0] - low[0]])
    side, at = np.unravel_index(int(wrong.argmin()), wrong.shape)
    least, rarer = float(wrong.min()), min(total)
    if rarer < FEWEST or least > MOST_DIFFERING * sum(total) or least > MOST_OF_RARER * rarer:
        return None
    return Boundary(float(values[at]), float(values[at + 1]), side == 0, least, sum(total))


def systems_among(
    decisions: Mapping[str, NDArray[Any]],
    scores: Mapping[str, NDArray[Any]],
    *,
    apart: Collection[str] = (),
    times: Float | None = None,
) -> list[System]:
    """The systems that decisions and scores belong to: decisions first, each with its score.

    Parameters
    ----------
    decisions : mapping of name to (n,) label codes or values, NaN where missing
    scores : mapping of name to (n,) scores, or (n, C) of several classes, which only names pair
    apart : scores that decide for themselves, because a cut is stated
    times : (n,) equal rows each row stands for, None for one

    Returns
    -------
    list of (decision or None, score or None)
    """
    free = {name: score for name, score in scores.items() if name not in apart}
    pairs = _by_name(list(decisions), list(free))
    for decision, codes in decisions.items():
        taken = set(pairs.values())
        if decision not in pairs:
            fits = {
                name: fit
                for name, score in free.items()
                if name not in taken and (fit := _boundary(score, codes, times)) is not None
            }
            if fits:
                pairs[decision] = min(fits, key=lambda name: fits[name].differing)
    taken = set(pairs.values())
    return [
        *((decision, pairs.get(decision)) for decision in decisions),
        *((None, name) for name in scores if name not in taken),
    ]


def _boundary(score: NDArray[Any], codes: NDArray[Any], times: Float | None) -> Boundary | None:
    """The boundary between two decisions; several classes and numbers have none."""
    if score.ndim != 1:
        return None
    known = np.isfinite(score) & np.isfinite(codes)
    labels = np.unique(codes[known])
    if len(labels) != 2:
        return None
    mass = None if times is None else times[known]
    return boundary_between(score[known], codes[known] == labels[1], mass)


# -- names --------------------------------------------------------------------------------------


def _by_name(decisions: Sequence[str], scores: Sequence[str]) -> dict[str, str]:
    """Scores by decision whose names match, each once.

    The more words two names share the better; where two scores match a decision alike, or two
    decisions a score, names alone do not tell.
    """
    common = _common_words(decisions)
    shared = {(d, s): count for d in decisions for s in scores if (count := _shared(d, s, common))}
    pairs: dict[str, str] = {}
    while shared:
        best = max(shared.values())
        ties = [pair for pair, count in shared.items() if count == best]
        clear = [
            (d, s)
            for d, s in ties
            if sum(d == other for other, _ in ties) == sum(s == other for _, other in ties) == 1
        ]
        pairs |= dict(clear)
        gone = {d for d, _ in ties}, {s for _, s in clear}
        shared = {
            (d, s): n for (d, s), n in shared.items() if d not in gone[0] and s not in gone[1]
        }
    return pairs


def _common_words(decisions: Sequence[str]) -> frozenset[str]:
    """Words that the names of several decisions share, so that they distinguish none."""
    if len(decisions) < 2:
        return frozenset()
    return frozenset.intersection(*(_own_words(name) for name in decisions))


def _own_words(name: str) -> frozenset[str]:
    """The words of a name except those for a decision or a score."""
    return frozenset(words_of(name)) - PREDICTION_WORDS - SCORE_WORDS


def _shared(decision: str, score: str, common: frozenset[str]) -> int:
    """Number of shared words of two names that distinguish systems.

    Names of the same words match whatever the words. Otherwise a letter or a number is no word
    ("tool 2"), and those that differ tell two systems apart ("tool a", "tool b").
    """
    mine, other = _own_words(decision), _own_words(score)
    if mine and mine == other:
        return len(mine) + 1
    marks = [{w for w in words if len(w) == 1 or w.isdigit()} for words in (mine, other)]
    if marks[0] != marks[1] and marks[0] and marks[1]:
        return 0
    words = (mine - common - marks[0], other - common - marks[1])
    return sum(any(_same_stem(a, b) for b in words[1]) for a in words[0])


def _same_stem(a: str, b: str) -> bool:
    """Whether two words are one, or one begins as the other does: "recid", "recidivism"."""
    short = min(len(a), len(b))
    return a == b or (short >= 4 and a[:short] == b[:short])
