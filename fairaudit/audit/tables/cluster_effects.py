"""Tables of the Effects page: clusters' effects, variance shares, fixed against mixed, seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import chi2

from fairaudit.stats import hierarchical, intervals
from fairaudit.stats.estimates import ESTIMATED, UNJUDGED

Float = NDArray[np.float64]
Answer = tuple[NDArray[Any], Float | None]
Judgement = tuple[float | None, float | None, float | None, str]  # value, low, high, status

EFFECTS = pl.Schema(
    {
        "cluster": pl.String,
        "effect": pl.String,
        "mean": pl.Float64,
        "sd": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "seen": pl.Boolean,
    }
)
CLUSTERS = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "cluster": pl.String,
        "seen": pl.Boolean,
        "metric": pl.String,
        "n": pl.Int64,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "status": pl.String,
    }
)
TINY = 1e-6  # share of the prior's information below which a cluster's own is rounding error
CELLS = 4_000_000  # numbers of one intermediate array
FEWEST = 3  # clusters from which on their spread has a posterior
JUDGED = 10  # rows below which a cluster's performance cannot be judged


@dataclass(frozen=True)
class Drawn:
    """Bootstrap samples of `n` rows, a few at a time; the same ones every time they are read."""

    n: int
    count: int
    seed: tuple[int, int]

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        rng, size = np.random.default_rng(self.seed), max(1, CELLS // self.n)
        for start in range(0, self.count, size):
            yield rng.integers(0, self.n, (min(size, self.count - start), self.n))


def caterpillar(
    effects: pl.DataFrame,
    sizes: Mapping[str, int],
    unseen: Mapping[str, int],
    prior_sd: float,
    confidence: float,
) -> pl.DataFrame:
    """Cluster effects with intervals, largest first; unseen clusters show what is not known.

    Parameters
    ----------
    effects : cluster, effect, mean, sd, prior_sd
        Gaussian posterior of the seen clusters, and the prior's SD of each effect; the intervals
        include how uncertain the latter is.
    sizes, unseen : rows of each seen cluster, and of each without training rows
    prior_sd : float
        SD of an intercept before any row was seen; the interval of an unseen cluster.
    confidence : float

    Returns
    -------
    polars.DataFrame
        Schema `EFFECTS`, sorted by effect and falling mean.
    """
    reach = float(ndtri((1 + confidence) / 2))
    wide = [_widened_rows(part) for part in effects.partition_by("effect", maintain_order=True)]
    own = [new for part, new in wide if part["effect"].item(0) == "intercept"]
    prior_sd = max([prior_sd, *own])
    rows = pl.concat([part for part, _ in wide] or [effects]).with_columns(
        n=pl.col("cluster").replace_strict(dict(sizes), default=0, return_dtype=pl.Int64),
        seen=pl.lit(True),
    )
    blank = pl.DataFrame(
        {
            "cluster": list(unseen),
            "effect": ["intercept"] * len(unseen),
            "mean": [0.0] * len(unseen),
            "sd": [prior_sd] * len(unseen),
            "n": list(unseen.values()),
            "seen": [False] * len(unseen),
        },
        schema={k: v for k, v in EFFECTS.items() if k not in ("low", "high")},
    )
    table = pl.concat([rows.select(blank.columns), blank]).with_columns(
        low=pl.col("mean") - reach * pl.col("sd"), high=pl.col("mean") + reach * pl.col("sd")
    )
    return table.select(list(EFFECTS)).sort(
        "effect", "mean", "cluster", descending=[False, True, False]
    )


def _widened_rows(effects: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """Rows of one effect of all clusters and a new one; SDs include the prior's uncertainty."""
    mean, sd = effects["mean"].to_numpy(), effects["sd"].to_numpy()
    wide, new = widened(mean, sd, float(effects["prior_sd"].item(0)) ** 2)
    return effects.with_columns(sd=pl.Series(wide, dtype=pl.Float64)), new


def share_of_clusters(variances: Mapping[str, float]) -> float:
    """ICC: the intercepts' variance against intercepts and residual together."""
    between = variances.get("intercept", 0.0)
    whole = between + variances["residual"]
    return between / whole if whole > 0 else 0.0


