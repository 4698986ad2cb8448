"""The no-harm choice: for each group the expert or the baseline, numbers in, choice out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairaudit.inputs.options import check_choice, check_tolerance
from fairaudit.inputs.read import read_numbers
from fairaudit.inputs.rows import refusal, same_rows
from fairaudit.methods.tables import Frame, choices_table, unmeasured_choice

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Objective = Literal["min_gap", "max_min", "max_mean"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
_TIE = 1e-12
_ALTERNATIVES = 16  # groups up to which all alternatives are listed


@dataclass(frozen=True)
class _Question:
    """The numbers of one choice over the G groups that can be compared."""

    expert: Float
    baseline: Float
    free: Bool  # (G,) the expert may be used
    share: Float  # (G,) weights of the mean, summing to 1
    objective: Objective

    @property
    def gap_limit(self) -> float:
        """The widest gap allowed: the baseline's for max_mean, none otherwise."""
        limited = self.objective == "max_mean"
        return float(np.ptp(self.baseline)) + _TIE if limited else np.inf

    def performance(self, use: Bool) -> Float:
        """Performance (..., G) of choices (..., G)."""
        return np.where(use, self.expert, self.baseline)

    def keys(self, use: Bool) -> Float:
        """What is minimised, most important first (..., 4): aim, −worst, −mean, experts used.

        A choice beyond the gap limit has an infinite aim.
        """
        performance = self.performance(use)
        gap, worst = np.ptp(performance, axis=-1), performance.min(-1)
        mean = performance @ self.share
        aim = {"min_gap": gap, "max_min": -worst, "max_mean": -mean}[self.objective]
        aim = np.where(gap <= self.gap_limit, aim, np.inf)
        return np.stack([aim, -worst, -mean, use.sum(-1).astype(np.float64)], axis=-1)


@dataclass(frozen=True)
class NoHarmChoice:
    """Expert or baseline for each group, and why.

    Attributes
    ----------
    use_expert : (G,) bool
    performance : (G,) performance of the chosen models
    gap, worst, mean : float
        Widest difference, smallest and (size-weighted) mean performance over groups.
    baseline_gap : float
        The gap when every group keeps the baseline.
    admissible : (G,) bool
        Groups whose expert passes the no-harm condition.
    binding : list of int
        Groups whose no-harm condition costs something: without it the aim would be met better.
    relaxed : dict of int to float
        For each binding group the gap (min_gap), worst (max_min) or mean (max_mean) reached
        without its condition.
    """

    use_expert: Bool
    performance: Float
    gap: float
    worst: float
    mean: float
    baseline_gap: float
    admissible: Bool
    binding: list[int]
    relaxed: dict[int, float]
    objective: Objective
    _expert: Float
    _baseline: Float
    _share: Float

    @cached_property
    def alternatives(self) -> Frame:
        """All feasible choices up to 16 groups, best first; beyond that, chosen and none."""
        return self.table_of_choices()

    def table_of_choices(
        self, names: Sequence[str] | None = None, *, infeasible: bool = False
    ) -> Frame:
        """Choices as a table: id, experts, gap, worst, mean, feasible, chosen.

        Parameters
        ----------
        names : sequence of str or None
            Group names for the `experts` column; None writes group numbers.
        infeasible : bool
            Also list choices that break the no-harm condition or the gap limit.
        """
        known = np.isfinite(self._baseline)
        if not known.any():  # nobody's performance is defined: the baseline for all, unmeasured
            return unmeasured_choice()
        use = self._choices(infeasible)
        part = _Question(
            self._expert[known],
            self._baseline[known],
            self.admissible[known],
            self._share[known],
            self.objective,
        )
        keys = part.keys(use[:, known])
        feasible = np.isfinite(keys[:, 0]) & ~(use & ~self.admissible).any(1)
        ranks = [_ranked(key) for key in keys.T]
        order = np.lexsort((*ranks[::-1], ~feasible))
        keep = order if infeasible else order[feasible[order]]
        use, keys, feasible = use[keep], keys[keep], feasible[keep]
        performance = part.performance(use[:, known])
        labels = np.array([str(i) for i in range(use.shape[1])] if names is None else list(names))
        return choices_table(
            {
                "id": np.arange(len(use)),
                "experts": [" + ".join(labels[row]) for row in use],
                "gap": np.ptp(performance, axis=1) if performance.size else np.zeros(len(use)),
                "worst": -keys[:, 1],
                "mean": -keys[:, 2],
                "feasible": feasible,
                "chosen": (use == self.use_expert).all(1),
            }
        )

    def _choices(self, infeasible: bool) -> Bool:
        judged = np.isfinite(self._expert) & np.isfinite(self._baseline)
        free = np.flatnonzero(judged if infeasible else self.admissible)
        if len(self.use_expert) <= _ALTERNATIVES or len(free) <= _ALTERNATIVES // 2:
            return _all_choices(free, len(self.use_expert))
        return np.unique([self.use_expert, np.zeros_like(self.use_expert)], axis=0)


