"""Worst-case bounds of rates and gaps where the outcome is known for some rows only.

Nothing is assumed of the unknown outcomes (Manski 1989): the bounds are the smallest and the
largest value over all ways to fill them in. Every rate here rises when an unknown decision turns
out right or falls with it, so that two fillings reach both ends: all unknown decisions right, all
wrong (all outcomes positive or negative for the base rate). The interval around the bounds runs
from the lower end of the one filling's interval to the upper end of the other's, and holds the
whole range of possible values with at least the confidence stated (Horowitz & Manski 2000).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics import binary
from fairaudit.audit.metrics.multiclass import PER_CLASS, WHOLE
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.stats import intervals
from fairaudit.stats.counts import count, sums
from fairaudit.stats.estimates import SUPPRESSED, UNJUDGED, EstimateOptions, Measured
from fairaudit.stats.influence import Frame
from fairaudit.stats.metric_definitions import FAMILIES, GAP_METRICS, RATES, base_name
from fairaudit.stats.resampling import count_clusters

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

IDENTIFIED, BOUNDED = "identified", "bounded"
METRICS = (*(m for m in RATES if m != "selection_rate"), "f1")
SAME = 1e-12
BOUNDS = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "group": pl.String,
        "metric": pl.String,
        "kind": pl.String,
        "n": pl.Int64,
        "n_known": pl.Int64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "status": pl.String,
    }
)
_ANSWERED = {"ppv": 1, "fdr": 1, "npv": 0, "for": 0}  # rates of the rows with one answer


@dataclass(frozen=True)
class PartlyKnown:
    """Outcomes (n,) where they are known (n,), and one system's answers (n,)."""

    y: Int
    label: Int
    known: Bool

    def filled(self, unknown: Int) -> Int:
        """(n,) outcomes with some values for the unknown ones."""
        return np.where(self.known, self.y, unknown)

    def identified(self, metric: str, frame: Frame) -> Bool:
        """(G,) groups in which a metric uses known outcomes only."""
        needed = ~self.known
        if metric == "selection_rate":
            needed = np.zeros_like(needed)
        elif metric in _ANSWERED:
            needed = needed & (self.label == _ANSWERED[metric])
        return np.asarray(sums(frame.grouping.codes, needed.astype(np.float64), frame.G) == 0)


@dataclass(frozen=True)
class _End:
    """The lower or the upper bound of a metric in G groups, with its own interval."""

    value: Float
    low: Float
    high: Float

    def at(self, keep: Bool) -> _End:
        """Some groups."""
        return _End(self.value[keep], self.low[keep], self.high[keep])


@dataclass(frozen=True)
class PartlyKnownClasses:
    """The same of outcomes with several classes, coded by their place in `classes`.

    A rate of one class against the rest is that of a binary outcome, and so are the shares of
    right and wrong answers. An unknown outcome may be any class, so that each of them can be this
    class or another, and each answer right or wrong: the binary bounds are reached. Means over
    the classes (macro F1, balanced accuracy) have no bounds here.
    """

    y: Int
    label: Int
    known: Bool
    classes: tuple[str, ...]

    def views(self) -> dict[str, tuple[PartlyKnown, tuple[str, ...]]]:
        """The binary outcomes by the ending of their metrics' names, with these metrics."""
        right = PartlyKnown((self.y == self.label).astype(np.int64), self._all(1), self.known)
        return {"": (right, WHOLE)} | {
            f" [{name}]": (self._one_against_rest(c), PER_CLASS)
            for c, name in enumerate(self.classes)
        }

    def identified(self, metric: str, frame: Frame) -> Bool:
        """(G,) groups in which a metric such as "tpr [cat]" uses known outcomes only."""
        name = base_name(metric)
        view, _ = self.views()[metric.removeprefix(name)]
        return view.identified(name, frame)

    def _one_against_rest(self, c: int) -> PartlyKnown:
        y, label = ((codes == c).astype(np.int64) for codes in (self.y, self.label))
        return PartlyKnown(y, label, self.known)

    def _all(self, answer: int) -> Int:
        return np.full(len(self.label), answer, dtype=np.int64)


def class_bounds_table(
    rows: PartlyKnownClasses, frame: Frame, metrics: Sequence[str], options: EstimateOptions
) -> pl.DataFrame:
    """`bounds_table` of an outcome with several classes: overall, and each class by itself."""
    tables = [
        bounds_table(view, frame, [m for m in offered if m in metrics], options)
        .filter(~pl.col("metric").is_in(GAP_METRICS))
        .with_columns(pl.col("metric") + ending)
        for ending, (view, offered) in rows.views().items()
    ]
    return pl.concat(tables)


