"""The no-harm decision from stored rows: recomputed at once, with its certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.audit.no_harm.choice_intervals import ENDS, Pair, of_choice, of_systems, pair_of
from fairaudit.audit.tables.stored_pairs import held_rows
from fairaudit.methods.best_choice import Objective
from fairaudit.methods.no_harm import NoHarmChoice
from fairaudit.methods.no_harm_table import ChoiceRules, check_on, summary_of
from fairaudit.methods.no_harm_table import decide as decide_on
from fairaudit.stats.paired_differences import Evidence, Metric

ALTERNATIVES = pl.Schema(
    {
        "id": pl.Int64,
        "experts": pl.String,
        "gap": pl.Float64,
        "worst": pl.Float64,
        "mean": pl.Float64,
        "feasible": pl.Boolean,
        "chosen": pl.Boolean,
        "split": pl.String,
    }
)
_LISTED = 4096  # alternatives that are worth a point on a chart
_INFEASIBLE = 10  # groups up to which forbidden choices are listed as well


def decide(
    tables: Mapping[str, pl.DataFrame],
    *,
    objective: Objective = "max_min",
    no_harm: float | None,
    confidence: float,
    tolerance: float = 0.0,
    metric: Metric = "accuracy",
) -> dict[str, pl.DataFrame]:
    """Choose again from the per-row answers of a stored result, without retraining.

    Parameters
    ----------
    tables : mapping
        `predictions` with the models "expert" and "baseline", and `selection_rows` (row, split,
        group) or `people`, as an audit of FairSDE stores them.
    objective, tolerance, metric
        As in `FairSDE`.
    no_harm : float or None
        Confidence of the bound that decides: FairSDE's own `confidence`.
    confidence : float
        Of all intervals that are shown: the audit's.

    Returns
    -------
    dict
        `selection` (validation and test rows of every group; baseline and expert with
        intervals), `alternatives` (validation), `selection_gaps` (split; gap, worst group and
        mean before and after the choice; behind them the limits of their intervals, null for
        the gap where fewer than two groups count).

    Raises
    ------
    InputError
        When the tables do not hold what is needed.
    SpecError
        When the metric does not fit the outcome.
    """
    rules = ChoiceRules(objective, no_harm, confidence, tolerance)
    rows = held_rows(tables)
    evidence = {split: part.evidence(metric) for split, part in rows.items()}
    pairs = {split: pair_of(part, metric, confidence=confidence) for split, part in rows.items()}
    names = rows["validation"].names
    choice, table = decide_on(evidence["validation"], names, rules)
    selection = {"validation": table}
    if "test" in evidence:
        selection["test"] = check_on("test", evidence["test"], names, rules, choice)
    return {
        "selection": pl.concat(
            part.with_columns(**_systems(pairs[split], evidence[split]))
            for split, part in selection.items()
        ),
        "alternatives": alternatives(choice, names),
        "selection_gaps": _gaps(pairs, evidence, choice),
    }


def _systems(pair: Pair, evidence: Evidence) -> dict[str, pl.Series]:
    """The intervals of baseline and expert by group."""
    return {name: pl.Series(v).fill_nan(None) for name, v in of_systems(pair, evidence).items()}


def _gaps(
    pairs: Mapping[str, Pair], evidence: Mapping[str, Evidence], choice: NoHarmChoice
) -> pl.DataFrame:
    rows = [
        {**summary_of(choice.use_expert, part), **of_choice(pairs[split], part, choice.use_expert)}
        for split, part in evidence.items()
    ]
    schema = dict.fromkeys(rows[0], pl.Float64)
    numbers = pl.DataFrame(rows, schema=schema).with_columns(pl.all().fill_nan(None))
    return numbers.select(pl.Series("split", list(evidence)), pl.all())


def alternatives(choice: NoHarmChoice, names: list[str]) -> pl.DataFrame:
    """The choices that were possible on validation rows (columns `ALTERNATIVES`), best first."""
    table = choice.table_of_choices(names, infeasible=len(names) <= _INFEASIBLE)
    keep = pl.col("chosen") | (pl.col("experts") == "") | (pl.col("id") < _LISTED)
    return table.filter(keep).with_columns(split=pl.lit("validation")).cast(ALTERNATIVES)


def certificates(tables: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """For each group what a reader needs to check the decision by hand, as JSON values.

    Each entry holds the group, the choice, its reason, and for every split the number
    of rows, the paired two-by-two table, the difference with its bounds and their level; the
    alternatives that were better in some respect are counted once for all, where they are shown.
    """
    selection, choices = tables["selection"], tables.get("alternatives")
    return [
        _certificate(group, selection.filter(group=group), choices)
        for group in selection.filter(split="validation")["group"].to_list()
    ]


def _certificate(group: str, rows: pl.DataFrame, choices: pl.DataFrame | None) -> dict[str, Any]:
    splits = {row["split"]: _facts(row) for row in rows.iter_rows(named=True)}
    decided = rows.filter(split="validation").row(0, named=True)
    names = ("chosen", "verdict", "reason")
    facts = {"group": group, **{name: decided[name] for name in names}, "splits": splits}
    return facts if choices is None else {**facts, "alternatives": _counted(choices)}


def _counted(choices: pl.DataFrame) -> dict[str, Any]:
    """How many choices were possible, the chosen one, and that of no expert at all."""
    chosen = choices.filter("chosen").to_dicts()
    return {
        "listed": len(choices),
        "feasible": int(choices["feasible"].sum()),
        "chosen": chosen[0] if chosen else None,
        "none": next(iter(choices.filter(pl.col("experts") == "").to_dicts()), None),
    }


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    table = {k: row[k] for k in ("both_right", "expert_only", "baseline_only", "neither")}
    names = ("metric", "n", "baseline", "expert", "difference", "lower", "upper", "p", "level")
    facts = {name: row[name] for name in names}
    facts |= {name: row[name] for name in ENDS if name in row}
    return {**facts, "paired_table": None if table["neither"] is None else table}
