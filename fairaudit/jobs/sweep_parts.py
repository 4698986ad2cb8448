"""Splits a sweep over the number of groups into contiguous ranges and merges the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from fairaudit.audit.result import AuditResult
    from fairaudit.audit.spec import AuditSpec

_KEY = "n_groups"


def split(job: Mapping[str, Any], slots: int) -> list[dict[str, Any]]:
    """The specs of at most `slots` parts of a sweep; only the job itself if it is small.

    Adjacent ranges share one number of groups, so that the lineage from each number to the next
    is known in one of the parts. Costs grow with the number of groups, so ranges of large numbers
    are shorter.
    """
    audit = job["audit"]
    ordered = _group_counts(audit.get("params", {}))
    if len(ordered) < 4 or slots < 2:
        return [dict(job)]
    return [with_numbers(job, part) for part in ranges(ordered, slots)]


def with_numbers(job: Mapping[str, Any], numbers: Sequence[int], **params: Any) -> dict[str, Any]:
    """The same sweep over other numbers of groups."""
    audit = job["audit"]
    changed = {**audit.get("params", {}), _KEY: list(numbers), **params}
    return {**job, "audit": {**audit, "params": changed}}


def _group_counts(params: Mapping[str, Any]) -> list[int]:
    numbers = params.get(_KEY) or list(range(1, 9))  # the default of a sweep
    if not isinstance(numbers, list) or not all(isinstance(n, int) for n in numbers):
        return []
    return sorted(set(numbers))


def ranges(numbers: Sequence[int], slots: int) -> list[list[int]]:
    """Contiguous ranges of about equal cost, each starting where the previous one ends."""
    goal = sum(numbers) / slots
    parts: list[list[int]] = [[numbers[0]]]
    cost = float(numbers[0])
    for number in numbers[1:]:
        if cost + number / 2 > goal and len(parts) < slots and len(parts[-1]) > 1:
            parts.append([parts[-1][-1]])
            cost = 0.0
        parts[-1].append(number)
        cost += number
    return parts


def chosen(sweep: pl.DataFrame) -> int | None:
    """The number of groups chosen from a whole sweep; None if the table does not decide it.

    The smallest number whose held-out likelihood is within one standard error of the best
    (Breiman et al. 1984, section 3.4.3): the rule of a sweep, applied to all parts.
    """
    if not {"heldout", "heldout_se"} <= set(sweep.columns) or sweep.is_empty():
        return None
    best = sweep.sort("heldout", descending=True).row(0, named=True)
    floor = best["heldout"] - best["heldout_se"]
    return int(sweep.filter(sweep["heldout"] >= floor)[_KEY].min())  # type: ignore[arg-type]


def part_that_chose(parts: Sequence[AuditResult], number: int | None) -> int | None:
    """Index of the part that evaluated the chosen number of groups on held-out rows."""
    if number is None:
        return 0
    choices = [chosen(part.tables["sweep"]) for part in parts]
    return choices.index(number) if number in choices else None


def by_number(parts: Sequence[AuditResult]) -> dict[str, pl.DataFrame]:
    """The tables with rows for each number of groups, from all parts.

    Adjacent parts share one number; its rows are taken from the first of them. A lineage row
    belongs to the part that has both numbers, so none is shared.
    """
    names = [name for name, table in parts[0].tables.items() if _KEY in table.columns]
    return {name: _joined(name, [part.tables[name] for part in parts]) for name in names}


def _joined(name: str, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    selected, seen = [tables[0]], set(tables[0][_KEY].unique())
    for table in tables[1:]:
        new = table if name == "lineage" else table.filter(~pl.col(_KEY).is_in(list(seen)))
        selected.append(new)
        seen |= set(table[_KEY].unique())
    whole = pl.concat(selected, how="diagonal_relaxed")
    if name == "sweep" and (number := chosen(whole)) is not None:
        whole = whole.with_columns(chosen=pl.col(_KEY) == number)
    return whole


def merge(parts: Sequence[AuditResult], base: AuditResult, spec: AuditSpec) -> AuditResult:
    """The result of the whole sweep.

    Parameters
    ----------
    parts : sequence of AuditResult
        In the order of their numbers of groups.
    base : AuditResult
        The result for the chosen number of groups; it supplies everything that is not reported
        for each number (errors, gaps, predictions, headline).
    spec : AuditSpec
        Of the whole sweep.
    """
    from fairaudit.audit.latent.whole_sweep import completed
    from fairaudit.audit.notices import distinct
    from fairaudit.audit.result import AuditResult

    warnings = [line for part in [base, *parts] for line in part.summary.get("warnings", ())]
    summary = {**base.summary, "warnings": distinct(warnings), "parts": len(parts)}
    seconds = sum(part.provenance.get("seconds", 0.0) for part in parts)
    origin = {
        **base.provenance,
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": spec.digest(),
        "seconds": round(seconds, 3),
    }
    tables = completed({**base.tables, **by_number(parts)}, spec.confidence)
    return AuditResult(tables, summary, origin)
