"""Assigns rows to splits: stratified, by cluster or by column; reproducible given the seed."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.arrays import SPLITS
from fairaudit.data.labels import label_text
from fairaudit.data.splits import SplitSpec
from fairaudit.exceptions import SpecError

SPLIT_WORDS = {
    "train": ("train", "training", "tr", "learn"),
    "validation": ("validation", "valid", "val", "dev", "development", "tune"),
    "test": ("test", "testing", "te", "holdout", "hold-out", "held-out", "evaluation"),
}
TRAIN, VALIDATION, TEST = range(3)
_ORDERS = 50
_MANY_UNITS = 100


def split_rows(strata: NDArray[np.int64], spec: SplitSpec, seed: int) -> NDArray[np.int8]:
    """Stratified split: each stratum is within one row of the requested shares.

    Rows are shuffled within strata, the strata are laid end to end, and rows are taken at regular
    steps, so that tiny strata are spread as well as large ones.

    Parameters
    ----------
    strata : (n,) int codes, rows in the order of their ids

    Returns
    -------
    (n,) int8, index into `SPLITS`
    """
    out = np.full(len(strata), TRAIN, dtype=np.int8)
    rng = np.random.default_rng(seed)
    order = _laid_out(strata, rng)
    test = _at_steps(len(order), spec.test, rng.random())
    out[order[test]] = TEST
    rest = order[~test]
    out[rest[_at_steps(len(rest), spec.validation / (1 - spec.test), rng.random())]] = VALIDATION
    return _with_all_parts(out, rng)


def _laid_out(strata: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.intp]:
    return np.lexsort((rng.random(len(strata)), strata))


def _at_steps(n: int, share: float, start: float) -> NDArray[np.bool_]:
    """True at regular steps so that any run of k rows holds share·k of them, give or take one."""
    ladder = np.floor(np.arange(n + 1) * share + start)
    chosen: NDArray[np.bool_] = np.diff(ladder) > 0
    return chosen


def _with_all_parts(out: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
    for part in (TEST, VALIDATION):
        if len(out) >= 3 and not (out == part).any():
            out[rng.choice(np.flatnonzero(out == TRAIN))] = part
    return out


def in_two(
    strata: NDArray[np.int64], share: float, seed: int, units: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Which rows (n,) go to the second part: stratified, and whole units where there are some.

    Parameters
    ----------
    strata : (n,) int codes
    share : of the second part, 0 to 1
    units : (n,) int codes or None
        The stratum of a unit is that of its first row.
    """
    if units is not None:
        _, first, of_row = np.unique(units, return_index=True, return_inverse=True)
        return in_two(strata[first], share, seed)[of_row]
    rng = np.random.default_rng(seed)
    second = np.zeros(len(strata), dtype=bool)
    order = _laid_out(strata, rng)
    second[order[_at_steps(len(order), share, rng.random())]] = True
    return second


def split_units(
    units: NDArray[np.int64], strata: NDArray[np.int64], name: str, spec: SplitSpec, seed: int
) -> NDArray[np.int8]:
    """Stratified split that keeps the rows of one unit together.

    The stratum of a unit is that of its first row.

    Parameters
    ----------
    units : (n,) int codes from 0, such as patients
    strata : (n,) int codes

    Returns
    -------
    (n,) int8, index into `SPLITS`

    Raises
    ------
    SpecError
        With fewer than 3 units.
    """
    known, first, of_row = np.unique(units, return_index=True, return_inverse=True)
    if len(known) < 3:
        raise SpecError(
            f"the repeating id '{name}' has {len(known)} values; splitting needs at least 3: "
            "choose another column or none"
        )
    if len(known) < _MANY_UNITS:  # few units of unequal size: their shares are chosen by size
        return split_clusters(of_row.astype(np.int64), name, spec, seed)
    return split_rows(strata[first], spec, seed)[of_row]


