"""combine="auto": pooled, gate or tilt, whichever rows that did not fit them can defend.

The worst group comes first, but nothing is given away for it: the average stays within its limit,
no group that sensitive attributes describe may fare worse than under the pooled model beyond
noise, and where rows hold no evidence of groups the pooled model is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from fairaudit.methods.rome.combine import TINY, group_loss, row_loss, tilted
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.group_count import mean_and_error

LEVEL = 0.05  # of the one-sided tests of evidence and of harm
NEAR = 1.0  # standard errors within which candidates count as equal and the simpler one is taken
LESS = (0.5,)  # parts of the way from the tilt back to the gate that compete too


@dataclass(frozen=True)
class JudgedAnswers:
    """The models' predictions for rows, beside the outcomes.

    Attributes
    ----------
    answers : (n, G, C) of the experts
    prior : (n, G) P(group | s), before y
    resp : (n, G) P(group | everything)
    pooled : (n, 1, C) answers of the pooled model
    gain : (n,) log-likelihood of the mixture less that of the pooled model
    target : (n,) values or class codes
    weight : (n,)
    cluster : (n,) or None
    kind : "validation", "cross-fitted", "training" or "too few" (training rows, of which there
        are not enough to judge by)
    """

    answers: Float
    prior: Float
    resp: Float
    pooled: Float
    gain: Float
    target: NDArray[Any]
    weight: Float
    cluster: NDArray[Any] | None
    kind: str


@dataclass(frozen=True)
class Candidate:
    """One combination: its name, its tilt, and its losses (n,) on the judged rows."""

    name: str
    tilt: Float
    loss: Float


@dataclass(frozen=True)
class Combination:
    """The combination that was picked.

    Attributes
    ----------
    name : "pooled", "gate" or "minimax"
    tilt : (G,) group shares that "minimax" is made for
    facts : mapping of JSON values
        name, rows ("validation" …), reason ("one group", "too few rows", "no evidence",
        "chosen", "limit"),
        evidence (one-sided p), limit, and for each candidate its name, average, worst,
        within_limit and harms.
    """

    name: str
    tilt: Float
    facts: Mapping[str, Any]


def candidates(rows: JudgedAnswers, shares: Float, tilt: Float, loss_name: str) -> list[Candidate]:
    """Pooled model, gate and tilts, from simple to less simple."""
    pooled = row_loss(loss_name, rows.pooled, rows.target)(np.ones((len(rows.target), 1)))
    loss = row_loss(loss_name, rows.answers, rows.target)
    listed = [
        Candidate("pooled", shares, pooled),
        Candidate("gate", shares, loss(rows.prior)),
    ]
    for back in (*LESS, 0.0):
        blend = back * shares + (1 - back) * tilt
        weights = tilted(rows.prior, blend / np.maximum(shares, TINY))
        listed.append(Candidate("minimax", blend, loss(weights)))
    return listed


def choose_combination(
    rows: JudgedAnswers,
    shares: Float,
    tilt: Float,
    loss_name: str,
    limit: float | str | None,
) -> Combination:
    """The safe combination on rows that did not fit the models.

    Parameters
    ----------
    shares : (G,) group shares
    tilt : (G,) shares for which the tilted gate is made
    loss_name : the loss of a row
    limit : largest average loss: a number, "pooled", or None for no limit
    """
    listed = candidates(rows, shares, tilt, loss_name)
    most = _limit(limit, listed[0], rows)
    judged = [_judge(c, listed[0], rows, most) for c in listed]
    p = _evidence(rows)
    allowed = [i for i, facts in enumerate(judged) if facts["within_limit"] and not facts["harms"]]
    if len(shares) == 1:
        best, reason = 0, "one group"
    elif rows.kind == "too few":
        best, reason = 0, "too few rows"
    elif p >= LEVEL:
        best, reason = 0, "no evidence"
    elif not allowed:
        best, reason = min(range(len(listed)), key=lambda i: judged[i]["average"]), "limit"
    else:
        best, reason = _best(listed, judged, allowed, rows), "chosen"
    facts = {
        "name": listed[best].name,
        "position": best,
        "rows": rows.kind,
        "reason": reason,
        "evidence": p,
        "limit": None if np.isinf(most) else most,
        "candidates": judged,
    }
    return Combination(listed[best].name, listed[best].tilt, facts)


def _limit(limit: float | str | None, pooled: Candidate, rows: JudgedAnswers) -> float:
    if limit is None:
        return float("inf")
    if limit == "pooled":
        return mean_and_error(pooled.loss, rows.weight, rows.cluster)[0]
    return float(limit)


def _judge(one: Candidate, pooled: Candidate, rows: JudgedAnswers, most: float) -> dict[str, Any]:
    """Average and worst group of a candidate, and whether it may be taken."""
    average = mean_and_error(one.loss, rows.weight, rows.cluster)[0]
    worst = float(group_loss(one.loss, rows.resp * rows.weight[:, None]).max())
    return {
        "name": one.name,
        "average": average,
        "worst": worst,
        "within_limit": bool(average <= most),
        "harms": one is not pooled and _harms(one.loss - pooled.loss, rows),
    }


def _harms(difference: Float, rows: JudgedAnswers) -> bool:
    """Whether a group by P(group | s) fares worse than under the pooled model, beyond noise."""
    groups = rows.prior.shape[1]
    least = float(norm.isf(LEVEL / groups))
    for j in range(groups):
        weight = rows.prior[:, j] * rows.weight
        if weight.sum() > TINY:
            mean, error = mean_and_error(difference, weight, rows.cluster)
            if mean > least * error and mean > 0:
                return True
    return False


def _evidence(rows: JudgedAnswers) -> float:
    """One-sided p of there being no groups that sensitive attributes can distinguish.

    The mixture has to predict the rows better than the pooled model, and better than the same
    mixture with one membership for all: skewed or heavy-tailed errors are a mixture too, but
    nobody's group.
    """
    shares = rows.weight @ rows.prior / rows.weight.sum()
    blind = np.log((rows.resp * shares / np.maximum(rows.prior, TINY)).sum(axis=1))
    return max(_no_gain(rows.gain, rows), _no_gain(-blind, rows))


def _no_gain(gain: Float, rows: JudgedAnswers) -> float:
    """One-sided p of a mean gain of at most 0."""
    mean, error = mean_and_error(gain, rows.weight, rows.cluster)
    if error <= 0:
        return 0.0 if mean > 0 else 1.0
    return float(norm.sf(mean / error))


def _best(
    listed: list[Candidate],
    judged: list[dict[str, Any]],
    allowed: list[int],
    rows: JudgedAnswers,
) -> int:
    """The worst group first, then the average; the simplest of those that count as equal."""
    first = min(allowed, key=lambda i: judged[i]["worst"])
    near = [i for i in allowed if i == first or _equal_in_worst(listed[i], listed[first], rows)]
    best = min(near, key=lambda i: judged[i]["average"])
    every = np.ones(len(rows.weight))
    return next(i for i in near if i == best or _equal(listed[i], listed[best], every, rows))


def _equal_in_worst(one: Candidate, best: Candidate, rows: JudgedAnswers) -> bool:
    """Whether a candidate's own worst group fares not clearly worse than under the best."""
    worst = int(group_loss(one.loss, rows.resp * rows.weight[:, None]).argmax())
    return _equal(one, best, rows.resp[:, worst], rows)


def _equal(one: Candidate, best: Candidate, member: Float, rows: JudgedAnswers) -> bool:
    """Whether a candidate is not clearly worse than the best for some members."""
    mean, error = mean_and_error(one.loss - best.loss, member * rows.weight, rows.cluster)
    return mean <= NEAR * error
