"""Whether a score is calibrated within each group: a test of the level and slope of the score.

Where y is 1 with exactly the probability s that the score states, U = Σ (y − s) x has mean 0 and
variance Σ s (1 − s) x², whatever x is made of the score. The test takes x = 1 (is the outcome as
frequent as the scores say?) and x = logit s (are the scores too extreme or too cautious?): the
score test of intercept 0 and slope 1 in Cox's recalibration (Cox 1958; Miller, Hui & Tierney
1991). It needs no bins and fits nothing.

In small groups the law of the statistic is simulated: outcomes are drawn with the probabilities
that the scores state, so that the p-value is exact (Barnard 1963) for any number of rows and any
scores. In large ones it is χ². With clusters the variances are multiplied by the design effects
of the cluster totals. Weights enter the sums; the hypothesis is then that the scores are right
whatever the weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from fairaudit.inputs.arrays import Int
from fairaudit.stats.counts import sums

Float = NDArray[np.float64]

EDGE = 0.01  # scores closer to 0 or 1 do not pull harder at the slope
FEW = 40.0  # Σ s (1 − s) below which the law is simulated …
MOST_SIMULATED = 20_000  # … in groups of at most so many rows
FIRST_DRAWS, MOST_DRAWS = 200, 20_000
ENOUGH = 50  # draws as large as the observed with which a p-value is known well enough
CHUNK = 4_000_000  # numbers drawn at once
LEAST_CLUSTERS = 8  # with fewer their design effect is not known
CERTAIN = "a certain score was wrong"
FLAT = 1e-9  # share of the slope's variance that must be left for it to be tested


@dataclass(frozen=True)
class ScoredRows:
    """Scores and outcomes of the rows of one system.

    Attributes
    ----------
    score : (n,) in 0..1
    y : (n,) 0 or 1
    codes : (n,) group of each row
    groups : number of groups
    times : (n,) how many equal rows each stands for; None for one
    weight, cluster : (n,) or None
    """

    score: Float
    y: Int
    codes: Int
    groups: int
    times: Float | None = None
    weight: Float | None = None
    cluster: Int | None = None

    def total(self, values: Float) -> Float:
        """(G,) sums over the rows of each group."""
        return sums(self.codes, values if self.times is None else values * self.times, self.groups)

    def of(self, group: int) -> ScoredRows:
        """The rows of one group."""
        mine = self.codes == group
        times = None if self.times is None else self.times[mine]
        weight = None if self.weight is None else self.weight[mine]
        codes = np.zeros(int(mine.sum()), dtype=np.int64)
        return ScoredRows(self.score[mine], self.y[mine], codes, 1, times, weight)


@dataclass(frozen=True)
class CalibrationTests:
    """The test in each of G groups.

    Attributes
    ----------
    observed, expected : (G,) share of positive outcomes and mean score, weighted
    level, slope : (G,) standardised: above 0 where outcomes are more frequent than scores say,
        and where scores are too cautious; below 0 where they are too extreme
    p : (G,) of calibration, NaN where it cannot be tested
    error : (G,) standard error of observed − expected if the scores are right; NaN with clusters
    method : (G,) names of the law
    """

    observed: Float
    expected: Float
    level: Float
    slope: Float
    p: Float
    error: Float
    method: tuple[str, ...]


def calibration_tests(rows: ScoredRows, seed: int = 0) -> CalibrationTests:
    """Test the calibration of a score in every group.

    Parameters
    ----------
    rows : ScoredRows
    seed : of the simulated laws
    """
    w = _unit(rows)
    mass = rows.total(w)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, expected = rows.total(w * rows.y) / mass, rows.total(w * rows.score) / mass
        error = np.sqrt(rows.total(w * w * rows.score * (1 - rows.score))) / mass
    parts = _independent(rows, seed) if rows.cluster is None else _clustered(rows)
    level, slope, p, method = parts
    known = error if rows.cluster is None else np.full(rows.groups, np.nan)
    return CalibrationTests(observed, expected, level, slope, p, known, method)


def detectable_shift(error: Float, confidence: float, power: float = 0.8) -> Float:
    """How far (G,) outcomes must be from what scores say, on average, to be shown with `power`.

    All chances are moved by the same amount. Its part in the slope is left out, so that the power
    is at least the one stated, apart from the normal approximation.

    Parameters
    ----------
    error : (G,) of `CalibrationTests`
    confidence : 1 − the level of the test, before any adjustment for multiple testing
    """
    beyond = stats.chi2.ppf(confidence, 2)

    def lacking(noncentrality: float) -> float:
        return float(stats.ncx2.sf(beyond, 2, noncentrality)) - power

    return np.asarray(np.sqrt(optimize.brentq(lacking, 1e-6, 200.0)) * error)


def _unit(rows: ScoredRows) -> Float:
    return np.ones(len(rows.score)) if rows.weight is None else rows.weight


def lever(score: Float) -> Float:
    """What the slope is tested with: logit of the score, kept from its edges."""
    s = np.clip(score, EDGE, 1 - EDGE)
    return np.asarray(np.log(s / (1 - s)))


# -- independent rows -----------------------------------------------------------------------------


Parts = tuple[Float, Float, Float, tuple[str, ...]]


@dataclass(frozen=True)
class _Law:
    """Variances (G,) and covariance of U_0 = Σ w (y − s) and U_1 = Σ w (y − s) x.

    If the scores are right, whatever the weights.
    """

    level: Float
    slope: Float
    both: Float

    def of(self, group: int) -> _Law:
        """The test of one group."""
        own = slice(group, group + 1)
        return _Law(self.level[own], self.slope[own], self.both[own])

    def share(self) -> Float:
        """(G,) the part of U_0 that is in U_1."""
        return np.divide(self.both, self.level, out=np.zeros_like(self.both), where=self.level > 0)

    def rest(self) -> Float:
        """(G,) variance of U_1 given U_0; 0 where all scores are alike."""
        rest = self.slope - self.share() * self.both
        return np.where(rest > FLAT * self.slope, rest, 0.0)

    def z(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Standardised level, and slope given the level, of U_0 and U_1 (..., G); 0 for none."""
        rest = self.rest()
        first = np.divide(u, np.sqrt(self.level), out=np.zeros_like(u), where=self.level > 0)
        beyond = np.divide(
            v - self.share() * u, np.sqrt(rest), out=np.zeros_like(v), where=rest > 0
        )
        return first, beyond

    def freedom(self) -> Float:
        """(G,) how many of the two can be tested."""
        return np.asarray((self.level > 0).astype(float) + (self.rest() > 0))


