"""Tables and certificates of a choice among systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.no_harm.choice_intervals import of_choice, pair_of
from fairaudit.audit.no_harm.system_decision import Decided
from fairaudit.audit.no_harm.system_reasons import SystemReason, later_reasons, reasons
from fairaudit.audit.no_harm.system_rows import SystemRows
from fairaudit.inputs.group_codes import Grouping
from fairaudit.methods.no_harm_table import (
    HARMED,
    IMPROVES,
    NO_EVIDENCE,
    Bounds,
    ChoiceRules,
    joint_bounds,
    rows_needed,
    summary_of,
)
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.stats.paired_differences import WEIGHTED, Evidence

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
CHOOSE, CHECK = "choose", "check"

CHOICE = pl.Schema(
    {
        "group": pl.String,
        "n": pl.Int64,
        "system": pl.String,
        "metric": pl.String,
        "baseline": pl.Float64,
        "candidate": pl.Float64,
        "difference": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "admissible": pl.Boolean,
        "chosen": pl.String,
        "verdict": pl.String,
        "reason": pl.String,
        "rows_needed": pl.Int64,
        "p": pl.Float64,
        "level": pl.Float64,
        "both_right": pl.Int64,
        "candidate_only": pl.Int64,
        "baseline_only": pl.Int64,
        "neither": pl.Int64,
        "obstacle": pl.String,  # why a group cannot be judged, "" where it can
    }
)
FORGONE = pl.Schema(
    {
        "group": pl.String,
        "system": pl.String,
        "chosen": pl.String,
        "difference": pl.Float64,
        "lower": pl.Float64,
        "metric": pl.String,
        "reason": pl.String,
    }
)
OVERLAPPING = pl.Schema(
    {
        "split": pl.String,
        "attribute": pl.String,
        "group": pl.String,
        "n": pl.Int64,
        "baseline": pl.Float64,
        "chosen": pl.Float64,
        "difference": pl.Float64,
        "lower": pl.Float64,
        "verdict": pl.String,
    }
)
_CELLS = ("both_right", "candidate_only", "baseline_only", "neither")


# -- tables ---------------------------------------------------------------------------------------


def choice_table(decided: Decided) -> pl.DataFrame:
    """A row for every group and candidate on the rows that decide (columns `CHOICE`)."""
    parts = [
        _rows_of(decided, k, evidence, limits, _verdicts(evidence, limits), reasons(decided, k))
        for k, (evidence, limits) in enumerate(
            zip(decided.evidence, decided.limits, strict=True), 1
        )
    ]
    return _in_order(parts, decided.rows.groups.names)


def check_table(decided: Decided, rows: SystemRows) -> pl.DataFrame:
    """The same on rows that took no part: only the systems that are used have bounds."""
    by_candidate = rows.evidence(decided.metric)
    used = np.array([decided.pick == k for k in range(1, len(rows.names))])
    limits = joint_bounds(by_candidate, decided.rules, used)
    parts = []
    for k, (evidence, limit) in enumerate(zip(by_candidate, limits, strict=True), 1):
        verdicts = [
            HARMED if limit.upper[g] < -decided.rules.tolerance else verdict
            for g, verdict in enumerate(_verdicts(evidence, limit))
        ]
        codes = later_reasons(decided, k)
        parts.append(_rows_of(decided, k, evidence, limit, verdicts, codes))
    return _in_order(parts, rows.groups.names)


def _verdicts(evidence: Evidence, limits: Bounds) -> list[str]:
    return [
        UNJUDGED if not judged else IMPROVES if lower > 0 else NO_EVIDENCE
        for judged, lower in zip(evidence.judged, limits.lower, strict=True)
    ]


def _rows_of(
    decided: Decided,
    k: int,
    evidence: Evidence,
    limits: Bounds,
    verdicts: Sequence[str],
    codes: Sequence[SystemReason],
) -> pl.DataFrame:
    size = len(evidence.n)
    counted = evidence.metric != "neg_mse"
    cells = [evidence.table[:, j].tolist() if counted else [None] * size for j in range(4)]
    columns: dict[str, Any] = {
        "group": list(decided.rows.groups.names),
        "n": evidence.n,
        "system": [decided.rows.names[k]] * size,
        "metric": [evidence.metric] * size,
        "baseline": evidence.baseline,
        "candidate": evidence.expert,
        "difference": evidence.difference,
        "lower": limits.lower,
        "upper": limits.upper,
        "admissible": limits.admissible,
        "chosen": [decided.rows.names[number] for number in decided.pick],
        "verdict": list(verdicts),
        "reason": list(codes),
        "rows_needed": rows_needed(evidence, limits, decided.rules),
        "p": limits.p,
        "level": np.where(np.isfinite(limits.p), limits.level, np.nan),
        **dict(zip(_CELLS, cells, strict=True)),
        "obstacle": list(evidence.obstacle),
    }
    table = pl.DataFrame(columns, schema=CHOICE)
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def _in_order(parts: Sequence[pl.DataFrame], groups: Sequence[str]) -> pl.DataFrame:
    """By group, then by candidate in the order they came."""
    rank = {name: i for i, name in enumerate(groups)}
    order = pl.col("group").replace_strict(rank, return_dtype=pl.Int64)
    return pl.concat(parts).sort(order, maintain_order=True)


def forgone_table(table: pl.DataFrame) -> pl.DataFrame:
    """Gains that are certain and not taken, with the reason (columns `FORGONE`)."""
    taken = table.filter(pl.col("system") == pl.col("chosen"))
    reached = taken.select("group", reached="difference")
    lost = (
        table.filter(pl.col("admissible") & (pl.col("lower") > 0))
        .join(reached, on="group", how="left")
        .filter(pl.col("system") != pl.col("chosen"))
        .filter(pl.col("difference") > pl.col("reached").fill_null(0.0))
    )
    return lost.select(list(FORGONE)).cast(FORGONE)


def overlapping_table(decided: Decided, rows: SystemRows, split: str) -> pl.DataFrame:
    """What the choice does to the groups of each attribute alone (columns `OVERLAPPING`).

    On the rows that decide the lower bound of a mean is the mean of the intersections' bounds,
    which hold at once; there is none for other metrics. On the rows that check, every group of
    every attribute is tested, all at Holm's levels.
    """
    if len(rows.attributes) < 2:
        return pl.DataFrame(schema=OVERLAPPING)
    answers = rows.answers(decided.pick)
    by_attribute = [rows.against_baseline(answers, decided.metric, a) for a in rows.attributes]
    same = [_unchanged(decided, rows, a) for a in rows.attributes]
    lower, harmed = (
        _certified(decided, rows)
        if split == CHOOSE
        else _tested(by_attribute, same, decided.rules)
    )
    parts = [
        _overlap(split, a, evidence, np.where(keeps, 0.0, low), bad, decided.rules)
        for a, evidence, low, bad, keeps in zip(
            rows.attributes, by_attribute, lower, harmed, same, strict=True
        )
    ]
    return pl.concat(parts)


def _certified(decided: Decided, rows: SystemRows) -> tuple[list[Float], list[Bool]]:
    """Lower bounds of each attribute's groups from those of the intersections."""
    own = np.array([np.zeros(len(decided.pick)), *(limit.lower for limit in decided.limits)])
    each = own[decided.pick, np.arange(len(decided.pick))][rows.groups.codes]
    weight = np.ones(len(each)) if rows.weight is None else rows.weight
    lower = []
    for a in rows.attributes:
        total = np.bincount(a.codes, weights=weight, minlength=len(a.names))
        sums = np.bincount(a.codes, weights=weight * each, minlength=len(a.names))
        mean = np.where(total > 0, sums / np.where(total > 0, total, 1), np.nan)
        lower.append(mean if decided.metric in WEIGHTED else np.full(len(mean), np.nan))
    return lower, [np.zeros(len(low), dtype=bool) for low in lower]


