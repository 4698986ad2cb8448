"""How each stress test was made, in words: the same on the screen and in a report."""

from __future__ import annotations

from collections.abc import Mapping

HOW: Mapping[str, str] = {
    "Shift": "One group's validation rows are shifted, the choice is made again from them, and "
    "the *unshifted* test rows say what it does. Either a share of the group's rows is left out, "
    "or its rows are drawn with replacement so that its commoner outcome (or the upper half of "
    "its values) becomes rarer. The curve is the mean loss of the worst-off group against its "
    "baseline over the draws; its lines hold nine draws of ten. Below zero everybody gained. "
    "*Worse off* means by any amount, so small groups are worse off by chance now and then; "
    "*harmed surely* in the table counts only losses beyond the paired 95% bound over all groups. "
    "The models are not trained again.",
    "Wrong groups": "The choice stays as it is; only the group that is given when the model "
    "answers errs, for a share of the test rows drawn evenly. The mean over all such errors is "
    "exact, not drawn; the lines are 95% t intervals over the group's rows, or clusters where "
    "there are any, and groups of fewer than 20 rows have none. Above zero a group still fares "
    "better than under the baseline. The lowest groups are drawn, the table holds all.",
    "Ablation": "The method is trained with each of its three representation losses on and off, "
    "and from each training the experts are taken always, or chosen by each objective at the "
    "audit's own confidence. A hollow mark harms at least one group on test rows beyond its "
    "bound. The lines are 95% intervals over the test rows (or clusters), as on the Errors page. "
    "Each training was done once, with the same seed: what another seed would change is not in "
    "them.",
    "Objectives": "The same trained models, chosen by every objective: `min_gap` seeks the "
    "smallest gap that harms nobody, `max_min` gives each group its better model, `max_mean` the "
    "best average with no wider gap. With the bound an expert must be shown to be no worse at 95% "
    "over all groups together; on point estimates it must only look no worse, as in the paper. "
    "The grey line is the baseline. The lines are 95% intervals over the rows shown (or their "
    "clusters), as on the Errors page; all objectives see the same rows, so overlap does not mean "
    "that they are equal.",
    "Time": "Invented performances of 2 to 64 groups, the median of three choices, on the "
    "machine that ran the audit. The algorithm is exact and takes G² steps.",
    "Flips": "Every test row is asked again with each other value of one sensitive column; all "
    "other columns stay as they are, so that no cause is modelled and what would change along "
    "with the column does not. That makes it a lower bound of how much a model leans on an "
    "attribute: a model that never sees the column moves no answer and may still be unfair. "
    "Intervals are over rows, or over clusters where there are any.",
    "Group not known": "The same model answers for the same test rows twice: told the group, and "
    "with the group its discriminator guesses from the features. This is what happens where the "
    "sensitive attribute is missing. Intervals as on the Errors page.",
    "Probes": "Five columns that only know the rate of positive outcomes of a row's cluster (r, "
    "r², 1/r, cos r, sin r, each with a little noise) are added, both models are trained again, "
    "and all features are ranked by how much they move the answers. A model that separates "
    "clusters from what holds everywhere has no use for them.",
}
FORMULAS: Mapping[str, str] = {
    "Shift": r"\text{loss} = \max_g \left( \text{baseline}_g - \text{chosen}_g \right)"
    r"\text{ on test rows}",
    "Flips": r"\frac{1}{n} \sum_i \frac{1}{L - 1} \sum_{s' \neq s_i} "
    r"\left| f(x_i, s_i) - f(x_i, s') \right|",
}