def _independent(rows: ScoredRows, seed: int) -> Parts:
    x, w = lever(rows.score), _unit(rows)
    off, spread = w * (rows.y - rows.score), w * w * rows.score * (1 - rows.score)
    total = rows.total
    law = _Law(total(spread), total(spread * x * x), total(spread * x))
    level, slope = law.z(total(off), total(off * x))
    statistic, freedom = level**2 + slope**2, law.freedom()
    size, broken = total(np.ones(len(w))), _broken(rows)
    p = np.where(freedom > 0, stats.chi2.sf(statistic, np.maximum(freedom, 1.0)), 1.0)
    simulated = (_effective(rows) < FEW) & (freedom > 0) & (size <= MOST_SIMULATED) & ~broken
    for g in np.flatnonzero(simulated).tolist():
        p[g] = _simulated_p(rows.of(g), law.of(g), statistic[g], seed)
    p = np.where(size > 0, np.where(broken, 0.0, p), np.nan)
    names = np.where(simulated, "score test, exact by simulation", "score test, χ²")
    return level, slope, p, tuple(np.where(broken, CERTAIN, names).tolist())


def _broken(rows: ScoredRows) -> NDArray[np.bool_]:
    """Groups (G,) in which a score of 0 or 1 was wrong: no outcome of that kind can be."""
    sure = (rows.score <= 0) | (rows.score >= 1)
    return rows.total((sure & (rows.y != rows.score)).astype(float)) > 0


def _effective(rows: ScoredRows) -> Float:
    """Σ s (1 − s) in each group, less what unequal weights cost (Kish)."""
    spread, w = rows.score * (1 - rows.score), _unit(rows)
    square = rows.total(w * w * spread)
    return np.divide(
        rows.total(w * spread) ** 2, square, out=np.zeros(rows.groups), where=square > 0
    )


