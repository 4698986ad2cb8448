"""The plain heading of every column of a result table, and one line that explains it.

Screens and reports show these headings; files keep the column names. A column that is shown has
to be listed here: `tests/ui/test_headings.py` fails otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

Heading = tuple[str, str]  # the heading, and its explanation or ""

_INTERVAL = ("Lower end of the interval", "Upper end of the interval")


def _with_interval(name: str, heading: str, meaning: str = "") -> dict[str, Heading]:
    """The headings of a value and of its interval."""
    return {
        name: (heading, meaning),
        f"{name}_low": (f"{heading}, from", _INTERVAL[0]),
        f"{name}_high": (f"{heading}, to", _INTERVAL[1]),
    }


_WHO: Mapping[str, Heading] = {
    "group": ("Group", ""),
    "groups": ("Groups", "Number of groups that were compared"),
    "model": ("Model", ""),
    "model_a": ("First model", ""),
    "model_b": ("Second model", ""),
    "attribute": ("Group by", "The attribute that defines the groups"),
    "level": ("Level", "A value of the attribute"),
    "category": ("Category", ""),
    "sensitive": ("Sensitive attribute", ""),
    "feature": ("Feature", ""),
    "features": ("Features", "Number of features that were ranked"),
    "cluster": ("Cluster", ""),
    "row": ("Row", "Number of the row in the data"),
    "split": ("Evaluated on", "The rows the values were computed on: test, validation or all"),
    "left_out": ("Excluded", "Whether the group was too small to be compared"),
}
_COUNTS: Mapping[str, Heading] = {
    "n": ("Number of rows", ""),
    "rows": ("Number of rows", ""),
    "n_train": ("Training rows", ""),
    "n_test": ("Test rows", ""),
    "denominator": ("Denominator", "The rows a rate is computed from, such as the positive ones"),
    "tp": ("True positives", ""),
    "fp": ("False positives", ""),
    "fn": ("False negatives", ""),
    "tn": ("True negatives", ""),
    "applicants": ("Applicants", ""),
    "selected": ("Selected", ""),
    "positive_decisions": ("Positive decisions", "Rows with a positive decision"),
    "at_least": ("At least", "The smallest value that the unknown outcomes allow"),
    "at_most": ("At most", "The largest value that the unknown outcomes allow"),
    "n_known": ("Outcome known", "Rows whose outcome is known"),
    "count": ("Number of rows", ""),
    "seed": ("Seed", ""),
    "seeds": ("Seeds", "Number of repeated splits"),
    "epoch": ("Epoch", ""),
    "levels": ("Values tried", "Number of other values the attribute was given"),
}
_VALUES: Mapping[str, Heading] = {
    "metric": ("Metric", ""),
    "measure": ("Measure", "What was compared: decision, score or number"),
    "kind": ("Kind", ""),
    "value": ("Value", ""),
    "low": ("From", _INTERVAL[0]),
    "high": ("To", _INTERVAL[1]),
    "status": ("Status", "Whether enough rows stand behind the value"),
    "method": ("Interval method", "How the interval was computed"),
    **_with_interval(
        "shrunken",
        "Shrunken estimate",
        "Pulled towards the other groups; the fewer rows, the more",
    ),
    **_with_interval("gap", "Gap", "Largest value over the groups minus the smallest"),
    "corrected": (
        "Bias-corrected gap",
        "The largest of several noisy gaps is too large on average; this accounts for it",
    ),
    "p": ("p-value", ""),
    "upper_limit": ("Upper limit", "One-sided: the gap exceeds it with at most 1 − confidence"),
    "margin": ("Margin", "Chosen in advance: gaps below it count as equivalent"),
    "result": ("Result", ""),
    "shown": ("Gap shown", "Whether the interval of the gap excludes zero"),
    "below": ("Below the margin", "Whether the gap is shown to be below the margin"),
    "p_adjusted": ("Adjusted p-value", "Adjusted for multiple testing; small = significant"),
    "gap_detectable": ("Detectable gap", "The smallest gap that these rows would show"),
    "gap_wanted": ("Gap of interest", ""),
    "power": ("Power", "Probability of detecting the gap"),
    "reference": ("Reference group", ""),
    "n_reference": ("Rows of the reference group", ""),
    "rest": ("All other rows", "The value over all rows outside the group"),
    **_with_interval("ratio", "Ratio"),
    "rate": ("Rate", ""),
    "rate_of": ("Which rate", ""),
    "rate_low": ("Rate, from", _INTERVAL[0]),
    "rate_high": ("Rate, to", _INTERVAL[1]),
    "base_rate": ("Base rate", "Share of positive outcomes"),
    "missing": ("Missing values", "Share of missing values in the features"),
    "share": ("Share of rows", ""),
    "mean": ("Mean", ""),
    "sd": ("Standard deviation", ""),
    "y": ("Outcome", ""),
    "label": ("Prediction", ""),
    "score": ("Score", ""),
    "threshold": ("Threshold", ""),
    "upper_threshold": ("Upper threshold", "Used where the lower threshold is not"),
    "chance_lower": ("Lower threshold used", "Probability that the lower threshold decides"),
    "chance_ignored": ("Score ignored", "Probability that the decision is random"),
    "chance_selected": (
        "Positive at random",
        "Probability of a positive decision when it is random",
    ),
    "bin": ("Bin", "Range of scores"),
    "mean_score": ("Mean score", ""),
    "tpr": ("True-positive rate", ""),
    "fpr": ("False-positive rate", ""),
    "auroc": ("AUROC", "0.5 = chance, 1 = perfect"),
}
_CHOICE: Mapping[str, Heading] = {
    "system": ("System", "The candidate that is compared with the baseline"),
    "candidate": ("Candidate", "Performance of the candidate"),
    "candidate_only": (
        "Candidate only correct",
        "Rows that only the candidate predicts correctly",
    ),
    "chosen": ("Chosen", ""),
    "verdict": ("Verdict", ""),
    **_with_interval("baseline", "Baseline"),
    **_with_interval("expert", "Expert"),
    "difference": ("Difference", "The first minus the second, on the same rows"),
    "lower": ("Lower bound", "Of the difference, for all groups simultaneously"),
    "upper": ("Upper bound", "Of the difference, for all groups simultaneously"),
    "admissible": ("Harmless", "Whether it may replace the baseline"),
    "binding": ("Decisive", "Whether the choice would change if this group were left out"),
    "reason": ("Reason", ""),
    "rows_needed": ("Rows needed", "Rows with which it would pass with 80% power"),
    "both_right": ("Both correct", "Rows that baseline and expert predict correctly"),
    "expert_only": ("Expert only correct", "Rows that only the expert predicts correctly"),
    "baseline_only": ("Baseline only correct", "Rows that only the baseline predicts correctly"),
    "neither": ("Neither correct", "Rows that neither predicts correctly"),
    "id": ("Number", "Number of the choice"),
    "experts": ("Groups with an expert", ""),
    "feasible": ("Harmless", "Whether every expert of this choice is harmless"),
    **_with_interval("worst", "Worst group"),
    "dominated": ("Dominated", "Another model is no worse on both and better on one"),
    "sure": (
        "Statistically better in",
        "Where the dominating model is significantly better; empty if no model dominates",
    ),
    "rule": ("Rule", ""),
    "objective": ("Objective", ""),
    **_with_interval("gap_before", "Gap before", "With the baseline for all groups"),
    **_with_interval("gap_after", "Gap after", "With the chosen experts"),
    **_with_interval("worst_before", "Worst group before", "With the baseline for all groups"),
    **_with_interval("worst_after", "Worst group after", "With the chosen experts"),
    **_with_interval("mean_before", "Mean before", "Mean over groups with the baseline for all"),
    **_with_interval("mean_after", "Mean after", "Mean over groups with the chosen experts"),
}
_LATENT: Mapping[str, Heading] = {
    "fidelity": (
        "Fidelity of the rule",
        "0.5 = chance, 1 = perfect; on rows not used for it",
    ),
    "entropy": ("Entropy", "0 = every row clearly belongs to one group, 1 = undetermined"),
    "heldout": ("Held-out fit", "Mean log-likelihood of held-out rows; higher is better"),
    "heldout_loss": ("Held-out loss", "Loss of the group on held-out rows"),
    "heldout_low": ("Held-out loss, from", _INTERVAL[0]),
    "heldout_high": ("Held-out loss, to", _INTERVAL[1]),
    "heldout_se": ("Standard error of the fit", "Standard error of the held-out fit"),
    "share_of_level": ("Share of the level", "Share of the level's rows that are in the group"),
    "share_of_group": ("Share of the group", "Share of the group's rows that have the level"),
    "standardised": ("Standardised difference", "From the overall mean, in standard deviations"),
    "population": ("Overall mean", ""),
    "axis_1": ("First axis", ""),
    "axis_2": ("Second axis", ""),
    "explained": ("Explained variance", "Share of the variance on the two axes"),
    "n_groups": ("Groups", "Number of latent groups"),
    **_with_interval("worst_group", "Worst group", "Loss of the worst group on held-out rows"),
    "worst_low": ("Worst group, from", _INTERVAL[0]),
    "worst_high": ("Worst group, to", _INTERVAL[1]),
    **_with_interval("overall", "Overall", "Value over all rows"),
    "log_likelihood": ("Training fit", "Log-likelihood of training rows; higher is better"),
    "bic": ("BIC", "Fit with a penalty for parameters; lower is better"),
    "icl": ("ICL", "BIC with a penalty for uncertain membership; lower is better"),
    "stability": ("Stability", "1 = the same groups every time, 0 = chance"),
    "source": ("From group", ""),
    "target": ("To group", ""),
    "seconds": ("Seconds", ""),
}
_EFFECTS: Mapping[str, Heading] = {
    "effect": ("Effect", ""),
    "seen": ("Seen in training", ""),
    "used": ("Effect used", "The effect used for predictions, after debiasing"),
    "importance": ("Importance", ""),
    "rank": ("Rank", "1 = most important"),
    "part": ("Component", ""),
    "variance": ("Variance", ""),
    "lam": ("Debiasing strength λ", ""),
    **_with_interval("quality", "Quality"),
    "trial": ("Trial", ""),
    "error": ("Error", "On validation rows; smaller is better"),
    **_with_interval("unfairness", "Unfairness", "Smaller is fairer"),
    "front": ("On the Pareto front", "No other trial is better on both"),
    "lambda_fixed": ("Weight: fixed effects", ""),
    "lambda_cluster": ("Weight: cluster penalty", ""),
    "lambda_kl": ("Weight: prior", ""),
    "lambda_fair_fixed": ("Weight: fairness, fixed", ""),
    "lambda_fair_mixed": ("Weight: fairness, mixed", ""),
}
_STRESS: Mapping[str, Heading] = {
    "strength": ("Strength", "How strongly the data were changed"),
    "harm": ("Loss", "Loss of the worst-off group; below zero it gains"),
    "harmed": ("A group is worse off", "Share of the draws, or number of groups"),
    "harmed_surely": ("Significantly worse off", "Share of the draws beyond the bound"),
    "changed": ("Different choice", "Share of the draws in which the choice differs"),
    "trained with": ("Trained with", "The losses that were used"),
    "selection": ("Choice", "How experts were chosen"),
    "discriminator": ("Loss: group recognition", ""),
    "centres": ("Loss: centres", ""),
    "divergence": ("Loss: divergence", ""),
}
_RULES: Mapping[str, Heading] = {
    "section": ("Section", ""),
    "text": ("Text", ""),
    "impact_ratio": ("Impact ratio", "Rate divided by the highest rate"),
    "z": ("z", "Statistic of the test of two proportions"),
    "test": ("Test", ""),
    "below_four_fifths": ("Below four fifths", ""),
    "shortfall": ("Shortfall", "Selections missing to reach the line"),
    "flip_flop": ("Reversed by one", "Whether one selection more or less changes the verdict"),
    "expected": ("Expected", "Selections if a group had its share of them"),
    "standard_deviation": (
        "Standard deviation",
        "Of the selections, if they were drawn at random",
    ),
    "standard_deviations": ("Standard deviations", "Between expected and actual selections"),
    "exceeds_two": ("Above two", "More than two standard deviations"),
    "exceeds_three": ("Above three", "More than three standard deviations"),
    "share_of_people": ("Share of people", ""),
    "share_of_selected": ("Share of those chosen", ""),
    "absolute_disparity": ("Absolute disparity", "Share of people minus share of those chosen"),
    "comparative_disparity": ("Comparative disparity", "Absolute disparity over share of people"),
    "risk": ("Risk", "Share of the group with the outcome"),
    **_with_interval("risk_ratio", "Risk ratio", "Risk over that of all other groups together"),
    "large_enough": ("Large enough", "Whether the group reaches the usual sizes"),
    "comparison_large_enough": ("Others large enough", "Whether the other groups reach them"),
    "under_two_percent": ("Below minimum share", "The group is too small for the comparison"),
    **_with_interval("before", "Before"),
    **_with_interval("after", "After"),
    "change": ("Change", "After minus before"),
}
_FILES: Mapping[str, Heading] = {
    "file": ("File", ""),
    "bytes": ("Bytes", ""),
    "sha256": ("SHA-256", ""),
}
HEADINGS: Mapping[str, Heading] = {
    **_WHO, **_COUNTS, **_VALUES, **_CHOICE, **_LATENT, **_EFFECTS, **_STRESS, **_RULES, **_FILES,
}  # fmt: skip


def heading(column: str) -> str:
    """The heading of a column; a name that is not listed is shown with spaces."""
    return HEADINGS[column][0] if column in HEADINGS else column.replace("_", " ")
