"""Comparisons of two models on the same rows or two groups of one model, and many tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import Grouping
from fairaudit.stats import intervals, metric_definitions, two_rates
from fairaudit.stats.counts import count
from fairaudit.stats.estimates import (
    ESTIMATED,
    NO_OUTCOME,
    NO_RATIO,
    PARTLY_KNOWN,
    SUPPRESSED,
    UNJUDGED,
    UNSTABLE,
    EstimateOptions,
    Measured,
)
from fairaudit.stats.influence import Frame, Influence, standard_errors
from fairaudit.stats.metric_definitions import RATES, base_name
from fairaudit.stats.paired_bounds import PairedCounts
from fairaudit.stats.resampling import (
    centre,
    count_clusters,
    multinomial,
    replicates_for,
    resample_clusters,
)

Float = NDArray[np.float64]
Columns = dict[str, list[Any]]  # of one table, as lists of the same length

COMPARISONS = pl.Schema(
    {
        "split": pl.String,
        "attribute": pl.String,
        "group": pl.String,
        "metric": pl.String,
        "model_a": pl.String,
        "model_b": pl.String,
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "p": pl.Float64,
        "p_adjusted": pl.Float64,
        "method": pl.String,
        "n": pl.Int64,
    }
)
DETECTABLE = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "group": pl.String,
        "metric": pl.String,
        "n": pl.Int64,
        "gap_detectable": pl.Float64,
        "rows_needed": pl.Int64,
        "gap_wanted": pl.Float64,
        "power": pl.Float64,
    }
)
PAIRS = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "metric": pl.String,
        "group": pl.String,
        "reference": pl.String,
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "ratio": pl.Float64,
        "ratio_low": pl.Float64,
        "ratio_high": pl.Float64,
        "p": pl.Float64,
        "p_adjusted": pl.Float64,
        "status": pl.String,
        "method": pl.String,
        "n": pl.Int64,
        "n_reference": pl.Int64,
    }
)
# metrics whose denominator does not depend on the answer: two models answer for the same rows
PAIRED = ("selection_rate", "tpr", "fpr", "tnr", "fnr", "accuracy", "error_rate")


def adjusted(p: Float) -> Float:
    """Benjamini–Hochberg over all p-values that exist; NaN stays NaN."""
    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        out[known] = stats.false_discovery_control(np.clip(p[known], 0, 1))
    return out


def mcnemar(b: Float, c: Float) -> Float:
    """Exact two-sided McNemar p from the two discordant counts."""
    b, c = np.asarray(b, np.float64), np.asarray(c, np.float64)
    p = 2 * stats.binom.cdf(np.minimum(b, c), b + c, 0.5)
    return np.where(b + c > 0, np.minimum(p, 1.0), 1.0)


# -- two models on the same rows ----------------------------------------------------------------


@dataclass(frozen=True)
class Versus:
    """Paired difference a − b of one metric in the G groups."""

    metric: str
    difference: Float
    low: Float
    high: Float
    p: Float
    method: str


def jointly(options: EstimateOptions, groups: int) -> EstimateOptions:
    """The level at which the intervals of all pairs of systems in all groups hold together.

    Bonferroni's, so that the differences in one metric by one attribute, which are shown side by
    side, leave out a truth of 0 in at most 1 − confidence of audits.
    """
    return replace(
        options, confidence=1 - (1 - options.confidence) / max(options.pairs * groups, 1)
    )


def paired_counts(
    frame: Frame, y: Int, a: Int, b: Int, names: Sequence[str], options: EstimateOptions
) -> list[Versus]:
    """Differences of count-based metrics by paired bootstrap; p by exact McNemar where it fits.

    The rows are counted by (group, y, answer of a, answer of b), so both models keep the same
    rows in each replicate. The intervals hold jointly (`jointly`).
    """
    options = jointly(options, frame.G)
    both, grouping = 2 * a + b, frame.grouping
    cells = count(grouping, y, both, 4, frame.weight, frame.times)
    rng = np.random.default_rng([options.seed, frame.G, 29])
    n_boot = replicates_for(4 * frame.G, options.n_boot)
    if frame.cluster is None:
        drawn, around = multinomial(cells, n_boot, rng), centre(cells)
    else:
        shape = (frame.G, 4, 4)
        by = count_clusters(frame.cluster, grouping.codes, y, both, shape, frame.mass)
        drawn, around = resample_clusters(by, n_boot, rng), cells.weight
    simple = frame.weight is None and frame.cluster is None
    tables = (_split(cells.weight), _split(around), _split(drawn))
    clusters = None if frame.cluster is None else by.in_group
    return [_versus(name, tables, options, simple, clusters) for name in names]


def _split(cells: Float) -> Float:
    """(..., G, 4, 4) of [truth, 2a + b] to (..., G, truth, a, b)."""
    return cells[..., :2, :].reshape(*cells.shape[:-2], 2, 2, 2)


def _difference(cells: Float, metric: str) -> Float:
    return metric_definitions.value(cells.sum(-1), metric) - metric_definitions.value(
        cells.sum(-2), metric
    )


def _versus(
    metric: str,
    tables: tuple[Float, Float, Float],
    options: EstimateOptions,
    simple: bool,
    clusters: Float | None,
) -> Versus:
    cells, around, drawn = tables
    difference = _difference(cells, metric)
    noise = np.nan_to_num(_difference(drawn, metric) - _difference(around, metric))
    low, high, p = _from_noise(difference, noise, options.confidence, clusters)
    if not (simple and metric in PAIRED):
        how = "paired bootstrap" if clusters is None else "paired bootstrap of clusters"
        return Versus(metric, difference, low, high, p, how)
    gains, losses = _discordant(cells, metric)
    p = np.where(np.isnan(difference), np.nan, mcnemar(gains, losses))
    low, high = _counted_ends(cells, metric, gains, losses, options.confidence)
    return Versus(metric, difference, low, high, p, "Tango and exact McNemar")


def _counted_ends(
    cells: Float, metric: str, gains: Float, losses: Float, confidence: float
) -> tuple[Float, Float]:
    """Limits (G,) of a difference of two shares of the same rows, at any level.

    Errors from replicates are too small in the far tails that many comparisons need.
    """
    n = metric_definitions.denominator(cells.sum(-1), metric)
    tail = np.full(len(n), (1 - confidence) / 2)
    pair = PairedCounts(n, gains, losses)
    low, high = pair.lower(tail), pair.upper(tail)
    if metric in ("error_rate", "tnr", "fnr"):  # a gain makes these smaller
        low, high = -high, -low
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def _from_noise(
    found: Float, noise: Float, confidence: float, clusters: Float | None
) -> tuple[Float, Float, Float]:
    """Limits and p from the error of replicates; Student's t with the number of clusters (G,)."""
    nothing = np.full(len(found), np.nan)
    if len(noise) == 0:
        return nothing, nothing, nothing
    se, freedom = noise.std(axis=0), None
    if clusters is not None:
        freedom = np.maximum(clusters, 2.0) - 1
        se = se * intervals.unbiased(clusters)
        found = np.where(clusters < 2, np.nan, found)  # one cluster has no variation
    reach = intervals.quantile(confidence, freedom) * se
    return found - reach, found + reach, _student_p(found, se, freedom)


