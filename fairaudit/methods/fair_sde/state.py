"""FairSDE on disk: two networks, calibrations, groups and the choice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn

from fairaudit.methods.baselines.network import at_rest
from fairaudit.methods.common.calibration import Calibration
from fairaudit.methods.common.class_scores import state_of_target, target_of_state
from fairaudit.methods.common.groups import Groups
from fairaudit.methods.common.storage import save_state
from fairaudit.methods.no_harm_table import SELECTION

if TYPE_CHECKING:
    from fairaudit.methods.fair_sde.estimator import FairSDE


def save_fair_sde(model: FairSDE, folder: Path) -> None:
    """Write a fitted FairSDE."""
    meta = {
        "params": model.get_params(),
        **state_of_target(model),
        "groups": model.groups_.state(),
        "channels": None if model.channels_ is None else [c.tolist() for c in model.channels_],
        "factors": [c.factor for c in model.calibrations_],
        "selection": model.selection_.to_dicts(),
        "summary": model.summary_,
        "warnings": model.warnings_,
    }
    nets = {"experts": model.net_, "baseline": model.baseline_.net_}
    arrays = {
        f"{name}.{key}": value.cpu().numpy()
        for name, net in nets.items()
        for key, value in net.state_dict().items()
    }
    offsets = [np.zeros(0) if c.offsets is None else c.offsets for c in model.calibrations_]
    arrays |= {f"offsets.{i}": value for i, value in enumerate(offsets)}
    arrays |= {"use_expert": model.use_expert_, "priors": model.priors_}
    save_state(folder, "FairSDE", meta, arrays)


def restore(model: FairSDE, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put everything but the networks back."""
    target_of_state(model, meta)
    model.groups_ = Groups.from_state(meta["groups"])
    stored = meta["channels"]
    model.channels_ = None if stored is None else (np.array(stored[0]), np.array(stored[1]))
    model.use_expert_, model.priors_ = arrays["use_expert"], arrays["priors"]
    offsets = [arrays[f"offsets.{i}"] for i in range(len(meta["factors"]))]
    model.calibrations_ = [
        Calibration(factor, value if value.size else None)
        for factor, value in zip(meta["factors"], offsets, strict=True)
    ]
    schema = {name: kind for name, kind in SELECTION.items() if name != "split"}
    model.selection_ = pl.DataFrame(meta["selection"], schema=schema)
    model.summary_, model.warnings_ = dict(meta["summary"]), list(meta["warnings"])


def fill(
    net: nn.Module, arrays: Mapping[str, NDArray[Any]], prefix: str, device: torch.device
) -> None:
    """Load stored parameters into a blank network and make it ready to answer, in place."""
    state = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    at_rest(net.to(device).eval())
    net.load_state_dict({k: torch.as_tensor(v) for k, v in state.items()})
