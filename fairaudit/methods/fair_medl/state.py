"""Stored form of Fair MEDL: JSON values and arrays, to and from learnt attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.fair_medl import tables
from fairaudit.methods.fair_medl.inputs import FeatureScale, attribute_from, attribute_meta
from fairaudit.methods.fair_medl.weights import from_arrays, to_arrays


def stored_form(
    params: Mapping[str, Any], learnt: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """JSON values and arrays from constructor parameters and learnt attributes, by name."""
    chosen = learnt["_chosen"]
    weights, arrays = to_arrays(learnt["_stack"][chosen])
    arrays |= {"scale_mean": learnt["_scale"].mean, "scale_sd": learnt["_scale"].sd}
    meta = {
        "params": {k: _plain(v) for k, v in params.items()},
        "weights": weights,
        "clusters": learnt["clusters_"].tolist(),
        "attributes": [attribute_meta(a) for a in learnt["_attributes"]],
        "classes": learnt.get("classes_", np.zeros(0)).tolist(),
        "y": [learnt["_y_mean"], learnt["_y_scale"]],
        "features": list(learnt.get("feature_names_in_", ())),
        "n_features": learnt["n_features_in_"],
        "threshold": learnt["thresholds_"][chosen],
        "lam": learnt["lams_"][chosen],
        "seed": learnt["_seed"],
        "warnings": learnt["warnings_"],
        "n_iter": learnt["n_iter_"],
    }
    return meta, arrays


def _plain(value: Any) -> Any:
    if isinstance(value, np.random.RandomState):
        return None
    if isinstance(value, list | tuple | range | np.ndarray):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def params_from(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor arguments from their JSON form."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in meta.items()}


def learnt_attributes(
    meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """The learnt attributes behind a stored form, by name."""
    weights = from_arrays(meta["weights"], arrays)
    learnt = {
        "_scale": FeatureScale(arrays["scale_mean"], arrays["scale_sd"]),
        "_attributes": tuple(attribute_from(a) for a in meta["attributes"]),
        "_stack": (weights,),
        "_chosen": 0,
        "_kind": weights.task,
        "clusters_": np.array(meta["clusters"], dtype=np.str_),
        "_y_mean": meta["y"][0],
        "_y_scale": meta["y"][1],
        "n_features_in_": meta["n_features"],
        "_seed": meta["seed"],
        "n_iter_": meta["n_iter"],
        "lams_": (meta["lam"],),
        "thresholds_": (meta["threshold"],),
        "warnings_": list(meta["warnings"]),
        "path_": tables.empty_path(),
        "history_": tables.empty_history(),
    }
    if meta["classes"]:
        learnt["classes_"] = np.array(meta["classes"])
    if meta["features"]:
        learnt["feature_names_in_"] = np.array(meta["features"], dtype=object)
    return learnt
