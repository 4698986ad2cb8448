"""Fair MEDL in an audit: mixed and fixed predictions beside the same net without either."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fairaudit.audit.adapters.baselines import learnt_classes, require_features
from fairaudit.audit.catalog import method
from fairaudit.audit.fitted import Fitted, Prediction
from fairaudit.audit.tables.cluster_effects import (
    by_cluster,
    caterpillar,
    icc_interval,
    seen_table,
    share_of_clusters,
)
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.exceptions import SpecError
from fairaudit.inputs.labels import MISSING
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.fair_medl.estimator import ClusterEffects, FairMEDL
from fairaudit.methods.fair_medl.path import ScoringRows, unfairness
from fairaudit.methods.fair_medl.probes import PROBES, confounded_probes
from fairaudit.methods.fair_medl.search import WEIGHTS, Search, search_weights
from fairaudit.methods.fair_medl.tables import path_table, probe_ranks
from fairaudit.stats.metric_definitions import CUT

NAME = "fair-medl"
GIVEN = {"random_state", "device", "task", "confidence"}  # by the audit, not by its parameters


def fit_fair_medl(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """Fit Fair MEDL and its baseline (same net and budget, no debiasing, no random effects).

    Raises
    ------
    SpecError
        When the data lack a cluster column or a parameter is not known.
    """
    check(arrays, params)
    chosen = {k: v for k, v in params.items() if k not in method(NAME).options}
    chosen["confidence"] = confidence
    tables: dict[str, pl.DataFrame] = {}
    if params.get("search_trials"):
        search = search_params(arrays, chosen, int(params["search_trials"]), seed, device, monitor)
        chosen = {**chosen, **search.weights, "performance_budget": None}
        tables["search"] = search.trials
    model = _named_fit("Fair MEDL", arrays, chosen, seed, device, monitor)
    plain = _named_fit("baseline", arrays, plain_params(chosen), seed, device, monitor)

    def ask(rows: Arrays) -> dict[str, Prediction]:
        return {
            NAME: answer(model, rows),
            f"{NAME} (fixed)": fixed_answer(model, rows),
            "baseline": answer(plain, rows),
        }

    predictions = ask(arrays)
    if params.get("probes"):
        tables["probes"] = probe_table(arrays, chosen, seed, device, monitor)
    rows = arrays.take(rows_of_seen_clusters(model, arrays))
    settled = model.cluster_effects(
        rows.X, rows.y, clusters=clusters_of(rows), sample_weight=rows.weight
    )
    return Fitted(
        predictions,
        _tables(model, plain, settled, arrays, predictions, confidence, seed) | tables,
        _summary(model, settled, arrays, confidence),
        model.save,
        ask,
    )


def rows_of_seen_clusters(model: FairMEDL, arrays: Arrays) -> NDArray[np.int64]:
    """Positions of the rows of clusters with training rows, whatever split they are in.

    The fixed part has adapted to the training rows; all rows, from which nothing is predicted
    here, give more information on clusters, as in a mixed model of the whole table.
    """
    seen = np.isin(clusters_of(arrays), model.clusters_)
    return np.flatnonzero(seen & learnt_classes(arrays))


def _named_fit(
    task: str,
    arrays: Arrays,
    params: Mapping[str, Any],
    seed: int,
    device: str,
    monitor: Monitor,
) -> FairMEDL:
    monitor.start(task)
    model = fit_model(arrays, params, seed=seed, device=device, monitor=monitor)
    monitor.end()
    return model


def search_params(
    arrays: Arrays,
    params: Mapping[str, Any],
    trials: int,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Search:
    """The five weights by multi-objective search on validation rows; resumable.

    The study lies in the job's folder where the monitor has one, so that the same job started
    again finds its finished trials.
    """
    validation = arrays.part("validation")
    codes = [np.unique(g, return_inverse=True)[1] for g in validation.groups.values()]
    if not len(validation) or not codes:
        raise SpecError("the search needs validation rows and a sensitive attribute; name both")
    target = params.get("fairness_target", "equalized_odds")
    judged = ScoringRows(validation.y, np.column_stack(codes), arrays.task, target)
    scale = float(np.var(validation.y)) or 1.0
    single, budget = {**params, "performance_budget": None}, params.get("performance_budget")

    def objective(weights: Mapping[str, float]) -> tuple[float, float]:
        model = fit_model(arrays, {**single, **weights}, seed=seed, device=device, monitor=monitor)
        value = model.predict_mixed(validation.X, clusters=clusters_of(validation))
        score = judged.score(value, model.threshold_)
        error = score["mse"] / scale if "mse" in score else 1 - score["auroc"]
        return error, unfairness(score)

    start = {name: float(params.get(name, 1.0)) for name in WEIGHTS}
    return search_weights(
        objective,
        n_trials=trials,
        budget=0.01 if budget is None else budget,
        start=start,
        folder=getattr(monitor, "work_folder", None),
        seed=seed,
        monitor=monitor,
    )


def probe_table(
    arrays: Arrays, params: Mapping[str, Any], seed: int, device: str, monitor: Monitor
) -> pl.DataFrame:
    """Stress test: how high probes of the cluster's rate rank in Fair MEDL and in a plain net.

    Columns model, feature, importance, rank and features (how many were ranked).
    """
    train = arrays.split == SPLITS.index("train")
    probes = confounded_probes(arrays.y, clusters_of(arrays), train, random_state=seed)
    names = (*arrays.feature_names, *PROBES)
    with_probes = replace(arrays, X=np.column_stack([arrays.X, probes]), feature_names=names)
    tables = []
    for name, chosen in ((NAME, params), ("baseline", plain_params(params))):
        task = f"probes, {name}"
        model = _named_fit(task, with_probes, chosen, seed, device, monitor)
        tables.append(probe_ranks(_importance(name, model, with_probes)))
    return pl.concat(tables).with_columns(features=pl.lit(len(names)))


def check(arrays: Arrays, params: Mapping[str, Any]) -> None:
    """Refuse parameters and arrays that Fair MEDL cannot use, with the remedy."""
    known = set(inspect.signature(FairMEDL).parameters) - GIVEN
    known |= method(NAME).options
    unknown = sorted(set(params) - known)
    if unknown:
        raise SpecError(
            f"parameter '{unknown[0]}' is not one of Fair MEDL's; choose among "
            f"{', '.join(sorted(known))}"
        )
    if arrays.X.ndim != 2:
        raise SpecError("Fair MEDL reads tables, not images; choose FairSDE for images")
    require_features(arrays)
    if arrays.cluster is None:
        raise SpecError(
            "Fair MEDL needs a cluster column (site, school, occupation); name one under the "
            "roles, or choose another method"
        )


def plain_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The same net and budget without debiasing, random effects and adversaries."""
    off = {"debias": None, "performance_budget": None}
    return {**params, **off, "random_effects": False, "cluster_adversary": False}


