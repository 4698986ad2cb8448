"""Baselines in an audit: fit on training rows, choose on validation rows, predict all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.fitted import Fitted, Prediction, RunOptions
from fairaudit.audit.notices import Notice, notice
from fairaudit.audit.tables.saliency import saliency_table
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError
from fairaudit.methods.baselines.boosting import PooledBoosting
from fairaudit.methods.baselines.group_networks import DecoupledHeads, GroupDRO
from fairaudit.methods.baselines.linear import PooledLinear
from fairaudit.methods.baselines.network import PooledNetwork
from fairaudit.methods.baselines.thresholds import GroupThresholds
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.row_access import ImageView
from fairaudit.methods.common.training_recipe import history_rows

HISTORY = pl.Schema(
    {"part": pl.String, "epoch": pl.Int64, "metric": pl.String, "value": pl.Float64}
)


def full_probabilities(
    proba: NDArray[np.float64], classes: NDArray[Any], n_classes: int
) -> NDArray[np.float64]:
    """Probabilities over all classes (n, C) from those of the classes seen in training."""
    full = np.zeros((len(proba), n_classes))
    full[:, classes.astype(np.int64)] = proba
    return full


def as_prediction(label: NDArray[Any], proba: NDArray[np.float64] | None) -> Prediction:
    """Labels and, for a classification, the score the audit expects."""
    if proba is None:
        return Prediction(np.asarray(label, dtype=np.float64))
    return Prediction(
        np.asarray(label, dtype=np.int64), proba[:, 1] if proba.shape[1] == 2 else proba
    )


def answers(model: Any, arrays: Arrays, X: NDArray[Any], **inputs: Any) -> Prediction:
    """A fitted estimator's answers for all rows."""
    label = model.predict(X, **inputs)
    if arrays.task == "regression":
        return as_prediction(label, None)
    proba = model.predict_proba(X, **inputs)
    n_classes = max(len(arrays.classes), 2)
    return as_prediction(label, full_probabilities(proba, model.classes_, n_classes))


def with_sensitive(arrays: Arrays) -> NDArray[Any]:
    """Features and the numeric design of the sensitive columns side by side (n, p + k)."""
    if arrays.X.ndim != 2:
        raise SpecError("images cannot be joined with sensitive columns; choose 'erm' instead")
    if arrays.sensitive.shape[1] == 0:
        raise SpecError("this method needs sensitive columns; name at least one in the roles")
    return np.column_stack([arrays.X, arrays.sensitive])


def group_columns(arrays: Arrays, attributes: Sequence[str] | None) -> NDArray[np.str_]:
    """Labels (n, k) of the attributes that form the groups; all declared ones if none are named.

    Raises
    ------
    SpecError
        When there are no sensitive columns or one is not declared.
    """
    if not arrays.groups:
        raise SpecError("this method needs sensitive columns; name at least one in the roles")
    names = tuple(attributes or arrays.groups)
    for name in names:
        if name not in arrays.groups:
            raise SpecError(
                f"column '{name}' is not declared sensitive; choose among "
                f"{', '.join(arrays.groups)}"
            )
    return np.column_stack([arrays.groups[name] for name in names])


def rows_in_place(arrays: Arrays) -> Any:
    """X, for images as a view that never copies more than a batch.

    Raises
    ------
    SpecError
        When a table has no features.
    """
    require_features(arrays)
    return ImageView(arrays.X) if arrays.X.ndim == 4 else arrays.X


def require_features(arrays: Arrays) -> None:
    """Refuse a table without features, from which nothing can be learnt.

    Raises
    ------
    SpecError
    """
    if arrays.X.ndim == 2 and arrays.X.shape[1] == 0:
        raise SpecError(
            "no column is a feature, so there is nothing to learn from; choose at least one on "
            "the Data page, or name it (features, --features)"
        )


def split_masks(arrays: Arrays) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of training and validation rows.

    Validation rows of a class without training rows are left out: no model can learn the class.
    """
    return arrays.split == 0, (arrays.split == 1) & ~arrays.unlearnable()


def learnt_classes(arrays: Arrays) -> NDArray[np.bool_]:
    """(n,) whether a row's class occurs among the training rows; all rows of a regression."""
    if arrays.task == "regression":
        return np.ones(len(arrays), dtype=bool)
    return np.isin(arrays.y, arrays.y[arrays.split == 0])