def _all_choices(free: NDArray[np.int64], n_groups: int) -> Bool:
    """Every choice (2^k, G) that uses experts only among the free groups."""
    bits = (np.arange(2 ** len(free))[:, None] >> np.arange(len(free))) & 1
    use = np.zeros((len(bits), n_groups), dtype=bool)
    use[:, free] = bits.astype(bool)
    return use


def choose_no_harm(
    expert: ArrayLike,
    baseline: ArrayLike,
    objective: Objective = "min_gap",
    lower_bound: ArrayLike | None = None,
    tolerance: float = 0.0,
    sizes: ArrayLike | None = None,
    *,
    binding: bool = True,
) -> NoHarmChoice:
    """Choose expert or baseline for each group so that no group is harmed.

    Parameters
    ----------
    expert, baseline : (G,)
        Validation performance, higher is better. A group with NaN keeps the baseline.
    objective : {"min_gap", "max_min", "max_mean"}
        Smallest gap; best worst group (each group takes its better model); best mean with a gap
        no wider than the baseline's. Ties go to the better worst group, then the better mean,
        then fewer experts.
    lower_bound : (G,) or None
        Lower bounds of expert − baseline. With them an expert is admissible when its bound lies
        above −tolerance; without them when expert ≥ baseline − tolerance.
    tolerance : float
        Harm that is tolerated, in units of the performance.
    sizes : (G,) or None
        Weights of the mean.
    binding : bool
        Also find the groups whose condition costs something, which takes a further choice for
        each group without an admissible expert.

    Returns
    -------
    NoHarmChoice

    Raises
    ------
    InputError
        When the arrays have different lengths or hold no numbers, or sizes are negative, not
        finite or all 0.
    SpecError
        When the objective is not known or the tolerance is negative.

    Notes
    -----
    Exact, in G² steps: among the 2 G values that groups can have, each is tried as the smallest.
    Source: Tan et al., arXiv 2511.06293, section on selection; the bound, the tie order, the
    binding groups and the algorithm (the paper solves an integer program) are ours.

    Examples
    --------
    >>> from fairaudit import choose_no_harm
    >>> choice = choose_no_harm([0.80, 0.78, 0.90], [0.70, 0.80, 0.85])
    >>> choice.use_expert.tolist(), round(choice.gap, 2)
    ([True, False, False], 0.05)
    """
    given = {"expert": expert, "baseline": baseline, "sizes": sizes, "lower_bound": lower_bound}
    needed = ("expert", "baseline")
    found = _by_group({k: v for k, v in given.items() if v is not None or k in needed})
    e, b, bound = found["expert"], found["baseline"], found.get("lower_bound")
    share = found.get("sizes", np.ones(len(b)))
    _check_rules(b, share, objective, tolerance)
    judged = np.isfinite(e) & np.isfinite(b)
    admissible = judged & _harmless(e, b, bound, tolerance)
    known = np.isfinite(b)
    share = np.where(known, share, 0.0)
    share = share / (share.sum() or 1.0)
    part = _Question(e[known], b[known], admissible[known], share[known], objective)
    use = np.zeros(len(e), dtype=bool)
    if known.any():
        use[known] = _best(part)
    performance = np.where(use, e, b)
    relaxed = _relaxed(part, np.flatnonzero(known), judged[known], use[known]) if binding else {}
    return NoHarmChoice(
        use,
        performance,
        _over(np.ptp, performance[known]),
        _over(np.min, performance[known]),
        float(performance[known] @ share[known]) if known.any() else float("nan"),
        _over(np.ptp, b[known]),
        admissible,
        list(relaxed),
        relaxed,
        objective,
        e,
        b,
        share,
    )


def _over(statistic: Any, values: Float) -> float:
    return float(statistic(values)) if values.size else float("nan")


