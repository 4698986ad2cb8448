"""The words and number formats of charts: what a metric is called and how its values read."""

from __future__ import annotations

from collections.abc import Mapping

from fairaudit.stats import metric_definitions

OBJECTIVES: Mapping[str, str] = {
    "min_gap": "Smallest gap",
    "max_min": "Best worst group",
    "max_mean": "Best mean",
}
_OTHER = {
    "error": "error rate",
    "error_rate": "error rate",
    "rmse": "root mean squared error",
    "neg_mse": "negative mean squared error",
    "log_loss": "log loss",
    "macro_f1": "macro F1",
    "scoring_rate": "scoring rate",
    "flip_label": "decisions that change",
    "flip_score": "mean change of the probability",
    "flip_value": "mean change of the predicted number",
}
_FLIPS = ("flip_label", "flip_score")
_GAPS = metric_definitions.GAP_METRICS
RATES = frozenset(
    (
        *metric_definitions.RATES,
        "balanced_accuracy",
        "error",
        "error_rate",
        "scoring_rate",
        *_GAPS,
        *_FLIPS,
    )
)
LOWER_IS_BETTER = metric_definitions.LOWER_IS_BETTER | {
    "error",
    "error_rate",
    "rmse",
    "log_loss",
    "flip_value",
    *_GAPS,
    *_FLIPS,
}
NEITHER = frozenset({"selection_rate", "base_rate", "mean_error", "scoring_rate"})


def base(metric: str) -> str:
    """The metric's family: "tpr [cat]" (one class of several) belongs to "tpr"."""
    return metric_definitions.base_name(metric)


def title(metric: str) -> str:
    """The metric's name as a chart shows it."""
    family = base(metric)
    words = {**metric_definitions.WORDS, **_OTHER}.get(family, family.replace("_", " "))
    return words[:1].upper() + words[1:] + metric[len(family) :]


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
        return f"{100 * number:{'+' if signed else ''}z.1f}%"
    return number_text(number, signed=signed)


def points(number: float | None, metric: str, *, signed: bool = False) -> str:
    """A difference in words: "12.3 points" for rates."""
    if number is None or number != number:
        return "–"
    if is_rate(metric):
        return f"{100 * number:{'+' if signed else ''}z.1f} points"
    return number_text(number, signed=signed)


def number_text(number: float | None, *, signed: bool = False) -> str:
    """Three decimals near one, thousands separated above, three digits below."""
    if number is None or number != number:
        return "–"
    sign = "+" if signed else ""
    size = abs(number)
    if size >= 1000:
        return f"{number:{sign},.0f}"
    if size >= 0.01 or size == 0:
        return f"{number:{sign}z.3f}"
    if size >= 0.0001:
        return f"{number:{sign}.4f}"
    return f"{number:{sign}.2e}"


def interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval in words, or "" where there is none."""
    if low is None or high is None or low != low or high != high:
        return ""
    return f"{value(low, metric)} to {value(high, metric)}"


def points_interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval of a difference in words, "8.0 to 16.1", or "" where there is none."""
    if not interval(low, high, metric):
        return ""
    return " to ".join(points(end, metric).removesuffix(" points") for end in (low, high))


def points_with_interval(
    number: float | None,
    low: float | None,
    high: float | None,
    metric: str,
    *,
    signed: bool = False,
) -> str:
    """A difference with its interval in words: "12.3 points (8.0 to 16.1)"."""
    span, said = points_interval(low, high, metric), points(number, metric, signed=signed)
    return f"{said} ({span})" if span else said


def value_with_interval(
    number: float | None, low: float | None, high: float | None, metric: str, *, mark: str = ""
) -> str:
    """A value with its interval in words: "82.3% (79.0% to 85.1%)"; `mark` surrounds the value."""
    span, said = interval(low, high, metric), f"{mark}{value(number, metric)}{mark}"
    return f"{said} ({span})" if span else said


def rows(count: float | None) -> str:
    """A number of rows in words."""
    if count is None:
        return "no rows"
    return f"{count:,.0f} row" + ("" if count == 1 else "s")


def speaks_of_unfairness(metric: str) -> bool:
    """Whether a metric measures distance between groups: gaps, spreads, flips."""
    name = base(metric)
    marks = ("_sd", "sd_", "gap", "difference", "unfairness", "spread", "counterfactual", "odds")
    return name in _GAPS or any(mark in name for mark in marks)
