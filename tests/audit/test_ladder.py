"""Thresholds moved on weighted and clustered rows: the same intervals as judging that decision."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit import audit_predictions
from fairaudit.audit import reanalysis
from fairaudit.audit.result import AuditResult
from fairaudit.audit.whatif import thresholds
from fairaudit.audit.whatif.threshold_counts import (
    Ladder,
    ladder_from_histogram,
    ladder_from_scores,
    over_clusters,
)
from fairaudit.inputs.group_codes import Grouping
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.metric_definitions import BINARY, RATES

NAMES = ("a", "b")
WHO = {"model": "model", "split": "test", "attribute": "group"}


def _rows(seed: int = 0, n: int = 600, clusters: int = 40) -> dict[str, np.ndarray]:
    """Scores that share a site's luck, so that rows of a site are alike."""
    rng = np.random.default_rng(seed)
    site = rng.integers(0, clusters, n)
    luck = rng.normal(0, 0.25, clusters)[site]
    y = (rng.random(n) < np.clip(0.5 + luck, 0, 1)).astype(np.int64)
    score = np.round(np.clip(0.3 + 0.3 * y + luck + rng.normal(0, 0.1, n), 0, 1), 2)
    weight = rng.exponential(1000, n)
    return {"score": score, "y": y, "g": rng.integers(0, 2, n), "site": site, "weight": weight}


def _ladder(d: dict[str, np.ndarray], *, weighted: bool, clustered: bool) -> Ladder:
    return ladder_from_scores(
        d["score"],
        d["y"],
        Grouping("group", NAMES, d["g"]),
        d["weight"] if weighted else None,
        d["site"] if clustered else None,
    )


def _judged(
    d: dict[str, np.ndarray], cut: float, *, weighted: bool, clustered: bool
) -> AuditResult:
    return audit_predictions(
        d["y"],
        (d["score"] >= cut).astype(int),
        sensitive_features=np.array(NAMES)[d["g"]],
        sample_weight=d["weight"] if weighted else None,
        clusters=[f"{s:04d}" for s in d["site"]] if clustered else None,  # in the order of codes
        n_boot=500,
    )


@pytest.mark.parametrize(("weighted", "clustered"), [(True, False), (False, True), (True, True)])
def test_a_moved_threshold_is_judged_like_the_decision_it_makes(weighted, clustered) -> None:
    d = _rows()
    how = {"weighted": weighted, "clustered": clustered}
    errors, gaps = thresholds.at_threshold(_ladder(d, **how), 0.5, confidence=0.95)
    theirs = _judged(d, 0.5, **how)
    both = errors.join(theirs.errors.filter(attribute="group"), on=["group", "metric"])
    assert len(both) == len(errors) == 2 * len(BINARY)
    for column in ("value", "low", "high"):
        mine, other = (both[name].to_numpy() for name in (column, f"{column}_right"))
        assert np.allclose(mine, other, equal_nan=True), column
    both = gaps.join(theirs.gaps, on=["attribute", "metric", "kind"])
    assert np.allclose(both["low"].to_numpy(), both["low_right"].to_numpy(), equal_nan=True)


@pytest.mark.parametrize("metric", sorted(RATES))
@pytest.mark.parametrize("weighted", [False, True])
def test_varianceover_clusters_is_that_of_the_plain_sum_at_every_threshold(
    metric: str, weighted: bool
) -> None:
    d = _rows(3, n=120, clusters=9)
    ladder = _ladder(d, weighted=weighted, clustered=True)
    over, under = RATES[metric]
    found, k = over_clusters(ladder, ladder.clustered, over, under)
    w = d["weight"] if weighted else np.ones(120)
    for g in (0, 1):
        mine = d["g"] == g
        sites = np.unique(d["site"][mine])
        assert k[g] == len(sites)
        for t, cut in enumerate(ladder.thresholds):
            cell = list(
                zip(d["y"].tolist(), (d["score"] >= cut).astype(int).tolist(), strict=True)
            )
            inside = [np.array([c in cells for c in cell]) * w * mine for cells in (over, under)]
            S, D = (np.array([v[d["site"] == s].sum() for s in sites]) for v in inside)
            if D.sum() == 0:
                assert found[g, t] == 0
                continue
            rest = S - S.sum() / D.sum() * D
            expected = len(sites) / (len(sites) - 1) * (rest**2).sum() / D.sum() ** 2
            assert found[g, t] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("weighted", "clustered"), [(True, False), (False, True), (True, True)])
def test_a_curve_over_thresholds_has_the_intervals_of_each_decision(weighted, clustered) -> None:
    d = _rows(1, n=3000, clusters=150)
    ladder = _ladder(d, weighted=weighted, clustered=clustered)
    curve = thresholds.sweep(ladder, "selection_rate", confidence=0.95)
    for cut in (0.3, 0.5, 0.7):
        at = float(ladder.thresholds[ladder.steps(cut)[0]])
        mine = curve.filter(threshold=at).sort("group")
        theirs = _judged(d, cut, weighted=weighted, clustered=clustered).errors
        theirs = theirs.filter(attribute="group", metric="selection_rate").sort("group")
        assert np.allclose(mine["value"], theirs["value"])
        widths = [(t["high"] - t["low"]).to_numpy() for t in (mine, theirs)]
        assert np.allclose(widths[0], widths[1], rtol=0.1)


