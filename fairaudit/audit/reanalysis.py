"""Answers from a stored result alone: other thresholds and levels, and the rows behind a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl

from fairaudit.audit.evaluate import counts_table
from fairaudit.audit.latent.latent_profile import group_name
from fairaudit.audit.result import AuditResult
from fairaudit.audit.whatif.threshold_counts import (
    Ladder,
    Thresholds,
    ladder_from_histogram,
    ladder_from_scores,
)
from fairaudit.audit.whatif.thresholds import clusters_at, counts_at, tables_of
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import OVERALL, Grouping, encode
from fairaudit.inputs.labels import CROSS, cell_names
from fairaudit.stats.counts import Cells, count
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.metric_definitions import BINARY
from fairaudit.stats.resampling import ClusterCells, count_clusters

LATENT = "latent group"
CellName = Literal["tp", "fp", "tn", "fn"]
_CELL = {"tp": (1, 1), "fp": (0, 1), "tn": (0, 0), "fn": (1, 0)}


def _of(table: pl.DataFrame, model: str, split: str, attribute: str) -> pl.DataFrame:
    return table.filter(
        (pl.col("model") == model)
        & (pl.col("split") == split)
        & (pl.col("attribute") == attribute)
    )


def attributes(result: AuditResult) -> list[str]:
    """Attributes the result was judged by, overall first, in the order of its table."""
    return result.errors["attribute"].unique(maintain_order=True).to_list()


def cells_of(result: AuditResult, *, model: str, split: str, attribute: str) -> Cells:
    """Stored counts of one attribute.

    Raises
    ------
    InputError
        When there are none: the outcome is not binary, or the names are wrong.
    """
    every = _of(result.tables.get("counts", _no_counts()), model, split, attribute)
    if not knows_outcomes(result) and not _weighted(result, model):
        every = _selections(every)
    counts = every.drop_nulls()
    if counts.is_empty():
        raise InputError(
            f"there are no counts of '{model}' by '{attribute}' on {split} rows; "
            "counts exist for binary outcomes"
        )
    flat = counts.select("tn", "fp", "fn", "tp").to_numpy().astype(np.float64)
    table = flat.reshape(-1, 2, 2)
    return Cells(attribute, tuple(counts["group"].to_list()), table, table, table)


def knows_outcomes(result: AuditResult) -> bool:
    """Whether the outcome of every row is known, so that decisions are right or wrong."""
    facts = result.summary.get("outcome")
    return not facts or (facts.get("target") is not None and facts.get("known_for") is None)


def _selections(counts: pl.DataFrame) -> pl.DataFrame:
    """Counts without an outcome: selected and rejected rows, all under truth 0."""
    empty = pl.lit(0.0)
    return counts.with_columns(
        fp="selected", tn=pl.col("n") - pl.col("selected"), tp=empty, fn=empty
    )


def _low_selects(result: AuditResult, model: str) -> bool:
    """Whether a model selects the rows with low scores."""
    facts = (result.summary.get("scores") or {}).get(model) or {}
    return facts.get("side") == "below"


def _no_counts() -> pl.DataFrame:
    text = dict.fromkeys(("model", "split", "attribute", "group"), pl.String)
    return pl.DataFrame(schema=text)


def ladder_of(
    result: AuditResult, *, model: str, split: str, attribute: str, exact: bool = False
) -> Ladder:
    """Thresholds of one attribute, from the stored histogram or (exact) from the stored scores.

    Where rows came in clusters the stored rows are read in any case: no histogram tells how
    clusters vary. Where those rows are not stored the ladder is not `sure`.

    Raises
    ------
    InputError
        When the model has no stored scores.
    """
    ask = {"model": model, "split": split, "attribute": attribute}
    side = {"below": _low_selects(result, model)}
    known = knows_outcomes(result)
    if exact:
        every = _asked_rows(result, **ask).drop_nulls("score")
        return _ladder(every, attribute, binned=False, known=known, **side)
    table = _of(result.tables.get("histograms", _no_counts()), model, split, attribute)
    clustered = _in_clusters(result, **ask)
    if table.is_empty() or not (clustered or side["below"]):
        return ladder_from_histogram(table, **side)
    rows = _rows_at_hand(result, **ask)
    if rows is None:
        return ladder_from_histogram(table, sure=not clustered, **side)
    rows = rows.drop_nulls("score").filter(pl.col("group").is_in(table["group"].unique()))
    return _ladder(rows, attribute, binned=True, known=known, **side)


def _ladder(
    rows: pl.DataFrame, attribute: str, *, binned: bool, known: bool, below: bool
) -> Ladder:
    names, codes = encode(rows["group"], attribute)
    return ladder_from_scores(
        rows["score"].to_numpy(),
        rows["y"].to_numpy(),
        Grouping(attribute, names, codes),
        rows["weight"].to_numpy() if "weight" in rows.columns else None,
        _cluster_codes(rows),
        binned=binned,
        below=below,
        known=known,
    )


def _cluster_codes(rows: pl.DataFrame) -> Int | None:
    if "cluster" not in rows.columns:
        return None
    return rows["cluster"].rank("dense").cast(pl.Int64).to_numpy() - 1


def _in_clusters(result: AuditResult, *, model: str, split: str, attribute: str) -> bool:
    """Whether the stored intervals come from whole clusters."""
    methods = _of(result.errors, model, split, attribute)["method"]
    return bool(methods.str.contains("cluster").any())


def _weighted(result: AuditResult, model: str) -> bool:
    """Whether rows have unequal weights: counts are then not numbers of rows."""
    if "counts" not in result.tables:
        return False
    if not knows_outcomes(result):
        return "row_weights" in result.tables
    counts = result.tables["counts"].filter(pl.col("model") == model)
    off = pl.sum_horizontal("tp", "fp", "tn", "fn") - pl.col("n")
    return bool(counts.select((off.abs() > 1e-9).any()).item())


def _rows_at_hand(
    result: AuditResult, *, model: str, split: str, attribute: str
) -> pl.DataFrame | None:
    """`_asked_rows`, or None where they, their groups, weights or clusters are not stored."""
    ask = {"model": model, "split": split, "attribute": attribute}
    people = result.tables.get("people", pl.DataFrame())
    available = {*people.columns, OVERALL, LATENT}
    wanted = set(attribute.partition(" | ")[0].split(CROSS))
    if _in_clusters(result, **ask):
        wanted.add("cluster")
    stored = "predictions" in result.tables and wanted <= available
    if not stored or (_weighted(result, model) and "row_weights" not in result.tables):
        return None
    return _asked_rows(result, **ask)


def _asked_rows(result: AuditResult, *, model: str, split: str, attribute: str) -> pl.DataFrame:
    """Answers, groups and, where rows have them, weight and cluster of each row."""
    rows = rows_with_groups(result, model=model, split=split, attribute=attribute)
    if "score" not in rows.columns:
        rows = rows.with_columns(score=pl.lit(None, pl.Float64))
    people, weights = result.tables.get("people"), result.tables.get("row_weights")
    if weights is not None:
        rows = rows.join(weights, on="row", how="left", maintain_order="left")
    clustered = _in_clusters(result, model=model, split=split, attribute=attribute)
    if people is not None and clustered and "cluster" in people.columns:
        unit = people.filter(pl.col("split") == split).select("row", "cluster")
        rows = rows.join(unit, on="row", how="left", maintain_order="left")
    return rows


def recompute(
    result: AuditResult,
    *,
    model: str,
    split: str = "test",
    attribute: str,
    threshold: Thresholds | None = None,
    metrics: Sequence[str] = BINARY,
    confidence: float,
    exact: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Tables errors, gaps and counts for another threshold, metric or level of confidence.

    Weights and clusters count as in the audit; where a result holds too little for that, values
    come without intervals.

    Parameters
    ----------
    threshold : None for the answers as given, a number, or one for each group
    exact : move thresholds through all stored scores instead of histogram bins

    Raises
    ------
    InputError
        When counts or scores are not stored.
    SpecError
        When a group lacks its threshold.
    """
    options = EstimateOptions(confidence, model, split)
    known = knows_outcomes(result)
    metrics = metrics if known else ("selection_rate",)
    ask = {"model": model, "split": split, "attribute": attribute}
    if threshold is None:
        cells, clusters, sure = _as_given(result, **ask)
    else:
        ladder = ladder_of(result, **ask, exact=exact)
        cells, clusters = counts_at(ladder, threshold), clusters_at(ladder, threshold)
        sure = ladder.sure
    tables = tables_of(cells, metrics, options, clusters, sure=sure)
    return *tables, counts_table(cells, options, known=known)


