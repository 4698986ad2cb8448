"""Cost of FairSDE relative to plain ERM: steps, pairs, memory, images per second, the choice.

Run: python benchmarks/fairsde.py [--repeats 5] [--device cpu|cuda] [--out FILE.json]
Ratios are medians over interleaved repeats in one run, in processor seconds on the CPU, so that
other work on the machine counts as little as possible. Prints a table, writes JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch.nn import functional

from fairaudit.audit.no_harm.decision import decide
from fairaudit.methods.baselines.network import Headed, PooledNetwork
from fairaudit.methods.common.networks import channels_last, make_encoder
from fairaudit.methods.common.training import pick_device
from fairaudit.methods.common.training_recipe import (
    mixed_precision,
    optimiser,
    recipe_of,
    row_loss,
)
from fairaudit.methods.fair_sde.losses import (
    Pairs,
    cosines,
    divergence_loss,
    pairs_of_batches,
    sample_pairs,
)
from fairaudit.methods.fair_sde.network import Objective, SelectiveExperts, losses
from fairaudit.methods.no_harm import OBJECTIVES, choose_no_harm

GROUPS, CLASSES = 3, 2
EPOCH = 40  # batches of an epoch


def clock(device: torch.device) -> float:
    """Seconds: of the processor on the CPU, of the wall on a GPU once it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def seconds(step: Callable[[], object], times: int, device: torch.device) -> float:
    """Mean seconds of a step."""
    began = clock(device)
    for _ in range(times):
        step()
    return (clock(device) - began) / times


def steps_of(
    kind: str, shape: tuple[int, ...], batch: int, device: torch.device, hidden: tuple[int, ...]
) -> tuple[Callable[[], object], Callable[[], object]]:
    """One training step of ERM and one of FairSDE on the same batch, encoder and optimiser."""
    torch.manual_seed(0)
    x = torch.randn(batch, *shape, device=device)
    if len(shape) == 3:
        x = x.to(memory_format=torch.channels_last)
    y = torch.randint(CLASSES, (batch,), device=device)
    groups = torch.randint(GROUPS, (batch,), device=device)
    row_shape = (shape[1], shape[2], shape[0]) if len(shape) == 3 else shape
    plain = Headed(make_encoder(kind, row_shape, hidden), CLASSES).to(device)
    full = SelectiveExperts(make_encoder(kind, row_shape, hidden), GROUPS, CLASSES).to(device)
    if len(shape) == 3:
        channels_last(plain)
        channels_last(full)
    recipe = recipe_of(PooledNetwork(), (batch, *row_shape))
    down, down_full = optimiser(plain, recipe), optimiser(full, recipe)
    objective, chance = Objective((0.1, 0.1, 0.1)), torch.Generator().manual_seed(0)
    many = groups.repeat(EPOCH), y.repeat(EPOCH)
    drawn: list[Pairs] = []

    def erm() -> None:
        down.zero_grad(set_to_none=True)
        with mixed_precision(device):
            f = plain.encoder(x)
        row_loss(plain.head(f.float()), y).mean().backward()
        down.step()

    def fair() -> None:
        if not drawn:  # pairs are drawn once an epoch, and count here
            drawn.extend(pairs_of_batches(*many, [batch] * EPOCH, GROUPS, CLASSES, chance))
        down_full.zero_grad(set_to_none=True)
        with mixed_precision(device):
            f = full.encoder(x)
        known = y, groups, y, None
        losses(full, f.float(), *known, objective, chance, drawn.pop())["loss"].backward()
        down_full.step()

    return erm, fair


def ratio(
    pair: tuple[Callable[[], object], Callable[[], object]],
    times: int,
    repeats: int,
    device: torch.device,
) -> dict[str, float]:
    """Median milliseconds of both and the median of their ratios."""
    for step in pair:
        seconds(step, 3, device)  # warm up
    runs = np.array([[seconds(step, times, device) for step in pair] for _ in range(repeats)])
    plain, full = np.median(runs, axis=0)
    return {
        "erm_ms": 1000 * plain,
        "fairsde_ms": 1000 * full,
        "ratio": float(np.median(runs[:, 1] / runs[:, 0])),
    }


def loop_pairs(groups: torch.Tensor, classes: torch.Tensor) -> None:
    """Partners row by row, as a plain loop finds them."""
    for i in range(len(groups)):
        same = (groups == groups[i]) & (classes == classes[i])
        same[i] = False
        other = (groups != groups[i]) & (classes == classes[i])
        for found in (torch.where(same)[0], torch.where(other)[0]):
            if len(found):
                np.random.choice(found.numpy())


