"""How ROME turns the answers of experts into one: tilted gate, plain gate, one global weight.

All functions are pure: arrays in, arrays out. Shapes: n rows, G groups, C answers of an expert
(1 for regression, the class probabilities otherwise).

The tilted gate ("minimax"). Under group shares q the best prediction by squared, Brier or log
loss is the mixture with membership proportional to (q_j / share_j) P(j | s). Its risk is concave
in q, and its slope in q_j is the loss of group j. So the q that is hardest for the mixture,
found by exponentiated-gradient ascent, belongs to the prediction whose worst group is best.
With a limit on the average loss the same holds for a blend of q with the shares. All this is
exact where membership is calibrated; where it is not, the tilt is polished on the losses
themselves, of which the ascent gives the start and the bound.

The global weight ("maximin"): Wang, Buhlmann, Guo, arXiv 2309.02211.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Float = NDArray[np.float64]
LOSSES: tuple[str, ...] = ("squared", "log", "brier", "error")

TINY = 1e-12
SMALLEST = float(np.finfo(np.float64).tiny)  # losses have no natural scale: only 0 counts as none
STEPS = 300
GAP = 1e-4  # relative distance between primal and dual value that ends the ascent
SHORTEST = 1e-3  # rate of the ascent at which it has arrived
BISECTIONS = 8
MARGIN = 1e-6  # of a limit, so that rounding does not step over it
FAINT = 1e-6  # smallest share a polished tilt starts from: logarithms need one


def tilted(prior: Float, tilt: Float) -> Float:
    """Membership (n, G) proportional to tilt_j P(j | s)."""
    total = (prior @ tilt)[:, None]
    weights = prior * tilt / np.maximum(total, TINY)
    none = total <= TINY
    return np.where(none, prior, weights) if none.any() else weights


def mixed(weights: Float, answers: Float) -> Float:
    """Weighted answers (n, C) from weights (n, G) and answers (n, G, C)."""
    return np.asarray(np.einsum("ng,ngc->nc", weights, answers))


@dataclass(frozen=True)
class RowLoss:
    """The loss of every row as a function of the weights (n, G).

    Attributes
    ----------
    name : one of `LOSSES`
    answers : (n, G) values, or probabilities of the class that happened; (n, G, C) for "brier"
        and "error"
    target : (n,) values or class codes
    """

    name: str
    answers: Float
    target: NDArray[Any]

    def __call__(self, weights: Float) -> Float:
        """Losses (n,) under weights (n, G)."""
        if self.answers.ndim == 2:
            return self._of_mixed(np.einsum("ng,ng->n", weights, self.answers))
        return self._of_mixed(mixed(weights, self.answers))

    def _of_mixed(self, answer: Float) -> Float:
        if self.name == "squared":
            return np.asarray(np.square(self.target - answer))
        if self.name == "log":
            return np.asarray(-np.log(np.maximum(answer, TINY)))
        if self.name == "brier":
            truth = np.eye(answer.shape[1])[self.target]
            return np.asarray(np.square(answer - truth).sum(axis=1))
        return np.asarray(answer.argmax(axis=1) != self.target, dtype=np.float64)

    def under_tilts(self, prior: Float) -> Callable[[Float], Float]:
        """The losses (n,) as a function of the tilt (G,)."""
        if self.answers.ndim > 2:
            return lambda tilt: self(tilted(prior, tilt))
        # two products with vectors for each tilt in place of an array (n, G) of weights
        parts, shares = (
            np.ascontiguousarray((prior * self.answers).T),
            np.ascontiguousarray(prior.T),
        )

        def losses(tilt: Float) -> Float:
            total = tilt @ shares
            if total.min() <= TINY:
                return self(tilted(prior, tilt))
            return self._of_mixed(tilt @ parts / total)

        return losses


def row_loss(loss: str, answers: Float, y: NDArray[np.generic]) -> RowLoss:
    """The loss of every row as a function of the weights (n, G).

    Parameters
    ----------
    loss : {"squared", "log", "brier", "error"}
    answers : (n, G, C)
    y : (n,) values, or class codes
    """
    if loss == "squared":
        return RowLoss(loss, answers[:, :, 0], np.asarray(y, dtype=np.float64))
    codes = np.asarray(y, dtype=np.int64)
    if loss == "log":
        answers = answers[np.arange(len(y)), :, codes]
    return RowLoss(loss, answers, codes)


def group_loss(loss: Float, resp: Float) -> Float:
    """Responsibility-weighted mean loss of each group, (G,); an empty group has loss 0."""
    return np.asarray(loss @ resp / np.maximum(np.ones(len(resp)) @ resp, TINY))


@dataclass(frozen=True)
class Tilt:
    """One point between average and worst group.

    Attributes
    ----------
    shares : (G,) the group shares the prediction is made for
    hardest : (G,) the shares the ascent ended at, before blending with the true ones
    average : float, mean loss over all rows
    losses : (G,) loss of each group
    gap : float, relative distance to the best worst case any prediction of this family reaches
    """

    shares: Float
    hardest: Float
    average: float
    losses: Float
    gap: float

    @property
    def worst(self) -> float:
        """Loss of the worst group."""
        return float(self.losses.max())

    @property
    def dual(self) -> float:
        """Risk under the shares it is made for: no prediction has a smaller worst case."""
        return float(self.shares @ self.losses)


@dataclass(frozen=True)
class Robust:
    """The problem of the tilted gate on one set of rows.

    Attributes
    ----------
    prior : (n, G) membership before y is seen
    resp : (n, G) responsibilities times row weight
    shares : (G,) of the groups
    loss : RowLoss
    """

    prior: Float
    resp: Float
    shares: Float
    loss: RowLoss

    @cached_property
    def present(self) -> Float:
        """Weight of each group, (G,)."""
        return np.asarray(self.resp.sum(axis=0))

    @cached_property
    def losses(self) -> Callable[[Float], Float]:
        """Losses (n,) of the gate under a tilt (G,)."""
        return self.loss.under_tilts(self.prior)

    def evaluate(self, hardest: Float, blend: float = 0.0) -> Tilt:
        """Losses of the gate tilted to (1 - blend) `hardest` + blend true shares."""
        shares = (1 - blend) * hardest + blend * self.shares
        loss = self.losses(shares / np.maximum(self.shares, TINY))
        present = self.present
        losses = loss @ self.resp / np.maximum(present, TINY)
        return Tilt(shares, hardest, float(losses @ present / present.sum()), losses, np.inf)

    def ascend(self, blend: float = 0.0, start: Float | None = None) -> Tilt:
        """Best tilt for (1 - blend) worst group + blend average, by exponentiated gradient.

        A step that lowers the dual value is halved until it does not, so the ascent cannot
        wander; it ends at a small gap, or where the dual value stands still.
        """
        best = self.evaluate(self.shares)
        if blend >= 1 or len(self.shares) == 1 or _value(best, blend) < SMALLEST:
            return replace(best, gap=0.0)
        now, rate = best if start is None else self.evaluate(start, blend), 1.0
        for _ in range(STEPS):
            best = min(best, now, key=lambda tilt: _value(tilt, blend))
            if _gap(now, best, blend) <= GAP or rate < SHORTEST:
                break
            tried = self.evaluate(_stepped(now.hardest, now.losses, rate), blend)
            if tried.dual < now.dual:
                rate /= 2
                continue
            now, rate = tried, rate * 1.5
        return replace(best, gap=max(_gap(now, best, blend), 0.0))

    def best(self, blend: float = 0.0) -> Tilt:
        """Best tilt for (1 - blend) worst group + blend average: the ascent, then polished."""
        ascended = self.ascend(blend)
        return _sealed(self.polished(ascended, blend), ascended, blend)

    def within(self, limit: float, tolerance: float = 0.0) -> tuple[Tilt, bool]:
        """Best worst group with an average loss of at most `limit`; False when out of reach.

        Of all tilts whose worst group loses at most `tolerance` (relative) on that, the one with
        the best average is taken: near the best, the worst group hardly moves while the average
        does.
        """
        first = self.ascend()
        best, reached = self.polished(first), True
        if best.average > limit:
            best, reached = self._limited(limit, first.hardest)
            best = self.polished(best, limit=limit) if reached else best
        if tolerance and reached:
            best = self.polished(best, 1.0, limit, best.worst * (1 + tolerance))
        return _sealed(best, first, 0.0), reached

    def polished(
        self, start: Tilt, blend: float = 0.0, limit: float = np.inf, most: float = np.inf
    ) -> Tilt:
        """A better tilt near `start` by sequential quadratic programming, or `start` itself.

        Minimises (1 - blend) worst group + blend average with an average of at most `limit` and
        a worst group of at most `most`. The ascent is exact only where membership is
        calibrated; its answer is near, and the tilt has only G - 1 free numbers.
        """
        if len(self.shares) == 1 or start.average < SMALLEST:
            return start
        moved = _programmed(self, start, blend, (limit, most))
        fits = moved.average <= limit and moved.worst <= most
        return moved if fits and _value(moved, blend) < _value(start, blend) else start

    def _limited(self, limit: float, start: Float) -> tuple[Tilt, bool]:
        """Best worst group with an average within `limit`, by bisection of the blend."""
        best, low, high = self.polished(self.evaluate(self.shares), 1.0), 0.0, 1.0
        reached = best.average <= limit
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            candidate = self.ascend(middle, start)
            start = candidate.hardest
            if candidate.average > limit:
                low = middle
                continue
            high = middle
            if not reached or candidate.worst < best.worst:
                best, reached = candidate, True
        return best, reached


def _stepped(q: Float, losses: Float, rate: float) -> Float:
    """One multiplicative step towards the groups with the larger losses."""
    moved = q * np.exp(rate * (losses / max(float(losses.max()), SMALLEST) - 1))
    moved = np.maximum(moved / moved.sum(), TINY)
    return np.asarray(moved / moved.sum())


def _programmed(robust: Robust, start: Tilt, blend: float, limits: tuple[float, float]) -> Tilt:
    """SLSQP's solution over the logarithms of the tilt and a bound t on all group losses."""
    scale = start.average
    scaled_limits = np.array(limits) / scale * (1 - MARGIN)

    @lru_cache(maxsize=256)
    def evaluated(logs: tuple[float, ...]) -> Tilt:
        return robust.evaluate(_shares(np.array(logs)))

    def objective(x: Float) -> float:
        return float((1 - blend) * x[-1] + blend * evaluated(tuple(x[:-1])).average / scale)

    def slack(x: Float) -> Float:
        tilt = evaluated(tuple(x[:-1]))
        slacks = np.append(
            x[-1] - tilt.losses / scale, scaled_limits - [tilt.average / scale, x[-1]]
        )
        return np.asarray(slacks[np.isfinite(slacks)])

    logs = np.log(np.maximum(start.shares, FAINT))
    initial = np.append(logs[:-1] - logs[-1], start.worst / scale)
    constraints: Any = {"type": "ineq", "fun": slack}
    settings: Any = {"maxiter": 50, "ftol": 1e-7, "eps": 1e-5}
    optimum = minimize(
        objective, initial, constraints=constraints, method="SLSQP", options=settings
    )
    return evaluated(tuple(optimum.x[:-1]))


