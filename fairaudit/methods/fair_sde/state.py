"""FairSDE on disk: two networks, calibrations, groups and the choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fairaudit.methods.baselines.network import at_rest
from fairaudit.methods.common.calibration import Calibration
from fairaudit.methods.common.class_scores import state_of_target, target_of_state
from fairaudit.methods.common.groups import Groups
from fairaudit.methods.tables import stored_selection


def stored_form(
    params: Mapping[str, Any], learnt: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """JSON values and arrays from constructor parameters and learnt attributes, by name."""
    calibrations, channels = learnt["calibrations_"], learnt["channels_"]
    meta = {
        "params": dict(params),
        **state_of_target(
            learnt["target_"], learnt["row_shape_"], learnt.get("feature_names_in_")
        ),
        "groups": learnt["groups_"].state(),
        "channels": None if channels is None else [c.tolist() for c in channels],
        "factors": [c.factor for c in calibrations],
        "selection": learnt["selection_"].to_dicts(),
        "summary": learnt["summary_"],
        "warnings": learnt["warnings_"],
    }
    nets = {"experts": learnt["net_"], "baseline": learnt["baseline_"].net_}
    arrays = {
        f"{name}.{key}": value.cpu().numpy()
        for name, net in nets.items()
        for key, value in net.state_dict().items()
    }
    offsets = [np.zeros(0) if c.offsets is None else c.offsets for c in calibrations]
    arrays |= {f"offsets.{i}": value for i, value in enumerate(offsets)}
    return meta, arrays | {"use_expert": learnt["use_expert_"], "priors": learnt["priors_"]}


def learnt_attributes(
    meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """The learnt attributes behind a stored form, all but the networks."""
    channels = meta["channels"]
    offsets = [arrays[f"offsets.{i}"] for i in range(len(meta["factors"]))]
    return {
        **target_of_state(meta),
        "groups_": Groups.from_state(meta["groups"]),
        "channels_": None if channels is None else (np.array(channels[0]), np.array(channels[1])),
        "use_expert_": arrays["use_expert"],
        "priors_": arrays["priors"],
        "calibrations_": [
            Calibration(factor, value if value.size else None)
            for factor, value in zip(meta["factors"], offsets, strict=True)
        ],
        "selection_": stored_selection(meta["selection"]),
        "summary_": dict(meta["summary"]),
        "warnings_": list(meta["warnings"]),
    }


def fill(
    net: nn.Module, arrays: Mapping[str, NDArray[Any]], prefix: str, device: torch.device
) -> None:
    """Load stored parameters into a blank network and make it ready to answer, in place."""
    state = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    at_rest(net.to(device).eval())
    net.load_state_dict({k: torch.as_tensor(v) for k, v in state.items()})
