"""Grad-CAM: which parts of an image speak for a network's answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairaudit.methods.common.networks import ResNet18
from fairaudit.methods.common.row_access import RowSource

_FINEST = 7  # least side of a feature map: that of the last layer for images of 224 pixels
_AT_ONCE = 64  # images
Outputs = Callable[[Tensor, Tensor], Tensor]


def grad_cam(body: ResNet18, head: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The parts of images that raise a score, 0 where none do and 1 where they do most.

    Feature maps are those of the deepest layer that is at least 7 × 7: the last one for images of
    224 pixels, as in the paper, an earlier one for small images, where the last is a point or two.

    Parameters
    ----------
    body : ResNet18
    head : callable
        Embeddings (b, 512) to the score to be explained, (b,).
    x : (b, C, H, W)

    Returns
    -------
    (b, h, w) in 0..1

    References
    ----------
    Selvaraju et al. (2017), Grad-CAM, equations 1 and 2.
    """
    body.eval()
    with torch.no_grad():
        maps, layers = body.stem(x), list(body.layers)
        while layers and (len(layers) == len(body.layers) or _fine(layers[0](maps))):
            maps = layers.pop(0)(maps)
    maps = maps.detach().requires_grad_()
    with torch.enable_grad():
        rest = maps
        for layer in layers:
            rest = layer(rest)
        score = head(rest.mean(dim=(2, 3))).sum()
    (slope,) = torch.autograd.grad(score, maps)
    parts = (slope.mean(dim=(2, 3), keepdim=True) * maps).sum(1).clamp_min(0).detach()
    most = parts.amax(dim=(1, 2), keepdim=True)
    return parts / most.clamp_min(torch.finfo(parts.dtype).tiny)


def _fine(maps: Tensor) -> bool:
    return min(maps.shape[2:]) >= _FINEST


def salient_parts(
    rows: RowSource, body: ResNet18, outputs: Outputs, classes: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """`grad_cam` of the answered class of every row, in pieces, as bytes (n, h, w).

    Parameters
    ----------
    rows : RowSource
        Normalised images.
    body : ResNet18
    outputs : callable
        Embeddings (b, 512) and positions of the rows (b,) to outputs (b, C).
    classes : (n,)
        Codes of the classes answered; zeros for a regression.
    """
    parts = []
    for index in torch.arange(len(rows)).split(_AT_ONCE):
        chosen = torch.as_tensor(classes[index.numpy()])

        def head(f: Tensor, index: Tensor = index, chosen: Tensor = chosen) -> Tensor:
            return outputs(f, index).gather(1, chosen.to(f.device)[:, None])[:, 0]

        parts.append(grad_cam(body, head, rows.take(index)).cpu())
    return np.asarray((torch.cat(parts) * 255).round().to(torch.uint8).numpy())
