"""Rules chosen from data are chosen on one half of the rows and judged on the other.

A rule that looks for the thresholds with the smallest gap finds one that is small on the rows
it looked at. Cross-fitting would not do: it estimates the gap of such rules on average over
samples, which is about zero, and not the gap of the rule at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.whatif import thresholds
from fairaudit.audit.whatif.threshold_counts import (
    ClusteredRows,
    Ladder,
    thresholds_of_steps,
)
from fairaudit.audit.whatif.thresholds import Costs, EqualOdds
from fairaudit.exceptions import InputError
from fairaudit.inputs.arrays import Int
from fairaudit.stats.counts import sums
from fairaudit.stats.metric_definitions import BINARY

Float = NDArray[np.float64]
RuleName = Literal["cheapest", "own", "tpr", "selection_rate", "fpr", "odds"]
ChosenRule = dict[str, float] | EqualOdds


@dataclass(frozen=True)
class JudgedRule:
    """A rule, and the rows that did not choose it.

    Attributes
    ----------
    rule : thresholds of each group, randomised for equalized odds
    chosen_on, judged_on : number of rows that chose the rule, and of the others
    others : the rows that did not choose the rule, with all thresholds
    """

    rule: ChosenRule
    chosen_on: int
    judged_on: int
    others: Ladder


def choose_rule(ladder: Ladder, name: RuleName, costs: Costs) -> ChosenRule:
    """The thresholds that a rule sets for each group, from all rows of a ladder.

    Raises
    ------
    InputError
        When a group has no rows from which the rule's rate could be computed.
    """
    if name == "odds":
        return thresholds.equalized_odds(ladder, costs=costs)
    if name == "cheapest" or name == "own":
        return thresholds.cheapest(ladder, costs, per_group=name == "own")
    return thresholds.equal_rates(ladder, name, costs=costs).thresholds


def choose_apart(
    ladder: Ladder, name: RuleName, costs: Costs | None = None, *, seed: int = 0
) -> JudgedRule:
    """Choose a rule on a random half of the rows of each group and truth.

    Parameters
    ----------
    ladder : all rows; clusters stay whole
    name : "cheapest" (one threshold), "own" (the cheapest of each group), "tpr",
        "selection_rate" or "fpr" (equal rates), "odds" (equalized odds)
    seed : draws the half

    Raises
    ------
    InputError
        When the rule cannot be chosen on a half of the rows.
    """
    rng = np.random.default_rng(seed)
    if ladder.clustered is None:
        chosen, others = _halves_of_rows(ladder, rng)
    else:
        chosen, others = _halves_of_clusters(ladder, ladder.clustered, rng)
    try:
        rule = choose_rule(_own_thresholds(chosen), name, costs or Costs())
    except InputError as error:
        raise InputError(
            f"on the half of the rows that chooses the thresholds, {error}"
        ) from error
    return JudgedRule(rule, _rows_in(chosen), _rows_in(others), others)


def at_chosen(
    judged: JudgedRule,
    *,
    metrics: Sequence[str] = BINARY,
    model: str = "model",
    split: str = "test",
    confidence: float,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables `errors` and `gaps` of a chosen rule, from the rows that did not choose it."""
    return thresholds.at_threshold(
        judged.others,
        judged.rule,
        metrics=metrics,
        model=model,
        split=split,
        confidence=confidence,
    )


def _rows_in(ladder: Ladder) -> int:
    counts = ladder.above if ladder.rows is None else ladder.rows
    return round(float(counts[:, :, 0].sum()))


# -- halves ---------------------------------------------------------------------------------------


def _halves_of_rows(ladder: Ladder, rng: np.random.Generator) -> tuple[Ladder, Ladder]:
    """Half of the rows of each group and truth, drawn without replacement, and the others.

    Rows between two thresholds that weigh differently are taken to have their mean weight.
    """
    rows = _steps(ladder.above if ladder.rows is None else ladder.rows)
    whole = np.ceil(rows - 1e-9).astype(np.int64)  # (G, 2, T − 1)
    sizes = whole.sum(axis=2)
    half = sizes // 2 + (sizes % 2) * rng.integers(0, 2, sizes.shape)
    drawn = np.array(
        [
            [
                rng.multivariate_hypergeometric(counts, size, method="marginals")
                for counts, size in zip(group, quota, strict=True)
            ]
            for group, quota in zip(whole, half, strict=True)
        ]
    )
    share = np.divide(drawn, whole, out=np.zeros(rows.shape), where=whole > 0)
    return _share_of(ladder, share), _share_of(ladder, 1 - share)


def _steps(above: Float) -> Float:
    return -np.diff(above, axis=2)


def _cumulated(counts: Float) -> Float:
    above = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    return np.concatenate([above, np.zeros((*above.shape[:2], 1))], axis=2)


def _share_of(ladder: Ladder, share: Float) -> Ladder:
    """The ladder of a share (G, 2, T − 1) of the rows between two thresholds."""

    def taken(above: Float | None) -> Float | None:
        return None if above is None else _cumulated(_steps(above) * share)

    return replace(
        ladder,
        above=_cumulated(_steps(ladder.above) * share),
        rows=taken(ladder.rows),
        square=taken(ladder.square),
    )


def _halves_of_clusters(
    ladder: Ladder, rows: ClusteredRows, rng: np.random.Generator
) -> tuple[Ladder, Ladder]:
    """Half of the clusters with all their rows, and the others."""
    clusters: Int = np.unique(rows.cluster)
    if len(clusters) < 2:
        raise InputError(
            "a rule is chosen on some clusters and judged on others, and there is 1 cluster"
        )
    first = rng.permutation(clusters)[: len(clusters) // 2]
    in_first_half = np.isin(rows.cluster, first)
    return _of_rows(ladder, rows, in_first_half), _of_rows(ladder, rows, ~in_first_half)


def _of_rows(ladder: Ladder, rows: ClusteredRows, kept: NDArray[np.bool_]) -> Ladder:
    """The ladder of some of its rows."""
    mass = None if rows.mass is None else rows.mass[kept]
    part = ClusteredRows(rows.cluster[kept], rows.group[kept], rows.y[kept], rows.step[kept], mass)
    G, T = len(ladder.names), len(ladder.thresholds) - 1
    cell = (part.group * 2 + part.y) * T + part.step

    def counted(weight: Float | None) -> Float:
        return _cumulated(sums(cell, weight, G * 2 * T).reshape(G, 2, T))

    return replace(
        ladder,
        above=counted(mass),
        rows=None if mass is None else counted(None),
        square=None if mass is None else counted(mass**2),
        clustered=part,
    )


def _own_thresholds(ladder: Ladder) -> Ladder:
    """The same rows with thresholds only at their own scores, so that no other score is used."""
    weight = _steps(ladder.above).sum(axis=(0, 1))
    positive = np.flatnonzero(weight > 1e-9 * weight.max(initial=0.0))
    if not len(positive):
        raise InputError("there are no rows")
    return replace(
        ladder,
        thresholds=thresholds_of_steps(ladder, positive),
        above=ladder.above[:, :, np.r_[positive, len(ladder.thresholds) - 1]],
        rows=None,
        square=None,
        clustered=None,
    )