def _student_p(difference: Float, se: Float, freedom: Any = None) -> Float:
    """Two-sided p of no difference; normal without degrees of freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(difference) / se
    p = 2 * (stats.norm.sf(z) if freedom is None else stats.t.sf(z, freedom))
    return np.where(np.isnan(difference), np.nan, np.where(se > 0, p, 1.0))


def _discordant(cells: Float, metric: str) -> tuple[Float, Float]:
    """Rows where only a, only b says yes, among the rows of the metric's denominator."""
    only_a, only_b = cells[:, :, 1, 0], cells[:, :, 0, 1]  # (G, truth)
    if metric in ("accuracy", "error_rate"):  # right when the answer is the truth
        return only_a[:, 1] + only_b[:, 0], only_b[:, 1] + only_a[:, 0]
    if metric == "selection_rate":
        return only_a.sum(1), only_b.sum(1)
    truth = 1 if metric in ("tpr", "fnr") else 0
    return only_a[:, truth], only_b[:, truth]


def paired_influence(a: Influence, b: Influence, frame: Frame, options: EstimateOptions) -> Versus:
    """Difference of two row-based metrics (paired DeLong for AUROC): influences subtract.

    The intervals hold jointly (`jointly`).
    """
    options = jointly(options, frame.G)
    difference = a.value - b.value
    rows = Influence(a.metric, difference, a.denominator, a.rows - b.rows, "mean")
    se, units = standard_errors(rows, frame)
    t = intervals.quantile(options.confidence, np.maximum(units - 1, 1))
    p = 2 * stats.t.sf(
        np.abs(np.divide(difference, se, out=np.zeros_like(difference), where=se > 0)),
        np.maximum(units - 1, 1),
    )
    how = "paired DeLong" if a.metric == "auroc" else "paired, linearised"
    p = np.where(np.isnan(difference), np.nan, p)
    return Versus(a.metric, difference, difference - t * se, difference + t * se, p, how)


