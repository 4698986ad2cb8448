"""Several methods on the same splits, with the same preprocessing and a stated equal budget.

Intervals over seeds use the corrected resampled t of Nadeau & Bengio (2003, "Inference for the
Generalization Error"): repeated random splits share rows, so the naive variance is too small;
it is multiplied by (1/k + n_test/n_train) instead of 1/k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from fairaudit.audit.catalog import method
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError
from fairaudit.stats.estimates import ESTIMATED, UNJUDGED, UNSTABLE
from fairaudit.stats.metric_definitions import base_name

KEYS = ["attribute", "metric", "kind"]


def measurements(errors: pl.DataFrame, gaps: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Results of one seed: overall values and gaps of each model, on the test rows.

    Returns
    -------
    polars.DataFrame
        seed, model, attribute, metric, kind ("overall" or a gap's kind), value.
    """
    columns = ["model", *KEYS, "value"]
    overall = errors.filter(pl.col("attribute") == "all", pl.col("split") == "test")
    test_gaps = gaps.filter(
        pl.col("split") == "test", pl.col("kind").is_in(["difference", "worst"])
    )
    both = [
        overall.with_columns(kind=pl.lit("overall")).select(columns),
        test_gaps.select(columns),
    ]
    return pl.concat(both).with_columns(seed=pl.lit(seed))


def corrected_interval(
    values: NDArray[np.float64], test_share: float, confidence: float
) -> tuple[float, float, float]:
    """Mean, low and high of k repeated-split values (k,); low and high are NaN for k < 2.

    `test_share` is n_test / n_train (Nadeau & Bengio 2003, section 3).
    """
    k = len(values)
    mean = float(values.mean())
    if k < 2:
        return mean, float("nan"), float("nan")
    spread = float(values.std(ddof=1)) * np.sqrt(1 / k + test_share)
    half = float(stats.t.ppf(0.5 + confidence / 2, k - 1)) * spread
    return mean, mean - half, mean + half


def corrected_p(values: NDArray[np.float64], test_share: float) -> float:
    """Two-sided p of a zero mean under the same corrected t; NaN for k < 2, 1 for no spread."""
    k = len(values)
    if k < 2:
        return float("nan")
    spread = float(values.std(ddof=1)) * np.sqrt(1 / k + test_share)
    if spread == 0:
        return 1.0 if values.mean() == 0 else 0.0
    return float(2 * stats.t.sf(abs(values.mean()) / spread, k - 1))


def comparison_table(measured: pl.DataFrame, test_share: float, confidence: float) -> pl.DataFrame:
    """Mean over seeds by model and number: model, attribute, metric, kind, value, low, high, …"""
    rows = []
    for key, part in measured.group_by(["model", *KEYS], maintain_order=True):
        values = part["value"].drop_nulls().to_numpy()
        complete = len(values) == len(part)
        low = high = mean = float("nan")
        if complete and len(values):
            mean, low, high = corrected_interval(values, test_share, confidence)
            low, high = _within(low, high, *possible(str(key[2]), str(key[3])))
        status = ESTIMATED if complete and len(values) > 1 else UNSTABLE
        rows.append((*key, mean, low, high, len(values), status if len(values) else _CANNOT))
    names = ["model", *KEYS, "value", "low", "high", "seeds", "status"]
    return _finite(pl.DataFrame(rows, schema=names, orient="row"))


_CANNOT = UNJUDGED
_UNBOUNDED = frozenset({"mse", "mae", "mean_error"})


def possible(metric: str, kind: str) -> tuple[float, float]:
    """The smallest and largest value a number can have: a rate lies in 0..1, a gap is no less
    than 0."""
    base = base_name(metric)
    top = float("inf") if base in _UNBOUNDED else 1.0
    if kind == "difference":
        return 0.0, {"mcc": 2.0, "r2": float("inf")}.get(base, top)
    return {"mcc": -1.0, "r2": -float("inf"), "mean_error": -float("inf")}.get(base, 0.0), top


def _within(low: float, high: float, least: float, most: float) -> tuple[float, float]:
    """An interval cut to what is possible; NaN stays NaN."""
    return float(np.clip(low, least, most)), float(np.clip(high, least, most))


def paired_table(
    measured: pl.DataFrame, reference: str, test_share: float, confidence: float
) -> pl.DataFrame:
    """Every model minus the reference, seed by seed, with Benjamini–Hochberg over all rows."""
    base = measured.filter(pl.col("model") == reference).drop("model")
    others = measured.filter(pl.col("model") != reference)
    pairs = others.join(base, on=[*KEYS, "seed"], suffix="_reference")
    rows = []
    for key, part in pairs.group_by(["model", *KEYS], maintain_order=True):
        known = part.drop_nulls(["value", "value_reference"])
        if len(known) == 0:
            continue
        gap = (known["value"] - known["value_reference"]).to_numpy()
        mean, low, high = corrected_interval(gap, test_share, confidence)
        rows.append((*key, reference, mean, low, high, corrected_p(gap, test_share), len(gap)))
    names = ["model_a", *KEYS, "model_b", "difference", "low", "high", "p", "seeds"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return _finite(table.with_columns(p_adjusted=pl.Series(_adjusted(table["p"].to_numpy()))))


def _adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(p)
    adjusted = np.full(len(p), np.nan)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known])
    return adjusted


def _finite(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def contestants(params: Mapping[str, Any]) -> tuple[list[str], int, dict[str, Any]]:
    """Methods, number of seeds, and knobs shared by all methods of a comparison.

    Raises
    ------
    SpecError
        When fewer than two methods are named, a parameter belongs to none of them, or is of
        another kind than one of them expects.
    """
    shared = {k: v for k, v in params.items() if k not in ("methods", "seeds")}
    methods = list(dict.fromkeys(params.get("methods", [])))
    if len(methods) < 2:
        raise SpecError("a comparison needs at least two methods; name them as methods=a,b")
    _check_shared(methods, shared)
    return methods, int(params.get("seeds", 5)), shared


def _check_shared(methods: Sequence[str], shared: Mapping[str, Any]) -> None:
    """Every parameter is known to a method and of the right kind, before any work."""
    known = frozenset[str]().union(*(method(name).parameters for name in methods))
    unknown = sorted(set(shared) - known)
    if unknown:
        raise SpecError(
            f"parameter '{unknown[0]}' is known to none of {', '.join(methods)}; choose among "
            f"{', '.join(sorted(known))}"
        )
    for name in methods:
        method(name).check(own_parameters(name, shared))


def own_parameters(name: str, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the shared parameters that a method has."""
    return {key: value for key, value in shared.items() if key in method(name).parameters}


def test_share(arrays: Arrays) -> float:
    """n_test / n_train of one split."""
    train, test = (int((arrays.split == code).sum()) for code in (0, 2))
    return test / max(train, 1)


def seeds_from(seed: int, count: int) -> Sequence[int]:
    """The seeds of a comparison: consecutive, so that a range describes them."""
    return range(seed, seed + count)
