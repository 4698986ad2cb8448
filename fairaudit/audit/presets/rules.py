"""A rule as it was read from its versioned file, and a rule applied."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import polars as pl

from fairaudit.exceptions import SpecError

NAMES = ("nyc-ll144", "four-fifths", "eu-ai-act", "model-card")


@dataclass(frozen=True)
class Preset:
    """One rule as it was read: where, when, what it computes and what it does not set."""

    name: str
    title: str
    version: str
    citation: str
    url: str
    retrieved: str
    computes: tuple[str, ...]
    not_set: tuple[str, ...]
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Applied:
    """A preset applied: its tables, the finding in sentences, and the preset itself."""

    preset: Preset
    tables: Mapping[str, pl.DataFrame]
    sentences: tuple[str, ...]


def load(name: str) -> Preset:
    """Read a preset's file.

    Raises
    ------
    SpecError
        When there is no such preset.
    """
    if name not in NAMES:
        raise SpecError(f"preset '{name}' is not known; choose one of {', '.join(NAMES)}")
    text = (files(__package__) / f"{name}.toml").read_text("utf-8")
    content = tomllib.loads(text)
    lists: dict[str, Any] = {k: tuple(content[k]) for k in ("computes", "not_set")}
    return Preset(**{**content, **lists})
