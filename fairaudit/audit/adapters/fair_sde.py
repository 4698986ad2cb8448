"""FairSDE in an audit: predictions of all models, the choice and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.adapters.baselines import (
    HISTORY,
    as_prediction,
    build,
    full_probabilities,
    group_columns,
    rows_in_place,
    split_masks,
    weights,
)
from fairaudit.audit.fitted import Fitted, Prediction
from fairaudit.audit.no_harm.decision import certificates, decide
from fairaudit.audit.notices import Notice, notice
from fairaudit.audit.stress.fair_sde import group_errors, stress_tests
from fairaudit.audit.tables.row_tables import people_table, predictions_table
from fairaudit.audit.tables.saliency import saliency_table
from fairaudit.audit.tables.stored_pairs import UNKNOWN_GROUP
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.methods.common.groups import UNKNOWN
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.fair_sde.estimator import FairSDE
from fairaudit.methods.fair_sde.predict import RowAnswers
from fairaudit.stats import intervals
from fairaudit.stats.paired_differences import WEIGHTED

GUESSED = "fair-sde, group guessed"


def fit_fair_sde(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """Train on training rows, choose on validation rows, answer for all rows.

    The models are "fair-sde" (the chosen model of each row's group), "expert", "baseline" and,
    with more than one group, the chosen model of the group that the discriminator guesses.
    Validation rows carry the answers the choice was made with.
    """
    return _audited(arrays, params, confidence, seed, device, monitor)[0]


def _audited(
    arrays: Arrays,
    params: Mapping[str, Any],
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> tuple[Fitted, FairSDE]:
    columns = group_columns(arrays, params.get("attributes"))
    model = _fitted(arrays, columns, params, seed, device, monitor)
    rows = model.groups_.codes(columns, len(arrays))
    predictions = _predictions(model, arrays, rows)
    tables = _tables(model, arrays, rows, predictions, confidence)
    tables |= _saliency(model, arrays, rows, predictions)
    notes = [*model.groups_.notes(), *_strangers(rows)]
    notes += _unweighted(arrays, model)
    summary = {
        "warnings": notes,
        "groups": list(model.groups_.names),
        "certificates": certificates(tables),
        "choice": tables["selection_gaps"].to_dicts(),
        "guessed_groups": _cost_of_guessing(predictions, arrays, tables, confidence),
    }

    def answer(others: Arrays) -> dict[str, Prediction]:
        labels = group_columns(others, params.get("attributes"))
        predicted = model.answer_rows(
            rows_in_place(others), model.groups_.codes(labels, len(others))
        )
        return _predictions_by_name(predicted, model, others)

    return Fitted(predictions, tables, summary, model.save, answer), model


def _saliency(
    model: FairSDE,
    arrays: Arrays,
    groups: NDArray[np.int64],
    predictions: Mapping[str, Prediction],
) -> dict[str, pl.DataFrame]:
    """The parts of images that speak for each model's answer; nothing for a table."""
    if arrays.X.ndim != 4 or arrays.task == "regression":
        return {}
    names = {"fair-sde": "selected", "expert": "expert", "baseline": "baseline"}

    def explain(rows: NDArray[np.intp]) -> dict[str, NDArray[np.uint8]]:
        classes = {name: predictions[name].label[rows] for name in ("expert", "baseline")}
        parts = model.salient_parts(rows_in_place(arrays)[rows], groups[rows], classes)
        return {name: parts[key] for name, key in names.items()}

    shown = {name: predictions[name] for name in names}
    return {"saliency": saliency_table(arrays, shown, explain)}


def _strangers(groups: NDArray[np.int64]) -> list[Notice]:
    many = int((groups == UNKNOWN).sum())
    if not many:
        return []
    return [notice("groups_without_training_rows", rows=many)]


def _unweighted(arrays: Arrays, model: FairSDE) -> list[Notice]:
    if arrays.weight is None or model.metric in WEIGHTED:
        return []
    return [notice("weights_not_in_choice", metric=model.metric)]


def stress_fair_sde(
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """FairSDE with its stress tests beside the usual tables."""
    run: dict[str, Any] = {
        "confidence": confidence,
        "seed": seed,
        "device": device,
        "monitor": monitor,
    }
    monitor.start("FairSDE under stress", 2)
    full, model = _audited(arrays, params, **run)
    monitor.step()
    stress = stress_tests(fit_fair_sde, full, arrays, params, no_harm=model.confidence, **run)
    monitor.step()
    monitor.end()
    return replace(
        stress,
        tables={
            **stress.tables,
            "stress_groups": _group_errors(model, arrays, params, confidence),
        },
    )


def _group_errors(
    model: FairSDE, arrays: Arrays, params: Mapping[str, Any], confidence: float
) -> pl.DataFrame:
    """Gains over the baseline of the model that answers for each group, on test rows."""
    test = arrays.split == SPLITS.index("test")
    X, y = rows_in_place(arrays)[test], arrays.y[test]
    own = model.groups_.codes(group_columns(arrays, params.get("attributes"))[test], len(y))

    def worth(label: NDArray[Any]) -> NDArray[np.float64]:
        if arrays.task == "regression":
            return np.asarray(-((label - y[:, None]) ** 2), dtype=np.float64)
        return np.asarray(label == y[:, None], dtype=np.float64)

    gains = worth(model.predict_experts(X)) - worth(model.predict_baseline(X)[:, None])
    names = list(model.groups_.names)
    place = {name: i for i, name in enumerate(names)}
    guessed = np.array([place[name] for name in model.predict_group(X)], dtype=np.int64)
    errors = group_errors(
        gains * model.use_expert_,
        own,
        guessed,
        names,
        weight=weights(arrays, test),
        cluster=None if arrays.cluster is None else arrays.cluster[test],
        confidence=confidence,
    )
    return errors.with_columns(
        metric=pl.lit("neg_mse" if arrays.task == "regression" else "accuracy")
    )


def _fitted(
    arrays: Arrays,
    columns: NDArray[np.str_],
    params: Mapping[str, Any],
    seed: int,
    device: str,
    monitor: Monitor,
) -> FairSDE:
    train, validation = split_masks(arrays)
    rest = {k: v for k, v in params.items() if k != "attributes"}
    if arrays.task == "regression":
        rest["metric"] = "neg_mse"
    fixed = {"task": arrays.task, "device": device, "random_state": seed}
    model: FairSDE = build(FairSDE, rest, **fixed)
    apart = None if arrays.cluster is None else arrays.cluster[validation]
    X = rows_in_place(arrays)
    return model.fit(
        X[train],
        arrays.y[train],
        sensitive_features=columns[train],
        sample_weight=weights(arrays, train),
        validation=(
            X[validation],
            arrays.y[validation],
            columns[validation],
            apart,
            weights(arrays, validation),
        ),
        monitor=monitor,
    )


def _predictions(
    model: FairSDE, arrays: Arrays, groups: NDArray[np.int64]
) -> dict[str, Prediction]:
    """Answers of all models for all rows; validation rows as they entered the choice."""
    answers = model.answer_rows(rows_in_place(arrays), groups)
    _, validation = split_masks(arrays)
    for name in ("expert", "baseline"):
        answers[name] = _put(answers[name], validation, model.validation_answers_[name])
    known = groups != UNKNOWN
    answers["expert"] = answers["expert"].where(known, answers["baseline"])
    chosen = known & model.use_expert_[groups]
    answers["selected"] = answers["expert"].where(chosen, answers["baseline"])
    return _predictions_by_name(answers, model, arrays)


def _predictions_by_name(
    answers: Mapping[str, RowAnswers], model: FairSDE, arrays: Arrays
) -> dict[str, Prediction]:
    names = {"fair-sde": "selected", "expert": "expert", "baseline": "baseline"}
    if len(model.groups_.names) > 1:
        names[GUESSED] = "guessed"
    return {name: _as_prediction(answers[key], model, arrays) for name, key in names.items()}


def _put(answers: RowAnswers, validation: NDArray[np.bool_], other: RowAnswers) -> RowAnswers:
    """Answers with those of the validation rows replaced."""
    label = answers.label.copy()
    label[validation] = other.label
    if answers.proba is None or other.proba is None:
        return RowAnswers(label, None)
    proba = answers.proba.copy()
    proba[validation] = other.proba
    return RowAnswers(label, proba)


def _as_prediction(answers: RowAnswers, model: FairSDE, arrays: Arrays) -> Prediction:
    if answers.proba is None:
        return as_prediction(answers.label, None)
    n_classes = max(len(arrays.classes), 2)
    proba = full_probabilities(answers.proba, model.classes_, n_classes)
    return as_prediction(model.classes_[answers.label], proba)


def _tables(
    model: FairSDE,
    arrays: Arrays,
    groups: NDArray[np.int64],
    predictions: Mapping[str, Prediction],
    confidence: float,
) -> dict[str, pl.DataFrame]:
    names = np.array([UNKNOWN_GROUP if g == UNKNOWN else model.groups_.names[g] for g in groups])
    selection_rows = pl.DataFrame(
        {
            "row": arrays.row_id,
            "split": np.array(SPLITS)[arrays.split],
            "group": names,
            "guessed": model.predict_group(rows_in_place(arrays)),
        }
    )
    if arrays.weight is not None:
        selection_rows = selection_rows.with_columns(weight=pl.Series(arrays.weight))
    pair = {name: predictions[name] for name in ("expert", "baseline")}
    stored = {
        "predictions": predictions_table(arrays, pair),
        "people": people_table(arrays),
        "selection_rows": selection_rows,
    }
    decided = decide(
        stored,
        objective=model.objective,
        no_harm=model.confidence,
        tolerance=model.tolerance,
        metric=model.metric,
        confidence=confidence,
    )
    history = pl.DataFrame(model.history_, schema=HISTORY)
    return {**decided, "selection_rows": selection_rows, "history": history}


def _cost_of_guessing(
    predictions: Mapping[str, Prediction],
    arrays: Arrays,
    tables: Mapping[str, pl.DataFrame],
    confidence: float,
) -> dict[str, Any]:
    """How often the discriminator is right on test rows, and what relying on it costs."""
    test = arrays.split == SPLITS.index("test")
    if GUESSED not in predictions or not test.any():
        return {}
    rows = tables["selection_rows"].filter(split="test")
    hit = (rows["group"] == rows["guessed"]).to_numpy().astype(np.float64)
    unit = None if arrays.cluster is None else arrays.cluster[test]
    right, *limits = intervals.mean_of_rows(hit, None, unit, confidence=confidence, share=True)
    low, high = (float(end) if np.isfinite(end) else None for end in limits)
    known, guessed = (
        _performance(predictions[name], arrays, test) for name in ("fair-sde", GUESSED)
    )
    shares = {"right": right, "right_low": low, "right_high": high}
    return {**shares, "performance_known": known, "performance_guessed": guessed}


def _performance(prediction: Prediction, arrays: Arrays, rows: NDArray[np.bool_]) -> float:
    """Accuracy, or minus the mean squared error."""
    label, y = prediction.label[rows], arrays.y[rows]
    if arrays.task == "regression":
        return -float(np.mean((label - y) ** 2))
    return float(np.mean(label == y))
