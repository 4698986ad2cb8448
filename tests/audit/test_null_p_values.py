"""P-values where nothing differs: at or below a level at most as often as the level says.

Each bound is exact: were the chance of p ≤ level the level itself, a count above it would be seen
with probability `ALPHA`. Tests of counts and permutations are discrete, so they may be rarer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from fairaudit import audit_predictions
from fairaudit.audit.latent.groups import audit_latent
from tests.sizes import nightly, size

ALPHA = 1e-4
LEVELS = (0.01, 0.05, 0.2, 0.5)


def _no_smaller_than_uniform(p: Sequence[float]) -> None:
    seen = np.array(p)
    for level in LEVELS:
        assert (seen <= level + 1e-12).sum() <= stats.binom.ppf(1 - ALPHA, len(seen), level)


@pytest.mark.parametrize("n", [60, *nightly(400)])
def test_paired_comparisons_of_equal_systems(n: int) -> None:
    p: dict[str, list[float]] = {"accuracy": [], "auroc": []}
    for seed in range(size(40, 1000)):
        rng = np.random.default_rng([seed, n])
        y, shared = rng.integers(0, 2, n), rng.normal(size=n)
        scores = {k: y + shared + rng.normal(size=n) for k in ("one", "two")}
        table = audit_predictions(
            y, {k: (s > 0.5).astype(int) for k, s in scores.items()}, y_score=scores,
            sensitive_features=None, metrics=list(p), positive=1, n_boot=0,
        ).tables["comparisons"]  # fmt: skip
        for metric, values in p.items():
            values.append(float(table.filter(metric=metric)["p"].item()))
    for values in p.values():
        _no_smaller_than_uniform(values)
    if len(p["auroc"]) >= 1000:  # a continuous test: uniform, not only no smaller
        assert stats.kstest(p["auroc"], "uniform").pvalue > ALPHA


@pytest.mark.parametrize("weighted", [False, True])
def test_latent_groups_of_errors_unrelated_to_features(weighted: bool) -> None:
    smallest = []
    for seed in range(size(15, 1000)):
        rng = np.random.default_rng([seed, 23])
        X, y = rng.normal(size=(300, 3)), rng.integers(0, 2, 300)
        wrong = rng.random(300) < 0.2
        tests = audit_latent(
            X, ("a", "b", "c"), y, np.where(wrong, 1 - y, y), n_groups=(2, 4),
            n_permutations=99, random_state=seed, confidence=0.95,
            sample_weight=rng.exponential(1.0, 300) if weighted else None,
        ).tables["latent_tests"]  # fmt: skip
        known = tests["p_adjusted"].drop_nulls()
        smallest.append(float(known.min()) if len(known) else 1.0)
    _no_smaller_than_uniform(smallest)
