"""Adult by occupation, five seeds: cost and benefit of debiasing, in seen and unseen clusters."""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _adult_occupations import ATTRIBUTES, Part, load
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import EqualizedOdds, ExponentiatedGradient
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from fairaudit import FairMEDL
from fairaudit.methods.fair_medl.metrics import (
    auroc,
    counterfactual_change,
    spread_of_rates,
    youden_threshold,
)

FEWEST = 150  # test rows a group needs
NET: dict[str, Any] = {
    "hidden_sizes": (32, 32),
    "learning_rate": 5e-3,
    "batch_size": 1024,
    "max_epochs": 40,
}
PLAIN = {"random_effects": False, "cluster_adversary": False}
MODELS: dict[str, dict[str, Any]] = {
    "plain net": {"debias": None, **PLAIN},
    "MEDL (no debiasing)": {"debias": None},
    "MEDL, cluster adversary": {"debias": None, "cluster_penalty": "adversarial"},
    "Fair MEDL, rates": {"debias": "rates", "performance_budget": 0.01},
    "Fair MEDL, rates at both thresholds": {
        "debias": "rates",
        "performance_budget": 0.01,
        "pull_at": "both",
        "sharpness": 2.0,
    },
    "Fair MEDL, adversarial": {
        "debias": "adversarial",
        "performance_budget": 0.01,
        "path": (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0),
    },
    "Fair MEDL, correlation": {
        "debias": "correlation",
        "performance_budget": 0.01,
        "path": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
    },
    "Fair MEDL, both adversaries (the paper's)": {
        "debias": "adversarial",
        "cluster_penalty": "adversarial",
        "performance_budget": 0.01,
        "path": (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0),
    },
    "Fair MEDL, rates, cluster adversary": {
        "debias": "rates",
        "cluster_penalty": "adversarial",
        "performance_budget": 0.01,
    },
    "plain net + rates": {"debias": "rates", "performance_budget": 0.01, **PLAIN},
}
REFERENCE = "MEDL (no debiasing)"


def judge(part: Part, score: NDArray[Any], threshold: float) -> dict[str, float]:
    """AUROC, and the SDs of TPR and FPR over the groups, by attribute and averaged."""
    found = {"auroc": auroc(part.y, score)}
    for where, cut in (("0.5", 0.5), ("Youden", threshold)):
        label = (score >= cut).astype(np.int64)
        rates = {}
        for name, column in zip(ATTRIBUTES, part.S.T, strict=True):
            codes = np.unique(column, return_inverse=True)[1]
            codes = np.where(np.bincount(codes)[codes] >= FEWEST, codes, -1)
            for rate, value in spread_of_rates(part.y, label, codes).items():
                rates[f"{name} {rate} @{where}"] = value
        found |= rates
        found[f"sd @{where}"] = float(np.mean(list(rates.values())))
        tpr = label[part.y == 1].mean()
        tnr = 1 - label[part.y == 0].mean()
        found[f"balanced accuracy @{where}"] = float((tpr + tnr) / 2)
    return found


def counterfactual(predict: Any, part: Part, names: list[str]) -> dict[str, float]:
    """Mean change of the score when one attribute is swapped (age: to a bracket's median)."""
    found = {}
    for j, name in enumerate(ATTRIBUTES):
        if name == "age":
            medians = [float(np.median(part.X[part.S[:, 0] == b, 0])) for b in set(part.S[:, 0])]
            columns, values = [0], [(m,) for m in sorted(medians)]
        else:
            columns = [i for i, n in enumerate(names) if n.startswith(f"{name}=")]
            here = [n.split("=")[1] in set(part.S[:, j]) for n in (names[i] for i in columns)]
            eye = np.eye(len(columns))
            values = [tuple(row) for row, used in zip(eye, here, strict=True) if used]
        found[f"cf {name}"] = counterfactual_change(predict, part.X, columns, values)
    return found


