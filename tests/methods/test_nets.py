"""Encoders: shapes, torchvision's names, pretrained weights, rows of images, augmentation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fairaudit.exceptions import InputError
from fairaudit.methods.common.networks import MLP, ResNet18, load_weights, make_encoder
from fairaudit.methods.common.row_access import (
    ImageRows,
    augmented,
    channel_statistics,
    check_images,
    in_pieces,
    rows_of,
)

CPU = torch.device("cpu")


def test_resnet_has_the_names_and_size_of_torchvision():
    net = ResNet18(3)
    names = set(net.state_dict())
    for name in (
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv1.weight",
        "layer2.0.downsample.0.weight",
        "layer2.0.downsample.1.bias",
        "layer4.1.bn2.num_batches_tracked",
    ):
        assert name in names
    assert len(names) == 120  # torchvision's 122 without fc.weight and fc.bias
    assert sum(p.numel() for p in net.parameters()) == 11_176_512


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [32, 64])
def test_resnet_embeds_images_in_512_numbers(channels, size):
    assert ResNet18(channels)(torch.randn(2, channels, size, size)).shape == (2, 512)


def test_resnet_trains_on_a_batch_of_one_pixel_maps():
    # 32 pixels leave 1×1 maps in the last layer; a batch of two rows still has a variance
    net = ResNet18(3).train()
    net(torch.randn(2, 3, 32, 32)).sum().backward()
    assert torch.isfinite(net.conv1.weight.grad).all()


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_pretrained_weights_load_and_a_grey_stem_sums_the_colours(tmp_path, suffix):
    torch.manual_seed(0)
    source = ResNet18(3)
    state = {**source.state_dict(), "fc.weight": torch.randn(1000, 512), "fc.bias": torch.ones(9)}
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pt":
        torch.save(state, path)
    else:
        save_file(state, path)
    colour, grey = ResNet18(3), ResNet18(1)
    load_weights(colour, path)
    load_weights(grey, path)
    x = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        wanted = source.eval()(x.expand(2, 3, 64, 64))
        assert torch.allclose(colour.eval()(x.expand(2, 3, 64, 64)), wanted, atol=1e-5)
        assert torch.allclose(grey.eval()(x), wanted, atol=1e-4)


def test_weights_of_something_else_are_refused(tmp_path):
    torch.save({"layer.weight": torch.ones(3)}, tmp_path / "other.pt")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"conv1\.weight"):
        load_weights(ResNet18(3), tmp_path / "other.pt")
    (tmp_path / "junk.pt").write_bytes(b"junk")
    for name in ("broken.safetensors", "missing.pt", "junk.pt"):
        with pytest.raises(InputError, match="no readable weights"):
            load_weights(ResNet18(3), tmp_path / name)


class Surprise:
    def __reduce__(self):
        return (print, ("code in a weights file was run",))


def test_a_weights_file_with_code_is_refused(tmp_path, capsys):
    torch.save({"conv1.weight": Surprise()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="no readable weights"):
        load_weights(ResNet18(3), tmp_path / "evil.pt")
    assert capsys.readouterr().out == ""


def test_encoder_follows_the_rows():
    assert isinstance(make_encoder("auto", (7,), (5, 3)), MLP)
    assert make_encoder("auto", (7,), (5, 3)).out_features == 3
    assert isinstance(make_encoder("auto", (32, 32, 1), ()), ResNet18)
    with pytest.raises(InputError, match="resnet18"):
        make_encoder("mlp", (32, 32, 1), ())


def images(n=6, size=16, channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def test_image_rows_are_normalised_by_training_statistics():
    X = images(50)
    rows = rows_of(check_images(X), CPU)
    batch = rows.take(torch.arange(50))
    assert batch.shape == (50, 3, 16, 16)
    assert batch.mean((0, 2, 3)).abs().max() < 0.02
    assert (batch.std((0, 2, 3)) - 1).abs().max() < 0.02
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_memory_mapped_images_are_read_batch_by_batch(tmp_path):
    X = images(20)
    np.save(tmp_path / "images.npy", X)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    mean, sd = channel_statistics(check_images(mapped))
    rows = ImageRows(check_images(mapped), CPU, mean, sd)
    index = torch.tensor([7, 2, 2])
    assert torch.allclose(rows.take(index), rows_of(check_images(X), CPU, (mean, sd)).take(index))


def test_augmentation_is_seeded_and_stays_within_pixel_values():
    batch = torch.as_tensor(images(64))
    one = augmented(batch, torch.Generator().manual_seed(3))
    two = augmented(batch, torch.Generator().manual_seed(3))
    assert torch.equal(one, two)
    assert one.shape == batch.shape
    assert not torch.equal(one, batch.float())
    assert 0 <= float(one.min()) <= float(one.max()) <= 255


def test_augmentation_mirrors_half_of_the_images_and_keeps_their_order_else():
    ramp = (torch.arange(32) * 4 + 60).to(torch.uint8).view(1, 1, 32, 1).expand(300, 32, 32, 3)
    seen = augmented(ramp, torch.Generator().manual_seed(0))[:, 16, 4:28, 0]
    steps = seen.diff(dim=1)
    rising, falling = (steps >= 0).all(1), (steps <= 0).all(1)
    assert (rising | falling).all()
    assert 120 < int(rising.sum()) < 180


def test_augmentation_changes_light_within_its_range():
    flat = torch.full((500, 8, 8, 1), 100, dtype=torch.uint8)
    seen = augmented(flat, torch.Generator().manual_seed(1))
    assert torch.allclose(seen.amin((1, 2, 3)), seen.amax((1, 2, 3)), atol=1e-3)
    light = seen.mean((1, 2, 3))
    assert 79.9 < float(light.min()) < 82
    assert 118 < float(light.max()) < 120.1


def test_augmented_batches_are_channels_last():
    rows = rows_of(check_images(images(8)), CPU)
    batch = rows.take(torch.arange(8), torch.Generator())
    assert batch.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8, 3)), np.zeros((2, 3, 8, 8), np.uint8)])
def test_images_of_another_kind_are_refused(wrong):
    with pytest.raises(InputError, match="uint8"):
        check_images(wrong)


def test_answers_in_pieces_equal_answers_at_once():
    rows = rows_of(np.random.default_rng(0).normal(size=(9000, 3)), CPU)
    net = MLP(3, (4,))
    with torch.no_grad():
        assert torch.allclose(in_pieces(rows, net).float(), net(rows.values), atol=1e-6)
