"""Array types, and tests for numbers."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


def is_number(value: object) -> bool:
    """Whether a parameter is a real number."""
    return isinstance(value, Real)


def is_integer(value: object) -> bool:
    """Whether a parameter is a whole number, of Python or numpy."""
    return isinstance(value, Integral)
