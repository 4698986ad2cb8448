"""One mis-keyed outcome moves no group, and is named; tails and small groups are no mistakes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fairaudit import RomeEM
from fairaudit.audit.adapters.rome import em_summary
from fairaudit.data.arrays import Arrays
from fairaudit.methods.rome.isolated import isolated_rows

RNG = np.random.default_rng


def two_slopes(n: int = 1000, seed: int = 0) -> Any:
    """y = x or -x by s."""
    rng = RNG(seed)
    s, x = rng.integers(0, 2, n), rng.normal(size=(n, 2))
    return x, s, np.where(s == 1, x[:, 0], -x[:, 0]) + 0.1 * rng.normal(size=n)


def quick(**params: Any) -> RomeEM:
    return RomeEM(2, n_init=3, max_iter=60, random_state=0, **params)


@pytest.mark.parametrize(
    "wrong",
    [{17: 100.0}, {17: -1e6}, {0: 55.0, 400: -70.0, 999: 1e9}],
    ids=["one", "huge", "three of both signs, one hiding the others"],
)
def test_a_mis_keyed_outcome_moves_nothing_and_is_named(wrong: dict[int, float]) -> None:
    x, s, y = two_slopes()
    clean = quick().fit(x, y, sensitive_features=s)
    keyed = y.copy()
    for row, value in wrong.items():
        keyed[row] = value
    with pytest.warns(ConvergenceWarning, match="lies? far from all others"):
        model = quick().fit(x, keyed, sensitive_features=s)
    assert model.isolated_rows_.tolist() == sorted(wrong)
    assert str(min(wrong)) in model.warnings_[0]
    np.testing.assert_allclose(np.sort(model.coef_[:, 0]), np.sort(clean.coef_[:, 0]), atol=0.01)
    loss = np.square(y - model.predict(x, s))
    assert np.mean(loss) == pytest.approx(0.01, rel=0.15)


def test_the_row_can_be_kept() -> None:
    x, s, y = two_slopes(300)
    y[17] = 100.0
    model = quick(leave_out_isolated=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y, sensitive_features=s)
    assert model.isolated_rows_.tolist() == []


@pytest.mark.parametrize("kind", ["normal", "t3", "exponential", "lognormal", "counts"])
def test_tails_are_no_mistakes(kind: str) -> None:
    flagged = 0
    for seed in range(40):
        rng = RNG(seed)
        errors = {
            "normal": rng.normal(size=800),
            "t3": rng.standard_t(3, size=800),
            "exponential": rng.exponential(size=800),
            "lognormal": rng.lognormal(size=800),
            "counts": rng.poisson(0.4, size=800).astype(float),
        }[kind]
        flagged += len(isolated_rows(np.ones((800, 1)), errors, np.ones(800)))
    assert flagged / 32_000 < 1 / 5_000


def test_a_small_group_elsewhere_is_no_mistake() -> None:
    rng = RNG(0)
    y = rng.normal(size=1000)
    y[:10] += 200
    assert len(isolated_rows(np.ones((1000, 1)), y, np.ones(1000))) == 0


def test_rows_without_weight_are_not_looked_at() -> None:
    y = RNG(0).normal(size=100)
    y[3], y[8] = 1e4, -1e4
    weight = np.ones(100)
    weight[3] = 0.0
    assert isolated_rows(np.ones((100, 1)), y, weight).tolist() == [8]


def test_an_audit_names_the_row_of_the_table(tmp_path: Path) -> None:
    x, s, y = two_slopes(600)
    split = RNG(1).choice([0, 1, 2], 600, p=[0.6, 0.2, 0.2]).astype(np.int8)
    position = int(np.flatnonzero(split == 0)[50])
    y[position] = 500.0
    ids = np.arange(600) + 7000
    data = Arrays(
        x, y, "regression", s[:, None].astype(float), {"sex": s.astype(str)}, None, None,
        ids, split, ("a", "b"), ("sex",), (),
    )  # fmt: skip
    train = split == 0
    with pytest.warns(ConvergenceWarning, match="row 50 "):
        model = quick().fit(x[train], y[train], sensitive_features=s[train])
    summary = em_summary(model, data)
    assert summary["isolated_rows"] == [ids[position]]
    assert sum(str(ids[position]) in text for text in summary["warnings"]) == 1
    assert not any("row 50 " in text for text in summary["warnings"])
    model.save(tmp_path)
    assert RomeEM.load(tmp_path).isolated_rows_.tolist() == [50]
