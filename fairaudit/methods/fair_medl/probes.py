"""Stress test: columns that only encode the cluster's positive rate must not rank first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Float
from fairaudit.methods.fair_medl.inputs import cluster_labels

PROBES = ("probe r", "probe r²", "probe 1/r", "probe cos r", "probe sin r")
FLOOR = 0.05
NOISE = 0.05


def confounded_probes(
    y: NDArray[Any], clusters: Any, train: NDArray[np.bool_], *, random_state: int = 0
) -> Float:
    """Five columns r, r², 1/r, cos r, sin r of the cluster's positive rate, each + N(0, .05²).

    Parameters
    ----------
    y : (n,) 0 or 1
    clusters : (n,) names
    train : (n,) bool
        Rows the rates come from. Clusters without such rows get the mean of the columns: there
        a probe is uninformative.
    random_state : int

    Returns
    -------
    (n, 5) float64, columns as in `PROBES`

    Raises
    ------
    InputError
        When y is not 0/1.

    Notes
    -----
    Source: Nguyen, Wang, Montillo, arXiv 2310.03146; r is floored at .05.
    """
    if not np.isin(y, (0, 1)).all():
        raise InputError("probes need an outcome of 0 and 1; choose a binary target")
    names, code = np.unique(cluster_labels(clusters, len(y)), return_inverse=True)
    count = np.bincount(code[train], minlength=len(names))
    total = np.bincount(code[train], weights=y[train], minlength=len(names))
    has_rows = count > 0
    rate = np.maximum(total[has_rows] / count[has_rows], FLOOR)
    exact = np.column_stack([rate, rate**2, 1 / rate, np.cos(rate), np.sin(rate)])
    columns = np.empty((len(names), exact.shape[1]))
    columns[has_rows] = exact
    columns[~has_rows] = np.average(exact, axis=0, weights=count[has_rows])
    noise = np.random.default_rng(random_state).normal(0, NOISE, (len(y), exact.shape[1]))
    return np.asarray(columns[code] + noise)