def _unchanged(decided: Decided, rows: SystemRows, attribute: Grouping) -> Bool:
    """Groups (G,) of one attribute in which everyone keeps the baseline."""
    changed = decided.pick[rows.groups.codes] > 0
    count = np.bincount(attribute.codes[changed], minlength=len(attribute.names))
    return np.asarray(count == 0)


def _tested(
    by_attribute: Sequence[Evidence], same: Sequence[Bool], rules: ChoiceRules
) -> tuple[list[Float], list[Bool]]:
    """Bounds of each attribute's groups by their own tests, at the level over all that changed."""
    judged = [evidence.judged & ~keeps for evidence, keeps in zip(by_attribute, same, strict=True)]
    level = rules.alpha / max(sum(int(some.sum()) for some in judged), 1)
    lower, harmed = [], []
    for evidence, some in zip(by_attribute, judged, strict=True):
        at = np.full(len(evidence.n), level)
        lower.append(np.where(some, evidence.test.lower(at), np.nan))
        harmed.append(some & (evidence.test.upper(at) < -rules.tolerance))
    return lower, harmed


def _overlap(
    split: str,
    attribute: Grouping,
    evidence: Evidence,
    lower: Float,
    harmed: Bool,
    rules: ChoiceRules,
) -> pl.DataFrame:
    size = len(attribute.names)
    safe = np.isfinite(lower) & (lower >= -rules.tolerance)
    verdict = np.where(harmed, HARMED, np.where(safe, "not harmed", NO_EVIDENCE))
    columns = {
        "split": [split] * size,
        "attribute": [attribute.attribute] * size,
        "group": list(attribute.names),
        "n": evidence.n,
        "baseline": evidence.baseline,
        "chosen": evidence.expert,
        "difference": evidence.difference,
        "lower": lower,
        "verdict": verdict.tolist(),
    }
    return pl.DataFrame(columns, schema=OVERLAPPING).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def before_and_after(decided: Decided, rows: SystemRows, split: str) -> dict[str, Any]:
    """Gap, worst group and mean with the baseline for all and with the choice, with intervals."""
    evidence = rows.against_baseline(rows.answers(decided.pick), decided.metric)
    everyone = np.ones(len(decided.pick), dtype=bool)
    pair = pair_of(rows.paired(decided.pick), decided.metric, confidence=decided.rules.shown_at)
    numbers = {**summary_of(everyone, evidence), **of_choice(pair, evidence, everyone)}
    return {"split": split, **{name: _finite(value) for name, value in numbers.items()}}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