def _shares(logs: Float) -> Float:
    """Shares (G,) from logarithms relative to the last group, (G - 1,)."""
    grown = np.exp(np.append(logs, 0.0) - max(float(logs.max()), 0.0))
    return np.asarray(np.maximum(grown / grown.sum(), TINY))


def _sealed(tilt: Tilt, first: Tilt, blend: float) -> Tilt:
    """The tilt with its gap to the dual bound from the ascent."""
    bound = _value(first, blend) * (1 - first.gap)
    return replace(tilt, gap=max(1 - bound / max(_value(tilt, blend), SMALLEST), 0.0))


def _value(tilt: Tilt, blend: float) -> float:
    return (1 - blend) * tilt.worst + blend * tilt.average


def _gap(now: Tilt, best: Tilt, blend: float) -> float:
    """Relative distance of the best value so far from the dual value that bounds it."""
    return 1 - now.dual / max(_value(best, blend), SMALLEST)


def explained(answers: Float, centre: Float, weight: Float) -> Float:
    """Plug-in Gamma (G, G): mean product of the experts' centred answers over the rows."""
    shifted = answers - centre
    return np.asarray(
        np.einsum("n,nkc,nlc->kl", weight / weight.sum(), shifted, shifted, optimize=True)
    )


def correction(
    answers: Float, centre: Float, target: Float, resp: Float, prior: Float, shares: Float
) -> Float:
    """First-order bias of the plug-in Gamma, (G, G), from rows the experts have not seen.

    Entry (k, l) is the mean of f_l (f_k - y) over rows of group k by soft responsibility, carried
    from the covariate law of the group to that of all rows by share_k / P(k | s), capped at 10.
    """
    ratio = np.minimum(shares / np.maximum(prior, TINY), 10.0)
    weight = resp * ratio
    weight = weight / np.maximum(weight.sum(axis=0), TINY)
    error = answers - target[:, None]  # (n, G, C)
    return np.asarray(np.einsum("nk,nkc,nlc->kl", weight, error, answers - centre, optimize=True))


def global_weight(gamma: Float, radius: float | None = None, centre: Float | None = None) -> Float:
    """Minimise v' Gamma v on the simplex, optionally with |v - centre| / sqrt(G) <= radius."""
    values, vectors = np.linalg.eigh((gamma + gamma.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    gamma = root @ root.T
    scale = max(float(np.trace(gamma)), TINY)
    count = len(gamma)
    start = np.full(count, 1 / count) if centre is None else centre / centre.sum()
    constraints: list[Any] = [{"type": "eq", "fun": lambda v: v.sum() - 1}]
    if radius is not None:
        constraints.append(
            {"type": "ineq", "fun": lambda v: count * radius**2 - np.square(v - start).sum()}
        )
    settings: Any = {"maxiter": 500, "ftol": 1e-14}
    optimum = minimize(
        lambda v: float(v @ gamma @ v) / scale,
        start,
        jac=lambda v: 2 * gamma @ v / scale,
        bounds=[(0.0, 1.0)] * count,
        constraints=constraints,
        method="SLSQP",
        options=settings,
    )
    v = np.clip(optimum.x, 0.0, 1.0)
    return np.asarray(v / v.sum())
