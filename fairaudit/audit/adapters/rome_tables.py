"""Tables about latent groups: membership by row, sizes, rules, profiles, held-out errors."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.latent.groups import group_name, group_profile, overlap, plain_rules
from fairaudit.audit.latent.rules import levels_of
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.methods.rome.held_groups import loss_of_groups

Float = NDArray[np.float64]
RULE_ROWS = 10_000  # about as many rows make the rules: trees of depth 3 need no more


def latent_table(arrays: Arrays, prior: Float, resp: Float) -> pl.DataFrame:
    """Membership by row: `p*` and `group` before y is seen, `r*` after.

    Groups that are judged must not depend on the outcome, so `group` is the likeliest one given
    the sensitive attributes alone.
    """
    split = np.array(SPLITS)[arrays.split]
    return pl.DataFrame(
        {
            "row": arrays.row_id,
            "split": split.tolist(),
            **{f"p{j}": prior[:, j] for j in range(prior.shape[1])},
            "group": prior.argmax(axis=1).astype(np.int64),
            **{f"r{j}": resp[:, j] for j in range(resp.shape[1])},
        }
    )


def columns(arrays: Arrays) -> tuple[Float, tuple[str, ...]]:
    """Sensitive design and features side by side, each name once, in the columns' own units."""
    known = list(arrays.sensitive_names)
    keep = [j for j, name in enumerate(arrays.feature_names) if name not in known]
    names = (*known, *(arrays.feature_names[j] for j in keep))
    scales = np.array([arrays.units.get(name, (0.0, 1.0)) for name in names]).reshape(-1, 2)
    both = np.column_stack([arrays.sensitive, arrays.X[:, keep]])
    return np.round(both * scales[:, 1] + scales[:, 0], 9), names  # flags stay 0 and 1


def described_groups(arrays: Arrays, prior: Float, loss: Float, confidence: float) -> pl.DataFrame:
    """One row per group: size, plain rule and its fidelity, entropy, held-out loss.

    All of it uses P(group | s), which is fixed before y is seen: responsibilities have seen
    y, so that groups weighed by them differ in loss where there are none.
    """
    train, test = arrays.split == 0, arrays.split == 2
    design, names = columns(arrays)
    some = np.flatnonzero(train)[:: max(1, int(train.sum()) // RULE_ROWS)]
    rules = plain_rules(design[some], names, prior[some], levels=levels_of(arrays.groups))
    weight = np.ones(len(arrays)) if arrays.weight is None else arrays.weight
    unit = None if arrays.cluster is None else arrays.cluster[test]
    count = prior.shape[1]
    losses = [
        held_out_loss(loss[test], prior[test, j] * weight[test], unit, confidence)
        for j in range(count)
    ]
    mass = prior[train].T @ weight[train]
    return pl.DataFrame(
        {
            "group": [group_name(j) for j in range(count)],
            "share": mass / mass.sum(),
            "n_train": prior[train].sum(axis=0),
            "n_test": prior[test].sum(axis=0),
            "rule": [rule for rule, _ in rules],
            "fidelity": [fidelity for _, fidelity in rules],
            "entropy": [_entropy(prior, prior[:, j]) for j in range(count)],
            "heldout_loss": [value for value, _, _ in losses],
            "heldout_low": [low for _, low, _ in losses],
            "heldout_high": [high for _, _, high in losses],
        }
    )


def _entropy(prior: Float, weight: Float) -> float:
    """Mean uncertainty of membership (0 = certain, 1 = chance) over the rows of a group."""
    if prior.shape[1] < 2 or weight.sum() <= 0:
        return 0.0
    each = -(prior * np.log(np.maximum(prior, 1e-300))).sum(axis=1) / np.log(prior.shape[1])
    return float(weight @ each / weight.sum())


def held_out_loss(
    loss: Float, weight: Float, cluster: NDArray[np.int64] | None, confidence: float
) -> tuple[float | None, float | None, float | None]:
    """Weighted mean loss with its interval; None where fewer than two rows carry weight."""
    total = weight.sum()
    if total < 1e-6:
        return None, None, None
    member, none = (weight / total)[:, None], np.ones(len(weight))
    row = next(loss_of_groups(member, {1: loss}, none, cluster, confidence))
    return row["loss"], row["loss_low"], row["loss_high"]


def profile(arrays: Arrays, prior: Float) -> pl.DataFrame:
    """Means of all columns in each group beside the population, on training rows."""
    train = arrays.split == 0
    design, names = columns(arrays)
    return group_profile(design[train], names, prior[train])


def group_overlap(arrays: Arrays, prior: Float) -> pl.DataFrame:
    """Shares of declared levels in each group, on training rows."""
    train = arrays.split == 0
    return overlap({k: v[train] for k, v in arrays.groups.items()}, prior[train])
