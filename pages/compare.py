"""Compare: which model is best, for whom, on the same rows, with paired intervals."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import compare
from fairaudit.text import leads
from fairaudit.ui import contest, layout, page_setup, result_page, url_widgets

page_setup.enter()

audit = result_page.open_audit("compare")
result = audit.result
if len(compare.models_of(result)) < 2:
    layout.page("compare", "This audit holds **one model**; a comparison needs two.")
    layout.empty(
        "Nothing to compare yet",
        "Train with “compare” and name several methods: they get the same splits, the same "
        "preprocessing and the same budget, and the differences are paired.",
        to="train",
        label="Compare methods",
    )
    st.stop()
head = st.container()
asked = contest.controls(result)
front = contest.front(result, asked)
with head:
    layout.page("compare", contest.lead(front, asked))
view = url_widgets.view(("Front", "Paired differences", "All numbers"))

if view == "Front":
    drawn = compare.front(front, quality=asked.quality, gap_title=asked.title)
    layout.chart(drawn.bare(), key="front")
    layout.data_table(front, key="front-table", name="front")
elif view == "Paired differences":
    rows = compare.differences(
        result, metric=asked.quality, attribute=asked.attribute, split=asked.split
    )
    drawn = compare.paired(rows, metric=asked.quality, models=compare.models_of(result))
    layout.told(drawn, key="paired")
else:
    values = compare.values(result, metric=asked.quality, split=asked.split)
    drawn = compare.side_by_side(values, metric=asked.quality)
    layout.told(drawn.bare(), key="side-by-side")
    layout.data_table(contest.everything(result), key="all-numbers", name="comparison")

layout.how(leads.comparison_how(result), command=audit.command)
layout.next_step("compare", audit.result.tables)
