"""Clustered rows with known effects, for the tests of Fair MEDL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def clustered(
    n: int, *, seed: int = 0, clusters: int = 6, task: str = "binary", sd: float = 1.0
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """X (n, 4), y, two attributes as text (n, 2), cluster names; intercepts N(0, sd²).

    Column 2 of X leaks the first attribute, which also moves the outcome.
    """
    rng = np.random.default_rng(seed)
    X, z = rng.normal(size=(n, 4)), rng.integers(0, clusters, n)
    a, b = rng.integers(0, 2, n), rng.integers(0, 3, n)
    X[:, 2] = a + 0.3 * rng.normal(size=n)
    intercept = rng.normal(0, sd, clusters)
    raw = X[:, 0] - 0.5 * X[:, 1] + intercept[z] + 1.2 * (a - 0.5)
    if task == "regression":
        y: NDArray[Any] = raw + rng.normal(size=n) * (0.5 + a)
    elif task == "binary":
        y = (rng.random(n) < 1 / (1 + np.exp(-raw))).astype(int)
    else:
        y = np.digitize(raw + rng.logistic(size=n), [-1, 1])
    S = np.column_stack([np.array(["no", "yes"])[a], np.array(["p", "q", "r"])[b]])
    return X, y, S, np.array([f"site {k}" for k in z])