def weights(arrays: Arrays, rows: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Weights of some rows, or None."""
    return None if arrays.weight is None else arrays.weight[rows]


def network_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as estimators take them: lists from JSON become tuples, groups are left out."""
    own = {k: v for k, v in params.items() if k != "attributes"}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in own.items()}


def build(estimator: type, params: Mapping[str, Any], **fixed: Any) -> Any:
    """An estimator with its parameters.

    Raises
    ------
    SpecError
        When a parameter does not exist.
    """
    known = estimator._get_param_names()  # type: ignore[attr-defined]
    for name in params:
        if name not in known:
            raise SpecError(
                f"parameter '{name}' is not known to {estimator.__name__}; choose among "
                f"{', '.join(known)}"
            )
    return estimator(**{**network_params(params), **fixed})


Design = Callable[[Arrays], Any]


def _table_model(
    model: Any, arrays: Arrays, design: Design, name: str, monitor: Monitor, *, validates: bool
) -> Fitted:
    """Fit a pooled model of a table; validation rows choose its size if it `validates`."""
    train, validation = split_masks(arrays)
    X = design(arrays)
    later: dict[str, Any] = {}
    if validates and validation.any():
        rows = (X[validation], arrays.y[validation], None, None, weights(arrays, validation))
        later = {"validation": rows}
    weight = weights(arrays, train)
    model.fit(X[train], arrays.y[train], sample_weight=weight, monitor=monitor, **later)

    def answer(rows: Arrays) -> dict[str, Prediction]:
        return {name: answers(model, rows, design(rows))}

    rounds = {"rounds": model.n_iter_} if validates else {}
    summary = {"warnings": [], **rounds}
    return Fitted(answer(arrays), summary=summary, save=model.save, answer=answer)


def fit_linear(arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]) -> Fitted:
    """Pooled logistic or ridge regression without sensitive columns."""
    return _linear(arrays, rows_in_place, "linear", params, run)


def fit_linear_with_sensitive(
    arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]
) -> Fitted:
    """Pooled logistic or ridge regression that sees the sensitive columns."""
    return _linear(arrays, with_sensitive, "linear-s", params, run)


def _linear(
    arrays: Arrays, design: Design, name: str, params: Mapping[str, Any], run: RunOptions
) -> Fitted:
    model = build(PooledLinear, params, task=arrays.task)
    return _table_model(model, arrays, design, name, run["monitor"], validates=False)


def fit_boosting(arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]) -> Fitted:
    """Boosted trees without sensitive columns; validation rows choose the number of trees."""
    return _boosting(arrays, rows_in_place, "boosting", params, run)


def fit_boosting_with_sensitive(
    arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]
) -> Fitted:
    """Boosted trees that see the sensitive columns; validation rows choose their number."""
    return _boosting(arrays, with_sensitive, "boosting-s", params, run)


def _boosting(
    arrays: Arrays, design: Design, name: str, params: Mapping[str, Any], run: RunOptions
) -> Fitted:
    model = build(PooledBoosting, params, task=arrays.task, random_state=run["seed"])
    return _table_model(model, arrays, design, name, run["monitor"], validates=True)


def _network(
    model: Any,
    arrays: Arrays,
    design: Design,
    name: str,
    monitor: Monitor,
    grouping: Design | None = None,
) -> Fitted:
    train, validation = split_masks(arrays)
    X, groups = design(arrays), None if grouping is None else grouping(arrays)
    training_groups = {} if groups is None else {"sensitive_features": groups[train]}
    later = (
        (X[validation], arrays.y[validation])
        if groups is None
        else (X[validation], arrays.y[validation], groups[validation])
    )
    model.fit(
        X[train],
        arrays.y[train],
        sample_weight=weights(arrays, train),
        validation=later if validation.any() else None,
        monitor=monitor,
        **training_groups,
    )

    def answer(rows: Arrays) -> dict[str, Prediction]:
        known = {} if grouping is None else {"sensitive_features": grouping(rows)}
        return {name: answers(model, rows, design(rows), **known)}

    return Fitted(
        answer(arrays),
        {"history": pl.DataFrame(history_rows(model.fit_, name), schema=HISTORY)},
        {"warnings": model.groups_.notes(), "epochs": len(model.fit_.history)},
        model.save,
        answer,
    )


