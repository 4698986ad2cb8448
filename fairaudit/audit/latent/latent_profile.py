"""Says in words and shares who belongs to a latent group: rules, profiles, overlaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.exceptions import InputError

Float = NDArray[np.float64]
Scale = tuple[float, float]  # centre and spread that turn a standardised column into its units

GROUP_PROFILE = pl.Schema(
    {
        "group": pl.String,
        "feature": pl.String,
        "mean": pl.Float64,
        "population": pl.Float64,
        "standardised": pl.Float64,
    }
)
OVERLAP = pl.Schema(
    {
        "group": pl.String,
        "attribute": pl.String,
        "level": pl.String,
        "share_of_group": pl.Float64,
        "share_of_level": pl.Float64,
        "n": pl.Float64,
    }
)


def group_name(index: int) -> str:
    """The name of latent group `index` (0-based) everywhere: "group 1", "group 2", …"""
    return f"group {index + 1}"


def as_membership(membership: Any) -> Float:
    """Soft membership (n, G) from shares (n, G) or from codes (n,)."""
    array = np.asarray(membership)
    if array.ndim == 2:
        return array.astype(np.float64)
    codes = array.astype(np.int64)
    return np.eye(int(codes.max(initial=0)) + 1)[codes]


@dataclass(frozen=True)
class _Step:
    """One side of one split of the tree."""

    feature: int
    threshold: float
    above: bool


def plain_rules(
    X: Any,
    feature_names: Sequence[str],
    membership: Any,
    *,
    max_depth: int = 3,
    units: Mapping[str, Scale] | None = None,
    seed: int = 0,
) -> list[tuple[str, float]]:
    """A rule in plain words for each latent group, with its fidelity.

    A shallow tree is fitted for each group against all other rows; the rule is the branch or
    branches (at most two) in which the group is over-represented.

    Parameters
    ----------
    X : (n, p) array
        Columns the rule may speak of.
    feature_names : p names; "column=level" marks a 0/1 column of a category.
    membership : (n, G) shares or (n,) codes
    max_depth : depth of the tree
    units : mapping of feature name to (centre, spread)
        Standardised columns named here are written in their own units.
    seed : which third of the rows measures the fidelity

    Returns
    -------
    list of (rule, fidelity), one per group
        Fidelity is the balanced agreement of rule and membership (mean of the share of members
        the rule finds and of non-members it leaves out) on rows the rule was not made from;
        0.5 = chance, 1 = perfect.

    Raises
    ------
    InputError
        When X, the names and the membership do not fit together.
    """
    X = np.asarray(X, dtype=np.float64)
    shares = as_membership(membership)
    if X.ndim != 2 or len(feature_names) != X.shape[1] or len(X) != len(shares):
        raise InputError(
            f"X has shape {X.shape}, there are {len(feature_names)} feature names and "
            f"{len(shares)} membership rows; pass one name a column and one membership a row"
        )
    rng = np.random.default_rng([seed, 7919])  # its own stream: callers seed with 0 too
    held = rng.random(len(X)) < 1 / 3
    if held.all() or not held.any():
        held = np.arange(len(X)) % 3 == 0
    return [
        _rule_of(X, shares[:, g], held, tuple(feature_names), max_depth, units or {}, seed)
        for g in range(shares.shape[1])
    ]


def _rule_of(
    X: Float,
    share: Float,
    held: NDArray[np.bool_],
    names: tuple[str, ...],
    max_depth: int,
    units: Mapping[str, Scale],
    seed: int,
) -> tuple[str, float]:
    member = share > 0.5
    fit = ~held
    if member[fit].all():
        return "all rows", 1.0 if member.all() else 0.5
    if not member[fit].any():
        return "hardly any rows", 0.5
    branches = _branches(X[fit], member[fit], max_depth, seed)
    if not branches:
        return "no short rule describes this group", 0.5
    inside = np.zeros(len(X), dtype=bool)
    for branch in branches:
        inside |= _inside(X, branch)
    text = ", or ".join(_words(branch, X, names, units) for branch in branches)
    return text, _balanced_agreement(member[held], inside[held])


def _branches(
    X: Float, member: NDArray[np.bool_], max_depth: int, seed: int
) -> list[tuple[_Step, ...]]:
    """Up to two leaves where members are over-represented, the fullest first."""
    from sklearn.tree import DecisionTreeClassifier

    leaf = max(5, len(X) // 100)
    tree = DecisionTreeClassifier(
        max_depth=max_depth, min_samples_leaf=leaf, class_weight="balanced", random_state=seed
    ).fit(X, member)
    leaves = tree.apply(X)
    base = member.mean()
    found = []
    for node, path in _paths(tree.tree_).items():
        rows = leaves == node
        if path and rows.any() and member[rows].mean() > max(base, 0.5 * _purity(base)):
            found.append((int(member[rows].sum()), path))
    found.sort(key=lambda item: -item[0])
    return _joined([_shorten(path) for _, path in found[:2]])


def _joined(branches: list[tuple[_Step, ...]]) -> list[tuple[_Step, ...]]:
    """Two branches that differ only in the side of one split are one shorter branch."""
    if len(branches) != 2:
        return branches
    first, second = (set(b) for b in branches)
    left, right = first - second, second - first
    if len(left) != 1 or len(right) != 1:
        return branches
    (a,), (b,) = left, right
    same_split = (a.feature, a.threshold) == (b.feature, b.threshold) and a.above != b.above
    shared = tuple(step for step in branches[0] if step != a)
    return [shared] if same_split and shared else branches


def _purity(base: float) -> float:
    """How rich a branch must be: at least half members for common groups, 2 × base for rare."""
    return float(min(1.0, 4 * base))


def _paths(tree: Any) -> dict[int, tuple[_Step, ...]]:
    """The splits on the way to each leaf."""
    found: dict[int, tuple[_Step, ...]] = {}
    todo: list[tuple[int, tuple[_Step, ...]]] = [(0, ())]
    while todo:
        node, path = todo.pop()
        if tree.children_left[node] < 0:
            found[node] = path
            continue
        feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        todo.append((left, (*path, _Step(feature, threshold, False))))
        todo.append((right, (*path, _Step(feature, threshold, True))))
    return found


def _shorten(path: tuple[_Step, ...]) -> tuple[_Step, ...]:
    """Keep the tightest bound of each side of each feature."""
    tightest: dict[tuple[int, bool], _Step] = {}
    for step in path:
        key = (step.feature, step.above)
        old = tightest.get(key)
        tighter = old is None or (step.threshold > old.threshold) == step.above
        if tighter:
            tightest[key] = step
    return tuple(tightest.values())


def _inside(X: Float, branch: tuple[_Step, ...]) -> NDArray[np.bool_]:
    inside = np.ones(len(X), dtype=bool)
    for step in branch:
        above = X[:, step.feature].astype(np.float32) > step.threshold  # trees compare in float32
        inside &= above == step.above
    return inside


def _words(
    branch: tuple[_Step, ...], X: Float, names: tuple[str, ...], units: Mapping[str, Scale]
) -> str:
    return " and ".join(_step_words(s, X[:, s.feature], names[s.feature], units) for s in branch)


def _step_words(step: _Step, column: Float, name: str, units: Mapping[str, Scale]) -> str:
    if np.isin(column[~np.isnan(column)], (0.0, 1.0)).all():
        feature, _, level = name.partition("=")
        if level:
            return f"{feature} is {level}" if step.above else f"{feature} is not {level}"
        return f"{name} is {int(step.above)}"
    centre, spread = units.get(name, (0.0, 1.0))
    threshold = step.threshold * spread + centre
    return f"{name} {'above' if step.above else 'at most'} {_plain(threshold)}"


def _plain(value: float) -> str:
    """Four significant digits without an exponent: 45,430 and 0.00012 rather than 4.543e+04."""
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{round(value, 3 - math.floor(math.log10(abs(value)))) if value else 0:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _balanced_agreement(member: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    if member.all() or not member.any():
        return 0.5
    return float(0.5 * (inside[member].mean() + (~inside[~member]).mean()))


def group_profile(X: Any, feature_names: Sequence[str], membership: Any) -> pl.DataFrame:
    """Mean of every feature in each latent group beside the population.

    `standardised` is the distance of the two means in population standard deviations; 0 for a
    constant feature. Membership (n, G) weighs rows softly.
    """
    X = np.asarray(X, dtype=np.float64)
    shares = as_membership(membership)
    mass = shares.sum(axis=0)  # (G,)
    means = np.divide(
        shares.T @ X,
        mass[:, None],
        out=np.full((len(mass), X.shape[1]), np.nan),
        where=mass[:, None] > 0,
    )
    population, spread = X.mean(axis=0), X.std(axis=0)
    standardised = np.divide(
        means - population, spread, out=np.zeros_like(means), where=spread > 0
    )
    G, p = means.shape
    return pl.DataFrame(
        {
            "group": np.repeat([group_name(g) for g in range(G)], p).tolist(),
            "feature": list(feature_names) * G,
            "mean": means.ravel(),
            "population": np.tile(population, G),
            "standardised": standardised.ravel(),
        },
        schema=GROUP_PROFILE,
    ).with_columns(pl.col("mean", "standardised").fill_nan(None))


def overlap(groups: Mapping[str, Any], membership: Any) -> pl.DataFrame:
    """How latent groups and declared attributes share their rows.

    Parameters
    ----------
    groups : mapping of attribute to (n,) labels
    membership : (n, G) shares or (n,) codes

    Returns
    -------
    polars.DataFrame
        `n` is the (soft) number of rows in both, `share_of_group` its share of the latent
        group, `share_of_level` its share of the declared level.
    """
    shares = as_membership(membership)
    mass = shares.sum(axis=0)
    parts = [
        _overlap_of(attribute, np.asarray(labels), shares, mass)
        for attribute, labels in groups.items()
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=OVERLAP)


def _overlap_of(attribute: str, labels: NDArray[Any], shares: Float, mass: Float) -> pl.DataFrame:
    levels, codes = np.unique(labels.astype(np.str_), return_inverse=True)
    both = np.stack(
        [np.bincount(codes, weights=column, minlength=len(levels)) for column in shares.T]
    )  # (G, L)
    G, L = both.shape
    level_rows = np.bincount(codes, minlength=len(levels)).astype(np.float64)
    of_group = np.divide(both, mass[:, None], out=np.zeros_like(both), where=mass[:, None] > 0)
    return pl.DataFrame(
        {
            "group": np.repeat([group_name(g) for g in range(G)], L).tolist(),
            "attribute": [attribute] * (G * L),
            "level": levels.tolist() * G,
            "share_of_group": of_group.ravel(),
            "share_of_level": (both / level_rows).ravel(),
            "n": both.ravel(),
        },
        schema=OVERLAP,
    )
