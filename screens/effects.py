"""Effects: what each cluster adds, and whether the answers hold where no cluster was seen."""

from __future__ import annotations

from fairaudit.plots import effects
from fairaudit.ui import choices, layout, opened

VIEWS = ("Clusters", "Fixed and mixed", "Importance", "Debiasing")

audit = opened.open_audit("effects")
table = opened.require(
    audit,
    "effects",
    "Its method knows no clusters. Fair MEDL does: choose a cluster column such as a site or a "
    "school on the Data page, and train it.",
)
