"""The scores of a table: the decisions based on them, and the cuts that other columns imply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.doctor.score_decisions import Boundary, System, boundary_between, systems_among
from fairaudit.data.labels import label_text
from fairaudit.data.name_words import whole_word, word_set, words_of
from fairaudit.data.outcome import guess_meaning_among, guess_positive, sense_of_name
from fairaudit.data.roles import ColumnRoles, Cut, target_levels

PROBABILITY_WORDS = word_set(
    """prob probs probability proba likelihood propensity wahrscheinlichkeit probabilidad
    probabilite probabilita probabilidade kans"""
)
MERITS = word_set(
    """safety aptitude suitability suitable fit fitness match merit trust trustworthiness eignung
    idoneidad aptitud idoneita geschiktheid"""
)
_SENSES: Mapping[str, int] = {"good": 1, "bad": -1, "neutral": 0}
CLEARLY = 2.0  # standard errors of the AUROC without any relation; nearer to 0.5 is inconclusive
PEEK = 2000  # rows that show whether a column may have two values

Float = NDArray[np.float64]


@dataclass(frozen=True)
class SuggestedCut:
    """A cut that a column of the table implies, with the reason.

    Attributes
    ----------
    cut, reason
    sure : whether words decide which side means the positive class; otherwise a user must
    """

    cut: Cut
    reason: str
    sure: bool = True

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
    follows from what the score is about ("risk_score") or what the column's yes means, against
    what the positive class means; without an outcome it is the one that says yes. Outcomes never
    decide it: a score that errs would be turned round. Where no words do, the cut is not sure,
    and its side only where the positive class is more frequent.

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
    suggestions = ((name, _suggested(frame, name, columns, roles)) for name in lone)
    return {name: cut for name, cut in suggestions if cut is not None}


def sure_cuts(frame: pl.DataFrame, roles: ColumnRoles) -> dict[str, SuggestedCut]:
    """The suggested cuts whose selecting side is decided by words."""
    return {name: s for name, s in suggested_cuts(frame, roles).items() if s.sure}


def low_scores_select(frame: pl.DataFrame, roles: ColumnRoles, score: str) -> tuple[bool, bool]:
    """Whether low scores mean the positive class, and whether words decide it.

    Where none do it is whether the positive class is more frequent among low scores.
    """
    named = high_by_name(frame, score, roles)
    high = _high_by_outcome(frame, _numbers(frame[score]), roles) if named is None else named
    return high is False, named is not None


def high_by_name(frame: pl.DataFrame, score: str, roles: ColumnRoles) -> bool | None:
    """Whether high scores mean the positive class, by the score's name; None where it is silent.

    A risk is high for what people fear, an aptitude for what they hope for. A probability is that
    of the positive class.
    """
    sense, wanted = _sense_of_score(score), _positive_sense(frame, roles)
    if sense and wanted:
        return sense == wanted
    probable = set(words_of(score)) & PROBABILITY_WORDS
    return True if probable and not sense and roles.target is not None else None


def _sense_of_score(name: str) -> int | None:
    """What high values of a score mean for a person, by its name: "risk", "fraudescore"."""
    bare = [re.sub(r"(?<=\w\w\w)(score|scoring|skor)$", "", word) for word in words_of(name)]
    if sense := sense_of_name(" ".join(bare)):
        return sense
    return 1 if set(bare) & MERITS else None


def _positive_sense(frame: pl.DataFrame, roles: ColumnRoles) -> int:
    """1 where the positive class is good for a person, −1 where it is bad, 0 where unknown."""
    if roles.meaning is not None:
        return _SENSES[roles.meaning]
    if roles.task != "binary" or roles.target is None or roles.target not in frame.columns:
        return 0
    return _sense_of_yes(frame[roles.target], roles.positive)


def _sense_of_yes(values: pl.Series, positive: str | None = None) -> int:
    """What the yes of a yes/no column means for a person; 0 where no words decide it."""
    levels = target_levels(values)
    yes = positive or guess_positive(levels, values.name).label
    if yes is None or len(levels) != 2:
        return 0
    no = next(label for label in levels if label != yes)
    guess = guess_meaning_among([values.name, whole_word(values.name)], yes, no)
    return _SENSES[guess.meaning] if guess.sure else 0


def _codes(values: pl.Series) -> Float:
    """(n,) a number for each label, NaN where it is missing."""
    return label_text(values).cast(pl.Categorical).to_physical().cast(pl.Float64).to_numpy()


def _numbers(values: pl.Series) -> Float:
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        return np.full(len(values), np.nan)
    return values.cast(pl.Float64).to_numpy()


def _yes_no_columns(frame: pl.DataFrame, roles: ColumnRoles) -> list[str]:
    """Columns of two values that may imply a cut: the decisions' first."""
    decisions = [c for c in (*roles.predictions, roles.known_for) if c is not None]
    others = {*roles.sensitive, *roles.scores, roles.row_id, roles.split, roles.target}
    names = dict.fromkeys((*decisions, *frame.columns))
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
        fit = fits[column]
        high = _positive_is_high(frame, name, column, fit, roles)
        if high is not None:
            return SuggestedCut(fit.cut(high=high), _why(name, frame[column], fit, high))
    for column in sorted(fits, key=lambda c: fits[c].differing):
        fit = fits[column]
        high = _high_by_outcome(frame, score, roles) is not False
        why = f"{_why(name, frame[column], fit, high)}; nothing says which side selects"
        return SuggestedCut(fit.cut(high=high), why, sure=False)
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
    frame: pl.DataFrame, score: str, column: str, fit: Boundary, roles: ColumnRoles
) -> bool | None:
    """Whether high scores mean the positive class, by words; None where none decide it."""
    named = high_by_name(frame, score, roles)
    yes = guess_positive(target_levels(frame[column]), column).label
    if named is not None or yes is None:
        return named
    high_is_yes = fit.high_is_yes == (yes == _second(frame[column]))
    if roles.target is None:
        return high_is_yes
    mine, wanted = _sense_of_yes(frame[column]), _positive_sense(frame, roles)
    return high_is_yes == (mine == wanted) if mine and wanted else None


def _high_by_outcome(frame: pl.DataFrame, score: Float, roles: ColumnRoles) -> bool | None:
    """Whether the positive class is more frequent among high scores; None if inconclusive."""
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
