"""Selection: expert or baseline for each group, so that nobody is harmed."""

from __future__ import annotations

from fairaudit.plots import selection
from fairaudit.ui import choices, layout, opened

VIEWS = ("Decision", "Bounds", "Validation and test", "Alternatives")

audit = opened.open_audit("selection")
decided = opened.require(
    audit,
    "selection",
    "Its method makes no choice between experts and a baseline. FairSDE does: train it on the "
    "same data to see who would be helped, and who harmed.",
)
decision = selection.decision(decided)
layout.page("selection", decision.alt)
view = choices.view(VIEWS)
if view == "Decision":
    layout.chart(decision, key="decision")
    layout.numbers(decided, key="selection-table", name="selection")
elif view == "Bounds":
    layout.chart(selection.bounds(decided), key="bounds")
elif view == "Validation and test":
    drawn = selection.validation_beside_test(decided)
    layout.says(drawn.alt)
    layout.chart(drawn, key="beside")
else:
    table = audit.table("alternatives")
    if table is not None:
        drawn = selection.alternatives(table, str(decided["metric"].item(0)))
        layout.says(drawn.alt)
        layout.chart(drawn, key="alternatives")
layout.how("…", command=audit.command)
layout.next_step("selection")
