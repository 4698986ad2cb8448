"""What the look-alike tables are made of: columns drawn at random, and the truth about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

N = 1200


@dataclass(frozen=True)
class Truth:
    """What the columns of a table are; `free` may be guessed either way."""

    target: str | None
    sensitive: frozenset[str]
    cluster: str | None = None
    unit: str | None = None
    identifiers: frozenset[str] = frozenset()
    scores: frozenset[str] = frozenset()
    predictions: frozenset[str] = frozenset()
    leaks: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    positive: str | None = None
    meaning: str | None = None  # None: not checked


@dataclass
class Draw:
    """Columns drawn with one generator; `y` drives what should depend on the outcome."""

    n: int = N
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def pick(self, *values: Any, p: Sequence[float] | None = None) -> list[Any]:
        return [values[k] for k in self.rng.choice(len(values), self.n, p=p)]

    def whole(self, low: int, high: int) -> np.ndarray:
        return self.rng.integers(low, high + 1, self.n)

    def number(self, mean: float, sd: float, digits: int = 2) -> np.ndarray:
        return np.round(self.rng.normal(mean, sd, self.n), digits)

    def coin(self, p: float = 0.5) -> np.ndarray:
        return (self.rng.random(self.n) < p).astype(int)

    def near(self, y: np.ndarray, noise: float, scale: float = 1.0) -> np.ndarray:
        """Numbers that follow the outcome, less closely the larger the noise."""
        return np.round((y + self.rng.normal(0, noise, self.n)) * scale, 3)

    def yes_no(self, p: float = 0.5) -> np.ndarray:
        return np.where(self.coin(p) == 1, "yes", "no")


def some(values: Sequence[Any] | np.ndarray, where: np.ndarray) -> list[Any]:
    """Values in the rows where the condition holds, missing elsewhere."""
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return [v if w else None for v, w in zip(listed, where.tolist(), strict=True)]
