"""Intervals of baseline, expert and any choice between them: those of the Errors page.

Every system's answers on the held-out rows are measured by the engine of the audit, so that a
group's interval, a gap's and a worst group's are the ones the Errors page would show for the same
answers. The change of a gap has no interval on purpose: see docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.evaluate import EvaluationRows, measure_rows
from fairaudit.audit.tables.result_tables import difference
from fairaudit.audit.tables.stored_pairs import HeldRows
from fairaudit.data.roles import Task
from fairaudit.inputs.group_codes import Grouping, everybody
from fairaudit.methods.no_harm_table import counted
from fairaudit.stats import gaps
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.paired_differences import WEIGHTED, Answers, Evidence, Metric

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Ends = tuple[float, float]

ENDS = ("baseline_low", "baseline_high", "expert_low", "expert_high")
SUMMARIES = ("gap", "worst", "mean")
_ENGINE: Mapping[Metric, str] = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "auroc": "auroc",
    "neg_mse": "mse",
}
_COUNTED: tuple[Metric, ...] = ("accuracy", "balanced_accuracy")  # need no value of everybody
_NONE: Ends = (np.nan, np.nan)


@dataclass(frozen=True)
class Pair:
    """Baseline and expert on the same rows, ready to be measured by the engine of the audit.

    Attributes
    ----------
    metric : str
    size : int
        Number of groups, those without rows here included.
    present : (K,) groups with rows
    rows : EvaluationRows
        The rows of these groups.
    expert, baseline : Answers
    options : EstimateOptions
    """

    metric: Metric
    size: int
    present: NDArray[np.int64]
    rows: EvaluationRows
    expert: Answers
    baseline: Answers
    options: EstimateOptions
    _known: dict[bytes, Measured] = field(default_factory=dict, repr=False)

    def measured(self, use: Bool) -> Measured:
        """The groups present when the experts of `use` (G,) answer; each choice is made once."""
        use = use[self.present]
        if use.tobytes() not in self._known:
            self._known[use.tobytes()] = self._measure(use)
        return self._known[use.tobytes()]

    def _measure(self, use: Bool) -> Measured:
        name = _ENGINE[self.metric]
        chosen = _mixed(self.expert, self.baseline, use[self.rows.groupings[-1].codes])
        estimates = measure_rows(self.rows, chosen, self.options, (name,))
        return next(m for m in estimates[-1] if m.metric == name)

    def by_group(self, use: Bool, values: Float) -> tuple[Float, Float]:
        """Limits (G,) of each group's interval; NaN where `values` (G,) is not defined."""
        limits = np.full((2, self.size), np.nan)
        if len(self.present):
            m = self.measured(use)
            limits[:, self.present] = (-m.high, -m.low) if self._turned else (m.low, m.high)
        low, high = np.where(np.isfinite(values), limits, np.nan)
        return low, high

    def over_groups(self, use: Bool, counts: Bool, mass: Float) -> dict[str, Ends]:
        """Limits of gap, worst group and mean over the groups that count (G,), by name.

        `mass` (G,) is how much each group counts in the mean. A gap needs two groups.
        """
        if not counts[self.present].any() or self._clusters == 1:
            return dict.fromkeys(SUMMARIES, _NONE)
        m, keep = self.measured(use), counts[self.present]
        share = mass[self.present][keep]
        worst, mean = self._worst(m, keep), self._mean(m, keep, share / share.sum())
        return {
            "gap": _gap(m, keep, self.options),
            "worst": _mirrored(worst) if self._turned else worst,
            "mean": _mirrored(mean) if self._turned else mean,
        }

    def _worst(self, m: Measured, keep: Bool) -> Ends:
        if keep.sum() == 1:
            return float(m.low[keep][0]), float(m.high[keep][0])
        extreme = gaps.highest if self._turned else gaps.lowest
        worst = extreme(m.estimates(keep), self.options.confidence)
        return worst.low, worst.high

    def _mean(self, m: Measured, keep: Bool, share: Float) -> Ends:
        """Interval of a mean over groups, clipped to the metric's range."""
        e = m.estimates(keep)
        low, high = gaps.mean(e, share, self.options.confidence)
        value = float(e.value @ share)
        return min(float(low), value), max(float(high), value)

    @property
    def _clusters(self) -> int:
        """Number of clusters, 0 without clusters; one alone has no variation between clusters."""
        return 0 if self.rows.cluster is None else int(self.rows.cluster.max(initial=-1)) + 1

    @property
    def _turned(self) -> bool:
        """Whether the engine measures an error where the choice sees its negative."""
        return self.metric == "neg_mse"


