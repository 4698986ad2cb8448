"""From a number to its counts to its rows: who exactly is behind an error rate."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.plots import errors, labels
from fairaudit.plots.groups import LATENT
from fairaudit.plots.theme import natural
from fairaudit.ui import choices, layout, session
from fairaudit.ui.opened import Opened

MOST_ROWS = 1_000
CELLS: Mapping[str, tuple[str, int | None, int | None]] = {
    "everyone": ("Everyone", None, None),
    "fp": ("False positives", 0, 1),
    "fn": ("False negatives", 1, 0),
    "tp": ("True positives", 1, 1),
    "tn": ("True negatives", 0, 0),
}
ANSWERS: Mapping[str, str] = {"everyone": "Everyone", "wrong": "Wrong answers", "right": "Right"}


def down(audit: Opened, *, attribute: str, model: str, split: str) -> None:
    """Counts of an attribute's groups, then the rows of one group and one kind of answer."""
    result = audit.result
    counted = counts_of(result, attribute=attribute, model=model, split=split)
    if not counted.is_empty():
        layout.says(counts_words(counted, model))
        layout.numbers(counted, key="counts", name="counts")
    groups = sorted(counted["group"].to_list() or _groups(result, attribute), key=natural)
    left, right = choices.row(2)
    with left:
        group = choices.one_of("Group", groups, key="group")
    with right:
        cell = _cell(result)
    rows = rows_behind(
        result, attribute=attribute, group=group, cell=cell, model=model, split=split
    )
    if rows is None:
        layout.quiet("The rows of this audit are not stored: only counts left the database.")
        return
    layout.says(
        f"**{labels.rows(rows.height)}** of {group} in {split}: {_cell_words(result, cell)}."
    )
    _listing(audit, rows)


def _groups(result: AuditResult, attribute: str) -> list[str]:
    found = result.errors.filter(pl.col("attribute") == attribute)["group"]
    return found.unique().to_list()


def _cell(result: AuditResult) -> str:
    if result.summary.get("task") == "binary":
        words = {key: value[0] for key, value in CELLS.items()}
    elif result.summary.get("task") == "multiclass":
        words = dict(ANSWERS)
    else:
        words = {"largest": "Largest errors first"}
    return choices.one_of("Answers", list(words), key="answers", words=lambda c: words.get(c, c))


def _cell_words(result: AuditResult, cell: str) -> str:
    named = {**{key: value[0] for key, value in CELLS.items()}, **ANSWERS}
    return named.get(cell, "largest errors first").lower()


def counts_of(result: AuditResult, *, attribute: str, model: str, split: str) -> pl.DataFrame:
    """The stored counts of one attribute's groups; empty where the task has none."""
    table = result.tables.get("counts")
    if table is None or table.is_empty():
        return pl.DataFrame({"group": []}, schema={"group": pl.String})
    return table.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    ).drop("model", "split", "attribute")


def counts_words(counted: pl.DataFrame, model: str) -> str:
    """The group with most false answers, in counts."""
    if not {"fp", "fn"} <= set(counted.columns):
        return f"Counts behind the numbers of {model}."
    top = counted.sort(pl.col("fp") + pl.col("fn"), descending=True).row(0, named=True)
    return (
        f"Most wrong answers of {model} fall on **{top['group']}**: {top['fp']:,.0f} false "
        f"positives and {top['fn']:,.0f} false negatives in {labels.rows(top['n'])}."
    )


def rows_behind(
    result: AuditResult, *, attribute: str, group: str, cell: str, model: str, split: str
) -> pl.DataFrame | None:
    """Rows (with truth, answer and score) of one group and kind of answer; None if not stored."""
    predictions = result.tables.get("predictions")
    if predictions is None:
        return None
    mine = predictions.filter((pl.col("model") == model) & (pl.col("split") == split))
    who = members(result, attribute, group)
    if who is None:
        return None
    return answered(mine.drop("model", "split"), cell).join(
        who, on="row", how="semi", maintain_order="left"
    )


def members(result: AuditResult, attribute: str, group: str) -> pl.DataFrame | None:
    """Row ids of a group: of one attribute, of a crossing, or of a latent group."""
    people, latent = result.tables.get("people"), result.tables.get("latent")
    if attribute == LATENT and latent is not None:
        name = pl.lit("group ") + (pl.col("group") + 1).cast(pl.String)
        return latent.filter(name == group).select("row")
    parts, levels = attribute.split(errors.CROSSED), group.split(errors.CROSSED)
    if people is None or len(parts) != len(levels) or not set(parts) <= set(people.columns):
        return None
    wanted = [pl.col(part) == level for part, level in zip(parts, levels, strict=True)]
    return people.filter(*wanted).select("row")


def answered(rows: pl.DataFrame, cell: str) -> pl.DataFrame:
    """The rows with that kind of answer."""
    if cell in CELLS:
        _, truth, answer = CELLS[cell]
        if truth is None:
            return rows
        return rows.filter((pl.col("y") == truth) & (pl.col("label") == answer))
    if cell == "largest":
        return rows.sort((pl.col("y") - pl.col("label")).abs(), descending=True)
    same = pl.col("y") == pl.col("label")
    return rows.filter(same if cell == "right" else ~same)


def _listing(audit: Opened, rows: pl.DataFrame) -> None:
    shown = rows.head(MOST_ROWS)
    if rows.height > MOST_ROWS:
        layout.quiet(f"The first {MOST_ROWS:,} are listed.")
    if st.toggle("With all columns of the table", key="all-columns"):
        with layout.guarded():
            data = session.workspace().dataset(audit.job.dataset)
            shown = shown.join(data, left_on="row", right_on="_row", maintain_order="left")
    layout.numbers(shown, key="rows-behind", name="rows")