def run_medl(
    seed: int, train: Part, parts: dict[str, Part], names: list[str], epochs: int
) -> dict[str, Any]:
    """Every variant with one seed: measures by part, and the whole path of the budgeted ones."""
    found: dict[str, Any] = {}
    for name, switches in MODELS.items():
        start = time.perf_counter()
        model = FairMEDL(**{**NET, "max_epochs": epochs, **switches}, random_state=seed)
        model.fit(train.X, train.y, sensitive_features=train.S, clusters=train.cluster)
        found[name] = {}
        for where, part in parts.items():
            score = model.predict_mixed(part.X, clusters=part.cluster)
            found[name][where] = judge(part, score, model.threshold_)
            fixed = model.predict_fixed(part.X)
            found[name][f"{where}, fixed"] = judge(part, fixed, model.threshold_)

            def predict(X: Any, part: Part = part, model: FairMEDL = model) -> Any:
                return model.predict_mixed(X, clusters=part.cluster)

            found[name][where] |= counterfactual(predict, part, names)
            if model.performance_budget is not None:
                answers = model.predict_path(part.X, clusters=part.cluster)
                rows = zip(model.lams_, answers, model.thresholds_, strict=True)
                found[name][f"{where}, path"] = {str(lam): judge(part, a, c) for lam, a, c in rows}
        found[name]["lambda"] = model.lam_
        print(f"seed {seed}  {name:36s} {time.perf_counter() - start:6.1f} s  λ={model.lam_}")
    return found


def run_fairlearn(seed: int, train: Part, parts: dict[str, Part]) -> dict[str, Any]:
    """Logistic regression with reductions, and with thresholds by group; the same features.

    The four attributes are crossed; crossings with fewer than 300 training rows are one group.
    """
    scaler = StandardScaler().fit(train.X)
    crossed = _crossed(train, train)
    base = LogisticRegression(max_iter=300).fit(scaler.transform(train.X), train.y)
    rows = np.random.default_rng(seed).choice(len(train.y), 10_000, replace=False)
    eg = ExponentiatedGradient(
        LogisticRegression(max_iter=300), EqualizedOdds(), eps=0.02, max_iter=15
    )
    eg.fit(scaler.transform(train.X)[rows], train.y[rows], sensitive_features=crossed[rows])
    to = ThresholdOptimizer(
        estimator=base, constraints="equalized_odds", prefit=True, predict_method="predict_proba"
    )
    to.fit(scaler.transform(train.X), train.y, sensitive_features=crossed)
    found: dict[str, Any] = {"logistic regression": {}, "ExponentiatedGradient": {}}
    found["ThresholdOptimizer"] = {}
    for where, part in parts.items():
        X = scaler.transform(part.X)
        score = base.predict_proba(X)[:, 1]
        cut = youden_threshold(train.y, base.predict_proba(scaler.transform(train.X))[:, 1])
        found["logistic regression"][where] = judge(part, score, cut)
        soft = eg._pmf_predict(X)[:, 1]
        found["ExponentiatedGradient"][where] = _randomised(part, soft, seed)
        soft = to._pmf_predict(X, sensitive_features=_crossed(part, train))[:, 1]
        found["ThresholdOptimizer"][where] = _randomised(part, soft, seed)
    return found


def _crossed(part: Part, train: Part) -> NDArray[np.str_]:
    def names(p: Part) -> NDArray[np.str_]:
        return np.array([" × ".join(row) for row in p.S])

    known, counts = np.unique(names(train), return_counts=True)
    return np.where(np.isin(names(part), known[counts >= 300]), names(part), "other")


def _randomised(part: Part, probability: NDArray[Any], seed: int) -> dict[str, float]:
    """A randomised classifier: its decisions are drawn, its AUROC is that of the probability."""
    drawn = np.random.default_rng(seed).random(len(probability)) < probability
    found = judge(part, drawn.astype(np.float64), 0.5)
    kept = {k: v for k, v in found.items() if "Youden" not in k}
    return {**kept, "auroc": auroc(part.y, probability)}


