"""Parameters of an estimator that a frozen dataclass shares with it, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def shared(kind: type, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that are fields of a dataclass: nothing is copied by hand."""
    return {f.name: params[f.name] for f in fields(kind) if f.name in params}
