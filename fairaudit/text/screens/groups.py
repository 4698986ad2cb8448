"""What the page of latent groups says."""

from __future__ import annotations

NO_GROUPS = "Its method does not find latent groups. ROME does: train it on the same data."
HOW = (
    "Groups were found on training rows and are evaluated on held-out rows only. A *rule* is a "
    "shallow decision tree fitted to membership; its *fidelity* is the balanced agreement on rows "
    "the rule was not fitted to: 0.5 = chance, 1 = perfect. *Entropy* is 0 where every row "
    "clearly belongs to one group and 1 where membership is undetermined."
)


def errors_for(groups: object) -> str:
    """For which number of groups errors are shown."""
    return f"Errors are reported for the chosen number of groups: {groups}."


def no_view(view: str) -> str:
    """A view that the audit lacks."""
    return f"This audit has no {view}; run it again to compute it."