def pair_of(held: HeldRows, metric: Metric, *, confidence: float) -> Pair:
    """The rows whose group is known, as the engine wants them.

    Weights enter where they enter the choice (`WEIGHTED`), clusters always.
    """
    held = held.take(held.codes >= 0)
    present, codes = np.unique(held.codes, return_inverse=True)
    task, y, expert, baseline = _as_task(held, metric)
    by_group = Grouping("group", tuple(held.names[g] for g in present), codes)
    weight = held.weight if metric in WEIGHTED else None
    clusters = None if held.clusters is None else np.unique(held.clusters, return_inverse=True)[1]
    rows = EvaluationRows(
        y=y,
        groupings=(by_group,) if metric in _COUNTED else (everybody(len(y)), by_group),
        task=task,
        classes=(),
        weight=None if weight is None or not np.ptp(weight) else weight,
        cluster=clusters,
    )
    options = EstimateOptions(confidence)
    return Pair(metric, len(held.names), present, rows, expert, baseline, options)


def _as_task(rows: HeldRows, metric: Metric) -> tuple[Task, NDArray[np.float64], Answers, Answers]:
    """The task by which the engine measures the metric, and truth and answers in its codes."""
    expert, baseline = rows.expert, rows.baseline
    if metric == "neg_mse":
        return "regression", rows.y, expert, baseline
    if all(np.isin(v, (0, 1)).all() for v in (rows.y, expert.label, baseline.label)):
        return "binary", rows.y, expert, baseline
    if metric != "accuracy":
        return "multiclass", rows.y, Answers(expert.label), Answers(baseline.label)
    marks = [Answers((a.label == rows.y).astype(np.float64)) for a in (expert, baseline)]
    return "binary", np.ones(len(rows.y)), marks[0], marks[1]  # as the engine counts classes


def _mixed(expert: Answers, baseline: Answers, use: Bool) -> Answers:
    """The expert's answer where it is used (m,), else the baseline's."""
    if expert.score is None or baseline.score is None:
        score = None
    else:
        score = np.where(use, expert.score, baseline.score)
    return Answers(np.where(use, expert.label, baseline.label), score)


def _gap(m: Measured, keep: Bool, options: EstimateOptions) -> Ends:
    if keep.sum() < 2:
        return _NONE
    gap = difference([m], keep, options.confidence)
    return gap.low, gap.high


def _mirrored(ends: Ends) -> Ends:
    return -ends[1], -ends[0]


# -- as columns -----------------------------------------------------------------------------------


def of_systems(pair: Pair, evidence: Evidence) -> dict[str, Float]:
    """baseline_low, baseline_high, expert_low and expert_high of every group (G,)."""
    nobody = np.zeros(pair.size, dtype=bool)
    baseline = pair.by_group(nobody, evidence.baseline)
    expert = pair.by_group(~nobody, evidence.expert)
    return dict(zip(ENDS, (*baseline, *expert), strict=True))


def of_choice(pair: Pair, evidence: Evidence, use: Bool) -> dict[str, float]:
    """gap_before_low to mean_after_high of a choice, over the groups that count for it."""
    counts = counted(evidence)
    states = {"before": np.zeros_like(use), "after": use}
    spans = {when: pair.over_groups(u, counts, evidence.mass) for when, u in states.items()}
    return {
        f"{name}_{when}_{side}": end
        for name in SUMMARIES
        for when in states
        for side, end in zip(("low", "high"), spans[when][name], strict=True)
    }
