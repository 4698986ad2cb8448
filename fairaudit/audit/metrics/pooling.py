"""Partial pooling of sparse groups: empirical Bayes values to stand beside the raw ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fairaudit.stats import intervals
from fairaudit.stats.estimates import Measured
from fairaudit.stats.metric_definitions import RATES, base_name

Float = NDArray[np.float64]
Pooled = tuple[Float, Float, Float]

MIN_GROUPS = 3  # fewer groups say nothing about how groups vary


def pooled(m: Measured, confidence: float) -> Pooled:
    """Shrunken value, low, high (G,): beta-binomial for rates, normal for the rest.

    The interval is the posterior's at the estimated prior; it does not hold the uncertainty of
    the prior itself.
    """
    known = ~np.isnan(m.value) & (m.denominator > 0)
    out = tuple(np.full(len(m.names), np.nan) for _ in range(3))
    if known.sum() < MIN_GROUPS:
        return out[0], out[1], out[2]
    if base_name(m.metric) in RATES:
        found = beta_binomial(m.value[known], m.denominator[known], confidence)
    else:
        variance = np.nan_to_num(m.se[known]) ** 2
        if not variance.any():  # nothing is known of the noise: nothing to weigh by
            return out[0], out[1], out[2]
        found = normal(m.value[known], variance, confidence)
    for column, values in zip(out, found, strict=True):
        column[known] = values
    return out[0], out[1], out[2]


def beta_binomial(p: Float, n: Float, confidence: float) -> Pooled:
    """Posterior mean and interval of K rates under a beta prior fitted by moments.

    The intraclass correlation ρ comes from the weighted between-group sum of squares (Kleinman
    1973); groups that differ no more than chance allows are pooled fully, up to a prior worth
    all rows together.
    """
    total, K = float(n.sum()), len(p)
    mean = float((p * n).sum() / total)
    spread = mean * (1 - mean)
    if spread <= 0:
        low, high = intervals.wilson(np.full(K, mean), n, confidence)
        return np.full(K, mean), low, high
    S = float((n * (p - mean) ** 2).sum())
    room = spread * (total - float((n**2).sum()) / total - (K - 1))
    rho = (S - (K - 1) * spread) / room if room > 0 else 0.0
    rows = total if rho <= 1 / (1 + total) else max(1 / min(rho, 1.0) - 1, 0.01)
    a, b = p * n + mean * rows, (1 - p) * n + (1 - mean) * rows
    tail = (1 - confidence) / 2
    low, high = (np.asarray(stats.beta.ppf(q, a, b)) for q in (tail, 1 - tail))
    return a / (a + b), low, high


def normal(value: Float, variance: Float, confidence: float) -> Pooled:
    """Posterior mean and interval under a normal prior (DerSimonian & Laird's variance)."""
    safe = np.maximum(variance, 1e-9 * max(float(variance.max(initial=0.0)), 1e-9))
    w = 1 / safe
    mean = float((w * value).sum() / w.sum())
    Q = float((w * (value - mean) ** 2).sum())
    room = float(w.sum() - (w**2).sum() / w.sum())  # 0 when one group holds all the weight
    between = max((Q - (len(value) - 1)) / room, 0.0) if room > 0 else 0.0
    w = 1 / (between + safe)
    mean = float((w * value).sum() / w.sum())
    share = between / (between + safe)
    centre = share * value + (1 - share) * mean
    se = np.sqrt(share * safe + (1 - share) ** 2 / float(w.sum()))
    half = intervals.quantile(confidence) * se
    return centre, centre - half, centre + half
