"""A score's own scale in a table, for the slider that sets its cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.score_scale import scale_facts
from fairaudit.data.doctor.table_scores import (
    SuggestedCut,
    lone_scores,
    low_scores_select,
    suggested_cuts,
)
from fairaudit.data.labels import canonical_label, label_text
from fairaudit.data.mends import mended
from fairaudit.data.roles import ColumnRoles, Cut

Side = Literal["above", "below"]
STEPS = 200  # positions of the slider where the values lie on no grid


@dataclass(frozen=True)
class ScoreScale:
    """A score's own scale: its range, the distance between its values, and its values in order."""

    low: float
    high: float
    step: float
    values: NDArray[np.float64]

    def share(self, cut: Cut) -> float:
        """The share of rows that a cut selects."""
        side = "left" if cut.side == "above" else "right"
        below = int(np.searchsorted(self.values, cut.at, side=side))  # type: ignore[call-overload]
        chosen = len(self.values) - below if cut.side == "above" else below
        return chosen / len(self.values)

    def nearest(self, share: float, side: Side = "above") -> Cut:
        """The cut of which the share selected is nearest to this one."""
        distinct = np.unique(self.values)
        below = np.searchsorted(self.values, distinct, side="left") / len(self.values)
        upto = np.searchsorted(self.values, distinct, side="right") / len(self.values)
        shares = 1 - below if side == "above" else upto
        return Cut(at=float(distinct[int(np.abs(shares - share).argmin())]), side=side)


@dataclass(frozen=True)
class LoneScore:
    """A score that decides for itself, and the evidence of the table on its cut.

    Attributes
    ----------
    name : of its column
    scale : None without two different numbers
    side : the one that means the positive class by words, else where that is more frequent;
        "above" where nothing implies it
    named : whether words say which side it is
    positives : share of rows whose outcome is positive, None where no outcome is known
    suggested : the cut that another column implies, None for none
    """

    name: str
    scale: ScoreScale | None
    side: Side
    named: bool
    positives: float | None
    suggested: SuggestedCut | None


def lone_scores_of(frame: pl.DataFrame, roles: ColumnRoles) -> tuple[LoneScore, ...]:
    """The scores of a table that decide for themselves, as the mends of the roles read it."""
    frame = mended(frame, roles.mends)
    suggested = suggested_cuts(frame, roles)
    share = None
    if roles.target is not None and roles.positive is not None:
        share = positive_share(frame, roles.target, roles.positive)
    scores = []
    for name in lone_scores(roles, frame):
        low, named = low_scores_select(frame, roles, name)
        side: Side = "below" if low else "above"
        scale = scale_of(frame[name])
        scores.append(LoneScore(name, scale, side, named, share, suggested.get(name)))
    return tuple(scores)


def scale_of(column: pl.Series) -> ScoreScale | None:
    """The scale of a score column; None without two different numbers."""
    if not column.dtype.is_numeric():
        return None
    known = column.cast(pl.Float64).fill_nan(None).drop_nulls()
    values = np.sort(known.filter(known.is_finite()).to_numpy())
    if not len(values) or values[0] == values[-1]:
        return None
    facts = scale_facts(values, np.zeros(len(values)), None)
    low, high = float(values[0]), float(values[-1])
    return ScoreScale(low, high, facts["step"] or rounded_step((high - low) / STEPS), values)


def rounded_step(step: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above the step."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(max(m * power for m in (1.0, 2.0, 5.0) if m * power <= step * 1.001))


def positive_share(frame: pl.DataFrame, target: str, positive: str) -> float | None:
    """The share of rows with a known outcome whose outcome is positive."""
    labels = label_text(frame[target]).drop_nulls()
    return float((labels == canonical_label(positive)).mean()) if len(labels) else None  # type: ignore[arg-type]
