"""The no-harm choice: for each group the expert or the baseline, numbers in, choice out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairaudit.inputs.options import check_choice, check_tolerance
from fairaudit.inputs.read import read_numbers
from fairaudit.inputs.rows import refusal, same_rows
from fairaudit.methods.best_choice import OBJECTIVES, TIE, Objective, Question, best_choice
from fairaudit.methods.tables import Frame, choices_table, unmeasured_choice

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
_ALTERNATIVES = 16  # groups up to which all alternatives are listed


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
        if not known.any():  # no group's performance is defined: the baseline for all, unmeasured
            return unmeasured_choice()
        use = self._choices(infeasible)
        part = _question(
            self._expert[known],
            self._baseline[known],
            self.admissible[known],
            self._share[known],
            self.objective,
        )
        keys = part.keys(use[:, known].astype(np.int64))
        feasible = np.isfinite(keys[:, 0]) & ~(use & ~self.admissible).any(1)
        ranks = [_ranked(key) for key in keys.T]
        order = np.lexsort((*ranks[::-1], ~feasible))
        keep = order if infeasible else order[feasible[order]]
        use, keys, feasible = use[keep], keys[keep], feasible[keep]
        performance = part.performance(use[:, known].astype(np.int64))
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
    objective: Objective = "max_min",
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
    objective : {"max_min", "min_gap", "max_mean"}
        Best worst group (each group takes its better model); smallest gap; best mean with a gap
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
    ([True, False, True], 0.1)
    """
    by_name = {"expert": expert, "baseline": baseline, "sizes": sizes, "lower_bound": lower_bound}
    needed = ("expert", "baseline")
    arrays = _by_group({k: v for k, v in by_name.items() if v is not None or k in needed})
    e, b, bound = arrays["expert"], arrays["baseline"], arrays.get("lower_bound")
    share = arrays.get("sizes", np.ones(len(b)))
    _check_rules(b, share, objective, tolerance)
    judged = np.isfinite(e) & np.isfinite(b)
    admissible = judged & _harmless(e, b, bound, tolerance)
    known = np.isfinite(b)
    share = np.where(known, share, 0.0)
    share = share / (share.sum() or 1.0)
    part = _question(e[known], b[known], admissible[known], share[known], objective)
    use = np.zeros(len(e), dtype=bool)
    if known.any():
        use[known] = best_choice(part) == 1
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
    """Arrays (G,) of every argument by name, all in the group order of the first.

    Raises
    ------
    InputError
        When arguments have other groups or another number of them, or hold no numbers.
    """
    same_rows(**given)
    first = next(iter(given))
    groups = list(given[first]) if isinstance(given[first], Mapping) else None
    n = None if groups is None else len(groups)
    arrays: dict[str, Float] = {}
    for name, value in given.items():
        values = _in_order(value, name, groups, first) if isinstance(value, Mapping) else value
        arrays[name] = read_numbers(values, name, n, first, gaps=True)
        n = len(arrays[name])
    return arrays


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
        return np.asarray(e >= b - tolerance - TIE)
    return np.asarray(bound > -tolerance)


def _ranked(key: Float) -> NDArray[np.int64]:
    """Ranks by size; values within 1e-12 of their neighbour share one, as in `_first`."""
    order = np.argsort(key, kind="stable")
    with np.errstate(invalid="ignore"):  # infinite keys of forbidden choices
        higher = np.diff(key[order]) > TIE
    rank = np.empty(len(key), dtype=np.int64)
    rank[order] = np.r_[0, np.cumsum(higher)]
    return rank


def _question(
    expert: Float, baseline: Float, free: Bool, share: Float, objective: Objective
) -> Question:
    """The choice between two models, of which the second is allowed where `free` (G,)."""
    allowed = np.column_stack([np.ones_like(free), free])
    return Question(np.column_stack([baseline, expert]), allowed, share, objective)


def _relaxed(
    ask: Question, groups: NDArray[np.int64], judged: Bool, use: Bool
) -> dict[int, float]:
    """Groups whose no-harm condition costs something, with the aim reached without it."""
    reached: dict[int, float] = {}
    if not len(groups):
        return reached
    now = ask.keys(use.astype(np.int64))[0]
    sign = 1.0 if ask.objective == "min_gap" else -1.0
    for i in np.flatnonzero(judged & ~ask.allowed[:, 1]):
        lifted = ask.with_allowed(int(i), 1)
        aim = lifted.keys(best_choice(lifted))[0]
        if aim < now - 1e-9:
            reached[int(groups[i])] = sign * float(aim)
    return reached
