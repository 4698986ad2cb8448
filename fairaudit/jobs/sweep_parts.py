"""A sweep over the number of groups, cut into contiguous ranges and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from fairaudit.audit.result import AuditResult
    from fairaudit.audit.spec import AuditSpec

_KEY = "n_groups"


def split(job: Mapping[str, Any], places: int) -> list[dict[str, Any]]:
    """The specs of at most `places` parts of a sweep; one (the job itself) when it is small.

    Neighbouring ranges share one number of groups, so that the lineage from each number to
    the next is known inside some part. Costs grow with the number of groups, so ranges of
    large numbers are shorter.
    """
    audit = job["audit"]
    ordered = _group_counts(audit.get("params", {}))
    if len(ordered) < 4 or places < 2:
        return [dict(job)]
    return [with_numbers(job, part) for part in ranges(ordered, places)]


def with_numbers(job: Mapping[str, Any], numbers: Sequence[int], **params: Any) -> dict[str, Any]:
    """The same sweep over other numbers of groups."""
    audit = job["audit"]
    asked = {**audit.get("params", {}), _KEY: list(numbers), **params}
    return {**job, "audit": {**audit, "params": asked}}


def _group_counts(params: Mapping[str, Any]) -> list[int]:
    asked = params.get(_KEY) or list(range(1, 9))  # the sweep's own default
    if not isinstance(asked, list) or not all(isinstance(n, int) for n in asked):
        return []
    return sorted(set(asked))


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


def chosen(sweep: pl.DataFrame) -> int | None:
    """The number of groups chosen from a whole sweep, None where the table does not tell.

    The smallest number whose held-out likelihood lies within one standard error of the best
    (Breiman et al. 1984, section 3.4.3): the rule of the sweep itself, over all parts.
    """
    if not {"heldout", "heldout_se"} <= set(sweep.columns) or sweep.is_empty():
        return None
    best = sweep.sort("heldout", descending=True).row(0, named=True)
    floor = best["heldout"] - best["heldout_se"]
    return int(sweep.filter(sweep["heldout"] >= floor)[_KEY].min())  # type: ignore[arg-type]


def bearer(parts: Sequence[AuditResult], number: int | None) -> int | None:
    """Which part judged the chosen number of groups on held-out rows."""
    if number is None:
        return 0
    own = [chosen(part.tables["sweep"]) for part in parts]
    return own.index(number) if number in own else None


def by_number(parts: Sequence[AuditResult]) -> dict[str, pl.DataFrame]:
    """The tables with a row or more for each number of groups, from all parts.

    Neighbouring parts share one number; its rows are taken from the first of them. A lineage
    row belongs to the part that knows both numbers, so none is shared.
    """
    names = [name for name, table in parts[0].tables.items() if _KEY in table.columns]
    return {name: _joined(name, [part.tables[name] for part in parts]) for name in names}


def _joined(name: str, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    fresh, seen = [tables[0]], set(tables[0][_KEY].unique())
    for table in tables[1:]:
        fresh.append(table if name == "lineage" else table.filter(~pl.col(_KEY).is_in(list(seen))))
        seen |= set(table[_KEY].unique())
    whole = pl.concat(fresh, how="diagonal_relaxed")
    if name == "sweep" and (number := chosen(whole)) is not None:
        whole = whole.with_columns(chosen=pl.col(_KEY) == number)
    return whole


def merge(parts: Sequence[AuditResult], base: AuditResult, spec: AuditSpec) -> AuditResult:
    """One result of the whole sweep.

    Parameters
    ----------
    parts : sequence of AuditResult
        In the order of their numbers of groups.
    base : AuditResult
        Judged the chosen number of groups; everything that is not told for each number (errors,
        gaps, predictions, headline) is its own.
    spec : AuditSpec
        Of the whole sweep.
    """
    from fairaudit.audit.result import AuditResult

    said = [line for part in [base, *parts] for line in part.summary.get("warnings", ())]
    summary = {**base.summary, "warnings": list(dict.fromkeys(said)), "parts": len(parts)}
    seconds = sum(part.provenance.get("seconds", 0.0) for part in parts)
    origin = {
        **base.provenance,
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": spec.digest(),
        "seconds": round(seconds, 3),
    }
    return AuditResult({**base.tables, **by_number(parts)}, summary, origin)
