"""Which images are explained, and what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.fitted import Prediction
from fairaudit.audit.tables.saliency import saliency_table
from fairaudit.data.arrays import Arrays

TEST = 2


def arrays(n: int, split: NDArray[np.int8] | None = None) -> Arrays:
    """n images whose outcome is 1, in groups a and b in turn; all are test rows."""
    return Arrays(
        np.zeros((n, 8, 8, 1), np.uint8), np.ones(n, dtype=np.int64), "binary",
        np.zeros((n, 0)), {"group": np.array(["a", "b"] * n)[:n]}, None, None,
        10 * np.arange(n), np.full(n, TEST, dtype=np.int8) if split is None else split,
        (), (), ("no", "yes"),
    )  # fmt: skip


def positions(rows: NDArray[np.intp]) -> Mapping[str, NDArray[np.uint8]]:
    """Parts that tell which row was asked for: 2 × 2 times its position."""
    return {"m": np.repeat(rows.astype(np.uint8), 4).reshape(-1, 2, 2)}


def test_wrong_and_disputed_test_images_are_explained() -> None:
    split = np.array([TEST, TEST, TEST, TEST, 0, 1], dtype=np.int8)
    answers = {
        "m": Prediction(np.array([1, 0, 1, 1, 0, 0])),  # row 1 is wrong
        "other": Prediction(np.array([1, 0, 1, 0, 0, 0])),  # row 3 is disputed
    }
    table = saliency_table(arrays(6, split), answers, positions)
    assert table["row"].to_list() == [10, 30]
    assert table["side"].to_list() == [2, 2]
    assert [bytes.fromhex(parts)[0] for parts in table["parts"]] == [1, 3]


def test_of_many_the_first_sixty_of_each_group_are_explained() -> None:
    n = 200
    table = saliency_table(arrays(n), {"m": Prediction(np.zeros(n, dtype=np.int64))}, positions)
    assert table["row"].to_list() == [10 * i for i in range(120)]


def test_where_all_is_right_nothing_is_computed() -> None:
    def refuse(rows: NDArray[np.intp]) -> Mapping[str, NDArray[np.uint8]]:
        raise AssertionError("no row is to be explained")

    table = saliency_table(arrays(4), {"m": Prediction(np.ones(4, dtype=np.int64))}, refuse)
    assert table.columns == ["row", "model", "side", "parts"]
    assert table.is_empty()