def variance_interval(
    mean: Float, sd: Float, between: float, confidence: float
) -> tuple[float, float] | None:
    """Interval of the variance between clusters from their posterior intercepts (Q profile).

    Undoes the shrinkage, then takes the variances t for which Q(t) = Σ (e_j − ē)² / (t + v_j) lies
    between the χ² quantiles with k − 1 degrees of freedom (Viechtbauer, *Statistics in Medicine*
    26, 2007); 0 belongs to it where the clusters differ no more than their own noise.

    Parameters
    ----------
    mean, sd : (k,)
        Gaussian posterior of each cluster's intercept.
    between : float
        Variance of the prior under which the posterior was made.
    confidence : float

    Returns
    -------
    (low, high), or None with fewer than two clusters, or where they are more alike than their
    noise lets them be (no variance fits)
    """
    known, estimate, noise = _unshrunken(mean, sd, between)
    if known.sum() < 2:
        return None
    tail = (1 - confidence) / 2
    least, most = (float(chi2.ppf(p, len(noise) - 1)) for p in (tail, 1 - tail))
    high = _variance_where(least, estimate, noise)
    return (_variance_where(most, estimate, noise), high) if high > 0 else None


def _unshrunken(mean: Float, sd: Float, between: float) -> tuple[NDArray[np.bool_], Float, Float]:
    """Which clusters (k,) have informative rows; their estimates without the prior, variances."""
    if between <= 0:
        return np.zeros(len(mean), dtype=bool), np.empty(0), np.empty(0)
    gain = 1 / np.square(sd) - 1 / between  # what the rows tell, 1/v
    known = gain > TINY / between
    noise = 1 / gain[known]
    return known, mean[known] * (between + noise) / between, noise


def widened(mean: Float, sd: Float, between: float) -> tuple[Float, float]:
    """SDs (k,) that include how uncertain prior and common level are, and a new cluster's SD.

    The posterior of a cluster takes the prior's SD and the fixed part's level for known, and few
    clusters do not know them well.

    Parameters
    ----------
    mean, sd : (k,)
        Gaussian posterior of each cluster's effect.
    between : float
        Variance of the prior under which the posterior was made.
    """
    known, estimate, noise = _unshrunken(mean, sd, between)
    if known.sum() < FEWEST:
        return sd, between**0.5
    _, wide, new = hierarchical.posterior(estimate, noise)
    out = np.maximum(sd, new)  # of clusters whose rows tell nothing
    out[known] = np.maximum(sd[known], wide)
    return out, max(new, between**0.5)


def _variance_where(level: float, estimate: Float, noise: Float) -> float:
    """The variance t at which Q(t), which falls in t, is `level`; 0 where Q(0) is below it."""

    def excess(t: float) -> float:
        weight = 1 / (t + noise)
        centre = (weight @ estimate) / weight.sum()
        return float(weight @ np.square(estimate - centre)) - level

    if excess(0.0) <= 0:
        return 0.0
    top = float(np.square(estimate - estimate.mean()).sum() / level)  # Q(t) ≤ Σ (e − ē)² / t
    return float(brentq(excess, 0.0, top, rtol=1e-9))


def icc_interval(
    effects: pl.DataFrame, prior_sd: float, residual: float, confidence: float
) -> tuple[float, float] | None:
    """Interval of `share_of_clusters`, the residual variance taken as known.

    Parameters
    ----------
    effects : cluster, effect, mean, sd
        Posterior of the seen clusters.
    prior_sd : float
        SD of the intercepts' prior.
    residual : float
        Residual variance.

    Returns
    -------
    (low, high), or None where `variance_interval` has none, or with an effect for each class
    """
    own = effects.filter(pl.col("effect") == "intercept")
    mean, sd = own["mean"].to_numpy(), own["sd"].to_numpy()
    limits = variance_interval(mean, sd, prior_sd**2, confidence)
    if limits is None:
        return None
    low, high = (share_of_clusters({"intercept": end, "residual": residual}) for end in limits)
    return low, high


