"""Fitted estimators on disk: arrays as safetensors, the rest as JSON, never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fairaudit.exceptions import IntegrityError

FORMAT = 1

M = TypeVar("M")


def save_state(
    folder: str | Path, kind: str, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write `model.json` and `model.safetensors`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / "model.safetensors"
    )
    head = {"format": FORMAT, "kind": kind, **meta}
    (folder / "model.json").write_text(json.dumps(head, indent=1, allow_nan=False), "utf-8")


def load_state(folder: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `save_state` wrote.

    Raises
    ------
    IntegrityError
        When files are missing, damaged or of another estimator.
    """
    folder = Path(folder)
    try:
        meta = json.loads((folder / "model.json").read_text("utf-8"))
        arrays = load_file(folder / "model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise IntegrityError(f"no readable model in '{folder}': {error}") from error
    if meta.get("kind") != kind:
        raise IntegrityError(f"'{folder}' holds a {meta.get('kind')}, not a {kind}")
    if meta.get("format") != FORMAT:
        raise IntegrityError(
            f"'{folder}' was written in format {meta.get('format')}; this version reads {FORMAT}"
        )
    return meta, arrays


def with_learnt(model: M, learnt: Mapping[str, Any]) -> M:
    """The model after its learnt attributes were set by name."""
    for name, value in learnt.items():
        setattr(model, name, value)
    return model
