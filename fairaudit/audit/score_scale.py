"""The scale of a score: its range and grid in the data, and the cut from which it selects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.notices import Notice, notice
from fairaudit.data.outcome import Meaning
from fairaudit.data.roles import Cut, Task
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import is_number
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.stats.metric_definitions import CUT

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
FEW_SELECTED = 0.01  # a cut that selects fewer (or all but so few) is likely on another scale
MAX_GRID = 10_000  # more distinct values than this are no grid
_SIDES = {">=": "above", "≥": "above", "=": "above", "<=": "below", "≤": "below"}


def cut_of(text: str) -> Cut:
    """A cut as people write it: "5" and ">=5" select at or above, "<=5" at or below.

    Raises
    ------
    SpecError
        When it is no number.
    """
    parts = re.fullmatch(r"\s*(>=|<=|≥|≤|=)?\s*(\S+)\s*", text)
    try:
        at = float(parts[2]) if parts else np.nan
    except ValueError:
        at = np.nan
    if parts is None or not np.isfinite(at):
        raise SpecError(f"cut '{text}' is no number; write it as 5, '>=5' or '<=5'")
    return Cut.model_validate({"at": at, "side": _SIDES[parts[1] or "="]})


def named_cuts(cuts: Any, systems: tuple[str, ...]) -> dict[str, Cut]:
    """Cuts by system: one for all, or a mapping; numbers, text or `Cut`.

    Raises
    ------
    SpecError
        When a cut names no system, or is no number.
    """
    if cuts is None:
        return {}
    by_name = dict(cuts) if isinstance(cuts, Mapping) else dict.fromkeys(systems, cuts)
    odd = [str(name) for name in by_name if name not in systems]
    if odd:
        raise SpecError(
            f"cuts: there is no score '{odd[0]}'; the scores are {', '.join(systems) or 'none'}"
        )
    return {name: _read_cut(value) for name, value in by_name.items()}


def _read_cut(value: Any) -> Cut:
    if isinstance(value, Cut):
        return value
    if is_number(value) and not isinstance(value, bool):
        return cut_of(str(float(value)))
    return cut_of(str(value))


def cut_for(
    name: str, score: Float, cut: Cut | None, remedy: str, times: Float | None = None
) -> Cut:
    """The cut in force: the one named, or 0.5 of a score in 0..1.

    Parameters
    ----------
    name : of the score
    score : (n,)
    cut : the one named, or None
    remedy : how to name one, with "{name}" and "{at}"
    times : (n,) equal rows each score stands for, None for one

    Raises
    ------
    InputError
        When none is named and the score has another scale.
    """
    if cut is not None:
        return cut
    if len(score) and score.min() >= 0 and score.max() <= 1:
        return Cut(at=CUT)
    low, high = float(score.min()), float(score.max())
    q1, q2, q3 = _quartiles(score, np.ones(len(score)) if times is None else times)
    at = float(np.max(score[score <= (low + high) / 2]))
    raise InputError(
        f"score '{name}' runs from {low:g} to {high:g} (quartiles {q1:g}, {q2:g} and {q3:g}), "
        f"and nothing says from which value on it decides for the positive class; "
        + remedy.format(name=name, at=f"{at:g}")
    )


def _quartiles(score: Float, times: Float) -> Float:
    order = np.argsort(score, kind="stable")
    reached = np.cumsum(times[order])
    places = np.searchsorted(reached, np.array([0.25, 0.5, 0.75]) * reached[-1])
    return np.asarray(score[order][places])


def above_median(score: Float) -> Cut:
    """The cut that selects the scores above the median."""
    higher = score[score > np.median(score)]
    at = float(higher.min()) if higher.size else float(np.nextafter(score.max(), np.inf))
    return Cut(at=at)


def selected(score: Float, cut: Cut) -> Bool:
    """(n,) which rows the cut selects."""
    return np.asarray(score >= cut.at if cut.side == "above" else score <= cut.at)


def positive_score(score: Float, *, below: bool) -> Float:
    """The score turned so that more means more positive; a probability stays one."""
    if not below:
        return score
    inside = bool(len(score) and score.min() >= 0 and score.max() <= 1)
    return 1 - score if inside else -score


def scale_facts(
    score: Float, label: NDArray[Any], cut: Cut | None, times: Float | None = None
) -> dict[str, Any]:
    """Range, grid and cut of a score, and the share of rows selected.

    Where a system gives decisions beside its score the cut is the lowest score selected, if one
    cut explains all decisions, and None otherwise.
    """
    boundary = cut or _implied(score, label)
    return {
        "low": float(score.min()),
        "high": float(score.max()),
        "step": _step(score),
        "cut": None if boundary is None else boundary.at,
        "side": "above" if boundary is None else boundary.side,
        "selected_share": float(np.average(label == 1, weights=times)),
    }


def _implied(score: Float, label: NDArray[Any]) -> Cut | None:
    yes, no = score[label == 1], score[label != 1]
    if not yes.size or not no.size:
        return None
    if yes.min() > no.max():
        return Cut(at=float(yes.min()))
    return Cut(at=float(yes.max()), side="below") if yes.max() < no.min() else None


def _step(score: Float) -> float | None:
    """Step of the grid on which all values lie, None where there is no such grid."""
    distinct = np.unique(score)
    if not 2 <= len(distinct) <= MAX_GRID:
        return None
    steps = np.diff(distinct)
    step = float(steps.min())
    whole = np.abs(steps / step - np.round(steps / step)) < 1e-6
    return step if bool(whole.all()) and len(distinct) > 2 else None


def scale_warnings(
    name: str, facts: Mapping[str, Any], auroc_high: float | None, meaning: Meaning
) -> list[Notice]:
    """Warnings about a doubtful cut or direction.

    Parameters
    ----------
    name : of the score
    facts : as `scale_facts` gives them
    auroc_high : upper end of the interval of the AUROC over all rows, None where it is unknown
    meaning : what the positive class means for a person, on which the words depend
    """
    warnings, share, cut = [], facts["selected_share"], facts["cut"]
    if cut is not None and not FEW_SELECTED < share < 1 - FEW_SELECTED:
        scale = {"side": facts["side"], "cut": cut, "low": facts["low"], "high": facts["high"]}
        warnings.append(notice("cut_doubtful", score=name, meaning=meaning, share=share, **scale))
    if auroc_high is not None and auroc_high < 0.5:
        own = {"side": facts["side"], "own_cut": cut is not None}  # else another column decides
        warnings.append(notice("score_reversed", score=name, auroc_high=auroc_high, **own))
    return warnings


def score_facts(
    systems: Mapping[str, Prediction], task: Task, times: Float | None = None
) -> dict[str, dict[str, Any]]:
    """Range, grid, cut and share selected of each system's score."""
    return {
        name: scale_facts(s.score, s.label, s.cut, times)
        for name, s in systems.items()
        if task == "binary" and s.score is not None and len(s.score)
    }


def score_warnings(
    scores: Mapping[str, Mapping[str, Any]], errors: pl.DataFrame | None, meaning: Meaning
) -> list[Notice]:
    """Warnings about doubtful cuts and directions of the scores."""
    if errors is None:
        return []
    overall = errors.filter(pl.col("attribute") == OVERALL, pl.col("metric") == "auroc")
    high = dict(overall.select("model", "high").iter_rows())
    return [
        w for name, s in scores.items() for w in scale_warnings(name, s, high.get(name), meaning)
    ]
