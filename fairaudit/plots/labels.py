"""The words and number formats of charts: what a metric is called and how its values read."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "selection_rate": "Selection rate",
    "tpr": "True positive rate",
    "fpr": "False positive rate",
    "tnr": "True negative rate",
    "fnr": "False negative rate",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "fdr": "False discovery rate",
    "for": "False omission rate",
    "accuracy": "Accuracy",
    "error": "Error rate",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "Calibration error",
    "mse": "Mean squared error",
    "rmse": "Root mean squared error",
    "mae": "Mean absolute error",
    "r2": "R²",
    "mean_error": "Mean error (bias)",
    "base_rate": "Base rate",
    "demographic_parity": "Demographic parity",
    "equalized_odds": "Equalized odds",
    "neg_mse": "Negative mean squared error",
    "log_loss": "Log loss",
    "macro_f1": "Macro F1",
}
RATES = frozenset(
    (
        *("selection_rate", "tpr", "fpr", "tnr", "fnr", "ppv", "npv", "fdr", "for"),
        *("accuracy", "error", "balanced_accuracy", "base_rate", "scoring_rate"),
        *("demographic_parity", "equalized_odds", "predictive_parity"),
    )
)
LOWER_IS_BETTER = frozenset(
    (
        *("fpr", "fnr", "fdr", "for", "error", "brier", "ece"),
        *("mse", "rmse", "mae", "log_loss"),
        *("demographic_parity", "equalized_odds", "predictive_parity"),
    )
)
NEITHER = frozenset({"selection_rate", "base_rate", "mean_error", "scoring_rate"})


def base(metric: str) -> str:
    """The metric's family: "tpr: 2" (one class of several) belongs to "tpr"."""
    return metric.split(":")[0].strip().split("[")[0]


def title(metric: str) -> str:
    """The metric's name as a chart shows it."""
    family = base(metric)
    known = TITLES.get(family, family.replace("_", " ").capitalize())
    return known + metric[len(family) :]


def is_rate(metric: str) -> bool:
    """Whether values are shares of rows, shown as percentages."""
    return base(metric) in RATES


def lower_is_better(metric: str) -> bool:
    """Whether small values are good."""
    return base(metric) in LOWER_IS_BETTER


def value(number: float | None, metric: str, *, signed: bool = False) -> str:
    """A value in words: 12.3%, 0.842, or "–" where it is undefined."""
    if number is None or number != number:
        return "–"
    if is_rate(metric):
        return f"{100 * number:{'+' if signed else ''}.1f}%"
    return number_text(number, signed=signed)


def points(number: float | None, metric: str) -> str:
    """A difference in words: "12.3 points" for rates."""
    if number is None or number != number:
        return "–"
    return f"{100 * number:.1f} points" if is_rate(metric) else number_text(number)


def number_text(number: float | None, *, signed: bool = False) -> str:
    """Three decimals near one, thousands separated above, three digits below."""
    if number is None or number != number:
        return "–"
    sign = "+" if signed else ""
    size = abs(number)
    if size >= 1000:
        return f"{number:{sign},.0f}"
    if size >= 0.01 or size == 0:
        return f"{number:{sign}.3f}"
    return f"{number:{sign}.2e}"


def interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval in words, or "" where there is none."""
    if low is None or high is None or low != low or high != high:
        return ""
    return f"{value(low, metric)} to {value(high, metric)}"


def rows(count: float | None) -> str:
    """A number of rows in words."""
    if count is None:
        return "no rows"
    return f"{count:,.0f} row" + ("" if count == 1 else "s")
