"""From arrays to a fitted method and its per-row predictions: one function per method."""

from __future__ import annotations

from importlib import import_module

from fairaudit.audit.catalog import adapter_path
from fairaudit.audit.fitted import Adapter


def adapter(method: str, kind: str = "train") -> Adapter:
    """The adapter of a method for a kind of audit, imported on first use.

    Raises
    ------
    SpecError
        When the method is not known, or has no sweep or no stress tests.
    """
    module, name = adapter_path(method, kind).split(":")
    fit: Adapter = getattr(import_module(f"{__name__}.{module}"), name)
    return fit
