"""Estimates that every task shares: values of one metric in every group, and their precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fairaudit.stats.gaps import Estimates, Limits
from fairaudit.stats.metric_definitions import base_name

Float = NDArray[np.float64]

REPLICATES = 2000  # bootstrap replicates of an audit, unless another number is set
MIN_JUDGED = 5  # with fewer rows in the denominator a rate "cannot be judged"
MIN_STABLE = 30  # below this coverage was measured outside 93–97% for some metrics: "unstable"
UNBOUNDED = frozenset({"mse", "mae", "error_p50", "error_p90", "brier"})  # brier: 2 if multiclass
UNLIMITED = frozenset({"mean_error", "mean_score", "mean_prediction"})  # of any sign and size
NO_RATIO = UNLIMITED | {"mcc", "r2"}  # may be negative
# numbers in units of the outcome, which a margin of a numeric outcome is stated in
IN_UNITS = frozenset({"mean_error", "mae", "error_p50", "error_p90", "mean_prediction"})
ESTIMATED, UNSTABLE, UNJUDGED, SUPPRESSED = (
    "estimated",
    "unstable",
    "cannot be judged",
    "suppressed",
)
NO_OUTCOME, PARTLY_KNOWN = "no outcome known", "outcome known for some"


def bounds_of(metric: str) -> tuple[float, float]:
    """Lowest and highest possible value of the metric."""
    name = base_name(metric)
    if name in UNLIMITED:
        return (-np.inf, np.inf)
    if name == "r2":
        return (-np.inf, 1.0)
    if name == "mcc":
        return (-1.0, 1.0)
    return (0.0, np.inf) if name in UNBOUNDED else (0.0, 1.0)


def has_margin(metric: str) -> bool:
    """Whether a margin applies to gaps of the metric: shares, or units of the outcome."""
    return bounds_of(metric) == (0.0, 1.0) or base_name(metric) in IN_UNITS


@dataclass(frozen=True)
class EstimateOptions:
    """Options of the tables: names, confidence level, replicates, suppression.

    `pairs` is how many pairs of systems are compared beside each other, `margin` the difference
    below which groups count as equivalent, chosen in advance (None: no test); `hidden` names the
    groups, by attribute, that are suppressed so that no smaller one can be computed.
    """

    confidence: float
    model: str = "model"
    split: str = "test"
    n_boot: int = REPLICATES
    suppress_below: int = 0
    seed: int = 0
    pairs: int = 1
    margin: float | None = None
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def hides(self, attribute: str, names: Sequence[str], n: Float) -> NDArray[np.bool_]:
        """Which groups (G,) of n rows are not shown: small ones, and those that give them away."""
        more = self.hidden.get(attribute, frozenset())
        hidden = np.array([name in more for name in names], dtype=np.bool_)
        return np.asarray((n < self.suppress_below) | hidden, dtype=np.bool_)


@dataclass(frozen=True)
class Measured:
    """One metric of one model in the G groups of one attribute.

    Attributes
    ----------
    n : (G,) rows
    denominator : (G,) rows behind the metric, effective ones under weights or clusters
    value, low, high : (G,)
    se : (G,) standard errors
    limits : one-sided tail probability → low, high (G,), for extremes of and gaps between groups;
        at (1 − confidence) / 2 never narrower than `low`, `high`
    overall : the value of all rows together
    share : (G,) weight with which each group counts in `overall`
    method : how the interval of a value was made
    independent : whether each row counts once and apart, so that exact tests of counts apply
    freedom : (G,) degrees of freedom where errors come from few units, None for many
    correlation : (G, G) of the groups' errors where clusters cross groups, None for independent
    reason : (G,) why a group has no value, such as "no outcome known", "" where it has one; None
        where nothing is missing for a reason
    """

    attribute: str
    names: tuple[str, ...]
    metric: str
    n: Float
    denominator: Float
    value: Float
    low: Float
    high: Float
    se: Float
    limits: Limits
    overall: float
    share: Float
    method: str
    independent: bool = False
    freedom: Float | None = None
    correlation: Float | None = None
    reason: NDArray[np.str_] | None = None

    @property
    def status(self) -> NDArray[np.str_]:
        """(G,) statuses before suppression."""
        unjudged = np.isnan(self.value) | (self.denominator < MIN_JUDGED)
        unstable = self.denominator < MIN_STABLE
        status = np.where(unjudged, UNJUDGED, np.where(unstable, UNSTABLE, ESTIMATED))
        return status if self.reason is None else np.where(self.reason == "", status, self.reason)

    def without(self, rows: NDArray[np.bool_], reason: str) -> Measured:
        """The same without estimates for some groups (G,), with the reason as their status."""
        if not rows.any():
            return self
        value, low, high, denominator = (
            np.where(rows, np.nan, part)
            for part in (self.value, self.low, self.high, self.denominator)
        )
        return replace(
            self,
            value=value,
            low=low,
            high=high,
            denominator=denominator,
            reason=np.where(rows, reason, ""),
        )

    def estimates(self, keep: NDArray[np.bool_]) -> Estimates:
        """Estimates of the groups kept, from which their gaps follow."""

        @cache  # gaps of several kinds use the same tails
        def limits(tail: float) -> tuple[Float, Float]:
            low, high = self.limits(tail)
            return low[keep], high[keep]

        return Estimates(
            self.value[keep],
            self.se[keep],
            limits,
            self.share[keep],
            bounds_of(self.metric),
            None if self.correlation is None else self.correlation[np.ix_(keep, keep)],
        )


def nothing_measured(
    metric: str, attribute: str, names: tuple[str, ...], n: Float, reason: str
) -> Measured:
    """A metric without a value in any group, for a reason."""
    empty = np.full(len(names), np.nan)
    return Measured(
        attribute=attribute,
        names=names,
        metric=metric,
        n=n,
        denominator=empty,
        value=empty,
        low=empty,
        high=empty,
        se=empty,
        limits=lambda tail: (empty, empty),
        overall=float("nan"),
        share=empty,
        method="none",
        reason=np.full(len(names), reason),
    )
