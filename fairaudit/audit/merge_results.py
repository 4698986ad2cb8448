"""Several audits of the same rows as one: each model once, each method's own tables kept."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fairaudit.audit.notices import distinct
from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import SpecError

_BY_MODEL = ("errors", "gaps", "counts", "histograms", "calibration", "roc", "predictions")


def merged(results: Sequence[AuditResult], title: str) -> AuditResult:
    """One result that holds every model of several audits on the same split.

    A model that stands in several audits (an existing system) is taken from the first; a
    comparator such as "baseline" is renamed "baseline of METHOD". Tables only one audit has are
    taken as they are.

    Raises
    ------
    SpecError
        When the audits differ in data split, seed, rows or row weights: such numbers must not
        stand side by side.
    """
    first = results[0]
    for other in results[1:]:
        _same_rows(first, other)
    renamed = [_with_method_names(result) for result in results]
    tables: dict[str, pl.DataFrame] = {}
    for name in dict.fromkeys(name for result in renamed for name in result.tables):
        parts = [r.tables[name] for r in renamed if name in r.tables]
        tables[name] = _join(parts) if name in _BY_MODEL else parts[0]
    warnings = [w for r in results for w in r.summary.get("warnings", [])]
    facts = {**{k: v for r in reversed(results) for k, v in r.summary.items()}, "title": title}
    facts |= {"warnings": distinct(warnings), "methods": [_method(r) for r in results]}
    seconds = sum(float(r.provenance.get("seconds", 0)) for r in results)
    return AuditResult(tables, facts, {**first.provenance, "seconds": round(seconds, 3)})


def _method(result: AuditResult) -> str:
    return str(result.summary.get("method"))


def _same_rows(a: AuditResult, b: AuditResult) -> None:
    if (
        not a.tables["people"]
        .select("row", "split")
        .equals(b.tables["people"].select("row", "split"))
    ):
        raise SpecError(
            f"'{_method(a)}' and '{_method(b)}' were judged on different rows; run both with the "
            "same split and seed"
        )
    weights = [r.tables.get("row_weights") for r in (a, b)]
    alike = weights[0] is None and weights[1] is None
    if weights[0] is not None and weights[1] is not None:
        alike = weights[0].sort("row").equals(weights[1].sort("row"))
    if not alike:
        raise SpecError(
            f"'{_method(a)}' and '{_method(b)}' were judged with different row weights; run both "
            "with the same weight column, or none"
        )


def _with_method_names(result: AuditResult) -> AuditResult:
    own = _method(result)
    clearer = {"baseline": f"baseline of {own}", "expert": f"experts of {own}"}
    changed = {
        name: table.with_columns(pl.col("model").replace(clearer))
        if name in _BY_MODEL and "model" in table.columns
        else table
        for name, table in result.tables.items()
    }
    return AuditResult(changed, result.summary, result.provenance)


def _join(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Tables below each other; rows of a model and attribute already there are not repeated."""
    joined = tables[0]
    keys = [k for k in ("model", "attribute") if k in joined.columns]
    for table in tables[1:]:
        fresh = table.join(
            joined.select(keys).unique(), on=keys, how="anti", maintain_order="left"
        )
        joined = pl.concat([joined, fresh], how="diagonal_relaxed")
    return joined
