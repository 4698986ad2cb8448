"""Confounded probes, five seeds: the best rank of any probe, on Adult and with planted effects."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from _adult_occupations import load

from fairaudit import FairMEDL
from fairaudit.methods.fair_medl.metrics import auroc
from fairaudit.methods.fair_medl.probes import PROBES, confounded_probes
from fairaudit.methods.fair_medl.tables import probe_ranks

PUSH = {"lambda_fair_fixed": 0.1, "lambda_fair_mixed": 0.1}
PAPER = {"cluster_penalty": "adversarial"}
MODELS: dict[str, dict[str, Any]] = {
    "plain net": {"debias": None, "random_effects": False, "cluster_adversary": False},
    "MEDL, no cluster penalty": {"debias": None, "cluster_adversary": False},
    "MEDL, cluster adversary": {"debias": None, **PAPER},
    "MEDL, between variance": {"debias": None},
    "Fair MEDL, rates, cluster adversary": {"debias": "rates", **PUSH, **PAPER},
    "Fair MEDL, rates, between variance": {"debias": "rates", **PUSH},
    "Fair MEDL, rates, between variance, λ_g = 3": {
        "debias": "rates",
        **PUSH,
        "lambda_cluster": 3.0,
    },
    "Fair MEDL, both adversaries": {"debias": "adversarial", **PUSH, **PAPER},
    "Fair MEDL, adversarial, between variance": {"debias": "adversarial", **PUSH},
}
ADULT: dict[str, Any] = {"hidden_sizes": (32, 32), "learning_rate": 5e-3, "batch_size": 1024}
SMALL: dict[str, Any] = {"hidden_sizes": (16,), "learning_rate": 0.01, "slopes": "none"}
Case = tuple[dict[str, Any], pl.DataFrame, Any, Any, Any, Any]  # net, X, y, S, cluster, fitting


def adult(seed: int) -> Case:
    """Adult by occupation with five probes; the other occupations are judged as unseen."""
    train, _, unseen, names = load()
    y, cluster = np.r_[train.y, unseen.y], np.r_[train.cluster, unseen.cluster]
    fitting = np.arange(len(y)) < len(train.y)
    probes = confounded_probes(y, cluster, fitting, random_state=seed)
    X = np.column_stack([np.vstack([train.X, unseen.X]), probes])
    frame = pl.DataFrame(X, schema=[*names, *PROBES])
    return {**ADULT, "max_epochs": 15}, frame, y, np.vstack([train.S, unseen.S]), cluster, fitting


def planted(seed: int, sd: float, clusters: int) -> Case:
    """Twelve true features, intercepts N(0, sd²); a third of the clusters is left out."""
    rng, n = np.random.default_rng(seed), 4500 if clusters < 100 else 9000
    X, z = rng.normal(size=(n, 12)), rng.integers(0, clusters, n)
    raw = X @ np.linspace(0.6, 0.2, 12) + rng.normal(0, sd, clusters)[z]
    y = (rng.random(n) < 1 / (1 + np.exp(-raw))).astype(int)
    fitting = z < round(2 * clusters / 3)
    probes = confounded_probes(y, z, fitting, random_state=seed)
    frame = pl.DataFrame(
        np.column_stack([X, probes]), schema=[*(f"feature {j}" for j in range(12)), *PROBES]
    )
    sex = np.where(rng.random(n) < 0.5, "f", "m")[:, None]
    return {**SMALL, "max_epochs": 20}, frame, y, sex, z.astype(str), fitting


def cases(seed: int) -> Iterator[tuple[str, Case]]:
    yield "Adult, 7 occupations", adult(seed)
    for sd in (1.0, 2.0, 3.0):
        yield f"planted, 14 clusters, SD {sd:g}", planted(seed, sd, 21)
    yield "planted, 300 clusters, SD 2", planted(seed, 2.0, 450)


def judge(model: FairMEDL, case: Case) -> dict[str, Any]:
    """Ranks of the probes, of standardised inputs and in raw units, and AUROCs."""
    _, frame, y, _, cluster, fitting = case
    table = model.fixed_effects_importance_
    sd = dict(zip(frame.columns, model._scale.sd, strict=True))
    per_unit = [v / sd[f] for f, v in zip(*table.select("feature", "importance"), strict=True)]
    raw = table.with_columns(
        rank=pl.Series(per_unit).rank(method="ordinal", descending=True).cast(pl.Int64)
    )
    seen = model.predict_mixed(frame.filter(fitting), clusters=cluster[fitting])
    fixed = model.predict_fixed(frame.filter(~fitting))
    return {
        "ranks": probe_ranks(table)["rank"].to_list(),
        "ranks in raw units": sorted(probe_ranks(raw)["rank"].to_list()),
        "auroc seen, mixed": auroc(y[fitting], seen),
        "auroc unseen, fixed": auroc(y[~fitting], fixed),
    }


def fit(case: Case, switches: dict[str, Any], seed: int) -> FairMEDL:
    net, frame, y, S, cluster, fitting = case
    model = FairMEDL(**{**net, **switches}, unseen="fixed", random_state=seed)
    return model.fit(
        frame.filter(fitting),
        y[fitting],
        sensitive_features=S[fitting],
        clusters=cluster[fitting],
    )


def table(found: dict[str, list[dict[str, Any]]], name: str) -> str:
    """Markdown table of one case."""
    head = ["model", "best rank, by seed", "in raw units", "AUROC seen", "unseen, fixed"]
    lines = [f"**{name}**", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for model, runs in found.items():
        best, raw = (
            ", ".join(str(min(r[key])) for r in runs) for key in ("ranks", "ranks in raw units")
        )
        scores = [
            f"{np.mean([r[key] for r in runs]):.4f}"
            for key in ("auroc seen, mixed", "auroc unseen, fixed")
        ]
        lines.append(f"| {' | '.join([model, best, raw, *scores])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/fairmedl_probes.json")
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for seed in range(args.seeds):
        for name, case in cases(seed):
            for model, switches in MODELS.items():
                fitted = fit(case, switches, seed)
                found.setdefault(name, {}).setdefault(model, []).append(judge(fitted, case))
    for name, runs in found.items():
        print(table(runs, name), end="\n\n")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
