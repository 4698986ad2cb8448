"""The choice among systems that one already has: for each group its best harmless one.

The groups are the intersections of the sensitive attributes, so that everyone is in exactly one of
them. A mean over people (accuracy, −MSE) that falls in no intersection falls in no attribute's
group either; for the other metrics each attribute's groups are looked at as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.no_harm.system_rows import SystemRows
from fairaudit.methods.best_choice import Question, best_choice
from fairaudit.methods.no_harm_table import Bounds, ChoiceRules, joint_bounds
from fairaudit.stats.paired_differences import WEIGHTED, Evidence, Metric

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Decided:
    """A choice on the rows that decide.

    Attributes
    ----------
    rows : SystemRows
    pick : (G,) number of the system that each group gets; 0 is the baseline
    evidence, limits : one for each candidate
    reverted : (G,) groups that keep the baseline for the sake of a group of one attribute
    """

    rows: SystemRows
    metric: Metric
    rules: ChoiceRules
    pick: Int
    evidence: Sequence[Evidence]
    limits: Sequence[Bounds]
    reverted: Bool

    @property
    def chosen(self) -> dict[str, str]:
        """The name of the system that each group gets."""
        names = self.rows.names
        return {g: names[k] for g, k in zip(self.rows.groups.names, self.pick, strict=True)}


def decide_systems(rows: SystemRows, metric: Metric, rules: ChoiceRules) -> Decided:
    """Choose a system for each group on these rows.

    A system is admissible for a group when the one-sided lower bound of its difference from the
    baseline lies above −tolerance; the bounds hold for all groups and systems at once (Holm).
    Among admissible systems the objective is met exactly.
    """
    evidence = rows.evidence(metric)
    limits = joint_bounds(evidence, rules)
    pick = _best(evidence, limits, rules)
    pick_kept = _without_harm_to_attributes(rows, pick, metric, rules)
    return Decided(rows, metric, rules, pick_kept, evidence, limits, pick_kept != pick)


def _best(evidence: Sequence[Evidence], limits: Sequence[Bounds], rules: ChoiceRules) -> Int:
    first = evidence[0]
    judged = np.any([e.judged for e in evidence], axis=0) & np.isfinite(first.baseline)
    pick = np.zeros(len(first.n), dtype=np.int64)
    if not judged.any():
        return pick
    values = np.column_stack([first.baseline, *(e.expert for e in evidence)])[judged]
    admissible = [limit.admissible for limit in limits]
    allowed = np.column_stack([np.ones_like(judged), *admissible])[judged]
    allowed &= np.isfinite(values)
    mass = first.mass[judged]
    share = mass / mass.sum() if mass.sum() > 0 else np.full(len(mass), 1 / len(mass))
    pick[judged] = best_choice(Question(values, allowed, share, rules.objective))
    return pick


def _without_harm_to_attributes(
    rows: SystemRows, pick: Int, metric: Metric, rules: ChoiceRules
) -> Int:
    """The choice, taken back where a metric that is no mean falls in a group of one attribute.

    Balanced accuracy and AUROC can rise in every intersection and fall in their union.
    """
    if metric in WEIGHTED:
        return pick
    while (harmed := _cells_of_harmed(rows, pick, metric, rules)).any():
        pick = np.where(harmed, 0, pick)  # taking back may harm a group that gained before
    return pick


def _cells_of_harmed(rows: SystemRows, pick: Int, metric: Metric, rules: ChoiceRules) -> Bool:
    """Groups (G,) with another system that lie in a group of one attribute that loses."""
    harmed = np.zeros(len(pick), dtype=bool)
    for attribute in rows.attributes:
        change = rows.against_baseline(rows.answers(pick), metric, attribute).difference
        loses = np.flatnonzero(change < -rules.tolerance)
        harmed[rows.groups.codes[np.isin(attribute.codes, loses)]] = True
    return harmed & (pick > 0)