def change(runs: list[dict[str, Any]], model: str, where: str, key: str, relative: bool) -> str:
    """Mean change against the reference over seeds, with a 95% t interval."""
    pairs = [(r[model][where].get(key), r[REFERENCE][where][key]) for r in runs]
    if any(a is None for a, _ in pairs):
        return "–"
    values = np.array([100 * (a / b - 1) if relative else a - b for a, b in pairs])
    reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    if relative:
        return f"{values.mean():+.0f}% ± {reach:.0f}"
    return f"{values.mean():+.4f} ± {reach:.4f}"


def mean(runs: list[dict[str, Any]], model: str, where: str, key: str) -> float:
    return float(np.mean([r[model][where].get(key, np.nan) for r in runs]))


def table(runs: list[dict[str, Any]], where: str) -> str:
    """Markdown table of one part."""
    head = [
        "model",
        "AUROC",
        "change",
        "SD @0.5",
        "change",
        "SD @Youden",
        "change",
        "bal. acc. @0.5",
    ]
    lines = [f"**{where} occupations**", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for model in runs[0]:
        cells = [f"{mean(runs, model, where, 'auroc'):.4f}"]
        cells.append(change(runs, model, where, "auroc", relative=False))
        for key in ("sd @0.5", "sd @Youden"):
            value = mean(runs, model, where, key)
            cells.append("–" if np.isnan(value) else f"{value:.4f}")
            cells.append(change(runs, model, where, key, relative=True))
        cells.append(f"{mean(runs, model, where, 'balanced accuracy @0.5'):.4f}")
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def by_attribute(runs: list[dict[str, Any]]) -> str:
    """TPR-SD at Youden and at 0.5, and counterfactual change, by attribute, before and after."""
    models = [REFERENCE, "Fair MEDL, rates", "Fair MEDL, adversarial"]
    lines = ["| measure (seen) | " + " | ".join(models) + " |", "|---|---|---|---|"]
    keys = [f"{a} {r} @{w}" for w in ("0.5", "Youden") for r in ("tpr", "fpr") for a in ATTRIBUTES]
    for key in [*keys, *(f"cf {a}" for a in ATTRIBUTES)]:
        lines.append(
            f"| {key} | " + " | ".join(f"{mean(runs, m, 'seen', key):.4f}" for m in models) + " |"
        )
    return "\n".join(lines)


def front(runs: list[dict[str, Any]], model: str, where: str) -> str:
    """The path of penalties: mean change of AUROC and of the SDs against its own λ = 0."""
    lines = [f"| λ ({model}, {where}) | AUROC | SD @0.5 | SD @Youden |", "|---|---|---|---|"]
    paths = [r[model][f"{where}, path"] for r in runs]
    for lam in paths[0]:
        cells = []
        for key in ("auroc", "sd @0.5", "sd @Youden"):
            values = [(p[lam][key], p["0.0"][key]) for p in paths]
            if key == "auroc":
                cells.append(f"{np.mean([a - b for a, b in values]):+.4f}")
            else:
                cells.append(f"{np.mean([100 * (a / b - 1) for a, b in values]):+.0f}%")
        lines.append(f"| {lam} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=NET["max_epochs"])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fairmedl_adult.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    train, seen, unseen, names = load()
    parts = {"seen": seen, "unseen": unseen}
    runs = []
    for seed in range(args.seeds):
        run = run_medl(seed, train, parts, names, args.epochs)
        runs.append({**run, **run_fairlearn(seed, train, parts)})
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(runs))
    for where in parts:
        print(table(runs, where), end="\n\n")
    print(by_attribute(runs), end="\n\n")
    for where in parts:
        for model in ("Fair MEDL, rates", "Fair MEDL, adversarial"):
            print(front(runs, model, where), end="\n\n")


if __name__ == "__main__":
    main()
