"""From a number to its counts to its rows: who exactly is behind an error rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import polars as pl
import streamlit as st

from fairaudit.audit import reanalysis
from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.ordering import natural
from fairaudit.ui import layout, session, url_widgets
from fairaudit.ui.result_page import OpenedAudit

MOST_ROWS = 1_000
CELLS: Mapping[str, str] = {
    "everyone": "Everyone",
    "fp": "False positives",
    "fn": "False negatives",
    "tp": "True positives",
    "tn": "True negatives",
}
ANSWERS: Mapping[str, str] = {"everyone": "Everyone", "wrong": "Wrong answers", "right": "Right"}
ERRORS: Mapping[str, str] = {"largest": "Largest errors first"}


def down(audit: OpenedAudit, *, attribute: str, model: str, split: str) -> None:
    """Counts of an attribute's groups, then the rows of one group and one kind of answer."""
    result = audit.result
    counted = counts_of(result, attribute=attribute, model=model, split=split)
    if not counted.is_empty():
        layout.says(counts_words(counted, model))
        layout.data_table(counted, key="counts", name="counts")
    groups = result.errors.filter(pl.col("attribute") == attribute)["group"].unique().to_list()
    kinds = kinds_of(result)
    left, right = url_widgets.row(2)
    with left:
        group = url_widgets.one_of("Group", sorted(groups, key=natural), key="group")
    with right:
        kind = url_widgets.one_of("Answers", list(kinds), key="answers", words=kinds.__getitem__)
    with layout.guarded():
        rows = rows_of(result, attribute, group, kind, model=model, split=split)
        layout.says(f"**{numbers.rows(rows.height)}**: {group}, {kinds[kind].lower()}.")
        _listing(audit, rows)


def kinds_of(result: AuditResult) -> Mapping[str, str]:
    """The kinds of answers one can ask for, by the task."""
    task = result.summary.get("task")
    return CELLS if task == "binary" else ANSWERS if task == "multiclass" else ERRORS


def counts_of(result: AuditResult, *, attribute: str, model: str, split: str) -> pl.DataFrame:
    """The stored counts of one attribute's groups; empty where the task has none."""
    table = result.tables.get("counts")
    if table is None:
        return pl.DataFrame()
    return table.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    ).drop("model", "split", "attribute")


def counts_words(counted: pl.DataFrame, model: str) -> str:
    """The group with most false answers, in counts."""
    if not {"fp", "fn"} <= set(counted.columns) or counted["fp"].is_null().all():
        return f"Counts behind the numbers of {model}."
    top = counted.sort(pl.col("fp") + pl.col("fn"), descending=True, nulls_last=True)
    row = top.row(0, named=True)
    return (
        f"Most wrong answers of {model} fall on **{row['group']}**: {row['fp']:,.0f} false "
        f"positives and {row['fn']:,.0f} false negatives in {numbers.rows(row['n'])}."
    )


def rows_of(
    result: AuditResult, attribute: str, group: str, kind: str, *, model: str, split: str
) -> pl.DataFrame:
    """Rows (row, y, label, score, group) of one group and one kind of answer.

    Raises
    ------
    SpecError
        When the rows of this audit are not stored.
    """
    cell = cast(reanalysis.CellName, kind) if kind in ("tp", "fp", "tn", "fn") else None
    rows = reanalysis.rows_behind(
        result, model=model, split=split, attribute=attribute, group=group, cell=cell
    )
    if kind == "largest":
        return rows.sort((pl.col("y") - pl.col("label")).abs(), descending=True)
    if kind in ("wrong", "right"):
        same = pl.col("y") == pl.col("label")
        return rows.filter(same if kind == "right" else ~same)
    return rows


def _listing(audit: OpenedAudit, rows: pl.DataFrame) -> None:
    shown = rows.head(MOST_ROWS)
    if rows.height > MOST_ROWS:
        layout.quiet(f"The first {MOST_ROWS:,} are listed.")
    if st.toggle("With all columns of the table", key="all-columns"):
        data = session.workspace().dataset(audit.job.dataset)
        shown = shown.join(data, left_on="row", right_on="_row", maintain_order="left")
    shown = shown.drop("split", "model", strict=False)
    layout.data_table(shown, key="rows-behind", name="rows", own_names=True)
