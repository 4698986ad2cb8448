"""The losses of FairSDE against plain loops written from the equations, and their edge cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fairaudit.methods.common.training_recipe import row_loss
from fairaudit.methods.fair_sde.losses import (
    BatchesOfGroups,
    Pairs,
    centre_loss,
    cosines,
    divergence_loss,
    expert_loss,
    own_group,
    pairs_of_batches,
    sample_pairs,
)
from fairaudit.methods.fair_sde.network import (
    Objective,
    SelectiveExperts,
    losses,
)


def unit(vector):
    return [v / math.sqrt(sum(x * x for x in vector)) for v in vector]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def cross_entropy(logits, target):
    return math.log(sum(math.exp(v) for v in logits)) - logits[target]


def reference(f, logits, disc, centres, a, y, pairs, lambdas, legacy):
    """Loss of a batch, row by row; the four terms and their sum."""
    n, g, c = len(f), len(centres), len(centres[0])
    z = [unit(row) for row in f]
    v = [[unit(centre) for centre in group] for group in centres]
    l_cls = 0.0
    for group in range(g):
        rows = [i for i in range(n) if a[i] == group]
        if rows:
            l_cls += sum(cross_entropy(logits[i][group], y[i]) for i in rows) / len(rows)
    l_disc = sum(cross_entropy(disc[i], a[i]) for i in range(n)) / n
    l_virt = sum(
        cross_entropy([dot(z[i], v[a[i]][k]) / 0.1 for k in range(c)], y[i]) for i in range(n)
    )
    l_div = 0.0
    for i in range(n):
        top = math.exp(dot(z[i], v[a[i]][y[i]]) / 0.07)
        if pairs.has_positive[i]:
            top += math.exp(dot(z[i], z[pairs.positive[i]]) / 0.07)
        bottom = 0.0
        if pairs.has_negative[i]:
            bottom += math.exp(dot(z[i], z[pairs.negative[i]]) / 0.07)
        for group in range(g):
            for k in range(c):
                if (group, k) != (a[i], y[i]):
                    s = dot(z[i], v[group][k])
                    bottom += math.exp(s) / 0.07 if legacy else math.exp(s / 0.07)
        l_div += -math.log(top / bottom)
    parts = (l_cls, l_disc, l_virt / n, l_div / n)
    return (*parts, parts[0] + sum(w * p for w, p in zip(lambdas, parts[1:], strict=True)))


class Known(torch.nn.Module):
    """An encoder that hands its input on, in float64."""

    def __init__(self, d):
        super().__init__()
        self.out_features = d

    def forward(self, x):
        return x


def batch(g, c, n, seed, groups=None, classes=None):
    torch.manual_seed(seed)
    net = SelectiveExperts(Known(6), g, c).double()
    f = torch.randn(n, 6, dtype=torch.float64)
    a = torch.randint(g, (n,)) if groups is None else torch.tensor(groups)
    y = torch.randint(c, (n,)) if classes is None else torch.tensor(classes)
    return net, f, a, y


def both(net, f, a, y, legacy, lambdas=(0.3, 0.7, 1.1)):
    g, c = net.n_groups, net.n_outputs
    objective = Objective(lambdas, 1.0, legacy)
    found = losses(net, f, y, a, y, None, objective, torch.Generator().manual_seed(7))
    pairs = sample_pairs(a, y, g, c, torch.Generator().manual_seed(7))
    with torch.no_grad():
        inputs = [net.answers(f), net.discriminator(f), net.centres, a, y]
        plain = [t.tolist() for t in inputs]
    wanted = reference(
        f.tolist(), plain[0], plain[1], plain[2], plain[3], plain[4],
        Pairs(*(t.tolist() for t in pairs)), lambdas, legacy,
    )  # fmt: skip
    names = ("experts", "discriminator", "centres", "divergence", "loss")
    return [float(found[name].detach()) for name in names], wanted


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(("g", "c"), [(2, 2), (3, 2), (3, 3), (5, 4)])
def test_losses_equal_the_plain_loops(g, c, legacy):
    for seed in range(3):
        found, wanted = both(*batch(g, c, 64, seed), legacy)
        assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("groups", "classes"),
    [
        ([0, 1, 1, 1, 1], [0, 0, 1, 0, 1]),  # a group with one row
        ([0, 0, 2, 2, 2], [0, 1, 1, 0, 1]),  # group 1 is absent
        ([0, 0, 0, 1, 1], [0, 0, 0, 1, 0]),  # group 0 has one class
        ([1, 1, 1, 1], [0, 0, 0, 0]),  # one group and one class only
        ([2], [1]),  # a batch of one row
    ],
)
def test_thin_batches_equal_the_plain_loops(groups, classes, legacy):
    found, wanted = both(*batch(3, 2, len(groups), 1, groups, classes), legacy)
    assert found == pytest.approx(wanted, abs=1e-6)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("legacy", [False, True])
def test_gradients_are_finite_even_without_partners(legacy):
    net, f, a, y = batch(3, 2, 1, 3)
    f.requires_grad_(True)
    objective = Objective((0.1, 0.1, 0.1), 1.0, legacy)
    losses(net, f, y, a, y, None, objective, torch.Generator())["loss"].backward()
    assert torch.isfinite(f.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(("g", "c"), [(1, 2), (2, 2), (3, 3)])
def test_gradients_of_the_losses_are_their_slopes(g, c, legacy):
    net, f, a, y = batch(g, c, 12, 11)
    pairs = sample_pairs(a, y, g, c, torch.Generator().manual_seed(7))
    objective = Objective((0.3, 0.7, 1.1), 0.8, legacy)

    def loss(f, *_):
        return losses(net, f, y, a, y, None, objective, None, pairs)["loss"]

    assert torch.autograd.gradcheck(loss, (f.requires_grad_(), *net.parameters()))


@pytest.mark.parametrize("sizes", [[1], [64], [2, 30, 7]])
def test_pairs_of_an_epoch_lie_within_their_batch_and_match_it(sizes):
    a, y = torch.randint(3, (sum(sizes),)), torch.randint(2, (sum(sizes),))
    drawn = pairs_of_batches(a, y, sizes, 3, 2, torch.Generator().manual_seed(7))
    for rows, pairs in zip(torch.arange(sum(sizes)).split(sizes), drawn, strict=True):
        group, kind, place = a[rows], y[rows], torch.arange(len(rows))
        near, far = pairs.positive[pairs.has_positive], pairs.negative[pairs.has_negative]
        assert (near != place[pairs.has_positive]).all()
        assert (group[near] == group[pairs.has_positive]).all()
        assert (kind[near] == kind[pairs.has_positive]).all()
        assert (group[far] != group[pairs.has_negative]).all()
        assert (kind[far] == kind[pairs.has_negative]).all()
        alone = sample_pairs(group, kind, 3, 2, torch.Generator())
        assert torch.equal(pairs.has_positive, alone.has_positive)
        assert torch.equal(pairs.has_negative, alone.has_negative)


def test_divergence_is_negative_when_rows_sit_on_their_centres():
    centres = torch.eye(6, dtype=torch.float64).view(3, 2, 6)
    a, y = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 1, 0])
    z = centres[a, y]
    s = cosines(z, centres)
    pairs = sample_pairs(a, y, 3, 2, torch.Generator())
    assert -15 < float(divergence_loss(z, s, a, y, pairs)) < -10


def test_weight_zero_losses_are_not_computed():
    net, f, a, y = batch(2, 2, 8, 0)
    found = losses(net, f, y, a, y, None, Objective((0.0, 0.0, 0.0)), torch.Generator())
    assert set(found) == {"experts", "loss"}


def test_every_group_weighs_the_same_whatever_its_size():
    each = torch.tensor([1.0, 1, 1, 1, 9])
    assert float(expert_loss(each, torch.tensor([0, 0, 0, 0, 2]), 3)) == pytest.approx(10)


def test_regression_has_one_centre_a_group_and_compares_groups():
    net, f, a, _ = batch(3, 1, 12, 0)
    y = torch.randn(12, dtype=torch.float64)
    zeros = torch.zeros_like(a)
    found = losses(
        net, f, y, a, zeros, None, Objective((0.1, 0.1, 0.1)), torch.Generator().manual_seed(0)
    )
    s = cosines(torch.nn.functional.normalize(f, dim=1), net.centres)[:, :, 0] / 0.1
    wanted = torch.nn.functional.cross_entropy(s, a)
    assert float(found["centres"].detach()) == pytest.approx(float(wanted.detach()))
    assert float(row_loss(own_group(net.answers(f), a), y)[0].detach()) >= 0
    assert torch.isfinite(found["loss"])


def test_one_group_of_a_regression_has_no_divergence():
    z = torch.nn.functional.normalize(torch.randn(5, 3), dim=1)
    s = cosines(z, torch.randn(1, 1, 3))
    zeros = torch.zeros(5, dtype=torch.long)
    pairs = sample_pairs(zeros, zeros, 1, 1, torch.Generator())
    assert float(divergence_loss(z, s, zeros, zeros, pairs)) == 0
    assert float(centre_loss(s, zeros, zeros)) == 0


def test_pairs_are_of_the_right_kind_and_uniform():
    torch.manual_seed(0)
    a, y = torch.randint(3, (40,)), torch.randint(2, (40,))
    chance = torch.Generator().manual_seed(1)
    positive = torch.zeros(40, 40)
    negative = torch.zeros(40, 40)
    rows = torch.arange(40)
    for _ in range(2000):
        pairs = sample_pairs(a, y, 3, 2, chance)
        positive[rows, pairs.positive] += 1
        negative[rows, pairs.negative] += 1
    same_cell = (a[:, None] == a) & (y[:, None] == y) & ~torch.eye(40, dtype=torch.bool)
    other_group = (a[:, None] != a) & (y[:, None] == y)
    for drawn, allowed in ((positive, same_cell), (negative, other_group)):
        assert (drawn[~allowed] == 0).all()
        share = allowed.sum(1, keepdim=True)
        expected = (2000 / share).expand(40, 40)[allowed]
        z = (drawn[allowed] - expected) / expected.sqrt()
        assert z.abs().max() < 5
        assert 0.7 < z.square().mean() < 1.2


def test_rows_without_partner_say_so():
    a, y = torch.tensor([0, 1, 1]), torch.tensor([0, 1, 1])
    pairs = sample_pairs(a, y, 2, 2, torch.Generator())
    assert pairs.has_positive.tolist() == [False, True, True]
    assert pairs.has_negative.tolist() == [False, False, False]


def test_batches_hold_every_row_once_and_two_of_each_group():
    groups = torch.tensor([0] * 500 + [1] * 40 + [2] * 3 + [3])
    batches = BatchesOfGroups(groups, 4, 64)(torch.Generator().manual_seed(0))
    seen = torch.cat(batches)
    assert torch.bincount(seen, minlength=len(groups)).min() >= 1
    assert len(seen) < len(groups) + 2 * 3 * len(batches)
    for rows in batches:
        counts = torch.bincount(groups[rows], minlength=4)
        assert (counts[:3] >= 2).all()
        assert len(rows.unique()) == len(rows)


def test_order_of_rows_does_not_change_the_losses_without_pairs():
    net, f, a, y = batch(3, 2, 20, 5)
    order = torch.randperm(20)
    objective = Objective((0.2, 0.3, 0.0))
    one = losses(net, f, y, a, y, None, objective, torch.Generator())
    two = losses(net, f[order], y[order], a[order], y[order], None, objective, torch.Generator())
    assert float(one["loss"].detach()) == pytest.approx(float(two["loss"].detach()))
