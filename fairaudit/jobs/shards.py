"""A sweep over the number of groups, cut into contiguous ranges and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairaudit.audit.result import AuditResult

_KEY = "n_groups"


def split(job: Mapping[str, Any], places: int) -> list[dict[str, Any]]:
    """The specs of at most `places` parts of a sweep; one (the job itself) when it is small.

    Neighbouring ranges share one number of groups, so that the lineage from each number to
    the next is known inside some part. Costs grow with the number of groups, so ranges of
    large numbers are shorter.
    """
    audit = job["audit"]
    numbers = audit.get("params", {}).get(_KEY)
    if not isinstance(numbers, list) or len(numbers) < 4 or places < 2:
        return [dict(job)]
    ordered = sorted({int(n) for n in numbers})
    return [
        {**job, "audit": {**audit, "params": {**audit["params"], _KEY: part}}}
        for part in ranges(ordered, places)
    ]


def ranges(numbers: Sequence[int], places: int) -> list[list[int]]:
    """Contiguous ranges of about equal cost, each beginning where the last one ended."""
    goal = sum(numbers) / places
    parts: list[list[int]] = [[numbers[0]]]
    cost = float(numbers[0])
    for number in numbers[1:]:
        if cost + number / 2 > goal and len(parts) < places and len(parts[-1]) > 1:
            parts.append([parts[-1][-1]])
            cost = 0.0
        parts[-1].append(number)
        cost += number
    return parts


def merge(results: Sequence[AuditResult]) -> AuditResult:
    """One result from the parts of a sweep.

    Tables are put below each other, rows that two parts share are kept once, and tables with
    a number of groups are sorted by it. Summary and provenance are the first part's, with the
    numbers of groups of all parts and the seconds added up.
    """
    import polars as pl

    from fairaudit.audit.result import AuditResult

    names = dict.fromkeys(name for result in results for name in result.tables)
    tables = {name: _stacked(pl, name, results) for name in names}
    return AuditResult(tables, _summary(results), _provenance(results))


def _stacked(pl: Any, name: str, results: Sequence[AuditResult]) -> Any:
    found = [result.tables[name] for result in results if name in result.tables]
    whole = pl.concat([t for t in found if t.height] or found[:1], how="diagonal_relaxed")
    whole = whole.unique(maintain_order=True)
    return whole.sort(_KEY, maintain_order=True) if _KEY in whole.columns else whole


def _summary(results: Sequence[AuditResult]) -> dict[str, Any]:
    summary = dict(results[0].summary)
    said = [line for result in results for line in result.summary.get("warnings", ())]
    return {**summary, "warnings": list(dict.fromkeys(said)), "parts": len(results)}


def _provenance(results: Sequence[AuditResult]) -> dict[str, Any]:
    provenance = dict(results[0].provenance)
    seconds = sum(result.provenance.get("seconds", 0.0) for result in results)
    return {**provenance, "seconds": round(seconds, 3), "parts": len(results)}
