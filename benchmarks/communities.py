"""Communities & Crime: worst group and overall error of ROME and its competitors.

Every model gets the same tuning budget: four settings, compared by the worst group of two-fold
out-of-fold predictions on the training rows; the best one is refitted on all of them. Neural
models are ensembles of three seeds. Groups are the eight halves of the sensitive attributes, each
split at its training median. Intervals are on paired differences over repeated splits, with the
correction of Nadeau and Bengio (2003) for overlapping training sets.

    python benchmarks/communities.py ../shared/data/communities --splits 20 --out communities.json
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import t as student
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, train_test_split

from fairaudit import RomeEM, RomeMoE

TARGET = "ViolentCrimesPerPop"
SENSITIVE = ["racepctblack", "racePctHisp", "agePct12t21"]
FEATURES = [
    "PctUnemployed",
    "medIncome",
    "PopDens",
    "MedRent",
    "PctFam2Par",
    "PctIlleg",
    "LandArea",
    "pctWWage",
]
INCOMPLETE = 130  # the row whose OtherPerCap is missing in the original
MEMBERS = 3
BATCH = 128
Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]
Fit = Callable[[dict[str, Any], np.ndarray, np.ndarray, np.ndarray, int], Predict]


def ols(with_s: bool) -> Fit:
    def fit(params, A, S, y, seed):
        def join(a, s):
            return np.column_stack([a, s]) if with_s else a

        model = Ridge(alpha=params["ridge"]).fit(join(A, S), y)
        return lambda a, s: model.predict(join(a, s))

    return fit


def network(with_s: bool, **fixed: Any) -> Fit:
    """One network (n_groups=1) or a mixture: the same code, so the same training."""

    def fit(params, A, S, y, seed):
        def join(a, s):
            return np.column_stack([a, s]) if with_s else a

        settings = {
            "n_members": MEMBERS,
            "batch_size": BATCH,
            "task": "regression",
            "random_state": seed,
        }
        model = RomeMoE(**{**settings, **params, **fixed})
        model.fit(join(A, S), y, sensitive_features=S)
        return lambda a, s: model.predict(join(a, s), sensitive_features=s)

    return fit


def linear_mixture(combine: str, outcome_sensitive: bool) -> Fit:
    def fit(params, A, S, y, seed):
        model = RomeEM(
            combine=combine,
            outcome_sensitive=outcome_sensitive,
            task="regression",
            n_init=5,
            cross_fitting=False,
            random_state=seed,
            **params,
        )
        model.fit(A, y, sensitive_features=S)
        return lambda a, s: model.predict(a, sensitive_features=s)

    return fit


RIDGES = [{"ridge": r} for r in (1e-3, 1e-1, 1.0, 10.0)]
NETS = [{"learning_rate": r, "hidden_size": h} for r in (1e-3, 1e-2) for h in (32, 64)]
MIXTURES = [{"n_groups": g, "noise": n} for g in (2, 4) for n in ("group", "shared")]
MODELS: dict[str, tuple[Fit, list[dict[str, Any]], bool]] = {
    # name: fit, settings, predicts from A alone (S at most in the gate)
    "OLS on A": (ols(False), RIDGES, True),
    "OLS on A+S": (ols(True), RIDGES, False),
    "MLP on A": (network(False, n_groups=1), NETS, True),
    "MLP on A+S": (network(True, n_groups=1), NETS, False),
    "mixture, S gate (alpha 0)": (network(False, alpha=0.0), NETS, False),
    "ROME-MoE, S gate, alpha .05": (network(False, alpha=0.05), NETS, False),
    "mixture, AS gate (alpha 0)": (network(False, alpha=0.0, gate_inputs="all"), NETS, False),
    "ROME-MoE, AS gate, alpha .05": (network(False, alpha=0.05, gate_inputs="all"), NETS, False),
    "ROME-EM minimax": (linear_mixture("minimax", False), MIXTURES, False),
    "ROME-EM gate": (linear_mixture("gate", False), MIXTURES, False),
    "ROME-EM minimax, experts see S": (linear_mixture("minimax", True), MIXTURES, False),
    "ROME-EM gate, experts see S": (linear_mixture("gate", True), MIXTURES, False),
}
REFERENCES = ("OLS on A", "OLS on A+S", "MLP on A", "MLP on A+S")


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, sensitive attributes and target of 1,993 communities."""
    table = pd.read_csv(sorted(folder.glob("*.csv"))[0])
    table = table.drop(index=INCOMPLETE)
    return tuple(table[c].to_numpy(float) for c in (FEATURES, SENSITIVE, TARGET))