def _as_given(
    result: AuditResult, *, model: str, split: str, attribute: str
) -> tuple[Cells, ClusterCells | None, bool]:
    """Counts of the stored answers, by cluster too, and whether intervals are possible."""
    ask = {"model": model, "split": split, "attribute": attribute}
    cells = cells_of(result, **ask)
    weighted, clustered = _weighted(result, model), _in_clusters(result, **ask)
    if not weighted and not clustered:
        return cells, None, True
    rows = _rows_at_hand(result, **ask)
    if rows is None:
        return cells, None, False
    rows = rows.filter(pl.col("group").is_in(cells.names))
    names, codes = encode(rows["group"], attribute)
    known = knows_outcomes(result)
    y = rows["y"].cast(pl.Int64).to_numpy() if known else np.zeros(len(rows), dtype=np.int64)
    label = rows["label"].cast(pl.Int64).to_numpy()
    weight = rows["weight"].to_numpy() if weighted else None
    counted = count(Grouping(attribute, names, codes), y, label, 2, weight)
    unit = _cluster_codes(rows)
    if unit is None:
        return counted, None, True
    return counted, count_clusters(unit, codes, y, label, (len(names), 2, 2), weight), True


# -- from a gap to its counts to its rows -------------------------------------------------------


def members(result: AuditResult, attribute: str, split: str) -> pl.DataFrame:
    """Row ids and their group (row, group) under an attribute, an intersection or latent groups.

    Raises
    ------
    SpecError
        When the result has no such attribute.
    """
    if attribute == LATENT and result.latent is not None:
        table = result.latent.filter(pl.col("split") == split)
        names = [group_name(int(g)) for g in table["group"].to_list()]
        return table.select("row").with_columns(pl.Series("group", names, dtype=pl.String))
    people = result.tables.get("people")
    if people is None:
        raise SpecError(
            "this result stores no people; run the audit again, in Python with keep_rows=True"
        )
    people = people.filter(pl.col("split") == split)
    if attribute == OVERALL:
        return people.select("row", group=pl.lit(OVERALL))
    base, _, condition = attribute.partition(" | ")
    people = _where(people, condition)
    parts = base.split(CROSS)
    unknown = [p for p in parts if p not in people.columns]
    if unknown:
        raise SpecError(
            f"attribute '{unknown[0]}' is not stored; choose one of "
            + ", ".join(c for c in people.columns if c not in ("row", "split"))
        )
    return people.select("row", group=cell_names(parts))


