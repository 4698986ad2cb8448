"""Errors: who gets them, by group and crossing, with intervals, down to the rows."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import errors
from fairaudit.report import words
from fairaudit.ui import choices, drill, frame, layout, opened, threshold

frame.enter()

audit = opened.open_audit("errors")
opened.require(audit, "errors", "Declare an attribute on the Data page and audit again.")
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
with head:
    layout.page("errors", words.errors_lead(result, model=model, **ask))
view = choices.view(("By group", "Crossing", "Threshold", "Score curves", "Counts and rows"))

if view == "By group":
    together = st.toggle("All models side by side", key="together", bind="query-params")
    drawn = errors.by_group(result, models=None if together else [model], **ask)
    layout.chart(drawn.bare(), key="by-group")
    layout.quiet(words.limits(result, model=model, **ask))
    layout.numbers(errors.readable(drawn.table), key="errors-table", name="errors", metric=metric)
elif view == "Crossing":
    known = errors.crossings(result, by)
    if known:
        crossed = {**ask, "attribute": choices.one_of("Crossing", known, key="crossed")}
        if crossed != ask:
            layout.says(words.errors_lead(result, model=model, **crossed))
        layout.chart(errors.crossing(result, model=model, **crossed), key="crossing")
    else:
        layout.quiet(
            "This audit crosses no two attributes: declare a second one on the Data page, or set "
            "the depth of crossings in expert mode, and audit again."
        )
elif view == "Threshold":
    threshold.explorer(audit, model=model, **ask)
elif view == "Score curves":
    curves = {"attribute": by, "model": model, "split": split}
    for name, drawn in (
        ("calibration", errors.calibration(result, **curves)),
        ("roc", errors.roc(result, **curves)),
    ):
        layout.told(drawn, key=name)
else:
    drill.down(audit, attribute=by, model=model, split=split)

layout.how(
    "Every value comes from the counts of truth and answer in a group. Rates carry Wilson "
    "intervals, gaps and everything else bootstrap intervals; the column *method* names the one "
    "used. The largest of several noisy gaps is too large on average: the corrected gap takes "
    "that off. A group without enough rows is given a reason instead of a number.",
    formula=r"\text{TPR} = \frac{TP}{TP+FN}, \quad \text{FPR} = \frac{FP}{FP+TN}, \quad "
    r"\text{gap} = \max_g m_g - \min_g m_g",
    command=audit.command,
)
layout.next_step("errors", audit.result.tables)
