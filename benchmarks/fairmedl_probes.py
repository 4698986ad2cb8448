"""Confounded probes on Adult by occupation, five seeds: the best rank a probe gets, of 45."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from _adult_occupations import load

from fairaudit import FairMEDL
from fairaudit.methods.medl_metrics import auroc
from fairaudit.methods.medl_probes import PROBES, confounded_probes, probe_ranks

PUSH = {"lambda_fair_fixed": 0.1, "lambda_fair_mixed": 0.1}
MODELS: dict[str, dict[str, Any]] = {
    "plain net": {"debias": None, "random_effects": False, "cluster_adversary": False},
    "MEDL (no debiasing)": {"debias": None},
    "Fair MEDL, rates": {"debias": "rates", **PUSH},
    "Fair MEDL, adversarial": {"debias": "adversarial", **PUSH},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/fairmedl_probes.json")
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    train, _, unseen, names = load()
    y, cluster = np.r_[train.y, unseen.y], np.r_[train.cluster, unseen.cluster]
    fitting = np.arange(len(y)) < len(train.y)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in MODELS}
    for seed in range(args.seeds):
        probes = confounded_probes(y, cluster, fitting, random_state=seed)
        X = np.column_stack([np.vstack([train.X, unseen.X]), probes])
        frame = pl.DataFrame(X, schema=[*names, *PROBES])
        for name, switches in MODELS.items():
            model = FairMEDL(
                (32, 32),
                learning_rate=5e-3,
                batch_size=1024,
                max_epochs=15,
                unseen="fixed",
                random_state=seed,
                **switches,
            )
            rows = frame.filter(fitting)
            model.fit(rows, train.y, sensitive_features=train.S, clusters=train.cluster)
            ranks = probe_ranks(model.fixed_effects_importance_)["rank"].to_list()
            score = model.predict_fixed(frame.filter(~fitting))
            found[name].append({"ranks": ranks, "auroc unseen, fixed": auroc(unseen.y, score)})
            print(seed, name, ranks, flush=True)
    print("| model | best rank of a probe, by seed | AUROC unseen, fixed effects |\n|---|---|---|")
    for name, runs in found.items():
        best = ", ".join(str(min(r["ranks"])) for r in runs)
        print(f"| {name} | {best} | {np.mean([r['auroc unseen, fixed'] for r in runs]):.4f} |")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
