"""From estimates by group to rows of the tables `errors` and `gaps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
SMALLEST = 1e-12  # of a value whose logarithm is taken
_MadeGap = tuple[str, Gap, list[int], str]  # kind, gap, groups that decide it, method
GAPS_FULL = pl.Schema([*GAPS.items(), ("groups", pl.Int64()), ("left_out", pl.String())])


def errors_table(measured: Sequence[Measured], options: EstimateOptions) -> pl.DataFrame:
    """Rows of `errors` in the order given."""
    if not measured:
        return pl.DataFrame(schema=ERRORS_FULL)
    sizes = [len(m.names) for m in measured]

    def each(values: Sequence[str]) -> list[str]:
        return [v for v, k in zip(values, sizes, strict=True) for _ in range(k)]

    n = np.concatenate([m.n for m in measured])
    hidden = np.concatenate([options.hides(m.attribute, m.names, m.n) for m in measured])
    status = np.where(hidden, SUPPRESSED, np.concatenate([m.status for m in measured]))
    numbers = {
        name: np.where(hidden, np.nan, np.concatenate([getattr(m, name) for m in measured]))
        for name in ("value", "low", "high", "denominator")
    }
    shrunken = _stacked([pooled(m, options.confidence) for m in measured], hidden)
    table = pl.DataFrame(
        {
            "model": [options.model] * len(n),
            "split": [options.split] * len(n),
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


def gaps_table(measured: Sequence[Measured], options: EstimateOptions) -> pl.DataFrame:
    """All gaps of one attribute; `measured` holds its metrics."""
    rows = [
        row for name, family in families_of(measured) for row in _gaps_of(name, family, options)
    ]
    table = pl.DataFrame(rows, schema=GAPS_FULL, orient="row")
    return table.with_columns(pl.col("value", "low", "high", "corrected").fill_nan(None))


def families_of(measured: Sequence[Measured]) -> list[tuple[str, tuple[Measured, ...]]]:
    """The metrics and the named gaps that they allow, each with its component metrics."""
    known = {base_name(m.metric) for m in measured}
    named = [
        (name, tuple(m for p in parts for m in measured if base_name(m.metric) == p))
        for name, parts in FAMILIES.items()
        if known.issuperset(parts)
    ]
    return [*((m.metric, (m,)) for m in measured), *named]


def groups_compared(
    families: tuple[Measured, ...], options: EstimateOptions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which groups (G,) have a value that may be shown, and which of them enough rows."""
    first = families[0]
    shown = ~options.hides(first.attribute, first.names, first.n)
    defined = shown & ~np.any([np.isnan(m.value) for m in families], axis=0)
    if _reason(families) is not None:
        defined = np.zeros_like(defined)
    return defined, defined & np.all([m.status == ESTIMATED for m in families], axis=0)


def _gaps_of(
    metric: str, families: tuple[Measured, ...], options: EstimateOptions
) -> list[dict[str, object]]:
    defined, steady = groups_compared(families, options)
    single = len(families) == 1
    rows = _kinds(metric, families, defined, options, single)
    if 2 <= steady.sum() < defined.sum():
        kinds = ("difference", "ratio", "worst", "sd")
        stable = _kinds(metric, families, steady, options, single)
        rows += [{**r, "kind": f"{r['kind']}_stable"} for r in stable if r["kind"] in kinds]
    return rows


