"""Tables of several parts as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

Tables = dict[str, pl.DataFrame]


def stacked(parts: Sequence[Mapping[str, pl.DataFrame]]) -> Tables:
    """Tables of the same name, one below the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: pl.concat([p[name] for p in parts if name in p], how="diagonal_relaxed")
        for name in names
    }
