"""Regression trees as plain arrays: what boosting leaves behind, stored and evaluated alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Whole = NDArray[np.int64]
LEAF = -1


@dataclass(frozen=True)
class Trees:
    """Trees whose leaf values add up to raw scores; all nodes stand in one array.

    Attributes
    ----------
    base : (K,) scores before the first tree
    roots : (T,) node at which each tree begins
    outputs : (T,) the score each tree adds to
    feature, left, right : (N,) column tested at a node, and the next nodes; `LEAF` at leaves
    threshold : (N,) a row goes left where its value is not above
    value : (N,) what a leaf adds
    """

    base: Float
    roots: Whole
    outputs: Whole
    feature: Whole
    left: Whole
    right: Whole
    threshold: Float
    value: Float

    @classmethod
    def of_nodes(cls, base: Float, rounds: Sequence[Sequence[NDArray[Any]]]) -> Self:
        """From scikit-learn's structured nodes, by boosting round and score."""
        each = [(k, nodes) for one in rounds for k, nodes in enumerate(one)]
        sizes = np.array([len(nodes) for _, nodes in each], dtype=np.int64)
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        roots = roots[: len(each)]
        first = np.repeat(roots, sizes)

        def column(name: str, dtype: type) -> NDArray[Any]:
            parts: list[NDArray[Any]] = [nodes[name].astype(dtype) for _, nodes in each]
            return np.concatenate([np.zeros(0, dtype), *parts])

        leaf = column("is_leaf", np.bool_)
        left, right = (
            np.where(leaf, LEAF, column(side, np.int64) + first) for side in ("left", "right")
        )
        return cls(
            np.asarray(base, dtype=np.float64).reshape(-1),
            roots,
            np.array([k for k, _ in each], dtype=np.int64),
            np.where(leaf, LEAF, column("feature_idx", np.int64)),
            left,
            right,
            column("num_threshold", np.float64),
            column("value", np.float64),
        )

    def scores(self, X: Float) -> Float:
        """Raw scores (n, K) of rows (n, p)."""
        columns = np.ascontiguousarray(X.T)  # a node tests one column of many rows
        total = np.repeat(self.base[:, None], len(X), axis=1)
        feature, left, right = self.feature.tolist(), self.left.tolist(), self.right.tolist()
        threshold, value = self.threshold.tolist(), self.value.tolist()
        everyone = np.arange(len(X))
        for root, output in zip(self.roots.tolist(), self.outputs.tolist(), strict=True):
            waiting = [(root, everyone)]
            while waiting:
                node, rows = waiting.pop()
                if left[node] == LEAF:
                    total[output, rows] += value[node]
                elif len(rows):
                    below = columns[feature[node]].take(rows) <= threshold[node]
                    waiting += [(left[node], rows[below]), (right[node], rows[~below])]
        return np.ascontiguousarray(total.T)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name, for storage."""
        return dict(vars(self))

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The trees stored by `arrays`."""
        return cls(**arrays)
