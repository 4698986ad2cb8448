"""What the Clusters page says."""

from __future__ import annotations

NO_CLUSTERS = (
    "Its method does not model clusters. Fair MEDL does: choose a cluster column such as a site "
    "or school on the Data page, then train it."
)
HOW = (
    "Fixed effects are shared by all clusters; each cluster adds its own intercept and slopes, "
    "which are shrunk towards zero where it has few rows. Intervals are posterior intervals. "
    "*Mixed* predictions use the cluster, *fixed* predictions do not; without a cluster the two "
    "are the same. *Variance* is the variance of the effects on the scale of the link function; "
    "for a binary outcome the residual variance is that of the logistic distribution, π²/3, and "
    "the ICC leaves out the slopes. A *search* tries different weights of the five losses and "
    "picks the fairest trial whose error is within the performance budget of the lowest error."
)
