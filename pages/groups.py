"""Groups: who belongs to which latent group, how clearly, and how the groups differ."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import errors, groups
from fairaudit.report.choices import group_count
from fairaudit.text.screens import groups as wording
from fairaudit.text.sentences.combination import combination_sentence
from fairaudit.text.sentences.errors import errors_lead
from fairaudit.text.sentences.groups import findings, groups_page_lead, tested_lead
from fairaudit.text.voice import voice_of
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.start_page()

audit = result_page.open_audit("groups")
latent_groups = result_page.required_table(
    audit,
    "groups",
    wording.NO_GROUPS,
)
result = audit.result
top = st.container()
at = url_widgets.group_count(latent_groups)
latent_groups = groups.of_count(latent_groups, at)
with top:
    layout.header("groups", groups_page_lead(result, latent_groups))
    if picked := combination_sentence(result):
        layout.note(picked)
view = url_widgets.view(("Sizes", "Profile", "Errors", "Overlap", "Membership", "Projection"))

if view == "Sizes":
    layout.chart(groups.sizes(latent_groups).bare(), key="sizes")
    layout.data_table(groups.readable(latent_groups), key="groups-table", name="groups")
elif view == "Errors":
    places = url_widgets.row(3)
    with places[0]:
        metric = url_widgets.metric(result)
    with places[1]:
        model = url_widgets.model(result)
    with places[2]:
        split = url_widgets.split(result)
    query = {"attribute": groups.LATENT, "metric": metric, "split": split}
    if at not in (None, group_count(result)):
        layout.note(wording.errors_for(group_count(result)))
    elif groups.LATENT in result.errors["attribute"]:
        layout.statement(errors_lead(result, model=model, **query))
        layout.chart(errors.by_group(result, models=[model], **query), key="latent-errors")
    for finding in findings(result):
        layout.note(finding)
    if (tests := audit.table("latent_tests")) is not None:
        layout.statement(tested_lead(result, at))
        drawn = groups.tests(groups.of_count(tests, at), voice=voice_of(result))
        layout.chart(drawn, key="latent-tests")
else:
    shown = None
    if view == "Profile" and (profile := audit.table("group_profile")) is not None:
        shown = groups.profile(groups.of_count(profile, at))
    elif view == "Overlap" and (overlap := audit.table("overlap")) is not None:
        overlap = groups.of_count(overlap, at)
        known = overlap["attribute"].unique(maintain_order=True).to_list()
        shown = groups.overlap(
            overlap, attribute=url_widgets.one_of("Attribute", known, key="with")
        )
    elif view == "Membership" and result.latent is not None:
        shown = groups.membership(groups.of_count(result.latent, at))
    elif view == "Projection" and (projection := audit.table("projection")) is not None:
        shown = groups.projection(groups.of_count(projection, at))
    if shown is None:
        layout.note(wording.no_view(view.lower()))
    else:
        layout.described_chart(shown, key=view.lower())

layout.computation(
    wording.HOW,
    formula=r"P(z=j \mid s) = \operatorname{softmax}_j\left(\gamma_j \cdot [1, s]\right)",
    outcome=audit.outcome,
    command=audit.command,
)
layout.next_step("groups", audit.result.tables)