def comparisons_table(
    versus: Sequence[Versus],
    grouping: Grouping,
    n: Float,
    model_a: str,
    model_b: str,
    options: EstimateOptions,
) -> pl.DataFrame:
    """Rows of `comparisons`; `p_adjusted` is filled once all are together (`with_looks`)."""
    shown = np.flatnonzero((n >= 1) & ~options.hides(grouping.attribute, grouping.names, n))
    if not versus:
        return pl.DataFrame(schema=COMPARISONS)
    rows = len(shown) * len(versus)
    return pl.DataFrame(
        {
            "split": [options.split] * rows,
            "attribute": [grouping.attribute] * rows,
            "group": [grouping.names[i] for i in shown] * len(versus),
            "metric": [v.metric for v in versus for _ in shown],
            "model_a": [model_a] * rows,
            "model_b": [model_b] * rows,
            "difference": np.concatenate([v.difference[shown] for v in versus]),
            "low": np.concatenate([v.low[shown] for v in versus]),
            "high": np.concatenate([v.high[shown] for v in versus]),
            "p": np.concatenate([v.p[shown] for v in versus]),
            "p_adjusted": np.full(rows, np.nan),
            "method": [v.method for v in versus for _ in shown],
            "n": np.tile(n[shown].astype(np.int64), len(versus)),
        },
        schema=COMPARISONS,
    )


def with_looks(table: pl.DataFrame, own: NDArray[np.bool_]) -> pl.DataFrame:
    """Fill `p_adjusted` over all rows of the table and make NaN null.

    Parameters
    ----------
    own : rows of a question of its own, which are adjusted among themselves only
    """
    p = table["p"].cast(pl.Float64).to_numpy()
    filled = np.full(len(p), np.nan)
    for rows in (own, ~own):
        filled[rows] = adjusted(p[rows])
    table = table.with_columns(pl.Series("p_adjusted", filled))
    return table.with_columns(pl.selectors.float().fill_nan(None))


# -- two groups of one model --------------------------------------------------------------------


def pairs_table(
    measured: Sequence[Measured], options: EstimateOptions, reference: str | None = None
) -> pl.DataFrame:
    """Each group against a reference group (the largest, or the one named)."""
    parts = [_pairs_of(m, options, reference) for m in measured if len(m.names) > 1]
    return _one_frame(parts, PAIRS)


def _one_frame(parts: Sequence[Columns], schema: pl.Schema) -> pl.DataFrame:
    """Columns of several metrics below each other: one frame is much quicker than many."""
    if not parts:
        return pl.DataFrame(schema=schema)
    return pl.DataFrame(
        {name: list(chain.from_iterable(part[name] for part in parts)) for name in schema},
        schema=schema,
    )


def _pairs_of(m: Measured, options: EstimateOptions, reference: str | None) -> Columns:
    ref = m.names.index(reference) if reference in m.names else int(np.argmax(m.n))
    shown = (m.n >= 1) & ~options.hides(m.attribute, m.names, m.n)
    at = np.array([i for i in range(len(m.names)) if i != ref and shown[i]], dtype=np.int64)
    if not shown[ref]:
        at = at[:0]
    limits, other = (m.low[at], m.high[at]), (m.low[ref], m.high[ref])
    r = 0.0 if m.correlation is None else m.correlation[at, ref]
    low, high = intervals.mover_difference(m.value[at], m.value[ref], limits, other, r)
    if base_name(m.metric) in NO_RATIO:
        ratio, down, up = (np.full(len(at), np.nan) for _ in range(3))
    else:
        ratio = metric_definitions.ratio(m.value[at], np.full(len(at), m.value[ref]))
        down, up = intervals.mover_ratio(m.value[at], m.value[ref], limits, other, r)
    p, how = _pair_p(m, at, ref)
    status = m.status
    return {
        "model": [options.model] * len(at),
        "split": [options.split] * len(at),
        "attribute": [m.attribute] * len(at),
        "metric": [m.metric] * len(at),
        "group": [m.names[i] for i in at],
        "reference": [m.names[ref]] * len(at),
        "difference": (m.value[at] - m.value[ref]).tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "ratio": ratio.tolist(),
        "ratio_low": down.tolist(),
        "ratio_high": np.where(np.isnan(ratio), np.nan, up).tolist(),
        "p": p.tolist(),
        "p_adjusted": [np.nan] * len(at),
        "status": [_less_sure(status[i], status[ref]) for i in at],
        "method": how,
        "n": m.n[at].astype(np.int64).tolist(),
        "n_reference": [int(m.n[ref])] * len(at),
    }


