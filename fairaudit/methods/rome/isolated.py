"""Outcomes that stand alone: too far from everything, and too few, to form a group.

The likelihood of a mixture grows when one mis-keyed outcome gets a group of its own, and the
groups that are there then share the rest. Such rows are recognised before EM. Being far is not
enough: tails of skewed or heavy-tailed outcomes thin out without a gap, and a group that lies
elsewhere has more rows than a few in a thousand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairaudit.methods.rome.design import Float

FAR = 15.0  # robust standard deviations of the pooled residual beyond which a row may be isolated
GAP = 3.0  # times as far as the farthest of the other rows
FEW = 0.003  # largest share of rows that may be isolated (one always may)
ROUNDS = 5  # refits without the rows recognised so far, which may have hidden others
FEWEST = 20  # rows below which isolation is not judged


def isolated_rows(design: Float, y: Float, weight: Float) -> NDArray[np.int64]:
    """Positions of rows whose outcome is isolated.

    Parameters
    ----------
    design : (n, p) expert features with their constant
    y : (n,) outcomes
    weight : (n,) rows of weight 0 are ignored

    Returns
    -------
    positions, in increasing order
    """
    used = np.flatnonzero(weight > 0)
    most = max(1, int(FEW * len(used)))
    out = np.zeros(len(y), dtype=bool)
    if len(used) < FEWEST:
        return np.flatnonzero(out)
    for _ in range(ROUNDS):
        kept = used[~out[used]]
        root = np.sqrt(weight[kept])
        omega = np.linalg.lstsq(design[kept] * root[:, None], y[kept] * root, rcond=None)[0]
        distance = np.abs(y - design @ omega)
        now = _beyond_gap(distance[used], most)
        if not now.any() or (out[used] == now).all():
            break
        out[:] = False
        out[used[now]] = True
    return np.flatnonzero(out)


def _beyond_gap(distance: Float, most: int) -> NDArray[np.bool_]:
    """Which of the distances lie far beyond a gap, at most `most` of them."""
    scale = 1.4826 * float(np.median(distance))
    order = np.sort(distance)
    tail = order[-most - 1 :]
    jumps = (tail[1:] >= GAP * tail[:-1]) & (tail[1:] > FAR * scale)
    if scale <= 0 or not jumps.any():
        return np.zeros(len(distance), dtype=bool)
    first = tail[1:][jumps.argmax()]
    return np.asarray(distance >= first)


def isolated_text(rows: NDArray[np.int64]) -> str:
    """Which rows were left out, and what to do about them."""
    names = ", ".join(str(row) for row in rows[:10]) + (", …" if len(rows) > 10 else "")
    one = len(rows) == 1
    return (
        f"y of {'row' if one else 'rows'} {names} (counted from 0) lies far from all others, and "
        f"{'it was' if one else 'they were'} left out of the fit; correct "
        f"{'it' if one else 'them'}, or set leave_out_isolated=False"
    )
