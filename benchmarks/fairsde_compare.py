"""FairSDE compared with ERM, decoupled heads, group DRO and thresholds by group on real tables.

Run: python benchmarks/fairsde_compare.py [--rows 20000] [--seeds 5] [--out FILE.json]
Every method gets the same splits (60/20/20, stratified), the same encoding, the same network, the
same number of epochs and the same early stopping. "Harmed" counts the groups where a method does
worse than ERM on test rows beyond a paired one-sided 95% bound, family-wise over groups.
Intervals over seeds are the corrected resampled t of Nadeau and Bengio (2003).
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fairaudit.audit.adapters import adapter
from fairaudit.audit.fitted import Prediction
from fairaudit.audit.seed_comparison import corrected_interval
from fairaudit.data.arrays import Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.reading.table import read_table
from fairaudit.data.roles import ColumnRoles
from fairaudit.methods.common.progress import Silent
from fairaudit.stats.paired_bounds import holm
from fairaudit.stats.paired_differences import Answers, evidence

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
METHODS = ("erm", "decoupled", "group-dro", "threshold", "fair-sde")
GROUPINGS = (("sex",), ("race",), ("sex", "race"))
NETWORK = {"max_epochs": 15, "batch_size": 256, "patience": 4}


def adult(rows: int) -> Dataset:
    """UCI Adult, both files, a fixed sample of rows."""
    parts = [
        read_table(SHARED / "adult" / name, name=name + ".csv")
        for name in ("adult.data", "adult.test")
    ]
    frame = pl.concat(parts, how="vertical_relaxed").with_columns(
        pl.col("income").cast(pl.String).str.strip_chars(" .")
    )
    frame = frame.sample(min(rows, len(frame)), seed=0, shuffle=True)
    hidden = ("income", "sex", "race", "fnlwgt")
    roles = ColumnRoles(
        target="income",
        features=tuple(c for c in frame.columns if c not in hidden),
        sensitive=("sex", "race"),
        positive=">50K",
    )
    return Dataset(frame, roles)


def law(rows: int) -> Dataset:
    """LSAC law school, passing the bar at the first attempt."""
    frame = read_table(SHARED / "law" / "law_data.csv").drop_nulls("first_pf")
    frame = frame.with_columns(
        pl.col("first_pf").cast(pl.Float64).cast(pl.Int64).cast(pl.String),
        pl.col("sex").cast(pl.String),
    )
    frame = frame.sample(min(rows, len(frame)), seed=0, shuffle=True)
    roles = ColumnRoles(
        target="first_pf",
        features=("LSAT", "UGPA", "region_first"),
        sensitive=("race", "sex"),
        positive="1",
    )
    return Dataset(frame, roles)


def cells(arrays: Arrays, grouping: tuple[str, ...]) -> np.ndarray[Any, Any]:
    """Group names by row, columns joined."""
    joined = arrays.groups[grouping[0]]
    for name in grouping[1:]:
        joined = np.char.add(np.char.add(joined, " × "), arrays.groups[name])
    return joined


def measure(
    found: Prediction, erm: Prediction, arrays: Arrays, grouping: tuple[str, ...]
) -> dict[str, float]:
    """Overall, worst group, gap and harmed groups on test rows; groups of 50 rows or more."""
    test = arrays.split == 2
    names, codes = np.unique(cells(arrays, grouping)[test], return_inverse=True)
    big = np.bincount(codes) >= 50
    pair = [Answers(p.label[test]) for p in (found, erm)]
    seen = evidence(arrays.y[test], *pair, np.where(big[codes], codes, -1), len(names), "accuracy")
    accuracy = seen.expert[big]
    swapped = evidence(
        arrays.y[test], pair[1], pair[0], np.where(big[codes], codes, -1), len(names), "accuracy"
    )
    worse, _ = holm(np.where(big, swapped.test.p_value(0.0), np.nan), 0.05)
    return {
        "overall": float((found.label[test] == arrays.y[test]).mean()),
        "worst": float(accuracy.min()),
        "gap": float(np.ptp(accuracy)),
        "harmed": float(worse.sum()),
    }


def one_seed(data: Dataset, grouping: tuple[str, ...], seed: int) -> dict[str, dict[str, float]]:
    """Every method on one split."""
    arrays = data.arrays(seed=seed)
    out: dict[str, dict[str, float]] = {}
    answers: dict[str, Prediction] = {}
    for name in METHODS:
        params: dict[str, Any] = {} if name == "threshold" else dict(NETWORK)
        if name != "erm":
            params["attributes"] = list(grouping)
        fitted = adapter(name)(
            arrays, params, seed=seed, device="auto", monitor=Silent(), confidence=0.95
        )
        answers[name] = fitted.predictions[name]
        if name == "fair-sde":
            answers["fair-sde experts always"] = fitted.predictions["expert"]
    for name, found in answers.items():
        out[name] = measure(found, answers["erm"], arrays, grouping)
    return out


def main() -> None:
    """Run all and print one table a data set and grouping."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", nargs="*", default=["adult", "law"])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    results: dict[str, Any] = {}
    for title in given.data:
        data = {"adult": adult, "law": law}[title](given.rows)
        for grouping in GROUPINGS:
            runs = [one_seed(data, grouping, seed) for seed in range(given.seeds)]
            key = f"{title}, {' × '.join(grouping)}"
            results[key] = _report(key, runs)
            if given.out:
                given.out.write_text(json.dumps(results, indent=1))


def _report(key: str, runs: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    print(f"\n{key} ({len(runs)} seeds, accuracy in points, 95% interval)")
    table: dict[str, Any] = {}
    for name in runs[0]:
        row = {}
        for what in ("overall", "worst", "gap", "harmed"):
            values = np.array([run[name][what] for run in runs])
            row[what] = corrected_interval(values, 1 / 3, 0.95)
        table[name] = row
        shown = [
            f"{100 * row[w][0]:.1f} [{100 * row[w][1]:.1f}, {100 * row[w][2]:.1f}]"
            for w in ("overall", "worst", "gap")
        ]
        print(f"| {name} | {' | '.join(shown)} | {row['harmed'][0]:.1f} |", flush=True)
    return table


if __name__ == "__main__":
    main()
