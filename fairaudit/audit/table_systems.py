"""Existing systems: their prediction and score columns of a table, ready to be audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.data.labels import canonical_label, label_text
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import InputError
from fairaudit.stats.metric_definitions import CUT


def existing_systems(
    frame: pl.DataFrame, roles: ColumnRoles, classes: Sequence[str]
) -> dict[str, Prediction]:
    """One entry a prediction column, and one a score column without a prediction column.

    A score belongs to the prediction column in the same place of `roles`, when there are as
    many of one as of the other. A lone score is cut at 0.5 when it lies in 0..1, at its median
    otherwise (the share above the median is what New York's rule calls the scoring rate).

    Parameters
    ----------
    frame : polars.DataFrame
        The rows to judge, in the order of the arrays.
    roles : ColumnRoles
    classes : sequence of str
        Labels by code, empty for regression.

    Raises
    ------
    InputError
        When a prediction holds a label the target does not have, or a value is missing.
    """
    paired = len(roles.predictions) == len(roles.scores)
    scores = {name: _as_floats(frame[name]) for name in roles.scores}
    found = {}
    for i, name in enumerate(roles.predictions):
        score = scores[roles.scores[i]] if paired else None
        found[name] = Prediction(_labels(frame[name], roles, classes), score)
    if not paired:
        for name, score in scores.items():
            found[name] = Prediction(_cut(score, roles), score)
    return found


def _labels(values: pl.Series, roles: ColumnRoles, classes: Sequence[str]) -> NDArray[np.float64]:
    if roles.task == "regression":
        return _as_floats(values)
    text = label_text(values)
    _no_missing(text)
    codes = _codes(text, classes)
    if codes is None and roles.task == "binary":
        codes = _codes(text, ("0", "1")) or _codes(text, ("false", "true"))
    if codes is None:
        odd = sorted(set(text.to_list()) - set(classes))[:5]
        raise InputError(
            f"prediction column '{values.name}' holds {', '.join(map(repr, odd))}, which the "
            f"target does not ({', '.join(map(repr, classes))}); use the target's labels or 0/1"
        )
    return np.array([codes[v] for v in text.to_list()], dtype=np.float64)


def _codes(text: pl.Series, classes: Sequence[str]) -> Mapping[str, int] | None:
    known = {canonical_label(label): code for code, label in enumerate(classes)}
    return known if set(text.unique().to_list()) <= set(known) else None


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


def _cut(score: NDArray[np.float64], roles: ColumnRoles) -> NDArray[np.float64]:
    if roles.task == "regression":
        return score
    inside = bool(((score >= 0) & (score <= 1)).all())
    return (score >= CUT if inside else score > np.median(score)).astype(np.float64)