def _where(people: pl.DataFrame, condition: str) -> pl.DataFrame:
    for part in condition.split(", ") if condition else []:
        column, _, level = part.partition("=")
        people = people.filter(pl.col(column) == level)
    return people


def rows_with_groups(
    result: AuditResult, *, model: str, split: str, attribute: str
) -> pl.DataFrame:
    """Stored answers (row, y, label, score) of one model with the group of each row.

    Raises
    ------
    SpecError
        When the result stores no predictions, or no such attribute.
    """
    predictions = result.tables.get("predictions")
    if predictions is None:
        raise SpecError(
            "this result stores no predictions; run the audit again, in Python with keep_rows=True"
        )
    rows = predictions.filter((pl.col("model") == model) & (pl.col("split") == split))
    groups = members(result, attribute, split)
    return rows.join(groups, on="row", how="inner", maintain_order="left")


def rows_behind(
    result: AuditResult,
    *,
    model: str,
    split: str = "test",
    attribute: str,
    group: str,
    cell: CellName | None = None,
    threshold: Thresholds | None = None,
) -> pl.DataFrame:
    """The rows of a group, or of one of its four counts: row, y, label, score, group.

    With a threshold the label is what it would be there.
    """
    rows = rows_with_groups(result, model=model, split=split, attribute=attribute)
    rows = rows.filter(pl.col("group") == group)
    if threshold is not None:
        cut = threshold[group] if isinstance(threshold, Mapping) else threshold
        below = _low_selects(result, model)
        chosen = pl.col("score") <= cut if below else pl.col("score") >= cut
        rows = rows.with_columns(label=chosen.cast(pl.Float64))
    if cell is None:
        return rows
    truth, answer = _CELL[cell]
    return rows.filter((pl.col("y") == truth) & (pl.col("label") == answer))
