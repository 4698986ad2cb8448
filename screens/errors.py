"""Errors: who gets them, by group and crossing, with intervals, down to the rows."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import errors
from fairaudit.ui import choices, drill, layout, opened

VIEWS = ("By group", "Crossings", "Score curves", "Counts and rows")

audit = opened.open_audit("errors")
opened.require(audit, "errors", "This audit has no errors by group; declare an attribute first.")
result = audit.result
head = st.container()
places = choices.row(4)
with places[0]:
    by = choices.attribute(result)
with places[1]:
    metric = choices.metric(result)
with places[2]:
    model = choices.model(result)
with places[3]:
    split = choices.split(result)

ask = {"attribute": by, "metric": metric, "split": split}
by_group = errors.by_group(result, models=[model], **ask)
with head:
    layout.page("errors", by_group.alt)
view = choices.view(VIEWS)

if view == "By group":
    together = st.toggle("All models side by side", key="together", bind="query-params")
    layout.chart(errors.by_group(result, **ask) if together else by_group, key="by-group")
    layout.numbers(by_group.table, key="errors-table", name="errors")
elif view == "Crossings":
    layout.chart(errors.crossing(result, model=model, **ask), key="crossing")
elif view == "Score curves":
    for drawn, key in (
        (errors.calibration(result, attribute=by, model=model, split=split), "calibration"),
        (errors.roc(result, attribute=by, model=model, split=split), "roc"),
    ):
        layout.says(drawn.alt)
        layout.chart(drawn, key=key)
else:
    drill.down(audit, attribute=by, model=model, split=split)

layout.how(
    "Every value comes from the counts of truth and answer in a group. Rates carry Wilson "
    "intervals, everything else bootstrap intervals; the column *method* names the one used. "
    "A group without enough rows is not given a number.",
    formula=r"\text{TPR} = \frac{TP}{TP+FN}, \quad \text{FPR} = \frac{FP}{FP+TN}",
    command=audit.command,
)
layout.next_step("errors")
