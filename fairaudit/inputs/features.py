"""X as scikit-learn's checks can read it, with the names of its columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.inputs.read import as_array, is_mapping, is_records, opened, read_columns


def read_features(X: Any) -> Any:
    """A frame where X has names, else an array; missing entries are NaN, for others to refuse.

    Raises
    ------
    InputError
        When rows of a list have different lengths, or two columns one name.
    """
    X = opened(X)
    structured = isinstance(X, np.ndarray) and X.dtype.names is not None
    if structured or is_mapping(X) or is_records(X):
        found = read_columns(X, "X")
        return pl.DataFrame(
            dict(zip(found.named("x"), (c.values for c in found.columns), strict=True))
        )
    return as_array(X, "X") if isinstance(X, list | tuple) else X


def without_names(X: Any) -> Any:
    """The same features as an array."""
    return X.to_numpy() if hasattr(X, "to_numpy") else X


def take_rows(X: Any, rows: NDArray[np.int64]) -> Any:
    """Some rows of what `read_features` gave."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
