"""Losses of Fair MEDL, pure: tensors in, one value per model out (leading axis M = models)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from fairaudit.methods.fair_medl.inputs import Target

FEWEST = 5.0  # rows of a group and class in the window
MOST_ODDS = 100.0  # a feature that is constant within clusters has no finite odds
PER_ODDS = 0.3  # cost of a squared weight at even odds; less leaves probes, more costs accuracy


def gaussian_kl(mean: Tensor, log_sd: Tensor, variance: Tensor, prior_sd: Tensor) -> Tensor:
    """Analytic KL(N(mean, sd²) ‖ N(0, prior_sd²)), summed over the last axis.

    mean, log_sd, variance = sd² (M, u, d), prior_sd (M, d) → (M, u).
    """
    half = 1 / (2 * prior_sd.square())
    second = torch.baddbmm(
        torch.log(prior_sd).sum(1)[:, None, None] - mean.shape[2] / 2,
        mean.square() + variance,
        half[..., None],
    )
    return second[..., 0] - log_sd.sum(2)


def outcome_loss(
    task: str, raw: Tensor, y: Tensor, noise: Tensor, extra: Tensor | float
) -> Tensor:
    """L_y by row (M, n): cross-entropy, or squared error over twice the noise variance.

    raw (M, O, n) are logits or standardised values; `extra` is the posterior variance of the
    random effects (regression only), which makes the expected squared error exact.
    """
    if task == "binary":
        return functional.softplus(raw.flatten(1) * (1 - 2 * y))
    if task == "multiclass":
        target = y.long().expand(len(raw), -1)
        return functional.cross_entropy(raw, target, reduction="none")
    error = (raw.flatten(1) - y).square() + extra
    return error / (2 * noise[:, None])


def answer(task: str, raw: Tensor) -> Tensor:
    """The link: probabilities (M, 1 or C, n) or values (M, 1, n)."""
    if task == "binary":
        return torch.sigmoid(raw)
    return torch.softmax(raw, 1) if task == "multiclass" else raw


def sharpened(task: str, raw: Tensor, sharpness: float, cuts: Sequence[float]) -> Tensor:
    """Soft decisions (M, E, n): the link of `sharpness` × the logits, at each cut (a logit).

    A sharper link is nearer to the decision whose rates are judged, and moves rows near the
    threshold instead of all of them.
    """
    if task == "regression":
        return raw
    if task == "multiclass":
        return torch.softmax(raw * sharpness, 1)
    if len(cuts) == 1:
        return torch.sigmoid((raw - cuts[0]) * sharpness if cuts[0] else raw * sharpness)
    return torch.cat([torch.sigmoid((raw - cut) * sharpness) for cut in cuts], 1)


def events(task: str, target: Target, answers: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What must be equal across groups: values (M, E, n) and the rows each is about (E, n).

    Equalized odds: TPR and FPR of each class (binary: of the positive class), or the squared
    error; demographic parity: the mean answer.
    """
    if target == "demographic_parity":
        return answers, torch.ones(answers.shape[1:], device=answers.device)
    if task == "regression":
        return (answers - y).square(), torch.ones_like(y)[None]
    if task == "binary":
        in_class = y.expand(answers.shape[1], -1)
    else:
        in_class = functional.one_hot(y.long(), answers.shape[1]).T.to(answers.dtype)
    return answers.repeat(1, 2, 1), torch.cat([in_class, 1 - in_class])


@dataclass
class RunningRates:
    """Soft rates by group over a window of recent rows, with gradients through the newest batch.

    A rare group is hardly ever in one batch; its rate is the ratio of two decayed sums. The
    gradient through the newest rows is scaled up by window / batch, which makes it an unbiased
    estimate of the gradient over the whole window.
    """

    window: int = 16384
    above: Tensor | None = None
    below: Tensor | None = None
    seen: float = 0.0

    def spread(self, values: Tensor, about: Tensor, groups: Tensor) -> Tensor:
        """Sum over groups of squared deviations from the overall rate (M,).

        values (M, E, n), about (E, n), groups (n, G) with row weights inside; the last column
        of `groups` holds all rows.
        """
        with torch.no_grad():
            value, pull = self._pull(values, about, groups)
        # the value, with a gradient known in closed form: far fewer steps to go back through
        return value + ((values - values.detach()) * pull).sum((1, 2))

    def _pull(self, values: Tensor, about: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
        """The spread (M,) and its derivative by each value (M, E, n)."""
        n = len(groups)
        top = (values * about) @ groups  # (M, E, G)
        bottom = about @ groups
        keep = 0.0
        if self.above is not None and self.below is not None:
            keep = max(0.0, 1 - n / self.window)
            top, bottom = keep * self.above + top, keep * self.below + bottom
        self.above, self.below, self.seen = top, bottom, keep * self.seen + n
        below = bottom.clamp_min(1e-6)
        rate = top / below
        enough_rows = below[:, :-1] >= FEWEST  # a rate of fewer rows is noise, not a target
        deviation = (rate[..., :-1] - rate[..., -1:]) * enough_rows
        back = torch.cat([deviation, -deviation.sum(2, keepdim=True)], 2) / below
        pull = (back @ groups.T) * (about * (2 * self.seen / n))
        return deviation.square().sum((1, 2)), pull


def between_odds(x: Tensor, cluster: Tensor, n_clusters: int) -> Tensor:
    """Variance of each feature between clusters over that within them (p,), at most `MOST_ODDS`.

    Components of a one-way analysis of variance with unequal sizes, which are unbiased: many
    small clusters do not make noise look like a difference. x (n, p), cluster (n,).
    """
    n, present = len(x), int(torch.unique(cluster).numel())
    if not 1 < present < n:
        return torch.zeros_like(x[0])
    size = torch.bincount(cluster, minlength=n_clusters).to(x.dtype)[:, None]  # (K, 1)
    mean = torch.zeros(n_clusters, x.shape[1], device=x.device, dtype=x.dtype)
    mean = mean.index_add_(0, cluster, x) / size.clamp_min(1)
    within = (x - mean[cluster]).square().sum(0) / (n - present)
    above = (size * (mean - x.mean(0)).square()).sum(0) / (present - 1)
    typical = (n - float(size.square().sum()) / n) / (present - 1)
    between = ((above - within) / typical).clamp_min(0)
    return (between / within.clamp_min(1e-6)).clamp_max(MOST_ODDS)


def absolute_correlation(values: Tensor, about: Tensor, design: Tensor, weight: Tensor) -> Tensor:
    """Mean |corr(answer, sensitive column)| (M,), within the rows each value is about."""
    share = about * weight
    share = share / share.sum(1, keepdim=True).clamp_min(1e-6)  # (E, n)
    centred = values - (values * share).sum(2, keepdim=True)
    weighted = centred * share
    spread = (weighted * centred).sum(2, keepdim=True)  # (M, E, 1)
    column_mean = share @ design  # (E, S)
    column_var = (share @ design.square() - column_mean.square()).clamp_min(0)
    return (weighted @ design / (spread * column_var + 1e-8).sqrt()).abs().mean((1, 2))
