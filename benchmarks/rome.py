"""Speed of ROME, as ratios measured in one run on one core.

    OMP_NUM_THREADS=1 python benchmarks/rome.py --out rome.json [--rows 1000000]

Prints a Markdown table. Each figure is the smallest of a few repetitions; both sides of a ratio
are measured in turn, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from fairaudit import RomeEM, RomeMoE
from fairaudit.methods.rome.mixture.em_loop import RunBatch, StoppingRules, climb
from fairaudit.methods.rome.mixture.starts import starting_params
from fairaudit.methods.rome.mixture.sums import scan
from fairaudit.methods.rome.problem import solve

Measured = dict[str, Any]


def data(n: int, p: int = 15, q: int = 5, groups: int = 4, seed: int = 0) -> tuple[Any, Any, Any]:
    """Rows of a mixture of linear models with a softmax gate."""
    rng = np.random.default_rng(seed)
    A, S = rng.normal(size=(n, p)), rng.normal(size=(n, q))
    z = (S @ rng.normal(size=(q, groups)) * 2 + rng.gumbel(size=(n, groups))).argmax(1)
    beta = rng.normal(size=(groups, p))
    return A, S, (A * beta[z]).sum(1) + 0.5 * rng.normal(size=n)


def seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """Smallest of a few CPU times (process time: other users of the core do not count)."""
    best = np.inf
    for _ in range(repeat):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def problem(A: Any, S: Any, y: Any, **params: Any) -> Any:
    """The bare EM problem, experts seeing all columns: n x (1 + p + q)."""
    model = RomeEM(outcome_sensitive=True, task="regression", device="cpu", **params)
    return model.begin(A, y, S, None)[0]


def bare_grams(design: np.ndarray, resp: np.ndarray) -> None:
    """The weighted Gram products that one M step cannot do without, one group after another."""
    for group in range(resp.shape[1]):
        _ = design.T @ (design * resp[:, group : group + 1])


def em_against_grams(n: int) -> Measured:
    A, S, y = data(n)
    posed = problem(A, S, y)
    params = starting_params(posed.rows, posed.weight, 4, 1, posed.penalty, 0)
    design = np.ascontiguousarray(posed.rows.expert.numpy().T)
    resp = np.random.default_rng(0).dirichlet(np.ones(4), n)
    grams = seconds(lambda: bare_grams(design, resp))
    step = seconds(lambda: scan(posed.rows, [params], [posed.weight]))
    return {
        "what": f"one EM iteration at {n:,} x {design.shape[1]}, G=4 / its bare Gram products",
        "ours": step,
        "base": grams,
        "target": 4.0,
    }


def starts(n: int) -> Measured:
    posed = problem(*data(n))

    def run(count: int) -> object:
        return solve(posed, [4], count, StoppingRules(), 0)

    one, ten = seconds(lambda: run(1), 2), seconds(lambda: run(10), 2)
    return {"what": f"10 starts / 1 start, n={n:,}", "ours": ten, "base": one, "target": 3.0}


def sweep(n: int, n_bootstrap: int) -> Measured:
    A, S, y = data(n)
    base = {"outcome_sensitive": True, "random_state": 0, "device": "cpu"}
    single = seconds(
        lambda: RomeEM(8, cross_fitting=False, **base).fit(A, y, sensitive_features=S), 2
    )
    whole = seconds(
        lambda: RomeEM.sweep(A, y, sensitive_features=S, n_bootstrap=n_bootstrap, **base), 1
    )
    what = f"sweep 1..8 ({n_bootstrap} bootstrap refits) / one fit at 8, n={n:,}"
    return {"what": what, "ours": whole, "base": single, "target": 5.0}


def members(n: int) -> Measured:
    A, S, y = data(n)

    def run(count: int) -> object:
        model = RomeMoE(4, n_members=count, max_epochs=3, random_state=0, device="cpu")
        return model.fit(A, y, sensitive_features=S)

    one, twenty = seconds(lambda: run(1), 2), seconds(lambda: run(20), 2)
    what = f"20 MoE members / 1 member, n={n:,}, batch 64"
    return {"what": what, "ours": twenty, "base": one, "target": 5.0}


def plain_loop(A: Any, S: Any, y: Any, n_groups: int, steps: int) -> None:
    """EM as it is usually written: one group and one library call after another."""
    rng = np.random.default_rng(0)
    D, n = np.column_stack([np.ones(len(y)), A, S]), len(y)
    resp = rng.dirichlet(np.ones(n_groups), n)
    for _ in range(steps):
        dens = np.empty((n, n_groups))
        for g in range(n_groups):
            root = np.sqrt(resp[:, g])
            beta = np.linalg.lstsq(D * root[:, None], y * root, rcond=None)[0]
            var = resp[:, g] @ (y - D @ beta) ** 2 / resp[:, g].sum()
            dens[:, g] = -0.5 * ((y - D @ beta) ** 2 / var + np.log(var))
        gate = LogisticRegression(C=np.inf, max_iter=20, tol=1e-3)
        gate.fit(
            np.repeat(S, n_groups, axis=0),
            np.tile(np.arange(n_groups), n),
            sample_weight=resp.ravel(),
        )
        logs = dens + gate.predict_log_proba(S)
        resp = np.exp(logs - logs.max(1, keepdims=True))
        resp /= resp.sum(1, keepdims=True)


def against_loop(n: int, steps: int = 10) -> Measured:
    A, S, y = data(n)
    posed = problem(A, S, y)
    params = starting_params(posed.rows, posed.weight, 4, 1, posed.penalty, 0)
    rules = StoppingRules(tol=0.0, max_iter=steps, prune_at=())
    batch = RunBatch(params, posed.weight, [0])
    ours = seconds(lambda: climb(posed.rows, [batch], posed.penalty, rules), 2)
    loop = seconds(lambda: plain_loop(A, S, y, 4, steps), 1)
    what = f"{steps} EM iterations / the same in a plain loop, n={n:,}"
    return {"what": what, "ours": ours, "base": loop, "target": 1.0}


def against_boosting(n: int, classes: bool, strength: float) -> Measured:
    """Three groups, ten starts, against scikit-learn's boosted trees on the same rows.

    Groups of small `strength` overlap: EM alone is slowest there, and trees stop earliest.
    """
    rng = np.random.default_rng(1)
    A, S = rng.normal(size=(n, 10)), rng.normal(size=(n, 3))
    z = (S @ rng.normal(size=(3, 3)) * 1.5 * strength + rng.gumbel(size=(n, 3))).argmax(1)
    value = (A * strength * rng.normal(size=(3, 10))[z]).sum(1)
    y = (value + rng.logistic(size=n) > 0).astype(int) if classes else value + rng.normal(size=n)
    kind, trees = (
        ("classes", HistGradientBoostingClassifier)
        if classes
        else ("numbers", HistGradientBoostingRegressor)
    )
    task = "classification" if classes else "regression"
    both = np.column_stack([A, S])
    boosted = seconds(lambda: trees(random_state=0).fit(both, y))
    ours = seconds(
        lambda: RomeEM(3, task=task, random_state=0, device="cpu").fit(A, y, sensitive_features=S)
    )
    what = f"RomeEM / boosted trees, {kind}, groups of strength {strength:g}, n={n:,}"
    return {"what": what, "ours": ours, "base": boosted, "target": 3.0}


FLEXMIX = """
library(flexmix); d <- read.csv("%s"); names(d)[1] <- "y"
t <- proc.time()[["user.self"]]
m <- flexmix(y ~ ., data=d, k=4, concomitant=FLXPmultinom(~ %s),
             control=list(iter.max=%d, tolerance=0, minprior=0))
