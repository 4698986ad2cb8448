"""Losses of Fair MEDL, pure: tensors in, one value a model out (leading axis M = models)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from fairaudit.methods._medl_inputs import Target

FEWEST = 5.0  # rows of a group and class in the window


def gaussian_kl(mean: Tensor, log_sd: Tensor, prior_sd: Tensor) -> Tensor:
    """KL(N(mean, sd²) ‖ N(0, prior_sd²)), element by element; the analytic form."""
    ratio = torch.exp(2 * log_sd) + mean * mean
    return torch.log(prior_sd) - log_sd + ratio / (2 * prior_sd * prior_sd) - 0.5


def outcome_loss(
    task: str, raw: Tensor, y: Tensor, noise: Tensor, extra: Tensor | float
) -> Tensor:
    """L_y by row (M, n): cross-entropy, or squared error over twice the noise variance.

    raw (M, n, O) are logits or standardised values; `extra` is the posterior variance of the
    random effects (regression only), which makes the expected squared error exact.
    """
    if task == "binary":
        return functional.softplus(raw[..., 0]) - raw[..., 0] * y
    if task == "multiclass":
        own = raw.gather(2, y.long().expand(len(raw), -1)[..., None])[..., 0]
        return torch.logsumexp(raw, 2) - own
    error = (raw[..., 0] - y).square() + extra
    return error / (2 * noise[:, None])


def answer(task: str, raw: Tensor) -> Tensor:
    """The link: probabilities (M, n, 1 or C) or values (M, n, 1)."""
    if task == "binary":
        return torch.sigmoid(raw)
    return torch.softmax(raw, 2) if task == "multiclass" else raw


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over the last axis with row weights (n,)."""
    return (values @ weight) / weight.sum()


def events(task: str, target: Target, answers: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What must be equal across groups: values (M, n, E) and the rows each is about (n, E).

    Equalized odds: TPR and FPR of each class (binary: of the positive class), or the squared
    error; demographic parity: the mean answer.
    """
    if target == "demographic_parity":
        return answers, torch.ones(answers.shape[1:], device=answers.device)
    if task == "regression":
        return (answers - y[:, None]).square(), torch.ones_like(y)[:, None]
    if task == "binary":
        return answers.expand(-1, -1, 2), torch.stack([y, 1 - y], 1)
    own = functional.one_hot(y.long(), answers.shape[2]).to(answers.dtype)
    return torch.cat([answers, answers], 2), torch.cat([own, 1 - own], 1)


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

        values (M, n, E), about (n, E), groups (n, G) with row weights inside; the last column
        of `groups` is everybody.
        """
        n = len(about)
        top = torch.einsum("mne,ng->mge", values * about, groups)
        bottom = torch.einsum("ne,ng->ge", about, groups)
        keep = max(0.0, 1 - n / self.window) if self.above is not None else 0.0
        if self.above is None or self.below is None:
            self.above, self.below = torch.zeros_like(top), torch.zeros_like(bottom)
        self.seen = keep * self.seen + n
        above = keep * self.above + top.detach()
        self.below = keep * self.below + bottom
        below = self.below.clamp_min(1e-6)
        self.above = above
        rate = (above + (top - top.detach()) * (self.seen / n)) / below  # (M, G, E)
        judged = below[:-1] >= FEWEST  # a rate of fewer rows is noise, not a target
        return ((rate[:, :-1] - rate[:, -1:]).square() * judged).sum((1, 2))


def absolute_correlation(values: Tensor, about: Tensor, design: Tensor, weight: Tensor) -> Tensor:
    """Mean |corr(answer, sensitive column)| (M,), within the rows each value is about."""
    share = about * weight[:, None]
    share = share / share.sum(0).clamp_min(1e-6)  # (n, E)
    centred = values - (values * share).sum(1, keepdim=True)
    spread = (centred.square() * share).sum(1)  # (M, E)
    column_mean = share.T @ design  # (E, S)
    column_var = (share.T @ design.square() - column_mean.square()).clamp_min(0)
    cross = torch.einsum("mne,ns->mes", centred * share, design)
    scale = (spread[..., None] * column_var + 1e-8).sqrt()
    return (cross / scale).abs().mean((1, 2))
