"""From a rate to its counts to its rows: which rows are behind an error rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import polars as pl
import streamlit as st

from fairaudit.audit import reanalysis
from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.meaning import claim_of
from fairaudit.text.ordering import natural
from fairaudit.text.screens import errors as wording
from fairaudit.text.voice import Voice, voice_of
from fairaudit.ui import layout, session, url_widgets
from fairaudit.ui.result_page import OpenedAudit

MOST_ROWS = 1_000
CELLS: Mapping[str, tuple[str, str]] = {  # the cell's name, and the rate that names its people
    "fp": ("False positives", "fpr"),
    "fn": ("False negatives", "fnr"),
    "tp": ("True positives", "tpr"),
    "tn": ("True negatives", "tnr"),
}
PREDICTIONS: Mapping[str, str] = {
    "everyone": "All rows",
    "wrong": "Wrong predictions",
    "right": "Correct predictions",
}
DECISIONS: Mapping[str, str] = {
    "everyone": "All rows",
    "yes": "Positive decisions",
    "no": "Negative decisions",
}
ERRORS: Mapping[str, str] = {"largest": "Largest errors first"}


def show(audit: OpenedAudit, *, attribute: str, model: str, split: str) -> None:
    """Counts of an attribute's groups, then the rows of one group and one kind of prediction."""
    result = audit.result
    counts = counts_of(result, attribute=attribute, model=model, split=split)
    if not counts.is_empty():
        layout.statement(counts_sentence(counts, model, voice_of(result)))
        layout.data_table(counts, key="counts", name="counts")
    groups = result.errors.filter(pl.col("attribute") == attribute)["group"].unique().to_list()
    kinds = kinds_of(result)
    left, right = url_widgets.row(2)
    with left:
        group = url_widgets.one_of("Group", sorted(groups, key=natural), key="group")
    with right:
        kind = url_widgets.one_of(
            "Predictions",
            list(kinds),
            key="answers",
            format_func=kinds.__getitem__,
            aliases={name: cell for cell, (name, _) in CELLS.items()},
        )
    with layout.error_messages():
        rows = rows_of(result, attribute, group, kind, model=model, split=split)
        layout.statement(f"**{numbers.rows(rows.height)}**: {group}, {kinds[kind].lower()}.")
        _row_table(audit, rows)


def kinds_of(result: AuditResult) -> Mapping[str, str]:
    """The kinds of predictions one can list, depending on the task."""
    task, voice = result.summary.get("task"), voice_of(result)
    if task != "regression" and not voice.judges:
        return DECISIONS if task == "binary" else {"everyone": "All rows"}
    if task == "binary":
        named = {cell: name + _aside(rate, voice) for cell, (name, rate) in CELLS.items()}
        return {"everyone": "All rows", **named}
    if task == "multiclass":
        return PREDICTIONS
    return ERRORS if voice.judges else {"everyone": "All rows"}


def _aside(rate: str, voice: Voice) -> str:
    claim = claim_of(rate, voice)
    return f" ({claim.aside})" if claim is not None and claim.aside else ""


def counts_of(result: AuditResult, *, attribute: str, model: str, split: str) -> pl.DataFrame:
    """The stored counts of one attribute's groups; empty where the task has none."""
    table = result.tables.get("counts")
    if table is None:
        return pl.DataFrame()
    rows = table.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    ).drop("model", "split", "attribute")
    blank = [c for c in ("tp", "fp", "tn", "fn") if c in rows and rows[c].is_null().all()]
    return rows.drop(blank).rename({"selected": "positive_decisions"}, strict=False)


def counts_sentence(counts: pl.DataFrame, model: str, voice: Voice) -> str:
    """The group with the most errors, in counts."""
    if not {"fp", "fn"} <= set(counts.columns):
        return wording.counts(model)
    top = counts.sort(pl.col("fp") + pl.col("fn"), descending=True, nulls_last=True)
    row = top.row(0, named=True)
    return wording.most_errors(
        model,
        row,
        _counted("fpr", "false positives", voice),
        _counted("fnr", "false negatives", voice),
    )


def _counted(rate: str, usual: str, voice: Voice) -> str:
    claim = claim_of(rate, voice)
    return claim.aside if claim is not None and claim.aside else usual


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
    if kind in ("yes", "no"):
        return rows.filter(pl.col("label") == (kind == "yes")).drop("y")
    if kind in ("wrong", "right"):
        same = pl.col("y") == pl.col("label")
        return rows.filter(same if kind == "right" else ~same)
    return rows


def _row_table(audit: OpenedAudit, rows: pl.DataFrame) -> None:
    shown = rows.head(MOST_ROWS)
    if rows.height > MOST_ROWS:
        layout.note(wording.first_rows(MOST_ROWS))
    if st.toggle("Show all columns of the data", key="all-columns"):
        data = session.workspace().dataset(audit.job.dataset)
        shown = shown.join(data, left_on="row", right_on="_row", maintain_order="left")
    blank = [c for c in ("y", "score") if c in shown.columns and shown[c].is_null().all()]
    shown = shown.drop("split", "model", *blank, strict=False)
    layout.data_table(shown, key="rows-behind", name="rows", own_names=True)
