"""The sentences that hold the numbers, the same on a screen and in a report.

`**…**` marks what stands out; names from data are put in as they are and escaped where shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import CROSS, OVERALL
from fairaudit.text import numbers, row_sentences, table_rows
from fairaudit.text.model_front import over_seeds
from fairaudit.text.ordering import natural

Row = Mapping[str, Any]
_RANGE = re.compile(r"[≤≥-]?\s*\d")
SPLITS: Mapping[str, str] = {
    "test": "On test rows",
    "validation": "On validation rows",
    "all": "Over all rows",
}


def on(split: str) -> str:
    """ "On test rows", "Over all rows"."""
    return SPLITS.get(split, f"On {split} rows")


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b and c`; beyond `most`, `a, b, c and 7 more`."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def measured(row: Row, metric: str) -> str:
    """`**76.5%** (65.1% to 85.0%, 106 rows)`."""
    span = numbers.interval(row["low"], row["high"], metric)
    inside = ", ".join(part for part in (span, numbers.rows(row["n"])) if part)
    return f"**{numbers.value(row['value'], metric)}** ({inside})"


# -- errors -------------------------------------------------------------------------------------


def errors_lead(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> str:
    """Worst and best group with their intervals, everybody, and what the gap is."""
    table = table_rows.errors_of(
        result, attribute=attribute, metric=metric, split=split, models=[model]
    )
    judged = table.filter(pl.col("value").is_not_null())
    name = _lower(numbers.title(metric))
    if judged.is_empty():
        return (
            f"{on(split)}, no group of {attribute} has enough rows to judge the {name} of {model}."
        )
    firm = table_rows.stable(judged)
    worst, best = firm.row(0, named=True), firm.row(-1, named=True)
    if judged.height == 1:
        who = called(worst["group"], attribute)
        only = f"the {name} of {model} for {who} is {measured(worst, metric)}"
        return f"{on(split)}, {only}."
    if worst["value"] == best["value"]:
        same = f"all {firm.height} groups of {attribute} have the same {name} of {model}"
        told = f"{on(split)}, {same}: **{numbers.value(worst['value'], metric)}**."
        return f"{told} {_left_out(table, judged, firm)}".strip()
    lead = (
        f"{on(split)}, {called(worst['group'], attribute)} has the {_end(metric)} {name} of "
        f"{model}: {measured(worst, metric)}, against {measured(best, metric)} for "
        f"{called(best['group'], attribute)}."
    )
    gap = gap_of(result, attribute=attribute, metric=metric, model=model, split=split)
    times = _times(result, attribute, metric, model, split, worst["group"])
    more = [lead, _gap(gap, metric), times, _left_out(table, judged, firm)]
    return " ".join(part for part in more if part)


def called(group: str, attribute: str) -> str:
    """The group in a sentence: a bare number or range says of what ("age ≤ 37")."""
    bare = _RANGE.match(group) and CROSS not in attribute
    return f"{attribute} {group}" if bare else group


def _end(metric: str) -> str:
    if numbers.base(metric) == "mean_error":
        return "most one-sided"
    return "highest" if numbers.lower_is_better(metric) else "lowest"


def _lower(title: str) -> str:
    return title if title[:2].isupper() or title[:2] == "R²" else title[:1].lower() + title[1:]


def gap_of(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> Row | None:
    """The row of `gaps` with the largest difference between an attribute's groups."""
    found = result.gaps.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
        & pl.col("kind").is_in(["difference_stable", "difference"])
        & pl.col("value").is_not_null()
    ).sort("kind", descending=True)  # the gap between groups with enough rows, where there is one
    return None if found.is_empty() else found.row(0, named=True)


def _gap(row: Row | None, metric: str) -> str:
    if row is None:
        return ""
    words = f"The gap is {numbers.points(row['value'], metric)}"
    if row["low"] is None or row["high"] is None:
        return f"{words}."
    words += f" ({numbers.points_interval(row['low'], row['high'], metric)})"
    if row["corrected"] is not None and numbers.is_rate(metric):
        words += f"; {numbers.points(row['corrected'], metric)} once chance is taken off"
    return f"{words}."