def bounds_table(
    rows: PartlyKnown, frame: Frame, metrics: Sequence[str], options: EstimateOptions
) -> pl.DataFrame:
    """Bounds of each metric in each group, and of the gaps between the groups.

    Parameters
    ----------
    rows : the outcomes and answers
    frame : groups, weights and clusters of the same rows
    metrics : names; those without bounds are left out
    options : level of the intervals and names
    """
    wanted = [m for m in METRICS if m in metrics]
    if not wanted:
        return pl.DataFrame(schema=BOUNDS)
    n = frame.sizes()
    known = frame.total(rows.known.astype(np.float64))
    by = frame.grouping
    shown = (n >= 1) & ~options.hides(by.attribute, by.names, n)
    by_metric = _ends(rows, frame, wanted, options)
    table: list[dict[str, object]] = []
    for metric in wanted:
        table += _values(metric, by_metric[metric], frame, (n, known), shown)
    if frame.grouping.attribute != OVERALL:
        pairs = max(frame.G * (frame.G - 1), 1)
        level = 1 - (1 - options.confidence) / pairs  # Bonferroni over the pairs of groups
        strict = _ends(rows, frame, wanted, replace(options, confidence=level))
        sizes = int(n[shown].sum()), int(known[shown].sum())
        for metric, parts in _gap_metrics(wanted).items():
            wide = [by_metric[p] for p in parts], [strict[p] for p in parts]
            table += _gaps(metric, wide, frame, sizes, shown)
    named = {"model": options.model, "split": options.split, "attribute": frame.grouping.attribute}
    return pl.DataFrame([{**named, **row} for row in table], schema=BOUNDS, orient="row")


def _ends(
    rows: PartlyKnown, frame: Frame, metrics: Sequence[str], options: EstimateOptions
) -> dict[str, tuple[_End, _End]]:
    """The lower and the upper bound of each metric."""
    label = rows.label
    fills = {
        "right": label,
        "wrong": 1 - label,
        "positive": np.ones_like(label),
        "negative": np.zeros_like(label),
    }
    rates = [m for m in metrics if m != "base_rate"]
    wanted = {"right": rates, "wrong": rates, "positive": ["base_rate"], "negative": ["base_rate"]}
    measured: Mapping[str, Mapping[str, Measured]] = {
        name: {
            m.metric: m for m in _measured(rows.filled(fill), label, frame, wanted[name], options)
        }
        for name, fill in fills.items()
        if name in ("right", "wrong") or "base_rate" in metrics
    }
    pairs = dict.fromkeys(rates, ("right", "wrong")) | {"base_rate": ("positive", "negative")}
    return {m: _ordered(*(measured[fill][m] for fill in pairs[m])) for m in metrics}


def _measured(
    y: Int, label: Int, frame: Frame, metrics: list[str], options: EstimateOptions
) -> list[Measured]:
    cells = count(frame.grouping, y, label, 2, frame.weight, frame.times)
    if frame.cluster is None:
        return binary.measure(cells, metrics, options)
    mass = frame.times if frame.weight is None else frame.mass
    shape = (frame.G, 2, 2)
    clusters = count_clusters(frame.cluster, frame.grouping.codes, y, label, shape, mass)
    return binary.measure(cells, metrics, options, clusters)


def _ordered(a: Measured, b: Measured) -> tuple[_End, _End]:
    """The smaller and the larger of two fillings in each group.

    Where one of them has no denominator, every filling that has one gives the other's value.
    """
    with np.errstate(invalid="ignore"):
        first = np.isnan(b.value) | (a.value <= b.value)
        last = np.isnan(b.value) | (a.value > b.value)

    def picked(use: Bool) -> _End:
        return _End(
            *(np.where(use, getattr(a, c), getattr(b, c)) for c in ("value", "low", "high"))
        )

    return picked(first), picked(last)


def _values(
    metric: str,
    ends: tuple[_End, _End],
    frame: Frame,
    sizes: tuple[Float, Float],
    shown: Bool,
) -> list[dict[str, object]]:
    lower, upper = ends
    return [
        _row(
            metric, "value", name, (int(sizes[0][g]), int(sizes[1][g])),
            (lower.value[g], upper.value[g]), (lower.low[g], upper.high[g]),
        )
        if shown[g]
        else _hidden(metric, name)
        for g, name in enumerate(frame.grouping.names)
    ]  # fmt: skip


def _hidden(metric: str, group: str) -> dict[str, object]:
    empty = dict.fromkeys(("n", "n_known", "lower", "upper", "low", "high"))
    return {"group": group, "metric": metric, "kind": "value", **empty, "status": SUPPRESSED}


