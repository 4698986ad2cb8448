"""Pay of men and women: mean and median gap, and their proportions in four pay bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.presets.decisions import counted_people, median_of, stored_rows
from fairaudit.audit.presets.preset_inputs import PresetInputs
from fairaudit.audit.presets.rules import Applied, Preset
from fairaudit.audit.presets.sex_and_race import sex_column
from fairaudit.data.name_words import folded
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.group_codes import encode
from fairaudit.inputs.read import read_numbers

Float = NDArray[np.float64]

MALE = frozenset({"m", "male", "males", "man", "men"})
FEMALE = frozenset({"f", "female", "females", "woman", "women", "w"})


@dataclass(frozen=True)
class Pay:
    """Hourly pay of each row, and how many people a row stands for.

    Attributes
    ----------
    rate, people : (n,)
    groups : attribute to (n,) labels
    notes : remarks on the counts
    """

    rate: Float
    people: Float
    groups: Mapping[str, Any]
    notes: tuple[str, ...]


def pay_of(preset: Preset, inputs: PresetInputs) -> Pay:
    """Pay as given (`score=`), or the numbers of a stored system.

    Raises
    ------
    SpecError
        When there are no numbers: the task of the audit is not regression.
    """
    if inputs.score is not None and inputs.groups is not None:
        rate = read_numbers(inputs.score, "score=")
        people, notes = counted_people(inputs, inputs.weight, len(rate))
        return Pay(rate, people, inputs.groups, notes)
    if inputs.result is None:
        raise SpecError(f"preset '{preset.name}' needs pay and groups; pass score= and groups=")
    task = str(inputs.result.summary.get("task") or "binary")
    if task != "regression":
        raise SpecError(
            f"preset '{preset.name}' is about hourly pay, and the task is {task}; audit a column "
            "of numbers, or use no preset"
        )
    rows, groups, weight = stored_rows(inputs, inputs.result)
    people, notes = counted_people(inputs, weight, len(rows))
    return Pay(rows["label"].to_numpy().astype(np.float64), people, groups, notes)


def gap_percent(male: float, female: float) -> float:
    """What men are paid more, in percent of their pay (regulations 8 and 9)."""
    return 100 * (male - female) / male if male > 0 else float("nan")


def bands(rate: Float, male: Float, female: Float, count: int) -> tuple[Float, Float]:
    """Men and women (count,) in bands of as equal a number of people as possible, lowest first.

    Parameters
    ----------
    rate : (n,) pay
    male, female : (n,) men and women that each row stands for
    """
    rates, place = np.unique(rate, return_inverse=True)
    men, women = (np.bincount(place.reshape(-1), who, len(rates)) for who in (male, female))
    reached = np.concatenate([[0.0], np.cumsum(men + women)])
    total = round(float(reached[-1]))
    sizes = total // count + (np.arange(count) < total % count)
    ends = np.concatenate([[0.0], np.cumsum(sizes)])
    parts = [
        np.diff(np.interp(ends, reached, np.concatenate([[0.0], np.cumsum(who)])))
        for who in (men, women)
    ]
    return parts[0], parts[1]


def gender_pay_gap(preset: Preset, inputs: PresetInputs) -> Applied:
    """The gaps and the bands, with their sentences.

    Raises
    ------
    InputError
        When there are not both men and women, or pay is below 0.
    """
    pay = pay_of(preset, inputs)
    column = sex_column(pay.groups, inputs.options)
    names, codes = encode(pay.groups[column], column)
    is_male, is_female = (_called(names, words)[codes] for words in (MALE, FEMALE))
    if not (pay.people * is_male).any() or not (pay.people * is_female).any():
        raise InputError(
            f"column '{column}' does not hold men and women ({', '.join(names[:10])}); name "
            "another column, or label them male and female"
        )
    if (pay.rate[is_male | is_female] < 0).any():
        raise InputError("pay is below 0 for some people; correct or remove these rows")
    gaps = _gaps_table(pay, is_male, is_female)
    shares = _bands_table(pay, is_male, is_female, preset.parameters["bands"])
    words = _words(preset, pay, gaps, shares, is_male | is_female)
    return Applied(preset, {"pay_gap": gaps, "pay_bands": shares}, words)


def _called(names: Sequence[str], words: frozenset[str]) -> NDArray[np.bool_]:
    return np.array([folded(name).strip().lower() in words for name in names], dtype=np.bool_)


def _gaps_table(pay: Pay, male: NDArray[np.bool_], female: NDArray[np.bool_]) -> pl.DataFrame:
    rows = []
    for measure, number in (("mean", _mean), ("median", median_of)):
        men, women = (float(number(pay.rate[who], pay.people[who])) for who in (male, female))
        rows.append((measure, men, women, gap_percent(men, women)))
    table = pl.DataFrame(rows, ["measure", "male", "female", "gap_percent"], orient="row")
    return table.with_columns(pl.col("gap_percent").fill_nan(None))


def _mean(rate: Float, people: Float) -> float:
    return float(np.average(rate, weights=people))


def _bands_table(
    pay: Pay, male: NDArray[np.bool_], female: NDArray[np.bool_], names: Sequence[str]
) -> pl.DataFrame:
    men, women = bands(pay.rate, pay.people * male, pay.people * female, len(names))
    total = men + women
    share = np.divide(men, total, out=np.full(len(men), np.nan), where=total > 0)
    return pl.DataFrame(
        {
            "band": list(names),
            "employees": np.round(total).astype(np.int64),
            "share_male": share,
            "share_female": 1 - share,
        }
    ).with_columns(pl.selectors.float().fill_nan(None))


def _words(
    preset: Preset,
    pay: Pay,
    gaps: pl.DataFrame,
    shares: pl.DataFrame,
    counted: NDArray[np.bool_],
) -> tuple[str, ...]:
    words = [
        f"The {row['measure']} pay gap is {row['gap_percent']:.1f}% of the pay of men."
        for row in gaps.drop_nulls("gap_percent").iter_rows(named=True)
    ]
    known = shares.drop_nulls("share_female")
    listed = ", ".join(
        f"{100 * row['share_female']:.1f}% ({row['band']})" for row in known.iter_rows(named=True)
    )
    words.append(f"Women are {listed} of the pay bands.")
    employees, left_out = pay.people[counted].sum(), pay.people[~counted].sum()
    if left_out:
        words.append(f"{left_out:,.0f} people are not recorded as male or female.")
    if employees < preset.parameters["employees"]:
        words.append(f"{employees:,.0f} employees are fewer than the Regulations apply to.")
    return (*pay.notes, *words, *preset.not_set)
