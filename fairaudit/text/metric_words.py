"""What metrics are called, which end of them is good, and which of them are shares of rows."""

from __future__ import annotations

from fairaudit.stats import metric_definitions

_WORDS = {
    "selection_rate": "selection rate",
    "base_rate": "base rate",
    "tpr": "true-positive rate",
    "fpr": "false-positive rate",
    "tnr": "true-negative rate",
    "fnr": "false-negative rate",
    "ppv": "precision",
    "npv": "negative predictive value",
    "fdr": "false-discovery rate",
    "for": "false-omission rate",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "auroc": "AUROC",
    "auprc": "average precision",
    "brier": "Brier score",
    "ece": "calibration error",
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "r2": "R²",
    "mean_error": "mean error (prediction minus outcome)",
    "error_p50": "median absolute error",
    "error_p90": "90th percentile of the absolute error",
    "demographic_parity": "demographic parity",
    "equalized_odds": "equalized odds",
    "predictive_parity": "predictive parity",
    "error": "error rate",
    "error_rate": "error rate",
    "rmse": "root mean squared error",
    "neg_mse": "negative mean squared error",
    "log_loss": "log loss",
    "macro_f1": "macro F1",
    "scoring_rate": "scoring rate",
    "mean_score": "mean score",
    "mean_prediction": "mean prediction",
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
NEITHER = frozenset(
    {"selection_rate", "base_rate", "mean_error", "scoring_rate", "mean_score", "mean_prediction"}
)


def base(metric: str) -> str:
    """The metric's family: "tpr [cat]" (one class of several) belongs to "tpr"."""
    return metric_definitions.base_name(metric)


def title(metric: str) -> str:
    """The metric's name as a chart shows it."""
    family = base(metric)
    words = _WORDS.get(family, family.replace("_", " "))
    return words[:1].upper() + words[1:] + metric[len(family) :]


def in_sentence(metric: str) -> str:
    """The metric's name inside a sentence: abbreviations keep their capitals."""
    name = title(metric)
    return name if name[:2].isupper() or name[:2] in ("R²", "F1") else name[:1].lower() + name[1:]


def is_rate(metric: str) -> bool:
    """Whether values are shares of rows, shown as percentages."""
    return base(metric) in RATES


def lower_is_better(metric: str) -> bool:
    """Whether small values are good."""
    return base(metric) in LOWER_IS_BETTER


def speaks_of_unfairness(metric: str) -> bool:
    """Whether a metric measures distance between groups: gaps, spreads, flips."""
    name = base(metric)
    marks = ("_sd", "sd_", "gap", "difference", "unfairness", "spread", "counterfactual", "odds")
    return name in _GAPS or any(mark in name for mark in marks)
