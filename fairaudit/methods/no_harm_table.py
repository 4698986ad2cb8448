"""From paired evidence to the selection table: bounds, choice, verdict and reason by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fairaudit.inputs.options import check_choice, check_confidence, check_tolerance
from fairaudit.methods.best_choice import OBJECTIVES, Objective
from fairaudit.methods.no_harm import NoHarmChoice, choose_no_harm
from fairaudit.methods.tables import Frame, selection_table
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.stats.paired_bounds import holm
from fairaudit.stats.paired_differences import MIN_ROWS, Evidence

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
IMPROVES, NO_EVIDENCE, HARMED = "improves", "no evidence", "harmed"
_POWER = 0.8
_LEAST = 1e-9  # an improvement smaller than this is rounding
_VISIBLE = 0.05  # the improvement that planning for unjudged groups asks about


@dataclass(frozen=True)
class ChoiceRules:
    """How the choice is made.

    Attributes
    ----------
    objective : {"min_gap", "max_min", "max_mean"}
    confidence : float or None
        Chance that no group at all is harmed; None compares point estimates (the paper's rule).
    shown_at : float
        Confidence of the bounds that are shown where none decides.
    tolerance : float
        Harm that is tolerated, in units of the metric.
    """

    objective: Objective
    confidence: float | None
    shown_at: float
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.confidence is not None:
            check_confidence(self.confidence)
        check_confidence(self.shown_at, "shown_at")
        check_tolerance(self.tolerance)
        check_choice(self.objective, "objective", OBJECTIVES)

    @property
    def alpha(self) -> float:
        """Family-wise level of the bounds that are shown."""
        return 1 - (self.shown_at if self.confidence is None else self.confidence)


@dataclass(frozen=True)
class Bounds:
    """One-sided bounds of every group and whether they clear the hurdle."""

    p: Float
    level: Float
    lower: Float
    upper: Float
    admissible: Bool


def bounds(found: Evidence, rules: ChoiceRules) -> Bounds:
    """Bounds at Holm's levels (G,); NaN where a group cannot be judged."""
    return joint_bounds([found], rules)[0]


def joint_bounds(
    evidence: Sequence[Evidence], rules: ChoiceRules, counted: Bool | None = None
) -> list[Bounds]:
    """Bounds of several experts against one baseline, all at Holm's levels at once.

    Parameters
    ----------
    evidence : one for each of K experts, on the same G groups
    counted : (K, G) bool or None
        Comparisons that take part; others have no bound. None takes every one that can be judged.
    """
    judged = np.array([found.judged for found in evidence])
    judged = judged if counted is None else judged & counted
    p = np.array([found.test.p_value(rules.tolerance) for found in evidence])
    p = np.where(judged, p, np.nan)
    level = holm(p.ravel(), rules.alpha)[1].reshape(p.shape)
    return [
        _bounds_of(found, some, own, at, rules)
        for found, some, own, at in zip(evidence, judged, p, level, strict=True)
    ]


def _bounds_of(
    found: Evidence, judged: Bool, p: Float, level: Float, rules: ChoiceRules
) -> Bounds:
    lower = np.where(judged, found.test.lower(level), np.nan)
    upper = np.where(judged, found.test.upper(level), np.nan)
    if rules.confidence is None:
        passes = found.difference >= -rules.tolerance
    else:
        passes = judged & (lower > -rules.tolerance)
    return Bounds(p, level, lower, upper, passes)


def choose(
    found: Evidence, limits: Bounds, rules: ChoiceRules, *, binding: bool = True
) -> NoHarmChoice:
    """The no-harm choice; groups that cannot be judged keep the baseline and do not count."""
    strict = rules.confidence is not None
    counts = found.judged if strict else np.isfinite(found.difference)
    return choose_no_harm(
        np.where(counts, found.expert, np.nan),
        np.where(counts, found.baseline, np.nan),
        rules.objective,
        limits.lower if strict else None,
        rules.tolerance,
        found.mass,
        binding=binding,
    )


def decide(
    found: Evidence, names: Sequence[str], rules: ChoiceRules, notes: Sequence[str] = ()
) -> tuple[NoHarmChoice, Frame]:
    """The choice on validation rows and its table (columns `SELECTION`).

    Parameters
    ----------
    notes : sequence of str
        One sentence a group that is put behind its reason ("" for none).
    """
    limits = bounds(found, rules)
    choice = choose(found, limits, rules)
    verdicts = [_verdict(found, limits, rules, g) for g in range(len(names))]
    told = _Teller(found, limits, choice, rules)
    extra = notes or [""] * len(names)
    reasons = [f"{told.reason(g)} {extra[g]}".strip() for g in range(len(names))]
    return choice, _table("validation", found, names, limits, choice, verdicts, reasons, rules)


def check_on(
    split: str, found: Evidence, names: Sequence[str], rules: ChoiceRules, choice: NoHarmChoice
) -> Frame:
    """The same table on rows that took no part in the choice (columns `SELECTION`)."""
    limits = bounds(found, rules)
    verdicts = [_later_verdict(found, limits, rules, choice, g) for g in range(len(names))]
    told = _Teller(found, limits, choice, rules)
    reasons = [told.later(g, verdicts[g]) for g in range(len(names))]
    return _table(split, found, names, limits, choice, verdicts, reasons, rules)


def _verdict(found: Evidence, limits: Bounds, rules: ChoiceRules, g: int) -> str:
    if rules.confidence is None:
        if not np.isfinite(found.difference[g]):
            return UNJUDGED
        return IMPROVES if found.difference[g] > 0 else NO_EVIDENCE
    if not found.judged[g]:
        return UNJUDGED
    return IMPROVES if limits.lower[g] > 0 else NO_EVIDENCE


def _later_verdict(
    found: Evidence, limits: Bounds, rules: ChoiceRules, choice: NoHarmChoice, g: int
) -> str:
    if not found.judged[g]:
        return UNJUDGED
    if choice.use_expert[g] and limits.upper[g] < -rules.tolerance:
        return HARMED
    return IMPROVES if limits.lower[g] > 0 else NO_EVIDENCE


def _table(
    split: str,
    found: Evidence,
    names: Sequence[str],
    limits: Bounds,
    choice: NoHarmChoice,
    verdicts: Sequence[str],
    reasons: Sequence[str],
    rules: ChoiceRules,
) -> Frame:
    size = len(names)
    counted = found.metric != "neg_mse"
    cells = [found.table[:, j].tolist() if counted else [None] * size for j in range(4)]
    return selection_table(
        {
            "split": [split] * size,
            "group": list(names),
            "metric": [found.metric] * size,
            "n": found.n,
            "baseline": _known(found.baseline),
            "expert": _known(found.expert),
            "difference": _known(found.difference),
            "lower": _known(limits.lower),
            "upper": _known(limits.upper),
            "admissible": limits.admissible,
            "chosen": ["expert" if used else "baseline" for used in choice.use_expert],
            "verdict": list(verdicts),
            "reason": list(reasons),
            "binding": [g in choice.relaxed for g in range(size)],
            "p": _known(limits.p),
            "level": _known(np.where(found.judged, limits.level, np.nan)),
            **dict(
                zip(("both_right", "expert_only", "baseline_only", "neither"), cells, strict=True)
            ),
            "rows_needed": rows_needed(found, limits, rules),
        },
    )


def _known(values: Float) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def rows_needed(found: Evidence, limits: Bounds, rules: ChoiceRules) -> list[int | None]:
    """Rows at which the expert would pass with 80% power, by group.

    For a judged group at its observed difference (None where that lies at or below −tolerance);
    for one that cannot be judged at an improvement of 5 points (or a tenth of the error), with
    the spread seen in the other groups.
    """
    judged = found.judged
    weights = found.n[judged]
    seen = np.nan_to_num(found.spread[judged])
    typical = float(np.sqrt(np.average(seen**2, weights=weights))) if judged.any() else 0.45
    error = float(np.nanmean(np.abs(found.baseline))) if np.isfinite(found.baseline).any() else 1.0
    visible = _VISIBLE if found.metric != "neg_mse" else 0.1 * error
    smallest = rules.alpha / max(len(judged), 1)
    needed: list[int | None] = []
    for g in range(len(judged)):
        shift = float(found.difference[g]) + rules.tolerance if judged[g] else visible
        spread = float(found.spread[g]) if judged[g] else typical
        level = float(limits.level[g]) if judged[g] else smallest
        if not shift > _LEAST:
            needed.append(None)
            continue
        quantiles = -ndtri(level) + ndtri(_POWER)
        needed.append(max(MIN_ROWS, int(np.ceil((quantiles * spread / shift) ** 2))))
    return needed


class _Teller:
    """Puts the numbers of a decision into sentences."""

    def __init__(
        self, found: Evidence, limits: Bounds, choice: NoHarmChoice, rules: ChoiceRules
    ) -> None:
        self.found, self.limits, self.choice, self.rules = found, limits, choice, rules
        self.needed = rows_needed(found, limits, rules)

    def amount(self, value: float, *, signed: bool = False) -> str:
        """A performance in points; AUROC as a number, −MSE in the target's squared unit."""
        sign = "+" if signed else ""
        if self.found.metric == "neg_mse":
            return f"{value:{sign}.4g}"
        if self.found.metric == "auroc":
            return f"{value:{sign}.3f}"
        return f"{100 * value:{sign}.1f} points"

    def reason(self, g: int) -> str:
        """Why this group got what it got, on the rows of the choice."""
        if not np.isfinite(self.found.difference[g]) or (
            self.rules.confidence is not None and not self.found.judged[g]
        ):
            return self._unjudged(g)
        if self.choice.use_expert[g]:
            return f"The expert is used: {self._evidence(g)}."
        if not self.limits.admissible[g]:
            return self._not_shown(g) + self._costs(g)
        return self._passed_over(g)

    def later(self, g: int, verdict: str) -> str:
        """What the other rows say about the choice made before."""
        used = "expert" if self.choice.use_expert[g] else "baseline"
        if verdict == UNJUDGED:
            return f"The {used} is used. {self._unjudged(g)}"
        if verdict == HARMED:
            return f"The expert is used and does worse here: {self._evidence(g, upper=True)}."
        return f"The {used} is used; expert against baseline: {self._evidence(g)}."

    def _unjudged(self, g: int) -> str:
        why = self.found.obstacle[g] or "the performance is not defined"
        return (
            f"Cannot be judged: {why}; about {self.needed[g]} rows would show an improvement of "
            f"{self.amount(self._visible())}. The baseline is kept."
        )

    def _visible(self) -> float:
        if self.found.metric != "neg_mse":
            return _VISIBLE
        return 0.1 * float(np.nanmean(np.abs(self.found.baseline)))

    def _evidence(self, g: int, *, upper: bool = False) -> str:
        found = self.found
        words = [f"{self.amount(found.difference[g], signed=True)} on {found.n[g]} rows"]
        if found.metric == "accuracy":
            _, gains, losses, _ = found.table[g]
            words.append(f"right alone on {gains}, wrong alone on {losses}")
        if found.judged[g]:
            level = 100 * (1 - self.limits.level[g])
            side, bound = (
                ("at most", self.limits.upper) if upper else ("at least", self.limits.lower)
            )
            words.append(
                f"{side} {self.amount(bound[g], signed=True)} with {level:.1f}% confidence"
            )
        return ", ".join(words)

    def _not_shown(self, g: int) -> str:
        needed = self.needed[g]
        more = f"; about {needed} rows would be needed" if needed else ""
        if self.rules.confidence is None:
            return f"The expert is worse: {self._evidence(g)}. The baseline is kept."
        return f"No-harm could not be shown: {self._evidence(g)}{more}. The baseline is kept."

    def _costs(self, g: int) -> str:
        if g not in self.choice.relaxed:
            return ""
        aim = {"min_gap": "gap", "max_min": "worst group", "max_mean": "mean"}
        now = {
            "min_gap": self.choice.gap,
            "max_min": self.choice.worst,
            "max_mean": self.choice.mean,
        }[self.rules.objective]
        return (
            f" This condition binds: without it the {aim[self.rules.objective]} would be "
            f"{self.amount(self.choice.relaxed[g])} instead of {self.amount(now)}."
        )

    def _passed_over(self, g: int) -> str:
        other = self.choice.use_expert.copy()
        other[g] = True
        values = np.where(other, self.found.expert, self.found.baseline)
        gap = float(np.nanmax(values) - np.nanmin(values))
        if gap > self.choice.gap + 1e-12:
            return (
                f"The expert would do no harm ({self._evidence(g)}), but using it would make the "
                f"gap {self.amount(gap)} instead of {self.amount(self.choice.gap)}. "
                "The baseline is kept."
            )
        return f"The expert gains nothing for the aim: {self._evidence(g)}. The baseline is kept."


def counted(found: Evidence) -> Bool:
    """Which groups count in gap, worst group and mean (G,).

    Those that can be judged; where none can, those whose performance is defined.
    """
    known = np.isfinite(found.difference)
    judged = found.judged & known
    return judged if judged.any() else known


def summary_of(use_expert: Bool, found: Evidence) -> dict[str, Any]:
    """Gap, worst group and mean before and after a choice (G,), on the rows of `found`.

    Groups whose performance is not defined, or that cannot be judged, do not count.
    """
    counts = counted(found)
    before, mass = found.baseline[counts], found.mass[counts]
    after = np.where(use_expert, found.expert, found.baseline)[counts]
    if not counts.any():
        return dict.fromkeys(
            f"{name}_{when}" for name in ("gap", "worst", "mean") for when in ("before", "after")
        )
    return {
        "gap_before": float(np.ptp(before)),
        "gap_after": float(np.ptp(after)),
        "worst_before": float(before.min()),
        "worst_after": float(after.min()),
        "mean_before": float(np.average(before, weights=mass)),
        "mean_after": float(np.average(after, weights=mass)),
    }
