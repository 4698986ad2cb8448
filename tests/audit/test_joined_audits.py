"""Systems of several audits, compared on the rows that no system was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from fairaudit.audit.no_harm.joined_audits import NamedAudit, joinable, joined_tables
from fairaudit.audit.no_harm.stored_systems import SystemsRequest, choose_stored, systems_of
from fairaudit.audit.predictions import audit_predictions
from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import InputError, SpecError

N = 400
Y = [i % 2 for i in range(N)]
SEX = ["f" if i % 4 < 2 else "m" for i in range(N)]
BAD = [y if i % 5 else 1 - y for i, y in enumerate(Y)]  # wrong in every fifth row
GOOD = [y if i % 50 else 1 - y for i, y in enumerate(Y)]


def audit(systems: dict[str, list[int]], y: list[int] = Y, **options: Any) -> AuditResult:
    return audit_predictions(
        y_true=y, y_pred=systems, sensitive_features={"sex": SEX}, keep_rows=True, **options
    )


def held_out(result: AuditResult, rows: range) -> AuditResult:
    """The audit with only some rows as test rows, as one that trained on the others."""
    table = result.tables["predictions"]
    kept = table.filter(pl.col("row").is_in(list(rows)))
    return replace(result, tables={**result.tables, "predictions": kept})


def test_systems_of_two_audits_are_compared_on_the_rows_both_hold_out() -> None:
    first = NamedAudit("in use", audit({"old": BAD}))
    other = NamedAudit("trained", held_out(audit({"new": GOOD}), range(100, N)))
    tables = joined_tables(first, [other])
    assert systems_of(tables) == ["old", "new"]
    assert sorted(tables["people"]["row"].to_list()) == list(range(100, N))
    choice = choose_stored(
        tables, SystemsRequest("old", ("new",), ("sex",), check=0.0), task="binary"
    )
    assert set(choice.chosen.values()) == {"new"}
    assert sum(choice.table["n"]) == N - 100


def test_one_system_in_both_audits_is_one_system() -> None:
    first = NamedAudit("a", audit({"old": BAD}))
    other = NamedAudit("b", audit({"old": BAD, "new": GOOD}))
    assert systems_of(joined_tables(first, [other])) == ["old", "new"]


def test_other_answers_under_the_same_name_get_a_number() -> None:
    first = NamedAudit("a", audit({"model": BAD}))
    others = [NamedAudit("b", audit({"model": GOOD})), NamedAudit("c", audit({"model": Y}))]
    tables = joined_tables(first, others)
    assert systems_of(tables) == ["model", "model (2)", "model (3)"]
    answers = tables["predictions"].filter(pl.col("model") == "model (3)").sort("row")
    assert answers["label"].to_list() == Y


def test_another_outcome_is_refused() -> None:
    flipped = audit({"new": GOOD}, positive=0)
    assert not joinable(audit({"old": BAD}), flipped)
    with pytest.raises(SpecError, match="'b' judges another outcome"):
        joined_tables(NamedAudit("a", audit({"old": BAD})), [NamedAudit("b", flipped)])


def test_audits_without_a_common_row_are_refused() -> None:
    first = NamedAudit("a", held_out(audit({"old": BAD}), range(200)))
    other = NamedAudit("b", held_out(audit({"new": GOOD}), range(200, N)))
    with pytest.raises(InputError, match="no row is held out by all"):
        joined_tables(first, [other])
