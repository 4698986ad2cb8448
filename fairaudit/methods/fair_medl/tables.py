"""Tables of a Fair MEDL model: effects, importance, variance shares and losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from fairaudit.inputs.arrays import Float
from fairaudit.methods.fair_medl.path import ScoringRows
from fairaudit.methods.fair_medl.probes import PROBES
from fairaudit.methods.fair_medl.weights import Weights, slope_at_mean
from fairaudit.methods.tables import Frame

HISTORY = pl.Schema(
    {"part": pl.String, "epoch": pl.Int64, "metric": pl.String, "value": pl.Float64}
)
PATH = pl.Schema(
    {
        "lam": pl.Float64,
        "split": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "chosen": pl.Boolean,
    }
)
LOGISTIC = np.pi**2 / 3  # residual variance of a logit model on the latent scale

PARTS = {
    "fixed": "fixed effects",
    "mixed": "mixed effects",
    "prior": "prior (KL)",
    "cluster": "cluster adversary",
    "between": "between-cluster variance",
    "fair fixed": "fairness, fixed effects",
    "fair mixed": "fairness, mixed effects",
    "validation": "validation",
    "total": "main loss",
}


def effect_names(weights: Weights, features: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """Names of the q·O effects: features (or hidden units), intercept; by class if several."""
    q = weights.effect_mean.shape[1] - 1
    slopes = {"inputs": list(features), "none": []}.get(
        weights.slopes, [f"hidden {j + 1}" for j in range(q)]
    )
    base = [*slopes, "intercept"]
    return [f"{name} ({o})" if o else name for name in base for o in outputs]


def effects(
    weights: Weights, clusters: Sequence[str], features: Sequence[str], outputs: Sequence[str]
) -> Frame:
    """One row per cluster and effect: cluster, effect, mean, sd."""
    schema = {"cluster": pl.String, "effect": pl.String, "mean": pl.Float64, "sd": pl.Float64}
    if not weights.random_effects:
        return pl.DataFrame(schema=schema)
    names = effect_names(weights, features, outputs)
    k = len(clusters)
    return pl.DataFrame(
        {
            "cluster": np.repeat(np.array(clusters), len(names)).tolist(),
            "effect": names * k,
            "mean": weights.effect_mean.reshape(k, -1).ravel(),
            "sd": weights.effect_sd.reshape(k, -1).ravel(),
        },
        schema=schema,
    )


def effects_with_prior(
    weights: Weights, clusters: Sequence[str], features: Sequence[str], outputs: Sequence[str]
) -> Frame:
    """The rows of `effects` with the prior's SD of each effect: prior_sd."""
    rows = effects(weights, clusters, features, outputs)
    prior = np.tile(weights.prior_sd.ravel(), len(clusters))[: len(rows)]
    return rows.with_columns(prior_sd=pl.Series(prior, dtype=pl.Float64))


def importance(weights: Weights, features: Sequence[str]) -> Frame:
    """feature, importance, rank (1 = most important)."""
    value = slope_at_mean(weights)
    order = np.argsort(-value, kind="stable")
    return pl.DataFrame(
        {
            "feature": [features[j] for j in order],
            "importance": value[order],
            "rank": np.arange(1, len(order) + 1),
        }
    )


def variance_shares(weights: Weights) -> Frame:
    """part, variance, share: intercepts, slopes and residual, on the link's scale.

    The between-cluster variance of an effect is the mean second moment of its posterior; inputs
    are standardised, so slopes add their sum. The residual is the noise (regression) or π²/3,
    the variance of the logistic distribution (classes; mean over outputs).
    """
    if not weights.random_effects:
        return pl.DataFrame(
            schema={"part": pl.String, "variance": pl.Float64, "share": pl.Float64}
        )
    second = (np.square(weights.effect_mean) + np.square(weights.effect_sd)).mean(0)
    residual = weights.noise if weights.task == "regression" else LOGISTIC
    components = {
        "intercept": float(second[-1].mean()),
        "slopes": float(second[:-1].sum(0).mean()),
        "residual": float(residual),
    }
    total = sum(components.values())
    return pl.DataFrame(
        {
            "part": list(components),
            "variance": list(components.values()),
            "share": [v / total for v in components.values()],
        }
    )


def history(curves: Mapping[str, list[float]]) -> Frame:
    """Mean losses an epoch of every part, long; adversaries' losses with their own sign."""
    rows = [
        (PARTS[name], epoch, "loss", abs(value) if name.startswith("fair") else value)
        for name, values in curves.items()
        for epoch, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=HISTORY, orient="row")


def with_predictor(table: Frame, losses: Sequence[float]) -> Frame:
    """A history with the losses of the cluster predictor below."""
    rows = [("cluster predictor", epoch, "loss", value) for epoch, value in enumerate(losses)]
    return pl.concat([table, pl.DataFrame(rows, schema=HISTORY, orient="row")])


def empty_path() -> Frame:
    """The path of a model without a budget."""
    return pl.DataFrame(schema=PATH)


def empty_history() -> Frame:
    """The history of a model whose training is not stored."""
    return pl.DataFrame(schema=HISTORY)


def path_table(
    lams: Sequence[float],
    answers: Sequence[Float],
    thresholds: Sequence[float],
    scoring: ScoringRows,
    *,
    split: str,
    chosen: int,
    confidence: float,
    count: int = 100,
    seed: int = 0,
) -> Frame:
    """Every model of the path: lam, split, metric, value, low, high.

    The intervals come from `count` draws of rows, or of whole clusters where there are any.
    """
    rows: list[tuple[float, str, str, float, float, float, bool]] = []
    for i, (lam, answer, cut) in enumerate(zip(lams, answers, thresholds, strict=True)):
        reach = scoring.intervals(answer, cut, count=count, confidence=confidence, seed=seed)
        for metric, value in scoring.score(answer, cut).items():
            rows.append((float(lam), split, metric, value, *reach[metric], i == chosen))
    table = pl.DataFrame(rows, schema=PATH, orient="row")
    return table.with_columns(pl.col("low", "high").fill_nan(None))


def blind_measures(path: Frame) -> list[str] | None:
    """Measures without a value for any model of a path; None where there is no path."""
    if path.is_empty():
        return None
    blind = path.group_by("metric").agg(pl.col("value").is_nan().all()).filter("value")
    return blind["metric"].sort().to_list()


def search_trials(rows: Sequence[Mapping[str, Any]]) -> Frame:
    """One row per trial of a search."""
    return pl.DataFrame(list(rows))


def probe_ranks(importance: Frame, probes: tuple[str, ...] = PROBES) -> Frame:
    """The probes' rows of an importance table: feature, importance, rank."""
    return importance.filter(pl.col("feature").is_in(probes)).sort("rank")