def pairs(repeats: int) -> dict[str, float]:
    """Vectorised pairs against the loop, batch 256."""
    a, y = torch.randint(GROUPS, (256,)), torch.randint(CLASSES, (256,))
    chance, cpu = torch.Generator(), torch.device("cpu")
    fast = seconds(lambda: sample_pairs(a, y, GROUPS, CLASSES, chance), 20 * repeats, cpu)
    slow = seconds(lambda: loop_pairs(a, y), repeats, cpu)
    return {"vectorised_ms": 1000 * fast, "loop_ms": 1000 * slow, "times_faster": slow / fast}


def divergence_memory() -> dict[str, float]:
    """Numbers held by the pair terms at batch 256 beside a (b, b) table."""
    z = functional.normalize(torch.randn(256, 64), dim=1)
    s = cosines(z, torch.randn(GROUPS, CLASSES, 64))
    a, y = torch.randint(GROUPS, (256,)), torch.randint(CLASSES, (256,))
    divergence_loss(z, s, a, y, sample_pairs(a, y, GROUPS, CLASSES, torch.Generator()))
    return {"pair_numbers": 4.0 * 256, "table_numbers": 3.0 * 256 * 256}


def choices(repeats: int) -> dict[str, float]:
    """Milliseconds to choose among 64 groups, with all binding groups found."""
    rng = np.random.default_rng(0)
    out: dict[str, float] = {}
    for objective in OBJECTIVES:
        spent = []
        for _ in range(repeats):
            baseline = rng.uniform(0.6, 0.9, 64)
            expert = baseline + rng.normal(0.02, 0.05, 64)
            began = time.process_time()
            choose_no_harm(expert, baseline, objective, expert - baseline - 0.01)
            spent.append(time.process_time() - began)
        out[objective] = 1000 * float(np.median(spent))
    return out


def redecide(repeats: int, rows: int = 100_000) -> dict[str, float]:
    """Milliseconds to decide again from 100,000 stored rows, by metric."""
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.4).astype(float)
    split = np.where(np.arange(rows) % 2, "validation", "test")
    predictions = pl.concat(
        pl.DataFrame(
            {
                "row": np.arange(rows),
                "split": split,
                "model": pl.repeat(model, rows, eager=True),
                "y": y,
                "label": (rng.random(rows) < 0.5).astype(float),
                "score": rng.random(rows),
            }
        )
        for model in ("fair-sde", "expert", "baseline")
    )
    groups = rng.choice([f"g{i}" for i in range(8)], rows)
    tables = {
        "predictions": predictions,
        "selection_rows": pl.DataFrame({"row": np.arange(rows), "split": split, "group": groups}),
    }
    out: dict[str, float] = {}
    for metric in ("accuracy", "balanced_accuracy", "auroc", "neg_mse"):
        spent = []
        for _ in range(repeats):
            began = time.process_time()
            decide(tables, metric=metric)
            spent.append(time.process_time() - began)
        out[metric] = 1000 * float(np.median(spent))
    return out


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device = pick_device(given.device)
    torch.set_num_threads(1)
    cases = {
        "MLP 100 features, hidden (128, 64), batch 256": ("mlp", (100,), 256, (128, 64), 30),
        "MLP 100 features, hidden (512, 256), batch 256": ("mlp", (100,), 256, (512, 256), 20),
        "ResNet-18 at 64 px, batch 64": ("resnet18", (3, 64, 64), 64, (), 1),
    }
    found: dict[str, dict[str, float]] = {}
    for name, (kind, shape, batch, hidden, times) in cases.items():
        pair = steps_of(kind, shape, batch, device, hidden)
        repeats = given.repeats if kind == "resnet18" else 4 * given.repeats
        found[name] = ratio(pair, times, repeats, device)
        found[name]["rows_per_second"] = 1000 * batch / found[name]["fairsde_ms"]
    found["pairs, batch 256"] = pairs(given.repeats)
    found["numbers held by pairs, batch 256"] = divergence_memory()
    found["choice among 64 groups, ms"] = choices(given.repeats)
    found["decide again from 100,000 rows, ms"] = redecide(given.repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["process"] = {"peak_mb": peak, "gpu": float(torch.cuda.is_available())}
    for name, row in found.items():
        print(f"| {name} | " + " | ".join(f"{k} {v:.4g}" for k, v in row.items()) + " |")
    if given.out:
        given.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
