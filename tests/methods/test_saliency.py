"""Grad-CAM against its closed form, by hand and through the models that offer it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fairaudit.exceptions import InputError
from fairaudit.methods.baselines.network import PooledNetwork
from fairaudit.methods.common.networks import ResNet18
from fairaudit.methods.common.saliency import grad_cam
from fairaudit.methods.fair_sde.estimator import FairSDE


@pytest.fixture(scope="module")
def body() -> ResNet18:
    torch.manual_seed(0)
    return ResNet18(1).eval()


def images(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 1), dtype=np.uint8)


def test_at_the_last_layer_it_is_the_weighted_sum_of_its_maps(body: ResNet18) -> None:
    """For a linear head on averages the gradient of a map is its weight (the paper, section 3)."""
    x = torch.rand(2, 1, 224, 224, generator=torch.Generator().manual_seed(1))
    weight = torch.randn(512, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        maps = body.stem(x)
        for layer in body.layers:
            maps = layer(maps)
    expected = (weight[:, None, None] * maps).sum(1).clamp_min(0)
    expected = expected / expected.amax(dim=(1, 2), keepdim=True)
    parts = grad_cam(body, lambda f: f @ weight, x)
    assert parts.shape == (2, 7, 7)
    torch.testing.assert_close(parts, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("side", "parts"), [(28, 7), (64, 8), (128, 8), (16, 4)])
def test_small_images_are_explained_at_a_layer_that_still_has_parts(
    body: ResNet18, side: int, parts: int
) -> None:
    x = torch.rand(3, 1, side, side, generator=torch.Generator().manual_seed(1))
    shown = grad_cam(body, lambda f: f.sum(1), x)
    assert shown.shape == (3, parts, parts)
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_an_earlier_layer_is_explained_by_the_gradient_through_the_rest(body: ResNet18) -> None:
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(3))
    maps = body.layer2(body.layer1(body.stem(x))).detach().requires_grad_()
    score = body.layer4(body.layer3(maps)).mean(dim=(2, 3)).sum()
    score.backward()
    assert maps.grad is not None
    expected = (maps.grad.mean(dim=(2, 3), keepdim=True) * maps).sum(1).clamp_min(0).detach()
    expected = expected / expected.amax()
    shown = grad_cam(body, lambda f: f.sum(1), x)
    torch.testing.assert_close(shown, expected, rtol=1e-4, atol=1e-5)


def test_a_score_that_nothing_raises_has_no_parts(body: ResNet18) -> None:
    shown = grad_cam(body, lambda f: 0 * f.sum(1), torch.rand(1, 1, 32, 32))
    assert torch.equal(shown, torch.zeros_like(shown))


def test_the_answered_class_of_the_pooled_network_is_explained() -> None:
    X, y = images(12, 16), np.arange(12) % 2
    model = PooledNetwork(max_epochs=1, random_state=0).fit(X, y)
    first = model.salient_parts(X[:3], np.zeros(3, dtype=np.int64))
    second = model.salient_parts(X[:3], np.ones(3, dtype=np.int64))
    assert first.dtype == np.uint8
    assert first.shape == (3, 4, 4)
    assert not np.array_equal(first, second)  # parts for one class are not those for the other
    again = model.salient_parts(X[2:3], np.zeros(1, dtype=np.int64))
    assert np.abs(again[0].astype(int) - first[2]).max() <= 1


def test_tables_have_no_parts() -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = PooledNetwork(max_epochs=1, random_state=0).fit(X, np.arange(40) % 2)
    with pytest.raises(InputError, match="ResNet-18 only"):
        model.salient_parts(X, np.zeros(40, dtype=np.int64))


def test_fairsde_shows_the_parts_of_the_model_that_answers() -> None:
    X, y = images(40, 16), np.arange(40) % 2
    groups = np.repeat(["a", "b"], 20)
    model = FairSDE(max_epochs=1, random_state=0, encoder="resnet18")
    model.fit(X, y, sensitive_features=groups)
    model.use_expert_ = np.array([True, False])
    codes = np.array([0, 1, -1])
    classes = {name: np.array([0, 1, 1]) for name in ("expert", "baseline")}
    parts = model.salient_parts(X[[0, 25, 30]], codes, classes)
    assert np.array_equal(parts["selected"][0], parts["expert"][0])
    assert np.array_equal(parts["selected"][1:], parts["baseline"][1:])
    assert np.array_equal(parts["expert"][2], parts["baseline"][2])
    assert not np.array_equal(parts["expert"][0], parts["baseline"][0])
