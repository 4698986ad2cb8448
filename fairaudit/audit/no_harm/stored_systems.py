"""The choice between systems of a stored audit: its held-out rows, its groups, its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fairaudit.audit.no_harm.choose_between import SystemChoice, choose_systems
from fairaudit.audit.no_harm.system_rows import SystemRows
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.group_codes import Grouping, cross, encode
from fairaudit.inputs.options import check_choice
from fairaudit.methods.best_choice import OBJECTIVES, Objective
from fairaudit.methods.no_harm_table import ChoiceRules
from fairaudit.stats.paired_differences import METRICS, Answers, Metric

_APART = ("row", "split", "cluster")
SEED = 0  # of the split into rows that decide and rows that check


@dataclass(frozen=True)
class SystemsRequest:
    """Which systems of an audit are compared, for whom, and by what rules.

    Attributes
    ----------
    baseline : the system in use
    candidates : the systems that may take its place
    attributes : declared attributes whose intersections are the groups
    metric, objective, confidence, tolerance, check : as in `choose_between`
    """

    baseline: str
    candidates: tuple[str, ...]
    attributes: tuple[str, ...]
    metric: Metric = "accuracy"
    objective: Objective = "max_min"
    confidence: float = 0.95
    tolerance: float = 0.0
    check: float = 0.5

    def __post_init__(self) -> None:
        check_choice(self.metric, "metric", METRICS)
        check_choice(self.objective, "objective", OBJECTIVES)
        if not self.candidates or self.baseline in self.candidates:
            raise SpecError("candidates: name at least one system other than the baseline")
        if len(set(self.candidates)) < len(self.candidates):
            raise SpecError("candidates: a system is named twice; name each once")
        if not self.attributes:
            raise SpecError("groups: name at least one attribute whose groups must not be harmed")


def systems_of(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Systems that can be compared: those whose answers the audit has stored with outcomes."""
    table = tables.get("predictions")
    if table is None or "people" not in tables or table["y"].null_count() == len(table):
        return []
    return table["model"].unique(maintain_order=True).to_list()


def usual_baseline(systems: Sequence[str], method: str) -> str:
    """The system in use: the first one that is not the method that the audit trained."""
    others = [name for name in systems if not method or not name.startswith(method)]
    return next((name for name in (*others, *systems)), "")


def attributes_of(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """The declared attributes of the people of an audit."""
    people = tables.get("people")
    return [] if people is None else [c for c in people.columns if c not in _APART]


def choose_stored(
    tables: Mapping[str, pl.DataFrame], request: SystemsRequest, *, task: str, seed: int = SEED
) -> SystemChoice:
    """Choose between systems of a stored audit on its held-out rows with a known outcome.

    Parameters
    ----------
    tables : `predictions`, `people` and perhaps `row_weights`, as audits store them
    request : SystemsRequest
    task : "binary", "multiclass" or "regression"
    seed : of the split into rows that decide and rows that check

    Raises
    ------
    InputError
        When the audit stored no answers, or no row has outcome and answers of all systems.
    SpecError
        When a system or attribute is not one of the audit's, or the metric does not fit.
    """
    rules = ChoiceRules(
        request.objective, request.confidence, request.confidence, request.tolerance
    )
    _check_fit(request.metric, task)
    rows = stored_rows(tables, request)
    if request.metric == "auroc":
        _check_scores(rows)
    return choose_systems(rows, request.metric, rules, check=request.check, seed=seed)


def _check_fit(metric: Metric, task: str) -> None:
    fits = {"auroc": ("binary",), "neg_mse": ("regression",)}.get(metric, ("binary", "multiclass"))
    if task not in fits:
        raise SpecError(
            f"metric '{metric}' does not fit a {task} outcome; choose "
            f"{'neg_mse' if task == 'regression' else 'accuracy'}"
        )


def _check_scores(rows: SystemRows) -> None:
    for name, answers in rows.systems.items():
        if answers.score is None:
            raise SpecError(f"metric 'auroc' needs scores, and '{name}' has none; use 'accuracy'")


def stored_rows(tables: Mapping[str, pl.DataFrame], request: SystemsRequest) -> SystemRows:
    """The held-out rows with the answers of all systems asked for."""
    _check_names(tables, request)
    names = (request.baseline, *request.candidates)
    wide = _wide(tables["predictions"], names).join(tables["people"].drop("split"), on="row")
    if "row_weights" in tables:
        wide = wide.join(tables["row_weights"], on="row")
    if wide.is_empty():
        raise InputError(
            "no held-out row has a known outcome and the answers of all these systems; choose "
            "systems that judged the same rows"
        )
    attributes = [Grouping(a, *encode(wide[a], a)) for a in request.attributes]
    return SystemRows(
        wide["y"].to_numpy(),
        {name: _answers(wide, i) for i, name in enumerate(names)},
        cross(attributes) if len(attributes) > 1 else attributes[0],
        attributes,
        wide["cluster"].rank("dense").cast(pl.Int64).to_numpy() - 1
        if "cluster" in wide.columns
        else None,
        wide["weight"].to_numpy() if "weight" in wide.columns else None,
    )


def _check_names(tables: Mapping[str, pl.DataFrame], request: SystemsRequest) -> None:
    known = systems_of(tables)
    if not known:
        raise InputError(
            "the audit stored no answers with outcomes; a choice needs an outcome and the "
            "decisions of two systems or more"
        )
    for name in (request.baseline, *request.candidates):
        check_choice(name, "system", known)
    for name in request.attributes:
        check_choice(name, "attribute", attributes_of(tables))


def _wide(predictions: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """A row for each person: y, then label and score of each system by its number."""
    last = "all" if "all" in predictions["split"].unique() else "test"
    rows = predictions.filter(pl.col("split") == last, pl.col("y").is_not_null())
    wide = rows.filter(pl.col("model") == names[0]).select("row", "y")
    for i, name in enumerate(names):
        numbered = {c: f"{c} {i}" for c in ("label", "score")}
        own = rows.filter(pl.col("model") == name).select("row", *numbered).rename(numbered)
        wide = wide.join(own.drop_nulls(f"label {i}"), on="row", maintain_order="left")
    return wide


def _answers(wide: pl.DataFrame, number: int) -> Answers:
    score = wide[f"score {number}"]
    known = None if score.null_count() else score.to_numpy().astype(np.float64)
    return Answers(wide[f"label {number}"].to_numpy(), known)