# -- certificates ---------------------------------------------------------------------------------


def certificates_of(
    tables: Mapping[str, pl.DataFrame], rules: ChoiceRules
) -> list[dict[str, Any]]:
    """For every group and candidate what a reader needs to check the decision by hand."""
    judged = int(tables[CHOOSE]["p"].is_not_null().sum())
    check = {(r["group"], r["system"]): r for r in tables[CHECK].iter_rows(named=True)}
    listed = []
    for row in tables[CHOOSE].iter_rows(named=True):
        later = check.get((row["group"], row["system"]))
        splits = {CHOOSE: _facts(row)} | ({} if later is None else {CHECK: _facts(later)})
        listed.append(
            {
                "group": row["group"],
                "system": row["system"],
                "chosen": row["chosen"],
                "used": row["system"] == row["chosen"],
                "verdict": row["verdict"],
                "reason": row["reason"],
                "rule": {
                    "family_wise_level": rules.alpha,
                    "comparisons": judged,
                    "tolerance": rules.tolerance,
                    "objective": rules.objective,
                    "used_if": "p <= level, which is lower > -tolerance",
                },
                "splits": splits,
            }
        )
    return listed


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("metric", "n", "baseline", "candidate", "difference", "lower", "upper", "p", "level")
    cells = {name: row[name] for name in _CELLS}
    return {
        **{name: row[name] for name in names},
        "paired_table": None if row["neither"] is None else cells,
    }
