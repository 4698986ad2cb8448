"""95% intervals hold the truth in 93–97% of samples: exactly where it can be enumerated.

Where a number is outside the band the test says so with the value reached, as docs/statistics.md
does; nothing is hidden behind a wide tolerance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from fairaudit.stats import gaps, intervals
from fairaudit.stats.gaps import Estimates, Gap
from tests.sizes import binomial_error, size

Pair = tuple[np.ndarray, np.ndarray]
PAIRS = [(0.3, 0.5), (0.5, 0.5), (0.2, 0.4), (0.6, 0.8), (0.1, 0.3), (0.8, 0.9)]
SIZES = (30, 100, 1000)


def _rate_coverage(n: int, p: float) -> float:
    """Exact: all n + 1 outcomes, weighed by the binomial law."""
    x = np.arange(n + 1)
    low, high = intervals.wilson(x / n, n, confidence=0.95)
    return float((stats.binom.pmf(x, n, p) * ((low <= p) & (p <= high))).sum())


def _pair_coverage(
    n: int, p: float, q: float, interval: Callable[[np.ndarray, np.ndarray], Pair], truth: float
) -> float:
    """Exact up to outcomes of probability 1e-9."""
    x = np.arange(n + 1)
    first, second = np.meshgrid(x, x, indexing="ij")
    chance = np.outer(stats.binom.pmf(x, n, p), stats.binom.pmf(x, n, q))
    keep = chance > 1e-9
    low, high = interval(first[keep] / n, second[keep] / n)
    holds = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
    return float((chance[keep] * holds).sum())


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("p", [0.2, 0.3, 0.5, 0.7, 0.8])
def test_intervals_of_rates_hold_the_truth(n: int, p: float) -> None:
    assert 0.93 - 5e-4 <= _rate_coverage(n, p) <= 0.97


def test_rates_of_a_tenth_at_30_rows_are_slightly_over_covered() -> None:
    # 31 possible outcomes cannot do better: stated in docs/statistics.md
    assert _rate_coverage(30, 0.1) == pytest.approx(0.974, abs=1e-3)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_intervals_of_differences_hold_the_truth(n: int, p: float, q: float) -> None:
    found = _pair_coverage(
        n, p, q, lambda a, b: intervals.newcombe(a, n, b, n, confidence=0.95), p - q
    )
    assert 0.93 <= found <= 0.97


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_intervals_of_ratios_hold_the_truth(n: int, p: float, q: float) -> None:
    found = _pair_coverage(
        n, p, q, lambda a, b: intervals.ratio_of_rates(a, n, b, n, confidence=0.95), p / q
    )
    assert 0.93 <= found <= 0.97


# -- gaps over several groups, simulated through the engine's own functions ----------------------

RATES = [
    (0.3, 0.4, 0.5, 0.6),
    (0.5, 0.5, 0.5, 0.5),
    (0.2, 0.5, 0.5, 0.5),
    (0.6, 0.8, 0.8),
    (0.4, 0.5, 0.55, 0.7, 0.8),
]
SIMULATIONS, REPLICATES = size(400, 1000), 400


def _estimates(n: int, rates: tuple[float, ...], seed: int) -> list[Estimates]:
    """What the engine makes of each simulated sample: smoothed multinomial replicates."""
    rng = np.random.default_rng(seed)
    p = rng.binomial(n, rates, size=(SIMULATIONS, len(rates))) / n
    around = (p * n + 0.5) / (n + 1)
    shape = (SIMULATIONS, REPLICATES, len(rates))
    drawn = rng.binomial(n, np.broadcast_to(around[:, None], shape)) / n
    noise = drawn - around[:, None]
    variance = noise.var(axis=1)
    return [Estimates(v, e, s, (0.0, 1.0)) for v, e, s in zip(p, noise, variance, strict=True)]


def _coverage(
    n: int, rates: tuple[float, ...], make: Callable[[Estimates], Gap], truth: float
) -> float:
    found = [make(e) for e in _estimates(n, rates, 11)]
    return float(np.mean([g.low - 1e-9 <= truth <= g.high + 1e-9 for g in found]))


# two standard errors of 95% coverage: 1.4 points with 1,000 simulations, 2.2 with 400
ERROR = binomial_error(0.95, SIMULATIONS)
WIDE = (0.93 - ERROR, 0.97 + ERROR)


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("rates", RATES)
def test_intervals_of_spreads_hold_the_truth(n: int, rates: tuple[float, ...]) -> None:
    truth = float(np.std(rates))
    found = _coverage(n, rates, lambda e: gaps.deviation(e, 0.95), truth)
    assert WIDE[0] <= found <= WIDE[1]


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("rates", RATES)
def test_intervals_of_the_worst_group_hold_the_truth(n: int, rates: tuple[float, ...]) -> None:
    found = _coverage(n, rates, lambda e: gaps.lowest(e, 0.95), min(rates))
    assert WIDE[0] <= found <= WIDE[1]


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("rates", RATES)
def test_intervals_of_the_largest_difference_hold_the_truth(
    n: int, rates: tuple[float, ...]
) -> None:
    truth = max(rates) - min(rates)
    found = _coverage(n, rates, lambda e: gaps.difference([e], 0.95), truth)
    # three tied best groups against one: 92%, stated in docs/statistics.md
    floor = 0.90 if rates == (0.2, 0.5, 0.5, 0.5) else WIDE[0]
    assert floor <= found <= WIDE[1]


@pytest.mark.slow
@pytest.mark.parametrize("rates", RATES)
def test_what_is_reached_at_30_rows_is_what_the_page_says(rates: tuple[float, ...]) -> None:
    spread = _coverage(30, rates, lambda e: gaps.deviation(e, 0.95), float(np.std(rates)))
    worst = _coverage(30, rates, lambda e: gaps.lowest(e, 0.95), min(rates))
    assert 0.90 - ERROR <= spread <= 0.99
    assert 0.90 - ERROR <= worst <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.0, 0.2])
def test_the_corrected_gap_is_nearer_the_truth_than_the_raw_one(truth: float) -> None:
    rates = tuple(0.5 + truth * np.linspace(-0.5, 0.5, 6))
    found = [gaps.difference([e], 0.95) for e in _estimates(60, rates, 13)[:500]]
    raw = float(np.mean([g.value for g in found])) - truth
    corrected = float(np.mean([g.corrected for g in found])) - truth
    assert raw > 0.03  # extremes of noisy numbers overstate the gap
    assert abs(corrected) < 0.6 * raw


def test_one_tiny_group_does_not_drown_the_gap_of_the_others() -> None:
    rng = np.random.default_rng(3)
    n, p = np.array([2000, 2000, 6]), np.array([0.45, 0.25, 0.5])
    noise = rng.binomial(n, p, size=(2000, 3)) / n - p
    found = gaps.difference([Estimates(p, noise, noise.var(axis=0), (0.0, 1.0))], 0.95)
    assert found.low > 0.15  # the two large groups alone differ by 20 points
    worst = gaps.lowest(Estimates(p, noise, noise.var(axis=0), (0.0, 1.0)), 0.95)
    assert worst.high < 0.29


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
def test_intervals_of_skewed_means_hold_the_truth(n: int) -> None:
    """Squared normal errors, as the mean squared error of a group; Student's t reaches 90%."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, n)) ** 2
    mean, sd = x.mean(1), x.std(1, ddof=1)
    skew = ((x - mean[:, None]) ** 3).mean(1) / x.std(1) ** 3
    low, high = intervals.skewed_mean(mean, sd, skew, n, confidence=0.95)
    hall = float(((low <= 1) & (high >= 1)).mean())
    assert (0.91 if n == 30 else 0.93) <= hall <= 0.97
    half = stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n)
    assert hall >= float((np.abs(mean - 1) <= half).mean())
