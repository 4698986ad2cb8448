"""Systems of several audits side by side, on the rows that all of them hold out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import InputError, SpecError

_FACTS = ("target", "positive")  # of the outcome
_ROLES = ("known_for", "mends")


@dataclass(frozen=True)
class NamedAudit:
    """An audit and its title."""

    name: str
    result: AuditResult


def joinable(first: AuditResult, other: AuditResult) -> bool:
    """Whether two audits of one dataset judge decisions against the same outcome."""
    return (
        all(_fact(first, name) == _fact(other, name) for name in _FACTS)
        and all(_role(first, name) == _role(other, name) for name in _ROLES)
        and first.summary.get("task") == other.summary.get("task")
        and "predictions" in other.tables
        and "people" in other.tables
    )


def joined_tables(first: NamedAudit, others: Sequence[NamedAudit]) -> dict[str, pl.DataFrame]:
    """Tables of the first audit with the systems of all, on rows that no system was trained on.

    Groups, clusters and weights are the first audit's.

    Parameters
    ----------
    first : NamedAudit
    others : sequence of NamedAudit
        Of the same dataset.

    Returns
    -------
    dict
        `predictions`, `people` and perhaps `row_weights`, as one audit stores them.

    Raises
    ------
    SpecError
        If an audit has another outcome, or stored no answers.
    InputError
        If no row is held out by all.
    """
    for other in others:
        if not joinable(first.result, other.result):
            raise SpecError(
                f"the audit '{other.name}' judges another outcome, or stored no answers; choose "
                "audits of the same table, outcome and positive class"
            )
    held_out = [_held_out(audit) for audit in (first, *others)]
    rows = held_out[0].select("row").unique()
    for table in held_out[1:]:
        rows = rows.join(table.select("row").unique(), on="row", how="semi")
    if rows.is_empty():
        raise InputError(
            "no row is held out by all of these audits; train them with the same split and seed"
        )
    shared = [table.join(rows, on="row", how="semi").sort("row") for table in held_out]
    tables = first.result.tables
    joined = {
        "predictions": _systems(shared),
        "people": tables["people"].join(rows, on="row", how="semi", maintain_order="left"),
    }
    if "row_weights" in tables:
        joined["row_weights"] = tables["row_weights"]
    return joined


def _held_out(audit: NamedAudit) -> pl.DataFrame:
    """Answers on rows that the audit's models did not learn from, as test rows."""
    table = audit.result.tables["predictions"]
    last = "all" if "all" in table["split"].unique() else "test"
    return table.filter(pl.col("split") == last).with_columns(split=pl.lit("test"))


def _systems(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The systems of all audits, each once; another one of a name that occurs gets a number."""
    systems: dict[str, pl.DataFrame] = {}
    for table in tables:
        for model in table["model"].unique(maintain_order=True):
            answers = table.filter(pl.col("model") == model).drop("model")
            if any(_equal(answers, systems[name]) for name in systems if _stem(name) == model):
                continue
            name, number = model, 2
            while name in systems:
                name, number = f"{model} ({number})", number + 1
            systems[name] = answers
    return pl.concat(
        [answers.with_columns(model=pl.lit(name)) for name, answers in systems.items()]
    )


def _stem(name: str) -> str:
    return re.sub(r" \(\d+\)$", "", name)


def _equal(first: pl.DataFrame, second: pl.DataFrame) -> bool:
    names = ["row", "label"]
    return first.select(names).equals(second.select(names))


def _fact(result: AuditResult, name: str) -> Any:
    return (result.summary.get("outcome") or {}).get(name)


def _role(result: AuditResult, name: str) -> Any:
    spec = cast(Mapping[str, Any], result.provenance.get("spec") or {})
    return (spec.get("roles") or {}).get(name)
