"""Coverage and width of every kind of gap over a grid of rates, sizes and numbers of groups.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py --tables 1000 --out coverage.json

Each cell draws tables, sends them through the engine of the audit and counts how often an
interval misses the truth. `--grid edges` looks at rates from .02 to .97, `--grid levels` at the
levels .9 and .99, `--grid weights` at sampling weights, `--grid clusters` at crossing and nested
clusters. The same script runs on an earlier version of the package (put it first on PYTHONPATH);
with `--against` its output, widths are compared cell by cell. `--document coverage.json` prints
what --out wrote as the tables of docs/statistics.md. A summary comes last, the worst
cells first; a coverage of .95 from T tables has a standard error of √(.0475 / T).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from fairaudit.audit.metrics import binary
from fairaudit.audit.tables.result_tables import gaps_table
from fairaudit.inputs.group_codes import Grouping
from fairaudit.stats.counts import Cells, count
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.resampling import count_clusters

KINDS = ("difference", "ratio", "to_overall", "ratio_to_overall", "worst", "best", "sd")
RATES = (0.02, 0.1, 0.3, 0.9, 0.97)
GROUPS = (2, 5, 12)
SIZES: tuple[int | str, ...] = (30, 100, 1000, "25..800")
CLUSTERS = 30
REPLICATES = 400  # of versions that resample


@dataclass(frozen=True)
class Cell:
    """One design: G groups whose rates lie within `spread` of `rate`."""

    rate: float
    groups: int
    size: int | str
    spread: float = 0.0
    confidence: float = 0.95
    design: str = "rows"  # or "weights", "crossing clusters", "nested clusters"

    @property
    def truth(self) -> np.ndarray:
        """(G,) rates."""
        room = min(self.spread, self.rate / 2, (1 - self.rate) / 2)
        return self.rate + room * np.linspace(-1, 1, self.groups)

    @property
    def sizes(self) -> np.ndarray:
        """(G,) rows."""
        if isinstance(self.size, str):
            return np.geomspace(25, 800, self.groups).round().astype(int)
        return np.full(self.groups, self.size)


def edges() -> Iterator[Cell]:
    """All rates, numbers and sizes, for equal and for different groups."""
    for spread in (0.0, 0.1):
        for G in GROUPS:
            for size in SIZES:
                for rate in RATES:
                    yield Cell(rate, G, size, spread)


def levels() -> Iterator[Cell]:
    """Other levels of confidence."""
    for level in (0.9, 0.99):
        for cell in edges():
            if cell.groups == 5 and cell.size in (30, 100, "25..800"):
                yield replace(cell, confidence=level)


def designs(*names: str) -> Iterator[Cell]:
    """Weighted or clustered rows."""
    for name in names:
        for spread in (0.0, 0.1):
            for G in (2, 5):
                for size in (100, "25..800"):
                    for rate in (0.1, 0.3, 0.9):
                        yield Cell(rate, G, size, spread, design=name)


GRIDS = {
    "edges": edges,
    "levels": levels,
    "weights": lambda: designs("weights"),
    "clusters": lambda: designs("crossing clusters", "nested clusters"),
}


def true_gaps(p: np.ndarray, share: np.ndarray) -> dict[str, float]:
    """What each kind of gap is when the rates are `p`."""
    overall = float(p @ share / share.sum())
    return {
        "difference": float(np.ptp(p)),
        "ratio": float(p.min() / p.max()),
        "to_overall": float(np.abs(p - overall).max()),
        "ratio_to_overall": float(np.minimum(p / overall, overall / p).min()),
        "worst": float(p.min()),
        "best": float(p.max()),
        "sd": float(p.std()),
    }


def drawn_gaps(cell: Cell, rng: np.random.Generator) -> tuple[pl.DataFrame, np.ndarray]:
    """The gaps of one drawn table, and the share of each group in all rows."""
    p, n = cell.truth, cell.sizes
    names = tuple(f"g{i}" for i in range(cell.groups))
    asked = EstimateOptions(cell.confidence, n_boot=REPLICATES, seed=int(rng.integers(1 << 30)))
    if cell.design == "rows":
        hits = rng.binomial(n, p).astype(float)
        rows = np.zeros((cell.groups, 2, 2))
        rows[:, 1, 1], rows[:, 1, 0] = hits, n - hits
        return gaps_table(
            binary.measure(Cells("g", names, rows, rows, rows), ["tpr"], asked), asked
        ), n
    codes = np.repeat(np.arange(cell.groups), n)
    truth, weight, cluster = np.ones(len(codes), dtype=np.int64), None, None
    chance = p[codes]
    if cell.design == "weights":
        weight = rng.gamma(2.0, 0.5, len(codes))  # Kish's effective size is two thirds
    else:
        crossing = cell.design == "crossing clusters"
        cluster = rng.integers(0, CLUSTERS, len(codes))
        cluster = cluster if crossing else codes * CLUSTERS + cluster
        a = 9.0  # intraclass correlation 0.1
        by = rng.random(int(cluster.max()) + 1)  # each cluster's place in its group's law
        chance = stats.beta.ppf(by[cluster], a * chance, a * (1 - chance))
    label = (rng.random(len(codes)) < chance).astype(np.int64)
    cells = count(Grouping("g", names, codes), truth, label, 2, weight)
    apart = None
    if cluster is not None:
        apart = count_clusters(cluster, codes, truth, label, (cell.groups, 2, 2), None)
    return gaps_table(binary.measure(cells, ["tpr"], asked, apart), asked), n


def simulate(cell: Cell, tables: int, seed: int) -> dict[str, object]:
    """Coverage and mean width of each kind, and how often equal groups show a gap."""
    rng = np.random.default_rng([seed, cell.groups, int(1000 * cell.rate), len(str(cell.size))])
    held = {kind: [] for kind in KINDS}
    width = {kind: [] for kind in KINDS}
    false = 0
    for _ in range(tables):
        found, n = drawn_gaps(cell, rng)
        truth = true_gaps(cell.truth, n.astype(float))
        by_kind = {row["kind"]: row for row in found.iter_rows(named=True)}
        false += (by_kind["difference"]["low"] or 0.0) > 1e-12
        for kind in KINDS:
            low, high = by_kind[kind]["low"], by_kind[kind]["high"]
            if low is None or high is None:  # a ratio of nobody selected
                continue
            held[kind].append(low - 1e-9 <= truth[kind] <= high + 1e-9)
            width[kind].append(high - low)
    return {
        **asdict(cell),
        "tables": tables,
        "false_gap": false / tables if not np.ptp(cell.truth) else None,
        **{kind: float(np.mean(v)) if v else None for kind, v in held.items()},
        **{f"{kind}_width": float(np.mean(v)) if v else None for kind, v in width.items()},
    }


def summary(found: list[dict[str, object]], before: list[dict[str, object]]) -> pl.DataFrame:
    """By kind of gap and for equal or different groups: coverage over the cells, and widths."""
    rows = []
    for equal in (True, False):
        cells = [i for i, row in enumerate(found) if (row["spread"] == 0.0) == equal]
        for kind in KINDS:
            held = [float(found[i][kind]) for i in cells if found[i][kind] is not None]
            wide = [
                float(found[i][f"{kind}_width"]) / float(before[i][f"{kind}_width"])
                for i in cells
                if before and found[i][f"{kind}_width"] and before[i][f"{kind}_width"]
            ]
            old = [float(before[i][kind]) for i in cells if before and before[i][kind] is not None]
            rows.append(
                {
                    "groups": "equal" if equal else "different",
                    "kind": kind,
                    "cells": len(held),
                    "lowest": min(held),
                    "median": float(np.median(held)),
                    "below .93": sum(h < 0.93 for h in held),
                    "lowest before": min(old) if old else None,
                    "below .93 before": sum(h < 0.93 for h in old) if old else None,
                    "width, median ratio": float(np.median(wide)) if wide else None,
                }
            )
    return pl.DataFrame(rows)


def document(found: list[dict[str, object]], worst: int = 10) -> str:
    """The tables of the documentation: the worst cells, then each kind of gap over all cells."""
    tables = int(str(found[0]["tables"]))
    error = float(np.sqrt(0.0475 / tables))
    cells = sorted(
        ((float(str(row[k])), k, row) for row in found for k in KINDS if row[k] is not None),
        key=lambda cell: cell[0],
    )
    lines = [
        f"{len(found)} cells, {tables} tables each, standard error {error:.3f}:",
        "",
        "| worst cells: gap | groups × rows | rates | coverage | mean width |",
        "|---|---|---|---|---|",
    ]
    for value, kind, row in cells[:worst]:
        spread = f" ± {row['spread']:g}" if row["spread"] else ""
        lines.append(
            f"| {kind} | {row['groups']} × {row['size']} | {row['rate']:g}{spread} | "
            f"{value:.3f} | {float(str(row[f'{kind}_width'])):.3f} |"
        )
    lines += [
        "",
        "| rates | gap | lowest / median coverage | cells below .93 | below .93 by more than "
        "two errors |",
        "|---|---|---|---|---|",
    ]
    for equal in (True, False):
        for kind in KINDS:
            held = np.array(
                [v for v, k, row in cells if k == kind and (row["spread"] == 0.0) == equal]
            )
            lines.append(
                f"| {'equal' if equal else 'different'} | {kind} | {held.min():.3f} / "
                f"{np.median(held):.3f} | {(held < 0.93).sum()} of {len(held)} | "
                f"{(held < 0.93 - 2 * error).sum()} |"
            )
    false = [float(str(row["false_gap"])) for row in found if row["false_gap"] is not None]
    lines += [
        "",
        f"Equal groups show a gap in {100 * np.mean(false):.1f}% of tables on average over "
        f"{len(false)} cells, at most {100 * max(false):.1f}% in one.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the cells as they are done, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--grid", choices=GRIDS, default="edges")
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--against", type=Path, help="what --out wrote for an earlier version")
    parser.add_argument("--document", type=Path, help="print what --out wrote as Markdown")
    asked = parser.parse_args()
    if asked.document:
        print(document(json.loads(asked.document.read_text("utf-8"))))
        return
    found = []
    for cell in GRIDS[asked.grid]():
        row = simulate(cell, asked.tables, asked.seed)
        found.append(row)
        shown = " ".join(f"{kind} {row[kind] or np.nan:.3f}" for kind in KINDS)
        print(
            f"{cell.design} G={cell.groups} n={cell.size} p={cell.rate} ±{cell.spread}"
            f" {cell.confidence:g}: {shown} | false {row['false_gap']}",
            flush=True,
        )
        if asked.out:
            asked.out.write_text(json.dumps(found, indent=1), "utf-8")
    before = json.loads(asked.against.read_text("utf-8")) if asked.against else []
    worst = sorted(
        ((row[k], k, row) for row in found for k in KINDS if row[k] is not None),
        key=lambda one: float(str(one[0])),
    )
    for value, kind, row in worst[:10]:
        cell = (
            f"{row['design']} G={row['groups']} n={row['size']} p={row['rate']} ±{row['spread']}"
        )
        print(f"{value:.3f} {kind}: {cell}")
    with pl.Config(tbl_rows=30, tbl_cols=12, float_precision=3, tbl_width_chars=160):
        print(summary(found, before))


if __name__ == "__main__":
    main()
