"""What the Compare page says."""

from __future__ import annotations

QUALITY = "The metric by which models are judged over all rows."
ONE_MODEL = "This audit contains **one model**; a comparison needs at least two."
WHAT_TO_DO = (
    "On the Train page choose “Several methods, compared”: all get the same splits, the same "
    "preprocessing and the same budget, and the differences are paired."
)
NO_OUTCOME = "Models are compared by how well they predict the outcome."