def _times(
    result: AuditResult, attribute: str, metric: str, model: str, split: str, group: str
) -> str:
    """How many times as often the wrong thing happens to a group as to the largest one."""
    pairs = result.tables.get("pairs")
    if pairs is None:
        return ""
    told = {"tpr": "fnr", "tnr": "fpr"}.get(metric, metric)
    found = pairs.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == told)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
        & (pl.col("group") == group)
        & pl.col("ratio").is_not_null()
    )
    if found.is_empty():
        return ""
    row = found.row(0, named=True)
    called_ = {name: called(row[name], attribute) for name in ("group", "reference")}
    said = row_sentences.times_sentence({**row, **called_})
    return said[:1].upper() + said[1:]


def _left_out(table: pl.DataFrame, judged: pl.DataFrame, firm: pl.DataFrame) -> str:
    counts = (
        (judged.height - firm.height, "with few rows {is_} left aside"),
        (table.height - judged.height, "cannot be judged"),
    )
    return " ".join(
        f"{n} group{'s' if n > 1 else ''} {text.format(is_='are' if n > 1 else 'is')}."
        for n, text in counts
        if n
    )


def gap_words(row: Row) -> str:
    """A difference in words with its interval."""
    metric = str(row["metric"])
    lead = (
        f"{numbers.title(metric)} of {row['model']} differs by "
        f"**{numbers.points(row['value'], metric)}** between the groups of {row['attribute']}"
    )
    if row["low"] is None or row["high"] is None:
        return f"{lead}."
    return f"{lead} ({numbers.points_interval(row['low'], row['high'], metric)})."


# -- latent groups ------------------------------------------------------------------------------


def groups_lead(groups: pl.DataFrame) -> str:
    """How many groups, the smallest and its rule."""
    by_size = groups.sort("share")
    small, large = by_size.row(0, named=True), by_size.row(-1, named=True)
    words = f"**{groups.height} latent groups** hold from {small['share']:.0%} to "
    words += f"{large['share']:.0%} of the rows. The smallest, {small['group']}"
    if small.get("rule"):
        words += f", is best described by: {small['rule']}"
        if small.get("fidelity"):
            words += f" (the rule holds at {small['fidelity']:.2f}: 0.5 is a coin, 1 is perfect)"
    return f"{words}."


def tests_lead(tests: pl.DataFrame) -> str:
    """Which latent groups differ from the rest on held-out rows, many looks accounted for."""
    shown = tests.filter(pl.col("p_adjusted").is_not_null())
    if shown.is_empty():
        return "No latent group could be tested on held-out rows."
    sure = shown.filter(pl.col("p_adjusted") < 0.05)
    looks = shown.height
    if sure.is_empty():
        return f"After {looks} looks, no latent group differs from the rest on held-out rows."
    row = sure.sort("p_adjusted").row(0, named=True)
    metric = str(row["metric"])
    return (
        f"After {looks} looks, {sure.height} still differ from the rest; most clearly "
        f"{row['group']}: {_lower(numbers.title(metric))} "
        f"**{numbers.points(row['difference'], metric, signed=True)}** "
        f"({numbers.points_interval(row['low'], row['high'], metric)}, adjusted p "
        f"{row['p_adjusted']:.2g})."
    )


def findings(result: AuditResult) -> list[str]:
    """What the search for groups in which an existing system errs has found, by system."""
    told = result.summary.get("latent_findings") or {}
    return [f"**{system}**: {sentence}" for system, said in told.items() for sentence in said]


def limits(result: AuditResult, *, attribute: str, metric: str, model: str, split: str) -> str:
    """Which gap could not have been seen, and how far the gap's interval can be relied on."""
    asked = (
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    )
    said = []
    if (table := result.tables.get("detectable")) is not None:
        hidden = table.filter(asked & pl.col("gap_detectable").is_not_null())
        rows = hidden.sort("gap_detectable", "n", descending=[True, False])
        said += [
            row_sentences.detectable_sentence(row) for row in rows.head(1).iter_rows(named=True)
        ]
    gaps = result.gaps.filter(asked & (pl.col("kind") == "difference"))
    said += [row_sentences.coverage_note(row) for row in gaps.head(1).iter_rows(named=True)]
    return " ".join(filter(None, said))