def _simulated_p(rows: ScoredRows, law: _Law, statistic: float, seed: int) -> float:
    """Share of outcomes simulated from the scores with a statistic as large as the observed."""
    rng = np.random.default_rng([seed, len(rows.score)])
    return _sequential_p(_drawn(rows, law, rng), statistic)


def _sequential_p(drawn: Iterator[Float], statistic: float) -> float:
    """Exact p-value that draws no more than it needs (Besag & Clifford 1991).

    ENOUGH draws as large as the observed after l draws in all give p = ENOUGH / l.
    """
    beyond, made = 0, 0
    for block in drawn:
        reached = beyond + np.cumsum(block >= statistic - 1e-9)
        if reached[-1] >= ENOUGH:
            return ENOUGH / (made + int(np.searchsorted(reached, ENOUGH)) + 1)
        beyond, made = int(reached[-1]), made + len(block)
    return (1 + beyond) / (1 + made)


def _drawn(rows: ScoredRows, law: _Law, rng: np.random.Generator) -> Iterator[Float]:
    """Statistics of drawn outcomes, in blocks."""
    score, w = rows.score, _unit(rows)
    levers = np.column_stack([w, w * lever(score)])  # (n, 2)
    for draws in _blocks(len(score)):
        shape = (draws, len(score))
        if rows.times is None:
            off = (rng.random(shape) < score) - score
        else:
            off = rng.binomial(rows.times.astype(np.int64), score, shape) - rows.times * score
        u = off @ levers
        level, slope = law.z(u[:, 0], u[:, 1])
        yield level**2 + slope**2


def _blocks(n: int) -> Iterator[int]:
    """Sizes of blocks of draws, growing while a p-value turns out to be small."""
    made, block = 0, FIRST_DRAWS
    while made < MOST_DRAWS:
        block = max(min(block, MOST_DRAWS - made, CHUNK // n), 1)
        yield block
        made, block = made + block, 2 * block


# -- clusters -------------------------------------------------------------------------------------


def _clustered(rows: ScoredRows) -> Parts:
    """The test with design effects of cluster totals (at least 1) and the F distribution."""
    assert rows.cluster is not None
    x, w = lever(rows.score), _unit(rows)
    off, spread = w * (rows.y - rows.score), w * w * rows.score * (1 - rows.score)
    total = rows.total
    law = _Law(total(spread), total(spread * x * x), total(spread * x))
    share = law.share()
    level, slope = law.z(total(off), total(off * x))
    p, broken, known = np.full(rows.groups, np.nan), _broken(rows), law.freedom()
    tilted = off * (x - share[rows.codes])  # what the slope adds to the level
    contributions = np.column_stack([off, tilted])
    contributions = contributions if rows.times is None else contributions * rows.times[:, None]
    for g, mine in enumerate(_members(rows)):
        k, squares = _cluster_squares(rows.cluster[mine], contributions[mine])
        if k < LEAST_CLUSTERS or known[g] == 0:
            continue
        alone = np.array([law.level[g], law.rest()[g]])
        effect = np.divide(squares, alone, out=np.ones(2), where=alone > 0) * k / (k - 1)
        root = np.sqrt(np.maximum(effect, 1.0))
        level[g], slope[g] = level[g] / root[0], slope[g] / root[1]
        statistic, q = level[g] ** 2 + slope[g] ** 2, known[g]
        p[g] = stats.f.sf(statistic * (k - q) / (q * (k - 1)), q, k - q)
    p = np.where(broken, 0.0, p)
    names = np.where(broken, CERTAIN, "score test, design effect of clusters")
    return level, slope, p, tuple(names.tolist())


def _members(rows: ScoredRows) -> Iterator[Int]:
    """Rows of each group."""
    order = np.argsort(rows.codes, kind="stable")
    bounds = np.searchsorted(rows.codes[order], np.arange(rows.groups + 1))
    return (order[bounds[g] : bounds[g + 1]] for g in range(rows.groups))


def _cluster_squares(cluster: Int, moves: Float) -> tuple[int, Float]:
    """Number of clusters, and sums of squares of their totals about the mean (2,)."""
    known, unit = np.unique(cluster, return_inverse=True)
    k = len(known)
    totals = np.column_stack([sums(unit, moves[:, j], k) for j in (0, 1)])
    return k, np.square(totals - totals.mean(axis=0)).sum(axis=0)