def split_clusters(
    clusters: NDArray[np.int64], name: str, spec: SplitSpec, seed: int
) -> NDArray[np.int8]:
    """Split by whole clusters: each goes to the split furthest below its share; best of 50 orders.

    Raises
    ------
    SpecError
        With fewer than 3 clusters.
    """
    sizes = np.bincount(clusters)
    present = np.flatnonzero(sizes)
    if len(present) < 3:
        raise SpecError(
            f"cluster column '{name}' has {len(present)} values; splitting by cluster needs at "
            "least 3; split by rows instead"
        )
    shares = np.array([1 - spec.validation - spec.test, spec.validation, spec.test])
    rng = np.random.default_rng(seed)
    candidates = [_dealt(rng.permutation(present), sizes, shares) for _ in range(_ORDERS)]
    _, part_of = min(candidates, key=lambda candidate: candidate[0])
    return part_of[clusters]


def _dealt(
    order: NDArray[np.intp], sizes: NDArray[np.intp], shares: NDArray[np.float64]
) -> tuple[float, NDArray[np.int8]]:
    """Assign clusters in one order: the largest deviation from the shares, and each split."""
    part_of, filled, total = np.zeros(len(sizes), dtype=np.int8), np.zeros(3), sizes.sum()
    for cluster in order:
        part_of[cluster] = part = int(np.argmax(1 - filled / (shares * total)))
        filled[part] += sizes[cluster]
    return float(np.abs(filled / total - shares).max()), part_of


def named_parts(values: pl.Series) -> NDArray[np.int8]:
    """Splits named by a column; -1 where it names none.

    A column that only contains a word for test (and missing cells) marks the test rows, and all
    other rows are training rows. Otherwise a missing cell excludes its row.

    Raises
    ------
    SpecError
        For other words, or when there are no training or no test rows.
    """
    text = label_text(values).str.to_lowercase()
    words = set(text.drop_nulls().unique().to_list())
    known = {word: part for part, group in enumerate(SPLIT_WORDS.values()) for word in group}
    if strange := sorted(words - known.keys()):
        raise SpecError(
            f"split column '{values.name}' contains {', '.join(map(repr, strange[:4]))}; its "
            "values must be train, validation and test"
        )
    out = np.array([known.get(w, -1) if w is not None else -1 for w in text], dtype=np.int8)
    if {known[w] for w in words} == {TEST}:
        out[out == -1] = TRAIN
    for part in (TRAIN, TEST):
        if not (out == part).any():
            raise SpecError(
                f"split column '{values.name}' names no {SPLITS[part]} rows; add some, or "
                "split by rows"
            )
    return out


def add_validation(
    parts: NDArray[np.int8],
    strata: NDArray[np.int64],
    spec: SplitSpec,
    seed: int,
    units: NDArray[np.int64] | None = None,
) -> NDArray[np.int8]:
    """Draw validation rows, stratified, from the training rows if a column names none.

    Rows of one of the `units` stay together.
    """
    if (parts == VALIDATION).any():
        return parts
    out = parts.copy()
    train = np.flatnonzero(parts == TRAIN)
    rng = np.random.default_rng(seed)
    if units is not None:
        return _with_validation_units(out, train, units, spec, rng)
    order = train[_laid_out(strata[train], rng)]
    share = spec.validation / (1 - spec.test)
    out[order[_at_steps(len(order), share, rng.random())]] = VALIDATION
    return _with_all_parts(out, rng)


def _with_validation_units(
    out: NDArray[np.int8],
    train: NDArray[np.intp],
    units: NDArray[np.int64],
    spec: SplitSpec,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Whole units of training rows become validation rows."""
    known = rng.permutation(np.unique(units[train]))
    share = spec.validation / (1 - spec.test)
    chosen = known[_at_steps(len(known), share, rng.random())]
    out[train[np.isin(units[train], chosen)]] = VALIDATION
    return out
