"""What the page of choices between systems says."""

from __future__ import annotations

from fairaudit.text import numbers

OBJECTIVE = "What the choice optimises, among the choices that harm no group."
CONFIDENCE = "Confidence that the expert is not worse, for all groups simultaneously."
TOLERANCE = "How much worse an expert may be and still count as harmless."
HIDES_GROUPS = (
    "It hides small groups, whose sizes and errors a choice would show. Audit the same "
    "systems without hiding groups, where that is allowed."
)
NOTHING_TO_CHOOSE = (
    "It has one system only, or no outcome or groups to compare systems by. Audit two systems "
    "or more together, or train FairSDE, which chooses between experts and a baseline."
)
ONE_SYSTEM = (
    "This audit has one system only. Add the systems of another audit of the same table, and the "
    "page says which system should serve whom."
)
OTHER_AUDITS = (
    "The systems are compared on the rows that none of the audits trained on; the outcome must be "
    "the same. Groups and weights are those of this audit."
)


def on_shared_rows(rows: int) -> str:
    """On how many rows systems of several audits are compared."""
    return f"Compared on the {numbers.rows(rows)} that none of these audits trained on."


NOT_COMPARABLE = "These systems cannot be compared."
BASELINE = "The baseline: it stays wherever no other system is shown to do no harm."
INTERSECTIONS = "With several attributes the groups are their intersections."
CHECKED_ON = "These rows take no part in the choice and show what it does."
TIES = (
    " Among the remaining choices the objective is optimised exactly; ties go to the better "
    "worst group, then the better mean, then fewer experts."
)
