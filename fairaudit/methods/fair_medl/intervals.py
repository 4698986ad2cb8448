"""Bootstrap intervals of Fair MEDL's measures on held-out rows, by rows or whole clusters.

A mean of standard deviations over groups is never negative and noise makes it larger, so its
percentile interval never holds "no spread". As for gaps, the interval inverts a test instead: the
observed pattern of group rates is shrunk by a factor s until a spread as large as the observed one
is seen in the lower tail's share of the draws (2.5% at a confidence of 0.95): that is the
lower end. The upper end is the draws' own quantile,
where the bias only adds caution (an inverted one would fall onto the estimate where noise alone
explains more than was observed).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairaudit.inputs.arrays import Float, Int
from fairaudit.methods.fair_medl.metrics import FEWEST, equalised

_FACTORS = np.linspace(0.0, 1.0, 41)


def draws(n: int, cluster: Int | None, count: int, seed: int) -> Iterator[Int]:
    """Row numbers of bootstrap samples; with clusters whole clusters are drawn."""
    rng = np.random.default_rng(seed)
    if cluster is None:
        for _ in range(count):
            yield rng.integers(0, n, n)
        return
    order = np.argsort(cluster, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(cluster[order]) != 0])
    sizes = np.diff(np.r_[first, n])
    for _ in range(count):
        picked = rng.integers(0, len(first), len(first))
        size = sizes[picked]
        begins = np.cumsum(size) - size  # of each drawn cluster in the sample
        yield order[np.arange(size.sum()) + np.repeat(first[picked] - begins, size)]


def alone(cluster: Int | None) -> bool:
    """Whether all rows are of one cluster, so that variation between clusters is unknown."""
    return cluster is not None and len(np.unique(cluster)) < 2


@dataclass(frozen=True)
class Family:
    """One rate by group of one attribute: rows (m,), their groups (m,) and values (m,).

    `share` is what its standard deviation counts in the mean over families.
    """

    row: Int
    group: Int
    value: Float
    share: float

    def rates(self, times: Float | None = None) -> Float:
        """Rates (K,), each row counted `times` (n,) times; NaN for a group that was not drawn."""
        weight = None if times is None else times[self.row]
        total = self.value if weight is None else weight * self.value
        size = int(self.group.max()) + 1
        with np.errstate(invalid="ignore"):
            return np.asarray(
                np.bincount(self.group, total, size) / np.bincount(self.group, weight, size)
            )


def families(
    y: NDArray[np.generic],
    label: NDArray[np.generic],
    groups: Int,
    *,
    task: str,
    target: str,
    fewest: int = FEWEST,
) -> list[Family]:
    """The rates behind `mean_spread`; `groups` (n, A), -1 = not judged."""
    nested: list[list[Family]] = []
    for column in groups.T:
        for each in equalised(y, label, task=task, target=target).values():
            rated = [_family(value, about, column, fewest) for value, about in each]
            nested.append([family for family in rated if family is not None])
    present = [same_rate for same_rate in nested if same_rate]
    return [
        Family(f.row, f.group, f.value, 1 / len(same_rate) / len(present))
        for same_rate in present
        for f in same_rate
    ]


def _family(value: Float, about: NDArray[np.bool_], groups: Int, fewest: int) -> Family | None:
    """None where fewer than two groups have enough rows."""
    counts = np.bincount(groups[about & (groups >= 0)], minlength=int(groups.max(initial=0)) + 1)
    large_enough = np.flatnonzero(counts >= max(fewest, 1))
    if len(large_enough) < 2:
        return None
    row = np.flatnonzero(about & np.isin(groups, large_enough))
    return Family(row, np.searchsorted(large_enough, groups[row]), value[row], 1.0)


def spread_interval(
    rate_families: list[Family],
    n: int,
    cluster: Int | None,
    *,
    count: int,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """Interval of the mean spread; NaN where it is undefined or rests on one cluster."""
    if not rate_families or alone(cluster):
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    rates = [family.rates() for family in rate_families]
    noise = [np.empty((count, len(r))) for r in rates]
    for b, rows in enumerate(draws(n, cluster, count, seed)):
        times = np.bincount(rows, minlength=n).astype(np.float64)
        for family, rate, deviations in zip(rate_families, rates, noise, strict=True):
            # a group that was not drawn has no deviation
            deviations[b] = np.nan_to_num(family.rates(times) - rate)
    observed = sum(f.share * float(np.std(r)) for f, r in zip(rate_families, rates, strict=True))

    def spreads(factor: float) -> Float:
        by_family = [
            f.share * np.std(factor * r + e, axis=1)
            for f, r, e in zip(rate_families, rates, noise, strict=True)
        ]
        return np.asarray(np.sum(by_family, axis=0))

    if observed <= 1e-12:
        return 0.0, float(np.quantile(spreads(0.0), 1 - tail))
    chance = np.maximum.accumulate([(spreads(s) >= observed).mean() for s in _FACTORS])
    low = float(np.interp(tail, chance, _FACTORS)) * observed
    return low, max(float(np.quantile(spreads(1.0), 1 - tail)), observed)
