"""The no-harm decision from stored rows: recomputed at once, explained in words, certified."""

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
from fairaudit.stats.estimates import UNJUDGED
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
    objective: Objective = "min_gap",
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
        mean before and after the choice; behind them the ends of their intervals, null for
        the gap where fewer than two groups count).

    Raises
    ------
    InputError
        When the tables do not hold what is needed.
    SpecError
        When the metric does not fit the outcome.
    """
    rules = ChoiceRules(objective, no_harm, confidence, tolerance)
    held = held_rows(tables)
    found = {split: rows.evidence(metric) for split, rows in held.items()}
    pairs = {split: pair_of(rows, metric, confidence=confidence) for split, rows in held.items()}
    names = held["validation"].names
    choice, table = decide_on(found["validation"], names, rules)
    later = [check_on("test", found["test"], names, rules, choice)] if "test" in found else []
    told = [
        part.with_columns(**_systems(pairs[split], found[split]))
        for split, part in zip(found, (table, *later), strict=True)
    ]
    return {
        "selection": pl.concat(told),
        "alternatives": alternatives(choice, names),
        "selection_gaps": _gaps(pairs, found, choice),
    }


def _systems(pair: Pair, found: Evidence) -> dict[str, pl.Series]:
    return {name: pl.Series(v).fill_nan(None) for name, v in of_systems(pair, found).items()}


def _gaps(
    pairs: Mapping[str, Pair], found: Mapping[str, Evidence], choice: NoHarmChoice
) -> pl.DataFrame:
    rows = [
        {**summary_of(choice.use_expert, part), **of_choice(pairs[split], part, choice.use_expert)}
        for split, part in found.items()
    ]
    schema = dict.fromkeys(rows[0], pl.Float64)
    numbers = pl.DataFrame(rows, schema=schema).with_columns(pl.all().fill_nan(None))
    return numbers.select(pl.Series("split", list(found)), pl.all())


def alternatives(choice: NoHarmChoice, names: list[str]) -> pl.DataFrame:
    """The choices that were possible on validation rows (columns `ALTERNATIVES`), best first."""
    table = choice.table_of_choices(names, infeasible=len(names) <= _INFEASIBLE)
    keep = pl.col("chosen") | (pl.col("experts") == "") | (pl.col("id") < _LISTED)
    return table.filter(keep).with_columns(split=pl.lit("validation")).cast(ALTERNATIVES)


def warnings(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """What a reader of the decision must know, in sentences.

    Says when the choice widens the gap (on validation or on test rows), when a group is harmed
    on test rows beyond its bound, and which groups cannot be judged.
    """
    selection, gaps = tables["selection"], tables["selection_gaps"]
    rate = selection["metric"][0] not in ("neg_mse", "auroc") if len(selection) else True
    said = [_widened(row, rate) for row in gaps.iter_rows(named=True)]
    harmed = selection.filter(verdict="harmed")["group"].to_list()
    if harmed:
        said.append(f"On test rows the expert does worse than the baseline for {_listed(harmed)}.")
    mute = selection.filter(split="validation", verdict=UNJUDGED)["group"].to_list()
    if mute:
        said.append(f"Kept on the baseline because they cannot be judged: {_listed(mute)}.")
    return [sentence for sentence in said if sentence]


def _widened(row: Mapping[str, Any], rate: bool) -> str:
    before, after = row["gap_before"], row["gap_after"]
    if before is None or after <= before + 1e-12:
        return ""
    spans = [_sized(row, f"gap_{when}", rate) for when in ("before", "after")]
    return f"On {row['split']} rows the choice widens the gap from {spans[0]} to {spans[1]}."


def _sized(row: Mapping[str, Any], name: str, rate: bool) -> str:
    """A gap with its interval, where the result holds one."""
    factor, form, unit = (100, ".1f", " points") if rate else (1, ".4g", "")
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    said = f"{factor * row[name]:{form}}{unit}"
    if low is None or high is None:
        return said
    return f"{said} ({factor * low:{form}} to {factor * high:{form}})"


def _listed(groups: list[str]) -> str:
    return ", ".join(f"'{g}'" for g in groups)


def certificates(tables: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """For each group what a reader needs to check the decision by hand, as JSON values.

    Each entry holds the group, the choice, a paragraph in words, and for every split the number
    of rows, the paired two-by-two table, the difference with its bounds and their level; the
    alternatives that were better in some respect are counted once for all.
    """
    selection, choices = tables["selection"], tables["alternatives"]
    return [
        _certificate(group, selection.filter(group=group), choices)
        for group in selection.filter(split="validation")["group"].to_list()
    ]


def _certificate(group: str, rows: pl.DataFrame, choices: pl.DataFrame) -> dict[str, Any]:
    splits = {row["split"]: _facts(row) for row in rows.iter_rows(named=True)}
    decided = rows.filter(split="validation").row(0, named=True)
    test = rows.filter(split="test")
    said = [f"Group '{group}': {decided['reason']}"]
    said += [f"On test rows: {reason}" for reason in test["reason"].to_list()]
    chosen = choices.filter("chosen").to_dicts()
    return {
        "group": group,
        "chosen": decided["chosen"],
        "verdict": decided["verdict"],
        "words": " ".join([*said, _table_in_words(decided)]).strip(),
        "splits": splits,
        "alternatives": {
            "listed": len(choices),
            "feasible": int(choices["feasible"].sum()),
            "chosen": chosen[0] if chosen else None,
            "none": next(iter(choices.filter(pl.col("experts") == "").to_dicts()), None),
        },
    }


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    table = {k: row[k] for k in ("both_right", "expert_only", "baseline_only", "neither")}
    names = ("metric", "n", "baseline", "expert", "difference", "lower", "upper", "p", "level")
    facts = {name: row[name] for name in names}
    facts |= {name: row[name] for name in ENDS if name in row}
    return {**facts, "paired_table": None if table["neither"] is None else table}


def _table_in_words(row: Mapping[str, Any]) -> str:
    if row["both_right"] is None or row["metric"] != "accuracy":
        return ""
    plain = (row["expert_only"] - row["baseline_only"]) / max(row["n"], 1)
    if row["difference"] is not None and abs(plain - row["difference"]) > 1e-9:
        return (
            f"Rows are weighted: counted one by one, the difference would be ({row['expert_only']}"
            f" − {row['baseline_only']}) / {row['n']} = {100 * plain:+.1f} points."
        )
    return (
        f"By hand: ({row['expert_only']} − {row['baseline_only']}) / {row['n']} rows is the "
        f"difference; {row['both_right']} rows are right in both and {row['neither']} in neither."
    )
