"""Where the rows of a batch come from: a table on the device, or images read batch by batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fairaudit.exceptions import InputError

_ZOOM, _SHIFT = 0.2, 0.06  # of the half width
_TURN = math.radians(10)


class RowSource(Protocol):
    """Gives the float tensor of some rows, on the device."""

    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def take(self, index: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Rows by position; with a generator they are augmented."""
        ...


class TableRows:
    """A table on the device (n, p): float32 for training, float64 for prediction."""

    def __init__(self, X: NDArray[Any], device: torch.device, dtype: torch.dtype) -> None:
        self.values = torch.tensor(X, dtype=dtype, device=device)  # a copy: X may be read-only
        self.shape = tuple(X.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Rows by position; tables are never augmented."""
        return self.values[index]


class ImageView:
    """Some rows of uint8 images (n, H, W, C), in memory or memory-mapped, without copying them.

    Parameters
    ----------
    images : (N, H, W, C) uint8
    index : (n,) int64 or None
        Which rows, in which order; None means all.
    """

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(self, images: NDArray[np.uint8], index: NDArray[Any] | None = None) -> None:
        self.images = images
        self.index = np.arange(len(images)) if index is None else index
        self.shape = (len(self.index), *images.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, key: Any) -> ImageView:
        """Rows by mask, positions or slice: a view again."""
        return ImageView(self.images, self.index[key])

    def pixels(self, positions: NDArray[Any]) -> NDArray[np.uint8]:
        """A copy of some images (b, H, W, C)."""
        return np.ascontiguousarray(self.images[self.index[positions]])


class ImageRows:
    """uint8 images (n, H, W, C), in memory or memory-mapped; only a batch is ever copied.

    Parameters
    ----------
    mean, sd : (C,)
        Channel statistics of the training images, in 0..1.
    """

    def __init__(
        self,
        X: ImageView,
        device: torch.device,
        mean: NDArray[np.float64],
        sd: NDArray[np.float64],
    ) -> None:
        self.images, self.device, self.shape = X, device, tuple(X.shape[1:])
        self.centre = torch.as_tensor(mean * 255, dtype=torch.float32, device=device)
        self.scale = torch.as_tensor(sd * 255, dtype=torch.float32, device=device)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Normalised images (b, C, H, W) in channels-last memory order."""
        batch = torch.from_numpy(self.images.pixels(index.cpu().numpy())).to(
            self.device, non_blocking=True
        )  # (b, H, W, C)
        if generator is not None:
            batch = augmented(batch, generator)
        scaled = ((batch.float() - self.centre) / self.scale).permute(0, 3, 1, 2)
        return scaled.contiguous(memory_format=torch.channels_last)


def augmented(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Augmented images (b, H, W, C): zoomed, rotated, shifted, mirrored, brighter or darker.

    Each shows 80–100% of the width, turned by at most 10°, moved within what the zoom leaves and
    6% of the half width beyond, mirrored in half of the cases, at 80–120% of its brightness and
    70–130% of its contrast. Pixels beyond the border repeat it. The answer is float32 in 0..255.
    """
    b, height, width, c = batch.shape
    u = torch.rand(7, b, generator=generator).to(batch.device)
    sized = (b, c, height, width)
    grid = functional.affine_grid(_placement(u[:5]), list(sized), align_corners=False)
    x = functional.grid_sample(
        batch.permute(0, 3, 1, 2).float(), grid, padding_mode="border", align_corners=False
    )
    contrast, light = (t.view(b, 1, 1, 1) for t in (0.7 + 0.6 * u[5], 0.8 + 0.4 * u[6]))
    mean = x.mean((1, 2, 3), keepdim=True)
    return ((x - mean) * contrast + mean * light).clamp_(0, 255).permute(0, 2, 3, 1)


def _placement(u: Tensor) -> Tensor:
    """Where each pixel is looked up: affine maps (b, 2, 3) from five numbers in 0..1 each."""
    zoom, angle = 1 - _ZOOM * u[0], (2 * u[1] - 1) * _TURN
    mirror = torch.where(u[2] < 0.5, -1.0, 1.0)
    down, right = ((2 * v - 1) * (1 - zoom + _SHIFT) for v in u[3:])
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    return torch.stack([cos * mirror, -sin, right, sin * mirror, cos, down], 1).view(-1, 2, 3)


def channel_statistics(X: ImageView, limit: int = 2000) -> tuple[Any, Any]:
    """Mean and deviation (C,) of the channels, in 0..1, from at most `limit` spread-out images."""
    step = max(1, len(X) // limit)
    sample = X.pixels(np.arange(0, len(X), step)[:limit]).astype(np.float32) / 255
    return sample.mean((0, 1, 2), dtype=np.float64), sample.std((0, 1, 2), dtype=np.float64) + 1e-3


def rows_of(
    X: NDArray[Any] | ImageView,
    device: torch.device,
    statistics: tuple[Any, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> TableRows | ImageRows:
    """The rows of a table (n, p) or of images (n, H, W, C)."""
    if not isinstance(X, ImageView):
        return TableRows(X, device, dtype)
    mean, sd = statistics or channel_statistics(X)
    return ImageRows(X, device, mean, sd)


def check_images(X: NDArray[Any] | ImageView) -> ImageView:
    """A view of images, when they are uint8 (n, H, W, C) with one or three channels.

    Raises
    ------
    InputError
        When they are not.
    """
    if X.dtype != np.uint8 or X.shape[3] not in (1, 3) or min(X.shape) == 0:
        raise InputError(
            f"images must be uint8 of shape (n, H, W, 1 or 3), got {X.dtype} of shape {X.shape}; "
            "convert with (255 * X).astype('uint8') or move the channels to the end"
        )
    return X if isinstance(X, ImageView) else ImageView(X)


def in_pieces(rows: RowSource, answer: Callable[[Tensor], Tensor]) -> Tensor:
    """`answer` of all rows, computed in pieces without gradients, on the CPU in float64."""
    size = 512 if len(rows.shape) == 3 else 8192
    with torch.no_grad():
        parts = [answer(rows.take(i)).double().cpu() for i in torch.arange(len(rows)).split(size)]
    return torch.cat(parts)
