"""Score-based metrics of a binary outcome: AUROC, average precision, Brier score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.stats.counts import sums
from fairaudit.stats.influence import Frame, Influence, means

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Rows sorted by group and score, ties together; all sums are of weights.

    Attributes
    ----------
    order : (n,) original index of each sorted row
    code : (n,) group
    y, w, mass : (n,) truth, weight of one row and of all rows it stands for
    block : (n,) number of the (group, score) tie block
    pos_before, neg_before : (n,) weight of the group's positives, negatives with a lower score
    pos_tied, neg_tied : (n,) the same with an equal score
    pos, neg : (G,) group totals
    """

    order: Int
    code: Int
    y: Float
    w: Float
    mass: Float
    block: Int
    pos_before: Float
    neg_before: Float
    pos_tied: Float
    neg_tied: Float
    pos: Float
    neg: Float


def score_order(score: Float) -> Int:
    """Rows by ascending score; made once a model and shared by all groupings."""
    return np.argsort(score, kind="stable")


def rank(by_score: Int, score: Float, y: Int, frame: Frame) -> Ranked:
    """Sort by group, then score, and sum the weights below each row."""
    codes, G = frame.grouping.codes, frame.G
    small = codes[by_score].astype(np.int16)  # 16 bits: numpy then sorts by radix
    order = by_score[np.argsort(small, kind="stable")]
    code, s = codes[order], score[order]
    truth = y[order].astype(np.float64)
    w, mass = frame.unit[order], frame.mass[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (code[1:] != code[:-1]) | (s[1:] != s[:-1])
    block = np.cumsum(new) - 1
    pos = sums(code, mass * truth, G)
    neg = sums(code, mass * (1 - truth), G)
    pos_before, pos_tied = _below(mass * truth, block, pos, code)
    neg_before, neg_tied = _below(mass * (1 - truth), block, neg, code)
    return Ranked(
        order, code, truth, w, mass, block, pos_before, neg_before, pos_tied, neg_tied, pos, neg
    )


def _below(w: Float, block: Int, totals: Float, code: Int) -> tuple[Float, Float]:
    tied = sums(block, w, 0)
    before = np.cumsum(tied) - tied
    start = np.cumsum(totals) - totals  # weight of the groups sorted earlier
    return np.maximum(before[block] - start[code], 0.0), tied[block]


def auroc(ranked: Ranked) -> Influence:
    """Area under the ROC curve with DeLong's (1988) components as influences."""
    r = ranked
    pos, neg = r.pos[r.code], r.neg[r.code]
    both = (r.pos > 0) & (r.neg > 0)
    safe_pos, safe_neg = np.where(pos > 0, pos, 1.0), np.where(neg > 0, neg, 1.0)
    wins = (r.neg_before + 0.5 * r.neg_tied) / safe_neg  # of a positive over the negatives
    losses = 1 - (r.pos_before + 0.5 * r.pos_tied) / safe_pos
    total = sums(r.code, r.mass * r.y * wins, len(r.pos))
    value = np.divide(total, r.pos, out=np.full(len(r.pos), np.nan), where=both)
    centred = np.where(r.y == 1, wins, losses) - value[r.code]
    influence = r.w * centred / np.where(r.y == 1, safe_pos, safe_neg)
    return Influence("auroc", value, _smaller_class(r), _back(r, influence), "logit")


def _smaller_class(r: Ranked) -> Float:
    """Effective rows of the rarer class, which limits the precision of ranks."""
    sizes = []
    for side in (r.y, 1 - r.y):
        w = sums(r.code, r.mass * side, len(r.pos))
        w2 = sums(r.code, r.w * r.mass * side, len(r.pos))
        sizes.append(np.divide(w**2, w2, out=np.zeros(len(w)), where=w2 > 0))
    return np.minimum(*sizes)


def _back(r: Ranked, values: Float) -> Float:
    rows = np.empty(len(values))
    rows[r.order] = np.nan_to_num(values)
    return rows


def auprc(ranked: Ranked) -> Influence:
    """Average precision (scikit-learn's), with its influence function."""
    r = ranked
    pos = np.where(r.pos > 0, r.pos, 1.0)[r.code]
    tp = r.pos[r.code] - r.pos_before  # selected positives at this row's score or above
    chosen = tp + r.neg[r.code] - r.neg_before
    precision = tp / np.where(chosen > 0, chosen, 1.0)
    hit = r.mass * r.y
    total = sums(r.code, hit * precision, len(r.pos))
    value = np.divide(total, r.pos, out=np.full(len(r.pos), np.nan), where=r.pos > 0)
    value = np.minimum(value, 1.0)  # sums of shares may round to more
    safe = np.where(chosen > 0, chosen, 1.0)
    up = _upto(hit / safe, r)  # Σ over positives with a score up to this one
    down = _upto(hit * precision / safe, r)
    pull = r.y * (precision - value[r.code]) + r.y * up - down
    return Influence("auprc", value, _smaller_class(r), _back(r, r.w * pull / pos), "logit")


def _upto(values: Float, r: Ranked) -> Float:
    before, tied = _below(values, r.block, sums(r.code, values, len(r.pos)), r.code)
    return before + tied


def brier(score: Float, y: Int, frame: Frame) -> Influence:
    """Mean squared distance of probability and outcome."""
    return means("brier", (score - y) ** 2, frame)


def is_probability(score: Float) -> bool:
    """Whether all scores lie in 0..1, so that Brier and calibration error mean something."""
    return bool(len(score) and np.nanmin(score) >= 0 and np.nanmax(score) <= 1)


def measurable(names: Sequence[str], score: Float | None) -> tuple[str, ...]:
    """The score metrics that are defined: none without scores, no Brier for non-probabilities."""
    if score is None:
        return ()
    possible = ("mean_score", "auroc", "auprc") + (
        ("brier", "ece") if is_probability(score) else ()
    )
    return tuple(n for n in possible if n in names)