def fit_model(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    seed: int,
    device: str,
    monitor: Monitor,
) -> FairMEDL:
    """Fit on the training rows; early stopping and the budget use the validation rows."""
    fixed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
    model = FairMEDL(task=arrays.task, random_state=seed, device=device, **fixed)
    numeric = params.get("debias") != "rates"  # rates are pulled in the bins that are judged
    train, validation = (rows_of(arrays.part(name), numeric) for name in ("train", "validation"))
    X, y, sensitive, clusters = train
    with warnings.catch_warnings():  # they travel in the summary, in the same words
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(
            X,
            y,
            sensitive_features=sensitive,
            clusters=clusters,
            sample_weight=arrays.part("train").weight,
            validation=validation if len(validation[1]) else None,
            monitor=monitor,
        )
    return model


def rows_of(arrays: Arrays, numeric: bool) -> tuple[Any, Any, pl.DataFrame | None, Any]:
    """X, y, sensitive attributes (numbers where declared numeric) and cluster names."""
    columns: dict[str, Any] = {name: labels.tolist() for name, labels in arrays.groups.items()}
    for j, name in enumerate(arrays.sensitive_names):
        if numeric and name in columns:
            columns[name] = arrays.sensitive[:, j]
    sensitive = pl.DataFrame(columns) if columns else None
    return arrays.X, arrays.y, sensitive, clusters_of(arrays)


def clusters_of(arrays: Arrays) -> NDArray[np.str_]:
    """Cluster names by row."""
    assert arrays.cluster is not None
    return np.array([*arrays.cluster_names, MISSING])[arrays.cluster]


def answer(model: FairMEDL, arrays: Arrays) -> Prediction:
    """The mixed prediction for every row."""
    return _prediction(model.predict_mixed(arrays.X, clusters=clusters_of(arrays)), arrays.task)


def fixed_answer(model: FairMEDL, arrays: Arrays) -> Prediction:
    """The fixed-effects prediction for every row."""
    return _prediction(model.predict_fixed(arrays.X), arrays.task)


def _prediction(value: NDArray[np.float64], task: str) -> Prediction:
    if task == "regression":
        return Prediction(value)
    label = (value >= CUT).astype(np.int64) if task == "binary" else value.argmax(1)
    return Prediction(label, value)


