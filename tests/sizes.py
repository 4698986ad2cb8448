"""How large simulations are: small in `make test`, full size in `make test-nightly`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

NIGHTLY = "FAIRAUDIT_NIGHTLY"


def size(short: int, long: int) -> int:
    """`short`, or `long` where the nightly tests run."""
    return long if os.environ.get(NIGHTLY) else short


def nightly(*cases: Any) -> list[Any]:
    """Further cases that only the nightly tests run."""
    return list(cases) if os.environ.get(NIGHTLY) else []


def in_turns(first: Iterable[Any], second: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Pairs of which each value is in a third by day, in turns; all pairs at night."""
    later = list(second)
    pairs = [(i + j, a, b) for i, a in enumerate(first) for j, b in enumerate(later)]
    return [(a, b) for turn, a, b in pairs if turn % size(3, 1) == 0]


def binomial_error(chance: float, runs: int) -> float:
    """Two standard errors of a share counted over `runs` independent runs."""
    return 2 * math.sqrt(chance * (1 - chance) / runs)
