"""ROME on real tables beside linear models and boosted trees, on the same rows.

    python benchmarks/rome_real.py ../shared/data --splits 3 --out rome_real.json

Loss is log loss, or the squared error over the variance of the outcome in training. "Worst" is
the largest mean test loss of an intersection of the sensitive attributes with at least 30 test
rows. Training rows are at most 4,000; a fifth of the rows (at most 2,000) choose the number of
trees and ROME's combination; at most 8,000 others are the test. Nothing else is tuned. `stacked`
gives the experts of ROME the out-of-fold score of `boosting-s` as one more feature; `boosted`
replaces each expert by boosted trees that weigh rows by its responsibilities. The difference is
that of the overall loss to `boosting-s`, with its standard error over paired test rows.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from fairaudit import RomeEM
from fairaudit.methods.baselines.boosting import PooledBoosting
from fairaudit.methods.baselines.linear import PooledLinear

TRAIN, VALIDATION, TEST = 4_000, 2_000, 8_000
ENOUGH = 30
GROUPS = 2


@dataclass
class Table:
    """Features, sensitive attributes, outcome; numeric sensitive columns are cut at medians."""

    A: pd.DataFrame
    S: pd.DataFrame
    y: np.ndarray
    numbers: bool


@dataclass
class Part:
    """Rows of one split, encoded."""

    A: np.ndarray
    S: np.ndarray
    y: np.ndarray
    cell: np.ndarray

    @property
    def both(self) -> np.ndarray:
        """Features and sensitive columns side by side."""
        return np.column_stack([self.A, self.S])


def compas(folder: Path) -> Table:
    f = pd.read_csv(folder / "compas/compas_two_years_noname.csv", low_memory=False)
    usual = f["days_b_screening_arrest"].between(-30, 30) & (f["is_recid"] != -1)
    f = f[usual & (f["c_charge_degree"] != "O")]
    counts = ["priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count"]
    A = f[["age", *counts, "c_charge_degree"]]
    return Table(A, f[["race", "sex"]], f["two_year_recid"].to_numpy(int), False)


def law(folder: Path) -> Table:
    f = pd.read_csv(folder / "law/law_data.csv").dropna(subset=["first_pf"])
    A, S = f[["LSAT", "UGPA", "region_first"]], f[["race", "sex"]].astype(str)
    return Table(A, S, f["first_pf"].to_numpy(int), False)


def law_grade(folder: Path) -> Table:
    f = pd.read_csv(folder / "law/law_data.csv")
    A, S = f[["LSAT", "UGPA", "region_first"]], f[["race", "sex"]].astype(str)
    return Table(A, S, f["ZFYA"].to_numpy(float), True)


def adult(folder: Path) -> Table:
    f = pd.read_csv(folder / "adult/adult.data", skipinitialspace=True)
    rich = f["income"].str.contains(">").to_numpy(int)
    return Table(f.drop(columns=["sex", "race", "income", "fnlwgt"], errors="ignore"),
                 f[["sex", "race"]], rich, False)  # fmt: skip


def german(folder: Path) -> Table:
    f = pd.read_csv(folder / "german/german_data_credit.csv")
    S = pd.DataFrame({"sex": f["sex"], "young": (f["age"] <= 25).astype(str)})
    A = f.drop(columns=["sex", "age", "class-label"])
    return Table(A, S, (f["class-label"] == 1).to_numpy(int), False)


def heart(folder: Path) -> Table:
    sites = ("cleveland", "hungarian", "switzerland", "va")
    paths = [folder / f"heart/processed.{site}.data" for site in sites]
    parts = [pd.read_csv(path, na_values="?", skipinitialspace=True) for path in paths]
    f = pd.concat([part.assign(site=s) for part, s in zip(parts, sites, strict=True)])
    S = pd.DataFrame({"sex": f["sex"].astype(str), "old": (f["age"] > 55).astype(str)})
    return Table(f.drop(columns=["age", "sex", "num"]), S, (f["num"] > 0).to_numpy(int), False)


def communities(folder: Path) -> Table:
    f = pd.read_csv(folder / "communities/communities_crime.csv")
    S = f[["racepctblack", "racePctHisp", "agePct12t21"]]
    other = ["state", "communityname", "fold", "Black", "class", "ViolentCrimesPerPop"]
    A = f.drop(columns=[*S.columns, *other], errors="ignore")
    return Table(A, S, f["ViolentCrimesPerPop"].to_numpy(float), True)


def hsb82(folder: Path) -> Table:
    f = pd.read_csv(folder / "hsb82/Hsb82.csv")
    A = f[["ses", "meanses", "sector"]]
    return Table(A, f[["minrty", "sx"]], f["mAch"].to_numpy(float), True)


TABLES: dict[str, Callable[[Path], Table]] = {
    "COMPAS": compas,
    "law school, pass": law,
    "law school, grade": law_grade,
    "Adult": adult,
    "German credit": german,
    "heart": heart,
    "Communities": communities,
    "HSB 1982": hsb82,
}


def encoded(frame: pd.DataFrame) -> np.ndarray:
    """Numbers with medians for missing values, text one-hot."""
    wide = pd.get_dummies(frame.replace("?", np.nan)).astype(float)
    wide = wide.loc[:, wide.nunique() > 1]
    return wide.fillna(wide.median()).to_numpy()


def parts(table: Table, seed: int) -> list[Part]:
    """Training, validation and test rows; features standardised on training rows."""
    A, S, n = encoded(table.A), encoded(table.S), len(table.y)
    numeric = all(t.kind == "f" for t in table.S.dtypes)
    shown = table.S.gt(table.S.median()) if numeric else table.S
    cell = shown.astype(str).agg("/".join, axis=1).to_numpy()
    order = np.random.default_rng(seed).permutation(n)
    first, second = min(TRAIN, int(0.6 * n)), min(VALIDATION, int(0.2 * n))
    rows = np.split(order, [first, first + second, first + second + TEST])[:3]
    scale = A[rows[0]].std(0)
    A = (A - A[rows[0]].mean(0)) / np.where(scale > 0, scale, 1)
    y = table.y
    if table.numbers:
        y = (y - y[rows[0]].mean()) / y[rows[0]].std()
    return [Part(A[r], S[r], y[r], cell[r]) for r in rows]


def losses(answer: np.ndarray, y: np.ndarray, numbers: bool) -> np.ndarray:
    """Loss of each row."""
    if numbers:
        return np.square(y - answer)
    return -np.log(np.clip(np.where(y == 1, answer, 1 - answer), 1e-12, 1))


def answers(model: Any, X: np.ndarray, numbers: bool, *given: Any, **more: Any) -> np.ndarray:
    """Values, or probabilities of the second class."""
    if numbers:
        return np.asarray(model.predict(X, *given, **more))
    return np.asarray(model.predict_proba(X, *given, **more)[:, 1])


def scores(model: PooledBoosting, X: np.ndarray, numbers: bool) -> np.ndarray:
    """The boosted score: a value, or a logit."""
    return np.asarray(model.predict(X) if numbers else model.decision_function(X))


def rome(
    train: Part, later: Part, test: Part, more: list[np.ndarray], numbers: bool
) -> tuple[RomeEM, dict[str, np.ndarray]]:
    """ROME on the features and what `more` adds to each part; gate and auto."""
    design = [np.column_stack([p.A, m]) for p, m in zip((train, later, test), more, strict=True)]
    task = "regression" if numbers else "classification"
    model = RomeEM(GROUPS, n_init=4, max_iter=150, task=task, random_state=0)
    model.fit(
        design[0], train.y, sensitive_features=train.S, validation=(design[1], later.y, later.S)
    )
    each = {c: answers(model, design[2], numbers, test.S, combine=c) for c in ("gate", "auto")}
    return model, each


def boosted_experts(
    model: RomeEM, make: Callable[[], PooledBoosting], train: Part, test: Part, numbers: bool
) -> np.ndarray:
    """Boosted trees for each group, weighing rows by responsibility, mixed by membership."""
    resp = model.responsibilities(train.A, train.y, train.S)
    prior = model.predict_membership(test.S)
    total = np.zeros(len(test.y))
    for j in range(GROUPS):
        trees = make().fit(train.both, train.y, sample_weight=resp[:, j] + 1e-6)
        total += prior[:, j] * answers(trees, test.both, numbers)
    return total


def compared(table: Table, seed: int) -> tuple[dict[str, np.ndarray], dict[str, float], Part]:
    """Test losses and CPU seconds of every model on one split."""
    train, later, test = parts(table, seed)
    numbers, task = table.numbers, "regression" if table.numbers else "binary"
    seconds: dict[str, float] = {}
    found: dict[str, np.ndarray] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        seconds[name] = time.process_time() - began
        return result

    def boosted(X: np.ndarray, Xv: np.ndarray) -> PooledBoosting:
        return PooledBoosting(task=task, random_state=0).fit(X, train.y, validation=(Xv, later.y))

    for name, part in (("linear", "A"), ("linear-s", "both")):
        X = getattr(train, part)
        model = timed(name, lambda X=X: PooledLinear(task=task).fit(X, train.y))
        found[name] = answers(model, getattr(test, part), numbers)
    for name, part in (("boosting", "A"), ("boosting-s", "both")):
        X, Xv = getattr(train, part), getattr(later, part)
        trees = timed(name, lambda X=X, Xv=Xv: boosted(X, Xv))
        found[name] = answers(trees, getattr(test, part), numbers)

    def again() -> PooledBoosting:
        return PooledBoosting(max_iter=trees.n_iter_, task=task, random_state=0)

    def out_of_fold() -> np.ndarray:
        score = np.zeros(len(train.y))
        for fit, rest in KFold(5, shuffle=True, random_state=seed).split(train.both):
            fold = again().fit(train.both[fit], train.y[fit])
            score[rest] = scores(fold, train.both[rest], numbers)
        return score

    none = [np.zeros((len(p.y), 0)) for p in (train, later, test)]
    model, each = timed("gate", lambda: rome(train, later, test, none, numbers))
    found |= each
    stacked = [out_of_fold(), *(scores(trees, p.both, numbers) for p in (later, test))]
    _, each = timed("stacked gate", lambda: rome(train, later, test, stacked, numbers))
    found |= {f"stacked {name}": answer for name, answer in each.items()}
    found["boosted gate"] = boosted_experts(model, again, train, test, numbers)
    return {k: losses(v, test.y, numbers) for k, v in found.items()}, seconds, test


def summary(table: Table, splits: int) -> dict[str, dict[str, float]]:
    """Means over splits: overall, worst intersection, difference to boosting-s, seconds."""
    rows: dict[str, list[tuple[float, float, float, float, float]]] = {}
    for seed in range(splits):
        loss, seconds, test = compared(table, seed)
        cells = [c for c in np.unique(test.cell) if (test.cell == c).sum() >= ENOUGH]
        for name, each in loss.items():
            off = each - loss["boosting-s"]
            worst = max(float(each[test.cell == c].mean()) for c in cells)
            error = float(off.std() / np.sqrt(len(off)))
            told = (float(each.mean()), worst, float(off.mean()), error, seconds.get(name, np.nan))
            rows.setdefault(name, []).append(told)
    names = ("overall", "worst", "difference", "error", "seconds")
    return {k: dict(zip(names, np.mean(v, axis=0).tolist(), strict=True)) for k, v in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    found = {}
    for name in given.tables:
        found[name] = summary(TABLES[name](given.folder), given.splits)
        cells = [
            f"{m}: {v['overall']:.4f} / {v['worst']:.4f} ({v['difference']:+.4f} "
            f"± {v['error']:.4f}, {v['seconds']:.1f} s)"
            for m, v in found[name].items()
        ]
        print(name, *cells, sep="\n  ", flush=True)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
