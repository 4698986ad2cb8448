"""The same groups under models with more or fewer groups: does any group gain from more?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.rome.combine import TINY
from fairaudit.methods.rome.design import Float
from fairaudit.methods.rome.group_count import cluster_totals
from fairaudit.stats import intervals

FEWEST = 2.0  # rows or clusters that have to carry a group


def loss_of_groups(
    member: Float,
    losses: Mapping[int, Float],
    weight: Float,
    cluster: NDArray[Any] | None,
    confidence: float,
) -> Iterator[dict[str, Any]]:
    """Loss of each group under each model, and its paired difference to the common model.

    Parameters
    ----------
    member : (n, G) P(group | s) of one partition, fixed before y
    losses : (n,) losses of the model with each number of groups; 1 is the common model
    weight : (n,)
    cluster : (n,) or None
        Rows of one cluster are not independent: errors then come from whole clusters.
    confidence : float
        Of the intervals of losses; those of differences hold jointly for all groups and models.

    Yields
    ------
    dict
        group (0-based), models, loss, difference, and the limits of both intervals; None where too
        few rows carry the group.
    """
    several = max(1, member.shape[1] * (len(losses) - 1))
    joint = 1 - (1 - confidence) / several
    for j in range(member.shape[1]):
        share = member[:, j] * weight
        share = share / max(float(share.sum()), TINY)
        carried = 1 / max(float(np.square(cluster_totals(share, cluster)).sum()), TINY) >= FEWEST
        for count, loss in sorted(losses.items()):
            row = {"group": j, "models": count, **dict.fromkeys(COLUMNS)}
            if carried:
                row |= _interval("loss", loss, share, cluster, confidence)
                if count != 1:
                    row |= _interval("difference", loss - losses[1], share, cluster, joint)
            yield row


COLUMNS = tuple(f"{name}{end}" for name in ("loss", "difference") for end in ("", "_low", "_high"))


def _interval(
    name: str, values: Float, share: Float, cluster: NDArray[Any] | None, confidence: float
) -> dict[str, float]:
    """A weighted mean with its interval, from rows or whole clusters."""
    mean = float(share @ values)
    totals = cluster_totals(share * (values - mean), cluster)
    degrees = max(1 / float(np.square(cluster_totals(share, cluster)).sum()) - 1, 1.0)
    spread = float(np.sqrt(np.square(totals).sum() * (degrees + 1) / degrees))
    reach = intervals.quantile(confidence, degrees) * spread
    return {name: mean, f"{name}_low": mean - reach, f"{name}_high": mean + reach}
