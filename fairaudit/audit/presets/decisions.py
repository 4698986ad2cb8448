"""Who was selected, for the rules on selections: as passed, or from a stored audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.presets.preset_inputs import PresetInputs
from fairaudit.audit.presets.rules import Preset
from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.read import read_column, read_numbers

Float = NDArray[np.float64]

NOT_FLAGGED = "rate of not being flagged"
WEIGHTS_NOT_USED = (
    "Sample weights are not used: the rule counts people, and each row is one person. Where a "
    "row stands for several people, say that its weight is their number (--weight-counts-people)."
)
SCORING_RATE = "nyc-ll144"  # the rule that has a cut of its own, the median


@dataclass(frozen=True)
class Decisions:
    """Who was selected, or scored above the median of all people.

    Attributes
    ----------
    selected : (n,) bool
    groups : attribute to (n,) labels
    rate : "selection rate", "scoring rate" or "rate of not being flagged"
    people : (n,) how many people each row stands for
    notes : remarks on counts that could be misread
    """

    selected: NDArray[np.bool_]
    groups: Mapping[str, Any]
    rate: str
    people: Float
    notes: tuple[str, ...] = ()

    def favourable(self, preset: Preset, facts: Mapping[str, Any]) -> Decisions:
        """The decisions that are good for a person, by what the outcome means.

        Parameters
        ----------
        preset : the rule
        facts : `summary["outcome"]` of the audit; empty where selections were given as such

        Raises
        ------
        SpecError
            When the positive class is neither good nor bad: no ratio of it has an impact.
        """
        meaning, positive = facts.get("meaning", "good"), facts.get("positive")
        label = "selected" if positive is None else f"'{positive}'"
        if meaning == "bad":
            note = (
                f"Being {label} is bad for a person, so the rates and ratios count those who "
                "were not flagged."
            )
            notes = (note, *self.notes)
            return replace(self, selected=~self.selected, rate=NOT_FLAGGED, notes=notes)
        if meaning == "good":
            return self
        if not facts.get("guessed_meaning"):
            raise no_impact(preset.name, positive)
        note = (
            f"Nothing says what {label} means for a person; the rule is about selections, so "
            "being selected counts as good."
        )
        return replace(self, notes=(note, *self.notes))


def decisions(preset: Preset, inputs: PresetInputs) -> Decisions:
    """Selections and groups, as given or else from a stored audit.

    Raises
    ------
    SpecError
        When there is neither a selection, nor a score, nor a result to take them from.
    InputError
        When the selections or the numbers of people cannot be counted.
    """
    if inputs.result is not None and inputs.selected is None and inputs.score is None:
        return _stored(preset, inputs, inputs.result)
    if inputs.groups is None or (inputs.selected is None and inputs.score is None):
        raise SpecError(
            f"preset '{preset.name}' needs who was selected (or a score) and the groups; "
            "pass selected= or score=, and groups="
        )
    if inputs.selected is not None:
        chosen, rate = _binary(inputs.selected), "selection rate"
        people, notes = counted_people(inputs, inputs.weight, len(chosen))
    else:
        score, rate = read_numbers(inputs.score, "score="), "scoring rate"
        people, notes = counted_people(inputs, inputs.weight, len(score))
        chosen = _above_median(score, people)
    for name, values in inputs.groups.items():
        read_column(values, f"column '{name}'", len(chosen), "the selection")
    return Decisions(chosen, inputs.groups, rate, people, notes)


def counted_people(inputs: PresetInputs, weight: Any, n: int) -> tuple[Float, tuple[str, ...]]:
    """Number of people per row, and remarks on weights."""
    counts = inputs.options.weight_counts_people
    rows = np.ones(n) if inputs.times is None else read_numbers(inputs.times, "times=", n)
    if weight is None:
        if counts:
            raise SpecError(
                "weights are said to count people, but there are none; name the weight column "
                "(--weight), or pass weight="
            )
        return rows, ()
    if not counts:
        return rows, (WEIGHTS_NOT_USED,)
    people = read_numbers(weight, "weight=", n, "the selection")
    odd = people[(people < 0) | (people != np.round(people))]
    if len(odd):
        raise InputError(
            f"weights are said to count people, but one is {odd[0]:g}; use whole numbers, or "
            "leave --weight-counts-people out: each row is then one person"
        )
    people = people * rows
    return people, (
        f"Rows are counted as often as their weight says: {people.sum():,.0f} people.",
    )


def _above_median(score: Float, people: Float) -> NDArray[np.bool_]:
    """Who scores above the median of all people."""
    if not people.sum():
        raise InputError("there are no people to audit; pass their scores")
    above: NDArray[np.bool_] = score > median_of(score, people)
    return above


def median_of(values: Float, people: Float) -> float:
    """The median over people, where each value stands for several of them."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(people[order])
    middle = (reached[-1] - 1) // 2, reached[-1] // 2  # ranks from 0, one or two of them
    low, high = (values[order][np.searchsorted(reached, m, side="right")] for m in middle)
    return float(low + high) / 2


