"""What the Train page says."""

from __future__ import annotations

NO_OUTCOME = "No outcome is selected: choose the column to predict on the Data page."
TOO_FEW_METHODS = "A comparison needs two methods that can run on this data."
COMPARED = "Same splits, same preprocessing, same budget; paired intervals for differences."
SEEDS = "Each seed uses a new split."
WHOLE_CLUSTERS = "Whole clusters: how does the model perform at a site it has not seen?"
AUTOMATIC = "Automatic uses a GPU if there is one."
NO_GPU = "No GPU was found."


def plan(target: str, rows: str, name: str, groups: str) -> str:
    """What is trained on what, and evaluated by what."""
    return (
        f"A model of **{target}** is trained on 60% of the "
        f"**{rows}** of **{name}** and evaluated by **{groups}** on 20% "
        "it has not seen."
    )
