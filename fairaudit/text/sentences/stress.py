"""Sentences about stress tests, and how each of them was made."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.text import numbers, table_rows
from fairaudit.text.metric_words import in_sentence, title
from fairaudit.text.sentences.phrases import estimate, joined, value
from fairaudit.text.voice import Voice, level_words, no_harm_of, voice_of


def stress_lead(result: AuditResult) -> str:
    """The finding of the first stress test there is: shifts, probes, or the group not known."""
    tables = table_rows.stress_tables(result.tables)
    if "stress_shift" in tables:
        repeats = int((result.summary.get("stress") or {}).get("repeats", 1))
        return shift_lead(tables["stress_shift"], repeats)
    if "probes" in tables:
        return probes_lead(tables["probes"])
    if "flips" in tables:
        return flips_lead(tables["flips"], voice_of(result))
    if result.summary.get("guessed_groups"):
        return guessed_lead(result)
    if "stress_objectives" in tables:
        metric = str(tables["stress_objectives"]["metric"].item(0))
        return f"Stress tests of {in_sentence(metric)}."
    return "Run time of the choice." if "stress_time" in tables else "No stress tests were run."


def shift_lead(table: pl.DataFrame, repeats: int) -> str:
    """How often a group is harmed when validation rows shift, with the bound and without."""
    found = table_rows.harmed_shares(table)
    rules = {rule: words for rule, words in table_rows.RULES.items() if rule in found}
    metric, groups = str(table["metric"].item(0)), table["group"].n_unique()
    draws = next((settings for _, _, settings in found.values()), 0) * repeats
    who = f"the validation rows of one of {groups} groups" if groups > 1 else "validation rows"
    harmed = [f"{words} in **{found[rule][0]:.1%}**" for rule, words in rules.items()]
    losses = [f"{numbers.points(found[rule][1], metric)} {words}" for rule, words in rules.items()]
    return (
        f"When {who} go missing or change their mix, a choice made from them leaves some group "
        f"worse off on test rows: {', '.join(harmed)} of {draws:,} draws each. On average the "
        f"worst-off group then loses {' and '.join(losses)}."
    )


def probes_lead(table: pl.DataFrame) -> str:
    """How high a column that only knows the cluster climbs in each model."""
    count, names = int(table["features"].item(0)), table["feature"].n_unique()
    places = [
        f"**{ordinal(rank)}** in {model}" for model, rank in table_rows.best_ranks(table).items()
    ]
    return (
        f"Of {names} columns that only know each cluster's rate of positive outcomes, the best "
        f"placed ranks {numbers.listed(places)}, among {count} features. The lower they rank, the "
        "less a model relies on which cluster a row comes from."
    )


def flips_lead(table: pl.DataFrame, voice: Voice) -> str:
    """Which sensitive column, changed alone, changes most predictions of the audited model."""
    model, measure = table["model"].item(0), table_rows.flip_measures(table)[0]
    own = table.filter((pl.col("model") == model) & (pl.col("measure") == measure))
    rows = own.filter(pl.col("value").is_not_null()).sort("value", "attribute", descending=True)
    if rows.is_empty() or not rows["value"].item(0):
        return f"No prediction of {model} changes when a sensitive column alone is changed."
    row, metric = rows.row(0, named=True), f"flip_{measure}"
    what = {
        "label": "decides otherwise for",
        "score": "moves its probability by",
        "value": "moves its number by",
    }[measure]
    rest = [
        f"{r['attribute']} {numbers.value(r['value'], metric)}"
        for r in rows.tail(-1).iter_rows(named=True)
    ]
    tail = f"; the other columns: {', '.join(rest)}" if rest else ""
    return (
        f"With another value in **{row['attribute']}** and nothing else changed, {model} {what} "
        f"{estimate(row, metric, voice)}{tail}."
    )


def flip_measure(measure: str) -> str:
    """What moves when a column is changed, as a control names it."""
    return title(f"flip_{measure}")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"


def guessed_lead(result: AuditResult) -> str:
    """What it costs when the model is not told the group and has to guess it."""
    share, voice = result.summary["guessed_groups"], voice_of(result)
    metric = "mse" if result.summary.get("task") == "regression" else "accuracy"
    known, guessed = (_overall(result, m, metric) for m in table_rows.told_and_guessed(result))
    limits = (share.get("right_low"), share.get("right_high"))
    right = value(share["right"], *limits, "accuracy", voice, mark="**")
    return joined(
        [
            f"Where the group is not given, the model guesses it correctly for {right} of the "
            "test rows.",
            f"Its {in_sentence(metric)} is then {guessed}, against {known} with the group known.",
        ]
    )


def _overall(result: AuditResult, model: str, metric: str) -> str:
    """A model's value over all test rows, with its interval."""
    view = {"model": model, "attribute": OVERALL, "metric": metric, "split": "test"}
    rows = result.errors.filter(**view)
    return "not known" if rows.is_empty() else estimate(rows.row(0, named=True), metric)