def _scored(d: dict[str, np.ndarray], **options: np.ndarray) -> AuditResult:
    """Judged at 0.5, with scores, from plain arrays: no rows are stored."""
    label, groups = (d["score"] >= 0.5).astype(int), np.array(NAMES)[d["g"]]
    given = {"y_score": d["score"], "sensitive_features": groups, "n_boot": 200}
    return audit_predictions(d["y"], label, **given, **options)


def test_weights_of_a_thousand_do_not_make_a_thousand_rows_of_one() -> None:
    d = _rows(2)
    result = _scored(d, sample_weight=d["weight"])
    said = result.errors.filter(attribute="group", metric="tpr").sort("group")
    ladder = reanalysis.ladder_of(result, **WHO)
    curve = thresholds.sweep(ladder, "tpr", confidence=0.95).filter(threshold=0.5).sort("group")
    for column in ("value", "low", "high"):
        assert np.allclose(curve[column], said[column])
    again, _, _ = reanalysis.recompute(
        result, **WHO, threshold=0.5, metrics=["tpr"], confidence=0.95
    )
    assert np.allclose(again.sort("group")["low"], said["low"])


def test_without_the_clusters_there_is_no_interval_rather_than_a_wrong_one() -> None:
    d = _rows(4)
    result = _scored(d, clusters=d["site"])
    assert not reanalysis.ladder_of(result, **WHO).sure
    for threshold in (None, 0.5):
        errors, gaps, _ = reanalysis.recompute(
            result, **WHO, threshold=threshold, metrics=["tpr"], confidence=0.95
        )
        assert np.allclose(errors.sort("group")["value"], _tpr(result))
        assert errors["low"].null_count() == len(errors)
        assert gaps["high"].null_count() == len(gaps)
        assert "clusters" in errors["method"][0]
    curve = thresholds.sweep(reanalysis.ladder_of(result, **WHO), "tpr", confidence=0.95)
    assert curve["low"].null_count() == len(curve)


def _tpr(result: AuditResult) -> pl.Series:
    return result.errors.filter(attribute="group", metric="tpr").sort("group")["value"]


def test_equalised_odds_of_clustered_rows_rest_on_clusters() -> None:
    d = _rows(5, n=2000, clusters=60)
    asked = EstimateOptions(0.95, "model", "test", 300)
    width = {}
    for clustered in (False, True):
        ladder = _ladder(d, weighted=False, clustered=clustered)
        odds = thresholds.equalized_odds(ladder)
        cells = thresholds.counts_under(ladder, odds)
        apart = thresholds.clusters_under(ladder, odds)
        if apart is not None:
            assert np.allclose(apart.by_cluster.sum(0).reshape(cells.weight.shape), cells.weight)
        errors, _ = thresholds.tables_of(cells, ["selection_rate"], asked, apart)
        width[clustered] = (errors["high"] - errors["low"]).to_numpy()
    assert (width[True] > 1.3 * width[False]).all()


def test_one_cluster_in_a_group_says_nothing_about_clusters() -> None:
    d = _rows(6)
    d["site"] = np.where(d["g"] == 0, 0, d["site"])
    curve = thresholds.sweep(
        _ladder(d, weighted=False, clustered=True), "accuracy", confidence=0.95
    )
    assert curve.filter(group="a")["low"].null_count() == len(curve.filter(group="a"))
    assert curve.filter(group="b")["low"].null_count() == 0


def test_a_histogram_without_weights_stays_as_it_was() -> None:
    d = _rows(7)
    result = audit_predictions(
        d["y"], None, y_score=d["score"], sensitive_features=np.array(NAMES)[d["g"]], n_boot=0
    )
    table = result.tables["histograms"].filter(attribute="group")
    assert "square" not in table.columns
    ladder = ladder_from_histogram(table)
    assert ladder.square is None
    assert ladder.sure


@pytest.mark.parametrize("classes", [2, 3])
def test_rows_repeated_as_clusters_say_what_one_of_them_says(classes: int) -> None:
    rng = np.random.default_rng(8)
    n = 400
    g, y = rng.integers(0, 2, n), rng.integers(0, classes, n)
    label = np.where(rng.random(n) < 0.7, y, rng.integers(0, classes, n))
    score = np.clip(0.3 + 0.3 * y + rng.normal(0, 0.15, n), 0, 1) if classes == 2 else None
    many = np.repeat(np.arange(n), 10)

    def judged(rows: np.ndarray, clusters: np.ndarray | None) -> AuditResult:
        return audit_predictions(
            y[rows],
            label[rows],
            y_score=None if score is None else score[rows],
            sensitive_features=np.array(NAMES)[g[rows]],
            clusters=clusters,
            n_boot=1000,
        )

    once, often = judged(np.arange(n), None), judged(many, many)
    both = once.errors.join(often.errors, on=["attribute", "group", "metric"])
    # the errors of bins, and so the debiased value, are estimated otherwise from clusters
    assert np.allclose(both["value"], both["value_right"], rtol=0.01)
    width = (both["high"] - both["low"]).to_numpy()
    wide = (both["high_right"] - both["low_right"]).to_numpy()
    assert np.allclose(width, wide, rtol=0.2), both["metric"].to_list()
    if score is not None:
        keys = ["attribute", "group", "bin"]
        a, b = (r.tables["calibration"].filter(pl.col("n") > 0) for r in (once, often))
        both = a.join(b, on=keys).filter(pl.col("n") > 20)
        assert len(both) > 6
        width, wide = ((both[f"high{s}"] - both[f"low{s}"]).to_numpy() for s in ("", "_right"))
        assert np.allclose(width, wide, rtol=0.15)
