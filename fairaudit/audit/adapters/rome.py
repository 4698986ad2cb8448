"""ROME in an audit: fit on training rows, describe the latent groups, predict all rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fairaudit.audit.adapters.baselines import (
    HISTORY,
    answers,
    build,
    learnt_classes,
    require_features,
    split_masks,
    weights,
)
from fairaudit.audit.adapters.rome_tables import (
    described_groups,
    group_overlap,
    latent_table,
    profile,
)
from fairaudit.audit.catalog import method
from fairaudit.audit.fitted import Fitted, Prediction
from fairaudit.audit.latent.whole_sweep import completed, stored_draws, stored_rows
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError
from fairaudit.inputs.read import read_columns
from fairaudit.methods.baselines.linear import PooledLinear
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.rome.combine import TINY
from fairaudit.methods.rome.em import RomeEM
from fairaudit.methods.rome.isolated import isolated_text
from fairaudit.methods.rome.judgement import Judged, RawRows, gain_p
from fairaudit.methods.rome.moe import RomeMoE
from fairaudit.methods.rome.sweep import Sweep, sweep_groups

BLENDS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


def fit_rome_em(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """ROME with linear experts beside one pooled linear model on the same features."""
    _check_table(arrays)
    train, _ = split_masks(arrays)
    model = _unfitted(arrays, params, seed, device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # carried on in the summary
        model.fit(
            arrays.X[train],
            arrays.y[train],
            sensitive_features=arrays.sensitive[train],
            clusters=None if arrays.cluster is None else arrays.cluster[train],
            sample_weight=weights(arrays, train),
            validation=_validation(arrays),
            monitor=monitor,
        )
    answer = _beside_pooled("rome-em", model, arrays, monitor)
    evidence: dict[str, Any] = {}
    if model.n_groups_ > 1:
        evaluated = train | ((arrays.split == 2) & learnt_classes(arrays))
        common, null = (
            _one_model(arrays, params, rows, seed, device) for rows in (train, evaluated)
        )
        evidence = {"latent_p": _evidence(model, common, null, arrays, seed)}
    return Fitted(
        answer(arrays),
        em_tables(model, arrays, confidence),
        {**em_summary(model, arrays), **evidence},
        model.save,
        answer,
    )


def _one_model(
    arrays: Arrays, params: Mapping[str, Any], rows: NDArray[np.bool_], seed: int, device: str
) -> RomeEM:
    """The single common model of some rows."""
    model = _unfitted(arrays, {**params, "n_groups": 1}, seed, device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # raised by the model with groups
        model.fit(
            arrays.X[rows],
            arrays.y[rows],
            sensitive_features=arrays.sensitive[rows],
            sample_weight=weights(arrays, rows),
        )
    return model


def _validation(arrays: Arrays) -> tuple[Any, ...] | None:
    """Validation rows as RomeEM takes them, or None."""
    _, validation = split_masks(arrays)
    if not validation.any():
        return None
    cluster = None if arrays.cluster is None else arrays.cluster[validation]
    rows = (arrays.X[validation], arrays.y[validation], arrays.sensitive[validation])
    return (*rows, cluster, weights(arrays, validation))


def _evidence(
    model: Judged, common: Judged, null: Judged, arrays: Arrays, seed: int
) -> float | None:
    """Whether groups predict test rows better than one common model: p, None if not judged."""
    rows = np.flatnonzero((arrays.split == 2) & learnt_classes(arrays))
    if arrays.cluster is not None:  # rows of training clusters do not inform on other clusters
        rows = rows[~np.isin(arrays.cluster[rows], arrays.cluster[arrays.split == 0])]
    if len(rows) < 2:
        return None
    return gain_p(model, common, null, _raw_rows(arrays).take(rows), seed)


def _raw_rows(arrays: Arrays) -> RawRows:
    """The rows of an audit as a sweep takes them."""
    weight = np.ones(len(arrays)) if arrays.weight is None else arrays.weight
    sensitive = read_columns(arrays.sensitive, "sensitive_features")
    return RawRows(arrays.X, arrays.y, sensitive, weight, arrays.cluster)


def _check_table(arrays: Arrays) -> None:
    if arrays.X.ndim != 2:
        raise SpecError("ROME needs a table; for images choose 'fair-sde' or 'erm'")
    require_features(arrays)
    if not arrays.groups:
        raise SpecError("ROME needs sensitive columns; name at least one in the roles")


def _task(arrays: Arrays) -> str:
    return "regression" if arrays.task == "regression" else "classification"


def _unfitted(arrays: Arrays, params: Mapping[str, Any], seed: int, device: str) -> RomeEM:
    settings = dict(method("rome-em").settings(params))
    settings["weight_type"] = settings.pop("weights", "sampling")
    model: RomeEM = build(RomeEM, settings, task=_task(arrays), device=device, random_state=seed)
    return model


def _answers(model: Any, arrays: Arrays) -> Prediction:
    return answers(model, arrays, arrays.X, sensitive_features=arrays.sensitive)


def _beside_pooled(
    name: str, model: RomeEM | RomeMoE, arrays: Arrays, monitor: Monitor
) -> Callable[[Arrays], dict[str, Prediction]]:
    """Asks the model and one linear model for all rows, fitted on the same training rows."""
    train, _ = split_masks(arrays)
    pooled = PooledLinear(task=arrays.task)
    pooled.fit(
        arrays.X[train], arrays.y[train], sample_weight=weights(arrays, train), monitor=monitor
    )
    return lambda rows: {name: _answers(model, rows), "baseline": answers(pooled, rows, rows.X)}


def fit_rome_sweep(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """Every number of groups at once: sweep, lineage, and the groups of each number.

    `params["n_groups"]` is a list of numbers (default 1 to 8), `params["n_bootstrap"]` the refits
    behind stability (default 20), the rest are parameters of ROME with linear experts.
    Validation rows choose the number, test rows measure it.
    """
    _check_table(arrays)
    rest = dict(params)
    sizes = rest.pop("n_groups", None) or list(range(1, 9))
    n_bootstrap = int(rest.pop("n_bootstrap", 20))
    model = _unfitted(arrays, rest, seed, device)
    _, validation = split_masks(arrays)
    judging = np.flatnonzero(arrays.split == 2)
    choosing = np.flatnonzero(validation) if validation.any() else judging
    sweep = sweep_groups(
        model,
        arrays.X,
        arrays.y,
        sensitive_features=arrays.sensitive,
        sample_weight=arrays.weight,
        clusters=arrays.cluster,
        confidence=confidence,
        n_groups=sizes,
        n_bootstrap=n_bootstrap,
        held_out=(choosing, judging),
        monitor=monitor,
    )
    best = sweep.models[sweep.chosen]
    answer = _beside_pooled("rome-em", best, arrays, monitor)
    rows = {"test": (judging, sweep.judged.evaluation)}
    if validation.any():
        rows["validation"] = (choosing, sweep.judged.choosing)
    tables = {
        "sweep": sweep.table,
        "lineage": sweep.lineage,
        "sweep_rows": stored_rows(rows, arrays),
        "latent_null": stored_draws(sweep.judged),
        **_all_groups(sweep, arrays, confidence),
    }
    return Fitted(
        answer(arrays),
        completed(tables, confidence),
        _sweep_summary(sweep, arrays),
        best.save,
        answer,
    )


def fit_rome_moe(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """ROME with neural experts beside one pooled linear model; validation rows pick the epoch."""
    _check_table(arrays)
    model = build(RomeMoE, params, task=_task(arrays), device=device, random_state=seed)
    train, _ = split_masks(arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # carried on in the summary
        model.fit(
            arrays.X[train],
            arrays.y[train],
            sensitive_features=arrays.sensitive[train],
            sample_weight=weights(arrays, train),
            validation=_validation(arrays),
            monitor=monitor,
        )
    answer = _beside_pooled("rome-moe", model, arrays, monitor)
    return Fitted(
        answer(arrays),
        {**_group_tables(model, arrays, confidence), "history": _epochs(model)},
        _moe_summary(model),
        model.save,
        answer,
    )


def _epochs(model: RomeMoE) -> pl.DataFrame:
    rows = [
        {"part": "mixture of experts", "epoch": epoch, "metric": name, "value": value}
        for epoch, means in enumerate(model.history_)
        for name, value in means.items()
    ]
    return pl.DataFrame(rows, schema=HISTORY)


def _moe_summary(model: RomeMoE) -> dict[str, Any]:
    return {
        "n_groups": int(model.n_groups),
        "n_members": int(model.n_members),
        "alpha": float(model.alpha),
        "dro": model.dro,
        "gate_inputs": model.gate_inputs,
        "group_shares": [float(v) for v in model.group_weights_],
        "experts_see_sensitive": bool(model.outcome_sensitive),
        "warnings": list(model.warnings_),
    }


def _all_groups(
    sweep: Sweep[RomeEM], arrays: Arrays, confidence: float
) -> dict[str, pl.DataFrame]:
    """The tables about groups of every number, one below the other, with `n_groups`."""
    each = [
        {
            name: table.with_columns(pl.lit(g, pl.Int64).alias("n_groups"))
            for name, table in _group_tables(model, arrays, confidence).items()
        }
        for g, model in sweep.models.items()
    ]
    return {name: pl.concat([t[name] for t in each], how="diagonal") for name in each[0]}


def _sweep_summary(sweep: Sweep[RomeEM], arrays: Arrays) -> dict[str, Any]:
    each = {g: _own_warnings(model) for g, model in sweep.models.items()}
    chosen = sweep.models[sweep.chosen]
    notes = [
        *_isolated_warnings(chosen, arrays),
        *(f"with {g} groups: {text}" for g, texts in each.items() for text in texts),
    ]
    return {
        **em_summary(chosen, arrays),
        "chosen_by": "held-out likelihood, smallest number within one standard error of the best",
        "warnings": notes,
    }


def em_tables(model: RomeEM, arrays: Arrays, confidence: float) -> dict[str, pl.DataFrame]:
    """Latent groups, who they are, how EM went, and average against worst group."""
    return {
        **_group_tables(model, arrays, confidence),
        "history": _history(model),
        "path": _path(model, arrays),
    }


def _group_tables(
    model: RomeEM | RomeMoE, arrays: Arrays, confidence: float
) -> dict[str, pl.DataFrame]:
    prior = model.predict_membership(arrays.sensitive, arrays.X)
    known = learnt_classes(arrays)
    rows = (arrays.X[known], arrays.y[known], arrays.sensitive[known])
    # a class that training never saw tells nothing of the group, and had no probability at all
    resp, loss = prior.copy(), np.full(len(arrays), -np.log(TINY))
    resp[known], loss[known] = model.responsibilities(*rows), model.losses(*rows)
    return {
        "latent": latent_table(arrays, prior, resp),
        "groups": described_groups(arrays, prior, loss, confidence),
        "group_profile": profile(arrays, prior),
        "overlap": group_overlap(arrays, prior),
    }


def _history(model: RomeEM) -> pl.DataFrame:
    count = len(model.lower_bounds_)
    return pl.DataFrame(
        {
            "part": ["expectation-maximisation"] * count,
            "epoch": np.arange(count),
            "metric": ["lower_bound"] * count,
            "value": model.lower_bounds_,
        },
        schema=HISTORY,
    )


def _path(model: RomeEM, arrays: Arrays) -> pl.DataFrame:
    """Loss of worst group and average, from blend 0 (worst) to 1 (average), on validation rows."""
    rows = arrays.part("validation")
    if not len(rows):
        rows = arrays.part("train")
    front = model.tradeoff(rows.X, rows.y, rows.sensitive, BLENDS)
    return (
        front.select(pl.col("blend").alias("lam"), "average", "worst")
        .unpivot(index="lam", variable_name="metric", value_name="value")
        .select(
            "lam",
            pl.lit("validation").alias("split"),
            "metric",
            "value",
            pl.lit(None, pl.Float64).alias("low"),
            pl.lit(None, pl.Float64).alias("high"),
            (pl.col("lam") == 0.0).alias("chosen"),
        )
    )


def em_summary(model: RomeEM, arrays: Arrays) -> dict[str, Any]:
    """Headline facts in JSON values."""
    picked = {"combination": model.combination_facts_} if model.combine == "auto" else {}
    return {
        **picked,
        "n_groups": int(model.n_groups_),
        "combine": model.combine,
        "loss": model.loss_name,
        "log_likelihood": float(model.log_likelihood_),
        "bic": float(model.bic_),
        "icl": float(model.icl_),
        "n_parameters": int(model.n_parameters_),
        "iterations": int(model.n_iter_),
        "converged": bool(model.converged_),
        "group_shares": [float(v) for v in model.group_weights_],
        "tilt": [float(v) for v in model.tilt_],
        "maximin_weights": [float(v) for v in model.maximin_weights_],
        "experts_see_sensitive": bool(model.outcome_sensitive),
        "isolated_rows": [int(row) for row in _isolated_ids(model, arrays)],
        "warnings": [*_isolated_warnings(model, arrays), *_own_warnings(model)],
    }


def _isolated_ids(model: RomeEM, arrays: Arrays) -> NDArray[np.int64]:
    """Row ids of the table's rows that the fit left out as isolated."""
    return np.asarray(arrays.row_id[arrays.split == 0][model.isolated_rows_], dtype=np.int64)


def _isolated_warnings(model: RomeEM, arrays: Arrays) -> list[str]:
    """Warnings about isolated rows, which name their ids in the table."""
    ids = _isolated_ids(model, arrays)
    return [isolated_text(ids)] if len(ids) else []


def _own_warnings(model: RomeEM) -> list[str]:
    """Warnings of the model, without the one that counts rows within the training rows."""
    return [text for text in model.warnings_ if text != isolated_text(model.isolated_rows_)]
