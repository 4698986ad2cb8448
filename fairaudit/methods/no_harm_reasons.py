"""Why a group gets the expert or keeps the baseline: a code and the numbers behind it.

`fairaudit.text.sentences.choice_reasons` turns both into a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.no_harm import NoHarmChoice
from fairaudit.stats.paired_differences import Evidence

Reason = Literal["unjudged", "used", "worse", "not shown", "wider gap", "no gain", "checked"]
_DETECTABLE = 0.05  # the improvement for which sample sizes of unjudged groups are planned
_ROUNDING = 1e-12


def reasons(
    evidence: Evidence, admissible: NDArray[np.bool_], choice: NoHarmChoice, *, strict: bool
) -> list[Reason]:
    """Why each group got its model, on the rows of the choice (G,).

    Parameters
    ----------
    admissible : (G,) bool
    strict : bool
        Whether a bound decides; otherwise point estimates do.
    """
    judged = np.isfinite(evidence.difference) & (evidence.judged | (not strict))
    return [
        "unjudged" if not judged[g] else _reason(evidence, admissible, choice, g, strict=strict)
        for g in range(len(judged))
    ]


def _reason(
    evidence: Evidence,
    admissible: NDArray[np.bool_],
    choice: NoHarmChoice,
    g: int,
    *,
    strict: bool,
) -> Reason:
    if choice.use_expert[g]:
        return "used"
    if not admissible[g]:
        return "not shown" if strict else "worse"
    return "wider gap" if gap_with(evidence, choice, g) > choice.gap + _ROUNDING else "no gain"


def gap_with(evidence: Evidence, choice: NoHarmChoice, g: int) -> float:
    """The gap if the expert were used for one more group."""
    use_expert = choice.use_expert.copy()
    use_expert[g] = True
    values = np.where(use_expert, evidence.expert, evidence.baseline)
    return float(np.nanmax(values) - np.nanmin(values))


def detectable(evidence: Evidence) -> float:
    """The improvement to plan for in unjudged groups: 5 points, or a tenth of the error."""
    if evidence.metric != "neg_mse":
        return _DETECTABLE
    known = np.isfinite(evidence.baseline).any()
    return 0.1 * float(np.nanmean(np.abs(evidence.baseline))) if known else 0.1


def reason_columns(
    evidence: Evidence, codes: list[Reason], choice: NoHarmChoice, objective: str
) -> Mapping[str, list[Any]]:
    """The columns that a sentence about each group's choice needs (see `tables.SELECTION`)."""
    size = len(codes)
    aim = {"min_gap": choice.gap, "max_min": choice.worst, "max_mean": choice.mean}[objective]
    planned = detectable(evidence)
    return {
        "reason": codes,
        "obstacle": list(evidence.obstacle),
        "detectable": [planned if code == "unjudged" else None for code in codes],
        "objective": [objective] * size,
        "aim": [_known(aim)] * size,
        "aim_without": [_known(choice.relaxed.get(g)) for g in range(size)],
        "gap": [_known(choice.gap)] * size,
        "gap_with": [
            gap_with(evidence, choice, g) if codes[g] == "wider gap" else None for g in range(size)
        ],
    }


def _known(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
