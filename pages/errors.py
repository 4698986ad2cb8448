"""Errors: who gets them, by group and crossing, with intervals, down to the rows."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import errors
from fairaudit.text import leads
from fairaudit.ui import drilldown, layout, page_setup, result_page, threshold, url_widgets

page_setup.enter()

audit = result_page.open_audit("errors")
result_page.require(audit, "errors", "Declare an attribute on the Data page and audit again.")
result = audit.result
head = st.container()
places = url_widgets.row(4)
with places[0]:
    by = url_widgets.attribute(result)
with places[1]:
    metric = url_widgets.metric(result)
with places[2]:
    model = url_widgets.model(result)
with places[3]:
    split = url_widgets.split(result)

ask = {"attribute": by, "metric": metric, "split": split}
with head:
    layout.page("errors", leads.errors_lead(result, model=model, **ask))
view = url_widgets.view(("By group", "Crossing", "Threshold", "Score curves", "Counts and rows"))

if view == "By group":
    together = st.toggle("All models side by side", key="together", bind="query-params")
    drawn = errors.by_group(result, models=None if together else [model], **ask)
    layout.chart(drawn.bare(), key="by-group")
    layout.quiet(leads.limits(result, model=model, **ask))
    layout.data_table(
        errors.readable(drawn.table), key="errors-table", name="errors", metric=metric
    )
elif view == "Crossing":
    known = errors.crossings(result, by)
    if known:
        crossed = {**ask, "attribute": url_widgets.one_of("Crossing", known, key="crossed")}
        if crossed != ask:
            layout.says(leads.errors_lead(result, model=model, **crossed))
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
    drilldown.down(audit, attribute=by, model=model, split=split)

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
