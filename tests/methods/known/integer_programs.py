"""The no-harm choice as integer programs solved one inside the other (`scipy.optimize.milp`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

if TYPE_CHECKING:
    from fairaudit.methods.best_choice import Question

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
_SCALE = 1e4  # brings the solver's absolute tolerance of 1e-6 down to 1e-10 of the range


def best_by_integer_programs(ask: Question) -> Bool:
    """The best choice (G,): aim, then worst group, then mean, then fewest experts.

    Each program keeps what the ones before reached. An answer is taken only when it is exactly
    as good in all earlier keys, so the solver's tolerance can never break a constraint.
    """
    use = np.zeros(len(ask.values), dtype=bool)
    program = _Program(ask)
    program.limit_gap(ask.gap_limit)
    for key in range(4):
        found = program.solve(program.cost(key))
        if found is not None and _better(_keys(ask, found), _keys(ask, use), key):
            use = found
        program.keep(key, _keys(ask, use))
    return use


def _keys(ask: Question, use: Bool) -> Float:
    return ask.keys(use.astype(np.int64))


def _better(new: Float, old: Float, key: int) -> bool:
    """Smaller in this key and nowhere worse in the keys before it, beyond rounding."""
    kept = bool((new[:key] <= old[:key] + 1e-12).all())
    return kept and bool(new[key] < old[key] - 1e-12)


class _Program:
    """Variables: use (k free groups, binary), highest and lowest performance, all scaled."""

    def __init__(self, ask: Question) -> None:
        self.ask, self.free = ask, np.flatnonzero(ask.allowed[:, 1])
        baseline, expert = ask.values.T
        both = np.r_[baseline, expert[self.free]]
        self.centre = float(both.min())
        self.scale = _SCALE / (float(np.ptp(both)) or 1.0)
        self.base = (baseline - self.centre) * self.scale
        gain = ((expert - baseline) * self.scale)[self.free]
        k = len(self.free)
        effect = np.zeros((len(ask.values), k + 2))  # performance = base + effect @ variables
        effect[self.free, np.arange(k)] = gain
        high, low = np.zeros(k + 2), np.zeros(k + 2)
        high[k], low[k + 1] = 1.0, 1.0
        self.effect, self.high, self.low, self.k = effect, high, low, k
        self.rows = [
            LinearConstraint(effect - high, -np.inf, -self.base),
            LinearConstraint(effect - low, -self.base, np.inf),
        ]

    def limit_gap(self, gap: float) -> None:
        """The highest minus the lowest performance stays within the gap."""
        if np.isfinite(gap):
            self.rows.append(LinearConstraint(self.high - self.low, -np.inf, gap * self.scale))

    def cost(self, key: int) -> Float:
        """Coefficients of the key that is minimised."""
        mean = self.ask.share @ self.effect
        aims = {"min_gap": self.high - self.low, "max_min": -self.low, "max_mean": -mean}
        count = np.r_[np.ones(self.k), 0.0, 0.0]
        return np.asarray((aims[self.ask.objective], -self.low, -mean, count)[key])

    def keep(self, key: int, keys: Float) -> None:
        """No later program may be worse in this key than the best choice so far."""
        value, kind = keys[key], (self.ask.objective, "max_min", "max_mean", "count")[key]
        if kind == "min_gap":
            bound = value * self.scale
        elif kind == "max_min":
            bound = (value + self.centre) * self.scale
        elif kind == "max_mean":
            bound = (value + self.centre) * self.scale + float(self.ask.share @ self.base)
        else:
            bound = value
        self.rows.append(LinearConstraint(self.cost(key), -np.inf, bound + 1e-7))

    def solve(self, cost: Float) -> Bool | None:
        """The choice (G,) that minimises the cost, or None when the solver found none."""
        answer = milp(
            cost,
            integrality=np.r_[np.ones(self.k), 0, 0],
            bounds=Bounds(
                np.r_[np.zeros(self.k), -np.inf, -np.inf], np.r_[np.ones(self.k), np.inf, np.inf]
            ),
            constraints=self.rows,
            options={"mip_rel_gap": 0.0},
        )
        if answer.x is None:
            return None
        use = np.zeros(len(self.ask.values), dtype=bool)
        use[self.free] = answer.x[: self.k] > 0.5
        return use
