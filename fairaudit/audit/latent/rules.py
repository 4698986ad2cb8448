"""Short rules that describe the members of a latent group, in the table's units and labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.latent.latent_profile import as_membership
from fairaudit.exceptions import InputError

Float = NDArray[np.float64]
Scale = tuple[float, float]  # centre and spread that turn a standardised column into its units
Box = Mapping[int, tuple[float, float]]  # rows with low < value <= high in each of these columns

DESCRIBES = 0.8  # fidelity below which a rule describes no group
NO_RULE = "no simple rule describes this group"
MOST_BOXES = 2
MOST_CODES = 10  # different whole numbers that may be codes of categories
MOST_LISTED = 3  # of them that a rule lists
WORTH = 0.005  # agreement that a condition must add to stay in a rule
_EVERYWHERE = (-math.inf, math.inf)
_PEOPLE = {
    "male": "men", "man": "men", "men": "men", "female": "women", "woman": "women",
    "women": "women",
}  # fmt: skip


def plain_rules(
    X: Any,
    feature_names: Sequence[str],
    membership: Any,
    *,
    max_depth: int = 3,
    units: Mapping[str, Scale] | None = None,
    levels: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> list[tuple[str, float]]:
    """A rule in plain words for each latent group, with its fidelity.

    A shallow tree is fitted for each group against all other rows; the leaves in which the group
    is over-represented are joined where they are neighbours, and conditions that add nothing are
    left out. At most two parts remain.

    Parameters
    ----------
    X : (n, p) array
        Columns the rule may speak of.
    feature_names : p names; "column=level" marks a 0/1 column of a category.
    membership : (n, G) shares or (n,) codes
    max_depth : depth of the tree
    units : mapping of feature name to (centre, spread)
        Standardised columns named here are written in their own units.
    levels : mapping of column to all its levels
        Of a category with two levels, "not the one" is written as the other.
    seed : which third of the rows measures the fidelity

    Returns
    -------
    list of (rule, fidelity), one per group
        Fidelity is the balanced agreement of rule and membership (mean of the share of members
        the rule finds and of non-members it leaves out) on rows the rule was not made from;
        0.5 = chance, 1 = perfect. Below 0.8 the rule says that there is none.

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
    columns = [
        _Column(name, X[:, j], (units or {}).get(name, (0.0, 1.0)), levels or {})
        for j, name in enumerate(feature_names)
    ]
    return [_rule_of(X, share, held, columns, max_depth, seed) for share in shares.T]


def levels_of(groups: Mapping[str, Any]) -> dict[str, list[str]]:
    """All levels of each declared attribute, from the labels of its rows."""
    return {name: np.unique(np.asarray(v).astype(np.str_)).tolist() for name, v in groups.items()}


def _rule_of(
    X: Float,
    share: Float,
    held: NDArray[np.bool_],
    columns: Sequence[_Column],
    max_depth: int,
    seed: int,
) -> tuple[str, float]:
    member = share > 0.5
    fit = ~held
    if member[fit].all():
        return "all rows", 1.0 if member.all() else 0.5
    if not member[fit].any():
        return NO_RULE, 0.5
    boxes = _pruned(X[fit], member[fit], _boxes(X[fit], member[fit], max_depth, seed))
    if not boxes:
        return NO_RULE, 0.5
    fidelity = balanced_agreement(member[held], inside_any(X, boxes)[held])
    if fidelity < DESCRIBES:
        return NO_RULE, fidelity
    return _sentence(boxes, columns), fidelity


# -- boxes ----------------------------------------------------------------------------------------


