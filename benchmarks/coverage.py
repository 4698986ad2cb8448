"""Coverage of 95% intervals by number of rows per group; prints a table, writes JSON.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py --out coverage.json

Rates, differences and ratios are enumerated exactly; gaps over several groups are simulated
through the engine, fixed seed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from fairaudit.audit.metrics import binary
from fairaudit.stats import gaps, intervals
from fairaudit.stats.counts import Cells
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.gaps import Estimates

SIZES = (30, 100, 1000)
RATES = [
    (0.3, 0.4, 0.5, 0.6),
    (0.5, 0.5, 0.5, 0.5),
    (0.2, 0.5, 0.5, 0.5),
    (0.6, 0.8, 0.8),
    (0.4, 0.5, 0.55, 0.7, 0.8),
]
SIMULATIONS, REPLICATES = 2000, 400
Ends = tuple[np.ndarray, np.ndarray]


def exact_rate(n: int, p: float) -> float:
    """Wilson's interval, all outcomes weighed."""
    x = np.arange(n + 1)
    low, high = intervals.wilson(x / n, n, confidence=0.95)
    return float((stats.binom.pmf(x, n, p) * ((low <= p) & (p <= high))).sum())


def exact_pair(n: int, p: float, q: float, ends: Callable[..., Ends], truth: float) -> float:
    """Two groups of n rows, all outcomes of probability above 1e-9 weighed."""
    x = np.arange(n + 1)
    a, b = np.meshgrid(x / n, x / n, indexing="ij")
    chance = np.outer(stats.binom.pmf(x, n, p), stats.binom.pmf(x, n, q))
    keep = chance > 1e-9
    low, high = ends(a[keep], n, b[keep], n, confidence=0.95)
    return float((chance[keep] * ((low <= truth + 1e-12) & (truth - 1e-12 <= high))).sum())


def simulated(n: int, rates: tuple[float, ...]) -> dict[str, float]:
    """Spread, worst group and largest difference over groups."""
    rng = np.random.default_rng([n, len(rates)])
    p = rng.binomial(n, rates, size=(SIMULATIONS, len(rates))) / n
    hits = dict.fromkeys(("sd", "worst", "difference"), 0)
    truth = {"sd": np.std(rates), "worst": min(rates), "difference": np.ptp(rates)}
    for v in p:
        around = (v * n + 0.5) / (n + 1)
        noise = rng.binomial(n, around, size=(REPLICATES, len(rates))) / n - around
        e = Estimates(v, noise, noise.var(axis=0), (0.0, 1.0))
        found = {
            "sd": gaps.deviation(e, 0.95),
            "worst": gaps.lowest(e, 0.95),
            "difference": gaps.difference([e], 0.95),
        }
        for kind, gap in found.items():
            hits[kind] += gap.low - 1e-9 <= truth[kind] <= gap.high + 1e-9
    return {kind: count / SIMULATIONS for kind, count in hits.items()}


def composites(n: int) -> dict[str, float]:
    """Balanced accuracy, F1 and MCC of one group of n rows, through the engine."""
    rng = np.random.default_rng(n)
    p = np.array([[0.35, 0.15], [0.1, 0.4]])
    truth = {"balanced_accuracy": (0.7 + 0.8) / 2, "f1": 0.8 / (0.8 + 0.25)}
    truth["mcc"] = (0.4 * 0.35 - 0.15 * 0.1) / np.sqrt(0.55 * 0.5 * 0.5 * 0.45)
    rows = rng.multinomial(n, p.ravel(), size=SIMULATIONS).reshape(-1, 2, 2).astype(float)
    names = tuple(str(i) for i in range(SIMULATIONS))
    out = {}
    for block in range(0, SIMULATIONS, 100):
        part = rows[block : block + 100]
        cells = Cells("group", names[block : block + 100], part, part, part)
        for m in binary.measure(
            cells, list(truth), EstimateOptions(n_boot=REPLICATES, seed=block, confidence=0.95)
        ):
            held = (m.low <= truth[m.metric]) & (truth[m.metric] <= m.high)
            out[m.metric] = out.get(m.metric, 0.0) + float(held.sum()) / SIMULATIONS
    return out


def main() -> None:
    """Print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rates = [
        {"rows": n, **{f"p={p}": exact_rate(n, p) for p in (0.1, 0.2, 0.3, 0.5)}} for n in SIZES
    ]
    pairs = [
        {
            "rows": n,
            "p": p,
            "q": q,
            "difference": exact_pair(n, p, q, intervals.newcombe, p - q),
            "ratio": exact_pair(n, p, q, intervals.ratio_of_rates, p / q),
        }
        for n in SIZES
        for p, q in ((0.3, 0.5), (0.5, 0.5), (0.2, 0.4), (0.1, 0.3), (0.8, 0.9))
    ]
    groups = [{"rows": n, "rates": str(r), **simulated(n, r)} for n in SIZES for r in RATES]
    others = [{"rows": n, **composites(n)} for n in SIZES]
    with pl.Config(tbl_rows=30, tbl_cols=10, float_precision=3, tbl_width_chars=140):
        for table in (rates, pairs, groups, others):
            print(pl.DataFrame(table))
    if asked.out:
        found = {"rates": rates, "pairs": pairs, "groups": groups, "others": others}
        asked.out.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