def _binary(selected: Any) -> NDArray[np.bool_]:
    values = read_numbers(selected, "selected=")
    if not np.isin(values, (0, 1)).all():
        raise InputError(
            f"selected must be 0 or 1, it holds {np.unique(values)[:3].tolist()}; code it or pass "
            "score="
        )
    return values.astype(bool)


def _stored(preset: Preset, inputs: PresetInputs, result: AuditResult) -> Decisions:
    """Answers of a stored system; where it only scores and the rule knows a scoring rate, that."""
    refuse_task(preset.name, str(result.summary.get("task") or "binary"))
    rows, groups, weight = stored_rows(inputs, result)
    name = str(rows["model"][0])
    counted, notes = counted_people(inputs, weight, len(rows))
    roles = inputs.roles
    if preset.name == SCORING_RATE and roles is not None and scores_alone(roles, name):
        above = _above_median(rows["score"].to_numpy(), counted)
        return Decisions(above, groups, "scoring rate", counted, notes)
    chosen = rows["label"].to_numpy() == 1
    return Decisions(chosen, groups, "selection rate", counted, notes)


def stored_rows(
    inputs: PresetInputs, result: AuditResult
) -> tuple[pl.DataFrame, dict[str, pl.Series], pl.Series | None]:
    """The stored rows of a system, their groups and their weights (None without).

    Raises
    ------
    SpecError
        When the result stores no rows, or none of that system.
    """
    answers, people = result.tables.get("predictions"), result.tables.get("people")
    if answers is None or people is None or answers.is_empty():
        raise SpecError("this result stores no predictions by row; run the audit again")
    name = inputs.model or str(answers["model"][0])
    rows = answers.filter(pl.col("model") == name).join(people, on=["row", "split"])
    if rows.is_empty():
        raise SpecError(f"this result stores no predictions of '{name}'; choose another model")
    groups = {c: rows[c] for c in people.columns if c not in ("row", "split", "cluster")}
    weights = result.tables.get("row_weights")
    weight = None if weights is None else rows.join(weights, on="row", how="left")["weight"]
    return rows, groups, weight


def refuse_task(name: str, task: str) -> None:
    """Refuse a rule on selections if no one is selected.

    Raises
    ------
    SpecError
        When the task is not binary.
    """
    if task != "binary":
        raise SpecError(
            f"preset '{name}' counts who was selected, and the task is {task}: nobody is selected "
            "or not; audit a column with two labels, or use no preset"
        )


def scores_alone(roles: ColumnRoles, name: str) -> bool:
    """Whether a system gives scores without decisions and without a cut."""
    return name in roles.scores and name not in (*roles.predictions, *roles.cuts)


def no_impact(name: str, positive: str | None) -> SpecError:
    """The error for a ratio of favourable decisions where there are none."""
    label = "being selected" if positive is None else f"'{positive}'"
    return SpecError(
        f"preset '{name}' compares who was favoured, and {label} is neither good nor bad for a "
        "person; say what it means (--meaning good or bad), or use no preset"
    )
