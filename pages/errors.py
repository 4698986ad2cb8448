"""Errors: who is affected, by group and intersection, with intervals, down to the rows."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import errors
from fairaudit.text.screens import errors as wording
from fairaudit.text.sentences.calibration import HOW as TESTED
from fairaudit.text.sentences.calibration import (
    calibration_sentence,
    groups_tested,
    multicalibration_sentence,
)
from fairaudit.text.sentences.conditional import HOW as WITHIN
from fairaudit.text.sentences.conditional import conditional_sentence, readable_conditional
from fairaudit.text.sentences.equivalence import HOW, readable_equivalence
from fairaudit.text.sentences.errors import errors_lead, limits
from fairaudit.text.sentences.outcome import NOT_KNOWN
from fairaudit.text.sentences.phrases import joined
from fairaudit.text.sentences.primary import primary_sentence
from fairaudit.text.voice import voice_of
from fairaudit.ui import (
    drilldown,
    existing,
    layout,
    page_setup,
    pictures,
    result_page,
    threshold,
    url_widgets,
)

page_setup.start_page()

FORMULA = (
    r"\text{TPR} = \frac{TP}{TP+FN}, \quad \text{FPR} = \frac{FP}{FP+TN}, \quad "
    r"\text{gap} = \max_g m_g - \min_g m_g"
)

audit = result_page.open_audit("errors")
result_page.required_table(audit, "errors", wording.NO_ATTRIBUTE)
result, voice = audit.result, voice_of(audit.result)
top = st.container()
places = url_widgets.row(4)
with places[0]:
    by = url_widgets.attribute(result)
with places[1]:
    metric = url_widgets.metric(result)
with places[2]:
    model = url_widgets.model(result)
with places[3]:
    split = url_widgets.split(result)

query = {"attribute": by, "metric": metric, "split": split}
with top:
    title = None if voice.known else "Decisions"
    told = [primary_sentence(result), errors_lead(result, model=model, **query)]
    layout.header("errors", joined(told), title=title)
    if not voice.known:
        layout.note(NOT_KNOWN)
views = ["By group", "Intersections", "Threshold", "Score curves", "Counts and rows"]
if pictures.offered(audit):
    views.insert(1, pictures.VIEW)
view = url_widgets.view(views)

if view == "By group":
    all_models = st.toggle("All models side by side", key="together", bind="query-params")
    drawn = errors.by_group(result, models=None if all_models else [model], **query)
    layout.chart(drawn.bare(), key="by-group")
    layout.note(limits(result, model=model, **query))
    layout.data_table(
        errors.readable(drawn.table), key="errors-table", name="errors", metric=metric
    )
    below = readable_equivalence(result, split, model=model, attribute=by)
    if not below.is_empty():
        with st.expander("Every gap held against the margin", icon=":material/rule:"):
            layout.note(HOW)
            layout.data_table(below, key="equivalence-table", name="equivalence")
    within = readable_conditional(result, split, model=model, attribute=by)
    if not within.is_empty():
        with st.expander("Groups within the same levels", icon=":material/stacks:"):
            layout.statement(conditional_sentence(result, model=model, **query))
            layout.note(WITHIN)
            layout.data_table(within, key="conditional-table", name="conditional")
elif view == "Intersections":
    known = errors.intersections(result, by)
    if known:
        pair = {**query, "attribute": url_widgets.one_of("Intersection", known, key="crossed")}
        if pair != query:
            layout.statement(errors_lead(result, model=model, **pair))
        layout.chart(errors.intersection(result, model=model, **pair), key="crossing")
    else:
        layout.note(wording.NO_INTERSECTIONS)
elif view == pictures.VIEW:
    pictures.show(audit, attribute=by, model=model, split=split)
elif view == "Threshold":
    threshold.explorer(audit, model=model, **query)
elif view == "Score curves" and not voice.judges:
    result_page.needs_outcome(voice)
elif view == "Score curves":
    curves = {"attribute": by, "model": model, "split": split}
    for name, drawn in (
        ("calibration", errors.calibration(result, **curves)),
        ("roc", errors.roc(result, **curves)),
    ):
        layout.described_chart(drawn, key=name)
    if said := calibration_sentence(result, **curves):
        layout.statement(said)
        layout.statement(multicalibration_sentence(result, model=model, split=split))
        layout.data_table(groups_tested(result, **curves), key="calibration-tests", name="tests")
        layout.note(TESTED)
else:
    drilldown.show(audit, attribute=by, model=model, split=split)

counted = "actual and predicted outcomes" if voice.known else "decisions"
layout.computation(
    wording.how(counted, voice.percent),
    formula=FORMULA if voice.known else existing.RATE,
    outcome=audit.outcome,
    command=audit.command,
)
if voice.judges:
    layout.next_step("errors", audit.result.tables)
else:  # models are compared by how well they predict the outcome
    layout.page_link("report")
