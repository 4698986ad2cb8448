"""Why a group gets the system it gets: a code for each group and candidate.

`fairaudit.text.sentences.system_reasons` turns a code and the numbers beside it into a sentence.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from fairaudit.audit.no_harm.system_decision import Decided
from fairaudit.stats.paired_differences import Evidence

SystemReason = Literal[
    "unjudged",  # no evidence for or against
    "used",
    "not shown",  # harm cannot be ruled out
    "reverted",  # a group of one attribute would lose
    "no better",  # the system that is used serves the group at least as well
    "wider gap",  # harmless, but the gap would widen
    "no gain",  # harmless, but the objective is not served
    "checked",  # used, on rows that took no part in the choice
    "not tested",  # not used, on those rows
]
_ROUNDING = 1e-12


def reasons(decided: Decided, k: int) -> list[SystemReason]:
    """Why each group (G,) got candidate k or did not, on the rows that decide."""
    return [_reason(decided, k, g) for g in range(len(decided.pick))]


def _reason(decided: Decided, k: int, g: int) -> SystemReason:
    evidence, limits = decided.evidence[k - 1], decided.limits[k - 1]
    if not evidence.judged[g] or not np.isfinite(evidence.difference[g]):
        return "unjudged"
    if decided.pick[g] == k:
        return "used"
    if not limits.admissible[g]:
        return "not shown"
    return _why_not(decided, evidence, g)


def _why_not(decided: Decided, evidence: Evidence, g: int) -> SystemReason:
    """Why an admissible system is not used."""
    if decided.reverted[g]:
        return "reverted"
    picked = decided.pick[g]
    reached = 0.0 if picked == 0 else decided.evidence[picked - 1].difference[g]
    if evidence.difference[g] <= reached + _ROUNDING:
        return "no better"
    return "wider gap" if decided.rules.objective == "min_gap" else "no gain"


def later_reasons(decided: Decided, k: int) -> list[SystemReason]:
    """Whether rows that took no part in the choice test candidate k, by group (G,)."""
    return ["checked" if pick == k else "not tested" for pick in decided.pick]