def _kinds(
    metric: str,
    families: tuple[Measured, ...],
    keep: NDArray[np.bool_],
    options: EstimateOptions,
    single: bool,
) -> list[dict[str, object]]:
    """Every kind of gap over the groups kept."""
    first = families[0]
    names = [n for n, k in zip(first.names, keep, strict=True) if k]
    left_out = ", ".join(n for n, k in zip(first.names, keep, strict=True) if not k)
    parts = [m.estimates(keep) for m in families]
    statuses = [m.status[keep] for m in families]
    if len(names) >= 2:
        made = _made(metric, families, parts, keep, options, single)
        if any(np.isnan(m.low[keep]).any() for m in families):
            made = [(kind, _without_ends(gap), by, how) for kind, gap, by, how in made]
    else:
        made = [(kind, NOTHING, [], "none") for kind in _kinds_of(families, single)]
    return [
        {
            "model": options.model,
            "split": options.split,
            "attribute": first.attribute,
            "metric": metric,
            "kind": kind,
            "value": gap.value,
            "low": gap.low,
            "high": gap.high,
            "status": _reason(families) or gap_status(gap.value, deciding, statuses),
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


def gap_status(value: float, deciding: Sequence[int], statuses: Sequence[NDArray[np.str_]]) -> str:
    """Status of the least certain group that decides the gap (any of them for a spread)."""
    if np.isnan(value):
        return UNJUDGED
    present = {str(s[i]) for s in statuses for i in (deciding or range(len(s)))}
    return next((s for s in (UNJUDGED, UNSTABLE) if s in present), ESTIMATED)


def _made(
    metric: str,
    families: tuple[Measured, ...],
    parts: list[Estimates],
    keep: NDArray[np.bool_],
    options: EstimateOptions,
    single: bool,
) -> list[_MadeGap]:
    level = options.confidence
    widest = max(parts, key=lambda p: float(gaps.spread(p.value)))
    extremes = [int(widest.value.argmax()), int(widest.value.argmin())]
    two = single and len(widest.value) == 2
    gap = _difference(families, parts, keep, level)
    how = _closed(families[0]) if two else "MOVER, all pairs jointly"
    made: list[_MadeGap] = [("difference", gap, extremes, how)]
    if _with_ratio(families):
        made.append(_ratio(families, parts, keep, level))
    far = [gaps.to_overall(p, m.overall, level) for m, p in zip(families, parts, strict=True)]
    furthest = max(far, key=lambda g: g.value)
    made.append(("to_overall", furthest, [furthest.index], "MOVER, all groups jointly"))
    if _with_ratio(families):
        made.append(_ratio_to_overall(families, parts, keep, level))
    if single:
        made += _single(metric, parts[0], level, gap)
    return made


def _single(metric: str, estimates: Estimates, level: float, pairs: Gap) -> list[_MadeGap]:
    """Worst, best and spread; `pairs` is the difference, which sees whether two groups differ."""
    if base_name(metric) == "mean_error":  # the worst is furthest from 0 on either side
        estimates_of_distance = estimates.absolute()
        worst = gaps.highest(estimates_of_distance, level)
        best = gaps.lowest(estimates_of_distance, level)
    elif higher_is_better(metric):
        worst, best = gaps.lowest(estimates, level), gaps.highest(estimates, level)
    else:
        worst, best = gaps.highest(estimates, level), gaps.lowest(estimates, level)
    spread = gaps.deviation(estimates, level, apart=pairs.low > 0)
    if len(estimates.value) == 2:  # the deviation of two numbers is half their difference
        spread = Gap(spread.value, pairs.low / 2, pairs.high / 2, spread.corrected)
    how = "limits of all groups jointly"
    return [
        ("worst", worst, [worst.index], how),
        ("best", best, [best.index], how),
        ("sd", spread, [], "moments of the squared deviation, inverted"),
    ]


def difference(families: Sequence[Measured], keep: NDArray[np.bool_], confidence: float) -> Gap:
    """Largest minus smallest of the groups kept (two or more), as in `gaps_table`."""
    return _difference(families, [m.estimates(keep) for m in families], keep, confidence)


def _difference(
    families: Sequence[Measured],
    parts: Sequence[Estimates],
    keep: NDArray[np.bool_],
    confidence: float,
) -> Gap:
    gap = gaps.difference(parts, confidence)
    if len(families) > 1 or keep.sum() != 2:
        return gap
    return _two_groups(gap, families[0], keep)


def _closed(m: Measured) -> str:
    return "Newcombe" if base_name(m.metric) in RATES else "MOVER"


def _two_groups(gap: Gap, m: Measured, keep: NDArray[np.bool_]) -> Gap:
    """|a − b| of two groups from their own intervals (Newcombe for rates), as in `pairs`."""
    value, low, high = m.value[keep], m.low[keep], m.high[keep]
    i, j = (0, 1) if value[0] >= value[1] else (1, 0)
    r = _correlation_of_two(m, keep)
    down, up = intervals.mover_difference(
        value[i], value[j], (low[i], high[i]), (low[j], high[j]), r
    )
    if np.isnan(down):
        return Gap(gap.value, np.nan, np.nan, gap.corrected)
    if down <= 0:
        return Gap(gap.value, 0.0, float(max(up, -down)), gap.corrected)
    return Gap(gap.value, float(down), float(up), gap.corrected)


def _correlation_of_two(m: Measured, keep: NDArray[np.bool_]) -> float:
    if m.correlation is None:
        return 0.0
    i, j = np.flatnonzero(keep)
    return float(m.correlation[i, j])


# -- ratios -------------------------------------------------------------------------------------


def _logs(m: Measured, p: Estimates, keep: NDArray[np.bool_]) -> tuple[Estimates, float]:
    """Logarithms of groups and all rows; rates get half a count, so that a 0 stays finite.

    Only the correction of ratios for chance rests on them (Walter 1975).
    """
    if base_name(m.metric) in RATES:
        d = np.maximum(m.denominator[keep], 1.0)
        total = max(float(np.nansum(m.denominator)), 1.0)
        value = np.exp(_log_rate(p.value, d))
        overall = float(_log_rate(np.asarray(m.overall), total))
    else:
        value = np.maximum(p.value, SMALLEST)
        overall = float(np.log(max(m.overall, SMALLEST)))
    logs = gaps.from_errors(np.log(value), p.se / value)
    return replace(logs, share=p.share, correlation=p.correlation), overall


def _log_rate(p: Float, d: Float | float) -> Float:
    return np.asarray(np.log((np.clip(p, 0, 1) * d + 0.5) / (d + 1)))


def _ratio(
    families: tuple[Measured, ...],
    parts: list[Estimates],
    keep: NDArray[np.bool_],
    level: float,
) -> _MadeGap:
    """Smallest over largest; with several families the most unequal of them."""
    values = [_quotient(float(p.value.min()), float(p.value.max())) for p in parts]
    observed = float(np.min(values)) if not np.isnan(values).any() else np.nan
    part = parts[int(np.argmin(np.nan_to_num(values, nan=np.inf)))]
    deciding = [int(part.value.argmin()), int(part.value.argmax())]
    if np.isnan(observed):
        return ("ratio", NOTHING, deciding, "none")
    logs = [_logs(m, p, keep)[0] for m, p in zip(families, parts, strict=True)]
    corrected = _uncorrected(observed, gaps.corrected_difference(logs))
    if len(families) == 1 and len(part.value) == 2:
        low, high = _two_ratio(families[0], part, keep, deciding)
        return ("ratio", Gap(observed, low, high, corrected), deciding, "MOVER-R")
    limits = gaps.ratio(parts, observed, level)
    gap = Gap(observed, float(limits[0]), float(limits[1]), corrected)
    return ("ratio", gap, deciding, "MOVER-R, all pairs jointly")


def _uncorrected(observed: float, log_gap: float) -> float:
    """The ratio that a corrected distance of logarithms makes, between the observed one and 1."""
    return float(np.clip(np.exp(-log_gap), observed, 1.0))


def _quotient(a: float, b: float) -> float:
    return a / b if b > 0 else float("nan")


def _two_ratio(
    m: Measured, part: Estimates, keep: NDArray[np.bool_], deciding: Sequence[int]
) -> tuple[float, float]:
    """Limits of the smaller over the larger of two groups, from their own intervals."""
    value, low, high = part.value, m.low[keep], m.high[keep]
    i, j = deciding
    limits = intervals.mover_ratio(
        value[i], value[j], (low[i], high[i]), (low[j], high[j]), _correlation_of_two(m, keep)
    )
    down, up = float(limits[0]), float(limits[1])
    if np.isnan(down) or np.isnan(up):
        return np.nan, np.nan
    return (down, up) if up <= 1 else (min(down, 1 / up), 1.0)


def _ratio_to_overall(
    families: tuple[Measured, ...],
    parts: list[Estimates],
    keep: NDArray[np.bool_],
    level: float,
) -> _MadeGap:
    made: list[Gap] = []
    for m, p in zip(families, parts, strict=True):
        gap = gaps.ratio_to_overall(p, m.overall, level)
        if not np.isnan(gap.value):
            logs, overall = _logs(m, p, keep)
            log_gap = gaps.corrected_to_overall(logs, overall)
            gap = replace(gap, corrected=_uncorrected(gap.value, log_gap))
        made.append(gap)
    worst = min(made, key=lambda g: np.inf if np.isnan(g.value) else g.value)
    deciding = [worst.index] if worst.index >= 0 else []
    return ("ratio_to_overall", worst, deciding, "MOVER-R, all groups jointly")