# -- selection ----------------------------------------------------------------------------------


def selection_lead(tables: Mapping[str, pl.DataFrame]) -> str:
    """Who gets an expert, who keeps the baseline, and what happens to the gap."""
    decided = tables["selection"].filter(pl.col("split") == "validation")
    taken = _names(decided.filter(pl.col("chosen") == "expert"))
    kept = _names(decided.filter(pl.col("chosen") == "baseline"))
    if not taken:
        words = "**Everybody keeps the baseline**: no expert is sure enough to do no harm."
    elif not kept:
        words = f"**The experts take over for all {len(taken)} groups.**"
    else:
        words = (
            f"**The expert takes over for {listed(taken)}**; {listed(kept)} "
            f"{'keeps' if len(kept) == 1 else 'keep'} the baseline."
        )
    return " ".join([words, *_moved(tables), _harmed(tables["selection"])]).strip()


def _names(rows: pl.DataFrame) -> list[str]:
    return sorted(rows["group"].to_list(), key=natural)


def _moved(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    gaps = tables.get("selection_gaps")
    if gaps is None:
        return []
    metric = str(tables["selection"]["metric"].item(0))
    rows = gaps.filter(pl.col("gap_before").is_not_null() & pl.col("gap_after").is_not_null())
    return [_moved_words(row, metric) for row in rows.iter_rows(named=True)]


def _moved_words(row: Row, metric: str) -> str:
    before, after = (numbers.points(row[name], metric) for name in ("gap_before", "gap_after"))
    spans = [_span(row, f"gap_{when}", metric) for when in ("before", "after")]
    if before == after and spans[0] == spans[1]:
        return f"{on(row['split'])} the gap stays at {after}{spans[1]}."
    return f"{on(row['split'])} the gap goes from {before}{spans[0]} to **{after}**{spans[1]}."


def _span(row: Row, name: str, metric: str) -> str:
    """The interval of a gap behind its number: " (1.0 to 7.2)", or nothing where none is held."""
    span = numbers.points_interval(row.get(f"{name}_low"), row.get(f"{name}_high"), metric)
    return f" ({span})" if span else ""


def _harmed(selection: pl.DataFrame) -> str:
    test = selection.filter(pl.col("split") == "test")
    if test.is_empty():
        return ""
    harmed = _names(test.filter(pl.col("verdict") == "harmed"))
    if harmed:
        return f"On test rows **{listed(harmed)} {'is' if len(harmed) == 1 else 'are'} harmed**."
    return "On test rows nobody is harmed beyond the bound."


# -- what if, effects, comparison ---------------------------------------------------------------


def whatif_lead(sweep: pl.DataFrame, metric: str, at: int) -> str:
    """What this number of groups brings to the worst group and costs everybody."""
    rows = {row["n_groups"]: row for row in sweep.iter_rows(named=True)}
    here, one = rows[at], rows[min(rows)]
    words = f"With **{at} group{'s' if at != 1 else ''}** the worst group's "
    words += f"{_lower(numbers.title(metric))} is {_swept(here, 'worst', metric, mark='**')}"
    words += f" and everybody's {_swept(here, 'overall', metric)}"
    if here is not one:
        words += f"; with {min(rows)}, {_swept(one, 'worst', metric)} and "
        words += _swept(one, "overall", metric)
    return f"{words}. {preferences(sweep)}".strip()


def _swept(row: Row, name: str, metric: str, *, mark: str = "") -> str:
    """The worst group's or everybody's loss at one number of groups, with its interval."""
    number = row["worst_group" if name == "worst" else name]
    ends = (row.get(f"{name}_low"), row.get(f"{name}_high"))
    return numbers.value_with_interval(number, *ends, metric, mark=mark)


def preferences(sweep: pl.DataFrame) -> str:
    """Which number of groups each criterion prefers; none of them is obeyed silently."""
    known = [n for n in ("heldout", "bic", "icl") if n in sweep and not sweep[n].is_null().all()]
    said = [f"{_lower(table_rows.CRITERIA[n])} {table_rows.best_count(sweep, n)}" for n in known]
    return f"Preferred number of groups: {', '.join(said)}." if said else ""


def effects_lead(result: AuditResult) -> str:
    """How much the clusters explain, and how many intervals leave out the average."""
    effects, icc = result.tables["effects"], result.summary.get("icc")
    own = effects.filter((pl.col("effect") == "intercept") & pl.col("seen"))
    sure = own.filter((pl.col("low") > 0) | (pl.col("high") < 0)).height
    words = f"{sure} of **{own.height} clusters** have an interval that leaves out the average"
    if icc is not None:
        ends = (result.summary.get("icc_low"), result.summary.get("icc_high"))
        span = numbers.interval(*ends, "accuracy")
        words += f"; slopes aside, clusters carry **{icc:.1%}** of the variance (ICC"
        words += f", {span})" if span else ")"
    unseen = result.summary.get("clusters_unseen") or 0
    if unseen:
        words += f"; {unseen} cluster{'s were' if unseen > 1 else ' was'} not seen in training"
    return f"{words}."


# -- stress tests ---------------------------------------------------------------------------------


def stress_lead(result: AuditResult) -> str:
    """The finding of the first stress test there is: shifts, probes, or the group not known."""
    tables = table_rows.held(result.tables)
    if "stress_shift" in tables:
        repeats = int((result.summary.get("stress") or {}).get("repeats", 1))
        return shift_lead(tables["stress_shift"], repeats)
    if "probes" in tables:
        return probes_lead(tables["probes"])
    if "flips" in tables:
        return flips_lead(tables["flips"])
    if result.summary.get("guessed_groups"):
        return guessed_lead(result)
    metric = str(tables["stress_objectives"]["metric"].item(0)) if tables else ""
    return f"Stress tests of {_lower(numbers.title(metric))}." if metric else "No stress tests."


def shift_lead(table: pl.DataFrame, repeats: int) -> str:
    """How often somebody is harmed when validation rows shift, with the bound and without."""
    found = table_rows.harmed_shares(table)
    rules = {rule: words for rule, words in table_rows.RULES.items() if rule in found}
    metric, groups = str(table["metric"].item(0)), table["group"].n_unique()
    draws = next((settings for _, _, settings in found.values()), 0) * repeats
    who = f"the validation rows of one of {groups} groups" if groups > 1 else "validation rows"
    harmed = [f"{words} in **{found[rule][0]:.1%}**" for rule, words in rules.items()]
    losses = [f"{numbers.points(found[rule][1], metric)} {words}" for rule, words in rules.items()]
    return (
        f"When {who} go missing or change their mix, a choice made from them leaves somebody "
        f"worse off on test rows: {', '.join(harmed)} of {draws:,} draws each. On average the "
        f"worst-off group then loses {' and '.join(losses)}."
    )


def probes_lead(table: pl.DataFrame) -> str:
    """How high a column that only knows the cluster climbs in each model."""
    count = int(table["features"].item(0))
    names = table["feature"].n_unique()
    places = [
        f"**{_ordinal(rank)}** in {model}" for model, rank in table_rows.best_ranks(table).items()
    ]
    return (
        f"Of {names} columns that only know how often each cluster says yes, the best placed is "
        f"{listed(places)}, among {count} features. The lower they stand, the less a model leans "
        "on which cluster a row comes from."
    )


def flips_lead(table: pl.DataFrame) -> str:
    """Which sensitive column, changed alone, moves most answers of the audited model."""
    model, measure = table["model"].item(0), table_rows.flip_measures(table)[0]
    own = table.filter((pl.col("model") == model) & (pl.col("measure") == measure))
    rows = own.filter(pl.col("value").is_not_null()).sort("value", "attribute", descending=True)
    if rows.is_empty() or not rows["value"].item(0):
        return f"No answer of {model} moves when a sensitive column alone is changed."
    row, metric = rows.row(0, named=True), f"flip_{measure}"
    what = {
        "label": "decides otherwise for",
        "score": "moves its probability by",
        "value": "moves its number by",
    }[measure]
    rest = [
        f"{r['attribute']} " + numbers.value_with_interval(r["value"], r["low"], r["high"], metric)
        for r in rows.tail(-1).iter_rows(named=True)
    ]
    tail = f"; the others: {', '.join(rest)}" if rest else ""
    return (
        f"With another value in **{row['attribute']}** and nothing else changed, {model} {what} "
        f"{measured(row, metric)}{tail}."
    )


def flip_measure(measure: str) -> str:
    """What moves when a column is changed, as a control names it."""
    return numbers.title(f"flip_{measure}")


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"


def guessed_lead(result: AuditResult) -> str:
    """What it costs when the model is not told the group and has to guess it."""
    told = result.summary["guessed_groups"]
    metric = "mse" if result.summary.get("task") == "regression" else "accuracy"
    known, guessed = (_of_all(result, m, metric) for m in table_rows.told_and_guessed(result))
    right = numbers.value_with_interval(
        told["right"], told.get("right_low"), told.get("right_high"), "accuracy", mark="**"
    )
    return (
        f"Where nobody tells the group, the model guesses it right for {right} of the test rows; "
        f"its {_lower(numbers.title(metric))} is then {guessed}, against {known} with the group "
        "known."
    )


def _of_all(result: AuditResult, model: str, metric: str) -> str:
    """A model's value over all test rows, with its interval."""
    asked = {"model": model, "attribute": OVERALL, "metric": metric, "split": "test"}
    rows = result.errors.filter(**asked)
    return "not known" if rows.is_empty() else measured(rows.row(0, named=True), metric)


def compare_lead(table: pl.DataFrame, *, quality: str, gap_title: str, attribute: str = "") -> str:
    """The best model, the fairest one, and who is dominated.

    Parameters
    ----------
    table : polars.DataFrame
        As made by `text.model_front.front_of`.
    """
    if table.is_empty():
        return "There is nothing to compare on these choices."
    best = table.sort("value", descending=not numbers.lower_is_better(quality)).row(0, named=True)
    fair = table.sort("gap").row(0, named=True)
    name = _lower(numbers.title(quality))
    by = f" by {attribute}" if attribute else ""
    words = (
        f"**{best['model']}** has the best {name}: {_judged(best, quality)} at a gap of "
        f"{_apart(best, gap_title)}{by}"
    )
    if fair["model"] != best["model"]:
        words += f"; **{fair['model']}** has the smallest gap: {_apart(fair, gap_title)} at "
        words += _judged(fair, quality)
    return " ".join([f"{words}.", *_outdone(table, name)])


def _outdone(table: pl.DataFrame, name: str) -> list[str]:
    """Who comes second on both axes, and whether chance may explain it."""
    ways = {
        "both": "surely so in both",
        "quality": f"surely so in {name}",
        "gap": "surely so in the gap",
        "neither": "which may be chance",
    }
    lost = {way: table.filter(pl.col("sure") == way)["model"].to_list() for way in ways}
    return [
        f"Another is no worse than {listed(models)} on both counts, {ways[way]}."
        for way, models in lost.items()
        if models
    ]


def _judged(row: Row, quality: str) -> str:
    return numbers.value_with_interval(row["value"], row["low"], row["high"], quality)


def _apart(row: Row, metric: str) -> str:
    return numbers.points_with_interval(row["gap"], row["gap_low"], row["gap_high"], metric)


def comparison_how(result: AuditResult) -> str:
    """How the intervals of a comparison were made."""
    same = (
        "All models saw the same splits and the same preprocessing, and were given the same "
        "budget. A model is dominated where the estimates of another are no worse on both axes "
        "and better on one; this may be chance where neither a paired interval leaves out zero "
        "nor the two intervals lie apart."
    )
    if over_seeds(result):
        return (
            f"{same} Intervals are over repeated splits, by the corrected resampled t of Nadeau "
            "and Bengio (2003): repeated splits share rows, so the plain variance is too small."
        )
    return (
        f"{same} Differences are paired: both models answer for the same rows (exact McNemar for "
        "rates, paired bootstrap and paired DeLong otherwise), and p-values are adjusted for the "
        "number of looks (Benjamini–Hochberg)."
    )
