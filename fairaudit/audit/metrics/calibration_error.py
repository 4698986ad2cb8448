"""Expected calibration error by group, debiased, with an interval in closed form.

A calibrated score of few rows is off in every bin by chance, and the sum of absolute distances
adds these up: 0.2 at 30 rows. The value here has that excess removed, and its interval inverts a
test, so that the interval of a calibrated group reaches 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fairaudit.audit.metrics.scores import brier
from fairaudit.inputs.arrays import Int
from fairaudit.stats import intervals
from fairaudit.stats.count_errors import correlation_of
from fairaudit.stats.counts import product, sums
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import Frame, correlation, effective

Float = NDArray[np.float64]

BINS = 10
PRIOR_ROWS = 2.0  # rows that the mean score counts as, where the spread of a bin is estimated
DOUBLINGS, STEPS = 12, 36  # of the search for a limit, and halvings of it


def bins_of(score: Float, bins: int = BINS) -> Int:
    """Equal-width bins of 0..1; 1 belongs to the last."""
    return np.minimum((score * bins).astype(np.int64), bins - 1)


@dataclass(frozen=True)
class Miscalibration:
    """Signed miscalibration d_b = Σ_b w (y − s) / Σ w by group and bin.

    Attributes
    ----------
    distance : (G, B)
    error : (G, B) standard errors
    correlation : (G, B, B) of the bins' errors, None where rows are independent
    """

    distance: Float
    error: Float
    correlation: Float | None = None

    def raw(self) -> Float:
        """(G,) Σ_b |d_b|, the usual plug-in value (Naeini et al. 2015)."""
        return np.asarray(np.abs(self.distance).sum(-1))

    def debiased(self) -> Float:
        """(G,) median-unbiased value: under it P(plug-in value ≥ the observed one) is 1/2.

        0 where chance alone would make more than what was seen in half of all samples.
        """
        return np.asarray(self._stretch(0.5)[0] * self.raw())

    def moments(self, s: Float) -> tuple[Float, Float]:
        """Mean and variance (..., G) of Σ_b |s d_b + ε_b|, ε normal; s (..., G).

        |X| of a normal X with mean μ and error σ has mean σ (2 φ(μ/σ) + (μ/σ)(2 Φ(μ/σ) − 1)).
        Two of them covary by ρ a b + ρ² c d / 2 + …, a = σ (2 Φ − 1), c = 2 σ φ (Price 1958).
        """
        sigma = np.maximum(self.error, 1e-15)
        mu = s[..., None] * self.distance
        t = mu / sigma
        density = np.exp(-t * t / 2) / np.sqrt(2 * np.pi)
        sign = 2 * special.ndtr(t) - 1
        mean = sigma * 2 * density + mu * sign
        variance = np.maximum(mu**2 + sigma**2 - mean**2, 0.0).sum(-1)
        if self.correlation is not None:
            first, second = sigma * sign, 2 * sigma * density
            rho = self.correlation - np.eye(self.distance.shape[1])
            variance = variance + np.einsum("...gb,gbc,...gc->...g", first, rho, first)
            square = np.einsum("...gb,gbc,...gc->...g", second, rho * rho, second)
            variance = variance + square / 2
        return mean.sum(-1), np.maximum(variance, 0.0)

    def limits(self, tail: float) -> tuple[Float, Float]:
        """Limits (G,) of the calibration error, each passed with the probability `tail`.

        The observed pattern is shrunk or stretched by s ≥ 0; the limits are the s that make the
        plug-in value as extreme as that, its law taken from its first two moments (gamma).
        """
        low, high = self._stretch(tail, 1 - tail) * self.raw()
        return low, high

    def _chance(self, s: Float) -> Float:
        """P(plug-in value ≥ observed) in each group (..., G)."""
        mean, variance = self.moments(s)
        safe = np.maximum(variance, 1e-300)
        return np.asarray(special.gammaincc(mean**2 / safe, self.raw() * mean / safe))

    def _stretch(self, *chances: float) -> Float:
        """The s (T, G) at which the chance is each of those T given."""
        chance = np.array(chances)[:, None]
        shape = (len(chances), len(self.distance))
        low, high = np.zeros(shape), np.ones(shape)
        for _ in range(DOUBLINGS):
            short = self._chance(high) < chance
            if not short.any():
                break
            low, high = np.where(short, high, low), np.where(short, 2 * high, high)
        for _ in range(STEPS):
            middle = (low + high) / 2
            below = self._chance(middle) < chance
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(self._chance(np.zeros(shape)) >= chance, 0.0, high)


def miscalibration(score: Float, y: Int, frame: Frame, bins: int = BINS) -> Miscalibration:
    """Miscalibration by group and bin; errors come from rows, or from whole clusters."""
    codes, G = frame.grouping.codes, frame.G
    cell = codes * bins + bins_of(score, bins)

    def total(values: Float) -> Float:
        return sums(cell, product(values, frame.times), G * bins).reshape(G, bins)

    w = frame.unit
    mass, weight, square = frame.total(w)[:, None], total(w), total(w * w)
    net = total(w * (y - score))
    with np.errstate(divide="ignore", invalid="ignore"):  # groups without weight, empty bins
        rows = np.where(square > 0, weight**2 / np.where(square > 0, square, 1.0), 0.0)
        shares = net**2 / rows * (1 - weight / mass)  # how many rows a bin gets is chance too
        effect, related = np.ones((G, 1)), None
        if frame.cluster is not None:
            alone = total(np.square(w * (y - score))) - net**2 / rows + shares
            effect, related = _design_effects(frame, cell, w * (y - score), np.nan_to_num(alone))
        predicted, observed, left = total(w * score) / weight, total(w * y) / weight, rows / effect
        shrunk = (left * observed + PRIOR_ROWS * predicted) / (left + PRIOR_ROWS)
        variance = np.nan_to_num((square * shrunk * (1 - shrunk) + shares) * effect)
        error = np.where(np.isnan(effect), np.nan, np.sqrt(variance) / mass)
        return Miscalibration(net / mass, error, related)


def _design_effects(frame: Frame, cell: Int, off: Float, alone: Float) -> tuple[Float, Float]:
    """Design effect (G, 1) of each group's sums over whole clusters, and their correlation.

    A cluster counts by what it is off beyond its share of the group's rows. NaN for one cluster,
    which says nothing about how clusters vary; the correlation is (G, bins, bins).

    Parameters
    ----------
    cell : (n,) group and bin of each row
    off : (n,) weighted distance of outcome and score
    alone : (G, bins) variances of the sums if rows were independent
    """
    assert frame.cluster is not None
    G, bins = alone.shape
    effect, related = np.full((G, 1), np.nan), np.tile(np.eye(bins), (G, 1, 1))
    for g in range(G):
        in_group = frame.grouping.codes == g
        clusters, unit = np.unique(frame.cluster[in_group], return_inverse=True)
        k = len(clusters)
        if k < 2:
            continue
        mass, residuals = frame.mass[in_group], product(off, frame.times)[in_group]
        size = sums(unit, mass, k)
        table = sums(unit * bins + cell[in_group] - g * bins, residuals, k * bins).reshape(k, bins)
        rest = table - size[:, None] / size.sum() * table.sum(axis=0)
        products = rest.T @ rest * k / (k - 1)
        total = float(alone[g].sum())
        effect[g] = max(float(np.trace(products)) / total, 1.0) if total > 0 else 1.0
        related[g] = correlation_of(products)
    return effect, related


def measure_ece(
    score: Float, y: Int, frame: Frame, everybody: Frame, options: EstimateOptions
) -> Measured:
    """Debiased calibration error of each group with its inverted interval."""
    errors = miscalibration(score, y, frame)
    value = errors.debiased()
    unknown = np.isnan(errors.error).any(axis=1) | np.isnan(value)
    rows = effective(brier(score, y, frame), frame)

    @cache  # gaps of several kinds use the same tails
    def limits(tail: float) -> tuple[Float, Float]:
        around = intervals.at_edges(errors.raw(), rows, errors.limits(tail), 1 - 2 * tail)
        low, high = np.minimum(around[0], value), np.clip(around[1], value, 1.0)
        return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)

    low, high = limits((1 - options.confidence) / 2)
    z = intervals.quantile(options.confidence)
    clustered = "" if frame.cluster is None else ", clustered"
    return Measured(
        attribute=frame.grouping.attribute,
        names=frame.grouping.names,
        metric="ece",
        n=frame.sizes(),
        denominator=rows,
        value=value,
        low=low,
        high=high,
        se=np.nan_to_num((high - low) / (2 * z)),
        limits=limits,
        overall=float(miscalibration(score, y, everybody).debiased()[0]),
        share=frame.total(frame.unit),
        method=f"debiased, inverted test, {BINS} equal bins{clustered}",
        correlation=correlation(frame.unit * (y - score), frame),
    )
