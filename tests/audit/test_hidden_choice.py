"""A no-harm choice beside suppressed groups shows nothing of them, in no table, fact or file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.no_harm.hidden_groups import (
    OVER_GROUPS,
    STRESSED,
    hidden_of_choice,
    shown_choice,
)
from fairaudit.audit.notices import notice
from fairaudit.audit.result import AuditResult
from fairaudit.report import folder as report
from fairaudit.text.sentences.choice_certificates import worded_certificates
from fairaudit.text.sentences.selection import hides_groups, selection_lead
from fairaudit.text.voice import voice_of
from tests import audits

NAMING = ("group", "reference", "level", "category")


@pytest.fixture(scope="module")
def result() -> AuditResult:
    return audits.result("hiding")


def _hidden(result: AuditResult, split: str | None = None) -> set[str]:
    """The groups that are suppressed on a split, or on any."""
    errors = result.errors.filter(
        (pl.col("status") == "suppressed") & (pl.col("attribute") == "group")
    )
    return set((errors if split is None else errors.filter(split=split))["group"])


def test_no_table_of_the_choice_names_a_suppressed_group(result: AuditResult) -> None:
    hidden = _hidden(result)
    assert hidden
    assert set(result.tables["selection"]["group"])
    for name, table in result.tables.items():
        if name in ("errors", "counts", "predictions", "people", "selection_rows"):
            continue
        for split in ("validation", "test"):
            of_split = table.filter(split=split) if "split" in table.columns else table
            for column in (c for c in NAMING if c in table.columns):
                groups = list(_hidden(result, split))
                rows = of_split.filter(pl.col(column).cast(pl.String).is_in(groups))
                numbers = rows.select(pl.selectors.numeric())
                assert not sum(len(c.drop_nulls()) for c in numbers), name


def test_nothing_over_all_groups_of_the_choice_is_left(result: AuditResult) -> None:
    assert not set(OVER_GROUPS + STRESSED) & set(result.tables)
    for name in ("aim", "aim_without", "gap", "gap_with"):
        assert result.tables["selection"][name].is_null().all()
    assert notice("choice_suppressed") in result.summary["warnings"]
    assert "choice" not in result.summary
    facts = result.summary["certificates"]
    assert facts
    assert not {c["group"] for c in facts} & _hidden(result)
    assert all("alternatives" not in c for c in facts)


def test_the_sentence_speaks_of_the_groups_shown(result: AuditResult) -> None:
    lead = selection_lead(result.tables, voice_of(result), hidden=hides_groups(result.tables))
    assert "shown" in lead or "is used for" in lead
    for group in _hidden(result):
        assert f"{group} " not in lead


def test_no_file_of_the_report_shows_a_suppressed_group_of_the_choice(
    result: AuditResult, tmp_path: Path
) -> None:
    written = report.write(result, tmp_path, title="Audit")
    assert not {p.stem for p in written} & set(OVER_GROUPS + STRESSED)
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    text = json.dumps(document)
    for group in _hidden(result):
        assert f"Group '{group}'" not in text


def _tables(group: list[str], of_choice: list[str], hidden: set[str]) -> dict[str, pl.DataFrame]:
    names, n = np.unique(group, return_counts=True)
    errors = pl.DataFrame(
        {
            "split": "validation",
            "attribute": "a",
            "group": names,
            "n": [None if g in hidden else int(k) for g, k in zip(names, n, strict=True)],
            "status": ["suppressed" if g in hidden else "estimated" for g in names],
        }
    )
    rows = pl.DataFrame({"split": ["validation"] * len(group), "group": of_choice})
    return {"errors": errors, "selection_rows": rows}


def test_a_group_of_the_choice_is_shown_only_if_its_rows_are_those_of_a_group_shown() -> None:
    group = ["x"] * 50 + ["y"] * 30 + ["z"] * 3
    joined = [g.replace("z", "y") for g in group]  # the choice has joined y and z
    labels = {"a": np.array(group)}
    tables = _tables(group, joined, {"y", "z"})
    assert hidden_of_choice(tables, labels, 1, 5) == {"y"}
    tables = _tables(group, group, {"y", "z"})
    assert hidden_of_choice(tables, labels, 1, 5) == {"y", "z"}


def test_a_small_group_of_the_choice_alone_hides_what_the_audit_does_not_show() -> None:
    group = ["x"] * 50 + ["y"] * 30
    finer = ["x"] * 50 + ["y one"] * 27 + ["y two"] * 3
    tables = _tables(group, finer, set())
    assert hidden_of_choice(tables, {"a": np.array(group)}, 1, 5) == {"y one", "y two"}
    assert hidden_of_choice(tables, {"a": np.array(group)}, 1, 0) == frozenset()
    assert hidden_of_choice(_tables(group, group, set()), {"a": np.array(group)}, 1, 5) == set()


def test_a_whole_choice_is_left_as_it_is() -> None:
    tables = audits.result("sde").tables
    assert shown_choice(tables, frozenset()).keys() == tables.keys()


def test_a_choice_that_would_widen_the_gap_is_worded_without_the_gap() -> None:
    whole = dict(audits.result("sde").tables)
    names = whole["selection"]["group"].unique().to_list()
    wider = whole["selection"].with_columns(reason=pl.lit("wider gap"), gap_with=pl.lit(0.2))
    kept = shown_choice({**whole, "selection": wider}, frozenset({names[0]}))
    paragraphs = [str(c["words"]) for c in worded_certificates(kept)]
    assert len(paragraphs) == len(names) - 1
    assert all("using it would widen the gap" in words for words in paragraphs)
