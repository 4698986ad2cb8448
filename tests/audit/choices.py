"""The no-harm decision at the usual levels, where a test is about something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.audit.no_harm import decision


def decide(
    tables: Mapping[str, pl.DataFrame],
    *,
    no_harm: float | None = 0.95,
    confidence: float = 0.95,
    **asked: Any,
) -> dict[str, pl.DataFrame]:
    """`decision.decide` at 95%, of no harm and of the intervals."""
    return decision.decide(tables, no_harm=no_harm, confidence=confidence, **asked)