def _row(
    metric: str,
    kind: str,
    group: str | None,
    sizes: tuple[int, int],
    bounds: tuple[float, float],
    ends: tuple[float, float],
) -> dict[str, object]:
    (lower, upper), (low, high) = bounds, ends
    status = IDENTIFIED if upper - lower <= SAME else BOUNDED
    return {
        "group": group,
        "metric": metric,
        "kind": kind,
        "n": sizes[0],
        "n_known": sizes[1],
        "lower": _number(lower),
        "upper": _number(upper),
        "low": _number(low),
        "high": _number(high),
        "status": UNJUDGED if np.isnan(lower) else status,
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# -- gaps ---------------------------------------------------------------------------------------


def _gap_metrics(metrics: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The gaps of the metrics, and those with a name of their own."""
    families = {name: parts for name, parts in FAMILIES.items() if set(parts) <= set(metrics)}
    return {m: (m,) for m in metrics} | families


def _gaps(
    metric: str,
    ends: tuple[Sequence[tuple[_End, _End]], Sequence[tuple[_End, _End]]],
    frame: Frame,
    sizes: tuple[int, int],
    shown: Bool,
) -> list[dict[str, object]]:
    """Difference and ratio; of several rates the most unequal.

    Unknown outcomes of different groups are filled in independently, so that the largest
    difference over all fillings is the largest upper less another group's lower end.
    """
    keep = shown & ~np.any([np.isnan(lower.value) for lower, _ in ends[0]], axis=0)
    names = [name for name, k in zip(frame.grouping.names, keep, strict=True) if k]
    if len(names) < 2:
        return []
    wide, strict = ([(a.at(keep), b.at(keep)) for a, b in part] for part in ends)
    differences = [_difference(w, s) for w, s in zip(wide, strict, strict=True)]
    ratios = [_ratio(w, s) for w, s in zip(wide, strict, strict=True)]
    most = max(differences, key=lambda gap: gap[0][1])
    least = min(ratios, key=lambda gap: gap[0][0])
    made = (
        ("difference", [max(g[i][j] for g in differences) for i in (0, 1) for j in (0, 1)], most),
        ("ratio", [min(g[i][j] for g in ratios) for i in (0, 1) for j in (0, 1)], least),
    )
    return [
        _row(metric, kind, " vs ".join(names[i] for i in by[2]), sizes, (v[0], v[1]), (v[2], v[3]))
        for kind, v, by in made
    ]


_Gap = tuple[tuple[float, float], tuple[float, float], tuple[int, int]]


def _difference(wide: tuple[_End, _End], strict: tuple[_End, _End]) -> _Gap:
    """Bounds, interval and the deciding pair of the largest minus the smallest."""
    lower, upper = wide
    apart = _pairs(upper.value[:, None] - lower.value, -np.inf)
    least = max(0.0, float(_pairs(lower.value[:, None] - upper.value, -np.inf).max()))
    most = float(apart.max())
    low = float(_pairs(_between(*strict)[0], -np.inf).max())
    high = float(_pairs(_between(upper, lower)[1], -np.inf).max())
    return (
        (least, most),
        (min(max(low, 0.0), least), max(high, most)),
        _place(apart.argmax(), apart),
    )


def _between(a: _End, b: _End) -> tuple[Float, Float]:
    """Intervals (G, G) of one group's bound minus another group's opposite bound."""
    limits = a.low[:, None], a.high[:, None]
    low, high = intervals.mover_difference(a.value[:, None], b.value, limits, (b.low, b.high))
    return np.asarray(low), np.asarray(high)


def _ratio(wide: tuple[_End, _End], strict: tuple[_End, _End]) -> _Gap:
    """Bounds, interval and the deciding pair of the smallest over the largest."""
    lower, upper = wide
    apart = _pairs(_quotient(lower.value, upper.value), np.inf)
    least = min(1.0, float(apart.min()))
    most = min(1.0, float(_pairs(_quotient(upper.value, lower.value), np.inf).min()))
    low = float(_pairs(np.nan_to_num(_over(lower, upper)[0]), np.inf).min())
    high = float(_pairs(np.nan_to_num(_over(*strict[::-1])[1], nan=np.inf), np.inf).min())
    limits = min(low, least), min(max(high, most), 1.0)
    return (least, most), limits, _place(apart.argmin(), apart)


def _quotient(a: Float, b: Float) -> Float:
    """(G, G) quotients; infinite where the denominator may be 0."""
    wide = np.broadcast_to(a[:, None], (len(a), len(b)))
    return np.asarray(np.divide(wide, b, out=np.full(wide.shape, np.inf), where=b > 0))


def _over(a: _End, b: _End) -> tuple[Float, Float]:
    limits = a.low[:, None], a.high[:, None]
    low, high = intervals.mover_ratio(a.value[:, None], b.value, limits, (b.low, b.high))
    return np.asarray(low), np.asarray(high)


def _pairs(table: Float, empty: float) -> Float:
    """(G, G) of two different groups; a group is not compared with itself."""
    return np.where(np.eye(len(table), dtype=bool), empty, table)


def _place(at: np.intp, table: Float) -> tuple[int, int]:
    i, j = np.unravel_index(int(at), table.shape)
    return int(i), int(j)
