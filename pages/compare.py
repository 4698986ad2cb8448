"""Compare: which model is best, and for whom, on the same rows, with paired intervals."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import compare
from fairaudit.text.screens import compare as wording
from fairaudit.text.sentences.compare import comparison_how
from fairaudit.text.voice import voice_of
from fairaudit.ui import comparison, layout, page_setup, result_page, url_widgets

page_setup.start_page()

audit = result_page.open_audit("compare")
result = audit.result
if len(compare.models_of(result)) < 2:
    layout.header("compare", wording.ONE_MODEL)
    layout.empty_state(
        "Nothing to compare yet",
        wording.WHAT_TO_DO,
        to="train",
        label="Compare methods",
    )
    st.stop()
if not voice_of(result).judges:
    layout.header("compare", wording.NO_OUTCOME)
    result_page.needs_outcome(voice_of(result))
    st.stop()
top, voice = st.container(), voice_of(result)
axes = comparison.controls(result)
front = comparison.front(result, axes)
with top:
    layout.header("compare", comparison.lead_sentence(front, axes, voice))
view = url_widgets.view(("Trade-off", "Paired differences", "All values"))

if view == "Trade-off":
    drawn = compare.front(front, quality=axes.quality, gap_title=axes.title, voice=voice)
    layout.chart(drawn.bare(), key="front")
    layout.data_table(front, key="front-table", name="front")
elif view == "Paired differences":
    rows = compare.differences(
        result, metric=axes.quality, attribute=axes.attribute, split=axes.split
    )
    models = compare.models_of(result)
    drawn = compare.paired(rows, metric=axes.quality, voice=voice, models=models)
    layout.described_chart(drawn, key="paired")
else:
    values = compare.values(result, metric=axes.quality, split=axes.split)
    drawn = compare.side_by_side(values, metric=axes.quality, voice=voice)
    layout.described_chart(drawn.bare(), key="side-by-side")
    layout.data_table(comparison.all_values(result), key="all-numbers", name="comparison")

layout.computation(comparison_how(result), outcome=audit.outcome, command=audit.command)
layout.next_step("compare", audit.result.tables)
