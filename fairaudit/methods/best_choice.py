"""One model for each group, chosen exactly: the best of all choices that are allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
Objective = Literal["min_gap", "max_min", "max_mean"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
TIE = 1e-12


@dataclass(frozen=True)
class Question:
    """The numbers of one choice over G groups and M models, of which the first is the baseline.

    Attributes
    ----------
    values : (G, M) performance, higher is better; finite wherever `allowed`
    allowed : (G, M) bool, the baseline (column 0) always
    share : (G,) weights of the mean, summing to 1
    objective : {"min_gap", "max_min", "max_mean"}
    """

    values: Float
    allowed: Bool
    share: Float
    objective: Objective

    @property
    def gap_limit(self) -> float:
        """The widest gap allowed: the baseline's for max_mean, none otherwise."""
        limited = self.objective == "max_mean"
        return float(np.ptp(self.values[:, 0])) + TIE if limited else np.inf

    def performance(self, pick: Int) -> Float:
        """Performance (..., G) of choices (..., G), each a model's number."""
        return self.values[np.arange(len(self.values)), pick]

    def keys(self, pick: Int) -> Float:
        """What is minimised, most important first (..., 4): aim, −worst, −mean, models changed.

        A choice beyond the gap limit has an infinite aim.
        """
        performance = self.performance(pick)
        gap, worst = np.ptp(performance, axis=-1), performance.min(-1)
        mean = performance @ self.share
        aim = {"min_gap": gap, "max_min": -worst, "max_mean": -mean}[self.objective]
        aim = np.where(gap <= self.gap_limit, aim, np.inf)
        changed = (pick > 0).sum(-1).astype(np.float64)
        return np.stack([aim, -worst, -mean, changed], axis=-1)

    def with_allowed(self, group: int, model: int) -> Question:
        """The same question where the group may have one model more."""
        allowed = self.allowed.copy()
        allowed[group, model] = True
        return replace(self, allowed=allowed)


def best_choice(ask: Question) -> Int:
    """The number of the model (G,) that each group gets, best by `Question.keys`.

    Every value that a group can have is tried as the smallest one of a choice. Given it, the
    aim says how high the others may go, and each group then takes its best value in between. The
    best choice of all has one of these values as its smallest, so it is among them: exact, in
    (G M)² steps.
    """
    values = np.where(ask.allowed, ask.values, -np.inf)
    low = np.unique(values[ask.allowed])[:, None, None]  # (L, 1, 1)
    enough = values >= low  # (L, G, M)
    if ask.objective == "min_gap":  # no group need be higher than the nearest value of another
        nearest = np.where(enough, values, np.inf).min(-1)
        high = nearest.max(-1)[:, None, None] + TIE
    elif ask.objective == "max_min":
        high = np.full_like(low, np.inf)
    else:
        high = low + ask.gap_limit
    enough &= values <= high
    reachable = enough.any(-1).all(-1)
    worth = np.where(enough, values, -np.inf)[reachable]
    worth[..., 1:] -= TIE  # the baseline wins a tie
    pick = _first_best(worth, enough[reachable], ask.share)
    return np.asarray(pick[_first(ask.keys(pick))])


def _first_best(worth: Float, enough: Bool, share: Float) -> Int:
    """For each group its best model; the baseline where that suffices and no group counts."""
    pick = worth.argmax(-1)
    keeps = enough[..., 0] & (share == 0)
    return np.where(keeps, 0, pick)


def _first(keys: Float) -> int:
    """Row that is smallest in the first key, then the second, …; 1e-12 apart counts as equal."""
    rows = np.arange(len(keys))
    for key in keys.T:
        rows = rows[key[rows] <= key[rows].min() + TIE]
    return int(rows[0])
