"""What the page of other numbers of groups says."""

from __future__ import annotations

ONE_NUMBER = (
    "It was fitted with a single number of groups. On the Train page choose ROME and “What if "
    "more or fewer?”: all numbers of groups are fitted in one run, and moving the slider here is "
    "then instant."
)
NO_GROUPS = "This sweep did not keep its groups; run it again to compare them."
NO_LINEAGE = "This sweep has no lineage; run it again to compute it."
HOW = (
    "For every number of groups G the method was fitted from many starting points on training "
    "rows; the loss of the worst group and the overall loss are computed on held-out rows, each "
    "row weighed by the probability of its groups before the outcome. *By chance* are outcomes "
    "drawn from one common model for the same rows. *Same groups* keeps the groups of G and asks "
    "the models of all numbers about them. BIC penalises the number of parameters; ICL also "
    "uncertain membership, so it speaks of separation only. *Stability* is the adjusted Rand "
    "index between the groups of bootstrap refits: 1 = the same groups every time, 0 = chance. "
    "The slider starts at the simplest number that is not clearly worse than the best."
)
