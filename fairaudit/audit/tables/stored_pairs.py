"""Held-out rows of a stored FairSDE result with the predictions of expert and baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.labels import cell_names
from fairaudit.stats.paired_differences import Answers, Evidence, Metric, evidence

UNKNOWN_GROUP = "(unknown)"


@dataclass(frozen=True)
class HeldRows:
    """Rows of one split with the answers of both models.

    Attributes
    ----------
    names : list of str
        Groups; the same for all splits.
    y, codes : (m,) outcome and group code (-1: unknown)
    expert, baseline : Answers
    clusters, weight : (m,) or None
    """

    names: list[str]
    y: NDArray[Any]
    codes: NDArray[np.int64]
    expert: Answers
    baseline: Answers
    clusters: NDArray[Any] | None
    weight: NDArray[np.float64] | None = None

    def take(self, index: NDArray[Any]) -> HeldRows:
        """Rows by mask or position."""
        pair = [
            Answers(a.label[index], None if a.score is None else a.score[index])
            for a in (self.expert, self.baseline)
        ]
        apart = (None if v is None else v[index] for v in (self.clusters, self.weight))
        return HeldRows(self.names, self.y[index], self.codes[index], pair[0], pair[1], *apart)

    def evidence(self, metric: Metric) -> Evidence:
        """Expert against baseline, by group.

        Raises
        ------
        SpecError
            When AUROC is requested for an outcome that is not 0 or 1.
        """
        if metric == "auroc" and not np.isin(self.y, (0.0, 1.0)).all():
            raise SpecError("metric 'auroc' needs a binary outcome; choose 'accuracy'")
        pair, apart = (self.expert, self.baseline), (self.clusters, self.weight)
        return evidence(self.y, *pair, self.codes, len(self.names), metric, *apart)


def held_rows(tables: Mapping[str, pl.DataFrame]) -> dict[str, HeldRows]:
    """Validation and test rows of a stored result.

    Raises
    ------
    InputError
        When the result is not one of FairSDE or holds no validation rows.
    """
    rows = _paired_rows(tables)
    names = sorted(set(rows["group"].unique()) - {UNKNOWN_GROUP})
    numbers = list(range(len(names)))
    rows = rows.with_columns(
        code=pl.col("group").replace_strict(names, numbers, default=-1, return_dtype=pl.Int64)
    )
    parts = {
        split: _held(rows.filter(pl.col("split") == split), names)
        for split in ("validation", "test")
    }
    if not len(parts["validation"].y):
        raise InputError("the result holds no validation rows; run the audit with some")
    return {split: part for split, part in parts.items() if len(part.y)}


def _held(rows: pl.DataFrame, names: list[str]) -> HeldRows:
    expert, baseline = (_answers(rows, prefix) for prefix in ("", "base_"))
    apart = rows["cluster"].rank("dense").to_numpy() if "cluster" in rows.columns else None
    weight = rows["weight"].to_numpy() if "weight" in rows.columns else None
    codes = rows["code"].to_numpy()
    return HeldRows(names, rows["y"].to_numpy(), codes, expert, baseline, apart, weight)


def _answers(rows: pl.DataFrame, prefix: str) -> Answers:
    column = rows[f"{prefix}score"]
    score = None if column.null_count() else column.to_numpy().astype(np.float64)
    return Answers(rows[f"{prefix}label"].to_numpy(), score)


def _paired_rows(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Held-out rows with the answers of both models and the group: one row per person."""
    predictions = _need(tables, "predictions").filter(pl.col("split") != "train")
    expert, baseline = (_of_model(predictions, name) for name in ("expert", "baseline"))
    pair = expert.join(
        baseline.select("row", base_label="label", base_score="score"), on="row"
    ).join(_groups(tables), on="row")
    people = tables.get("people")
    if people is not None and "cluster" in people.columns:
        pair = pair.join(people.select("row", "cluster"), on="row")
    return pair


def _of_model(predictions: pl.DataFrame, model: str) -> pl.DataFrame:
    rows = predictions.filter(pl.col("model") == model)
    if rows.is_empty():
        raise InputError(
            f"the result has no predictions of the model '{model}'; only audits of FairSDE can be "
            "decided again"
        )
    return rows.select("row", "split", "y", "label", "score")


def _need(tables: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame:
    if name not in tables:
        raise InputError(f"the result has no table '{name}'; run the audit again")
    return tables[name]


def _groups(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """row, group and weight where rows are weighted: as the audit stored them.

    Otherwise the intersection of all attributes of `people`.
    """
    if "selection_rows" in tables:
        return tables["selection_rows"].select(
            "row", "group", cs.by_name("weight", require_all=False)
        )
    people = _need(tables, "people")
    attributes = [c for c in people.columns if c not in ("row", "split", "cluster")]
    return people.select("row", group=cell_names(attributes))