cat(proc.time()[["user.self"]] - t)
"""


def against_flexmix(n: int, steps: int = 10) -> Measured | None:
    """The R package, where R and flexmix are installed."""
    if shutil.which("Rscript") is None:
        return None
    A, S, y = data(n)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "d.csv"
        np.savetxt(
            table,
            np.column_stack([y, A, S]),
            delimiter=",",
            comments="",
            header=",".join(["y", *(f"a{i}" for i in range(15)), *(f"s{i}" for i in range(5))]),
        )
        script = FLEXMIX % (table, "+".join(f"s{i}" for i in range(5)), steps)
        done = subprocess.run(
            ["Rscript", "-e", script], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return None
    posed = problem(A, S, y)
    params = starting_params(posed.rows, posed.weight, 4, 1, posed.penalty, 0)
    rules = StoppingRules(tol=0.0, max_iter=steps, prune_at=())
    batch = RunBatch(params, posed.weight, [0])
    ours = seconds(lambda: climb(posed.rows, [batch], posed.penalty, rules), 2)
    what = f"{steps} EM iterations / R flexmix, n={n:,}"
    return {"what": what, "ours": ours, "base": float(done.stdout), "target": 1.0}


def exponent(name: str, values: list[int], make: Callable[[int], tuple[Any, int]]) -> Measured:
    """Slope of log time of one pass against log size."""
    times = []
    for value in values:
        posed, groups = make(value)
        params = starting_params(posed.rows, posed.weight, groups, 1, posed.penalty, 0)
        times.append(seconds(lambda p=params, q=posed: scan(q.rows, [p], [q.weight])))
    slope = float(np.polyfit(np.log(values), np.log(times), 1)[0])
    return {"what": f"growth with {name} from {values[0]:,} to {values[-1]:,}", "exponent": slope}


def exponents(n: int) -> list[Measured]:
    sizes = [n // 16, n // 4, n]
    return [
        exponent("n", sizes, lambda v: (problem(*data(v)), 4)),
        exponent("p", [10, 20, 40, 80], lambda v: (problem(*data(n // 16, p=v)), 4)),
        exponent("G", [2, 4, 8, 16], lambda v: (problem(*data(n // 16)), v)),
    ]


def devices(n: int) -> Measured | None:
    """One pass on the GPU against the CPU, when there is one."""
    if not torch.cuda.is_available():
        return None
    A, S, y = data(n)
    times = {}
    for device in ("cpu", "cuda"):
        model = RomeEM(outcome_sensitive=True, task="regression", device=device)
        posed = model.begin(A, y, S, None)[0]
        params = starting_params(posed.rows, posed.weight, 4, 10, posed.penalty, 0)

        def work(p: Any = params, q: Any = posed) -> None:
            scan(q.rows, [p], [q.weight])[0].loglik.cpu()

        work()
        began = time.perf_counter()
        work()
        times[device] = time.perf_counter() - began
    what = f"one pass of 10 starts, GPU / CPU, n={n:,}"
    return {"what": what, "ours": times["cuda"], "base": times["cpu"], "target": 1.0}


def line(found: Measured) -> str:
    if "exponent" in found:
        return f"| {found['what']} | | | exponent {found['exponent']:.2f} | |"
    ratio, target = found["ours"] / found["base"], found["target"]
    verdict = "met" if ratio <= target else "missed"
    return (
        f"| {found['what']} | {found['ours']:.3f} s | {found['base']:.3f} s "
        f"| {ratio:.2f} | at most {target:g}: {verdict} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("rome.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    n = args.rows
    jobs: list[Callable[[], Any]] = [
        lambda: em_against_grams(n),
        lambda: starts(n // 125),
        lambda: starts(n // 5),
        lambda: sweep(n // 125, 0),
        lambda: sweep(n // 125, 20),
        lambda: sweep(n // 40, 20),
        lambda: members(n // 200),
        lambda: against_loop(n // 50),
        *(
            lambda c=classes, s=strength: against_boosting(n // 50, c, s)
            for classes in (True, False)
            for strength in (1.0, 0.3)
        ),
        lambda: against_flexmix(n // 50),
        lambda: exponents(n // 4),
        lambda: devices(n),
    ]
    print("| what | ours | against | ratio | target |\n|---|---|---|---|---|", flush=True)
    results: list[Measured] = []
    for job in jobs:
        found = job()
        for one in found if isinstance(found, list) else [found]:
            if one is not None:
                results.append(one)
                print(line(one), flush=True)
        args.out.write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
