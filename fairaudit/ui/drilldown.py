"""From a rate to its counts to its rows: which rows are behind an error rate."""

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
    "everyone": "All rows",
    "fp": "False positives",
    "fn": "False negatives",
    "tp": "True positives",
    "tn": "True negatives",
}
PREDICTIONS: Mapping[str, str] = {
    "everyone": "All rows",
    "wrong": "Wrong predictions",
    "right": "Correct predictions",
}
ERRORS: Mapping[str, str] = {"largest": "Largest errors first"}


def show(audit: OpenedAudit, *, attribute: str, model: str, split: str) -> None:
    """Counts of an attribute's groups, then the rows of one group and one kind of prediction."""
    result = audit.result
    counts = counts_of(result, attribute=attribute, model=model, split=split)
    if not counts.is_empty():
        layout.statement(counts_sentence(counts, model))
        layout.data_table(counts, key="counts", name="counts")
    groups = result.errors.filter(pl.col("attribute") == attribute)["group"].unique().to_list()
    kinds = kinds_of(result)
    left, right = url_widgets.row(2)
    with left:
        group = url_widgets.one_of("Group", sorted(groups, key=natural), key="group")
    with right:
        kind = url_widgets.one_of(
            "Predictions", list(kinds), key="answers", format_func=kinds.__getitem__
        )
    with layout.error_messages():
        rows = rows_of(result, attribute, group, kind, model=model, split=split)
        layout.statement(f"**{numbers.rows(rows.height)}**: {group}, {kinds[kind].lower()}.")
        _row_table(audit, rows)


def kinds_of(result: AuditResult) -> Mapping[str, str]:
    """The kinds of predictions one can list, depending on the task."""
    task = result.summary.get("task")
    return CELLS if task == "binary" else PREDICTIONS if task == "multiclass" else ERRORS


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


def counts_sentence(counts: pl.DataFrame, model: str) -> str:
    """The group with the most errors, in counts."""
    if not {"fp", "fn"} <= set(counts.columns) or counts["fp"].is_null().all():
        return f"Counts behind the metrics of {model}."
    top = counts.sort(pl.col("fp") + pl.col("fn"), descending=True, nulls_last=True)
    row = top.row(0, named=True)
    return (
        f"Most errors of {model} are in **{row['group']}**: {row['fp']:,.0f} false "
        f"positives and {row['fn']:,.0f} false negatives in {numbers.rows(row['n'])}."
    )


def rows_of(
    result: AuditResult, attribute: str, group: str, kind: str, *, model: str, split: str
) -> pl.DataFrame:
    """Rows (row, y, label, score, group) of one group and one kind of prediction.

    Raises
    ------
    SpecError
        If the rows of this audit are not stored.
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


def _row_table(audit: OpenedAudit, rows: pl.DataFrame) -> None:
    shown = rows.head(MOST_ROWS)
    if rows.height > MOST_ROWS:
        layout.note(f"Only the first {MOST_ROWS:,} rows are listed.")
    if st.toggle("Show all columns of the data", key="all-columns"):
        data = session.workspace().dataset(audit.job.dataset)
        shown = shown.join(data, left_on="row", right_on="_row", maintain_order="left")
    shown = shown.drop("split", "model", strict=False)
    layout.data_table(shown, key="rows-behind", name="rows", own_names=True)
