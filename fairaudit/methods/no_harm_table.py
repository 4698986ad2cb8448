"""From paired evidence to the selection table: bounds, choice, verdict and reason by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fairaudit.inputs.options import check_choice, check_confidence, check_tolerance
from fairaudit.methods.best_choice import OBJECTIVES, Objective
from fairaudit.methods.no_harm import NoHarmChoice, choose_no_harm
from fairaudit.methods.no_harm_reasons import Reason, detectable, reason_columns, reasons
from fairaudit.methods.tables import Frame, selection_table, with_merged
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.stats.paired_bounds import holm
from fairaudit.stats.paired_differences import MIN_ROWS, Evidence

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
IMPROVES, NO_EVIDENCE, HARMED = "improves", "no evidence", "harmed"
_POWER = 0.8
_LEAST = 1e-9  # an improvement smaller than this is rounding


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


def bounds(evidence: Evidence, rules: ChoiceRules) -> Bounds:
    """Bounds at Holm's levels (G,); NaN where a group cannot be judged."""
    return joint_bounds([evidence], rules)[0]


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
    judged = np.array([one.judged for one in evidence])
    judged = judged if counted is None else judged & counted
    p = np.array([one.test.p_value(rules.tolerance) for one in evidence])
    p = np.where(judged, p, np.nan)
    level = holm(p.ravel(), rules.alpha)[1].reshape(p.shape)
    return [
        _bounds_of(one, some, own, at, rules)
        for one, some, own, at in zip(evidence, judged, p, level, strict=True)
    ]


def _bounds_of(
    evidence: Evidence, judged: Bool, p: Float, level: Float, rules: ChoiceRules
) -> Bounds:
    lower = np.where(judged, evidence.test.lower(level), np.nan)
    upper = np.where(judged, evidence.test.upper(level), np.nan)
    if rules.confidence is None:
        passes = evidence.difference >= -rules.tolerance
    else:
        passes = judged & (lower > -rules.tolerance)
    return Bounds(p, level, lower, upper, passes)


def choose(
    evidence: Evidence, limits: Bounds, rules: ChoiceRules, *, binding: bool = True
) -> NoHarmChoice:
    """The no-harm choice; groups that cannot be judged keep the baseline and do not count."""
    strict = rules.confidence is not None
    counts = evidence.judged if strict else np.isfinite(evidence.difference)
    return choose_no_harm(
        np.where(counts, evidence.expert, np.nan),
        np.where(counts, evidence.baseline, np.nan),
        rules.objective,
        limits.lower if strict else None,
        rules.tolerance,
        evidence.mass,
        binding=binding,
    )


def decide(
    evidence: Evidence,
    names: Sequence[str],
    rules: ChoiceRules,
    merged: Mapping[str, Sequence[str]] | None = None,
) -> tuple[NoHarmChoice, Frame]:
    """The choice on validation rows and its table (columns `SELECTION`).

    Parameters
    ----------
    merged : mapping or None
        By group, the sparse intersections that were merged into it.
    """
    limits = bounds(evidence, rules)
    choice = choose(evidence, limits, rules)
    verdicts = [_verdict(evidence, limits, rules, g) for g in range(len(names))]
    why = reasons(evidence, limits.admissible, choice, strict=rules.confidence is not None)
    table = _table("validation", evidence, names, limits, choice, verdicts, why, rules)
    return choice, with_merged(table, merged or {})


def check_on(
    split: str, evidence: Evidence, names: Sequence[str], rules: ChoiceRules, choice: NoHarmChoice
) -> Frame:
    """The same table on rows that took no part in the choice (columns `SELECTION`)."""
    limits = bounds(evidence, rules)
    verdicts = [_later_verdict(evidence, limits, rules, choice, g) for g in range(len(names))]
    why: list[Reason] = ["checked"] * len(names)
    return _table(split, evidence, names, limits, choice, verdicts, why, rules)