def _by_group(given: Mapping[str, Any]) -> dict[str, Float]:
    """One number a group of every argument, all in the order of the first.

    Raises
    ------
    InputError
        When arguments have other groups or another number of them, or hold no numbers.
    """
    same_rows(**given)
    first = next(iter(given))
    groups = list(given[first]) if isinstance(given[first], Mapping) else None
    n = None if groups is None else len(groups)
    found: dict[str, Float] = {}
    for name, value in given.items():
        values = _in_order(value, name, groups, first) if isinstance(value, Mapping) else value
        found[name] = read_numbers(values, name, n, first, gaps=True)
        n = len(found[name])
    return found


def _in_order(
    value: Mapping[Any, Any], name: str, groups: Sequence[Any] | None, first: str
) -> list[Any]:
    """The numbers of a mapping of groups, in the order of the first argument's groups."""
    if groups is None or set(value) == set(groups):
        return [value[group] for group in groups or value]
    raise refusal(
        name,
        f"the groups of {first} ({', '.join(map(str, groups))})",
        ", ".join(map(str, value)),
        "name each group once",
    )


def _check_rules(b: Float, share: Float, objective: str, tolerance: float) -> None:
    known = np.isfinite(b)
    if not ((share >= 0) & np.isfinite(share)).all() or (known.any() and not share[known].any()):
        raise refusal(
            "sizes",
            "finite numbers of 0 or more, not all 0",
            ", ".join(f"{size:g}" for size in share[:10]),
            "pass the number of rows of each group",
        )
    check_choice(objective, "objective", OBJECTIVES)
    check_tolerance(tolerance)


def _harmless(e: Float, b: Float, bound: Float | None, tolerance: float) -> Bool:
    if bound is None:
        return np.asarray(e >= b - tolerance - _TIE)
    return np.asarray(bound > -tolerance)


def _best(ask: _Question) -> Bool:
    """The best choice (G,) by the four keys.

    Every value that a group can have is tried as the smallest one of a choice. Given it, the
    aim says how high the others may go, and each group then takes its best value in between. The
    best choice of all has one of these values as its smallest, so it is among them.
    """
    b, e = ask.baseline, np.where(ask.free, ask.expert, -np.inf)
    low = np.unique(np.r_[b, e[ask.free]])[:, None]  # (L, 1)
    use_b, use_e = b >= low, e >= low  # (L, G)
    nearest = np.minimum(np.where(use_b, b, np.inf), np.where(use_e, e, np.inf)).max(1)
    high = {
        "min_gap": nearest[:, None] + _TIE,
        "max_min": np.full_like(low, np.inf),
        "max_mean": low + ask.gap_limit,
    }[ask.objective]
    use_b, use_e = use_b & (b <= high), use_e & (e <= high)
    worth = (e > b + _TIE) & (ask.share > 0)  # else the baseline wins the tie
    use = (use_e & (~use_b | worth))[(use_b | use_e).all(1)]
    return np.asarray(use[_first(ask.keys(use))])


def _first(keys: Float) -> int:
    """Row that is smallest in the first key, then the second, …; 1e-12 apart counts as equal."""
    rows = np.arange(len(keys))
    for key in keys.T:
        rows = rows[key[rows] <= key[rows].min() + _TIE]
    return int(rows[0])


def _ranked(key: Float) -> NDArray[np.int64]:
    """Ranks by size; values within 1e-12 of their neighbour share one, as in `_first`."""
    order = np.argsort(key, kind="stable")
    with np.errstate(invalid="ignore"):  # infinite keys of forbidden choices
        higher = np.diff(key[order]) > _TIE
    rank = np.empty(len(key), dtype=np.int64)
    rank[order] = np.r_[0, np.cumsum(higher)]
    return rank


def _relaxed(
    ask: _Question, groups: NDArray[np.int64], judged: Bool, use: Bool
) -> dict[int, float]:
    """Groups whose no-harm condition costs something, with the aim reached without it."""
    found: dict[int, float] = {}
    if not len(groups):
        return found
    now = ask.keys(use)[0]
    sign = 1.0 if ask.objective == "min_gap" else -1.0
    for i in np.flatnonzero(judged & ~ask.free):
        free = ask.free.copy()
        free[i] = True
        lifted = _Question(ask.expert, ask.baseline, free, ask.share, ask.objective)
        aim = lifted.keys(_best(lifted))[0]
        if aim < now - 1e-9:
            found[int(groups[i])] = sign * float(aim)
    return found