def by_cluster(
    y: NDArray[Any],
    answers: Mapping[str, Answer],
    clusters: NDArray[np.str_],
    seen: NDArray[np.bool_],
    *,
    task: str,
    split: str = "test",
    confidence: float,
    n_boot: int = 500,
    seed: int = 0,
) -> pl.DataFrame:
    """Performance of every model within every cluster: fixed effects against mixed.

    Parameters
    ----------
    y : (n,) codes or values
    answers : model name to (label (n,), score (n,) or (n, C) or None)
    clusters : (n,) names
    seen : (n,) whether the row's cluster had training rows
    task : "binary", "multiclass" or "regression"

    Returns
    -------
    polars.DataFrame
        Schema `CLUSTERS`: accuracy with Wilson intervals (or mse with bootstrap intervals)
        and, for binary tasks with scores, auroc with bootstrap intervals. The same resampled
        rows serve every model. Fewer than 10 rows: "cannot be judged".
    """
    rows: list[tuple[Any, ...]] = []
    for place, name in enumerate(np.unique(clusters)):
        member = np.flatnonzero(clusters == name)
        known = bool(seen[member].any())
        drawn = Drawn(len(member), n_boot, (seed, place))
        for model, (label, score) in answers.items():
            part = None if score is None else score[member]
            estimates = _performance(y[member], label[member], part, task, drawn, confidence)
            rows += [
                (model, split, str(name), known, m, len(member), *v) for m, v in estimates.items()
            ]
    return pl.DataFrame(rows, schema=CLUSTERS, orient="row")


def _performance(
    y: NDArray[Any],
    label: NDArray[Any],
    score: Float | None,
    task: str,
    drawn: Drawn,
    confidence: float,
) -> dict[str, Judgement]:
    few = len(y) < JUDGED
    if task == "regression":
        return {"mse": _resampled(_mse, y, label, drawn, confidence, few)}
    share = float(np.mean(label == y))
    low, high = intervals.wilson(share, len(y), confidence)
    estimates: dict[str, Judgement] = {"accuracy": (share, float(low), float(high), _status(few))}
    if task == "binary" and score is not None:
        estimates["auroc"] = _resampled(_auroc, y, score, drawn, confidence, few)
    return estimates


def _resampled(
    metric: Callable[[NDArray[Any], NDArray[Any]], Float],
    y: NDArray[Any],
    value: NDArray[Any],
    drawn: Drawn,
    confidence: float,
    few: bool,
) -> Judgement:
    """Point, percentile interval and status; undefined stays undefined."""
    point = float(metric(y[None], value[None])[0])
    if np.isnan(point):
        return None, None, None, UNJUDGED
    tail = (1 - confidence) / 2
    again = np.concatenate([metric(y[rows], value[rows]) for rows in drawn])
    limits = tuple(np.nanquantile(again, [tail, 1 - tail]))
    if metric is _auroc:  # a perfect order of a few rows is not certain
        smaller = min(int((y == 1).sum()), int((y != 1).sum()))
        limits = intervals.at_edges(point, smaller, limits, confidence)
    return point, float(limits[0]), float(limits[1]), _status(few)


def _status(few: bool) -> str:
    return UNJUDGED if few else ESTIMATED


def _mse(y: NDArray[Any], value: NDArray[Any]) -> Float:
    return np.asarray(np.square(y - value).mean(1))


def _auroc(y: NDArray[Any], score: NDArray[Any]) -> Float:
    """AUROC by row of (b, n) samples, by Mann-Whitney ranks with ties shared; NaN if one class."""
    order = np.sort(score, axis=1)
    rank = np.stack(
        [
            (np.searchsorted(o, s, "left") + np.searchsorted(o, s, "right") + 1) / 2
            for o, s in zip(order, score, strict=True)
        ]
    )
    positive = y == 1
    n1 = positive.sum(1).astype(np.float64)
    n0 = y.shape[1] - n1
    with np.errstate(invalid="ignore", divide="ignore"):
        area = ((rank * positive).sum(1) - n1 * (n1 + 1) / 2) / (n1 * n0)
    return np.where((n1 > 0) & (n0 > 0), area, np.nan)


def seen_table(row_id: NDArray[np.int64], cluster: NDArray[np.int64], train: Any) -> pl.DataFrame:
    """row, seen: whether the row's cluster had training rows; missing clusters (−1) count too."""
    known = np.isin(cluster, np.unique(cluster[train]))
    return pl.DataFrame({"row": row_id, "seen": known})
