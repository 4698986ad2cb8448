"""Agreement with Fairlearn, the field's oracle, on random tables with degenerate groups."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn import metrics as fl
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from fairaudit import AuditResult, audit_predictions
from tests.sizes import size

# scikit-learn warns and answers 0 where a denominator is empty; ours is null there
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
    pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning"),
    pytest.mark.filterwarnings("ignore:A single label was found:UserWarning"),
]

METRICS = {
    "selection_rate": fl.selection_rate,
    "tpr": fl.true_positive_rate,
    "fpr": fl.false_positive_rate,
    "tnr": fl.true_negative_rate,
    "fnr": fl.false_negative_rate,
    "accuracy": sk.accuracy_score,
    "error_rate": sk.zero_one_loss,
    "ppv": sk.precision_score,
    "f1": sk.f1_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
}
EXACT = {"rel": 1e-12, "abs": 1e-12}


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Truth, answers, groups and perhaps weights; some groups are tiny or have one class."""
    n = draw(st.integers(2, 60))
    seed = draw(st.integers(0, 2**32 - 1))
    G = draw(st.integers(1, 5))
    rng = np.random.default_rng(seed)
    group = rng.choice(G, n, p=rng.dirichlet(np.full(G, 0.7)))
    base, right = rng.uniform(0, 1, G), rng.uniform(0, 1, G)
    base[rng.random(G) < 0.2] = rng.integers(0, 2)  # a group of one class
    right[rng.random(G) < 0.2] = 1.0  # a group without errors
    y = (rng.random(n) < base[group]).astype(int)
    p = np.where(rng.random(n) < right[group], y, 1 - y)
    weight = rng.uniform(0.1, 3, n) if draw(st.booleans()) else None
    return y, p, np.array([f"g{i}" for i in group]), weight


def _audited(y: Any, p: Any, g: Any, w: Any, metrics: list[str], **more: Any) -> AuditResult:
    """Only what is compared: the work of an audit grows with its metrics."""
    return audit_predictions(
        y, p, sensitive_features=g, sample_weight=w, n_boot=0, metrics=metrics, **more
    )


def _ours(r: AuditResult, metric: str, attribute: str = "group") -> dict[str, float | None]:
    rows = r.errors.filter((pl.col("metric") == metric) & (pl.col("attribute") == attribute))
    return dict(zip(rows["group"], rows["value"], strict=True))


def _gap(r: AuditResult, metric: str, kind: str) -> float | None:
    rows = r.gaps.filter((pl.col("metric") == metric) & (pl.col("kind") == kind))
    return rows["value"].item()


def _frame(metric: Any, y: Any, p: Any, g: Any, w: Any) -> fl.MetricFrame:
    params = None if w is None else {name: {"sample_weight": w} for name in metric}
    return fl.MetricFrame(
        metrics=metric, y_true=y, y_pred=p, sensitive_features=g, sample_params=params
    )


def _empty(metric: str, y: np.ndarray, p: np.ndarray) -> bool:
    """Whether the metric has no denominator, said a second time and naively."""
    return {
        "tpr": not (y == 1).any(),
        "fnr": not (y == 1).any(),
        "fpr": not (y == 0).any(),
        "tnr": not (y == 0).any(),
        "ppv": not (p == 1).any(),
        "f1": not ((y == 1) | (p == 1)).any(),
        "balanced_accuracy": len(set(y)) < 2,
        "mcc": len(set(y)) < 2 or len(set(p)) < 2,
    }.get(metric, False)


# every branch of the checks below is seen within 130 tables
@settings(max_examples=size(130, 1000), deadline=None, derandomize=True)
@given(tables())
def test_values_and_gaps_equal_fairlearn(
    table: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None],
) -> None:
    y, p, g, w = table
    chosen = {
        m: METRICS[m]
        for m in ("selection_rate", "tpr", "fpr", "accuracy", "error_rate", "ppv", "f1")
    }
    r = _audited(y, p, g, w, list(chosen))
    names = sorted(set(g))
    theirs = _frame(chosen, y, p, g, w)
    gaps = _their_gaps(theirs)
    for metric in chosen:
        defined = _check_values(r, metric, table, theirs.by_group[metric].to_dict())
        if len(defined) == len(names) > 1:
            _check_gaps(r, metric, theirs.by_group[metric], gaps)
        elif len(defined) > 1:  # the gap is over the groups that can be judged
            keep = np.isin(g, defined)
            weight = None if w is None else w[keep]
            rest = _frame({metric: METRICS[metric]}, y[keep], p[keep], g[keep], weight)
            gap = rest.difference()[metric]
            assert _gap(r, metric, "difference") == pytest.approx(gap, **EXACT)
    _check_odds(r, table, names)


def _check_values(r: AuditResult, metric: str, table: Any, theirs: Any) -> list[str]:
    y, p, g, _ = table
    ours = _ours(r, metric)
    for name in ours:
        empty = _empty(metric, y[g == name], p[g == name])
        assert (ours[name] is None) == empty
        if not empty:
            assert ours[name] == pytest.approx(theirs[name], **EXACT)
    return [name for name in ours if ours[name] is not None]


def _their_gaps(theirs: fl.MetricFrame) -> dict[str, Any]:
    """Every kind of gap of all metrics: each call of Fairlearn's computes them for all."""
    return {
        "difference": theirs.difference(),
        "to_overall": theirs.difference(method="to_overall"),
        "ratio": theirs.ratio(),
        "ratio_to_overall": theirs.ratio(method="to_overall"),
    }


