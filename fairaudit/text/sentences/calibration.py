"""Sentences about calibration within groups: where chance does not explain what the scores say."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.metrics.calibration_error import BINS
from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.text import numbers
from fairaudit.text.group_words import members
from fairaudit.text.sentences.phrases import Row, on, points
from fairaudit.text.voice import Voice, voice_of

HOW = (
    "In each group two things are tested at once: whether the positive outcome is as frequent as "
    "the scores say (level), and whether scores are too extreme or too cautious (slope; Cox "
    "1958). In small groups the p-value is exact: outcomes are drawn with the probabilities that "
    "the scores state. P-values are adjusted for all groups, attributes and systems. A score that "
    "is off in the middle and right on average can pass; the calibration error and its curve show "
    "that. A test that finds nothing does not prove calibration. The multicalibration error is "
    "the largest difference between outcomes and scores over all groups and tenths of the score, "
    "times the share of rows it concerns; its interval holds for the largest of all cells."
)


def groups_tested(
    result: AuditResult, *, model: str, split: str, attribute: str | None = None
) -> pl.DataFrame:
    """Groups whose calibration was tested, the least calibrated first; empty without tests."""
    table = result.tables.get("calibration_tests", pl.DataFrame())
    if table.is_empty():
        return table
    rows = table.filter(model=model, split=split).filter(pl.col("p_adjusted").is_not_null())
    if attribute is not None:
        rows = rows.filter(pl.col("attribute") == attribute)
    return rows.drop("split").sort("p_adjusted", "p", maintain_order=True)


def calibration_sentence(result: AuditResult, *, attribute: str, model: str, split: str) -> str:
    """In which groups the score is shown not to be calibrated; "" without tests."""
    rows = groups_tested(result, model=model, split=split, attribute=attribute)
    if rows.is_empty():
        return ""
    voice = voice_of(result)
    off = [row for row in rows.iter_rows(named=True) if voice.significant(row["p_adjusted"])]
    tested = numbers.count(rows.height, "group")
    if not off:
        return (
            f"{on(split, voice)}, no miscalibration of {model} is shown within the {tested} of "
            f"{attribute} that could be tested.{_power(rows)}"
        )
    more = f"; the same is shown for {numbers.count(len(off) - 1, 'other group')}"
    return (
        f"{on(split, voice)}, the score of {model} is **not calibrated** for "
        f"{members(str(off[0]['group']), attribute, voice)}: {_how_off(off[0], voice)}"
        f"{more if len(off) > 1 else ''} ({tested} tested)."
    )


def _power(rows: pl.DataFrame) -> str:
    """What the group with the fewest rows could have shown; "" where it is not known."""
    if "shift_detectable" not in rows.columns:  # results of earlier versions
        return ""
    known = rows.drop_nulls("shift_detectable").sort("shift_detectable", descending=True)
    if known.is_empty():
        return ""
    row = known.row(0, named=True)
    shift = numbers.points(row["shift_detectable"], "base_rate")
    return (
        f" With the {numbers.rows(row['n'])} of {row['group']}, outcomes {shift} from what the "
        "scores say would have been shown in 80% of samples, before adjustment for multiple "
        "testing."
    )


def multicalibration_sentence(result: AuditResult, *, model: str, split: str) -> str:
    """The largest miscalibration over groups and tenths of the score; "" where none is known."""
    table = result.tables.get("multicalibration", pl.DataFrame())
    rows = table if table.is_empty() else table.filter(model=model, split=split)
    if rows.is_empty():
        return ""
    row, voice = rows.row(0, named=True), voice_of(result)
    error = points(row["value"], row["low"], row["high"], "ece", voice, mark="**")
    lead = f"{on(split, voice)}, the multicalibration error of {model} is {error}"
    if row["low"] <= 0:
        cells = numbers.count(row["cells"], "cell")
        return f"{lead}: in none of the {cells} of groups and tenths of the score is one shown."
    who = (
        voice.noun
        if row["attribute"] == OVERALL
        else members(str(row["group"]), str(row["attribute"]), voice)
    )
    where = f"scores of {row['bin'] / BINS:.1f} to {(row['bin'] + 1) / BINS:.1f}"
    counted = f"{numbers.rows(row['n'])}, {numbers.percent(row['share'])} of all"
    return (
        f"{lead}, that of {who} with {where} ({counted}): {_observed_and_predicted(row, voice)}."
    )


def _how_off(row: Row, voice: Voice) -> str:
    """What is observed against what the scores say, and whether they are spread too far."""
    words = _observed_and_predicted(row, voice)
    if abs(row["z_slope"]) > abs(row["z_level"]):
        how = "too extreme" if row["z_slope"] < 0 else "too cautious"
        return f"{words}, and scores are {how}"
    return words


def _observed_and_predicted(row: Row, voice: Voice) -> str:
    """What is observed against what the scores say."""
    observed, predicted = (numbers.value(row[c], "base_rate") for c in ("observed", "mean_score"))
    outcome = f"'{voice.positive}'" if voice.positive else "the positive outcome"
    return (
        f"{outcome} is observed in **{observed}** where the scores say **{predicted}** on average"
    )
