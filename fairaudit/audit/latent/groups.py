"""Latent groups of an existing system: found where it errs on some rows, tested on others.

The groups come from features alone and from rows that are then set aside. On the remaining rows
every group of every G is tested at once: errors are permuted over rows, and each |z| is held
against the largest |z| over all groups and all G (Westfall & Young's max-T). If errors have
nothing to do with the features, the chance that any group of any G is called different is at
most α, whichever G is shown in the end. The intervals are as wide, so they hold jointly too.

Where rows come in clusters, whole clusters are set aside, and the signs of the clusters' totals
are flipped instead of permuting rows: rows of one site err together, and features that tell the
site apart would otherwise find "groups" that are only the sites of this table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.latent.latent_profile import group_name, group_profile, overlap
from fairaudit.audit.latent.rules import Scale, levels_of, plain_rules
from fairaudit.audit.latent.tests import HeldOutErrors, tests_table
from fairaudit.data.roles import Task
from fairaudit.exceptions import InputError
from fairaudit.inputs.read import read_numbers
from fairaudit.stats.estimates import MIN_STABLE

__all__ = ["LatentAudit", "audit_latent", "group_name", "group_profile", "overlap", "plain_rules"]

Float = NDArray[np.float64]
Finder = Literal["tree", "mixture"]
Mistake = Literal["wrong", "fp", "fn", "squared", "absolute"]


# columns of `latent_tests` that a sentence about a group needs
_FOUND = ("group", "metric", "value", "rest", "difference", "low", "high", "p_adjusted")


@dataclass(frozen=True)
class LatentFinding:
    """The facts of the search for one system; `fairaudit.text.sentences.groups` words them.

    Attributes
    ----------
    judged : whether the held-out rows allow any test
    n_tests : all tests that the p-values are adjusted for
    n_numbers : how many numbers of groups were tried
    systems : how many systems were examined
    confidence : of the simultaneous intervals
    groups : name, rule, error, difference and p-value of each group that differs significantly
    """

    judged: bool
    n_tests: int
    n_numbers: int
    systems: int
    confidence: float
    groups: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return {
            "judged": self.judged,
            "n_tests": self.n_tests,
            "n_numbers": self.n_numbers,
            "systems": self.systems,
            "confidence": self.confidence,
            "groups": [dict(group) for group in self.groups],
        }


@dataclass(frozen=True)
class LatentAudit:
    """Groups of one system, and whether they differ.

    Attributes
    ----------
    tables : latent, groups, group_profile, overlap, latent_tests
    n_groups : the G that is shown
    found : names of its groups that differ significantly, adjusted for all tests
    finding : the numbers behind them
    """

    tables: Mapping[str, pl.DataFrame]
    n_groups: int
    found: tuple[str, ...]
    finding: LatentFinding


def audit_latent(
    X: Any,
    feature_names: Sequence[str],
    y: Any,
    label: Any,
    *,
    task: Task = "binary",
    mistake: Mistake | None = None,
    n_groups: Sequence[int] = (2, 3, 4, 5, 6, 8, 10),
    finder: Finder = "tree",
    held_out: Any = None,
    groups: Mapping[str, Any] | None = None,
    row_id: Any = None,
    clusters: Any = None,
    sample_weight: Any = None,
    units: Mapping[str, Scale] | None = None,
    confidence: float,
    systems: int = 1,
    n_permutations: int = 999,
    random_state: int = 0,
) -> LatentAudit:
    """Find groups in which a system errs more or less than elsewhere.

    Parameters
    ----------
    X : (n, p) features, numbers
    feature_names : p names
    y, label : (n,) truth and the system's answers, coded alike
    mistake : what counts as an error; by default "wrong" answers (classification) or squared
        errors (regression); "fp" and "fn" look at negatives or positives only
    n_groups : the numbers of groups G to try
    finder : "tree" (leaves of a regression tree on the error: groups with exact rules) or
        "mixture" (Gaussian mixture of the features, soft membership)
    held_out : (n,) bool, rows to judge on; by default a random half (of the clusters, if any)
    groups : declared attributes, shown beside the latent groups afterwards
    row_id : (n,) ids for the table `latent`
    clusters : (n,) codes 0..M-1 of units whose rows are not independent, or None
    sample_weight : (n,) sampling weights, or None: groups are found and judged by weighted errors,
        weight and error of a row are permuted together
    units : see `plain_rules`
    confidence : 1 − chance of any false alarm over all systems, all groups and all G
    systems : how many systems are examined in this way; Bonferroni's correction
    n_permutations : of the errors on held-out rows

    Raises
    ------
    InputError
        When shapes differ, a weight is negative or missing, or too few rows are left to find or
        judge groups.
    """
    X = np.asarray(X, dtype=np.float64)
    error, metric = _error(np.asarray(y), np.asarray(label), task, mistake)
    judged_on = ~np.isnan(error)
    unit = None if clusters is None else np.asarray(clusters, dtype=np.int64)
    weight = _weight(sample_weight, len(X))
    if weight is not None:
        judged_on &= weight > 0
    held = _held(held_out, len(X), unit, random_state)
    _enough(X, error, held & judged_on, ~held & judged_on)
    trial = [
        _find(X, error, weight, ~held & judged_on, int(G), finder, random_state) for G in n_groups
    ]
    rows = held & judged_on
    judged = HeldOutErrors(
        error[rows],
        metric,
        None if unit is None else unit[rows],
        None if weight is None else weight[rows],
    )
    groups_of = [np.eye(t.share.shape[1])[t.group[rows]] for t in trial]
    sizes = [t.G for t in trial]
    joint = 1 - (1 - confidence) / systems
    table = tests_table(judged, sizes, groups_of, joint, n_permutations, random_state)
    table = table.with_columns(p_adjusted=(systems * pl.col("p_adjusted")).clip(upper_bound=1.0))
    shown = _choose(trial, error, weight, ~held & judged_on, table, 1 - confidence)
    table = table.with_columns(chosen=pl.col("n_groups") == shown.G)
    tables = _describe(
        shown, X, tuple(feature_names), held, groups or {}, row_id, units or {}, weight
    )
    tables["latent_tests"] = table
    significant = tuple(
        table.filter(pl.col("chosen") & (pl.col("p_adjusted") < 1 - confidence))["group"]
    )
    finding = _finding(table, tables["groups"], significant, systems, confidence)
    return LatentAudit(tables, shown.G, significant, finding)


# -- the error and the two parts ----------------------------------------------------------------


def _error(
    y: NDArray[Any], label: NDArray[Any], task: Task, mistake: Mistake | None
) -> tuple[Float, str]:
    """(n,) error of each row, NaN where it does not count, and what its mean is called."""
    if len(y) != len(label):
        raise InputError(f"there are {len(label)} predictions for {len(y)} rows; pass one per row")
    kind = mistake or ("squared" if task == "regression" else "wrong")
    if kind == "squared":
        return (label.astype(np.float64) - y) ** 2, "mse"
    if kind == "absolute":
        return np.abs(label.astype(np.float64) - y), "mae"
    wrong = (label != y).astype(np.float64)
    if kind == "wrong":
        return wrong, "error_rate"
    return np.where(y == (0 if kind == "fp" else 1), wrong, np.nan), kind + "r"


def _weight(sample_weight: Any, n: int) -> Float | None:
    """Sampling weights (n,); None where all are equal, which is the same as none."""
    if sample_weight is None:
        return None
    weight = read_numbers(sample_weight, "sample_weight", n)
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise InputError("sample_weight holds missing or negative numbers, or only 0; mend them")
    return None if (weight == weight[0]).all() else weight


def _held(held_out: Any, n: int, unit: NDArray[np.int64] | None, seed: int) -> NDArray[np.bool_]:
    if held_out is not None:
        return np.asarray(held_out, dtype=bool)
    rng = np.random.default_rng([seed, 41])
    if unit is None:
        held = np.zeros(n, dtype=bool)
        held[rng.permutation(n)[: n // 2]] = True
        return held
    sizes, taken, room = np.bincount(unit), [], n // 2
    for c in rng.permutation(len(sizes)):  # clusters that fit, until half of the rows are together
        if sizes[c] <= room:
            taken.append(c)
            room -= sizes[c]
    return np.isin(unit, taken)


def _enough(X: Float, error: Float, held: NDArray[np.bool_], rest: NDArray[np.bool_]) -> None:
    if X.ndim != 2 or len(X) != len(error):
        raise InputError(
            f"X has shape {X.shape} for {len(error)} rows; pass one row of features per row"
        )
    if not np.isfinite(X).all():
        raise InputError(
            "X holds missing or infinite numbers; fill them before looking for groups"
        )
    if min(held.sum(), rest.sum()) < 2 * MIN_STABLE:
        raise InputError(
            f"{int(rest.sum())} rows to find groups and {int(held.sum())} to judge them are too "
            f"few; {2 * MIN_STABLE} of each are needed"
        )


# -- finding ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trial:
    """Membership (n, G) of all rows for one G."""

    G: int
    share: Float

    @property
    def group(self) -> NDArray[np.int64]:
        return np.asarray(self.share.argmax(axis=1), dtype=np.int64)


def _find(
    X: Float,
    error: Float,
    weight: Float | None,
    rows: NDArray[np.bool_],
    G: int,
    finder: Finder,
    seed: int,
) -> _Trial:
    if finder == "tree":
        return _tree(X, error, weight, rows, G, seed)
    return _mixture(X, rows, G, seed)


def _tree(
    X: Float, error: Float, weight: Float | None, rows: NDArray[np.bool_], G: int, seed: int
) -> _Trial:
    """Leaves of a tree on the error; grown best first, so larger G refine smaller ones."""
    from sklearn.tree import DecisionTreeRegressor

    leaf = max(MIN_STABLE, int(rows.sum()) // 50)
    tree = DecisionTreeRegressor(max_leaf_nodes=G, min_samples_leaf=leaf, random_state=seed)
    fitted = tree.fit(X[rows], error[rows], None if weight is None else weight[rows])
    leaves = fitted.apply(X)
    by_error = np.argsort(tree.tree_.value[:, 0, 0], kind="stable")[::-1]  # worst leaf first
    order = [node for node in by_error if tree.tree_.children_left[node] < 0]
    return _Trial(G, (leaves[:, None] == np.array(order)).astype(np.float64))


def _mixture(X: Float, rows: NDArray[np.bool_], G: int, seed: int) -> _Trial:
    """Posterior membership under a diagonal Gaussian mixture of standardised features."""
    from sklearn.mixture import GaussianMixture

    scale = X[rows].std(axis=0)
    Z = (X - X[rows].mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    model = GaussianMixture(
        G, covariance_type="diag", random_state=seed, reg_covar=1e-3, max_iter=200
    )
    return _Trial(G, model.fit(Z[rows]).predict_proba(Z))


def _choose(
    trial: Sequence[_Trial],
    error: Float,
    weight: Float | None,
    rows: NDArray[np.bool_],
    tests: pl.DataFrame,
    alpha: float,
) -> _Trial:
    """The G with the surest finding; without one, the best BIC where groups were made.

    Choosing by held-out tests costs nothing here: they are adjusted for all G.
    """
    best = (
        tests.filter(pl.col("p_adjusted") < alpha)
        .group_by("n_groups")
        .agg(pl.col("p_adjusted").min())
    )
    sure = best.filter(pl.col("p_adjusted") == pl.col("p_adjusted").min())["n_groups"].to_list()
    candidates = [t for t in trial if t.G in sure] or list(trial)

    def bic(t: _Trial) -> float:
        share, e = t.share[rows], error[rows]
        w = np.ones(len(e)) if weight is None else weight[rows]
        weighted = share * w[:, None]
        mean = (weighted.T @ e) / np.maximum(weighted.sum(axis=0), 1e-12)
        rest = float(w @ (e - share @ mean) ** 2 / w.sum())
        n = float(w.sum() ** 2 / (w @ w))  # sampling weights: their scale is arbitrary
        return float(n * np.log(max(rest, 1e-12)) + 2 * t.share.shape[1] * np.log(n))

    return min(candidates, key=bic)


# -- describing ---------------------------------------------------------------------------------


def _describe(
    shown: _Trial,
    X: Float,
    names: tuple[str, ...],
    held: NDArray[np.bool_],
    groups: Mapping[str, Any],
    row_id: Any,
    units: Mapping[str, Scale],
    weight: Float | None,
) -> dict[str, pl.DataFrame]:
    share, group = shown.share, shown.group
    split = np.where(held, "test", "train")
    ids = np.arange(len(X)) if row_id is None else np.asarray(row_id)
    latent = pl.DataFrame(
        {
            "row": ids.astype(np.int64),
            "split": split.tolist(),
            **{f"p{g}": share[:, g] for g in range(share.shape[1])},
            "group": group,
        }
    )
    return {
        "latent": latent,
        "groups": groups_table(X, names, share, held, units, levels_of(groups), weight),
        "group_profile": group_profile(X, names, share),
        "overlap": overlap(groups, share),
    }


def groups_table(
    X: Float,
    names: Sequence[str],
    share: Float,
    held: NDArray[np.bool_],
    units: Mapping[str, Scale] | None = None,
    levels: Mapping[str, Sequence[str]] | None = None,
    weight: Float | None = None,
) -> pl.DataFrame:
    """Size, plain rule and its fidelity, and mean entropy (0..1) of each latent group.

    Rules are made from the rows that are not held out and measured on rows apart.
    """
    group = share.argmax(axis=1)
    G = share.shape[1]
    rules = plain_rules(X, names, share, units=units, levels=levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -np.where(share > 0, share * np.log(share), 0.0).sum(axis=1) / np.log(max(G, 2))
    mass = np.maximum(share.sum(axis=0), 1e-12)
    return pl.DataFrame(
        {
            "group": [group_name(g) for g in range(G)],
            "share": np.average(share, axis=0, weights=weight),
            "n_train": [int(((group == g) & ~held).sum()) for g in range(G)],
            "n_test": [int(((group == g) & held).sum()) for g in range(G)],
            "rule": [rule for rule, _ in rules],
            "fidelity": [fidelity for _, fidelity in rules],
            "entropy": (bits @ share) / mass,
        }
    )


def _finding(
    tests: pl.DataFrame,
    groups: pl.DataFrame,
    different: tuple[str, ...],
    systems: int,
    confidence: float,
) -> LatentFinding:
    rules = dict(zip(groups["group"], groups["rule"], strict=True))
    rows = tests.filter(pl.col("chosen") & pl.col("group").is_in(different))
    return LatentFinding(
        judged=tests["p"].null_count() < len(tests),
        n_tests=systems * len(tests),
        n_numbers=tests["n_groups"].n_unique(),
        systems=systems,
        confidence=confidence,
        groups=tuple(
            {**{name: row[name] for name in _FOUND}, "rule": rules[row["group"]]}
            for row in rows.iter_rows(named=True)
        ),
    )
