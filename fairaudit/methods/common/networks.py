"""Encoders of our own: an MLP for tables and ResNet-18 for images, with torchvision's names."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from pickle import UnpicklingError as Unreadable  # named only to be caught; nothing is unpickled
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import is_integer

ENCODERS = ("auto", "mlp", "resnet18")
_NO_WEIGHTS = (  # what reading bytes of another kind raises
    OSError, SafetensorError, RuntimeError, ValueError, EOFError, Unreadable, struct.error,
    LookupError, TypeError, AttributeError, AssertionError,
)  # fmt: skip


class MLP(nn.Sequential):
    """Linear–ReLU layers; the embedding is the output of the last ReLU.

    Parameters
    ----------
    n_features : int
    hidden_sizes : sequence of int
        Empty means the features themselves are the embedding.
    """

    def __init__(self, n_features: int, hidden_sizes: Sequence[int]) -> None:
        sizes = (n_features, *hidden_sizes)
        layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
        super().__init__(*layers)
        self.out_features = sizes[-1]


def _conv(n_in: int, n_out: int, size: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, size, stride, padding=size // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut (He et al., arXiv 1512.03385, fig. 2)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(n_in, n_out, 3, stride)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv(n_out, n_out, 3, 1)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample = (
            nn.Sequential(_conv(n_in, n_out, 1, stride), nn.BatchNorm2d(n_out))
            if stride != 1 or n_in != n_out
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        short = x if self.downsample is None else self.downsample(x)
        inner = self.relu(self.bn1(self.conv1(x)))
        return cast("Tensor", self.relu(self.bn2(self.conv2(inner)) + short))


def _layer(n_in: int, n_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(n_in, n_out, stride), BasicBlock(n_out, n_out, 1))


class ResNet18(nn.Module):
    """ResNet-18 without its last layer: (b, C, H, W) → (b, 512) after global average pooling.

    Parameter names are torchvision's, so pretrained weights load with `load_weights`.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for colour.
    """

    out_features = 512

    def __init__(self, in_channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = _layer(64, 64, 1)
        self.layer2 = _layer(64, 128, 2)
        self.layer3 = _layer(128, 256, 2)
        self.layer4 = _layer(256, 512, 2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def layers(self) -> tuple[nn.Sequential, ...]:
        """The four layers behind the stem."""
        return self.layer1, self.layer2, self.layer3, self.layer4

    def stem(self, x: Tensor) -> Tensor:
        """Feature maps (b, 64, H/4, W/4) of the first convolution."""
        return cast("Tensor", self.maxpool(self.relu(self.bn1(self.conv1(x)))))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return x.mean(dim=(2, 3))


def load_weights(net: MLP | ResNet18, path: Path | str) -> None:
    """Load pretrained ResNet-18 weights; a one-channel stem takes the sum over colours.

    Parameters
    ----------
    net : ResNet18
        An MLP has no pretrained weights and is refused.
    path : path
        `.safetensors`, or a file that `torch.load(weights_only=True)` reads. The last layer
        (`fc.*`) and batch counters may be there or not.

    Raises
    ------
    InputError
        When the file cannot be read or does not hold a ResNet-18.
    """
    if not isinstance(net, ResNet18):
        raise InputError("pretrained weights are for encoder='resnet18'; leave pretrained empty")
    state = {k: v for k, v in _read(Path(path)).items() if not k.startswith("fc.")}
    stem = state.get("conv1.weight")
    if stem is not None and stem.shape[1] == 3 and net.conv1.in_channels == 1:
        state["conv1.weight"] = stem.sum(1, keepdim=True)
    own = net.state_dict()
    wrong = [k for k, v in own.items() if not _fits(k, v, state)]
    if wrong:
        raise InputError(
            f"'{Path(path).name}' does not hold a ResNet-18 with torchvision's names: "
            f"'{wrong[0]}' is missing or has another shape; export the state dict of "
            "torchvision.models.resnet18"
        )
    net.load_state_dict({k: state.get(k, v) for k, v in own.items()})


def _fits(name: str, value: Tensor, state: Mapping[str, Tensor]) -> bool:
    if name not in state:
        return name.endswith("num_batches_tracked")
    return state[name].shape == value.shape


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        weights: Any = torch.load(path, map_location="cpu", weights_only=True)
    except _NO_WEIGHTS as error:
        raise _unreadable(path) from error
    if not isinstance(weights, dict):
        raise _unreadable(path)
    return weights


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"'{path.name}' is no readable weights file; pass a .safetensors file or a state dict "
        "saved by torch.save"
    )


def channels_last(net: nn.Module) -> nn.Module:
    """The network with its convolutions stored channels-last, in place."""
    for parameter in net.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return net


def make_encoder(kind: str, shape: tuple[int, ...], hidden_sizes: Sequence[int]) -> MLP | ResNet18:
    """The encoder for rows of a shape: (p,) for tables, (H, W, C) for images.

    Raises
    ------
    SpecError
        When the encoder is not known or a size is no positive integer.
    InputError
        When the encoder does not fit the rows.
    """
    if kind not in ENCODERS:
        raise SpecError(f"encoder '{kind}' is not known; choose one of {', '.join(ENCODERS)}")
    image = len(shape) == 3
    wanted = ("resnet18" if image else "mlp") if kind == "auto" else kind
    if (wanted == "resnet18") != image:
        raise InputError(
            f"encoder='{wanted}' does not fit rows of shape {shape}; use 'resnet18' for images "
            "(n, H, W, C) and 'mlp' for tables (n, p), or 'auto'"
        )
    return ResNet18(shape[2]) if image else MLP(shape[0], _positive(hidden_sizes))


def _positive(hidden_sizes: Any) -> tuple[int, ...]:
    try:
        sizes = tuple(hidden_sizes)
    except TypeError:
        sizes = (None,)
    if not all(is_integer(size) and size > 0 for size in sizes):
        raise SpecError(f"hidden_sizes must be positive integers, got {hidden_sizes!r}")
    return sizes
