"""Refuses rates at an assumed cut of a score whose direction the outcomes contradict."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.metrics import scores
from fairaudit.data.roles import Cut
from fairaudit.exceptions import ContradictedScore
from fairaudit.inputs.arrays import Int
from fairaudit.inputs.group_codes import everybody
from fairaudit.stats import influence
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import Frame
from fairaudit.stats.metric_definitions import BINARY, CUT, base_name

Float = NDArray[np.float64]


class ScoreWithCut(Protocol):
    """A system's score and where it decides; None where its decisions were given."""

    @property
    def score(self) -> Float | None: ...

    @property
    def cut(self) -> Cut | None: ...


def refuse_contradicted(
    y: NDArray[Any],
    systems: Mapping[str, ScoreWithCut],
    stated: Collection[str],
    classes: tuple[str, ...],
    remedy: str,
    *,
    confidence: float,
    metrics: Collection[str] | None = None,
    weight: Float | None = None,
    cluster: Int | None = None,
    times: Float | None = None,
) -> None:
    """Refuse scores cut at 0.5 by assumption that rank the positive class below the other.

    Parameters
    ----------
    y : (n,) codes of a binary outcome that is known in every row
    systems : by name
    stated : names of the scores whose cut, and so whose side, was stated
    classes : (negative, positive)
    remedy : how to state the side or the other class, with "{name}", "{cut}" and "{negative}"
    confidence : level of the interval of the AUROC
    metrics : what is measured, None for everything; metrics without a cut are not refused
    weight, cluster, times : (n,) as in `judge`

    Raises
    ------
    ContradictedScore
        When the interval of the AUROC of such a score lies below 0.5.
    """
    if metrics is not None and not any(base_name(m) in BINARY for m in metrics):
        return
    for name, system in systems.items():
        if system.score is None or system.cut is None or name in stated or system.cut.at != CUT:
            continue
        frame = Frame(everybody(len(y)), cluster, weight, times)
        auroc = _auroc(np.asarray(y).astype(np.int64), system.score, frame, confidence)
        if auroc.high[0] < 0.5:
            raise ContradictedScore(
                f"score '{name}' ranks {classes[1]} below {classes[0]}: its AUROC is "
                f"{auroc.value[0]:.2f} ({100 * confidence:g}% interval {auroc.low[0]:.2f} to "
                f"{auroc.high[0]:.2f}). A cut at {CUT} would take the wrong side; "
                + remedy.format(name=name, cut=CUT, negative=classes[0]),
                name,
            )


def _auroc(y: Int, score: Float, frame: Frame, confidence: float) -> Measured:
    ranked = scores.rank(scores.score_order(score), score, y, frame)
    estimate = scores.auroc(ranked)
    return influence.measure(estimate, estimate, frame, EstimateOptions(confidence))
