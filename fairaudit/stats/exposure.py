"""Which hidden counts follow from the counts shown, and which count shown gives one away.

A table of counts is known through the sums that are shown. A hidden sum is given away where all
tables with those sums, and no negative count, agree about it. Both ends of a hidden sum are found
by linear programming.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, linprog

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
_TABLES = 6  # tables at random corners, which settle most hidden sums at once
_SLACK = 1e-6


@dataclass(frozen=True)
class KnownSums:
    """What a reader knows of one count.

    Attributes
    ----------
    shown : (S, A) whether an atom belongs to a sum that is shown
    values : (S,) those sums
    hidden : (H, A) whether an atom belongs to a sum that is hidden
    least : what each hidden sum is known to be at least
    """

    shown: Bool
    values: Float
    hidden: Bool
    least: float = 0.0

    @property
    def step(self) -> float:
        """The smallest difference between two tables: 1 for rows, almost 0 for weights."""
        whole = bool((self.values == np.round(self.values)).all())
        return 1.0 if whole else _SLACK * float(self.values.max(initial=1.0))

    def inside_empty(self) -> Bool:
        """(H,) hidden sums that are 0 because all rows of a sum shown are without this count."""
        empty = ~self.shown[self.values <= 0]
        if not len(empty):
            return np.zeros(len(self.hidden), dtype=np.bool_)
        outside = self.hidden.astype(np.float64) @ empty.T.astype(np.float64)
        return np.asarray((outside == 0).any(axis=1))


def given_away(sums: KnownSums) -> Bool:
    """(H,) hidden sums of which only one value is possible.

    Not counted are those inside a sum shown that is 0: the larger group tells it of all its rows.
    """
    low = np.full(len(sums.hidden), np.inf)
    high = -low
    unsettled = ~sums.inside_empty()
    rng = np.random.default_rng(0)
    for _ in range(_TABLES):
        _widen(low, high, sums, np.asarray(rng.standard_normal(sums.shown.shape[1])))
    for h in np.flatnonzero(unsettled):
        for sign in (1.0, -1.0):
            if high[h] - low[h] < sums.step * (1 - _SLACK):
                _widen(low, high, sums, sign * sums.hidden[h])
    return np.asarray(unsettled & (high - low < sums.step * (1 - _SLACK)))


def _widen(low: Float, high: Float, sums: KnownSums, towards: Float) -> None:
    """Widen the known ranges by the table furthest in one direction."""
    solved = _furthest(sums, towards)
    if solved.x is not None:
        of_table = sums.hidden @ solved.x
        np.minimum(low, of_table, out=low)
        np.maximum(high, of_table, out=high)


def _furthest(sums: KnownSums, towards: Float) -> OptimizeResult:
    bound = sums.least > 0 and len(sums.hidden) > 0
    return linprog(
        -np.asarray(towards, dtype=np.float64),
        A_eq=sums.shown.astype(np.float64),
        b_eq=sums.values,
        A_ub=-sums.hidden.astype(np.float64) if bound else None,
        b_ub=np.full(len(sums.hidden), -sums.least) if bound else None,
        method="highs",
    )


def witnesses(sums: KnownSums, h: int) -> Bool:
    """(S,) the sums shown, other than 0, from which an end of the hidden sum h follows."""
    for sign in (1.0, -1.0):
        solved = _furthest(sums, sign * sums.hidden[h])
        if solved.x is None:
            continue
        used = (np.abs(solved.eqlin.marginals) > _SLACK) & (sums.values > 0)
        if used.any():
            return np.asarray(used)
    return np.zeros(len(sums.values), dtype=np.bool_)
