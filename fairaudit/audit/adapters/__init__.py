"""From arrays to a fitted method and its per-row answers: one function a method, one shape out."""

from __future__ import annotations

from importlib import import_module

from fairaudit.audit.fitted import Adapter
from fairaudit.exceptions import SpecError

_HOME = {
    "linear": "baselines:fit_linear",
    "linear-s": "baselines:fit_linear_with_sensitive",
    "erm": "baselines:fit_erm",
    "erm-s": "baselines:fit_erm_with_sensitive",
    "group-dro": "baselines:fit_group_dro",
    "decoupled": "baselines:fit_decoupled",
    "threshold": "baselines:fit_threshold",
    "rome-em": "rome:fit_rome_em",
    "rome-moe": "rome:fit_rome_moe",
    "rome-sweep": "rome:fit_rome_sweep",
    "fair-sde": "fair_sde:fit_fair_sde",
    "fair-sde-stress": "fair_sde:stress_fair_sde",
    "fair-medl": "fair_medl:fit_fair_medl",
}


def adapter(method: str) -> Adapter:
    """The adapter of a method, imported on first use.

    Raises
    ------
    SpecError
        When the method is not known.
    """
    if method not in _HOME:
        raise SpecError(f"method '{method}' is not known; choose one of {', '.join(_HOME)}")
    module, name = _HOME[method].split(":")
    found: Adapter = getattr(import_module(f"{__name__}.{module}"), name)
    return found