def _verdict(evidence: Evidence, limits: Bounds, rules: ChoiceRules, g: int) -> str:
    if rules.confidence is None:
        if not np.isfinite(evidence.difference[g]):
            return UNJUDGED
        return IMPROVES if evidence.difference[g] > 0 else NO_EVIDENCE
    if not evidence.judged[g]:
        return UNJUDGED
    return IMPROVES if limits.lower[g] > 0 else NO_EVIDENCE


def _later_verdict(
    evidence: Evidence, limits: Bounds, rules: ChoiceRules, choice: NoHarmChoice, g: int
) -> str:
    if not evidence.judged[g]:
        return UNJUDGED
    if choice.use_expert[g] and limits.upper[g] < -rules.tolerance:
        return HARMED
    return IMPROVES if limits.lower[g] > 0 else NO_EVIDENCE


def _table(
    split: str,
    evidence: Evidence,
    names: Sequence[str],
    limits: Bounds,
    choice: NoHarmChoice,
    verdicts: Sequence[str],
    why: list[Reason],
    rules: ChoiceRules,
) -> Frame:
    size = len(names)
    counted = evidence.metric != "neg_mse"
    cells = [evidence.table[:, j].tolist() if counted else [None] * size for j in range(4)]
    return selection_table(
        {
            "split": [split] * size,
            "group": list(names),
            "metric": [evidence.metric] * size,
            "n": evidence.n,
            "baseline": _known(evidence.baseline),
            "expert": _known(evidence.expert),
            "difference": _known(evidence.difference),
            "lower": _known(limits.lower),
            "upper": _known(limits.upper),
            "admissible": limits.admissible,
            "chosen": ["expert" if used else "baseline" for used in choice.use_expert],
            "verdict": list(verdicts),
            **reason_columns(evidence, why, choice, rules.objective),
            "merged": [None] * size,
            "binding": [g in choice.relaxed for g in range(size)],
            "p": _known(limits.p),
            "level": _known(np.where(evidence.judged, limits.level, np.nan)),
            **dict(
                zip(("both_right", "expert_only", "baseline_only", "neither"), cells, strict=True)
            ),
            "rows_needed": rows_needed(evidence, limits, rules),
        },
    )


def _known(values: Float) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def rows_needed(evidence: Evidence, limits: Bounds, rules: ChoiceRules) -> list[int | None]:
    """Rows at which the expert would pass with 80% power, by group.

    For a judged group at its observed difference (None where that lies at or below −tolerance);
    for one that cannot be judged at an improvement of 5 points (or a tenth of the error), with
    the spread seen in the other groups.
    """
    judged = evidence.judged
    weights = evidence.n[judged]
    seen = np.nan_to_num(evidence.spread[judged])
    typical = float(np.sqrt(np.average(seen**2, weights=weights))) if judged.any() else 0.45
    planned = detectable(evidence)
    smallest = rules.alpha / max(len(judged), 1)
    needed: list[int | None] = []
    for g in range(len(judged)):
        shift = float(evidence.difference[g]) + rules.tolerance if judged[g] else planned
        spread = float(evidence.spread[g]) if judged[g] else typical
        level = float(limits.level[g]) if judged[g] else smallest
        if not shift > _LEAST:
            needed.append(None)
            continue
        quantiles = -ndtri(level) + ndtri(_POWER)
        needed.append(max(MIN_ROWS, int(np.ceil((quantiles * spread / shift) ** 2))))
    return needed


def counted(evidence: Evidence) -> Bool:
    """Which groups count in gap, worst group and mean (G,).

    Those that can be judged; where none can, those whose performance is defined.
    """
    known = np.isfinite(evidence.difference)
    judged = evidence.judged & known
    return judged if judged.any() else known


def summary_of(use_expert: Bool, evidence: Evidence) -> dict[str, Any]:
    """Gap, worst group and mean before and after a choice (G,), on the rows of `evidence`.

    Groups whose performance is not defined, or that cannot be judged, do not count.
    """
    counts = counted(evidence)
    before, mass = evidence.baseline[counts], evidence.mass[counts]
    after = np.where(use_expert, evidence.expert, evidence.baseline)[counts]
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
