"""Which gaps are reported first: one metric for every declared attribute, in the order chosen.

The metric is the one that matters most for the outcome and shows a significant gap. The widest gap
does not lead: which attribute is named first is the user's choice, and otherwise race and sex
come before age, whose gaps are often the widest and least often what an audit is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.labels import CROSS
from fairaudit.report.choices import attributes, usual_order
from fairaudit.text.findings import Finding, finding_of, gap_of

Gap = Mapping[str, Any]


def leading_gaps(result: AuditResult) -> list[Gap]:
    """The gap of each declared attribute in the leading metric, significant ones first.

    All are of one system: the one with the widest significant gap by the first attribute that has
    any. Where it has no significant gap by another attribute but another system has, that one.

    Parameters
    ----------
    result : AuditResult

    Returns
    -------
    list of mapping
        Rows of `gaps` (between groups with enough rows where there are such), in the order in
        which the attributes were chosen. Empty where no gap is known.
    """
    by_metric = ((m, _gaps(result, m)) for m in usual_order(result))
    known = [gaps for _, gaps in by_metric if any(gaps.values())]
    telling = [gaps for gaps in known if any(_significant(rows) for rows in gaps.values())]
    for gaps in (*telling, *known)[:1]:
        return _of_one_system(gaps)
    return []


def _gaps(result: AuditResult, metric: str) -> dict[str, list[Gap]]:
    """By attribute, the gap of each system, the widest first."""
    rows = result.gaps.filter(
        pl.col("kind") == "difference",
        pl.col("metric") == metric,
        pl.col("value").is_not_null(),
        ~pl.col("attribute").str.contains(CROSS, literal=True),
    )
    gaps: dict[str, list[Gap]] = {a: [] for a in attributes(result) if CROSS not in a}
    for row in rows.iter_rows(named=True):
        where = {name: str(row[name]) for name in ("attribute", "metric", "model", "split")}
        gap = gap_of(result, **where) or row
        significant = finding_of(result, **where) is Finding.SIGNIFICANT
        gaps.setdefault(where["attribute"], []).append({**gap, "significant": significant})
    return {a: sorted(rows, key=lambda gap: -gap["value"]) for a, rows in gaps.items()}


def _significant(gaps: Sequence[Gap]) -> list[Gap]:
    return [gap for gap in gaps if gap["significant"]]


def _of_one_system(gaps: Mapping[str, list[Gap]]) -> list[Gap]:
    families = [rows for rows in gaps.values() if rows]
    first = next((s for rows in families if (s := _significant(rows))), families[0])[0]
    chosen = [_of_system(rows, str(first["model"])) for rows in families]
    return sorted(chosen, key=lambda gap: not gap["significant"])


def _of_system(gaps: list[Gap], system: str) -> Gap:
    own = [gap for gap in gaps if gap["model"] == system]
    return next(iter((*_significant(own), *_significant(gaps), *own, *gaps)))
