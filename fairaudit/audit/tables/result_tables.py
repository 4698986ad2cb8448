"""From estimates by group to rows of the tables `errors` and `gaps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.metrics.pooling import Pooled, pooled
from fairaudit.audit.result import ERRORS, GAPS
from fairaudit.stats import gaps, intervals
from fairaudit.stats.estimates import (
    ESTIMATED,
    NO_RATIO,
    SUPPRESSED,
    UNJUDGED,
    UNSTABLE,
    EstimateOptions,
    Measured,
)
from fairaudit.stats.gaps import Estimates, Gap
from fairaudit.stats.metric_definitions import FAMILIES, RATES, base_name, higher_is_better

Float = NDArray[np.float64]

ERRORS_FULL = pl.Schema(
    [
        *ERRORS.items(),
        ("shrunken", pl.Float64()),
        ("shrunken_low", pl.Float64()),
        ("shrunken_high", pl.Float64()),
    ]
)
SINGLE = ("worst", "best", "sd")  # kinds that make no sense for several metrics at once
NOTHING = Gap(np.nan, np.nan, np.nan, np.nan)
GAPS_FULL = pl.Schema([*GAPS.items(), ("groups", pl.Int64()), ("left_out", pl.String())])


def errors_table(measured: Sequence[Measured], asked: EstimateOptions) -> pl.DataFrame:
    """Rows of `errors` in the order given."""
    if not measured:
        return pl.DataFrame(schema=ERRORS_FULL)
    sizes = [len(m.names) for m in measured]

    def each(values: Sequence[str]) -> list[str]:
        return [v for v, k in zip(values, sizes, strict=True) for _ in range(k)]

    n = np.concatenate([m.n for m in measured])
    hidden = n < asked.suppress_below
    status = np.where(hidden, SUPPRESSED, np.concatenate([m.status for m in measured]))
    numbers = {
        name: np.where(hidden, np.nan, np.concatenate([getattr(m, name) for m in measured]))
        for name in ("value", "low", "high", "denominator")
    }
    shrunken = _stacked([pooled(m, asked.confidence) for m in measured], hidden)
    table = pl.DataFrame(
        {
            "model": [asked.model] * len(n),
            "split": [asked.split] * len(n),
            "attribute": each([m.attribute for m in measured]),
            "group": [name for m in measured for name in m.names],
            "metric": each([m.metric for m in measured]),
            "n": np.where(hidden, 0, n).astype(np.int64),
            **numbers,
            "status": status.tolist(),
            "method": each([m.method for m in measured]),
            **shrunken,
        },
        schema=ERRORS_FULL,
    )
    shown = pl.col("status") != SUPPRESSED
    return table.with_columns(
        pl.selectors.float().fill_nan(None),
        n=pl.when(shown).then(pl.col("n")),
    )


def _stacked(parts: Sequence[Pooled], hidden: NDArray[np.bool_]) -> dict[str, Float]:
    """The columns shrunken, shrunken_low, shrunken_high."""
    names = ("shrunken", "shrunken_low", "shrunken_high")
    return {
        name: np.where(hidden, np.nan, np.concatenate(column))
        for name, column in zip(names, zip(*parts, strict=True), strict=True)
    }


# -- gaps ---------------------------------------------------------------------------------------


def gaps_table(measured: Sequence[Measured], asked: EstimateOptions) -> pl.DataFrame:
    """All gaps of one attribute; `measured` holds its metrics."""
    rows: list[dict[str, object]] = []
    known = {base_name(m.metric) for m in measured}
    for m in measured:
        rows += _gaps_of(m.metric, (m,), asked)
    for name, parts in FAMILIES.items():
        if known.issuperset(parts):
            family = [m for p in parts for m in measured if base_name(m.metric) == p]
            rows += _gaps_of(name, tuple(family), asked)
    table = pl.DataFrame(rows, schema=GAPS_FULL, orient="row")
    return table.with_columns(pl.col("value", "low", "high", "corrected").fill_nan(None))


def _gaps_of(
    metric: str, families: tuple[Measured, ...], asked: EstimateOptions
) -> list[dict[str, object]]:
    first = families[0]
    shown = first.n >= asked.suppress_below
    defined = shown & ~np.any([np.isnan(m.value) for m in families], axis=0)
    if _reason(families) is not None:
        defined = np.zeros_like(defined)
    steady = defined & np.all([m.status == ESTIMATED for m in families], axis=0)
    single = len(families) == 1
    rows = _kinds(metric, families, defined, asked, single)
    if 2 <= steady.sum() < defined.sum():
        kept = ("difference", "ratio", "worst", "sd")
        stable = _kinds(metric, families, steady, asked, single)
        rows += [{**r, "kind": f"{r['kind']}_stable"} for r in stable if r["kind"] in kept]
    return rows


def _kinds(
    metric: str,
    families: tuple[Measured, ...],
    keep: NDArray[np.bool_],
    asked: EstimateOptions,
    single: bool,
) -> list[dict[str, object]]:
    """Every kind of gap over the groups kept."""
    first = families[0]
    names = [n for n, k in zip(first.names, keep, strict=True) if k]
    left_out = ", ".join(n for n, k in zip(first.names, keep, strict=True) if not k)
    parts = [m.estimates(keep) for m in families]
    statuses = [m.status[keep] for m in families]
    if len(names) >= 2:
        made = _made(metric, families, parts, keep, asked, single)
        if any(np.isnan(m.low[keep]).any() for m in families):
            made = [(kind, _without_ends(gap), by, how) for kind, gap, by, how in made]
    else:
        made = [(kind, NOTHING, [], "none") for kind in _kinds_of(families, single)]
    return [
        {
            "model": asked.model,
            "split": asked.split,
            "attribute": first.attribute,
            "metric": metric,
            "kind": kind,
            "value": gap.value,
            "low": gap.low,
            "high": gap.high,
            "status": _reason(families) or _gap_status(gap, deciding, statuses),
            "corrected": gap.corrected,
            "group": " vs ".join(names[i] for i in deciding) or None,
            "method": method,
            "groups": len(names),
            "left_out": left_out or None,
        }
        for kind, gap, deciding, method in made
    ]


def _reason(families: tuple[Measured, ...]) -> str | None:
    """Why some group has no value: then no gap over all groups is known."""
    reasons = (str(r) for m in families if m.reason is not None for r in m.reason if r)
    return next(reasons, None)


def _without_ends(gap: Gap) -> Gap:
    """The gap alone: where a group's error is not known, neither is the gap's."""
    return replace(gap, low=np.nan, high=np.nan, corrected=np.nan)


def _kinds_of(families: tuple[Measured, ...], single: bool) -> list[str]:
    """Names of the kinds `_made` makes of these metrics."""
    ratios = ("ratio", "ratio_to_overall") if _with_ratio(families) else ()
    return ["difference", *ratios[:1], "to_overall", *ratios[1:], *(SINGLE if single else ())]


def _with_ratio(families: tuple[Measured, ...]) -> bool:
    return not any(base_name(m.metric) in NO_RATIO for m in families)


def _gap_status(gap: Gap, deciding: Sequence[int], statuses: Sequence[NDArray[np.str_]]) -> str:
    """As sure as the least sure group that decides the gap (all of them for a spread)."""
    if np.isnan(gap.value):
        return UNJUDGED
    found = {str(s[i]) for s in statuses for i in (deciding or range(len(s)))}
    return next((s for s in (UNJUDGED, UNSTABLE) if s in found), ESTIMATED)


def _made(
    metric: str,
    families: tuple[Measured, ...],
    parts: list[Estimates],
    keep: NDArray[np.bool_],
    asked: EstimateOptions,
    single: bool,
) -> list[tuple[str, Gap, list[int], str]]:
    level, how = asked.confidence, f"inverted {families[0].replicates}"
    widest = max(parts, key=lambda p: float(gaps.spread(p.value)))
    extremes = [int(widest.value.argmax()), int(widest.value.argmin())]
    two = single and len(widest.value) == 2
    with_ratio = _with_ratio(families)
    logs = [_logs(m, p, keep) for m, p in zip(families, parts, strict=True)] if with_ratio else []
    made: list[tuple[str, Gap, list[int], str]] = []
    gap = gaps.difference(parts, level)
    if two:
        gap = _two_groups(gap, families[0], keep)
    made.append(("difference", gap, extremes, _closed(families[0]) if two else how))
    if with_ratio:
        made.append(_ratio(families, parts, logs, keep, level, two, how))
    far = [
        gaps.to_overall(p, m.overall, m.overall_noise, level)
        for m, p in zip(families, parts, strict=True)
    ]
    furthest = max(far, key=lambda g: g.value)
    made.append(("to_overall", furthest, [furthest.index], how))
    if with_ratio:
        made.append(_ratio_to_overall(families, logs, keep, level, how))
    if single:
        made += _single(metric, parts[0], level, how, gap if two else None)
    return made


def _single(
    metric: str, estimates: Estimates, level: float, how: str, pair: Gap | None
) -> list[tuple[str, Gap, list[int], str]]:
    """Worst, best and spread."""
    if base_name(metric) == "mean_error":  # the worst is furthest from 0 on either side
        sign = np.where(estimates.value < 0, -1.0, 1.0)
        absolute = Estimates(estimates.value * sign, estimates.noise * sign, estimates.variance)
        worst, best = gaps.highest(absolute, level), gaps.lowest(absolute, level)
    elif higher_is_better(metric):
        worst, best = gaps.lowest(estimates, level), gaps.highest(estimates, level)
    else:
        worst, best = gaps.highest(estimates, level), gaps.lowest(estimates, level)
    spread = gaps.deviation(estimates, level)
    if pair is not None:  # the deviation of two numbers is half their difference
        spread = Gap(spread.value, pair.low / 2, pair.high / 2, spread.corrected)
    return [
        ("worst", worst, [worst.index], how),
        ("best", best, [best.index], how),
        ("sd", spread, [], how),
    ]


def difference(m: Measured, keep: NDArray[np.bool_], confidence: float) -> Gap:
    """Largest minus smallest of the groups kept (two or more), as in `gaps_table`."""
    gap = gaps.difference([m.estimates(keep)], confidence)
    return _two_groups(gap, m, keep) if keep.sum() == 2 else gap


def _closed(m: Measured) -> str:
    return "Newcombe" if base_name(m.metric) in RATES else "MOVER"


def _two_groups(gap: Gap, m: Measured, keep: NDArray[np.bool_]) -> Gap:
    """|a − b| of two groups from their own intervals (Newcombe for rates)."""
    value, low, high = m.value[keep], m.low[keep], m.high[keep]
    i, j = (0, 1) if value[0] >= value[1] else (1, 0)
    down, up = intervals.mover_difference(value[i], value[j], (low[i], high[i]), (low[j], high[j]))
    if np.isnan(down):
        return Gap(gap.value, np.nan, np.nan, gap.corrected)
    if down <= 0:
        return Gap(gap.value, 0.0, float(max(up, -down)), gap.corrected)
    return Gap(gap.value, float(down), float(up), gap.corrected)


# -- ratios -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Logs:
    """Group values, overall value and their noise on the log scale."""

    groups: Estimates
    overall: float
    overall_noise: Float


def _logs(m: Measured, p: Estimates, keep: NDArray[np.bool_]) -> _Logs:
    """Logarithms; rates get half a count so that a 0 stays finite (Walter 1975)."""
    if base_name(m.metric) in RATES:
        d = np.maximum(m.denominator[keep], 1.0)
        total = max(float(np.nansum(m.denominator)), 1.0)
        value = _log_rate(p.value, d)
        noise = _log_rate(p.value + p.noise, d) - value
        overall = float(_log_rate(np.asarray(m.overall), total))
        overall_noise = _log_rate(m.overall + m.overall_noise, total) - overall
    else:
        tiny = 1e-12
        value = np.log(np.maximum(p.value, tiny))
        noise = p.noise / np.maximum(p.value, tiny)
        overall = float(np.log(max(m.overall, tiny)))
        overall_noise = m.overall_noise / max(m.overall, tiny)
    variance = noise.var(axis=0) if len(noise) else np.zeros(len(value))
    return _Logs(Estimates(value, noise, variance), overall, overall_noise)


def _log_rate(p: Float, d: Float | float) -> Float:
    return np.asarray(np.log((np.clip(p, 0, 1) * d + 0.5) / (d + 1)))


def _ratio(
    families: tuple[Measured, ...],
    parts: list[Estimates],
    logs: list[_Logs],
    keep: NDArray[np.bool_],
    level: float,
    two: bool,
    how: str,
) -> tuple[str, Gap, list[int], str]:
    """Smallest over largest; with several families the most unequal of them."""
    values = [_quotient(float(p.value.min()), float(p.value.max())) for p in parts]
    observed = float(np.min(values)) if not np.isnan(values).any() else np.nan
    part = parts[int(np.argmin(np.nan_to_num(values, nan=np.inf)))]
    deciding = [int(part.value.argmin()), int(part.value.argmax())]
    if np.isnan(observed):
        return ("ratio", Gap(np.nan, np.nan, np.nan, np.nan), deciding, "none")
    log = gaps.difference([g.groups for g in logs], level)
    gap = _exponent(observed, log)
    if two:
        m = families[0]
        low, high = m.low[keep], m.high[keep]
        i, j = deciding
        ends = intervals.mover_ratio(
            part.value[i], part.value[j], (low[i], high[i]), (low[j], high[j])
        )
        gap = _folded(gap, float(ends[0]), float(ends[1]))
    return ("ratio", gap, deciding, "MOVER-R" if two else how)


def _quotient(a: float, b: float) -> float:
    return a / b if b > 0 else float("nan")


def _exponent(observed: float, log: Gap) -> Gap:
    low = 0.0 if observed == 0 else float(np.exp(-log.high))
    high = max(float(np.exp(-log.low)), observed)
    return Gap(observed, min(low, observed), high, float(np.exp(-log.corrected)), log.index)


def _folded(gap: Gap, low: float, high: float) -> Gap:
    """min(r, 1/r) of an interval of r."""
    if np.isnan(low) or np.isnan(high):
        return Gap(gap.value, np.nan, np.nan, gap.corrected)
    if high <= 1:
        return Gap(gap.value, low, high, gap.corrected)
    return Gap(gap.value, min(low, 1 / high), 1.0, gap.corrected)


def _ratio_to_overall(
    families: tuple[Measured, ...],
    logs: list[_Logs],
    keep: NDArray[np.bool_],
    level: float,
    how: str,
) -> tuple[str, Gap, list[int], str]:
    found: list[Gap] = []
    for m, g in zip(families, logs, strict=True):
        log = gaps.to_overall(g.groups, g.overall, g.overall_noise, level)
        value = m.value[keep]
        quotients = value / m.overall if m.overall > 0 else np.full(len(value), np.nan)
        folded = np.fmin(quotients, 1 / np.where(quotients > 0, quotients, np.nan))
        folded = np.where(quotients == 0, 0.0, folded)
        observed = float(np.nanmin(folded)) if not np.isnan(folded).all() else np.nan
        found.append(_exponent(observed, log))
    worst = min(found, key=lambda g: np.inf if np.isnan(g.value) else g.value)
    return ("ratio_to_overall", worst, [worst.index] if worst.index >= 0 else [], how)
