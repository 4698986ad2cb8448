"""A fitted RomeEM as JSON values and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.rome.design import SensitivePart

M = TypeVar("M", bound=Any)
LATER = ("combination_", "combination_facts_")  # models saved earlier lack them

ARRAYS = (
    "coef_",
    "intercept_",
    "noise_",
    "gate_coef_",
    "gate_intercept_",
    "group_weights_",
    "tilt_",
    "maximin_weights_",
    "pooled_coef_",
    "pooled_intercept_",
    "combination_tilt_",
    "isolated_rows_",
    "lower_bounds_",
)
VALUES = (
    "task_",
    "n_groups_",
    "n_iter_",
    "n_features_in_",
    "converged_",
    "log_likelihood_",
    "bic_",
    "icl_",
    "n_parameters_",
    "robust_",
    "pooled_loss_",
    "warnings_",
    "choice_",
    *LATER,
)


def state(model: Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """JSON values and arrays of a fitted model."""
    params = {k: plain(v) for k, v in model.get_params(deep=False).items()}
    meta: dict[str, Any] = {
        "params": params,
        "gate": model._gate_part.state(),
        "outcome": model._outcome_part.state(),
        "sensitive_names_in_": list(model.sensitive_names_in_),
        "gate_features_": list(model.gate_features_),
        **{name: plain(getattr(model, name)) for name in VALUES if hasattr(model, name)},
        "heldout_": [[g, float(v)] for g, v in model.heldout_.items()],
    }
    if hasattr(model, "feature_names_in_"):
        meta["feature_names_in_"] = [str(v) for v in model.feature_names_in_]
    arrays = {name: getattr(model, name) for name in ARRAYS if hasattr(model, name)}
    if hasattr(model, "classes_"):
        meta["classes_"] = model.classes_.tolist()
        meta["classes_kind"] = model.classes_.dtype.str
    return meta, arrays


def restore(model: M, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> M:
    """Set on `model` the attributes stored by `state`."""
    for name in VALUES:
        if name not in LATER or name in meta:
            setattr(model, name, meta[name])
    model.heldout_ = {int(g): v for g, v in meta["heldout_"]}
    for name, value in arrays.items():
        setattr(model, name, value)
    model._gate_part = SensitivePart.restore(meta["gate"])
    model._outcome_part = SensitivePart.restore(meta["outcome"])
    model.sensitive_names_in_ = tuple(meta["sensitive_names_in_"])
    model.gate_features_ = tuple(meta["gate_features_"])
    if "classes_" in meta:
        kind = meta["classes_kind"]
        model.classes_ = np.array(meta["classes_"], dtype=object if "O" in kind else kind)
    if "feature_names_in_" in meta:
        model.feature_names_in_ = np.array(meta["feature_names_in_"], dtype=object)
    return model


def plain(value: Any) -> Any:
    """JSON values from numpy scalars and arrays, tuples and generators of random numbers."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, np.random.RandomState):
        return None  # a generator's state is no parameter; the fit is done
    if isinstance(value, tuple | list | range):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value
