"""Images decoded once into a memory-mapped uint8 store; row i of the store is row id i."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageStore:
    """Pixels on disk, (n, H, W, C) uint8, opened without reading them."""

    path: Path

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The whole store as a read-only memory map."""
        found: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return found

    def rows(self, row_id: NDArray[Any]) -> NDArray[np.uint8]:
        """The images of some rows; the map itself when it is all of them in order."""
        pixels = self.pixels
        if len(row_id) == len(pixels) and np.array_equal(row_id, np.arange(len(pixels))):
            return pixels
        chosen: NDArray[np.uint8] = pixels[row_id]
        return chosen