def cells(S: np.ndarray, median: np.ndarray) -> np.ndarray:
    return ((median < S) * np.array([4, 2, 1])).sum(axis=1)


def worst_and_overall(error: np.ndarray, cell: np.ndarray) -> tuple[float, float]:
    return max(float(error[cell == c].mean()) for c in np.unique(cell)), float(error.mean())


def tuned(fit: Fit, settings: list[dict[str, Any]], A, S, y, seed: int) -> dict[str, Any]:
    """The setting with the smallest out-of-fold worst cell."""
    cell = cells(S, np.median(S, axis=0))
    scores = []
    for params in settings:
        error = np.empty(len(y))
        for a, b in KFold(2, shuffle=True, random_state=seed).split(A):
            error[b] = np.square(y[b] - fit(params, A[a], S[a], y[a], seed)(A[b], S[b]))
        scores.append(worst_and_overall(error, cell)[0])
    return settings[int(np.argmin(scores))]


def one_split(A, S, y, seed: int, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=seed)
    centre, scale = A[train].mean(0), A[train].std(0)
    s_centre, s_scale = S[train].mean(0), S[train].std(0)
    A, S = (A - centre) / scale, (S - s_centre) / s_scale
    cell = cells(S[test], np.median(S[train], axis=0))
    found = {}
    for name in names:
        fit, settings, _ = MODELS[name]
        began = time.perf_counter()
        best = tuned(fit, settings, A[train], S[train], y[train], seed)
        answer = fit(best, A[train], S[train], y[train], seed)(A[test], S[test])
        worst, overall = worst_and_overall(np.square(y[test] - answer), cell)
        seconds = time.perf_counter() - began
        found[name] = {"worst": worst, "overall": overall, "params": best, "seconds": seconds}
    return found


def interval(difference: np.ndarray, share: float = 0.25) -> tuple[float, float, float]:
    """Mean and 95% interval of paired differences, corrected for overlapping training sets."""
    k = len(difference)
    spread = difference.std(ddof=1) * np.sqrt(1 / k + share)
    half = float(student.ppf(0.975, k - 1)) * spread
    mean = float(difference.mean())
    return mean, mean - half, mean + half


def table(splits: list[dict[str, Any]]) -> str:
    """Markdown: means over splits, and paired differences in the worst cell."""

    def column(name: str, part: str) -> np.ndarray:
        return np.array([s[name][part] for s in splits])

    references = [r for r in REFERENCES if r in splits[0]]
    head = ["model", "worst cell", "overall", *(f"worst vs {r}" for r in references)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name in splits[0]:
        worst = column(name, "worst")
        row = [name, f"{worst.mean():.4f}", f"{column(name, 'overall').mean():.4f}"]
        for reference in references:
            if reference == name:
                row.append("")
                continue
            mean, low, high = interval(worst - column(reference, "worst"))
            row.append(f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]")
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("communities.json"))
    parser.add_argument("--models", nargs="*", default=[], help="parts of names; all by default")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    A, S, y = read(args.folder)
    names = [m for m in MODELS if not args.models or any(part in m for part in args.models)]
    splits = []
    for seed in range(42, 42 + args.splits):
        splits.append(one_split(A, S, y, seed, names))
        args.out.write_text(json.dumps(splits, indent=1), "utf-8")
        print(f"split {len(splits)} of {args.splits}", flush=True)
    print(table(splits))


if __name__ == "__main__":
    main()
