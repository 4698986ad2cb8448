"""Pupils in schools, compared with statsmodels and lme4; patients with one site held out."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from statsmodels.regression.mixed_linear_model import MixedLM

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fairaudit import FairMEDL
from fairaudit.methods.fair_medl.metrics import auroc
from tests.methods.test_fair_medl_data import (
    LME4,
    LME4_INTERCEPT,
    LME4_RESIDUAL,
    LME4_SCHOOL,
    linear_gaussian,
    patients,
    pupils,
)

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def schools(splits: int) -> dict[str, Any]:
    """RMSE on 30% of the pupils of seen schools, correlation of the intercepts."""
    X, y, school = pupils(DATA)
    design = np.column_stack([np.ones(len(y)), X])
    rows = []
    for seed in range(splits):
        held = np.random.default_rng(seed).random(len(y)) < 0.3
        oracle = MixedLM(y[~held], design[~held], groups=school[~held]).fit()
        theirs = {k: float(v.iloc[0]) for k, v in oracle.random_effects.items()}
        mixed = design @ oracle.fe_params + np.array([theirs.get(s, 0.0) for s in school])
        ols = design @ np.linalg.lstsq(design[~held], y[~held])[0]
        model = linear_gaussian().fit(X[~held], y[~held], clusters=school[~held])
        ours = model.predict(X, clusters=school)
        effects = dict(zip(*model.random_effects_.select("cluster", "mean"), strict=True))
        pairs = np.array([(effects[k], v) for k, v in theirs.items()])
        rmse = [float(np.sqrt(np.mean((p[held] - y[held]) ** 2))) for p in (ours, mixed, ols)]
        rows.append([*rmse, float(np.corrcoef(pairs.T)[0, 1])])
    names = ["Fair MEDL, linear Gaussian", "MixedLM", "OLS", "correlation of intercepts"]
    return dict(zip(names, np.mean(rows, 0).tolist(), strict=True))


def against_lme4() -> dict[str, Any]:
    """All pupils: ours beside lme4's figures."""
    X, y, school = pupils(DATA)
    model = linear_gaussian().fit(X, y, clusters=school)
    weights, scale = model._weights(), model._y_scale
    slopes = weights.layers[0][0][:, 0] / model._scale.sd * scale
    names = ["minrtyYes", "sxMale", "ses", "meanses", "sectorPublic"]
    found = {n: (float(a), float(b)) for n, a, b in zip(names, slopes, LME4, strict=True)}
    found["intercept"] = (float(model.predict_fixed(np.zeros((1, 5)))[0]), LME4_INTERCEPT)
    found["sd(school)"] = (model.prior_sd_ * scale, LME4_SCHOOL)
    found["sd(residual)"] = (float(np.sqrt(weights.noise)) * scale, LME4_RESIDUAL)
    return found


def sites(seeds: int) -> dict[str, Any]:
    """AUROC at the site left out: plain net, Fair MEDL inferred and fixed."""
    X, y, sex, site = patients(DATA)
    net: dict[str, Any] = {"learning_rate": 0.01, "max_epochs": 30, "batch_size": 64}
    push = {"debias": "rates", "lambda_fair_fixed": 0.05, "lambda_fair_mixed": 0.05}
    off = {"debias": None, "random_effects": False, "cluster_adversary": False}
    found: dict[str, Any] = {}
    for left in np.unique(site):
        train, rows = site != left, []
        for seed in range(seeds):
            model = FairMEDL((16,), random_state=seed, **net, **push)
            model.fit(X[train], y[train], sensitive_features=sex[train], clusters=site[train])
            plain = FairMEDL((16,), random_state=seed, **net, **off).fit(X[train], y[train])
            answers = (
                plain.predict_mixed(X[~train]),
                model.predict_mixed(X[~train]),
                model.predict_fixed(X[~train]),
            )
            rows.append([auroc(y[~train], a) for a in answers])
        found[str(left)] = dict(
            zip(("plain net", "inferred", "fixed"), np.mean(rows, 0).tolist(), strict=True)
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fairmedl_sites.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = {"schools": schools(args.splits), "lme4": against_lme4(), "sites": sites(args.splits)}
    for name, table in found.items():
        print(name)
        for key, value in table.items():
            print(f"  {key:30s} {value}")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