# -- how they were made --------------------------------------------------------------------------


def how(view: str, result: AuditResult) -> str:
    """How a stress test was made, in words: the same on the screen and in a report."""
    no_harm, percent = no_harm_of(result), voice_of(result).percent
    bound = percent if no_harm is None else level_words(no_harm)
    return _HOW[view].format(percent=percent, bound=bound)


_HOW: Mapping[str, str] = {
    "Shift": "One group's validation rows are shifted, the choice is made again from them, and "
    "the *unshifted* test rows say what it does. Either a share of the group's rows is left out, "
    "or its rows are drawn with replacement so that its more common outcome (or the upper half of "
    "its values) becomes rarer. The curve is the mean loss of the worst-off group against its "
    "baseline over the draws; its lines hold nine draws of ten. Below zero every group gained. "
    "*Worse off* means by any amount, so small groups are worse off by chance now and then; "
    "*Significantly worse off* in the table counts only losses beyond the paired {bound} "
    "bound over all groups. The models are not trained again.",
    "Wrong groups": "The choice stays as it is; only the group given to the model is wrong, "
    "for a share of the test rows drawn evenly. The mean over all such errors is "
    "exact, not drawn; the lines are {percent} t intervals over the group's rows, or clusters "
    "where there are any, and groups of fewer than 20 rows have none. Above zero a group still "
    "does better than under the baseline. The lowest groups are drawn, the table holds all.",
    "Ablation": "The method is trained with each of its three representation losses on and off, "
    "and from each training the experts are taken always, or chosen by each objective at the "
    "method's no-harm confidence. A hollow mark harms at least one group on test rows beyond its "
    "bound. The lines are {percent} intervals over the test rows (or clusters), as on the Errors "
    "page. Each training was done once, with the same seed: what another seed would change is not "
    "in them.",
    "Objectives": "The same trained models, chosen by every objective: `min_gap` seeks the "
    "smallest gap that harms no group, `max_min` gives each group its better model, `max_mean` "
    "the best average with no wider gap. With the bound an expert must be shown to be no worse at "
    "{bound} over all groups together; on point estimates it must only look no worse, as in "
    "the paper. The grey line is the baseline. The lines are {percent} intervals over the rows "
    "shown (or their clusters), as on the Errors page; all objectives see the same rows, so "
    "overlap does not mean that they are equal.",
    "Time": "Invented performances of 2 to 64 groups, the median of three choices, on the "
    "machine that ran the audit. The algorithm is exact and takes G² steps.",
    "Flips": "Every test row is predicted again with each other value of one sensitive column; "
    "all other columns stay as they are, so that no cause is modelled and what would change along "
    "with the column does not. That makes it a lower bound of how much a model relies on an "
    "attribute: a model that never sees the column changes no prediction and may still be unfair. "
    "Intervals are over rows, or over clusters where there are any.",
    "Group not known": "The same model predicts the same test rows twice: with their group, and "
    "with the group its discriminator guesses from the features. This is what happens where the "
    "sensitive attribute is missing. Intervals as on the Errors page.",
    "Probes": "Five columns that only know the rate of positive outcomes of a row's cluster (r, "
    "r², 1/r, cos r, sin r, each with a little noise) are added, both models are trained again, "
    "and all features are ranked by how much they change the predictions. A model that separates "
    "clusters from what holds everywhere has no use for them.",
}
FORMULAS: Mapping[str, str] = {
    "Shift": r"\text{loss} = \max_g \left( \text{baseline}_g - \text{chosen}_g \right)"
    r"\text{ on test rows}",
    "Flips": r"\frac{1}{n} \sum_i \frac{1}{L - 1} \sum_{s' \neq s_i} "
    r"\left| f(x_i, s_i) - f(x_i, s') \right|",
}