def _boxes(X: Float, member: NDArray[np.bool_], max_depth: int, seed: int) -> list[Box]:
    """At most two boxes where members are over-represented, the fullest first."""
    from sklearn.tree import DecisionTreeClassifier

    leaf = max(5, len(X) // 100)
    tree = DecisionTreeClassifier(
        max_depth=max_depth, min_samples_leaf=leaf, class_weight="balanced", random_state=seed
    ).fit(X, member)
    leaves = tree.apply(X)
    base = member.mean()
    richest = max(base, 0.5 * min(1.0, 4 * base))  # half members, or twice the share if rare
    rich = [
        box
        for node, box in _leaf_boxes(tree.tree_).items()
        if box and (leaves == node).any() and member[leaves == node].mean() > richest
    ]
    joined = joined_boxes(rich)
    joined.sort(key=lambda box: -int(member[_inside(X, box)].sum()))
    return joined[:MOST_BOXES]


def _leaf_boxes(tree: Any) -> dict[int, Box]:
    """The box of each leaf."""
    boxes: dict[int, Box] = {}
    todo: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while todo:
        node, box = todo.pop()
        if tree.children_left[node] < 0:
            boxes[node] = box
            continue
        feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
        low, high = box.get(feature, _EVERYWHERE)
        todo.append((int(tree.children_left[node]), {**box, feature: (low, threshold)}))
        todo.append((int(tree.children_right[node]), {**box, feature: (threshold, high)}))
    return boxes


def joined_boxes(boxes: Sequence[Box]) -> list[Box]:
    """The same rows in fewer boxes: neighbours that differ in one column become one."""
    current = list(boxes)
    while True:
        for one, other in combinations(current, 2):
            both = _joined(one, other)
            if both is not None:
                current = [b for b in current if b is not one and b is not other] + [both]
                break
        else:
            return current


def _joined(one: Box, other: Box) -> Box | None:
    """The box that holds exactly the rows of both, if there is one that excludes any rows."""
    features = set(one) | set(other)
    apart = [f for f in features if one.get(f, _EVERYWHERE) != other.get(f, _EVERYWHERE)]
    if not apart:
        return one
    if len(apart) > 1:
        return None
    (feature,) = apart
    (low, high), (low2, high2) = (b.get(feature, _EVERYWHERE) for b in (one, other))
    if max(low, low2) > min(high, high2):
        return None
    whole = min(low, low2), max(high, high2)
    rest = {f: one[f] for f in one if f != feature}
    box = rest if whole == _EVERYWHERE else {**rest, feature: whole}
    return box or None


def _pruned(X: Float, member: NDArray[np.bool_], boxes: list[Box]) -> list[Box]:
    """The boxes without the conditions, and without the box, that add nothing."""
    agreement = balanced_agreement(member, inside_any(X, boxes))
    while True:
        for simpler in _simpler(boxes):
            value = balanced_agreement(member, inside_any(X, simpler))
            if value >= agreement - WORTH:
                boxes, agreement = joined_boxes(simpler), max(value, agreement)
                break
        else:
            return boxes


def _simpler(boxes: Sequence[Box]) -> list[list[Box]]:
    """All ways to leave out one box or one bound."""
    ways: list[list[Box]] = (
        [[b for b in boxes if b is not left] for left in boxes] if len(boxes) > 1 else []
    )
    for place, box in enumerate(boxes):
        for feature, (low, high) in box.items():
            for kept in ((-math.inf, high), (low, math.inf)):
                if kept == (low, high):
                    continue
                bounds = {**box, feature: kept}
                if kept == _EVERYWHERE:
                    del bounds[feature]
                if bounds:
                    ways.append([*boxes[:place], bounds, *boxes[place + 1 :]])
    return ways


def _inside(X: Float, box: Box) -> NDArray[np.bool_]:
    inside = np.ones(len(X), dtype=bool)
    for feature, (low, high) in box.items():
        values = X[:, feature].astype(np.float32)  # trees compare in float32
        inside &= (values > low) & (values <= high)
    return inside


def inside_any(X: Float, boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Rows (n,) that are in at least one box."""
    inside = np.zeros(len(X), dtype=bool)
    for box in boxes:
        inside |= _inside(X, box)
    return inside


def balanced_agreement(member: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """Mean of the share of members inside and of others outside; 0.5 if all are alike."""
    if member.all() or not member.any():
        return 0.5
    return float(0.5 * (inside[member].mean() + (~inside[~member]).mean()))


# -- words ----------------------------------------------------------------------------------------


class _Column:
    """One column that rules speak of, in its own units."""

    def __init__(
        self, name: str, values: Float, scale: Scale, levels: Mapping[str, Sequence[str]]
    ) -> None:
        self.name, self.scale = name, scale
        known = values[~np.isnan(values)]
        self.flag = bool(np.isin(known, (0.0, 1.0)).all())
        self.feature, _, self.level = name.partition("=") if self.flag else (name, "", "")
        all_levels = [str(v) for v in levels.get(self.feature, ())]
        others = [v for v in all_levels if v != self.level]
        self.other = others[0] if len(all_levels) == 2 and len(others) == 1 else ""
        own = np.unique(np.round(known * scale[1] + scale[0], 9))
        self.values = own if (own == np.round(own)).all() else None

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Bounds in the column's own units."""
        centre, spread = self.scale
        return low * spread + centre, high * spread + centre

    def label(self, low: float) -> str:
        """The level of a category that a rule names; "" for "not this one" of several."""
        return self.level if low > -math.inf else self.other


def _sentence(boxes: Sequence[Box], columns: Sequence[_Column]) -> str:
    """The boxes in words; codes that two boxes name are listed once."""
    if len(boxes) == 2:
        codes = _codes_of_both(boxes, columns)
        if codes:
            return codes
    return ", or ".join(_words(box, columns) for box in boxes)


def _codes_of_both(boxes: Sequence[Box], columns: Sequence[_Column]) -> str:
    """ "race is 1, 2 or 5" for two boxes that name codes of one column; else ""."""
    features = {f for box in boxes for f in box}
    column = columns[min(features)]
    codes = None if column.flag else column.values
    if len(features) > 1 or codes is None or len(codes) > MOST_CODES:
        return ""
    matched = np.zeros(len(codes), dtype=bool)
    for box in boxes:
        low, high = column.bounds(*box[min(features)])
        matched |= (codes > low) & (codes <= high)
    if (~matched).sum() <= matched.sum():
        return f"{column.name} is not {_listed(codes[~matched])}"
    return f"{column.name} is {_listed(codes[matched])}"


def _words(box: Box, columns: Sequence[_Column]) -> str:
    """ "men aged up to 36", "education is college and income above 40,000"."""
    noun, aged, parts = "", "", []
    for feature, (low, high) in box.items():
        column = columns[feature]
        word = _PEOPLE.get(column.label(low).casefold(), "") if column.level else ""
        if word and not noun:
            noun = word
        elif column.name.casefold() == "age" and not column.flag:
            aged = _condition(column, low, high).removeprefix(column.name)
        else:
            parts.append(_condition(column, low, high))
    if not noun:
        return " and ".join([f"age{aged}", *parts] if aged else parts)
    noun += f" aged{aged}" if aged else ""
    return f"{noun} with {' and '.join(parts)}" if parts else noun


def _condition(column: _Column, low: float, high: float) -> str:
    if column.level:
        label = column.label(low)
        if label:
            return f"{column.feature} is {label}"
        return f"{column.feature} is not {column.level}"
    if column.flag:
        return f"{column.name} is {int(low > -math.inf)}"
    low, high = column.bounds(low, high)
    if column.values is not None:
        return _whole_condition(column.name, column.values, low, high)
    return f"{column.name} {_range(low, high)}"


def _range(low: float, high: float) -> str:
    if low == -math.inf:
        return f"at most {plain_number(high)}"
    if high == math.inf:
        return f"above {plain_number(low)}"
    return f"above {plain_number(low)} and at most {plain_number(high)}"


def _whole_condition(name: str, values: Float, low: float, high: float) -> str:
    """Whole numbers by the values that occur; few of them, which may be codes, one by one."""
    matched = values[(values > low) & (values <= high)]
    if not len(matched):
        return f"{name} {_range(low, high)}"
    if len(values) <= MOST_CODES and len(matched) <= MOST_LISTED:
        return f"{name} is {_listed(matched)}"
    rest = values[~np.isin(values, matched)]
    if len(values) <= MOST_CODES and len(rest) <= MOST_LISTED:
        return f"{name} is not {_listed(rest)}"
    if low == -math.inf:
        return f"{name} up to {_whole(matched[-1])}"
    if high == math.inf:
        return f"{name} {_whole(matched[0])} or more"
    return f"{name} {_whole(matched[0])} to {_whole(matched[-1])}"


def _listed(values: Float) -> str:
    words = [_whole(v) for v in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _whole(value: float) -> str:
    return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))


def plain_number(value: float) -> str:
    """Four significant digits without an exponent: 45,430 and 0.00012 rather than 4.543e+04."""
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{round(value, 3 - math.floor(math.log10(abs(value)))) if value else 0:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