def _tables(
    model: FairMEDL,
    plain: FairMEDL,
    settled: ClusterEffects,
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    confidence: float,
    seed: int,
) -> dict[str, pl.DataFrame]:
    assert arrays.cluster is not None
    seen = seen_table(arrays.row_id, arrays.cluster, arrays.split == SPLITS.index("train"))
    tables = {
        "effects": _effects(model, settled, arrays, confidence),
        "variance": settled.variance,
        "importance": pl.concat(
            [_importance(NAME, model, arrays), _importance("baseline", plain, arrays)]
        ),
        "history": pl.concat([model.history_, _renamed(plain.history_)]),
        "clusters": _by_cluster(arrays, predictions, seen["seen"].to_numpy(), confidence, seed),
        "seen": seen,
    }
    if len(model.path_):
        tables["path"] = _path(model, arrays, confidence, seed)
    return tables


def _effects(
    model: FairMEDL, settled: ClusterEffects, arrays: Arrays, confidence: float
) -> pl.DataFrame:
    """Settled posteriors by cluster; `used` is the part of it that the debiased model predicts
    with."""
    rest = clusters_of(arrays)
    names, counts = np.unique(rest[rows_of_seen_clusters(model, arrays)], return_counts=True)
    others, other_counts = np.unique(rest[~np.isin(rest, names)], return_counts=True)
    places = {f"x{j}": feature for j, feature in enumerate(arrays.feature_names)}
    drawn = caterpillar(
        settled.effects.with_columns(pl.col("effect").replace(places)),
        dict(zip(names.tolist(), counts.tolist(), strict=True)),
        dict(zip(others.tolist(), other_counts.tolist(), strict=True)),
        settled.prior_sd,
        confidence,
    )
    used = model.random_effects_.with_columns(pl.col("effect").replace(places)).select(
        "cluster", "effect", used="mean"
    )
    return drawn.join(used, on=["cluster", "effect"], how="left", maintain_order="left")


def _importance(name: str, model: FairMEDL, arrays: Arrays) -> pl.DataFrame:
    places = {f"x{j}": feature for j, feature in enumerate(arrays.feature_names)}
    importance = model.fixed_effects_importance_.with_columns(pl.col("feature").replace(places))
    return importance.select(pl.lit(name).alias("model"), pl.all())


def _renamed(history: pl.DataFrame) -> pl.DataFrame:
    return history.with_columns(part=pl.lit("baseline, ") + pl.col("part"))


def _by_cluster(
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    seen: NDArray[np.bool_],
    confidence: float,
    seed: int,
) -> pl.DataFrame:
    rows = arrays.split == SPLITS.index("test")
    answers = {
        name: (p.label[rows], None if p.score is None else p.score[rows])
        for name, p in predictions.items()
    }
    clusters = clusters_of(arrays)[rows]
    options: dict[str, Any] = {"task": arrays.task, "confidence": confidence, "seed": seed}
    return by_cluster(arrays.y[rows], answers, clusters, seen[rows], **options)


def _path(model: FairMEDL, arrays: Arrays, confidence: float, seed: int) -> pl.DataFrame:
    test = arrays.part("test")
    if not len(test):
        return model.path_
    codes = [np.unique(g, return_inverse=True)[1] for g in test.groups.values()]
    groups = np.column_stack(codes)
    judged = ScoringRows(test.y, groups, arrays.task, model.fairness_target, test.cluster)
    answers = model.predict_path(test.X, clusters=clusters_of(test))
    lams, cuts = model.lams_, model.thresholds_
    chosen = int(np.argmax([lam == model.lam_ for lam in lams]))
    options: dict[str, Any] = {"chosen": chosen, "confidence": confidence, "seed": seed}
    test_path = path_table(lams, answers, cuts, judged, split="test", **options)
    return pl.concat([model.path_, test_path])


def _icc(
    settled: ClusterEffects, variances: Mapping[str, float], confidence: float
) -> dict[str, float | None]:
    """The clusters' share of the variance, with its interval where there is one."""
    if not variances:
        return {"icc": 0.0, "icc_low": None, "icc_high": None}
    limits = icc_interval(settled.effects, settled.prior_sd, variances["residual"], confidence)
    low, high = limits or (None, None)
    return {"icc": share_of_clusters(variances), "icc_low": low, "icc_high": high}


def _summary(
    model: FairMEDL, settled: ClusterEffects, arrays: Arrays, confidence: float
) -> dict[str, Any]:
    shares = settled.variance
    variances = dict(zip(shares["part"], shares["variance"], strict=True))
    clusters = clusters_of(arrays)
    known = np.isin(clusters, model.clusters_)
    return {
        "warnings": list(model.warnings_),
        **_icc(settled, variances, confidence),
        "clusters_seen": len(model.clusters_),
        "clusters_unseen": len(np.unique(clusters[~known])),
        "lambda": model.lam_,
        "performance_budget": model.performance_budget,
        "youden_threshold": model.threshold_,
        "debias": model.debias or "none",
        "unseen": model.unseen,
        "epochs": model.n_iter_,
    }
