"""The scores of a table: whose decisions they lie behind, and the cuts other columns tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.doctor.score_decisions import Boundary, System, boundary_between, systems_among
from fairaudit.data.labels import label_text
from fairaudit.data.outcome import guess_positive
from fairaudit.data.roles import ColumnRoles, Cut, target_levels

CLEARLY = 2.0  # standard errors of the AUROC without any relation; nearer to 0.5 tells nothing
PEEK = 2000  # rows that show whether a column may have two values

Float = NDArray[np.float64]


@dataclass(frozen=True)
class SuggestedCut:
    """A cut that a column of the table tells, and why."""

    cut: Cut
    reason: str

    @property
    def sign(self) -> str:
        """How people write its side."""
        return ">=" if self.cut.side == "above" else "<="


def systems_of(
    roles: ColumnRoles, frame: pl.DataFrame, times: Float | None = None
) -> list[System]:
    """(prediction column, score column) of each system in a table.

    A score belongs to a prediction by name, or if some cut of it reproduces the prediction; a
    score with a stated cut decides for itself.

    Parameters
    ----------
    roles : ColumnRoles
    frame : polars.DataFrame
        Has the columns of the predictions and scores.
    times : (n,) equal rows each row stands for, None for one
    """
    return systems_among(
        {name: _codes(frame[name]) for name in roles.predictions},
        {name: _numbers(frame[name]) for name in roles.scores},
        apart=roles.cuts,
        times=times,
    )


def lone_scores(roles: ColumnRoles, frame: pl.DataFrame) -> tuple[str, ...]:
    """Scores without decisions beside them, which decide at a cut of their own."""
    return tuple(s for p, s in systems_of(roles, frame) if p is None and s is not None)


def suggested_cuts(frame: pl.DataFrame, roles: ColumnRoles) -> dict[str, SuggestedCut]:
    """Cuts of the scores that decide for themselves and have none stated.

    A cut is suggested where a yes/no column says yes exactly, or in all but a few rows, on one
    side of it; sensitive attributes and the outcome tell none. Errors at a cut that the outcome
    chose would say nothing, so a score that some cut turns into the outcome has none. The side
    is the one on which the positive class is more frequent; without an outcome the one that says
    yes.

    Parameters
    ----------
    frame : polars.DataFrame
        As the mends of the roles read it.
    roles : ColumnRoles
    """
    lone = [s for s in lone_scores(roles, frame) if s not in roles.cuts]
    if roles.task == "regression" or not lone:
        return {}
    columns = _yes_no_columns(frame, roles)
    lone = [name for name in lone if not _makes_outcome(frame, name, roles)]
    found = ((name, _suggested(frame, name, columns, roles)) for name in lone)
    return {name: cut for name, cut in found if cut is not None}


def low_scores_select(frame: pl.DataFrame, roles: ColumnRoles, score: str) -> bool:
    """Whether the positive class is more frequent among low scores."""
    return _high_by_outcome(frame, _numbers(frame[score]), roles) is False


def _codes(values: pl.Series) -> Float:
    """(n,) a number for each label, NaN where it is missing."""
    return label_text(values).cast(pl.Categorical).to_physical().cast(pl.Float64).to_numpy()


def _numbers(values: pl.Series) -> Float:
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        return np.full(len(values), np.nan)
    return values.cast(pl.Float64).to_numpy()


def _yes_no_columns(frame: pl.DataFrame, roles: ColumnRoles) -> list[str]:
    """Columns of two values that may tell a cut: the decisions' first."""
    told = [c for c in (*roles.predictions, roles.known_for) if c is not None]
    others = {*roles.sensitive, *roles.scores, roles.row_id, roles.split, roles.target}
    names = dict.fromkeys((*told, *frame.columns))
    return [c for c in names if c not in others and c in frame.columns and _two(frame[c])]


def _two(values: pl.Series) -> bool:
    """Whether a column has exactly two values beside missing ones."""
    if values.dtype.is_nested() or values.head(PEEK).drop_nulls().n_unique() > 2:
        return False
    return values.drop_nulls().n_unique() == 2


