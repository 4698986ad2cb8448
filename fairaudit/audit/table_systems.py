"""Existing systems: their prediction and score columns of a table, ready to be audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.inputs.classes import UNNAMED
from fairaudit.audit.metrics.scores import is_probability
from fairaudit.audit.notices import Notice, notice
from fairaudit.audit.score_scale import above_median, cut_for, selected
from fairaudit.data.decision_labels import OutcomeLabels, read_decision, unreadable
from fairaudit.data.doctor.table_scores import systems_of
from fairaudit.data.labels import label_text
from fairaudit.data.outcome import OutcomeFacts, guess_positive
from fairaudit.data.roles import ColumnRoles, target_levels
from fairaudit.exceptions import InputError
from fairaudit.stats.metric_definitions import CUT

REMEDY = (
    "name the cut: --cut {name}={at} (or --cut '{name}<={at}' where low scores mean the positive "
    "class)"
)
SIDE_REMEDY = (
    "say which side means the positive class (--cut '{name}<={cut}' or --cut '{name}>={cut}'), or "
    "name the other positive class (--positive '{negative}')"
)


def existing_systems(
    frame: pl.DataFrame,
    roles: ColumnRoles,
    classes: Sequence[str],
    *,
    sure: bool = True,
    median: bool = False,
) -> dict[str, Prediction]:
    """One system per prediction column, and per score column without a prediction column.

    A lone score decides at its cut in `roles.cuts`, or at 0.5 when it lies in 0..1.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows to judge, in the order of the arrays.
    roles : ColumnRoles
    classes : sequence of str
        Labels by code, empty for regression.
    sure : bool
        Whether anything tells the positive class, so that other labels can be matched with it.
    median : bool
        Whether lone scores without a cut select above their median, as New York's scoring rate
        does.

    Raises
    ------
    InputError
        When a prediction holds a label the target does not have, a value is missing, or a score
        of its own scale has no cut.
    """
    systems = {}
    outcome = OutcomeLabels(roles.target or "", tuple(classes), sure)
    for prediction, column in systems_of(roles, frame):
        score = None if column is None else _as_floats(frame[column])
        if prediction is not None:
            systems[prediction] = Prediction(_labels(frame[prediction], roles, outcome), score)
        elif column is not None and score is not None:
            systems[column] = _decided(column, score, roles, median=median)
    return systems


def assumed_cuts(roles: ColumnRoles, systems: Mapping[str, Prediction]) -> list[Notice]:
    """Warnings about cuts that were assumed and are not stated in the roles.

    Parameters
    ----------
    roles : ColumnRoles
    systems : mapping of str to Prediction
        As `existing_systems` made them of these roles.
    """
    return [
        notice("cut_assumed", score=name)
        for name, system in systems.items()
        if name in roles.scores
        and name not in roles.cuts
        and system.cut is not None
        and system.cut.at == CUT
    ]


def _decided(
    name: str, score: NDArray[np.float64], roles: ColumnRoles, *, median: bool
) -> Prediction:
    """A lone score with the decisions that its cut makes."""
    if roles.task == "regression":
        return Prediction(score, score)
    if roles.task == "multiclass":
        raise InputError(
            f"score '{name}' alone cannot decide between several classes; name the predictions"
        )
    named = roles.cuts.get(name)
    own = named is None and median and not is_probability(score)
    cut = above_median(score) if own else cut_for(name, score, named, REMEDY)
    return Prediction(selected(score, cut).astype(np.float64), score, cut)


def class_names(frame: pl.DataFrame, roles: ColumnRoles, outcome: OutcomeFacts) -> tuple[str, ...]:
    """Labels by code where an outcome is known for some rows or none: the decisions' own too."""
    if roles.task == "regression":
        return ()
    if roles.task == "binary":
        two = outcome.negative, outcome.positive
        return UNNAMED if two[0] is None or two[1] is None else (two[0], two[1])
    decided = [c for c in (roles.target, *roles.predictions) if c is not None]
    return tuple(target_levels(pl.concat([label_text(frame[c]) for c in decided])))


def _labels(values: pl.Series, roles: ColumnRoles, outcome: OutcomeLabels) -> NDArray[np.float64]:
    if roles.task == "regression":
        return _as_floats(values)
    text = label_text(values)
    _no_missing(text)
    read = read_decision(text.unique().to_list(), str(values.name), outcome)
    codes = None if read is None else read.codes
    if codes is None and roles.target is None:
        codes = _own_codes(text)
    if codes is None:
        odd = sorted(set(text.to_list()) - set(outcome.labels))
        what = f"prediction column '{values.name}'"
        raise InputError(unreadable(what, odd, outcome, "--positive"))
    return np.array([codes[v] for v in text.to_list()], dtype=np.float64)


def matched_labels(
    frame: pl.DataFrame, roles: ColumnRoles, outcome: OutcomeLabels
) -> list[Notice]:
    """Warnings about labels of decisions that were matched with the target's by their words."""
    if roles.target is None or roles.task == "regression":
        return []
    levels = {name: label_text(frame[name]).unique().to_list() for name in roles.predictions}
    read = (read_decision(labels, name, outcome) for name, labels in levels.items())
    return [
        notice("labels_matched", remark=f"{r.remark}; code it as the target is if that is wrong")
        for r in read
        if r and r.remark
    ]


def _own_codes(text: pl.Series) -> Mapping[str, int] | None:
    """Codes of decisions with words of their own, which only words can tell without a target."""
    levels = target_levels(text)
    positive = guess_positive(levels, text.name).label
    return None if positive is None else {label: int(label == positive) for label in levels}


def _as_floats(values: pl.Series) -> NDArray[np.float64]:
    _no_missing(values)
    try:
        return values.cast(pl.Float64).to_numpy()
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"column '{values.name}' holds text where numbers are needed; clean it or drop it "
            "from the scores"
        ) from error


def _no_missing(values: pl.Series) -> None:
    known = values.is_finite() if values.dtype.is_float() else values.is_not_null()
    missing = len(values) - int(known.sum())
    if missing:
        raise InputError(
            f"column '{values.name}' has {missing} missing or infinite values; a system "
            "cannot be evaluated on rows without a prediction: fill them in or drop the column"
        )
