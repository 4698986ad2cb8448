"""Score-based metrics of a binary outcome: AUROC, average precision, Brier, calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Int
from fairaudit.stats.counts import product, sums
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import Frame, Influence, effective, means

Float = NDArray[np.float64]
ECE_REPLICATES = 500


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
    """Sort by group, then score, and add up what lies below each row."""
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
    """Effective rows of the rarer class, on which ranking rests."""
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


# -- calibration error --------------------------------------------------------------------------


def calibration_bins(score: Float, bins: int = 10) -> Int:
    """Equal-width bins of 0..1; 1 belongs to the last."""
    return np.minimum((score * bins).astype(np.int64), bins - 1)


@dataclass(frozen=True)
class Miscalibration:
    """Signed miscalibration d_b = Σ_b w (y − s) / Σ w by group and bin.

    Attributes
    ----------
    distance : (G, bins)
    root : (G, bins, bins) whose product with its transpose is the covariance of `distance`
    """

    distance: Float
    root: Float

    def ece(self) -> Float:
        """Expected calibration error: Σ_b |d_b|."""
        return np.asarray(np.abs(self.distance).sum(-1))

    def noise(self, n_boot: int, rng: np.random.Generator) -> Float:
        """Normal replicates (B, G, bins) of `distance` minus its expectation."""
        drawn = rng.standard_normal((n_boot, *self.distance.shape))
        return np.asarray(np.einsum("bgk,gjk->bgj", drawn, self.root))


def calibration(score: Float, y: Int, frame: Frame, bins: int = 10) -> Miscalibration:
    """Miscalibration by group and bin; errors come from rows, or from whole clusters."""
    codes, G = frame.grouping.codes, frame.G
    w = frame.unit
    cell = codes * bins + calibration_bins(score, bins)
    mass = frame.total(w)[:, None]
    off = product(w * (y - score), frame.times)
    net = sums(cell, off, G * bins).reshape(G, bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        if frame.cluster is None:
            squares = sums(cell, off * (w * (y - score)), G * bins).reshape(G, bins)
            rows = sums(cell, frame.times, G * bins).reshape(G, bins)
            variance = np.maximum(squares - net**2 / np.maximum(rows, 1), 0.0)
            root = np.sqrt(variance)[:, :, None] * np.eye(bins)
        else:
            root = np.stack(
                [_cluster_root(frame, g, cell - g * bins, off, bins) for g in range(G)]
            )
        return Miscalibration(net / mass, root / mass[:, :, None])


def _cluster_root(frame: Frame, g: int, bin_: Int, off: Float, bins: int) -> Float:
    """Root (bins, bins) of the covariance of one group's sums of `off`, over its clusters.

    A cluster counts by what it is off beyond its share of the group's rows.
    """
    assert frame.cluster is not None
    mine = frame.grouping.codes == g
    _, unit = np.unique(frame.cluster[mine], return_inverse=True)
    k = int(unit.max(initial=-1)) + 1
    if k < 2:
        return np.full((bins, bins), np.nan)
    size = sums(unit, frame.mass[mine], k)
    table = sums(unit * bins + bin_[mine], off[mine], k * bins).reshape(k, bins)
    rest = table - size[:, None] / size.sum() * table.sum(axis=0)
    values, vectors = np.linalg.eigh(rest.T @ rest * k / (k - 1))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def ece_interval(
    found: Miscalibration, n_boot: int, confidence: float, rng: np.random.Generator
) -> tuple[Float, Float, Float]:
    """Low, high (G,) and noise (B, G) of the calibration error.

    Σ|d_b| of noisy d_b is biased upwards; the interval inverts the test along s·d, s ≥ 0, as
    for gaps, so that a perfectly calibrated group's interval reaches 0.
    """
    G = len(found.distance)
    if n_boot == 0:
        return np.full(G, np.nan), np.full(G, np.nan), np.zeros((0, G))
    e = found.noise(n_boot, rng)
    observed = found.ece()
    steps = np.linspace(0.0, 3.0, 61)
    chance = np.stack(
        [(np.abs(s * found.distance + e).sum(-1) >= observed).mean(0) for s in steps]
    )  # (S, G)
    tail = (1 - confidence) / 2
    ends = [_crossing(chance, steps, t) * observed for t in (tail, 1 - tail)]
    ends = [np.where(np.isnan(found.root).any((1, 2)), np.nan, end) for end in ends]
    replicates = np.abs(found.distance + e).sum(-1)
    return ends[0], ends[1], replicates - replicates.mean(0)


def _crossing(chance: Float, steps: Float, level: float) -> Float:
    """First s (G,) at which the chance reaches `level`, interpolated."""
    reached = np.maximum.accumulate(chance, axis=0)
    return np.array([np.interp(level, column, steps) for column in reached.T])


def measurable(names: Sequence[str], score: Float | None) -> tuple[str, ...]:
    """The score metrics that can be had: none without scores, no Brier for non-probabilities."""
    if score is None:
        return ()
    possible = ("mean_score", "auroc", "auprc") + (
        ("brier", "ece") if is_probability(score) else ()
    )
    return tuple(n for n in possible if n in names)


def measure_ece(
    score: Float, y: Int, frame: Frame, everybody: Frame, asked: EstimateOptions
) -> Measured:
    """Calibration error of each group with its inverted interval."""
    rng = np.random.default_rng([asked.seed, frame.G, 31])
    clustered = "" if frame.cluster is None else ", clustered"
    n_boot = min(asked.n_boot, ECE_REPLICATES)
    found = calibration(score, y, frame)
    low, high, noise = ece_interval(found, n_boot, asked.confidence, rng)
    whole = calibration(score, y, everybody)
    _, _, whole_noise = ece_interval(whole, n_boot, asked.confidence, rng)
    return Measured(
        attribute=frame.grouping.attribute,
        names=frame.grouping.names,
        metric="ece",
        n=frame.sizes(),
        denominator=effective(brier(score, y, frame), frame),
        value=found.ece(),
        low=low,
        high=high,
        noise=noise,
        overall=float(whole.ece()[0]),
        overall_noise=whole_noise[:, 0],
        method=f"inverted normal replicates, 10 equal bins{clustered}",
        replicates=f"normal replicates{clustered}",
    )
