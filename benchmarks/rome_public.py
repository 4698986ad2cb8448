"""ROME compared with ERM and group DRO: planted latent groups, Adult, law school.

    python benchmarks/rome_public.py ../shared/data --seeds 3 --out rome_public.json

Loss is log loss (classification) or squared error. "Worst declared" is the largest mean test loss
over the intersections of sex and race with at least 100 test rows. "Worst latent" uses the planted
groups where they are known; else the groups that ROME-EM found (G = 4), with test rows weighted by
responsibility, which favours ROME-EM. All methods use their defaults on the same rows; nothing is
tuned.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fairaudit import RomeEM, RomeMoE
from fairaudit.methods.baselines.group_networks import GroupDRO
from fairaudit.methods.baselines.network import PooledNetwork

ENOUGH = 100
TRAIN_ROWS = 10_000


@dataclass
class Rows:
    """One part of a data set."""

    A: np.ndarray
    S: np.ndarray
    y: np.ndarray
    declared: np.ndarray
    latent: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Rows:
        """Some rows."""
        latent = None if self.latent is None else self.latent[rows]
        return Rows(self.A[rows], self.S[rows], self.y[rows], self.declared[rows], latent)


def planted(n: int, seed: int) -> Rows:
    """Two latent groups, 80 and 20 of 100, whose classes follow the features in opposite ways."""
    rng = np.random.default_rng(seed)
    A, S = rng.normal(size=(n, 6)), rng.normal(size=(n, 3))
    z = (1.5 * S[:, 0] + S[:, 1] - 2.2 + rng.logistic(size=n) * 0.7 > 0).astype(int)
    value = np.where(z == 1, A @ [-2, 1, 0, 0, 1, 0], A @ [2, 0, 1, 0, 0, 1])
    y = (rng.random(n) < 1 / (1 + np.exp(-2 * value))).astype(int)
    declared = np.where(S[:, 2] > 0, "high", "low")
    return Rows(A, S, y, declared, np.eye(2)[z])


def adult(folder: Path) -> tuple[Rows, Rows]:
    """The official split of Adult; country only as US or not."""
    parts = [pd.read_csv(folder / "adult" / f"adult.{p}") for p in ("data", "test")]
    table = pd.concat(parts, ignore_index=True)
    y = table["income"].str.contains(">50K").to_numpy(int)
    table["us"] = (table["native-country"] == "United-States").astype(float)
    numbers = ["age", "education-num", "capital-gain", "capital-loss", "hours-per-week", "us"]
    words = ["workclass", "marital-status", "occupation", "relationship"]
    A = np.column_stack(
        [table[numbers].to_numpy(float), pd.get_dummies(table[words]).to_numpy(float)]
    )
    race = np.where(table["race"] == "White", "White", "other")
    S = np.column_stack([table["sex"] == "Male", race == "White", scaled(table["age"])])
    declared = (table["sex"] + " " + race).to_numpy(str)
    rows = Rows(A, S.astype(float), y, declared)
    first = np.arange(len(table)) < len(parts[0])
    return rows.take(np.flatnonzero(first)), rows.take(np.flatnonzero(~first))


def law(folder: Path) -> Rows:
    """Law school: first-year average from LSAT, grades and region."""
    table = pd.read_csv(folder / "law" / "law_data.csv")
    regions = pd.get_dummies(table["region_first"]).to_numpy(float)
    A = np.column_stack([table[["LSAT", "UGPA"]].to_numpy(float), regions])
    races = pd.get_dummies(table["race"]).to_numpy(float)
    S = np.column_stack([table["sex"] == 1, races]).astype(float)
    declared = (table["sex"].astype(str) + " " + table["race"]).to_numpy(str)
    return Rows(A, S, table["ZFYA"].to_numpy(float), declared)


def scaled(values: Any) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return (values - values.mean()) / values.std()


Losses = Callable[[Rows], np.ndarray]


def loss_of(model: Any, given: Callable[[Rows], dict[str, Any]]) -> Losses:
    """Loss of each row."""

    def losses(rows: Rows) -> np.ndarray:
        if rows.y.dtype.kind == "f":
            return np.square(rows.y - model.predict(rows.A, **given(rows)))
        proba = model.predict_proba(rows.A, **given(rows))
        return -np.log(np.clip(proba[np.arange(len(rows.y)), rows.y], 1e-6, 1))

    return losses


def fitted(rows: Rows, seed: int) -> tuple[dict[str, Losses], RomeEM]:
    """All models on the same rows."""
    with_s: Callable[[Rows], dict[str, Any]] = lambda r: {"sensitive_features": r.S}  # noqa: E731
    nothing: Callable[[Rows], dict[str, Any]] = lambda _: {}  # noqa: E731
    given = {"random_state": seed}
    em = RomeEM(4 if rows.latent is None else 2, n_init=5, **given)
    em.fit(rows.A, rows.y, sensitive_features=rows.S)
    moe = RomeMoE(4, n_members=3, batch_size=256, **given)
    moe.fit(rows.A, rows.y, sensitive_features=rows.S)
    erm = PooledNetwork(**given).fit(rows.A, rows.y)
    dro = GroupDRO(**given).fit(rows.A, rows.y, sensitive_features=rows.declared)
    linear = RomeEM(1, **given).fit(rows.A, rows.y, sensitive_features=rows.S)
    found = {
        "pooled linear": loss_of(linear, with_s),
        "ERM": loss_of(erm, nothing),
        "group DRO (declared groups)": loss_of(dro, nothing),
        "ROME-EM minimax": loss_of(em, with_s),
        "ROME-EM gate": loss_of(em, lambda r: {"sensitive_features": r.S, "combine": "gate"}),
        "ROME-MoE": loss_of(moe, with_s),
    }
    return found, em


def scores(losses: dict[str, Losses], em: RomeEM, test: Rows) -> dict[str, dict[str, float]]:
    latent = test.latent
    if latent is None:
        latent = em.responsibilities(test.A, test.y, test.S)
    names, counts = np.unique(test.declared, return_counts=True)
    groups = names[counts >= ENOUGH]
    found = {}
    for name, loss in losses.items():
        each = loss(test)
        found[name] = {
            "latent": float((latent.T @ each / latent.sum(0)).max()),
            "declared": max(float(each[test.declared == g].mean()) for g in groups),
            "overall": float(each.mean()),
        }
    return found


def parts(name: str, folder: Path, seed: int) -> tuple[Rows, Rows]:
    if name == "planted":
        return planted(6000, seed), planted(6000, seed + 100)
    if name == "adult":
        train, test = adult(folder)
    else:
        rows = law(folder)
        a, b = train_test_split(np.arange(len(rows.y)), test_size=0.3, random_state=seed)
        train, test = rows.take(a), rows.take(b)
    centre, scale = train.A.mean(0), train.A.std(0)
    scale[scale < 0.1] = 1  # rare flags stay flags
    train.A, test.A = (train.A - centre) / scale, (test.A - centre) / scale
    chosen = np.random.default_rng(seed).permutation(len(train.y))[:TRAIN_ROWS]
    return train.take(chosen), test


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("rome_public.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    results: dict[str, list[Any]] = {}
    print("| data | model | worst latent | worst declared | overall |\n|---|---|---|---|---|")
    for name in ("planted", "law", "adult"):
        results[name] = []
        for seed in range(args.seeds):
            train, test = parts(name, args.folder, seed)
            results[name].append(scores(*fitted(train, seed), test))
            args.out.write_text(json.dumps(results, indent=1), "utf-8")
        for model in results[name][0]:
            row = [
                np.array([r[model][part] for r in results[name]])
                for part in ("latent", "declared", "overall")
            ]
            cells = [f"{v.mean():.4f} ± {v.std(ddof=1):.4f}" for v in row]
            print(f"| {name} | {model} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
