"""Epoch times of Fair MEDL as ratios within one run: plain net, clusters, rows, attributes.

"paper" has both adversaries; all others penalise the between-cluster variance.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from fairaudit.methods.common.training import shuffled
from fairaudit.methods.fair_medl.estimator import FairMEDL
from fairaudit.methods.fair_medl.fitting import Job, plan_of
from fairaudit.methods.fair_medl.game import Game
from fairaudit.methods.fair_medl.training import batch_of

ROWS, FEATURES, BATCH = 33_000, 40, 256


def game(n: int, clusters: int, attributes: int, batch: int, device: str, **switches: Any) -> Any:
    """One epoch as a function, on random rows."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, FEATURES)), rng.integers(0, 2, n)
    S = rng.integers(0, 4, (n, attributes)).astype(str)
    c = rng.permutation(np.arange(n) % clusters)
    model = FairMEDL(hidden_sizes=(32, 32), **switches)
    table = Job(model, 0, None).learn(X, y, S, c, None)
    where = torch.device(device)
    data = batch_of(table, model._attributes, where)
    play = Game(plan_of(model), data, 0, where)
    generator = torch.Generator().manual_seed(0)
    batches = shuffled(n, batch, where)

    def epoch() -> None:
        for rows in batches(generator):
            play.step(rows)
        play.end_epoch()
        if device == "cuda":
            torch.cuda.synchronize()

    return epoch


def ordinary(n: int, batch: int, device: str) -> Any:
    """The same net as anybody would write it: nn.Sequential, Adam, binary cross-entropy."""
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.normal(size=(n, FEATURES)), dtype=torch.float32, device=device)
    y = torch.as_tensor(rng.integers(0, 2, n), dtype=torch.float32, device=device)
    layers = [nn.Linear(FEATURES, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)]
    net = nn.Sequential(*layers).to(device)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)

    def epoch() -> None:
        for rows in torch.randperm(n, device=device).split(batch):
            optimiser.zero_grad()
            logit = net(x[rows])[:, 0]
            functional.binary_cross_entropy_with_logits(logit, y[rows]).backward()
            optimiser.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return epoch


def compare(cases: dict[str, Any], rounds: int) -> dict[str, float]:
    """Median processor seconds an epoch (one thread); cases take turns."""
    for epoch in cases.values():
        epoch()
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, epoch in cases.items():
            start = time.process_time()
            epoch()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


PLAIN: dict[str, Any] = {"debias": None, "random_effects": False, "cluster_adversary": False}


def cases(device: str) -> dict[str, Any]:
    """Name to epoch."""
    one = {"batch": BATCH, "device": device}
    return {
        "plain MLP, ordinary PyTorch": ordinary(ROWS, BATCH, device),
        "plain": game(ROWS, 14, 4, **one, **PLAIN),
        "mixed": game(ROWS, 14, 4, **one, debias=None, cluster_adversary=False),
        "adversarial": game(ROWS, 14, 4, **one),
        "rates": game(ROWS, 14, 4, **one, debias="rates"),
        "correlation": game(ROWS, 14, 4, **one, debias="correlation"),
        "paper": game(ROWS, 14, 4, **one, cluster_penalty="adversarial"),
        "2,400 clusters": game(ROWS, 2400, 4, **one),
        "rates, 2,400 clusters": game(ROWS, 2400, 4, **one, debias="rates"),
        "paper, 2,400 clusters": game(ROWS, 2400, 4, **one, cluster_penalty="adversarial"),
        "twice the rows": game(2 * ROWS, 14, 4, **one),
        "1 attribute": game(ROWS, 14, 1, **one),
        "8 attributes": game(ROWS, 14, 8, **one),
        "path of 11, batch 2,048": game(
            ROWS, 14, 4, 2048, device, debias="rates", performance_budget=0.01
        ),
        "plain, batch 2,048": game(ROWS, 14, 4, 2048, device, **PLAIN),
        "adversarial, batch 2,048": game(ROWS, 14, 4, 2048, device),
        "1 model, batch 2,048": game(ROWS, 14, 4, 2048, device, debias="rates"),
    }


def ratios(s: dict[str, float]) -> dict[str, tuple[float, str]]:
    """What is claimed, and the target."""
    return {
        **{
            f"{name} / {plain}": (s[name] / s[plain], "≤ 4")
            for plain in ("plain MLP, ordinary PyTorch", "plain")
            for name in ("mixed", "rates", "correlation", "adversarial", "paper")
        },
        "adversarial / plain, batch 2,048": (
            s["adversarial, batch 2,048"] / s["plain, batch 2,048"],
            "",
        ),
        "rates / plain, batch 2,048": (s["1 model, batch 2,048"] / s["plain, batch 2,048"], ""),
        "2,400 / 14 clusters, adversarial": (s["2,400 clusters"] / s["adversarial"], "≤ 1.2"),
        "2,400 / 14 clusters, rates": (s["rates, 2,400 clusters"] / s["rates"], "≤ 1.2"),
        "2,400 / 14 clusters, paper": (s["paper, 2,400 clusters"] / s["paper"], "≤ 1.2"),
        "66,000 / 33,000 rows": (s["twice the rows"] / s["adversarial"], "about 2"),
        "8 / 1 attributes": (s["8 attributes"] / s["1 attribute"], ""),
        "path of 11 / 1 model (batch 2,048)": (
            s["path of 11, batch 2,048"] / s["1 model, batch 2,048"],
            "< 11",
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fairmedl.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    seconds = compare(cases("cpu"), args.rounds)
    found = ratios(seconds)
    for name, value in seconds.items():
        print(f"{name:40s} {value * 1000:8.0f} ms an epoch")
    for name, (value, target) in found.items():
        print(f"{name:40s} {value:8.2f}   {target}")
    gpu = torch.cuda.is_available()
    if gpu:
        there = compare(cases("cuda"), args.rounds)
        for name, value in there.items():
            print(
                f"cuda: {name:34s} {value * 1000:8.0f} ms, CPU / GPU {seconds[name] / value:.2f}"
            )
    else:
        print("CPU against GPU: not measured, no CUDA device")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({"seconds": seconds, "ratios": found, "gpu": gpu}, indent=1))


if __name__ == "__main__":
    main()