def _suggested(
    frame: pl.DataFrame, name: str, columns: list[str], roles: ColumnRoles
) -> SuggestedCut | None:
    score = _numbers(frame[name])
    fits: dict[str, Boundary] = {}
    for column in columns:
        if (fit := _fit(score, frame[column])) is not None:
            fits[column] = fit
    for column in sorted(fits, key=lambda c: fits[c].differing):  # decisions first of equals
        high = _positive_is_high(frame, score, column, fits[column], roles)
        if high is not None:
            cut = fits[column].cut(high=high)
            return SuggestedCut(cut, _why(name, frame[column], fits[column], high))
    return None


def _fit(score: Float, column: pl.Series) -> Boundary | None:
    """The boundary at which a score reproduces a column of two labels."""
    text = label_text(column)
    known = np.isfinite(score) & text.is_not_null().to_numpy()
    yes = (text == text.max()).fill_null(False).to_numpy()
    return boundary_between(score[known], yes[known])


def _makes_outcome(frame: pl.DataFrame, name: str, roles: ColumnRoles) -> bool:
    """Whether some cut of a score is the outcome itself."""
    target = roles.target
    if target is None or target not in frame.columns or not _two(frame[target]):
        return False
    return _fit(_numbers(frame[name]), frame[target]) is not None


def _positive_is_high(
    frame: pl.DataFrame, score: Float, column: str, fit: Boundary, roles: ColumnRoles
) -> bool | None:
    """Whether high scores mean the positive class; None where nothing tells."""
    by_outcome = _high_by_outcome(frame, score, roles)
    if by_outcome is not None:
        return by_outcome
    yes = guess_positive(target_levels(frame[column]), column).label
    if yes is None:
        return None
    return fit.high_is_yes if yes == _second(frame[column]) else not fit.high_is_yes


def _high_by_outcome(frame: pl.DataFrame, score: Float, roles: ColumnRoles) -> bool | None:
    """Whether the positive class is more frequent among high scores; None if nothing tells."""
    if roles.task != "binary" or roles.target is None or roles.target not in frame.columns:
        return None
    labels = target_levels(frame[roles.target])
    positive = roles.positive or guess_positive(labels, roles.target).label
    return (
        None if positive is None else _is_higher(score, label_text(frame[roles.target]), positive)
    )


def _second(values: pl.Series) -> str:
    """The label that boundaries call yes: the last in the alphabet."""
    return str(label_text(values).max())


def _is_higher(score: Float, labels: pl.Series, positive: str) -> bool | None:
    """Whether the positive class has higher scores than the others; None where it is not clear."""
    known = np.isfinite(score) & labels.is_not_null().to_numpy()
    hit = (labels == positive).fill_null(False).to_numpy()[known]
    n, hits = len(hit), int(hit.sum())
    if not 0 < hits < n:
        return None
    ranks = pl.Series(score[known]).rank("average").to_numpy()
    area = (ranks[hit].sum() - hits * (hits + 1) / 2) / (hits * (n - hits))
    error = np.sqrt((n + 1) / (12 * hits * (n - hits)))
    return None if abs(area - 0.5) < CLEARLY * error else bool(area > 0.5)


def _why(name: str, column: pl.Series, fit: Boundary, high: bool) -> str:
    """The reason, in words: "'Class' is Promotion exactly where Combine is at least 70"."""
    labels = sorted(target_levels(column), key=lambda label: label == _second(column))
    label = labels[1] if fit.high_is_yes == high else labels[0]
    place = f"at least {fit.above:g}" if high else f"at most {fit.below:g}"
    if fit.differing == 0:
        return f"'{column.name}' is {label} exactly where {name} is {place}"
    return (
        f"'{column.name}' is {label} where {name} is {place}, in all but {fit.differing:,.0f} of "
        f"{fit.rows:,.0f} rows"
    )