def pair_of(m: Measured, group: str, reference: str) -> tuple[float, float, float]:
    """Difference of two groups with the limits of its interval, as in `pairs_table`."""
    i, j = m.names.index(group), m.names.index(reference)
    r = 0.0 if m.correlation is None else m.correlation[i, j]
    limits, other = (m.low[i], m.high[i]), (m.low[j], m.high[j])
    low, high = intervals.mover_difference(m.value[i], m.value[j], limits, other, r)
    return float(m.value[i] - m.value[j]), float(low), float(high)


def _pair_p(m: Measured, at: Int, ref: int) -> tuple[Float, list[str]]:
    if base_name(m.metric) in RATES and m.independent:
        n1, n2 = m.denominator[at], np.full(len(at), m.denominator[ref])
        x1, x2 = np.nan_to_num(m.value[at]) * n1, np.nan_to_num(m.value[ref]) * n2
        p, small = two_rates.two_sample_p(x1, n1, x2, n2)
        return p, ["Newcombe, Fisher" if s else "Newcombe, score test" for s in small]
    difference, se = m.value[at] - m.value[ref], _pair_errors(m, at, ref)
    if m.freedom is None:
        return _student_p(difference, se), ["MOVER, normal test"] * len(at)
    freedom = np.minimum(m.freedom[at], m.freedom[ref])
    p = _student_p(difference, se, freedom)
    unknown = np.isnan(m.low[at]) | np.isnan(m.low[ref])  # one row or one cluster
    return np.where(unknown, np.nan, p), ["MOVER, t test"] * len(at)


def _pair_errors(m: Measured, at: Int, ref: int) -> Float:
    """Standard errors of the differences; groups that share clusters are correlated."""
    shared = 0.0 if m.correlation is None else m.correlation[at, ref] * m.se[at] * m.se[ref]
    return np.asarray(np.sqrt(np.maximum(m.se[at] ** 2 + m.se[ref] ** 2 - 2 * shared, 0.0)))


def _less_sure(a: str, b: str) -> str:
    order = (ESTIMATED, UNSTABLE, UNJUDGED, SUPPRESSED, PARTLY_KNOWN, NO_OUTCOME)
    return max(str(a), str(b), key=order.index)


# -- what could be seen at all ------------------------------------------------------------------


def detectable_table(
    measured: Sequence[Measured], options: EstimateOptions, gap: float = 0.05, power: float = 0.8
) -> pl.DataFrame:
    """For each group against the rest: the detectable gap, and the rows that would detect `gap`.

    `rows_needed` counts rows of the group, its share of rows in the denominator kept.
    """
    parts = [
        _detectable_of(m, options, gap, power)
        for m in measured
        if base_name(m.metric) in RATES and len(m.names) > 1 and m.reason is None
    ]
    return _one_frame(parts, DETECTABLE).with_columns(pl.selectors.float().fill_nan(None))


def _detectable_of(m: Measured, options: EstimateOptions, gap: float, power: float) -> Columns:
    shown = np.flatnonzero((m.n >= 1) & ~options.hides(m.attribute, m.names, m.n))
    inside = m.denominator[shown]
    rest = m.denominator.sum() - inside
    p = np.full(len(shown), np.nan_to_num(m.overall))
    share = np.divide(inside, m.n[shown], out=np.zeros(len(shown)), where=m.n[shown] > 0)
    needed = two_rates.rows_for_gap(p, gap, rest, options.confidence, power)
    rows = np.divide(needed, share, out=np.full(len(shown), np.nan), where=share > 0)
    return {
        "model": [options.model] * len(shown),
        "split": [options.split] * len(shown),
        "attribute": [m.attribute] * len(shown),
        "group": [m.names[i] for i in shown],
        "metric": [m.metric] * len(shown),
        "n": m.n[shown].astype(np.int64).tolist(),
        "gap_detectable": two_rates.detectable_gap(
            p, inside, rest, options.confidence, power
        ).tolist(),
        "rows_needed": [None if np.isnan(r) else int(np.ceil(r)) for r in rows],
        "gap_wanted": [gap] * len(shown),
        "power": [power] * len(shown),
    }