def fit_erm(arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]) -> Fitted:
    """One network for all rows without sensitive columns."""
    model = _built_network(PooledNetwork, arrays, params, run)
    fitted = _network(model, arrays, rows_in_place, "erm", run["monitor"])
    if arrays.X.ndim != 4 or arrays.task == "regression":
        return fitted
    label = fitted.predictions["erm"].label

    def explain(rows: NDArray[np.intp]) -> dict[str, NDArray[np.uint8]]:
        return {"erm": model.salient_parts(rows_in_place(arrays)[rows], label[rows])}

    parts = saliency_table(arrays, fitted.predictions, explain)
    return replace(fitted, tables={**fitted.tables, "saliency": parts})


def fit_erm_with_sensitive(
    arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]
) -> Fitted:
    """One network for all rows that sees the sensitive columns."""
    model = _built_network(PooledNetwork, arrays, params, run)
    return _network(model, arrays, with_sensitive, "erm-s", run["monitor"])


def fit_group_dro(arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]) -> Fitted:
    """One network trained for its worst group."""
    model = _built_network(GroupDRO, arrays, _own(params), run)
    grouping = _grouping(params)
    return _network(model, arrays, rows_in_place, "group-dro", run["monitor"], grouping)


def fit_decoupled(arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]) -> Fitted:
    """A shared network with one head per group."""
    model = _built_network(DecoupledHeads, arrays, _own(params), run)
    grouping = _grouping(params)
    return _network(model, arrays, rows_in_place, "decoupled", run["monitor"], grouping)


def _built_network(
    estimator: type, arrays: Arrays, params: Mapping[str, Any], run: RunOptions
) -> Any:
    fixed = {"task": arrays.task, "device": run["device"], "random_state": run["seed"]}
    return build(estimator, params, **fixed)


def _grouping(params: Mapping[str, Any]) -> Design:
    return lambda rows: group_columns(rows, params.get("attributes"))


def _own(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the estimator, without the attributes that form its groups."""
    return {k: v for k, v in params.items() if k != "attributes"}


def fit_threshold(arrays: Arrays, params: Mapping[str, Any], **run: Unpack[RunOptions]) -> Fitted:
    """The pooled logistic regression with thresholds by group, tuned on validation rows."""
    if arrays.task != "binary":
        raise SpecError("method 'threshold' needs a binary target; choose another method")
    require_features(arrays)
    grouping = _grouping(params)
    groups = grouping(arrays)
    model = build(GroupThresholds, _own(params), random_state=run["seed"])
    train, validation = split_masks(arrays)
    later = (
        (arrays.X[validation], arrays.y[validation], groups[validation])
        if validation.any()
        else None
    )
    model.fit(
        arrays.X[train],
        arrays.y[train],
        sensitive_features=groups[train],
        sample_weight=weights(arrays, train),
        validation=later,
        monitor=run["monitor"],
    )
    untuned = [g for g, ok in zip(model.groups_.names, model.thresholded_, strict=True) if not ok]
    notes: list[Notice | str] = [*model.groups_.notes()]
    if untuned:
        notes.append(notice("thresholds_not_tuned", groups=untuned))

    def answer(rows: Arrays) -> dict[str, Prediction]:
        return {"threshold": answers(model, rows, rows.X, sensitive_features=grouping(rows))}

    predictions = answer(arrays)
    if validation.any():
        label = _labels_apart(
            model, arrays, groups, validation, predictions["threshold"].label, run["seed"]
        )
        predictions = {"threshold": replace(predictions["threshold"], label=label)}
        notes.append(notice("thresholds_of_other_half"))
    return Fitted(predictions, summary={"warnings": notes}, save=model.save, answer=answer)


def _labels_apart(
    model: GroupThresholds,
    arrays: Arrays,
    groups: NDArray[np.str_],
    validation: NDArray[np.bool_],
    label: NDArray[Any],
    seed: int,
) -> NDArray[Any]:
    """The labels (n,), where no validation row takes part in choosing its own threshold.

    The thresholds of each half of the validation rows (or of their clusters) label the other
    half; those of all validation rows label the rest.
    """
    unit = np.arange(len(validation)) if arrays.cluster is None else arrays.cluster
    units = np.unique(unit[validation])
    first = np.random.default_rng(seed).permutation(units)[: len(units) // 2]
    in_first_half = np.isin(unit, first)
    label = label.copy()
    for choosing, judged in (
        (validation & in_first_half, validation & ~in_first_half),
        (validation & ~in_first_half, validation & in_first_half),
    ):
        if choosing.any() and judged.any():
            half = model.with_thresholds_of(
                arrays.X[choosing], arrays.y[choosing], groups[choosing]
            )
            label[judged] = half.predict(arrays.X[judged], groups[judged])
    return label
