"""Where outcomes are missing, everything says which rows its numbers are about."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.mends import AsMissing
from fairaudit.data.roles import ColumnRoles
from fairaudit.report.model_card import model_card
from fairaudit.report.page import render
from fairaudit.text.sentences.errors import errors_sentences
from fairaudit.text.sentences.outcome import outcome_words

ROWS = 240


def _audited(*, missing: bool, weight: bool = False, known_for: bool = False) -> AuditResult:
    rng = np.random.default_rng(0)
    seen = pl.Series(rng.random(ROWS) < 0.7)
    frame = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], ROWS),
            "hired": rng.choice(["yes", "no"], ROWS),
            "pred": rng.choice(["yes", "no"], ROWS),
            "w": rng.random(ROWS) + 0.5,
            "seen": seen.cast(int),
        }
    )
    if missing:
        frame = frame.with_columns(hired=pl.when(seen).then("hired"))
    if weight:
        frame = frame.with_columns(w=pl.when(seen).then("w"))
    roles = ColumnRoles(
        target="hired", predictions=("pred",), sensitive=("sex",),
        weight="w" if weight else None, known_for="seen" if known_for else None,
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", metrics=("tpr",), n_boot=0)
    return run_audit(Dataset(frame, roles), spec)


def test_labels_that_were_read_as_missing_are_the_reason() -> None:
    rng = np.random.default_rng(4)
    frame = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], ROWS),
            "fraud": rng.choice(["yes", "no", "unknown"], ROWS),
            "pred": rng.choice(["yes", "no"], ROWS),
        }
    )
    roles = ColumnRoles(
        target="fraud", predictions=("pred",), sensitive=("sex",),
        mends=(AsMissing(column="fraud", values=("unknown",)),),
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", metrics=("tpr",), n_boot=0)
    said = outcome_words(run_audit(Dataset(frame, roles), spec))
    assert "of the others it is missing, or says 'unknown'" in said
    assert "does not say why" not in said


def _told(result: AuditResult) -> str:
    said = errors_sentences(result, attribute="sex", metric="tpr", model="pred", split="all")
    return " ".join(said)


def _used(result: AuditResult) -> int:
    return int(sum(result.summary["rows"].values()))


def test_missing_outcomes_are_said_everywhere() -> None:
    result = _audited(missing=True)
    scope = f"the {_used(result)} of {ROWS} rows with a known outcome"
    assert 0 < _used(result) < ROWS
    assert _told(result).startswith(f"Over {scope}, ")
    assert "Over all rows" not in _told(result)
    assert scope in outcome_words(result)
    assert "the table does not say why" in outcome_words(result)
    assert scope in render(result, title="t")
    assert scope in model_card(result, title="t")
    assert result.summary["left_out"] == {"target missing": ROWS - _used(result)}


def test_rows_without_a_weight_are_said() -> None:
    result = _audited(missing=False, weight=True)
    assert f"Over the {_used(result)} of {ROWS} rows with a weight" in _told(result)
    assert "does not say why" not in outcome_words(result)


@pytest.mark.parametrize("known_for", [False, True])
def test_nothing_is_left_out_unsaid_where_nothing_is_missing(known_for: bool) -> None:
    result = _audited(missing=known_for, known_for=known_for)
    assert _used(result) == ROWS
    assert result.summary["left_out"] == {}
    assert "of 240 rows" not in outcome_words(result)
    if not known_for:
        assert _told(result).startswith("Over all rows, ")
