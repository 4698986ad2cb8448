"""The no-harm decision from stored rows: decided again at once, told in words, certified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods._paired import Answers, Evidence, Metric, evidence
from fairaudit.methods._verdicts import Rules, check_on, summary_of
from fairaudit.methods._verdicts import decide as decide_on
from fairaudit.methods.no_harm import NoHarmChoice, Objective

UNKNOWN_GROUP = "(unknown)"
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
    confidence: float | None = 0.95,
    tolerance: float = 0.0,
    metric: Metric = "accuracy",
) -> dict[str, pl.DataFrame]:
    """Choose again from the per-row answers of a stored result, without retraining.

    Parameters
    ----------
    tables : mapping
        `predictions` with the models "expert" and "baseline", and `selection_rows` (row, split,
        group) or `people`, as an audit of FairSDE stores them.
    objective, confidence, tolerance, metric
        As in `FairSDE`.

    Returns
    -------
    dict
        `selection` (validation and test rows of every group), `alternatives` (validation),
        `selection_gaps` (split; gap, worst group and mean before and after the choice).

    Raises
    ------
    InputError
        When the tables do not hold what is needed.
    SpecError
        When the metric does not fit the outcome.
    """
    rules = Rules(objective, confidence, tolerance)
    held = held_rows(tables)
    found = {split: rows.evidence(metric) for split, rows in held.items()}
    names = held["validation"].names
    choice, table = decide_on(found["validation"], names, rules)
    later = [check_on("test", found["test"], names, rules, choice)] if "test" in found else []
    return {
        "selection": pl.concat([table, *later]),
        "alternatives": alternatives(choice, names),
        "selection_gaps": pl.DataFrame(
            [{"split": split, **summary_of(choice, part)} for split, part in found.items()]
        ),
    }


def alternatives(choice: NoHarmChoice, names: list[str]) -> pl.DataFrame:
    """The choices that were possible on validation rows (columns `ALTERNATIVES`), best first."""
    table = choice.table_of_choices(names, infeasible=len(names) <= _INFEASIBLE)
    keep = pl.col("chosen") | (pl.col("experts") == "") | (pl.col("id") < _LISTED)
    return table.filter(keep).with_columns(split=pl.lit("validation")).cast(ALTERNATIVES)


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
        """Expert against baseline, by group."""
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
    found = {
        split: _held(rows.filter(pl.col("split") == split), names)
        for split in ("validation", "test")
    }
    if not len(found["validation"].y):
        raise InputError("the result holds no validation rows; run the audit with some")
    return {split: part for split, part in found.items() if len(part.y)}


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
    """Held-out rows with the answers of both models and the group: one row a person."""
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
    found = predictions.filter(pl.col("model") == model)
    if found.is_empty():
        raise InputError(
            f"the result holds no answers of the model '{model}'; only audits of FairSDE can be "
            "decided again"
        )
    return found.select("row", "split", "y", "label", "score")


def _need(tables: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame:
    if name not in tables:
        raise InputError(f"the result has no table '{name}'; run the audit again")
    return tables[name]


def _groups(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """row, group and weight where rows are weighted: as the audit stored them.

    Else the crossing of all attributes of `people`.
    """
    if "selection_rows" in tables:
        return tables["selection_rows"].select(
            "row", "group", cs.by_name("weight", require_all=False)
        )
    people = _need(tables, "people")
    attributes = [c for c in people.columns if c not in ("row", "split", "cluster")]
    return people.select("row", group=pl.concat_str(attributes, separator=" × "))


def warnings(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """What a reader of the decision must know, in sentences.

    Says when the choice widens the gap (on validation or on test rows), when a group is harmed
    on test rows beyond its bound, and which groups cannot be judged.
    """
    selection, gaps = tables["selection"], tables["selection_gaps"]
    rate = selection["metric"][0] != "neg_mse" if len(selection) else True
    said = [_widened(row, rate) for row in gaps.iter_rows(named=True)]
    harmed = selection.filter(verdict="harmed")["group"].to_list()
    if harmed:
        said.append(f"On test rows the expert does worse than the baseline for {_listed(harmed)}.")
    mute = selection.filter(split="validation", verdict="cannot be judged")["group"].to_list()
    if mute:
        said.append(f"Kept on the baseline because they cannot be judged: {_listed(mute)}.")
    return [sentence for sentence in said if sentence]


def _widened(row: Mapping[str, Any], rate: bool) -> str:
    before, after = row["gap_before"], row["gap_after"]
    if before is None or after <= before + 1e-12:
        return ""
    size = [f"{100 * v:.1f} points" if rate else f"{v:.4g}" for v in (before, after)]
    return f"On {row['split']} rows the choice widens the gap from {size[0]} to {size[1]}."


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