def _check_gaps(r: AuditResult, metric: str, values: Any, theirs: dict[str, Any]) -> None:
    kinds = theirs if values.max() > 0 else ("difference", "to_overall")
    for kind in kinds:
        assert _gap(r, metric, kind) == pytest.approx(theirs[kind][metric], **EXACT)
    worst = values.max() if metric in ("fpr", "error_rate") else values.min()
    assert _gap(r, metric, "worst") == pytest.approx(worst, **EXACT)
    assert _gap(r, metric, "sd") == pytest.approx(np.std(list(values)), **EXACT)


def _check_odds(r: AuditResult, table: Any, names: list[str]) -> None:
    y, p, g, w = table
    whole = [n for n in names if len(set(y[g == n])) == 2]
    if len(names) < 2 or whole != names:
        return
    options = {"sensitive_features": g, "sample_weight": w}
    theirs = fl.equalized_odds_difference(y, p, **options)
    assert _gap(r, "equalized_odds", "difference") == pytest.approx(theirs, **EXACT)
    ratio = fl.equalized_odds_ratio(y, p, **options)
    ours = _gap(r, "equalized_odds", "ratio")
    if ours is not None:  # a rate of 0 in all groups: 0/0 is undefined here
        assert ours == pytest.approx(ratio, **EXACT)
    parity = fl.demographic_parity_difference(y, p, **options)
    assert _gap(r, "demographic_parity", "difference") == pytest.approx(parity, **EXACT)


@settings(max_examples=size(30, 150), deadline=None, derandomize=True)
@given(tables())
def test_the_other_metrics_equal_scikit_learn_by_group(
    table: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None],
) -> None:
    y, p, g, w = table
    metrics = ["tnr", "fnr", "balanced_accuracy", "mcc"]
    r = _audited(y, p, g, w, metrics)
    for metric in metrics:
        ours = _ours(r, metric)
        for name in set(g):
            rows = g == name
            empty = _empty(metric, y[rows], p[rows])
            assert (ours[name] is None) == empty
            if not empty:
                weight = None if w is None else w[rows]
                theirs = METRICS[metric](y[rows], p[rows], sample_weight=weight)
                assert ours[name] == pytest.approx(theirs, **EXACT)


@settings(max_examples=size(30, 150), deadline=None, derandomize=True)
@given(tables(), st.integers(2, 30))
def test_score_metrics_equal_scikit_learn_by_group(table: Any, levels: int) -> None:
    y, p, g, w = table
    rng = np.random.default_rng(len(y))
    score = np.round(np.clip(0.3 * y + rng.random(len(y)) * 0.7, 0, 1) * levels) / levels  # ties
    r = _audited(y, p, g, w, ["brier", "auroc", "auprc"], y_score=score)
    for name in set(g):
        rows = g == name
        weight = None if w is None else w[rows]
        brier = sk.brier_score_loss(y[rows], score[rows], sample_weight=weight, labels=[0, 1])
        assert _ours(r, "brier")[name] == pytest.approx(brier, **EXACT)
        if len(set(y[rows])) < 2:
            assert _ours(r, "auroc")[name] is None
            continue
        area = sk.roc_auc_score(y[rows], score[rows], sample_weight=weight)
        assert _ours(r, "auroc")[name] == pytest.approx(area, rel=1e-10, abs=1e-10)
        ap = sk.average_precision_score(y[rows], score[rows], sample_weight=weight)
        assert _ours(r, "auprc")[name] == pytest.approx(ap, rel=1e-10, abs=1e-10)


@settings(max_examples=size(25, 100), deadline=None, derandomize=True)
@given(tables(), st.integers(0, 2**31))
def test_regression_metrics_equal_scikit_learn_by_group(table: Any, seed: int) -> None:
    _, _, g, w = table
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=len(g)), rng.normal(size=len(g))
    r = audit_predictions(y, p, sensitive_features=g, sample_weight=w, n_boot=0, task="regression")
    for name in set(g):
        rows = g == name
        weight = None if w is None else w[rows]
        mse = sk.mean_squared_error(y[rows], p[rows], sample_weight=weight)
        mae = sk.mean_absolute_error(y[rows], p[rows], sample_weight=weight)
        assert _ours(r, "mse")[name] == pytest.approx(mse, **EXACT)
        assert _ours(r, "mae")[name] == pytest.approx(mae, **EXACT)
        if rows.sum() < 2:
            assert _ours(r, "r2")[name] is None
            continue
        r2 = sk.r2_score(y[rows], p[rows], sample_weight=weight)
        assert _ours(r, "r2")[name] == pytest.approx(r2, rel=1e-9, abs=1e-9)


@settings(max_examples=size(25, 100), deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(3, 5))
def test_several_classes_equal_scikit_learn_by_group(seed: int, C: int) -> None:
    rng = np.random.default_rng(seed)
    y, p, g = rng.integers(0, C, 50), rng.integers(0, C, 50), rng.choice(["a", "b"], 50)
    metrics = ["accuracy", "balanced_accuracy", "f1", "mcc", "tpr"]
    r = _audited(y, p, g, None, metrics, task="multiclass")
    for name in set(g):
        rows = g == name
        assert _ours(r, "accuracy")[name] == pytest.approx((y == p)[rows].mean(), **EXACT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            recall = sk.balanced_accuracy_score(y[rows], p[rows])
        assert _ours(r, "balanced_accuracy")[name] == pytest.approx(recall, **EXACT)
        f1 = sk.f1_score(y[rows], p[rows], average="macro")
        assert _ours(r, "f1")[name] == pytest.approx(f1, **EXACT)
        mcc = sk.matthews_corrcoef(y[rows], p[rows])
        assert _ours(r, "mcc")[name] == pytest.approx(mcc, **EXACT)
        one = sk.recall_score(y[rows] == 1, p[rows] == 1)
        if (y[rows] == 1).any():
            assert _ours(r, "tpr [1]")[name] == pytest.approx(one, **EXACT)
