"""The catalog: every method once, with what it needs, its knobs, its estimator and its adapters.

It stands in `audit`, above `methods`, because an entry names the adapter that runs the method.
Screens read it, so it imports neither estimators nor adapters. A new method is its estimator, its
adapter and one entry here; its place in `METHODS` is its place on screens.
"""

from __future__ import annotations

from collections.abc import Mapping

from fairaudit.audit.catalog.baselines import (
    BOOSTING,
    BOOSTING_S,
    DECOUPLED,
    ERM,
    ERM_S,
    GROUP_DRO,
    LINEAR,
    LINEAR_S,
    THRESHOLD,
)
from fairaudit.audit.catalog.fair_medl import FAIR_MEDL
from fairaudit.audit.catalog.fair_sde import FAIR_SDE
from fairaudit.audit.catalog.rome import ROME_EM, ROME_MOE
from fairaudit.audit.knobs import Method
from fairaudit.exceptions import SpecError

METHODS: Mapping[str, Method] = {
    m.name: m
    for m in (
        ROME_EM,
        ROME_MOE,
        FAIR_SDE,
        FAIR_MEDL,
        ERM,
        LINEAR,
        LINEAR_S,
        BOOSTING,
        BOOSTING_S,
        ERM_S,
        GROUP_DRO,
        DECOUPLED,
        THRESHOLD,
    )
}

_ABSENT = {"sweep": "is no sweep of the number of groups", "stress": "are no stress tests"}


def method(name: str) -> Method:
    """The catalog entry of a method.

    Raises
    ------
    SpecError
        When there is no such method.
    """
    if name not in METHODS:
        raise SpecError(f"method '{name}' is not known; choose one of {', '.join(METHODS)}")
    return METHODS[name]


def adapter_path(name: str, kind: str = "train") -> str:
    """The adapter of a method for a kind of audit, as "module:function".

    Raises
    ------
    SpecError
        When there is no such method, or it has no sweep or no stress tests.
    """
    entry = method(name)
    path = entry.adapters.get(kind, "" if kind in _ABSENT else entry.adapter)
    if not path:
        able = ", ".join(f"'{m.name}'" for m in METHODS.values() if kind in m.adapters)
        raise SpecError(f"there {_ABSENT[kind]} of '{name}'; choose {able}")
    return path
