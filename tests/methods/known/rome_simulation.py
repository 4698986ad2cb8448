"""The simulation of the ROME paper (arXiv 2509.17411): four hidden groups with known coefficients.

Membership is misspecified on purpose: the true gate bends and crosses sensitive attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

# rows = groups; columns = intercept, A1..A15, S1..S5
NUMBERS = """
0.8444 -0.4238 0.6964 -0.4485 -0.7370 1.1445 0.9875 -1.7015 1.2169 -0.9222 0.4033
1.7288 -1.6607 -0.2171 -0.4361 -1.5197 -0.3725 0.8262 -1.4533 -0.7728 -1.1345
0.0904 0.7489 -0.5453 1.6461 -0.4295 -1.0033 1.6658 -1.6814 1.7997 -1.5660 -1.5240
1.1513 1.4607 1.6372 -0.8308 -0.4867 -0.5569 -1.5086 -0.8481 0.9956 -1.4407
0.9621 1.3091 0.5592 -1.1647 0.2548 1.0137 -1.3363 -1.2952 -1.7661 0.7435 0.3948
0.2920 1.6276 0.8403 -0.5088 -0.3251 1.0581 -0.4503 -0.7483 0.7654 0.5090
0.6181 0.3070 1.7026 1.3610 1.3843 -1.3768 -1.2095 0.7451 0.2179 -0.2866 -1.7272
0.8299 -1.3676 -1.7809 1.7471 -1.4273 0.4140 0.9027 1.4293 1.4600 -1.7899
"""
BETA: Float = np.array(NUMBERS.split(), dtype=np.float64).reshape(4, 21)
GATE: Float = np.array([[2, 2, 2], [-3, -2, -5], [0.1, -10, 0.1], [-2, -2, -2]])
CUTS = (1.6448536269514722, 1.2815515655446004)  # standard normal quantiles at .95 and .90


@dataclass(frozen=True)
class Draw:
    """One sample: features, sensitive attributes, outcome, true group."""

    A: Float
    S: Float
    y: Float
    z: NDArray[np.int64]


def draw(n: int, rng: np.random.Generator) -> Draw:
    """n rows of the simulation."""
    A, S = rng.normal(size=(n, 15)), rng.normal(size=(n, 5))
    for column, cut in zip((3, 4), CUTS, strict=True):
        S[:, column] = S[:, column] > cut
    bent = np.column_stack([np.sin(S[:, 0]), S[:, 1], S[:, 2] * S[:, 3]])
    z = (bent @ GATE.T + rng.gumbel(size=(n, 4))).argmax(axis=1)
    design = np.column_stack([np.ones(n), A, S])
    y = (design * BETA[z]).sum(axis=1) + rng.normal(0, 0.1, n)
    return Draw(A, S, y, z)


def coefficient_errors(found: Float) -> Float:
    """Mean absolute error in every group after the best matching, (4,)."""
    each = np.abs(found[:, None] - BETA[None]).mean(axis=2)  # (found, true)
    orders = list(permutations(range(4)))
    best = min(orders, key=lambda o: each[range(4), o].sum())
    return np.asarray(each[range(4), best])


def group_errors(answer: Float, test: Draw) -> tuple[float, float]:
    """Worst true group's and overall mean squared error."""
    error = np.square(test.y - answer)
    return max(float(error[test.z == g].mean()) for g in range(4)), float(error.mean())


def pooled_errors(train: Draw, test: Draw) -> tuple[float, float]:
    """The same of pooled least squares on A and S."""
    design = np.column_stack([np.ones(len(train.y)), train.A, train.S])
    beta = np.linalg.lstsq(design, train.y, rcond=None)[0]
    return group_errors(np.column_stack([np.ones(len(test.y)), test.A, test.S]) @ beta, test)
