"""Groups: who is in which latent group, how sharply, and what sets the groups apart."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import errors, groups
from fairaudit.text import leads
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.enter()

audit = result_page.open_audit("groups")
found = result_page.require(
    audit,
    "groups",
    "Its method finds no latent groups. ROME does: train it on the same data to see them.",
)
result = audit.result
head = st.container()
at = url_widgets.groups_shown(found)
found = groups.of_count(found, at)
with head:
    layout.page("groups", leads.groups_lead(found))
view = url_widgets.view(("Sizes", "Profile", "Errors", "Overlap", "Membership", "Projection"))

if view == "Sizes":
    layout.chart(groups.sizes(found).bare(), key="sizes")
    layout.data_table(groups.readable(found), key="groups-table", name="groups")
elif view == "Errors":
    places = url_widgets.row(3)
    with places[0]:
        metric = url_widgets.metric(result)
    with places[1]:
        model = url_widgets.model(result)
    with places[2]:
        split = url_widgets.split(result)
    ask = {"attribute": groups.LATENT, "metric": metric, "split": split}
    if groups.LATENT in result.errors["attribute"]:
        layout.says(leads.errors_lead(result, model=model, **ask))
        layout.chart(errors.by_group(result, models=[model], **ask), key="latent-errors")
    for finding in leads.findings(result):
        layout.quiet(finding)
    if (tests := audit.table("latent_tests")) is not None:
        layout.says(leads.tests_lead(tests))
        layout.chart(groups.tests(groups.of_count(tests, at)), key="latent-tests")
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
        layout.quiet(f"This audit holds no {view.lower()}; run it again to have one.")
    else:
        layout.told(shown, key=view.lower())

layout.how(
    "Groups were found on training rows and are judged on held-out rows only. A *rule* is a "
    "shallow tree fitted to membership; its *fidelity* is the balanced agreement on rows the "
    "rule was not made from: 0.5 is a coin, 1 is perfect. *Entropy* is 0 where every row belongs "
    "to one group for sure and 1 where membership is a guess.",
    formula=r"P(z=j \mid s) = \operatorname{softmax}_j\left(\gamma_j \cdot [1, s]\right)",
    command=audit.command,
)
layout.next_step("groups", audit.result.tables)
